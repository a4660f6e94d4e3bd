"""Texts with names that nothing fills in are found before they are shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.trial.sources import unfilled

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("folder", ["core", "plugins/orders", "plugins/transfer"])
def test_our_own_texts_are_filled_in(folder: str) -> None:
    assert list(unfilled(ROOT / folder)) == []


@pytest.mark.parametrize(
    "right",
    [
        "_n('%(n)s of %(all)s', '%(n)s of %(all)s', 3, all=7)", "_('%(a)s', a=1)", "_('100 %')", "_(text, a=1)",
        "_('%(a)s') % {'a': 1}", "_('%(a)s', **values)", "_n(one, many, 3)", "this is no Python", "x.n('%(num)s', 1)",
    ],
)  # fmt: skip
def test_what_is_right_or_not_to_be_known_passes(tmp_path: Path, right: str) -> None:
    (tmp_path / "marks.py").write_text(right)
    assert list(unfilled(tmp_path)) == []


def test_every_call_is_named(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "marks.py").write_text("_n('%(count)s a', '%(n)s b', 2)\n__('%(b)s', a=1)")
    count, b = unfilled(tmp_path)
    place = f"The text in {tmp_path.name}/parts/marks.py, line"
    assert count == f"{place} 1 asks for %(count)s, which is not given; the number is %(n)s."
    assert b == f"{place} 2 asks for %(b)s, which is not given."
