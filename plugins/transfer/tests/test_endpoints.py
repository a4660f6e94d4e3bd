"""Imports and exports over the API."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from core import files
from core.api import KeptAnswer
from core.db import utcnow
from core.jobs.worker import Worker
from plugins.transfer import api as transfer
from plugins.transfer.models import Import
from tests.test_api import CTX, URL, caller, house, owner, problem, suppliers, web

__all__ = ["caller", "house", "owner", "suppliers", "web"]


def test_an_import_and_an_export_start_as_jobs(owner: Any) -> None:
    file = (io.BytesIO(b"code,name\nA,Acme\n"), "suppliers.csv")
    answer = owner.post(f"{URL}/imports", data={"file": file, "dry_run": "true"}, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.get_data(as_text=True)
    assert owner.get(answer.headers["Location"]).json["kind"] == "transfer.import"
    problem(owner.post(f"{URL}/imports", data={}, content_type="multipart/form-data"), 422)
    file = (io.BytesIO(b"foo,bar\n1,2\n"), "foo.csv")
    problem(owner.post(f"{URL}/imports", data={"file": file}, content_type="multipart/form-data"), 422)
    answer = owner.post(f"{URL}/exports", json={"all": True, "format": "csv"})
    assert answer.status_code == 202, answer.get_data(as_text=True)
    assert owner.get(answer.headers["Location"]).json["kind"] == "transfer.export"


def send(client: Any, content: bytes, key: str = "k", name: str = "s.csv", **form: str) -> Any:
    data = {"file": (io.BytesIO(content), name), **form}
    headers = {"Idempotency-Key": key} if key else {}
    return client.post(f"{URL}/imports", data=data, content_type="multipart/form-data", headers=headers)


def test_one_key_and_file_are_one_import(owner: Any) -> None:
    first, again = (send(owner, b"code,name\nA,Acme\n") for _ in range(2))
    assert (first.status_code, again.status_code, again.json) == (202, 202, first.json)
    assert (again.headers["Idempotency-Replayed"], again.headers["Location"]) == ("true", first.headers["Location"])
    assert Import.select().count() == files.StoredFile.select().count() == 1
    assert files.StoredFile.get().expires_at > utcnow() + timedelta(
        days=29
    )  # not the day of a call that never came through


def test_one_key_with_another_file_or_order_is_refused(owner: Any) -> None:
    send(owner, b"code,name\nA,Acme\n")
    for other in (
        {"content": b"code,name\nA,Acne\n"},
        {"content": b"code,name\nA,Acme\n", "dry_run": "true"},
        {"content": b"code,name\nA,Acme\n", "name": "other.csv"},
    ):
        assert "another request" in problem(send(owner, **other), 422)["errors"]["Idempotency-Key"][0]
    assert send(owner, b"code,name\nA,Acne\n", key="other").status_code == 202
    assert send(owner, b"code,name\nA,Acme\n", key="").status_code == 202
    assert Import.select().count() == 3


def test_a_refused_file_leaves_its_key_free_and_goes(owner: Any) -> None:
    assert list(problem(send(owner, b"foo,bar\n1,2\n"), 422)["errors"]) == ["mapping"]
    assert list(problem(send(owner, b"code,name\nA,Acme\n", dry_run="perhaps"), 422)["errors"]) == ["dry_run"]
    assert KeptAnswer.select().count() == Import.select().count() == 0
    assert all(file.expires_at for file in files.StoredFile.select())
    assert send(owner, b"code,name\nA,Acme\n").status_code == 202


def test_the_description_says_that_a_file_is_sent(owner: Any) -> None:
    described = owner.get("/api/v1/openapi.json").json["paths"][f"{URL}/imports"]["post"]
    assert list(described["requestBody"]["content"]) == ["multipart/form-data"]
    assert {one["name"] for one in described["parameters"]} == {"Idempotency-Key"}


def test_json_lines_of_another_shape_need_a_mapping(owner: Any, house: Any) -> None:
    foreign, ours = b'{"no": "A", "who": {"name": "Acme"}}\n', b'{"code": "B", "name": "Beta"}\n'
    assert list(problem(send(owner, foreign, name="s.jsonl"), 422)["errors"]) == ["mapping"]
    mapping = transfer.Mapping(columns=(("no", "code"), ("who.name", "name")))
    transfer.save_mapping(CTX, "suppliers.supplier", "their list", mapping)
    send(owner, foreign, name="s.jsonl", mapping="their list", key="1")
    send(owner, ours, name="s.jsonl", key="2")
    Worker(house.settings).drain()
    suppliers = house.resource("suppliers.supplier").model.select()
    assert {row.code: row.name for row in suppliers} == {"A": "Acme", "B": "Beta"}
