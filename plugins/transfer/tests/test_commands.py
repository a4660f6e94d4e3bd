"""`maktab import`, `export` and `demo`, as they are run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from core import jobs
from tests.test_cli import Maktab, answer, maktab

__all__ = ["maktab"]
HEADER = ["number", "currency", "placed_at", "total", "lines.sku", "lines.title", "lines.quantity", "lines.unit_price"]


@pytest.mark.parametrize("command", ["import", "export", "demo"])
def test_the_commands_explain_themselves(maktab: Maktab, command: str) -> None:
    assert f"  {command} " in maktab("--help").stdout
    assert maktab(command, "--help").stdout.startswith("Usage: ")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["import", "orders.ufo", "README.md"], 1, "orders.ufo"),
        (["import", "orders.order", "no-such-file.csv"], 1, "no-such-file.csv"),
        (["export", "orders.order", "--out", "orders.pdf"], 2, "--out"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(maktab: Maktab, arguments: list[str], code: int, says: str) -> None:
    lines = maktab(*arguments, code=code).stderr.strip().splitlines()
    assert says in lines[-1]
    assert len(lines) == 1 or lines[0].startswith("Usage:")


def write_orders(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="") as out:
        csv.writer(out).writerows([HEADER, *rows])
    return path


GOOD = ["A-1", "GBP", "2026-03-01T10:00:00Z", "25.00", "MUG", "Mug", "2", "12.50"]
BAD = ["A-2", "GBP", "last tuesday", "5.00", "PEN", "Pen", "1", "5.00"]


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.json"
    path.write_text(json.dumps({"columns": [[name, name] for name in HEADER], "constants": {"sales_channel": "shop"}}))
    return path


def test_import_runs_here_and_the_same_file_again_changes_nothing(
    maktab: Maktab, tmp_path: Path, mapping: Path
) -> None:
    file = write_orders(tmp_path / "orders.csv", [GOOD])
    first = answer(maktab("import", "orders.order", file, "--mapping", mapping, "--json"))
    assert (first["created"], first["rejected"], first["state"]) == (1, 0, "completed")
    again = answer(maktab("import", "orders.order", file, "--mapping", mapping, "--json"))
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 1)
    assert jobs.Job.get_by_id(first["job"]).status == "done"


def test_import_with_a_rejected_row_ends_with_code_3(maktab: Maktab, tmp_path: Path, mapping: Path) -> None:
    file = write_orders(tmp_path / "orders.csv", [GOOD, BAD])
    result = answer(maktab("import", "orders.order", file, "--mapping", mapping, "--json", code=3))
    assert (result["created"], result["rejected"]) == (1, 1)


def test_rejected_rows_are_told_and_written_to_be_mended(maktab: Maktab, tmp_path: Path, mapping: Path) -> None:
    file, rejects = write_orders(tmp_path / "orders.csv", [GOOD, BAD]), tmp_path / "bad.csv"
    told = maktab("import", "orders.order", file, "--mapping", mapping, code=3).stderr
    assert "line 3: placed_at: " in told
    assert "/admin/imports/" in told
    told = maktab("import", "orders.order", file, "--mapping", mapping, "--rejects", rejects, code=3).stderr
    assert f"The rejected rows are in {rejects}" in told
    (row,) = csv.DictReader(rejects.open(encoding="utf-8-sig"))
    assert (row["number"], row["placed_at"]) == ("A-2", "last tuesday")
    rejects.write_text(rejects.read_text(encoding="utf-8-sig").replace("last tuesday", "2026-03-01T10:00:00Z"))
    assert answer(maktab("import", "orders.order", rejects, "--mapping", mapping, "--json"))["created"] == 1


def test_dry_run_changes_nothing(maktab: Maktab, tmp_path: Path, mapping: Path) -> None:
    file = write_orders(tmp_path / "orders.csv", [GOOD])
    result = answer(maktab("import", "orders.order", file, "--mapping", mapping, "--dry-run", "--json"))
    assert result["state"] == "validated"
    assert "A-1" not in export_text(maktab, tmp_path)


def export_text(maktab: Maktab, tmp_path: Path, *options: str) -> str:
    maktab("export", "orders.order", *options, "--out", tmp_path / "out.csv")
    return (tmp_path / "out.csv").read_text()


def test_export_writes_what_matches_and_comes_in_again_unchanged(maktab: Maktab, tmp_path: Path, mapping: Path) -> None:
    other = ["B-7", "KWD", *GOOD[2:]]
    file = write_orders(tmp_path / "orders.csv", [GOOD, other])
    maktab("import", "orders.order", file, "--mapping", mapping)
    assert "A-1" not in export_text(maktab, tmp_path, "--search", "B-7")
    assert {"A-1", "B-7"} <= set(export_text(maktab, tmp_path).replace(",", "\n").split("\n"))
    again = answer(maktab("import", "orders.order", tmp_path / "out.csv", "--json"))
    assert export_text(maktab, tmp_path, "--as-list").splitlines()[0].endswith("Total,Currency")
    assert export_text(maktab, tmp_path, "--as-list", "--columns", "status,number").startswith("\ufeffStatus,Number\n")
    assert (again["created"], again["updated"], again["unchanged"], again["rejected"]) == (0, 0, 2, 0)


def test_json_lines_of_another_shape_come_in_by_a_mapping(maktab: Maktab, tmp_path: Path) -> None:
    file, mapping = tmp_path / "orders.jsonl", tmp_path / "mapping.json"
    item = {"sku": "MUG", "name": "Mug", "qty": 2, "price": 12.50}
    file.write_text(json.dumps({"ref": 17, "at": "2026-03-01T10:00:00Z", "cur": "GBP", "items": [item, item]}) + "\n")
    assert "--mapping" in maktab("import", "orders.order", file, code=1).stderr
    columns = [["ref", "number"], ["at", "placed_at"], ["cur", "currency"], ["items.sku", "lines.sku"]]
    columns += [["items.name", "lines.title"], ["items.qty", "lines.quantity"], ["items.price", "lines.unit_price"]]
    mapping.write_text(json.dumps({"columns": columns, "constants": {"sales_channel": "api"}}))
    made = answer(maktab("import", "orders.order", file, "--mapping", mapping, "--json"))
    assert (made["created"], made["rows"]) == (1, 2)
    assert export_text(maktab, tmp_path).count("MUG,Mug,2,12.5,25.00") == 2


def test_a_file_that_nobody_knows_names_the_mappings_there_are(maktab: Maktab, tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_text("colour;taste\nred;sweet\n")
    assert "--mapping" in maktab("import", "orders.order", tmp_path / "odd.csv", code=1).stderr


def test_an_import_is_a_job_like_any_other(maktab: Maktab, tmp_path: Path, mapping: Path) -> None:
    file = write_orders(tmp_path / "orders.csv", [GOOD])
    number = answer(maktab("import", "orders.order", file, "--mapping", mapping, "--json"))["job"]
    assert number in [line["id"] for line in answer(maktab("job", "list", "--json"))]
    assert answer(maktab("job", "show", number, "--json"))["status"] == "done"
    maktab("job", "retry", number, code=1)
