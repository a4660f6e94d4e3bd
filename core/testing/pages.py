"""A real Chromium for tests of pages, and what every page must keep: no violation of axe-core, no error of a script, no
message of the content security policy, no scrolling sideways, no menu that leaves the window.

A plugin that uses the patterns needs one test of its own, with some records of its own made before:

    @pytest.mark.parametrize("look", pages.LOOKS)
    def test_our_pages_can_be_used_by_all(page, app, owner, look):
        pages.sweep(page, app, owner, look, only="/admin/suppliers/")

Without Chromium (MAKTAB_TEST_CHROMIUM, the system's, or Playwright's own) what needs it is skipped and says so.
"""

from __future__ import annotations

import html
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import flask
import pytest
from werkzeug.exceptions import HTTPException
from werkzeug.serving import make_server

from core.auth import User
from core.runtime import Runtime
from core.testing.people import PASSWORD, csrf_of, enter
from core.wsgi import Switch

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_FLAGS = "headless no-sandbox disable-gpu disable-dev-shm-usage no-first-run disable-background-networking"
_LINK = re.compile(r'(?:href|hx-get)="(/admin/[^"#]*)')
# Opens each menu and looks whether it lies in the window; what hangs out at the start side cannot even be scrolled to.
_MENUS = """async () => {
  const out = [];
  for (const menu of document.querySelectorAll("details[data-popup]:not([open])")) {
    if (!menu.checkVisibility()) continue;
    menu.open = true;
    await new Promise(requestAnimationFrame);
    const { left, right } = menu.lastElementChild.getBoundingClientRect();
    if (left < 0 || right > innerWidth) out.push(menu.querySelector("summary").innerText.trim().split("\\n")[0]);
    menu.open = false;
  }
  return out;
}"""
# A page that answers 404 or 422 is what some tests want, the browser notes each as an error; htmx does so when a newer
# request of a list takes the place of one that is on its way.
_EXPECTED = ("Failed to load resource", "htmx:sendAbort", "htmx:afterRequest")


class Look(NamedTuple):
    """How somebody sees the admin."""

    locale: str
    theme: str
    width: int


LOOKS = [Look("en", "light", 1280), Look("en", "dark", 1280), Look("ar", "light", 1280), Look("ar", "dark", 360)]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One for all tests of this process: to start it takes longer than most of them."""
    playwright = pytest.importorskip("playwright.sync_api", reason="no browser: pip install playwright")
    path = os.environ.get("MAKTAB_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with playwright.sync_playwright() as driver:
        try:
            started = driver.chromium.launch(executable_path=path, args=[f"--{flag}" for flag in _FLAGS.split()])
        except playwright.Error as error:
            pytest.skip(f"no Chromium to be started: {str(error).splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def browser(chromium: Any) -> Iterator[Any]:
    """A Chromium without windows; those of this test are closed at its end."""
    yield chromium
    _close_windows(chromium)


def _close_windows(chromium: Any) -> None:
    for window in chromium.contexts:
        window.close()


@pytest.fixture
def switch(runtime: Runtime) -> Switch:
    """What answers at `address`; its `look` goes on to another generation."""
    return Switch(runtime.settings)


@pytest.fixture
def address(switch: Switch, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where a web server shows this install."""
    server: Any = make_server("127.0.0.1", 0, switch, threaded=True)
    server.daemon_threads, server.block_on_close = False, True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{server.server_port}"
    if "chromium" in request.fixturenames:  # it opens connections before it has a request for them
        _close_windows(request.getfixturevalue("chromium"))
    server.shutdown()
    serving.join(30)  # it waits for requests that still run, whose connections would be closed under them
    assert not serving.is_alive(), "a request to the server of this test does not end"


@pytest.fixture
def owner(make_user: Callable[..., User]) -> User:
    """Who is signed in on `page`."""
    return make_user("owner")


@pytest.fixture
def page(browser: Any, address: str, owner: User) -> Iterator[Any]:
    """A page of Playwright that is signed in as `owner`; what its console calls an error fails the test."""
    opened = browser.new_page(base_url=address, viewport={"width": 1280, "height": 900}, service_workers="block")
    opened.set_default_timeout(15_000)
    said: list[str] = []
    opened.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    form = {"username": owner.username, "password": PASSWORD}
    form["csrf_token"] = csrf_of(opened.request.get("/admin/sign-in").text())
    opened.request.post("/admin/sign-in", form=form, headers={"Referer": f"{address}/admin/sign-in"}, max_redirects=0)
    opened.goto("/admin/")
    yield opened
    assert [text for text in said if not any(one in text for one in _EXPECTED)] == []


def sweep(page: Any, app: flask.Flask, owner: User, look: Look, only: str = "/admin/") -> list[str]:
    """Open one page of every kind below `only` as `look` says and fail with all that is wrong; what was opened."""
    User.update(locale=look.locale).where(User.id == owner.id).execute()
    theme = {"name": "maktab_theme", "value": look.theme, "url": page.evaluate("location.origin")}
    page.context.add_cookies([theme])
    page.set_viewport_size({"width": look.width, "height": 800})
    opened = [place for place in kinds_of_pages(app, owner) if place.startswith(only)]
    wrong = [f"{place} ({' '.join(map(str, look))}): {text}" for place in opened for text in problems(page, place)]
    assert wrong == [], "\n" + "\n".join(wrong)
    return opened


def problems(page: Any, place: str) -> list[str]:
    """What is wrong with the page at `place`."""
    page.goto(place)
    page.wait_for_load_state("networkidle")
    return seen(page)


def seen(page: Any) -> list[str]:
    """What is wrong with the page as it stands open now, with a dialog or menu for instance."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install maktab[dev]").Axe()
    found = axe.run(page, options={"runOnly": RULES, "resultTypes": ["violations"]}).response["violations"]
    wrong = [f"{one['id']}: {node['html'][:200]} {_why(node)}" for one in found for node in one["nodes"]]
    if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
        wrong.append("it scrolls sideways")
    return wrong + [f"the menu {name} leaves the window" for name in page.evaluate(_MENUS)]


def _why(node: Any) -> str:
    lines = str(node.get("failureSummary", "")).splitlines()
    return lines[1].strip() if len(lines) > 1 else ""


def kinds_of_pages(app: flask.Flask, owner: User) -> list[str]:
    """One address of every page that links lead to, from the home page on, and of a page that is not there."""
    seen: dict[tuple[str, str], str] = {}
    waiting, asker = ["/admin/"], app.test_client()
    enter(asker, owner.username)
    while waiting:
        place = html.unescape(waiting.pop(0))
        kind = _kind(app, place)
        if kind is None or kind in seen:
            continue
        answer = asker.get(place)
        if answer.mimetype != "text/html" or answer.is_json:
            continue  # a file, or a part that is only a text
        assert answer.status_code < 400, (place, answer.status_code)
        text = answer.get_data(as_text=True)
        if "<html" in text:
            seen[kind] = place
            waiting += _LINK.findall(text)
    return [*seen.values(), "/admin/no-such-page"]


def _kind(app: flask.Flask, place: str) -> tuple[str, str] | None:
    """(endpoint, what else makes it another page): a list with a filter looks like one without."""
    try:
        endpoint, values = app.url_map.bind("localhost").match(place.partition("?")[0])
    except HTTPException:
        return None
    return endpoint, str(values.get("name", ""))
