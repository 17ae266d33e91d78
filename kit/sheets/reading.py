"""A file's heading and rows, whichever kind it is. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kit.errors import SheetInvalid
from kit.sheets import csvtext, workbook
from kit.sheets.columns import Columns
from kit.sheets.table import Heading, RawRow, headed


def read(content: bytes, columns: Columns) -> tuple[Heading, Iterator[RawRow]]:
    """Raises SheetInvalid, SheetUnsafe and SheetTooLarge, each with what to do, in English and Vietnamese; so do the
    rows while they are read."""
    if not content:
        raise SheetInvalid("the file is empty", vi="Tệp trống.")
    if workbook.is_workbook(content):
        return headed(workbook.rows(content, columns), columns)
    return headed(csvtext.rows(content, columns), columns)
