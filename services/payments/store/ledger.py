"""The ledger's operations, typed: each is one atomic function call."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import hiredis
from cho.events.v1.intent_pb2 import Intent

from kit import log
from kit.clock import now_ms
from kit.errors import BY_CODE, DomainError, InvalidArgument, Unavailable
from kit.ids import key_time_ms, new_id
from services.payments import transfer as rules
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.transfer import Leg

_logger = log.logger(__name__)

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
    "WRONG_TELECOM": "the two accounts are not at the same telecom",
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


@dataclass(frozen=True, slots=True)
class Order:
    """One transfer as a caller asks for it. `owner` must own the first leg's account ("" for anybody)."""

    op: str
    caller: str
    key: str
    body_hash: str
    amount: int
    fee: int
    legs: Sequence[Leg]
    owner: str = ""
    not_after_ms: int = 0
    payment_id: str = ""
    refunded_before: int | None = None
    # A directory entry and the merchant that it must still name.
    directory_index: str = ""
    merchant_id: str = ""
    intent: Intent = field(default_factory=Intent)


@dataclass(frozen=True, slots=True)
class Posted:
    """The immutable facts of an answer; a replay gets the same."""

    transfer_id: str
    at_ms: int
    seq: int
    window: int
    first_balance: int
    second_balance: int
    fee: int
    refunded: int


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
    month: int
    month_used: int
    # Merchants only.
    name: str = ""
    category: str = ""
    market: str = ""
    stall: str = ""

    @property
    def balance(self) -> int:
        """What the owner can use, đồng."""
        return self.credits - self.debits - self.debits_pending


_ACCOUNT_FIELDS = (
    "k", "s", "t", "o", "dp", "cp", "dq", "v", "x", "mm", "m1", "n", "cc", "mk", "st",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Movement:
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
    refunded: int
    payment_id: str
    reference: str
    note: str


_TRANSFER_FIELDS = ("k", "a", "f", "fr", "to", "at", "q", "w", "r", "x", "rf", "nt")


def refusal(code: str, detail: str = "") -> DomainError:
    """The error that a code of the ledger is told as."""
    if code not in BY_CODE:
        _logger.error("the ledger refused what should not be asked", code=code, detail=detail)
        return DomainError("the ledger refused a malformed transfer; nothing was done")
    message = _MESSAGES[code] + (f" ({detail.strip()})" if code == "LIMIT_EXCEEDED" else "")
    return BY_CODE[code](message, **({"rule": detail} if code == "LIMIT_EXCEEDED" else {}))


def told(reply: Any) -> Any:
    """A command's reply. Raises Unavailable where the server refused to execute it, ReplyError where it failed."""
    if isinstance(reply, hiredis.ReplyError):
        if str(reply).startswith(_REFUSED_BY_SERVER):
            raise Unavailable(f"the ledger takes no calls now; nothing was done ({reply})") from reply
        raise reply
    return reply


def key_time(key: str) -> int:
    """When an idempotency key was made, ms. Raises InvalidArgument where it is not a UUIDv7."""
    made = key_time_ms(key)
    if made is None:
        raise InvalidArgument("idempotency_key must be a UUIDv7, lower case, made by the client")
    return made


def scope_of(caller: str, op: str, key: str) -> str:
    """What a key is unique in."""
    return f"{caller}|{op}|{key}"


class Ledger:
    """The cell's ledger, over one connection."""

    def __init__(self, client: LedgerClient, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    async def _call(self, function: str, keys: Sequence[str], *args: str | bytes | int) -> list[str]:
        return told(await self._client.send("FCALL", function, len(keys), *keys, self._client.run, *args))

    async def _read(self, *commands: Sequence[str | int]) -> list[Any]:
        answers = [self._client.send(*command) for command in commands]
        return [told(reply) for reply in await asyncio.gather(*answers)]

    # Transfers

    async def post(self, order: Order) -> Posted:
        """Carries a transfer out, or tells how it ended before. Raises the DomainError that it was refused with."""
        k = self._keys
        made = key_time(order.key)
        scope = scope_of(order.caller, order.op, order.key)
        prefix = "ref" if order.op == "refund" else "pay" if order.op == "pay" else "trf"
        transfer_id = new_id(prefix)
        transfer_key = k.transfer(transfer_id)
        keys = [
            k.meta, k.stream, k.idempotency(scope), transfer_key,
            k.transfer(order.payment_id) if order.payment_id else transfer_key,
            k.rules, k.bank_account(order.directory_index) if order.directory_index else k.meta,
            k.history(order.legs[0].account_id), k.history(order.legs[1].account_id),
        ]  # fmt: skip
        legs: list[str | int] = []
        for leg in order.legs:
            keys.append(k.account(leg.account_id))
            legs += (leg.side, leg.amount, leg.account_id)
        intent = order.intent
        code, posted_id, facts = await self._call(
            "transfer_v1", keys,
            now_ms(), order.not_after_ms, made, order.body_hash, scope, order.op, transfer_id, order.amount, order.fee,
            "" if order.refunded_before is None else order.refunded_before,
            order.merchant_id if order.directory_index else "", order.owner,
            intent.SerializeToString(deterministic=True), order.payment_id, intent.reference, intent.note, *legs,
        )  # fmt: skip
        if code != "OK":
            raise refusal(code, facts)
        return Posted(posted_id, *map(int, facts.split("|")))

    async def resolve(self, caller: str, op: str, key: str) -> tuple[str, str, int]:
        """(code, transfer id, seq) of how a key ended; "KEY_SPENT" where it never arrived, and now never will."""
        scope = scope_of(caller, op, key)
        k = self._keys
        intent = Intent(caller_id=caller).SerializeToString()
        code, transfer_id, facts = await self._call(
            "resolve_v1", [k.meta, k.stream, k.idempotency(scope)], key_time(key), scope, intent
        )
        if code in ("LEDGER_FENCED", "KEY_EXPIRED", "CLOCK_SKEW"):
            raise refusal(code, facts)
        return code, transfer_id, int(facts.split("|")[1]) if code == "OK" else 0

    # Accounts

    async def open(
        self, account_id: str, kind: str, telecom: str, owner: str, intent: Intent, exempt: bool = False
    ) -> str:
        """Opens an account; returns the id of the one that exists where there may be one only."""
        k = self._keys
        keys = [k.meta, k.stream, k.account(account_id), k.unique(kind, telecom, owner), k.owner(owner)]
        scope = f"{intent.caller_id}|open|{account_id}"
        code, found, _ = await self._call(
            "open_v1", keys, account_id, kind, telecom, owner, "1" if exempt else "0", scope, intent.SerializeToString()
        )
        if code != "OK":
            raise refusal(code)
        return found

    async def set_state(self, account_id: str, state: str, intent: Intent) -> None:
        """Freezes ("frozen"), unfreezes ("open") or closes ("closed") an account."""
        k = self._keys
        code, _, detail = await self._call(
            "state_v1", [k.meta, k.stream, k.account(account_id)],
            account_id, state, f"{intent.caller_id}|state|{account_id}", intent.SerializeToString(),
        )  # fmt: skip
        if code != "OK":
            raise refusal(code, detail)

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

    async def cut(self, window: int, caller: str) -> tuple[int, int]:
        """Closes `window`; returns its marker's seq and the window open now. Raises WindowNotOpen."""
        intent = Intent(caller_id=caller).SerializeToString()
        code, seq, detail = await self._call(
            "cut_v1", [self._keys.meta, self._keys.stream], window, f"{caller}|cut|{window}", intent
        )
        if code != "OK":
            raise refusal(code, detail)
        return int(seq), int(detail)

    async def found(self, telecoms: Iterable[str], rules_text: str) -> None:
        """Opens the scheme's own accounts and puts the limit rules in force; done already, it changes nothing."""
        intent = Intent(caller_id="service:payments")
        code, _, detail = await self._call(
            "rules_v1", [self._keys.meta, self._keys.stream, self._keys.rules], rules_text, "service:payments|rules|"
        )
        if code != "OK":
            raise refusal(code, detail)
        await self.open(rules.PLATFORM_FEE, "fee", "", "", intent)
        for telecom in telecoms:
            for kind in ("trust", "clearing", "settlement"):
                await self.open(f"{kind}:{telecom}", kind, telecom, "", intent)


def _account(account_id: str, row: list[str | None]) -> Account | None:
    kind, state, telecom, owner, dp, cp, dq, v, x, mm, m1, name, category, market, stall = row
    if kind is None:
        return None
    return Account(
        account_id, kind, state or "", telecom or "", owner or "",
        int(dp or 0), int(cp or 0), int(dq or 0), int(v or 0), x == "1",
        int(mm or 0), int(m1 or 0), name or "", category or "", market or "", stall or "",
    )  # fmt: skip


def _movement(transfer_id: str, row: list[str | None]) -> Movement | None:
    if row[0] is None:
        return None
    k, a, f, fr, to, at, q, w, r, x, rf, nt = (v or "" for v in row)
    return Movement(transfer_id, k, int(a), int(f), fr, to, int(at), int(q), int(w), int(r), x, rf, nt)
