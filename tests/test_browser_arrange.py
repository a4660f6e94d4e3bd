"""What is dragged is what the server keeps: let go by Esc, refused or lost, it stands where it stood."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.helpers import on_sqlite, suppliers_on

FIRST, SECOND = "#work-0", "#work-1"


database_kind = on_sqlite()
runtime = suppliers_on()


@pytest.fixture
def menu(page: Any) -> Any:
    page.add_init_script("console.error = console.info")  # a request that fails is noted there
    page.goto("/admin/menu/")
    return page


def order(page: Any) -> list[str]:
    return [str(one.get_attribute("id")) for one in page.locator("[data-list]").first.locator("[data-item]").all()]


def in_sidebar(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".mk-nav").first.locator("a > span:first-of-type").all_inner_texts()]


def lift(page: Any, source: str, target: str) -> None:
    """Drag `source` over `target` without letting go."""
    page.locator(source).hover()
    page.mouse.down()
    page.locator(target).hover()
    page.locator(target).hover()


def move_refused(page: Any, answer: Any) -> tuple[list[str], Any]:
    before = order(page)
    page.route("**/admin/menu/", answer)
    page.locator(FIRST).drag_to(page.locator(SECOND))
    line = page.locator("#toasts .mk-bad")
    line.wait_for()
    return before, line


def test_escape_puts_back_what_is_dragged_and_keeps_nothing(menu: Any) -> None:
    before, sent = order(menu), []
    menu.on("request", lambda one: sent.append(one.method))
    lift(menu, FIRST, SECOND)
    expect(menu.locator("[data-item]").first).not_to_have_id(before[0])
    menu.keyboard.press("Escape")
    expect(menu.locator("[data-item]").first).to_have_id(before[0])
    menu.mouse.up()
    assert (order(menu), sent.count("POST")) == (before, 0)


def test_a_move_that_the_network_lost_is_put_back_and_tried_again(menu: Any) -> None:
    before, line = move_refused(menu, lambda route: route.abort())
    assert order(menu) == before
    menu.unroute("**/admin/menu/")
    with menu.expect_response(lambda answer: answer.request.method == "POST"):
        line.get_by_role("button", name="Try again").click()
    moved = order(menu)
    assert moved == [before[1], before[0], *before[2:]]
    titles = menu.locator("[data-item]").evaluate_all("all => all.map((one) => one.dataset.title)")
    menu.reload()
    assert menu.locator("[data-item]").evaluate_all("all => all.map((one) => one.dataset.title)") == titles


@pytest.mark.parametrize("status", [403, 500])
def test_a_move_that_the_server_refuses_is_put_back_and_says_why(menu: Any, status: int) -> None:
    body = "<p data-said>The database takes no changes now</p>"
    before, line = move_refused(menu, lambda route: route.fulfill(status=status, body=body))
    assert order(menu) == before
    assert "The database takes no changes now." in line.inner_text()
    assert menu.locator("#offline").is_hidden()


def test_the_sidebar_follows_every_step(menu: Any) -> None:
    before = in_sidebar(menu)
    menu.locator(FIRST).drag_to(menu.locator(SECOND))
    expect(menu.locator(".mk-nav").first.locator("li").first).to_contain_text(before[1])
    assert in_sidebar(menu)[:2] == [before[1], before[0]]
