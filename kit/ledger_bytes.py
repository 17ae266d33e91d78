"""An event's canonical bytes taken apart, fast: one pattern for the layout in which the ledger writes. Pure.

`kit.ledger_event` says what an event means. Bytes in another layout are read by the rule of lengths: every name and
value behind its length (kit/streams/entry.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from struct import Struct
from typing import NamedTuple

# In the order in which the ledger writes them (services/payments/store/functions, `event`).
NAMES = (b"at", b"w", b"e", b"op", b"r", b"s", b"h", b"t", b"x", b"a", b"f", b"l", b"i", b"z")


def _length(name: bytes) -> bytes:
    return len(name).to_bytes(4, "big")


# Up to an intent's length. No value but an intent holds a NUL, and every length begins with one, so there is one
# reading; the lengths are compared with what was found.
_LAYOUT = re.compile(
    b"".join(re.escape(_length(name) + name) + b"(....)([^\\0]*)" for name in NAMES[: NAMES.index(b"i")])
    + re.escape(_length(b"i") + b"i")
    + b"(....)",
    re.DOTALL,
)
_LENGTHS = Struct(f">{NAMES.index(b'i') + 1}I").unpack
_BEHIND_INTENT = _length(b"z") + b"z"
# Of the same fields, those that who sums up postings needs.
_SUMMED = (b"at", b"w", b"op", b"r", b"l")
_POSTED = re.compile(
    b"".join(
        re.escape(_length(name) + name) + (b"(.{4})([^\\0]*)" if name in _SUMMED else b".{4}[^\\0]*")
        for name in NAMES[: NAMES.index(b"i")]
    )
    + re.escape(_length(b"i") + b"i"),
    re.DOTALL,
)
_POSTED_LENGTHS = Struct(f">{len(_SUMMED)}I").unpack


class Fields(NamedTuple):
    """An event's fields as bytes, named as the ledger names them (docs/ledger.md, "An event")."""

    at: bytes
    w: bytes
    e: bytes
    op: bytes
    r: bytes
    s: bytes
    h: bytes
    t: bytes
    x: bytes
    a: bytes
    f: bytes
    l: bytes  # noqa: E741 - the ledger's name
    i: bytes
    z: bytes


def posted(raw: bytes) -> tuple[bytes, ...]:
    """An event's time, window, operation, result and legs: half the work of `fields`. Raises as that does."""
    match = _POSTED.match(raw)
    if match is not None:
        found = match.groups()
        values = found[1::2]
        if _POSTED_LENGTHS(b"".join(found[::2])) == tuple(map(len, values)):
            return values
    whole = fields(raw)
    return whole.at, whole.w, whole.op, whole.r, whole.l


def fields(raw: bytes) -> Fields:
    """An event's fields. Raises KeyError or ValueError where `raw` is no event."""
    match = _LAYOUT.match(raw)
    if match is not None:
        found = match.groups()
        values, lengths = found[1::2], _LENGTHS(b"".join(found[::2]))
        start = match.end()
        end = start + lengths[-1]
        change = raw[end + 9 :]
        if lengths[:-1] == tuple(map(len, values)) and raw[end : end + 9] == _BEHIND_INTENT + _length(change):
            return Fields._make((*values, raw[start:end], change))
    return _by_lengths(raw)


def _by_lengths(raw: bytes) -> Fields:
    parts, at = [], 0
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        parts.append(raw[at + 4 : at + 4 + length])
        at += 4 + length
    return named(dict(zip(parts[::2], parts[1::2], strict=True)))


def named(values: Mapping[bytes, bytes]) -> Fields:
    """An event's fields by their names; `z` may be missing. Raises KeyError where another one is."""
    return Fields._make([*(values[name] for name in NAMES[:-1]), values.get(b"z", b"")])
