"""Every page in a real Chromium, in both languages and themes, wide and on a phone: see core.testing.pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import flask
import pytest

from core import auth, jobs
from core.auth import User
from core.context import Context
from core.jobs.worker import Worker
from core.resources import Selection, service_of, traits
from core.testing import pages
from plugins.orders.tests.conftest import doc

pytestmark = [pytest.mark.slow, pytest.mark.parametrize("database_kind", ["sqlite"])]
MUST = {
    "/admin/", "/admin/orders/", "/admin/orders/new", "/admin/jobs/", "/admin/plugins/", "/admin/profile/",
    "/admin/users/", "/admin/roles/", "/admin/audit/", "/admin/imports/", "/admin/no-such-page",
}  # fmt: skip
# Wide and light in English, dark and narrow in Arabic; by `make prove` also what lies between.
LOOKS = [
    pages.LOOKS[0], *(pytest.param(look, marks=pytest.mark.prove) for look in pages.LOOKS[1:-1]), pages.LOOKS[-1],
]  # fmt: skip


@pytest.fixture
def shop(runtime: Any, ctx: Context, owner: Any) -> None:
    """Orders in several states, a job of many with rejects, notes, a token."""
    orders = service_of(runtime.resource("orders.order"))
    made = orders.create(ctx, [doc(str(1000 + n), status="draft" if n % 9 == 0 else "open") for n in range(60)])
    traits.add_note(auth.context_for(owner, "ui"), "orders.order", made[0].id or 0, "Please gift-wrap it.")
    everything = Selection("orders.order", everything=True)
    jobs.start_action(auth.context_for(owner, "ui"), "orders.order", "add_tags", everything, {"tags": ["gift"]})
    Worker(runtime.settings).drain()
    auth.create_token(auth.context_for(owner, "ui"), owner, ["*"], name="Shelf labels", days=30)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: "-".join(map(str, look)))
def test_every_page_can_be_used_by_all(page: Any, app: flask.Flask, owner: Any, shop: None, look: pages.Look) -> None:
    opened = pages.sweep(page, app, owner, look)
    assert set(opened) >= MUST


def test_what_is_wrong_is_seen(page: Any) -> None:
    """The sweep above is worth as much as what it finds."""
    page.goto("/admin/profile/")
    assert pages.seen(page) == []
    page.evaluate("""() => {
        document.querySelector("label[for=f-name]").remove();
        document.querySelector("h1").style.color = "#ddd";
        document.querySelector("main").style.width = "3000px";
        document.querySelector("details[data-popup]").lastElementChild.style.insetInlineEnd = "3000px";
    }""")
    wrong = pages.seen(page)
    assert [text.partition(":")[0] for text in wrong] == [
        "color-contrast", "label", "it scrolls sideways", "the menu OW leaves the window",
    ]  # fmt: skip


@pytest.fixture
def long_words(runtime: Any, ctx: Context, owner: Any) -> None:
    """One order whose texts have no blank to break at, a note and tags of that kind."""
    word = "W" * 200
    place = {"name": word, "line1": word, "city": "C" * 120}
    line = {"sku": "S" * 120, "title": word, "quantity": Decimal(1), "unit_price": Decimal(1)}
    order = doc(
        "9" * 60, customer_name=word, customer_email=f"{word}@example.com", sales_channel="c" * 60, lines=[line],
        shipping_address=place, billing_address=place, extra={"x" * 60: word}, tags=["t" * 60, "u" * 60],
    )  # fmt: skip
    made = service_of(runtime.resource("orders.order")).create(ctx, [order])[0]
    assert made.ok, made.reason
    traits.add_note(auth.context_for(owner, "ui"), "orders.order", made.id or 0, word)
    User.update(name=word[:200], email=f"{'e' * 200}@example.com").where(User.id == owner.id).execute()


@pytest.mark.parametrize("width", [360, 1280])
def test_words_that_do_not_end_stay_in_their_place(
    page: Any, app: flask.Flask, owner: Any, long_words: None, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    wide = []
    for place in pages.kinds_of_pages(app, owner):
        page.goto(place)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(place)
    assert wide == [], wide
