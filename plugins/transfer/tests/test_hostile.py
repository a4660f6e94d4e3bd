"""Files that mean harm: refused at once, or told row by row; in little memory; nothing is left lying about."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from core import auth, files, logs
from core.app import create_app
from core.jobs.worker import Worker
from core.settings import Settings
from core.testing import databases
from plugins.transfer import api as transfer
from plugins.transfer.tests import hostile_files, kit
from plugins.transfer.tests.kit import CTX, SALE, Sale, bring_in, documents, mapped, reasons, rejected_rows
from tests.conftest import csrf_of, plain_logs

ROOT = Path(__file__).parents[3]
MOST_MB, MOST_S = 300, 2.0


@pytest.fixture
def report(tmp_path: Path) -> list[dict[str, Any]]:
    """What became of each file of the corpus, measured by a process of its own."""
    data_dir, scratch = tmp_path / "data", tmp_path / "tmp"
    scratch.mkdir()
    databases.sqlite_in(data_dir, "house")
    databases.close_all()
    run = (
        "import sys, pathlib; sys.path.insert(0, sys.argv[1]); from plugins.transfer.tests import hostile_files as it; "
    )
    command = [sys.executable, "-P", "-c", run + "it.main(pathlib.Path(sys.argv[2]))", str(ROOT), str(data_dir)]
    environ = os.environ | {"TMPDIR": str(scratch)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=540, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"title"')]


@pytest.mark.slow
def test_each_file_is_refused_at_once_or_told_row_by_row_in_little_memory(report: list[dict[str, Any]]) -> None:
    *outcomes, whole = report
    assert len(outcomes) == len(hostile_files.CORPUS) >= 60
    for one in outcomes:
        ended = one["state"] in ("completed", "completed_with_errors")
        assert ended or (one["state"] in ("refused", "failed") and one["reason"]), one
        assert one.get("job") in (None, "done", "done_with_errors", "failed"), one
        assert "Unexpected error" not in one["reason"], one
        assert one["cpu_s"] <= MOST_S or (ended and one["reported"] >= one["rejected"] > 1000), one
        assert one["peak_mb"] < MOST_MB, one
        assert one["left"] == [], one
    assert sum(one["state"] in ("refused", "failed") for one in outcomes) >= 50
    assert whole["children_mb"] < MOST_MB
    assert whole["waiting"] == 0  # no job that is tried again for hours
    assert not Path("/tmp/maktab-evil").exists()


@pytest.fixture
def shop(runtime: Any) -> Iterator[Any]:
    with kit.shop(runtime) as made:
        yield made


@pytest.fixture
def app(shop: Any) -> Any:
    made = create_app(shop)
    made.config.update(TESTING=True)
    return made


@pytest.fixture
def caller(app: Any, make_user: Any) -> Any:
    user = make_user("owner")
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {auth.create_token(CTX, user, ['*'])}"
    return client


def lying_about(settings: Settings) -> list[str]:
    places = [*settings.files_dir.rglob("*"), *(settings.data_dir / "scratch").rglob("*")]
    return [path.name for path in places if path.is_file()]


def send(caller: Any, content: bytes, name: str = "list.csv") -> Any:
    return caller.post("/api/v1/sales/imports", data={"file": (io.BytesIO(content), name)})


def test_a_refused_upload_leaves_nothing_and_is_not_taken_for_the_next_one(caller: Any, settings: Settings) -> None:
    """The number of an import that was rolled back is given again; its file must not come with it."""
    for content in (b"foo,bar\n1,2\n", b"%PDF-1.7", b"", b'{"a":1}\n{'):
        assert send(caller, content).status_code in (202, 422)
        Worker(settings).drain()
    assert Sale.select().count() == 0
    before = lying_about(settings)
    assert send(caller, b"foo,bar\n1,2\n").status_code == 422
    assert lying_about(settings) == before
    assert send(caller, b"channel,number\nweb,RIGHT\n").status_code == 202
    Worker(settings).drain()
    assert [sale.number for sale in Sale.select()] == ["RIGHT"]
    assert {file.expires_at is not None for file in files.StoredFile.select()} == {True}


def test_a_page_about_a_file_that_cannot_be_read_leaves_no_copy_of_it(
    signed_in: Any, app: Any, settings: Settings
) -> None:
    owner = signed_in("owner")
    token = csrf_of(owner.get("/admin/").text)

    def send(content: bytes) -> Any:
        form = {"resource": SALE.name, "file": (io.BytesIO(content), "a.csv"), "csrf_token": token}
        return owner.post("/admin/imports/new", data=form, headers={"Referer": "http://localhost/"})

    refused = send(b"%PDF-1.7 x")
    assert (refused.status_code, "XLSX or CSV" in refused.text) == (422, True)
    assert list((settings.data_dir / "scratch").glob("*")) == []
    where = send(b"number\n1\n").location
    files.StoredFile.delete().execute()
    assert owner.get(where).status_code == 404  # the file has expired meanwhile


@pytest.mark.parametrize(
    ("content", "columns", "kept", "refused"),
    [
        ('number,extra,foo\n1,"{""a"": 1}",bar\n', [("extra", "extra")], {"a": 1, "foo": "bar"}, ""),
        ('number,foo,extra\n1,bar,"{""a"": 1}"\n', [("foo", "extra.b"), ("extra", "extra")], {"a": 1, "b": "bar"}, ""),
        ("number,extra,foo\n1,abc,bar\n", [("extra", "extra")], {}, "JSON object"),
        ("number,extra,foo\n1,[5],bar\n", [("extra", "extra")], {}, "JSON object"),
        (f"number,extra\n1,{'[' * 5000}\n", [("extra", "extra")], {}, "extra: "),
        (f"number,labels\n1,{'[' * 5000}\n", [("labels", "labels")], {}, "labels: "),
    ],
)
def test_a_cell_of_json_is_an_object_or_is_told(
    shop: Any, content: str, columns: list[tuple[str, str]], kept: dict[str, Any], refused: str
) -> None:
    made = bring_in(content, mapped(("number", "number"), *columns))
    if refused:
        assert refused in reasons(made)[2]
        assert documents() == []
    else:
        assert [doc["extra"] for doc in documents()] == [kept]


def test_a_format_that_stumbles_over_a_row_loses_that_row_only(runtime: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def prepare(doc: dict[str, Any], rows: Any) -> dict[str, Any]:
        if doc["number"] == "2":
            raise KeyError("layla@example.com")
        return doc

    known = transfer.ImportFormat("odd", SALE.name, "Odd", mapped(("number", "number")), prepare=prepare)
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.configure()  # as a process of an install writes them
    with kit.shop(runtime, [known]):
        made = bring_in("number\n1\n2\n3\n", known.mapping, format="odd")
    plain_logs()
    assert (made.state, made.created, made.rejected) == ("completed_with_errors", 2, 1)
    assert "KeyError" in reasons(made)[3]
    assert "a format cannot read its rows" in written.getvalue()
    assert "layla" not in written.getvalue() + reasons(made)[3]


def test_headers_of_rejected_rows_are_escaped_and_read_back(shop: Any) -> None:
    mapping = mapped(("number", "number"), ("=cmd|' /C calc'!A0", "note"))
    made = bring_in("number,=cmd|' /C calc'!A0,@SUM(1)\n,x,y\n", mapping)
    head = rejected_rows(made)[0]
    assert next(csv.reader([head]))[1:3] == ["'=cmd|' /C calc'!A0", "'@SUM(1)"]
    again = bring_in("\n".join(rejected_rows(made)).replace("\n,x", "\n7,x"), mapping)
    assert (again.created, documents()[0]["note"], documents()[0]["extra"]) == (1, "x", {"@SUM(1)": "y"})


def test_a_document_over_the_api_is_of_decent_depth_and_numbers(caller: Any) -> None:
    deep = [f'{{"number":"d","extra":{{"a":{"[" * depth}1{"]" * depth}}}}}' for depth in (100, 500, 900, 5000)]
    odd = [f'{{"number":"n","extra":{{"a":{number}}}}}' for number in ("NaN", "Infinity", "-Infinity", "1e999")]
    for body in [*deep, *odd]:
        assert caller.post("/api/v1/sales", data=body, content_type="application/json").status_code == 400, body[:60]
    fine = '{"number":"f","extra":{"a":' + "[" * 50 + "1.5" + "]" * 50 + "}}"
    assert caller.post("/api/v1/sales", data=fine, content_type="application/json").status_code == 201
