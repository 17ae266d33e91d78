"""CSV as spreadsheets write it: UTF-8 with or without a byte order mark, UTF-16; comma, semicolon or tab. Pure."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator

from kit.errors import SheetInvalid
from kit.sheets.columns import Columns
from kit.sheets.table import RawRow, text_row

# A quotation mark that is never closed swallows the rest of the file: a field of more than this is none.
_FIELD_CHARACTERS_MAX = 32_768
_HEAD_BYTES = 4_096
_DELIMITERS = ",;\t"


def rows(content: bytes, columns: Columns) -> Iterator[RawRow]:
    """Its rows, numbered from 1. Raises SheetInvalid where it is no text, or no CSV."""
    text = decoded(content, columns)
    csv.field_size_limit(_FIELD_CHARACTERS_MAX)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text, columns))
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield text_row(number, cells)
    except csv.Error as error:
        raise SheetInvalid(
            f"the file is not CSV at row {number + 1}: {error}",
            vi=f"Tệp không đúng định dạng CSV ở dòng {number + 1}: kiểm tra dấu ngoặc kép.",
        ) from error


def decoded(content: bytes, columns: Columns) -> str:
    """The text. Raises SheetInvalid where its encoding is another, and says what to do."""
    encoding = _encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        guess = " (windows-1258, it seems)" if _is_1258(content, columns) else ""
        raise SheetInvalid(
            f'the file is not UTF-8 at byte {error.start}{guess}: save it as "CSV UTF-8 (comma delimited)", or as XLSX',
            vi='Tệp không phải UTF-8 (có thể là windows-1258, TCVN3 hoặc VNI): hãy lưu lại dạng "CSV UTF-8" hoặc XLSX.',
        ) from error
    if "\0" in text:
        raise SheetInvalid("the file is no text: it holds NUL", vi="Tệp không phải văn bản CSV hay XLSX.")
    return text.removeprefix("\ufeff")


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = content[:_HEAD_BYTES]
    # UTF-16 without its mark: delimiters and digits have a NUL beside them, always on the same side.
    if len(head) >= 4 and head.count(0) > len(head) // 8:
        return "utf-16-le" if head[1::2].count(0) > head[::2].count(0) else "utf-16-be"
    return "utf-8-sig"


def _is_1258(content: bytes, columns: Columns) -> bool:
    """Whether its first line, read as windows-1258, names columns."""
    line = content[:_HEAD_BYTES].partition(b"\n")[0].decode("cp1258", "replace")
    return any(columns.places_of(line.split(delimiter)) for delimiter in _DELIMITERS)


def _delimiter(text: str, columns: Columns) -> str:
    """The one that divides the first lines into the most columns that are known; a heading has no other."""
    head = text[:_HEAD_BYTES].splitlines()[:20]

    def known(delimiter: str) -> tuple[int, int]:
        return (
            max((len(columns.places_of(line.replace('"', "").split(delimiter))) for line in head), default=0),
            sum(line.count(delimiter) for line in head),
        )

    return max(_DELIMITERS, key=known)
