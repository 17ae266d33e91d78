"""Imports checked and run on a real store: every row once, whatever dies when, and nobody active by it."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import openpyxl
import pytest
import redis

from kit import clock, crypto
from kit.errors import FourEyes, NotFound, Unavailable, WrongState
from kit.ids import new_id
from kit.streams.lease import Lease
from services.onboarding import seed, store
from services.onboarding.assist import owners
from services.onboarding.assist import store as assist
from services.onboarding.bulk import columns, example, work
from services.onboarding.bulk import store as imports
from services.onboarding.bulk.job import CHUNK_ROWS, Import, RowState, State, started
from services.onboarding.merchant import Action
from services.onboarding.merchant import State as MerchantState
from tests.onboarding.bulk_market import TITLES, row, sheet
from tests.onboarding.conftest import MARKET

BY, REVIEWER = new_id("usr"), new_id("usr")


@pytest.fixture(autouse=True)
def _imports(database: None) -> None:
    for document in (*imports.DOCUMENTS, *assist.DOCUMENTS):
        document.objects.delete()


@pytest.fixture
def clerk(valkey: str) -> Iterator[work.Clerk]:
    with closing(redis.Redis.from_url(valkey)) as client:
        yield work.Clerk(Lease(client, work.LEASE), store.markets)


@pytest.fixture
def another_clerk(valkey: str) -> Iterator[Callable[[], work.Clerk]]:
    """The next process, after the last one died: its lease is gone with it."""
    with closing(redis.Redis.from_url(valkey)) as client:

        def made() -> work.Clerk:
            client.delete(work.LEASE)
            return work.Clerk(Lease(client, work.LEASE), store.markets)

        yield made


def sent(content: bytes, by: str = BY) -> Import:
    """A whole file, waiting to be checked."""
    draft = imports.begin(Import(new_id("imp"), by, "cho.csv", State.DRAFT, clock.now_ms()))
    size = 300_000
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    for number, part in enumerate(parts, 1):
        imports.put_part(draft.id, number, part)
    sha256 = hashlib.sha256(content).hexdigest()
    return imports.save(replace(draft, state=State.CHECKING, parts=len(parts), sha256=sha256))


def checked(clerk: work.Clerk, content: bytes, by: str = BY) -> Import:
    assert_can_work(clerk)
    return clerk.work(sent(content, by))


def ran(clerk: work.Clerk, content: bytes, by: str = BY) -> Import:
    found = checked(clerk, content, by)
    assert found.state is State.CHECKED
    return clerk.work(imports.save(started(found)))


def assert_can_work(clerk: work.Clerk) -> None:
    assert clerk._lease.acquire()


def states(found: Import) -> list[RowState]:
    return [one.state for one in imports.rows(found)]


def remarks(found: Import) -> list[list[str]]:
    return [[remark.code for remark in one.remarks] for one in imports.rows(found)]


def merchants() -> list[Any]:
    return list(store.MerchantDocument.objects)


def test_a_dry_run_judges_every_row_and_registers_nobody(clerk: work.Clerk) -> None:
    found = checked(clerk, sheet(row(0), row(1, phone="12"), row(2)))
    assert (found.state, found.rows, found.good, found.bad) == (State.CHECKED, 3, 2, 1)
    assert states(found) == [RowState.GOOD, RowState.BAD, RowState.GOOD]
    assert merchants() == []
    assert imports.ImportPart.objects.first() is None


def test_good_rows_become_submitted_merchants_that_somebody_else_has_to_approve(clerk: work.Clerk) -> None:
    found = ran(clerk, sheet(row(0), row(1, phone="12"), row(2)))
    assert (found.state, found.submitted, found.existing, found.refused) == (State.DONE, 2, 0, 0)
    assert found.done == found.rows == 3
    made = merchants()
    assert {one.state for one in made} == {MerchantState.SUBMITTED.value}
    assert {one.registered_by for one in made} == {BY}
    with pytest.raises(FourEyes):
        store.decide(made[0].id, Action.APPROVE, BY)
    rows = list(imports.rows(found))
    assert {rows[0].merchant_id, rows[2].merchant_id} == {one.id for one in made}
    assert rows[1].merchant_id == ""


def test_a_vendor_who_has_an_account_owns_what_is_brought_in_and_another_one_as_soon_as_they_have_one(
    clerk: work.Clerk,
) -> None:
    first, second = (example.cells_of(number, "")["phone"] for number in (0, 1))
    early, late = new_id("usr"), new_id("usr")
    owners.heard(early, crypto.phone_index(first), 1)
    rows = list(imports.rows(ran(clerk, sheet(row(0), row(1)))))
    assert [store.merchant(one.merchant_id).owner_id for one in rows] == [early, ""]
    owners.heard(late, crypto.phone_index(second), 1)
    assert store.merchant(rows[1].merchant_id).owner_id == late


def test_the_same_file_twice_does_nothing_twice(clerk: work.Clerk) -> None:
    content = sheet(*(row(number) for number in range(5)))
    first = ran(clerk, content)
    before = [(one.id, one.version) for one in merchants()]
    second = checked(clerk, content)
    assert (second.existing, second.good, second.same_as) == (5, 0, first.id)
    done = clerk.work(imports.save(started(second)))
    assert (done.submitted, done.refused) == (0, 0)
    assert states(done) == [RowState.EXISTING] * 5
    assert [(one.id, one.version) for one in merchants()] == before


def test_a_file_that_was_put_right_submits_only_what_was_wrong_before(clerk: work.Clerk) -> None:
    ran(clerk, sheet(row(0), row(1, phone="12")))
    found = ran(clerk, sheet(row(0), row(1), row(2)))
    assert states(found) == [RowState.EXISTING, RowState.SUBMITTED, RowState.SUBMITTED]
    assert len(merchants()) == 3


def test_a_workbook_and_a_csv_of_the_same_market_are_the_same_rows(clerk: work.Clerk) -> None:
    ran(clerk, sheet(row(0), row(1)))
    book = openpyxl.Workbook()
    for cells in (TITLES, row(0), row(1)):
        book.active.append(cells)
    out = io.BytesIO()
    book.save(out)
    assert states(checked(clerk, out.getvalue())) == [RowState.EXISTING] * 2


def test_what_the_store_knows_is_said_before_anything_is_run(clerk: work.Clerk) -> None:
    (first,) = (one.merchant_id for one in imports.rows(ran(clerk, sheet(row(0)))))
    (second,) = (one.merchant_id for one in imports.rows(ran(clerk, sheet(row(2)))))
    store.MerchantDocument.objects(id=first).update_one(set__owner_id=new_id("usr"))
    store.decide(first, Action.APPROVE, REVIEWER)
    store.decide(second, Action.REFUSE, REVIEWER, "không bán ở chợ này")
    cells = example.cells_of(0, "")
    found = checked(
        clerk,
        sheet(
            row(0, name="Tên khác"),
            row(2),
            row(4, account_number=cells["account_number"], bank_bin=cells["bank_bin"]),
            row(6, stall=cells["stall"]),
            row(8, phone=cells["phone"]),
        ),
    )
    # A row above has the account, the stall or the phone first: so each of those is asked of a file of its own.
    assert remarks(found)[:2] == [["CHANGED_SINCE"], ["CLOSED_SINCE"]]
    alone = [
        remarks(checked(clerk, sheet(one)))[0]
        for one in (
            row(4, account_number=cells["account_number"], bank_bin=cells["bank_bin"]),
            row(6, stall=cells["stall"]),
            row(8, phone=cells["phone"]),
        )
    ]
    assert alone == [["ACCOUNT_TAKEN"], ["STALL_TAKEN"], ["KNOWN_PERSON"]]
    assert states(checked(clerk, sheet(row(8, phone=cells["phone"])))) == [RowState.GOOD]


def test_a_row_that_the_store_refuses_after_its_check_is_told_and_keeps_no_other_from_being_run(
    clerk: work.Clerk,
) -> None:
    found = checked(clerk, sheet(row(0), row(1)))
    ids = [one.merchant_id for one in imports.rows(found)]
    # Somebody registers the first one's stall with other content meanwhile.
    heading = sheet(row(0, name="Tên khác"))
    other = checked(clerk, heading, by=REVIEWER)
    clerk.work(imports.save(started(other)))
    done = clerk.work(imports.save(started(imports.load(found.id))))
    assert (done.submitted, done.refused) == (1, 1)
    assert remarks(done)[0] == ["CHANGED_SINCE"]
    assert [one.merchant_id for one in imports.rows(done)] == ["", ids[1]]


def test_a_closed_market_takes_no_rows(clerk: work.Clerk) -> None:
    store.MarketDocument.objects(id=MARKET.market_id).update_one(set__closed=True)
    assert remarks(checked(clerk, sheet(row(0)))) == [["MARKET_NAME_UNKNOWN"]]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"x,y\n1,2\n", "SHEET_INVALID"),
        (sheet(), "SHEET_INVALID"),
        (sheet(*[row(0)] * 251), "SHEET_TOO_LARGE"),
        (b"\xd0\xcf\x11\xe0", "SHEET_INVALID"),
    ],
    ids=["no heading", "no rows", "too many", "old format"],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    clerk: work.Clerk, content: bytes, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns.VENDORS, "rows_max", 250)
    found = checked(clerk, content)
    assert (found.state, found.code, found.rows) == (State.REFUSED, code, 0)
    assert found.message
    assert found.message_vi
    assert list(imports.rows(found)) == []
    assert imports.ImportPart.objects.first() is None


def test_what_a_file_says_of_people_is_encrypted_where_it_is_kept(clerk: work.Clerk) -> None:
    waiting = sent(sheet(row(0)))
    cells = example.cells_of(0, "")
    secrets = [cells[name] for name in ("phone", "citizen_id", "account_number", "person_name")]
    assert_can_work(clerk)
    stored = [str(imports.ImportPart.objects.first().to_mongo())]
    found = clerk.work(waiting)
    for collection in (imports.ImportDocument, imports.ImportChunk):
        stored += [str(one.to_mongo()) for one in collection.objects]
    assert found.rows == 1
    assert not [secret for secret in secrets for text in stored if secret in text]


def test_an_import_that_was_given_up_stays_where_it_was(clerk: work.Clerk) -> None:
    found = checked(clerk, sheet(row(0)))
    cancelled = imports.save(replace(found, state=State.CANCELLED))
    assert clerk.work(cancelled) == cancelled
    with pytest.raises(WrongState):
        cancelled.may("start")
    assert merchants() == []


def test_rows_that_are_forgotten_end_an_import_instead_of_running_it(clerk: work.Clerk) -> None:
    found = checked(clerk, sheet(row(0)))
    imports.ImportChunk.objects.delete()
    assert clerk.work(imports.save(started(found))).state is State.CANCELLED


class DiedError(BaseException):
    """Stands for kill -9: nothing catches it, and nothing is cleaned up."""


STEPS = ("services.onboarding.bulk.store.put_chunk", "services.onboarding.bulk.store.save",
         "services.onboarding.bulk.store.note_fresh", "services.onboarding.bulk.work.register_all")  # fmt: skip


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", [1, 2])
@pytest.mark.parametrize("step", STEPS)
def test_whatever_dies_when_every_row_is_done_once_and_counted_once(
    step: str, call: int, after: bool, another_clerk: Callable[[], work.Clerk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CHUNK_ROWS", 3)
    monkeypatch.setattr("services.onboarding.bulk.job.CHUNK_ROWS", 3)
    content = sheet(*(row(number, **({"phone": "1"} if number == 4 else {})) for number in range(7)))
    found = checked(another_clerk(), content)
    assert (found.rows, found.good, found.bad) == (7, 6, 1)
    running = imports.save(started(found))
    with monkeypatch.context() as dying:
        die(dying, step, call, after=after)
        with pytest.raises(DiedError):
            work_on(another_clerk(), running)
    done = work_on(another_clerk(), imports.load(found.id))
    assert (done.state, done.submitted, done.existing, done.refused) == (State.DONE, 6, 0, 0)
    made = merchants()
    assert len(made) == 6
    assert {one.version for one in made} == {1}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS[:2])
def test_a_check_that_died_goes_on_where_it_was(
    step: str, after: bool, another_clerk: Callable[[], work.Clerk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "CHUNK_ROWS", 3)
    monkeypatch.setattr("services.onboarding.bulk.job.CHUNK_ROWS", 3)
    # The last row collides with the first: it is found though the first was read by a process that died.
    waiting = sent(sheet(*(row(number) for number in range(6)), row(8, stall=row(0)[1])))
    with monkeypatch.context() as dying:
        die(dying, step, 2, after=after)
        with pytest.raises(DiedError):
            work_on(another_clerk(), waiting)
    found = work_on(another_clerk(), imports.load(waiting.id))
    assert (found.state, found.rows, found.good, found.bad) == (State.CHECKED, 7, 6, 1)
    assert [one.number for one in imports.rows(found)] == list(range(2, 9))
    assert remarks(found)[-1] == ["STALL_TWICE"]


def work_on(clerk: work.Clerk, found: Import) -> Import:
    assert_can_work(clerk)
    return clerk.work(found)


def die(dying: pytest.MonkeyPatch, step: str, call: int, *, after: bool) -> None:
    """From its `call`th call on nothing happens any more: before that call has its effect, or after."""
    module, _, name = step.rpartition(".")
    original = getattr(sys.modules[module], name)
    calls = 0

    def dies(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls < call:
            return original(*arguments, **named)
        if after:
            original(*arguments, **named)
        raise DiedError

    dying.setattr(step, dies)


def test_an_engine_that_is_away_lets_an_import_wait_and_is_not_the_rows_fault(
    clerk: work.Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = imports.save(started(checked(clerk, sheet(row(0)))))
    with monkeypatch.context() as away:

        def unavailable(*_: object) -> None:
            raise Unavailable("the watch list cannot be read")

        away.setattr("services.onboarding.bulk.work.register_all", unavailable)
        clerk.tick()
    assert imports.load(found.id).state is State.RUNNING
    clerk.tick()
    assert imports.load(found.id).submitted == 1


@pytest.mark.parametrize("failure", [Unavailable("not now"), ZeroDivisionError("a defect of ours")])
def test_an_import_that_cannot_be_worked_on_keeps_no_other_waiting(
    clerk: work.Clerk, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    bad, good = sent(sheet(row(0))), sent(sheet(row(1)))
    read = imports.whole_file

    def fails(import_id: str, parts: int) -> bytes:
        if import_id == bad.id:
            raise failure
        return read(import_id, parts)

    monkeypatch.setattr(imports, "whole_file", fails)
    clerk.tick()
    assert (imports.load(bad.id).state, imports.load(good.id).state) == (State.CHECKING, State.CHECKED)


def test_two_workers_at_once_are_one(clerk: work.Clerk, valkey: str) -> None:
    found = sent(sheet(row(0)))
    assert_can_work(clerk)
    with closing(redis.Redis.from_url(valkey)) as client:
        work.Clerk(Lease(client, work.LEASE), store.markets).tick()
    assert imports.load(found.id) == found
    clerk.tick()
    assert imports.load(found.id).state is State.CHECKED


PROGRAM = """
import os, sys, redis
from kit.streams.lease import Lease
from services.onboarding import store
from services.onboarding.bulk import work
store.open_store()
clerk = work.Clerk(Lease(redis.Redis.from_url(os.environ["REDIS_URL"]), work.LEASE, ttl_ms=300), store.markets)
print("ready", flush=True)
while True:
    clerk.tick()
"""


def test_a_worker_that_is_killed_in_the_middle_of_a_market_loses_and_doubles_nothing(
    clerk: work.Clerk, valkey: str, mongo_uri: str
) -> None:
    rows = CHUNK_ROWS * 2
    found = checked(clerk, sheet(*(row(number) for number in range(rows))))
    clerk._lease.release()
    imports.save(started(found))
    environment = os.environ | {"REDIS_URL": valkey, "MONGODB_URI": mongo_uri}
    for kill_at in (1, rows):
        with subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stdout=subprocess.PIPE) as process:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                now = imports.load(found.id)
                if now.ran >= kill_at or now.state is State.DONE:
                    break
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
    done = imports.load(found.id)
    assert (done.state, done.submitted, done.existing) == (State.DONE, rows, 0)
    made = merchants()
    assert len(made) == rows
    assert {(one.version, len(one.history)) for one in made} == {(1, 2)}


def test_an_import_that_is_not_there_is_not_found() -> None:
    with pytest.raises(NotFound):
        imports.load(new_id("imp"))


def test_markets_of_the_seed_have_names_that_a_sheet_can_use() -> None:
    assert MARKET.name == "Chợ Hùng Sơn"
    assert len({market.market_id for market in seed.markets()}) == len(seed.markets())


def test_a_clerk_with_nothing_to_do_writes_nothing_for_its_lease_at_every_look(clerk: work.Clerk, valkey: str) -> None:
    with closing(redis.Redis.from_url(valkey)) as client:
        clerk.tick()
        assert clerk._lease.held()
        written = client.info("persistence")["rdb_changes_since_last_save"]
        clerk.tick()
        assert client.info("persistence")["rdb_changes_since_last_save"] == written
