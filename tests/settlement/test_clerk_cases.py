"""What no file shows has an owner too: records that do not come, disputed positions, what the ledger refuses; and a
merchant is planned once, whatever is on its way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.ids import new_key
from services.settlement import closing, store
from services.settlement.books import trial
from services.settlement.clerk import day, due, wake
from services.settlement.clerk import payouts as steps
from services.settlement.clerk.peers import Later
from services.settlement.matching import casework
from services.settlement.matching.breaks import State
from services.settlement.payouts import plans, rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PackingDocument
from services.settlement.proof import pack
from services.settlement.proof.finding import Finding
from tests.settlement.clerk_office import BANK, DAY, Office, at, open_office

FIRST = "mer_" + "0" * 32


@pytest.fixture
def office(books: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    plans.PlanDocument.objects.delete()
    yield from open_office(tmp_path, monkeypatch)


def cases(institution: str, state: State = State.OPEN) -> list[tuple[str, str, str, int]]:
    found, _ = casework.of_state(institution, state, "", 200)
    return sorted((one.type.value, one.reference, one.detail, one.at_risk) for one in found)


def answer(office: Office, net: int, accepted: bool, reason: str = "") -> None:
    said = {"pack": "W000001-VIETTEL", "net": net, "accepted": accepted, "reason": reason}
    name = f"acceptance.W000001-VIETTEL.{new_key()}.json"
    (office.home / "exchange" / "VIETTEL" / "in" / name).write_text(json.dumps(said))
    office.work()


def test_a_net_position_that_a_telecom_disputes_is_somebodys_until_the_two_agree(office: Office) -> None:
    office.trade(30, 3)
    office.cut()
    office.work()
    (ours,) = [net.amount for net in payouts.nets(window=1, institution="VIETTEL")]
    for _ in range(2):
        answer(office, ours - 77_000, False, "DIFFERS: our record makes less")
    assert cases("VIETTEL") == [("DISPUTED", "NP-000001-VIETTEL", "DIFFERS", 77_000)]
    answer(office, ours - 77_000, True)
    assert [text for text in office.refused("VIETTEL").values() if "Reason code: NET_DIFFERS\n" in text]
    assert len(cases("VIETTEL")) == 1, "accepted, but what they say it is differs as before"
    answer(office, ours, True)
    assert (cases("VIETTEL"), len(cases("VIETTEL", State.GONE))) == ([], 1)
    answer(office, ours, False, "we do not accept it")
    assert cases("VIETTEL") == [("DISPUTED", "NP-000001-VIETTEL", "", abs(ours))], "opened again"
    # Two people end it, as every break.
    (found,), _ = casework.of_state("VIETTEL", State.OPEN)
    assert json.loads(found.facts) == {"said": "we do not accept it"}
    proposed = casework.propose(found.id, found.version, "They booked it after all", None, "usr_a", office.now)
    assert casework.approve(found.id, proposed.version, "usr_b", office.now).state is State.RESOLVED


def test_a_record_that_does_not_come_in_time_is_told_of_once_and_no_more_when_it_comes(office: Office) -> None:
    office.trade(30, 3)
    office.cut()
    office.work()
    office.later(hours=23)
    office.work()
    assert cases("VNPT") == []
    office.later(hours=1, minutes=1)
    office.work()
    wanted = sum(line.debits + line.credits for line in store.window(1).lines if line.institution == "VNPT")  # type: ignore[union-attr]
    assert cases("VNPT") == [("NO_FILE", "record.W000001-VNPT.csv", "", wanted)]
    office.work()
    assert len(cases("VNPT")) == 1
    office.tick(2, telecoms=True)
    office.work()
    assert (cases("VNPT"), len(cases("VNPT", State.GONE)), store.window(1).records) == ([], 1, "in")  # type: ignore[union-attr]


def test_the_worker_calls_the_clerk_for_a_late_record_and_only_until_it_was_told_of(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "now", office.clerks_now)
    office.trade(30, 3)
    office.cut()
    office.work()
    assert not due.record_is_late()
    office.later(hours=25)
    assert due.record_is_late()
    office.work()
    assert not due.record_is_late()


def test_a_share_of_fees_that_the_ledger_refuses_is_a_case(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.trade(30, 3)
    closed = office.cut()
    # A debt of fees that only the ledger knows of.
    monkeypatch.setattr(office.ledger, "balance", lambda account: 0 if account == rules.PLATFORM else 10**9)
    office.work()
    shares = store.window(closed.number).record["shares"]  # type: ignore[union-attr]
    for telecom, amount in shares.items():
        assert cases(telecom) == [("REFUSED", "W000001", "INSUFFICIENT_FUNDS", amount)]


@pytest.mark.parametrize("reason", ["AM05", "DU04"])
def test_a_bank_that_says_it_had_this_before_is_asked_by_somebody(office: Office, reason: str) -> None:
    office.trade(30, 3)
    office.cut()
    office.work()
    office.arm(BANK, kind="rejected", end_to_end_id="PO-000001-000002-1", reason=reason)
    office.tick(2)
    office.work()
    (payout,) = payouts.by_ids(["PO-000001-000002-1"]).values()
    assert cases(BANK) == [("DISPUTED", payout.id, reason, payout.amount)]
    assert (payout.state, office.ledger.moved["unpaid"]) == (rules.SENT, 0)


def test_what_a_bank_said_to_have_had_before_and_then_shows_as_booked_is_paid_and_no_case_any_more(
    office: Office,
) -> None:
    office.trade(30, 3)
    office.cut()
    office.work()
    (payout,) = payouts.by_ids(["PO-000001-000002-1"]).values()
    steps.note([(payout.id, "RJCT", "AM05 seen before")], office.now)
    assert len(cases(BANK)) == 1
    office.tick(2)
    for word in (office.home / "exchange" / BANK / "in").glob("pa*.002.*"):
        word.unlink()  # the bank's word is lost
    office.tick(1, day_end=DAY)
    office.work()
    assert payouts.by_ids([payout.id])[payout.id].state == rules.PAID
    assert (cases(BANK), len(cases(BANK, State.GONE))) == ([], 1)


# Planned once ---------------------------------------------------------------------------------------------


def test_what_an_earlier_window_pays_is_not_planned_again_though_new_money_came_meanwhile(office: Office) -> None:
    owed = []
    for _ in range(2):
        before = office.ledger.balance(FIRST)
        office.trade(30, 3)
        office.cut()
        owed.append(office.ledger.balance(FIRST) - before)
    office.trade(30, 3)  # of a third window: enough to pay the first twice
    office.ledger.journal()
    office.work()
    planned = [one.amount for window in (1, 2) for one in payouts.of_window(window) if one.payee == FIRST]
    assert planned == owed
    office.cut()
    office.work()
    office.tick(2)
    office.work()
    assert office.ledger.balance(FIRST) == 0
    assert {one.state for window in (1, 2, 3) for one in payouts.of_window(window)} == {rules.PAID}


def test_what_is_posted_after_the_marker_and_before_it_is_looked_at_is_not_planned_again(office: Office) -> None:
    office.trade(30, 3)
    office.ledger.journal()
    asked = rules.on_demand_id(new_key())
    before = office.ledger.balance(FIRST)
    closed = office.cut()
    wake.ask_for(asked, FIRST, 50_000, office.now)
    while steps.post(office.desk):
        pass
    office.ledger.journal()
    office.trade(30, 3)
    office.ledger.journal()
    office.work()
    (planned,) = [one for one in payouts.of_window(closed.number) if one.payee == FIRST]
    assert planned.amount == before - 50_000


def test_decided_again_after_a_crash_and_a_changed_plan_nobody_is_planned_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.now = at(DAY, 12)
    plans.choose(FIRST, plans.DAILY)
    office.trade(30, 3)
    office.cut()

    def die(*_: Any, **__: Any) -> None:
        raise Later("killed")

    with monkeypatch.context() as patch:
        patch.setattr(payouts, "decide_nets", die)
        with pytest.raises(Later):
            office.work()
    first = {one.id: (one.payee, one.amount) for one in payouts.of_window(1)}
    assert FIRST not in {payee for payee, _ in first.values()}
    plans.choose(FIRST, plans.WINDOW)
    office.work()
    found = {one.id: (one.payee, one.amount) for one in payouts.of_window(1)}
    assert first.items() <= found.items()
    assert len({payee for payee, _ in found.values()}) == len(found) == len(first) + 1


# What does not tie ----------------------------------------------------------------------------------------


def test_a_window_that_does_not_tie_says_so_until_it_does_and_pays_nothing_meanwhile(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(30, 3)
    closed = office.cut()
    wrong = Finding("TOTALS_DIFFER", "window 1", "VIETTEL moved 1 đồng more")
    with monkeypatch.context() as patch:
        patch.setattr(trial, "tie", lambda *_: [wrong])
        with pytest.raises(Later, match="does not tie"):
            office.work()
    found = store.window(closed.number)
    assert found is not None
    assert (found.stage, list(payouts.of_window(1))) == ("closed", [])
    assert list(found.findings) == ["TOTALS_DIFFER window 1: VIETTEL moved 1 đồng more"]
    office.work()
    found = store.window(closed.number)
    assert found is not None
    assert (found.stage == "closed", list(found.findings)) == (False, [])


# Other code -----------------------------------------------------------------------------------------------


def test_a_window_that_was_sealed_by_half_is_ended_by_newer_code_under_the_name_of_the_first(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(30, 3)
    closed = office.cut()
    seal, sealed = pack.seal, list[Any]()

    def die(*given: Any) -> Any:
        if len(sealed) == 2:
            raise Later("killed")
        sealed.append(given)
        return seal(*given)

    with monkeypatch.context() as patch:
        patch.setattr(pack, "seal", die)
        with pytest.raises(Later):
            office.work()
    old = closing.code_version()
    monkeypatch.setattr(closing, "code_version", lambda: "cho 99")
    office.work()
    assert store.window(closed.number).record["code"] == old  # type: ignore[union-attr]
    office.later(days=1)
    for _ in range(2):  # the day's pack, and again after a crash
        office.work()
        assert PackingDocument.objects.update(set__done=False) == 1
    (manifest,) = (office.home / "exchange" / "VIETTEL" / "out").glob("manifest.D*.json")
    assert json.loads(manifest.read_text())["manifest"]["code"] == old


def test_code_that_makes_other_files_of_a_begun_window_is_refused_and_told_what_to_do(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.trade(30, 3)
    office.cut()
    out = office.home / "exchange" / "VIETTEL" / "out"
    out.mkdir(parents=True)
    (out / "report.W000001-VIETTEL.csv").write_text("as older code wrote it\n")
    with pytest.raises(Later, match=r"run cho .* until it is netted"):
        office.work()
    assert (out / "report.W000001-VIETTEL.csv").read_text() == "as older code wrote it\n"
    assert store.window(1).stage == "closed"  # type: ignore[union-attr]


def test_the_clerk_archives_a_month_when_the_next_has_begun(office: Office) -> None:
    office.trade(30, 3)
    office.cut()
    office.work()
    assert not (office.home / "archive").exists()
    office.now += timedelta(days=8)  # into December
    office.scribe.at_ms = int(office.now.timestamp() * 1000)
    office.trade(3, 3)
    office.cut()
    office.work()
    assert [folder.name for folder in (office.home / "archive").iterdir()] == ["2026-11"]
    assert day.pack_days(office.desk, None, DAY) is False  # type: ignore[arg-type]
