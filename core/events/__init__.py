"""Events: a row in the business transaction (outbox), then one delivery job per subscriber."""

from core.events.outbox import Event, emit, relay

__all__ = ["Event", "emit", "relay"]
