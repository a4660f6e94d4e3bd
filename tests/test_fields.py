"""The table "Fields" of docs/resource.md: a plugin made of its lines, and each line driven through everything."""

from __future__ import annotations

import csv
import io
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from core import files
from core.context import Context
from core.errors import Invalid
from core.resources import ListState, Resource, Selection, filtering, query, service_of
from core.runtime import Runtime
from plugins.transfer import api as transfer
from tests.helpers import count_statements
from tests.plugin_kit import HOOK, unload

MANUAL = Path(__file__).parents[1] / "docs" / "resource.md"
PART = re.search(r"^## Fields$(.*?)^## ", MANUAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]
IMPORTS = re.search(r"```python\n(.*?)```", PART, re.DOTALL)[1]  # type: ignore[index]


class Line(NamedTuple):
    """A line of the table."""

    use: str
    model: str
    schema: str
    column: str
    filter: str
    sortable: str

    @property
    def name(self) -> str:
        return self.schema.split(" = ")[0]


def lines() -> list[Line]:
    rows = re.findall(r"^\| (.+) \|$", PART, re.MULTILINE)[2:]
    cells = [[cell.removeprefix("`").removesuffix("`") for cell in row.split(" | ")] for row in rows]
    return [Line(*("" if cell.startswith("–") else cell for cell in row)) for row in cells]


LINES = lines()
COLUMNS = [line for line in LINES if line.column]
SORTED = [line for line in LINES if line.sortable == "yes"]
FILTERED = [line for line in LINES if line.filter]


class Sample(NamedTuple):
    """Values in their order: as somebody types them, as the API has them; and how the first one looks on a page."""

    typed: tuple[str, ...]
    sent: tuple[Any, ...]
    shown: str


CONTACTS = ("a@example.com", "b@example.com", "c@example.com")
SAMPLES = {
    "name": Sample(("Amphora", "Bowl", "Cup"), ("Amphora", "Bowl", "Cup"), "Amphora"),
    "story": Sample(("Of old.\nAnd new.", "x" * 600, "z"), ("Of old.\nAnd new.", "x" * 600, "z"), "Of old."),
    "sku": Sample(("A-1", "B-1", "C-1"), ("A-1", "B-1", "C-1"), "A-1"),
    "pieces": Sample(("1", "20", "3,000"), (1, 20, 3000), ">1"),
    "weight_kg": Sample(("0.001", "2.50", "30"), ("0.001", "2.50", "30"), "0.001"),
    "price_minor": Sample(("0.50", "12.34", "1,000.00"), (50, 1234, 100000), "£0.50"),
    "currency": Sample(("GBP",) * 3, ("GBP",) * 3, "GBP"),
    "bought_on": Sample(
        ("0987-01-02", "2026-02-28", "2026-03-01"), ("0987-01-02", "2026-02-28", "2026-03-01"), "2 Jan 987"
    ),
    "seen_at": Sample(
        ("2025-01-02T10:00", "2026-02-28T23:59:59", "2026-03-01T00:00:00"),
        ("2025-01-02T10:00:00Z", "2026-02-28T23:59:59Z", "2026-03-01T00:00:00Z"),
        "2 Jan 2025 10:00",
    ),
    "is_fragile": Sample(("", "", "1"), (False, False, True), "No"),
    "state": Sample(("new", "new", "used"), ("new", "new", "used"), "Fresh"),
    "contact": Sample(CONTACTS, CONTACTS, "a@example.com"),
    "tags": Sample(("blue, red", "red", ""), (["blue", "red"], ["red"], []), "blue"),
    "sizes": Sample(("", "", ""), ({"cm": [1, 2]}, {}, {"é": "1"}), ""),
    "room": Sample(("North", "South · 2", "South"), (1, 2, 2), '/rooms/1"><bdi>North</bdi></a>'),
}  # fmt: skip


def indented(made: Callable[[Line], str], chosen: list[Line], by: str = "    ") -> str:
    return "".join(f"{by}{made(line)}\n" for line in chosen)


def models(base: str, own: str, database: str = "") -> str:
    """The models of the plugin; for its migration with what `Record` brings, as frozen ones have it."""
    indexes = "".join(f'(("{line.name}", "id"), False), ' for line in SORTED)
    return f"""
class Room({base}):
{own}    code = peewee.CharField(max_length=20)
    class Meta:
        table_name = "things_room"{database}

class Thing({base}):
{own}    number = peewee.CharField(max_length=20, unique=True)
{indented(lambda line: line.model, [line for line in LINES if line.model])}
    class Meta:
        table_name = "things_thing"{database}
        indexes = ({indexes})
"""


FROZEN = """    id = IdField()
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()
    version = peewee.IntegerField()
"""
MIGRATION = f"""
from core.db import IdField, database
{IMPORTS}
{models("peewee.Model", FROZEN, "; database = database")}
def up(migrator, db):
    db.create_tables([Room, Thing])
"""
COLUMN = 'Column("{0.name}", "{0.use}", "{0.column}", sortable={1}, badges=BADGES),'
RESOURCES = f"""
from core.resources import Badge, Column, Filter, Resource
{IMPORTS}
from core.db import Record
{models("Record", "")}

class ThingSchema(ma.Schema):
    id = ma.fields.Integer(dump_only=True)
    version = ma.fields.Integer(dump_only=True)
    number = ma.fields.String(required=True, validate=Length(1, 20))
{indented(lambda line: line.schema, LINES)}

class RoomSchema(ma.Schema):
    code = ma.fields.String()

ROOM = Resource(
    "things.room", "rooms", Room, RoomSchema, "Room", "Rooms", title=lambda room: room.code, search_exact=["code"],
    columns=[Column("code", "Code")],
)
BADGES = {{"new": Badge("Fresh", "ok", "full"), "used": Badge("Worn")}}
THING = Resource(
    "things.thing", "things", Thing, ThingSchema, "Thing", "Things", key=["number"], has_tags=True, default_sort="id",
    columns=[
        Column("number", "Number", "code"),
{indented(lambda line: COLUMN.format(line, line in SORTED), COLUMNS)}
    ],
    filters=[
{
    indented(
        lambda line: f'Filter("{line.name}", "{line.use}", "{line.filter}", {{"new": "Fresh", "used": "Worn"}}),',
        FILTERED,
    )
}
    ],
)
"""
HOOKS = f"""{HOOK}
from things.resources import ROOM, THING

@hookimpl
def register_resources(): return [ROOM, THING]
"""


@pytest.fixture
def plugin_folder(tmp_path: Path) -> Iterator[Path]:
    """The plugin that the manual's table makes."""
    folder = tmp_path / "merchant" / "things"
    (folder / "migrations").mkdir(parents=True)
    manifest = 'name = "things"\ntitle = "Things"\ncontract = 1\nversion = "1"\n'
    written = {"plugin.toml": manifest, "__init__.py": "", "hooks.py": HOOKS, "resources.py": RESOURCES}
    for name, text in (written | {"migrations/0001_initial.py": MIGRATION}).items():
        (folder / name).write_text(text, encoding="utf-8")
    yield folder
    unload("things")


@pytest.fixture
def things(runtime: Runtime) -> Resource:
    """The resource, with two rooms to refer to."""
    found = runtime.resource("things.thing")
    found.model.room.rel_model.insert_many([{"code": "North"}, {"code": "South"}]).execute()
    return found


def sent(place: int) -> dict[str, Any]:
    """A document as the API takes it."""
    return {"number": f"T-{place}"} | {name: sample.sent[place] for name, sample in SAMPLES.items()}


def typed(place: int) -> dict[str, str]:
    """The inputs of a form."""
    return {"number": f"T-{place}"} | {name: sample.typed[place] for name, sample in SAMPLES.items()}


@pytest.fixture
def made(things: Resource, api: Callable[..., Any]) -> list[int]:
    """Three records, each with a greater value in every field; the API gives back what it was sent."""
    caller, ids = api("owner"), []
    for place in range(3):
        answer = caller.post("/api/v1/things", json=sent(place))
        assert answer.status_code == 201, answer.json
        assert answer.json == answer.json | sent(place)
        ids.append(answer.json["id"])
    return ids


def documents(things: Resource) -> list[dict[str, Any]]:
    ids = [row.id for row in things.model.select().order_by(things.model.number)]
    dumped: Any = things.schema(many=True).dump(service_of(things).documents(ids))
    return [{name: value for name, value in doc.items() if name not in ("id", "version")} for doc in dumped]


def test_every_line_of_the_table_is_driven() -> None:
    assert [line.name for line in LINES] == list(SAMPLES)
    assert len(LINES) == 15


def test_the_form_takes_and_shows_them(things: Resource, signed_in: Callable[..., Any]) -> None:
    browser = signed_in("owner")
    for place in range(3):
        answer = browser.send("/admin/things/new", **typed(place))
        assert answer.status_code == 302, answer.text
    in_forms = [{name: value for name, value in sent(place).items() if name != "sizes"} for place in range(3)]
    assert documents(things) == [doc | {"sizes": {}} for doc in in_forms]
    first = things.model.get(things.model.number == "T-0")
    page = browser.get(f"/admin/things/{first.id}/edit").text
    for line in LINES:
        field = re.search(rf'<[^>]* name="{line.name}"[^>]*>[^<]*(.*</select>)?', page)
        assert (field is not None) == (line.name != "sizes"), line
        assert not field or SAMPLES[line.name].typed[0].split("\n")[0] in field[0].replace("option", ""), line
    assert '<option value="new" selected>' in page


def test_list_and_page_show_them(made: list[int], signed_in: Callable[..., Any]) -> None:
    browser = signed_in("viewer")
    listed = browser.get("/admin/things/").text
    row = listed[listed.index(f'mk-key" href="/admin/things/{made[0]}') :].split("</tr>")[0]
    lines = browser.get(f"/admin/things/{made[0]}").text.split("<dl")[1].split("</dl>")[0]
    for line in COLUMNS:
        shown = SAMPLES[line.name].shown
        assert shown in row.split(f'data-label="{line.use}"')[1].split("</td>")[0], line
        assert shown in lines.split(f"<dt>{line.use}</dt>")[1].split("</dd>")[0], line


DAYS = ["2026-07-13", "2026-07-14", "2026-07-15", "2026-07-16"]
ASKED = [
    ({"bought_on": "2026-07-14"}, DAYS[1:2]), ({"bought_on__gte": "2026-07-14"}, DAYS[1:]),
    ({"bought_on__lte": "2026-07-14"}, DAYS[:2]), ({"bought_on__lte": "9999-12-31"}, DAYS),
]  # fmt: skip
SOON = [({"bought_on": "today"}, DAYS[2:3]), ({"bought_on": "last_7_days"}, DAYS[:3])]
SOON += [({"bought_on__gte": "yesterday"}, DAYS[1:]), ({"bought_on__lte": "yesterday"}, DAYS[:2])]
LATE = [({"bought_on": "today"}, DAYS[1:2]), ({"bought_on": "yesterday"}, DAYS[:1])]


@pytest.mark.parametrize(("zone", "wanted"), [("Asia/Kuwait", ASKED + SOON), ("America/New_York", ASKED + LATE)])
def test_a_day_is_that_day_in_every_zone(
    things: Resource, ctx: Context, monkeypatch: Any, zone: str, wanted: list[tuple[dict[str, str], list[str]]]
) -> None:
    monkeypatch.setattr(filtering, "utcnow", lambda: datetime(2026, 7, 14, 22, tzinfo=UTC))  # the 15th in Kuwait
    docs = [{"number": day, "bought_on": date.fromisoformat(day)} for day in DAYS]
    service_of(things).create(ctx, [*docs, {"number": "never"}])
    for filters, days in wanted:
        found = query.page(replace(ctx, timezone=zone), things, ListState(filters)).records
        assert [record.bought_on.isoformat() for record in found] == days, filters
    for text in ("2026-07-14T10:00:00Z", "2026-02-30", "soon"):
        with pytest.raises(Invalid):
            query.page(ctx, things, ListState({"bought_on": text}))


@pytest.mark.parametrize("sort", ["bought_on", "-bought_on", "seen_at", "-seen_at"])
def test_pages_go_on_where_there_is_no_day(
    things: Resource, made: list[int], ctx: Context, api: Callable[..., Any], sort: str
) -> None:
    outcomes = service_of(things).create(ctx, [{"number": "T-3"}, {"number": "T-4"}])
    down = sort.startswith("-")
    empty = sorted((one.id or 0 for one in outcomes), reverse=down)
    pages = walk(api("viewer"), sort)
    assert [page["data"][0]["id"] for page in pages] == [*sorted(made, reverse=down), *empty]


def as_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


COMPARE: dict[str, Callable[[Any, Any], bool]] = {"": operator.eq, "__gte": operator.ge, "__lte": operator.le}
COMPARE["__prefix"] = lambda value, wanted: value.startswith(wanted)


@pytest.mark.parametrize("line", FILTERED, ids=lambda line: line.name)
def test_filters_find_them(made: list[int], api: Callable[..., Any], line: Line) -> None:
    values, caller = SAMPLES[line.name].sent, api("viewer")
    known = {f"__{one}" for one in filtering.OPERATORS[line.filter]} & set(COMPARE) | {""}
    for asked, place in product(known, range(3)):
        if line.filter == "tag":
            wanted = [key for key, tags in zip(made, values, strict=True) if {*tags} & {*values[place]}] or made
        else:
            wanted = [key for key, one in zip(made, values, strict=True) if COMPARE[asked](one, values[place])]
        answer = caller.get("/api/v1/things", query_string={line.name + asked: as_text(values[place])})
        assert [one["id"] for one in answer.json["data"]] == wanted, (asked, place)


@pytest.mark.parametrize("line", SORTED, ids=lambda line: line.name)
def test_lists_are_sorted_by_them_page_by_page(made: list[int], api: Callable[..., Any], line: Line) -> None:
    caller = api("viewer")
    values = dict(zip(made, SAMPLES[line.name].sent, strict=True))
    for down in (False, True):
        wanted = sorted(made, key=lambda key: (values[key], key), reverse=down)
        pages = walk(caller, f"{'-' * down}{line.name}")
        assert [page["data"][0]["id"] for page in pages] == wanted
        back = {"sort": f"{'-' * down}{line.name}", "limit": 1, "cursor": pages[-1]["previous"]}
        assert caller.get("/api/v1/things", query_string=back).json["data"][0]["id"] == wanted[1]


def walk(caller: Any, sort: str) -> list[Any]:
    """All pages of one record each."""
    pages: list[Any] = []
    cursor = None
    while not pages or cursor:
        given = {"sort": sort, "limit": 1} | ({"cursor": cursor} if cursor else {})
        answer = caller.get("/api/v1/things", query_string=given)
        assert answer.status_code == 200, answer.json
        pages.append(answer.json)
        cursor = answer.json["next"]
    return pages


def export(things: Resource, ctx: Context, format: str) -> bytes:
    out = io.BytesIO()
    transfer.export_rows(ctx, things, Selection(things.name, everything=True), format, out)
    return out.getvalue()


def test_the_columns_of_the_list_are_a_file(things: Resource, made: list[int], ctx: Context) -> None:
    rows = list(csv.DictReader(io.StringIO(export(things, ctx, "list").decode("utf-8-sig"))))
    line = {"day": "0987-01-02", "moment": "2025-01-02T10:00:00Z", "money": "0.50", "yes or no": "false"}
    line |= {"exact decimal": "0.001", "choice": "Fresh", "tags": "blue, red", "another record": "North"}
    assert rows[0] == rows[0] | line
    assert set(rows[0]) == {"Number"} | {one.use for one in COLUMNS}


@pytest.mark.parametrize("format", ["csv", "xlsx", "jsonl"])
def test_a_whole_export_brings_them_all_back(
    things: Resource, made: list[int], ctx: Context, work_off: Callable[[], None], tmp_path: Path, format: str
) -> None:
    before, content = documents(things), export(things, ctx, format)
    assert before == [sent(place) for place in range(3)]
    service_of(things).delete(ctx, made)
    (tmp_path / "file").write_bytes(content)
    mapping = transfer.native_mapping(things, transfer.inspect(tmp_path / "file"))
    assert mapping is not None
    stored = files.store(ctx, io.BytesIO(content), f"things.{format}").id
    transfer.start(ctx, things.name, stored, mapping, False, file_name=f"things.{format}")
    work_off()
    assert documents(things) == before


def test_a_rollback_of_an_import_restores_them(
    things: Resource, made: list[int], ctx: Context, work_off: Callable[[], None], tmp_path: Path
) -> None:
    before, rows = documents(things), list(csv.reader(io.StringIO(export(things, ctx, "csv").decode("utf-8-sig"))))
    number = rows[0].index("number")
    for row, name in zip(rows[1:], ("T-1", "T-2", "T-0"), strict=True):  # the values of another record
        row[number] = name
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    (tmp_path / "file").write_text(text.getvalue())
    mapping = transfer.native_mapping(things, transfer.inspect(tmp_path / "file"))
    assert mapping is not None
    stored = files.store(ctx, (tmp_path / "file").open("rb"), "things.csv").id
    run = transfer.start(ctx, things.name, stored, mapping, False, file_name="things.csv")
    work_off()
    assert [doc["bought_on"] for doc in documents(things)] == ["2026-03-01", "0987-01-02", "2026-02-28"]
    transfer.rollback(ctx, transfer.Import.get_by_id(run.id))
    work_off()
    assert documents(things) == before


WRITTEN = [
    "2026-03-01",
    "01.03.2026",
    "1/3/2026",
    "2026-03-01T23:30:00+02:00",
    "٢٠٢٦-٠٣-٠١",
    "20260301",
    " 2026-03-01 ",
]


def test_days_come_from_files_as_people_write_them(
    things: Resource, ctx: Context, work_off: Callable[[], None]
) -> None:
    text = "No;Bought\n" + "".join(f"{place};{day}\n" for place, day in enumerate([*WRITTEN, "soon", "2026-02-30", ""]))
    mapping = transfer.Mapping(columns=(("No", "number"), ("Bought", "bought_on")), date_order="dmy")
    stored = files.store(ctx, io.BytesIO(text.encode()), "days.csv").id
    run = transfer.start(ctx, things.name, stored, mapping, False, file_name="days.csv")
    work_off()
    found = {doc["number"]: doc["bought_on"] for doc in documents(things)}
    assert found == {str(place): "2026-03-01" for place in range(len(WRITTEN))} | {str(len(WRITTEN) + 2): None}
    assert transfer.Import.get_by_id(run.id).rejected == 2


def test_the_timeline_says_what_changed(things: Resource, made: list[int], signed_in: Callable[..., Any]) -> None:
    browser = signed_in("owner")
    version = things.model.get_by_id(made[0]).version
    answer = browser.send(f"/admin/things/{made[0]}/edit", version=version, **typed(0) | {"bought_on": "2026-03-05"})
    assert answer.status_code == 302, answer.text
    timeline = browser.get(f"/admin/things/{made[0]}").text.split('id="timeline"')[1]
    assert re.findall(r"mk-change.*?<bdi>(.*?)</bdi>.*?<bdi>(.*?)</bdi>", timeline) == [("0987-01-02", "2026-03-05")]


def test_a_reference_costs_no_query_a_row(things: Resource, made: list[int], signed_in: Callable[..., Any]) -> None:
    browser = signed_in("viewer")
    browser.get("/admin/things/")
    with count_statements() as three:
        browser.get("/admin/things/")
    things.model.delete().where(things.model.id > made[0]).execute()
    with count_statements() as one:
        browser.get("/admin/things/")
    assert len(three) == len(one) > 0
