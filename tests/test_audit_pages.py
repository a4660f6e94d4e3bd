"""The audit log as people read it: words, names and links instead of codes and numbers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from core import access, audit, db
from core import runtime as runtime_room
from core.access.models import Role
from core.auth import User
from core.builtin import audit_checks
from core.changes import Change
from core.context import Actor, Context, system_context
from core.db import bulk
from core.resources import service_of
from tests.helpers import count_statements, make_suppliers, suppliers_on
from tests.test_audit import drop_triggers

LOG = "/admin/audit/"
NAME = "suppliers.supplier"
LATE = {
    "at": datetime(2026, 3, 1, tzinfo=UTC), "source": "ui", "digest": "0" * 64, "action": "x", "resource": NAME,
}  # fmt: skip


runtime = suppliers_on()


def rows(client: Any, query: str = "") -> list[list[str]]:
    """The texts of the log's rows, newest first, without their time."""
    page = client.get(LOG + query).get_data(as_text=True)
    lines = re.findall(r"<tr>(.*?)</tr>", page[page.index("<tbody") :], re.S)
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", one, re.S)][1:] for one in lines
    ]


def note(action: str, record_id: int, user_id: int | None = None, resource: str = NAME) -> None:
    ctx = Context(Actor(user_id, "somebody"), "ui") if user_id else system_context("cli")
    audit.write(ctx, resource, action, [Change(record_id)])


def test_an_entry_names_person_action_kind_and_record(signed_in: Any) -> None:
    owner = signed_in("owner")
    User.update(name="Noura Saleh").where(User.id == owner.user.id).execute()
    (supplier,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    note("updated", supplier, owner.user.id)
    assert rows(owner, "?resource=suppliers.supplier")[0] == [
        "Noura Saleh",
        "Updated",
        "Supplier",
        "Waha Linen",
        "Admin",
    ]


def test_the_number_of_a_record_is_a_code_and_not_a_quantity(signed_in: Any) -> None:
    note("deleted", 1_234_567)
    assert rows(signed_in("owner"), "?resource=suppliers.supplier")[0][3] == "1234567"


@pytest.mark.parametrize(
    ("resource", "action", "said"),
    [
        (NAME, "tags_added", ["Tags added", "Supplier"]),
        ("core.user", "sign_in_refused", ["Sign in refused", "User"]),
        ("shelves.price_list", "price_frozen", ["Price frozen", "Price list"]),
    ],
)
def test_a_code_that_nobody_named_is_said_in_words(signed_in: Any, resource: str, action: str, said: list[str]) -> None:
    owner = signed_in("owner")
    note(action, 0, resource=resource)
    assert rows(owner)[0][1:4] == [*said, ""]


def test_the_words_are_in_the_language_of_the_reader(signed_in: Any) -> None:
    owner = signed_in("owner")
    User.update(locale="ar").where(User.id == owner.user.id).execute()
    (supplier,) = make_suppliers({"code": "S-1", "name": "Waha Linen"})
    note("deleted", supplier)
    assert rows(owner, "?resource=suppliers.supplier")[0][:2] == ["النظام", "حُذف"]


def test_an_entry_leads_to_its_record_while_that_exists(signed_in: Any) -> None:
    owner = signed_in("owner")
    there, gone = make_suppliers({"code": "S-1", "name": "One"}, {"code": "S-2", "name": "Two"})
    service_of(runtime_room.current().resource(NAME)).delete(system_context(), [gone])
    page = owner.get(LOG).get_data(as_text=True)
    assert f'<a href="/admin/suppliers/{there}"><bdi>One</bdi></a>' in page
    assert f"/admin/suppliers/{gone}" not in page
    entry = audit.history(NAME, there).first()
    assert f'<a href="/admin/suppliers/{there}">' in owner.get(f"{LOG}{entry.id}").get_data(as_text=True)


def test_the_fields_of_a_change_have_the_labels_of_the_form(signed_in: Any) -> None:
    owner = signed_in("owner")
    audit.write(system_context(), "core.user", "updated", [Change(owner.user.id, {"locale": "en"}, {"locale": "ar"})])
    entry = audit.history("core.user", owner.user.id).first()
    assert "<td>Language</td>" in owner.get(f"{LOG}{entry.id}").get_data(as_text=True)


def test_an_entry_says_nothing_of_a_record_that_lies_outside_the_row_scope(signed_in: Any, ctx: Context) -> None:
    for role, permission in (("auditor", "core.audit_entry.view"), ("buyer", f"{NAME}.view")):
        Role.insert(name=role, label=role.title()).execute()
        access.grant(ctx, role, permission)
    make_suppliers({"code": "S-1", "name": "Ours", "country": "GB"}, {"code": "S-2", "name": "Theirs", "country": "SA"})
    auditor = signed_in("auditor")
    access.assign(ctx, auditor.user, "buyer", {NAME: {"country": ["GB"]}})
    seen = [row[3] for row in rows(auditor, "?resource=suppliers.supplier")]
    assert "Ours" in seen
    assert "Theirs" not in seen


def test_a_page_of_the_log_needs_at_most_12_statements(signed_in: Any) -> None:
    owner = signed_in("owner")
    make_suppliers(count=60)
    owner.get(LOG)
    with count_statements() as seen:
        assert len(rows(owner)) == 50
    assert len(seen) <= 12, seen


def test_the_log_is_filtered_by_name_kind_and_action_in_words(signed_in: Any, make_user: Any) -> None:
    owner, other = signed_in("owner"), make_user("viewer")
    User.update(name="Noura Saleh").where(User.id == other.id).execute()
    note("updated", 5, other.id)
    note("price_frozen", 6, resource="shelves.price_list")  # of a plugin that is off
    menu = re.sub(r"<[^>]+>", "\n", owner.get(f"{LOG}filters").get_data(as_text=True))
    for told in ("Noura Saleh", "Supplier", "Price list", "Sign in refused", "Set password", "Nobody"):
        assert told in menu, told
    assert [row[:3] for row in rows(owner, f"?actor_id={other.id}")] == [["Noura Saleh", "Updated", "Supplier"]]
    assert [row[1] for row in rows(owner, "?resource=shelves.price_list")] == ["Price frozen"]
    assert {row[1] for row in rows(owner, "?action=signed_in,updated")} == {"Signed in", "Updated"}
    assert "Kind of record: <b><bdi>Price list</bdi></b>" in owner.get(f"{LOG}?resource=shelves.price_list").text
    assert "This is the whole list instead." in owner.get(f"{LOG}?actor_id=x").text


def test_above_the_log_stands_whether_the_chain_holds_and_who_looked_last(signed_in: Any, ctx: Context) -> None:
    owner = signed_in("owner")
    assert "The chain was not verified yet." in owner.get(LOG).text
    assert audit_checks.check(ctx).ok
    page = owner.get(LOG).text
    assert "The chain holds." in page
    assert audit.Head.get().hash[:32] in page
    assert rows(owner, "?action=verified")[0][1] == "Verified"
    drop_triggers()
    audit.Entry.update(action="deleted").where(audit.Entry.seq == 1).execute()
    assert not audit_checks.check(ctx).ok
    assert 'The chain does not hold.</b> <span dir="auto">it was edited' in owner.get(LOG).text
    User.update(locale="ar").where(User.id == owner.user.id).execute()
    assert "عُدِّل هذا القيد" in owner.get(LOG).text


def test_entries_that_wait_for_their_seal_are_no_broken_chain(signed_in: Any, ctx: Context) -> None:
    owner = signed_in("owner")
    with db.transaction():
        audit.Entry.insert(LATE | {"record_id": 1}).execute()
        found = audit.verify()
        noted = vars(found) | {"problem": str(found.problem)}
        audit.write(ctx, audit_checks.RESOURCE, audit_checks.ACTION, [Change(0, after=noted)])
    assert not found.ok
    page = owner.get(LOG).text
    assert "The chain holds." in page
    assert "to be sealed: does a worker run?" in page
    assert "mk-alert mk-warn" in page
    audit.seal()
    page = owner.get(LOG).text
    assert "to be sealed" not in page
    assert "mk-alert mk-ok" in page


def test_a_check_seals_all_that_waits_first(runtime: Any, ctx: Context) -> None:
    bulk.insert(audit.Entry, [LATE | {"record_id": number} for number in range(1_100)])
    assert audit_checks.check(ctx).ok


def test_the_log_is_verified_once_a_day(runtime: Any, ctx: Context) -> None:
    (every_s,) = [schedule.every_s for schedule in runtime.schedules if schedule.job == "core.audit_verify"]
    assert every_s == 86_400
