"""Net positions sum to zero, reports tie with them, and the chain notices every change. Pure."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.ledger_event import LedgerEvent, from_raw
from kit.streams.entry import Entry
from services.payments import fees, transfer
from services.settlement import chain, fold, positions, report
from tests.payments.conftest import TELECOMS
from tests.settlement.conftest import Scribe

BANKS = ("970436", "970415", "970405")
TRADES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(1, 90_000), st.sampled_from(["5999", "5499"]),
              st.lists(st.integers(1, 90_000), max_size=3)),
    max_size=12,
)  # fmt: skip


def traded(trades: list[Any]) -> Scribe:
    """Wallets of three telecoms pay four merchants of three banks; some of it is given back in parts, or undone."""
    scribe = Scribe()
    wallets = [scribe.wallet(5_000_000, telecom) for telecom in TELECOMS]
    merchants = [scribe.merchant(f"mer_{n}", BANKS[n % 3]) for n in range(4)]
    for who, whom, amount, category, parts in trades:
        fee, telecom, given_back = fees.payment_fee(amount, category, 0), TELECOMS[who], 0
        payment = scribe.pay(wallets[who], merchants[whom], amount, fee, telecom)
        if not parts and amount % 2:
            scribe.undo("pay", payment, wallets[who], merchants[whom], amount, fee, telecom)
        for part in parts:
            part = min(part, amount - given_back)
            if part == 0:
                break
            fee_part = transfer.refund_fee(amount, fee, given_back, part)
            scribe.refund(payment, wallets[who], merchants[whom], part, fee_part, telecom)
            given_back += part
    scribe.cut()
    return scribe


@given(TRADES)
def test_net_positions_sum_to_zero_and_are_what_the_accounts_hold(trades: list[Any]) -> None:
    scribe = traded(trades)
    books = fold.replay(scribe.events)
    assert books.findings == []
    totals = positions.total(scribe.events, books.banks)
    positions.check(totals)
    nets = {institution: line.net for institution, line in totals.lines.items()}
    for telecom in TELECOMS:
        claim = books.accounts[f"settlement:{telecom}"]
        assert nets.get(telecom, 0) == claim.credits - claim.debits
    for bank in BANKS:
        owed = sum(a.credits - a.debits for i, a in books.accounts.items() if books.banks.get(i) == bank)
        assert nets.get(bank, 0) == owed
    fee = books.accounts[transfer.PLATFORM_FEE]
    assert nets.get(positions.PLATFORM, 0) == fee.credits - fee.debits
    assert totals.payments == len(trades)
    assert totals.refunds == sum(event.op in ("refund", "reverse") for event in scribe.events)
    assert totals.value == -sum(nets.get(telecom, 0) for telecom in TELECOMS)


@given(TRADES)
def test_every_institutions_report_ties_with_its_position(trades: list[Any]) -> None:
    scribe = traded(trades)
    banks = fold.replay(scribe.events).banks
    totals = positions.total(scribe.events, banks)
    for institution, line in totals.lines.items():
        rows = report.lines(scribe.events, institution, banks)
        text = b"".join(report.to_csv(rows, institution, 1, datetime.now(UTC), "ab" * 32)).decode("utf-8-sig")
        head, *postings, total, net = csv.reader(io.StringIO(text, newline=""))
        assert tuple(head) == report.COLUMNS
        assert len(postings) == line.transfers
        assert sum(int(row[7] or 0) for row in postings) == int(total[7]) == line.debits
        assert sum(int(row[8] or 0) for row in postings) == int(total[8]) == line.credits
        assert int(net[8]) == line.net
        assert net[4] == f"chain {'ab' * 32}", "the books' head is on its face"
        assert all(bool(row[7]) != bool(row[8]) for row in postings)


def test_positions_that_do_not_sum_to_zero_are_never_settled(scribe: Scribe) -> None:
    merchant = scribe.merchant("mer_1")
    scribe.pay(scribe.wallet(10_000), merchant, 5_000)
    broken = [replace(e, legs=e.legs[:2]) if e.op == "pay" else e for e in scribe.events]
    with pytest.raises(AssertionError, match="5000 đồng"):
        positions.check(positions.total(broken, {merchant: "970436"}))


def test_refusals_openings_and_cash_are_nobodys_position(scribe: Scribe) -> None:
    scribe.wallet(10_000)
    scribe.write("pay", result="INSUFFICIENT_FUNDS", amount="70000")
    totals = positions.total(scribe.events, {})
    assert (totals.lines, totals.payments, totals.value) == ({}, 0, 0)


@pytest.mark.parametrize("op", ["pay", "capture"])
def test_a_payment_that_an_operator_undid_is_given_back(scribe: Scribe, op: str) -> None:
    wallet, merchant = scribe.wallet(100_000), scribe.merchant("mer_1")
    payment = scribe.transfer(op, 50_000, transfer.pay(wallet, merchant, "VIETTEL", 50_000, 100), 100)
    paid = len(scribe.events)
    scribe.undo(op, payment, wallet, merchant, 50_000, 100)
    totals = positions.total(scribe.events, {merchant: "970436"})
    assert (totals.payments, totals.refunds, totals.value) == (1, 1, 0)
    assert {name: line.net for name, line in totals.lines.items()} == {"VIETTEL": 0, "970436": 0, "PLATFORM": 0}
    assert totals.fees == {"VIETTEL": 0}
    later = positions.total(scribe.events[paid:], {merchant: "970436"})
    assert (later.payments, later.refunds, later.value) == (0, 1, -50_000), "of the window in which it was undone"


@pytest.mark.parametrize("op", ["fund", "cash_in", "cash_out", "transfer", "disburse"])
@pytest.mark.parametrize("telecom", ["VIETTEL", "VNPT"])
def test_what_an_operator_undid_and_no_merchant_had_is_no_refund(scribe: Scribe, op: str, telecom: str) -> None:
    source, target = ("org_1" if op == "disburse" else scribe.wallet(100_000)), scribe.wallet(100_000, telecom)
    scribe.undo(op, "trf_1", source, target, 50_000, 0, "VIETTEL", telecom)
    totals = positions.total(scribe.events, {})
    assert (totals.payments, totals.refunds, totals.value) == (0, 0, 0)


def test_a_merchant_without_a_bank_cannot_be_settled_in_silence(scribe: Scribe) -> None:
    scribe.pay(scribe.wallet(10_000), "mer_1", 5_000)
    with pytest.raises(KeyError):
        positions.total(scribe.events, {})


def test_a_report_comes_in_pieces_and_names_times_in_vietnam(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "ROWS_A_PIECE", 2)
    wallet, merchant = scribe.wallet(100_000), scribe.merchant("mer_1")
    for _ in range(5):
        scribe.pay(wallet, merchant, 1_000)
    rows = report.lines(scribe.events, "VIETTEL", {merchant: "970436"})
    pieces = list(report.to_csv(rows, "VIETTEL", 1, datetime(2026, 11, 29, 17, tzinfo=UTC), "00"))
    assert len(pieces) == 3
    text = b"".join(pieces).decode()
    assert text.startswith("\ufeff")
    assert text.count("\r\n") == 8
    assert "2026-11-29T00:00:00." in text
    assert "2026-11-30T00:00:00.000+07:00,total,5 postings,,VIETTEL,5000,0" in text


# The chain -----------------------------------------------------------------------------------------------------

ENTRIES = st.lists(
    st.dictionaries(st.binary(min_size=1, max_size=4), st.binary(max_size=6), min_size=1, max_size=3),
    min_size=1,
    max_size=8,
)


def heads(raws: list[bytes]) -> list[bytes]:
    found, head = [], chain.GENESIS
    for seq, raw in enumerate(raws, start=1):
        head = chain.link(head, seq, raw)
        found.append(head)
    return found


@given(ENTRIES, st.data())
def test_any_change_removal_or_swap_changes_the_chains_head(
    entries: list[dict[bytes, bytes]], data: st.DataObject
) -> None:
    raws = [Entry(n, fields).raw for n, fields in enumerate(entries, start=1)]
    place = data.draw(st.integers(0, len(raws) - 1))
    changed = bytearray(raws[place])
    changed[data.draw(st.integers(0, len(changed) - 1))] ^= data.draw(st.integers(1, 255))
    others = [
        [*raws[:place], bytes(changed), *raws[place + 1 :]],
        [*raws[:place], *raws[place + 1 :]],
        [*raws[:place], raws[place], *raws[place:]],
    ]
    other = data.draw(st.integers(0, len(raws) - 1))
    if raws[other] != raws[place]:
        swapped = list(raws)
        swapped[other], swapped[place] = swapped[place], swapped[other]
        others.append(swapped)
    for wrong in others:
        assert ([chain.GENESIS, *heads(wrong)])[-1] != heads(raws)[-1]


@given(st.dictionaries(st.binary(min_size=1, max_size=4), st.binary(max_size=6)),
       st.dictionaries(st.binary(min_size=1, max_size=4), st.binary(max_size=6)))  # fmt: skip
def test_no_two_entries_have_the_same_bytes(one: dict[bytes, bytes], other: dict[bytes, bytes]) -> None:
    assert (Entry(1, one).raw == Entry(1, other).raw) == (list(one.items()) == list(other.items()))


def test_the_books_bytes_are_read_back_as_the_event_that_was_written(scribe: Scribe) -> None:
    wallet, merchant = scribe.wallet(10_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 5_000, 10)
    read: list[LedgerEvent] = [from_raw(entry.seq, entry.raw) for entry in scribe.entries()]
    assert read == scribe.events
