"""Payments' worker on a real ledger: what happened is announced once, and onboarded merchants come into the ledger."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import eventlet
import pytest
import redis
from cho.events.v1.events_pb2 import HoldMoved, MerchantChanged, PaymentMoved, ProductChanged, StandReissued
from cho.events.v1.intent_pb2 import Intent

from kit.clock import now, now_ms
from kit.errors import AlreadyExists, InsufficientFunds, LedgerFenced, OutcomeUnknown
from kit.ids import new_id, new_key
from kit.streams import names
from kit.streams.entry import Entry
from kit.streams.event import Event, from_entry
from kit.streams.group import stream_handler
from services.payments import limits, transfer
from services.payments.merchants import exempt_owner, put_merchant
from services.payments.store import changes as directory
from services.payments.store import goods, library, webhooks
from services.payments.store.keys import Keys
from services.payments.store.ledger import Ledger, Order, Posted
from services.payments.store.live import STREAM, live_key
from services.payments.store.sync import SyncLedger
from services.payments.worker import Payments, announcements, commands, publish
from tests.payments.conftest import OPERATOR, TELECOMS

pytestmark = pytest.mark.worker

KEYS = Keys("c01")
Until = Callable[[Callable[[], Any]], Any]
Start = Callable[[type], Any]


class Calls:
    """The ledger's client without a loop: each call is made at once."""

    def __init__(self, client: redis.Redis) -> None:
        self.client, self.run = client, client.info("server")["run_id"]

    async def send(self, *command: Any) -> Any:
        return [part.decode() for part in self.client.execute_command(*command)]


def now_(call: Coroutine[Any, Any, Any]) -> Any:
    """Runs what never waits."""
    try:
        call.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


class Market:
    """A wallet with money and a merchant, on a founded ledger."""

    def __init__(self, client: redis.Redis) -> None:
        library.load(client)
        self.client = client
        calls = Calls(client)
        assert client.fcall("gate_v3", 2, KEYS.meta, KEYS.stream, calls.run, "gen", "1", "0")[0] == b"OK"
        self.ledger = Ledger(calls, KEYS)  # type: ignore[arg-type]
        now_(self.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000))))
        self.merchant = new_id("mer")
        put_merchant(SyncLedger(client, KEYS), told("merchant.activated", self.merchant))
        self.wallet = now_(self.ledger.open(new_id("wal"), "wallet", "VIETTEL", "usr_w", OPERATOR))
        agent = now_(self.ledger.open(new_id("agt"), "agent", "VIETTEL", "usr_a", OPERATOR))
        self.post("fund", 10_000_000, transfer.fund("VIETTEL", agent, 10_000_000))
        self.post("cash_in", 10_000_000, transfer.cash_in(agent, self.wallet, 10_000_000))

    def post(self, op: str, amount: int, legs: list[transfer.Leg], fee: int = 0, **more: Any) -> Posted:
        order = Order(op=op, caller="usr_w", key=new_key(), body_hash="h", amount=amount, fee=fee, legs=legs, **more)
        return now_(self.ledger.post(order))  # type: ignore[no-any-return]

    def pay(self, amount: int, reference: str = "") -> Posted:
        legs = transfer.pay(self.wallet, self.merchant, "VIETTEL", amount, 0)
        return self.post("pay", amount, legs, intent=Intent(caller_id="usr_w", reference=reference))

    def refund(self, paid: Posted, amount: int) -> Posted:
        legs = transfer.refund(self.merchant, self.wallet, "VIETTEL", amount, 0)
        return self.post("refund", amount, legs, related=paid.transfer_id, refunded_before=0)

    def entries(self) -> list[Entry]:
        return [Entry(n, fields) for n, (_, fields) in enumerate(self.client.xrange(KEYS.stream), start=1)]

    def state(self, merchant: str = "") -> tuple[str, ...]:
        found = self.client.hmget(KEYS.account(merchant or self.merchant), "s", "n", "mv")
        return tuple(value.decode() for value in found if value is not None)


def told(
    type_: str, merchant: str, version: int = 1, index: str = "", name: str = "Bà Lan", owner: str = "usr_v"
) -> Event:
    change = MerchantChanged(
        merchant_id=merchant, name=name, owner_id=owner, market_name="Chợ Thái", stall="A-1", category_code="5499",
        bank_bin="970436", account_index=index or f"idx{merchant}", version=version,
    )  # fmt: skip
    return Event(new_id("evt"), type_, "onboarding", merchant, now(), "", change.SerializeToString())


def tell(client: redis.Redis, event: Event) -> None:
    client.xadd("onboarding:events", event.fields())  # type: ignore[arg-type]


@pytest.fixture
def market(client: redis.Redis) -> Market:
    return Market(client)


def announced(client: redis.Redis, stream: str = STREAM) -> list[int]:
    return [int(entry_id.removesuffix(b"-0")) for entry_id, _ in client.xrange(stream)]


# Announcing ----------------------------------------------------------------------------------------------------


def test_payments_and_refunds_are_announced_once_and_nothing_else_is(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    start(Payments)
    paid = market.pay(50_000)
    with pytest.raises(InsufficientFunds):
        market.pay(90_000_000)
    back = market.refund(paid, 20_000)
    until(lambda: len(announced(client)) == 2)
    last = market.pay(1_000)
    until(lambda: announced(client) == [paid.seq, back.seq, last.seq])
    assert announced(client, live_key(market.merchant)) == [paid.seq, back.seq, last.seq]
    events = [from_entry(entry_id, fields) for entry_id, fields in client.xrange(STREAM)]
    assert [(e.id, e.type, e.subject) for e in events] == [
        (f"evt_c01_{paid.seq}", "payment.captured", market.merchant),
        (f"evt_c01_{back.seq}", "payment.refunded", market.merchant),
        (f"evt_c01_{last.seq}", "payment.captured", market.merchant),
    ]
    first, second, third = (PaymentMoved.FromString(e.data) for e in events)
    assert (first.transfer_id, first.wallet_id, first.amount, first.seq) == (
        *(paid.transfer_id, market.wallet),
        *(50_000, paid.seq),
    )
    assert (second.transfer_id, second.payment_id, second.amount) == (back.transfer_id, paid.transfer_id, 20_000)
    assert [m.merchant_version for m in (first, second, third)] == [2, 3, 4]


def test_what_becomes_of_a_hold_is_told_to_orders_alone(client: redis.Redis, market: Market) -> None:
    def hold() -> Posted:
        intent = Intent(caller_id="usr_w", reference="7HX2K9QD")
        legs = transfer.hold(market.wallet, market.merchant, 5_000)
        return market.post("hold", 5_000, legs, expires_ms=now_ms() + 60_000, intent=intent)

    taken, given_up = hold(), hold()
    legs = transfer.pay(market.wallet, market.merchant, "VIETTEL", 4_000, 0)
    caused = Intent(caller_id="service:orders", reference="7HX2K9QD", event_id="capture-1")
    capture = market.post("capture", 4_000, legs, related=taken.transfer_id, intent=caused)
    ledger = SyncLedger(client, KEYS)
    ledger.release("void", given_up.transfer_id, market.wallet, market.merchant, "", "", OPERATOR)
    for _ in range(2):
        publish(client, market.entries())
    events = [from_entry(entry_id, fields) for entry_id, fields in client.xrange(names.HOLDS)]
    told_of = [(e.type, HoldMoved.FromString(e.data)) for e in events]
    assert [(kind, m.hold_id, m.amount, m.reference, m.payment_id) for kind, m in told_of] == [
        ("hold.placed", taken.transfer_id, 5_000, "7HX2K9QD", ""),
        ("hold.placed", given_up.transfer_id, 5_000, "7HX2K9QD", ""),
        ("hold.captured", taken.transfer_id, 4_000, "", capture.transfer_id),
        ("hold.voided", given_up.transfer_id, 5_000, "", ""),
    ]
    assert all(moved.merchant_id == market.merchant and moved.wallet_id == market.wallet for _, moved in told_of)
    assert told_of[0][1].expires_ms > now_ms()
    assert announced(client) == announced(client, live_key(market.merchant)) == [capture.seq]
    (_, fields), *_ = client.xrange(STREAM)
    assert PaymentMoved.FromString(fields[b"data"]).cause == "capture-1"
    ids = [event.id for event in events]
    assert len(set(ids)) == 4
    assert fields[b"id"].decode() not in ids


def test_announcing_everything_again_announces_nothing_twice(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    seqs = [market.pay(1_000 + n).seq for n in range(20)]
    worker = start(Payments)
    until(lambda: announced(client) == seqs)
    worker.stop()
    client.delete(names.cursor("announcer"))
    seqs.append(market.pay(99).seq)
    start(Payments)
    until(lambda: announced(client) == seqs)
    assert announced(client, live_key(market.merchant)) == seqs


@pytest.mark.parametrize("done", range(6))
def test_an_announcer_that_died_between_two_writes_is_made_good(client: redis.Redis, market: Market, done: int) -> None:
    seqs = [market.pay(1_000).seq, market.pay(2_000, "HD 7").seq]
    writes = [command for entry in market.entries() for one in announcements(entry) for command in commands(one)]
    assert len(writes) == 5
    for command in writes[:done]:
        client.execute_command(*command)
    publish(client, market.entries())
    assert announced(client) == announced(client, live_key(market.merchant)) == seqs
    assert announced(client, names.NAMED) == seqs[1:]


def test_who_hears_of_named_payments_hears_of_no_others(client: redis.Redis, market: Market) -> None:
    market.pay(1_000)
    named, plain = market.pay(2_000, "7HX2K9QD"), market.pay(3_000)
    back = market.refund(plain, 500)
    publish(client, market.entries())
    assert announced(client, names.NAMED) == [named.seq, back.seq]
    told_there = dict(client.xrange(STREAM))
    assert all(told_there[entry_id] == fields for entry_id, fields in client.xrange(names.NAMED))


def test_a_listeners_catch_up_never_lags_behind_what_others_are_told(market: Market) -> None:
    market.pay(1_000, "HD 7")
    written = [command[1] for entry in market.entries() for one in announcements(entry) for command in commands(one)]
    assert written == [live_key(market.merchant), names.NAMED, STREAM]


def test_an_error_of_the_server_while_announcing_is_not_swallowed(client: redis.Redis, market: Market) -> None:
    market.pay(1_000)
    client.set(STREAM, "not a stream")
    with pytest.raises(redis.ResponseError, match="WRONGTYPE"):
        publish(client, market.entries())
    client.delete(STREAM)
    publish(client, market.entries())
    assert len(announced(client)) == 1


def test_a_batch_that_the_server_takes_nothing_of_says_why_and_is_announced_later(
    client: redis.Redis, market: Market
) -> None:
    seqs = [market.pay(1_000).seq, market.pay(2_000).seq]
    client.config_set("min-replicas-to-write", 1)
    try:
        with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
            publish(client, market.entries())
    finally:
        client.config_set("min-replicas-to-write", 0)
    publish(client, market.entries())
    assert announced(client) == announced(client, live_key(market.merchant)) == seqs


def test_who_waits_for_announcements_wakes_once_and_finds_all_of_a_batch(
    client: redis.Redis, market: Market, valkey: str
) -> None:
    market.pay(500)
    publish(client, market.entries())
    seqs = [market.pay(1_000 + n).seq for n in range(20)]
    heard: list[Any] = []

    def wait() -> None:
        with redis.Redis.from_url(valkey, protocol=2) as waiting:
            heard.extend(waiting.xread({STREAM: "$"}, block=10_000))

    waiter = eventlet.spawn(wait)
    while client.info("clients")["blocked_clients"] == 0:
        eventlet.sleep(0.01)
    publish(client, market.entries())
    waiter.wait()
    ((_, entries),) = heard
    assert [int(entry_id.removesuffix(b"-0")) for entry_id, _ in entries] == seqs


def test_an_announcer_killed_again_and_again_announces_each_payment_once(
    client: redis.Redis, market: Market, until: Until
) -> None:
    command = [sys.executable, "-W", "ignore", "-P", "-m", "cli.processes", "work", "payments"]
    seqs: list[int] = []

    def pay(times: int) -> None:
        seqs.extend(market.pay(100).seq for _ in range(times))

    def run(kill: bool) -> None:
        worker = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": os.getcwd()}, stderr=subprocess.DEVNULL)
        before = len(announced(client))
        try:
            until(lambda: pay(5) or len(announced(client)) > before + 30)
            if kill:
                worker.send_signal(signal.SIGSTOP)
                os.waitpid(worker.pid, os.WUNTRACED)  # until it has stopped
                pay(1)  # which it cannot announce
        finally:
            worker.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            worker.wait()
        client.delete(names.reader_lease("announcer"))  # instead of waiting until it expires

    run(kill=True)
    run(kill=True)
    assert len(announced(client)) < len(seqs)
    run(kill=False)
    publish(client, market.entries())
    assert announced(client) == announced(client, live_key(market.merchant)) == seqs


def test_a_reissued_code_voids_what_was_printed_before_and_servers_are_told(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    start(Payments)
    reissued = StandReissued(merchant_id=market.merchant, issue=2).SerializeToString()
    tell(client, Event(new_id("evt"), "stand.reissued", "onboarding", market.merchant, now(), "", reissued))
    until(lambda: client.hget("payments:issues", market.merchant) == b"2")
    until(lambda: market.merchant.encode() in [fields[b"merchant"] for _, fields in client.xrange(directory.STREAM)])


def test_trimming_keeps_what_somebody_still_needs(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    seq = market.pay(1_000).seq
    start(Payments)
    until(lambda: announced(client) == [seq])
    Payments().trim()
    assert announced(client) == [seq]
    assert len(market.entries()) == seq


# Merchants -----------------------------------------------------------------------------------------------------


def test_a_merchant_is_paid_from_its_activation_until_its_suspension(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    start(Payments)
    other = new_id("mer")
    tell(client, told("merchant.activated", other, 1))
    until(lambda: market.state(other) == ("open", "Bà Lan", "1"))
    assert client.get(KEYS.bank_account(f"idx{other}")) == other.encode()
    assert client.smembers(KEYS.owner("usr_v")) == {market.merchant.encode(), other.encode()}
    tell(client, told("merchant.suspended", other, 2))
    until(lambda: market.state(other) == ("frozen", "Bà Lan", "2"))
    tell(client, told("merchant.activated", other, 1, name="an older event"))
    tell(client, told("merchant.suspended", other, 2, name="the same event again"))
    tell(client, told("merchant.reinstated", other, 3, name="Bà Lan Anh"))
    until(lambda: market.state(other) == ("open", "Bà Lan Anh", "3"))
    changes = [entry for entry in market.entries() if entry.fields[b"t"] == other.encode()]
    assert [entry.fields[b"z"] for entry in changes] == [b"open,970436", b"frozen,970436", b"open,970436"]
    until(lambda: client.xpending("onboarding:events", "payments.directory")["pending"] == 0)


def test_a_switched_settlement_account_finds_the_merchant_and_changes_no_state(
    client: redis.Redis, market: Market
) -> None:
    put_merchant(SyncLedger(client, KEYS), told("merchant.suspended", market.merchant, 2))
    for version, state, in_ledger in ((3, "suspended", "frozen"), (4, "active", "open")):
        event = told("merchant.account_switched", market.merchant, version, index=f"idx_new_{version}")
        change = MerchantChanged.FromString(event.data)
        change.state = state
        put_merchant(SyncLedger(client, KEYS), replace(event, data=change.SerializeToString()))
        assert market.state(market.merchant)[0] == in_ledger
        assert client.get(KEYS.bank_account(f"idx_new_{version}")) == market.merchant.encode()


def test_the_wallets_of_a_merchants_owner_have_no_monthly_limit(client: redis.Redis, market: Market) -> None:
    event = told("merchant.activated", market.merchant, 2)
    owner = MerchantChanged.FromString(event.data).owner_id
    run = client.info("server")["run_id"]
    for name, kind in (("wal_1", "wallet"), ("agt_1", "agent")):
        keys_ = [KEYS.account(name), KEYS.unique(kind, "VIETTEL", owner), KEYS.owner(owner)]
        told_ = [run, name, kind, "VIETTEL", owner, "0", "s", b""]
        assert client.fcall("open_v3", 5, KEYS.meta, KEYS.stream, *keys_, *told_)[0] == b"OK"
    for _ in range(2):  # an event may come again
        exempt_owner(SyncLedger(client, KEYS), event)
    assert client.hget(KEYS.account("wal_1"), "x") == b"1"
    assert [e.fields[b"t"] for e in market.entries() if e.fields[b"op"] == b"exempt"] == [b"wal_1"]


def test_events_out_of_order_end_where_the_newest_says(client: redis.Redis, market: Market) -> None:
    other = new_id("mer")
    for type_, version in (("suspended", 4), ("activated", 1), ("reinstated", 3), ("suspended", 2), ("suspended", 4)):
        put_merchant(SyncLedger(client, KEYS), told(f"merchant.{type_}", other, version))
    assert market.state(other) == ("frozen", "Bà Lan", "4")


def test_a_merchant_that_was_paid_keeps_its_money_through_every_change(client: redis.Redis, market: Market) -> None:
    market.pay(50_000)
    for version, type_ in ((2, "merchant.suspended"), (3, "merchant.reinstated")):
        put_merchant(SyncLedger(client, KEYS), told(type_, market.merchant, version, index="another account"))
    assert client.hmget(KEYS.account(market.merchant), "dp", "cp") == [b"0", b"50000"]
    for index in ("another account", f"idx{market.merchant}"):  # codes that were printed before still find it
        assert client.get(KEYS.bank_account(index)) == market.merchant.encode()


def test_a_bank_account_names_one_merchant_and_the_second_is_refused_aloud(client: redis.Redis, market: Market) -> None:
    before = market.entries()
    with pytest.raises(AlreadyExists):
        put_merchant(
            SyncLedger(client, KEYS), told("merchant.activated", new_id("mer"), 1, index=f"idx{market.merchant}")
        )
    assert market.entries() == before


def test_while_the_ledger_is_fenced_a_merchants_event_is_kept_for_later(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    run = client.hget(KEYS.meta, "gate")
    client.hset(KEYS.meta, "gate", "an earlier run")
    event = told("merchant.suspended", market.merchant, 2)
    with pytest.raises(LedgerFenced):
        put_merchant(SyncLedger(client, KEYS), event)
    start(Payments)
    tell(client, event)
    until(lambda: client.exists("onboarding:events") and _pending(client) == 1)
    assert market.state()[0] == "open"
    client.hset(KEYS.meta, "gate", run)
    put_merchant(SyncLedger(client, KEYS), event)
    assert market.state() == ("frozen", "Bà Lan", "2")


def test_a_suspension_that_the_ledgers_copy_does_not_hold_yet_is_not_acknowledged(
    client: redis.Redis,
    market: Market,
    replica: subprocess.Popen[bytes],
    tmp_path: Path,
    start: Start,
    until: Until,
) -> None:
    ends: list[str] = []

    class Directory:
        name = "payments.directory"

        @stream_handler("onboarding:events", group="payments.directory", retry_after_ms=200, deliveries_max=2)
        def on_event(self, event: Event) -> None:
            try:
                Payments.on_merchant(self, event)
            except OutcomeUnknown:
                ends.append("unknown")
                raise
            ends.append("done")

    replica.send_signal(signal.SIGSTOP)
    start(Directory)
    tell(client, told("merchant.suspended", market.merchant, 2))
    until(lambda: len(ends) > 2)
    assert (set(ends), _pending(client)) == ({"unknown"}, 1)
    assert not client.exists(names.dead("onboarding:events", "payments.directory"))
    replica.send_signal(signal.SIGCONT)
    until(lambda: _pending(client) == 0)
    with redis.Redis(unix_socket_path=str(tmp_path / "s")) as copy:
        assert copy.hget(KEYS.account(market.merchant), "s") == b"frozen"
    changes = [e for e in market.entries() if e.fields[b"op"] == b"merchant" and e.fields[b"z"].startswith(b"frozen")]
    assert len(changes) == 1, "however often the event came"


def test_an_exemption_that_the_ledgers_copy_does_not_hold_is_not_known_to_be_there(
    client: redis.Redis, market: Market, replica: subprocess.Popen[bytes]
) -> None:
    event = told("merchant.activated", market.merchant, 2, owner="usr_w")
    replica.send_signal(signal.SIGSTOP)
    with pytest.raises(OutcomeUnknown):
        exempt_owner(SyncLedger(client, KEYS), event)
    replica.send_signal(signal.SIGCONT)
    exempt_owner(SyncLedger(client, KEYS), event)
    assert client.hget(KEYS.account(market.wallet), "x") == b"1"
    assert len([e for e in market.entries() if e.fields[b"op"] == b"exempt"]) == 1


def _pending(client: redis.Redis) -> int:
    return int(client.xpending("onboarding:events", "payments.directory")["pending"])


def test_the_books_can_tell_which_bank_account_names_a_merchant(client: redis.Redis, market: Market) -> None:
    merchant = new_id("mer")
    put_merchant(SyncLedger(client, KEYS), told("merchant.activated", merchant, 1, index="an index"))
    (_, fields), *_ = client.xrevrange(KEYS.stream, count=1)
    kept = Intent.FromString(fields[b"i"])
    assert (fields[b"t"].decode(), kept.account_index) == (merchant, "an index")


def test_what_a_merchant_with_a_webhook_receives_is_kept_for_it_once_and_nobody_elses(
    client: redis.Redis, market: Market
) -> None:
    market.pay(1_000)
    publish(client, market.entries())
    assert not client.exists(webhooks.stream_of(market.merchant))
    client.sadd(webhooks.HOOKED, market.merchant)
    seq = market.pay(2_000).seq
    for _ in range(2):
        publish(client, market.entries()[-1:])
    assert announced(client, webhooks.stream_of(market.merchant)) == [seq]
    assert announced(client)[-1] == seq


def test_of_catalogs_events_those_of_merchants_with_a_webhook_for_goods_are_kept_the_newest_of_each_product(
    client: redis.Redis, market: Market, start: Start, until: Until
) -> None:
    client.sadd(goods.HOOKED, "mer_told")
    for merchant, product, version in (
        ("mer_other", "prd_0", 1), ("mer_told", "prd_1", 2), ("mer_told", "prd_1", 1), ("mer_told", "prd_2", 1),
    ):  # fmt: skip
        said = ProductChanged(product_id=product, merchant_id=merchant, version=version)
        event = Event(new_id("evt"), "product.changed", "catalog", product, now(), "", said.SerializeToString())
        client.xadd("catalog:events", event.fields())
    start(Payments)
    key = goods.keys_of("mer_told")
    until(lambda: client.hgetall(key.versions) == {b"prd_1": b"2", b"prd_2": b"1"})
    until(lambda: client.xpending("catalog:events", "payments.goods")["pending"] == 0)
    assert set(client.hkeys(key.heard)) == {b"prd_1", b"prd_2"}
    assert not client.keys("payments:goods:*:mer_other")
