"""XLSX, read as a stream and not trusted: what a file unpacks to is judged before anything of it is unpacked. Pure.

An XLSX is a zip of XML. What is refused: sizes, ratios and counts beyond what 10,000 rows take (a bomb), a document
type declaration (entities that multiply), encryption, and the formats that only look alike (.xls, a password).
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import IO, Any

from kit.errors import DomainError, SheetInvalid, SheetUnsafe
from kit.sheets.columns import Columns
from kit.sheets.table import COLUMNS_MAX, HEADING_WITHIN, RawRow, is_formula, text_row

ENTRIES_MAX = 200
# 10,000 rows of 16 columns are 6 MB of XML; with formats, twice that.
UNPACKED_BYTES_MAX = 48 * 1024 * 1024
# Sheets pack 8 to 20 fold. What is small may pack as it likes.
RATIO_MAX, RATIO_FROM_BYTES = 100, 1024 * 1024
SHEETS_MAX = 10
# Excel keeps 15 digits of a number; what had more has other digits now.
DIGITS_MAX = 15

_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_DOCTYPE = b"<!DOCTYPE"
_READ_BYTES = 64 * 1024


def is_workbook(content: bytes) -> bool:
    """Whether it is to be read as a workbook: as one of old, too, of which `rows` says what to do."""
    return content.startswith((_ZIP, _OLE))


def rows(content: bytes, columns: Columns) -> Iterator[RawRow]:
    """The rows of the first sheet that has a heading, or else of the first, numbered from 1.

    Raises SheetInvalid and SheetUnsafe.
    """
    if content.startswith(_OLE):
        raise SheetInvalid(
            "this is an old .xls, or has a password: save it as .xlsx without a password",
            vi="Tệp là .xls cũ hoặc có mật khẩu: hãy lưu lại dạng .xlsx, không đặt mật khẩu.",
        )
    check_archive(content)
    # Here, and not above: a process that never reads a workbook is spared 10 MB.
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        try:
            sheets = book.worksheets[:SHEETS_MAX]
            if not sheets:
                raise _unreadable("it has no sheet")
            chosen = next((sheet for sheet in sheets if _has_heading(sheet, columns)), sheets[0])
            yield from _rows(chosen)
        finally:
            book.close()
    except (
        InvalidFileException, zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, ValueError, TypeError,
        AttributeError, OverflowError, EOFError, RuntimeError,
    ) as error:  # fmt: skip
        # openpyxl has no error of its own for a part that is missing, locked or malformed; what its parsers have for
        # XML that is none is a SyntaxError, for an encoding that nobody knows a LookupError.
        raise _unreadable(type(error).__name__) from error


def check_archive(content: bytes) -> None:
    """Raises SheetUnsafe where unpacking it would cost more than a list can, SheetInvalid where it is none.

    zipfile unpacks of an entry as much as its directory says and no more, so the directory is what has to be judged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_entries(archive)
    except zipfile.BadZipFile as error:
        raise _unreadable("it is no zip archive, or cut off") from error
    except (NotImplementedError, RuntimeError, zlib.error, EOFError, UnicodeDecodeError) as error:
        raise _unreadable(type(error).__name__) from error


def _check_entries(archive: zipfile.ZipFile) -> None:
    entries = archive.infolist()
    if len(entries) > ENTRIES_MAX:
        raise _unsafe(f"{len(entries)} entries, at most {ENTRIES_MAX}")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > UNPACKED_BYTES_MAX:
        raise _unsafe(f"it unpacks to {unpacked} bytes, at most {UNPACKED_BYTES_MAX}")
    for entry in entries:
        if entry.file_size > RATIO_FROM_BYTES and entry.file_size > RATIO_MAX * max(1, entry.compress_size):
            raise _unsafe(f"a part unpacks to more than {RATIO_MAX} times its size")
    if len({entry.filename for entry in entries}) != len(entries):
        raise _unsafe("two parts have one name")
    if not {"[Content_Types].xml", "xl/workbook.xml"} <= {entry.filename for entry in entries}:
        raise _unreadable("it is a zip, but no workbook")
    for entry in entries:
        if entry.filename.endswith((".xml", ".rels")):
            with archive.open(entry) as part:
                if _declares_a_type(part):
                    raise _unsafe("a part declares a document type")


def _declares_a_type(part: IO[bytes]) -> bool:
    """Whether XML has a document type declaration, wherever: comments may stand before it."""
    kept = b""
    while read := part.read(_READ_BYTES):
        # UTF-16, which XML may be in, has NULs between the letters.
        block = kept + read.replace(b"\0", b"")
        if _DOCTYPE in block:
            return True
        kept = block[-len(_DOCTYPE) :]
    return False


def _has_heading(sheet: Any, columns: Columns) -> bool:
    sheet.reset_dimensions()
    found = sheet.iter_rows(max_row=HEADING_WITHIN, max_col=COLUMNS_MAX, values_only=True)
    return any(not columns.missing(columns.places_of([str(c or "") for c in row])) for row in found)


def _rows(sheet: Any) -> Iterator[RawRow]:
    # What the file says of its own size is often wrong, and a lie costs memory.
    sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX + 1), 1):
        yield _row(number, cells)


def _row(number: int, cells: Sequence[Any]) -> RawRow:
    texts: list[str] = []
    numbers: set[int] = set()
    formulas: set[int] = set()
    for place, cell in enumerate(cells):
        value = cell.value
        if value is None:
            texts.append("")
        elif isinstance(value, str):
            texts.append(value)
            if cell.data_type == "f" or is_formula(value):
                formulas.add(place)
        elif isinstance(value, datetime | date):
            texts.append(value.strftime("%d/%m/%Y"))
        elif isinstance(value, bool):
            texts.append("TRUE" if value else "FALSE")
        elif isinstance(value, int | float):
            texts.append(_number(value))
            numbers.add(place)
        else:
            # A formula over a range, a duration: nothing that a row has.
            texts.append(str(value)[:100] if cell.data_type != "f" else "=")
            formulas.add(place)
    row = text_row(number, texts)
    return RawRow(number, row.cells, frozenset(numbers), row.formulas | formulas)


def _number(value: float) -> str:
    """As digits. A whole number of more than DIGITS_MAX digits is shown as the spreadsheet mangles it."""
    if float(value).is_integer() and abs(value) < 10**DIGITS_MAX:
        return str(int(value))
    return f"{value:.14E}" if abs(value) >= 10**DIGITS_MAX else repr(value)


def _unsafe(why: str) -> DomainError:
    return SheetUnsafe(
        f"this workbook is not read, {why}: copy the list into the template and send that",
        vi="Tệp XLSX không an toàn để mở (giải nén quá lớn hoặc có nội dung lạ): hãy chép danh sách sang tệp mẫu.",
    )


def _unreadable(why: str) -> DomainError:
    return SheetInvalid(
        f"this is no workbook that can be read ({why}): save it as .xlsx again",
        vi="Không đọc được tệp XLSX: hãy mở bằng Excel hoặc LibreOffice và lưu lại dạng .xlsx.",
    )
