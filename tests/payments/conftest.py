"""A founded ledger on a real Valkey, and short ways to fill it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import redis
from cho.events.v1.intent_pb2 import Intent

from kit.ids import new_id, new_key
from services.payments import limits, store, transfer
from services.payments.store import disbursements, library, topups, webhook_documents
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.store.ledger import Ledger, Order, Posted
from tests.conftest import opened
from tests.payments.api import Api, serve

TELECOMS = ("VIETTEL", "VNPT", "MOBIFONE")
OPERATOR = Intent(caller_id="test")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def open_gate(url: str, genesis: str = "cell-test", may_found: bool = True) -> list[str]:
    """What settlement's gatekeeper does once books and ledger agree."""
    with redis.Redis.from_url(url, decode_responses=True) as client:
        library.load(client)
        keys = Keys("c01")
        run = client.info("server")["run_id"]
        return client.fcall("gate_v3", 2, keys.meta, keys.stream, run, genesis, "1" if may_found else "0", "0")


@dataclass
class Bench:
    """A ledger with people in it. Amounts in đồng."""

    ledger: Ledger
    client: LedgerClient
    keys: Keys
    url: str

    def redis(self) -> redis.Redis:
        # An intent is bytes.
        return redis.Redis.from_url(self.url, decode_responses=True, encoding_errors="backslashreplace")

    async def wallet(self, telecom: str = "VIETTEL", balance: int = 0, owner: str = "", exempt: bool = False) -> str:
        owner = owner or new_id("usr")
        wallet = await self.ledger.open(new_id("wal"), "wallet", telecom, owner, OPERATOR, exempt)
        if balance:
            agent = await self.agent(telecom, balance)
            await self.post("cash_in", balance, transfer.cash_in(agent, wallet, balance))
        return wallet

    async def agent(self, telecom: str = "VIETTEL", balance: int = 0) -> str:
        agent = await self.ledger.open(new_id("agt"), "agent", telecom, new_id("usr"), OPERATOR)
        if balance:
            await self.post("fund", balance, transfer.fund(telecom, agent, balance))
        return agent

    async def merchant(self, state: str = "open", version: int = 1, merchant_id: str = "", owner: str = "usr_v") -> str:
        merchant_id = merchant_id or new_id("mer")
        k = self.keys
        keys = [k.meta, k.stream, k.account(merchant_id), k.bank_account("idx" + merchant_id), k.owner(owner)]
        args = (merchant_id, owner, state, version, "970436", "5999", "Bà Lan", "Chợ Thái", "A-1", "scope", b"")
        assert (await self.ledger._call("merchant_v3", keys, *args))[0] == "OK"
        return merchant_id

    async def post(self, op: str, amount: int, legs: list[transfer.Leg], fee: int = 0, **order: object) -> Posted:
        order.setdefault("caller", "usr_test")
        order.setdefault("key", new_key())
        order.setdefault("body_hash", "h")
        return await self.ledger.post(Order(op=op, amount=amount, fee=fee, legs=legs, **order))  # type: ignore[arg-type]

    async def pay(
        self, wallet: str, merchant: str, amount: int, fee: int = 0, telecom: str = "VIETTEL", **order: object
    ) -> Posted:
        return await self.post("pay", amount, transfer.pay(wallet, merchant, telecom, amount, fee), fee, **order)

    async def refund(
        self, paid: Posted, wallet: str, merchant: str, amount: int, fee: int = 0, **order: object
    ) -> Posted:
        order.setdefault("refunded_before", 0)
        legs = transfer.refund(merchant, wallet, "VIETTEL", amount, fee)
        return await self.post("refund", amount, legs, fee, related=paid.transfer_id, **order)

    async def balance(self, account_id: str) -> int:
        account = await self.ledger.account(account_id)
        assert account is not None
        return account.balance

    def totals(self) -> dict[str, tuple[int, int]]:
        """Debits and credits of every account."""
        with self.redis() as client, client.pipeline(transaction=False) as pipe:
            keys = list(client.scan_iter(self.keys.account("*"), count=1000))
            for key in keys:
                pipe.hmget(key, "dp", "cp")
            rows = pipe.execute()
        return {key.split(":a:")[1]: (int(d), int(c)) for key, (d, c) in zip(keys, rows, strict=True)}

    def dump(self) -> dict[str, object]:
        """Everything the server holds, for "nothing changed" claims; replay counters aside."""
        with self.redis() as client, client.pipeline(transaction=False) as pipe:
            keys = sorted(client.keys("*"))
            for key in keys:
                pipe.type(key)
            kinds = pipe.execute()
            for key, kind in zip(keys, kinds, strict=True):
                _read(pipe, key, kind)
            values = pipe.execute()
        return {key: _without_replays(value) for key, value in zip(keys, values, strict=True)}


def _read(pipe: redis.client.Pipeline, key: str, kind: str) -> None:
    """Asks for the value of a key of this type."""
    if kind == "hash":
        pipe.hgetall(key)
    elif kind == "stream":
        pipe.xlen(key)
    elif kind == "list":
        pipe.lrange(key, 0, -1)
    elif kind == "set":
        pipe.smembers(key)
    elif kind == "zset":
        pipe.zrange(key, 0, -1, withscores=True)
    else:
        pipe.get(key)


def _without_replays(value: object) -> object:
    return {field: one for field, one in value.items() if field != "n"} if isinstance(value, dict) else value


@pytest.fixture
async def bench(valkey: str) -> AsyncIterator[Bench]:
    """A founded, open ledger."""
    assert open_gate(valkey)[0] == "OK"
    client = LedgerClient(valkey)
    await client.start()
    ledger = Ledger(client, Keys("c01"))
    await ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
    bench = Bench(ledger, client, Keys("c01"), valkey)
    yield bench
    await client.stop()
    # The books close: every test leaves debits equal to credits.
    totals = bench.totals().values()
    assert sum(debits for debits, _ in totals) == sum(credits for _, credits in totals)


@pytest.fixture
async def api(bench: Bench) -> AsyncIterator[Api]:
    """Payments' server over a real channel."""
    async with serve(bench) as api:
        yield api


@pytest.fixture
def documents(mongo_uri: str) -> Iterator[None]:
    """Payments' documents, none of them there yet."""
    with opened(store.open_documents, mongo_uri):
        for kind in (*topups.DOCUMENTS, *disbursements.DOCUMENTS, *webhook_documents.DOCUMENTS):
            kind.objects.delete()
        yield
