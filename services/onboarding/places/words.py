"""Names and reasons as people type them. Pure."""

from __future__ import annotations

import unicodedata

from kit.errors import InvalidArgument


def text(value: str, name: str, characters_max: int) -> str:
    """`value` trimmed and in NFC. Raises InvalidArgument where it is empty, too long, or cannot be seen."""
    trimmed = " ".join(unicodedata.normalize("NFC", value).split())
    if not 1 <= len(trimmed) <= characters_max or not trimmed.isprintable():
        raise InvalidArgument(f"{name} must be 1 to {characters_max} visible characters")
    return trimmed
