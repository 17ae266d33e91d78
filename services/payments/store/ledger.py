"""The ledger's operations, typed: each is one atomic function call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import hiredis
from cho.events.v1.intent_pb2 import Intent

from kit import log
from kit.clock import now_ms
from kit.errors import (
    BY_CODE,
    DomainError,
    InvalidArgument,
    LedgerFenced,
    OutcomeUnknown,
    Overloaded,
    Unavailable,
)  # fmt: skip
from kit.ids import key_time_ms, new_id
from kit.streams import names
from services.payments import transfer as rules
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.transfer import Leg

_logger = log.logger(__name__)

# A payment that is held for review waits so long at most (functions/1_base.lua, REVIEW_MS).
REVIEW_MS_MAX = 86_400_000
# Holds among which those in review are looked for.
REVIEWS_LOOKED_AT = 5_000
# Proposals among which those of one operation are looked for.
PROPOSALS_LOOKED_AT = 5_000

# The card provider's name in account ids and positions.
CARDS = "STRIPE"

# What a refusal's code means to the person who reads it; the detail is added where there is one.
_MESSAGES = {
    "LEDGER_FENCED": "the ledger is being checked against the books; nothing was done",
    "KEY_SPENT": "this key was resolved as never used; use a new one",
    "IDEMPOTENCY_CONFLICT": "this idempotency key was used with another body",
    "KEY_EXPIRED": "this idempotency key is older than 7 days; make a new one",
    "CLOCK_SKEW": "a clock is wrong; nothing was done",
    "TOO_LATE": "not_after has passed; nothing was done",
    "CONTENTION": "something else changed it at the same time; try again",
    "AMOUNT_INVALID": "the amount must be a whole number of đồng from 1 to 10^12",
    "ACCOUNT_NOT_FOUND": "there is no such account, or it is not yours",
    "MERCHANT_NOT_FOUND": "no onboarded merchant has this code",
    "PAYMENT_NOT_FOUND": "there is no such payment",
    "WRONG_TELECOM": "the accounts are not at the telecoms that this needs",
    "SAME_ACCOUNT": "both sides are the same account",
    "GUARANTEE_SHORT": "the telecom's own money does not cover this: its officer has to deposit first",
    "NET_DEBIT_CAP_EXCEEDED": "the telecom would owe more than its net debit cap: it has to settle or to deposit first",
    "VELOCITY_EXCEEDED": "too many, or too much from a new device: wait, or ask the operator",
    "REFUND_TOO_LATE": "the payment is older than refunds may be: agree on a new transfer",
    "HOLD_EXPIRED": "the hold's time is over; its money is free again",
    "HOLD_CAPTURED": "the hold was captured already",
    "HOLD_VOIDED": "the hold was given up",
    "HOLD_IN_REVIEW": "an operator has to decide on this payment first",
    "CAPTURE_EXCEEDS_HOLD": "more than is held",
    "REQUEST_PAID": "this request has been paid already",
    "REQUEST_EXPIRED": "the request's time is over: ask the vendor for a new code",
    "REQUEST_CANCELLED": "the vendor withdrew the request",
    "REQUEST_NOT_FOUND": "there is no such payment request",
    "AMOUNT_MISMATCH": "not the amount that was asked for",
    "CODE_INVALID": "there is no such one-time code",
    "CODE_USED": "the one-time code was used or cancelled: show a new one",
    "CODE_EXPIRED": "the one-time code's time is over: show a new one",
    "CODE_CEILING": "more than the payer allowed with this code",
    "FOUR_EYES": "a second person has to decide on this",
    "WRONG_STATE": "not possible in the present state",
    "TOO_MANY_OPEN": "too many holds and proposals are open",
    "MERCHANT_NOT_PAYABLE": "this merchant cannot be paid now: suspended or closed",
    "ACCOUNT_FROZEN": "the account is frozen",
    "ACCOUNT_CLOSED": "the account is closed",
    "ACCOUNT_NOT_EMPTY": "only an empty account can be closed",
    "REFUND_EXCEEDS_PAYMENT": "more than is left of the payment",
    "LIMIT_EXCEEDED": "a legal limit would be exceeded",
    "BALANCE_TOO_LARGE": "a total would pass 2^53 - 1",
    "INSUFFICIENT_FUNDS": "the account does not hold the amount",
    "WINDOW_NOT_OPEN": "another settlement window is open",
    "ALREADY_EXISTS": "it exists already",
}


# With these the server refuses a command before it executes it: replicas missing, disk or memory full, demoted to a
# replica, still loading, busy, or emptied (a new replica has no functions). Any other error is a bug.
_REFUSED_BY_SERVER = (
    *("NOREPLICAS", "MISCONF", "OOM", "READONLY", "MASTERDOWN", "LOADING", "BUSY", "CLUSTERDOWN"),
    "ERR Function not found",
)


_NO_INTENT = Intent()


# What a payment makes on its way is a tuple: a frozen dataclass takes three times as long to build.
class Order(NamedTuple):
    """One transfer as a caller asks for it. `owner` must own the acting account ("" for an operator): the first leg's,
    or the second's where a hold is captured or a payer's code redeemed."""

    op: str
    caller: str
    key: str
    body_hash: str
    amount: int
    fee: int
    legs: Sequence[Leg]
    owner: str = ""
    not_after_ms: int = 0
    # The payment that is refunded or reversed, the hold that is captured, the top-up that is charged back.
    related: str = ""
    refunded_before: int | None = None
    # A directory entry and the merchant that it must still name.
    directory_index: str = ""
    merchant_id: str = ""
    # What else it depends on (functions/4_transfer.lua, GUARDS): its kind, its record's key, and a value.
    guard: str = ""
    guard_key: str = ""
    guard_value: str = ""
    # Holds: until when, ms.
    expires_ms: int = 0
    # Since when the payer's device is known, ms; 0 where nobody says.
    device_at_ms: int = 0
    intent: Intent = _NO_INTENT


class Posted(NamedTuple):
    """The immutable facts of an answer; a replay gets the same."""

    transfer_id: str
    at_ms: int
    seq: int
    window: int
    first_balance: int
    second_balance: int
    fee: int
    refunded: int
    # "FULL", "SHORT" or "OVER" against what was asked for; "" where nothing was.
    verdict: str = ""
    asked: int = 0
    # The velocity rule that held the payment for an operator's review; "" where it was carried out.
    held_by: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the hot ledger has it; totals in đồng."""

    account_id: str
    kind: str
    state: str
    telecom: str
    owner: str
    debits: int
    credits: int
    debits_pending: int
    version: int
    exempt: bool
    # What a wallet has used of its limits.
    month: int
    month_used: int
    # Merchants only.
    name: str = ""
    category: str = ""
    market: str = ""
    stall: str = ""

    @property
    def balance(self) -> int:
        """What the owner can use, đồng; negative for an asset (bank money, a debt)."""
        return self.credits - self.debits - self.debits_pending


_ACCOUNT_FIELDS = (
    "k", "s", "t", "o", "dp", "cp", "dq", "v", "x", "u", "n", "cc", "mk", "st",
)  # fmt: skip


class Movement(NamedTuple):
    """One transfer as the hot ledger has it."""

    transfer_id: str
    op: str
    amount: int
    fee: int
    from_account: str
    to_account: str
    at_ms: int
    seq: int
    window: int
    # Given back of a payment, taken of a hold.
    refunded: int
    related: str
    reference: str
    note: str
    # Holds: "held", "captured", "voided" or "expired", and until when, ms. Reversed transfers: "reversed".
    state: str = ""
    expires_ms: int = 0
    in_review: bool = False


_TRANSFER_FIELDS = ("k", "a", "f", "fr", "to", "at", "q", "w", "r", "x", "rf", "nt", "s", "e", "rv")


@dataclass(frozen=True, slots=True)
class Request:
    """What a merchant asked for under a reference: "open", "paid" or "cancelled"; đồng, ms."""

    merchant_id: str
    reference: str
    state: str
    amount: int
    expires_ms: int
    paid: int
    made_ms: int


@dataclass(frozen=True, slots=True)
class Code:
    """A payer's one-time code: "active", "used" or "cancelled"; ms."""

    state: str
    wallet_id: str
    expires_ms: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What waits for a second person: "proposed", "approved", "rejected" or "expired"."""

    proposal_id: str
    state: str
    op: str
    target: str
    proposed_by: str
    decided_by: str
    expires_ms: int
    reason: str
    made_ms: int


# What the detail of a refusal is, where the caller hears it.
_DETAILS = {
    "LIMIT_EXCEEDED": "rule", "VELOCITY_EXCEEDED": "rule", "GUARANTEE_SHORT": "telecom",
    "NET_DEBIT_CAP_EXCEEDED": "telecom", "AMOUNT_MISMATCH": "asked",
}  # fmt: skip
# How a transfer's id begins.
_PREFIXES = {"pay": "pay", "capture": "pay", "refund": "ref", "hold": "hld", "reverse": "rev"}


def refusal(code: str, detail: str = "") -> DomainError:
    """The error that a code of the ledger is told as."""
    if code not in BY_CODE:
        _logger.error("the ledger refused what should not be asked", code=code, detail=detail)
        return DomainError("the ledger refused a malformed transfer; nothing was done")
    name = _DETAILS.get(code)
    if name is None or not detail:
        return BY_CODE[code](_MESSAGES[code])
    return BY_CODE[code](f"{_MESSAGES[code]} ({detail})", **{name: detail})


def told(reply: Any) -> Any:
    """A command's reply. Raises Unavailable where the server refused to execute it, ReplyError where it failed."""
    if isinstance(reply, hiredis.ReplyError):
        if str(reply).startswith(_REFUSED_BY_SERVER):
            raise Unavailable(f"the ledger takes no calls now; nothing was done ({reply})") from reply
        raise reply
    return reply


@contextmanager
def after_write() -> Iterator[None]:
    """Around what is asked after something was written. Raises OutcomeUnknown for what says that nothing was done."""
    try:
        yield
    except (Unavailable, Overloaded, LedgerFenced) as error:
        raise OutcomeUnknown("it was done, and how it stands is not known: send the same request again") from error


def key_time(key: str) -> int:
    """When an idempotency key was made, ms. Raises InvalidArgument where it is not a UUIDv7."""
    made = key_time_ms(key)
    if made is None:
        raise InvalidArgument("idempotency_key must be a UUIDv7, lower case, made by the client")
    return made


def scope_of(caller: str, op: str, key: str) -> str:
    """What a key is unique in."""
    return f"{caller}|{op}|{key}"


def new_transfer_id(op: str) -> str:
    """An id for a transfer of this operation."""
    return new_id(_PREFIXES.get(op, "trf"))


def transfer_call(order: Order, k: Keys, transfer_id: str) -> tuple[list[str], list[str | bytes | int]]:
    """Keys and arguments of `transfer_v3`, after the server's run. Raises InvalidArgument for a malformed key."""
    made = key_time(order.key)
    scope = scope_of(order.caller, order.op, order.key)
    keys = [
        k.meta, k.stream, k.idempotency(scope), k.transfer(transfer_id),
        k.transfer(order.related) if order.related else k.meta,
        k.rules, k.bank_account(order.directory_index) if order.directory_index else k.meta,
        order.guard_key or k.meta, k.proposals if order.guard == "proposal" else k.holds,
        k.history(order.legs[0].account_id), k.history(order.legs[1].account_id),
    ]  # fmt: skip
    legs: list[str | bytes | int] = []
    for leg in order.legs:
        keys.append(k.account(leg.account_id))
        legs += (leg.side, leg.amount, leg.account_id)
    intent = order.intent
    return keys, [
        now_ms(), order.not_after_ms, made, order.body_hash, scope, order.op, transfer_id, order.amount, order.fee,
        "" if order.refunded_before is None else order.refunded_before,
        order.merchant_id if order.directory_index else "", order.guard, order.guard_value, order.owner,
        intent.SerializeToString(deterministic=True), order.related, intent.reference, intent.note,
        order.expires_ms or "", order.device_at_ms or "", *legs,
    ]  # fmt: skip


def read_posted(reply: Sequence[str]) -> Posted:
    """The answer of `transfer_v3`. Raises the DomainError that it was refused with."""
    code, transfer_id, facts = reply
    if code not in ("OK", "HELD"):
        raise refusal(code, facts)
    *numbers, verdict, asked = facts.split("|")
    at_ms, seq, window, first, second, fee, refunded = map(int, numbers)
    held_by, verdict = (verdict, "") if code == "HELD" else ("", verdict)
    return Posted(transfer_id, at_ms, seq, window, first, second, fee, refunded, verdict, int(asked), held_by)


class Ledger:
    """The cell's ledger, over one connection."""

    def __init__(self, client: LedgerClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def _call(self, function: str, keys: Sequence[str], *args: str | bytes | int) -> list[str]:
        return told(await self._client.send("FCALL", function, len(keys), *keys, self._client.run, *args))

    async def _done(self, function: str, keys: Sequence[str], *args: str | bytes | int) -> list[str]:
        """A call's reply. Raises the DomainError that it was refused with."""
        reply = await self._call(function, keys, *args)
        if reply[0] != "OK":
            raise refusal(reply[0], reply[2])
        return reply

    async def _read(self, *commands: Sequence[str | int]) -> list[Any]:
        answers = [self._client.send(*command) for command in commands]
        return [told(reply) for reply in await asyncio.gather(*answers)]

    # Transfers

    async def post(self, order: Order) -> Posted:
        """Carries a transfer out, or tells how it ended before. Raises the DomainError that it was refused with."""
        keys, args = transfer_call(order, self._keys, new_transfer_id(order.op))
        return read_posted(await self._call("transfer_v3", keys, *args))

    async def release(self, op: str, hold: Movement, owner: str, intent: Intent) -> int:
        """Ends a hold without taking it: "void", or "expire" once its time is over. The payer's balance after it, đồng.

        Done already, it is answered the same. `owner` must own the payee ("" for an operator or the clock).
        """
        k = self._keys
        keys = [
            k.meta, k.stream, k.transfer(hold.transfer_id), k.transfer(hold.related) if hold.related else k.meta,
            k.holds, k.account(hold.from_account), k.account(hold.to_account),
        ]  # fmt: skip
        scope = f"{intent.caller_id}|{op}|{hold.transfer_id}"
        _, _, balance = await self._done(
            "release_v3", keys, op, hold.transfer_id, owner, scope, intent.SerializeToString(), hold.related
        )
        return int(balance)

    async def in_review(self, most: int) -> list[Movement]:
        """Payments that a velocity rule held, at most `most`, the soonest to expire first."""
        at_ms = now_ms()
        ids = (
            await self._read(
                ("ZRANGEBYSCORE", self._keys.holds, at_ms, at_ms + REVIEW_MS_MAX, "LIMIT", 0, REVIEWS_LOOKED_AT)
            )
        )[0]
        # By their ids, which say what they were asked as: holds of merchants and cards begin otherwise.
        waiting = [await self.transfer(one) for one in [i for i in ids if i.startswith("pay_")][:most]]
        return [movement for movement in waiting if movement is not None and movement.state == "held"]

    async def due(self, most: int) -> tuple[list[str], list[str]]:
        """Holds and proposals whose time is over: their ids, at most `most` of each, the oldest first."""
        over = (0, now_ms(), "LIMIT", 0, most)
        holds, proposals = await self._read(
            ("ZRANGEBYSCORE", self._keys.holds, *over), ("ZRANGEBYSCORE", self._keys.proposals, *over)
        )
        return holds, proposals

    # What is asked for before money moves

    async def ask(
        self, merchant_id: str, owner: str, reference: str, amount: int, expires_ms: int, intent: Intent
    ) -> Request:
        """A merchant's request; the same again is answered the same. Raises AlreadyExists for another amount,
        OutcomeUnknown."""
        k = self._keys
        await self._done(
            "request_v3", [k.meta, k.stream, k.request(merchant_id, reference), k.account(merchant_id)],
            merchant_id, owner, reference, amount, expires_ms, f"{intent.caller_id}|request|{merchant_id}|{reference}",
            intent.SerializeToString(),
        )  # fmt: skip
        with after_write():
            found = await self.request(merchant_id, reference)
        if found is None:
            raise OutcomeUnknown("the request ended meanwhile: send the same request again")
        return found

    async def withdraw(self, merchant_id: str, owner: str, reference: str, intent: Intent) -> None:
        """Cancels a merchant's request. Raises RequestPaid, RequestNotFound."""
        k = self._keys
        await self._done(
            "withdraw_v3", [k.meta, k.stream, k.request(merchant_id, reference), k.account(merchant_id)],
            merchant_id, owner, reference, f"{intent.caller_id}|withdraw|{merchant_id}|{reference}",
            intent.SerializeToString(),
        )  # fmt: skip

    def request_key(self, merchant_id: str, reference: str) -> str:
        """What guards a payment of a request (functions/4_transfer.lua, GUARDS)."""
        return self._keys.request(merchant_id, reference)

    def code_key(self, digest: str) -> str:
        """What guards the redemption of a payer's code."""
        return self._keys.code(digest)

    def proposal_key(self, proposal_id: str) -> str:
        """What guards an operation that needs a second person."""
        return self._keys.proposal(proposal_id)

    def debts_key(self) -> str:
        """What notes who owes, with operations on receivables."""
        return self._keys.debts

    async def request(self, merchant_id: str, reference: str) -> Request | None:
        """One request; None where there is none, or it ended more than 7 days ago."""
        key = self._keys.request(merchant_id, reference)
        state, amount, expires, paid, made = (await self._read(("HMGET", key, "s", "a", "e", "p", "at")))[0]
        if state is None:
            return None
        return Request(merchant_id, reference, state, int(amount), int(expires), int(paid), int(made))

    async def put_code(
        self, digest: str, wallet_id: str, owner: str, ceiling: int, expires_ms: int, intent: Intent
    ) -> None:
        """A payer's one-time code, known to the ledger by its digest only."""
        k = self._keys
        await self._done(
            "code_v3", [k.meta, k.stream, k.code(digest), k.account(wallet_id)],
            digest, wallet_id, owner, ceiling, expires_ms, f"{intent.caller_id}|code|{digest}",
            intent.SerializeToString(),
        )  # fmt: skip

    async def cancel_code(self, digest: str, wallet_id: str, owner: str, intent: Intent) -> None:
        """Takes a code back. Raises CodeInvalid, CodeUsed."""
        k = self._keys
        await self._done(
            "cancel_code_v3", [k.meta, k.stream, k.code(digest), k.account(wallet_id)],
            digest, wallet_id, owner, f"{intent.caller_id}|cancel_code|{digest}", intent.SerializeToString(),
        )  # fmt: skip

    async def code(self, digest: str) -> Code | None:
        """One code; None where there is none, or its time was over a day ago."""
        state, wallet_id, expires = (await self._read(("HMGET", self._keys.code(digest), "s", "w", "e")))[0]
        return None if state is None else Code(state, wallet_id, int(expires))

    async def propose(
        self, proposal_id: str, op: str, target: str, who: str, expires_ms: int, reason: str, intent: Intent
    ) -> None:
        """Proposes an operation on a transfer for a second person to approve."""
        k = self._keys
        await self._done(
            "propose_v3", [k.meta, k.stream, k.proposal(proposal_id), k.proposals],
            proposal_id, op, target, who, expires_ms, reason, f"{who}|propose|{proposal_id}",
            intent.SerializeToString(),
        )  # fmt: skip

    async def decline(self, proposal_id: str, state: str, who: str, intent: Intent) -> None:
        """Ends a proposal without doing it: "rejected", or "expired" once its time is over."""
        k = self._keys
        await self._done(
            "decline_v3", [k.meta, k.stream, k.proposal(proposal_id), k.proposals],
            proposal_id, state, who, f"{who}|decline|{proposal_id}", intent.SerializeToString(),
        )  # fmt: skip

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """One proposal; None where there is none, or it was decided more than 7 days ago."""
        key = self._keys.proposal(proposal_id)
        row = (await self._read(("HMGET", key, "s", "k", "t", "by", "d", "e", "n", "at")))[0]
        if row[0] is None:
            return None
        state, op, target, by, decided, expires, reason, made = (value or "" for value in row)
        return Proposal(proposal_id, state, op, target, by, decided, int(expires), reason, int(made))

    async def open_proposals(self, most: int, op: str = "") -> list[Proposal]:
        """What waits for a second person, the soonest to expire first; `op`: of this operation only."""
        found: list[Proposal] = []
        for start in range(0, PROPOSALS_LOOKED_AT, most):
            page = ("ZRANGEBYSCORE", self._keys.proposals, "-inf", "+inf", "LIMIT", start, most)
            ids = (await self._read(page))[0]
            some = [await self.proposal(proposal_id) for proposal_id in ids]
            found += [one for one in some if one and one.state == "proposed" and op in ("", one.op)]
            if len(found) >= most or len(ids) < most:
                break
        return found[:most]

    async def debts(self) -> list[str]:
        """Receivables on which somebody owes."""
        return sorted((await self._read(("SMEMBERS", self._keys.debts)))[0])

    async def resolve(self, caller: str, op: str, key: str) -> tuple[str, str, int]:
        """(code, transfer id, seq) of how a key ended; "KEY_SPENT" where it never arrived, and now never will."""
        scope = scope_of(caller, op, key)
        k = self._keys
        intent = Intent(caller_id=caller).SerializeToString()
        code, transfer_id, facts = await self._call(
            "resolve_v3", [k.meta, k.stream, k.idempotency(scope)], key_time(key), scope, intent
        )
        if code in ("LEDGER_FENCED", "KEY_EXPIRED", "CLOCK_SKEW"):
            raise refusal(code, facts)
        return code, transfer_id, int(facts.split("|")[1]) if code in ("OK", "HELD") else 0

    # Accounts

    async def open(
        self, account_id: str, kind: str, telecom: str, owner: str, intent: Intent, exempt: bool = False
    ) -> str:
        """Opens an account; returns the id of the one that exists where there may be one only.

        One is of the person whom the intent names (`person_id`), else of the owner: the one that exists may then be
        another account's of the same person.
        """
        k = self._keys
        one_of = k.unique(kind, telecom, intent.person_id or owner)
        keys = [k.meta, k.stream, k.account(account_id), one_of, k.owner(owner)]
        scope = f"{intent.caller_id}|open|{account_id}"
        _, found, _ = await self._done(
            "open_v3", keys, account_id, kind, telecom, owner, "1" if exempt else "0", scope, intent.SerializeToString()
        )
        return found

    async def set_exempt(self, wallet_id: str, exempt: bool, intent: Intent) -> None:
        """Whether the monthly limits do not concern a wallet: its holder has a merchant contract."""
        k = self._keys
        await self._done(
            "exempt_v3", [k.meta, k.stream, k.account(wallet_id)],
            wallet_id, "1" if exempt else "0", f"{intent.caller_id}|exempt|{wallet_id}", intent.SerializeToString(),
        )  # fmt: skip

    async def set_cap(self, telecom: str, cap: int | None, intent: Intent) -> None:
        """How much a telecom may owe in all windows that are not settled, đồng; None for any amount.

        Raises NetDebitCapExceeded where it deposited less.
        """
        k, account_id = self._keys, rules.settlement(telecom)
        await self._done(
            "cap_v3", [k.meta, k.stream, k.account(account_id), k.account(rules.liquidity(telecom))],
            account_id, "" if cap is None else cap, f"{intent.caller_id}|cap|{account_id}", intent.SerializeToString(),
        )  # fmt: skip

    async def cap(self, telecom: str) -> int | None:
        """A telecom's net debit cap, đồng; None where there is none."""
        value = (await self._read(("HGET", self._keys.account(rules.settlement(telecom)), "nd")))[0]
        return int(value) if value else None

    async def set_state(self, account_id: str, state: str, intent: Intent) -> None:
        """Freezes ("frozen"), unfreezes ("open") or closes ("closed") an account."""
        k = self._keys
        await self._done(
            "state_v3", [k.meta, k.stream, k.account(account_id)],
            account_id, state, f"{intent.caller_id}|state|{account_id}", intent.SerializeToString(),
        )  # fmt: skip

    async def account(self, account_id: str) -> Account | None:
        """One account; None where there is none."""
        return (await self.accounts([account_id]))[0]

    async def accounts(self, account_ids: Iterable[str]) -> list[Account | None]:
        """Accounts in the order asked for."""
        ids = list(account_ids)
        rows = await self._read(*(("HMGET", self._keys.account(i), *_ACCOUNT_FIELDS) for i in ids))
        return [_account(i, row) for i, row in zip(ids, rows, strict=True)]

    async def accounts_of(self, owner: str) -> list[str]:
        """Account ids of a person."""
        return sorted((await self._read(("SMEMBERS", self._keys.owner(owner))))[0])

    async def unique(self, kind: str, telecom: str, owner: str) -> str | None:
        """The account that a person has one of."""
        return (await self._read(("GET", self._keys.unique(kind, telecom, owner))))[0]

    async def merchant_of(self, directory_index: str) -> str | None:
        """Who is paid by the VietQR codes of a bank account."""
        return (await self._read(("GET", self._keys.bank_account(directory_index))))[0]

    async def transfer(self, transfer_id: str) -> Movement | None:
        """One transfer; None where there is none."""
        row = (await self._read(("HMGET", self._keys.transfer(transfer_id), *_TRANSFER_FIELDS)))[0]
        return _movement(transfer_id, row)

    async def history(self, account_id: str, limit: int) -> list[Movement]:
        """An account's newest transfers, newest first."""
        ids = (await self._read(("LRANGE", self._keys.history(account_id), 0, limit - 1)))[0]
        rows = await self._read(*(("HMGET", self._keys.transfer(i), *_TRANSFER_FIELDS) for i in ids))
        found = (_movement(i, row) for i, row in zip(ids, rows, strict=True))
        return [movement for movement in found if movement is not None]

    # The cell

    async def head(self) -> tuple[int, int]:
        """Sequence number of the last event, and the ledger's time (ms): no later event is older."""
        # In this order: what came between the two has a sequence number that is counted.
        (time, (seq, at_ms)) = await self._read(("TIME",), ("HMGET", self._keys.meta, "seq", "at"))
        return int(seq or 0), max(int(at_ms or 0), int(time[0]) * 1000 + int(time[1]) // 1000)

    async def behind(self) -> dict[str, int]:
        """How many events each reader that the ledger is kept for has yet to act on, by its purpose."""
        (purposes,) = await self._read(("SMEMBERS", names.readers()))
        named = sorted(purposes)
        # In this order: what came between the two makes them more behind, never less than nothing.
        *cursors, seq = await self._read(
            *(("GET", names.cursor(one)) for one in named), ("HGET", self._keys.meta, "seq")
        )
        return {one: int(seq or 0) - int(cursor or 0) for one, cursor in zip(named, cursors, strict=True)}

    async def cut(self, window: int, caller: str) -> tuple[int, int]:
        """Closes `window`; returns its marker's seq and the window open now. Raises WindowNotOpen."""
        intent = Intent(caller_id=caller).SerializeToString()
        _, seq, now_open = await self._done(
            "cut_v3", [self._keys.meta, self._keys.stream], window, f"{caller}|cut|{window}", intent
        )
        return int(seq), int(now_open)

    async def found(self, telecoms: Iterable[str], rules_text: str) -> None:
        """Opens the scheme's own accounts and puts the limit rules in force; done already, it changes nothing."""
        intent = Intent(caller_id="service:payments")
        await self._done(
            "rules_v3", [self._keys.meta, self._keys.stream, self._keys.rules], rules_text, "service:payments|rules|"
        )
        await self.open(rules.PLATFORM_FEE, "fee", "", "", intent)
        await self.open(rules.psp(CARDS), "psp", "", CARDS, intent)
        for account_id in (rules.NOSTRO, rules.TRANSIT, rules.SUSPENSE):
            await self.open(account_id, account_id.partition(":")[0], "", "", intent)
        for telecom in telecoms:
            for kind in ("trust", "reserve", "clearing", "settlement", "liquidity"):
                await self.open(f"{kind}:{telecom}", kind, telecom, "", intent)


def _account(account_id: str, row: list[str | None]) -> Account | None:
    kind, state, telecom, owner, dp, cp, dq, v, x, used, name, category, market, stall = row
    if kind is None:
        return None
    # Month, then payments, bills and transfers in it (functions/3_limits.lua, use_text).
    month, paid, _, sent, *_ = (used or "0|0|0|0").split("|")
    return Account(
        account_id, kind, state or "", telecom or "", owner or "",
        int(dp or 0), int(cp or 0), int(dq or 0), int(v or 0), x == "1",
        int(month), int(paid) + int(sent), name or "", category or "", market or "", stall or "",
    )  # fmt: skip


def _movement(transfer_id: str, row: list[str | None]) -> Movement | None:
    if row[0] is None:
        return None
    k, a, f, fr, to, at, q, w, r, x, rf, nt, state, expires, review = (v or "" for v in row)
    return Movement(
        transfer_id, k, int(a), int(f), fr, to, int(at), int(q), int(w), int(r), x, rf, nt,
        state, int(expires or 0), review == "1",
    )  # fmt: skip
