"""What the database knows about plugins: which are on, in which state, and the number of the present generation."""

from __future__ import annotations

from typing import ClassVar

import peewee

from core.db import Model, UTCDateTimeField, utcnow


class PluginState(Model):
    """One plugin that was ever enabled. `status`: healthy, off or quarantined (then `error` says why)."""

    name = peewee.CharField(max_length=64, unique=True)
    enabled = peewee.BooleanField(default=True)
    version = peewee.CharField(max_length=64, default="")
    status = peewee.CharField(max_length=16, default="healthy")
    error = peewee.TextField(default="")
    changed_at = UTCDateTimeField(default=utcnow)

    class Meta:
        table_name = "core_plugin"


class PluginFailure(Model):
    """One failure that a guard caught; five within a minute, over all processes, quarantine the plugin."""

    audit_exempt: ClassVar[str] = "a counter; the quarantine that follows is audited"

    plugin = peewee.CharField(max_length=64)
    hook = peewee.CharField(max_length=64)
    error = peewee.TextField()
    at = UTCDateTimeField(default=utcnow)

    class Meta:
        table_name = "core_plugin_failure"
        indexes = ((("plugin", "at"), False),)


class PluginCalls(Model):
    """How often a plugin was called through its hooks on one day (UTC), and how often that failed."""

    audit_exempt: ClassVar[str] = "a counter"

    plugin = peewee.CharField(max_length=64)
    day = peewee.DateField(index=True)
    calls = peewee.BigIntegerField(default=0)
    failures = peewee.BigIntegerField(default=0)

    class Meta:
        table_name = "core_plugin_calls"
        indexes = ((("plugin", "day"), True),)


class CoreState(Model):
    """One row: every process builds anew when `generation` moves."""

    audit_exempt: ClassVar[str] = "a counter; what moved it is audited"

    generation = peewee.BigIntegerField(default=1)

    class Meta:
        table_name = "core_state"
