"""The clerk's steps on whole windows: what is paid, what comes back, what is tried again, and what a clock may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.ids import new_key
from services.payments.transfer import NOSTRO, TRANSIT
from services.settlement import store
from services.settlement.clerk import payouts as steps
from services.settlement.clerk import wake, work
from services.settlement.clerk.peers import Later
from services.settlement.intake.reading import open_statements
from services.settlement.matching import casework
from services.settlement.matching.breaks import State
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.records import StatusLine, StatusReport
from tests.settlement.clerk_office import BANK, DAY, KEY, Office, open_office
from tests.settlement.iso_status_files import content

BACK = "PO-000001-000002-1"
TELECOMS = ("VIETTEL", "VNPT", "MOBIFONE")


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    yield from open_office(tmp_path, monkeypatch)


@pytest.fixture
def sent(office: Office) -> Office:
    """Its first window's payouts and net positions are with the bank, which has not looked yet."""
    office.trade(60, 6)
    office.cut()
    office.work()
    return office


def stage(window: int) -> str:
    closed = store.window(window)
    assert closed is not None
    return str(closed.stage)


def states(window: int = 1) -> list[str]:
    return sorted(one.state for one in payouts.of_window(window))


def open_breaks(institution: str) -> list[tuple[str, str]]:
    found, _ = casework.of_state(institution, State.OPEN, "", 200)
    return sorted((one.type.value, one.reference) for one in found)


def test_a_window_is_settled_when_banks_have_said_that_everything_was_paid(sent: Office) -> None:
    assert (stage(1), set(states())) == ("settling", {rules.SENT})
    sent.work()
    assert stage(1) == "settling", "nobody has said anything"
    sent.tick(2)
    sent.work()
    assert (stage(1), set(states())) == ("settled", {rules.PAID})
    assert sent.ledger.moved == {"payout": 6, "paid": 6, "interchange": 3, "net": 3}
    assert sent.ledger.balance(TRANSIT) == 0
    assert {sent.ledger.balance(one.payee) for one in payouts.of_window(1)} == {0}, "all that they were owed"


def test_what_a_bank_does_not_pay_is_the_merchants_again_and_in_what_the_next_window_pays(sent: Office) -> None:
    sent.arm(BANK, kind="rejected", count=2, seed=3, on="pain.001.*")
    sent.tick(2)
    sent.work()
    assert (stage(1), states()) == ("settled", [rules.FAILED] * 2 + [rules.PAID] * 4)
    failed = {one.payee: one.amount for one in payouts.of_window(1) if one.state == rules.FAILED}
    assert {one.reconciled for one in payouts.of_window(1) if one.state == rules.FAILED} == {"-"}, "looked for nowhere"
    assert {payee: sent.ledger.balance(payee) for payee in failed} == failed
    sent.cut()
    sent.work()
    assert {one.payee: one.amount for one in payouts.of_window(2) if one.payee in failed} == failed
    sent.tick(2)
    sent.work()
    assert (stage(2), sent.ledger.balance(TRANSIT)) == ("settled", 0)


@pytest.mark.parametrize("together", [False, True])
def test_what_was_paid_and_comes_back_is_the_merchants_again_however_late_it_is_read(
    sent: Office, together: bool
) -> None:
    sent.arm(BANK, kind="returned", count=1, seed=3, on="pain.001.*")
    sent.tick()  # paid
    if not together:
        sent.work()
    sent.tick(2)  # and back
    sent.work()
    assert states() == [rules.PAID] * 5 + [rules.RETURNED]
    (back,) = [one for one in payouts.of_window(1) if one.state == rules.RETURNED]
    assert sent.ledger.balance(back.payee) == back.amount
    assert open_breaks(BANK) == [("REVERSED", back.id)]
    assert (sent.ledger.moved["returned"], stage(1)) == (1, "settled")
    sent.tick(1, day_end=DAY)
    sent.work()
    assert sent.ledger.moved["returned"] == 1, "the day's statement shows it again"


def coming_back(office: Office) -> Path:
    """What the bank notifies us of with the return of a payout that a statement has shown; it was not read yet."""
    office.arm(BANK, kind="returned", end_to_end_id=BACK, on="pain.001.*")
    office.tick()
    office.work()
    payouts.note_reconciled([BACK], "rec_earlier")
    office.tick(2)
    (notice,) = (office.home / "exchange" / BANK / "in").glob("camt.054.*")
    assert "<RvslInd>true</RvslInd>" in notice.read_text()
    return notice


@pytest.mark.parametrize("less", [1_000, -1_000])
def test_a_return_of_another_amount_than_was_paid_moves_nothing_and_is_somebodys(sent: Office, less: int) -> None:
    notice = coming_back(sent)
    (paid,) = [one for one in payouts.of_window(1) if one.id == BACK]
    notice.write_text(notice.read_text().replace(f">{paid.amount}<", f">{paid.amount - less}<"))
    sent.work()
    assert (states(), sent.ledger.moved["returned"]) == ([rules.PAID] * 6, 0)
    assert open_breaks(BANK) == [("REVERSED", BACK)]


def test_a_reversal_that_takes_money_away_gives_nobody_anything(sent: Office) -> None:
    notice = coming_back(sent)
    said = re.sub("<TxsSummry>.*</TxsSummry>", "", notice.read_text(), flags=re.DOTALL)
    notice.write_text(said.replace("CRDT", "DBIT"))
    sent.work()
    assert (states(), sent.ledger.moved["returned"]) == ([rules.PAID] * 6, 0)
    assert BACK in {reference for _, reference in open_breaks(BANK)}


def test_what_comes_back_after_more_than_a_week_is_the_merchants_again(sent: Office) -> None:
    sent.arm(BANK, kind="returned", count=1, seed=3, on="pain.001.*")
    sent.tick()
    sent.work()
    sent.later(days=9)
    sent.scribe.at_ms = int(sent.now.timestamp() * 1000)  # the ledger refuses keys that are older than a week
    sent.tick(2)
    sent.work()
    assert states() == [rules.PAID] * 5 + [rules.RETURNED]


class Died(Exception):
    """As if the process had been killed there."""


def die_at(monkeypatch: pytest.MonkeyPatch, office: Office, where: str) -> None:
    def point(name: str) -> None:
        if name == where:
            raise Died

    with monkeypatch.context() as patched:
        patched.setattr(steps, "point", point)
        with pytest.raises(Died):
            office.work()


def a_long_time_later(office: Office) -> None:
    """After more than a week in which others went on, and keys were entered: the ledger knows none of the old ones."""
    office.later(days=9)
    office.scribe.at_ms = int(office.now.timestamp() * 1000)
    office.scribe.wallet(1)
    office.ledger.journal()
    while store.head().keyed < store.head().seq:
        assert store.enter_keys(1000) == []


@pytest.mark.parametrize(
    ("where", "operation", "times"),
    [("posted", "payout", 6), ("shared", "interchange", 3), ("outcome posted", "paid", 6), ("net posted", "net", 3)],
)
def test_whoever_dies_behind_a_posting_and_is_back_after_a_week_does_not_post_it_again(
    office: Office, monkeypatch: pytest.MonkeyPatch, where: str, operation: str, times: int
) -> None:
    office.trade(60, 6)
    office.cut()
    if operation in ("paid", "net"):
        office.work()
        office.tick(2)
    die_at(monkeypatch, office, where)
    a_long_time_later(office)
    office.work()
    office.tick(2)
    office.work()
    assert (stage(1), set(states()), office.ledger.moved[operation]) == ("settled", {rules.PAID}, times)
    assert office.ledger.moved == {"payout": 6, "paid": 6, "interchange": 3, "net": 3}
    assert office.ledger.balance(TRANSIT) == 0
    assert [found for telecom in (*TELECOMS, BANK) for found in open_breaks(telecom)
            if found[0] == "REFUSED"] == []  # fmt: skip


def test_a_clerk_that_was_away_for_more_than_a_week_pays_under_new_keys(office: Office) -> None:
    office.trade(60, 6)
    office.cut()
    a_long_time_later(office)
    office.work()
    office.tick(2)
    office.work()
    assert set(states()) == {rules.PAID}
    assert office.ledger.moved == {"payout": 6, "paid": 6, "interchange": 3, "net": 3}
    assert [one for telecom in TELECOMS for one in open_breaks(telecom) if one[0] == "REFUSED"] == []


@pytest.mark.parametrize("saved", [False, True])
def test_whoever_dies_before_the_shares_new_keys_are_used_gives_them_once_all_the_same(
    office: Office, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    office.trade(60, 6)
    office.cut()
    a_long_time_later(office)
    save = store.ask_shares_again

    def die(*given: Any) -> None:
        if saved:
            save(*given)
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(store, "ask_shares_again", die)
        with pytest.raises(Died):
            office.work()
    assert (stage(1), office.ledger.moved["interchange"]) == ("netted", 0)
    die_at(monkeypatch, office, "shared")
    a_long_time_later(office)
    office.work()
    assert (stage(1), office.ledger.moved["interchange"]) == ("settling", 3)


def test_of_shares_that_were_given_by_half_only_the_others_get_new_keys(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(60, 6)
    office.cut()
    move = type(office.desk.peers).move

    def one_of_them(peers: Any, movements: Any) -> Any:
        list(move(peers, movements[:1]))
        raise Later("killed behind the first")

    with monkeypatch.context() as patch:
        patch.setattr(type(office.desk.peers), "move", one_of_them)
        with pytest.raises(Later):
            office.work()
    assert office.ledger.moved["interchange"] == 1
    a_long_time_later(office)
    office.work()
    assert office.ledger.moved["interchange"] == 3


def test_a_clock_that_is_more_than_a_week_behind_posts_nothing_and_does_not_spin(office: Office) -> None:
    office.trade(60, 6)
    office.cut()
    a_long_time_later(office)
    office.skew = timedelta(days=-9)
    for _ in range(2):
        with pytest.raises(Later, match="clock"):
            office.work()
    assert office.ledger.moved["payout"] == 0
    assert stage(1) == "netted", "nothing goes on before the shares are given"
    office.skew = timedelta(0)
    office.work()
    assert (office.ledger.moved["payout"], set(states())) == (6, {rules.SENT})
    assert office.ledger.moved["interchange"] == 3


def test_before_the_keys_are_entered_nobody_decides_that_an_old_one_was_never_answered(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(60, 6)
    office.cut()
    die_at(monkeypatch, office, "posted")
    office.later(days=9)
    office.scribe.at_ms = int(office.now.timestamp() * 1000)
    with pytest.raises(Later, match="keys are entered up to"):
        office.work()
    assert office.ledger.moved["payout"] == 6
    a_long_time_later(office)
    office.work()
    assert office.ledger.moved["payout"] == 6


def statements(office: Office) -> dict[str, Any]:
    """Opening, closing and entries (own day, side, amount) of the merchants' bank's statements, by their days."""
    found = dict[str, Any]()
    for path in sorted((office.home / "exchange" / "970436" / "out").glob("camt.053.ST-D*.xml")):
        (said,) = [
            (one.head.opening, one.head.closing, [(str(e.booked_on), e.side, e.amount) for e in one.entries])
            for one in open_statements(path, office.now.date())
        ]
        found[path.name[13:21]] = said
    return found


def test_a_return_that_came_before_its_payment_was_known_is_on_the_statement_of_the_day_on_which_it_is_posted(
    sent: Office,
) -> None:
    payouts.note_came_back([BACK], sent.now)
    sent.later(days=2)
    sent.cut()
    sent.work()  # the first day is packed
    sent.tick(2)
    sent.work()
    sent.later(days=1)
    sent.cut()
    sent.work()
    (back,) = [one for one in payouts.of_window(1) if one.id == BACK]
    posted_on = (DAY + timedelta(days=2)).isoformat()
    assert (back.state, back.paid_on, back.returned_on) == (rules.RETURNED, posted_on, posted_on)
    made = statements(sent)
    assert (posted_on, "C", back.amount) in made["20261126"][2]
    assert sum(entries.count((posted_on, "C", back.amount)) for _, _, entries in made.values()) == 1
    # All was paid but for what came back.
    assert [closed for _, closed, _ in made.values()][-1] == back.amount


def test_what_is_said_by_a_clock_that_jumped_back_is_on_the_first_statement_that_is_not_out(sent: Office) -> None:
    sent.later(days=1)
    sent.work()  # the first day is packed
    sent.skew = timedelta(days=-1)
    sent.tick(2)
    sent.work()
    sent.skew = timedelta(0)
    sent.later(days=1)
    sent.work()
    made = statements(sent)
    assert list(made) == ["20261124", "20261125"]
    assert {on for on, *_ in made["20261125"][2]} == {"2026-11-25"}
    assert (made["20261125"][0], made["20261125"][1]) == (made["20261124"][1], 0)


def test_while_the_ledger_cannot_be_reached_a_return_waits(sent: Office) -> None:
    sent.arm(BANK, kind="returned", count=1, seed=3, on="pain.001.*")
    sent.tick()
    sent.work()
    sent.tick(2)
    sent.ledger.unreachable = {"returned"}
    with pytest.raises(Later):
        sent.work()
    assert states() == [rules.PAID] * 6
    sent.ledger.unreachable = set()
    sent.work()
    assert states() == [rules.PAID] * 5 + [rules.RETURNED]


def test_what_the_statement_shows_as_booked_is_paid_though_its_bank_never_said_so(sent: Office) -> None:
    sent.arm(BANK, kind="delayed", count=1, seed=3, days=1, on="pain.001.*")
    sent.tick(2)
    sent.work()
    assert states() == [rules.PAID] * 5 + [rules.SENT], "accepted, and not more"
    sent.later(days=1)
    sent.tick(1, day_end=sent.now.date())
    sent.work()
    assert (states(), stage(1)) == ([rules.PAID] * 6, "settled")
    assert (sent.ledger.moved["paid"], sent.ledger.balance(TRANSIT), open_breaks(BANK)) == (6, 0, [])


def test_a_payout_that_was_shown_with_another_amount_is_one_break_and_not_missing_later_too(sent: Office) -> None:
    sent.arm(BANK, kind="wrong_amount", end_to_end_id="PO-000001-000002-1", amount=7)
    sent.tick(2)
    sent.tick(1, day_end=DAY)
    sent.work()
    assert open_breaks(BANK) == [("AMOUNT", "PO-000001-000002-1")]
    sent.later(days=3)
    sent.tick(1, day_end=sent.now.date())
    sent.work()
    assert open_breaks(BANK) == [("AMOUNT", "PO-000001-000002-1")]


# Net positions --------------------------------------------------------------------------------------------


def test_a_net_position_that_a_bank_refuses_is_asked_for_again_with_the_next_window(sent: Office) -> None:
    sent.arm(BANK, kind="rejected", end_to_end_id="NP-000001-VNPT", reason="AM04")
    sent.tick(2)
    sent.work()
    assert stage(1) == "settling"
    (net,) = payouts.nets(window=1, institution="VNPT")
    assert (net.state, net.attempt, net.end_to_end_id) == ("failed", 2, "NP-000001-VNPT-2")
    sent.trade(20, 6)
    sent.cut()
    sent.work()
    sent.tick(2)
    sent.work()
    assert [stage(1), stage(2)] == ["settled", "settled"]
    assert sent.ledger.moved["net"] == 6


def test_a_net_position_that_is_tried_again_days_later_is_to_be_paid_and_expected_then(office: Office) -> None:
    office.arm(BANK, kind="rejected", end_to_end_id="NP-000001-VIETTEL", reason="AM04")
    for day in (DAY, DAY + timedelta(days=7)):
        office.trade(60, 6)
        office.cut()
        office.work()
        office.tick()
        office.work()
        office.tick(1, day_end=day)
        office.work()
        office.later(days=7)
    (net,) = payouts.nets(window=1, institution="VIETTEL")
    assert (net.end_to_end_id, net.state) == ("NP-000001-VIETTEL-2", "settled")
    asked = (office.home / "exchange" / BANK / "out" / f"pacs.009.{net.message_id}.xml").read_text()
    assert f"<IntrBkSttlmDt>{DAY + timedelta(days=7)}</IntrBkSttlmDt>" in asked
    assert open_breaks(BANK) == []


def test_a_rejection_as_a_duplicate_fails_nothing(sent: Office) -> None:
    sent.arm(BANK, kind="rejected", end_to_end_id="PO-000001-000002-1", reason="AM05")
    sent.tick(2)
    sent.work()
    assert states() == [rules.PAID] * 5 + [rules.SENT]
    assert "unpaid" not in sent.ledger.moved


@pytest.mark.parametrize(
    ("reason", "own"), [("AM05", ""), ("DU01", "NARR"), ("DU02", "AC01")], ids=["no reason", "a text", "a reason"]
)
def test_a_file_that_is_rejected_as_a_duplicate_fails_nothing_whatever_its_lines_say(
    sent: Office, reason: str, own: str
) -> None:
    lines = tuple(StatusLine(one.id, one.id, "RJCT", own) for one in payouts.of_window(1))
    said = StatusReport("ST-1", sent.now, "PO-W000001-1", "pain.001.001.09", "RJCT", reason, lines)
    inbox = sent.home / "exchange" / BANK / "in"
    (inbox / "pain.002.ST-1.xml").write_bytes(content("pain.002.001.10", said))
    sent.work()
    assert (states(), sent.ledger.moved["unpaid"]) == ([rules.SENT] * 6, 0)
    assert open_breaks(BANK) == [("DISPUTED", line.end_to_end_id) for line in sorted(lines, key=str)]


def test_a_rejection_with_a_reason_of_its_own_within_a_file_that_is_rejected_in_part_stands(sent: Office) -> None:
    (back,) = [one for one in payouts.of_window(1) if one.id == BACK]
    line = StatusLine(back.id, back.id, "RJCT", "AC01")
    said = StatusReport("ST-1", sent.now, "PO-W000001-1", "pain.001.001.09", "PART", "AM05", (line,))
    inbox = sent.home / "exchange" / BANK / "in"
    (inbox / "pain.002.ST-1.xml").write_bytes(content("pain.002.001.10", said))
    sent.work()
    assert (states(), sent.ledger.moved["unpaid"]) == ([rules.FAILED] + [rules.SENT] * 5, 1)


# Several windows ------------------------------------------------------------------------------------------


def test_two_windows_that_wait_together_pay_every_share_and_nothing_twice(office: Office) -> None:
    for _ in range(2):
        office.trade(120, 6)
        office.cut()
    office.work()
    shares = [closed.record["shares"] for closed in map(store.window, (1, 2)) if closed]
    assert all(len(share) == 3 for share in shares)
    assert office.ledger.moved["interchange"] == 6
    office.tick(2)
    office.work()
    assert [stage(1), stage(2)] == ["settled", "settled"]
    assert office.ledger.balance(TRANSIT) == 0
    paid = sum(one.amount for window in (1, 2) for one in payouts.of_window(window) if one.state == rules.PAID)
    nets = sum(net.amount for window in (1, 2) for net in payouts.nets(window=window))
    assert office.ledger.balance(NOSTRO) == paid + nets
    assert all(office.ledger.balance(f"mer_{n:032d}") == 0 for n in range(6))


def test_a_window_that_closes_while_the_clerk_looks_is_settled_all_the_same(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(30, 6)
    follow = office.desk.books.follow

    def late(*_: Any) -> bool:
        went_on = follow()
        if not went_on and store.newest_window() == 0:
            office.cut()
        return went_on

    monkeypatch.setattr(type(office.desk.books), "follow", late)
    office.work()
    assert stage(1) == "settling"


def test_an_empty_window_is_settled_at_once_and_tells_nobody_anything(office: Office) -> None:
    office.cut()
    office.work()
    assert stage(1) == "settled"
    assert not list(office.home.glob("exchange/*/out/*"))


# Clock ----------------------------------------------------------------------------------------------------


def test_a_clock_that_jumps_back_between_runs_changes_nothing(sent: Office) -> None:
    files = {file: file.read_bytes() for file in sent.home.glob("exchange/*/out/*")}
    sent.skew = timedelta(hours=-20)
    sent.work()
    sent.tick(2)
    sent.skew = timedelta(hours=-23)
    sent.work()
    assert (stage(1), set(states())) == ("settled", {rules.PAID})
    sent.skew = timedelta(hours=20)
    sent.work()
    assert sent.ledger.moved == {"payout": 6, "paid": 6, "interchange": 3, "net": 3}
    assert {file: file.read_bytes() for file in files} == files


# Asked for ------------------------------------------------------------------------------------------------


def ask(office: Office, merchant: str, amount: int) -> str:
    id_ = rules.on_demand_id(new_key())
    wake.ask_for(id_, merchant, amount, office.now)
    return id_


def test_a_payout_that_a_merchant_asks_for_is_paid_less_its_price_in_a_file_of_its_own(office: Office) -> None:
    office.trade(60, 6)
    office.ledger.journal()
    id_ = ask(office, "mer_" + "0" * 32, 100_000)
    office.work()
    office.tick(2)
    office.work()
    (found,) = payouts.by_ids([id_]).values()
    assert (found.state, found.fee) == (rules.PAID, rules.ON_DEMAND_FEE_VND)
    assert office.ledger.balance(NOSTRO) == 100_000 - rules.ON_DEMAND_FEE_VND
    (file,) = payouts.batches(window=0)
    assert (file.total, file.state) == (100_000 - rules.ON_DEMAND_FEE_VND, "done")


def test_ids_that_a_merchant_chose_to_be_alike_keep_nobodys_payout_back(office: Office) -> None:
    office.trade(60, 6)
    office.ledger.journal()
    alike = [f"00000000-0000-7000-8000-000000000{n:03d}" for n in (1, 2)]
    for request_id in alike:
        wake.ask_for(rules.on_demand_id(request_id), "mer_" + "0" * 32, 20_000, office.now)
        office.work()
    other = ask(office, f"mer_{1:032d}", 30_000)
    office.work()
    ids = [*map(rules.on_demand_id, alike), other]
    assert [payouts.by_ids(ids)[one].state for one in ids] == [rules.SENT] * 3


def test_files_that_wait_for_two_operators_hold_up_nobody_who_asks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "FOUR_EYES_VND", 1_000_000)
    monkeypatch.setattr(rules, "BATCH_MAX", 3)
    office.trade(60, 6)
    office.cut()
    office.work()
    assert {one.state for one in payouts.batches(window=1)} == {"waiting"}
    office.trade(60, 6)
    office.ledger.journal()
    id_ = ask(office, "mer_" + "0" * 32, 100_000)
    office.work()
    assert payouts.by_ids([id_])[id_].state == rules.SENT


def test_a_merchant_without_an_account_is_carried_over_and_paid_once_it_has_one(office: Office) -> None:
    office.trade(60, 6)
    merchant = "mer_" + "0" * 32
    office.ledger.homeless = {merchant}
    office.cut()
    asked = ask(office, merchant, 50_000)
    office.work()
    (carried,) = [one for one in payouts.of_window(1) if one.payee == merchant]
    assert (carried.state, payouts.by_ids([asked])[asked].state) == (rules.CARRIED, rules.CARRIED)
    office.ledger.homeless = set()
    office.cut()
    office.work()
    (paid,) = [one for one in payouts.of_window(2) if one.payee == merchant]
    assert (paid.state, paid.amount) == (rules.SENT, carried.amount)


# Files of a window ----------------------------------------------------------------------------------------


def test_a_file_waits_until_two_operators_have_let_it_go(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FOUR_EYES_VND", 1_000_000)
    office.trade(60, 6)
    office.cut()
    office.work()
    assert not list(office.home.glob(f"exchange/{BANK}/out/pain.001.*"))
    office.release()
    office.work()
    office.tick(2)
    office.work()
    assert stage(1) == "settled"


def test_while_the_ledger_cannot_be_reached_everything_waits_and_then_goes_on(office: Office) -> None:
    office.trade(60, 6)
    office.cut()
    in_order = ("interchange", "payout", "paid", "net")
    for number, unreachable in enumerate(in_order):
        office.ledger.unreachable = set(in_order[number:])
        if unreachable == "paid":
            office.work()  # sends, and the bank pays
            office.tick(2)
        for _ in range(2):
            with pytest.raises(Later):
                office.work()
        assert set(office.ledger.moved) == set(in_order[:number])
        assert stage(1) == ("netted" if unreachable == "interchange" else "settling")
    office.ledger.unreachable = set()
    office.work()
    assert stage(1) == "settled"
    assert office.ledger.moved == {"payout": 6, "paid": 6, "interchange": 3, "net": 3}


def test_no_round_of_the_clerk_is_needed_where_nothing_is_left(sent: Office) -> None:
    assert not work._round(sent.desk, KEY)
