"""Lists: filters, sorts, pages by key, row scopes, selections and counts, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from core.context import Actor, Context, Grant, system_context
from core.errors import Forbidden, Invalid, NotFound
from core.resources import Filter, ListState, Page, Resource, Selection, count, filtering, get, page, query, select
from core.settings import Settings
from tests.helpers import count_statements, install_suppliers, make_suppliers

CTX = system_context("cli")
COUNTRIES = ["", "DE", "GB", "KW"]


@pytest.fixture
def suppliers(app_db: Any, settings: Settings) -> Resource:
    resource = install_suppliers(settings).resource("suppliers.supplier")
    made: Any = [
        {
            "code": f"C{n:03}", "name": f"Name {n % 7}", "country": COUNTRIES[n % 4], "credit_minor": n % 5 * 100,
            "is_active": n % 3 > 0, "tags": ["red"] * (n % 2) + ["blue"] * (n % 5 == 0),
        }
        for n in range(60)
    ]  # fmt: skip
    make_suppliers(*made)
    return resource


@pytest.fixture(autouse=True)
def usual_size(monkeypatch: Any) -> None:
    """Whatever a test sets is gone after it."""
    monkeypatch.setattr(query, "_MANY", query._MANY)


def walk(resource: Resource, state: ListState, backward: bool = False) -> list[int]:
    """Ids of all pages, forward; or from the last page back to the first."""
    found: list[list[int]] = []
    here: Page = page(CTX, resource, state)
    while True:
        found.append([record.id for record in here.records])
        if not here.next:
            break
        here = page(CTX, resource, ListState(state.filters, state.search, state.sort, here.next, state.limit))
    if not backward:
        return [key for ids in found for key in ids]
    back = [[record.id for record in here.records]]
    while here.previous:
        here = page(CTX, resource, ListState(state.filters, state.search, state.sort, here.previous, state.limit))
        back.append([record.id for record in here.records])
    return [key for ids in reversed(back) for key in ids]


filters = st.fixed_dictionaries({}, optional={
    "country": st.sampled_from(COUNTRIES[1:]), "country__prefix": st.sampled_from(["G", "K", "g", "*", "%"]),
    "credit_minor__gte": st.sampled_from(["0", "200"]), "credit_minor__lte": st.sampled_from(["100", "300"]),
    "is_active": st.sampled_from(["true", "false"]), "tag": st.sampled_from(["red", "blue", "red,blue", "none"]),
})  # fmt: skip
sorts = st.sampled_from(["id", "-id", "name", "-name", "country", "-country", "credit_minor", "-credit_minor", ""])


@tuned(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chosen=filters, sort=sorts, limit=st.integers(1, 25), many=st.sampled_from([1, 20, 5000]))
def test_pages_hold_every_match_once_in_order_both_ways(
    suppliers: Resource, chosen: dict[str, str], sort: str, limit: int, many: int
) -> None:
    """`many`: from so many matches on they are read along the index of the sort."""
    query._MANY = many
    suppliers = replace(suppliers, filters=[*suppliers.filters, Filter("credit_minor", "Credit", "money")])
    model: Any = suppliers.model
    tags = {row.id: ["red"] * ((row.id - 1) % 2) + ["blue"] * ((row.id - 1) % 5 == 0) for row in model.select()}
    wanted = [
        row
        for row in model.select()
        if row.country == chosen.get("country", row.country)
        and int(chosen.get("credit_minor__gte", -1)) <= row.credit_minor <= int(chosen.get("credit_minor__lte", 999))
        and row.country.startswith(chosen.get("country__prefix", ""))
        and ("is_active" not in chosen or row.is_active == (chosen["is_active"] == "true"))
        and ("tag" not in chosen or set(tags[row.id]) & set(chosen["tag"].split(",")))
    ]
    name = (sort or "-id").removeprefix("-")
    wanted.sort(key=lambda row: (getattr(row, name), row.id), reverse=(sort or "-id").startswith("-"))
    state = ListState(chosen, "", sort, None, limit)
    assert walk(suppliers, state) == [row.id for row in wanted]
    assert walk(suppliers, state, backward=True) == [row.id for row in wanted]
    assert count(CTX, suppliers, state) == len(wanted)


def test_a_page_takes_the_same_few_statements_whatever_its_size(suppliers: Resource) -> None:
    for limit in (1, 50):
        with count_statements() as sent:
            page(CTX, suppliers, ListState({"tag": "red", "country": "GB"}, "name", "-name", None, limit))
        assert len(sent) <= 4


REFUSED: list[tuple[dict[str, str], str]] = [
    ({"colour": "red"}, "colour"), ({"country__like": "x"}, "country__like"), ({"country": "a\0"}, "country"),
    ({"is_active": "maybe"}, "is_active"), ({"country": "\ud800"}, "country"), ({"tag": "\0"}, "tag"),
    ({"credit_minor": "12.5"}, "credit_minor"), ({"credit_minor__gte": "9" * 30}, "credit_minor__gte"),
    ({"credit_minor": ""}, "credit_minor"), ({"credit_minor": "²"}, "credit_minor"),
    ({"created_at": "soon"}, "created_at"), ({"created_at": "2026-13-01"}, "created_at"),
    ({"created_at": "9999-12-31"}, "created_at"),
    ({"created_at__lte": "0001-01-01"}, "created_at__lte"), ({"created_at__in": "today"}, "created_at__in"),
    ({"currency": "x"}, "currency"),
]  # fmt: skip


def test_what_cannot_be_asked_is_refused_by_argument(suppliers: Resource) -> None:
    more = [Filter("credit_minor", "Credit", "money"), Filter("created_at", "Made", "date")]
    more += [Filter("currency", "Currency", choices={"GBP": "Pound"})]
    wide = replace(suppliers, filters=[*suppliers.filters, *more])
    ctx = Context(CTX.actor, timezone="Asia/Kuwait")
    for filters, field in REFUSED:
        with pytest.raises(Invalid) as refused:
            page(ctx, wide, ListState(filters))
        assert list(refused.value.errors) == [field]
    asked = {"credit_minor__gte": "100", "credit_minor__lte": "200", "created_at": "today", "currency": "GBP"}
    assert page(ctx, wide, ListState(asked)).records


def test_only_declared_sorts_are_taken(suppliers: Resource) -> None:
    for sort in ("is_active", "password", "-", "--id", "id;", "version"):
        with pytest.raises(Invalid) as refused:
            page(CTX, suppliers, ListState(sort=sort))
        assert list(refused.value.errors) == ["sort"]


def test_a_cursor_that_is_not_ours_is_refused(suppliers: Resource) -> None:
    ours = page(CTX, suppliers, ListState(sort="name", limit=3)).next or ""
    assert page(CTX, suppliers, ListState(sort="-name", cursor=ours)).records
    for sort, cursor in product(("name", "id", "-credit_minor"), ("x", "🙂", "bnVsbA", ours[:-1], f"A{ours}", ours)):
        if (sort, cursor) != ("name", ours):
            with pytest.raises(Invalid) as refused:
                page(CTX, suppliers, ListState(sort=sort, cursor=cursor))
            assert list(refused.value.errors) == ["cursor"]


def test_a_page_size_outside_1_to_200_is_refused(suppliers: Resource) -> None:
    for limit in ("0", "-1", "201", "x", "1e3", "٥٥", "9" * 99):
        with pytest.raises(Invalid):
            ListState.of(suppliers, {"limit": limit})


def test_arguments_become_a_list_state(suppliers: Resource) -> None:
    args = {"country": "GB", "tag": "", "q": "abc", "sort": "-name", "limit": "10", "csrf": "x"}
    assert ListState.of(suppliers, args) == ListState({"country": "GB"}, "abc", "-name", None, 10)


def scoped(country: str) -> Context:
    grant = Grant(frozenset({"suppliers.supplier.view"}), {"suppliers.supplier": {"country": (country,)}})
    return Context(Actor(7, "sam", (grant,)))


def test_row_scopes_hide_other_rows_everywhere(suppliers: Resource) -> None:
    ctx = scoped("GB")
    own = {row.id for row in suppliers.model.select() if row.country == "GB"}
    everything = Selection(suppliers.name, everything=True)
    assert {record.id for record in page(ctx, suppliers, ListState(limit=200)).records} == own
    assert {row[0] for row in select(ctx, suppliers, everything).tuples()} == own
    assert {
        row[0] for row in select(ctx, suppliers, Selection(suppliers.name, ids=tuple(range(1, 61)))).tuples()
    } == own
    assert count(ctx, suppliers, ListState()) == len(own)
    assert get(ctx, suppliers, min(own)).country == "GB"
    with pytest.raises(NotFound):
        get(ctx, suppliers, next(key for key in range(1, 61) if key not in own))
    with pytest.raises(Forbidden):
        get(ctx, suppliers, min(own), "edit")


def test_a_record_that_is_not_there_is_not_found(suppliers: Resource) -> None:
    for key in (0, -1, 61, 2**63, 2**80):
        with pytest.raises(NotFound):
            get(CTX, suppliers, key)


def test_all_that_match_means_up_to_the_highest_id_of_the_click(suppliers: Resource) -> None:
    chosen = Selection(
        suppliers.name, everything=True, filters={"country": "GB"}, search="name", excluded=(3, 2**70), max_id=40
    )
    with count_statements() as sent:
        found = [row[0] for row in select(CTX, suppliers, chosen).tuples()]
    assert found == list(range(7, 41, 4))
    assert len(sent) <= 3


def test_a_count_stops_at_its_cap(suppliers: Resource) -> None:
    assert count(CTX, suppliers, ListState(), cap=10) == 11
    assert count(CTX, suppliers, ListState(), cap=60) == 60


@pytest.mark.parametrize(
    ("text", "zone", "begin", "end"),
    [
        ("2026-03-01", "UTC", (2026, 3, 1, 0), (2026, 3, 2, 0)),
        ("2026-03-01", "Asia/Kuwait", (2026, 2, 28, 21), (2026, 3, 1, 21)),
        ("2026-03-29", "Europe/Berlin", (2026, 3, 28, 23), (2026, 3, 29, 22)),  # 23 hours: summer time begins
        ("yesterday", "America/New_York", (2026, 7, 12, 4), (2026, 7, 13, 4)),
        ("last_7_days", "UTC", (2026, 7, 8, 0), (2026, 7, 15, 0)),
        ("this_month", "UTC", (2026, 7, 1, 0), (2026, 7, 15, 0)),
        ("this_year", "UTC", (2026, 1, 1, 0), (2026, 7, 15, 0)),
        ("2026-03-01T10:00:00+02:00", "UTC", (2026, 3, 1, 8), None),
    ],
)  # fmt: skip
def test_days_are_days_of_the_users_zone(monkeypatch: Any, text: str, zone: str, begin: Any, end: Any) -> None:
    monkeypatch.setattr(filtering, "utcnow", lambda: datetime(2026, 7, 14, 2, tzinfo=UTC))
    found = filtering.period(text, ZoneInfo(zone))
    assert found[0] == datetime(*begin, tzinfo=UTC)
    assert end is None or found[1] == datetime(*end, tzinfo=UTC)


ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Riyadh", "America/St_Johns")


@given(st.dates(date(1990, 1, 1), date(2090, 12, 31)) | st.just(date(2028, 2, 29)), st.sampled_from(ZONES))
def test_the_days_of_a_zone_follow_each_other_without_gap_or_overlap(day: date, zone: str) -> None:
    """Also over the days on which the clock is put forward or back, and over 29 February."""
    here, following = (filtering.period(str(day + timedelta(days=n)), ZoneInfo(zone)) for n in (0, 1))
    assert here[0] < here[1] == following[0] < following[1]
    assert abs((here[1] - here[0]) - timedelta(days=1)) <= timedelta(hours=1)
    assert here[0].astimezone(ZoneInfo(zone)).date() == day


def test_the_words_for_periods_know_the_leap_day(monkeypatch: Any) -> None:
    monkeypatch.setattr(filtering, "utcnow", lambda: datetime(2028, 3, 1, 12, tzinfo=UTC))
    zone = ZoneInfo("UTC")
    assert filtering.period("yesterday", zone)[0] == datetime(2028, 2, 29, tzinfo=UTC)
    assert filtering.period("last_30_days", zone)[0] == datetime(2028, 2, 1, tzinfo=UTC)
    monkeypatch.setattr(filtering, "utcnow", lambda: datetime(2028, 2, 29, 12, tzinfo=UTC))
    assert filtering.period("this_month", zone) == (datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC))
    assert filtering.period("this_year", zone)[0] == datetime(2028, 1, 1, tzinfo=UTC)


def test_the_loader_is_called_once_a_page(suppliers: Resource) -> None:
    seen: list[int] = []
    loaded = replace(suppliers, loader=lambda records, ctx: seen.append(len(records)))
    page(CTX, loaded, ListState(limit=20))
    assert seen == [20]
