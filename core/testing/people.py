"""How people of tests sign in, and answer what they are asked."""

from __future__ import annotations

import html
import re
from typing import Any

from flask.testing import FlaskClient

PASSWORD = "blue kettle on a warm stove"


def csrf_of(page: str) -> str:
    """The CSRF token in a page's form or meta tag; "" when there is none."""
    found = re.search(r'name="csrf[-_]token"[^>]*?(?:value|content)="([^"]+)"', page)
    return found.group(1) if found else ""


def enter(client: FlaskClient, username: str) -> None:
    """Sign `client` in, as the page of it would."""
    token = csrf_of(client.get("/admin/sign-in").get_data(as_text=True))
    form = {"username": username, "password": PASSWORD, "csrf_token": token}
    answer = client.post("/admin/sign-in", data=form, headers={"Referer": "http://localhost/admin/sign-in"})
    assert answer.status_code == 302, answer.get_data(as_text=True)


def confirmed(browser: FlaskClient, path: str, asked: Any, **form: Any) -> Any:
    """The answer to a POST of `form`, after a question in `asked` was answered with yes."""
    yes = yes_to(asked.get_data(as_text=True)) if asked.status_code == 200 else {}
    return browser.post(path, data=form | yes, headers={"Referer": "http://localhost/admin/"}) if yes else asked


def yes_to(page: str) -> dict[str, str]:
    """What a person puts into the question of a page, with PASSWORD where it is wanted; {} when nothing is asked."""
    grant = re.search(r'name="confirm.grant" value="([^"]+)"', page)
    if grant is None:
        return {}
    typed = re.search(r'for="f-confirm.typed">Type (.*?) to go on', page)
    yes = {"csrf_token": csrf_of(page), "confirm.grant": grant[1], "confirm.password": PASSWORD}
    yes |= {"confirm.typed": html.unescape(typed[1])} if typed else {}
    yes |= dict(re.findall(r'name="(mark|number)" value="(\d+)"', page))  # which records, of all that match
    return yes | ({"confirmed": "1"} if 'name="confirmed"' in page else {})
