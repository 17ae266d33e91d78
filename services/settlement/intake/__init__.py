"""Statement files that banks and telecoms give us, read in a stream: camt.052/053/054, MT940/942 and CSV.

    for statement in open_statements(path, today):
        for entry in statement.entries:
            ...
        statement.head   # complete now, and what it declares is proven

Owns nothing and keeps nothing: the caller keeps the register of what was received. docs/statement-files.md.
"""

from __future__ import annotations

from services.settlement.intake.mapping import Mapping, named
from services.settlement.intake.reading import fingerprint, identity, open_statements
from services.settlement.intake.refusals import REASONS
from services.settlement.intake.statement import Statement

__all__ = ["REASONS", "Mapping", "Statement", "fingerprint", "identity", "named", "open_statements"]
