"""Tables that go out: what others wrote is text in them, and never runs in the spreadsheet that opens them. Pure.

In CSV a text that would run gets an apostrophe before it (there is no other way to say "text"); in XLSX every cell is
text by its type.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from kit.sheets.table import is_formula

CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# Excel takes CSV for UTF-8 only where it begins so.
MARK = b"\xef\xbb\xbf"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def csv_line(cells: Iterable[str]) -> bytes:
    """One row, ended by CR LF."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode()


def harmless(text: str) -> str:
    """What a spreadsheet would run is told to be text; a phone with its "+" is not touched."""
    return f"'{text}" if is_formula(text.lstrip()) or text.startswith(("\t", "\r")) else text


def visible(text: str) -> str:
    """Without what XML cannot hold."""
    return _CONTROL.sub("", text)
