"""Events in which money moved that somebody owes or is owed, as lightly as positions and reports need them. Pure.

kit/ledger_event.py decodes everything of an event; of a report's line that is nine tenths too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from struct import Struct, error
from typing import NamedTuple

from kit.ledger_event import LedgerEvent

# Movements that settle what earlier ones made owed: they change no position between institutions.
SETTLES = frozenset({"net", "payout", "paid", "unpaid", "returned", "liquidity_in", "liquidity_out", "correct"})

_length = Struct(">I").unpack_from

# The layout in which the ledger writes, up to an intent's length: of the fields that are wanted lengths and values, the
# others passed over. No value but an intent holds a NUL, and every length begins with one, so there is one reading.
_WANTED = (b"at", b"w", b"op", b"r", b"t", b"x", b"l")
_LAYOUT = re.compile(
    b"".join(
        re.escape(len(name).to_bytes(4, "big") + name) + (b"(.{4})([^\\0]*)" if name in _WANTED else b".{4}[^\\0]*")
        for name in (b"at", b"w", b"e", b"op", b"r", b"s", b"h", b"t", b"x", b"a", b"f", b"l")
    )
    + re.escape(b"\0\0\0\1i")
    + b"(.{4})",
    re.DOTALL,
)
_LENGTHS = Struct(f">{len(_WANTED)}I").unpack
_BEHIND_INTENT = b"\0\0\0\1z"


class Move(NamedTuple):
    """One event that moved money. `legs`: (account, side "d", "c" or "-", đồng); `payment_id`: what it refers to."""

    seq: int
    at_ms: int
    window: int
    op: str
    transfer_id: str
    payment_id: str
    legs: list[tuple[str, str, int]]


def from_events(events: Iterable[LedgerEvent]) -> Iterator[Move]:
    """Those of decoded events that moved money and settle nothing."""
    for event in events:
        if event.moved and event.op not in SETTLES:
            legs = [(leg.account_id, leg.side, leg.amount) for leg in event.legs]
            related = event.related or event.transfer_id
            yield Move(event.seq, event.at_ms, event.window, event.op, event.transfer_id, related, legs)


def from_raw(raws: Iterable[tuple[int, bytes]]) -> Iterator[Move]:
    """Those of (sequence number, canonical bytes) that moved money and settle nothing, as from_events has them.

    `raws`: store.raw_events(first, last). Raises KeyError or ValueError where bytes are not an event's.
    """
    for seq, raw in raws:
        at, window, op, result, transfer_id, related, legs = _fields(seq, raw)
        if result != b"OK" or not legs:
            continue
        name = op.decode()
        if name in SETTLES:
            continue
        # A leg is eight fields; what it made of its account is not looked at.
        parts = legs.decode().replace(";", ",").split(",")
        if len(parts) % 8:
            raise ValueError(f"event {seq} has a posting that is not whole: verify the books' chain")
        sides = parts[1::8]
        if "d" in sides or "c" in sides:
            id_ = transfer_id.decode()
            yield Move(
                seq, int(at), int(window), name, id_, related.decode() or id_,
                list(zip(parts[::8], sides, map(int, parts[2::8]), strict=True)),
            )  # fmt: skip


def _fields(seq: int, raw: bytes) -> tuple[bytes, ...]:
    """Values of the fields that are wanted."""
    match = _LAYOUT.match(raw)
    if match is not None:
        found = match.groups()
        values = found[1:-1:2]
        rest = raw[match.end() + int.from_bytes(found[-1], "big") :]
        if _LENGTHS(b"".join(found[:-1:2])) == tuple(map(len, values)) and _ends(rest):
            return values
    return _by_lengths(seq, raw)


def _ends(rest: bytes) -> bool:
    """Whether what is behind an intent is the last field, whole."""
    return rest[:5] == _BEHIND_INTENT and len(rest) == 9 + int.from_bytes(rest[5:9], "big")


def _by_lengths(seq: int, raw: bytes) -> tuple[bytes, ...]:
    """Of events in another layout, the same."""
    fields: dict[bytes, bytes] = {}
    at, end = 0, len(raw)
    try:
        while at < end:
            value = at + 4 + _length(raw, at)[0]
            after = value + 4 + _length(raw, value)[0]
            fields[raw[at + 4 : value]] = raw[value + 4 : after]
            at = after
    except error:
        at = -1
    if at != end:
        raise ValueError(f"event {seq} is not whole: verify the books' chain")
    return tuple(fields[name] for name in _WANTED)
