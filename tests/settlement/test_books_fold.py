"""The books, folded: what is right gives no finding, and each kind of corruption gives one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from cho.events.v1.intent_pb2 import Intent

from kit.ledger_event import LedgerEvent, from_fields, last_legs
from services.payments import transfer
from services.payments.transfer import Leg
from services.settlement import fold
from tests.settlement.conftest import Scribe, fields_of

Events = list[LedgerEvent]


@pytest.fixture
def told(scribe: Scribe) -> Scribe:
    """A wallet, a merchant, a payment with a fee (the last event but one) and a refund of a part of it (the last)."""
    wallet, merchant = scribe.wallet(1_000_000), scribe.merchant("mer_1")
    payment = scribe.pay(wallet, merchant, 100_000, 200)
    scribe.refund(payment, wallet, merchant, 25_000, 50)
    return scribe


def test_a_right_journal_has_no_findings_and_gives_every_account(told: Scribe) -> None:
    books = fold.replay(told.events)
    assert books.findings == []
    assert fold.balance_findings(books.accounts) == []
    assert (books.genesis, books.seq, books.window, books.transfers) == ("cell-test", len(told.events), 1, 4)
    merchant = books.accounts["mer_1"]
    assert (merchant.debits, merchant.credits, merchant.version, merchant.state) == (24_950, 99_800, 3, "open")
    assert list(books.payments.values()) == [(100_000, 25_000)]
    assert books.banks == {"mer_1": "970436"}


def test_an_event_survives_its_way_through_the_stream(told: Scribe) -> None:
    assert [from_fields(event.seq, fields_of(event)) for event in told.events] == told.events


def test_the_last_legs_read_from_bytes_are_those_of_the_events(told: Scribe) -> None:
    last = {leg.account_id: leg for event in told.events for leg in event.legs}
    assert last_legs(entry.raw for entry in told.entries()) == last


@pytest.mark.parametrize(
    ("second", "found"), [("VIETTEL|prs_a", True), ("VNPT|prs_a", False), ("VIETTEL|prs_b", False), ("VIETTEL|", False)]
)
def test_a_second_wallet_of_one_person_at_one_telecom_is_found(scribe: Scribe, second: str, found: bool) -> None:
    telecom, _, person_id = second.partition("|")
    for wallet, at in (("wal_1", "VIETTEL"), ("wal_2", telecom)):
        scribe.open(wallet, "wallet", at, "usr_of_" + wallet)
    *before, one, other = scribe.events
    events = [
        *before,
        replace(one, intent=Intent(person_id="prs_a").SerializeToString()),
        replace(other, intent=Intent(person_id=person_id).SerializeToString()),
    ]
    assert ("wal_2 is a second wallet" in " ".join(fold.replay(events).findings)) is found


def _leg(event: LedgerEvent, number: int, **changes: object) -> LedgerEvent:
    legs = list(event.legs)
    legs[number] = replace(legs[number], **changes)  # type: ignore[arg-type]
    return replace(event, legs=tuple(legs))


def _gap(events: Events) -> Events:
    return [*events[:-2], events[-1]]


def _twice(events: Events) -> Events:
    return [*events, events[-1]]


def _other_totals(events: Events) -> Events:
    return [*events[:-1], _leg(events[-1], 0, credits=events[-1].legs[0].credits + 1)]


def _other_debits(events: Events) -> Events:
    return [*events[:-1], _leg(events[-1], 1, debits=5)]


def _version(events: Events) -> Events:
    return [*events[:-1], _leg(events[-1], 0, version=events[-1].legs[0].version + 1)]


def _unbalanced(events: Events) -> Events:
    last = events[-1].legs[0]
    return [*events[:-1], _leg(events[-1], 0, amount=last.amount - 1, debits=last.debits - 1)]


def _double_key(events: Events) -> Events:
    return [*events[:-1], replace(events[-1], scope=events[-2].scope)]


def _refund_of_nothing(events: Events) -> Events:
    return [*events[:-1], replace(events[-1], related="pay_unknown")]


def _refund_too_much(events: Events) -> Events:
    return [*events[:-1], replace(events[-1], amount="100001")]


def _older(events: Events) -> Events:
    return [*events[:-1], replace(events[-1], at_ms=events[-2].at_ms - 1)]


def _wrong_window(events: Events) -> Events:
    return [*events[:-1], replace(events[-1], window=2)]


def _state_version(events: Events) -> Events:
    place = next(i for i, event in enumerate(events) if event.op == "merchant")
    return [*events[:place], _leg(events[place], 0, version=7), *events[place + 1 :]]


CORRUPTIONS: dict[str, tuple[Callable[[Events], Events], str]] = {
    "an event is missing": (_gap, "a gap"),
    "an event stands twice": (_twice, "a gap"),
    "credits that nobody posted": (_other_totals, "other totals"),
    "debits that nobody posted": (_other_debits, "other totals"),
    "a version is missing": (_version, "jumps from version"),
    "debits and credits differ": (_unbalanced, "debits and credits differ"),
    "one key, two answers": (_double_key, "was answered before"),
    "a refund of no payment": (_refund_of_nothing, "exceed it"),
    "a refund of more than was paid": (_refund_too_much, "exceed it"),
    "time goes back": (_older, "older than the one before"),
    "an event in a window that is not open": (_wrong_window, "window 2, and 1 is open"),
    "an account's change is missing": (_state_version, "jumps from version 0 to 7"),
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_kind_of_corruption_is_found(told: Scribe, name: str) -> None:
    corrupt, words = CORRUPTIONS[name]
    findings = fold.replay(corrupt(told.events)).findings
    assert any(words in finding for finding in findings), findings


def test_a_negative_account_is_found(scribe: Scribe) -> None:
    wallet, merchant = scribe.wallet(1_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 1_001)
    assert any(f"{wallet} is negative" in finding for finding in fold.replay(scribe.events).findings)


def test_an_asset_that_gives_more_than_it_has_is_found(scribe: Scribe) -> None:
    agent = scribe.open("agt_1", "agent", "VIETTEL", "usr")
    scribe.transfer("fund", 10, [Leg("c", 10, "trust:VIETTEL"), Leg("d", 10, agent)])
    assert any("trust:VIETTEL is negative" in finding for finding in fold.replay(scribe.events).findings)


def test_payments_above_a_month_rule_are_found_and_those_of_exempt_wallets_are_not(scribe: Scribe) -> None:
    wallet, merchant = scribe.wallet(300_000_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 100_000_000)
    assert fold.replay(scribe.events).findings == []
    scribe.pay(wallet, merchant, 1)
    (finding,) = fold.replay(scribe.events).findings
    assert f"{wallet} is above rule month-368" in finding
    exempt = [replace(e, change="open,1") if (e.op, e.transfer_id) == ("open", wallet) else e for e in scribe.events]
    assert fold.replay(exempt).findings == []


def test_a_month_is_used_anew_from_midnight_in_vietnam_on(scribe: Scribe) -> None:
    wallet, merchant = scribe.wallet(300_000_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 100_000_000)
    last_of_november_ms = 1_796_057_999_999  # 2026-11-30T23:59:59.999+07:00
    scribe.at_ms = last_of_november_ms
    scribe.pay(wallet, merchant, 100_000_000)
    assert fold.replay(scribe.events).findings == []


def test_refusals_move_nothing_and_their_keys_are_spent(scribe: Scribe) -> None:
    scribe.write("pay", scope="usr|pay|k1", result="INSUFFICIENT_FUNDS", amount="5000")
    books = fold.replay(scribe.events)
    assert (books.findings, books.transfers, books.payments) == ([], 0, {})
    scribe.write("pay", scope="usr|pay|k1", result="LIMIT_EXCEEDED", amount="5000")
    assert any("k1 was answered before" in finding for finding in fold.replay(scribe.events).findings)


def test_windows_follow_each_other_by_their_markers(scribe: Scribe) -> None:
    scribe.cut()
    scribe.wallet(1_000)
    scribe.cut()
    books = fold.replay(scribe.events)
    assert (books.findings, books.window) == ([], 3)
    late = [*scribe.events, replace(scribe.write("resolve"), window=2)]
    assert any("window 2, and 3 is open" in finding for finding in fold.replay(late).findings)


def test_an_account_that_was_changed_behind_the_ledger_breaks_the_balances(told: Scribe) -> None:
    accounts = fold.replay(told.events).accounts
    accounts["wal_15"].credits += 1
    assert any("debits" in finding for finding in fold.balance_findings(accounts))
    accounts["trust:VIETTEL"].debits += 1
    assert fold.balance_findings(accounts) == []
    for account, words in (
        ("trust:VNPT", "trust:VNPT holds"),
        ("settlement:VIETTEL", "clearing:VIETTEL and settlement:VIETTEL differ"),
        ("mer_1", "telecoms owe"),
        (transfer.PLATFORM_FEE, "telecoms owe"),
    ):
        accounts[account].debits += 7
        accounts["clearing:MOBIFONE"].credits += 7
        assert any(words in finding for finding in fold.balance_findings(accounts)), account
        accounts[account].debits -= 7
        accounts["clearing:MOBIFONE"].credits -= 7
    assert fold.balance_findings(accounts) == []


def test_findings_are_bounded(told: Scribe) -> None:
    wrong = [replace(event, window=9, at_ms=0) for event in told.events] * 20
    assert len(fold.replay(wrong).findings) == 100
