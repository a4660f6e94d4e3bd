"""Users, sessions, API tokens, sign-in counter; roles; the audit log with the triggers that make it append-only."""

from __future__ import annotations

from typing import Any

import peewee

from core.db import IdField, UTCDateTimeField, is_postgres

_SEALED = "id at actor_id on_behalf_of ip session_id source request_id action resource record_id reason digest".split()
_FIXED = "the audit log is append-only"


def _models(db: peewee.Database) -> list[Any]:
    class Base(peewee.Model):  # type: ignore[misc]
        id = IdField()

        class Meta:
            database = db

    class Record(Base):
        created_at = UTCDateTimeField()
        updated_at = UTCDateTimeField()
        version = peewee.IntegerField()

    class User(Record):
        username = peewee.CharField(150, unique=True)
        name = peewee.CharField(200)
        email = peewee.CharField(254)
        password_hash = peewee.CharField(200)
        is_active = peewee.BooleanField()
        locale = peewee.CharField(12)
        timezone = peewee.CharField(64)

        class Meta:
            table_name = "core_user"

    class Session(Base):
        token_hash = peewee.CharField(64, unique=True)
        user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
        created_at = UTCDateTimeField()
        last_seen_at = UTCDateTimeField()
        ip = peewee.CharField(64)
        browser = peewee.CharField(200)
        auth_level = peewee.SmallIntegerField()
        step_up_at = UTCDateTimeField(null=True)

        class Meta:
            table_name = "core_session"

    class ApiToken(Base):
        user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
        name = peewee.CharField(100)
        secret_hash = peewee.CharField(64)
        scopes = peewee.TextField()
        created_at = UTCDateTimeField()
        expires_at = UTCDateTimeField(null=True)
        last_used_at = UTCDateTimeField(null=True)

        class Meta:
            table_name = "core_api_token"

    class LoginAttempt(Base):
        key = peewee.CharField(80, unique=True)
        tries = peewee.IntegerField()
        rounds = peewee.IntegerField()
        since_at = UTCDateTimeField(index=True)
        blocked_until = UTCDateTimeField(null=True)

        class Meta:
            table_name = "core_login_attempt"

    class Role(Record):
        name = peewee.CharField(100, unique=True)
        label = peewee.CharField(200)

        class Meta:
            table_name = "core_role"

    class RolePermission(Base):
        role = peewee.ForeignKeyField(Role, backref="+", on_delete="CASCADE")
        permission = peewee.CharField(150)

        class Meta:
            table_name = "core_role_permission"
            indexes = ((("role", "permission"), True),)

    class UserRole(Base):
        user = peewee.ForeignKeyField(User, backref="+", on_delete="CASCADE")
        role = peewee.ForeignKeyField(Role, backref="+", on_delete="RESTRICT")
        scopes = peewee.TextField()

        class Meta:
            table_name = "core_user_role"
            indexes = ((("user", "role"), True),)

    class Entry(Base):
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
            table_name = "core_audit_entry"
            indexes = ((("resource", "record_id", "id"), False), (("actor_id", "id"), False), (("at", "id"), False))

    Entry.add_index(Entry.index(Entry.id, where=Entry.seq.is_null(), name="core_audit_entry_unsealed"))

    class Head(Base):
        seq = peewee.BigIntegerField()
        hash = peewee.CharField(64)
        mac = peewee.CharField(64)

        class Meta:
            table_name = "core_audit_head"

    return [User, Session, ApiToken, LoginAttempt, Role, RolePermission, UserRole, Entry, Head]


def _changes(differs: str) -> str:
    """SQL: an update touches what is sealed, seals twice, or puts anything but NULL into the erasable columns."""
    sealed = [f'NEW."{name}" {differs} OLD."{name}"' for name in _SEALED]
    again = [f'(OLD.seq IS NOT NULL AND NEW."{name}" {differs} OLD."{name}")' for name in ("seq", "hash")]
    erased = [f'(NEW."{name}" IS NOT NULL AND NEW."{name}" {differs} OLD."{name}")' for name in ("diff", "salt")]
    return " OR ".join(sealed + again + erased)


def up(migrator: Any, db: peewee.Database) -> None:
    db.create_tables(_models(db))
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


def down(migrator: Any, db: peewee.Database) -> None:
    if is_postgres():
        db.execute_sql("DROP FUNCTION IF EXISTS core_audit_fixed() CASCADE")
    db.drop_tables(_models(db))
