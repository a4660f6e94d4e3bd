"""Fields that name another record: chosen in forms, in rows and actions, over the API, from files; shown by title."""

from __future__ import annotations

import html
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from core import access, auth, files
from core import runtime as runtime_room
from core.audit import Entry
from core.context import Context
from core.resources import Resource, Selection, service_of
from core.runtime import Runtime
from plugins.transfer import api as transfer
from tests.helpers import count_statements, make_suppliers
from tests.plugin_kit import HOOK, PLUGINS, unload

PART = {"HX-Request": "true"}
LIST, SUGGESTIONS, TRIPS = "/admin/suppliers/", "/admin/suppliers/suggestions", "/admin/trips/"
GB = {"suppliers.supplier": {"country": ["GB"]}}
MANIFEST = """
name = "trips"
title = "Trips"
contract = 1
version = "1"
requires = { suppliers = ">=1" }
"""
MIGRATION = """
import peewee
from core.db import IdField, JSONField, UTCDateTimeField, database

class Trip(peewee.Model):
    id = IdField()
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()
    version = peewee.IntegerField()
    name = peewee.CharField(max_length=40)
    to_id = peewee.BigIntegerField(null=True)
    gone_id = peewee.BigIntegerField(null=True)
    stops = JSONField()
    class Meta:
        database = database
        table_name = "trips_trip"

def up(migrator, db):
    db.create_tables([Trip])
"""
RESOURCES = """
import marshmallow as ma
import peewee
from core.db import JSONField, Record
from core.resources import Action, Column, Outcome, Reference, Resource

class Trip(Record):
    name = peewee.CharField(max_length=40, unique=True)
    to_id = peewee.BigIntegerField(null=True)
    gone_id = peewee.BigIntegerField(null=True)
    stops = JSONField(default=list)
    class Meta:
        table_name = "trips_trip"

class StopSchema(ma.Schema):
    at = Reference("suppliers.supplier", required=True)
    note = ma.fields.String()

class TripSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    name = ma.fields.String(required=True)
    to_id = Reference("suppliers.supplier", allow_none=True, metadata={"label": "To"})
    gone_id = Reference("gone.thing", allow_none=True)
    stops = ma.fields.List(ma.fields.Nested(StopSchema))

class Divert(ma.Schema):
    to_id = Reference("suppliers.supplier", required=True)

def divert(ctx, ids, arguments):
    Trip.update(to_id=arguments["to_id"]).where(Trip.id.in_(list(ids))).execute()
    return {one: Outcome("done", one) for one in ids}

TRIP = Resource(
    "trips.trip", "trips", Trip, TripSchema, "Trip", "Trips", key=["name"], title=lambda trip: trip.name,
    columns=[Column("name", "Name"), Column("to_id", "To", "reference"), Column("gone_id", "Gone", "reference")],
    actions=[Action("divert", "Divert", divert, schema=Divert)],
)
"""
HOOKS = f"""{HOOK}
from trips.resources import TRIP

@hookimpl
def register_resources(): return [TRIP]
"""


@pytest.fixture
def plugin_folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "merchant" / "trips"
    (folder / "migrations").mkdir(parents=True)
    written = {"plugin.toml": MANIFEST, "__init__.py": "", "hooks.py": HOOKS, "resources.py": RESOURCES}
    for name, text in (written | {"migrations/0001_initial.py": MIGRATION}).items():
        (folder / name).write_text(text, encoding="utf-8")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PLUGINS / "suppliers", folder.parent / "suppliers", ignore=ignored)
    yield folder
    unload("trips")
    unload("suppliers")


@pytest.fixture
def trips(runtime: Runtime) -> Resource:
    return runtime.resource("trips.trip")


@pytest.fixture
def places(trips: Resource) -> dict[str, int]:
    """Suppliers by name: two that a role narrowed to GB sees, one that it does not, and one more of the same name."""
    towns = {"Bath": "GB", "Ely": "GB", "Ansbach": "DE", "Twin": "DE", "twin": "GB"}
    ids = make_suppliers(*({"code": f"C-{name}-{land}", "name": name, "country": land} for name, land in towns.items()))
    return dict(zip(towns, ids, strict=True))


def a_trip(trips: Resource, ctx: Context, **doc: Any) -> int:
    (made,) = service_of(trips).create(ctx, [{"name": "T", **doc}])
    assert made.ok, made.reason
    return int(made.id or 0)


def suggested(browser: Any, asked: str) -> list[str]:
    """What the inputs would hold that the options of the listbox give."""
    answer = browser.get(SUGGESTIONS, query_string={"q": asked}, headers=PART)
    assert answer.status_code == 200, answer.text
    return [html.unescape(text) for text in re.findall(r'role="option"[^>]* data-text="([^"]+)"', answer.text)]


def held(page: str, name: str) -> str:
    """The text in the input `name`."""
    found = re.search(rf'<input[^>]* name="{re.escape(name)}"[^>]* value="([^"]*)"', page)
    assert found, name
    return html.unescape(found[1])


def cells(page: str) -> list[str]:
    """The cells of the first row of a list, without the box and the name."""
    return [re.sub(r"^[^>]*>", "", cell) for cell in page.split("<tbody")[1].split("</tr>")[0].split("<td")[-2:]]


def drivers(ctx: Context) -> None:
    """A role that works with trips and sees no suppliers."""
    access.Role.create(name="drivers")
    for verb in ("view", "edit"):
        access.grant(ctx, "drivers", f"trips.trip.{verb}")


# What is suggested


@pytest.mark.parametrize("asked", ["ath", "C-Bath-GB", "c-bath-gb"])
def test_suggestions_are_what_the_command_bar_finds(places: dict[str, int], signed_in: Any, asked: str) -> None:
    assert suggested(signed_in("operator"), asked) == [f"Bath · {places['Bath']}"]


def test_of_nothing_typed_the_top_of_the_list_is_suggested(places: dict[str, int], signed_in: Any) -> None:
    assert [one.split(" · ")[0] for one in suggested(signed_in("operator"), "")] == [*places][::-1]


def test_suggestions_are_only_of_rows_that_the_role_reaches(places: dict[str, int], signed_in: Any) -> None:
    narrowed = signed_in("operator", GB)
    assert suggested(narrowed, "Ansbach") == []
    assert [one.split(" · ")[0] for one in suggested(narrowed, "")] == ["twin", "Ely", "Bath"]


def test_suggestions_want_the_permission_to_view(places: dict[str, int], signed_in: Any, ctx: Context) -> None:
    drivers(ctx)
    assert signed_in("drivers").get(SUGGESTIONS, headers=PART).status_code == 403


def test_what_a_plugin_denies_is_not_suggested(places: dict[str, int], signed_in: Any, monkeypatch: Any) -> None:
    denied = frozenset({places["Bath"]})
    monkeypatch.setattr(access, "denied", lambda actor, permission, resource, ids: denied & {*ids})
    assert suggested(signed_in("operator"), "Bath") == []


def test_suggestions_take_as_many_statements_for_many(places: dict[str, int], signed_in: Any) -> None:
    browser = signed_in("operator")
    suggested(browser, "Bath")
    with count_statements() as one:
        assert len(suggested(browser, "Bath")) == 1
    make_suppliers(*({"code": f"B{n}", "name": f"Bath {n}"} for n in range(6)))
    with count_statements() as many:
        assert len(suggested(browser, "Bath")) == 7
    assert len(many) == len(one)


# Forms


def test_a_form_takes_what_was_chosen_and_shows_it_again(
    trips: Resource, places: dict[str, int], signed_in: Any
) -> None:
    browser = signed_in("operator")
    chosen = f"Ansbach · {places['Ansbach']}"
    assert browser.send(f"{TRIPS}new", name="South", to_id=chosen).status_code == 302
    trip = trips.model.get()
    assert trip.to_id == places["Ansbach"]
    assert held(browser.get(f"{TRIPS}{trip.id}/edit").text, "to_id") == chosen


@pytest.mark.parametrize("typed", ["Ansbach", "ansba", "C-Ansbach-DE"])
def test_without_a_script_the_server_finds_what_the_text_means(
    trips: Resource, places: dict[str, int], signed_in: Any, typed: str
) -> None:
    assert signed_in("operator").send(f"{TRIPS}new", name="South", to_id=typed).status_code == 302
    assert trips.model.get().to_id == places["Ansbach"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Ulm", "Nothing found for “Ulm”."),
        ("C-", "Nothing found"),
        ("GB", "Nothing found"),
        ("win", "Several have this"),
    ],
)
def test_a_text_that_means_none_or_several_is_said_at_the_field_and_stays(
    trips: Resource, places: dict[str, int], signed_in: Any, typed: str, said: str
) -> None:
    answer = signed_in("operator").send(f"{TRIPS}new", name="South", to_id=typed)
    assert answer.status_code == 422
    assert said in html.unescape(answer.text.split('id="e-to_id"')[1])
    assert held(answer.text, "to_id") == typed
    assert not trips.model.select().exists()


def test_among_several_the_one_with_that_very_name_is_meant(
    trips: Resource, places: dict[str, int], signed_in: Any
) -> None:
    (inn,) = make_suppliers({"code": "inn", "name": "Bath Inn"})
    assert signed_in("operator").send(f"{TRIPS}new", name="South", to_id="bath").status_code == 302
    assert trips.model.get().to_id == places["Bath"] != inn


def test_an_emptied_input_names_nothing(trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context) -> None:
    trip = a_trip(trips, ctx, to_id=places["Bath"])
    base = f'{{"name": "T", "to_id": "Bath · {places["Bath"]}"}}'
    answer = signed_in("operator").send(f"{TRIPS}{trip}/edit", name="T", to_id="", version="1", base=base)
    assert answer.status_code == 302
    assert trips.model.get_by_id(trip).to_id is None


@pytest.mark.parametrize("number", ["Ansbach", "nobody", "too large"])
def test_what_the_role_does_not_reach_looks_like_what_is_not_there(
    trips: Resource, places: dict[str, int], signed_in: Any, number: str
) -> None:
    key = {"Ansbach": places["Ansbach"], "nobody": 99, "too large": 10**17}[number]
    answer = signed_in("operator", GB).send(f"{TRIPS}new", name="South", to_id=f"X · {key}")
    assert answer.status_code == 422
    assert f"There is no Supplier with the number {key}." in answer.text.split('id="e-to_id"')[1]


def test_one_that_is_named_already_may_stay_though_the_role_does_not_see_it(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    key, browser = places["Ansbach"], signed_in("operator", GB)
    trip = a_trip(trips, ctx, to_id=key)
    page = browser.get(f"{TRIPS}{trip}/edit").text
    assert held(page, "to_id") == f"· {key}"
    assert "Ansbach" not in page
    answer = browser.send(f"{TRIPS}{trip}/edit", name="New", to_id=f"· {key}", version="1", base="{}")
    assert answer.status_code == 302
    assert (trips.model.get_by_id(trip).name, trips.model.get_by_id(trip).to_id) == ("New", key)


def test_a_name_of_a_plugin_that_is_off_is_kept_shown_and_only_read(
    trips: Resource, signed_in: Any, ctx: Context, runtime: Runtime
) -> None:
    trip, browser = a_trip(trips, ctx), signed_in("operator")
    trips.model.update(gone_id=7).execute()
    page = browser.get(f"{TRIPS}{trip}/edit").text
    assert held(page, "gone_id") == "· 7"
    field = re.search(r'<input[^>]* name="gone_id"[^>]*>', page)
    assert field
    assert field[0].endswith("readonly>")
    assert "is off" in page.split('id="h-gone_id"')[1]
    base = '{"name": "T", "gone_id": "· 7"}'
    assert browser.send(f"{TRIPS}{trip}/edit", name="N", gone_id="· 7", version="1", base=base).status_code == 302
    assert trips.model.get_by_id(trip).gone_id == 7
    assert "<bdi>#7</bdi>" in cells(browser.get(TRIPS).text)[1]
    refused = browser.send(f"{TRIPS}{trip}/edit", name="N", gone_id="· 8", version="2", base=base)
    assert refused.status_code == 422
    assert "is off" in refused.text.split('id="e-gone_id"')[1]


def test_a_field_whose_list_the_role_does_not_see_is_only_read(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    drivers(ctx)
    trip, browser = a_trip(trips, ctx, to_id=places["Bath"]), signed_in("drivers")
    page = browser.get(f"{TRIPS}{trip}/edit").text
    assert held(page, "to_id") == f"· {places['Bath']}"
    assert "Your role does not see suppliers." in page
    answer = browser.send(f"{TRIPS}{trip}/edit", name="T", to_id=f"· {places['Ely']}", version="1", base="{}")
    assert answer.status_code == 422
    assert "<bdi>#" in cells(browser.get(TRIPS).text)[0]


def test_rows_of_a_form_name_records_too(trips: Resource, places: dict[str, int], signed_in: Any) -> None:
    browser = signed_in("operator")
    form = {"stops.0.at": f"Bath · {places['Bath']}", "stops.2.at": "Ulm"}
    answer = browser.send(f"{TRIPS}new", name="T", **form)
    assert answer.status_code == 422
    assert "Nothing found" in answer.text.split('id="e-stops.1.at"')[1]
    assert browser.send(f"{TRIPS}new", name="T", **form | {"stops.2.at": "Ely"}).status_code == 302
    assert [stop["at"] for stop in trips.model.get().stops] == [places["Bath"], places["Ely"]]
    page = browser.get(f"{TRIPS}{trips.model.get().id}/edit").text
    assert held(page, "stops.1.at") == f"Ely · {places['Ely']}"


def test_a_row_that_names_what_is_not_there_is_refused_at_its_input(
    trips: Resource, places: dict[str, int], signed_in: Any
) -> None:
    form = {"stops.0.at": f"Bath · {places['Bath']}", "stops.1.at": f"Ansbach · {places['Ansbach']}"}
    answer = signed_in("operator", GB).send(f"{TRIPS}new", name="T", **form)
    assert answer.status_code == 422
    assert "There is no Supplier" in answer.text.split('id="e-stops.1.at"')[1]


def test_the_small_form_of_an_action_names_a_record(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    trip, browser = a_trip(trips, ctx), signed_in("owner", GB)
    command = f"{TRIPS}actions/divert"
    assert 'data-picker="/admin/suppliers/suggestions"' in browser.send(command, ids=trip).text
    given = {"ids": trip, "confirmed": "1"}
    refused = browser.send(command, **given, **{"argument.to_id": f"Ansbach · {places['Ansbach']}"})
    assert refused.status_code == 422
    assert "There is no Supplier" in refused.text
    assert browser.send(command, **given, **{"argument.to_id": "Ely"}).status_code == 302
    assert trips.model.get().to_id == places["Ely"]


# Lists and pages


def test_lists_and_pages_show_the_title_as_a_link(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    trip, browser = a_trip(trips, ctx, to_id=places["Bath"]), signed_in("viewer")
    link = f'<a href="{LIST}{places["Bath"]}"><bdi>Bath</bdi></a>'
    assert link in cells(browser.get(TRIPS).text)[0]
    assert link in browser.get(f"{TRIPS}{trip}").text
    sheet = browser.get(f"{TRIPS}{trip}", headers=PART | {"Maktab-Dialog": "ask"})
    assert link in sheet.text


def test_a_title_that_the_role_does_not_reach_is_a_number(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    trip, browser = a_trip(trips, ctx, to_id=places["Ansbach"]), signed_in("viewer", GB)
    for page in (browser.get(TRIPS).text, browser.get(f"{TRIPS}{trip}").text):
        assert f"<bdi>#{places['Ansbach']}</bdi>" in page
        assert "Ansbach" not in page


def test_as_the_first_column_it_is_the_link_of_the_row(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    trip = a_trip(trips, ctx, to_id=places["Bath"])
    row = signed_in("viewer").get(f"{TRIPS}?columns=to_id,name").text.split("<tbody")[1].split("</tr>")[0]
    assert re.search(rf'<a class="mk-key" href="{TRIPS}{trip}[^"]*"><bdi>Bath</bdi></a>', row)


def test_titles_of_a_page_are_one_statement(
    trips: Resource, places: dict[str, int], signed_in: Any, ctx: Context
) -> None:
    browser = signed_in("viewer")
    a_trip(trips, ctx)
    browser.get(TRIPS)
    with count_statements() as none:
        browser.get(TRIPS)
    for name, key in places.items():
        a_trip(trips, ctx, name=name, to_id=key)
    with count_statements() as many:
        assert len(re.findall(r'<td class="mk-clip"[^>]*><a href="/admin/suppliers/', browser.get(TRIPS).text)) == 5
    assert len(many) == len(none) + 1


# API and files


def test_the_api_takes_the_number_alone(trips: Resource, places: dict[str, int], api: Callable[..., Any]) -> None:
    caller = api("operator", GB)
    made = caller.post("/api/v1/trips", json={"name": "T", "to_id": places["Bath"], "stops": [{"at": places["Ely"]}]})
    assert (made.status_code, made.json["to_id"]) == (201, places["Bath"])
    for value in (places["Ansbach"], 99):
        refused = caller.patch(f"/api/v1/trips/{made.json['id']}", json={"to_id": value})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["to_id"])
        assert refused.json["errors"]["to_id"] == [f"There is no Supplier with the number {value}."]
    for value in ("Bath", str(places["Bath"]), True, 1.5, 0, -1, 2**63):
        refused = caller.patch(f"/api/v1/trips/{made.json['id']}", json={"to_id": value})
        assert (refused.status_code, list(refused.json["errors"])) == (422, ["to_id"]), value
    rows = caller.patch(f"/api/v1/trips/{made.json['id']}", json={"stops": [{"at": 99}]})
    assert list(rows.json["errors"]) == ["stops.0.at"]


def test_an_action_over_the_api_names_only_what_the_caller_sees(
    trips: Resource, places: dict[str, int], api: Callable[..., Any], ctx: Context
) -> None:
    order = {"ids": [a_trip(trips, ctx)], "all": False, "arguments": {"to_id": places["Ansbach"]}}
    answer = api("owner", GB).post("/api/v1/trips/actions/divert", json=order)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["to_id"])
    assert trips.model.get().to_id is None


def test_the_description_says_what_the_number_is_of(trips: Resource, api: Callable[..., Any]) -> None:
    shapes = api("owner").get("/api/v1/openapi.json").json["components"]["schemas"]
    (field,) = {str(shape["properties"]["to_id"]) for name, shape in shapes.items() if name == "Trip"}
    assert "integer" in field
    assert "suppliers.supplier" in field


def test_many_documents_ask_once(trips: Resource, places: dict[str, int], ctx: Context) -> None:
    with count_statements() as one:
        service_of(trips).create(ctx, [{"name": "A", "to_id": places["Bath"]}])
    docs = [{"name": f"B{n}", "to_id": key, "stops": [{"at": places["Ely"]}]} for n, key in enumerate(places.values())]
    with count_statements() as many:
        outcomes = service_of(trips).create(ctx, docs)
    assert all(outcome.ok for outcome in outcomes)
    assert len(many) == len(one)


def test_the_log_tells_of_the_change(trips: Resource, places: dict[str, int], ctx: Context) -> None:
    trip = a_trip(trips, ctx)
    service_of(trips).update(ctx, {trip: {"to_id": places["Bath"]}})
    entry = Entry.select().where(Entry.resource == "trips.trip").order_by(Entry.id.desc()).get()
    assert entry.diff["after"]["to_id"] == places["Bath"]


def told(page: str) -> list[str]:
    """Before and after of the changes in a timeline or an entry of the log."""
    return [text for text in re.findall(r"(?<!<b>)<bdi>(.*?)</bdi>", page) if text != "–"]


def moved(trips: Resource, ctx: Context, *ids: int) -> int:
    trip = a_trip(trips, ctx, to_id=ids[0])
    for one in ids[1:]:
        service_of(trips).update(ctx, {trip: {"to_id": one}})
    return trip


def test_the_timeline_calls_them_by_their_titles(
    trips: Resource, places: dict[str, int], ctx: Context, signed_in: Any
) -> None:
    trip = moved(trips, ctx, places["Ansbach"], places["Ely"], places["Bath"])
    url, link = f"{TRIPS}{trip}", '<a href="/admin/suppliers/{}">{}</a>'.format
    bath, ely = (link(places[name], name) for name in ("Bath", "Ely"))
    page = signed_in("owner").get(url).text.split('id="timeline"')[1]
    assert told(page) == [ely, bath, link(places["Ansbach"], "Ansbach"), ely]
    page = signed_in("operator", GB).get(url).text.split('id="timeline"')[1]
    assert told(page) == [ely, bath, str(places["Ansbach"]), ely], "what he may not see stays a number"
    drivers(ctx)
    page = signed_in("drivers").get(url).text.split('id="timeline"')[1]
    assert told(page) == list(map(str, [places["Ely"], places["Bath"], places["Ansbach"], places["Ely"]]))


def test_a_timeline_of_many_changes_asks_no_more_than_one_of_none(
    trips: Resource, places: dict[str, int], ctx: Context, signed_in: Any
) -> None:
    quiet, busy = moved(trips, ctx, places["Ely"]), 0
    busy = service_of(trips).create(ctx, [{"name": "Busy", "to_id": places["Ely"]}])[0].id or 0
    for name in ("Bath", "Ansbach", "Twin", "Ely"):
        service_of(trips).update(ctx, {busy: {"to_id": places[name]}})
    browser, seen = signed_in("owner"), []
    browser.get(f"{TRIPS}{quiet}")
    for trip in (quiet, busy):
        with count_statements() as statements:
            assert browser.get(f"{TRIPS}{trip}").status_code == 200
        seen.append(len(statements))
    assert seen[0] == seen[1]


def test_an_entry_of_the_log_calls_them_by_their_titles(
    trips: Resource, places: dict[str, int], ctx: Context, signed_in: Any
) -> None:
    moved(trips, ctx, places["Ansbach"], places["Bath"])
    entry = Entry.select().where(Entry.resource == "trips.trip").order_by(Entry.id.desc()).get()
    page = signed_in("owner").get(f"/admin/audit/{entry.id}").text
    assert f'<a href="/admin/suppliers/{places["Ansbach"]}">Ansbach</a>' in told(page)
    assert f'<a href="/admin/suppliers/{places["Bath"]}">Bath</a>' in told(page)


def taken_in(ctx: Context, text: str, work_off: Callable[[], None], **mapping: Any) -> transfer.Import:
    stored = files.store(ctx, io.BytesIO(text.encode()), "trips.csv").id
    columns = mapping or {"columns": (("name", "name"), ("to", "to_id"))}
    run = transfer.start(ctx, "trips.trip", stored, transfer.Mapping(**columns), False, file_name="trips.csv")
    work_off()
    return transfer.Import.get_by_id(run.id)


def test_a_file_names_them_by_number_or_by_key(
    trips: Resource, places: dict[str, int], ctx: Context, work_off: Callable[[], None]
) -> None:
    text = f"name,to\nA,{places['Bath']}\nB,C-Ely-GB\nC,C-Nobody\nD,\nE,999\n"
    ended = taken_in(ctx, text, work_off)
    found = {trip.name: trip.to_id for trip in trips.model.select()}
    assert found == {"A": places["Bath"], "B": places["Ely"], "D": None}
    reasons = {reject.line: reject.reason for reject in transfer.Reject.select()}
    assert "C-Nobody" in reasons[4]
    assert "There is no Supplier with the number 999" in reasons[6]
    assert ended.rejected == 2


def test_a_file_of_many_keys_asks_once_a_chunk(trips: Resource, ctx: Context, work_off: Callable[[], None]) -> None:
    make_suppliers(count=60)
    lines = "".join(f"T{n},S-{n:04}\n" for n in range(1, 61))
    with count_statements() as few:
        taken_in(ctx, "name,to\nT,S-0001\n", work_off)
    with count_statements() as many:
        assert taken_in(ctx, "name,to\n" + lines, work_off).created == 60
    asked = [[sql for sql in seen if "suppliers_supplier" in sql and "SELECT" in sql] for seen in (few, many)]
    assert len(asked[0]) == len(asked[1]) > 0


def test_the_columns_of_the_list_are_exported_with_titles(
    trips: Resource, places: dict[str, int], ctx: Context
) -> None:
    for name in ("Bath", "Ely"):
        a_trip(trips, ctx, name=name, to_id=places[name])
    trips.model.update(gone_id=7).execute()
    out = io.BytesIO()
    transfer.export_rows(ctx, trips, Selection("trips.trip", everything=True), "list", out)
    assert out.getvalue().decode("utf-8-sig").split() == ["Name,To,Gone", "Bath,Bath,7", "Ely,Ely,7"]


def test_an_export_of_whole_records_comes_back(
    trips: Resource, places: dict[str, int], ctx: Context, work_off: Callable[[], None]
) -> None:
    trip = a_trip(trips, ctx, to_id=places["Bath"])
    out = io.BytesIO()
    transfer.export_rows(ctx, trips, Selection("trips.trip", everything=True), "csv", out)
    assert f",{places['Bath']}," in out.getvalue().decode("utf-8-sig")
    service_of(trips).delete(ctx, [trip])
    names = ["name", "to_id", "gone_id"]
    taken_in(ctx, out.getvalue().decode("utf-8-sig"), work_off, columns=[(one, one) for one in names])
    assert trips.model.get().to_id == places["Bath"]


def lines(trips: Resource, ctx: Context) -> list[dict[str, Any]]:
    out = io.BytesIO()
    transfer.export_rows(ctx, trips, Selection("trips.trip", everything=True), "jsonl", out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def as_json(*documents: dict[str, Any]) -> str:
    return "".join(json.dumps(one) + "\n" for one in documents)


def test_json_lines_name_them_by_key_and_come_back_into_a_shop_with_other_numbers(
    trips: Resource, places: dict[str, int], ctx: Context, work_off: Callable[[], None]
) -> None:
    stops = [{"at": places[name], "note": "tea"} for name in ("Ely", "Twin")]
    trip = a_trip(trips, ctx, to_id=places["Bath"], stops=stops)
    trips.model.update(gone_id=7).execute()
    before = lines(trips, ctx)
    assert [(one["to_id"], one["gone_id"]) for one in before] == [("C-Bath-GB", 7)], "what is off has no key"
    assert [stop["at"] for stop in before[0]["stops"]] == ["C-Ely-GB", "C-Twin-DE"]
    service_of(trips).delete(ctx, [trip])
    suppliers = runtime_room.current().resource("suppliers.supplier")
    service_of(suppliers).delete(ctx, [places["Bath"]])
    (bath,) = make_suppliers({"code": "C-Bath-GB", "name": "Bath", "country": "GB"})
    ended = taken_in(ctx, as_json({**before[0], "gone_id": None}), work_off, native=True)
    assert (ended.created, ended.rejected) == (1, 0), [one.reason for one in transfer.Reject.select()]
    assert (trips.model.get().to_id, bath != places["Bath"]) == (bath, True)
    assert lines(trips, ctx) == [{**before[0], "gone_id": None}]


def test_a_key_that_names_nothing_is_refused_where_it_stands(
    trips: Resource, places: dict[str, int], ctx: Context, work_off: Callable[[], None]
) -> None:
    docs: list[dict[str, Any]] = [{"name": "A", "to_id": "C-Nobody"}, {"name": "B", "stops": [{"at": "12"}]}]
    docs.append({"name": "C", "to_id": places["Ely"]})
    ended = taken_in(ctx, as_json(*docs), work_off, native=True)
    assert [trip.name for trip in trips.model.select()] == ["C"]
    reasons = [one.reason for one in transfer.Reject.select().order_by(transfer.Reject.id)]
    assert ended.rejected == 2
    assert [re.sub("[“”].*", "", one) for one in reasons] == [
        "to_id: There is no record C-Nobody; name it by its number or its key.",
        "stops.at: There is no record 12; name it by its number or its key.",
    ]


def test_what_the_exporter_may_not_see_stays_a_number(
    trips: Resource, places: dict[str, int], ctx: Context, make_user: Any
) -> None:
    for name in ("Bath", "Ansbach"):
        a_trip(trips, ctx, name=name, to_id=places[name])
    narrowed = auth.context_for(make_user("owner", GB), "api")
    assert [one["to_id"] for one in lines(trips, narrowed)] == ["C-Bath-GB", places["Ansbach"]]


def test_the_keys_of_many_are_asked_for_once_a_chunk(trips: Resource, places: dict[str, int], ctx: Context) -> None:
    a_trip(trips, ctx, name="one", to_id=places["Bath"])
    with count_statements() as few:
        lines(trips, ctx)
    for number, key in enumerate(places.values()):
        a_trip(trips, ctx, name=f"T{number}", to_id=key, stops=[{"at": key}])
    with count_statements() as many:
        lines(trips, ctx)
    assert len(few) == len(many)
