"""Paying many from a file: read strictly, approved by a second person, each line paid once whatever dies when."""

from __future__ import annotations

import asyncio
import hashlib
import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import grpc
import pytest
import redis
from cho.events.v1.events_pb2 import UserChanged
from cho.payments.v1 import disbursements_pb2 as ds
from cho.payments.v1 import organisations_pb2 as og
from pymongo.errors import AutoReconnect

from kit.clock import now, now_ms
from kit.crypto import phone_index
from kit.errors import ClockSkew, Contention, LedgerFenced, OutcomeUnknown
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.streams.event import Event
from kit.streams.lease import Lease
from services.payments import disburse
from services.payments import disbursement as rules
from services.payments.disburse import Payer
from services.payments.disbursement import State
from services.payments.server.disbursements import DisbursementServicer
from services.payments.store import disbursements as store
from services.payments.store.people import put_person
from services.payments.store.sync import SyncLedger
from tests.payments import acts
from tests.payments.api import OFFICER, OPERATOR, OTHER_OFFICER, Api, Person, person

pytestmark = pytest.mark.anyio

HEADING = "Số điện thoại,Số tiền,Mã hồ sơ,Ghi chú\n"


# A treasury and villagers ----------------------------------------------------------------------------------------


class Village:
    """An organisation with money, and villagers with telephones and wallets."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.owner = person("shopper")
        self.org = ""
        self.wallets: dict[str, str] = {}

    async def found(self, money: int) -> Village:
        opening = og.OpenOrganisationRequest(owner_id=self.owner.sub, name="UBND xã Võ Nhai")
        self.org = (await self.api(OFFICER, "OpenOrganisation", opening)).organisation.account_id
        if money:
            await self.fund(money)
        return self

    async def fund(self, money: int) -> None:
        request = og.FundOrganisationRequest(organisation_id=self.org, amount=money, idempotency_key=new_key())
        await self.api(OFFICER, "FundOrganisation", request)

    async def villager(self, phone: str, telecom: str = "VIETTEL", wallet: bool = True) -> str:
        owner = new_id("usr")
        told = UserChanged(user_id=owner, phone_index=phone_index(phone), display_name="Nông T** L**", version=1)
        event = Event(new_id("evt"), "user.changed", "identity", owner, now(), "", told.SerializeToString())
        with redis.Redis.from_url(self.api.bench.url) as client:
            put_person(client, event)
        self.wallets[phone] = await self.api.bench.wallet(telecom, owner=owner) if wallet else ""
        return self.wallets[phone]

    async def draft(self) -> str:
        request = ds.CreateDisbursementRequest(organisation_id=self.org, request_id=new_key(), title="Trợ cấp tháng 11")
        made = (await self.api(self.owner, "CreateDisbursement", request)).disbursement
        return str(made.disbursement_id)

    async def submit(self, disbursement_id: str, content: str, **more: Any) -> ds.Disbursement:
        file = content.encode()
        parts = [file[at : at + 1_000] for at in range(0, len(file), 1_000)]
        for number, part in enumerate(parts, 1):
            upload = ds.UploadPartRequest(disbursement_id=disbursement_id, number=number, content=part)
            await self.api(self.owner, "UploadPart", upload)
        submit = ds.SubmitDisbursementRequest(
            disbursement_id=disbursement_id, parts=len(parts), sha256=hashlib.sha256(file).hexdigest(), **more
        )
        return (await self.api(self.owner, "SubmitDisbursement", submit)).disbursement  # type: ignore[no-any-return]

    async def submitted(self, content: str, **more: Any) -> ds.Disbursement:
        return await self.submit(await self.draft(), content, **more)

    async def approve(self, made: ds.Disbursement) -> str:
        approve = ds.ApproveDisbursementRequest(disbursement_id=made.disbursement_id, sha256=made.sha256)
        await self.api(OPERATOR, "ApproveDisbursement", approve)
        return str(made.disbursement_id)

    async def approved(self, content: str) -> str:
        return await self.approve(await self.submitted(content))

    async def lines(self, disbursement_id: str, **more: Any) -> list[ds.DisbursementLine]:
        request = ds.ListDisbursementLinesRequest(disbursement_id=disbursement_id, **more)
        return list((await self.api(self.owner, "ListDisbursementLines", request)).lines)

    async def now(self, disbursement_id: str) -> ds.Disbursement:
        request = ds.GetDisbursementRequest(disbursement_id=disbursement_id)
        return (await self.api(self.owner, "GetDisbursement", request)).disbursement  # type: ignore[no-any-return]

    def payer(self, kind: type[SyncLedger] = SyncLedger, **more: Any) -> Payer:
        client = redis.Redis.from_url(self.api.bench.url, protocol=2)
        return Payer(kind(client, self.api.bench.keys), Lease(client, new_id("lea")), **more)

    async def paid(self) -> dict[str, int]:
        """What is in each villager's wallet."""
        return {phone: await self.api.bench.balance(wallet) for phone, wallet in self.wallets.items() if wallet}


@pytest.fixture
async def village(api: Api, documents: None) -> Village:
    return await Village(api).found(1_000_000)


FILE = "phone,amount,reference,note\n0911111111,100000,HS1,\n0922222222,200000,HS2,Tết\n"


async def test_a_file_is_checked_line_by_line_and_nothing_moves_before_it_is_approved(village: Village) -> None:
    await village.villager("0911111111")
    await village.villager("0933333333", wallet=False)
    frozen = await village.villager("0944444444")
    await village.api.bench.ledger.set_state(frozen, "frozen", acts.OPERATOR)
    events = village.api.bench.dump()
    made = await village.submitted(
        f"phone,amount\n0911111111,100000\n0922222222,1\n0933333333,1\n0944444444,1\nx,1\n0911111111,x\n{frozen},5\n"
    )
    assert village.api.bench.dump() == events
    assert (made.state, made.lines, made.bad, made.total, made.covered) == (
        ds.DISBURSEMENT_STATE_CHECKED, 7, 6, 100_000, True,
    )  # fmt: skip
    lines = await village.lines(made.disbursement_id)
    assert [line.code for line in lines] == [
        "", "NOT_FOUND", "ACCOUNT_NOT_FOUND", "ACCOUNT_FROZEN", "INVALID_ARGUMENT", "AMOUNT_INVALID", "ACCOUNT_FROZEN",
    ]  # fmt: skip
    assert lines[0].shown == "Nông T** L** ******1111"
    assert all(line.message for line in lines if line.code)
    bad = await village.lines(made.disbursement_id, state=ds.LINE_STATE_BAD, limit=2, after=3)
    assert [line.number for line in bad] == [4, 5]


async def test_what_a_second_person_approves_is_paid_line_by_line_with_its_result(village: Village) -> None:
    await acts.deposit(village.api.bench, 1_000_000, "VNPT")
    await village.villager("0911111111")
    await village.villager("0922222222", "VNPT")
    disbursement_id = await village.approved(FILE)
    for _ in range(2):
        village.payer().tick()
    assert await village.paid() == {"0911111111": 100_000, "0922222222": 200_000}
    done = await village.now(disbursement_id)
    assert (done.state, done.paid, done.paid_amount, done.refused) == (ds.DISBURSEMENT_STATE_DONE, 2, 300_000, 0)
    lines = await village.lines(disbursement_id)
    for line, phone in zip(lines, ("0911111111", "0922222222"), strict=True):
        (moved,) = await village.api.bench.ledger.history(village.wallets[phone], 5)
        assert (line.state, line.transfer_id, moved.op) == (ds.LINE_STATE_PAID, moved.transfer_id, "disburse")
    assert await village.api.bench.balance(village.org) == 700_000
    request = ds.DownloadDisbursementResultRequest(disbursement_id=disbursement_id)
    call = next(s for s in village.api.stubs if hasattr(s, "DownloadDisbursementResult"))
    pieces = [p.data async for p in call.DownloadDisbursementResult(request, metadata=village.owner.claims())]
    text = b"".join(pieces).decode("utf-8-sig").splitlines()
    assert text[1].startswith("2,paid,Nông T** L** ******1111,100000,HS1,,,,")
    listed = await village.api(
        village.owner, "ListDisbursements", ds.ListDisbursementsRequest(organisation_id=village.org)
    )
    assert [found.disbursement_id for found in listed.disbursements] == [disbursement_id]


async def test_who_made_it_does_not_approve_it_nor_does_another_telecoms_officer(village: Village) -> None:
    await village.villager("0911111111")
    made = await village.submitted(FILE)
    approve = ds.ApproveDisbursementRequest(disbursement_id=made.disbursement_id, sha256=made.sha256)
    both = Person(village.owner.sub, ("shopper", "operator"))
    assert await village.api.code(both, "ApproveDisbursement", approve) == "FOUR_EYES"
    assert await village.api.code(OTHER_OFFICER, "ApproveDisbursement", approve) == "NOT_FOUND"
    assert await village.api.code(village.owner, "ApproveDisbursement", approve) == "PERMISSION_DENIED"
    other = ds.ApproveDisbursementRequest(disbursement_id=made.disbursement_id, sha256="0" * 64)
    assert await village.api.code(OPERATOR, "ApproveDisbursement", other) == "INVALID_ARGUMENT"
    first = await village.api(OFFICER, "ApproveDisbursement", approve)
    assert first.disbursement.approved_by == OFFICER.sub
    assert await village.api(OFFICER, "ApproveDisbursement", approve) == first
    assert await village.api.code(OPERATOR, "ApproveDisbursement", approve) == "WRONG_STATE"


async def test_the_same_file_is_noticed_and_paid_again_only_where_that_is_said(village: Village) -> None:
    await village.villager("0911111111")
    first = await village.approved(FILE)
    with pytest.raises(Exception, match=first):
        await village.submitted(FILE)
    assert (await village.submitted(FILE, again=True)).state == ds.DISBURSEMENT_STATE_CHECKED


async def test_only_its_owner_makes_one_and_strangers_see_none(village: Village) -> None:
    stranger = person("shopper")
    create = ds.CreateDisbursementRequest(organisation_id=village.org, request_id=new_key(), title="x")
    for who in (stranger, Person(OPERATOR.sub, ("operator", "shopper"))):
        assert await village.api.code(who, "CreateDisbursement", create) == "ACCOUNT_NOT_FOUND"
    made = (await village.api(village.owner, "CreateDisbursement", create)).disbursement
    assert (await village.api(village.owner, "CreateDisbursement", create)).disbursement == made
    create.title = "y"
    assert await village.api.code(village.owner, "CreateDisbursement", create) == "ALREADY_EXISTS"
    get = ds.GetDisbursementRequest(disbursement_id=made.disbursement_id)
    assert await village.api.code(stranger, "GetDisbursement", get) == "NOT_FOUND"
    upload = ds.UploadPartRequest(disbursement_id=made.disbursement_id, number=1, content=b"x")
    assert await village.api.code(stranger, "UploadPart", upload) == "NOT_FOUND"
    for wrong in ({"number": 0}, {"number": 41}, {"content": b""}, {"content": b"x" * 40_001}):
        upload = ds.UploadPartRequest(
            **{"disbursement_id": made.disbursement_id, "number": 1, "content": b"x", **wrong}
        )
        assert await village.api.code(village.owner, "UploadPart", upload) == "INVALID_ARGUMENT"
    submit = ds.SubmitDisbursementRequest(disbursement_id=made.disbursement_id, parts=1, sha256="0" * 64)
    assert await village.api.code(village.owner, "SubmitDisbursement", submit) == "INVALID_ARGUMENT"
    cancel = ds.CancelDisbursementRequest(disbursement_id=made.disbursement_id)
    for _ in range(2):
        over = (await village.api(village.owner, "CancelDisbursement", cancel)).disbursement
        assert over.state == ds.DISBURSEMENT_STATE_CANCELLED
    upload = ds.UploadPartRequest(disbursement_id=made.disbursement_id, number=1, content=b"x")
    assert await village.api.code(village.owner, "UploadPart", upload) == "WRONG_STATE"


async def test_without_money_it_pauses_and_goes_on_where_it_stopped_once_there_is_some(
    api: Api, documents: None
) -> None:
    village = await Village(api).found(150_000)
    for number in range(1, 5):
        await village.villager(f"09{number:08d}")
    rows = "".join(f"09{number:08d},100000\n" for number in range(1, 5))
    disbursement_id = await village.approved("phone,amount\n" + rows)
    village.payer().tick()
    paused = await village.now(disbursement_id)
    assert (paused.state, paused.code, paused.paid) == (ds.DISBURSEMENT_STATE_PAUSED, "INSUFFICIENT_FUNDS", 1)
    resume = ds.ResumeDisbursementRequest(disbursement_id=disbursement_id)
    await village.fund(250_000)
    await api(village.owner, "ResumeDisbursement", resume)
    village.payer().tick()
    assert sorted((await village.paid()).values()) == [100_000] * 4
    assert (await village.now(disbursement_id)).state == ds.DISBURSEMENT_STATE_DONE
    assert await api.code(village.owner, "ResumeDisbursement", resume) == "WRONG_STATE"


async def test_a_stopped_organisation_pays_nobody_and_spends_no_key(village: Village) -> None:
    await village.villager("0911111111")
    disbursement_id = await village.approved(FILE)
    await village.api.bench.ledger.set_state(village.org, "frozen", acts.OPERATOR)
    village.payer().tick()
    assert (await village.now(disbursement_id)).code == "ACCOUNT_FROZEN"
    resume = ds.ResumeDisbursementRequest(disbursement_id=disbursement_id)
    assert await village.api.code(village.owner, "ResumeDisbursement", resume) == "ACCOUNT_FROZEN"
    await village.api.bench.ledger.set_state(village.org, "open", acts.OPERATOR)
    await village.api(village.owner, "ResumeDisbursement", resume)
    village.payer().tick()
    assert (await village.paid())["0911111111"] == 100_000


async def test_a_line_that_is_refused_has_its_reason_and_the_others_are_paid(village: Village) -> None:
    await village.villager("0911111111")
    await village.villager("0922222222", "VNPT")  # VNPT has put nothing into its reserve
    disbursement_id = await village.approved(FILE)
    village.payer().tick()
    done = await village.now(disbursement_id)
    assert (done.state, done.paid, done.refused) == (ds.DISBURSEMENT_STATE_DONE, 1, 1)
    (refused,) = await village.lines(disbursement_id, state=ds.LINE_STATE_REFUSED)
    assert (refused.number, refused.code) == (3, "GUARANTEE_SHORT")


class Killed(BaseException):
    """The process died here."""


def dying(after: int, before: bool) -> type[SyncLedger]:
    """A ledger whose process dies at its `after`-th posting: before it was sent, or before its answer was heard."""
    calls = [0]

    class Dying(SyncLedger):
        def post(self, order: Any) -> Any:
            calls[0] += 1
            if before and calls[0] == after:
                raise Killed
            posted = super().post(order)
            if calls[0] == after:
                raise Killed
            return posted

    return Dying


@pytest.mark.parametrize("before", [True, False])
async def test_killed_at_any_line_everybody_is_paid_once(village: Village, before: bool, monkeypatch: Any) -> None:
    monkeypatch.setattr(rules, "CHUNK_LINES", 3)
    monkeypatch.setattr(store, "CHUNK_LINES", 3)
    for number in range(1, 8):
        await village.villager(f"09{number:08d}")
    rows = "".join(f"09{number:08d},{number * 1000}\n" for number in range(1, 8))
    disbursement_id = await village.approved("phone,amount\n" + rows)
    saved = store.put_chunk
    for after in (1, 2, 3, 4, 5, 2, 1):
        # The chunk that the process would have written at its end was not.
        monkeypatch.setattr(store, "put_chunk", lambda *_: None if after % 2 else saved(*_))  # noqa: B023
        with suppress(Killed):
            village.payer(dying(after, before)).tick()
        monkeypatch.setattr(store, "put_chunk", saved)
    village.payer().tick()
    assert await village.paid() == {f"09{number:08d}": number * 1000 for number in range(1, 8)}
    done = await village.now(disbursement_id)
    assert (done.state, done.paid, done.paid_amount) == (ds.DISBURSEMENT_STATE_DONE, 7, 28_000)


@pytest.mark.parametrize("error", [OutcomeUnknown, LedgerFenced, ClockSkew])
async def test_a_ledger_that_takes_no_calls_delays_and_refuses_nobody(village: Village, error: Any) -> None:
    await village.villager("0911111111")
    disbursement_id = await village.approved(FILE)

    class Fenced(SyncLedger):
        def post(self, order: Any) -> Any:
            super().post(order)
            raise error("later")

    village.payer(Fenced).tick()
    assert (await village.now(disbursement_id)).state == ds.DISBURSEMENT_STATE_RUNNING
    village.payer().tick()
    assert (await village.paid())["0911111111"] == 100_000


@pytest.mark.parametrize("error", [Contention("somebody was faster"), RuntimeError("broken")])
async def test_a_disbursement_that_cannot_be_paid_keeps_no_other_waiting(
    village: Village, error: Exception, monkeypatch: Any
) -> None:
    await village.villager("0911111111")
    *bad, good = [await village.approved(f"phone,amount,reference\n0911111111,1000,HS{n}\n") for n in range(12)]
    difference = store.difference

    def fails(found: rules.Disbursement) -> str:
        if found.id in bad:
            raise error
        return difference(found)

    monkeypatch.setattr(store, "difference", fails)
    # To the screen, a test's log writes each traceback for half a second.
    monkeypatch.setattr(disburse, "TICK_S_MAX", 60.0)
    village.payer().tick()
    assert await village.paid() == {"0911111111": 1000}
    assert (await village.now(good)).state == ds.DISBURSEMENT_STATE_DONE
    assert (await village.now(bad[0])).state == ds.DISBURSEMENT_STATE_RUNNING


async def test_what_was_not_paid_in_six_days_never_is_and_what_was_is_known(village: Village) -> None:
    await village.villager("0911111111")
    await village.villager("0922222222")
    disbursement_id = await village.approved(FILE)
    with pytest.raises(Killed):
        village.payer(dying(1, before=False)).tick()
    found = store.load(disbursement_id)
    assert found is not None
    store.put_chunk(found, 0, [  # as if the process had died before it noted the first line
        rules.line_of(line.fields() | {"state": "waiting", "transfer_id": ""})
        for line in store.chunk(found, 0)
    ])  # fmt: skip
    village.payer(now=lambda: now_ms() + rules.RUN_MS_MAX + 60_000).tick()
    lines = await village.lines(disbursement_id)
    assert [(line.state, line.code) for line in lines] == [
        (ds.LINE_STATE_PAID, ""), (ds.LINE_STATE_REFUSED, "KEY_EXPIRED"),
    ]  # fmt: skip
    assert (await village.paid()) == {"0911111111": 100_000, "0922222222": 0}


async def test_two_who_change_one_at_once_do_not_undo_each_other(village: Village) -> None:
    await village.villager("0911111111")
    made = await village.submitted(FILE)
    found = store.load(made.disbursement_id)
    assert found is not None
    cancel = ds.CancelDisbursementRequest(disbursement_id=made.disbursement_id)
    await village.api(village.owner, "CancelDisbursement", cancel)
    with pytest.raises(Exception, match="somebody else"):
        store.save(found)
    after = store.load(made.disbursement_id)
    assert after is not None
    assert after.state is State.CANCELLED


async def test_no_telephone_number_stays_where_a_file_was(village: Village) -> None:
    await village.villager("0911111111")
    made = await village.submitted(FILE)
    kept = [str(kind._get_collection().find_one()) for kind in store.DOCUMENTS]
    assert not any("911111111" in text for text in kept)
    assert store.DisbursementPart.objects(id=f"{made.disbursement_id}:1").first() is None


# What is approved is what is paid ---------------------------------------------------------------------------------

SMALL = "phone,amount\n0911111111,1000\n"


class Held:
    """Keeps the first file that is judged from going on, until `go`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here, self.go, self.calls = asyncio.Event(), asyncio.Event(), 0
        judged = DisbursementServicer._judged

        async def slow(servicer: Any, *args: Any) -> Any:
            self.calls += 1
            first, lines = self.calls == 1, await judged(servicer, *args)
            if first:
                self.here.set()
                await self.go.wait()
            return lines

        monkeypatch.setattr(DisbursementServicer, "_judged", slow)

    async def over(self, submitting: asyncio.Task[Any]) -> None:
        """Lets it go on; it hears that somebody was faster."""
        self.go.set()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await submitting
        assert error_code(refused.value) == "CONTENTION"


@pytest.mark.parametrize("approved_first", [False, True])
@pytest.mark.parametrize("paid_first", [False, True])
async def test_a_file_that_was_still_being_judged_changes_nothing_of_the_one_that_is_approved(
    village: Village, monkeypatch: pytest.MonkeyPatch, approved_first: bool, paid_first: bool
) -> None:
    await village.villager("0911111111")
    await village.villager("0922222222")
    held, disbursement_id = Held(monkeypatch), await village.draft()
    submitting = asyncio.create_task(village.submit(disbursement_id, FILE))
    await held.here.wait()
    made = await village.submit(disbursement_id, SMALL)
    assert (made.lines, made.total) == (1, 1_000)
    if approved_first or paid_first:
        await village.approve(made)
    if paid_first:
        village.payer().tick()
    await held.over(submitting)
    if not (approved_first or paid_first):
        await village.approve(made)
    village.payer().tick()
    assert await village.paid() == {"0911111111": 1_000, "0922222222": 0}
    done = await village.now(disbursement_id)
    assert (done.state, done.paid, done.paid_amount) == (ds.DISBURSEMENT_STATE_DONE, 1, 1_000)
    (line,) = await village.lines(disbursement_id)
    assert (line.state, line.amount) == (ds.LINE_STATE_PAID, 1_000)
    assert store.DisbursementChunk.objects.count() == 1, "who was slower leaves nothing"


async def test_the_same_file_judged_twice_at_once_is_paid_as_it_was_approved(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    await village.villager("0911111111")
    held, disbursement_id = Held(monkeypatch), await village.draft()
    submitting = asyncio.create_task(village.submit(disbursement_id, FILE))
    await held.here.wait()
    await village.villager("0922222222")  # the first found nobody there
    made = await village.submit(disbursement_id, FILE)
    assert (made.bad, made.total) == (0, 300_000)
    await village.approve(made)
    village.payer().tick()
    await held.over(submitting)
    assert [line.state for line in await village.lines(disbursement_id)] == [ds.LINE_STATE_PAID] * 2
    assert (await village.now(disbursement_id)).paid_amount == 300_000


async def test_lines_that_were_paid_stay_so_where_the_same_was_still_being_submitted(
    village: Village, monkeypatch: pytest.MonkeyPatch
) -> None:
    await village.villager("0911111111")
    await village.villager("0922222222")
    held, disbursement_id = Held(monkeypatch), await village.draft()
    submitting = asyncio.create_task(village.submit(disbursement_id, FILE))
    await held.here.wait()
    await village.approve(await village.submit(disbursement_id, FILE))
    village.payer().tick()
    await held.over(submitting)
    assert [line.state for line in await village.lines(disbursement_id)] == [ds.LINE_STATE_PAID] * 2


@pytest.mark.parametrize("where", ["put_lines", "save"])
async def test_a_file_whose_submitting_died_is_submitted_again_and_paid_once(
    village: Village, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setattr(store, "CHUNK_LINES", 1)
    await village.villager("0911111111")
    await village.villager("0922222222")
    disbursement_id, put_lines = await village.draft(), store.put_lines

    def dies(submitted: store.Disbursement, *lines: Any) -> None:
        if where == "put_lines":
            put_lines(replace(submitted, lines=1), *lines)  # the first chunk of two
        raise AutoReconnect

    with monkeypatch.context() as broken:
        broken.setattr(store, where, dies)
        with pytest.raises(grpc.aio.AioRpcError):
            await village.submit(disbursement_id, FILE)
    assert (await village.now(disbursement_id)).state == ds.DISBURSEMENT_STATE_DRAFT
    await village.approve(await village.submit(disbursement_id, FILE))
    for _ in range(2):
        village.payer().tick()
    assert await village.paid() == {"0911111111": 100_000, "0922222222": 200_000}
    assert store.DisbursementChunk.objects.count() == 2


async def test_a_part_that_comes_after_the_file_was_read_changes_nothing(village: Village) -> None:
    await village.villager("0911111111")
    made = await village.submitted(SMALL)
    upload = ds.UploadPartRequest(disbursement_id=made.disbursement_id, number=1, content=FILE.encode())
    assert await village.api.code(village.owner, "UploadPart", upload) == "WRONG_STATE"
    store.put_part(made.disbursement_id, 1, FILE.encode())  # it was on its way
    disbursement_id = await village.approve(made)
    store.put_part(made.disbursement_id, 1, FILE.encode())
    assert await village.api.code(village.owner, "UploadPart", upload) == "WRONG_STATE"
    village.payer().tick()
    assert await village.paid() == {"0911111111": 1_000}
    assert (await village.now(disbursement_id)).state == ds.DISBURSEMENT_STATE_DONE


def another_amount(lines: list[dict[str, Any]]) -> None:
    lines[0]["amount"] += 1


def one_more(lines: list[dict[str, Any]]) -> None:
    lines.append(lines[0] | {"number": 9})


def another_wallet(lines: list[dict[str, Any]]) -> None:
    lines[0]["to"], lines[1]["to"] = lines[1]["to"], lines[0]["to"]


def none_left(lines: list[dict[str, Any]]) -> None:
    lines.clear()


@pytest.mark.parametrize("tamper", [another_amount, one_more, another_wallet, none_left])
@pytest.mark.parametrize("last", [False, True])
async def test_of_lines_that_are_not_those_approved_none_is_paid_and_it_is_told(
    village: Village, tamper: Any, last: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "CHUNK_LINES", 2)
    for number in range(1, 5):
        await village.villager(f"09{number:08d}")
    rows = "".join(f"09{number:08d},{number * 1000}\n" for number in range(1, 5))
    disbursement_id = await village.approved("phone,amount\n" + rows)
    chunk = store.DisbursementChunk.objects.order_by("-id" if last else "id").first()
    lines = json.loads(chunk.lines)
    tamper(lines)
    chunk.update(set__lines=json.dumps(lines))
    resume = ds.ResumeDisbursementRequest(disbursement_id=disbursement_id)
    for _ in range(2):
        village.payer().tick()
        paused = await village.now(disbursement_id)
        assert (paused.state, paused.code, paused.paid) == (ds.DISBURSEMENT_STATE_PAUSED, "LINES_CHANGED", 0)
        assert not any((await village.paid()).values())
        await village.api(village.owner, "ResumeDisbursement", resume)


@pytest.mark.parametrize("broken", [None, "[", "[{}]", "[1]"])
async def test_lines_that_are_gone_or_cannot_be_read_keep_no_other_disbursement_waiting(
    village: Village, broken: str | None
) -> None:
    await village.villager("0911111111")
    disbursement_id = await village.approved(FILE)
    if broken is None:
        store.DisbursementChunk.objects.delete()
    else:
        store.DisbursementChunk.objects.update(set__lines=broken)
    other = await village.approved(SMALL)
    village.payer().tick()
    paused = await village.now(disbursement_id)
    assert (paused.state, paused.code) == (ds.DISBURSEMENT_STATE_PAUSED, "LINES_CHANGED")
    assert (await village.now(other)).state == ds.DISBURSEMENT_STATE_DONE
    assert await village.paid() == {"0911111111": 1_000}


def as_earlier_code_stored_it(disbursement_id: str) -> None:
    """Lines under the disbursement and the chunk's number alone; the head names none of them."""
    for number, chunk in enumerate(store.DisbursementChunk.objects.order_by("id")):
        store.DisbursementChunk(id=f"{disbursement_id}:{number}", lines=chunk.lines).save(force_insert=True)
        chunk.delete()
    store.DisbursementDocument.objects(id=disbursement_id).update_one(unset__digest=1)


@pytest.mark.parametrize("tampered", [False, True])
async def test_what_earlier_code_stored_is_paid_where_its_figures_are_those_approved(
    village: Village, tampered: bool
) -> None:
    await village.villager("0911111111")
    await village.villager("0922222222")
    disbursement_id = await village.approved(FILE)
    as_earlier_code_stored_it(disbursement_id)
    assert [line.amount for line in await village.lines(disbursement_id)] == [100_000, 200_000]
    if tampered:
        (chunk,) = store.DisbursementChunk.objects
        chunk.update(set__lines=chunk.lines.replace("200000", "200001"))
    village.payer().tick()
    now = await village.now(disbursement_id)
    assert (now.state, now.code, now.paid_amount) == (
        (ds.DISBURSEMENT_STATE_PAUSED, "LINES_CHANGED", 0) if tampered else (ds.DISBURSEMENT_STATE_DONE, "", 300_000)
    )


async def test_lines_that_earlier_code_left_are_never_taken_for_those_of_a_head_that_names_its_own(
    village: Village,
) -> None:
    await village.villager("0911111111")
    disbursement_id = await village.approved(SMALL)
    (chunk,) = store.DisbursementChunk.objects
    store.DisbursementChunk(id=f"{disbursement_id}:0", lines=chunk.lines).save(force_insert=True)
    chunk.delete()
    village.payer().tick()
    assert (await village.now(disbursement_id)).code == "LINES_CHANGED"
    assert await village.paid() == {"0911111111": 0}


async def test_one_that_was_compared_is_compared_again_after_it_was_paused(village: Village) -> None:
    await village.villager("0911111111")
    disbursement_id = await village.approved(SMALL)
    await village.api.bench.ledger.set_state(village.org, "frozen", acts.OPERATOR)
    payer = village.payer()
    payer.tick()
    assert (await village.now(disbursement_id)).code == "ACCOUNT_FROZEN"
    (chunk,) = store.DisbursementChunk.objects
    chunk.update(set__lines=chunk.lines.replace("1000", "1001"))
    await village.api.bench.ledger.set_state(village.org, "open", acts.OPERATOR)
    await village.api(
        village.owner, "ResumeDisbursement", ds.ResumeDisbursementRequest(disbursement_id=disbursement_id)
    )
    payer.tick()
    assert (await village.now(disbursement_id)).code == "LINES_CHANGED"
    assert await village.paid() == {"0911111111": 0}
