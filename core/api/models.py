"""What the API keeps: answers for idempotency keys, and a counter of calls."""

from __future__ import annotations

import peewee

from core.db import JSONField, Model, UTCDateTimeField, utcnow


class KeptAnswer(Model):
    """The answer to a request with an `Idempotency-Key`; `status` NULL: it still runs, and nobody else sees the row."""

    audit_exempt = "the request's change is audited itself"
    user_id = peewee.BigIntegerField()
    key = peewee.CharField(max_length=255)
    request_hash = peewee.CharField(max_length=64)
    status = peewee.IntegerField(null=True)
    headers = JSONField(null=True)
    body = peewee.TextField(null=True)
    created_at = UTCDateTimeField(default=utcnow, index=True)

    class Meta:
        table_name = "core_api_answer"
        indexes = ((("user_id", "key"), True),)


class RateCounter(Model):
    """Calls of one token in the running minute."""

    audit_exempt = "a counter"
    key = peewee.CharField(max_length=80, unique=True)
    minute = peewee.BigIntegerField()
    calls = peewee.IntegerField()

    class Meta:
        table_name = "core_api_rate"
