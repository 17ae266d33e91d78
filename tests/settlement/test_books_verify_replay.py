"""The fast replay finds what the fold finds and comes to the same books, whatever the events say."""

from __future__ import annotations

import random
from dataclasses import fields as fields_of_class
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from kit import ledger_bytes
from kit.ledger_event import LedgerEvent, PostedLeg, from_raw
from kit.streams.entry import Entry
from services.payments import transfer
from services.settlement import fold
from services.settlement.books.replay import Replay, apart, without_collector
from tests.settlement.conftest import Scribe, fields_of
from tests.settlement.test_statements import market_days


def raw_of(event: LedgerEvent) -> bytes:
    return Entry(event.seq, fields_of(event)).raw


def take(books: Replay, event: LedgerEvent) -> None:
    books.take(event.seq, raw_of(event), apart(raw_of(event)))


def same(events: list[LedgerEvent]) -> Replay:
    """Both ways over the same events; they must not differ in anything."""
    slow, fast = fold.Books(), Replay()
    for event in events:
        try:
            slow.apply(from_raw(event.seq, raw_of(event)))
        except (KeyError, ValueError) as error:  # no event at all: the other must not take it either
            with pytest.raises(type(error)):
                take(fast, event)
            return fast
        with without_collector():
            take(fast, event)
    for one in fields_of_class(fold.Books):
        assert getattr(fast, one.name) == getattr(slow, one.name), one.name
    return fast


def spoil(event: LedgerEvent, chance: random.Random) -> LedgerEvent:
    """The event with one thing changed."""
    if event.legs and chance.random() < 0.7:
        place = chance.randrange(len(event.legs))
        leg = event.legs[place]
        name = chance.choice(["amount", "debits", "credits", "debits_pending", "credits_pending", "version"])
        changed: PostedLeg = chance.choice([
            replace(leg, **{name: getattr(leg, name) + chance.choice([-1, 1, 10**13])}),
            replace(leg, side=chance.choice("dcpq-")),
            replace(leg, account_id=chance.choice(event.legs).account_id),
            replace(leg, account_id="wal_nobody"),
        ])  # fmt: skip
        return replace(event, legs=(*event.legs[:place], changed, *event.legs[place + 1 :]))
    changes: list[dict[str, Any]] = [
        {"window": event.window + 1}, {"at_ms": event.at_ms - 10_000_000}, {"result": "INSUFFICIENT_FUNDS"},
        {"scope": "usr|pay|1"}, {"body_hash": ""}, {"amount": str(10**12)}, {"op": "pay"}, {"op": "transfer"},
    ]  # fmt: skip
    return replace(event, **chance.choice(changes))


@given(st.integers(0, 10_000), st.integers(0, 4))
@examples(max_examples=30)
def test_the_replay_is_the_fold_on_days_of_a_market_with_and_without_wrong_events(seed: int, wrongs: int) -> None:
    chance, events = random.Random(seed), list(market_days(seed, 25).events)
    for _ in range(wrongs):
        place = chance.randrange(len(events))
        events[place] = spoil(events[place], chance)
    same(events)


@pytest.mark.parametrize("above", [0, 1])
def test_a_month_above_its_limit_is_the_folds_finding(scribe: Scribe, above: int) -> None:
    wallet, merchant = scribe.wallet(300_000_000), scribe.merchant("mer_1")
    for amount in (60_000_000, 40_000_000 + above):
        scribe.pay(wallet, merchant, amount)
    books = same(scribe.events)
    assert bool(books.findings) == bool(above)


def test_a_guarantee_that_does_not_cover_is_the_folds_finding_and_is_counted_once(scribe: Scribe) -> None:
    wallet = scribe.wallet(1_000)
    scribe.open("psp:STRIPE", "psp")
    legs = [
        transfer.Leg("d", 500, "psp:STRIPE"), transfer.Leg("c", 500, wallet),
        transfer.Leg("d", 500, "clearing:VIETTEL"), transfer.Leg("c", 500, "settlement:VIETTEL"),
    ]  # fmt: skip
    scribe.transfer("top_up", 500, legs)
    books = same(scribe.events)
    assert len(books.findings) == 1
    assert books.accounts[wallet].credits == 1_500


def test_closings_are_where_the_markers_stand(scribe: Scribe) -> None:
    scribe.cut()
    scribe.wallet(5)
    marker = scribe.cut()
    books = same(scribe.events)
    assert books.closings == {1: marker.seq - 5, 2: marker.seq}


def test_plain_transfers_take_the_short_way(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    wallet, merchant = scribe.wallet(1_000_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 100, 1)
    books = Replay()
    for event in scribe.events[:-1]:
        take(books, event)
    monkeypatch.setattr("services.settlement.books.replay.from_raw", None)
    take(books, scribe.events[-1])
    assert books.payments == {scribe.events[-1].transfer_id: (100, 0)}


# Decoding ------------------------------------------------------------------------------------------------------

VALUES = st.lists(st.binary(max_size=12), min_size=len(ledger_bytes.NAMES), max_size=len(ledger_bytes.NAMES))


@given(VALUES)
def test_fields_are_read_back_whatever_bytes_they_hold(values: list[bytes]) -> None:
    raw = Entry(1, dict(zip(ledger_bytes.NAMES, values, strict=True))).raw
    assert ledger_bytes.fields(raw) == ledger_bytes.Fields._make(values)


@given(
    st.lists(st.binary(max_size=12).map(lambda part: part.replace(b"\0", b"0")), min_size=14, max_size=14),
    st.binary(max_size=40),
    st.integers(0, 13),
)
def test_what_is_posted_is_what_all_fields_say(values: list[bytes], intent: bytes, turned: int) -> None:
    pairs = [*zip(ledger_bytes.NAMES, [*values[:12], intent, values[13]], strict=True)]
    for order in (pairs, pairs[turned:] + pairs[:turned]):  # another layout is read too
        raw = Entry(1, dict(order)).raw
        found = ledger_bytes.fields(raw)
        assert ledger_bytes.posted(raw) == (found.at, found.w, found.op, found.r, found.l)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_an_intent_that_looks_like_the_next_field_is_read_by_its_length(before: bytes, after: bytes) -> None:
    values = [b"1"] * len(ledger_bytes.NAMES)
    values[-2] = before + b"\0\0\0\x01z\0\0\0\x01y" + after
    raw = Entry(1, dict(zip(ledger_bytes.NAMES, values, strict=True))).raw
    assert ledger_bytes.fields(raw).i == values[-2]


def test_an_older_layout_without_changes_is_read_too(scribe: Scribe) -> None:
    found = fields_of(scribe.events[0])
    found.pop(b"z", None)
    assert ledger_bytes.fields(Entry(1, found).raw).z == b""
    assert ledger_bytes.fields(Entry(1, dict(reversed(found.items()))).raw).op == b"genesis"


@pytest.mark.parametrize("raw", [b"", b"\0\0\0\x02at", b"\0\0\0\x09not event", b"x"])
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    for read in (ledger_bytes.fields, ledger_bytes.posted):
        with pytest.raises((KeyError, ValueError)):
            read(raw)
