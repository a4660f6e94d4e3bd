"""Whatever writes a record (page, API, job, import, command) leaves an audit entry in the same transaction.

Triggers of this test note every written row with its transaction, so that no road can bypass them. PostgreSQL only:
SQLite has no number for a transaction, and the code above the database is the same.
"""

from __future__ import annotations

import html
import io
import re
from typing import Any

import pytest

from core import access, auth, db, files
from core import runtime as runtime_room
from core.context import Context
from core.jobs.worker import Worker
from core.resources import Selection, service_of
from plugins.transfer import api as transfer
from tests.conftest import PASSWORD, confirmed, csrf_of
from tests.test_sweep import Caller, suppliers, whole_app

pytestmark = pytest.mark.parametrize("database_kind", ["postgres"])
__all__ = ["suppliers", "whole_app"]


def tables() -> dict[str, str]:
    """{table: resource name, or "" when an entry of another record tells of it} of all that must be audited."""
    resources = {one.model._meta.table_name: one.name for one in runtime_room.current().resources.values()}
    found, waiting = {}, [db.Model]
    while waiting:
        model = waiting.pop()
        waiting += model.__subclasses__()
        told = model.audit_exempt.startswith(("audited as", "part of"))
        if (not model.audit_exempt or told) and model._meta.table_name in db.database.get_tables():
            found[model._meta.table_name] = resources.get(model._meta.table_name, "")
    return found


@pytest.fixture
def watched(whole_app: Any) -> dict[str, str]:
    """Notes every row that is written in an audited table, and every audit entry, with its transaction."""
    run = db.database.execute_sql
    run("CREATE TABLE seen (tx bigint, tbl text, resource text, row_id bigint)")
    run(
        "CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO seen VALUES (txid_current(), TG_TABLE_NAME, '', COALESCE(NEW.id, OLD.id)); RETURN NULL; END $$"
    )
    run(
        "CREATE FUNCTION see_entry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "INSERT INTO seen VALUES (txid_current(), TG_TABLE_NAME, NEW.resource, NEW.record_id); RETURN NULL; END $$"
    )
    audited = tables()
    for table in audited:
        run(f"CREATE TRIGGER see AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION see()")
    run("CREATE TRIGGER see AFTER INSERT ON core_audit_entry FOR EACH ROW EXECUTE FUNCTION see_entry()")
    return audited


def silent(audited: dict[str, str]) -> tuple[set[Any], dict[str, int]]:
    """Writes without an entry, and how many rows of each table were written."""
    rows = list(db.database.execute_sql("SELECT tx, tbl, resource, row_id FROM seen").fetchall())
    entries = {(tx, resource, row_id) for tx, table, resource, row_id in rows if table == "core_audit_entry"}
    told = {tx for tx, _, _ in entries}
    written: dict[str, int] = {}
    missing = set()
    for tx, table, _, row_id in rows:
        if table != "core_audit_entry":
            written[table] = written.get(table, 0) + 1
            name = audited[table]
            if tx not in told or (name and (tx, name, row_id) not in entries):
                missing.add((table, row_id))
    return missing, written


class Person(Caller):
    """An owner who uses pages and API."""

    def page(self, url: str, **form: Any) -> int:
        shown = self.browser.get(url).get_data(as_text=True)
        for name in ("base", "version"):
            found = re.search(rf'name="{name}" value="([^"]*)"', shown)
            form |= {name: html.unescape(found[1])} if found else {}
        asked = self.browser.post(url, data={"csrf_token": csrf_of(shown) or self.csrf, **form})
        answer = confirmed(self.browser, url, asked, **form)
        assert answer.status_code in (200, 302), (url, answer.status_code, answer.get_data(as_text=True)[-900:])
        return int(re.findall(r"\d+", answer.location or "0")[-1]) if re.search(r"\d", answer.location or "") else 0

    def send(self, url: str, **form: Any) -> None:
        answer = confirmed(self.browser, url, self.browser.post(url, data={"csrf_token": self.csrf, **form}), **form)
        assert answer.status_code in (200, 302), (url, answer.status_code)

    def api(self, method: str, url: str, body: Any = None, **headers: str) -> Any:
        answer = self.browser.open(
            f"/api/v1{url}", method=method, json=body, headers={"Authorization": f"Bearer {self.token}", **headers}
        )
        assert answer.status_code < 300, (method, url, answer.status_code, answer.get_data(as_text=True))
        return answer.get_json() if answer.status_code != 204 else None


@pytest.fixture
def owner(whole_app: Any, ctx: Context) -> Person:
    user = auth.create_user(ctx, "owner", PASSWORD)
    access.assign(ctx, user, "owner")
    return Person(whole_app, user, auth.create_token(ctx, user, ["*"]))


def test_pages_leave_an_entry_for_every_write(watched: dict[str, str], owner: Person) -> None:
    supplier = {"code": "S-1", "name": "One", "country": "GB", "currency": "GBP", "credit_minor": "1.00", "tags": "a"}
    key = owner.page("/admin/suppliers/new", **supplier)
    owner.page(f"/admin/suppliers/{key}/edit", **(supplier | {"name": "Uno", "tags": "b"}))
    owner.send(f"/admin/suppliers/{key}/notes", text="called them")
    owner.send("/admin/suppliers/actions/add_tags", ids=str(key), confirmed="1", **{"argument.tags": "x, y"})
    owner.page(f"/admin/suppliers/{key}/delete")
    user = owner.page(
        "/admin/users/new", username="helper", name="", email="", locale="en", timezone="UTC", roles="viewer"
    )
    owner.page(
        f"/admin/users/{user}/edit",
        username="helper",
        name="H",
        email="",
        locale="en",
        timezone="UTC",
        roles="operator",
    )
    owner.send("/admin/users/actions/disable", ids=str(user), confirmed="1")
    role = owner.page("/admin/roles/new", name="till", label="Till")
    owner.page(f"/admin/roles/{role}/edit", name="till", label="Tills")
    owner.send(f"/admin/roles/{role}/permissions", permission="orders.order.view", more="orders.*")
    owner.send(f"/admin/users/{user}/roles", role="viewer")
    owner.send("/admin/view-as", what=f"role:{role}")
    owner.send("/admin/view-as/leave")
    owner.page("/admin/profile/", what="profile", name="Me", email="", locale="ar", timezone="UTC")
    new = "a new and rather long one"
    owner.page("/admin/profile/", what="password", password=PASSWORD, new_password=new)
    missing, written = silent(watched)
    assert not missing
    assert {"suppliers_supplier", "core_tagging", "core_note", "core_user", "core_role", "core_user_role"} <= set(
        written
    )


def test_api_leaves_an_entry_for_every_write(watched: dict[str, str], owner: Person) -> None:
    made = owner.api("POST", "/suppliers", {"code": "S-1", "name": "One", "tags": ["a"]}, **{"Idempotency-Key": "k1"})
    owner.api("PATCH", f"/suppliers/{made['id']}", {"name": "Uno"})
    owner.api("POST", "/suppliers/actions/add_tags", {"ids": [made["id"]], "arguments": {"tags": ["b"]}})
    line = {"sku": "MUG", "title": "Mug", "quantity": "2", "unit_price": "12.50", "line_total_minor": 2500}
    order = {"number": "1001", "sales_channel": "web", "currency": "GBP", "status": "open", "lines": [line]}
    order = owner.api("POST", "/orders", order | {"placed_at": "2026-03-01T12:00:00Z"}, **{"Idempotency-Key": "k2"})
    owner.api("PATCH", f"/orders/{order['id']}", {"customer_name": "Mona"})
    owner.api("POST", "/orders/actions/add_tags", {"ids": [order["id"]], "arguments": {"tags": ["b"]}})
    owner.api("DELETE", f"/suppliers/{made['id']}")
    missing, written = silent(watched)
    assert not missing
    assert {"suppliers_supplier", "orders_order", "orders_line", "core_tagging"} <= set(written), written


def test_jobs_and_imports_leave_an_entry_for_every_write(watched: dict[str, str], owner: Person, ctx: Context) -> None:
    from core import jobs

    resource, settings = runtime_room.current().resource("suppliers.supplier"), runtime_room.current().settings
    acting = auth.context_for(owner.user, "ui")
    text = "code,name,country\n" + "".join(f"S-{n},Supplier {n},GB\n" for n in range(250)) + "S-1,,GB\nS-x,,GB\n"
    stored = files.store(acting, io.BytesIO(text.encode()), "suppliers.csv")
    columns = [("code", "code"), ("name", "name"), ("country", "country")]
    for rolled_back in (True, False):
        mapping = transfer.Mapping(columns=columns)
        made = transfer.start(acting, resource.name, stored.id, mapping, False, file_name="s.csv")
        Worker(settings).drain()
        assert resource.model.select().count() == 250
        if rolled_back:
            transfer.rollback(acting, type(made).get_by_id(made.id))
            Worker(settings).drain()
            assert resource.model.select().count() == 0
    everything = Selection(resource.name, everything=True)
    job = jobs.start_action(acting, resource.name, "add_tags", everything, {"tags": ["x"]})
    Worker(settings).drain()
    jobs.undo(acting, jobs.Job.get_by_id(job.id))
    Worker(settings).drain()
    missing, written = silent(watched)
    # The counters of a running import are the state of a job; its commands leave entries of their own.
    assert not {one for one in missing if one[0] != "transfer_import"}
    assert written["suppliers_supplier"] >= 1000
    assert written["core_tagging"] >= 500


def test_commands_of_people_leave_an_entry_for_every_write(watched: dict[str, str], ctx: Context) -> None:
    user = auth.create_user(ctx, "till", PASSWORD)
    access.assign(ctx, user, "viewer", {"orders.order": {"sales_channel": ["uk"]}})
    access.grant(ctx, "viewer", "orders.order.edit")
    access.revoke(ctx, "viewer", "orders.order.edit")
    auth.set_password(ctx, user, "another warm kettle on the stove")
    access.unassign(ctx, user, "viewer")
    auth.set_active(ctx, [user.id], False)
    service_of(runtime_room.current().resource("core.role")).update(ctx, {access.Role.get().id: {"label": "Chief"}})
    missing, written = silent(watched)
    assert not missing
    assert {"core_user", "core_role", "core_role_permission", "core_user_role"} <= set(written)
