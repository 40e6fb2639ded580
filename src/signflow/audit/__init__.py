"""An honest look before any training: what a set holds, and what leaks between its parts."""

from signflow.audit.audit import audit_source, audit_store, fresh_audit, look_at_rows
from signflow.audit.drop import drop_leaks
from signflow.audit.findings import Audit, counted_leaks, read_audit, to_dict
from signflow.audit.pairs import Pair
from signflow.audit.tables import audit_tables, between

__all__ = [
    "Audit",
    "Pair",
    "audit_source",
    "audit_store",
    "audit_tables",
    "between",
    "counted_leaks",
    "drop_leaks",
    "fresh_audit",
    "look_at_rows",
    "read_audit",
    "to_dict",
]
