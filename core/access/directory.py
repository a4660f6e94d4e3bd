"""Users and roles as resources: the same pages, API and audit as for any other record."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

import marshmallow as ma

from core import auth, db
from core.access.models import Role, RolePermission, UserRole
from core.access.roles import assign, demand_over, role_named, set_permissions, set_roles
from core.auth.models import USERNAME, User
from core.context import Context
from core.errors import Conflict, Invalid, NotFound, Rejected
from core.i18n import LOCALES, _, __
from core.resources.declaration import Action, Badge, Column, Filter, Outcome, Resource, Section
from core.resources.service import Document, Service

_ROLE_NAME = r"[a-z][a-z0-9_-]{0,99}"


class Words(ma.fields.Field[list[str]]):
    """Names: a list, or a text with blanks or commas between them."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:
        words = re.split(r"[\s,]+", value.strip()) if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(word, str) and len(word) <= 150 for word in words):
            raise self.make_error("validator_failed")
        return sorted({word for word in words if word})


def _text(label: Any, longest: int, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.Length(max=longest), metadata={"label": label}, **options)


def _known_zone(name: str) -> None:
    if name not in available_timezones():
        raise ma.ValidationError(_("There is no such time zone."))


class UserSchema(ma.Schema):
    """A user without secrets; passwords are set by the action `set_password`."""

    id = ma.fields.Integer(dump_only=True)
    username = ma.fields.String(
        required=True, validate=ma.validate.Regexp(USERNAME + r"\Z"), metadata={"label": __("User name")}
    )
    name = _text(__("Name"), 200)
    email = _text(__("Email"), 254)
    locale = ma.fields.String(
        validate=ma.validate.OneOf(list(LOCALES), list(LOCALES.values())), metadata={"label": __("Language")}
    )
    timezone = ma.fields.String(validate=_known_zone, metadata={"label": __("Time zone")})
    roles = Words(metadata={"label": __("Roles"), "kind": "tags"})
    is_active = ma.fields.Boolean(dump_only=True, metadata={"label": __("Active")})

    @ma.post_load
    def _lower(self, document: Document, **_options: Any) -> Document:
        return document | {"username": document["username"].casefold()} if "username" in document else document


class RoleSchema(ma.Schema):
    """A role with its lines: permissions, or patterns such as `orders.*`."""

    id = ma.fields.Integer(dump_only=True)
    name = ma.fields.String(
        required=True, validate=ma.validate.Regexp(_ROLE_NAME + r"\Z"), metadata={"label": __("Short name")}
    )
    label = _text(__("Name"), 200)
    permissions = Words(metadata={"label": __("Permissions"), "kind": "longtext"})


class PasswordSchema(ma.Schema):
    """Argument of `set_password`."""

    password = ma.fields.String(
        required=True, load_only=True, metadata={"label": __("New password"), "kind": "password"}
    )


class RowsSchema(ma.Schema):
    """Arguments of `limit_rows`; without values the role reaches all rows."""

    role = _text(__("Role"), 100, required=True)
    resource = _text(__("Kind of record"), 100, required=True)
    scope = _text(__("By"), 100, required=True)
    values = Words(required=True, metadata={"label": __("Allowed values"), "kind": "tags"})


class _Listed(Service):
    """A flat model with one list of names beside it (`listed`, among the `fixed` fields), which `put` writes."""

    listed = ""

    def names_of(self, ids: Sequence[int]) -> Any:
        """Rows of (record id, name)."""
        raise NotImplementedError

    def put(self, ctx: Context, record: Any, names: Sequence[str]) -> None:
        raise NotImplementedError

    def documents(self, ids: Sequence[int]) -> list[Document]:
        found: dict[int, list[str]] = {}
        for record_id, name in self.names_of(ids):
            found.setdefault(record_id, []).append(name)
        docs = [doc | {self.listed: sorted(found.get(doc["id"], []))} for doc in super().documents(ids)]
        return [{name: value for name, value in doc.items() if name != "password_hash"} for doc in docs]

    def insert(self, ctx: Context, docs: Sequence[Document]) -> list[int]:
        ids = super().insert(ctx, docs)
        for record_id, doc in zip(ids, docs, strict=True):
            self._put(ctx, record_id, doc)
        return ids

    def update(
        self, ctx: Context, docs: Mapping[int, Document], versions: Mapping[int, int] | None = None
    ) -> list[Outcome]:
        """One by one: there are few, and each change of rights has checks and sign-outs of its own."""
        return [self._update_one(ctx, record_id, doc, versions) for record_id, doc in docs.items()]

    def _update_one(self, ctx: Context, record_id: int, doc: Document, versions: Mapping[int, int] | None) -> Outcome:
        try:
            with db.transaction():
                outcome = super().update(ctx, {record_id: doc}, versions)[0]
                if outcome.ok and self._put(ctx, record_id, doc):
                    return Outcome("updated", record_id, before=outcome.before, after=doc)
                return outcome
        except Rejected as refused:
            return Outcome("rejected", record_id, errors={refused.field: [str(refused)]})

    def _put(self, ctx: Context, record_id: int, doc: Document) -> bool:
        if self.listed not in doc or set(doc[self.listed]) == {name for _, name in self.names_of([record_id])}:
            return False
        try:
            self.put(ctx, self.model.get_by_id(record_id), doc[self.listed])
        except (Conflict, Invalid, NotFound) as error:  # beside its field of the form
            raise Rejected(record_id, self.listed, str(error)) from None
        return True


class UserService(_Listed):
    listed = "roles"
    fixed = Service.fixed | {"password_hash", "is_active", listed}

    def names_of(self, ids: Sequence[int]) -> Any:
        held = UserRole.select(UserRole.user_id, Role.name).join(Role)
        return held.where(UserRole.user.in_(list(ids))).tuples()

    def put(self, ctx: Context, record: Any, names: Sequence[str]) -> None:
        set_roles(ctx, record, names)

    def save(self, ctx: Context, changed: Mapping[int, Document], old: Mapping[int, Document]) -> None:
        demand_over(ctx.actor, list(changed))
        super().save(ctx, changed, old)


class RoleService(_Listed):
    listed = "permissions"
    fixed = Service.fixed | {listed}

    def names_of(self, ids: Sequence[int]) -> Any:
        lines = RolePermission.select(RolePermission.role_id, RolePermission.permission)
        return lines.where(RolePermission.role.in_(list(ids))).tuples()

    def put(self, ctx: Context, record: Any, names: Sequence[str]) -> None:
        set_permissions(ctx, record, names)

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
    """The guard of `disable` and `enable`."""
    off = {user.id: _("This user is switched off.") for user in users if not user.is_active}
    on = {user.id: _("This user is active.") for user in users if user.is_active}
    return {"disable": off, "enable": on}


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
        assign(ctx, user, role, scopes | limit)
    return {user_id: Outcome("done", user_id) for user_id in ids}


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
    columns=[
        Column("username", __("User name"), "code", sortable=True),
        Column("name", __("Name")),
        Column("email", __("Email")),
        Column("is_active", __("State"), "badge", badges=_STATES, value=lambda user: str(user.is_active)),
        Column("created_at", __("Since"), "datetime"),
    ],
    filters=[Filter("is_active", __("Active"), "bool")],
    detail=[Section("who", __("User"), ["username", "name", "email", "locale", "timezone"])],
    actions=[
        Action("disable", __("Switch off"), _switch(False), danger=True, confirm=__("They are signed out at once.")),
        Action("enable", __("Switch on"), _switch(True)),
        Action("set_password", __("Set password"), _set_password, schema=PasswordSchema, icon="key", bulk=False),
        Action("limit_rows", __("Limit rows"), _limit_rows, schema=RowsSchema, icon="filter"),
    ],
    guard=_switched,
    service=UserService,
    has_notes=False,
    can_import=False,
)
ROLES = Resource(
    name="core.role",
    slug="roles",
    model=Role,
    schema=RoleSchema,
    label=__("Role"),
    label_plural=__("Roles"),
    icon="shield",
    nav_group="settings",
    columns=[Column("name", __("Short name"), "code", sortable=True), Column("label", __("Name"))],
    detail=[Section("what", __("Role"), ["name", "label"])],
    service=RoleService,
    has_notes=False,
    can_import=False,
)
