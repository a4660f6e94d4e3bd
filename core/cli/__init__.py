"""`maktab …`: thin commands over the rooms of core. Exit codes: 0 ok, 1 failure, 2 usage, others by command."""

from __future__ import annotations

import click

from core.cli.foreground import run_here
from core.cli.frame import context, maktab, show

__all__ = ["context", "load", "main", "run_here", "show"]


def load() -> click.Group:
    """The command with everything below it."""
    from core.cli import data, install, people  # noqa: F401 - they add their commands

    return maktab


def main() -> None:
    """Entry point of the `maktab` command."""
    load()(prog_name="maktab")
