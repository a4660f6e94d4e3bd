"""`maktab …`: thin commands over the rooms of core. Exit codes: 0 ok, 1 failure, 2 usage, 3 done with rejected rows."""

from __future__ import annotations

from core.cli.frame import maktab


def main() -> None:
    """Entry point of the `maktab` command."""
    from core.cli import data, install, people  # noqa: F401 - they add their commands

    maktab(prog_name="maktab")
