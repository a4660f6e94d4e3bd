"""Theme, density and digits: chosen on the profile page, kept for the user, seen everywhere he reads."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import flask
import pytest

from core import auth, i18n, jobs, preferences
from core.context import Context
from core.jobs import run as job_run
from tests.helpers import count_statements, make_suppliers, suppliers_on

LOOK = "/admin/look/"
PART = {"HX-Request": "true"}


runtime = suppliers_on()


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def root(browser: Any) -> str:
    found = re.search(r"<html[^>]*>", browser.get("/admin/profile/").text)
    assert found
    return found[0]


def test_what_is_chosen_is_kept_for_the_user_and_shown_as_chosen(owner: Any) -> None:
    assert owner.send(LOOK, theme="dark", density="compact", digits="arab").location == "/admin/profile/"
    ctx = auth.context_for(owner.user, "ui")
    assert [preferences.get(ctx, name) for name in ("theme", "density", "digits")] == ["dark", "compact", "arab"]
    page = owner.get("/admin/profile/").text
    assert all(f'<option value="{value}" selected>' in page for value in ("dark", "compact", "arab"))


def test_the_theme_of_a_user_follows_him_to_another_browser(owner: Any, app: Any) -> None:
    from core.testing.people import enter

    assert 'data-theme="auto"' in root(owner)
    owner.send(LOOK, theme="dark")
    other = app.test_client()
    enter(other, owner.user.username)
    assert 'data-bs-theme="dark"' in root(other)
    other.set_cookie("maktab_theme", "light")
    assert 'data-bs-theme="light"' in root(other), "what was chosen at this browser"
    owner.send(LOOK, theme="auto")
    assert 'data-theme="auto"' in root(owner)


def test_the_button_of_the_top_bar_asks_for_no_page(owner: Any) -> None:
    from tests.conftest import csrf_of

    headers = PART | {"X-CSRFToken": csrf_of(owner.get("/admin/").text), "Referer": "http://localhost/admin/"}
    assert owner.post(LOOK, data={"theme": "dark"}, headers=headers).status_code == 204
    assert preferences.get(auth.context_for(owner.user, "ui"), "theme") == "dark"


@pytest.mark.parametrize("wrong", [{"theme": "pink"}, {"density": ""}, {"digits": "roman"}])
def test_nothing_else_is_kept(owner: Any, wrong: dict[str, str]) -> None:
    assert owner.send(LOOK, **wrong).status_code == 422
    assert preferences.of(auth.context_for(owner.user, "ui")) == {}


def test_numbers_amounts_and_times_are_in_the_digits_of_the_user(owner: Any, signed_in: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One", "credit_minor": 123_456})
    assert "£1,234.56" in owner.get("/admin/suppliers/").text
    owner.send(LOOK, digits="arab")
    page = owner.get("/admin/suppliers/").text
    assert "£١٬٢٣٤٫٥٦" in page
    assert "<bdi>S-1</bdi>" in page, "a code is no number"
    assert owner.get("/admin/suppliers/count").text == "١"
    assert re.search(r"<time [^>]*>Today [٠-٩]{2}:[٠-٩]{2}<", owner.get("/admin/suppliers/1").text)
    assert "£1,234.56" in signed_in("owner").get("/admin/suppliers/").text


def test_what_is_typed_may_have_either_digits(owner: Any) -> None:
    make_suppliers({"code": "S-1", "name": "One"})
    owner.send(LOOK, digits="arab")
    owner.send("/admin/suppliers/1/edit", code="S-1", name="One", credit_minor="١٬٢٣٤٫٥٦", version="1")
    assert "£١٬٢٣٤٫٥٦" in owner.get("/admin/suppliers/1").text


@pytest.mark.parametrize(
    ("shown", "latin", "arabic"),
    [
        (lambda: i18n.format_number(Decimal("-1234.5")), "−1,234.5", "−١٬٢٣٤٫٥"),
        (lambda: i18n.money(-123_456, "GBP"), "−£1,234.56", "−£١٬٢٣٤٫٥٦"),
        (lambda: i18n.price(Decimal("0.001"), "GBP"), "£0.001", "£٠٫٠٠١"),
        (lambda: i18n.format_day(date(2011, 12, 9)), "9 Dec 2011", "٩ Dec ٢٠١١"),
        (lambda: i18n.format_clock(datetime(2026, 1, 2, 3, 4, tzinfo=UTC)), "03:04", "٠٣:٠٤"),
        (lambda: i18n._n("%(n)s record changed.", "%(n)s records changed.", 12), "12 records", "١٢ records"),
        (lambda: i18n._("Undone for %(n)s records.", n=2780), "for 2,780 records", "for ٢٬٧٨٠ records"),
        (lambda: i18n._n("%(n)s record changed.", "%(n)s records changed.", 2780), "2,780 records", "٢٬٧٨٠ records"),
        (lambda: i18n._("There is no order %(id)s.", id=2780), "order 2780.", "order ٢٧٨٠."),
        (lambda: i18n.unpacked(i18n.packed(i18n.__("%(count)s failed", count=2780))), "2,780 failed", "٢٬٧٨٠ failed"),
    ],
)  # fmt: skip
def test_every_format_has_both(shown: Any, latin: str, arabic: str) -> None:
    with i18n.speaking("en", digits="latn"):
        assert latin in re.sub(r"<[^>]+>", "", str(shown()))
    with i18n.speaking("en", digits="arab"):
        assert arabic in re.sub(r"<[^>]+>", "", str(shown()))


@pytest.mark.parametrize(
    ("template", "latin", "arabic"),
    [
        ('{{ ngettext("%(num)s entry verified", "%(num)s entries verified", 2780) }}', "2,780 ent", "٢٬٧٨٠ ent"),
        ('{{ _("%(count)s failed", count=2780) }}', "2,780 failed", "٢٬٧٨٠ failed"),
        ('{{ _("Job %(id)s", id=2780) }}', "Job 2780", "Job ٢٧٨٠"),
        ('{{ _("%(count)s failed", count="<2780>") }}', "&lt;2780&gt; failed", "&lt;2780&gt; failed"),
    ],
)
def test_so_has_every_text_of_a_template(app: Any, template: str, latin: str, arabic: str) -> None:
    with app.test_request_context():
        for digits, said in (("latn", latin), ("arab", arabic)):
            with i18n.speaking("en", digits=digits):
                assert said in flask.render_template_string(template)


def test_an_amount_in_a_filter_has_its_thousands_apart(owner: Any) -> None:
    page = re.sub(r"<[^>]+>", "", owner.get("/admin/orders/?total_minor__gte=123456").text)
    assert "from 1,234.56" in page


def test_a_job_speaks_in_the_digits_of_who_started_it(runtime: Any, ctx: Context) -> None:
    from dataclasses import replace

    job = jobs.enqueue(replace(ctx, digits="arab"), "core.reindex", {})
    assert job_run.context_of(job).digits == "arab"
    assert "digits" not in ctx.to_json(), "a worker of an older version would not know it"


def test_the_choices_cost_a_page_one_statement(owner: Any) -> None:
    with count_statements() as sent:
        owner.get("/admin/suppliers/")
    assert sum("core_preference" in sql for sql in sent) == 1
