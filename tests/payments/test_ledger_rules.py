"""DESIGN section 4, rules 1, 3, 8 and 13, proved on the ledger's own text with its calls recorded or broken."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import hiredis
import pytest
import redis
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kit.clock import VIETNAM, month_of, now_ms
from kit.errors import (
    AccountClosed,
    AccountNotEmpty,
    AmountMismatch,
    CaptureExceedsHold,
    CodeCeiling,
    DomainError,
    GuaranteeShort,
    IdempotencyConflict,
    InsufficientFunds,
    LedgerFenced,
    LimitExceeded,
    NetDebitCapExceeded,
    RefundExceedsPayment,
    TooLate,
    WindowNotOpen,
    WrongState,
)
from kit.ids import new_id, new_key
from kit.ledger_event import LedgerEvent, from_fields, from_raw
from kit.streams.entry import Entry
from services.payments import limits, transfer
from services.payments.store import library
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.store.ledger import Ledger, Order, Posted
from services.settlement import fold
from tests.payments import acts
from tests.payments.conftest import OPERATOR, TELECOMS, Bench, open_gate

pytestmark = pytest.mark.anyio

KEYS = Keys("c01")
_CALL = "local function call(...) return redis.call(...) end"
# The same library, which notes every command, fails at the one it is told to, and takes its time from outside.
_WATCHED_CALL = """
local trace, fail_at, fake_ms = {}, 0, nil
local function call(...)
  local words = {...}
  for i = 1, #words do words[i] = string.sub(type(words[i]), 1, 1) .. tostring(words[i]) end
  trace[#trace + 1] = words
  if #trace == fail_at then error('injected') end
  if fake_ms and words[1] == 'sTIME' then
    return {string.format('%d', math.floor(fake_ms / 1000)), string.format('%d', fake_ms % 1000 * 1000)}
  end
  return redis.call(...)
end
"""
_TESTS = """
redis.register_function('test_arm', function(keys, argv)
  trace, fail_at, fake_ms = {}, tonumber(argv[1]), tonumber(argv[2])
  return 'OK'
end)
redis.register_function('test_trace', function() return trace end)
redis.register_function('test_calendar', function(keys, argv)
  local found = {}
  for i = 1, #argv do
    local month, day = calendar(tonumber(argv[i]))
    found[i] = string.format('%d,%d', month, day)
  end
  return found
end)
"""


def watched() -> str:
    source = library.source().replace("name=cho_ledger_v3", "name=cho_ledger_watched")
    assert source.count(_CALL) == 1
    assert "redis.call" not in source.replace(_CALL, "").replace("redis.call does not exist", "")
    return source.replace(_CALL, _WATCHED_CALL) + _TESTS


# Every key with its value's bytes and when it expires, in one step; only their hash leaves the server.
_EVERYTHING = """
local keys = redis.call('KEYS', '*')
table.sort(keys)
local found = {}
for i, key in ipairs(keys) do
  local value = redis.call('DUMP', key)
  found[i] = #key .. ':' .. key .. #value .. ':' .. value .. redis.call('PEXPIRETIME', key)
end
return redis.sha1hex(table.concat(found, ';'))
"""


@dataclass
class Watched(Bench):
    """A ledger whose functions are watched, over one connection: it is asked again and again."""

    admin: redis.Redis

    def arm(self, fail_at: int = 0, clock_ms: int | str = "") -> None:
        self.admin.fcall("test_arm", 0, fail_at, clock_ms)

    def trace(self) -> list[list[str]]:
        """Commands since `arm`: words without their types. Every word of a write must have been a string."""
        commands = self.admin.fcall("test_trace", 0)
        for words in commands:
            assert words[0][1:] in READS | WRITES
            assert words[0][1:] in READS or all(word[0] == "s" for word in words), words
        return [[word[1:] for word in words] for words in commands]

    def snapshot(self) -> str:
        """A hash of every byte that the server holds, and of when it expires."""
        found: str = self.admin.eval(_EVERYTHING, 0)
        return found


@asynccontextmanager
async def watched_bench(url: str) -> AsyncIterator[Watched]:
    # An intent is bytes.
    with redis.Redis.from_url(url, decode_responses=True, encoding_errors="backslashreplace") as admin:
        admin.function_load(watched(), replace=True)
        run = admin.info("server")["run_id"]
        assert admin.fcall("gate_v3", 2, KEYS.meta, KEYS.stream, run, "cell-test", "1", "0")[0] == "OK"
        client = LedgerClient(url)
        await client.start()
        bench = Watched(Ledger(client, KEYS), client, KEYS, url, admin)
        await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
        yield bench
        await client.stop()


@pytest.fixture
async def watch(valkey: str) -> AsyncIterator[Watched]:
    async with watched_bench(valkey) as bench:
        yield bench


# Rule 1: read and validate everything, then only write -----------------------------------------------------

# What reads tell of a key's type, so that the writes on it cannot fail for it.
READS = {"HMGET", "HGET", "HLEN", "GET", "EXISTS", "LLEN", "SCARD", "ZCARD", "TIME"}
WRITES = {"XADD", "HSET", "HINCRBY", "PEXPIREAT", "LPUSH", "LTRIM", "SET", "SADD", "SREM", "ZADD", "ZREM"}
_SEEN_BY = {
    "HSET": {"HMGET", "HLEN", "EXISTS"}, "HINCRBY": {"HMGET"}, "PEXPIREAT": {"HMGET", "HLEN"}, "LPUSH": {"LLEN"},
    "LTRIM": {"LLEN"}, "SADD": {"SCARD"}, "SREM": {"SCARD"}, "ZADD": {"ZCARD"}, "ZREM": {"ZCARD"},
}  # fmt: skip

Act = Callable[[], Awaitable[Any]]


@dataclass
class People:
    """Who is there before each operation, and what they did."""

    wallet: str
    agent: str
    merchant: str
    paid: Posted
    key: str = field(default_factory=new_key)


async def people(b: Bench) -> People:
    wallet = await b.wallet(balance=200_000_000, owner="usr_v")  # the merchant's owner, too
    agent, merchant = await b.agent(balance=50_000), await b.merchant()
    for telecom in TELECOMS[:2]:
        await acts.deposit(b, 90_000, telecom)
    return People(wallet, agent, merchant, await b.pay(wallet, merchant, 40_000, fee=80))


async def _replay(b: Bench, p: People) -> Act:
    await b.pay(p.wallet, p.merchant, 1_000, key=p.key)
    return lambda: b.pay(p.wallet, p.merchant, 1_000, key=p.key)


async def _conflict(b: Bench, p: People) -> Act:
    await b.pay(p.wallet, p.merchant, 1_000, key=p.key)
    return lambda: b.pay(p.wallet, p.merchant, 1_000, key=p.key, body_hash="another")


async def _resolved(b: Bench, p: People) -> Act:
    await b.ledger.resolve("usr_test", "pay", p.key)
    return lambda: b.ledger.resolve("usr_test", "pay", p.key)


async def _cut_again(b: Bench, p: People) -> Act:
    await b.ledger.cut(1, "op")
    return lambda: b.ledger.cut(1, "op")


async def _frozen(b: Bench, p: People) -> Act:
    await b.ledger.set_state(p.wallet, "frozen", OPERATOR)
    return lambda: b.ledger.set_state(p.wallet, "frozen", OPERATOR)


def _gate(b: Bench, promoted: str) -> list[str]:
    with b.redis() as client:
        try:
            return client.fcall("gate_v3", 2, KEYS.meta, KEYS.stream, b.client.run, "cell-test", "0", promoted)
        except redis.ResponseError as error:
            raise hiredis.ReplyError(str(error)) from error


def _now(act: Callable[[Bench, People], Any]) -> Callable[[Bench, People], Awaitable[Act]]:
    async def prepare(b: Bench, p: People) -> Act:
        async def run() -> Any:
            result = act(b, p)
            return await result if isinstance(result, Awaitable) else result

        return run

    return prepare


def _after(
    before: Callable[[Bench, People], Awaitable[Any]], act: Callable[[Bench, People, Any], Awaitable[Any]]
) -> Callable[[Bench, People], Awaitable[Act]]:
    """An operation on what another one made."""

    async def prepare(b: Bench, p: People) -> Act:
        made = await before(b, p)
        return lambda: act(b, p, made)

    return prepare


async def _held(b: Bench, p: People) -> Posted:
    return await acts.hold(b, p.wallet, p.merchant, 9_000)


async def _waits(b: Bench, p: People) -> Posted:
    return await b.pay(p.wallet, p.merchant, 6_000_000, device_at_ms=now_ms())


async def _voided(b: Bench, p: People) -> Posted:
    held = await _held(b, p)
    await acts.release(b, "void", held.transfer_id)
    return held


async def _expired(b: Bench, p: People) -> Posted:
    held = await acts.hold(b, p.wallet, p.merchant, 9_000, life_ms=500)
    await acts.until_due(b, [held.transfer_id], [])
    return held


async def _topped(b: Bench, p: People) -> Posted:
    return await acts.top_up(b, p.wallet, 50_000)


async def _card_held(b: Bench, p: People) -> Posted:
    return await acts.card_hold(b, await _topped(b, p), p.wallet, 9_000)


async def _org(b: Bench, p: People) -> str:
    return await acts.organisation(b, 9_000)


async def _far(b: Bench, p: People) -> str:
    return await b.wallet("VNPT")


async def _topped_and_debtor(b: Bench, p: People) -> tuple[Posted, str]:
    return await _topped(b, p), await acts.receivable(b, "usr_v")


async def _essential(b: Bench, p: People) -> None:
    with b.redis() as client:
        client.hset(b.keys.account(p.merchant), "cc", limits.ESSENTIAL[0])


async def _debt(b: Bench, p: People) -> str:
    """Of the wallet's holder and the merchant's owner, who is one person here: 1,000 đồng."""
    debt = await acts.receivable(b, "usr_v")
    await acts.chargeback(b, await _topped(b, p), p.wallet, debt, 50_000, 1_000)
    return debt


async def _asked(b: Bench, p: People) -> None:
    await acts.ask(b, p.merchant, 1_000)


async def _withdrawn(b: Bench, p: People) -> None:
    await _asked(b, p)
    await _withdraw(b, p)


async def _withdraw(b: Bench, p: People, _: Any = None) -> None:
    await b.ledger.withdraw(p.merchant, "usr_v", "R1", OPERATOR)


async def _code(b: Bench, p: People) -> None:
    await acts.make_code(b, p.wallet, "usr_v", 1_000)


async def _cancelled(b: Bench, p: People) -> None:
    await _code(b, p)
    await _cancel(b, p)


async def _cancel(b: Bench, p: People, _: Any = None) -> None:
    await b.ledger.cancel_code("d1", p.wallet, "usr_v", OPERATOR)


async def _proposed(b: Bench, p: People) -> str:
    return await acts.propose(b, p.paid.transfer_id)


async def _declined(b: Bench, p: People) -> str:
    proposal = await _proposed(b, p)
    await _decline(b, p, proposal)
    return proposal


async def _decline(b: Bench, p: People, proposal: str) -> None:
    await b.ledger.decline(proposal, "rejected", "usr_two", OPERATOR)


async def _propose(b: Bench, p: People, proposal: str) -> None:
    await b.ledger.propose(proposal, "reverse", p.paid.transfer_id, "usr_one", now_ms() + 60_000, "why", OPERATOR)


def _undone(
    op: str, legs: Callable[[People, Any], list[transfer.Leg]], fee: int = 0, cover: str = "",
    before: Callable[[Bench, People], Awaitable[Any]] = _far,
) -> Callable[[Bench, People], Awaitable[Act]]:  # fmt: skip
    """The reversal of an operation of 7,000 đồng, proposed by somebody else."""

    async def prepare(b: Bench, p: People) -> Act:
        made = await before(b, p)
        related = made.transfer_id if op == "capture" else ""
        posted = await b.post(op, 7_000, legs(p, made), fee, related=related)
        proposal = await acts.propose(b, posted.transfer_id)
        return lambda: acts.reverse(
            b, posted, legs(p, made), 7_000, fee, cover, proposal_id=proposal, key=p.key
        )  # fmt: skip

    return prepare


async def _sold(b: Bench, p: People) -> None:
    await b.pay(p.wallet, p.merchant, 50_000, 500)


async def _paid_out(b: Bench, p: People, fee: int = 0) -> Posted:
    await _sold(b, p)
    return await b.post("payout", 7_000, transfer.payout(p.merchant, 7_000, fee), fee)


async def _paid_out_at_cost(b: Bench, p: People) -> Posted:
    return await _paid_out(b, p, 70)


async def _fees_paid_out(b: Bench, p: People) -> Posted:
    await _sold(b, p)
    return await b.post("payout", 400, transfer.payout(transfer.PLATFORM_FEE, 400))


async def _bank_paid(b: Bench, p: People) -> Posted:
    made = await _paid_out(b, p)
    await b.post("paid", 7_000, transfer.paid(7_000), related=made.transfer_id)
    return made


async def _bank_paid_fees(b: Bench, p: People) -> Posted:
    made = await _fees_paid_out(b, p)
    await b.post("paid", 400, transfer.paid(400), related=made.transfer_id)
    return made


async def _deposited(b: Bench, p: People) -> None:
    await b.post("liquidity_in", 9_000, transfer.liquidity_in("VIETTEL", 9_000))
    await b.ledger.set_cap("VIETTEL", 5_000, OPERATOR)


def _corrects(debited: str, credited: str) -> Callable[[Bench, People], Awaitable[Act]]:
    async def prepare(b: Bench, p: People) -> Act:
        await _paid_out(b, p)
        for account in (transfer.PLATFORM_FEE, transfer.TRANSIT, p.merchant):
            assert await b.balance(account) > 7
        ids = {"merchant": p.merchant, "fee": transfer.PLATFORM_FEE, "transit": transfer.TRANSIT,
               "nostro": transfer.NOSTRO, "suspense": transfer.SUSPENSE}  # fmt: skip
        proposal = new_id("prp")
        await b.ledger.propose(proposal, "correct", "brk_1", "usr_one", now_ms() + 60_000, "why", OPERATOR)
        return lambda: b.post(
            "correct", 7, transfer.correct(ids[debited], ids[credited], 7), related="brk_1", guard="proposal",
            guard_key=b.ledger.proposal_key(proposal), guard_value="usr_two", key=p.key,
        )  # fmt: skip

    return prepare


V, BOTH = "VIETTEL", ("VIETTEL", "VNPT")
OPERATIONS: dict[str, Callable[[Bench, People], Awaitable[Act]]] = {
    "fund the telecom's own money": _now(
        lambda b, p: b.post("fund", 7, transfer.fund(V, transfer.reserve(V), 7), key=p.key)
    ),
    "defund a float": _now(lambda b, p: b.post("defund", 7, transfer.defund(V, p.agent, 7), key=p.key)),
    "defund an organisation": _after(
        lambda b, p: _org(b, p), lambda b, p, org: b.post("defund", 7, transfer.defund(V, org, 7), key=p.key)
    ),
    "defund the telecom's own money": _now(
        lambda b, p: b.post("defund", 7, transfer.defund(V, transfer.reserve(V), 7), key=p.key)
    ),
    "cash in with a commission": _now(
        lambda b, p: b.post("cash_in", 7, transfer.cash_in(p.agent, p.wallet, 7, V, 2), 2, key=p.key)
    ),
    "cash out with a commission": _now(
        lambda b, p: b.post("cash_out", 7, transfer.cash_out(p.wallet, p.agent, 7, V, 2), 2, key=p.key)
    ),
    "pay an essential service": _after(
        lambda b, p: _essential(b, p), lambda b, p, _: b.pay(p.wallet, p.merchant, 1_000, key=p.key)
    ),
    "pay, and it waits for an operator": _now(
        lambda b, p: b.pay(p.wallet, p.merchant, 6_000_000, fee=9, key=p.key, device_at_ms=now_ms())
    ),
    "pay a request by its reference": _after(
        _asked, lambda b, p, _: acts.pay_request(b, p.wallet, p.merchant, 999, key=p.key)
    ),
    "pay a request by its code": _after(
        _asked, lambda b, p, _: acts.pay_request(b, p.wallet, p.merchant, 1_000, way="exact", key=p.key)
    ),
    "refusal: another amount than was asked": _after(
        _asked, lambda b, p, _: acts.pay_request(b, p.wallet, p.merchant, 999, way="exact", key=p.key)
    ),
    "pay by a one-time code": _after(_code, lambda b, p, _: acts.redeem(b, p.wallet, p.merchant, 1_000, key=p.key)),
    "refusal: more than the code allows": _after(
        _code, lambda b, p, _: acts.redeem(b, p.wallet, p.merchant, 1_001, key=p.key)
    ),
    "hold": _now(lambda b, p: acts.hold(b, p.wallet, p.merchant, 9_000, key=p.key)),
    "hold for a card": _after(_topped, lambda b, p, top: acts.card_hold(b, top, p.wallet, 9_000, key=p.key)),
    "capture": _after(_held, lambda b, p, held: acts.capture(b, held, p.wallet, p.merchant, 9_000, 18, key=p.key)),
    "capture a part": _after(_held, lambda b, p, held: acts.capture(b, held, p.wallet, p.merchant, 1_000, key=p.key)),
    "capture what waited for an operator": _after(
        _waits, lambda b, p, held: acts.capture(b, held, p.wallet, p.merchant, 6_000_000, key=p.key)
    ),
    "refusal: more than is held": _after(
        _held, lambda b, p, held: acts.capture(b, held, p.wallet, p.merchant, 9_001, key=p.key)
    ),
    "unload": _after(_card_held, lambda b, p, held: acts.unload(b, held, p.wallet, 9_000, key=p.key)),
    "void": _after(_held, lambda b, p, held: acts.release(b, "void", held.transfer_id)),
    "void what was held for a card": _after(_card_held, lambda b, p, held: acts.release(b, "void", held.transfer_id)),
    "void again": _after(_voided, lambda b, p, held: acts.release(b, "void", held.transfer_id)),
    "expire": _after(_expired, lambda b, p, held: acts.release(b, "expire", held.transfer_id)),
    "transfer": _after(lambda b, p: b.wallet(), lambda b, p, other: acts.send(b, p.wallet, other, 7_000, key=p.key)),
    "transfer to another telecom": _after(_far, lambda b, p, far: acts.send(b, p.wallet, far, 7_000, BOTH, key=p.key)),
    "refusal: a guarantee that does not cover it": _after(
        _far, lambda b, p, far: acts.send(b, p.wallet, far, 99_999_999, BOTH, key=p.key)
    ),
    "disburse": _after(lambda b, p: _org(b, p), lambda b, p, org: acts.send(b, org, p.wallet, 7_000, key=p.key)),
    "disburse to another telecom": _after(
        lambda b, p: acts.organisation(b, 9_000, "VNPT"),
        lambda b, p, org: acts.send(b, org, p.wallet, 7_000, BOTH[::-1], key=p.key),
    ),
    "top up": _now(lambda b, p: acts.top_up(b, p.wallet, 7_000, key=p.key)),
    "chargeback": _after(_topped, lambda b, p, top: acts.chargeback(b, top, p.wallet, "", 50_000, key=p.key)),
    "chargeback that is owed in part": _after(
        _topped_and_debtor, lambda b, p, t: acts.chargeback(b, t[0], p.wallet, t[1], 50_000, 1_000, key=p.key)
    ),
    "chargeback that is owed": _after(
        _topped_and_debtor, lambda b, p, t: acts.chargeback(b, t[0], p.wallet, t[1], 50_000, 50_000, key=p.key)
    ),
    "recover from a wallet": _after(_debt, lambda b, p, debt: acts.recover(b, p.wallet, debt, 999, V, key=p.key)),
    "recover from a merchant": _after(_debt, lambda b, p, debt: acts.recover(b, p.merchant, debt, 999, key=p.key)),
    "recover all that is owed": _after(_debt, lambda b, p, debt: acts.recover(b, p.merchant, debt, 1_000, key=p.key)),
    "payout": _after(_sold, lambda b, p, _: b.post("payout", 7, transfer.payout(p.merchant, 7), key=p.key)),
    "payout that was asked for": _after(
        _sold, lambda b, p, _: b.post("payout", 70, transfer.payout(p.merchant, 70, 3), 3, key=p.key)
    ),
    "payout of the platform's fees": _after(
        _sold, lambda b, p, _: b.post("payout", 7, transfer.payout(transfer.PLATFORM_FEE, 7), key=p.key)
    ),
    "paid": _after(
        _paid_out,
        lambda b, p, out: b.post("paid", 7_000, transfer.paid(7_000), related=out.transfer_id, key=p.key),
    ),
    "refusal: a part of a payout": _after(
        _paid_out, lambda b, p, out: b.post("paid", 6_999, transfer.paid(6_999), related=out.transfer_id, key=p.key)
    ),
    "unpaid": _after(
        _paid_out,
        lambda b, p, out: b.post(
            "unpaid", 7_000, transfer.unpaid(p.merchant, 7_000), related=out.transfer_id, key=p.key
        ),
    ),
    "unpaid, with its fee": _after(
        _paid_out_at_cost,
        lambda b, p, out: b.post(
            "unpaid", 7_000, transfer.unpaid(p.merchant, 7_000, 70), 70, related=out.transfer_id, key=p.key
        ),
    ),
    "unpaid fees": _after(
        _fees_paid_out,
        lambda b, p, out: b.post(
            "unpaid", 400, transfer.unpaid(transfer.PLATFORM_FEE, 400), related=out.transfer_id, key=p.key
        ),
    ),
    "returned": _after(
        _bank_paid,
        lambda b, p, out: b.post(
            "returned", 7_000, transfer.returned(p.merchant, 7_000), related=out.transfer_id, key=p.key
        ),
    ),
    "returned fees": _after(
        _bank_paid_fees,
        lambda b, p, out: b.post(
            "returned", 400, transfer.returned(transfer.PLATFORM_FEE, 400), related=out.transfer_id, key=p.key
        ),
    ),
    "net of a telecom that owed": _after(_sold, lambda b, p, _: b.post("net", 7, transfer.net(V, -7), key=p.key)),
    "net of a telecom that was owed": _now(lambda b, p: b.post("net", 7, transfer.net(V, 7), key=p.key)),
    "net of the card provider": _after(
        _topped, lambda b, p, _: b.post("net", 7, transfer.net("STRIPE", -7), key=p.key)
    ),
    "net back to the card provider": _now(lambda b, p: b.post("net", 7, transfer.net("STRIPE", 7), key=p.key)),
    "interchange": _after(_sold, lambda b, p, _: b.post("interchange", 7, transfer.interchange(V, 7), key=p.key)),
    "deposit": _now(lambda b, p: b.post("liquidity_in", 7, transfer.liquidity_in(V, 7), key=p.key)),
    "deposit taken back": _after(
        _deposited, lambda b, p, _: b.post("liquidity_out", 7, transfer.liquidity_out(V, 7), key=p.key)
    ),
    "refusal: a deposit that a cap rests on": _after(
        _deposited, lambda b, p, _: b.post("liquidity_out", 9_000, transfer.liquidity_out(V, 9_000), key=p.key)
    ),
    "refusal: more than the net debit cap": _after(
        _deposited, lambda b, p, _: b.pay(p.wallet, p.merchant, 90_000, key=p.key)
    ),
    "net debit cap": _after(_deposited, lambda b, p, _: b.ledger.set_cap(V, 6_000, OPERATOR)),
    "net debit cap again": _after(_deposited, lambda b, p, _: b.ledger.set_cap(V, 5_000, OPERATOR)),
    "no net debit cap": _after(_deposited, lambda b, p, _: b.ledger.set_cap(V, None, OPERATOR)),
    **{
        f"correct {debited} to {credited}": _corrects(debited, credited)
        for other in ("nostro", "merchant", "fee", "transit")
        for debited, credited in ((other, "suspense"), ("suspense", other))
    },
    "undo a payment": _undone("pay", lambda p, _: transfer.pay(p.wallet, p.merchant, V, 7_000, 14), 14, V),
    "undo a capture": _undone(
        "capture", lambda p, _: transfer.pay(p.wallet, p.merchant, V, 7_000, 14), 14, V, before=_held
    ),
    "undo a payment without a fee": _undone(
        "pay", lambda p, _: transfer.pay(p.wallet, p.merchant, V, 7_000, 0), cover=V
    ),
    "undo a float's funding": _undone("fund", lambda p, _: transfer.fund(V, p.agent, 7_000)),
    "undo an organisation's funding": _undone("fund", lambda p, org: transfer.fund(V, org, 7_000), before=_org),
    "undo cash in": _undone("cash_in", lambda p, _: transfer.cash_in(p.agent, p.wallet, 7_000)),
    "undo cash in with a commission": _undone(
        "cash_in", lambda p, _: transfer.cash_in(p.agent, p.wallet, 7_000, V, 14), 14
    ),
    "undo cash out": _undone("cash_out", lambda p, _: transfer.cash_out(p.wallet, p.agent, 7_000)),
    "undo cash out with a commission": _undone(
        "cash_out", lambda p, _: transfer.cash_out(p.wallet, p.agent, 7_000, V, 21), 21
    ),
    "undo a transfer": _undone(
        "transfer", lambda p, other: transfer.send(p.wallet, other, V, V, 7_000), before=lambda b, p: b.wallet()
    ),
    "undo a transfer to another telecom": _undone(
        "transfer", lambda p, far: transfer.send(p.wallet, far, *BOTH, 7_000), cover=V
    ),
    "undo a disbursement": _undone(
        "disburse",
        lambda p, org: transfer.send(org, p.wallet, V, V, 7_000),
        before=_org,
    ),
    "undo a disbursement to another telecom": _undone(
        "disburse",
        lambda p, org: transfer.send(org, p.wallet, *BOTH[::-1], 7_000),
        cover="VNPT",
        before=lambda b, p: acts.organisation(b, 9_000, "VNPT"),
    ),
    "request": _now(lambda b, p: acts.ask(b, p.merchant, 1_000)),
    "request again": _after(_asked, lambda b, p, _: acts.ask(b, p.merchant, 1_000)),
    "withdraw": _after(_asked, _withdraw),
    "withdraw again": _after(_withdrawn, _withdraw),
    "make a one-time code": _now(lambda b, p: _code(b, p)),
    "cancel a one-time code": _after(_code, _cancel),
    "cancel a one-time code again": _after(_cancelled, _cancel),
    "propose": _now(lambda b, p: _propose(b, p, "prp_1")),
    "propose again": _after(_proposed, _propose),
    "decline": _after(_proposed, _decline),
    "decline again": _after(_declined, _decline),
    "exempt": _now(lambda b, p: b.ledger.set_exempt(p.wallet, True, OPERATOR)),
    "exempt again": _now(lambda b, p: b.ledger.set_exempt(p.wallet, False, OPERATOR)),
    "fund": _now(lambda b, p: b.post("fund", 7, transfer.fund("VIETTEL", p.agent, 7), key=p.key)),
    "cash in": _now(lambda b, p: b.post("cash_in", 7, transfer.cash_in(p.agent, p.wallet, 7), key=p.key)),
    "cash out": _now(lambda b, p: b.post("cash_out", 7, transfer.cash_out(p.wallet, p.agent, 7), key=p.key)),
    "pay": _now(lambda b, p: b.pay(p.wallet, p.merchant, 1_000, key=p.key)),
    "pay with a fee": _now(lambda b, p: b.pay(p.wallet, p.merchant, 1_000, fee=2, key=p.key)),
    "pay by a bank's code": _now(
        lambda b, p: b.pay(
            p.wallet, p.merchant, 1_000, key=p.key, directory_index="idx" + p.merchant, merchant_id=p.merchant
        )
    ),
    "refund": _now(lambda b, p: b.refund(p.paid, p.wallet, p.merchant, 10_000, fee=20, key=p.key)),
    "refund of a payment without a fee": _after(
        lambda b, p: b.pay(p.wallet, p.merchant, 1_000),
        lambda b, p, paid: b.refund(paid, p.wallet, p.merchant, 1_000, key=p.key),
    ),
    "refund of too much": _now(lambda b, p: b.refund(p.paid, p.wallet, p.merchant, 40_001, fee=80, key=p.key)),
    "refusal: no funds": _now(
        lambda b, p: b.post("cash_in", 50_001, transfer.cash_in(p.agent, p.wallet, 50_001), key=p.key)
    ),
    "refusal: limit": _now(lambda b, p: b.pay(p.wallet, p.merchant, 100_000_000, key=p.key)),
    "the same key again": _replay,
    "the same key for another body": _conflict,
    "open a wallet": _now(lambda b, p: b.ledger.open(new_id("wal"), "wallet", "VNPT", "usr_new", OPERATOR)),
    "open a wallet that is there": _now(
        lambda b, p: b.ledger.open(new_id("wal"), "fee", "", "", OPERATOR)  # the platform's: there is one
    ),
    "a new merchant": _now(lambda b, p: b.merchant(merchant_id=f"mer_{p.key}")),
    "a merchant changes": _now(lambda b, p: b.merchant("frozen", 2, p.merchant)),
    "a merchant's old change": _now(lambda b, p: b.merchant("frozen", 1, p.merchant)),
    "freeze": _now(lambda b, p: b.ledger.set_state(p.wallet, "frozen", OPERATOR)),
    "freeze what is frozen": _frozen,
    "resolve": _now(lambda b, p: b.ledger.resolve("usr_test", "pay", p.key)),
    "resolve again": _resolved,
    "cut": _now(lambda b, p: b.ledger.cut(1, "op")),
    "cut again": _cut_again,
    "rules": _now(lambda b, p: b.ledger._call("rules_v3", [KEYS.meta, KEYS.stream, KEYS.rules], "", "scope")),
    "rules again": _now(
        lambda b, p: b.ledger._call(
            "rules_v3", [KEYS.meta, KEYS.stream, KEYS.rules], limits.encode(limits.in_force(1_000_000)), "scope"
        )
    ),
    "gate after a restart": _now(lambda b, p: _gate(b, "0")),
    "gate after a promotion": _now(lambda b, p: _gate(b, "1")),
}


REFUSED = (
    InsufficientFunds, LimitExceeded, RefundExceedsPayment, IdempotencyConflict, AmountMismatch, CodeCeiling,
    CaptureExceedsHold, GuaranteeShort, NetDebitCapExceeded, WrongState)  # fmt: skip


@pytest.mark.parametrize("name", OPERATIONS)
async def test_an_error_at_any_call_up_to_the_first_write_changes_nothing_and_after_it_nothing_can_fail(
    watch: Watched, name: str
) -> None:
    act = await OPERATIONS[name](watch, await people(watch))
    before, broken_at = watch.snapshot(), 0
    while True:
        broken_at += 1
        watch.arm(fail_at=broken_at)
        with pytest.raises(hiredis.ReplyError, match="injected"):
            await act()
        calls = [words for words in watch.trace() if words]
        assert len(calls) == broken_at
        assert watch.snapshot() == before, f"call {broken_at}, {calls[-1]}, left something behind"
        if calls[-1][0] in WRITES:
            break
        assert broken_at < 100
    watch.arm()
    with suppress(*REFUSED):
        await act()
    _check_plan(watch.trace())


def _check_plan(calls: list[list[str]]) -> None:
    first = next(i for i, words in enumerate(calls) if words[0] in WRITES)
    reads: dict[str, set[str]] = {}
    for command, *words in calls[:first]:
        assert command in READS
        if words:
            reads.setdefault(words[0], set()).add(command)
    for number, (command, key, *_) in enumerate(calls[first:]):
        assert command in WRITES, f"{command} is not a write that cannot fail, and others stand before it"
        assert command != "XADD" or number == 0, "XADD may refuse an id: it goes first"
        assert command not in _SEEN_BY or reads.get(key, set()) & _SEEN_BY[command], f"{key} may be of another type"


@pytest.mark.parametrize("name", [name for name in OPERATIONS if not name.startswith("gate")])
async def test_a_cell_that_is_not_open_for_this_run_of_its_server_does_nothing(bench: Bench, name: str) -> None:
    act = await OPERATIONS[name](bench, await people(bench))
    with bench.redis() as client:
        client.hset(bench.keys.meta, "gate", "another run")
    before = bench.dump()
    with pytest.raises((LedgerFenced, AssertionError), match=r"checked|LEDGER_FENCED"):
        assert (await act())[0] == "OK"  # calls that answer their refusal
    assert bench.dump() == before


_KINDS = {"wal": "wallet", "agt": "agent", "mer": "merchant", "rcv": "receivable"}


async def test_every_function_and_every_shape_of_legs_is_among_these_operations(
    valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    called, seen, send = {"gate_v3"}, set(), LedgerClient.send

    def noted(self: LedgerClient, *command: Any) -> Any:
        called.add(command[1])
        return send(self, *command)

    monkeypatch.setattr(LedgerClient, "send", noted)
    for prepare in OPERATIONS.values():
        with redis.Redis.from_url(valkey) as admin:
            admin.flushall()
        async with watched_bench(valkey) as bench:
            with suppress(*REFUSED):
                await (await prepare(bench, await people(bench)))()
            seen |= {",".join(f"{_SIDES[leg.side]}:{_kind(leg.account_id)}" for leg in e.legs) for e in stream(valkey)}
    source = library.source()
    assert set(re.findall(r"register_function\('(\w+)'", source)) <= called
    between = dict(re.findall(r"local (BETWEEN|BACK_BETWEEN) = '([^']+)'", source))
    shapes = re.findall(r"\['([dc]:[^']+)'(?: \.\. (\w+))?\]", source)
    assert len(shapes) > 35
    assert {re.sub(r",=:\w+", "", shape + between.get(more, "")) for shape, more in shapes} <= seen


_SIDES = {"d": "d", "c": "c", "p": "d", "q": "c", "-": "-"}


def _kind(account_id: str) -> str:
    kinds = {"wal": "wallet", "agt": "agent", "mer": "merchant", "rcv": "receivable"}
    return kinds.get(account_id[:3], re.split("[:_]", account_id)[0])


async def test_founding_a_cell_is_planned_too(valkey: str) -> None:
    with redis.Redis.from_url(valkey, decode_responses=True) as client:
        client.function_load(watched())
        for broken_at in range(1, 10):
            client.fcall("test_arm", 0, broken_at)
            with pytest.raises(redis.ResponseError, match="injected"):
                client.fcall("gate_v3", 2, KEYS.meta, KEYS.stream, "run", "genesis", "1", "0")
            assert client.keys("*") == []
            if client.fcall("test_trace", 0)[-1][0] == "sXADD":
                return
    pytest.fail("nothing was written")


@pytest.mark.parametrize("place", range(15))
async def test_a_key_of_the_wrong_type_stops_a_payment_before_anything_is_written(watch: Watched, place: int) -> None:
    p = await people(watch)
    legs = transfer.pay(p.wallet, p.merchant, "VIETTEL", 1_000, 0)
    sent: list[str] = []
    send = watch.client.send

    def wrong_key(*command: Any) -> Any:
        if command[0] == "FCALL" and place < int(command[2]):
            sent.append(command[3 + place])
            with watch.redis() as client:
                client.delete(sent[0])
                # Neither hash nor list, string nor set; what is a sorted set becomes a string.
                client.zadd(sent[0], {"planted": 1}) if sent[0] != KEYS.holds else client.set(sent[0], "planted")
            snapshots.append(watch.snapshot())
        return send(*command)

    snapshots: list[Any] = []
    watch.client.send = wrong_key  # type: ignore[method-assign]
    order = Order(
        op="pay", caller="usr_test", key=p.key, body_hash="h", amount=1_000, fee=0, legs=legs,
        directory_index="idx" + p.merchant, merchant_id=p.merchant,
        guard="request", guard_key=KEYS.request(p.merchant, "R1"), guard_value="exact",
    )  # fmt: skip
    with pytest.raises((hiredis.ReplyError, DomainError)):
        await watch.ledger.post(order)
    assert len(sent) == 1
    assert watch.snapshot() == snapshots[-1]


async def test_an_event_that_the_stream_refuses_moves_no_money(watch: Watched) -> None:
    p = await people(watch)
    with watch.redis() as client:
        client.xadd(KEYS.stream, {"op": "planted"}, id="999999-0")
    before = watch.snapshot()
    with pytest.raises(hiredis.ReplyError, match="equal or smaller"):
        await watch.pay(p.wallet, p.merchant, 1_000)
    assert watch.snapshot() == before


# Rule 2: what is not understood is refused -------------------------------------------------------------------


@pytest.mark.parametrize("fee", ["nan", "1e2", "0x64", " 100", "100.0", "-100", ""])
async def test_a_fee_that_is_not_a_plain_number_moves_nothing(bench: Bench, fee: str) -> None:
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    before = bench.dump()
    with pytest.raises(DomainError):
        await bench.post("pay", 50_000, transfer.pay(wallet, merchant, "VIETTEL", 50_000, 100), fee)  # type: ignore[arg-type]
    assert bench.dump() == before


@pytest.mark.parametrize(
    "text",
    [
        "tx,0,1,tx,pay",
        "tx,0,1,tx,pay,5",
        "tx,0,1,tx,pay,5,0,refuse;day,0,-1,day,pay,5,0,refuse",
        "tx,0,1,tx,pay,1.5e3,0,refuse",
        "nonsense",
        "a,0,1,tx,,5,0,refuse",
        "a,0,1,week,pay,5,0,refuse",
        "a,0,1,tx,pay,5,0,ignore",
        "essential=49x0",
    ],
)
async def test_a_limit_rule_that_is_not_understood_is_not_put_in_force(bench: Bench, text: str) -> None:
    before = bench.dump()
    with pytest.raises(DomainError):
        await bench.ledger.found(TELECOMS, text)
    assert bench.dump() == before


# Rule 3: time ------------------------------------------------------------------------------------------------


def _ms(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=VIETNAM).timestamp() * 1000)


def _calendar(url: str, times: list[int]) -> list[tuple[int, int]]:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found = client.fcall("test_calendar", 0, *times)
    return [tuple(map(int, text.split(","))) for text in found]  # type: ignore[misc]


def _expected(at: int) -> tuple[int, int]:
    local = datetime(1970, 1, 1) + timedelta(milliseconds=at, hours=7)
    return month_of(at), (local - datetime(1970, 1, 1)).days


async def test_the_ledgers_calendar_is_pythons_at_every_end_of_a_month_from_2000_to_2100(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        client.function_load(watched())
    firsts = [_ms(f"{year}-{month:02d}-01") for year in range(2000, 2101) for month in range(1, 13)]
    times = [first + shift for first in firsts for shift in (-1, 0, 1, 25_200_000 - 1, 25_200_000)]
    assert _calendar(valkey, times) == [_expected(at) for at in times]


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(times=st.lists(st.integers(_ms("2000-01-01"), _ms("2100-12-31")), min_size=1, max_size=200))
@example(times=[_ms("2000-02-29"), _ms("2024-02-29") + 86_399_999, _ms("2100-02-28") + 86_400_000])
def test_the_ledgers_calendar_is_pythons_at_any_time(valkey: str, times: list[int]) -> None:
    with redis.Redis.from_url(valkey) as client:
        client.function_load(watched(), replace=True)
    assert _calendar(valkey, times) == [_expected(at) for at in times]


def key_made_at(ms: int) -> str:
    head = f"{ms:012x}"
    return f"{head[:8]}-{head[8:]}{new_key()[13:]}"


class Hand:
    """Moves the ledger's clock and the service's by hand."""

    def __init__(self, bench: Watched, patch: pytest.MonkeyPatch) -> None:
        self.bench, self.patch = bench, patch

    def set(self, ms: int) -> None:
        self.ms = ms
        self.bench.arm(clock_ms=ms)
        self.patch.setattr("services.payments.store.ledger.now_ms", lambda: ms)

    async def pay(self, wallet: str, merchant: str, amount: int) -> Posted:
        return await self.bench.pay(wallet, merchant, amount, key=key_made_at(self.ms))


RULES = (
    limits.LimitRule("month", 0, _ms("2100-01-01"), "month", ("pay", "cash_out"), 10_000, ""),
    limits.LimitRule("day", 0, _ms("2100-01-01"), "day", ("pay",), 6_000, ""),
)


@pytest.fixture
async def hand(watch: Watched, monkeypatch: pytest.MonkeyPatch) -> Hand:
    await watch.ledger.found([], limits.encode(RULES))
    return Hand(watch, monkeypatch)


async def test_day_and_month_of_a_limit_begin_at_midnight_in_vietnam(watch: Watched, hand: Hand) -> None:
    wallet, merchant, agent = await watch.wallet(balance=100_000), await watch.merchant(), await watch.agent()
    hand.set(_ms("2031-01-30T12:00"))
    out = transfer.cash_out(wallet, agent, 4_000)
    await watch.post("cash_out", 4_000, out, key=key_made_at(hand.ms))
    hand.set(_ms("2031-01-31T06:59:59.999"))  # a day later, and still yesterday in UTC
    await hand.pay(wallet, merchant, 6_000)
    hand.set(_ms("2031-01-31T23:59:59.999"))
    with pytest.raises(LimitExceeded) as refused:
        await hand.pay(wallet, merchant, 1)
    assert refused.value.details == {"rule": "month"}
    hand.set(_ms("2031-02-01"))
    await hand.pay(wallet, merchant, 6_000)
    with pytest.raises(LimitExceeded) as refused:
        await hand.pay(wallet, merchant, 1)
    assert refused.value.details == {"rule": "day"}
    account = await watch.ledger.account(wallet)
    assert account is not None
    assert (account.month, account.month_used) == (203102, 6_000)


async def test_a_rule_is_in_force_from_its_first_millisecond_and_not_in_its_last(watch: Watched, hand: Hand) -> None:
    begin, end = _ms("2031-03-01"), _ms("2031-04-01")
    await watch.ledger.found([], limits.encode([limits.LimitRule("march", begin, end, "tx", ("pay",), 1, "")]))
    wallet, merchant = await watch.wallet(balance=100_000), await watch.merchant()
    for at_ms, refused in ((begin - 1, False), (begin, True), (end - 1, True), (end, False)):
        hand.set(at_ms)
        if refused:
            with pytest.raises(LimitExceeded):
                await hand.pay(wallet, merchant, 2)
        else:
            await hand.pay(wallet, merchant, 2)


async def test_a_clock_that_goes_back_gives_no_month_back(watch: Watched, hand: Hand) -> None:
    wallet, other, merchant = (
        await watch.wallet(balance=9_000),
        await watch.wallet(balance=9_000),
        await watch.merchant(),
    )
    hand.set(_ms("2031-02-01T00:00:00.500"))
    first = await hand.pay(wallet, merchant, 6_000)
    hand.set(_ms("2031-01-31T23:59:59"))
    with pytest.raises(LimitExceeded):
        await hand.pay(wallet, merchant, 1)
    assert (await hand.pay(other, merchant, 1_000)).at_ms == first.at_ms
    hand.set(_ms("2031-02-01T00:00:02"))
    assert (await hand.pay(other, merchant, 1_000)).at_ms == hand.ms


async def test_not_after_and_the_age_of_a_key_are_judged_by_the_ledgers_time(watch: Watched, hand: Hand) -> None:
    wallet, merchant = await watch.wallet(balance=100_000), await watch.merchant()
    hand.set(_ms("2031-05-05T12:00"))
    await hand.pay(wallet, merchant, 1)
    week = 7 * 86_400_000
    assert await watch.pay(wallet, merchant, 1, key=key_made_at(hand.ms - week), not_after_ms=hand.ms)
    moment = hand.ms
    hand.set(moment - 2_000)  # the clock goes back, the ledger's time does not
    with pytest.raises(TooLate):
        await watch.pay(wallet, merchant, 1, key=key_made_at(hand.ms), not_after_ms=moment - 1)
    hand.set(moment)
    for wrong in (
        {"key": key_made_at(hand.ms - week - 1)},
        {"key": key_made_at(hand.ms + 86_400_001)},
        {"key": key_made_at(hand.ms), "not_after_ms": hand.ms - 1},
    ):
        with pytest.raises(DomainError) as refused:
            await watch.pay(wallet, merchant, 1, **wrong)
        assert refused.value.code in {"KEY_EXPIRED", "CLOCK_SKEW", "TOO_LATE"}


# Rule 8: events are complete -----------------------------------------------------------------------------------

AMOUNTS = st.sampled_from([1, 2, 999, 5_000, 70_000, 1_000_000, 60_000_000, 400_000_000, 10**12])
WHO = st.integers(0, 5)
STEPS = st.one_of(
    st.tuples(st.just("wallet"), WHO, st.booleans()),
    st.tuples(st.just("merchant"), WHO, st.sampled_from(["open", "frozen"])),
    st.tuples(st.just("state"), WHO, st.sampled_from(["open", "frozen", "closed"])),
    st.tuples(st.just("fund"), WHO, AMOUNTS),
    st.tuples(st.just("cash_in"), WHO, WHO, AMOUNTS),
    st.tuples(st.just("cash_out"), WHO, WHO, AMOUNTS),
    *[st.tuples(st.just("pay"), WHO, WHO, AMOUNTS, st.sampled_from([0, 1, 140]))] * 3,
    *[st.tuples(st.just("refund"), WHO, AMOUNTS)] * 2,
    st.tuples(st.just("again"), WHO, st.booleans()),
    st.tuples(st.just("resolve"), WHO),
    st.tuples(st.just("cut"), st.integers(-1, 1)),
)
SPENT = {
    "MERCHANT_NOT_PAYABLE", "ACCOUNT_FROZEN", "ACCOUNT_CLOSED", "REFUND_EXCEEDS_PAYMENT", "LIMIT_EXCEEDED",
    "BALANCE_TOO_LARGE", "INSUFFICIENT_FUNDS",
}  # fmt: skip


class Market:
    """Walks through random steps, and remembers what the ledger answered."""

    def __init__(self, bench: Bench) -> None:
        self.b = bench
        self.wallets: list[tuple[str, str]] = []
        self.agents: list[tuple[str, str]] = []
        self.merchants: list[str] = []
        self.orders: list[Order] = []
        # By scope: the facts, or the code of a refusal that spent the key.
        self.answers: dict[str, Posted | str] = {}
        self.payments: list[tuple[Posted, Order]] = []
        self.refunded: dict[str, int] = {}
        self.balances: dict[str, int] = {}
        self.version = 1
        self.cuts = 0

    async def open(self) -> None:
        for telecom in TELECOMS[:2]:
            await self.step(("wallet", len(self.wallets), False))
            self.agents.append((await self.b.agent(telecom), telecom))
        for _ in range(2):
            self.merchants.append(await self.b.merchant())
        for agent in range(2):
            await self.step(("fund", agent, 400_000_000))
            await self.step(("cash_in", agent, agent, 60_000_000))

    async def step(self, step: tuple[Any, ...]) -> None:
        kind, *args = step
        await getattr(self, kind)(*args)

    async def wallet(self, who: int, exempt: bool) -> None:
        telecom = TELECOMS[who % 2]
        wallet = await self.b.ledger.open(new_id("wal"), "wallet", telecom, f"usr_{who}", OPERATOR, exempt)
        if (wallet, telecom) not in self.wallets:
            self.wallets.append((wallet, telecom))

    async def merchant(self, who: int, state: str) -> None:
        self.version += 1
        await self.b.merchant(state, self.version, self.merchants[who % 2])

    async def state(self, who: int, state: str) -> None:
        accounts = [*self.wallets, *self.agents]
        with suppress(AccountClosed, AccountNotEmpty):
            await self.b.ledger.set_state(accounts[who % len(accounts)][0], state, OPERATOR)

    async def fund(self, who: int, amount: int) -> None:
        agent, telecom = self.agents[who % 2]
        await self.post("fund", amount, transfer.fund(telecom, agent, amount))

    async def cash_in(self, who: int, whom: int, amount: int) -> None:
        legs = transfer.cash_in(self.agents[who % 2][0], self.wallets[whom % len(self.wallets)][0], amount)
        await self.post("cash_in", amount, legs)

    async def cash_out(self, who: int, whom: int, amount: int) -> None:
        legs = transfer.cash_out(self.wallets[who % len(self.wallets)][0], self.agents[whom % 2][0], amount)
        await self.post("cash_out", amount, legs)

    async def pay(self, who: int, whom: int, amount: int, fee: int) -> None:
        wallet, telecom = self.wallets[who % len(self.wallets)]
        fee = min(fee, amount - 1)
        await self.post("pay", amount, transfer.pay(wallet, self.merchants[whom % 2], telecom, amount, fee), fee)

    async def refund(self, which: int, amount: int) -> None:
        if not self.payments:
            return
        paid, order = self.payments[which % len(self.payments)]
        before = self.refunded.get(paid.transfer_id, 0)
        fee = transfer.refund_fee(order.amount, order.fee, before, amount)
        wallet, merchant = order.legs[0].account_id, order.legs[1].account_id
        telecom = order.legs[2].account_id.split(":")[1]
        legs = transfer.refund(merchant, wallet, telecom, amount, fee)
        await self.post("refund", amount, legs, fee, related=paid.transfer_id, refunded_before=before)

    async def again(self, which: int, same_body: bool) -> None:
        if not self.orders:
            return
        order = self.orders[-1 - which % len(self.orders)]
        known = self.answers.get(_scope(order))
        if known is None:
            return
        if not same_body:
            known = "IDEMPOTENCY_CONFLICT" if known != "KEY_SPENT" else known
            order = Order(**{**_fields(order), "body_hash": "another"})
        assert await self.ask(order) == known

    async def resolve(self, which: int) -> None:
        order = self.orders[-1 - which % len(self.orders)]
        code, transfer_id, seq = await self.b.ledger.resolve(order.caller, order.op, order.key)
        known = self.answers.setdefault(_scope(order), "KEY_SPENT")
        if isinstance(known, Posted):
            assert (code, transfer_id, seq) == ("OK", known.transfer_id, known.seq)
        else:
            assert code == known

    async def cut(self, shift: int) -> None:
        try:
            _, now_open = await self.b.ledger.cut(self.cuts + 1 + shift, "op")
        except WindowNotOpen:
            assert shift == 1 or self.cuts == 0
        else:
            self.cuts = now_open - 1

    async def post(self, op: str, amount: int, legs: list[transfer.Leg], fee: int = 0, **more: Any) -> None:
        order = Order(
            op=op, caller="usr_test", key=new_key(), body_hash="h", amount=amount, fee=fee, legs=legs, **more
        )  # fmt: skip
        self.orders.append(order)
        answer = await self.ask(order)
        if isinstance(answer, str):
            if answer in SPENT:
                self.answers[_scope(order)] = answer
            return
        self.answers[_scope(order)] = answer
        for leg in legs:
            self.balances.setdefault(leg.account_id, 0)
            self.balances[leg.account_id] += leg.amount if leg.side == "c" else -leg.amount
        assert answer.first_balance == self.balances[legs[0].account_id]
        assert answer.second_balance == self.balances[legs[1].account_id]
        if op == "pay":
            self.payments.append((answer, order))
        if op == "refund":
            self.refunded[order.related] = answer.refunded

    async def ask(self, order: Order) -> Posted | str:
        try:
            return await self.b.ledger.post(order)
        except DomainError as error:
            return error.code


def _fields(order: Order) -> dict[str, Any]:
    return order._asdict()


def _scope(order: Order) -> str:
    return f"{order.caller}|{order.op}|{order.key}"


def stream(url: str) -> list[LedgerEvent]:
    """The ledger's events, decoded both from the stream's fields and from the books' bytes."""
    with redis.Redis.from_url(url) as client:
        entries = [Entry(n + 1, fields) for n, (_, fields) in enumerate(client.xrange(KEYS.stream))]
        ids = [entry_id for entry_id, _ in client.xrange(KEYS.stream)]
    assert ids == [b"%d-0" % entry.seq for entry in entries], "the sequence has a gap"
    events = [from_fields(entry.seq, entry.fields) for entry in entries]
    assert events == [from_raw(entry.seq, entry.raw) for entry in entries]
    return events


@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEPS, min_size=20, max_size=50))
async def test_replaying_the_events_gives_exactly_the_hot_ledger(valkey: str, steps: list[tuple[Any, ...]]) -> None:
    with redis.Redis.from_url(valkey) as admin:
        admin.flushall()
    assert open_gate(valkey)[0] == "OK"
    client = LedgerClient(valkey)
    await client.start()
    bench = Bench(Ledger(client, KEYS), client, KEYS, valkey)
    await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
    market = Market(bench)
    await market.open()
    for step in steps:
        await market.step(step)
    events = stream(valkey)
    books = fold.replay(events)
    assert books.findings == []
    assert fold.balance_findings(books.accounts) == []
    _same_accounts(bench, books)
    _same_payments(bench, books, market)
    _same_answers(events, market)
    assert books.window == market.cuts + 1
    for account, balance in market.balances.items():
        assert await bench.balance(account) == balance
    await client.stop()


def _same_accounts(bench: Bench, books: fold.Books) -> None:
    with bench.redis() as client:
        names = ("k", "t", "o", "s", "x", "dp", "cp", "dq", "v")
        hot = {key.split(":a:")[1]: client.hmget(key, *names) for key in client.scan_iter(KEYS.account("*"))}
        months = {key: (client.hget(KEYS.account(key), "u") or "0").split("|") for key in hot}
    kept = {
        account_id: [
            *(a.kind, a.telecom, a.owner, a.state, "1" if a.exempt else "0"),
            *map(str, (a.debits, a.credits, a.debits_pending, a.version)),
        ]
        for account_id, a in books.accounts.items()
    }
    assert kept == hot
    assert set(books.banks.values()) == {"970436"}
    for (wallet, month), used in books.used.items():
        if months[wallet][0] == str(month):
            assert months[wallet][1:5] == [str(used[c]) for c in ("pay", "bill", "transfer", "cash_out")]


def _same_payments(bench: Bench, books: fold.Books, market: Market) -> None:
    with bench.redis() as client:
        hot = {i: tuple(map(int, client.hmget(KEYS.transfer(i), "a", "r"))) for i in books.payments}
        count = sum(1 for _ in client.scan_iter(KEYS.transfer("*")))
    assert hot == books.payments
    assert books.transfers == count
    assert {p.transfer_id for p, _ in market.payments} == set(books.payments)
    assert {i: refunded for i, (_, refunded) in books.payments.items() if refunded} == market.refunded


def _same_answers(events: list[LedgerEvent], market: Market) -> None:
    """Every answer that spent a key is journaled once with it, and no other is."""
    told = {e.scope: e for e in events if e.op in {"fund", "cash_in", "cash_out", "pay", "refund", "resolve"}}
    for scope, answer in market.answers.items():
        event = told[scope]
        if isinstance(answer, Posted):
            assert (event.result, event.transfer_id, event.seq, event.window, event.at_ms) == (
                *("OK", answer.transfer_id, answer.seq),
                *(answer.window, answer.at_ms),
            )
            assert event.body_hash == "h"
        else:
            assert event.result == answer
            assert event.body_hash == ("" if answer == "KEY_SPENT" else "h")
            assert event.legs == ()
    assert set(market.answers) == set(told)


# Rule 13: functions are never replaced --------------------------------------------------------------------------


def test_the_library_is_loaded_once_and_never_replaced(valkey: str) -> None:
    with redis.Redis.from_url(valkey) as client:
        assert library.load(client) is True
        assert library.load(client) is False
        client.function_load(library.source() + "\n-- an edited text", replace=True)
        with pytest.raises(RuntimeError, match="another text"):
            library.load(client)
        assert b"an edited text" in client.function_list(library=library.LIBRARY, withcode=True)[0][7]


def test_the_library_is_known_over_both_protocols(valkey: str) -> None:
    for protocol in (2, 3):
        with redis.Redis.from_url(valkey, protocol=protocol) as client:
            assert library.load(client) is (protocol == 2)


def test_keys_carry_the_cells_tag_so_that_a_cell_is_one_slot() -> None:
    names = [KEYS.meta, KEYS.stream, KEYS.rules, KEYS.account("a"), KEYS.history("a"), KEYS.transfer("t")]
    names += [KEYS.idempotency("i"), KEYS.unique("wallet", "VNPT", "o"), KEYS.bank_account("b"), KEYS.owner("o")]
    assert all(name.startswith("{c01}:") for name in names)
    assert len(set(names)) == len(names)
