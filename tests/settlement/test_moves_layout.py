"""Light decoding reads whatever order of fields stands in the books, and nothing that is not whole. Pure."""

from __future__ import annotations

from struct import pack

import pytest

from kit.ledger_event import from_raw
from services.settlement import moves

FIELDS = {
    b"at": b"1795885200000", b"w": b"3", b"e": b"1", b"op": b"pay", b"r": b"OK", b"s": b"usr_b|pay|key", b"h": b"aa",
    b"t": b"pay_1", b"x": b"", b"a": b"100", b"f": b"1",
    b"l": b"wal_1,d,100,100,900,0,0,3;mer_1,c,99,0,99,0,0,1;fee:PLATFORM,c,1,0,1,0,0,1",
    b"i": b"\0\0\0\1z\0", b"z": b"pay,,0,,0",
}  # fmt: skip
MOVE = moves.Move(
    7, 1_795_885_200_000, 3, "pay", "pay_1", "pay_1",
    [("wal_1", "d", 100), ("mer_1", "c", 99), ("fee:PLATFORM", "c", 1)],
)  # fmt: skip


def raw(fields: dict[bytes, bytes]) -> bytes:
    return b"".join(pack(">I", len(part)) + part for pair in fields.items() for part in pair)


def read(fields: dict[bytes, bytes]) -> list[moves.Move]:
    return list(moves.from_raw([(7, raw(fields))]))


def test_the_ledgers_layout_and_any_other_are_read_alike() -> None:
    others = [
        dict(reversed(FIELDS.items())),
        {name: value for name, value in FIELDS.items() if name != b"z"},
        FIELDS | {b"new": b"field"},
    ]
    for fields in (FIELDS, *others):
        assert read(fields) == [MOVE] == list(moves.from_events([from_raw(7, raw(fields))]))


def test_an_intent_may_hold_any_byte_and_does_not_pass_for_fields() -> None:
    for intent in (b"", b"\0" * 40, raw({b"z": b"x"}), raw(FIELDS)):
        assert read(FIELDS | {b"i": intent}) == [MOVE]


@pytest.mark.parametrize("name", [b"at", b"op", b"t", b"l", b"i", b"z"])
def test_an_event_whose_lengths_are_wrong_is_refused(name: bytes) -> None:
    right = raw(FIELDS)
    place = right.index(pack(">I", len(name)) + name) + 4 + len(name)
    for more in (1, 200):
        length = int.from_bytes(right[place : place + 4], "big") + more
        with pytest.raises((ValueError, KeyError)):
            list(moves.from_raw([(7, right[:place] + pack(">I", length) + right[place + 4 :])]))


def test_a_posting_that_is_not_whole_is_refused() -> None:
    with pytest.raises(ValueError, match="event 7"):
        read(FIELDS | {b"l": b"wal_1,d,100,100,900,0,0"})


@pytest.mark.parametrize(("op", "legs"), [(b"payout", FIELDS[b"l"]), (b"open", b"wal_1,-,0,0,0,0,0,1"), (b"cut", b"")])
def test_what_settles_or_moves_nothing_is_passed_over(op: bytes, legs: bytes) -> None:
    assert read(FIELDS | {b"op": op, b"l": legs}) == []
    assert read(FIELDS | {b"r": b"INSUFFICIENT_FUNDS"}) == []
