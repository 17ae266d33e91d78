"""A rebuild begins in an empty cell, stops at what it does not understand, and ends with a head or with none."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from kit.errors import LedgerFenced
from kit.ledger_event import from_raw
from kit.streams import names
from services.payments import transfer
from services.payments.server import desk
from services.payments.store import library
from services.payments.store.rebuild import CannotRebuild, NotEmpty, lives, replay, use
from services.payments.store.rebuild.run import clock_ms, marker
from services.settlement import fold
from tests.payments import acts, rebuilding
from tests.payments.conftest import OPERATOR, Bench
from tests.payments.rebuilding import KEYS, Events

pytestmark = pytest.mark.anyio

DAY_MS = 86_400_000


@pytest.fixture
def empty(_beside: str) -> str:
    rebuilding.forget(_beside)
    return _beside


@pytest.fixture(scope="module")
def _beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rebuilding.server(tmp_path_factory.mktemp("beside")) as url:
        yield url


async def trade(b: Bench) -> tuple[str, str]:
    """A wallet and a merchant, of whom the other tests know; things that are open."""
    wallet, merchant = await b.wallet(balance=1_000_000, owner="usr_w"), await rebuilding.merchant(b)
    await b.pay(wallet, merchant, 9_000)
    await acts.hold(b, wallet, merchant, 5_000)
    await acts.ask(b, merchant, 7_000)
    await acts.make_code(b, wallet, "usr_w", 3_000)
    return wallet, merchant


def edited(events: Events, changes: dict[int, dict[str, str]]) -> Events:
    """The events, with fields of some of them changed or added (by sequence number)."""

    def edit(raw: bytes, fields: dict[str, str]) -> bytes:
        parts, at = [], 0
        while at < len(raw):
            end = at + 4 + int.from_bytes(raw[at : at + 4], "big")
            parts.append(raw[at + 4 : end])
            at = end
        entry = dict(zip(parts[::2], parts[1::2], strict=True)) | {n.encode(): v.encode() for n, v in fields.items()}
        return b"".join(len(p).to_bytes(4, "big") + p for pair in entry.items() for p in pair)

    return [(seq, edit(raw, changes[seq]) if seq in changes else raw) for seq, raw in events]


def earlier(events: Events, days: float) -> Events:
    """The same, so many days ago."""
    ago = int(days * DAY_MS)
    return edited(events, {seq: {"at": str(from_raw(seq, raw).at_ms - ago)} for seq, raw in events})


def test_what_is_told_twice_is_the_same_in_the_functions() -> None:
    known: dict[str, Any] = {}
    for name, text in re.findall(r"^local ([A-Z_, ]+?) = ([^\n]+?)(?: +--.*)?$", library.source(), re.MULTILINE):
        if re.fullmatch(r"['\dA-Z_* ,]+", text):
            values = eval(text, {}, known)
            names_ = name.split(", ")
            known |= dict(zip(names_, values if len(names_) > 1 else (values,), strict=True))
    for told in (lives, use):
        ours = {n: v for n, v in vars(told).items() if n.isupper() and not n.startswith("_") and n != "CLASSES"}
        assert ours == {n: known[n] for n in ours}
    assert f"local CLASSES = {{{', '.join(repr(c) for c in use.CLASSES)}}}" in library.source()
    assert replay.PROPOSAL_MS == desk.LIFE_MS


async def test_a_rebuild_that_was_killed_is_no_ledger_to_anybody_and_is_begun_anew(
    bench: Bench, empty: str, tmp_path: Path
) -> None:
    await trade(bench)
    events = rebuilding.events_of(bench.url)
    with rebuilding.client(empty) as target:
        _rebuilt_and_killed(empty, target, events, tmp_path)
        assert target.exists(marker(KEYS))
        assert target.get(names.cursor("journal")) == str(len(events)).encode(), "readers know where to go on at once"
        library.load(target)
        run, found = target.info("server")["run_id"], target.dbsize()
        gate = (rebuilding.function("gate"), 2, KEYS.meta, KEYS.stream, run, "cell-test", "0", "0")
        assert target.fcall(*gate)[0] == b"NO_GENESIS"
        assert target.dbsize() == found
    rebuilding.rebuild(empty, events)
    assert rebuilding.compared(bench.url, empty) == []
    with rebuilding.client(empty) as target:
        assert not target.exists(marker(KEYS))
        target.function_flush()


def _rebuilt_and_killed(url: str, target: redis.Redis, events: Events, folder: Path) -> None:
    """Another process rebuilds, slowly, and is killed when it has begun."""
    kept = folder / "events"
    kept.write_bytes(pickle.dumps(events))
    program = (
        "import pickle, sys, time; from tests.payments import rebuilding as r;"
        "from services.payments.store.rebuild import run; run.BATCH = 5; events = pickle.load(open(sys.argv[2], 'rb'));"
        "made = r.prepared(r.client(sys.argv[1]), events); made.begin(7, {'journal': len(events)});"
        "made.feed((time.sleep(.05), e)[1] for e in events)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, url, str(kept)], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + 60
    while not target.exists(KEYS.rules):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    process.wait()


async def test_a_cell_that_is_not_empty_is_left_alone(bench: Bench, empty: str) -> None:
    await trade(bench)
    before, events = bench.dump(), rebuilding.events_of(bench.url)
    with pytest.raises(NotEmpty, match="holds a ledger"):
        rebuilding.rebuild(bench.url, events)
    assert bench.dump() == before
    with rebuilding.client(empty) as target:
        target.set(f"{KEYS.tag}:a:wal_1", "x")
        with pytest.raises(NotEmpty, match="a:wal_1"):
            rebuilding.rebuild(empty, events)
        target.delete(f"{KEYS.tag}:a:wal_1")
        target.set(names.cursor("announcer"), 0)
        target.sadd(names.readers(), "announcer")
        target.set("payments:people:x", "another's")
    rebuilding.rebuild(empty, events)


WRONG = {
    "a gap": (lambda events: [*events[:-2], events[-1]], "follows"),
    "an operation that is not known": (lambda events: edited(events, {len(events): {"op": "melt", "l": ""}}), "'melt'"),
    "a class that is not known": (lambda events: edited(events, {_last(events, "pay"): {"z": "x,,0,,0"}}), "'x'"),
    "the end of what is not held": (lambda events: edited(events, {len(events): {"t": "hld_0"}}), "not held"),
    "an intent that is none": (lambda events: edited(events, {len(events): {"i": "\x0f"}}), "cannot be read"),
}


def _last(events: Events, op: str) -> int:
    return max(seq for seq, raw in events if from_raw(seq, raw).op == op)


@pytest.mark.parametrize("name", WRONG)
async def test_what_is_not_understood_stops_the_rebuild_without_a_head(bench: Bench, empty: str, name: str) -> None:
    wallet, merchant = await trade(bench)
    held = await acts.hold(bench, wallet, merchant, 1_000)
    await acts.release(bench, "void", held.transfer_id)
    wrong, said = WRONG[name]
    with pytest.raises(CannotRebuild, match=said):
        rebuilding.rebuild(empty, wrong(rebuilding.events_of(bench.url)))
    with rebuilding.client(empty) as target:
        assert target.exists(marker(KEYS))
        assert not target.exists(KEYS.meta)


async def test_an_old_payment_is_hot_as_long_as_what_was_given_back_of_it_keeps_it(bench: Bench, empty: str) -> None:
    wallet, merchant = await bench.wallet(balance=1_000_000), await rebuilding.merchant(bench)
    given, whole = await bench.pay(wallet, merchant, 9_000), await bench.pay(wallet, merchant, 8_000)
    held = await acts.hold(bench, wallet, merchant, 7_000)
    agent = await bench.agent(balance=5_000)
    cash = await bench.post("cash_in", 5_000, transfer.cash_in(agent, wallet, 5_000))
    first = earlier(rebuilding.events_of(bench.url), 50)
    undone = await acts.reverse(bench, cash, transfer.cash_in(agent, wallet, 5_000), 5_000)
    second = earlier(rebuilding.events_of(bench.url)[len(first) :], 45)
    refund = await bench.refund(given, wallet, merchant, 1_000)
    taken = await acts.capture(bench, held, wallet, merchant, 6_000)
    third = earlier(rebuilding.events_of(bench.url)[len(first) + len(second) :], 20)
    rebuilding.rebuild(empty, [*first, *second, *third])
    with rebuilding.client(empty) as target:

        def left(transfer_id: str) -> int:
            """Days that it stays."""
            return round(target.pttl(KEYS.transfer(transfer_id)) / DAY_MS)

        assert left(given.transfer_id) == left(held.transfer_id) == left(refund.transfer_id) == 20
        assert left(taken.transfer_id) == 20
        assert target.hmget(KEYS.transfer(given.transfer_id), "a", "r") == [b"9000", b"1000"]
        assert target.hmget(KEYS.transfer(held.transfer_id), "s", "r") == [b"captured", b"6000"]
        for gone in (whole, cash, undone):
            assert not target.exists(KEYS.transfer(gone.transfer_id)), "over, and nothing kept it"
        assert not target.exists(KEYS.code("d1"))


async def test_what_events_tell_of_guards_and_refusals_is_heeded(bench: Bench, empty: str) -> None:
    wallet, merchant = await trade(bench)
    await acts.make_code(bench, wallet, "usr_w", 3_000, "d2")
    await acts.redeem(bench, wallet, merchant, 3_000, "d2")
    await acts.pay_request(bench, wallet, merchant, 7_000)
    proposals = [await acts.propose(bench, (await acts.send(bench, wallet, await bench.wallet(), 10)).transfer_id)]
    with pytest.raises(Exception, match="limit"):
        await bench.pay(wallet, merchant, 100_000_001)
    events = rebuilding.events_of(bench.url)
    told = {event.seq: event for event in (from_raw(*one) for one in events)}
    proposed = next(event for event in told.values() if event.op == "propose")
    ends_ms = int(bench.redis().hget(KEYS.proposal(proposals[0]), "e") or 0)
    *_, paid_code, paid_request = (seq for seq, event in told.items() if event.op == "pay" and event.result == "OK")
    changes = {
        **{seq: {"g": ""} for seq, event in told.items() if event.op == "pay" and event.result == "OK"},
        paid_code: {"g": "o:d2"},
        paid_request: {"g": f"q:{merchant}:R1"},
        proposed.seq: {"z": f"reverse,{ends_ms}"},
        len(events): {"d": "month-368"},
    }
    rebuilding.rebuild(empty, edited(events, changes))
    differ = [one for one in rebuilding.compared(bench.url, empty) if not one.key.startswith(KEYS.stream)]
    assert [one.key for one in differ] == [KEYS.proposal(proposals[0])]
    assert "'n': 'why'" in differ[0].hot, "the tests' reason is in no intent; payments' server puts it there"


async def test_the_stream_gets_its_end_back_and_what_comes_next_fits(bench: Bench, empty: str) -> None:
    await trade(bench)
    events = rebuilding.events_of(bench.url)
    rebuilding.rebuild(empty, events, keep_from=len(events) - 3)
    with rebuilding.client(empty) as target:
        assert [i for i, _ in target.xrange(KEYS.stream)] == [b"%d-0" % (len(events) - n) for n in (3, 2, 1, 0)]
        assert target.xadd(KEYS.stream, {"a": 1}, id=f"{len(events) + 1}-0")
    assert all(one.key.startswith(f"{KEYS.stream} ") for one in rebuilding.compared(bench.url, empty))


async def test_numbers_that_somebody_heard_of_are_taken_by_promotions(bench: Bench, empty: str) -> None:
    await trade(bench)
    events = rebuilding.events_of(bench.url)
    with rebuilding.client(empty) as target:
        made = rebuilding.prepared(target, events)
        made.begin(4, {})
        made.feed(events)
        made.promote(4, len(events) + 3)
        made.finish()
        assert target.hmget(KEYS.meta, "seq", "epoch") == [b"%d" % (len(events) + 3), b"4"]
        assert int(target.hget(KEYS.meta, "at") or 0) <= clock_ms(target)
    told = [from_raw(*one) for one in rebuilding.events_of(empty)]
    assert [(event.op, event.epoch) for event in told[-4:]] == [(told[-4].op, 1), *[("promote", 4)] * 3]
    assert fold.replay(told).findings == []


async def test_a_rebuilt_ledger_is_shut_until_its_gate_is_opened(bench: Bench) -> None:
    wallet, merchant = await trade(bench)
    events = rebuilding.events_of(bench.url)
    rebuilding.forget(bench.url)
    rebuilding.rebuild(bench.url, events, epoch=2)
    with pytest.raises(LedgerFenced):
        await bench.pay(wallet, merchant, 1)
    rebuilding.open_gate(bench.url)
    assert (await bench.pay(wallet, merchant, 1)).seq == len(events) + 2


async def test_of_several_codes_that_a_payment_can_have_used_none_is_left_and_the_comparison_knows_why(
    bench: Bench, empty: str
) -> None:
    wallet, merchant = await trade(bench)
    await acts.make_code(bench, wallet, "usr_w", 3_000, "d2")
    await acts.make_code(bench, wallet, "usr_w", 4_000, "d3")
    await acts.redeem(bench, wallet, merchant, 2_500, "d2", caller="usr_v")
    rebuilding.rebuild(empty, rebuilding.events_of(bench.url))
    found = {one.key: one for one in rebuilding.compared(bench.url, empty) if "state" not in one.hot}
    assert (found[KEYS.code("d3")].rebuilt, found[KEYS.code("d3")].untold) == ("hash {'s': 'used'}", True)
    assert KEYS.code("d2") not in found
    with rebuilding.client(empty) as target:
        # The other way round would let a code be used twice: nothing excuses it.
        target.hset(KEYS.code("d2"), "s", "active")
    found = {one.key: one for one in rebuilding.compared(bench.url, empty)}
    assert not found[KEYS.code("d2")].untold


async def test_a_difference_is_told_with_what_differs(bench: Bench, empty: str) -> None:
    wallet, _ = await trade(bench)
    rebuilding.rebuild(empty, rebuilding.events_of(bench.url))
    with redis.Redis.from_url(empty) as target:
        target.hincrby(KEYS.account(wallet), "cp", 5)
        target.delete(KEYS.debts, KEYS.request("x", "y"))
        target.persist(KEYS.code("d1"))
        target.sadd(KEYS.owner("usr_x"), wallet)
    found = {one.key: one for one in rebuilding.compared(bench.url, empty)}
    assert set(found) == {KEYS.account(wallet), KEYS.code("d1"), KEYS.owner("usr_x")}
    assert (found[KEYS.account(wallet)].hot, found[KEYS.account(wallet)].rebuilt) == (
        "hash {'cp': '1000000'}", "hash {'cp': '1000005'}",
    )  # fmt: skip
    assert found[KEYS.owner("usr_x")].hot == "(missing)"
    assert found[KEYS.code("d1")].rebuilt == " until -1"


async def test_payouts_net_positions_caps_and_corrections_are_rebuilt_by_their_legs(bench: Bench, empty: str) -> None:
    _, merchant = await trade(bench)
    await acts.deposit(bench, 500_000)
    payouts = [await bench.post("payout", 1_000, transfer.payout(merchant, 1_000, 100), 100) for _ in range(4)]
    for paid in payouts[:2]:
        await bench.post("paid", 900, transfer.paid(900), related=paid.transfer_id)
    back = {"related": payouts[1].transfer_id}
    await bench.post("returned", 900, transfer.returned(merchant, 900), **back)
    back = {"related": payouts[2].transfer_id}
    await bench.post("unpaid", 1_000, transfer.unpaid(merchant, 1_000, 100), 100, **back)
    await bench.post("net", 2_000, transfer.net("VIETTEL", -2_000))
    await bench.post("liquidity_in", 70_000, transfer.liquidity_in("VIETTEL", 70_000))
    await bench.ledger.set_cap("VIETTEL", 60_000, OPERATOR)
    await bench.ledger.set_cap("VNPT", None, OPERATOR)
    await bench.ledger.set_cap("VIETTEL", 50_000, OPERATOR)
    proposal = await acts.propose(bench, "brk_1", op="correct")
    legs = transfer.correct(transfer.SUSPENSE, merchant, 300)
    guard = {"guard": "proposal", "guard_key": bench.ledger.proposal_key(proposal), "guard_value": "usr_two"}
    await bench.post("correct", 300, legs, related="brk_1", caller="usr_two", **guard)
    rebuilding.rebuild(empty, rebuilding.events_of(bench.url))
    differ = [one for one in rebuilding.compared(bench.url, empty) if not one.untold]
    assert [(one.key, one.hot) for one in differ] == [(KEYS.proposal(proposal), differ[0].hot)]
    assert "'n': 'why'" in differ[0].hot  # the tests' reason is in no intent
    states = [rebuilding.client(empty).hget(KEYS.transfer(one.transfer_id), "s") for one in payouts]
    assert states == [b"paid", b"returned", b"unpaid", b"sent"]
