"""A finger on a phone: it drags by the handle, scrolls everywhere else, and is no mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.helpers import make_suppliers, on_sqlite, suppliers_on
from tests.test_browser_arrange import order

Point = tuple[float, float]


database_kind = on_sqlite()
runtime = suppliers_on()


class Finger:
    """A finger on the screen of `page`, as the browser gets it from the glass."""

    def __init__(self, page: Any) -> None:
        self.at: Point = (0, 0)
        self.page, self.glass = page, page.context.new_cdp_session(page)

    def _send(self, kind: str, *points: Point) -> None:
        touched = [{"x": x, "y": y} for x, y in points]
        self.glass.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})

    def down(self, at: Point, *others: Point) -> None:
        self.at = at
        self._send("touchStart", at, *others)

    def move(self, to: Point, steps: int = 8) -> None:
        (x, y), (to_x, to_y) = self.at, to
        for step in range(1, steps + 1):
            self._send("touchMove", (x + (to_x - x) * step / steps, y + (to_y - y) * step / steps))
        self.at = to

    def up(self) -> None:
        """Lifted at rest: one that is lifted in motion flings, and the next tap would only stop that."""
        self.page.wait_for_timeout(150)
        self._send("touchMove", self.at)
        self._send("touchEnd")


@pytest.fixture
def phone(page: Any, browser: Any, address: str) -> Iterator[Any]:
    shape = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    opened = browser.new_page(base_url=address, storage_state=page.context.storage_state(), **shape)
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def finger(phone: Any) -> Finger:
    return Finger(phone)


def middle(one: Any) -> Point:
    one.scroll_into_view_if_needed()
    box = one.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def until(page: Any, true: str) -> None:
    """Wait for it; the page's policy forbids what Playwright's own waiting does."""
    for _ in range(100):
        if page.evaluate(true):
            return
        page.wait_for_timeout(50)
    raise AssertionError(true)


def grip(phone: Any, at: int) -> Any:
    return phone.locator("[data-list]").first.locator("[data-item]").nth(at).locator(".mk-grip")


@pytest.mark.parametrize("place", ["/admin/menu/", "/admin/home/"])
def test_a_finger_drags_by_the_handle_and_the_server_keeps_it(phone: Any, finger: Finger, place: str) -> None:
    phone.goto(place)
    titles = "all => all.map((one) => one.dataset.title)"
    before, items = order(phone), phone.locator("[data-list]").first.locator("[data-item]")
    box = grip(phone, 0).bounding_box()
    assert (box["width"], box["height"]) >= (44, 44)
    finger.down(middle(grip(phone, 0)))
    finger.move(middle(items.nth(1)))
    expect(phone.locator(".mk-ghost")).to_be_visible()
    with phone.expect_response(lambda answer: answer.request.method == "POST") as sent:
        finger.up()
    assert sent.value.status == 204
    assert order(phone) == [before[1], before[0], *before[2:]]
    expect(phone.locator(".mk-ghost")).to_have_count(0)
    moved = items.evaluate_all(titles)
    phone.reload()
    assert items.evaluate_all(titles) == moved


def test_elsewhere_a_finger_scrolls_and_moves_nothing(phone: Any, finger: Finger) -> None:
    phone.goto("/admin/menu/")
    before, sent = order(phone), []
    phone.on("request", lambda one: sent.append(one.method))
    x, y = middle(phone.locator("[data-list]").first.locator(".mk-grow").nth(1))
    finger.down((x, y))
    finger.move((x, y - 200))
    finger.up()
    until(phone, "scrollY > 100")
    assert (order(phone), sent.count("POST")) == (before, 0)


def test_what_is_dragged_to_an_edge_scrolls_the_page_and_a_second_finger_puts_it_back(
    phone: Any, finger: Finger
) -> None:
    phone.goto("/admin/home/")
    before = order(phone)
    x, _y = middle(grip(phone, 0))
    finger.down(middle(grip(phone, 0)))
    finger.move((x, 735))
    until(phone, "scrollY + innerHeight > document.documentElement.scrollHeight - 10")
    expect(phone.locator("[data-item]").first).not_to_have_id(before[0])
    finger.down(finger.at, (300, 300))
    expect(phone.locator(".mk-ghost")).to_have_count(0)
    assert order(phone) == before


def test_columns_are_put_in_order_by_a_finger(phone: Any, finger: Finger) -> None:
    make_suppliers(count=1)
    phone.goto("/admin/suppliers/")
    phone.locator("summary", has_text="Columns and rows").tap()
    columns = phone.locator("[data-order] .mk-check")
    before = columns.all_inner_texts()  # the first of a row is its link, and stays the first
    finger.down(middle(phone.locator("[data-order] .mk-grip").nth(1)))
    finger.move(middle(columns.nth(2)))
    finger.up()
    moved = [before[0], before[2], before[1], *before[3:]]
    assert columns.all_inner_texts() == moved
    phone.get_by_role("button", name="Apply").tap()
    expect(phone.locator("details[open]")).to_have_count(0)
    assert [one.text_content() for one in columns.all()] == moved
