"""Paying many from a file: read strictly, approved by a second person, each line paid once whatever dies when."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import UserChanged
from cho.payments.v1 import disbursements_pb2 as ds
from cho.payments.v1 import organisations_pb2 as og

from kit.clock import now, now_ms
from kit.crypto import phone_index
from kit.errors import ClockSkew, LedgerFenced, OutcomeUnknown
from kit.ids import new_id, new_key
from kit.streams.event import Event
from kit.streams.lease import Lease
from services.payments import disbursement as rules
from services.payments.disburse import Payer
from services.payments.disbursement import State
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

    async def submitted(self, content: str, **more: Any) -> ds.Disbursement:
        file = content.encode()
        request = ds.CreateDisbursementRequest(organisation_id=self.org, request_id=new_key(), title="Trợ cấp tháng 11")
        made = (await self.api(self.owner, "CreateDisbursement", request)).disbursement
        parts = [file[at : at + 1_000] for at in range(0, len(file), 1_000)]
        for number, part in enumerate(parts, 1):
            upload = ds.UploadPartRequest(disbursement_id=made.disbursement_id, number=number, content=part)
            await self.api(self.owner, "UploadPart", upload)
        submit = ds.SubmitDisbursementRequest(
            disbursement_id=made.disbursement_id, parts=len(parts), sha256=hashlib.sha256(file).hexdigest(), **more
        )
        return (await self.api(self.owner, "SubmitDisbursement", submit)).disbursement  # type: ignore[no-any-return]

    async def approved(self, content: str) -> str:
        made = await self.submitted(content)
        approve = ds.ApproveDisbursementRequest(disbursement_id=made.disbursement_id, sha256=made.sha256)
        await self.api(OPERATOR, "ApproveDisbursement", approve)
        return str(made.disbursement_id)

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


async def test_what_was_not_paid_in_six_days_never_is_and_what_was_is_known(village: Village) -> None:
    await village.villager("0911111111")
    await village.villager("0922222222")
    disbursement_id = await village.approved(FILE)
    with pytest.raises(Killed):
        village.payer(dying(1, before=False)).tick()
    found = store.load(disbursement_id)
    assert found is not None
    store.put_chunk(disbursement_id, 0, [  # as if the process had died before it noted the first line
        rules.line_of(line.fields() | {"state": "waiting", "transfer_id": ""})
        for line in store.chunk(disbursement_id, 0)
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
