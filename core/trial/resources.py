"""Resources: the fields that they name, the kinds and the icons."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any, get_args

from core.nav import GROUPS
from core.resources import Column, Filter, Kind, Resource, Tone, View, references
from core.resources.filtering import OPERATORS
from core.trial.case import Case, unknown
from core.views import RESERVED
from core.web import theme
from core.web.form_pages import OWN


def check(case: Case) -> None:
    for resource in case.resources:
        _Said(case, resource).check()


class _Said:
    """What one resource says, name by name."""

    def __init__(self, case: Case, resource: Resource) -> None:
        self.case, self.resource = case, resource
        self.fields = resource.model._meta.fields

    def check(self) -> None:
        self._names()
        for column in self.resource.columns:
            self._column(column, f"Column {column.name}")
        for declared in self.resource.filters:
            self._filter(declared, f"Filter {declared.name}")
        for one in self.resource.views:
            self._view(one, f"View {one.name}")
        self._references(f"schema {self.resource.schema.__name__}")
        self._document(f"schema {self.resource.schema.__name__}")
        self._inputs(f"schema {self.resource.schema.__name__}")

    def _wrong(self, text: str) -> None:
        self.case.errors.append(f"{self.resource.name}: {text}")

    def _expect(self, where: str, names: Iterable[Any], known: Collection[str], what: str) -> None:
        self.case.errors += unknown(f"{self.resource.name}: {where}", names, known, what)

    def _of_model(self, where: str, names: Iterable[str]) -> None:
        self._expect(where, names, self.fields, f"a field of the model {self.resource.model.__name__}")

    def _of_schema(self, where: str, names: Iterable[str]) -> None:
        schema = self.resource.schema
        self._expect(where, names, schema().fields, f"a field of the schema {schema.__name__}")

    def _names(self) -> None:
        resource = self.resource
        self._expect("icon", [resource.icon], theme.ICONS, "an icon of the theme")
        self._expect("nav_group", filter(None, [resource.nav_group]), GROUPS, "a part of the menu")
        for action in resource.actions:
            self._expect(
                f"Action {action.name}: icon", filter(None, [action.icon]), theme.ICONS, "an icon of the theme"
            )
        for scope in resource.scopes:
            self._of_model(f"Scope {scope.name}", [scope.name])
        self._of_model("search_exact", resource.search_exact)
        self._of_schema("key", resource.key)
        self._of_model("key", () if resource.service else resource.key)
        self._of_schema("form_fields", resource.form_fields)
        self._sort("default_sort", resource.default_sort)
        self._expect("subtitle", resource.subtitle, {one.name for one in resource.columns}, "a column of it")
        for section in resource.detail:
            nested = resource.schema().fields  # shown as rows
            unshown = [
                name for name in section.fields if not (resource.column(name) or name in nested or self._is_read(name))
            ]
            self._of_model(f"Section {section.name}", unshown)

    def _column(self, column: Column, where: str) -> None:
        is_tags = column.kind == "tags" and self.resource.has_tags
        self._expect(f"{where}: kind", [column.kind], get_args(Kind), "a kind of column")
        if column.sortable or not (column.value or is_tags or self._is_read(column.name)):
            self._of_model(where, [column.name])
        self._of_model(f"{where}: reads", column.reads or ())
        if column.kind == "reference" and column.name not in references.targets(self.resource.schema):
            self._wrong(f"{where}: kind reference needs a field of that name in the schema that is a Reference.")
        tones = [badge.tone for badge in column.badges.values()]
        self._expect(f"{where}: tone", tones, get_args(Tone), "a tone of a badge")
        if column.kind == "money" and not (column.name.endswith("_minor") and "currency" in self.fields):
            self._wrong(f"{where}: kind money needs a field that ends in _minor and, beside it, the field currency.")

    def _references(self, where: str) -> None:
        """Those of its own plugin are all here; another one may just be off."""
        known, own = self.case.built.resources, f"{self.resource.plugin}."
        for path, target in references.targets(self.resource.schema).items():
            said = unknown(f"{self.resource.name}: {where}: {path}", [target], known, "a resource that is here now")
            (self.case.errors if target.startswith((own, "core.")) else self.case.hints).extend(said)

    def _is_read(self, name: str) -> bool:
        """From the record itself, or as what the loader may have put there."""
        return self.resource.loader is not None or hasattr(self.resource.model, name)

    def _filter(self, one: Filter, where: str) -> None:
        self._expect(f"{where}: kind", [one.kind], OPERATORS, "a kind of filter")
        if one.kind != "tag":
            self._of_model(where, [one.name])
        elif not self.resource.has_tags:
            self._wrong(f"{where}: kind tag needs has_tags=True.")
        if one.name in RESERVED:
            self._wrong(f"{where}: the address of a list uses this name for something else.")

    def _view(self, one: View, where: str) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", one.name) or one.name in ("all", "new"):
            self._wrong(f"{where}: its name is small letters, digits and _, a letter first, not all or new.")
        asked = [argument.partition("__")[0] for argument in one.filters]
        self._expect(f"{where}: filters", asked, {known.name for known in self.resource.filters}, "a filter of it")
        self._expect(
            f"{where}: columns", one.columns, {known.name for known in self.resource.columns}, "a column of it"
        )
        self._sort(f"{where}: sort", one.sort or "id")

    def _sort(self, where: str, name: str) -> None:
        sortable = {"id", *(column.name for column in self.resource.columns if column.sortable)}
        self._expect(where, [name.removeprefix("-")], sortable, "id or a sortable column")

    def _inputs(self, where: str) -> None:
        resource, fields = self.resource, self.resource.schema().fields.items()
        typed = {name for name, one in fields if not one.dump_only and name in (resource.form_fields or {name})}
        for name in sorted(typed & OWN) if resource.offers_new or resource.offers_edit else ():
            self._wrong(f"{where}: {name}: the form has an input of this name for something else.")

    def _document(self, where: str) -> None:
        """What the service of core writes: the fields of the schema, unless the schema makes something else of them."""
        resource, schema = self.resource, self.resource.schema()
        if resource.service or schema._hooks.get("post_load") or not (resource.can_create or resource.can_edit):
            return
        taken = {one.attribute or name for name, one in schema.fields.items() if not one.dump_only}
        self._of_model(where, sorted(taken - ({"tags"} if resource.has_tags else set())))
        for name, field in self.fields.items() if resource.can_create else ():
            if name not in taken and not (field.null or field.primary_key) and field.default is None:
                text = f"{where} has no field {name!r} that may be written, and the model needs it"
                self._wrong(f"{text}: give it there, or a default in the model.")
