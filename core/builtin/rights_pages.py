"""What the pages of users and roles do besides their forms: permissions, roles, sessions, looking as somebody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask

from core import runtime
from core.access import SIGNED_IN, requires
from core.access.matrix import VERBS, groups, in_words, lines
from core.access.models import Role, RolePermission, UserRole
from core.access.permissions import granted
from core.access.roles import OWNER, covers, demand_owner, entries_of, label_of
from core.auth import sessions, view_as
from core.auth.frame import current_context, current_session, own_context
from core.auth.models import Session, User
from core.builtin.spoken import all_roles, limits
from core.context import Context, Grant
from core.db import bulk
from core.errors import Conflict, Forbidden, Invalid, Rejected
from core.i18n import _, _n
from core.resources import Option, query, service_of
from core.web import confirm
from core.web.base import came_from
from core.web.confirm import Question

_NAMED = 12  # permissions that a question names; of more it says how many


def blueprint() -> flask.Blueprint:
    """A new blueprint for each application."""
    pages = flask.Blueprint("core_people", __name__, url_prefix="/admin")
    pages.add_url_rule("/roles/<int:role_id>/permissions", "permissions", set_role, methods=["POST"])
    pages.add_url_rule("/users/<int:user_id>/roles", "roles", set_roles, methods=["POST"])
    pages.add_url_rule("/users/<int:user_id>/sessions/<int:session_id>/end", "end", end_session, methods=["POST"])
    pages.add_url_rule("/view-as", "look", look, methods=["POST"])
    pages.add_url_rule("/view-as/leave", "leave", leave, methods=["POST"])
    return pages


def of_role(ctx: Context, role: Role) -> dict[str, Any]:
    """The table of permissions on the page of a role."""
    entries = entries_of(role)
    return {
        "verbs": VERBS, "groups": groups(ctx.actor, entries), "lines": lines(ctx.actor, entries),
        "may_edit": ctx.actor.can("core.role.edit") and role.name != OWNER, "is_owner": role.name == OWNER,
    }  # fmt: skip


def holders_of(ctx: Context, role: Role) -> dict[str, Any]:
    """Who holds a role over which rows, for whoever may see users."""
    held = UserRole.select(UserRole, User).join(User).where(UserRole.role == role).order_by(User.username).limit(51)
    may_look = ctx.actor.can("core.role.view_as") and not ctx.is_looking
    may_see = ctx.actor.can("core.user.view")
    return {"holders": list(held) if may_see else [], "may_see": may_see, "may_look": may_look, "limits": limits}


def of_user(ctx: Context, user: User) -> dict[str, Any]:
    """What the page of a user shows: roles with their rows, and where he is signed in."""
    held = {row.role_id: row for row in UserRole.select().where(UserRole.user == user)}
    roles = [(role, label_of(role), held.get(role.id)) for role in all_roles()]
    return {
        "roles": roles, "limits": limits, "may_edit": ctx.actor.can("core.user.edit"),
        "may_look": ctx.actor.can("core.role.view_as") and user.id != ctx.actor.user_id and not ctx.is_looking,
        "may_set": ctx.actor.can("core.user.set_password"),
    }  # fmt: skip


def sessions_of(ctx: Context, user: User) -> dict[str, Any]:
    """Where `user` is signed in, for whoever may edit users."""
    if not ctx.actor.can("core.user.edit"):
        return {"sessions": [], "may_edit": False}
    found = Session.select().where(Session.user == user).order_by(Session.last_seen_at.desc()).limit(50)
    return {"sessions": list(found), "present": ctx.session_id, "may_edit": True}


def roles_to_give() -> list[Option]:
    """All roles for the form of a user; what holds more than the actor is not his to give or take."""
    roles, actor = list(Role.select().order_by(Role.id)), current_context().actor
    lines = bulk.grouped(
        RolePermission.select(RolePermission.role_id, RolePermission.permission).tuples(), [role.id for role in roles]
    )
    why = {role.id: "" if covers(actor, granted(lines[role.id], {})) else _("not yours to give") for role in roles}
    return [Option(str(role.name), label_of(role), why[role.id]) for role in roles]


@requires("core.role.edit")
def set_role(role_id: int) -> Any:
    """Make what was ticked the lines of a role; those that are not the actor's to give stay as they are."""
    role, form = _record("core.role", role_id), flask.request.form
    have, back = set(entries_of(role)), flask.url_for("core_role.details_view", record_id=role_id)
    fixed = {name for name in have if not covers(current_context().actor, Grant(frozenset({name})))}
    wanted = {*form.getlist("permission"), *form.get("more", "").replace(",", " ").split()} | fixed
    given, taken = sorted(wanted - have), sorted(have - wanted)
    if not given and not taken:
        flask.flash(_("Nothing had to be changed."), "info")
        return flask.redirect(back)
    question = Question(
        "core.role.edit",
        _("Change what %(role)s may do?", role=label_of(role)),
        _("Save %(title)s", title=label_of(role)),
        level="reauth",
        text=_held(_holders(role), bool(taken)),
        lines=[*_told(_("Given: %(names)s"), given), *_told(_("Taken: %(names)s"), taken)],
        back=back,
    )
    return confirm.first(question) or _saved("core.role", role_id, {"permissions": sorted(wanted)}, back)


def _holders(role: Role) -> int:
    return int(UserRole.select().where(UserRole.role == role).count())


def _held(number: int, loses: bool) -> str:
    """How many users a change of a role touches, and what it does to them."""
    if not number:
        return _("Nobody holds it.")
    if not loses:
        return _n("%(n)s user holds it.", "%(n)s users hold it.", number)
    return _n(
        "%(n)s user holds it and is signed out everywhere.",
        "%(n)s users hold it and are signed out everywhere.",
        number,
    )


def _told(text: str, names: Sequence[str]) -> list[str]:
    words = in_words(current_context().actor)
    said = [words.get(name, name) for name in names]
    more = [f"+ {len(said) - _NAMED}"] * (len(said) > _NAMED)
    return [text % {"names": ", ".join([*said[:_NAMED], *more])}] if names else []


@requires("core.user.edit")
def set_roles(user_id: int) -> Any:
    user, wanted = _record("core.user", user_id), sorted(set(flask.request.form.getlist("role")))
    back = flask.url_for("core_user.details_view", record_id=user_id)
    have = sorted(row.role.name for row in UserRole.select(UserRole, Role).join(Role).where(UserRole.user == user))
    if wanted == have:
        flask.flash(_("Nothing had to be changed."), "info")
        return flask.redirect(back)
    try:
        demand_owner(user, wanted)
    except Conflict as last:
        flask.flash(str(last), "bad")
        return flask.redirect(back)
    labels = {role.name: label_of(role) for role in Role.select()}
    given = ", ".join(labels.get(name, name) for name in wanted if name not in have)
    taken = ", ".join(labels.get(name, name) for name in have if name not in wanted)
    question = Question(
        "core.user.edit",
        _("Change the roles of %(name)s?", name=str(user)),
        _("Save the roles of %(name)s", name=str(user)),
        level="reauth",
        text=_("Who loses a role is signed out everywhere.") if taken else "",
        lines=[_("Given: %(names)s", names=given)] * bool(given) + [_("Taken: %(names)s", names=taken)] * bool(taken),
        back=back,
    )
    return confirm.first(question) or _saved("core.user", user_id, {"roles": wanted}, back)


def _saved(resource: str, record_id: int, document: dict[str, Any], back: str) -> Any:
    """Write by the record's own service, unless the record has left the version that the form was made of, and say
    what became of it on its page."""
    service, form = service_of(runtime.current().resource(resource)), flask.request.form
    shown = {record_id: form.get("version", 0, int)} if "version" in form else {}
    try:
        (outcome,) = service.update(current_context(), {record_id: document}, shown)
        refused = " ".join(text for texts in outcome.errors.values() for text in texts)
    except (Conflict, Forbidden, Invalid, Rejected) as error:
        refused = str(error)
    flask.flash(refused or _("Saved."), "bad" if refused else "ok")
    return flask.redirect(back)


@requires("core.user.edit")
def end_session(user_id: int, session_id: int) -> Any:
    user = _record("core.user", user_id)
    sessions.end_session(current_context(), session_id, user.id)
    flask.flash(_("The session has ended."), "ok")
    return flask.redirect(flask.url_for("core_user.details_view", record_id=user_id))


@requires("core.role.view_as")
def look() -> Any:
    view_as.start(own_context(), current_session(), flask.request.form.get("what", ""))
    return flask.redirect("/admin/")


@requires(SIGNED_IN)
def leave() -> Any:
    what = current_session().view_as or ""
    view_as.leave(own_context(), current_session())
    kind, _mark, key = what.partition(":")
    here = flask.url_for(f"core_{kind}.details_view", record_id=int(key)) if what else "/admin/"
    return flask.redirect(came_from(here))


def _record(name: str, record_id: int) -> Any:
    return query.get(current_context(), runtime.current().resource(name), record_id, "edit")
