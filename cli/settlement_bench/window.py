"""A busy market's window for `cho bench settlement`: events as the ledger writes them, and a telecom's record.

Three telecoms, of which one has most of the people; merchants over several banks, a few of which have most of the
trade; payments with a fee (five postings), refunds, transfers between telecoms, cards. Every account's totals and
versions follow from its postings, so that an audit of these books finds nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any

from cho.events.v1.intent_pb2 import Intent

from kit.clock import VIETNAM, from_ms
from kit.ids import new_id, new_key
from kit.streams.entry import Entry
from services.payments import limits, transfer
from services.payments.transfer import Leg
from services.settlement import store

# The first has the people and the record; its postings are a window's payments, or a few more.
TELECOMS = ("VIETTEL", "VNPT", "MOBIFONE")
SHARES = (85, 8, 7)
LEADER = TELECOMS[0]
BANKS = (
    "970436", "970418", "970415", "970405", "970422", "970407", "970432", "970423", "970403", "970416", "970443",
    "970437",
)  # fmt: skip
# Set up in the first window, the trade is in the second.
WINDOW = 2
PAGE = 500
# Of what a wallet does in a day, and a merchant takes.
PAYMENTS_A_WALLET, PAYMENTS_A_MERCHANT = 20, 400
# One of so many payments is followed by one of these.
REFUND_EVERY, SEND_EVERY, TOP_UP_EVERY = 33, 10, 20
FAULTS = ("MISSING", "EXTRA", "AMOUNT", "DUPLICATE", "LATE", "CURRENCY")
FAULTS_MAX = 30
WALLET_VND = 20_000_000
OPENING, CLOSING = time(5), time(21)
_BODY = "0123456789abcdef" * 2


@dataclass(slots=True)
class Made:
    """What was journaled. `faults`: (break's type, reference) that matching the record has to find."""

    events: int
    payments: int
    record_lines: int
    faults: list[tuple[str, str]]

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class Pen:
    """Writes events one after the other, account by account. `turn`: what becomes of a full page (PAGE)."""

    def __init__(self, at_ms: int, seq: int, turn: Callable[[list[Entry]], None]) -> None:
        self.at_ms, self.window, self.seq = at_ms, 1, seq
        # The id of the last transfer.
        self.last = ""
        self._turn = turn
        self._page: list[Entry] = []
        # Debits, credits, version.
        self._totals: dict[str, list[int]] = {}
        self._intent = Intent(caller_id=new_id("usr"), note="rau muống", traceparent="0" * 55).SerializeToString()

    def write(self, op: str, id_: str, legs: str, *, related: str = "", amount: str = "0", fee: str = "0",
              scope: str = "", body: str = "", change: str = "") -> None:  # fmt: skip
        """The next event."""
        self.seq += 1
        entry = Entry(self.seq, {
            b"at": b"%d" % self.at_ms, b"w": b"%d" % self.window, b"e": b"1", b"op": op.encode(), b"r": b"OK",
            b"s": (scope or f"service:bench|{op}|{self.seq}").encode(), b"h": body.encode(), b"t": id_.encode(),
            b"x": related.encode(), b"a": amount.encode(), b"f": fee.encode(), b"l": legs.encode(),
            b"i": self._intent if body else b"", b"z": change.encode(),
        })  # fmt: skip
        self._page.append(entry)
        if len(self._page) == PAGE:
            self.turn()

    def turn(self) -> None:
        """Ends the page."""
        if self._page:
            self._turn(self._page)
            self._page = []

    def open(self, account: str, kind: str, telecom: str = "", owner: str = "") -> str:
        """Opens an account."""
        legs = self._post([Leg("-", 0, account)])
        self.write("open", account, legs, related=kind, amount=telecom, fee=owner, change="open,0")
        return account

    def merchant(self, account: str, bank: str) -> str:
        """Opens a merchant's account."""
        legs = self._post([Leg("-", 0, account)])
        self.write("merchant", account, legs, related="merchant", amount="", fee="usr_v", change=f"open,{bank}")
        return account

    def move(self, op: str, legs: list[Leg], amount: int, fee: int = 0, related: str = "", owner: str = "usr_b") -> str:
        """A transfer's event; its id."""
        id_ = self.last = new_id({"pay": "pay", "refund": "ref"}.get(op, "trf"))
        counted = op if op in ("pay", "transfer") else ""
        self.write(
            op, id_, self._post(legs), related=related, amount=str(amount), fee=str(fee),
            scope=f"{owner}|{op}|{new_key()}", body=_BODY, change=f"{counted},,0,,0",
        )  # fmt: skip
        return id_

    def cut(self) -> None:
        """Closes the window."""
        self.write("cut", "", "")
        self.turn()
        self.window += 1

    def _post(self, legs: list[Leg]) -> str:
        texts = []
        for leg in legs:
            side, amount, account = leg.side, leg.amount, leg.account_id
            if side == "=":
                continue
            totals = self._totals.get(account) or self._totals.setdefault(account, [0, 0, 0])
            if side != "-":
                totals[side == "c"] += amount
            totals[2] += 1
            texts.append(f"{account},{side},{amount},{totals[0]},{totals[1]},0,0,{totals[2]}")
        return ";".join(texts)


class Record:
    """The leading telecom's own record of the window, with a fault now and then."""

    def __init__(self, path: Path, every: int) -> None:
        self.lines, self.faults = 0, list[tuple[str, str]]()
        self._postings = 0
        self._file = path.open("w", encoding="utf-8", newline="")
        self._every, self._sums = every, {"D": 0, "C": 0}
        self._file.write("transfer_id,time,operation,side,amount,currency\r\n")

    def show(self, id_: str, at_ms: int, op: str, legs: list[Leg]) -> None:
        """What a transfer did to what the telecom owes."""
        for leg in legs:
            if leg.account_id == f"settlement:{LEADER}" and leg.side in "dc":
                at = from_ms(at_ms).astimezone(VIETNAM)
                self._line(id_, at, op, leg.side.upper(), leg.amount)

    def _line(self, id_: str, at: datetime, op: str, side: str, amount: int) -> None:
        fault = ""
        self._postings += 1
        if self._postings % self._every == 0 and len(self.faults) < FAULTS_MAX:
            fault = FAULTS[len(self.faults) % len(FAULTS)]
            self.faults.append((fault, id_ if fault != "EXTRA" else f"{id_[:-4]}none"))
        if fault == "EXTRA":
            self._write(f"{id_[:-4]}none", at, op, side, amount)
        elif fault == "DUPLICATE":
            self._write(id_, at, op, side, amount)
        elif fault == "LATE":
            at -= timedelta(days=7)
        elif fault == "AMOUNT":
            amount += 1
        if fault == "CURRENCY":
            self._write(id_, at, op, side, 300, "USD")
        elif fault != "MISSING":
            self._write(id_, at, op, side, amount)

    def _write(self, id_: str, at: datetime, op: str, side: str, amount: int, currency: str = "VND") -> None:
        moment = at.isoformat(timespec="milliseconds")
        self._file.write(f"{id_},{moment},{op},{side},{amount},{currency}\r\n")
        self.lines += 1
        self._sums[side] += amount if currency == "VND" else 0

    def end(self) -> None:
        """Writes the last line."""
        self._file.write(f"total,{self.lines},{self._sums['D']},{self._sums['C']},,\r\n")
        self._file.close()


def make(payments: int, record: Path) -> Made:
    """Journals a set-up window and one of so many payments, of yesterday, that `close` ends; writes the leading
    telecom's record of it."""
    dice = random.Random(payments)  # noqa: S311 - who pays whom, not a secret
    opens, closes = _hours()
    pen = Pen(opens - 3_600_000, store.last_seq(), store.append)
    wallets, merchants = _set_up(pen, payments)
    pen.cut()
    said = Record(record, max(1, payments // (FAULTS_MAX + 1)))
    for number, (op, legs, amount, fee, related) in enumerate(_trade(pen, dice, payments, wallets, merchants)):
        pen.at_ms = max(pen.at_ms, opens + (closes - opens) * number // (payments + payments // 5))
        said.show(pen.move(op, legs, amount, fee, related), pen.at_ms, op, legs)
    pen.turn()
    said.end()
    return Made(pen.seq, payments, said.lines, said.faults)


def close() -> None:
    """Journals the closing marker."""
    pen = Pen(_hours()[1], store.last_seq(), store.append)
    pen.window = WINDOW
    pen.cut()


def _hours() -> tuple[int, int]:
    """When yesterday's market opened and closed, ms."""
    yesterday = datetime.now(VIETNAM).date() - timedelta(days=1)
    opens, closes = (int(datetime.combine(yesterday, at, VIETNAM).timestamp() * 1000) for at in (OPENING, CLOSING))
    return opens, closes


def _set_up(pen: Pen, payments: int) -> tuple[list[list[str]], list[str]]:
    """Wallets by telecom, with money in them, and merchants."""
    pen.write("genesis", "cell-bench", "")
    pen.write("rules", "", "", change=limits.encode(limits.in_force(1_000_000)))
    pen.open(transfer.PLATFORM_FEE, "fee")
    pen.open(transfer.psp("STRIPE"), "psp")
    wallets = []
    for telecom, share in zip(TELECOMS, SHARES, strict=True):
        for kind in ("trust", "reserve", "clearing", "settlement"):
            pen.open(f"{kind}:{telecom}", kind, telecom)
        agent = pen.open(new_id("agt"), "agent", telecom, "usr_a")
        own = [pen.open(new_id("wal"), "wallet", telecom, "usr_w")
               for _ in range(max(20, payments * share // (100 * PAYMENTS_A_WALLET)))]  # fmt: skip
        for account, amount in ((agent, WALLET_VND * len(own)), (transfer.reserve(telecom), 10**12)):
            pen.move("fund", transfer.fund(telecom, account, amount), amount)
        for wallet in own:
            pen.move("cash_in", transfer.cash_in(agent, wallet, WALLET_VND), WALLET_VND)
        wallets.append(own)
    count = max(len(BANKS), payments // PAYMENTS_A_MERCHANT)
    return wallets, [pen.merchant(new_id("mer"), BANKS[number % len(BANKS)]) for number in range(count)]


_Movement = tuple[str, list[Leg], int, int, str]


def _trade(
    pen: Pen, dice: random.Random, payments: int, wallets: list[list[str]], merchants: list[str]
) -> Iterator[_Movement]:
    """Operation, legs, amount, fee, and what it refers to."""
    sides = list(accumulate(SHARES))
    # Zipf: the second has half of what the first has, the third a third.
    weights = list(accumulate(1 / (rank + 1) for rank in range(len(merchants))))
    whom = dice.choices(merchants, cum_weights=weights, k=payments)
    who = dice.choices(range(len(TELECOMS)), cum_weights=sides, k=payments)
    for number, (merchant, side) in enumerate(zip(whom, who, strict=True), 1):
        telecom, wallet = TELECOMS[side], dice.choice(wallets[side])
        amount = 15_000 + 500 * int(dice.expovariate(0.005))
        fee = amount // 200
        yield "pay", transfer.pay(wallet, merchant, telecom, amount, fee), amount, fee, ""
        if number % REFUND_EVERY == 0:
            yield "refund", transfer.refund(merchant, wallet, telecom, amount, fee), amount, fee, pen.last
        if number % SEND_EVERY == 0:
            payer, payee = dice.choice(wallets[0]), dice.choice(wallets[1 + number % 2])
            yield "transfer", transfer.send(payer, payee, LEADER, TELECOMS[1 + number % 2], amount), amount, 0, ""
        if number % TOP_UP_EVERY == 0:
            yield "top_up", transfer.top_up("STRIPE", wallet, telecom, amount), amount, 0, ""
