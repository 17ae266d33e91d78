"""Names as people write them: what may stand in one, and when two are alike."""

from __future__ import annotations

import unicodedata

from kit.qr.names import fold

# Marks that turn the reading direction: "Nga<RLO>..." is shown as something else than what is stored.
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def tidy(text: str) -> str:
    """In NFC, without spaces around it."""
    return unicodedata.normalize("NFC", text).strip()


def problem_of(text: str, characters_max: int) -> str | None:
    """TEXT_MISSING, TEXT_TOO_LONG, TEXT_DIRECTION (right-to-left marks) or TEXT_CONTROL (what cannot be seen)."""
    text = tidy(text)
    if not text:
        return "TEXT_MISSING"
    if len(text) > characters_max:
        return "TEXT_TOO_LONG"
    if not _DIRECTION.isdisjoint(text):
        return "TEXT_DIRECTION"
    return None if text.isprintable() else "TEXT_CONTROL"


def alike(text: str) -> str:
    """What two spellings of one name have in common: no diacritics, no case, single spaces, letters and digits only."""
    plain = fold(text).casefold()
    return " ".join("".join(c if c.isalnum() else " " for c in plain).split())
