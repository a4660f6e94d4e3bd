"""Transfer goes off and on like any plugin: with it go pages, endpoints, commands and buttons, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from core import access, auth, plugins
from core import runtime as runtime_room
from core.app import create_app
from core.cli import load
from core.context import Context
from core.settings import Settings
from tests.conftest import PASSWORD, csrf_of

PAGES = [
    "/admin/",
    "/admin/users/",
    "/admin/users/1",
    "/admin/roles/",
    "/admin/audit/",
    "/admin/jobs/",
    "/admin/plugins/",
]
OURS = ["/admin/imports/", "/admin/imports/new", "/admin/imports/export?resource=core.user"]


class Shop:
    """What somebody sees who opens the shop in its present generation, with browser, token and command line."""

    def __init__(self, settings: Settings, user: auth.User, token: str) -> None:
        built, self.app = plugins.assemble(settings, create_app)
        runtime_room.install(built)
        runtime_room._bound.set(built)
        self.browser, self.token = self.app.test_client(), token
        page = self.browser.get("/admin/sign-in").get_data(as_text=True)
        form = {"username": user.username, "password": PASSWORD, "csrf_token": csrf_of(page)}
        assert self.browser.post("/admin/sign-in", data=form).status_code == 302

    def status(self, page: str) -> int:
        return int(self.browser.get(page).status_code)

    def exports(self) -> int:
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.app.test_client().post("/api/v1/users/exports", json={"all": True}, headers=headers)
        return int(answer.status_code)

    def buttons(self) -> bool:
        return "/admin/imports/export" in self.browser.get("/admin/users/").get_data(as_text=True)

    def command(self) -> int:
        return CliRunner().invoke(load(), ["export", "core.user", "--help"]).exit_code


def test_everything_of_it_goes_and_comes_back(
    runtime: Any, settings: Settings, ctx: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAKTAB_DATA_DIR", str(settings.data_dir))
    monkeypatch.setenv("MAKTAB_DATABASE_URL", settings.database_url)
    user = auth.create_user(ctx, "owner", PASSWORD)
    access.assign(ctx, user, "owner")
    token = auth.create_token(ctx, user, ["*"])
    with pytest.raises(plugins.PluginRefused, match="orders"):
        plugins.disable(ctx, "transfer")
    plugins.disable(ctx, "orders")
    plugins.disable(ctx, "transfer")
    shop = Shop(settings, user, token)
    assert [shop.status(page) for page in PAGES] == [200] * len(PAGES)
    assert [shop.status(page) for page in OURS] == [404] * len(OURS)
    assert (shop.exports(), shop.buttons(), shop.command()) == (404, False, 2)
    plugins.enable(ctx, "transfer")
    shop = Shop(settings, user, token)
    assert [shop.status(page) for page in PAGES + OURS] == [200] * len(PAGES + OURS)
    assert (shop.exports(), shop.buttons(), shop.command()) == (202, True, 0)
