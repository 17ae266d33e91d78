"""The embedded engines, really started: configured as ruled, ready when they say so, and kill -9 loses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymongo
import pytest
import redis

from kit import engines, ports, probes
from kit.supervisor.process import Process, ProcessFailed, State
from kit.supervisor.run import Supervisor

pytestmark = pytest.mark.timeout(90)


def run(scenario: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(scenario, 80))


async def kill_and_wait(supervisor: Supervisor, name: str) -> None:
    """kill -9, and until the supervisor has it ready again."""

    def status() -> Any:
        return next(status for status in supervisor.statuses() if status.name == name)

    restarts = status().restarts
    os.kill(status().pid, signal.SIGKILL)
    async with asyncio.timeout(30):
        while status().restarts == restarts or status().state != State.READY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def test_valkey_is_configured_as_ruled_and_keeps_every_acknowledged_write_over_a_kill(tmp_path: Path) -> None:
    async def scenario() -> None:
        port = ports.take_any()
        async with Supervisor(tmp_path, [engines.valkey(tmp_path / "valkey", port)]) as supervisor:
            with closing(redis.Redis(port=port)) as client:
                config = client.config_get("*")
                client.set("paid", "50000")
            await kill_and_wait(supervisor, "valkey")
            with closing(redis.Redis(port=port)) as client:
                assert client.get("paid") == b"50000"
        ruled = {
            "appendonly": "yes",
            "appendfsync": "always",
            "no-appendfsync-on-rewrite": "no",
            "maxmemory-policy": "noeviction",
            "aof-load-truncated": "no",
            "save": "",
            "bind": "127.0.0.1",
            "protected-mode": "yes",
            "min-replicas-to-write": "0",
            "dir": str(tmp_path / "valkey"),
        }
        assert {key: config[key] for key in ruled} == ruled

    run(scenario())


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def state_of(supervisor: Supervisor, name: str) -> tuple[State, str]:
    return next((status.state, status.note) for status in supervisor.statuses() if status.name == name)


@dataclass
class Pair:
    """A primary and its copy, as a stack has them; `needed` replicas for a write."""

    folder: Path
    needed: int = 1

    def __post_init__(self) -> None:
        self.home, self.port, copy_port = self.folder / "valkey", ports.take_any(), ports.take_any()
        self.copy = engines.Copy(self.folder / "replica", copy_port, "secret", lambda: self.needed, "copy it anew")
        self.processes = [
            engines.valkey(self.home, self.port, copy=self.copy, remedy="promote the copy"),
            engines.valkey_replica(self.copy, self.port),
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[tuple[Supervisor, redis.Redis, redis.Redis]]:
        """Started, not necessarily ready: the supervisor, the primary, the copy."""
        supervisor = Supervisor(self.folder, self.processes)
        starting = asyncio.create_task(supervisor.__aenter__())
        with closing(redis.Redis(port=self.port)) as primary, closing(redis.Redis(port=self.copy.port)) as copy:
            try:
                await until(supervisor.statuses)
                yield supervisor, primary, copy
            finally:
                supervisor.request_stop()
                await starting
                await supervisor.__aexit__()


async def _fill(pair: Pair) -> None:
    async with pair.running() as (supervisor, primary, copy):
        await until(lambda: state_of(supervisor, "valkey")[0] == State.READY)
        primary.acl_setuser(engines.COPY_USER, enabled=True)
        await until(lambda: state_of(supervisor, "valkey-replica")[0] == State.READY)
        # The copy knows that it follows before the primary has heard so.
        await until(lambda: primary.info("replication")["min_slaves_good_slaves"] == 1)
        primary.set("paid", "50000")
        assert primary.execute_command("WAITAOF", 1, 1, 5_000) == [1, 1]
        for server in (primary, copy):
            assert server.config_get("aof-load-truncated", "appendfsync", "maxmemory-policy") == {
                "aof-load-truncated": "no",
                "appendfsync": "always",
                "maxmemory-policy": "noeviction",
            }
        assert primary.config_get("min-replicas-to-write") == {"min-replicas-to-write": "1"}
        with pytest.raises(redis.ReadOnlyError):
            copy.set("paid", "0")


def test_a_copy_follows_only_when_it_is_let_in_and_then_both_have_every_write(tmp_path: Path) -> None:
    async def scenario() -> None:
        pair = Pair(tmp_path)
        async with pair.running() as (supervisor, primary, _):
            await until(lambda: state_of(supervisor, "valkey")[0] == State.READY)
            await until(lambda: "Unable to AUTH" in (tmp_path / "log" / "valkey-replica.log").read_text())
            assert primary.info("replication")["connected_slaves"] == 0
            with pytest.raises(redis.ResponseError, match="NOREPLICAS"):
                primary.set("paid", "1")
            with pytest.raises(redis.exceptions.NoPermissionError):  # not even as the user who may do everything else
                primary.execute_command("PSYNC", "?", -1)
        await _fill(pair)

    run(scenario())


def test_a_primary_never_starts_empty_by_itself_and_its_copy_keeps_what_it_has(tmp_path: Path) -> None:
    async def scenario() -> None:
        pair = Pair(tmp_path)
        await _fill(pair)
        shutil.rmtree(pair.home)
        engines.founded_mark(pair.home).unlink()  # the copy alone is reason enough
        async with pair.running() as (supervisor, _, copy):
            await until(lambda: state_of(supervisor, "valkey")[0] == State.HELD)
            assert "is empty, and held a ledger before" in state_of(supervisor, "valkey")[1]
            assert "Next: promote the copy" in state_of(supervisor, "valkey")[1]
            await until(lambda: _get(copy) == b"50000")
        assert not engines.has_data(pair.home)

    run(scenario())


def _get(server: redis.Redis) -> bytes | None:
    try:
        return server.get("paid")
    except redis.RedisError:
        return None  # it is still starting


def test_a_server_without_a_copy_that_lost_its_directory_never_starts_empty_either(tmp_path: Path) -> None:
    home, port = tmp_path / "valkey", ports.take_any()

    async def scenario() -> None:
        async with Supervisor(tmp_path, [engines.valkey(home, port)]):
            pass  # as short a life as can be
        shutil.rmtree(home)
        with pytest.raises(ProcessFailed, match="is empty, and held a ledger before"):
            async with Supervisor(tmp_path, [engines.valkey(home, port)]):
                pytest.fail("it started")

    run(scenario())


def test_a_primary_with_a_copy_does_not_cut_off_a_torn_tail_and_one_without_does(tmp_path: Path) -> None:
    def tear(home: Path) -> None:
        (log,) = home.glob("appendonlydir/*.incr.aof")
        os.truncate(log, log.stat().st_size - 3)

    async def scenario() -> None:
        pair = Pair(tmp_path)
        await _fill(pair)
        tear(pair.home)
        async with pair.running() as (supervisor, _, copy):
            await until(lambda: state_of(supervisor, "valkey")[0] == State.HELD)
            assert "ended 5 times" in state_of(supervisor, "valkey")[1]
            assert _get(copy) == b"50000"
        alone = engines.valkey(pair.home, pair.port)
        async with Supervisor(tmp_path, [alone]):
            with closing(redis.Redis(port=pair.port)) as client:
                assert client.get("paid") is None, "nobody was told that it was written"

    run(scenario())


def _fill_twice(home: Path, port: int) -> tuple[int, int, Path]:
    """Two transactions; the log's sizes before and after the second, and the log."""
    (log,) = home.glob("appendonlydir/*.incr.aof")
    with closing(redis.Redis(port=port)) as client:
        client.set("first", 1)
        start = log.stat().st_size
        with client.pipeline(transaction=True) as pipe:
            pipe.set("torn", 1).set("torn too", 1).execute()
    return start, log.stat().st_size, log


@pytest.mark.parametrize("quarter", [1, 2, 3, 4])
def test_a_transaction_that_was_torn_does_not_come_back_at_a_later_start(tmp_path: Path, quarter: int) -> None:
    home, port = tmp_path / "valkey", ports.take_any()

    async def scenario() -> None:
        async with Supervisor(tmp_path, [engines.valkey(home, port)]):
            start, end, log = _fill_twice(home, port)
        os.truncate(log, start + (end - start) * quarter // 4 - 1)
        for number in range(3):
            async with Supervisor(tmp_path, [engines.valkey(home, port)]):
                with closing(redis.Redis(port=port)) as client:
                    assert sorted(client.keys("*")) == sorted([b"first", *[b"later %d" % n for n in range(number)]])
                    with client.pipeline(transaction=True) as pipe:
                        pipe.set(f"later {number}", 1).delete("torn").execute()

    run(scenario())


def test_a_log_that_is_damaged_before_its_end_is_not_cut_off(tmp_path: Path) -> None:
    home, port = tmp_path / "valkey", ports.take_any()

    async def scenario() -> None:
        async with Supervisor(tmp_path, [engines.valkey(home, port)]):
            start, _, log = _fill_twice(home, port)
        data = bytearray(log.read_bytes())
        data[start + 1] ^= 0xFF
        log.write_bytes(data)
        with pytest.raises(ProcessFailed, match="is damaged"):
            async with Supervisor(tmp_path, [engines.valkey(home, port)]):
                pass
        assert log.read_bytes() == bytes(data)

    run(scenario())


def test_secantusdb_keeps_every_acknowledged_write_over_a_kill(tmp_path: Path) -> None:
    async def scenario() -> None:
        port = ports.take_any()
        uri = f"mongodb://127.0.0.1:{port}"
        async with Supervisor(tmp_path, [engines.secantusdb(tmp_path / "mongo", port)]) as supervisor:
            with closing(pymongo.MongoClient(uri, w="majority", journal=True)) as client:
                client.market.stalls.insert_one({"_id": "stall", "name": "Rau Ba Xuyên"})
            await kill_and_wait(supervisor, "secantusdb")
            with closing(pymongo.MongoClient(uri)) as client:
                assert client.market.stalls.find_one({"_id": "stall"}) == {
                    "_id": "stall",
                    "name": "Rau Ba Xuyên",
                }

    run(scenario())


def test_two_stacks_of_engines_run_side_by_side(tmp_path: Path) -> None:
    async def scenario() -> None:
        one, two = ports.take_any(), ports.take_any()
        async with (
            Supervisor(tmp_path / "1", [engines.valkey(tmp_path / "1" / "valkey", one)]),
            Supervisor(tmp_path / "2", [engines.valkey(tmp_path / "2" / "valkey", two)]),
        ):
            with closing(redis.Redis(port=one)) as first, closing(redis.Redis(port=two)) as second:
                first.set("here", "1")
                assert second.get("here") is None

    run(scenario())


def _bootstrap(port: int, admin_port: int, upstream_port: int) -> dict[str, Any]:
    def address(number: int) -> dict[str, Any]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
        ".HttpConnectionManager",
        "stat_prefix": "edge",
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "upstream"}}],
                }
            ]
        },
    }
    endpoint = {"lb_endpoints": [{"endpoint": {"address": address(upstream_port)}}]}
    return {
        "admin": {"address": address(admin_port)},
        "static_resources": {
            "listeners": [
                {
                    "name": "edge",
                    "address": address(port),
                    "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
                }
            ],
            "clusters": [
                {
                    "name": "upstream",
                    "type": "STATIC",
                    "load_assignment": {"cluster_name": "upstream", "endpoints": [endpoint]},
                }
            ],
        },
    }


def test_the_gateway_answers_a_request_in_flight_before_it_stops(tmp_path: Path) -> None:
    async def scenario() -> None:
        port, admin_port = ports.take_any(), ports.take_any()
        arrived = asyncio.Event()

        async def answer_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            arrived.set()
            await asyncio.sleep(0.7)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npaid")
            await writer.drain()
            writer.close()

        upstream = await asyncio.start_server(answer_late, "127.0.0.1", 0)
        bootstrap = tmp_path / "envoy.json"
        bootstrap.write_text(json.dumps(_bootstrap(port, admin_port, upstream.sockets[0].getsockname()[1])))
        async with upstream, Supervisor(tmp_path, [engines.envoy(bootstrap, admin_port, after=())]):
            request = asyncio.create_task(probes.http(port, "/"))
            await arrived.wait()
        assert await request == (200, "paid")

    run(scenario())


GRPC_FAMILY = """
import sys
sys.path.insert(0, sys.argv[1])
import asyncio, signal, threading
from concurrent import futures
import grpc, grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from kit.supervisor import forks

SERVING = health_pb2.HealthCheckResponse.SERVING

def threads():
    server = grpc.server(futures.ThreadPoolExecutor(2))
    servicer = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[2]}")
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server.start()
    servicer.set("", SERVING)
    stop.wait()
    server.stop(1).wait()

async def serve():
    server = grpc.aio.server()
    servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    server.add_insecure_port(f"127.0.0.1:{sys.argv[3]}")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    await servicer.set("", SERVING)
    await stop.wait()
    await server.stop(1)

forks.serve({"threads": threads, "aio": lambda: asyncio.run(serve())})
"""


def test_grpc_servers_forked_from_a_parent_that_imported_grpc_say_that_they_serve(tmp_path: Path) -> None:
    async def scenario() -> None:
        sync_port, aio_port = ports.take_any(), ports.take_any()
        repository = str(Path(__file__).parents[2])
        parent = Process(
            "grpc",
            argv=[sys.executable, "-P", "-c", GRPC_FAMILY, repository, str(sync_port), str(aio_port)],
            forks=True,
        )
        children = [
            Process("threads", parent="grpc", ready=lambda: probes.grpc_ready(sync_port)),
            Process("aio", parent="grpc", ready=lambda: probes.grpc_ready(aio_port)),
        ]
        async with Supervisor(tmp_path, [parent, *children]) as supervisor:
            await kill_and_wait(supervisor, "threads")
            await kill_and_wait(supervisor, "aio")

    run(scenario())


def test_a_grpc_server_that_does_not_say_serving_is_not_ready(tmp_path: Path) -> None:
    code = GRPC_FAMILY.replace(
        'servicer.set("", SERVING)', 'servicer.set("", health_pb2.HealthCheckResponse.NOT_SERVING)'
    )

    async def scenario() -> None:
        port = ports.take_any()
        repository = str(Path(__file__).parents[2])
        parent = Process("grpc", argv=[sys.executable, "-P", "-c", code, repository, str(port), "0"], forks=True)
        child = Process("threads", parent="grpc", ready=lambda: probes.grpc_ready(port), ready_s_max=1)
        with pytest.raises(ProcessFailed, match="threads: not ready after 1 s"):
            async with Supervisor(tmp_path, [parent, child]):
                pytest.fail("it does not serve")

    run(scenario())
