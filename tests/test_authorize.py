"""The hook `authorize`: what a plugin takes away is in no list either, whoever asks for it and however."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from core import runtime as runtime_room
from core.app import create_app
from core.context import Context
from core.resources import Selection
from plugins.transfer.services.exporter import export_rows
from tests.plugin_kit import MerchantFolder

HIDES = """
    from core.auth import User

    @hookimpl
    def authorize(permission, resource, ids):
        if permission not in ("core.user.view", "core.user.export"):
            return []
        return [user.id for user in User.select().where(User.name == "Hidden", User.id.in_(list(ids)))]
"""


@pytest.fixture
def app(runtime: Any, merchant: MerchantFolder) -> Any:
    """An install in which a plugin hides some users."""
    merchant.on("hides", hooks=HIDES)
    built = merchant.build()
    runtime_room._bound.set(built)
    return create_app(built)


@pytest.fixture
def hidden(app: Any, make_user: Callable[..., Any]) -> str:
    """The name of a user that nobody is to see."""
    user = make_user("viewer")
    user.name = "Hidden"
    user.save()
    return str(user.username)


def test_a_list_leaves_out_what_a_plugin_takes_away(hidden: str, signed_in: Any) -> None:
    owner = signed_in("owner")
    page = owner.get("/admin/users/").text
    assert owner.user.username in page
    assert hidden not in page


def test_so_does_the_list_of_the_api(hidden: str, api: Any) -> None:
    names = [one["username"] for one in api("owner").get("/api/v1/users").json["data"]]
    assert names
    assert hidden not in names


@pytest.mark.parametrize("form", ["list", "csv", "jsonl"])
def test_so_does_an_export(hidden: str, signed_in: Any, ctx: Context, form: str) -> None:
    signed_in("owner")
    out = io.BytesIO()
    count = export_rows(ctx, runtime_room.current().resource("core.user"), Selection("core.user", (), True), form, out)
    text = out.getvalue().decode("utf-8-sig")
    assert hidden not in text
    assert len(text.strip().splitlines()) == count + (form != "jsonl")
