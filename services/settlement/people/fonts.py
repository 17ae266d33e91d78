"""Be Vietnam Pro for printing: all of Vietnamese, and figures of one width, so that columns of amounts line up.

The family has proportional figures only ("1" is half as wide as "0"); here each stands in the middle of the widest's
place. What is printed is a subset of it, embedded.
"""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import fontpkg_be_vietnam_pro
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

_FIGURES = "0123456789"


@cache
def tabular(weight: str) -> bytes:
    """A TrueType file of this weight ("Regular", "Bold")."""
    with TTFont(
        Path(fontpkg_be_vietnam_pro.ROOT, "files", f"BeVietnamPro-{weight}.ttf"), recalcTimestamp=False
    ) as font:
        names = font.getBestCmap()
        figures = [names[ord(figure)] for figure in _FIGURES]
        widest = max(font["hmtx"][glyph][0] for glyph in figures)
        for glyph in figures:
            width, bearing = font["hmtx"][glyph]
            shift = (widest - width) // 2
            font["glyf"][glyph].coordinates.translate((shift, 0))
            font["glyf"][glyph].recalcBounds(font["glyf"])
            font["hmtx"][glyph] = (widest, bearing + shift)
        file = io.BytesIO()
        font.save(file)
    return file.getvalue()
