"""What no linter of ours knows: rules of the house that keep whole kinds of attacks out, read from the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import jinja2
import pytest

from core.trial.pages import variable_texts

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("core", "plugins", "themes", "scripts")
TEMPLATES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("templates/**/*.html"))
# Whole modules that a rule does not reach, each with its reason.
RAW_SQL = {
    "plugins/transfer/reading/staging.py",  # a scratch file of its own, no table of ours
    "core/testing/databases.py",  # CREATE DATABASE for tests
}
BORDERS = re.compile(
    r"core/(app|api/\w+|web/\w+|builtin/\w+|access/guard|auth/frame|health|i18n/catalogue|links|nav|wsgi|errors"
    r"|testing/\w+|trial/\w+|plugins/(assembly|views|loader|hookspecs|manifest)|jobs/views)\.py"
    r"|plugins/\w+/(views|endpoints|links|hooks)\.py"
)
"""Modules that may know the request; nothing below them does."""
FLOATS = {"plugins/transfer/services/exporter.py"}  # a cell of a spreadsheet is a float; written only where it is exact


@lru_cache
def sources() -> dict[str, ast.Module]:
    paths = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
    named = {str(path.relative_to(ROOT)): path for path in paths}
    return {name: ast.parse(path.read_text()) for name, path in named.items() if "/tests/" not in name}


def calls(*rooms: str) -> Iterator[tuple[str, ast.Call, str]]:
    """(place, call, dotted name of what is called) everywhere, or in `rooms`."""
    for name, tree in sources().items():
        if not rooms or name.startswith(rooms):
            for node in ast.walk(tree):
                if isinstance(node, ast.Call):
                    yield f"{name}:{node.lineno}", node, ast.unparse(node.func)


def imports() -> Iterator[tuple[str, str]]:
    """(module, import statement)"""
    for name, tree in sources().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield name, ast.unparse(node)


def test_there_is_something_to_read() -> None:
    assert len(sources()) > 120
    assert len(TEMPLATES) > 25
    assert sum(1 for _call in calls()) > 3000


def test_no_text_becomes_code_and_no_program_gets_a_shell() -> None:
    names = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "yaml.load", "marshal.loads"}
    found = [
        (place, name)
        for place, call, name in calls()
        if name in names or name.startswith(("pickle.", "shelve.", "subprocess.getoutput"))
        or any(word.arg == "shell" and not _is(word.value, False) for word in call.keywords)
    ]  # fmt: skip
    assert found == []


def test_sql_as_text_stands_in_core_db_only() -> None:
    raw = re.compile(r"(^|\.)(execute_sql|SQL|RawQuery)$")
    found = [
        (place, name)
        for place, _call, name in calls("core/", "plugins/")
        if raw.search(name) and not place.startswith(("core/db/", *RAW_SQL)) and "/migrations/" not in place
    ]
    assert found == []
    assert {name for name, text in imports() if re.search(r"(sqlite3|psycopg)\b", text)} <= {*RAW_SQL, *_in_db()}


def _in_db() -> set[str]:
    return {name for name in sources() if name.startswith("core/db/")}


def test_nothing_below_the_border_knows_the_request() -> None:
    web = re.compile(r"(import|from) (flask|werkzeug)(\s|\.|$|_login|_wtf|_smorest)")
    found = [(name, text) for name, text in imports() if web.match(text) and not BORDERS.fullmatch(name)]
    assert found == []


def test_markup_is_made_of_our_own_letters() -> None:
    """`Markup(x)` and `| safe` take constants; what comes from people goes in by `.format`, which escapes.

    Not so in the writers of cells, which have to be quick: `tests/test_web_cells.py` holds what they escape.
    """
    writers = ("core/web/cells.py", "core/i18n/formats.py")
    found = [
        place
        for place, call, name in calls()
        if name.rpartition(".")[2] == "Markup" and not (call.args and isinstance(call.args[0], ast.Constant))
    ]
    found = [place for place in found if not place.startswith(writers)]
    assert {place.partition(":")[0] for place in found} <= {"core/web/theme.py", "core/web/record_pages.py"}
    assert len(found) <= 2  # icons, from a file of ours; what a template of ours made of a panel
    longest = r"""\('maxlength="%d"' % info\.max_length if info\.max_length else ""\)"""
    constant = re.compile(rf"""('[^'{{}}]*'|"[^"{{}}]*"|{longest})\s*$""")
    for path in TEMPLATES:
        text = path.read_text()
        for mark in re.finditer(r"\|\s*safe\b", text):
            assert constant.search(text[: mark.start()]), (path, text[max(0, mark.start() - 80) : mark.end()])
        assert "autoescape" not in text, path


@pytest.mark.parametrize(
    "forbidden",
    [
        r"<script(?![^>]*\bsrc=)", r"<style", r"\sstyle\s*=", r"\son[a-z]+\s*=\s*[\"'{]", r"javascript:", r"hx-on",
        r"[\"']js:", r"https?://(?!www\.w3\.org)", r"<(iframe|object|embed|base)\b",
        r"\|\s*(attr|tojson|urlize|xmlattr)\b",
    ],
)  # fmt: skip
def test_no_template_holds_code_or_leads_elsewhere(forbidden: str) -> None:
    assert [str(path) for path in TEMPLATES if re.search(forbidden, path.read_text())] == []


def test_our_scripts_make_no_code_of_texts() -> None:
    """Only the dialog takes HTML, and that is a page of the server."""
    scripts = sorted((ROOT / "themes").rglob("static/js/*.js"))
    assert len(scripts) >= 3
    makers = re.compile(r"\b(eval|Function|innerHTML|outerHTML(?!\x22)|insertAdjacentHTML|document\.write)\b")
    found = {(path.name, word) for path in scripts for word in makers.findall(path.read_text())}
    assert found <= {("dialog.js", "innerHTML")}


def test_money_is_never_a_float() -> None:
    found = []
    for name, tree in sources().items():
        text = (ROOT / name).read_text()
        if (
            name in FLOATS
            or not re.search(r"_minor|core\.db\.money|money", text)
            or not name.startswith(("core/", "plugins/"))
        ):
            continue
        for node in ast.walk(tree):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            if is_float or (isinstance(node, ast.Call) and ast.unparse(node.func) in ("float", "round")):
                found.append((name, node.lineno, ast.unparse(node)))
    assert found == []


def test_every_marked_text_is_a_constant_that_the_catalogue_can_find() -> None:
    found = [
        (place, ast.unparse(call)[:80])
        for place, call, name in calls("core/", "plugins/")
        if name in ("_", "__", "N_", "_n") and call.args and not place.startswith("core/i18n/")
        if not all(map(_is_text, call.args[: 2 if name == "_n" else 1]))
    ]
    kept = {"core/access/roles.py", "core/audit/words.py", "core/notifications.py"}  # what stands in the database
    assert {place.partition(":")[0] for place, _text in found} <= kept, found


def test_no_template_translates_what_somebody_wrote() -> None:
    """What `_()` gives counts as safe markup there, and a percent sign in it as a place to fill in."""
    jinja = jinja2.Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)
    found = [(path.name, variable_texts(jinja.parse(path.read_text()))) for path in TEMPLATES]
    assert [(name, lines) for name, lines in found if lines] == []


def test_what_a_person_is_told_goes_through_the_catalogue() -> None:
    """Refusals and messages of pages are no bare English."""
    told = re.compile(r"(^|\.)(Invalid|Conflict|NotFound|Rejected|Forbidden|FileRefused|BadCell|flash)$")
    quiet = ("core/cli/", "core/plugins/", "core/db/", "core/runtime.py", "core/jobs/", "core/health.py")  # operators
    found = [
        (place, text)
        for place, call, name in calls("core/", "plugins/")
        if told.search(name) and not place.startswith(quiet) and "/commands.py" not in place
        for text in _bare(call)
    ]
    assert not found, found


def _bare(call: ast.Call) -> Iterator[str]:
    """English sentences among the arguments (also inside a dictionary of errors) that are not marked."""
    for argument in call.args:
        inner = argument.values if isinstance(argument, ast.Dict) else [argument]
        for node in (one for value in inner for one in (value.elts if isinstance(value, ast.List) else [value])):
            text = "".join(
                part.value
                for part in getattr(node, "values", [node])
                if isinstance(part, ast.Constant) and isinstance(part.value, str)
            )
            if " " in text.strip():
                yield text


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is(node: ast.expr, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def test_no_secret_is_compared_letter_by_letter_or_made_by_chance() -> None:
    weak = {"random.random", "random.randint", "random.choice", "uuid.uuid1", "hashlib.md5", "hashlib.sha1"}
    assert [(place, name) for place, _call, name in calls() if name in weak] == []


def test_the_house_stands_on_the_packages_that_its_owner_chose() -> None:
    """Fixed by the mission: none of them is replaced by code of our own."""
    chosen = {"flask", "flask_admin", "flask_login", "huey", "marshmallow", "peewee", "pluggy"}
    used = {text.split()[1].split(".")[0] for name, text in imports() if name.startswith("core/")}
    assert chosen - used == set()
