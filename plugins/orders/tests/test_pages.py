"""Orders in the browser and through the API, with the rights of a role and a fixed number of statements."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest

from core import auth
from core.auth import User
from plugins.orders.api import ORDER_WORKFLOW
from plugins.orders.models import Order
from plugins.orders.tests.conftest import doc, send, statements


@pytest.fixture
def many(service, ctx):
    lines = [{"sku": f"S{i}", "title": "قلم أزرق", "line_total_minor": 100 + i} for i in range(3)]
    docs = [
        doc(f"{n}", lines=lines, customer_name="ليلى حداد", sales_channel="web" if n % 2 else "pos") for n in range(60)
    ]
    service.upsert(ctx, docs)
    return list(Order.select().order_by(Order.id))


def test_the_list_page_shows_orders_in_at_most_11_statements(signed_in, many):
    browser = signed_in("manager")
    browser.get("/admin/orders/")
    with statements() as seen:
        page = browser.get("/admin/orders/")
    assert page.status_code == 200
    assert "ليلى حداد" in page.get_data(as_text=True)
    assert len(seen) <= 11, seen


QUERIES = (
    "status=open,completed payment_status=unpaid fulfillment_status=unfulfilled return_status=none "
    "kind=sale currency=GBP sales_channel=pos placed_at=this_year placed_at__gte=2026-01-01 "
    "total_minor__gte=1 tags=x customer_key__prefix=a q=12 q=حداد q=S2 sort=total_minor "
    "sort=-customer_name sort=number sort=-items sort=-updated_at sort=placed_at"
).split()


def test_every_filter_search_and_sort_answers(signed_in, many):
    browser = signed_in("manager")
    for query in QUERIES:
        page = browser.get(f"/admin/orders/?{query}")
        assert page.status_code == 200, query
        assert "mk-alert mk-warn" not in page.get_data(as_text=True), query


@pytest.mark.parametrize("status", ["draft", "open"])
def test_an_order_page_takes_at_most_10_statements_whatever_its_lines(signed_in, service, ctx, status):
    browser = signed_in("manager")
    sizes = {}
    for size in (1, 500):
        lines = [{"sku": f"S{i}", "quantity": Decimal(1), "unit_price": Decimal("0.99")} for i in range(size)]
        made = service.upsert(ctx, [doc(f"n{size}", lines=lines, status=status, shipping_address={"city": "Leeds"})])[0]
        browser.get(f"/admin/orders/{made.id}")
        with statements() as seen:
            page = browser.get(f"/admin/orders/{made.id}")
        assert page.status_code == 200
        assert f"S{size - 1}" in page.get_data(as_text=True)
        sizes[size] = len(seen)
    assert sizes[1] == sizes[500] <= 10, "\n".join(seen)


def test_an_order_leads_to_the_other_orders_of_its_customer_and_to_his_mail(signed_in, service, ctx):
    who = {"customer_name": "Dana van Turner", "customer_email": "Dana@example.com", "customer_phone": "+44 113 496"}
    made = service.upsert(ctx, [doc(f"D-{n}", **who) for n in range(2)] + [doc("E-1", customer_name="Emma")])
    browser = signed_in("manager")
    card = browser.get(f"/admin/orders/{made[0].id}").text.partition('id="s-customer"')[2].partition("</section>")[0]
    assert 'href="mailto:Dana%40example.com"' in card
    assert 'href="tel:%2B44113496"' in card
    assert ">DT</span>" in card
    (found,) = re.findall(r'<a class="mk-small" href="([^"]+)">2 orders</a>', card)
    assert re.findall(r'class="mk-key"[^>]*><bdi>([^<]+)', browser.get(found).text) == ["D-1", "D-0"]
    assert (
        "mk-small"
        not in browser.get(f"/admin/orders/{made[2].id}")
        .text.partition('id="s-customer"')[2]
        .partition("</section>")[0]
    )


OFFERED = {
    "draft": {"place", "submit", "delete"},
    "pending": {"confirm", "expire", "cancel"},
    "open": {"complete", "cancel"},
    "completed": {"archive", "reopen"},
    "archived": {"unarchive"},
    "canceled": set(),
    "expired": set(),
}


@pytest.mark.parametrize("status", OFFERED)
def test_the_page_of_an_order_offers_what_can_be_done_with_it_now(signed_in, service, ctx, status):
    made = service.upsert(ctx, [doc(status=status)])[0]
    page = signed_in("owner").get(f"/admin/orders/{made.id}").get_data(as_text=True)
    offered = set(re.findall(rf'/orders/(?:actions/(\w+)|{made.id}/(delete))"', page))
    assert {action or other for action, other in offered} == OFFERED[status] | {"add_tags", "remove_tags"}


NOT_DAILY = {"expire", "delete"}


@pytest.mark.parametrize("status", OFFERED)
def test_an_operator_does_the_daily_work_that_a_page_offers(signed_in, service, ctx, status):
    operator, daily = signed_in("operator"), OFFERED[status] - NOT_DAILY
    for number, act in enumerate(sorted(daily | NOT_DAILY)):
        made = service.upsert(ctx, [doc(str(number), status=status)])[0]
        page = operator.get(f"/admin/orders/{made.id}").get_data(as_text=True)
        links = set(re.findall(r'(?:href|hx-get)="(/admin/orders/[^"#]*)', page))
        assert [link for link in links if operator.get(link.replace("&amp;", "&")).status_code == 403] == []
        assert {name for name in OFFERED[status] if f'/orders/actions/{name}"' in page} == daily
        answer = operator.send(
            f"/admin/orders/actions/{act}", ids=str(made.id), confirmed="1", **{"argument.reason": "As agreed"}
        )
        assert answer.status_code == (403 if act in NOT_DAILY else 302), act
        assert (Order.get_by_id(made.id).status == status) is (act in NOT_DAILY), act


def test_orders_that_may_not_are_named_with_the_reason_and_the_others_are_done(signed_in, service, ctx):
    made = service.upsert(ctx, [doc("1", status="completed"), doc("2", status="completed"), doc("3")])
    browser = signed_in("manager")
    send(browser, "/admin/orders/actions/archive", ids=[str(one.id) for one in made], back="/admin/orders/")
    page = browser.get("/admin/orders/").get_data(as_text=True)
    assert "2 of 3 records changed." in page
    assert "<li><bdi>3</bdi>: This needs the state Completed; now it is Open.</li>" in page


def test_of_many_only_drafts_are_deleted_and_the_others_named(signed_in, service, ctx):
    made = service.upsert(ctx, [doc("1", status="draft"), doc("2")])
    browser = signed_in("owner")
    browser.send("/admin/orders/actions/delete", ids=[str(one.id) for one in made], back="/admin/orders/")
    page = browser.get("/admin/orders/").get_data(as_text=True)
    assert "1 of 2 records deleted." in page
    assert "<li><bdi>2</bdi>: Only drafts can be deleted. Cancel or archive this order instead.</li>" in page


def test_an_order_is_canceled_for_a_reason_that_its_timeline_shows(signed_in, make_order):
    order = make_order()
    browser = signed_in("owner")
    refused = browser.send("/admin/orders/actions/cancel", ids=str(order.id), **{"argument.reason": "no"})
    assert "Give a reason of at least 3 letters." in refused.get_data(as_text=True)
    browser.send("/admin/orders/actions/cancel", ids=str(order.id), **{"argument.reason": "Bought twice"})
    assert "Bought twice" in browser.get(f"/admin/orders/{order.id}").get_data(as_text=True)


@pytest.mark.parametrize(("language", "said"), [("en", ["Order", "Archive"]), ("ar", ["طلب", "أرشفة"])])
def test_the_audit_log_calls_an_order_and_its_commands_by_their_names(signed_in, service, ctx, language, said):
    made = service.upsert(ctx, [doc("A-17", status="completed")])[0]
    ORDER_WORKFLOW.run(ctx, "archive", [made.id])
    browser = signed_in("owner")
    User.update(locale=language).where(User.id == browser.user.id).execute()
    page = browser.get("/admin/audit/?resource__prefix=orders").get_data(as_text=True)
    row = next(row for row in page.split("<tr>") if said[1] in row)
    assert f'<a href="/admin/orders/{made.id}"><bdi>A-17</bdi></a>' in row
    assert said[0] in row


def test_a_role_bound_to_a_channel_sees_only_its_orders(signed_in, many):
    browser = signed_in("manager", {"orders.order": {"sales_channel": ["pos"]}})
    web, pos = (next(order for order in many if order.sales_channel == name) for name in ("web", "pos"))
    assert browser.get(f"/admin/orders/{pos.id}").status_code == 200
    assert browser.get(f"/admin/orders/{web.id}").status_code == 404
    page = browser.get("/admin/orders/?limit=100").get_data(as_text=True)
    assert len(re.findall(r'class="mk-key"', page)) == 30


@pytest.fixture
def api(app, make_user, ctx):
    """api("GET", "/orders", …) with a manager's token."""
    token = auth.create_token(ctx, make_user("manager"), ["*"])
    client = app.test_client()

    def call(method, path, **kwargs):
        headers = {"Authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
        return client.open(f"/api/v1{path}", method=method, headers=headers, **kwargs)

    return call


def test_an_order_is_made_read_and_changed_through_the_api(api):
    body = {
        "number": "A-1", "sales_channel": "app", "currency": "KWD", "status": "open", "customer_name": "ليلى",
        "lines": [{"sku": "MUG", "quantity": "3", "unit_price": "1.0005"}],
        "adjustments": [{"kind": "shipping", "amount_minor": 500}],
    }  # fmt: skip
    made = api("POST", "/orders", json=body, headers={"Idempotency-Key": "one"})
    assert made.status_code == 201, made.json
    again = api("POST", "/orders", json=body, headers={"Idempotency-Key": "one"})
    assert again.json["id"] == made.json["id"]
    read = api("GET", f"/orders/{made.json['id']}").json
    assert (read["total_minor"], read["lines"][0]["line_total_minor"], read["shipping_minor"]) == (3502, 3002, 500)
    changed = api(
        "PATCH",
        f"/orders/{made.json['id']}",
        json={"customer_phone": "+965 1"},
        headers={"If-Match": f'"{read["version"]}"'},
    )
    assert changed.status_code == 200, changed.json
    assert api("PATCH", f"/orders/{made.json['id']}", json={"status": "completed"}).status_code in (409, 422)


def test_a_command_runs_through_the_api(api, make_order):
    order = make_order()
    answer = api("POST", "/orders/actions/complete", json={"ids": [order.id]})
    assert answer.status_code in (200, 202), answer.json
    assert Order.get().status == "completed"


def test_the_api_describes_orders(api):
    described = api("GET", "/openapi.json").json
    order = next(schema for name, schema in described["components"]["schemas"].items() if name == "Order")
    assert order["properties"]["total_minor"]["description"]
    assert order["properties"]["number"]["example"]


@pytest.mark.parametrize("act", ["actions/cancel", "actions/add_tags", "{id}/delete"])
def test_a_question_about_one_order_names_it_its_buyer_and_its_amount(signed_in, service, ctx, act):
    status = "draft" if "delete" in act else "open"
    made = service.upsert(ctx, [doc("A-17", status=status, customer_name="Harry Walker")])[0]
    browser, url = signed_in("owner"), f"/admin/orders/{act.format(id=made.id)}"
    answer = browser.get(url) if "delete" in act else browser.send(url, ids=str(made.id))
    page = answer.get_data(as_text=True)
    asked = re.search(r'<main.*?<div class="mk-dialog-a">', page, re.DOTALL)[0]
    assert re.search(r"<h1>[^<]*A-17", asked)
    assert "Harry Walker" in asked
    assert "£25.00" in asked
    assert "selected record" not in asked


def test_the_way_out_of_a_question_is_never_called_as_the_act(signed_in, make_order):
    order, browser = make_order("A-17"), signed_in("owner")
    page = browser.send("/admin/orders/actions/cancel", ids=str(order.id)).get_data(as_text=True)
    buttons = re.search(r'<div class="mk-dialog-a">(.*?)</div>', page, re.DOTALL)[1]
    assert re.sub(r"<[^>]+>", "|", buttons).strip("|").split("||") == ["Back", "Cancel order: A-17"]


def test_a_step_that_is_not_possible_yet_stands_there_with_the_reason(signed_in, make_order):
    browser, ready = signed_in("owner"), make_order("2")
    lacking = make_order("1", status="draft", shipping_address=None)
    page = browser.get(f"/admin/orders/{lacking.id}").get_data(as_text=True)
    assert re.search(r'<button[^>]* disabled aria-describedby="blocked">Place</button>', page)
    said = re.search(r'<span id="blocked">(.*?)</span>', page)[1]
    assert "An order is placed with a shipping address; this draft has none yet." in said
    assert "Place: not possible yet." in said
    assert 'id="blocked"' not in browser.get(f"/admin/orders/{ready.id}").get_data(as_text=True)
    assert 'id="blocked"' not in signed_in("viewer").get(f"/admin/orders/{lacking.id}").get_data(as_text=True)


PART = {"HX-Request": "true", "Maktab-Dialog": "1"}


def test_a_long_order_shows_its_first_lines_and_keeps_the_rest_folded(signed_in, service, ctx):
    lines = [{"sku": f"S-{i}", "line_total_minor": 100} for i in range(40)]
    made = service.upsert(ctx, [doc("long", lines=lines, status="completed")])[0]
    browser = signed_in("manager")
    page = browser.get(f"/admin/orders/{made.id}").get_data(as_text=True)
    first, _fold, rest = page.partition("Show 28 more lines")
    assert (first.count(">S-"), rest.count(">S-")) == (12, 28)
    part = browser.get(f"/admin/orders/{made.id}", headers=PART).get_data(as_text=True)
    assert (part.count(">S-"), "and 37 more lines" in part) == (3, True)
    assert "Show 40 rows" in browser.get(f"/admin/orders/{made.id}/edit").get_data(as_text=True)
