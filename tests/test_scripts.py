"""The modules of the theme as one script: nothing of them is lost or runs twice."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from core.web import scripts
from core.web.theme import asset

FILES = sorted(scripts.FOLDER.glob("*.js"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.name))
def test_a_module_is_written_so_that_it_can_be_joined(file: Path) -> None:
    text = file.read_text()
    lines = re.findall(r"^(?:import|export)\b.*", text, re.MULTILINE)
    known = [*scripts._IMPORT.finditer(text), *scripts._EXPORT.finditer(text)]
    assert len(lines) == len(known), lines
    assert not re.search(r"^await\b|\bimport[.(]|^(?:const|let|function) modules\b", text, re.MULTILINE)


def test_a_page_takes_in_a_module_after_what_it_imports() -> None:
    order = scripts.order(scripts.MAIN)
    assert len(order) == len(set(order)) > 10
    assert order[-1] == scripts.MAIN
    assert order.index("toast.js") < order.index("dialog.js") < order.index("session.js") < order.index("ask.js")


def test_what_another_script_imports_is_on_the_page_already() -> None:
    for name, text in scripts.made().items():
        assert set(re.findall(r'modules\["([\w-]+\.js)"\]', text)) <= set(scripts.order(scripts.MAIN)), name


@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_the_script_of_a_page_comes_whole(client: FlaskClient, encoding: str) -> None:
    answer = client.get(asset("js/maktab.js"), headers={"Accept-Encoding": encoding})
    text = gzip.decompress(answer.data) if encoding == "gzip" else answer.data
    assert text.decode() == scripts.made()["js/maktab.js"]
    assert (answer.mimetype, answer.headers.get("Content-Encoding", "identity")) == ("text/javascript", encoding)
    assert client.get(asset("js/theme.js")).text == (scripts.FOLDER / "theme.js").read_text()
