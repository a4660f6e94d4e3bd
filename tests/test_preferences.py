"""What users choose and roles begin with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import access, audit, auth, preferences
from core.context import Context
from core.errors import Forbidden, Invalid, NotFound
from tests.helpers import count_statements


def acting(user: auth.User) -> Context:
    return auth.context_for(user, "ui")


def test_a_choice_is_kept_replaced_and_forgotten(make_user: Callable[..., auth.User]) -> None:
    ctx = acting(make_user())
    assert preferences.get(ctx, "theme", "auto") == "auto"
    preferences.put(ctx, "theme", "dark")
    preferences.put(ctx, "columns.orders.order", ["number", "total_minor"])
    assert preferences.get(ctx, "theme") == "dark"
    preferences.put(ctx, "theme", "light")
    assert preferences.get(ctx, "theme") == "light"
    assert preferences.get(ctx, "columns.orders.order") == ["number", "total_minor"]
    preferences.put(ctx, "theme", None)
    assert preferences.get(ctx, "theme", "auto") == "auto"


def test_nobody_sees_the_choices_of_another(make_user: Callable[..., auth.User]) -> None:
    mona, omar = acting(make_user()), acting(make_user())
    preferences.put(mona, "theme", "dark")
    assert preferences.get(omar, "theme") is None


def test_a_role_gives_the_start_and_the_user_the_last_word(ctx: Context, make_user: Callable[..., auth.User]) -> None:
    system, user = ctx, make_user("viewer")
    access.assign(system, user, "operator")
    ctx = acting(user)
    preferences.put_for_role(system, "viewer", "home", ["sales"])
    assert preferences.get(ctx, "home") == ["sales"]
    preferences.put_for_role(system, "operator", "home", ["to_ship"])
    assert preferences.get(ctx, "home") == ["to_ship"], "operator was made before viewer"
    preferences.put(ctx, "home", [])
    assert preferences.get(ctx, "home") == []
    preferences.put(ctx, "home", None)
    access.unassign(system, user, "operator")
    assert preferences.get(acting(user), "home") == ["sales"]
    assert preferences.of_role("operator") == {"home": ["to_ship"]}


def test_only_who_edits_roles_says_what_they_begin_with(make_user: Callable[..., auth.User]) -> None:
    with pytest.raises(Forbidden):
        preferences.put_for_role(acting(make_user("manager")), "viewer", "home", [])
    owner = acting(make_user("owner"))
    preferences.put_for_role(owner, "viewer", "home", [])
    with pytest.raises(NotFound):
        preferences.put_for_role(owner, "no_such", "home", [])


def test_what_cannot_be_kept_is_refused(make_user: Callable[..., auth.User], ctx: Context) -> None:
    system, ctx = ctx, acting(make_user())
    for name, value in (
        ("Theme", 1),
        ("", 1),
        ("a..b", 1),
        ("a" * 151, 1),
        ("theme", "x" * 16_000),
        ("theme", "\ud800"),
    ):
        with pytest.raises(Invalid):
            preferences.put(ctx, name, value)
    with pytest.raises(Invalid):
        preferences.put(system, "theme", "dark")


def test_every_write_is_audited_and_nothing_else(make_user: Callable[..., auth.User]) -> None:
    user = make_user()
    ctx = acting(user)
    preferences.put(ctx, "theme", "dark")
    preferences.put(ctx, "theme", "dark")
    told = [entry for entry in audit.history("core.user", user.id) if entry.action == "preference_set"]
    assert [{name: tuple(pair) for name, pair in entry.changes.items()} for entry in told] == [
        {"theme": (None, "dark")}
    ]


def test_one_statement_reads_them_all(make_user: Callable[..., auth.User]) -> None:
    ctx = acting(make_user())
    with count_statements() as seen:
        preferences.get(ctx, "theme")
    assert len(seen) == 1


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"])).map(lambda text: text.replace("\0", "")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcxyz._", max_size=9), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def keeper(make_user: Callable[..., auth.User]) -> Context:
    return acting(make_user())


def test_what_was_put_comes_back(keeper: Context) -> None:
    @given(JSON)
    def check(value: Any) -> None:
        preferences.put(keeper, "any.thing", value)
        assert preferences.get(keeper, "any.thing") == value

    check()
