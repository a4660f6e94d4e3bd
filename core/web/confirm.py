"""Asking before a costly act: a question, and a grant that the server demands, so that no blocked script skips it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flask
import marshmallow as ma

from core import db
from core.auth import confirmations, stepup, throttle
from core.auth.frame import current_context, current_session, current_user, enter
from core.errors import Invalid
from core.i18n import _
from core.resources import Level
from core.resources.border import bordered
from core.resources.fields import loaded
from core.resources.reasons import with_reason
from core.web.base import is_partial

GRANT, TYPED, PASSWORD, REASON = "confirm.grant", "confirm.typed", "confirm.password", "confirm.reason"
_OWN = frozenset({"csrf_token", GRANT, TYPED, PASSWORD, REASON})
_Why = bordered(with_reason(ma.Schema, "optional"))
Pairs = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Question:
    """What is asked before `act`, a code that names it.

    `title`: the question; `button`: names the act and its amount ("Delete order R-1"); `text`, `lines`: what will
    happen. `level`: dialog (a click), reauth (the password, unless it was given lately) or typed (that, and `typed`
    must be written). `asks_why`: with a reason, which may be left empty (see `why`). `back`: where Cancel leads.
    `is_page`: what is done then answers with a page instead of leading to one.
    """

    act: str
    title: Any
    button: Any
    level: Level = "dialog"
    text: Any = ""
    lines: Sequence[Any] = ()
    typed: str = ""
    asks_why: bool = False
    danger: bool = False
    back: str = "/admin/"
    is_page: bool = False


def first(question: Question) -> Any | None:
    """None when the form that was posted brings the grant for exactly this; else the page that asks, to be returned.

    All that the form holds comes again with the answer. Inputs of files cannot: ask before those.
    """
    kept = _kept(flask.request.form)
    asked = Asked(question, kept, said=[question.title, question.button, *question.lines])
    if asked.is_granted:
        return None
    page = flask.render_template("admin/confirm.html", asked=asked, question=question, kept=kept)
    return answer(page, asked)


class Asked:
    """A question with the arguments that its grant is bound to, and what was wrong with the answer so far.

    `said`: what must still be true when the answer comes, such as a list that others may have changed meanwhile.
    """

    def __init__(self, question: Question, arguments: Iterable[tuple[str, str]], said: Iterable[Any] = ()) -> None:
        self.question = question
        self.arguments = [flask.request.full_path, sorted(arguments), *map(str, said)]
        self.errors: Mapping[str, Sequence[str]] = {}
        self._is_proved = False
        self.status, self.headers = 200, dict[str, str]()
        self.is_granted = GRANT in flask.request.form and self._answered()

    @property
    def wants_password(self) -> bool:
        return self.question.level in ("reauth", "typed") and not self._is_fresh()

    def grant(self) -> str:
        """A new key for the form that asks."""
        return confirmations.issue(current_context(), self.question.act, self.arguments)

    def _is_fresh(self) -> bool:
        return PASSWORD not in self.errors and (self._is_proved or stepup.is_fresh(current_session()))

    def _answered(self) -> bool:
        posted, ctx = flask.request.form, current_context()
        try:
            self._read(posted)
        except (Invalid, throttle.Throttled) as refused:
            self.errors = refused.errors or {PASSWORD: [str(refused)]}
            self.status, self.headers = refused.status, dict(refused.headers)
            return False
        if confirmations.use(ctx, posted[GRANT], self.question.act, self.arguments):
            return True
        self.errors, self.status = {"": [_("This question is no longer open. Please confirm again.")]}, 409
        return False

    def _read(self, posted: Mapping[str, str]) -> None:
        """What was typed; raises Invalid or Throttled."""
        typed, wanted = posted.get(TYPED, ""), self.question.typed
        if self.question.level == "typed" and _read(typed) != _read(wanted):
            raise Invalid({TYPED: [_("Type %(wanted)s to go on.", wanted=wanted)]})
        why()
        if not self.wants_password:
            return
        if not posted.get(PASSWORD):
            raise Invalid({PASSWORD: [_("This needs your password.")]})
        try:
            stepup.demand_password(current_context(), current_user(), posted[PASSWORD])
        except Invalid as wrong:
            raise Invalid({PASSWORD: wrong.errors["password"]}) from None
        self._is_proved = True
        flask.after_this_request(_step_up)


def _step_up(answer: flask.Response) -> flask.Response:
    """Only when the act is done, which may take seconds: a page that polls meanwhile still has the old secret."""
    with db.optional_write():
        enter(current_user(), stepup.step_up(current_session()), current_session())
    return answer


def why() -> str:
    """The reason that came with the answer to a question, "" for none; raises Invalid."""
    try:
        return str(loaded(_Why(), {"reason": flask.request.form.get(REASON, "")})["reason"])
    except Invalid as wrong:
        raise Invalid({REASON: wrong.errors["reason"]}) from None


def answer(page: str, asked: Asked) -> Any:
    """The page of a question; js/ask.js shows it in a dialog when it is a part."""
    return flask.make_response(page, asked.status, asked.headers | ({"Maktab-Dialog": "1"} if is_partial() else {}))


def for_dialog(response: flask.Response) -> flask.Response:
    """After the answer of a dialog the whole page goes on: its script, which would follow by itself, is told where."""
    if "Maktab-Dialog" in flask.request.headers and 300 < response.status_code < 400:
        response.headers["HX-Redirect"] = response.headers.pop("Location")
        response.status_code = 204
        response.set_data("")
    return response


def _read(text: str) -> str:
    """As people read and type it: a page shows several blanks as one."""
    return " ".join(text.split()).casefold()


def _kept(form: Any) -> Pairs:
    return [(name, text) for name, texts in form.lists() for text in texts if name not in _OWN]
