"""Opens a file of statements whatever its format, and tells two files apart."""

from __future__ import annotations

import codecs
import hashlib
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from services.settlement import xml_in
from services.settlement.intake import camt, mt, refusals, table
from services.settlement.intake.mapping import Mapping, fitting
from services.settlement.intake.refusals import refused
from services.settlement.intake.statement import Statement
from services.settlement.intake.values import latest
from services.settlement.records import StatementHead

# What is looked at to tell what a file is.
SNIFF_BYTES = 64 << 10
# Kinds that are of whole days: what is notified of a day that has its statement is in that, and is looked at no more.
WHOLE_DAYS = frozenset({"camt.053", "mt940"})
_MT_START = re.compile(r"^(?:\{1:F|:20:)", re.MULTILINE)


def open_statements(path: Path, today: date, mapping: Mapping | None = None) -> Iterator[Statement]:
    """The file's statements in order; what it is, is told from its content and never from its name.

    `today`: Vietnam's date, from which FUTURE_DATE follows. `mapping`: how a CSV is read; without it, the named mapping
    whose columns its header has. Raises FileRefused (codes: refusals.REASONS), at any point: take nothing from a file
    before all of it was read. Raises RuntimeError if a statement's entries were not read before the next statement.
    """
    size = path.stat().st_size
    if size == 0:
        raise refused("EMPTY", "the file is empty: send it again")
    if size > refusals.BYTES_MAX:
        raise refused("TOO_LARGE", f"more than {refusals.BYTES_MAX} bytes: send it in parts")
    for statement in _reader(path, today, mapping):
        yield statement
        if not statement.ended:
            raise RuntimeError("read a statement's entries to their end before the next statement")
        until_on = statement.head.until_on
        if statement.head.kind in WHOLE_DAYS and until_on and until_on > latest(today):
            raise refused("FUTURE_DATE", f"it is of days up to {until_on}, which is not yet: send it then")


def _reader(path: Path, today: date, mapping: Mapping | None) -> Iterator[Statement]:
    with path.open("rb") as source:
        head = source.read(SNIFF_BYTES)
    start = _text(head).lstrip()
    if start.startswith("<"):
        names = xml_in.opening(path)
        if camt.MESSAGES.isdisjoint(names):
            what = " ".join(names[:2])[:80]
            raise refused("UNKNOWN_FORMAT", f"XML, but no camt.052, .053 or .054 ({what}): send a statement", 1)
        return camt.statements(path, today)
    if _MT_START.search(start[:4_096]):
        return mt.statements(path, today)
    if not start:
        raise refused("EMPTY", "nothing but blanks in it: send it again")
    mapping = mapping or fitting(head)
    if mapping is None:
        raise refused("UNKNOWN_FORMAT", "neither camt, MT940/942 nor a CSV whose columns are known: name a mapping")
    return table.statements(path, today, mapping)


def _text(head: bytes) -> str:
    """Enough of the text to see what it is: one character a byte where no byte order mark says otherwise."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):  # fmt: skip
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace")
    # XML may come in UTF-16 without a mark.
    if head[:4] in (b"<\0?\0", b"\0<\0?"):
        return "<"
    return head.decode("latin-1")


def fingerprint(path: Path) -> str:
    """SHA-256 of the file's bytes, hex: the same file twice has the same."""
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def identity(head: StatementHead) -> str:
    """Which statement this is, whoever sends it again: account, kind, message id and statement id.

    The same identity with another fingerprint is another body under a used id.
    """
    return "|".join(
        part.replace("\\", "\\\\").replace("|", "\\|")
        for part in (head.account, head.kind, head.message_id, head.statement_id)
    )
