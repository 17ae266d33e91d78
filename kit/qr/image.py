"""The symbol of a payload: Byte mode, error correction M, quiet zone of 4 modules (EMV QRCPS MPM 4.12)."""

import io
import itertools

import segno

from kit.qr.reader import decode

QUIET_ZONE_MODULES = 4
SCALE_MAX = 32  # pixels a module; the largest symbol stays below 4,000 pixels a side


def svg(payload: str) -> bytes:
    """An SVG document that scales to the space it is given."""
    out = io.BytesIO()
    _symbol(payload).save(out, kind="svg", border=QUIET_ZONE_MODULES, omitsize=True)
    return out.getvalue()


def png(payload: str, scale: int = 8) -> bytes:
    """A PNG of `scale` pixels a module."""
    if not 1 <= scale <= SCALE_MAX:
        raise ValueError(f"scale is 1 to {SCALE_MAX} pixels a module")
    out = io.BytesIO()
    _symbol(payload).save(out, kind="png", border=QUIET_ZONE_MODULES, scale=scale)
    return out.getvalue()


def bars(payload: str) -> tuple[int, list[tuple[int, int, int]]]:
    """The symbol's side in modules, without its quiet zone, and its dark bars: row, first column, length."""
    found = []
    matrix = _symbol(payload).matrix
    for row, cells in enumerate(matrix):
        column = 0
        for dark, run in itertools.groupby(cells):
            length = len(list(run))
            if dark:
                found.append((row, column, length))
            column += length
    return len(matrix), found


def _symbol(payload: str) -> segno.QRCode:
    """Says that it is UTF-8 (ECI 000026) where it is not ASCII; draws nothing that our reader refuses."""
    decode(payload)
    if payload.isascii():
        return segno.make(payload, error="m", mode="byte", micro=False, boost_error=False)
    return segno.make(payload, error="m", mode="byte", micro=False, boost_error=False, eci=True, encoding="utf-8")
