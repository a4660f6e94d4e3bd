"""Structured logs: one JSON line per event (readable text on a terminal), with the request id and without secrets."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from core.cards import masked

_SECRET_NAME = re.compile(r"password|passwd|secret|token|cookie|authorization|csrf|api_key", re.IGNORECASE)
_SECRET_TEXT = re.compile(r"mk_\w+|(?<=Bearer )\S+|(?<=://)[^/@\s:]*:[^/@\s]+(?=@)")
# What messages of databases and programs quote: mail addresses, and the values that PostgreSQL tells.
_PERSONAL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<=DETAIL:)[^\n]*|(?<=\)=\()[^)\n]*")


def without_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask what has a secret's name, and tokens, URL credentials and what looks like personal data inside texts."""
    for name, value in event.items():
        if _SECRET_NAME.search(name):
            event[name] = "***"
        elif isinstance(value, str):
            event[name] = masked(_PERSONAL.sub("***", _SECRET_TEXT.sub("***", value)))
    return event


def configure(level: int = logging.WARNING) -> None:
    """Send structlog and the standard library's loggers through one chain to stderr."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: Any = structlog.dev.ConsoleRenderer() if sys.stderr.isatty() else structlog.processors.JSONRenderer()
    # Tracebacks become text before the mask, so that a secret inside one is masked too.
    end: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info]
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*end, without_secrets, last])
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
