"""Imports and exports over the API."""

from __future__ import annotations

import io
from typing import Any

from tests.test_api import URL, caller, house, owner, problem, suppliers, web

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
