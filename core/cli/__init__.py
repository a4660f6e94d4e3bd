"""`maktab …`: thin commands over the rooms of core. Exit codes: 0 ok, 1 failure, 2 usage, 3 done with rejected rows."""

from __future__ import annotations

import click

from core.cli.frame import maktab


def load() -> click.Group:
    """The command with everything below it."""
    from core.cli import data, install, people  # noqa: F401 - they add their commands

    return maktab


def main() -> None:
    """Entry point of the `maktab` command."""
    load()(prog_name="maktab")
