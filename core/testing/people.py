"""How people of tests sign in."""

from __future__ import annotations

import re

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
