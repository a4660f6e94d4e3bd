"""The saved views of lists as a resource: who keeps many has a list of them, and the API reads and writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import marshmallow as ma

from core import links, runtime
from core.audit import words
from core.auth import User
from core.builtin import spoken
from core.context import Context
from core.i18n import _, __
from core.resources.declaration import Column, Filter, Resource, Section
from core.resources.sets import Selection
from core.views import DENSITIES, EVERYBODY, SavedView, ViewService, visible
from core.web import lists

_Length = ma.validate.Length


class ViewSchema(ma.Schema):
    """A view of a list. `filters`, `search`, `sort`, `columns`, `density`: as in the address of the list."""

    id = ma.fields.Integer(dump_only=True)
    resource = ma.fields.String(required=True, validate=_Length(max=80), metadata={"label": __("List")})
    name = ma.fields.String(required=True, validate=_Length(1, 80), metadata={"label": __("Name")})
    filters = ma.fields.Dict(
        keys=ma.fields.String(validate=_Length(1, 80)),
        values=ma.fields.String(validate=_Length(max=2_000)),
        validate=_Length(max=50),
        metadata={"label": __("Filters")},
    )
    search = ma.fields.String(validate=_Length(max=200), metadata={"label": __("Search")})
    sort = ma.fields.String(validate=_Length(max=80), metadata={"label": __("Sorted by")})
    columns = ma.fields.List(
        ma.fields.String(validate=_Length(max=80)), validate=_Length(max=100), metadata={"label": __("Columns")}
    )
    density = ma.fields.String(validate=ma.validate.OneOf(["", *DENSITIES]), metadata={"label": __("Density")})
    position = ma.fields.Integer(validate=ma.validate.Range(0, 9_999), metadata={"label": __("Place among the tabs")})
    shared_with = ma.fields.String(
        validate=_Length(max=100),
        metadata={"label": __("Shared with"), "help": __("Nothing: only you; *: everybody; or the name of a role.")},
    )
    owner = ma.fields.Integer(dump_only=True, metadata={"label": __("Owner")})


def _shared(view: SavedView) -> Any:
    named = {"": _("Only the owner"), EVERYBODY: _("Everybody")}
    return named.get(view.shared_with) or spoken.role(view.shared_with)


def _list_of(view: SavedView) -> Resource | None:
    return runtime.current().resources.get(view.resource)


def _list_name(view: SavedView) -> Any:
    return words.kind_plural(view.resource)


def _address(view: SavedView) -> str | None:
    """The list with this view open; None while its plugin is off."""
    return links.page(f"{links.endpoint(view.resource)}.index_view", view=view.id)


def _asked(view: SavedView) -> str:
    """Filters and search in words."""
    declared, chosen = _list_of(view), Selection(view.resource, filters=view.filters, search=view.search)
    return "; ".join(f"{label}: {text}" for label, text in lists.asked(declared, chosen)) if declared else ""


def _sorted(view: SavedView) -> str:
    """The sort in words."""
    name, declared = view.sort.removeprefix("-"), _list_of(view)
    column = declared.column(name) if declared else None
    label = column.label if column else _("Record number") if name == "id" else name
    if not name:
        return ""
    return _("%(column)s, descending", column=label) if view.sort != name else _("%(column)s, ascending", column=label)


def _said(name: str, value: Any, record: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """A field of a view as the log says it; None: as usual."""
    if name not in _SAID:
        return None
    view = SavedView(**{"resource": record.get("resource", ""), name: value})
    if name == "filters" and _list_of(view) is None:
        return None
    return ViewSchema._declared_fields[name].metadata["label"], _SAID[name](view)


_SAID: Mapping[str, Callable[[SavedView], Any]] = {
    "resource": _list_name,
    "filters": _asked,
    "sort": _sorted,
    "columns": lambda view: spoken.columns(_list_of(view), view.columns),
    "density": lambda view: spoken.density(view.density),
    "shared_with": _shared,
}


def _join_owners(views: Sequence[SavedView], ctx: Context) -> None:
    """Puts the names of their owners beside views, by one statement."""
    users = {user.id: str(user) for user in User.select().where(User.id.in_({view.owner_id for view in views}))}
    for view in views:
        view.owner_name = users.get(view.owner_id, "")


VIEWS = Resource(
    name="core.view",
    slug="views",
    model=SavedView,
    schema=ViewSchema,
    label=__("View"),
    label_plural=__("Views"),
    icon="bookmark",
    empty=__("On any list, choose filters, columns or a sort, then press Save view."),
    nav_group="",
    columns=[
        Column("name", __("Name")),
        Column("resource", __("List"), value=_list_name, link=_address),
        Column("filters", __("Filters"), value=_asked, shown=False),
        Column("sort", __("Sorted by"), value=_sorted, shown=False),
        Column("shared_with", __("Shared with"), value=_shared),
        Column("owner", __("Owner"), value=lambda view: view.owner_name),
        Column("updated_at", __("Changed"), "datetime"),
    ],
    filters=[Filter("resource", __("List"), "text")],
    rows=visible,
    loader=_join_owners,
    detail=[Section("what", __("View"), ["name", "resource", "filters", "sort", "shared_with", "position"])],
    said=_said,
    service=ViewService,
    has_notes=False,
    can_delete=True,
    can_import=False,
    has_form=False,
)
