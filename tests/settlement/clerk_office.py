"""The clerk at work on real books: the ledger's side is a scribe who writes events and answers over gRPC as it does.

The bank and the telecoms are the simulators; the time is the tests' own, so that a day and its statements are the same
at whatever day the tests run.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent import futures
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cho.onboarding.v1 import onboarding_pb2
from cho.onboarding.v1.onboarding_pb2_grpc import OnboardingServiceServicer, add_OnboardingServiceServicer_to_server
from cho.payments.v1 import scheme_pb2
from cho.payments.v1.scheme_pb2_grpc import SchemeServiceServicer, add_SchemeServiceServicer_to_server

from kit.clock import VIETNAM, from_ms
from kit.config import settings
from kit.ids import key_time_ms
from kit.streams.entry import Entry
from services.payments import transfer
from services.settlement import store, trust
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.clerk import inbox, reconcile, switched, work
from services.settlement.clerk import payouts as steps
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.peers import Peers
from services.settlement.matching import documents as matching
from services.settlement.payouts import documents
from services.settlement.payouts import store as payouts
from services.settlement.people import pdf, xlsx
from simulators.institutions.desk import Desk as Institution
from simulators.institutions.faults import Fault, arm
from simulators.institutions.ticks import Institutions
from tests.settlement.conftest import Scribe, fields_of

DAY = date(2026, 11, 24)  # a Tuesday
PAGE, HOUR_NS = 500, 3600 * 10**9
BANK = "970418"
MERCHANTS_BANKS = ("970436", "970405", "970415", "970422")
KEY = trust.signing_key("tests")
# The state that a payout's transfer has to be in, and the one it is in afterwards.
_STATES = {"paid": ("sent", "paid"), "unpaid": ("sent", "unpaid"), "returned": ("paid", "returned")}


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A moment of a day of Vietnam."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=VIETNAM).astimezone(UTC)


class Ledger(SchemeServiceServicer, OnboardingServiceServicer):
    """Payments and onboarding for the clerk: one answer a key, nobody pays what they do not have."""

    def __init__(self, scribe: Scribe, banks: int) -> None:
        self.scribe, self.lock = scribe, threading.Lock()
        self.banks = MERCHANTS_BANKS[:banks]
        self.journaled = 0
        self.answers: dict[str, scheme_pb2.MoveOutcome] = {}
        self.states: dict[str, str] = {}
        self.moved: Counter[str] = Counter()
        # Merchants without an approved account; operations of which nothing is known now.
        self.homeless: set[str] = set()
        self.unreachable: set[str] = set()

    def journal(self) -> None:
        """Brings the books up to the scribe's last event."""
        while new := self.scribe.events[self.journaled : self.journaled + PAGE]:
            store.append([Entry(event.seq, fields_of(event)) for event in new])
            self.journaled += len(new)

    def bank_of(self, merchant: str) -> str:
        """Who settles a merchant."""
        return self.banks[int(merchant[-4:]) % len(self.banks)]

    def balance(self, account: str) -> int:
        """Credits less debits, đồng."""
        debits, credits, *_ = self.scribe._totals.get(account, [0, 0, 0, 0, 0])
        return credits - debits

    def Move(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self.lock:
            reply = scheme_pb2.MoveResponse(outcomes=[self._move(one) for one in request.movements])
            self.journal()
        return reply

    def GetAvailable(self, request: Any, context: grpc.ServicerContext) -> Any:
        with self.lock:
            return scheme_pb2.GetAvailableResponse(available=[self.balance(one) for one in request.account_ids])

    def GetSettlementAccounts(self, request: Any, context: grpc.ServicerContext) -> Any:
        accounts = [
            onboarding_pb2.PayoutAccount(
                merchant_id=one, bank_bin=self.bank_of(one), account_number=f"0071{one[-9:]}", account_name="HANG XEN"
            )
            for one in request.merchant_ids if one not in self.homeless
        ]  # fmt: skip
        return onboarding_pb2.GetSettlementAccountsResponse(accounts=accounts)

    def _move(self, m: scheme_pb2.Movement) -> scheme_pb2.MoveOutcome:
        if m.operation in self.unreachable:
            return scheme_pb2.MoveOutcome(code="UNAVAILABLE", message="nothing was done")
        if (key_time_ms(m.idempotency_key) or 0) + 7 * 86_400_000 < self.scribe.at_ms:
            return scheme_pb2.MoveOutcome(code="KEY_EXPIRED", message="older than 7 days")
        if known := self.answers.get(m.idempotency_key):
            return known
        related, payer = m.related_id, {"payout": m.account_id, "interchange": transfer.PLATFORM_FEE}.get(m.operation)
        if m.operation in _STATES and self.states.get(related) != _STATES[m.operation][0]:
            return scheme_pb2.MoveOutcome(code="WRONG_STATE", message=f"the payout is {self.states.get(related)}")
        if payer and self.balance(payer) < m.amount:
            return scheme_pb2.MoveOutcome(code="INSUFFICIENT_FUNDS", message="the payee has less")
        legs = {
            "payout": lambda: transfer.payout(m.account_id, m.amount, m.fee),
            "paid": lambda: transfer.paid(m.amount), "unpaid": lambda: transfer.unpaid(m.account_id, m.amount, m.fee),
            "returned": lambda: transfer.returned(m.account_id, m.amount),
            "net": lambda: transfer.net(m.institution, m.amount),
            "interchange": lambda: transfer.interchange(m.institution, m.amount),
        }[m.operation]()  # fmt: skip
        scope = {"scope": f"service:settlement|{m.operation}|{m.idempotency_key}", "body_hash": "h"}
        transfer_id = self.scribe.transfer(m.operation, abs(m.amount), legs, m.fee, related, **scope)
        self.moved[m.operation] += 1
        if m.operation == "payout":
            self.states[transfer_id] = "sent"
        elif m.operation in _STATES:
            self.states[related] = _STATES[m.operation][1]
        answer = self.answers[m.idempotency_key] = scheme_pb2.MoveOutcome(
            transfer_id=transfer_id, seq=len(self.scribe.events)
        )  # fmt: skip
        return answer


@dataclass
class Office:
    """The clerk's desk, the market's events, and the institutions, on one home."""

    home: Path
    desk: Desk
    ledger: Ledger
    scribe: Scribe
    now: datetime
    institutions: Institutions | None = None
    everybody: list[Institution] = field(default_factory=list)
    wallets: dict[str, str] = field(default_factory=dict)
    # By how much the clerk's clock is wrong.
    skew: timedelta = timedelta(0)

    def trade(self, payments: int, merchants: int) -> None:
        """Payments of three telecoms' people to merchants, every fiftieth partly given back."""
        known = [f"mer_{n:032d}" for n in range(merchants)]
        if not self.wallets:
            for merchant in known:
                self.scribe.merchant(merchant, self.ledger.bank_of(merchant))
            self.wallets = {name: self.scribe.wallet(10**12, name) for name in sorted(transfer.TELECOMS)}
        telecoms = sorted(transfer.TELECOMS)
        for n in range(payments):
            merchant, telecom = known[n % merchants], telecoms[n // 7 % 3]
            amount = 20_000 + n * 7919 % 180_000
            paid = self.scribe.pay(self.wallets[telecom], merchant, amount, amount // 500, telecom)
            if n % 50 == 49:
                self.scribe.refund(paid, self.wallets[telecom], merchant, amount // 2, amount // 1000, telecom)

    def cut(self) -> store.Window:
        """Closes the open window now."""
        self.scribe.at_ms = max(self.scribe.at_ms, int(self.now.timestamp() * 1000))
        number = self.scribe.cut().window
        self.ledger.journal()
        closed = store.window(number)
        assert closed is not None
        return closed

    def work(self) -> None:
        """The clerk does all that there is to do. Files of the institutions are as old as they have to be."""
        for file in (self.home / "exchange").glob("*/in/*"):
            if file.is_file():
                came_ns = file.stat().st_mtime_ns - HOUR_NS
                os.utime(file, ns=(came_ns, came_ns))
        work.run(self.desk, KEY)

    def clerks_now(self) -> datetime:
        """What the clerk's clock shows."""
        return from_ms(int((self.now + self.skew).timestamp() * 1000))

    def release(self) -> None:
        """Two operators let go what waits for them."""
        for file in payouts.batches(state="waiting"):
            for operator in ("usr_a", "usr_b"):
                payouts.release(file.id, operator)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)

    def tick(self, times: int = 1, day_end: date | None = None, telecoms: bool = False) -> None:
        """The bank does what is due, a ms apart: what is to come with the next tick comes with that one. And telecoms:
        comparing their records takes most of the time, and few tests are about them."""
        if self.institutions is None:
            self.institutions = Institutions(self.home)
            self.everybody = list(self.institutions._desks)
        self.institutions._desks = self.everybody if telecoms else self.everybody[:1]
        for _ in range(times):
            self.later(milliseconds=1)
            self.institutions.tick(self.now, day_end)

    def arm(self, institution: str, **fault: Any) -> None:
        arm(self.home, institution, Fault(**fault))

    def faults_done(self) -> list[dict[str, Any]]:
        path = self.home / "simulators" / "faults-done.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def refused(self, institution: str) -> dict[str, str]:
        """Refused files, each with its reason."""
        found = {}
        for reason in (self.home / "exchange" / institution / "in" / "refused").glob("*.reason.txt"):
            found[reason.name.removesuffix(".reason.txt")] = reason.read_text()
        return found


def open_office(home: Path, monkeypatch: pytest.MonkeyPatch, banks: int = 1, papers: bool = False) -> Iterator[Office]:
    """For a fixture: an office on empty books; `banks` settle the merchants. Nothing waits for the disk: the machine
    does not die here. Without `papers` statements and sheets for people are blank: printing them takes most of the
    time."""
    monkeypatch.setattr(os, "fsync", lambda _: None)
    if not papers:
        monkeypatch.setattr(pdf, "statement", lambda *_: b"%PDF-")
        monkeypatch.setattr(xlsx, "workbook", lambda *_: b"PK")
    for document in (*documents.DOCUMENTS, *matching.DOCUMENTS):
        document.objects.delete()
    scribe = Scribe(at_ms=int(at(DAY, 8).timestamp() * 1000))
    for account, kind in ((transfer.TRANSIT, "transit"), (transfer.NOSTRO, "nostro")):
        scribe.open(account, kind)
    ledger = Ledger(scribe, banks)
    server = grpc.server(futures.ThreadPoolExecutor(2))
    add_SchemeServiceServicer_to_server(ledger, server)
    add_OnboardingServiceServicer_to_server(ledger, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    for name, value in (
        ("payments_addr", address), ("onboarding_addr", address), ("home", home), ("settlement_schedule", "off"),
    ):  # fmt: skip
        monkeypatch.setattr(settings(), name, value)
    peers, books = Peers(), Checkpoints(home / "books" / "checkpoints.sqlite3")
    office = Office(home, Desk(settings(), peers, books, home), ledger, scribe, at(DAY, 8))
    for module in (work, steps, inbox, reconcile, switched):
        monkeypatch.setattr(module, "now", office.clerks_now)
    monkeypatch.setattr(reconcile, "_today", lambda: office.clerks_now().astimezone(VIETNAM).date())
    yield office
    if office.institutions is not None:
        office.institutions.close()
    peers.close()
    books.close()
    server.stop(0).wait()
