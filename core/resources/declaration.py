"""What a plugin says about a resource, once. Engines read it (web, API, search, plugins); nothing here does I/O."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import marshmallow as ma

from core.context import Actor, Context
from core.db import Record
from core.resources.border import bordered
from core.resources.editing import check_editable
from core.resources.reasons import Reason, with_reason
from core.resources.sets import Outcome

if TYPE_CHECKING:
    from core.resources.service import Service

Tone = Literal["neutral", "info", "ok", "warn", "bad", "alt"]
Pip = Literal["", "empty", "half", "full"]
Level = Literal["undo", "dialog", "reauth", "typed"]
"""What stands before an act: nothing but an undo after it; a click; the password; the password, and a text typed."""
Kind = Literal["text", "code", "number", "money", "date", "datetime", "badge", "tags", "bool", "reference"]
Label = Any  # a str or a lazy translation


@dataclass(frozen=True)
class Badge:
    """A status mark: text, tone and a pip (none, part, all); never colour alone."""

    label: Label
    tone: Tone = "neutral"
    pip: Pip = ""


@dataclass(frozen=True)
class Column:
    """One column of the index and one line of the detail page.

    `name`: a model field (or an attribute that `value` computes from the record, without a query).
    `kind` money: the field ends in `_minor`, the record has `currency`. `badges`: value -> Badge for kind badge.
    `kind` reference: the schema's field of that name is a `Reference`; the title of the record that it names is shown.
    `reads`: the model fields that `value` needs beside that of the column; None means any, so that all are read.
    `sortable` needs an index on (field, id). `shown`: in the table unless the user chose otherwise.
    `editable`: its cells are edited in place; the schema's field of that name is then one of the form.
    `link(record)`: address that the value leads to, or None (the first column of a table leads to its record).
    """

    name: str
    label: Label
    kind: Kind = "text"
    sortable: bool = False
    shown: bool = True
    badges: Mapping[str, Badge] = field(default_factory=dict)
    value: Callable[[Any], Any] | None = None
    reads: Sequence[str] | None = None
    link: Callable[[Any], str | None] | None = None
    editable: bool = False


@dataclass(frozen=True)
class Filter:
    """One filter; `name`: a model field (kind tag: any). Arguments in URL and API: `name` or `name__<op>`.

    Operators by kind: choice in (comma list); text eq, prefix; number and money gte, lte, eq; date (days or moments, as
    the model field has them) gte, lte and the relative words today, yesterday, last_7_days, last_30_days, this_month,
    this_year; bool eq; tag in (trait tags). `choices`: {value: its name}, or a function that gives it when asked.
    """

    name: str
    label: Label
    kind: Literal["choice", "text", "number", "money", "date", "bool", "tag"] = "choice"
    choices: Mapping[str, Label] | Callable[[], Mapping[str, Label]] = field(default_factory=dict)

    def offered(self) -> Mapping[str, Label]:
        """The choices that there are now."""
        return self.choices() if callable(self.choices) else self.choices


@dataclass(frozen=True)
class View:
    """A tab that a resource brings with it: `View("unpaid", __("Unpaid"), {"payment_status": "unpaid"})`.

    `name`: in addresses, begins with a letter. `filters`: {argument: value} as in the address of the list. `sort`,
    `columns` (names in order): as the list has them, or for each user as he chose last, unless said here.
    """

    name: str
    label: Label
    filters: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    columns: Sequence[str] = ()


@dataclass(frozen=True)
class Scope:
    """A model field by which a role may be narrowed to some rows: `Scope("sales_channel", __("Sales channel"))`.

    `choices`: {value: its name}, or a function that gives it when asked; without them values are typed.
    """

    name: str
    label: Label
    choices: Mapping[str, Label] | Callable[[], Mapping[str, Label]] = field(default_factory=dict)

    def offered(self) -> Mapping[str, Label]:
        """The choices that there are now."""
        return self.choices() if callable(self.choices) else self.choices


@dataclass(frozen=True)
class Section:
    """A part of the detail page: `fields` as label/value lines, or `template` with what `load` gives.

    It is a part of the form, too, with those of `fields` that can be edited. `load(ctx, record) -> dict` does at most
    two queries. `side`: in the side column.
    """

    name: str
    title: Label
    fields: Sequence[str] = ()
    template: str = ""
    load: Callable[[Context, Any], dict[str, Any]] | None = None
    side: bool = False


@dataclass(frozen=True)
class Waiting:
    """A number beside an entry of the menu: what waits there. `label`: of what, "to ship"; `is_bad`: in red."""

    number: int
    label: Label
    is_bad: bool = False


@dataclass(frozen=True)
class Action:
    """A command on a set of records, from the bulk bar, the detail page and the API; above 20 rows it is a job.

    `run(ctx, ids, arguments) -> {id: Outcome}`: called inside a transaction with at most 200 ids, must do a number
    of statements that does not grow with the ids, leaves audit and event through `core.changes`. May run again.
    `undo(ctx, {id: undo data}) -> {id: Outcome}`: only offered where given; called for records unchanged since.
    Permission: `<resource>.<name>`. `schema`: marshmallow schema of the arguments, shown as a small form.
    What it would refuse says the resource's `guard`, by the same rule as `run`.
    `confirm`: "" = do at once (then undo should exist), else the sentence of the dialog.
    `level`: "" = dialog where `confirm` or `danger` says so, else undo; reauth: the password, unless it was given
    lately; typed: that, and the record's title, or how many records, is to be typed.
    `reason`: asked for beside the arguments; it goes into the context of `run`, and so into the audit log.
    `key`: the shortcut that it has unless another command has it, or the user chose another.
    `daily`: everyday work; who holds the line `*.daily`, as the default role Operator does, may do it.
    """

    name: str
    label: Label
    run: Callable[[Context, Sequence[int], Mapping[str, Any]], Mapping[int, Outcome]]
    undo: Callable[[Context, Mapping[int, Any]], Mapping[int, Outcome]] | None = None
    schema: type[ma.Schema] | None = None
    icon: str = ""
    danger: bool = False
    confirm: Label = ""
    bulk: bool = True
    level: Level | Literal[""] = ""
    reason: Reason = ""
    key: str = ""
    daily: bool = False

    def __post_init__(self) -> None:
        schema = with_reason(self.schema or ma.Schema, self.reason) if self.reason else self.schema
        object.__setattr__(self, "schema", bordered(schema) if schema else None)

    @property
    def asks(self) -> Level:
        """The level that holds."""
        return self.level or ("dialog" if self.confirm or self.danger else "undo")


@dataclass(frozen=True, eq=False)
class Resource:
    """One declaration; see docs/resource.md.

    `name`: `<plugin>.<noun>`, prefix of the permissions `<name>.view|create|edit|delete|export|import|<action>`.
    `slug`: the plural in URLs: `/admin/<slug>/`, `/api/v1/<slug>`. `schema`: the border for all input and the shape
    of all output (API, form, import, export); load gives a document, dump takes what `service.documents` gives.
    `key`: document fields that name a record from outside; an import with an equal key updates.
    `search_exact`: indexed model fields tried first; `search_text(ids) -> {id: text}` is what part-of-word search sees.
    `title(record)`: the record's name in headings and links; `subtitle`: columns whose values stand below it.
    `loader(records, ctx)`: joins what columns need for the records of one page, in a fixed number of statements.
    `service`: subclass of `core.resources.Service`.
    `guard(records) -> {action: {id: why not}}`: which actions would leave which of these loaded records alone now, in a
    number of statements that does not grow with them; the page of a record offers the others, and says why its next
    step is not possible. "" is for what the record is simply not at.
    `rows(actor)`: a condition on the model for what that actor reaches at all, besides his scopes; None = everything.
    `views`: tabs above the list, after that of the whole list.
    `scroll`: the next page of the list comes by itself at its end.
    `above`: a part above the list (a template, and `load(ctx, None)`), which is not fetched again with it.
    `waiting(ctx)`: the numbers beside its entry in the menu, from an index or from sums that are kept; at most two.
    `said(field, value, record) -> (label, text) or None`: how the log says a value of a change; None: by the labels of
    schema, columns and filters. `record`: the document as far as it is known.
    `has_form`: pages to add and to edit one; without them it is written elsewhere, and by the API.
    `reauth`: fields of the document that are only written when the password was given lately.
    `events`: created, updated, deleted event names are `<name>_created.v1` and so on.
    """

    name: str
    slug: str
    model: type[Record]
    schema: type[ma.Schema]
    label: Label
    label_plural: Label
    columns: Sequence[Column]
    key: Sequence[str] = ()
    title: Callable[[Any], str] = str
    subtitle: Sequence[str] = ()
    icon: str = "box"
    empty: Label = ""
    nav_group: str = "work"
    nav_order: int = 50
    nav_key: str = ""
    default_sort: str = "-id"
    filters: Sequence[Filter] = ()
    views: Sequence[View] = ()
    search_exact: Sequence[str] = ()
    search_text: Callable[[Sequence[int]], Mapping[int, str]] | None = None
    detail: Sequence[Section] = ()
    actions: Sequence[Action] = ()
    guard: Callable[[Sequence[Any]], Mapping[str, Mapping[int, str]]] | None = None
    scopes: Sequence[Scope] = ()
    rows: Callable[[Actor], Any] | None = None
    loader: Callable[[Sequence[Any], Context], None] | None = None
    service: type[Service] | None = None
    scroll: bool = False
    has_tags: bool = False
    has_notes: bool = True
    can_create: bool = True
    can_edit: bool = True
    can_delete: bool = False
    can_import: bool = True
    has_form: bool = True
    form_fields: Sequence[str] = ()
    reauth: Sequence[str] = ()
    waiting: Callable[[Context], Sequence[Waiting]] | None = None
    above: Section | None = None
    said: Callable[[str, Any, Mapping[str, Any]], tuple[Label, Any] | None] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", bordered(self.schema))
        check_editable(self)

    @property
    def offers_new(self) -> bool:
        return self.can_create and self.has_form

    @property
    def offers_edit(self) -> bool:
        return self.can_edit and self.has_form

    @property
    def is_edited_in_place(self) -> bool:
        return any(column.editable for column in self.columns)

    @property
    def plugin(self) -> str:
        return self.name.split(".", 1)[0]

    def permission(self, verb: str) -> str:
        return f"{self.name}.{verb}"

    def permissions(self) -> list[str]:
        """All permissions that this resource brings."""
        verbs = ["view", "export"]
        verbs += [verb for verb in ("create", "edit", "delete", "import") if getattr(self, f"can_{verb}")]
        verbs += ["note"] if self.has_notes else []
        return [self.permission(verb) for verb in dict.fromkeys([*verbs, *(action.name for action in self.actions)])]

    def action(self, name: str) -> Action | None:
        return next((action for action in self.actions if action.name == name), None)

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)
