"""Keyboard shortcuts: what a user makes of them, what is refused, and where the page says them."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import audit
from core import runtime as runtime_room
from core.errors import Invalid
from core.web import shortcuts
from core.web.shortcuts import Command
from tests.helpers import make_suppliers, suppliers_on

PAGE = "/admin/shortcuts/"
TAG = "do.suppliers.supplier.add_tags"


runtime = suppliers_on()


@pytest.fixture
def owner(signed_in: Any) -> Any:
    return signed_in("owner")


def fields(browser: Any) -> dict[str, str]:
    """The form as it stands."""
    found = re.findall(r'<input class="mk-input" id="f-[^"]+" name="([^"]+)" value="([^"]*)"', browser.get(PAGE).text)
    return {html.unescape(name): html.unescape(value) for name, value in found}


def save(browser: Any, single_keys: str | None = "1", **changed: str) -> Any:
    form = fields(browser) | {name.replace("__", "."): keys for name, keys in changed.items()}
    return browser.send(PAGE, **form, **({"single_keys": single_keys} if single_keys else {}))


def own(browser: Any) -> dict[str, str]:
    """What the script of a page is told."""
    told = re.search(r'data-shortcuts="([^"]*)"', browser.get("/admin/").text)
    assert told
    found: dict[str, str] = json.loads(html.unescape(told[1]))
    return found


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("e", "e"), (" G  O ", "g o"), ("shift + X", "Shift+x"), ("cmd+k", "Ctrl+k"), ("⌘+K", "Ctrl+k"),
     ("Shift+ctrl+s", "Ctrl+Shift+s"), ("?", "?"), ("ctrl+ENTER", "Ctrl+Enter"), ("", "")],
)  # fmt: skip
def test_keys_are_read_as_people_write_them(typed: str, kept: str) -> None:
    assert shortcuts.read(typed) == kept


@pytest.mark.parametrize("typed", ["ee", "g o o", "Ctrl+", "+", "Hyper+k", "Ctrl+k g", "é", "Esc", "F5", "Ctrl+Ctrl+k"])
def test_what_is_no_key_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=re.escape(typed)):
        shortcuts.read(typed)


def test_a_page_says_the_keys_of_what_stands_on_it(owner: Any) -> None:
    (one,) = make_suppliers(count=1)
    for address in ("/admin/suppliers/", f"/admin/suppliers/{one}"):
        assert f'data-command="{TAG}" data-keys="t"' in owner.get(address).text
    assert 'data-command="go./admin/" data-keys="g h"' in owner.get("/admin/").text
    assert own(owner)["find"] == "/"


def test_a_user_puts_other_keys_in_place_and_has_them_at_once_and_alone(owner: Any, signed_in: Any) -> None:
    answer = save(owner, find="s", **{TAG.replace(".", "__"): "Ctrl+Shift+t"})
    assert answer.status_code == 302
    assert own(owner)["find"] == "s"
    make_suppliers(count=1)
    assert 'data-keys="Ctrl+Shift+t"' in owner.get("/admin/suppliers/").text
    assert own(signed_in("owner"))["find"] == "/"
    assert fields(owner)["find"] == "s"


def test_all_is_reset_by_one_button(owner: Any) -> None:
    save(owner, single_keys=None, find="s")
    assert owner.send(PAGE, reset="1").status_code == 302
    assert own(owner)["find"] == "/"
    assert own(owner)["next_row"] == "j"


def test_a_command_may_have_no_keys(owner: Any) -> None:
    save(owner, find="")
    assert own(owner)["find"] == ""


@pytest.mark.parametrize(
    ("name", "keys", "because"),
    [("find", "j", "“j” is already used for “Next row”."), ("find", "t", "Add tags”."),
     ("find", "g", "is already used for"), ("go__/admin/", "j k", "“j” is already used for “Next row”."),
     ("find", "3", "is already used for “Open a view, in the order of the tabs”."),
     ("find", "Ctrl+w", "The browser keeps"),
     ("find", "much", "Write one key")],
)  # fmt: skip
def test_keys_of_another_command_are_refused_with_its_name(owner: Any, name: str, keys: str, because: str) -> None:
    answer = save(owner, **{name: keys})
    assert answer.status_code == 422
    assert because in html.unescape(answer.text)
    assert f'value="{keys}"' in answer.text, "what was typed stays"
    assert own(owner)["find"] == "/"


def test_without_single_keys_those_with_ctrl_stay(owner: Any) -> None:
    save(owner, single_keys=None)
    assert {name for name, keys in own(owner).items() if keys} == {"palette", "close", "open", "all", "save", "post"}
    assert "data-keys" not in owner.get("/admin/").text
    assert fields(owner)["find"] == "/", "switched off, not forgotten"


def test_the_change_is_in_the_log(owner: Any) -> None:
    save(owner, find="s")
    entry = audit.Entry.select().order_by(audit.Entry.id.desc()).first()
    assert (entry.action, entry.changes) == ("preference_set", {"shortcuts": (None, {"find": "s"})})


def test_choices_for_a_plugin_that_is_off_stay(owner: Any, runtime: Any) -> None:
    save(owner, **{TAG.replace(".", "__"): "y"})
    without = {name: one for name, one in runtime.resources.items() if name != "suppliers.supplier"}
    with runtime_room.bound(replace(runtime, resources=without)):
        save(owner, find="s")
    assert fields(owner)[TAG] == "y"


def test_the_help_of_a_page_names_what_has_keys(owner: Any) -> None:
    part = owner.get(PAGE, headers={"HX-Request": "true"}).text
    assert "<html" not in part
    assert f'data-name="{TAG}"' in part
    assert "<kbd>Ctrl</kbd> + <kbd>K</kbd>" in part
    assert 'data-name="do.core.user.set_password"' not in part


def test_the_first_of_two_that_begin_with_the_same_keys_has_them() -> None:
    known = [Command("one", "y", "One", "list"), Command("do.a.b.two", "y", "Two", "actions")]
    known.append(Command("go.x", "y z", "X", "go"))
    assert shortcuts.effective(known, {}, single=True) == {"one": "y"}
    assert shortcuts.effective(known, {"do.a.b.two": "y"}, single=True) == {"do.a.b.two": "y"}


def test_actions_of_two_resources_may_share_keys() -> None:
    known = [Command("do.a.b.tag", "t", "One", "actions"), Command("do.a.c.tag", "t", "Two", "actions")]
    assert shortcuts.effective(known, {}, single=True) == {"do.a.b.tag": "t", "do.a.c.tag": "t"}
    assert shortcuts.choice(known, {}, {}) == {}
    with pytest.raises(Invalid):
        shortcuts.choice([*known, Command("edit", "e", "Edit", "record")], {"do.a.b.tag": "e"}, {})


def test_nothing_is_said_to_those_who_are_not_signed_in(client: Any) -> None:
    assert "data-shortcuts" not in client.get("/admin/sign-in").text


def test_the_manual_names_the_keys_of_every_command() -> None:
    manual = (Path(__file__).parents[1] / "docs" / "keyboard.md").read_text(encoding="utf-8")
    words = {one.name: re.sub(r"\+(\w)\b", lambda key: f" {key[1].upper()}", one.keys) for one in shortcuts.OWN}
    words |= {"views": "`1` to `9`", "post": "Ctrl Enter"}
    assert [name for name, keys in words.items() if keys not in manual] == []
