"""Writes docs/hooks: the index, and a page per hook from its spec, with an example and a test that are real code.

The example is the implementation in tests/plugins, with what it uses of its module; tests that prove a hook are marked
`@pytest.mark.hook("its name")`. Run by `make docs`; tests/test_plugins_docs.py fails when a page is not up to date.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "hooks"
INDEX = ROOT / "docs" / "hooks.md"
BEGIN, END = "<!-- made by make docs -->\n", "<!-- end -->\n"
NOTE = "<sub>Proved by {tests}. Made by `make docs` from `{spec}`, the example and the tests: change those.</sub>\n"


class Hook(NamedTuple):
    """A spec and where it stands; `owner` is core or a plugin."""

    name: str
    owner: str
    function: Callable[..., Any]
    path: Path

    @property
    def doc(self) -> str:
        return inspect.getdoc(self.function) or ""

    @property
    def policy(self) -> str:
        return str(vars(self.function)["policy"])

    @property
    def budget_ms(self) -> int:
        return int(vars(self.function)["budget_ms"])


def hooks() -> list[Hook]:
    """Every hook that core and our plugins offer, in the order of the specs."""
    places = [("core", "core.plugins.hookspecs", ROOT / "core/plugins/hookspecs.py")]
    for path in sorted((ROOT / "plugins").glob("*/hookspecs.py")):
        places.append((path.parent.name, f"plugins.{path.parent.name}.hookspecs", path))
    return [hook for place in places for hook in _offered(*place)]


def _offered(owner: str, module: str, path: Path) -> Iterator[Hook]:
    for name, function in vars(importlib.import_module(module)).items():
        if hasattr(function, "policy"):
            yield Hook(name, owner, function, path)


def pages() -> dict[Path, str]:
    """What every page should hold, by its path."""
    found = hooks()
    return {PAGES / f"{hook.name}.md": page(hook) for hook in found} | {INDEX: _index(found)}


def page(hook: Hook) -> str:
    """The page of one hook; LookupError when it has no example or no test."""
    example, source = _example(hook.name)
    tests = ", ".join(f"`{test}`" for test in proofs(hook.name))
    if not tests:
        raise LookupError(f'No test is marked @pytest.mark.hook("{hook.name}").')
    budget = f", {hook.budget_ms} ms a call" if hook.budget_ms else ""
    summary, _, rest = hook.doc.partition("\n\n")
    about = rest.replace("\nMay:", "\n\nMay:").replace("\nFailure:", "\n\nFailure:")
    for word in ("When", "May", "Failure"):
        about = about.replace(f"{word}:", f"**{word}:**", 1)
    note = NOTE.format(tests=tests, spec=_here(hook.path))
    return (
        f"# {hook.name}\n\n{summary}\n\n```python\n{_signature(hook)}\n```\n\n"
        f"Offered by **{hook.owner}** · policy **[{hook.policy}](../hooks.md)**{budget}\n\n{about}\n\n"
        f"## Example\n\nFrom {_linked(example)}:\n\n```python\n{source}\n```\n\n{note}"
    )


def _linked(example: Path) -> str:
    """The plugin of an example, and the one whose records it is about."""
    own = f"the plugin [`{example.parent.name}`](../../{_here(example)})"
    return (
        own
        if example.parent.name == "suppliers"
        else f"{own}, which adds to [`suppliers`](../../tests/plugins/suppliers)"
    )


def proofs(name: str) -> list[str]:
    """`path::test` of the tests that are marked with the hook."""
    mark = f"pytest.mark.hook('{name}')"
    found = []
    for path in sorted([*ROOT.glob("tests/**/test_*.py"), *ROOT.glob("plugins/*/tests/test_*.py")]):
        if "mark.hook(" not in (text := path.read_text(encoding="utf-8")):
            continue
        tests = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
        named = [one.name for one in tests if mark in map(ast.unparse, one.decorator_list)]
        found += [f"{_here(path)}::{test}" for test in named if test.startswith("test_")]
    return found


def _signature(hook: Hook) -> str:
    """The spec's head with the imports of the types that it names."""
    tree = ast.parse(hook.path.read_text(encoding="utf-8"))
    spec = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == hook.name)
    spec.decorator_list, spec.body = [], [ast.Expr(ast.Constant(...))]
    used = {node.id for node in ast.walk(spec) if isinstance(node, ast.Name)}
    imports = [one for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for one in _imported(node, used)]
    ours = [line for line in imports if line.startswith("from core")]
    ours += [re.sub(r"^from (plugins\.\w+)\.\w+", r"from \1.api", line) for line in imports if "from plugins" in line]
    return "\n".join([*ours, *([""] * bool(ours)), ast.unparse(spec).replace(":\n    ...", ": ...")])


def _imported(node: ast.ImportFrom | ast.Import, used: set[str]) -> list[str]:
    names = [alias for alias in node.names if (alias.asname or alias.name).split(".")[0] in used]
    if not names:
        return []
    kept = type(node)(**{**vars(node), "names": names})
    return [ast.unparse(kept)]


def _example(name: str) -> tuple[Path, str]:
    for path in sorted(ROOT.glob("tests/plugins/*/hooks.py")):
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        if any(isinstance(node, ast.FunctionDef) and node.name == name for node in tree.body):
            return path, _with_what_it_uses(name, text, tree)
    raise LookupError(f"No plugin in tests/plugins implements {name}.")


def _with_what_it_uses(name: str, text: str, tree: ast.Module) -> str:
    """The function `name` with the imports and definitions of its module that it needs, in their order."""
    bodies = [node for node in tree.body if _defined(node)]
    needed, wanted = {name}, [name]
    while wanted:
        asked = wanted.pop()
        for node in bodies:
            if asked in _defined(node):
                new = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)} - needed
                needed |= new
                wanted += new
    imports = [line for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import)
               for line in _imported(node, needed)]  # fmt: skip
    parts = [_source(node, text) for node in bodies if _defined(node) & needed]
    return "\n".join(imports) + "\n\n" + "\n\n".join(parts)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return {node.name}
    return {one.id for one in node.targets if isinstance(one, ast.Name)} if isinstance(node, ast.Assign) else set()


def _source(node: ast.stmt, text: str) -> str:
    decorated = getattr(node, "decorator_list", [])
    first = decorated[0].lineno if decorated else node.lineno
    return "\n".join(text.splitlines()[first - 1 : node.end_lineno])


def _index(found: list[Hook]) -> str:
    """docs/hooks.md with its table made anew; what stands around it is written by hand."""
    before, _, rest = INDEX.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    lines = ["| hook | of | policy | what for |", "| --- | --- | --- | --- |"]
    for hook in found:
        policy = f"{hook.policy}, {hook.budget_ms} ms" if hook.budget_ms else hook.policy
        summary = hook.doc.partition("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        lines.append(f"| [{hook.name}](hooks/{hook.name}.md) | {hook.owner} | {policy} | {summary} |")
    return before + BEGIN + "\n".join(lines) + "\n" + END + after


def _here(path: Path) -> str:
    return str(path.relative_to(ROOT))


def main() -> None:
    """Write what is not up to date, remove pages of hooks that are gone."""
    wanted = pages()
    PAGES.mkdir(exist_ok=True)
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    for path in set(PAGES.glob("*.md")) - set(wanted):
        path.unlink()


if __name__ == "__main__":
    main()
