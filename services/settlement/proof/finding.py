"""What a check found wrong. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """`code` is stable, `name` the file it is about ("" for none), and the text says what is wrong and what to do."""

    code: str
    name: str
    text: str
