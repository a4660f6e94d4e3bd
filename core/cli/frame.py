"""What all commands share: parameters from the signature, `--json`, one clear line for an error."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click
import peewee

from core import boot, db, logs, plugins
from core.context import Context, system_context
from core.errors import MaktabError
from core.settings import load as config

F = TypeVar("F", bound=Callable[..., Any])
_ADDED = "maktab.commands of plugins"


class _Maktab(click.Group):
    """Core's own commands, which need no running install, and those of the plugins that are on."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        own = super().list_commands(ctx)
        try:
            return sorted({*own, *_added(ctx)})
        except Exception as error:  # help must come whatever is broken
            click.echo(f"maktab: the commands of plugins are not shown. {explain(error)}", err=True)
            return own

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return super().get_command(ctx, name) or _added(ctx).get(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as unknown:
            raise click.UsageError(unknown.message + _where_it_may_be(), ctx) from None
        except Exception as error:
            fail(explain(error))


def _added(ctx: click.Context) -> Mapping[str, click.Command]:
    """The commands of this install's plugins, which is started for it; none where there is no install."""
    if _ADDED not in ctx.meta:
        root = click.Group()
        for name, function in boot.start(config()).commands.items() if config().data_dir.is_dir() else ():
            _put(root, name, function)
        ctx.meta[_ADDED] = root.commands
    return ctx.meta[_ADDED]  # type: ignore[no-any-return]


def _where_it_may_be() -> str:
    if not config().data_dir.is_dir():
        return " There is no install yet: run maktab init."
    off = ", ".join(each.name for each in plugins.status() if each.status != "healthy")
    return f" It may belong to a plugin that is off ({off}): maktab plugin enable NAME." if off else ""


def _begin(ctx: click.Context, option: click.Parameter, data_dir: str | None) -> None:
    """Before anything else: `--help` and the choice of the command need the install already."""
    logs.configure()
    if data_dir:
        os.environ["MAKTAB_DATA_DIR"] = data_dir  # also for the processes that `serve` starts


@click.group(cls=_Maktab)
@click.version_option(package_name="maktab")
@click.option(
    "--data-dir", type=click.Path(file_okay=False), is_eager=True, expose_value=False, callback=_begin,
    help="Data directory of the install [MAKTAB_DATA_DIR].",
)  # fmt: skip
def maktab() -> None:
    """The back office of a shop. Settings come from maktab.toml in the data directory and from MAKTAB_* variables."""


class Command(click.Command):
    """A command whose function returns what to show: a text, a record, or a list of records."""

    is_bare = True

    def invoke(self, ctx: click.Context) -> Any:
        ctx.obj = ctx.params.pop("as_json")
        try:
            if not self.is_bare:
                boot.start(config())
            show(super().invoke(ctx))
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:  # the border of the command line: one line, never a traceback
            fail(explain(error))
        finally:
            if db.database.obj is not None:
                db.database.close()


def command(name: str, bare: bool = False) -> Callable[[F], F]:
    """Make a function `maktab <name>`: its parameters are the arguments, its keyword-only ones the options.

    `bare`: it runs without a started runtime.
    """

    def add(function: F) -> F:
        _put(maktab, name, function).is_bare = bare
        return function

    return add


def _put(root: click.Group, name: str, function: Callable[..., Any]) -> Command:
    """Make `function` the command `name` of `root`."""
    params = [_parameter(each) for each in inspect.signature(function, eval_str=True).parameters.values()]
    params.append(click.Option(["--json", "as_json"], is_flag=True, help="Answer in JSON."))
    *groups, verb = name.split()
    parent = _group(root, groups[0]) if groups else root
    made = Command(verb, callback=function, params=params, help=inspect.getdoc(function))
    parent.add_command(made)
    return made


def _group(root: click.Group, name: str) -> click.Group:
    found = root.commands.get(name)
    if not isinstance(found, click.Group):
        found = click.Group(name, help=f"Commands for {name}: see --help.")
        root.add_command(found)
    return found


def _parameter(given: inspect.Parameter) -> click.Parameter:
    kind = given.annotation
    typed = click.Path(dir_okay=False, path_type=Path) if kind is Path else {int: int}.get(kind, str)
    if given.kind is not given.KEYWORD_ONLY:
        return click.Argument([given.name], type=typed)
    required = given.default is given.empty
    default = {} if required else {"default": given.default}
    shape: dict[str, Any] = {"is_flag": True} if kind is bool else {"type": typed, "multiple": kind == tuple[str, ...]}
    return click.Option([f"--{given.name.replace('_', '-')}", given.name], required=required, **default, **shape)


def context() -> Context:
    """Whoever may run commands on the machine holds the data anyway: commands act as the system."""
    return system_context("cli")


def explain(error: Exception) -> str:
    """One line that says what happened and what to do."""
    if os.environ.get("MAKTAB_DEBUG"):
        raise error
    if isinstance(error, MaktabError | OSError):
        return str(error)
    if isinstance(error, peewee.PeeweeException):
        return f"Database: {str(error).splitlines()[0]}. If this install is new or old, run: maktab migrate"
    return f"Unexpected {type(error).__name__}: {error}. Set MAKTAB_DEBUG=1 for the details."


def fail(text: str) -> NoReturn:
    click.echo(json.dumps({"error": text}) if click.get_current_context().obj else f"maktab: {text}", err=True)
    sys.exit(1)


def show(value: Any) -> None:
    """Print what a command found: JSON when asked for, else lines and tables."""
    if value is None:
        return
    if click.get_current_context().obj:
        click.echo(json.dumps(value, ensure_ascii=False, default=str, indent=2))
    elif isinstance(value, dict):
        _table(value.items())
    elif isinstance(value, list):
        _table([[name.upper() for name in value[0]], *(row.values() for row in value)] if value else [])
    else:
        click.echo(str(value))


def _table(rows: Iterable[Iterable[Any]]) -> None:
    lines = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
