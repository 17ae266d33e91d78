"""The heading and rows of a list of vendors. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from kit.sheets import reading
from kit.sheets.table import Heading, RawRow
from services.onboarding.bulk.columns import VENDORS

FILE_BYTES_MAX = 4 * 1024 * 1024


def read(content: bytes) -> tuple[Heading, Iterator[RawRow]]:
    """Raises SheetInvalid, SheetUnsafe and SheetTooLarge, each with what to do, in English and Vietnamese; so do the
    rows while they are read."""
    return reading.read(content, VENDORS)
