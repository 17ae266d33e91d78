"""The payments server's user can do what payments do, and nothing that would end or empty the ledger."""

from __future__ import annotations

import pytest
import redis

from kit.ids import new_id, new_key
from services.payments import limits
from services.payments.store import acl
from services.payments.store.client import LedgerClient
from services.payments.store.ledger import Ledger
from tests.payments.conftest import OPERATOR, TELECOMS, Bench

pytestmark = pytest.mark.anyio

PASSWORD = "1f2e"


@pytest.fixture
def user_url(bench: Bench) -> str:
    """The ledger as its restricted user."""
    name, *rules = acl.rule("c01", PASSWORD).split()
    with bench.redis() as admin:
        admin.execute_command("ACL", "SETUSER", name, "reset", *rules)
    return bench.url.replace("://", f"://{acl.ACL_USER}:{PASSWORD}@")


async def test_every_operation_works_as_the_restricted_user(bench: Bench, user_url: str) -> None:
    client = LedgerClient(user_url)
    await client.start()
    mine = Bench(Ledger(client, bench.keys), client, bench.keys, bench.url)
    await mine.ledger.found(TELECOMS, limits.encode(limits.IN_LAW[:1]))
    wallet, merchant, key = await mine.wallet(balance=200_000), await mine.merchant(), new_key()
    for amount in range(1, 102):  # past the length at which a history is cut
        paid = await mine.pay(wallet, merchant, amount)
    assert await mine.pay(wallet, merchant, 5_000, fee=10, key=key) == await mine.pay(
        wallet, merchant, 5_000, fee=10, key=key
    )
    await mine.refund(paid, wallet, merchant, 50)
    assert (await mine.ledger.resolve("usr_test", "pay", new_key()))[0] == "KEY_SPENT"
    await mine.ledger.set_state(wallet, "frozen", OPERATOR)
    assert await mine.ledger.accounts_of("usr_v") == [merchant]
    assert len(await mine.ledger.history(merchant, 50)) == 50
    assert (await mine.ledger.cut(1, "op"))[1] == 2
    assert await mine.ledger.unique("wallet", "VIETTEL", new_id("usr")) is None
    await client.stop()


@pytest.mark.parametrize(
    "command",
    [
        ("FLUSHALL",),
        ("DEL", "{c01}:meta"),
        ("UNLINK", "{c01}:meta"),
        ("EXPIRE", "{c01}:meta", "1"),
        ("RENAME", "{c01}:meta", "{c01}:other"),
        ("XTRIM", "{c01}:ledger", "MAXLEN", "0"),
        ("XDEL", "{c01}:ledger", "1-0"),
        ("EVAL", "return 1", "0"),
        ("FUNCTION", "DELETE", "cho_ledger_v3"),
        ("FUNCTION", "LOAD", "#!lua name=x"),
        ("CONFIG", "SET", "appendfsync", "no"),
        ("REPLICAOF", "NO", "ONE"),
        ("SHUTDOWN",),
        ("DEBUG", "SLEEP", "0"),
        ("KEYS", "*"),
        ("ACL", "LIST"),
        ("SET", "payments:events", "x"),
        ("HGET", "{c02}:meta", "seq"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
async def test_nothing_else_is_allowed(bench: Bench, user_url: str, command: tuple[str, ...]) -> None:
    with redis.Redis.from_url(user_url) as user, pytest.raises(redis.exceptions.NoPermissionError):
        user.execute_command(*command)
