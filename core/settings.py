"""Typed settings: defaults < `maktab.toml` in the data directory < environment `MAKTAB_*`."""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from core.errors import MaktabError


class BadSetting(MaktabError):
    """A setting has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """One install. An embedded install keeps everything below `data_dir`."""

    data_dir: Path
    database_url: str = ""  # empty: sqlite:///<data_dir>/maktab.db
    redis_url: str = ""  # empty: embedded queue in <data_dir>/queue.db
    plugin_dir: str = ""  # a merchant's own plugins; empty: <data_dir>/plugins
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""  # https://... turns on Secure cookies
    web_workers: int = 1
    web_threads: int = 8
    job_threads: int = 2
    job_lease_s: int = 30
    hang_s: int = 45  # a process of which no thread moves for so long ends, and is replaced
    memory_mb: int = 1024  # a process above it switches off the plugin that took half of that
    currency: str = "GBP"
    timezone: str = "UTC"
    locale: str = "en"
    session_idle_minutes: int = 30
    session_hours: int = 12
    reauth_s: int = 600  # so long a password that was given counts for acts that ask for it; 0: asked each time
    proxy_hops: int = 0
    upload_limit_mb: int = 200
    metrics_token: str = ""  # lets Prometheus read /metrics from another machine
    safe_mode: bool = False  # core alone, no plugin

    @property
    def url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'maktab.db'}"

    @property
    def files_dir(self) -> Path:
        return self.data_dir / "files"

    @property
    def merchant_plugins(self) -> Path:
        return Path(self.plugin_dir) if self.plugin_dir else self.data_dir / "plugins"

    def key(self, name: str) -> bytes:
        """The secret `name` (session, audit, queue): 32 bytes in a file only we can read, made at first use."""
        given = os.environ.get(f"MAKTAB_{name.upper()}_KEY")
        return bytes.fromhex(given) if given else _key(self.data_dir / "keys" / name)


@functools.lru_cache(maxsize=32)
def _key(path: Path) -> bytes:
    if not path.exists():
        _make_key(path)
    return bytes.fromhex(path.read_text())


def _make_key(path: Path) -> None:
    """Written aside and linked into place: a process that starts at the same time must never read half a key."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(secrets.token_hex(32))
        out.flush()
        os.fsync(out.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _typed(name: str, value: Any) -> Any:
    """`value`, perhaps a text, as the default of the setting is."""
    kind = type(getattr(Settings, name))
    try:
        return str(value).lower() in ("1", "true", "yes", "on") if kind is bool else kind(value)
    except ValueError:
        raise BadSetting(f"The setting {name} needs {kind.__name__}, not {value!r}.") from None


def load(environ: Mapping[str, str] = os.environ, **overrides: Any) -> Settings:
    """Read the settings; `overrides` (tests, command-line options) win over everything."""
    data_dir = Path(overrides.get("data_dir") or environ.get("MAKTAB_DATA_DIR") or ".maktab").resolve()
    names, file = [field.name for field in fields(Settings)], data_dir / "maktab.toml"
    values = tomllib.loads(file.read_text()) if file.exists() else {}
    values |= {name: environ[f"MAKTAB_{name.upper()}"] for name in names if f"MAKTAB_{name.upper()}" in environ}
    if "PORT" in environ:
        values["port"] = environ["PORT"]
    values |= {name: value for name, value in overrides.items() if value is not None}
    if unknown := sorted(set(values) - set(names)):
        raise BadSetting(f"{file} has settings that do not exist: {', '.join(unknown)}.")
    values.pop("data_dir", None)
    return Settings(data_dir, **{name: _typed(name, value) for name, value in values.items()})
