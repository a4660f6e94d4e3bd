"""Events: a row in the business transaction (outbox); jobs take them to the subscribers."""

from core.events.outbox import Event, emit

__all__ = ["Event", "emit"]
