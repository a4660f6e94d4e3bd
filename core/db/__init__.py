"""The database: one URL, base models, transactions, keyset pages, money."""

from core.db.engine import after_commit, connect, database, drop_connections, give_back_pages, is_postgres, transaction
from core.db.fields import ExactDecimalField, IdField, JSONField, MinorField, UTCDateTimeField, canonical_json, utcnow
from core.db.kept import Kept, slot
from core.db.model import Model, Record
from core.db.refusal import is_read_only, note_refusal, optional_write, takes_no_writes

__all__ = [
    "ExactDecimalField", "IdField", "JSONField", "Kept", "MinorField", "Model", "Record", "UTCDateTimeField",
    "after_commit", "canonical_json", "connect", "database", "drop_connections", "give_back_pages", "is_postgres",
    "is_read_only", "note_refusal", "optional_write", "slot", "takes_no_writes", "transaction", "utcnow",
]  # fmt: skip
