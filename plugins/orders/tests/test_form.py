"""The form of an order: drafts with and without lines, placed orders, rows more and less, currencies."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from plugins.orders.api import ORDER_WORKFLOW
from plugins.orders.models import Order, OrderLine
from plugins.orders.tests.conftest import inputs_of, send

NEW = "/admin/orders/new"


def texts(answer):
    """What a page says, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)).split())


def opened(browser, order):
    """The inputs of the order's form, as the browser shows them."""
    return inputs_of(browser.get(f"/admin/orders/{order.id}/edit").get_data(as_text=True))


@pytest.fixture
def browser(signed_in):
    return signed_in("manager")


def test_a_draft_is_made_with_the_form_and_placed(browser):
    form = {"customer_name": "سارة", "currency": "GBP", "shipping_address.city": "Leeds"}
    line = {"lines.0.sku": "MUG", "lines.0.title": "كوب", "lines.0.quantity": "2", "lines.0.unit_price": "12.50"}
    answer = send(browser, NEW, **form, **line)
    assert answer.status_code == 302, texts(answer)
    order = Order.get()
    assert (order.status, order.total_minor, order.customer_name) == ("draft", 2500, "سارة")
    send(browser, "/admin/orders/actions/place", ids=str(order.id), confirmed="1")
    assert Order.get().status == "open"


def test_a_draft_without_lines_is_saved_and_says_what_placing_it_needs(browser):
    answer = send(browser, NEW, customer_name="Omar", currency="GBP")
    assert answer.status_code == 302, texts(answer)
    page = texts(browser.get(answer.location))
    assert "it can be placed with one or more." in page
    assert "Place, to be confirmed" not in page
    send(browser, "/admin/orders/actions/place", ids=str(Order.get().id), confirmed="1")
    assert "An order is placed with at least one line" in texts(browser.get(answer.location))
    assert Order.get().status == "draft"


def test_the_header_of_a_placed_order_is_edited_in_its_form(browser, make_order):
    order = make_order(customer_name="Omar")
    answer = send(browser, f"/admin/orders/{order.id}/edit", **opened(browser, order) | {"customer_name": "Layla"})
    assert answer.status_code == 302, texts(answer)
    assert (Order.get().customer_name, Order.get().total_minor) == ("Layla", 2500)


def test_lines_and_amounts_of_a_placed_order_are_there_to_be_read_with_the_reason(browser, make_order):
    order = make_order()
    inputs = opened(browser, order)
    assert not [name for name in inputs if name.startswith(("lines.", "adjustments.", "number", "currency"))]
    page = texts(browser.get(f"/admin/orders/{order.id}/edit"))
    assert "Lines and amounts of a placed order cannot be edited. Cancel it and place a new one." in page
    assert "MUG Mug 2 £12.50 £25.00" in page


def test_lines_typed_into_a_draft_that_was_placed_meanwhile_are_a_conflict_and_never_lost_in_silence(
    browser, ctx, make_order
):
    order = make_order(status="draft")
    form = opened(browser, order) | {"lines.0.quantity": "3"}
    ORDER_WORKFLOW.run(ctx, "place", [order.id])
    answer = send(browser, f"/admin/orders/{order.id}/edit", **form)
    assert answer.status_code == 409
    assert "Lines and amounts of a placed order cannot be edited." in texts(answer)
    assert OrderLine.get().quantity == 2


def test_a_clash_on_a_placed_order_names_only_what_somebody_changed(browser, make_order):
    order = make_order(customer_phone="1")
    mine = opened(browser, order)
    send(browser, f"/admin/orders/{order.id}/edit", **mine | {"customer_phone": "2"})
    answer = send(browser, f"/admin/orders/{order.id}/edit", **mine | {"customer_phone": "3"})
    table = answer.get_data(as_text=True).partition('class="mk-table mk-diff"')[2].partition("</table>")[0]
    assert answer.status_code == 409
    assert re.findall(r'role="rowheader"[^>]*>([^<]+)', table) == ["Phone"]


def test_a_clash_in_an_address_is_settled_line_by_line(browser, make_order):
    order = make_order(status="draft")
    mine = opened(browser, order)
    send(browser, f"/admin/orders/{order.id}/edit", **mine | {"shipping_address.city": "York", "customer_name": "Omar"})
    form = {"shipping_address.city": "Bath", "shipping_address.phone": "123"}
    page = send(browser, f"/admin/orders/{order.id}/edit", **mine | form).get_data(as_text=True)
    assert re.findall(r'data-take="([^"]+)" data-value="([^"]+)"', page) == [("f-shipping_address.city", "York")]
    assert send(browser, f"/admin/orders/{order.id}/edit", **inputs_of(page)).status_code == 302
    kept = opened(browser, order)
    place = kept["shipping_address.city"], kept["shipping_address.phone"]
    assert (*place, kept["customer_name"]) == ("Bath", "123", "Omar")


def test_the_timeline_says_which_line_of_an_address_and_which_row_changed(browser, make_order):
    order = make_order(status="draft")
    form = opened(browser, order) | {"shipping_address.city": "York", "lines.0.quantity": "3"}
    send(browser, f"/admin/orders/{order.id}/edit", **form)
    page = browser.get(f"/admin/orders/{order.id}").get_data(as_text=True)
    told = [re.sub("<[^>]+>", "", one).split() for one in re.findall(r'<p class="mk-change">(.*?)</p>', page)]
    assert ["Ship", "to:", "City:", "Leeds", "York"] in told
    assert ["Lines,", "row", "1:", "Quantity:", "2", "3"] in told
    assert not any("…" in line for line in told)


def test_rows_that_somebody_else_wrote_are_taken_over_as_a_whole(browser, make_order):
    order = make_order(status="draft")
    mine = opened(browser, order)
    send(browser, f"/admin/orders/{order.id}/edit", **mine | {"lines.0.quantity": "5"})
    clash = send(browser, f"/admin/orders/{order.id}/edit", **mine | {"lines.0.quantity": "3", "customer_phone": "1"})
    inputs = inputs_of(clash.get_data(as_text=True))
    taken = inputs_of(
        send(browser, f"/admin/orders/{order.id}/edit", **inputs, take_over="lines").get_data(as_text=True)
    )
    assert (taken["lines.0.quantity"], taken["customer_phone"]) == ("5", "1")


def test_a_placed_order_is_not_asked_whether_to_delete_it(browser, make_order):
    order = make_order()
    answer = browser.get(f"/admin/orders/{order.id}/delete")
    assert answer.location == f"/admin/orders/{order.id}"
    assert "Only drafts can be deleted." in texts(browser.get(answer.location))


def test_a_row_more_and_a_row_less_without_a_script(browser):
    line = {"lines.0.sku": "MUG", "lines.0.quantity": "2", "lines.0.unit_price": "12.50"}
    more = send(browser, NEW, **line, add_row="lines")
    assert more.status_code == 200
    inputs = inputs_of(more.get_data(as_text=True))
    assert (inputs["lines.0.sku"], inputs["lines.1.sku"]) == ("MUG", "")
    two = {name: text for name, text in inputs.items() if name.startswith("lines.")} | {"lines.1.sku": "CUP"}
    less = send(browser, NEW, **two, remove_row="lines.0")
    inputs = inputs_of(less.get_data(as_text=True))
    assert [name for name in inputs if name.endswith(".sku")] == ["lines.1.sku"]
    assert inputs["lines.1.sku"] == "CUP"
    assert Order.select().count() == 0


def test_a_row_that_is_removed_from_a_draft_is_gone_when_it_is_saved(browser, make_order):
    lines = [{"sku": sku, "quantity": Decimal(1), "unit_price": Decimal(5)} for sku in ("MUG", "CUP")]
    order = make_order(status="draft", lines=lines)
    address = f"/admin/orders/{order.id}/edit"
    shown = send(browser, address, **opened(browser, order), remove_row="lines.0")
    answer = send(browser, address, **inputs_of(shown.get_data(as_text=True)))
    assert answer.status_code == 302, texts(answer)
    assert [line.sku for line in OrderLine.select()] == ["CUP"]
    assert Order.get().total_minor == 500


def test_enter_saves_and_does_not_press_a_button_of_a_row(browser):
    page = browser.get(NEW).get_data(as_text=True)
    buttons = re.findall(r"<button([^>]*)>", page[page.index("data-form") :])
    assert 'type="submit"' in buttons[0]
    assert "name=" not in buttons[0]


def test_another_currency_means_the_amounts_that_stand_there(browser, make_order):
    order = make_order(status="draft")
    answer = send(browser, f"/admin/orders/{order.id}/edit", **opened(browser, order) | {"currency": "KWD"})
    assert answer.status_code == 302, texts(answer)
    assert (Order.get().currency, Order.get().total_minor) == ("KWD", 25_000)


def test_a_field_says_what_leaving_it_empty_means(browser):
    page = texts(browser.get(NEW))
    assert "Leave empty for the next number." in page
    assert "A draft may be saved without lines; placing it needs at least one." in page


def cards(page):
    """The headings of the form's cards in their order; of those that fold whether they are open."""
    form = page.partition('<form class="mk-form')[2].partition("</form>")[0]
    return [
        (re.sub("<[^>]+>", "", heading), " open" in fold if fold else None)
        for fold, heading in re.findall(
            r"(<details[^>]*>)?(?:<header>|<summary>)(?:<svg.*?</svg>)?<h2[^>]*>(.*?)</h2>", form
        )
    ]


def test_a_new_order_begins_with_its_lines_and_the_bill_is_folded_while_it_goes_to_the_same_address(browser):
    always = [("Lines", None), ("Adjustments", None), ("Ship to", None)]
    assert cards(browser.get(NEW).text) == [*always, ("Bill to", False), ("Customer", None), ("Source", None)]
    refused = send(browser, NEW, currency="GBP", **{"billing_address.city": "B" * 200})
    assert refused.status_code == 422
    assert ("Bill to", True) in cards(refused.text)


def test_the_kind_of_a_new_order_is_a_sale_and_never_nothing(browser):
    kinds = re.search(r'<select[^>]* name="kind".*?</select>', browser.get(NEW).text, re.DOTALL)[0]
    assert re.findall(r'<option value="(\w*)"( selected)?>', kinds) == [("sale", " selected"), ("credit", "")]


def test_nobody_is_asked_for_seconds_that_nobody_typed(browser, make_order):
    asked = re.compile(r'name="placed_at" type="datetime-local" value="([^"]*)"( step="1")?')
    assert asked.search(browser.get(NEW).text).groups() == ("", None)
    for written, shown in (("2026-03-01T14:30:00Z", "T14:30"), ("2026-03-01T14:30:05Z", "T14:30:05")):
        order = make_order(number=f"S-{len(shown)}", status="draft", placed_at=written)
        page = browser.get(f"/admin/orders/{order.id}/edit").text
        value, step = asked.search(page).groups()
        assert (value[10:], bool(step)) == (shown, shown.count(":") == 2)
        assert send(browser, f"/admin/orders/{order.id}/edit", **inputs_of(page)).status_code == 302
        assert Order.get_by_id(order.id).version == order.version


def test_amounts_stand_beside_their_currency(browser, make_order):
    order = make_order(lines=[{"sku": "PEN", "quantity": Decimal("1500"), "unit_price": Decimal("0.0125")}])
    assert "PEN £0.0125 × 1,500 £18.75" in texts(browser.get(f"/admin/orders/{order.id}"))
    assert "Unit price GBP" in texts(browser.get(NEW))


def test_all_that_is_wrong_is_said_at_once(browser):
    line = {"lines.0.sku": "S" * 300, "lines.0.title": "T" * 600, "lines.0.quantity": "abc", "lines.0.unit_price": "x"}
    answer = send(browser, NEW, currency="ZZZ", placed_at="soon", **line)
    assert answer.status_code == 422
    named = set(re.findall(r'id="e-([^"]+)"', answer.get_data(as_text=True)))
    assert named == {*line, "currency", "placed_at"}
    assert Order.select().count() == 0


def test_a_currency_is_one_that_there_is(browser):
    answer = send(browser, NEW, currency="ZZZ", customer_name="Omar")
    assert "There is no such currency. Write its code of ISO 4217, such as GBP, EUR or SAR." in texts(answer)
    for code in ("sar", "HRK"):
        assert send(browser, NEW, currency=code, customer_name="Omar").status_code == 302, code


def test_what_is_wrong_in_a_row_or_an_address_is_said_with_its_place(browser):
    rows = {f"lines.{n}.{name}": text for n in (0, 4) for name, text in [("title", "Mug"), ("quantity", "two")]}
    answer = send(browser, NEW, currency="GBP", **rows | {"billing_address.country": "x" * 65})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for name, place in [("lines.0.quantity", "Lines, row 1"), ("lines.1.quantity", "Lines, row 2")]:
        assert f'<a href="#f-{name}">{place}: Quantity: Write a number' in page
        assert f'id="f-{name}"' in page
    assert '<a href="#f-billing_address.country">Bill to: Country: ' in page
