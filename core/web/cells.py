"""The cells of a list and the values of a detail page as HTML, one function per column.

In Python, because a page of 50 rows has some hundred of them: a template takes four times as long.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup, escape

from core import i18n
from core.i18n import _
from core.resources import Badge, Column, Resource

Writer = Callable[[Any], str]
"""The HTML of one value of a record; empty when there is none."""
_Tags = Mapping[int, Sequence[str]]
Names = Mapping[str, Mapping[int, tuple[str, str | None]]]
"""{column that names records: {id: (title, address or None)}}, of those that the actor may open."""
_ALL, _FEW = 1_000, 2
_CLASSES = {
    "money": "mk-e mk-num mk-money",
    "number": "mk-e mk-num",
    "date": "mk-num mk-muted",
    "datetime": "mk-num mk-muted",
    "text": "mk-clip",
    "reference": "mk-clip",
    "badge": "mk-marks",
    "tags": "mk-marks",
}


def badge(label: Any, tone: str = "neutral", pip: str = "") -> Markup:
    """A status mark. tone: neutral, info, ok, warn, bad, alt; pip: "", empty, half, full."""
    mark = f'<span class="mk-pip mk-pip-{escape(pip)}" aria-hidden="true"></span>' if pip else ""
    return Markup(f'<span class="mk-badge mk-{escape(tone)}">{mark}{escape(label)}</span>')  # noqa: S704


def tag(label: Any) -> Markup:
    return Markup(f'<span class="mk-tag"><bdi>{escape(label)}</bdi></span>')  # noqa: S704


def some_tags(tags: Sequence[str], most: int) -> str:
    """The first ones, and how many more there are, which a pointer and a screen reader are told."""
    shown, rest = "".join(map(tag, tags[:most])), ", ".join(tags[most:])
    if not rest:
        return shown
    more = f'<span aria-hidden="true">+{i18n.number(len(tags) - most)}</span><span class="mk-vh">{escape(rest)}</span>'
    return f'{shown}<span class="mk-tag" title="{escape(rest)}">{more}</span>'


def writer(
    column: Column, tags: _Tags | None = None, most: int = _ALL, names: Names | None = None, *, leads: bool = True
) -> Writer:
    """How `column` shows a record. `tags`: those of the page's records, by id; `most` of each.

    Not `leads`: without a link in it.
    """
    if column.kind == "reference":
        return _reference(column, (names or {}).get(column.name, {}), leads)
    get = column.value or (lambda record: getattr(record, column.name, None))
    if column.kind == "tags":
        known = tags or {}
        return lambda record: some_tags(known[record.id] if record.id in known else get(record) or (), most)
    show = _show(column if leads else replace(column, link=None))

    def write(record: Any) -> str:
        value = get(record)
        return "" if value is None or value == "" else show(record, value)

    return write


def _show(column: Column) -> Callable[[Any, Any], str]:
    """How a value of `column` that is there looks."""
    if column.kind == "money":
        return lambda record, value: f"<span>{i18n.money(value, record.currency)}</span>"
    if column.kind in ("date", "datetime"):
        return lambda record, value: i18n.moment(value)
    if column.kind == "number":
        return lambda record, value: escape(i18n.number(value))
    if column.kind == "bool":
        words = {True: escape(_("Yes")), False: escape(_("No"))}
        return lambda record, value: words[bool(value)]
    if column.kind == "badge":
        made = {str(key): _badge(one) for key, one in column.badges.items()}
        return lambda record, value: made.get(str(value)) or escape(value)
    return lambda record, value: _linked(column.link(record) if column.link else None, value)


def _reference(column: Column, known: Mapping[int, tuple[str, str | None]], leads: bool) -> Writer:
    made = {key: _linked(url if leads else None, title) for key, (title, url) in known.items()}

    def write(record: Any) -> str:
        key = named_by(column, record)
        return "" if key is None else made.get(key) or f"<bdi>#{int(key)}</bdi>"

    return write


def named_by(column: Column, record: Any) -> int | None:
    """The id of the record that `record` names in `column`; without a query, also of a foreign key."""
    found: int | None = column.value(record) if column.value else record.__data__.get(column.name)
    return found


def _badge(declared: Badge) -> str:
    return badge(declared.label, declared.tone, declared.pip)


def _linked(address: str | None, value: Any) -> str:
    text = f"<bdi>{escape(value)}</bdi>"
    return f'<a href="{escape(address)}">{text}</a>' if address else text


def value(column: Column, record: Any, none: str = "–", tags: Sequence[str] = (), names: Names | None = None) -> Markup:
    """One value of a record, which has `tags`; `none` when there is none."""
    return Markup(writer(column, {record.id: tags} if tags else None, names=names)(record) or none)  # noqa: S704 - writers escape


def rows(
    resource: Resource, records: Sequence[Any], columns: Sequence[Column], address: str, *,
    tags: _Tags, badges: Mapping[int, Sequence[Badge]], pick: bool, within: str = "", names: Names | None = None,
    editable: Collection[int] = (),
) -> Markup:  # fmt: skip
    """The rows of a table. `address`: of a record, before its id; `pick`: a box to select each.

    `within`: what follows the id, the list that leads there; it has a second link in each row, which previews it.
    `editable`: the records whose cells are edited in place, in columns that say so.
    """
    main, *others = columns
    title = writer(main, tags, names=names, leads=False)
    rest = [(_start(column, ""), writer(column, tags, _FEW, names)) for column in others]
    begin, link = _start(main, " mk-main-cell"), f'<a class="mk-key" href="{escape(address)}'
    select, look, tail = _("Select %(title)s"), _("Preview %(title)s"), escape(within)

    def row(record: Any) -> str:
        key, name = record.id, resource.title(record)
        box = f'{_BOX}{key}" aria-label="{escape(select % {"title": name})}"></td>' if pick else ""
        marks = "".join(f" {_badge(one)}" for one in badges.get(key, ()))
        peek = f'{_PEEK}{escape(look % {"title": name})}" href="{escape(address)}{key}{tail}"></a>' if within else ""
        first = f'{begin}{link}{key}{tail}">{title(record) or escape(name)}</a>{marks}{peek}</td>'
        mark = f' data-record="{key}"' if key in editable else ""
        return f"<tr{mark}>{box}{first}{''.join([f'{start}{write(record)}</td>' for start, write in rest])}</tr>"

    with i18n.speaking(i18n.locale(), i18n.timezone(), i18n.digits()):  # asked once, not once a cell
        return Markup("".join(map(row, records)))  # noqa: S704 - writers escape


_PEEK = '<a class="mk-peek" data-dialog data-sheet aria-label="'
_BOX = '<td class="mk-pick"><input class="mk-cb" type="checkbox" name="ids" form="bulk" value="'


def _start(column: Column, extra: str) -> str:
    """The tag that opens a cell; all but the first one of a row say their heading, for narrow screens."""
    heading = "" if extra else f' data-label="{escape(column.label)}"'
    heading += f' data-cell="{escape(column.name)}"' if column.editable else ""
    return f'<td class="{(_CLASSES.get(column.kind, "") + extra).strip()}"{heading}>'
