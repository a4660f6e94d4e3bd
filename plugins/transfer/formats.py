"""What an importer declares: mappings from a file's columns to a schema, and formats known by their header."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Map
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from core import runtime
from core.errors import Invalid
from core.i18n import _, __

OPERATORS = {
    "eq": __("is"), "ne": __("is not"), "starts": __("starts with"), "ends": __("ends with"),
    "contains": __("contains"), "blank": __("is blank"), "filled": __("is filled"),
    "gt": __("is more than"), "lt": __("is less than"),
}  # fmt: skip
"""Tests of a rule; letters count without case, numbers as in the file."""
_BRACKETS = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")


def fold(header: str) -> str:
    """A header as it is compared: case folded, blanks joined, bracket notes at its end taken off."""
    name = " ".join(header.replace("\ufeff", "").split()).casefold()
    return _BRACKETS.sub("", name) or name


@dataclass(frozen=True)
class Mapping:
    """How the columns of a file become documents of a resource; JSON by `to_json` / `from_json`.

    `columns`: (source header, target path) in any order. A target is a schema path, dotted, list items by the list's
    name: `number`, `shipping_address.city`, `lines.sku`; money without `_minor` (`total`, `lines.line_total`, decimals
    of the document's currency); `extra.<name>` for a custom field; "" leaves the column out on purpose. Columns not
    named here are kept in `extra`.
    `constants`: target -> text, used where no column gives a value.
    `rules`: {"target", "column", "op", "value", "then", "else"}: sets `then` when the row's cell meets the test, else
    `else` (missing: nothing); for a target of the head the first row of a document decides. `op`: see OPERATORS.
    `timezone`: of times without zone ("": the shop's). `decimal` "." or ",", `date_order` "ymd" "dmy" "mdy"
    ("": seen from each column's values). `encoding`, `delimiter` "": seen from the file.
    `key`: source columns whose equal values make rows one document ("": those mapped to the resource's key).
    `native`: one of our own export files; values are taken exactly as written there. Without columns: JSON documents
    as in the API.
    """

    columns: Sequence[tuple[str, str]] = ()
    constants: Map[str, str] = field(default_factory=dict)
    rules: Sequence[Map[str, str]] = ()
    timezone: str = ""
    decimal: str = ""
    date_order: str = ""
    encoding: str = ""
    delimiter: str = ""
    key: Sequence[str] = ()
    native: bool = False

    @property
    def takes_documents(self) -> bool:
        """JSON documents go in as they are."""
        return self.native and not self.columns

    def target(self, header: str) -> str | None:
        """Where a column goes: by its name, by its name without case, by its name without bracket notes."""
        for alike in (str, str.casefold, fold):
            for source, target in self.columns:
                if alike(source) == alike(header):
                    return target
        return None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: Map[str, Any]) -> Mapping:
        """Raises Invalid when `values` (from a file that someone edited, say) is not a mapping."""
        unknown = sorted(set(values) - {f.name for f in fields(cls)})
        if unknown:
            raise Invalid({"mapping": [_("A mapping has no %(names)s.", names=", ".join(unknown))]})
        try:
            columns = tuple((str(source), str(target)) for source, target in values.get("columns", ()))
            rules = tuple({str(k): str(v) for k, v in rule.items()} for rule in values.get("rules", ()))
            constants = {str(k): str(v) for k, v in values.get("constants", {}).items()}
            key = tuple(str(name) for name in values.get("key", ()))
        except (TypeError, ValueError, AttributeError):
            raise Invalid(
                {"mapping": [_("This is no mapping: columns are pairs, rules and constants objects.")]}
            ) from None
        names = ("timezone", "decimal", "date_order", "encoding", "delimiter")
        texts = {name: str(values.get(name, "")) for name in names}
        return cls(columns, constants, rules, key=key, native=bool(values.get("native")), **texts)


Prepare = Callable[[dict[str, Any], Sequence[Map[str, str]]], dict[str, Any]]


@dataclass(frozen=True)
class ImportFormat:
    """A known file format. `headers`: all must be in the file's header (folded); empty: a preset that a user picks.

    `prepare(document, rows) -> document` puts right what a mapping cannot say. It gets the document as the mapping made
    it (nested dicts and lists by target names, values still text as in the file) and the group's rows ({source header:
    cell}); what it returns is then converted (money, times, numbers) and loaded by the schema. Must be pure.
    """

    name: str
    resource: str
    title: Any
    mapping: Mapping
    headers: frozenset[str] = frozenset()
    prepare: Prepare | None = None

    def matches(self, headers: Sequence[str]) -> bool:
        return bool(self.headers) and {fold(h) for h in self.headers} <= {fold(h) for h in headers}


@dataclass(frozen=True)
class DemoFile:
    """A file that `maktab demo` imports: `mapping` is a Mapping or the name of an ImportFormat.

    `write(path, target)`: writes what is imported instead of the file at `path`, for instance with the dates of today.
    """

    resource: str
    path: Path
    mapping: Mapping | str
    write: Callable[[Path, Path], None] | None = None


@dataclass(frozen=True)
class Dialect:
    """How a file is written. `kind`: csv, xlsx or jsonl; `encoding` is a Python codec name; `packed`: gzip."""

    kind: str
    encoding: str = "utf-8"
    delimiter: str = ","
    packed: bool = False


@dataclass(frozen=True)
class Preview:
    """What `inspect` saw: the header, at most 20 rows, the dialect, and the format that the header tells (or None).

    JSON lines: the columns that the first documents need when they are laid out as a table; `names`: their own keys.
    """

    headers: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    dialect: Dialect
    format: ImportFormat | None = None
    names: frozenset[str] = frozenset()

    def headers_for(self, mapping: Mapping) -> tuple[str, ...]:
        return () if self.names and mapping.takes_documents else self.headers


def known_formats() -> tuple[ImportFormat, ...]:
    """What the plugins of this generation gave with `register_import_formats`."""
    return runtime.current().declared["register_import_formats"]
