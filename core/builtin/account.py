"""Sign-in, sign-out and the user's own page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import flask
from flask_wtf.csrf import generate_csrf
from werkzeug.datastructures import ImmutableMultiDict

from core.access import SIGNED_IN, requires
from core.auth import accounts, sessions, stepup, throttle, view_as
from core.auth.frame import current_context, current_session, current_user, enter, own_context
from core.auth.models import ApiToken, Session, User
from core.builtin import people
from core.errors import Invalid
from core.i18n import COOKIE, LOCALES, _, locale, speaking
from core.resources.border import refuse_cards
from core.resources.fields import loaded, part_of
from core.web import confirm, theme
from core.web.base import is_dialog
from core.web.confirm import Question

Form = ImmutableMultiDict[str, str]


def blueprint() -> flask.Blueprint:
    """A new blueprint for each application."""
    pages = flask.Blueprint("core_auth", __name__, url_prefix="/admin")
    pages.add_url_rule("/sign-in", "sign_in", sign_in, methods=["GET", "POST"])
    pages.add_url_rule("/session", "session", session)
    pages.add_url_rule("/sign-out", "sign_out", sign_out, methods=["POST"])
    pages.add_url_rule("/profile/", "profile", profile, methods=["GET", "POST"])
    return pages


def local_path(target: str) -> str:
    """`target` when it is a path of this site, else the home page: `//host` and `/\\host` lead away."""
    ours = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if ours else "/admin/"


def sign_in() -> Any:
    request = flask.request
    target = local_path(request.values.get("next", ""))
    if request.args.get("lang") in LOCALES:
        return _speak(request.args["lang"], target)
    if request.method == "GET":
        return flask.redirect(target) if current_context().actor.user_id else _sign_in_page(target)
    try:
        given = request.form.get("username", ""), request.form.get("password", "")
        user, secret = sessions.sign_in(*given, **_from_where())
    except (throttle.Throttled, sessions.SignInRefused) as error:
        return _sign_in_page(target, str(error)), error.status, error.headers
    _enter(user, secret)
    return flask.redirect(target)


def _speak(code: str, target: str) -> Any:
    """The sign-in in the language `code`, which this browser keeps until somebody has signed in with his own."""
    here = flask.url_for("core_auth.sign_in", next=None if target == "/admin/" else target)
    answer = flask.make_response(flask.redirect(here))
    theme.keep(answer, COOKIE, code)
    return answer


def _sign_in_page(target: str, error: str = "") -> str:
    page = "admin/sign_in_again.html" if is_dialog() else "admin/sign_in.html"
    values = {"username": flask.request.form.get("username", ""), "has_ended": "_user_id" in flask.session}
    values["languages"] = [(code, name) for code, name in LOCALES.items() if code != locale()]
    return flask.render_template(page, next=target, error=error, **values)


def _from_where() -> dict[str, str]:
    return {"ip": flask.request.remote_addr or "", "browser": flask.request.headers.get("User-Agent", "")}


def _enter(user: User, secret: str) -> None:
    flask.session.clear()  # with it goes the CSRF token that somebody else may have planted before
    enter(user, secret)


@requires(SIGNED_IN)
def session() -> dict[str, Any]:
    """Who is signed in now and the token of his forms, for a page that is older (js/session.js)."""
    return {"user": current_context().actor.user_id, "token": generate_csrf()}


@requires(SIGNED_IN)
def sign_out() -> Any:
    ctx = own_context()
    view_as.leave(ctx, current_session())
    sessions.end_session(ctx, ctx.session_id or 0)
    flask.session.clear()
    return flask.redirect(flask.url_for("core_auth.sign_in"))


@requires(SIGNED_IN)
def profile() -> Any:
    """The user's own name, language, password, sessions and API tokens; the field `what` names the change."""
    form, command = flask.request.form, _COMMANDS.get(flask.request.form.get("what", ""))
    if command is None:
        return _profile_page()
    try:
        question = _QUESTIONS.get(form["what"])
        if question and (asked := confirm.first(question())):
            return asked
        fresh = command(current_user(), form)
    except (Invalid, throttle.Throttled) as error:
        return _profile_page(errors=error.errors or {"password": [str(error)]}), error.status
    return _profile_page(fresh=fresh) if fresh else flask.redirect(flask.url_for("core_auth.profile"))


def _profile_page(**values: Any) -> str:
    user, ctx = current_user(), current_context()
    own = Session.select().where(Session.user == user).order_by(Session.last_seen_at.desc())
    tokens = ApiToken.select().where(ApiToken.user == user).order_by(ApiToken.id)
    page = {"user": user, "locales": LOCALES, "sessions": own, "tokens": tokens, "present": ctx.session_id}
    return flask.render_template("admin/profile.html", **{"errors": {}, "fresh": "", **page, **values})


def _save_profile(user: User, form: Form) -> None:
    given = {name: form[name] for name in ("name", "email", "locale", "timezone") if name in form}
    document = loaded(part_of(people.USERS.schema), given)
    outcome = people.UserService(people.USERS).update(current_context(), {user.id: document})[0]
    if not outcome.ok:
        raise Invalid(outcome.errors)
    with speaking(document.get("locale") or locale()):  # the next page is in it
        flask.flash(_("Saved."), "ok")


def _change_password(user: User, form: Form) -> None:
    stepup.demand_password(current_context(), user, form.get("password", ""))
    try:
        accounts.set_password(current_context(), user, form.get("new_password", ""))
    except Invalid as error:
        raise Invalid({"new_password": error.errors["password"]}) from None
    _enter(user, sessions.open_session(user, **_from_where()))
    flask.flash(_("The password is changed; your other sessions have ended."), "ok")


def _create_token(user: User, form: Form) -> str:
    scopes, name = form.get("scopes", "").replace(",", " ").split() or ["*"], form.get("token_name", "")[:100]
    refuse_cards({"token_name": name})
    text = form.get("days", "")
    days = (int(text) if text.isdecimal() and len(text) < 6 else 0) if text else None
    return sessions.create_token(current_context(), user, scopes, name=name, days=days)


_COMMANDS: Mapping[str, Callable[[User, Form], str | None]] = {
    "profile": _save_profile,
    "password": _change_password,
    "end_session": lambda user, form: sessions.end_session(current_context(), form.get("id", 0, int)),
    "create_token": _create_token,
    "revoke_token": lambda user, form: sessions.revoke_token(current_context(), form.get("id", 0, int)),
}


def _before_token() -> Question:
    return Question(
        "core.user.create_token",
        _("Create an API token?"),
        _("Create the token"),
        level="reauth",
        text=_("Whoever has the token may do in your name what it is limited to. It is shown only once."),
        lines=[_("Permissions: %(names)s", names=flask.request.form.get("scopes", "") or _("All that you may"))],
        back=flask.url_for("core_auth.profile"),
        is_page=True,
    )


def _before_revoking() -> Question:
    return Question(
        "core.user.revoke_token",
        _("Revoke this API token?"),
        _("Revoke the token"),
        text=_("Programs that use this token stop working at once."),
        danger=True,
        back=flask.url_for("core_auth.profile"),
    )


_QUESTIONS: Mapping[str, Callable[[], Question]] = {"create_token": _before_token, "revoke_token": _before_revoking}
