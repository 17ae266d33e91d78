"""Why a statement file is not taken: one table of codes and the limits behind them. Pure.

A file is taken whole or not at all: what was read before a refusal is worth nothing.
"""

from __future__ import annotations

from services.settlement.records import FileRefused

BYTES_MAX = 4 << 30
ENTRIES_MAX = 5_000_000
# Transactions that one entry of a camt file may be made of: they are kept until it is known that they add up.
BATCH_MAX = 100_000
# Characters of one line of an MT or CSV file.
LINE_MAX = 8_192
# Characters of a reference or an account: more are refused. Of a name (FIELD_MAX too) and of the text, more are cut.
FIELD_MAX = 140
TEXT_MAX = 1_000
# Days that a booking may be ahead of today: a bank of another time zone.
AHEAD_DAYS = 1

# Code: what it says. The message of a refusal names the place, what was found, and what to do next.
REASONS = {
    "EMPTY": "the file has no content",
    "TOO_LARGE": "more bytes than are read",
    "UNKNOWN_FORMAT": "neither camt.052/053/054, MT940/942 nor a CSV that a mapping fits",
    "ENCODING": "its characters are not in the encoding that it declares, or that its mapping names",
    "XML_BROKEN": "cut off, or not well-formed",
    "XML_DTD": "it declares a document type (and with it could declare entities)",
    "XML_TOO_DEEP": "elements in elements beyond every real message",
    "XML_TOO_LARGE": "too much in one element",
    "LINE_TOO_LONG": "a line that no program meant for a person or a bank",
    "NUL": "a NUL byte in a text file",
    "MT_BROKEN": "a line that belongs to no field, or a field that is not as SWIFT writes it",
    "CSV_BROKEN": "quotes that do not close",
    "COLUMNS": "a header without the mapping's columns, or a row of another width",
    "FORMULA": "a cell that a spreadsheet would run",
    "FIELD_MISSING": "what a statement cannot do without",
    "FIELD_UNKNOWN": "a code or word that says nothing to us",
    "FIELD_TOO_LONG": "a reference or an account longer than any format allows",
    "AMOUNT": "no amount, or one that its currency cannot have",
    "DATE": "no date, or none that exists",
    "FUTURE_DATE": "booked after tomorrow",
    "COUNT": "another number of entries than declared",
    "TOTALS": "another sum of entries than declared",
    "BALANCE": "opening and entries do not lead to closing",
    "ENTRIES_MAX": "more entries than are read from one file",
    "BATCH_MAX": "more transactions in one entry than are read",
}


def refused(reason: str, message: str, line: int = 0) -> FileRefused:
    """The refusal to raise."""
    assert reason in REASONS, reason
    return FileRefused(reason, message, line)
