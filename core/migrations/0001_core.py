"""The tables of core: plugins, users and roles, the append-only audit log, events and jobs, files, tags and notes."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, JSONField, UTCDateTimeField, database, is_postgres

_SEALED = "id at actor_id on_behalf_of ip session_id source request_id action resource record_id reason digest".split()
_FIXED = "the audit log is append-only"


class Base(peewee.Model):  # type: ignore[misc]
    """A table called `core_<class>`."""

    id = IdField()

    class Meta:
        database = database
        table_function = lambda model: f"core_{peewee.make_snake_case(model.__name__)}"  # noqa: E731


class Record(Base):
    created_at = UTCDateTimeField()
    updated_at = UTCDateTimeField()
    version = peewee.IntegerField()


class Plugin(Base):
    name = peewee.CharField(max_length=64, unique=True)
    enabled = peewee.BooleanField()
    version = peewee.CharField(max_length=64)
    status = peewee.CharField(max_length=16)
    error = peewee.TextField()
    changed_at = UTCDateTimeField()


class PluginFailure(Base):
    plugin = peewee.CharField(max_length=64)
    hook = peewee.CharField(max_length=64)
    error = peewee.TextField()
    at = UTCDateTimeField()

    class Meta:
        indexes = ((("plugin", "at"), False),)


class State(Base):
    generation = peewee.BigIntegerField()


class User(Record):
    username = peewee.CharField(150, unique=True)
    name = peewee.CharField(200)
    email = peewee.CharField(254)
    password_hash = peewee.CharField(200)
    is_active = peewee.BooleanField()
    locale = peewee.CharField(12)
    timezone = peewee.CharField(64)


class Session(Base):
    token_hash = peewee.CharField(64, unique=True)
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    created_at = UTCDateTimeField()
    last_seen_at = UTCDateTimeField()
    ip = peewee.CharField(64)
    browser = peewee.CharField(200)
    auth_level = peewee.SmallIntegerField()
    step_up_at = UTCDateTimeField(null=True)


class ApiToken(Base):
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    name = peewee.CharField(100)
    secret_hash = peewee.CharField(64)
    scopes = peewee.TextField()
    created_at = UTCDateTimeField()
    expires_at = UTCDateTimeField(null=True)
    last_used_at = UTCDateTimeField(null=True)


class LoginAttempt(Base):
    key = peewee.CharField(80, unique=True)
    tries = peewee.IntegerField()
    rounds = peewee.IntegerField()
    since_at = UTCDateTimeField(index=True)
    blocked_until = UTCDateTimeField(null=True)


class Role(Record):
    name = peewee.CharField(100, unique=True)
    label = peewee.CharField(200)


class RolePermission(Base):
    role = peewee.ForeignKeyField(Role, backref="+", on_delete="CASCADE")
    permission = peewee.CharField(150)

    class Meta:
        indexes = ((("role", "permission"), True),)


class UserRole(Base):
    user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
    role = peewee.ForeignKeyField(Role, backref="+", on_delete="RESTRICT")
    scopes = peewee.TextField()

    class Meta:
        indexes = ((("user", "role"), True),)


class AuditEntry(Base):
    at = UTCDateTimeField()
    actor_id = peewee.BigIntegerField(null=True)
    on_behalf_of = peewee.CharField(200)
    ip = peewee.CharField(64)
    session_id = peewee.BigIntegerField(null=True)
    source = peewee.CharField(10)
    request_id = peewee.CharField(64)
    action = peewee.CharField(100)
    resource = peewee.CharField(100)
    record_id = peewee.BigIntegerField()
    reason = peewee.TextField()
    digest = peewee.CharField(64)
    diff = peewee.TextField(null=True)
    salt = peewee.CharField(32, null=True)
    seq = peewee.BigIntegerField(null=True, unique=True)
    hash = peewee.CharField(64, null=True)

    class Meta:
        indexes = ((("resource", "record_id", "id"), False), (("actor_id", "id"), False), (("at", "id"), False))


AuditEntry.add_index(AuditEntry.index(AuditEntry.id, where=AuditEntry.seq.is_null(), name="core_audit_entry_unsealed"))


class AuditHead(Base):
    seq = peewee.BigIntegerField()
    hash = peewee.CharField(64)
    mac = peewee.CharField(64)


class Event(Base):
    created_at = UTCDateTimeField()
    name = peewee.CharField(160)
    payload = JSONField()
    context = JSONField()
    relayed_at = UTCDateTimeField(null=True, index=True)


class Job(Base):
    created_at = UTCDateTimeField()
    kind = peewee.CharField(120)
    plugin = peewee.CharField(80, index=True)
    resource = peewee.CharField(120)
    key = peewee.CharField(200, null=True, unique=True)
    title = peewee.CharField(300)
    permission = peewee.CharField(120)
    user_id = peewee.BigIntegerField(null=True, index=True)
    context = JSONField()
    args = JSONField()
    status = peewee.CharField(20, index=True)
    due_at = UTCDateTimeField(null=True, index=True)
    token = peewee.CharField(32)
    worker = peewee.CharField(200, index=True)
    attempts = peewee.IntegerField()
    is_canceling = peewee.BooleanField()
    checkpoint = JSONField()
    total = peewee.IntegerField(null=True)
    done = peewee.IntegerField()
    failed = peewee.IntegerField()
    skipped = peewee.IntegerField()
    started_from = peewee.IntegerField()
    started_at = UTCDateTimeField(null=True)
    finished_at = UTCDateTimeField(null=True, index=True)
    result = JSONField(null=True)
    error = peewee.TextField()
    log = peewee.TextField()


class JobItem(Base):
    job_id = peewee.BigIntegerField()
    record_id = peewee.BigIntegerField()
    state = peewee.CharField(10)
    reason = peewee.TextField()
    version = peewee.IntegerField(null=True)
    undo = JSONField(null=True)

    class Meta:
        indexes = ((("job_id", "record_id"), True), (("job_id", "state", "id"), False))


class ScheduleSlot(Base):
    task = peewee.CharField(200)
    slot = peewee.BigIntegerField()
    created_at = UTCDateTimeField(index=True)

    class Meta:
        indexes = ((("task", "slot"), True),)


class File(Base):
    created_at = UTCDateTimeField()
    key = peewee.CharField(64, unique=True)
    name = peewee.CharField(255)
    size = peewee.BigIntegerField()
    sha256 = peewee.CharField(64)
    content_type = peewee.CharField(120)
    user_id = peewee.BigIntegerField(null=True, index=True)
    expires_at = UTCDateTimeField(null=True, index=True)


class Tagging(Base):
    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    tag = peewee.CharField(max_length=60)

    class Meta:
        indexes = ((("resource", "record_id", "tag"), True), (("resource", "tag", "record_id"), False))


class Note(Base):
    resource = peewee.CharField(max_length=80)
    record_id = peewee.BigIntegerField()
    user_id = peewee.BigIntegerField(null=True)
    actor = peewee.CharField(max_length=200)
    text = peewee.TextField()
    created_at = UTCDateTimeField()

    class Meta:
        indexes = ((("resource", "record_id", "id"), False),)


class ApiAnswer(Base):
    user_id = peewee.BigIntegerField()
    key = peewee.CharField(max_length=255)
    request_hash = peewee.CharField(max_length=64)
    status = peewee.IntegerField(null=True)
    headers = peewee.TextField(null=True)
    body = peewee.TextField(null=True)
    created_at = UTCDateTimeField(index=True)

    class Meta:
        indexes = ((("user_id", "key"), True),)


class ApiRate(Base):
    key = peewee.CharField(max_length=80, unique=True)
    minute = peewee.BigIntegerField()
    calls = peewee.IntegerField()


TABLES = [
    Plugin, PluginFailure, State, User, Session, ApiToken, LoginAttempt, Role, RolePermission, UserRole, AuditEntry,
    AuditHead, Event, Job, JobItem, ScheduleSlot, File, Tagging, Note, ApiAnswer, ApiRate,
]  # fmt: skip


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(TABLES)
    State.create(generation=1)
    _append_only(db)


def down(migrator: Any, db: peewee.Database) -> None:
    if is_postgres():
        db.execute_sql("DROP FUNCTION IF EXISTS core_audit_fixed() CASCADE")
    db.drop_tables(TABLES)


def _append_only(db: peewee.Database) -> None:
    """Triggers that let nobody change or delete an audit entry, but seal and erase it."""
    if is_postgres():
        db.execute_sql(
            "CREATE FUNCTION core_audit_fixed() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION '{_FIXED}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
        )
        trigger = "CREATE TRIGGER core_audit_{0} BEFORE {0} ON core_audit_entry {1} EXECUTE FUNCTION core_audit_fixed()"
        db.execute_sql(trigger.format("update", f"FOR EACH ROW WHEN ({_changes('IS DISTINCT FROM')})"))
        db.execute_sql(trigger.format("delete", "FOR EACH ROW"))
        db.execute_sql(trigger.format("truncate", ""))
        return
    trigger = "CREATE TRIGGER core_audit_{0} BEFORE {0} ON core_audit_entry {1} BEGIN SELECT RAISE(ABORT, '{2}'); END"
    db.execute_sql(trigger.format("update", f"WHEN {_changes('IS NOT')}", _FIXED))
    db.execute_sql(trigger.format("delete", "", _FIXED))


def _changes(differs: str) -> str:
    """SQL: an update touches what is sealed, seals twice, or puts anything but NULL into the erasable columns."""
    sealed = [f'NEW."{name}" {differs} OLD."{name}"' for name in _SEALED]
    again = [f'(OLD.seq IS NOT NULL AND NEW."{name}" {differs} OLD."{name}")' for name in ("seq", "hash")]
    erased = [f'(NEW."{name}" IS NOT NULL AND NEW."{name}" {differs} OLD."{name}")' for name in ("diff", "salt")]
    return " OR ".join(sealed + again + erased)
