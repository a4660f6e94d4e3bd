"""The plugin guide, followed to the letter: its blocks become files in an empty folder, its commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from core.testing import databases

GUIDE = Path(__file__).parents[1] / "docs" / "guide.md"
BLOCK = re.compile(r"(?:^(?P<lead>[^\n]+)\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`([\w./]+)`")
ADD = re.compile(r"Add to `([\w./]+)`.*")
REPLACE = re.compile(r"In `([\w./]+)` replace `(.+)` by")
pytestmark = pytest.mark.slow


class Step(NamedTuple):
    lead: str
    kind: str
    text: str


def steps() -> Iterator[Step]:
    for found in BLOCK.finditer(GUIDE.read_text(encoding="utf-8")):
        yield Step(found["lead"] or "", found["kind"], found["text"])


class Reader:
    """Somebody who does what the guide says."""

    def __init__(self, home: Path, given: dict[str, str]) -> None:
        self.home, self.state = home, home.parent / "environment"
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKTAB"))}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.environ = kept | {"PATH": path, "LC_ALL": "C.UTF-8"} | given
        self.environ.pop("PYTHONPATH", None)

    def do(self, step: Step) -> None:
        if step.kind == "console":
            self.run(step.text)
        elif found := FILE.fullmatch(step.lead):
            self.write(found[1], step.text)
        elif found := ADD.fullmatch(step.lead):
            self.write(found[1], (self.home / found[1]).read_text() + "\n\n" + step.text)
        elif found := REPLACE.fullmatch(step.lead):
            before = (self.home / found[1]).read_text()
            assert before.count(found[2] + "\n") == 1, step
            self.write(found[1], before.replace(found[2] + "\n", step.text))
        else:
            pytest.fail(f"nobody would know what to do with this block: {step}")

    def write(self, name: str, text: str) -> None:
        target = self.home / name
        assert target.parent.is_dir(), f"the guide made no folder for {name}"
        target.write_text(text, encoding="utf-8")

    def run(self, text: str) -> None:
        """Each `$` line is run; the lines below it must stand in what it says, in their order."""
        commands: list[tuple[str, list[str]]] = []
        for line in text.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        for command, wanted in commands:
            said, at = self.shell(command), 0
            assert "skipped" not in said, "a half of the reader's own tests did not run"
            for line in wanted:
                at = said.find(line, at)
                assert at >= 0, f"{command}: no {line!r} in\n{said}"

    def shell(self, command: str) -> str:
        script = f"[ -f {self.state} ] && . {self.state}; set -e; {command}\nexport -p > {self.state}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=self.home, env=self.environ, capture_output=True, text=True, timeout=280
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def reader(database_kind: str, tmp_path: Path) -> Iterator[Reader]:
    home = tmp_path / "my-plugins"
    home.mkdir()
    server = databases.server_url()
    with databases.fresh_database(database_kind, tmp_path / "unused", "empty") as url:
        given = {"MAKTAB_TEST_DATABASE_URL": server}
        yield Reader(home, given | ({"MAKTAB_DATABASE_URL": url} if database_kind == "postgres" else {}))


@pytest.mark.parametrize("database_kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.prove)])
def test_the_guide_leads_from_an_empty_folder_to_a_package(reader: Reader) -> None:
    for step in steps():
        reader.do(step)


def test_every_block_of_the_guide_is_a_file_a_change_or_a_command() -> None:
    found = list(steps())
    assert len(found) > 25
    assert GUIDE.read_text(encoding="utf-8").count("\n```") == 2 * len(found)
