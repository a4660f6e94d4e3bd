"""Users and roles as resources: the same pages, API and audit as for any other record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma

from core import auth, runtime
from core.access.models import Role, RolePermission, UserRole
from core.access.roles import assign, demand_over, label_of, role_named, set_permissions, set_roles
from core.auth import accounts
from core.auth.models import USERNAME, User
from core.builtin import lockouts, rights_pages, scoping, spoken
from core.context import Context
from core.db import bulk
from core.errors import Conflict, Invalid, NotFound, Rejected
from core.i18n import LOCALES, N_, _, __
from core.resources import Option
from core.resources.declaration import Action, Badge, Column, Filter, Resource, Section
from core.resources.service import Document, Service
from core.resources.sets import Outcome

_ROLE_NAME, _NAMED = r"[a-z][a-z0-9_-]{0,99}", N_("Use small letters, digits, - and _; a letter first.")


class Words(ma.fields.List[str]):
    """Names: a list, or a text with blanks or commas between them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(ma.fields.String(validate=ma.validate.Length(max=150)), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> list[Any]:
        words = value.replace(",", " ").split() if isinstance(value, str) else value
        return super()._deserialize(words, attr, data, **options)


def _text(label: Any, longest: int, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.Length(max=longest), metadata={"label": label}, **options)


def _known_zone(name: str) -> None:
    if name not in available_timezones():
        raise ma.ValidationError(_("There is no such time zone."))


class UserSchema(ma.Schema):
    """A user without secrets; passwords are set by the action `set_password`."""

    id = ma.fields.Integer(dump_only=True)
    username = ma.fields.String(
        required=True,
        validate=ma.validate.Regexp(USERNAME + r"\Z", error=accounts.SIGNS),
        metadata={"label": __("User name")},
    )
    name = _text(__("Name"), 200)
    email = ma.fields.String(
        validate=[ma.validate.Length(max=254), accounts.check_email], metadata={"label": __("E-mail")}
    )
    locale = ma.fields.String(
        validate=ma.validate.OneOf(list(LOCALES), list(LOCALES.values())), metadata={"label": __("Language")}
    )
    timezone = ma.fields.String(
        validate=_known_zone,
        load_default=lambda: runtime.current().settings.timezone,
        metadata={"label": __("Time zone"), "help": __("Such as Europe/London or Asia/Riyadh.")},
    )
    roles = Words(metadata={"label": __("Roles"), "kind": "several", "options": rights_pages.roles_to_give})
    is_active = ma.fields.Boolean(dump_only=True, metadata={"label": __("Active")})

    @ma.post_load
    def _lower(self, document: Document, **_options: Any) -> Document:
        return document | {"username": document["username"].casefold()} if "username" in document else document


class RoleSchema(ma.Schema):
    """A role with its lines: permissions, or patterns such as `orders.*`."""

    id = ma.fields.Integer(dump_only=True)
    name = ma.fields.String(
        required=True,
        validate=ma.validate.Regexp(_ROLE_NAME + r"\Z", error=_NAMED),
        metadata={"label": __("Short name")},
    )
    label = _text(__("Name"), 200)
    permissions = Words(metadata={"label": __("Permissions"), "kind": "longtext"})


class PasswordSchema(ma.Schema):
    """Argument of `set_password`."""

    password = ma.fields.String(
        required=True, load_only=True, metadata={"label": __("New password"), "kind": "password"}
    )


def _one_of(label: Any, options: Callable[[], Sequence[Option]]) -> ma.fields.String:
    about = {"label": label, "kind": "choice", "options": options}
    return ma.fields.String(validate=ma.validate.Length(max=100), required=True, metadata=about)


class RowsSchema(ma.Schema):
    """Arguments of `limit_rows`; without values the role reaches all rows."""

    role = _one_of(__("Role"), rights_pages.roles_to_give)
    resource = _one_of(__("Kind of record"), scoping.resources)
    scope = _one_of(__("By"), scoping.scopes)
    values = scoping.Values(
        required=True,
        metadata={
            "label": __("Allowed values"),
            "kind": "several",
            "options": scoping.values,
            "others": scoping.are_typed,
            "help": __("None: the role reaches all rows."),
        },
    )


@contextmanager
def _beside(field: str, record_id: int) -> Iterator[None]:
    """What is refused inside stands beside `field` of the form."""
    try:
        yield
    except (Conflict, Invalid, NotFound) as error:
        raise Rejected(record_id, field, str(error)) from None


class UserService(Service):
    """Users with the names of their roles; whoever changes one must hold all that he holds."""

    fixed = Service.fixed | {"password_hash", "is_active", "last_sign_in_at"}
    lists = frozenset({"roles"})

    def documents(self, ids: Sequence[int]) -> list[Document]:
        shown = super().documents(ids)
        return [{name: value for name, value in doc.items() if name != "password_hash"} for doc in shown]

    def lists_of(self, ids: Sequence[int]) -> Mapping[str, Mapping[int, list[str]]]:
        held = UserRole.select(UserRole.user_id, Role.name).join(Role).where(UserRole.user.in_(list(ids)))
        return {"roles": bulk.grouped(held.tuples(), ids)}

    def save(self, ctx: Context, changed: Mapping[int, Document], old: Mapping[int, Document]) -> None:
        demand_over(ctx.actor, list(changed))
        super().save(ctx, changed, old)

    def attach(self, ctx: Context, docs: Mapping[int, Document], old: Mapping[int, Document]) -> None:
        for user_id in [key for key, doc in docs.items() if "roles" in doc]:
            with _beside("roles", user_id):
                set_roles(ctx, User.get_by_id(user_id), docs[user_id]["roles"])


class RoleService(Service):
    """Roles with their permissions."""

    lists = frozenset({"permissions"})

    def lists_of(self, ids: Sequence[int]) -> Mapping[str, Mapping[int, list[str]]]:
        lines = RolePermission.select(RolePermission.role_id, RolePermission.permission)
        return {"permissions": bulk.grouped(lines.where(RolePermission.role.in_(list(ids))).tuples(), ids)}

    def attach(self, ctx: Context, docs: Mapping[int, Document], old: Mapping[int, Document]) -> None:
        for role_id in [key for key, doc in docs.items() if "permissions" in doc]:
            with _beside("permissions", role_id):
                set_permissions(ctx, Role.get_by_id(role_id), docs[role_id]["permissions"])

    def refuse(self, ctx: Context, doc: Document, old: Document | None) -> Mapping[str, Sequence[str]]:
        if old and doc.get("name", old["name"]) != old["name"]:  # rules name the owner's role by it
            return {"name": [_("The short name of a role stays as it is.")]}
        return super().refuse(ctx, doc, old)


def _switch(active: bool) -> Callable[..., dict[int, Outcome]]:
    def run(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
        changed = auth.set_active(ctx, ids, active)
        return {user_id: Outcome("done" if user_id in changed else "unchanged", user_id) for user_id in ids}

    return run


def _switched(users: Sequence[User]) -> dict[str, dict[int, str]]:
    """The guard of `disable`, `enable` and `unlock`; none of them is a step that something is missing for."""
    active, off = ({user.id: "" for user in users if user.is_active is on} for on in (True, False))
    return {"disable": off, "enable": active, "unlock": lockouts.open_ones(users)}


def _set_password(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
    for user in User.select().where(User.id.in_(list(ids))):
        auth.set_password(ctx, user, arguments["password"])
    return {user_id: Outcome("done", user_id) for user_id in ids}


def _limit_rows(ctx: Context, ids: Sequence[int], arguments: Mapping[str, Any]) -> dict[int, Outcome]:
    name, role = arguments["resource"], role_named(arguments["role"])
    for user in User.select().where(User.id.in_(list(ids))):
        held = UserRole.get_or_none(UserRole.user == user, UserRole.role == role)
        scopes = {other: narrowed for other, narrowed in (held.scopes if held else {}).items() if other != name}
        limit = {name: {arguments["scope"]: arguments["values"]}} if arguments["values"] else {}
        assign(ctx, user, role.name, scopes | limit)
    return {user_id: Outcome("done", user_id) for user_id in ids}


def _join_roles(users: Sequence[User], ctx: Context) -> None:
    """Puts the names of their roles beside users, by one statement."""
    held = UserRole.select(UserRole, Role).join(Role).where(UserRole.user.in_([user.id for user in users]))
    named = bulk.grouped([(row.user_id, label_of(row.role)) for row in held], [user.id for user in users])
    for user in users:
        user.role_names = ", ".join(named[user.id])


_STATES = {"True": Badge(__("Active"), "ok", "full"), "False": Badge(__("Switched off"), "neutral", "empty")}
USERS = Resource(
    name="core.user",
    slug="users",
    model=User,
    schema=UserSchema,
    label=__("User"),
    label_plural=__("Users"),
    icon="users",
    nav_group="settings",
    nav_key="u",
    columns=[
        Column("username", __("User name"), "code", sortable=True),
        Column("name", __("Name")),
        Column("email", __("E-mail")),
        Column("is_active", __("State"), "badge", badges=_STATES, value=lambda user: str(user.is_active)),
        Column("roles", __("Roles"), value=lambda user: user.role_names),
        Column("locale", __("Language"), shown=False, value=lambda user: LOCALES.get(user.locale, user.locale)),
        Column("last_sign_in_at", __("Last sign-in"), "datetime"),
        Column("created_at", __("Since"), "datetime", shown=False),
    ],
    filters=[Filter("is_active", __("Active"), "bool")],
    search_exact=["username", "email", "name"],
    detail=[
        Section("who", __("User"), ["username", "name", "email", "locale", "timezone", "last_sign_in_at"]),
        Section("roles", __("Roles"), template="admin/user_roles.html", load=rights_pages.of_user),
        Section("sessions", __("Signed in"), template="admin/user_sessions.html", load=rights_pages.sessions_of),
    ],
    loader=_join_roles,
    actions=[
        Action(
            "disable", __("Switch off"), _switch(False), icon="ban", danger=True, reason="optional",
            confirm=__("They are signed out at once."),
        ),
        Action("enable", __("Switch on"), _switch(True), icon="circle-check"),
        Action("unlock", __("Unlock"), lockouts.unlock, icon="circle-check"),
        Action(
            "set_password", __("Set password"), _set_password, schema=PasswordSchema, icon="key", bulk=False,
            level="reauth", confirm=__("All sessions of this user end."),
        ),
        Action("limit_rows", __("Limit rows"), _limit_rows, schema=RowsSchema, icon="filter", level="reauth"),
    ],
    guard=_switched,
    said=spoken.of_people,
    service=UserService,
    reauth=["username", "roles"],
    has_notes=False,
    can_import=False,
)  # fmt: skip
ROLES = Resource(
    name="core.role",
    slug="roles",
    title=label_of,
    model=Role,
    schema=RoleSchema,
    label=__("Role"),
    label_plural=__("Roles"),
    icon="shield",
    nav_group="settings",
    columns=[Column("name", __("Short name"), "code", sortable=True), Column("label", __("Name"))],
    search_exact=["name", "label"],
    detail=[
        Section("may", __("What it may do"), template="admin/role_matrix.html", load=rights_pages.of_role),
        Section("what", __("Role"), ["name", "label"], side=True),
        Section(
            "holders", __("Who holds it"), template="admin/role_holders.html", load=rights_pages.holders_of, side=True
        ),
    ],
    said=spoken.of_people,
    service=RoleService,
    form_fields=["name", "label"],
    reauth=["permissions"],
    has_notes=False,
    can_import=False,
)
