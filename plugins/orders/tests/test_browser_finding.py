"""Real orders found and walked through in a real Chromium, without a mouse."""

from __future__ import annotations

import csv

import pytest

from plugins.orders.formats import DEMO
from plugins.orders.models import Order

NEWEST = 2_500  # lines of the demo shop's file, about a hundred orders


@pytest.fixture
def database_kind():
    return "sqlite"


@pytest.fixture
def shop(import_file, tmp_path):
    """The newest orders of the demo shop, as its file has them."""
    whole, newest = tmp_path / "whole.csv", tmp_path / "newest.csv"
    DEMO.write(DEMO.path, whole)
    with whole.open(encoding="utf-8", newline="") as file:
        head, *rows = csv.reader(file)
    with newest.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([head, *rows[-NEWEST:]])
    assert import_file(newest, DEMO.mapping).rejected == 0
    assert Order.select().count() > 50


@pytest.fixture
def wanted(shop):
    """An order in the midst, of a customer who has not many."""
    return Order.select().where(Order.customer_name != "").order_by(Order.placed_at)[20]


def customer(page):
    return page.locator("section[aria-labelledby=s-customer] bdi.mk-strong").inner_text()


def rows(page):
    return page.locator("a.mk-key").all_inner_texts()


def test_an_order_is_found_by_the_name_of_its_customer_in_the_command_bar(page, wanted):
    page.keyboard.press("Control+k")
    page.keyboard.type(wanted.customer_name.lower())
    page.locator("#palette [role=option]", has_text=wanted.number).wait_for()
    chosen = page.locator("#palette [aria-selected=true]")
    for _step in range(50):
        if wanted.number in chosen.inner_text():
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/orders/{wanted.id}")
    assert customer(page) == wanted.customer_name


def test_an_order_is_found_by_a_part_of_the_name_in_the_list(page, wanted):
    page.keyboard.press("g")
    page.keyboard.press("o")
    page.wait_for_url("**/admin/orders/")
    page.keyboard.press("/")
    page.wait_for_selector("#f-q:focus")
    family = wanted.customer_name.split()[1]
    page.keyboard.type(family.lower()[:-1])
    page.locator(".mk-chip", has_text=family.lower()[:-1]).wait_for()
    names = page.locator("td[data-label=Customer]").all_inner_texts()
    assert names
    assert all(family[:-1] in name for name in names), names
    for _step in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == wanted.number:
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/orders/{wanted.id}?*")
    assert customer(page) == wanted.customer_name


def test_the_records_of_a_list_are_walked_through_by_the_brackets(page, shop):
    page.goto("/admin/orders/")
    numbers = rows(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    title = page.locator("h1")
    for number, key in ((numbers[0], "]"), (numbers[1], "]"), (numbers[2], "["), (numbers[1], "[")):
        page.locator("h1", has_text=number).wait_for()
        assert title.inner_text() == number
        page.keyboard.press(key)
    page.locator("h1", has_text=numbers[0]).wait_for()


def test_the_views_of_a_list_are_opened_by_their_digits(page, shop):
    page.goto("/admin/orders/")
    for digit, view in (("2", "To ship"), ("4", "Paid"), ("1", "All")):
        page.keyboard.press(digit)
        page.locator("a[data-view][aria-current=page]", has_text=view).wait_for()
    page.keyboard.press("3")
    page.wait_for_url("**/?view=unpaid")
