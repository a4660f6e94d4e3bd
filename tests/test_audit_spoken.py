"""What the log says of views, preferences, roles and tokens: the words of their pages, in the reader's language."""

from __future__ import annotations

import re
from typing import Any

import pytest

from core import preferences
from core import runtime as runtime_room
from core.access import Role, roles
from core.audit import Entry
from core.auth import User, sessions
from core.context import Context
from core.resources import service_of
from tests.helpers import suppliers_on

VIEW = {
    "resource": "suppliers.supplier", "name": "British", "filters": {"country": "GB"}, "search": "wool",
    "sort": "-name", "columns": ["name", "code"], "density": "compact", "shared_with": "operator",
}  # fmt: skip
runtime = suppliers_on()


def told(client: Any) -> dict[str, tuple[str, str]]:
    """{label: (before, after)} of the newest entry that is no sign-in, as its page says it."""
    entry = Entry.select().where(Entry.action != "signed_in").order_by(Entry.id.desc()).first()
    page = client.get(f"/admin/audit/{entry.id}").get_data(as_text=True)
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td><td>(.*?)</td></tr>", page, re.S)
    label, *sides = zip(*[[re.sub(r"<[^>]+>", "", cell) for cell in row] for row in rows], strict=True)
    return dict(zip(label, zip(*sides, strict=True), strict=True))


def keep_view(ctx: Context, **values: Any) -> int:
    (made,) = service_of(runtime_room.current().resource("core.view")).create(ctx, [VIEW | values])
    assert made.id, made.errors
    return int(made.id)


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        (
            "en",
            {
                "List": "Suppliers", "Columns": "Name, Code", "Density": "Compact", "Sorted by": "Name, descending",
                "Filters": "Country: GB", "Search": "wool", "Shared with": "Operator",
            },
        ),
        ("ar", {"القائمة": "المورّدون", "كثافة الصفوف": "مضغوطة", "مشارَك مع": "مشغّل"}),
    ],
)  # fmt: skip
def test_a_view_is_told_as_its_list_shows_it(signed_in: Any, locale: str, said: dict[str, str]) -> None:
    owner = signed_in("owner")
    User.update(locale=locale).where(User.id == owner.user.id).execute()
    keep_view(sessions.context_for(owner.user, "ui"))
    assert {label: after for label, (_before, after) in told(owner).items() if label in said} == said


def test_a_change_of_a_view_is_told_by_the_list_of_the_view(signed_in: Any) -> None:
    owner = signed_in("owner")
    ctx = sessions.context_for(owner.user, "ui")
    key = keep_view(ctx)
    views = service_of(runtime_room.current().resource("core.view"))
    views.update(ctx, {key: {"filters": {"country__prefix": "G"}, "shared_with": ""}})
    assert told(owner) == {
        "Filters": ("Country: GB", "Country: G…"), "Shared with": ("Operator", "–"),
    }  # fmt: skip
    page = owner.get(f"/admin/views/{key}").get_data(as_text=True)
    assert "Country: G…" in page
    assert "country__prefix" not in page


@pytest.mark.parametrize(
    ("name", "value", "label", "said"),
    [
        ("list.suppliers.supplier.columns", "name,code", "Suppliers: Columns", "Name, Code"),
        ("list.suppliers.supplier.density", "compact", "Suppliers: Density", "Compact"),
        ("list.suppliers.supplier.first", "all", "Suppliers: It begins with", "All"),
        ("list.gone.thing.columns", "name,code", "Thing: Columns", "name, code"),
        ("theme", "dark", "Theme", "Dark"),
        ("home.period", "last_7_days", "Period of Home", "7 days"),
        ("shortcuts", {"palette": "Ctrl+j", "gone": ""}, "Keyboard shortcuts",
         "gone: –, Search or run a command: Ctrl+j"),
        ("menu", {"pins": [{"label": "Mills", "url": "/admin/suppliers/?q=mill"}],
                  "hidden": ["suppliers_supplier.index_view"]}, "Menu", "Pinned: Mills; Hidden: Suppliers"),
        ("home", [{"name": "gone.card", "size": "half"}], "Home", "gone.card"),
        ("home", "of another version", "Home", "…"),
    ],
)  # fmt: skip
def test_what_people_chose_is_told_as_their_pages_call_it(
    signed_in: Any, name: str, value: Any, label: str, said: str
) -> None:
    owner = signed_in("owner")
    preferences.put(sessions.context_for(owner.user, "ui"), name, value)
    assert told(owner) == {label: ("–", said)}


def test_permissions_are_told_as_the_table_of_a_role_calls_them(signed_in: Any) -> None:
    owner = signed_in("owner")
    ctx = sessions.context_for(owner.user, "ui")
    roles.set_permissions(ctx, Role.create(name="clerk", label="Clerk"), ["suppliers.supplier.view", "suppliers.*"])
    assert told(owner) == {"Given": ("–", "suppliers.*, Suppliers: See")}
    roles.assign(ctx, owner.user, "clerk")
    assert told(owner) == {"Role": ("–", "Clerk")}


def test_a_token_that_ends_is_told_by_its_name(signed_in: Any) -> None:
    owner = signed_in("owner")
    ctx = sessions.context_for(owner.user, "ui")
    text = sessions.create_token(ctx, owner.user, ["suppliers.supplier.view"], name="ERP")
    assert told(owner)["Limited to"] == ("–", "Suppliers: See")
    sessions.revoke_token(ctx, int(text.split("_")[1]))
    assert told(owner)["Name"] == ("ERP", "–")


def test_a_plugin_is_told_by_its_title_and_its_state(signed_in: Any) -> None:
    owner = signed_in("owner")
    entry = Entry.select().where(Entry.resource == "core.plugin", Entry.action == "enabled").first()
    assert entry is not None
    page = owner.get(f"/admin/audit/{entry.id}").get_data(as_text=True)
    assert ">Healthy<" in page
    assert re.search(r"Plugin [A-Z]\w+( \w+)* · Enabled", page)
