"""What each event does to the cell's keys: functions/*.lua told again, by legs and records.

An event is applied to what is `Known` and comes out as commands, in the order in which a function would write. What
has to be remembered from one batch to the next is small: what is open.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from kit.ids import key_time_ms
from kit.ledger_event import Facts, LedgerEvent, PostedLeg
from services.payments.store.keys import Keys
from services.payments.store.rebuild.known import CannotRebuild, Known, Record, Request, Told
from services.payments.store.rebuild.lives import (
    DAY_MS,
    HISTORY_MAX,
    HOT_CARD_MS,
    HOT_MS,
    KEPT_MS,
    KEY_RETENTION_MS,
    Lives,
)
from services.payments.store.rebuild.use import Small, small_rules
from services.payments.store.rebuild.wire import Command

# How long a proposal waits where its event does not say: what the desk gives it (server/desk.py).
PROPOSAL_MS = 3 * DAY_MS


class Hold(NamedTuple):
    """Money set aside and not taken yet: since when, as what it counts, how much."""

    at_ms: int
    limited: str
    amount: int


class Proposal(NamedTuple):
    """What waits for a second person."""

    by: str
    reason: str


@dataclass(slots=True)
class Code:
    """A payer's one-time code that was not used yet; đồng, ms."""

    ceiling: int
    expires_ms: int


class Replay:
    """The events so far. `seq`, `at_ms`, `epoch`, `window`, `cut_seq` ("" before the first), `genesis`: the head's."""

    def __init__(self, k: Keys, lives: Lives) -> None:
        self.seq = self.at_ms = 0
        self.epoch = self.window = 1
        self.cut_seq = self.genesis = ""
        # Transfers that are kept until the end because something later might keep them; nothing did.
        self.late: set[str] = set()
        self._k = k
        self._lives = lives
        self._rules: tuple[Small, ...] = ()
        self._holds: dict[str, Hold] = {}
        # By what is to be done to what, then by id: those that are open.
        self._proposals: dict[tuple[str, str], dict[str, Proposal]] = {}
        # By wallet, then by digest: active ones.
        self._codes: dict[str, dict[str, Code]] = {}
        self._merchants: dict[str, str] = {}
        self._receivables: set[str] = set()
        self._known = Known({}, {}, {}, {})
        self._accounts: dict[str, dict[str, str | int]] = {}
        self._commands: list[Command] = []
        self._others: dict[str, Callable[[Told], None]] = {
            "genesis": self._genesis, "promote": lambda _: None, "cut": self._cut, "rules": self._put_rules,
            "open": self._open, "merchant": self._merchant, "state": self._state, "exempt": self._exempt,
            "cap": self._cap,
            "request": self._request, "withdraw": self._withdraw, "code": self._code, "cancel_code": self._cancel_code,
            "propose": self._propose, "decline": self._decline, "void": self._release, "expire": self._release,
        }  # fmt: skip

    def apply(self, batch: Sequence[Told], known: Known) -> list[Command]:
        """The commands that bring the keys from before these events to after them. Raises CannotRebuild."""
        self._known, self._commands, self._accounts = known, [], {}
        for told in batch:
            self._one(told)
        # An account is written once a batch: a hot one changes hundreds of times in it.
        for account_id, fields in self._accounts.items():
            self._hset(self._k.account(account_id), fields)
        return self._commands

    def _one(self, told: Told) -> None:
        event = told.event
        if event.seq != self.seq + 1:
            raise CannotRebuild(f"event {event.seq} follows {self.seq}")
        self.seq, self.at_ms, self.epoch = event.seq, event.at_ms, event.epoch
        self.window = event.window + (event.op == "cut")
        if told.facts:
            self._transfer(told, told.facts)
        elif event.keyed and event.result != "OK":
            self._answer(event, event.result, "", told.detail)
        elif event.result == "OK" and event.op in self._others:
            self._others[event.op](told)
        else:
            raise CannotRebuild(f"event {event.seq}: {event.op!r} ({event.result}) is not known here")

    # Writing

    def _put(self, *command: str | bytes | int) -> None:
        self._commands.append(command)

    def _hset(self, key: str, fields: dict[str, str | int]) -> None:
        self._put("HSET", key, *(part for pair in fields.items() for part in pair))

    def _set_account(self, account_id: str, **fields: str | int) -> None:
        self._accounts.setdefault(account_id, {}).update(fields)

    def _set_totals(self, leg: PostedLeg) -> None:
        self._set_account(
            leg.account_id, dp=leg.debits, cp=leg.credits, dq=leg.debits_pending, cq=leg.credits_pending, v=leg.version
        )

    def _expire(self, transfer_id: str, at_ms: int) -> None:
        """From when on a transfer is not hot any more. One that is over by now is gone at once, unless something later
        may keep it."""
        if at_ms <= self._lives.now_ms and self._lives.outlives(transfer_id):
            self.late.add(transfer_id)
            return
        self.late.discard(transfer_id)
        self._put("PEXPIREAT", self._k.transfer(transfer_id), at_ms)

    def _change(self, transfer_id: str, record: Record, fields: dict[str, str | int]) -> None:
        """Changes a transfer that is there, and not when it goes. Should it go just now, nothing of it is left."""
        self._hset(self._k.transfer(transfer_id), fields)
        if record.expires_ms > 0:
            self._put("PEXPIREAT", self._k.transfer(transfer_id), record.expires_ms)

    # Answers to keys

    def _answer(self, event: LedgerEvent, answer: str, transfer_id: str, facts: str) -> bool:
        """What a key was answered; whether that is still remembered."""
        made_ms = key_time_ms(event.scope.rpartition("|")[2]) or 0
        until_ms = max(made_ms, event.at_ms) + KEY_RETENTION_MS + DAY_MS
        if until_ms <= self._lives.now_ms:
            return False
        key = self._k.idempotency(event.scope)
        self._put("HSET", key, "h", event.body_hash, "r", answer, "t", transfer_id, "f", facts, "n", 0)
        self._put("PEXPIREAT", key, until_ms)
        return True

    # Transfers

    def _transfer(self, told: Told, facts: Facts) -> None:
        event = told.event
        if len(event.legs) < 2:
            raise CannotRebuild(f"event {event.seq}: a transfer ({event.op}) has two parties")
        first, second = event.legs[:2]
        pending = first.side in "pq"
        for leg in event.legs:
            self._set_totals(leg)
            if leg.account_id in self._receivables:
                self._put("SADD" if leg.debits > leg.credits else "SREM", self._k.debts, leg.account_id)
        if facts.limited:
            self._count(event, facts.limited)
        self._put_record(told, facts, pending)
        taken = self._relate(told)
        self._put_guarded(told, pending)
        refunded = taken if event.op == "refund" else 0
        answer = "|".join(map(str, (
            event.at_ms, event.seq, event.window, _balance(first), _balance(second), event.fee, refunded or 0,
            facts.held_by or facts.verdict, facts.asked,
        )))  # fmt: skip
        if self._answer(event, "HELD" if facts.held_by else "OK", event.transfer_id, answer) and refunded is None:
            raise CannotRebuild(f"event {event.seq} refers to {event.related}, which is not there")
        for leg in (first, second):
            self._push(leg.account_id, event.transfer_id)

    def _count(self, event: LedgerEvent, limited: str) -> None:
        use = self._known.uses[event.legs[0].account_id]
        try:
            use.add(limited, int(event.amount), event.at_ms, self._rules)
        except ValueError as error:
            raise CannotRebuild(f"event {event.seq} counts as {limited!r}, which is not known here") from error
        self._set_account(event.legs[0].account_id, u=str(use))

    def _put_record(self, told: Told, facts: Facts, pending: bool) -> None:
        event = told.event
        until_ms = event.at_ms + (HOT_CARD_MS if event.op == "top_up" else HOT_MS)
        if not pending and until_ms <= self._lives.now_ms and not self._lives.outlives(event.transfer_id):
            return
        fields: dict[str, str | int] = {
            "k": event.op, "a": event.amount, "f": event.fee, "fr": event.legs[0].account_id,
            "to": event.legs[1].account_id, "at": event.at_ms, "q": event.seq, "w": event.window, "r": 0,
            "x": event.related, "rf": told.intent.reference, "nt": told.intent.note,
        }  # fmt: skip
        if pending:
            fields |= {"s": "held", "e": facts.expires_ms, "cl": facts.limited, "rv": int(facts.held_by != "")}
            self._holds[event.transfer_id] = Hold(event.at_ms, facts.limited, int(event.amount))
            self._put("ZADD", self._k.holds, facts.expires_ms, event.transfer_id)
        elif event.op == "payout":
            fields["s"] = "sent"
        self._hset(self._k.transfer(event.transfer_id), fields)
        if not pending:
            self._expire(event.transfer_id, until_ms)
        expires_ms = -1 if pending or event.transfer_id in self.late else until_ms
        self._known.records[event.transfer_id] = Record(event.op, 0, expires_ms)

    def _relate(self, told: Told) -> int | None:
        """What a transfer does to the one that it refers to; how much is given back of that now, None where it is not
        there (any more)."""
        event = told.event
        if not event.related:
            return 0
        if (hold := self._holds.pop(event.related, None)) is not None:
            self._hset(self._k.transfer(event.related), {"s": "captured", "r": event.amount})
            self._expire(event.related, event.at_ms + HOT_MS)
            self._put("ZREM", self._k.holds, event.related)
            if hold.amount > int(event.amount):
                self._give_back(event, hold, hold.amount - int(event.amount))
            return int(event.amount)
        record = self._known.records.get(event.related)
        if record is None:
            return None
        if event.op == "reverse":
            record.refunded = int(event.amount)
            self._change(event.related, record, {"r": record.refunded, "s": "reversed"})
            return record.refunded
        record.expires_ms = event.at_ms + (HOT_CARD_MS if record.op == "top_up" else HOT_MS)
        if record.op == "payout":  # what becomes of it is called as its states are: paid, unpaid, returned
            self._hset(self._k.transfer(event.related), {"s": event.op})
        else:
            record.refunded += int(event.amount)
            self._hset(self._k.transfer(event.related), {"r": record.refunded})
        self._expire(event.related, record.expires_ms)
        return record.refunded

    def _give_back(self, event: LedgerEvent, hold: Hold, amount: int) -> None:
        if hold.limited:
            payer = event.legs[0].account_id
            use = self._known.uses[payer]
            use.give_back(hold.limited, amount, hold.at_ms, event.at_ms)
            self._set_account(payer, u=str(use))

    def _push(self, account_id: str, transfer_id: str) -> None:
        key, length = self._k.history(account_id), self._known.lengths[account_id]
        self._put("LPUSH", key, transfer_id)
        self._known.lengths[account_id] = length + 1
        if length >= 2 * HISTORY_MAX:
            self._put("LTRIM", key, 0, HISTORY_MAX - 1)
            self._known.lengths[account_id] = HISTORY_MAX

    def _release(self, told: Told) -> None:
        event = told.event
        hold = self._holds.pop(event.transfer_id, None)
        if hold is None:
            raise CannotRebuild(f"event {event.seq} ends {event.transfer_id}, which is not held")
        for leg in event.legs:
            self._set_totals(leg)
        self._give_back(event, hold, hold.amount)
        self._hset(self._k.transfer(event.transfer_id), {"s": "voided" if event.op == "void" else "expired"})
        self._expire(event.transfer_id, event.at_ms + HOT_MS)
        record = self._known.records.get(event.related)
        if record is not None:
            record.refunded -= hold.amount
            self._change(event.related, record, {"r": record.refunded})
        self._put("ZREM", self._k.holds, event.transfer_id)

    # What a transfer depended on

    def _put_guarded(self, told: Told, pending: bool) -> None:
        event = told.event
        if told.request:
            self._pay_request(told.request, int(event.amount))
        if told.guard is None:
            digests = [] if pending or event.op != "pay" else self._codes_that_paid(told)
            proposal = self._proposal_of(told)
        else:
            kind, _, name = told.guard.partition(":")
            digests = [name] if kind == "o" else []
            proposal = name if kind == "p" else ""
        for digest in digests:
            self._end_code(event.legs[0].account_id, digest, "used")
        if proposal:
            self._end_proposal((event.op, event.related), proposal, "approved", told)

    def _pay_request(self, name: str, amount: int) -> None:
        request = self._known.requests.get(name)
        if request is None or request.state == "cancelled":
            return
        request.paid += amount
        request.state = "paid" if request.paid >= request.amount else "open"
        key = f"{self._k.tag}:q:{name}"
        self._put("HSET", key, "p", request.paid, "s", request.state)
        self._put("PEXPIREAT", key, request.expires_ms + KEPT_MS)

    def _codes_that_paid(self, told: Told) -> list[str]:
        """The one-time codes of a wallet that a payment may have used: the vendor was the one who asked for it.

        More than one only where several were alive: then all are as good as used, so that none is used twice.
        """
        event = told.event
        wallet, merchant = event.legs[0].account_id, event.legs[1].account_id
        if wallet not in self._codes or self._merchants.get(merchant) != told.caller:
            return []
        return [
            digest
            for digest, code in self._codes[wallet].items()
            if event.at_ms < code.expires_ms and int(event.amount) <= code.ceiling
        ]

    def _proposal_of(self, told: Told) -> str:
        """The proposal that a transfer carried out, by what was done to what; of several, that of the same reason."""
        found = self._proposals.get((told.event.op, told.event.related), {})
        others = [proposal_id for proposal_id, one in found.items() if one.by != told.caller]
        return next((i for i in others if found[i].reason == told.intent.reason), others[0] if others else "")

    # Requests, codes, proposals

    def _request(self, told: Told) -> None:
        event = told.event
        expires_ms = int(event.change)
        if expires_ms + KEPT_MS <= self._lives.now_ms:
            return
        name = f"{event.transfer_id}:{event.related}"
        key = f"{self._k.tag}:q:{name}"
        self._hset(key, {"s": "open", "a": event.amount, "e": expires_ms, "p": 0, "at": event.at_ms})
        self._put("PEXPIREAT", key, expires_ms + KEPT_MS)
        self._known.requests[name] = Request("open", int(event.amount), 0, expires_ms)

    def _withdraw(self, told: Told) -> None:
        request = self._known.requests.get(told.request)
        if request is not None:
            request.state = "cancelled"
            key = f"{self._k.tag}:q:{told.request}"
            self._put("HSET", key, "s", "cancelled")
            self._put("PEXPIREAT", key, request.expires_ms + KEPT_MS)

    def _code(self, told: Told) -> None:
        event = told.event
        expires_ms, key = int(event.change), self._k.code(event.related)
        if expires_ms + DAY_MS <= self._lives.now_ms:
            return
        self._hset(key, {"s": "active", "w": event.transfer_id, "c": event.amount, "e": expires_ms})
        self._put("PEXPIREAT", key, expires_ms + DAY_MS)
        self._codes.setdefault(event.transfer_id, {})[event.related] = Code(int(event.amount), expires_ms)

    def _cancel_code(self, told: Told) -> None:
        self._end_code(told.event.transfer_id, told.event.related, "cancelled")

    def _end_code(self, wallet: str, digest: str, state: str) -> None:
        code = self._codes.get(wallet, {}).pop(digest, None)
        if code is None:
            return
        if not self._codes[wallet]:
            del self._codes[wallet]
        self._put("HSET", self._k.code(digest), "s", state)
        self._put("PEXPIREAT", self._k.code(digest), code.expires_ms + DAY_MS)

    def _propose(self, told: Told) -> None:
        event, reason = told.event, told.intent.reason
        op, _, until = event.change.partition(",")
        expires_ms = int(until) if until else event.at_ms + PROPOSAL_MS
        self._hset(self._k.proposal(event.transfer_id), {
            "id": event.transfer_id, "s": "proposed", "k": op, "t": event.related, "by": told.caller, "e": expires_ms,
            "n": reason, "at": event.at_ms,
        })  # fmt: skip
        self._put("ZADD", self._k.proposals, expires_ms, event.transfer_id)
        self._proposals.setdefault((op, event.related), {})[event.transfer_id] = Proposal(told.caller, reason)

    def _decline(self, told: Told) -> None:
        event = told.event
        about = next((a for a, open_ in self._proposals.items() if event.transfer_id in open_), None)
        if about is None:
            raise CannotRebuild(f"event {event.seq} ends {event.transfer_id}, which is not proposed")
        self._end_proposal(about, event.transfer_id, event.change, told)

    def _end_proposal(self, about: tuple[str, str], proposal_id: str, state: str, told: Told) -> None:
        if self._proposals.get(about, {}).pop(proposal_id, None) is None:
            raise CannotRebuild(f"event {told.event.seq} ends {proposal_id}, which is not proposed")
        if not self._proposals[about]:
            del self._proposals[about]
        key = self._k.proposal(proposal_id)
        self._put("HSET", key, "s", state, "d", told.caller)
        self._put("PEXPIREAT", key, told.event.at_ms + KEPT_MS)
        self._put("ZREM", self._k.proposals, proposal_id)

    # Accounts

    def _open(self, told: Told) -> None:
        event = told.event
        account_id, kind, telecom, owner = event.transfer_id, event.related, event.amount, event.fee
        state, _, exempt = event.change.partition(",")
        self._set_account(account_id, k=kind, s=state, t=telecom, o=owner, x=exempt)
        self._set_totals(event.legs[0])
        self._put("SET", self._k.unique(kind, telecom, told.intent.person_id or owner), account_id)
        if owner:
            self._put("SADD", self._k.owner(owner), account_id)
        if kind == "receivable":
            self._receivables.add(account_id)

    def _merchant(self, told: Told) -> None:
        event, onboarded = told.event, told.intent
        merchant_id, owner = event.transfer_id, event.fee
        state, _, bank = event.change.partition(",")
        self._set_account(
            merchant_id, k="merchant", s=state, t="", o=owner, x="0", mv=onboarded.merchant_version, b=bank,
            cc=onboarded.category_code, n=onboarded.name, mk=onboarded.market_name, st=onboarded.stall,
        )  # fmt: skip
        self._set_totals(event.legs[0])
        self._put("SET", self._k.bank_account(onboarded.account_index), merchant_id)
        self._put("SADD", self._k.owner(owner), merchant_id)
        self._merchants[merchant_id] = owner

    def _state(self, told: Told) -> None:
        self._set_account(told.event.transfer_id, s=told.event.change.partition(",")[0])
        self._set_totals(told.event.legs[0])

    def _exempt(self, told: Told) -> None:
        self._set_account(told.event.transfer_id, x=told.event.change)
        self._set_totals(told.event.legs[0])

    def _cap(self, told: Told) -> None:
        self._set_account(told.event.transfer_id, nd=told.event.change)
        self._set_totals(told.event.legs[0])

    # The cell

    def _genesis(self, told: Told) -> None:
        self.genesis = told.event.transfer_id

    def _cut(self, told: Told) -> None:
        self.cut_seq = str(told.event.seq)

    def _put_rules(self, told: Told) -> None:
        self._rules = small_rules(told.event.change)
        self._put("SET", self._k.rules, told.event.change)


def _balance(leg: PostedLeg) -> int:
    return leg.credits - leg.debits - leg.debits_pending
