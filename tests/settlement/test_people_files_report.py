"""The fast report is the slow one, byte for byte, with its Merkle tree; gross by counterparty sums up. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.ledger_event import LedgerEvent, from_raw
from services.payments import transfer
from services.settlement import moves, positions, report
from services.settlement.people import fast_report, gross
from services.settlement.people.records import DoesNotTie
from services.settlement.proof import merkle
from tests.payments.conftest import TELECOMS
from tests.settlement.conftest import Scribe, fields_of

CLOSED = datetime(2026, 11, 29, 10, 59, 59, 999_000, tzinfo=UTC)
HEAD = "9f" * 32
BANKS = {"mer_0": "970436", "mer_1": "970418"}
TRADES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(2, 90_000), st.booleans(), st.integers(0, 400_000)),
    max_size=25,
)


def traded(trades: Iterable[tuple[int, int, int, bool, int]]) -> list[LedgerEvent]:
    """Payments with fees, refunds, telecom to telecom, cards, refusals; time goes on by up to minutes."""
    scribe = Scribe()
    wallets = [scribe.wallet(5_000_000, telecom) for telecom in TELECOMS]
    for merchant, bank in BANKS.items():
        scribe.merchant(merchant, bank)
    for who, whom, amount, more, ms in trades:
        telecom, merchant = TELECOMS[who], f"mer_{whom}"
        payment = scribe.pay(wallets[who], merchant, amount, amount // 100, telecom)
        scribe.at_ms += ms
        if more:
            scribe.refund(payment, wallets[who], merchant, amount // 2, amount // 200, telecom)
            legs = transfer.send(wallets[who], wallets[who - 1], telecom, TELECOMS[who - 1], amount)
            scribe.transfer("transfer", amount, legs)
            scribe.transfer("top_up", amount, transfer.top_up("STRIPE", wallets[who], telecom, amount))
            short = amount // 3
            legs = transfer.chargeback(wallets[who], "rcv_1", "STRIPE", telecom, amount, short)
            scribe.transfer("chargeback", amount, legs)
            scribe.events.append(replace(scribe.events[-1], seq=len(scribe.events) + 1, result="INSUFFICIENT_FUNDS"))
    scribe.cut()
    return scribe.events


def raws(events: Iterable[LedgerEvent]) -> list[tuple[int, bytes]]:
    """As the journal keeps them."""
    return [
        (event.seq, b"".join(len(part).to_bytes(4, "big") + part for pair in fields_of(event).items() for part in pair))
        for event in events
    ]


def defined(events: list[LedgerEvent], institution: str) -> bytes:
    rows = report.lines(events, institution, BANKS)
    return b"".join(report.to_csv(rows, institution, 1, CLOSED, HEAD))


@given(TRADES)
def test_all_reports_of_one_pass_are_the_defined_ones_and_their_roots_those_of_their_lines(trades: list[tuple]) -> None:
    events = traded(trades)
    names = (*TELECOMS, *BANKS.values(), "STRIPE", "PLATFORM", "NOBODY")
    sinks = {name: io.BytesIO() for name in names}
    reports = {name: fast_report.Report(name, 1, sinks[name].write) for name in names}
    fast_report.write(moves.from_raw(raws(events)), BANKS, reports.get)
    for name in names:
        end = reports[name].finish(CLOSED, HEAD)
        content = sinks[name].getvalue()
        assert content == defined(events, name)
        lines = content.removesuffix(b"\r\n").split(b"\r\n")
        tree = merkle.Tree()
        tree.extend(lines)
        assert (end.lines, end.root, end.postings) == (len(lines), tree.root(), len(lines) - 3)


@given(TRADES)
def test_light_decoding_has_what_full_decoding_has(trades: list[tuple]) -> None:
    events = traded(trades)
    decoded = [from_raw(seq, raw) for seq, raw in raws(events)]
    assert list(moves.from_raw(raws(events))) == list(moves.from_events(decoded))


@given(TRADES)
def test_gross_by_counterparty_sums_to_the_position_and_mirrors(trades: list[tuple]) -> None:
    events = traded(trades)
    between = gross.fold(moves.from_events(events), BANKS)
    for name, line in positions.total(events, BANKS).lines.items():
        pairs = between.get(name, {}).values()
        assert sum(pair.debits for pair in pairs) == line.debits
        assert sum(pair.credits for pair in pairs) == line.credits
    for one, pairs in between.items():
        for other, pair in pairs.items():
            assert (between[other][one].credits, between[other][one].debits) == (pair.debits, pair.credits)


def test_a_report_of_many_pieces_is_the_defined_one() -> None:
    event = next(one for one in traded([(0, 0, 50_000, False, 0)]) if one.op == "pay")
    events = [replace(event, seq=n, at_ms=event.at_ms + n * 333) for n in range(1, 2500)]
    pieces: list[bytes] = []
    grown = fast_report.Report("VIETTEL", 1, pieces.append)
    fast_report.write(moves.from_events(events), BANKS, {"VIETTEL": grown}.get)
    assert grown.finish(CLOSED, HEAD).postings == 2499
    assert b"".join(pieces) == defined(events, "VIETTEL")
    assert len(pieces) == 3


@pytest.mark.parametrize("odd", ['pay"', "pay,", "pay\r\n", "pay\n"])
def test_a_field_that_would_need_quotes_is_refused_and_not_written_as_two(odd: str) -> None:
    event = next(one for one in traded([(0, 0, 50_000, False, 0)]) if one.op == "pay")
    pieces: list[bytes] = []
    grown = fast_report.Report("VIETTEL", 1, pieces.append)
    fast_report.write(moves.from_events([replace(event, op=odd)]), BANKS, {"VIETTEL": grown}.get)
    with pytest.raises(fast_report.FieldInvalid):
        grown.finish(CLOSED, HEAD)
    assert pieces == []


def test_a_merchant_without_a_known_bank_stops_the_report() -> None:
    events = traded([(0, 0, 50_000, False, 0)])
    with pytest.raises(KeyError):
        fast_report.write(moves.from_events(events), {}, {"970436": fast_report.Report("970436", 1, print)}.get)


def test_bytes_that_are_no_event_stop_the_report() -> None:
    seq, raw = raws(traded([(0, 0, 50_000, False, 0)]))[-1]
    for cut in (raw[:-1], raw[:10], raw + b"\x00\x00\x00\x01"):
        with pytest.raises((ValueError, KeyError)):
            list(moves.from_raw([(seq, cut)]))


def test_a_movement_that_nobody_could_attribute_is_refused() -> None:
    move = moves.Move(7, 0, 1, "odd", "t", "t", [])
    legs = [("settlement:VIETTEL", "d", 5), ("settlement:VNPT", "d", 5), ("mer_0", "c", 4), ("mer_1", "c", 6)]
    with pytest.raises(gross.SeveralOnBothSides, match="event 7"):
        gross.fold([move._replace(legs=legs)], BANKS)
    with pytest.raises(DoesNotTie, match="event 7"):
        gross.fold([move._replace(legs=list(islice(legs, 1)))], BANKS)
