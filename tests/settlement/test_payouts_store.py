"""Payouts on a real store: decided once, changed only from the state they leave, let go by two people."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kit.errors import Contention, FourEyes, NotFound, WrongState
from services.settlement.clerk import wake
from services.settlement.payouts import documents, rules
from services.settlement.payouts import store as payouts

AT = datetime(2026, 11, 24, 10, 0, 0, 123_000, tzinfo=UTC)
BANK = {"bin": "970436", "account": "0071001234567", "name": "HANG XEN CO TU"}
MERCHANT = "mer_0191f3b2000070008000000000000001"


@pytest.fixture(autouse=True)
def nothing_decided(books: None) -> None:
    for document in documents.DOCUMENTS:
        document.objects.delete()


def decide(line: int = 1, amount: int = 75_000, payee: str = MERCHANT, window: int = 12, **fields: Any) -> str:
    id_ = rules.payout_id(window, line)
    given = {"fee": 0, "at": AT, "to": BANK} | fields
    payouts.insert([payouts.new(id_, window, payee, amount, **given)])
    return id_


def one(payout_id: str) -> documents.PayoutDocument:
    return payouts.by_ids([payout_id])[payout_id]


def test_a_payout_is_decided_once_whatever_is_decided_of_it_later() -> None:
    id_ = decide(amount=75_000)
    payouts.change([(id_, rules.PENDING, {"state": rules.READY, "transfer_id": "trf_1"})])
    new = payouts.new(rules.payout_id(12, 2), 12, "mer_2", 80_000, 0, AT, BANK)
    payouts.insert([payouts.new(id_, 12, MERCHANT, 99_000, 0, AT, BANK), new])
    found = one(id_)
    assert (found.amount, found.state, found.transfer_id) == (75_000, rules.READY, "trf_1")
    assert sorted(p.id for p in payouts.of_window(12)) == [id_, rules.payout_id(12, 2)], "the new one is decided"


def test_deciding_nothing_does_nothing_and_more_than_one_write_holds_are_all_decided() -> None:
    payouts.insert([])
    count = payouts.WRITES_MAX + 2
    payouts.insert(payouts.new(rules.payout_id(1, n), 1, f"mer_{n}", 20_000, 0, AT, {}) for n in range(count))
    ids = [rules.payout_id(1, n) for n in range(count)]
    assert len(payouts.by_ids(ids)) == count
    assert len(list(payouts.of_window(1))) == count


def test_where_it_goes_to_is_kept_encrypted_and_people_see_the_end_of_the_number_only() -> None:
    found = one(decide())
    kept = bytes(found.account) + bytes(found.account_name)
    assert BANK["account"].encode() not in kept
    assert BANK["name"].encode() not in kept
    assert payouts.plain_account(found) == (BANK["account"], BANK["name"])
    masked = payouts.masked_account(found)
    assert masked.endswith(BANK["account"][-4:])
    assert BANK["account"][:-4] not in masked


def test_without_an_account_a_payout_is_carried_over_from_the_start_and_on_no_statement() -> None:
    id_ = decide(to={}, reason="NO_ACCOUNT: the merchant has no approved account")
    found = one(id_)
    assert (found.state, found.reason[:10], found.ended_at) == (rules.CARRIED, "NO_ACCOUNT", AT)
    assert payouts.masked_account(found) == ""
    assert list(payouts.reconciling([""])) == []


def test_a_change_from_another_state_than_it_is_in_changes_nothing() -> None:
    id_ = decide()
    payouts.change([(id_, rules.READY, {"state": rules.SENT})])
    assert one(id_).state == rules.PENDING
    for before, after in ((rules.PENDING, rules.READY), (rules.READY, rules.SENT), (rules.PENDING, rules.CARRIED)):
        payouts.change([(id_, before, {"state": after})])
    assert one(id_).state == rules.SENT
    assert [p.id for p in payouts.in_state(rules.SENT, 10)] == [id_]
    assert payouts.in_state(rules.PENDING, 10) == []


@pytest.mark.parametrize(("first", "second"), [("paid", "failed"), ("failed", "paid")])
def test_the_first_word_of_a_bank_counts(first: str, second: str) -> None:
    id_ = decide()
    payouts.change([(id_, rules.PENDING, {"state": rules.SENT})])
    assert payouts.note_outcomes([(id_, first, "AC01")], AT) == 1
    assert payouts.note_outcomes([(id_, second, "AC04")], AT + timedelta(seconds=1)) == 0
    found = one(id_)
    assert (found.outcome, found.reason, found.outcome_at, found.state) == (first, "AC01", AT, rules.SENT)
    assert [p.id for p in payouts.with_outcome(10)] == [id_]


@pytest.mark.parametrize("state", [rules.PENDING, rules.READY, rules.PAID, rules.CARRIED])
def test_nothing_is_noted_of_what_no_bank_was_given_or_what_has_ended(state: str) -> None:
    id_ = decide()
    payouts.change([(id_, rules.PENDING, {"state": state})])
    assert payouts.note_outcomes([(id_, rules.PAID, ""), ("PO-000099-000001-1", rules.PAID, "")], AT) == 0
    assert one(id_).outcome == ""
    assert payouts.with_outcome(10) == []


def test_a_reason_of_any_length_is_kept_in_part() -> None:
    id_ = decide()
    payouts.change([(id_, rules.PENDING, {"state": rules.SENT})])
    payouts.note_outcomes([(id_, rules.FAILED, "x" * 500)], AT)
    assert one(id_).reason == "x" * 200


def test_pages_of_a_window_and_of_a_merchant_go_from_the_newest_to_the_oldest_without_gap_or_double() -> None:
    for line in range(1, 8):
        decide(line, payee=MERCHANT if line % 2 else "mer_other", at=AT + timedelta(milliseconds=line // 3))
    for field, value, count in (("window", 12, 7), ("payee", MERCHANT, 4)):
        seen, before = [], ""
        while page := payouts.page(field, value, before, 3):
            assert len(page) <= 3
            seen += [p.order for p in page]
            before = page[-1].order
        assert len(seen) == count
        assert seen == sorted(set(seen), reverse=True)
    assert payouts.page("payee", "mer_nobody", "", 3) == []


# On statements --------------------------------------------------------------------------------------------


def test_a_statement_has_to_show_what_a_bank_was_given_until_one_has_shown_it() -> None:
    ids = {state: decide(n) for n, state in enumerate(
        (rules.PENDING, rules.READY, rules.SENT, rules.PAID, rules.RETURNED, rules.FAILED), 1
    )}  # fmt: skip
    payouts.change((id_, rules.PENDING, {"state": state}) for state, id_ in ids.items())
    wanted = {ids[state] for state in (rules.SENT, rules.PAID, rules.RETURNED)}
    assert {p.id for p in payouts.reconciling([""])} == wanted
    payouts.note_reconciled([ids[rules.PAID], "NP-000012-VNPT", "somebody else's"], "rec_1")
    payouts.note_reconciled([ids[rules.PAID]], "rec_2")
    assert {p.id for p in payouts.reconciling([""])} == wanted - {ids[rules.PAID]}
    assert [p.id for p in payouts.reconciling(["rec_1"])] == [ids[rules.PAID]], "the first that showed it"
    assert list(payouts.reconciling(["rec_2"])) == []


def test_what_a_bank_rejected_or_what_was_carried_over_is_never_looked_for_on_a_statement_again() -> None:
    payouts.change([(decide(), rules.PENDING, {"state": rules.FAILED})])
    assert list(payouts.reconciling([""])) == []


# Files ----------------------------------------------------------------------------------------------------


def batch(total: int, batch_id: str = "PO-W000012-1") -> str:
    id_ = decide(amount=total)
    payouts.make_batch(batch_id, 12, [one(id_)], AT)
    return batch_id


def test_a_file_holds_what_it_held_when_it_was_made_first() -> None:
    batch(75_000)
    other = decide(2, amount=10**9)
    payouts.make_batch("PO-W000012-1", 12, [one(other)], AT + timedelta(days=1))
    made = payouts.batch("PO-W000012-1")
    assert (made.payouts, made.total, made.made_at) == ([rules.payout_id(12, 1)], 75_000, AT)
    assert (made.state, made.releases_needed) == ("released", 0)
    with pytest.raises(NotFound):
        payouts.batch("PO-W000012-2")


def test_what_a_merchant_pays_for_a_payout_is_not_in_the_file() -> None:
    id_ = decide(amount=100_000, fee=3_300)
    payouts.make_batch("PO-1", 0, [one(id_)], AT)
    assert payouts.batch("PO-1").total == 96_700


def test_a_large_file_goes_when_two_different_operators_have_let_it_go() -> None:
    id_ = batch(rules.FOUR_EYES_VND)
    assert payouts.batch(id_).state == "waiting"
    assert payouts.release(id_, "usr_a").state == "waiting"
    with pytest.raises(FourEyes):
        payouts.release(id_, "usr_a")
    assert payouts.batch(id_).released_by == ["usr_a"]
    released = payouts.release(id_, "usr_b")
    assert (released.state, released.released_by) == ("released", ["usr_a", "usr_b"])
    assert [one.id for one in payouts.batches(state="released")] == [id_]


def test_said_again_after_it_went_a_release_is_the_same_and_a_third_operators_is_refused() -> None:
    id_ = batch(rules.FOUR_EYES_VND)
    payouts.release(id_, "usr_a")
    payouts.release(id_, "usr_b")
    payouts.batch_is(id_, "sent", sent_at=AT)
    assert payouts.release(id_, "usr_b").state == "sent"
    with pytest.raises(WrongState):
        payouts.release(id_, "usr_c")
    assert payouts.batch(id_).released_by == ["usr_a", "usr_b"]


def test_a_file_that_needs_nobody_is_released_by_nobody() -> None:
    with pytest.raises(WrongState):
        payouts.release(batch(75_000), "usr_a")


def test_of_two_who_release_at_the_same_time_one_is_told_to_look_again(monkeypatch: pytest.MonkeyPatch) -> None:
    id_ = batch(rules.FOUR_EYES_VND)
    found = payouts.batch(id_)
    with monkeypatch.context() as patch:
        patch.setattr(payouts, "batch", lambda _: found)  # what both of them have seen
        payouts.BatchDocument.objects(id=id_).update_one(set__released_by=["usr_a"])
        with pytest.raises(Contention):
            payouts.release(id_, "usr_b")
    assert payouts.release(id_, "usr_b").state == "released"


# Net positions --------------------------------------------------------------------------------------------


def test_a_net_position_is_decided_once_and_changed_only_from_the_state_it_leaves() -> None:
    payouts.decide_nets(12, {"VNPT": -50_000}, AT)
    payouts.decide_nets(12, {"VNPT": -99_000}, AT + timedelta(days=1))
    (net,) = payouts.nets(window=12)
    assert (net.amount, net.decided_at, net.state, net.attempt) == (-50_000, AT, "pending", 1)
    assert (net.end_to_end_id, net.message_id) == ("NP-000012-VNPT", "NP-W000012")
    payouts.nets_are("sent", [(net, {"state": "settled"})])
    assert payouts.nets(window=12)[0].state == "pending"
    payouts.nets_are("pending", [(net, {"state": "sent"})])
    payouts.note_net_outcomes([("NP-000012-VNPT", rules.PAID, ""), ("NP-000012-VIETTEL", rules.PAID, "")], AT)
    payouts.note_net_outcomes([("NP-000012-VNPT", rules.FAILED, "a second word")], AT)
    (net,) = payouts.nets(message_id="NP-W000012", state="sent")
    assert (net.outcome, net.reason) == (rules.PAID, "")
    payouts.note_reconciled(["NP-000012-VNPT"], "rec_1")
    payouts.note_reconciled(["NP-000012-VNPT"], "rec_2")
    assert [one.id for one in payouts.nets(reconciled="rec_1")] == [net.id]


# Asked for ------------------------------------------------------------------------------------------------


def test_a_payout_that_is_asked_for_twice_is_one_and_waits_for_its_account() -> None:
    id_ = rules.on_demand_id("0191f3b2-0000-7000-8000-000000000000")
    for amount, at in ((50_000, AT), (60_000, AT + timedelta(hours=1))):
        wake.ask_for(id_, MERCHANT, amount, at)
    found = one(id_)
    assert (found.amount, found.fee, found.window, found.state) == (50_000, rules.ON_DEMAND_FEE_VND, 0, rules.PENDING)
    assert (found.bank_bin, found.decided_at) == ("-", AT)
    payouts.change([(id_, rules.PENDING, payouts.account_of(BANK))])
    assert payouts.plain_account(one(id_)) == (BANK["account"], BANK["name"])
