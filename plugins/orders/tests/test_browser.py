"""Orders in a real Chromium; any message of the content security policy fails the test."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from plugins.orders.models import Order, OrderLine


@pytest.fixture
def database_kind():
    return "sqlite"


def test_lines_are_typed_with_the_keyboard_alone(page):
    page.goto("/admin/orders/new")
    page.fill("[name='lines.0.sku']", "MUG")
    page.fill("[name='lines.0.quantity']", "2")
    page.fill("[name='lines.0.unit_price']", "12.50")
    for sku in ("CUP", "PEN"):
        page.focus("button[name=add_row][value=lines]")
        page.keyboard.press("Enter")
        page.keyboard.type(sku)
    page.locator("button[value='lines.1']").focus()
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.value") == "lines.2"
    assert page.locator("[aria-labelledby=h-lines] tbody th").all_inner_texts() == ["1", "2"]
    page.fill("[name='lines.2.line_total_minor']", "5")
    page.fill("[name='lines.2.quantity']", "1")
    page.fill("[name=currency]", "sar")
    assert "Unit price SAR" in page.inner_text("[aria-labelledby=h-lines] thead")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.split("/")[-1].isdecimal())
    assert [line.sku for line in OrderLine.select().order_by(OrderLine.position)] == ["MUG", "PEN"]
    assert (Order.get().currency, Order.get().total_minor) == ("SAR", 3000)


def test_a_command_and_its_undo_stay_on_the_page_of_the_order(page, make_order, ctx):
    from plugins.orders.api import ORDER_WORKFLOW

    order = make_order()
    ORDER_WORKFLOW.run(ctx, "complete", [order.id])
    page.goto(f"/admin/orders/{order.id}")
    here = page.url
    page.click("summary:has-text('Actions')")
    page.click("button:has-text('Archive')")
    page.get_by_text("Archive: 1 record changed.").wait_for()
    assert page.url == here
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Undone for 1 record.").wait_for()
    assert page.url == here
    assert Order.get().status == "completed"


def test_what_none_of_the_selected_orders_allows_cannot_be_pressed(page, make_order, ctx):
    from plugins.orders.api import ORDER_WORKFLOW

    done, _open = make_order("done"), make_order("open")
    ORDER_WORKFLOW.run(ctx, "complete", [done.id])
    page.goto("/admin/orders/")
    archive = page.locator("#bulk > button[data-act=archive]")
    complete = page.locator("#bulk > button[data-act=complete]")
    page.locator(f"[name=ids][value='{_open.id}']").check()
    expect(archive).to_be_disabled()
    expect(archive).to_have_attribute("title", "None of the selected records allows this now.")
    expect(complete).to_be_enabled()
    page.locator(f"[name=ids][value='{done.id}']").check()
    expect(archive).to_be_enabled()
    page.locator(f"[name=ids][value='{_open.id}']").uncheck()
    expect(complete).to_be_disabled()
    page.check("[name=everything]")
    expect(complete).to_be_enabled()


def test_lines_have_the_keys_of_a_spreadsheet_and_take_its_cells(page):
    page.goto("/admin/orders/new")
    page.focus("[name='lines.0.sku']")
    page.evaluate(
        """(text) => {
        const pasted = new DataTransfer();
        pasted.setData("text", text);
        const told = {clipboardData: pasted, bubbles: true, cancelable: true};
        document.activeElement.dispatchEvent(new ClipboardEvent("paste", told));
    }""",
        "MUG\tMug, blue\nPEN\tPen\nCUP\tCup\n",
    )
    rows = page.locator("[aria-labelledby=h-lines] tbody tr")
    assert rows.count() == 3
    assert [page.input_value(f"[name='lines.{n}.title']") for n in range(3)] == ["Mug, blue", "Pen", "Cup"]
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") == "PEN"
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.value") == "MUG"
    assert rows.locator("th").all_inner_texts() == ["1", "2", "3"]


def test_a_filter_is_found_by_its_name_and_used_by_keyboard_alone(page, make_order):
    make_order(number="A-1", currency="SAR")
    make_order(number="A-2", currency="GBP")
    page.goto("/admin/orders/")
    page.focus(".mk-chip-add > summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-narrow]:focus")
    page.keyboard.type("curr")
    assert page.locator(".mk-filter-list > details:visible").count() == 1
    page.keyboard.press("Enter")
    page.keyboard.type("SA")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?currency__prefix=SA")
    assert page.locator("a.mk-key").all_inner_texts() == ["A-1"]
