"""The audit log: every change of a record leaves an entry, and the entries form a chain that shows tampering."""

from core.audit.chain import anchor, seal
from core.audit.log import export, history, write
from core.audit.models import Entry, Head
from core.audit.verify import Report, late, verify

__all__ = ["Entry", "Head", "Report", "anchor", "export", "history", "late", "seal", "verify", "write"]
