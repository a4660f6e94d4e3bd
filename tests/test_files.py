"""Stored files: content and hash, limits, names, owners, expiry."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from core import files, runtime
from core.context import SYSTEM, Actor, Context, Grant
from core.db import utcnow
from core.errors import Invalid, NotFound
from core.settings import Settings
from tests.ledger_kit import install

OWNER = Context(actor=Actor(5, "owner"), source="ui")


@pytest.fixture
def house(app_db: Any, settings: Settings) -> Iterator[Settings]:
    return install(settings, upload_limit_mb=1).settings


def stored(house: Settings) -> list[Any]:
    return [path for path in house.files_dir.rglob("*") if path.is_file()]


def test_a_file_comes_back_as_it_went_in(house: Settings) -> None:
    content = bytes(range(256)) * 1500
    kept = files.store(OWNER, io.BytesIO(content), "orders.csv", "text/csv")
    assert (kept.size, kept.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    with files.open_file(kept.id) as found:
        assert found.read() == content


@pytest.mark.parametrize(
    ("given", "kept"),
    [("../../etc/passwd", "passwd"), ("عربي.csv", "عربي.csv"), ("C:\\x\\a b.csv", "a b.csv"), ("", "file")],
)
def test_the_given_name_is_only_text(house: Settings, given: str, kept: str) -> None:
    file = files.store(OWNER, io.BytesIO(b"x"), given)
    assert file.name == kept
    assert [path.name for path in stored(house)] == [file.key]


def test_above_the_limit_nothing_is_kept(house: Settings) -> None:
    with pytest.raises(Invalid, match="1 MB"):
        files.store(OWNER, io.BytesIO(b"x" * (1 << 20) + b"x"), "big.csv")
    assert stored(house) == []
    assert files.StoredFile.select().count() == 0


def test_only_the_owner_and_who_may_see_all_find_a_file(house: Settings) -> None:
    kept = files.store(OWNER, io.BytesIO(b"x"), "a.csv")
    assert files.find(OWNER, kept.id).id == kept.id
    assert files.find(Context(actor=Actor(6, "auditor", (Grant(frozenset({files.VIEW_ALL})),))), kept.id).id == kept.id
    for stranger in (Context(actor=Actor(6, "other")), Context(actor=Actor(None, "nobody"))):
        with pytest.raises(NotFound):
            files.find(stranger, kept.id)
    with pytest.raises(NotFound):
        files.find(OWNER, kept.id + 1)


def test_an_expired_file_is_gone(house: Settings) -> None:
    kept = files.store(OWNER, io.BytesIO(b"x"), "a.csv", expires_at=utcnow() - timedelta(seconds=1))
    stays = files.store(OWNER, io.BytesIO(b"y"), "b.csv", expires_at=utcnow() + timedelta(days=1))
    with pytest.raises(NotFound):
        files.find(OWNER, kept.id)
    assert files.remove_expired() == 1
    assert [path.name for path in stored(house)] == [stays.key]


def test_the_limit_of_the_install_is_read_anew(house: Settings) -> None:
    runtime.install(replace(runtime.current(), settings=replace(house, upload_limit_mb=2)))
    assert (
        files.store(Context(actor=SYSTEM, source="ui"), io.BytesIO(b"x" * (1 << 20) + b"x"), "big.csv").size > 1 << 20
    )
