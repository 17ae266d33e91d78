"""A market made up for tests and figures: rows of vendors whose every identifier is well-formed and nobody's."""

from __future__ import annotations

import csv
import io

from services.onboarding.bulk import columns
from services.onboarding.bulk.example import cells_of

TITLES = [column.title for column in columns.COLUMNS]


def csv_of(*rows: list[str], delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def row(number: int, market: str = "Chợ Hùng Sơn", **changes: str) -> list[str]:
    """One vendor's cells, by number; the same number is the same vendor."""
    cells = cells_of(number, market) | changes
    return [cells[column.field] for column in columns.COLUMNS]


def sheet(*rows: list[str]) -> bytes:
    return csv_of(TITLES, *rows).encode()
