"""The ledger alone: its server as a stack runs it, founded, with rich wallets and merchants, and payments among them.

The generator is lean: commands are packed outside what is measured (the service's share of the work is in
`cho bench payments`), and sent over one connection as the service's client sends them.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import hiredis
import redis

from kit import engines, ports, probes
from kit.ids import new_id, new_key
from services.payments import limits, transfer
from services.payments.store import library
from services.payments.store.keys import Keys
from services.payments.store.ledger import Order, transfer_call

WALLETS, MERCHANTS = 1000, 50
AMOUNT_VND, FEE_VND = 1_000, 2
TELECOM = "VIETTEL"
IN_FLIGHT_MAX = 256
START_S_MAX = 20.0
# Wallets, or events, that are put into the ledger at once.
LOADED_AT_ONCE = 1000
# Wallets are taken in this stride, so that one who pays was not just touched.
STRIDE = 7919

# Its own stub allows tuples of one element only.
_pack: Callable[[tuple[str | bytes | int, ...]], bytes] = hiredis.pack_command  # type: ignore[assignment]


@contextmanager
def server(home: Path) -> Iterator[int]:
    """The ledger's server on a free port, its data in `home`."""
    port = ports.take_any()
    process = engines.valkey(home, port)
    if process.prepare:
        process.prepare()
    with subprocess.Popen(process.argv, stdout=subprocess.DEVNULL) as running:
        try:
            _until_ready(port)
            yield port
        finally:
            running.terminate()


@contextmanager
def ledger(wallets: int = WALLETS, merchants: int = MERCHANTS) -> Iterator[Alone]:
    """A ledger that is thrown away afterwards."""
    with (
        tempfile.TemporaryDirectory(prefix="cho-bench-", ignore_cleanup_errors=True) as home,
        server(Path(home, "valkey")) as port,
        redis.Redis(port=port) as client,
    ):
        made = Alone(port, client, merchants)
        made.load_wallets(wallets)
        yield made


def per_s(in_flight: int, seconds: float) -> float:
    """Payments a second of a ledger alone with so many calls under way."""
    with ledger() as made:
        return made.per_s(in_flight, seconds)


class Alone:
    """A founded ledger. Its money comes from nowhere."""

    def __init__(self, port: int, client: redis.Redis, merchants: int = MERCHANTS) -> None:
        self.client, self.port, self._keys = client, port, Keys("c01")
        library.load(client)
        about: dict[str, Any] = client.info("server")
        self._run, self.pid = about["run_id"], int(about["process_id"])
        self._wire = redis.Connection(port=port, protocol=2)
        self._wire.connect()
        self._turn, self.wallets = 0, 0
        k = self._keys
        assert client.fcall("gate_v3", 2, k.meta, k.stream, self._run, "bench", "1", "0")[0] == b"OK"
        rules = limits.encode(limits.in_force(1_000_000))
        client.fcall("rules_v3", 3, k.meta, k.stream, k.rules, self._run, rules, "s")
        self._open(transfer.PLATFORM_FEE, "fee", "", "")
        for kind in ("trust", "reserve", "clearing", "settlement"):
            self._open(f"{kind}:{TELECOM}", kind, TELECOM, "")
        self._merchants = [f"mer_{UUID(int=number).hex}" for number in range(merchants)]
        for merchant in self._merchants:
            self._open(merchant, "merchant", "", "usr_v")

    def _open(self, account: str, kind: str, telecom: str, owner: str) -> None:
        k = self._keys
        self.client.fcall(
            "open_v3", 5, k.meta, k.stream, k.account(account), k.unique(kind, telecom, account), k.owner(owner),
            self._run, account, kind, telecom, owner, "0", "s", b"",
        )  # fmt: skip

    def load_wallets(self, count: int) -> None:
        """Until there are `count`. The first is opened by the ledger; the others are written as it wrote that one."""
        k = self._keys
        if not self.wallets:
            self._open(_wallet(0), "wallet", TELECOM, _owner(0))
        fields: dict[Any, Any] = self.client.hgetall(k.account(_wallet(0))) | {b"cp": b"%d" % 10**12}
        for start in range(self.wallets, count, LOADED_AT_ONCE):
            commands: list[tuple[str | bytes | int, ...]] = []
            for number in range(start, min(start + LOADED_AT_ONCE, count)):
                wallet, owner = _wallet(number), _owner(number)
                account = fields | {b"o": owner.encode()}
                commands += [
                    ("HSET", k.account(wallet), *(part for pair in account.items() for part in pair)),
                    ("SADD", k.owner(owner), wallet),
                    ("SET", k.unique("wallet", TELECOM, owner), wallet),
                ]
            self._sent([_pack(command) for command in commands])
        self.wallets = max(self.wallets, count)

    def load_events(self, count: int) -> None:
        """Puts `count` copies of the newest event into the stream, and counts on after them."""
        k = self._keys
        newest: Any = self.client.xrevrange(k.stream, count=1)
        ((_, fields),) = newest
        flat = [part for pair in fields.items() for part in pair]
        seq = int(self.client.hget(k.meta, "seq") or 0)
        for start in range(seq + 1, seq + 1 + count, LOADED_AT_ONCE):
            numbers = range(start, min(start + LOADED_AT_ONCE, seq + 1 + count))
            self._sent([_pack(("XADD", k.stream, f"{number}-0", *flat)) for number in numbers])
        self.client.hset(k.meta, "seq", seq + count)

    def trim(self) -> None:
        """Empties the stream: whole, not only so far as is cheap."""
        self.client.xtrim(self.stream, 0, approximate=False)

    def used_bytes(self) -> int:
        """Memory of the server's data."""
        return int(self.client.info("memory")["used_memory"])

    @property
    def paid(self) -> int:
        """Payments so far."""
        return self._turn

    @property
    def stream(self) -> str:
        """The key of the ledger's stream."""
        return self._keys.stream

    @property
    def keys(self) -> Keys:
        """Key names of this ledger."""
        return self._keys

    def pay(self, count: int) -> None:
        """Makes so many payments."""
        for start in range(0, count, IN_FLIGHT_MAX):
            self._paid(self.packed(min(IN_FLIGHT_MAX, count - start)))

    def per_s(self, in_flight: int, seconds: float) -> float:
        """Payments a second, packing not counted."""
        done, spent = 0, 0.0
        while spent < seconds:
            wave = self.packed(in_flight)
            started = time.perf_counter()
            self._paid(wave)
            spent += time.perf_counter() - started
            done += in_flight
        return done / spent

    def at_rate(self, per_s: int, seconds: float) -> list[float]:
        """Latencies of payments that are due in equal steps, seconds from when each was due."""
        found, begin = [], time.perf_counter()
        for number in range(round(per_s * seconds)):
            due = begin + number / per_s
            wave = self.packed(1)  # while there is time
            time.sleep(max(0.0, due - time.perf_counter()))
            self._paid(wave)
            found.append(time.perf_counter() - due)
        return found

    def packed(self, count: int) -> list[bytes]:
        """The next payments as commands: every wallet in turn, every merchant in turn."""
        made = []
        for turn in range(self._turn, self._turn + count):
            number = turn * STRIDE % self.wallets
            wallet, owner = _wallet(number), _owner(number)
            merchant = self._merchants[turn % len(self._merchants)]
            order = Order(
                op="pay", caller=owner, key=new_key(), body_hash="0123456789abcdef0123456789abcdef",
                amount=AMOUNT_VND, fee=FEE_VND, owner=owner,
                legs=transfer.pay(wallet, merchant, TELECOM, AMOUNT_VND, FEE_VND),
            )  # fmt: skip
            keys, args = transfer_call(order, self._keys, new_id("pay"))
            made.append(_pack(("FCALL", "transfer_v3", len(keys), *keys, self._run, *args)))
        self._turn += count
        return made

    def cpu_s(self) -> float:
        """CPU seconds of the server's threads so far."""
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return sum(int(Path(task, "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def _paid(self, wave: Sequence[bytes]) -> None:
        for reply in self._sent(wave):
            assert reply[0] == b"OK", reply

    def _sent(self, commands: Sequence[bytes]) -> list[Any]:
        self._wire.send_packed_command(commands)
        return [self._wire.read_response() for _ in commands]


def _wallet(number: int) -> str:
    return f"wal_{UUID(int=number).hex}"  # as long as a real one


def _owner(number: int) -> str:
    return f"usr_{UUID(int=number).hex}"


def _until_ready(port: int) -> None:
    deadline = time.monotonic() + START_S_MAX
    while True:
        with suppress(OSError):
            if asyncio.run(probes.redis_ready(port)):
                return
        if time.monotonic() > deadline:
            raise RuntimeError("the ledger's server did not start")
        time.sleep(0.05)
