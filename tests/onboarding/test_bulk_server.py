"""Imports and assisted onboarding through a real gRPC channel, with claims as the gateway sends them."""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import grpc
import openpyxl
import pytest
import redis
from cho.onboarding.v1 import assist_pb2, bulk_pb2, drafts_pb2
from google.protobuf.message_factory import GetMessageClass

from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.streams.lease import Lease
from services.onboarding import store
from services.onboarding.assist import store as assist
from services.onboarding.bulk import store as imports
from services.onboarding.bulk import work
from services.onboarding.bulk.job import DRAFTS_MAX, OPEN_MAX, PARTS_MAX
from services.onboarding.bulk.server import WATCHERS_MAX
from services.onboarding.form import Form
from tests.onboarding.bulk_market import row, sheet
from tests.onboarding.conftest import MARKET

SERVICES = {
    "bulk": bulk_pb2.DESCRIPTOR.services_by_name["BulkService"],
    "assist": assist_pb2.DESCRIPTOR.services_by_name["AssistService"],
    "drafts": drafts_pb2.DESCRIPTOR.services_by_name["DraftService"],
}
METHODS = {method.name: (service, method) for service in SERVICES.values() for method in service.methods}


class Client:
    """Calls RPCs by name, as somebody."""

    def __init__(self, channel: grpc.Channel, sub: str, *roles: str) -> None:
        self.channel, self.sub = channel, sub
        self._claims = (("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)), ("x-cho-ins", ""))

    def __call__(self, name: str, /, *, headers: tuple[tuple[str, str], ...] = (), **fields: Any) -> Any:
        service, method = METHODS[name]
        request, reply = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
        kind = self.channel.unary_stream if method.server_streaming else self.channel.unary_unary
        call = kind(f"/{service.full_name}/{name}", request.SerializeToString, reply.FromString)
        edge = (("x-cho-edge", settings().edge_secret), ("x-request-id", "test"))
        return call(request(**fields), metadata=(*self._claims, *edge, *headers), timeout=20)

    def refused(self, name: str, /, **fields: Any) -> str:
        """The stable code that the call fails with."""
        with pytest.raises(grpc.RpcError) as failed:
            list(self(name, **fields))
        return error_code(failed.value)


@pytest.fixture(autouse=True)
def _empty(database: None) -> None:
    for document in (*imports.DOCUMENTS, *assist.DOCUMENTS):
        document.objects.delete()


@pytest.fixture
def team(channel: grpc.Channel) -> Client:
    return Client(channel, new_id("usr"), "team")


@pytest.fixture
def manager(channel: grpc.Channel) -> Client:
    return Client(channel, new_id("usr"), "market_manager")


@pytest.fixture
def work_on(valkey: str) -> Iterator[Any]:
    """What the worker does, when it is told to."""
    with closing(redis.Redis.from_url(valkey)) as client:
        clerk = work.Clerk(Lease(client, work.LEASE), store.markets)
        yield clerk.tick


def uploaded(client: Client, content: bytes, part: int = 500_000) -> str:
    made = getattr(client("CreateImport", request_id=new_key(), file_name="cho-thai.csv"), "import")
    parts = [content[at : at + part] for at in range(0, len(content), part)]
    for number, piece in enumerate(parts, 1):
        client("UploadImportPart", import_id=made.import_id, number=number, content=piece)
    sha256 = hashlib.sha256(content).hexdigest()
    client("CheckImport", import_id=made.import_id, parts=len(parts), sha256=sha256)
    return str(made.import_id)


def import_of(client: Client, import_id: str) -> Any:
    return getattr(client("GetImport", import_id=import_id), "import")


def download(client: Client, import_id: str, chosen: str = "") -> bytes:
    return b"".join(piece.data for piece in client("DownloadImportResult", import_id=import_id, format=chosen))


def test_a_market_is_brought_in_from_a_file_and_the_result_says_what_became_of_each_row(
    team: Client, manager: Client, work_on: Any
) -> None:
    import_id = uploaded(team, sheet(row(0), row(1, phone="12", name="=1+1"), row(2)), part=300)
    assert import_of(team, import_id).state == bulk_pb2.IMPORT_STATE_CHECKING
    work_on()
    found = import_of(team, import_id)
    assert (found.state, found.rows, found.good, found.bad) == (bulk_pb2.IMPORT_STATE_CHECKED, 3, 2, 1)
    page = team("ListImportRows", import_id=import_id, state=bulk_pb2.ROW_STATE_BAD)
    (bad,) = page.rows
    assert [(p.column, p.code, p.note) for p in bad.problems] == [
        ("Tên cửa hàng", "CELL_FORMULA", False),
        ("Số điện thoại", "PHONE_FORM", False),
    ]
    assert all(p.vi and p.en for p in bad.problems)
    started = getattr(team("StartImport", import_id=import_id), "import")
    assert started.state == bulk_pb2.IMPORT_STATE_RUNNING
    work_on()
    done = import_of(team, import_id)
    assert (done.state, done.submitted, done.done) == (bulk_pb2.IMPORT_STATE_DONE, 2, 3)
    assert getattr(team("StartImport", import_id=import_id), "import") == done
    page_ = openpyxl.load_workbook(io.BytesIO(download(team, import_id))).active
    assert [line[-3].value for line in page_.iter_rows(min_row=2)] == [
        "Đã nạp, chờ duyệt", "Không hợp lệ", "Đã nạp, chờ duyệt",
    ]  # fmt: skip
    text = download(team, import_id, "csv").decode("utf-8-sig")
    assert "Không hợp lệ" in text
    assert "'=1+1" in text
    merchant_id = page_.cell(row=2, column=page_.max_column).value
    assert store.merchant(merchant_id).registered_by == team.sub
    assert [one.import_id for one in team("ListImports").imports] == [import_id]


def test_rows_come_in_pages_without_what_they_say_of_people(team: Client, work_on: Any) -> None:
    import_id = uploaded(team, sheet(*(row(number) for number in range(5))))
    work_on()
    first = team("ListImportRows", import_id=import_id, limit=2)
    second = team("ListImportRows", import_id=import_id, limit=3, after=first.rows[-1].number)
    assert [one.number for one in (*first.rows, *second.rows)] == [2, 3, 4, 5, 6]
    assert (first.more, second.more) == (True, False)
    assert "Nguyễn" not in str(first)
    assert team.refused("ListImportRows", import_id=import_id, limit=201) == "INVALID_ARGUMENT"
    assert team.refused("ListImportRows", import_id=import_id, state=99) == "INVALID_ARGUMENT"


def test_an_import_is_its_makers_and_operators_may_look_but_not_read_people(
    channel: grpc.Channel, team: Client, work_on: Any
) -> None:
    import_id = uploaded(team, sheet(row(0)))
    work_on()
    stranger, operator = Client(channel, new_id("usr"), "team"), Client(channel, new_id("usr"), "operator")
    for name in ("GetImport", "StartImport", "CancelImport", "ListImportRows", "DownloadImportResult", "WatchImport"):
        assert stranger.refused(name, import_id=import_id) == "NOT_FOUND", name
    assert import_of(operator, import_id).rows == 1
    assert operator.refused("DownloadImportResult", import_id=import_id) == "NOT_FOUND"
    assert operator.refused("StartImport", import_id=import_id) == "NOT_FOUND"


def test_the_same_request_is_the_same_import_and_another_one_under_it_is_refused(team: Client, manager: Client) -> None:
    key = new_key()
    first = team("CreateImport", request_id=key, file_name="a.csv")
    assert team("CreateImport", request_id=key, file_name="a.csv") == first
    assert team.refused("CreateImport", request_id=key, file_name="b.csv") == "IDEMPOTENCY_CONFLICT"
    assert manager.refused("CreateImport", request_id=key, file_name="a.csv") == "IDEMPOTENCY_CONFLICT"
    assert team.refused("CreateImport", request_id="x", file_name="a.csv") == "INVALID_ARGUMENT"
    assert team.refused("CreateImport", request_id=new_key(), file_name="\x07") == "INVALID_ARGUMENT"


def test_a_file_that_did_not_arrive_as_it_was_is_not_checked(team: Client) -> None:
    made = getattr(team("CreateImport", request_id=new_key(), file_name="a.csv"), "import")
    content = sheet(row(0))
    sha256 = hashlib.sha256(content).hexdigest()
    ask = {"import_id": made.import_id, "sha256": sha256}
    assert team.refused("CheckImport", **ask, parts=1) == "SHEET_INVALID"
    team("UploadImportPart", import_id=made.import_id, number=1, content=content[:-1])
    assert team.refused("CheckImport", **ask, parts=1) == "SHEET_INVALID"
    assert team.refused("CheckImport", **ask, parts=PARTS_MAX + 1) == "INVALID_ARGUMENT"
    assert team.refused("CheckImport", import_id=made.import_id, sha256="x", parts=1) == "INVALID_ARGUMENT"
    for bad in ({"number": 0}, {"number": PARTS_MAX + 1}, {"content": b""}, {"content": b"x" * 500_001}):
        part = {"import_id": made.import_id, "number": 1, "content": b"x"} | bad
        assert team.refused("UploadImportPart", **part) == "INVALID_ARGUMENT"
    team("UploadImportPart", import_id=made.import_id, number=1, content=content)
    first = team("CheckImport", **ask, parts=1)
    assert team("CheckImport", **ask, parts=1) == first
    assert team.refused("UploadImportPart", import_id=made.import_id, number=1, content=content) == "WRONG_STATE"
    assert team.refused("StartImport", import_id=made.import_id) == "WRONG_STATE"
    assert team.refused("DownloadImportResult", import_id=made.import_id) == "WRONG_STATE"


def test_somebody_who_sends_too_many_at_once_waits(team: Client) -> None:
    for number in range(OPEN_MAX):
        uploaded(team, sheet(row(number)))
    with pytest.raises(grpc.RpcError) as failed:
        uploaded(team, sheet(row(99)))
    assert error_code(failed.value) == "TOO_MANY_OPEN"


def test_somebody_who_begins_and_never_ends_is_stopped(team: Client) -> None:
    keys = [new_key() for _ in range(DRAFTS_MAX)]
    for key in keys:
        team("CreateImport", request_id=key, file_name="a.csv")
    assert team.refused("CreateImport", request_id=new_key(), file_name="a.csv") == "TOO_MANY_OPEN"
    first = getattr(team("CreateImport", request_id=keys[0], file_name="a.csv"), "import")
    team("CancelImport", import_id=first.import_id)
    team("CreateImport", request_id=new_key(), file_name="a.csv")


def test_an_import_is_given_up_and_its_file_forgotten(team: Client, work_on: Any) -> None:
    import_id = uploaded(team, sheet(row(0)))
    cancelled = getattr(team("CancelImport", import_id=import_id), "import")
    assert cancelled.state == bulk_pb2.IMPORT_STATE_CANCELLED
    assert getattr(team("CancelImport", import_id=import_id), "import") == cancelled
    work_on()
    assert import_of(team, import_id) == cancelled
    assert imports.ImportPart.objects.first() is None


def test_progress_is_told_as_it_happens_and_resumed_where_it_was_lost(team: Client, work_on: Any) -> None:
    import_id = uploaded(team, sheet(row(0)))
    worker = threading.Timer(0.3, work_on)
    worker.start()
    text = b"".join(one.data for one in team("WatchImport", import_id=import_id)).decode()
    worker.join()
    told = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    assert [one["state"] for one in told][-1] == "IMPORT_STATE_CHECKED"
    last = re.findall(r"^id: (\d+)$", text, re.MULTILINE)[-1]
    assert list(team("WatchImport", import_id=import_id, headers=(("last-event-id", last),))) == []
    assert "event: progress" in text
    with pytest.raises(grpc.RpcError) as failed:
        list(team("WatchImport", import_id=import_id, headers=(("last-event-id", "x"),)))
    assert error_code(failed.value) == "INVALID_ARGUMENT"


def test_watchers_leave_threads_for_the_others(team: Client) -> None:
    import_id = uploaded(team, sheet(row(0)))
    watching = [team("WatchImport", import_id=import_id) for _ in range(WATCHERS_MAX)]
    assert all(next(iter(one)).data for one in watching)
    assert team.refused("WatchImport", import_id=import_id) == "OVERLOADED"
    for one in watching:
        one.cancel()


def test_the_template_is_a_workbook(team: Client) -> None:
    body = team("GetImportTemplate")
    assert openpyxl.load_workbook(io.BytesIO(body.data)).sheetnames == ["Danh sách", "Hướng dẫn"]


# Assisted


def message_of(form: Form) -> Any:
    names = [f.name for f in drafts_pb2.Form.DESCRIPTOR.fields if f.name not in ("settlement_account", "documents")]
    message = drafts_pb2.Form(**{name: getattr(form, name) for name in names})
    message.settlement_account.bank_bin = form.bank_bin
    message.settlement_account.account_number = form.account_number
    message.settlement_account.account_name = form.account_name
    return message


@pytest.fixture
def sms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The vendor's phone: the file that stands for it where CHO_ENV=local."""
    monkeypatch.setattr(settings(), "home", tmp_path)
    return tmp_path / "sms.jsonl"


def test_a_team_member_hands_in_what_the_vendor_confirmed_and_nothing_else(
    team: Client, registration: Form, sms: Path
) -> None:
    (synced,) = team("SyncDrafts", drafts=[{"form": message_of(registration)}]).drafts
    assert (synced.outcome, synced.version) == (assist_pb2.SYNC_OUTCOME_SAVED, 1)
    merchant_id = synced.merchant_id
    assert team.refused("SubmitMerchant", merchant_id=merchant_id) == "CONFIRMATION_NEEDED"
    asked = team("RequestConfirmation", merchant_id=merchant_id).confirmation
    assert (asked.code_sent, asked.confirmed, asked.tries_left) == (True, False, 5)
    code = json.loads(sms.read_text().splitlines()[-1])["text"][:6]
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    assert team.refused("ConfirmDraft", merchant_id=merchant_id, code=wrong) == "CONFIRMATION_WRONG"
    assert team("GetConfirmation", merchant_id=merchant_id).confirmation.tries_left == 4
    assert team("ConfirmDraft", merchant_id=merchant_id, code=code).confirmation.confirmed
    assert team.refused("ConfirmDraft", merchant_id=merchant_id, code=code) == "CODE_USED"
    assert team("SubmitMerchant", merchant_id=merchant_id).merchant.version == 2


def test_a_market_manager_hands_in_what_they_have_on_paper(manager: Client, registration: Form) -> None:
    (synced,) = manager("SyncDrafts", drafts=[{"form": message_of(registration)}]).drafts
    assert manager("SubmitMerchant", merchant_id=synced.merchant_id).merchant.merchant_id == synced.merchant_id


def test_a_conflict_is_told_in_both_languages_with_who_and_since_when(
    channel: grpc.Channel, team: Client, registration: Form
) -> None:
    other = Client(channel, new_id("usr"), "team")
    team("SyncDrafts", drafts=[{"form": message_of(registration)}])
    theirs = message_of(registration)
    theirs.request_id = new_key()
    broken = drafts_pb2.Form(request_id="x")
    taken, refused = other("SyncDrafts", drafts=[{"form": theirs}, {"form": broken}]).drafts
    assert (taken.outcome, taken.code, taken.by) == (assist_pb2.SYNC_OUTCOME_CONFLICT, "VENDOR_TAKEN", team.sub)
    assert taken.since.ToMilliseconds() > 0
    assert taken.vi
    assert taken.en
    assert (refused.outcome, refused.code) == (assist_pb2.SYNC_OUTCOME_REFUSED, "INVALID_ARGUMENT")
    assert team.refused("SyncDrafts") == "INVALID_ARGUMENT"


def test_figures_of_a_team_and_of_a_commune(
    channel: grpc.Channel, team: Client, manager: Client, registration: Form
) -> None:
    team("SyncDrafts", drafts=[{"form": message_of(registration)}])
    mate = new_id("usr")
    members = [team.sub, mate]
    asked: dict[str, Any] = {
        "team_id": new_id("tea"),
        "name": "Tổ số xóm Soi Vàng",
        "ward_code": MARKET.ward_code,
        "members": members,
    }
    own = team("GetTeamProgress")
    assert (own.team.team_id, own.total.draft) == ("", 1)
    made = manager("PutTeam", **asked).team
    assert made.version == 1
    assert manager.refused("PutTeam", **(asked | {"members": ["x"]})) == "INVALID_ARGUMENT"
    found = Client(channel, mate, "team")("GetTeamProgress")
    assert (found.team.team_id, found.total.draft, len(found.members)) == (made.team_id, 1, 2)
    assert manager("GetTeamProgress", team_id=made.team_id).total == found.total
    commune = team("GetCommuneProgress", ward_code=MARKET.ward_code)
    assert [(one.market_name, one.progress.draft) for one in commune.markets] == [(MARKET.name, 1)]
    assert commune.total.draft == 1
    assert team.refused("GetCommuneProgress", ward_code="x") == "INVALID_ARGUMENT"
