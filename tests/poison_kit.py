"""Plugins that pass every check and turn bad later: when a file of their name lies beside their folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tests.plugin_kit import MerchantFolder

_FLAG = """
from pathlib import Path

BAD = Path(__file__).parent.with_suffix(".bad")
"""


@dataclass(frozen=True)
class Poison:
    """`hooks`: may ask `BAD.exists()`. `reason`: what the page of plugins must say. `at_start`: it acts on processes
    that load it; the others act on running ones."""

    name: str
    hooks: str
    reason: str
    at_start: bool = False
    files: dict[str, str] = field(default_factory=dict)

    def put(self, merchant: MerchantFolder) -> None:
        merchant.add(self.name, hooks=_FLAG + self.hooks, files=self.files)

    def turn(self, merchant: MerchantFolder, bad: bool = True) -> None:
        flag = Path(merchant.root, f"{self.name}.bad")
        flag.touch() if bad else flag.unlink(missing_ok=True)


def _nav(body: str) -> str:
    return f"@hookimpl\ndef nav_items(actor):\n    if BAD.exists():\n        {body}\n    return []\n"


POISONS = [
    Poison(
        "p_memory",
        "import time\nEATEN = []\n"
        + _nav("for _ in range(4000): EATEN.append(bytearray(b'x' * (1 << 20))); time.sleep(0.002)"),
        "MB of memory",
    ),
    Poison("p_import", "if BAD.exists(): 1 / 0", "ZeroDivisionError", at_start=True),
    Poison("p_exit", "if BAD.exists(): raise SystemExit(3)", "SystemExit: 3", at_start=True),
    Poison(
        "p_signature",
        "if BAD.exists():\n    @hookimpl\n    def nav_items(actr): return []",
        "Argument(s) {&#39;actr&#39;}",
        at_start=True,
    ),
    Poison(
        "p_route",
        """
import flask

@hookimpl
def register_blueprints():
    made = flask.Blueprint("p_route", __name__)
    if BAD.exists():
        made.add_url_rule("/p-route", "open", lambda: "open to all")
    return [made]
""",
        "p_route.open",
        at_start=True,
    ),
    Poison("p_raise", _nav("raise RuntimeError('boom')"), "nav_items: RuntimeError: boom"),
    Poison("p_nonsense", _nav("return [object()]"), "nav_items: TypeError: It gave object, not NavItem."),
    Poison("p_slow", "import time\n" + _nav("time.sleep(0.7)"), "ms, its budget is 50 ms"),
    Poison("p_endless", _nav("while True: pass"), "nav_items: it did not end in time and was stopped"),
    Poison(
        "p_template",
        """
from core.resources import Section

@hookimpl
def record_panels(resource, record, actor):
    loaded = {"bad": BAD.exists()}
    return [Section("p_template", "Panel", template="p_template/panel.html", load=lambda ctx, record: loaded)]
""",
        "record_panels: UndefinedError",
        files={"templates/p_template/panel.html": "fine{% if loaded.bad %}{{ loaded.nothing.at_all }}{% endif %}"},
    ),
]  # fmt: skip
"""A bad migration acts neither at start nor while running, but when somebody migrates: it has tests of its own."""
BY_NAME = {poison.name: poison for poison in POISONS}
