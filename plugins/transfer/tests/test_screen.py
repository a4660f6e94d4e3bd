"""Exports of the columns that a list shows on screen: in their order, with its filters, for whom they are."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from core import access, audit, boot, files, jobs
from core import runtime as runtime_room
from core.context import Context, system_context
from core.errors import Invalid
from core.resources import Resource, Selection
from plugins.transfer import api as transfer
from tests.conftest import confirmed, csrf_of
from tests.helpers import install_suppliers, make_suppliers

EXPORT, LIST = "/admin/imports/export", "/admin/suppliers/"
NAMES, LABELS = "credit_minor,parent,name", ["Credit", "Part of", "Name"]


@pytest.fixture
def runtime(app_db: Any, settings: Any) -> Iterator[Any]:
    boot.migrate_all(settings)
    built = install_suppliers(settings, "transfer")
    with runtime_room.bound(built):
        access.ensure_default_roles(system_context("cli"))
        yield built


@pytest.fixture
def suppliers(runtime: Any) -> Resource:
    """With two of them, one part of the other."""
    (parent,) = make_suppliers({"code": "S-1", "name": "Waha", "country": "GB", "credit_minor": 1250})
    make_suppliers({"code": "S-2", "name": "=1+1", "country": "DE", "parent": parent})
    return runtime.resource("suppliers.supplier")  # type: ignore[no-any-return]


def rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def exported(ctx: Context, resource: Resource, *columns: str) -> list[list[str]]:
    out = io.BytesIO()
    transfer.export_rows(ctx, resource, Selection(resource.name, everything=True), "list", out, columns=columns)
    return rows(out.getvalue())


def beside(browser: Any, page: str) -> str:
    """Where the button *Export* of a list leads."""
    found = re.search(rf'href="({EXPORT}[^"]*)"', browser.get(page, follow_redirects=True).text)
    assert found
    return html.unescape(found[1])


def sent(browser: Any, address: str, **form: str) -> Any:
    """What the form of the export page sends, with what it shows; and the password that it asks for."""
    page = browser.get(address).text
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.split('class="mk-form')[1]))
    given = {**hidden, **form, "csrf_token": csrf_of(page)}
    answer = browser.post(EXPORT, data=given, headers={"Referer": "http://localhost" + EXPORT})
    return confirmed(browser, EXPORT, answer, **{name: text for name, text in given.items() if name != "csrf_token"})


def last_file() -> list[list[str]]:
    job = jobs.Job.select().where(jobs.Job.kind == "transfer.export").order_by(jobs.Job.id.desc()).get()
    with files.open_file(job.result["file_id"]) as stream:
        return rows(stream.read())


def test_the_button_of_a_list_names_the_columns_on_screen_and_keeps_the_filters(
    suppliers: Resource, signed_in: Any
) -> None:
    browser = signed_in("owner")
    address = beside(browser, f"{LIST}?columns={NAMES}&country=DE&q=S-2")
    assert address.endswith(f"columns={NAMES}&country=DE&q=S-2")
    page = browser.get(address).text
    assert f"On screen: {', '.join(LABELS)}" in page
    assert '<option value="screen" selected>The columns on screen, CSV</option>' in page


def test_the_button_follows_the_list_when_it_is_fetched_in_part(suppliers: Resource, signed_in: Any) -> None:
    part = signed_in("owner").get(f"{LIST}?columns={NAMES}", headers={"HX-Request": "true"}).text
    assert f"{EXPORT}?resource=suppliers.supplier&amp;columns={NAMES}" in part


def test_the_file_has_the_columns_of_the_screen_in_their_order_and_what_the_filters_let_through(
    suppliers: Resource, signed_in: Any, work_off: Callable[[], None]
) -> None:
    browser = signed_in("owner")
    answer = sent(browser, beside(browser, f"{LIST}?columns={NAMES}&country=DE"), format="screen")
    assert answer.status_code == 302, answer.text
    work_off()
    assert last_file() == [[*LABELS, "Currency"], ["0.00", "Waha", "'=1+1", "GBP"]]


def test_the_columns_of_the_list_are_still_those_that_everybody_begins_with(
    suppliers: Resource, signed_in: Any, work_off: Callable[[], None]
) -> None:
    browser = signed_in("owner")
    sent(browser, beside(browser, f"{LIST}?columns={NAMES}"), format="list")
    work_off()
    assert last_file()[0] == ["Code", "Name", "Country", "Credit", "Currency"]


def test_without_a_list_before_it_the_page_offers_no_screen(suppliers: Resource, signed_in: Any) -> None:
    page = signed_in("owner").get(f"{EXPORT}?resource={suppliers.name}").text
    assert 'value="screen"' not in page
    assert '<option value="list" selected>' in page


def test_the_log_tells_which_columns_went_out(suppliers: Resource, ctx: Context) -> None:
    exported(ctx, suppliers, "name", "name", "code")
    entry = audit.Entry.select().where(audit.Entry.action == "exported").order_by(audit.Entry.id.desc()).get()
    assert entry.diff["after"]["columns"] == ["name", "name", "code"]


def test_a_column_twice_is_one(suppliers: Resource, ctx: Context) -> None:
    assert exported(ctx, suppliers, "name", "code", "name")[0] == ["Name", "Code"]


def test_a_column_that_the_list_does_not_have_is_refused(suppliers: Resource, signed_in: Any, ctx: Context) -> None:
    with pytest.raises(Invalid, match="no column version"):
        exported(ctx, suppliers, "version")
    browser = signed_in("owner")
    assert browser.get(f"{EXPORT}?resource={suppliers.name}&columns=version").status_code == 422
    assert sent(browser, f"{EXPORT}?resource={suppliers.name}", format="screen", columns="version").status_code == 422
    assert not jobs.Job.select().where(jobs.Job.kind == "transfer.export").exists()


def test_who_may_not_export_gets_no_columns_either(suppliers: Resource, signed_in: Any, ctx: Context) -> None:
    access.Role.create(name="readers")
    access.grant(ctx, "readers", "suppliers.supplier.view")
    browser = signed_in("readers")
    assert browser.get(f"{EXPORT}?resource={suppliers.name}&columns=name").status_code == 403
    assert EXPORT not in browser.get(LIST).text


def test_a_name_that_the_role_does_not_reach_goes_out_as_a_number(
    suppliers: Resource, ctx: Context, make_user: Any, signed_in: Any, work_off: Callable[[], None]
) -> None:
    browser = signed_in("owner", {"suppliers.supplier": {"country": ["DE"]}})
    sent(browser, beside(browser, f"{LIST}?columns=name,parent"), format="screen")
    work_off()
    assert last_file() == [["Name", "Part of"], ["'=1+1", "1"]]


def test_the_api_names_columns(suppliers: Resource, api: Callable[..., Any], work_off: Callable[[], None]) -> None:
    caller, order = api("owner"), {"all": True, "format": "list", "columns": ["name", "code"]}
    assert caller.post("/api/v1/suppliers/exports", json=order | {"columns": ["nothing"]}).status_code == 422
    assert caller.post("/api/v1/suppliers/exports", json=order).status_code == 202
    work_off()
    assert last_file() == [["Name", "Code"], ["Waha", "S-1"], ["'=1+1", "S-2"]]
