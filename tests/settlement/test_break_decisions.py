"""What becomes of a break whose resolution was approved, on a real ledger and real books: posted once or taken back,
whenever the approval comes, breaks off or is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import redis
from anyio.from_thread import BlockingPortal, start_blocking_portal
from cho.events.v1.intent_pb2 import Intent
from cho.settlement.v1 import reconciliation_pb2 as pb
from google.protobuf.message import Message

from kit import clock
from kit.errors import (
    AccountNotFound,
    Contention,
    DomainError,
    InsufficientFunds,
    OutcomeUnknown,
    TooLate,
    Unavailable,
    WrongState,
)
from kit.ids import new_id
from kit.rpc.call import Call, Caller
from services.payments import limits
from services.payments.server.scheme import SchemeServicer
from services.payments.store.client import LedgerClient
from services.payments.store.ledger import Ledger
from services.settlement import gate, store
from services.settlement.matching import casework, kept
from services.settlement.matching.breaks import Break, State
from services.settlement.matching.documents import BreakDocument
from services.settlement.matching.model import BreakType, Severity
from services.settlement.server import reconciliation as server
from services.settlement.server.reconciliation import ReconciliationServicer
from tests.payments.conftest import TELECOMS, Bench
from tests.settlement.conftest import KEYS, journal

FOUND_AT = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
AMOUNT = 75_000
SETTLEMENT = Call(Caller("service:settlement", frozenset({"service"})), "", "", {}, None)


def who(sub: str) -> Call:
    return Call(Caller(sub, frozenset({"operator"})), "", "", {}, None)


LAN, HUY, MAI = who("usr_lan"), who("usr_huy"), who("usr_mai")


class Desk:
    """Two operators before one break; behind them payments' own servicer on a ledger, and everybody's clock."""

    def __init__(self, portal: BlockingPortal, bench: Bench, hot: redis.Redis) -> None:
        self.portal, self.bench, self.hot = portal, bench, hot
        self.scheme, self.servicer = SchemeServicer(bench.ledger), ReconciliationServicer()
        self.later = timedelta(0)
        # What happens before and after a call of payments, by its method's name.
        self.before: dict[str, Callable[[], object]] = {}
        self.after: dict[str, Callable[[], object]] = {}
        self.id = ""

    def ask(self, method: Any, request: Message, call: Call) -> Any:
        self.before.get(method.__name__, lambda: None)()
        reply = self.portal.call(method, request, SETTLEMENT)
        self.after.get(method.__name__, lambda: None)()
        return reply

    def wait(self, **by: float) -> None:
        """Everybody's clock goes on: settlement's and the ledger's."""
        self.later += timedelta(**by)
        self.hot.hset(KEYS.meta, "at", clock.now_ms() + int(self.later.total_seconds() * 1000))

    @property
    def break_(self) -> Break:
        return casework.load(self.id)

    def propose(self, debited: str = "nostro:SCHEME", by: Call = LAN, resolution: str = "pay back") -> None:
        entry = pb.Correction(debited=debited, credited="suspense:SCHEME", amount=AMOUNT)
        version = self.break_.version
        request = pb.ProposeResolutionRequest(
            break_id=self.id, version=version, resolution=resolution, correction=entry
        )  # fmt: skip
        self.servicer.ProposeResolution(request, by)

    def approve(self, by: Call = HUY) -> pb.Break:
        request = pb.DecideResolutionRequest(break_id=self.id, approve=True, version=self.break_.version)
        return self.servicer.DecideResolution(request, by).case

    def reject(self, by: Call = HUY) -> None:
        request = pb.DecideResolutionRequest(break_id=self.id, reason="too old", version=self.break_.version)
        self.servicer.DecideResolution(request, by)

    def posted(self) -> list[str]:
        """The entries that the ledger has carried out, by their transfers."""
        events: Any = self.hot.xrange(KEYS.stream)
        corrections = [fields for _, fields in events if fields[b"op"] == b"correct" and fields[b"r"] == b"OK"]
        return [fields[b"t"].decode() for fields in corrections]

    def merchant(self) -> str:
        return self.portal.call(self.bench.merchant)

    def forget_keys(self) -> None:
        """The ledger keeps what a key was answered for eight days."""
        for key in self.hot.scan_iter(KEYS.idempotency("*correct*")):
            self.hot.delete(key)


@pytest.fixture
def desk(books: None, hot: redis.Redis, valkey: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    assert gate.ensure_open(hot)
    BreakDocument.objects.delete()
    with start_blocking_portal() as portal:
        client = LedgerClient(valkey)
        portal.call(client.start)
        bench = Bench(Ledger(client, KEYS), client, KEYS, valkey)
        portal.call(bench.ledger.found, TELECOMS, limits.encode(limits.in_force(1_000_000)))
        desk = Desk(portal, bench, hot)
        desk.id = new_id("brk")
        found = Break(
            id=desk.id, institution="970418", stream="970418|1|payouts", scope="970418|1|payouts|d|d|0",
            reconciliation_id="rec_1", type=BreakType.MISSING, detail="", severity=Severity.MEDIUM, reference="PO-1",
            due_on=date(2026, 12, 3), at_risk=AMOUNT, difference=0, facts="{}", opened_at=FOUND_AT,
        )  # fmt: skip
        BreakDocument._get_collection().insert_one(kept.document(found))
        monkeypatch.setattr(server, "scheme", lambda: desk.scheme)
        monkeypatch.setattr(server, "ask", desk.ask)
        monkeypatch.setattr(server, "now", lambda: clock.now() + desk.later)
        yield desk
        portal.call(client.stop)


def broken_off() -> None:
    raise OutcomeUnknown("the connection broke")


def out_of_reach() -> None:
    raise Unavailable("payments cannot be reached")


def enter_books(hot: redis.Redis) -> None:
    journal(hot)
    assert store.enter_keys(1_000) == []


# In time ----------------------------------------------------------------------------------------------------------


def test_an_approval_posts_the_entry_and_resolves_the_break(desk: Desk) -> None:
    desk.propose()
    desk.wait(hours=71)
    case = desk.approve()
    assert (case.state, [case.transfer_id]) == ("resolved", desk.posted())


def test_an_approval_tells_the_ledger_of_a_proposal_that_it_never_heard_of(desk: Desk) -> None:
    desk.before["ProposeCorrection"] = out_of_reach
    with pytest.raises(Unavailable):
        desk.propose()
    desk.before.clear()
    assert desk.approve().state == "resolved"


def test_a_resolution_in_several_lines_is_posted(desk: Desk) -> None:
    desk.propose(resolution="the bank's fee\nof November")
    assert desk.approve().state == "resolved"
    assert len(desk.posted()) == 1


def test_two_approvals_at_once_post_once(desk: Desk) -> None:
    desk.propose()
    desk.before["Move"] = broken_off
    with pytest.raises(OutcomeUnknown):
        desk.approve()
    both = Barrier(2)
    desk.before["Move"] = both.wait  # both have read it as approved
    with ThreadPoolExecutor(2) as people:
        cases = list(people.map(desk.approve, (HUY, MAI)))
    assert {case.state for case in cases} == {"resolved"}
    assert {case.transfer_id for case in cases} == set(desk.posted())
    assert len(desk.posted()) == 1


def test_of_two_who_approve_one_version_at_once_one_posts_and_nothing_is_posted_twice(desk: Desk) -> None:
    desk.propose()
    both = Barrier(2)

    def approve(by: Call) -> str:
        request = pb.DecideResolutionRequest(break_id=desk.id, approve=True, version=2)
        both.wait()
        try:
            return desk.servicer.DecideResolution(request, by).case.state
        except (Contention, WrongState):
            return "told"

    with ThreadPoolExecutor(2) as people:
        ended = list(people.map(approve, (HUY, MAI)))
    assert "resolved" in ended
    assert len(desk.posted()) == 1
    assert desk.break_.state is State.RESOLVED


# Broken off -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", [broken_off, out_of_reach])
def test_while_nothing_is_known_it_stays_approved_and_the_same_call_again_finishes_it(
    desk: Desk, breaks: Callable[[], None]
) -> None:
    desk.propose()
    for when in (desk.before, desk.after):
        when["Move"] = breaks
        with pytest.raises((OutcomeUnknown, Unavailable)):
            desk.approve()
        assert desk.break_.state is State.APPROVED
        when.clear()
    assert desk.approve(MAI).state == "resolved"
    assert len(desk.posted()) == 1
    assert desk.break_.approved_by == "usr_huy", "who carries on has not approved"


@pytest.mark.parametrize("code", ["OUTCOME_UNKNOWN", "UNAVAILABLE", "LEDGER_FENCED"])
def test_a_ledger_that_cannot_say_how_it_ended_takes_nothing_back(
    desk: Desk, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.propose()
    desk.before["Move"] = broken_off
    with pytest.raises(OutcomeUnknown):
        desk.approve()
    desk.before.clear()
    desk.wait(hours=73)
    desk.merchant()
    enter_books(desk.hot)
    asked = desk.ask

    def unclear(method: Any, request: Message, call: Call) -> Any:
        reply = asked(method, request, call)
        for outcome in getattr(reply, "outcomes", ()):
            outcome.code = code
        return reply

    monkeypatch.setattr(server, "ask", unclear)
    with pytest.raises(DomainError):
        desk.approve()
    assert desk.break_.state is State.APPROVED


@pytest.mark.parametrize("hours", [73, 24 * 9])
def test_an_entry_whose_answer_was_lost_is_found_however_late_somebody_asks_again(desk: Desk, hours: int) -> None:
    desk.propose()
    desk.after["Move"] = broken_off
    with pytest.raises(OutcomeUnknown):
        desk.approve()
    desk.after.clear()
    desk.wait(hours=hours)
    if hours > 24 * 8:
        desk.forget_keys()
        with pytest.raises(Unavailable):
            desk.approve()
        assert desk.break_.state is State.APPROVED, "the books are not there yet"
        desk.merchant()
        enter_books(desk.hot)
    case = desk.approve()
    assert (case.state, [case.transfer_id]) == ("resolved", desk.posted())


@pytest.mark.parametrize("told", [True, False], ids=["proposed at the ledger", "unknown to it"])
@pytest.mark.parametrize("hours", [73, 24 * 9])
def test_an_approval_that_broke_off_before_the_entry_goes_back_once_its_time_is_over(
    desk: Desk, hours: int, told: bool
) -> None:
    if not told:
        desk.before["ProposeCorrection"] = out_of_reach
        with pytest.raises(Unavailable):
            desk.propose()
    else:
        desk.propose()
    desk.before["Move"] = out_of_reach
    with pytest.raises(Unavailable):
        desk.approve()
    desk.before.clear()
    desk.wait(hours=hours)
    desk.merchant()
    enter_books(desk.hot)
    with pytest.raises(TooLate, match="propose anew"):
        desk.approve()
    assert (desk.break_.state, desk.break_.proposal, desk.break_.approved_by) == (State.ASSIGNED, None, "")
    desk.propose()
    assert desk.approve().state == "resolved"
    assert len(desk.posted()) == 1


def test_a_time_that_ends_between_the_approval_and_the_entry_takes_it_back(desk: Desk) -> None:
    desk.propose()
    desk.wait(hours=71)
    desk.before["Move"] = lambda: desk.wait(hours=2)
    with pytest.raises(TooLate):
        desk.approve()
    assert desk.break_.state is State.ASSIGNED
    assert desk.posted() == []


def test_an_entry_posted_while_another_call_hears_that_it_is_too_late_resolves_it(desk: Desk) -> None:
    desk.before["ProposeCorrection"] = out_of_reach
    with pytest.raises(Unavailable):
        desk.propose()
    desk.before["Move"] = out_of_reach
    with pytest.raises(Unavailable):
        desk.approve()
    desk.before.clear()

    def other_call() -> None:
        desk.before.clear()
        desk.approve(MAI)
        desk.wait(hours=73)

    desk.before["ProposeCorrection"] = other_call
    assert desk.approve().state == "resolved"
    assert len(desk.posted()) == 1


# Too late, and refused --------------------------------------------------------------------------------------------


def test_an_approval_after_the_proposals_time_is_refused_and_another_proposal_can_be_made(desk: Desk) -> None:
    desk.propose()
    desk.wait(hours=73)
    with pytest.raises(WrongState, match="reject it and propose anew"):
        desk.approve()
    assert desk.break_.state is State.PROPOSED
    desk.reject()
    desk.propose()
    case = desk.approve()
    assert (case.state, [case.transfer_id]) == ("resolved", desk.posted())


def test_an_entry_that_the_ledger_refuses_for_good_goes_back_with_that_in_its_history(desk: Desk) -> None:
    desk.propose(desk.merchant())
    with pytest.raises(InsufficientFunds, match="propose anew"):
        desk.approve()
    back = desk.break_
    assert (back.state, back.owner, back.proposal, back.approved_by) == (State.ASSIGNED, "usr_lan", None, "")
    assert (back.history[-1].what, back.history[-1].by) == ("refused", "usr_huy")
    assert back.history[-1].text.startswith("INSUFFICIENT_FUNDS: ")
    with pytest.raises(Contention):
        desk.servicer.DecideResolution(
            pb.DecideResolutionRequest(break_id=desk.id, approve=True, version=2), HUY
        )  # fmt: skip
    desk.propose()
    assert desk.approve().state == "resolved"
    assert len(desk.posted()) == 1


def test_a_refusal_whose_answer_was_lost_stays_one_although_there_is_money_now(desk: Desk) -> None:
    merchant = desk.merchant()
    desk.propose(merchant)
    desk.after["Move"] = broken_off
    with pytest.raises(OutcomeUnknown):
        desk.approve()
    desk.after.clear()

    async def earn() -> None:
        wallet = await desk.bench.wallet(balance=10 * AMOUNT)
        await desk.bench.pay(wallet, merchant, 2 * AMOUNT)

    desk.portal.call(earn)
    with pytest.raises(InsufficientFunds):
        desk.approve()
    assert desk.break_.state is State.ASSIGNED
    assert desk.posted() == []
    desk.propose(merchant)
    assert desk.approve().state == "resolved"


def test_two_who_hear_a_refusal_at_once_take_the_decision_back_once(desk: Desk) -> None:
    desk.propose(desk.merchant())
    desk.before["Move"] = broken_off
    with pytest.raises(OutcomeUnknown):
        desk.approve()
    both = Barrier(2)
    desk.before["Move"] = both.wait
    desk.after["Move"] = both.wait

    def approve(by: Call) -> None:
        with pytest.raises(InsufficientFunds):
            desk.approve(by)

    with ThreadPoolExecutor(2) as people:
        list(people.map(approve, (HUY, MAI)))
    assert [event.what for event in desk.break_.history] == ["proposed", "approved", "refused"]


def test_a_refusal_heard_late_takes_nothing_back_that_was_approved_since(desk: Desk) -> None:
    desk.propose(desk.merchant())
    with pytest.raises(InsufficientFunds):
        desk.approve()
    desk.propose()
    desk.before["Move"] = out_of_reach
    with pytest.raises(Unavailable):
        desk.approve()
    approved = desk.break_
    assert approved.proposal is not None
    earlier = replace(approved, proposal=replace(approved.proposal, at=FOUND_AT))
    assert casework.refused(earlier, "INSUFFICIENT_FUNDS", "usr_huy", FOUND_AT) == approved == desk.break_


def test_an_account_that_is_not_there_may_come_until_the_proposals_time_is_over(desk: Desk) -> None:
    desk.propose(new_id("mer"))
    with pytest.raises(AccountNotFound):
        desk.approve()
    assert desk.break_.state is State.APPROVED, "a call on its way could still find the account"
    desk.wait(hours=73)
    with pytest.raises(Unavailable):
        desk.approve()
    assert desk.break_.state is State.APPROVED, "the books do not reach the proposal's end"
    desk.merchant()
    enter_books(desk.hot)
    with pytest.raises(TooLate):
        desk.approve()
    assert desk.break_.state is State.ASSIGNED


def test_a_proposal_that_was_rejected_at_the_ledger_goes_back(desk: Desk) -> None:
    desk.propose()
    (waiting,) = desk.portal.call(desk.bench.ledger.open_proposals, 9)
    desk.portal.call(desk.bench.ledger.decline, waiting.proposal_id, "rejected", "usr_mai", Intent(caller_id="usr_mai"))
    with pytest.raises(WrongState, match="propose anew"):
        desk.approve()
    assert desk.break_.state is State.ASSIGNED
    assert desk.posted() == []
