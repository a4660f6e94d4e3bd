"""The page of settings shows how the install runs, and no secret; error pages lead on."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from core import access, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.builtin.settings_page import SHOWN, SPECIAL
from core.context import Context
from core.settings import Settings


def test_every_setting_is_shown_or_named_as_special() -> None:
    shown = {name for _label, names in SHOWN.values() for name in names}
    assert {field.name for field in fields(Settings)} == shown | set(SPECIAL)
    assert not shown & set(SPECIAL)


def test_it_says_how_the_install_runs_and_where_that_is_changed(signed_in: Any, database_kind: str) -> None:
    page = signed_in("owner").get("/admin/settings/").text
    kind = "PostgreSQL" if database_kind == "postgres" else "SQLite"
    for text in (
        kind,
        "GBP",
        "MAKTAB_CURRENCY",
        "MAKTAB_UPLOAD_LIMIT_MB",
        "Orders",
        "Free on this disk",
    ):
        assert text in page, text


def test_secrets_are_never_shown(runtime: Any, signed_in: Any, ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = signed_in("owner")
    monkeypatch.setenv("MAKTAB_QUEUE_KEY", "ab" * 32)
    secret = replace(
        runtime.settings,
        redis_url="redis://:drowssap@host:6379/0",
        metrics_token="a-token-for-metrics",
        database_url=f"{runtime.settings.url}?password=drowssap" if "postgres" in runtime.settings.url else "",
    )
    with runtime_room.bound(replace(plugins.build(runtime.settings), settings=secret)):
        app = create_app(runtime_room.current())
        other = app.test_client()
        other.set_cookie("maktab", browser.get_cookie("maktab").value)
        page = other.get("/admin/settings/").text
    assert "Redis" in page
    keys = [secret.key(name).hex() for name in ("session", "audit")]
    for text in ("drowssap", "a-token-for-metrics", "ab" * 32, "redis://", "postgresql://", *keys):
        assert text not in page


def test_only_who_may_see_settings_opens_them(signed_in: Any, ctx: Context) -> None:
    manager = signed_in("manager")
    assert manager.get("/admin/settings/").status_code == 403
    assert "/admin/settings/" not in manager.get("/admin/").text
    access.grant(ctx, "manager", "core.settings.view")
    assert manager.get("/admin/settings/").status_code == 200


def test_an_error_page_offers_home_the_way_back_and_a_search(signed_in: Any) -> None:
    browser = signed_in("operator")
    page = browser.get("/admin/settings/", headers={"Referer": "http://localhost/admin/orders/?status=open"})
    assert page.status_code == 403
    assert 'href="/admin/orders/?status=open"' in page.text
    assert 'action="/admin/orders/"' in page.text
    assert 'href="/admin/"' in page.text
    strange = browser.get("/admin/settings/", headers={"Referer": "http://elsewhere.test/admin/"}).text
    assert "elsewhere" not in strange


def test_who_may_search_nothing_is_offered_no_search(signed_in: Any, client: Any) -> None:
    page = signed_in("").get("/admin/no-such-page").text
    assert 'role="search"' not in page.partition("<main")[2].partition("</main>")[0]
    assert client.get("/static/x/no-such-file").status_code == 404
