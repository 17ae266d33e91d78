"""Lines of text files from strangers, within limits. Raises FileRefused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from services.settlement.intake import refusals
from services.settlement.intake.refusals import refused


def lines_of(source: TextIO) -> Iterator[str]:
    """Lines with their ends. Raises FileRefused LINE_TOO_LONG, NUL or ENCODING."""
    number = 0
    while True:
        number += 1
        try:
            line = source.readline(refusals.LINE_MAX + 1)
        except UnicodeError as error:
            raise refused(
                "ENCODING", f"it is not in {source.encoding}: send it so, or name its encoding", number
            ) from error
        if not line:
            return
        if len(line) > refusals.LINE_MAX:
            raise refused("LINE_TOO_LONG", f"more than {refusals.LINE_MAX} characters: correct the file", number)
        if "\0" in line:
            raise refused("NUL", "a NUL byte: send plain text", number)
        yield line
