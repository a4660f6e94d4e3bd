"""Commands for the install as a whole."""

from __future__ import annotations

import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import click
import peewee

from core import access, api, auth, boot, db, plugins, processes
from core.cli.frame import command, context
from core.errors import MaktabError
from core.runtime import current
from core.settings import Settings
from core.settings import load as config


@command("init", bare=True)
def init(*, user: str = "owner") -> Any:
    """Make data directory, keys, tables and the first user; his password is shown this once."""
    settings = config()
    boot.prepare(settings)
    for name in ("session", "audit", "queue"):
        settings.key(name)
    if auth.User.select().exists():
        return {"data_dir": settings.data_dir, "new": False}
    password = secrets.token_urlsafe(15)
    with db.transaction():
        owner = auth.create_user(context(), user, password, locale=settings.locale)
        access.assign(context(), owner, "owner")
    return {"data_dir": settings.data_dir, "new": True, "user": user, "password": password}


@command("migrate", bare=True)
def migrate(*, down: str = "", yes: bool = False) -> Any:
    """Bring the database to this version.

    --down PLUGIN.NNNN_name: instead take back the newest migration of a plugin, while you write it; what stood in its
    tables and columns is lost, so it asks first, or wants --yes.
    """
    if down:
        if not yes and not sys.stdin.isatty():
            raise MaktabError("There is no terminal to ask whether you mean it: add --yes.")
        yes or click.confirm(f"Take {down} back? What it added is lost.", abort=True, err=True)
        plugins.take_back(boot.start(config()), down)
        return f"{down} is taken back; maktab migrate applies it again."
    return [{"applied": name} for name in boot.prepare(config())]


@command("serve", bare=True)
def serve(*, safe: bool = False) -> None:
    """Run web and worker under one supervisor until Ctrl-C; --safe: without any plugin."""
    settings = config()
    processes.check_port(settings)
    _demand_schema(replace(settings, safe_mode=safe or settings.safe_mode))
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    click.echo(f"Maktab starts at {address}/admin/ (Ctrl-C stops it).", err=True)
    processes.serve(settings, safe=safe)


@command("web", bare=True)
def web() -> None:
    """Run the web server alone."""
    _demand_schema(config())
    processes.web(config())


@command("worker")
def worker() -> None:
    """Run a job worker alone."""
    boot.demand_schema(current().settings)
    processes.worker(current().settings)


def _demand_schema(settings: Settings) -> None:
    """Refuse to start on an older database. One that cannot be reached now is waited for, as when it goes later."""
    if not settings.data_dir.is_dir():
        raise MaktabError("There is no install yet: run maktab init.")
    db.connect(settings.url)
    try:
        boot.demand_schema(settings)
    except peewee.OperationalError:
        return
    finally:
        db.database.close_all()  # nothing of it may go on into a child


@command("openapi")
def openapi() -> None:
    """Print the OpenAPI description of the REST API."""
    click.echo(json.dumps(api.openapi(current()), indent=2))


@command("doctor", bare=True)
def doctor() -> Any:
    """Check the install; exit code 1 when something is wrong."""
    found = [{"check": name, "result": text} for name, text in _diagnose()]
    broken = [f"{line['check']}: {line['result']}" for line in found if not line["result"].startswith("ok")]
    if broken:
        raise MaktabError("; ".join(broken))
    return found


def _diagnose() -> Iterator[tuple[str, str]]:
    checks: tuple[Callable[[], str], ...] = (_data_directory, _database, _plugins, _queue)
    for check in checks:
        try:
            text = f"ok, {check()}"
        except Exception as error:  # a check may fail in any way: that is its answer
            text = f"{type(error).__name__}: {error}".splitlines()[0]
        yield check.__name__.strip("_").replace("_", " "), text


def _data_directory() -> str:
    config().key("session")
    return f"{config().data_dir}, {shutil.disk_usage(config().data_dir).free // 2**20} MB free"


def _database() -> str:
    db.connect(config().url)
    boot.demand_schema(config())
    return "PostgreSQL" if db.is_postgres() else "SQLite"


def _plugins() -> str:
    boot.start(config())
    broken = [f"{each.name}: {each.error}" for each in plugins.status() if each.status in ("quarantined", "missing")]
    if broken:
        raise MaktabError("; ".join(broken))
    return ", ".join(each.name for each in plugins.status() if each.enabled)


def _queue() -> str:
    if not config().redis_url:
        return "embedded"
    import redis

    redis.Redis.from_url(config().redis_url, socket_timeout=3).ping()
    return "Redis"
