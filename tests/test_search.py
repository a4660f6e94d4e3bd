"""Search on both databases, and on PostgreSQL with and without pg_trgm's help: one meaning."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tuned
from hypothesis import strategies as st

from core import db
from core.context import system_context
from core.db import search
from core.resources import ListState, Resource, page, service_of
from core.settings import Settings
from tests.helpers import count_statements, install_suppliers, make_suppliers

CTX = system_context("cli")
NAMES = {
    "SO-1001": "Omar Khalil omar.khalil@example.com",
    "SO-1002": "عُمَر خليل شركة النور",
    "SO-1003": "José Müller Straße",
    "SO-1004": "100% cotton_under \\ slash 'quote' \"double\"",
    "SO-1005": "أحمد إبراهيم ١٢٣٤٥",
    "SO-1006": "ZÜRICH AG",
}


@pytest.fixture
def suppliers(app_db: Any, settings: Settings) -> Resource:
    resource = install_suppliers(settings).resource("suppliers.supplier")
    make_suppliers(*({"code": code, "name": name} for code, name in NAMES.items()))
    return resource


def found(resource: Resource, term: str, sort: str = "") -> list[str]:
    return sorted(record.code for record in page(CTX, resource, ListState(search=term, sort=sort)).records)


MEANT = [
    ("khalil", "1"), ("KHAL", "1"), ("lil oma", "1"), ("omar@", ""), ("l@example", "1"), ("SO-1003", "3"),
    ("so-1003", "3"), ("1003", "3"), ("-100", "123456"), ("SO", "123456"), ("so", "123456"), ("O-", ""), ("jose", "3"),
    ("muller", "3"), ("STRASSE", "3"), ("0% c", "4"), ("n_un", "4"), ("%%%", ""), ("___", ""), ("\\ s", "4"),
    ("'quote'", "4"), ('"double"', "4"), ("عمر", "2"), ("عُمَر", "2"), ("شركه", "2"), ("النــور", "2"), ("احمد", "5"),
    ("أبراهيم", "5"), ("12345", "5"), ("١٢٣", "5"), ("zurich", "6"), ("خليل OR khalil", ""), ("NOT khalil", ""),
    ("khalil*", ""), ("   ", "123456"), ("khalil zzz", ""),
]  # fmt: skip


def test_terms_find_what_a_person_means(suppliers: Resource) -> None:
    for term, codes in MEANT:
        assert (term, [code[-1] for code in found(suppliers, term)]) == (term, list(codes))


def test_without_an_extension_parts_of_words_are_found_too(suppliers: Resource) -> None:
    if db.is_postgres():
        assert not search._has_trigrams(db.database.obj) or pytest.skip("this server has pg_trgm")
        (row,) = db.database.execute_sql(
            "SELECT count(*) FROM suppliers_supplier_search WHERE words IS NOT NULL"
        ).fetchall()
        assert row[0] == len(NAMES)
    assert found(suppliers, "hali") == ["SO-1001"]


def test_what_changes_is_found_anew_and_what_goes_is_gone(suppliers: Resource) -> None:
    service, key = service_of(suppliers), suppliers.model.get(code="SO-1006").id
    service.update(CTX, {key: {"name": "Basel"}})
    assert (found(suppliers, "zurich"), found(suppliers, "basel")) == ([], ["SO-1006"])
    service.delete(CTX, [key])
    assert found(suppliers, "basel") == []


def test_an_unchanged_text_is_not_written_again(suppliers: Resource) -> None:
    ids = [row.id for row in suppliers.model.select()]
    with count_statements() as sent:
        search.index(suppliers, ids)
    assert len(sent) <= 2
    assert not [sql for sql in sent if sql.startswith("INSERT OR REPLACE")]


def test_an_import_leaves_the_index_to_a_rebuild(suppliers: Resource) -> None:
    service_of(suppliers).create(
        CTX.coming_from("import"), [{"code": f"I{n}", "name": f"imported {n}"} for n in range(30)]
    )
    assert found(suppliers, "imported") == []
    last, rounds = 0, 0
    while last := search.rebuild(suppliers, last, 10):
        rounds += 1
    assert rounds == 4
    assert len(found(suppliers, "imported")) == 30


def test_a_common_term_is_still_paged_in_order(suppliers: Resource, monkeypatch: Any) -> None:
    make_suppliers(*({"code": f"X{n:03}", "name": f"common name {n % 9}"} for n in range(120)))
    wanted = [r.id for r in page(CTX, suppliers, ListState(search="common mon", sort="-name", limit=200)).records]
    monkeypatch.setattr(search, "_FEW", 10)
    first = page(CTX, suppliers, ListState(search="common mon", sort="-name", limit=60))
    second = page(CTX, suppliers, ListState(search="common mon", sort="-name", limit=60, cursor=first.next))
    assert [r.id for r in first.records + second.records] == wanted
    assert len(wanted) == 120


def test_an_exact_number_is_answered_from_its_own_index(suppliers: Resource) -> None:
    with count_statements() as sent:
        assert found(suppliers, "SO-1001") == ["SO-1001"]
    assert not any("_search" in sql for sql in sent)


def test_a_resource_without_a_search_text_finds_exact_fields_only(suppliers: Resource) -> None:
    bare = replace(suppliers, search_text=None)
    search.ensure(bare)
    search.index(bare, [1])
    search.drop(bare, [1])
    assert (found(bare, "SO-1001"), found(bare, "so-10"), found(bare, "omar")) == (["SO-1001"], sorted(NAMES), [])
    assert found(replace(bare, search_exact=()), "SO-1001") == []


@tuned(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    term=st.text(max_size=30),
    name=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60),
)
def test_no_term_and_no_text_raises(suppliers: Resource, term: str, name: str) -> None:
    key = suppliers.model.get(code="SO-1006").id
    service_of(suppliers).update(CTX, {key: {"name": name or "x"}})
    found(suppliers, term)
    words = [word for word in search.normalize(name).split() if len(word) >= 3]
    for word in words:
        assert "SO-1006" in found(suppliers, word)


def test_naughty_strings_are_only_texts(suppliers: Resource, shared: Path) -> None:
    file = shared / "data" / "security" / "blns.json.gz"
    if not file.exists():
        pytest.skip(f"no list of naughty strings at {file}")
    terms = json.loads(gzip.decompress(file.read_bytes()))
    for term in terms:
        found(suppliers, term)
    odd = [f"{a}{term}{b}" for term in terms for a in ("", '"', "-", "(") for b in ("", '"', "*", " OR ")]
    for term in odd if not db.is_postgres() else odd[::8]:  # FTS5 has a query language, PostgreSQL gets parameters
        search.condition(suppliers, term)  # asks the index itself
    assert len(odd) > 5_000


def test_normalizing_twice_changes_nothing() -> None:
    for text in (*NAMES.values(), "İSTANBUL ǆ ﬁn ①Ⅷ", "ـــ َ", "👩‍👩‍👧 \u202e"):
        assert search.normalize(search.normalize(text)) == search.normalize(text)


def test_a_number_is_found_with_its_sign(suppliers: Resource) -> None:
    make_suppliers({"code": "1001", "name": "Waha"}, {"code": "#1002", "name": "Other"})
    assert [found(suppliers, term) for term in ("#1001", "1001", "#1002")] == [["1001"], ["1001"], ["#1002"]]
