"""Search over any resource: exact fields first, then parts of words by trigrams, with one meaning on every database.

A resource with `search_text` has a table `<table>_search` beside its own: FTS5 with the trigram tokenizer on SQLite;
on PostgreSQL a text column with a pg_trgm index or, without that extension, our own trigrams in a tsvector.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import peewee

from core.db.engine import database, is_postgres, transaction
from core.db.fields import is_storable

if TYPE_CHECKING:
    from core.resources.declaration import Resource

_LONGEST_TEXT, _LONGEST_TERM = 8_000, 200
SHORTEST = 3
"""Letters that a word must have to be looked for as a part of others."""
_FEW = 5_000
"""Up to so many hits are fetched; a more common term soon fills a page by a walk along the sort order."""
_LETTERS = str.maketrans(
    {"ة": "ه", "ى": "ي", "ی": "ي", "ک": "ك", "ٱ": "ا", "ـ": None}
    | {chr(zero + digit): str(digit) for zero in (0x660, 0x6F0) for digit in range(10)}
)


def normalize(text: str) -> str:
    """`text` as stored and as asked: lower case, no accents or Arabic diacritics, one form of alef, ya and digits."""
    text = text[:_LONGEST_TEXT]
    if not text.isascii():
        # NFKD takes the hamza off alef, waw and ya, and accents off Latin letters, as marks that are then dropped.
        letters = unicodedata.normalize("NFKD", text.translate(_LETTERS))
        text = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cs", "Cf"))
        text = text.casefold().translate(_LETTERS)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text.lower()).split())


def _filled(resource: Resource, text: str) -> str:
    """`text` with the search table and its key for {table} and {key}, and the database's own parameter mark for `?`."""
    table, key = f"{resource.model._meta.table_name}_search", "id" if is_postgres() else "rowid"
    return text.replace("{table}", table).replace("{key}", key).replace("?", database.param)


def _run(resource: Resource, text: str, *params: Any) -> list[Any]:
    cursor = database.execute_sql(_filled(resource, text), params)
    return list(cursor.fetchall()) if cursor.description else []


@functools.lru_cache(maxsize=4)
def _has_trigrams(opened: Any) -> bool:
    return bool(opened.execute_sql("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'").fetchall())


def ensure(resource: Resource) -> None:
    """Make the search table of `resource` when it is missing; called after migrations."""
    if resource.search_text is None:
        return
    if not is_postgres():
        tokens = "tokenize='trigram case_sensitive 1'"
        _run(resource, f'CREATE VIRTUAL TABLE IF NOT EXISTS "{{table}}" USING fts5(text, {tokens})')
        return
    try:
        with database.atomic():
            database.execute_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except peewee.DatabaseError:
        pass  # not shipped with this server, or not ours to create: our own trigrams do the same, somewhat slower
    _has_trigrams.cache_clear()
    _run(resource, 'CREATE TABLE IF NOT EXISTS "{table}" (id BIGINT PRIMARY KEY, text TEXT NOT NULL, words TSVECTOR)')
    column = "text gin_trgm_ops" if _has_trigrams(database.obj) else "words"
    name = column.split()[0]
    _run(resource, f'CREATE INDEX IF NOT EXISTS "{{table}}_{name}" ON "{{table}}" USING gin ({column})')


def index(resource: Resource, ids: Sequence[int]) -> None:
    """Bring the search text of these records up to date; a text that stays the same is not written again."""
    if resource.search_text is None or not ids:
        return
    texts = {key: normalize(text) for key, text in resource.search_text(ids).items()}
    (_index_postgres if is_postgres() else _index_sqlite)(resource, texts)


def _index_sqlite(resource: Resource, texts: dict[int, str]) -> None:
    stored = 'SELECT rowid, text FROM "{table}" WHERE rowid IN (SELECT value FROM json_each(?))'
    old = dict(_run(resource, stored, json.dumps(list(texts))))
    rows = [[key, text] for key, text in texts.items() if old.get(key) != text]
    if rows:
        new = "SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"
        _run(resource, 'INSERT OR REPLACE INTO "{table}"(rowid, text) ' + new, json.dumps(rows))


def _index_postgres(resource: Resource, texts: dict[int, str]) -> None:
    grams = ["" if _has_trigrams(database.obj) else "\n".join(_grams(text)) for text in texts.values()]
    _run(
        resource,
        'INSERT INTO "{table}" AS old (id, text, words)'
        " SELECT id, text, array_to_tsvector(string_to_array(grams, chr(10)))"
        " FROM unnest(CAST(? AS bigint[]), CAST(? AS text[]), CAST(? AS text[])) AS new(id, text, grams)"
        " ON CONFLICT (id) DO UPDATE SET text = excluded.text, words = excluded.words"
        " WHERE old.text <> excluded.text",
        *(list(texts), list(texts.values()), grams),
    )


def _grams(text: str) -> list[str]:
    return sorted({text[at : at + SHORTEST] for at in range(len(text) - SHORTEST + 1)})


def drop(resource: Resource, ids: Sequence[int]) -> None:
    """Forget these records."""
    if resource.search_text is not None and ids:
        _run(resource, f'DELETE FROM "{{table}}" WHERE {{key}} IN ({", ".join("?" * len(ids))})', *ids)  # noqa: S608


def _ids(query: Any) -> list[int]:
    return [row[0] for row in query.tuples()]


def rebuild(resource: Resource, after_id: int = 0, limit: int = 1000) -> int:
    """Index the next `limit` records after `after_id` in one transaction; the last id done, 0 at the end."""
    key = resource.model.id
    ids = _ids(resource.model.select(key).where(key > after_id).order_by(key).limit(limit))
    with transaction():
        index(resource, ids)
    return ids[-1] if ids else 0


def condition(resource: Resource, term: str, within: Any = None, in_order: bool = False) -> Any:
    """An expression over `resource.model`: the records that `term` finds. Asks the index first: at most two statements.

    A term that equals an exact field finds those records alone; else every word of three letters or more must be a
    part of the text; a shorter term is looked for at the beginning of the exact fields. Only an exact find `within` the
    actor's rows counts: else what he finds would tell him of the others. `in_order`: the first of many in some order
    are wanted, not all or their number.
    """
    key, term = resource.model.id, _asked(term)
    if not term:
        return peewee.SQL("1 = 1")
    fields, forms, exact = _exact_fields(resource), _forms(term), equals(resource, term)
    mine = exact if within is None else exact & within
    found = _ids(resource.model.select(key).where(mine).limit(_FEW)) if fields else []
    if found:
        return exact if len(found) == _FEW else among(key, found)
    text = normalize(term)
    if len(text) < SHORTEST or resource.search_text is None:
        begins = _any([starts_with(field, form) for field in fields for form in forms])
        few = _ids(resource.model.select(key).where(begins).limit(_FEW + 1))
        return among(key, few) if len(few) <= _FEW else begins  # else none at all would be a walk over every row
    words = [word for word in text.split() if len(word) >= SHORTEST] or [text]
    return _by_text(resource, words, in_order)


def equals(resource: Resource, term: str) -> Any:
    """An expression over `resource.model`: the records of which an exact field is `term`; no statement."""
    return _any([field.in_(_forms(_asked(term))) for field in _exact_fields(resource)])


def _asked(term: str) -> str:
    return " ".join(term.replace("\0", " ").encode("utf-8", "ignore").decode()[:_LONGEST_TERM].split())


def _exact_fields(resource: Resource) -> list[Any]:
    return [getattr(resource.model, name) for name in resource.search_exact]


def _forms(term: str) -> list[str]:
    """As typed and in both cases: an index on the field serves these, not a search without regard to case. A number
    that is written with its sign ("#1001") is found without it, too."""
    names = {term, term.removeprefix("#")} - {""}
    return sorted({form for name in names for form in (name, name.upper(), name.lower())})


def _any(conditions: Sequence[Any]) -> Any:
    return functools.reduce(lambda left, right: left | right, conditions) if conditions else peewee.SQL("1 = 0")


def _by_text(resource: Resource, words: list[str], in_order: bool) -> Any:
    key = resource.model.id
    matching, params = _matching(words)
    asked = f'SELECT {{key}} FROM "{{table}}" WHERE {matching}'  # noqa: S608
    found = [row[0] for row in _run(resource, f"{asked} LIMIT {_FEW + 1}", *params)]
    if len(found) <= _FEW:
        return among(key, found)
    if not in_order:
        return key.in_(peewee.SQL(f"({_filled(resource, asked)})", tuple(params)))
    # A scalar subquery is never flattened: the planner walks the sort index and looks at each row's text. FTS5 keeps
    # that in a plain table of its own, where a look by id costs a tenth of one through the virtual table.
    stored = 'strpos((SELECT text FROM "{table}"' if is_postgres() else 'instr((SELECT c0 FROM "{table}_content"'
    begin, end = _filled(resource, stored + " WHERE id ="), _filled(resource, "), ?) > 0")
    parts = [peewee.NodeList((peewee.SQL(begin), key, peewee.SQL(end, (word,)))) for word in words]
    return peewee.NodeList(parts, glue=" AND ", parens=True)


def _matching(words: list[str]) -> tuple[str, list[str]]:
    if not is_postgres():
        return '"{table}" MATCH ?', [" ".join('"' + word.replace('"', '""') + '"' for word in words)]
    if _has_trigrams(database.obj):
        return " AND ".join(["text LIKE ?"] * len(words)), [f"%{_escaped(word)}%" for word in words]
    grams = sorted({gram for word in words for gram in _grams(word)})
    quoted = " & ".join("'" + gram.replace("\\", "\\\\").replace("'", "''") + "'" for gram in grams)
    return "words @@ CAST(? AS tsquery) AND " + " AND ".join(["strpos(text, ?) > 0"] * len(words)), [quoted, *words]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def starts_with(field: Any, text: str) -> Any:
    """`field` begins with `text`, letter by letter, in the form that an index on the field serves."""
    if is_postgres():
        return peewee.Expression(field, "LIKE", peewee.Value(_escaped(text) + "%", converter=False))
    pattern = "".join(f"[{sign}]" if sign in "*?[" else sign for sign in text)
    return peewee.Expression(field, "GLOB", peewee.Value(pattern + "*", converter=False))


def among(key: Any, ids: Sequence[int] | peewee.Value) -> Any:
    """`key IN ids` with one parameter, however many they are; numbers that no row can have are left out.

    In a kept statement `ids` is a slot, for what `bound` makes of them.
    """
    one = ids if isinstance(ids, peewee.Value) else peewee.Value(bound(ids), converter=False, unpack=False)
    begin, end = ("= ANY(CAST(", " AS bigint[]))") if is_postgres() else ("IN (SELECT value FROM json_each(", "))")
    return peewee.NodeList((key, peewee.SQL(begin), one, peewee.SQL(end)))


def bound(ids: Sequence[int]) -> Any:
    """The one parameter that ids are."""
    known = [row_id for row_id in ids if is_storable(row_id)]
    return known if is_postgres() else json.dumps(known)


def unindexed(condition: Any) -> Any:
    """The same as `condition`, in a form that no index serves: for what else must hold of rows that are found already.

    Without statistics SQLite prefers the index of a status to given keys, and reads every row that has the status.
    """
    return peewee.Case(None, [(condition, 1)], 0) == 1
