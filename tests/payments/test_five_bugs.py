"""Five bugs that every ledger in the field has shipped once, each as a test on the real ledger.

The card provider's side of the second and the fifth, a webhook that races a poll and the janitor: test_card_flow.py.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
import redis

from kit.errors import DomainError, IdempotencyConflict
from kit.ids import new_id, new_key
from services.payments import limits
from services.payments.store.client import LedgerClient
from services.payments.store.keys import Keys
from services.payments.store.ledger import Ledger
from tests.conftest import free_port, start_valkey
from tests.payments import acts
from tests.payments.conftest import OPERATOR, TELECOMS, Bench, open_gate

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def bench_on(url: str) -> AsyncIterator[Bench]:
    client = LedgerClient(url)
    await client.start()
    try:
        yield Bench(Ledger(client, Keys("c01")), client, Keys("c01"), url)
    finally:
        await client.stop()


async def test_1_the_same_key_with_another_body_is_refused_for_every_operation_and_moves_nothing(bench: Bench) -> None:
    """Fineract FINERACT-2485."""
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    other = await bench.wallet()
    key = new_key()
    await bench.pay(wallet, merchant, 1_000, key=key, body_hash="one")
    sent = new_key()
    await acts.send(bench, wallet, other, 500, key=sent, body_hash="one")
    before = bench.totals()
    with pytest.raises(IdempotencyConflict):
        await bench.pay(wallet, merchant, 2_000, key=key, body_hash="two")
    with pytest.raises(IdempotencyConflict):
        await acts.send(bench, wallet, other, 501, key=sent, body_hash="two")
    assert bench.totals() == before


async def test_2_of_all_ways_that_may_end_one_hold_at_once_one_does(bench: Bench) -> None:
    """Saleor #12652, Medusa #13301: two paths finish one payment."""
    wallet, merchant = await bench.wallet(balance=100_000), await bench.merchant()
    for _ in range(20):
        held = await acts.hold(bench, wallet, merchant, 1_000)
        before = bench.totals()

        async def capture(held: object = held) -> str:
            await acts.capture(bench, held, wallet, merchant, 1_000)  # type: ignore[arg-type]
            return "captured"

        async def void(hold_id: str = held.transfer_id) -> str:
            await acts.release(bench, "void", hold_id)
            return "voided"

        came = await asyncio.gather(*(way() for way in (capture, void, capture, capture)), return_exceptions=True)
        assert all(isinstance(one, str | DomainError) for one in came), came
        ended = await bench.ledger.transfer(held.transfer_id)
        assert ended is not None
        assert {one for one in came if isinstance(one, str)} == {ended.state}
        after = bench.totals()
        moved = 1_000 if ended.state == "captured" else 0
        assert after[wallet][0] - before[wallet][0] == after[merchant][1] - before[merchant][1] == moved


async def test_2_a_request_that_64_people_pay_at_once_is_paid_by_one(bench: Bench) -> None:
    merchant = await bench.merchant()
    await acts.ask(bench, merchant, 1_000)
    wallets = [await bench.wallet(balance=1_000) for _ in range(64)]
    came = await asyncio.gather(
        *(acts.pay_request(bench, wallet, merchant, 1_000, way="exact") for wallet in wallets), return_exceptions=True
    )
    refused = [one.code for one in came if isinstance(one, DomainError)]
    assert refused == ["REQUEST_PAID"] * 63
    assert await bench.balance(merchant) == 1_000


async def test_3_nobody_is_told_of_a_payment_that_a_kill_right_after_the_answer_takes_away(tmp_path: Path) -> None:
    """Mojaloop project#4275: told "committed" before the ledger is."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    process = start_valkey(tmp_path, port)
    try:
        open_gate(url)
        async with bench_on(url) as bench:
            await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
            wallet, merchant = await bench.wallet(balance=1_000_000), await bench.merchant()
        told: list[str] = []
        for _ in range(5):
            async with bench_on(url) as bench:
                paying = [asyncio.create_task(bench.pay(wallet, merchant, 100)) for _ in range(20)]
                for first in asyncio.as_completed(paying):
                    told.append((await first).transfer_id)
                    break
                process.kill()
                process.wait()
                came = await asyncio.gather(*paying, return_exceptions=True)
                told += [one.transfer_id for one in came if not isinstance(one, BaseException)]
            process = start_valkey(tmp_path, port)
            open_gate(url)
            async with bench_on(url) as bench:
                assert all([await bench.ledger.transfer(transfer_id) for transfer_id in told])
                assert await bench.balance(merchant) >= 100 * len(set(told))
    finally:
        process.kill()
        process.wait()


async def test_4_wherever_the_disk_stops_a_payment_and_its_event_are_both_there_or_neither(tmp_path: Path) -> None:
    """eShopOnContainers #279: the event is lost between the commit and the publish. Here they are one write."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    process = start_valkey(tmp_path / "whole", port)
    try:
        open_gate(url)
        async with bench_on(url) as bench:
            await bench.ledger.found(TELECOMS, limits.encode(limits.in_force(1_000_000)))
            wallet, merchant = await bench.wallet(balance=1_000), await bench.merchant()
            log = next((tmp_path / "whole" / "appendonlydir").glob("*.incr.aof"))
            start = log.stat().st_size
            paid = await bench.pay(wallet, merchant, 100, 2)
            end = log.stat().st_size
    finally:
        process.kill()
        process.wait()
    assert end - start > 500
    for size in [*range(start, end, (end - start) // 8), end - 1, end]:
        there = _after_a_cut(tmp_path, log, size, paid.transfer_id)
        assert there == ((True, True, 98) if size == end else (False, False, 0)), f"cut at {size} of {start} to {end}"


def _after_a_cut(tmp_path: Path, log: Path, size: int, transfer_id: str) -> tuple[bool, bool, int]:
    """Whether the transfer is there, whether its event is, and what its merchant has."""
    home, port, keys = tmp_path / f"cut-{size}", free_port(), Keys("c01")
    shutil.copytree(tmp_path / "whole", home)
    with (home / "appendonlydir" / log.name).open("r+b") as cut:
        cut.truncate(size)
    process = start_valkey(home, port, "--aof-load-truncated", "yes")
    try:
        with closing(redis.Redis(port=port, decode_responses=True)) as client:
            told = any(fields["t"] == transfer_id for _, fields in client.xrange(keys.stream))
            merchant = next(iter(client.scan_iter(keys.account("mer_*"), count=1000)))
            return bool(client.exists(keys.transfer(transfer_id))), told, int(client.hget(merchant, "cp") or 0)
    finally:
        process.kill()
        process.wait()


async def test_5_what_stays_halfway_is_found_by_the_clock_and_its_money_is_free_again(bench: Bench) -> None:
    """Mojaloop project#4371: a payment stuck halfway, and nobody looks."""
    wallet, merchant = await bench.wallet(balance=10_000), await bench.merchant()
    held = await acts.hold(bench, wallet, merchant, 4_000, life_ms=500)
    stuck = await acts.propose(bench, (await bench.pay(wallet, merchant, 1_000)).transfer_id, life_ms=500)
    assert await bench.balance(wallet) == 5_000
    await acts.until_due(bench, [held.transfer_id], [stuck])
    await acts.release(bench, "expire", held.transfer_id)
    await bench.ledger.decline(stuck, "expired", "", OPERATOR)
    assert await bench.balance(wallet) == 9_000
    assert await bench.ledger.due(10) == ([], [])
    assert (await bench.ledger.account(new_id("wal"))) is None
