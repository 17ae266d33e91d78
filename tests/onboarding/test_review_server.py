"""From a draft to an active merchant and to its end, through a real gRPC channel."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from cho.onboarding.v1 import drafts_pb2, onboarding_pb2
from PIL import Image

from kit import clock, crypto
from kit.config import settings
from kit.errors import AccountNotEmpty, Contention
from kit.ids import new_id
from kit.rpc.threads import Server
from services.onboarding import ledger, store
from services.onboarding.assist import owners
from services.onboarding.form import TEXTS, Form
from services.onboarding.merchant import Action, State
from services.onboarding.ports.watchlist import FileWatchList
from services.onboarding.store import merchants
from tests.onboarding.calls import Caller

pytestmark = pytest.mark.usefixtures("database")

Another = Callable[[int], Form]
ACCOUNT = ("bank_bin", "account_number", "account_name")


@pytest.fixture
def team(channel: grpc.Channel) -> Caller:
    """May hand in without the vendor's one-time code: what is proven here is what comes after."""
    return Caller(channel, new_id("usr"), "market_manager")


@pytest.fixture
def auditor(channel: grpc.Channel) -> Caller:
    return Caller(channel, new_id("usr"), "auditor")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(settings(), "home", tmp_path)
    return tmp_path


def message(form: Form, **changes: Any) -> drafts_pb2.Form:
    account = onboarding_pb2.SettlementAccount(**{name: getattr(form, name) for name in ACCOUNT})
    texts = {name: getattr(form, name) for name in TEXTS if name not in ACCOUNT}
    return drafts_pb2.Form(settlement_account=account, documents=dict(form.documents), **texts | changes)


def submitted(team: Caller, form: Form) -> str:
    merchant_id = str(team("SaveDraft", form=message(form)).merchant.merchant_id)
    team("SubmitMerchant", merchant_id=merchant_id)
    return merchant_id


def state_of(team: Caller, merchant_id: str) -> str:
    number = team("GetMerchant", merchant_id=merchant_id).merchant.state
    return onboarding_pb2.MerchantState.Name(number).removeprefix("MERCHANT_STATE_").lower()


def codes(caller: Caller, merchant_id: str) -> list[str]:
    return [f"{one.field}:{one.code}" for one in caller("GetChecklist", merchant_id=merchant_id).problems]


def test_a_draft_is_filled_in_over_time_and_it_is_told_what_is_missing(team: Caller, registration: Form) -> None:
    first = team("SaveDraft", form=message(Form(request_id=registration.request_id, stall="A-12")))
    assert (first.merchant.state, first.merchant.version) == (onboarding_pb2.MERCHANT_STATE_DRAFT, 1)
    missing = {problem.field: problem for problem in first.problems}
    assert missing["citizen_id"].code == "TEXT_MISSING"
    assert (missing["citizen_id"].vi, missing["citizen_id"].en) == ("Chưa điền.", "Not filled in.")
    assert team.refused("SubmitMerchant", merchant_id=first.merchant.merchant_id) == "CHECKLIST_OPEN"
    again = team("SaveDraft", form=message(Form(request_id=registration.request_id, stall="A-12")))
    assert again.merchant.version == 1
    assert team.refused("SaveDraft", form=message(registration)) == "IDEMPOTENCY_CONFLICT"
    whole = team("SaveDraft", form=message(registration), version=1)
    assert (whole.merchant.version, list(whole.problems)) == (2, [])
    assert team.refused("SaveDraft", form=message(registration, stall="A-13"), version=1) == "DRAFT_CHANGED"
    handed_in = team("SubmitMerchant", merchant_id=whole.merchant.merchant_id).merchant
    assert handed_in.state == onboarding_pb2.MERCHANT_STATE_SUBMITTED
    assert team("SubmitMerchant", merchant_id=whole.merchant.merchant_id).merchant == handed_in
    assert team.refused("SaveDraft", form=message(registration, stall="A-14"), version=3) == "WRONG_STATE"


def test_a_draft_with_hidden_characters_is_not_even_kept(team: Caller, registration: Form) -> None:
    for name in ("Nga\u202egnuH", "Nga\x00", "N" * 201):
        assert team.refused("SaveDraft", form=message(replace(registration, person_name=name))) == "INVALID_ARGUMENT"
    assert store.MerchantDocument.objects.first() is None


def test_a_draft_that_waits_for_its_market_or_its_photo_is_not_handed_in(team: Caller, registration: Form) -> None:
    lost = replace(registration, market_id=new_id("mkt"), documents={"stall": "0" * 64})
    merchant_id = team("SaveDraft", form=message(lost)).merchant.merchant_id
    assert codes(team, merchant_id) == ["market_id:MARKET_UNKNOWN", "documents.stall:DOCUMENT_UNKNOWN"]
    assert team.refused("SubmitMerchant", merchant_id=merchant_id) == "CHECKLIST_OPEN"


def test_a_merchant_without_an_owner_waits_for_the_vendors_account(
    team: Caller, operator: Caller, registration: Form
) -> None:
    merchant_id = submitted(team, replace(registration, owner_id=""))
    assert codes(operator, merchant_id) == ["owner_id:OWNER_MISSING"]
    assert operator.refused("ApproveMerchant", merchant_id=merchant_id) == "CHECKLIST_OPEN"
    phone_index = store.MerchantDocument.objects.get(id=merchant_id).phone_index
    owner = new_id("usr")
    assert [store.bind_owner(phone_index, owner), store.bind_owner(phone_index, new_id("usr"))] == [1, 0]
    assert operator("ApproveMerchant", merchant_id=merchant_id).merchant.owner_id == owner


def test_the_queue_is_told_by_market_commune_and_state_the_oldest_first(
    team: Caller, manager: Caller, another: Another
) -> None:
    made = [submitted(team, another(number)) for number in range(3)]
    manager("ClaimReview", merchant_id=made[1])
    market = another(0).market_id
    ward = store.MerchantDocument.objects.get(id=made[0]).ward_code
    for where in ({}, {"market_id": market}, {"ward_code": ward}):
        queue = manager("ListReviews", **where).reviews
        assert [one.merchant.merchant_id for one in queue] == [made[0], made[2]]
        assert all(0 <= one.age_s < 60 and one.submitted_at.seconds > 0 for one in queue)
    mine = manager("ListReviews", state=onboarding_pb2.MERCHANT_STATE_IN_REVIEW).reviews
    assert [one.merchant.assigned_to for one in mine] == [manager.sub]
    first = manager("ListReviews", page_size=1)
    rest = manager("ListReviews", page_size=1, page_token=first.next_page_token)
    assert ([one.merchant.merchant_id for one in rest.reviews], rest.next_page_token) == ([made[2]], "")
    assert manager.refused("ListReviews", page_token=first.next_page_token, market_id=market) == "INVALID_ARGUMENT"
    assert manager.refused("ListReviews", state=onboarding_pb2.MERCHANT_STATE_ACTIVE) == "INVALID_ARGUMENT"
    assert not manager("ListReviews", ward_code="00001").reviews


def test_what_one_reviewer_has_in_hand_no_other_decides_on(
    team: Caller, manager: Caller, operator: Caller, registration: Form
) -> None:
    merchant_id = submitted(team, registration)
    assert team.refused("ClaimReview", merchant_id=merchant_id) == "FOUR_EYES"
    manager("ClaimReview", merchant_id=merchant_id)
    for method, reason in (("ApproveMerchant", ""), ("ReturnMerchant", "thiếu"), ("RefuseMerchant", "giả")):
        assert operator.refused(method, merchant_id=merchant_id, reason=reason) == "FOUR_EYES"
    assert operator.refused("ReleaseReview", merchant_id=merchant_id) == "INVALID_ARGUMENT"
    operator("ReleaseReview", merchant_id=merchant_id, reason="người duyệt nghỉ ốm")
    operator("ClaimReview", merchant_id=merchant_id)
    assert manager.refused("ReleaseReview", merchant_id=merchant_id, reason="trả lại") == "FOUR_EYES"
    assert operator("ApproveMerchant", merchant_id=merchant_id).merchant.decided_by == operator.sub


def test_what_is_sent_back_is_corrected_and_handed_in_again(team: Caller, manager: Caller, registration: Form) -> None:
    merchant_id = submitted(team, registration)
    returned = manager("ReturnMerchant", merchant_id=merchant_id, reason="ảnh mờ").merchant
    assert (returned.state, returned.reason) == (onboarding_pb2.MERCHANT_STATE_DRAFT, "ảnh mờ")
    changed = team("SaveDraft", form=message(registration, stall="A-13"), version=returned.version).merchant
    team("SubmitMerchant", merchant_id=merchant_id)
    assert manager("ApproveMerchant", merchant_id=merchant_id).merchant.stall == changed.stall == "A-13"


def test_who_hands_in_again_since_the_answer_was_lost_hears_how_far_it_is(
    team: Caller, manager: Caller, registration: Form
) -> None:
    merchant_id = submitted(team, registration)
    for decision in ("ClaimReview", "ApproveMerchant"):
        decided = manager(decision, merchant_id=merchant_id).merchant
        assert team("SubmitMerchant", merchant_id=merchant_id).merchant == decided


def test_what_was_sent_back_is_not_given_to_whoever_has_the_phone_that_may_be_wrong(
    team: Caller, manager: Caller, registration: Form
) -> None:
    form = replace(registration, owner_id="")
    merchant_id = submitted(team, form)
    returned = manager("ReturnMerchant", merchant_id=merchant_id, reason="sai số điện thoại").merchant
    stranger, vendor, right = new_id("usr"), new_id("usr"), "0988000333"
    assert owners.heard(stranger, crypto.phone_index(form.phone), 1) == 0
    team("SaveDraft", form=message(form, phone=right), version=returned.version)
    assert owners.heard(vendor, crypto.phone_index(right), 1) == 0
    assert team("SubmitMerchant", merchant_id=merchant_id)
    assert store.merchant(merchant_id).owner_id == vendor
    assert owners.heard(stranger, crypto.phone_index(form.phone), 2) == 0


def test_what_is_refused_is_refused_for_good(team: Caller, manager: Caller, registration: Form) -> None:
    merchant_id = submitted(team, registration)
    manager("RefuseMerchant", merchant_id=merchant_id, reason="giấy tờ giả")
    assert state_of(team, merchant_id) == "closed"
    assert manager.refused("ApproveMerchant", merchant_id=merchant_id) == "WRONG_STATE"
    assert team.refused("SubmitMerchant", merchant_id=merchant_id) == "WRONG_STATE"


def test_the_history_names_everybody_who_did_something_and_why(
    team: Caller, manager: Caller, operator: Caller, auditor: Caller, registration: Form
) -> None:
    merchant_id = submitted(team, registration)
    manager("ClaimReview", merchant_id=merchant_id)
    manager("ApproveMerchant", merchant_id=merchant_id, reason="đã gặp tại chợ")
    operator("SuspendMerchant", merchant_id=merchant_id, reason="khiếu nại")
    told = auditor("GetHistory", merchant_id=merchant_id).entries
    assert [(one.action, one.actor, one.reason) for one in told] == [
        ("draft", team.sub, ""),
        ("submit", team.sub, "hồ sơ đã đủ"),
        ("claim", manager.sub, "nhận thẩm định"),
        ("approve", manager.sub, "đã gặp tại chợ"),
        ("suspend", operator.sub, "khiếu nại"),
    ]
    assert [one.version for one in told] == [1, 2, 3, 4, 5]
    assert all(one.at.seconds for one in told)
    stored = [event.type for event in store.MerchantDocument.objects.get(id=merchant_id).outbox]
    assert stored == ["merchant.submitted", "merchant.claimed", "merchant.activated", "merchant.suspended"]


def test_who_is_alike_is_found_and_settled_by_a_second_person_with_a_reason(
    channel: grpc.Channel, team: Caller, manager: Caller, operator: Caller, registration: Form, another: Another
) -> None:
    first = submitted(team, registration)
    twin = replace(
        another(1), citizen_id=registration.citizen_id, phone=registration.phone, birth_date=registration.birth_date,
        person_name="PHAM  THI NGA", account_number=registration.account_number,
    )  # fmt: skip
    second = submitted(team, twin)
    found = manager("ListFindings", merchant_id=second).findings
    assert sorted(one.code for one in found) == [
        "SAME_ACCOUNT", "SAME_CITIZEN_ID", "SAME_NAME_AND_BIRTH", "SAME_PHONE",
    ]  # fmt: skip
    assert {one.other_merchant_id for one in found} == {first}
    assert all(one.vi and one.en for one in found)
    (waiting,) = [one for one in manager("ListReviews").reviews if one.merchant.merchant_id == second]
    assert waiting.open_findings == 4
    assert manager.refused("ApproveMerchant", merchant_id=second) == "FINDINGS_OPEN"
    one, *rest = found
    accept = {"merchant_id": second, "finding_id": one.finding_id}
    assert team.refused("AcceptFinding", **accept, reason="người nhà") == "FOUR_EYES"
    assert manager.refused("AcceptFinding", **accept) == "INVALID_ARGUMENT"
    accepted = manager("AcceptFinding", **accept, reason="hai sạp của một người").finding
    vendor = Caller(channel, twin.owner_id, "vendor")
    seen = {who: [line.action for line in who("GetHistory", merchant_id=second).entries] for who in (vendor, manager)}
    assert (seen[vendor], seen[manager]) == (["draft", "submit"], ["draft", "submit", "accept_finding"])
    # Nor in what they download: whom they were compared with, and why they were looked into, is the reviewers'.
    own = json.loads(vendor.with_pin(clock.now_ms() // 1000)("ExportMyBusiness").data)
    assert [line["action"] for line in own["merchants"][0]["history"]] == ["draft", "submit"]
    assert (accepted.accepted_by, accepted.reason) == (manager.sub, "hai sạp của một người")
    assert manager("AcceptFinding", **accept, reason="hai sạp của một người").finding == accepted
    assert operator.refused("AcceptFinding", **accept, reason="lại lần nữa") == "WRONG_STATE"
    assert manager.refused("AcceptFinding", merchant_id=second, finding_id="SAME_PHONE", reason="x") == "NOT_FOUND"
    for other in rest:
        manager("AcceptFinding", merchant_id=second, finding_id=other.finding_id, reason="hai sạp của một người")
    assert manager("ApproveMerchant", merchant_id=second).merchant.state == onboarding_pb2.MERCHANT_STATE_ACTIVE


def test_two_alike_that_are_handed_in_at_once_are_found_at_the_approval(
    team: Caller, operator: Caller, registration: Form, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(merchants, "_look", lambda *_: [])
        first = submitted(team, registration)
        second = submitted(team, replace(another(1), phone=registration.phone))
    for merchant_id in (first, second):
        assert not operator("ListFindings", merchant_id=merchant_id).findings
        assert operator.refused("ApproveMerchant", merchant_id=merchant_id) == "FINDINGS_OPEN"
        assert [one.code for one in operator("ListFindings", merchant_id=merchant_id).findings] == ["SAME_PHONE"]


def test_a_draft_accuses_nobody(team: Caller, registration: Form, another: Another) -> None:
    team("SaveDraft", form=message(registration))
    second = submitted(team, replace(another(1), phone=registration.phone))
    assert not team("ListFindings", merchant_id=second).findings


def test_who_is_on_the_watch_list_sells_only_when_an_operator_says_so(
    team: Caller, manager: Caller, operator: Caller, registration: Form, another: Another, home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    path = home / "watch-list.csv"
    watched = FileWatchList(path)
    monkeypatch.setattr(merchants, "watch_list", lambda: watched)
    path.write_text(
        f"name,birth_date,citizen_id\nPHẠM THỊ NGÀ,{registration.birth_date},\n,,{another(1).citizen_id}\n", "utf-8"
    )
    by_name, by_number = submitted(team, registration), submitted(team, another(1))
    for merchant_id in (by_name, by_number):
        assert [one.code for one in manager("ListFindings", merchant_id=merchant_id).findings] == ["WATCH_LIST"]
        assert operator.refused("ApproveMerchant", merchant_id=merchant_id) == "FINDINGS_OPEN"
        hit = {"merchant_id": merchant_id, "finding_id": "WATCH_LIST", "reason": "trùng tên, khác người"}
        assert manager.refused("AcceptFinding", **hit) == "PERMISSION_DENIED"
        operator("AcceptFinding", **hit)
        operator("ApproveMerchant", merchant_id=merchant_id)
    late = submitted(team, another(2))
    assert not operator("ListFindings", merchant_id=late).findings
    path.write_text(f"name,birth_date,citizen_id\n,,{another(2).citizen_id}\nAi đó,1990-01-01,\n", "utf-8")
    assert operator.refused("ApproveMerchant", merchant_id=late) == "FINDINGS_OPEN"
    path.write_bytes(b"\xff\xfe\xff\xfe no table")
    assert operator.refused("ApproveMerchant", merchant_id=late) == "UNAVAILABLE"


@pytest.mark.parametrize(("ending", "code"), [("0404", "ACCOUNT_UNKNOWN"), ("0666", "ACCOUNT_NAME_DIFFERS")])
def test_an_account_that_the_bank_knows_otherwise_is_a_finding(
    team: Caller, registration: Form, ending: str, code: str
) -> None:
    merchant_id = submitted(team, replace(registration, account_number=f"00000000{ending}"))
    assert [one.code for one in team("ListFindings", merchant_id=merchant_id).findings] == [code]


def test_where_no_bank_can_be_asked_every_account_is_a_finding(
    team: Caller, registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "env", "production")
    merchant_id = submitted(team, registration)
    assert [one.code for one in team("ListFindings", merchant_id=merchant_id).findings] == ["ACCOUNT_NAME_UNCHECKED"]


def test_an_owner_whose_account_has_another_phone_is_a_finding(
    team: Caller, operator: Caller, registration: Form, another: Another
) -> None:
    own, others = submitted(team, registration), submitted(team, another(1))
    owners.heard(registration.owner_id, crypto.phone_index(registration.phone), 1)
    owners.heard(store.merchant(others).owner_id, crypto.phone_index("0988000222"), 1)
    operator("ApproveMerchant", merchant_id=own)
    assert operator.refused("ApproveMerchant", merchant_id=others) == "FINDINGS_OPEN"
    assert [one.code for one in operator("ListFindings", merchant_id=others).findings] == ["OWNER_PHONE_DIFFERS"]


def test_a_citizen_cards_code_fills_the_form(team: Caller) -> None:
    card = team("ReadCitizenCard", payload="019180001234||Phạm Thị Nga|31051980|Nữ|Thái Nguyên|30062021")
    assert (card.citizen_id, card.person_name, card.sex) == ("019180001234", "Phạm Thị Nga", "female")
    assert (card.birth_date, card.citizen_issued, card.citizen_expires) == ("1980-05-31", "2021-06-30", "2040-05-31")
    assert team.refused("ReadCitizenCard", payload="00020101021138") == "INVALID_ARGUMENT"


def test_a_photo_is_uploaded_referred_to_and_shown_only_for_a_reason_that_is_kept(
    team: Caller, operator: Caller, auditor: Caller, registration: Form
) -> None:
    merchant_id = team("SaveDraft", form=message(Form(request_id=registration.request_id))).merchant.merchant_id
    out = io.BytesIO()
    Image.new("RGB", (320, 200)).save(out, "JPEG")
    photo = {"merchant_id": merchant_id, "kind": "citizen_front"}
    kept = team("UploadDocument", **photo, content=out.getvalue())
    assert (kept.content_type, kept.width, kept.height) == ("image/jpeg", 320, 200)
    assert team.refused("UploadDocument", **photo, content=b"\xff\xd8\xffno picture") == "DOCUMENT_REFUSED"
    infected = out.getvalue() + b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
    assert team.refused("UploadDocument", **photo, content=infected) == "DOCUMENT_INFECTED"
    whole = replace(registration, documents={"citizen_front": kept.sha256})
    team("SaveDraft", form=message(whole), version=1)
    team("SubmitMerchant", merchant_id=merchant_id)
    assert team.refused("UploadDocument", **photo, content=out.getvalue()) == "WRONG_STATE"
    assert operator.refused("RevealDocument", **photo, reason="đối chiếu với người bán") == "STEP_UP_NEEDED"
    operator = operator.with_pin(clock.now_ms() // 1000)
    assert operator.refused("RevealDocument", **photo) == "INVALID_ARGUMENT"
    shown = operator("RevealDocument", **photo, reason="đối chiếu với người bán")
    assert (shown.content, shown.content_type) == (out.getvalue(), "image/jpeg")
    (look,) = auditor("ListReveals", merchant_id=merchant_id).reveals
    assert (look.field, look.actor) == ("documents.citizen_front", operator.sub)


def test_a_plain_value_is_shown_for_a_reason_that_an_auditor_reads(
    operator: Caller, auditor: Caller, team: Caller, registration: Form
) -> None:
    merchant_id = submitted(team, registration)
    plain = {"merchant_id": merchant_id, "field": "citizen_id", "reason": "công an yêu cầu đối chiếu"}
    for pin_at_s in (0, clock.now_ms() // 1000 - 301):
        assert operator.with_pin(pin_at_s).refused("RevealField", **plain) == "STEP_UP_NEEDED"
    operator = operator.with_pin(clock.now_ms() // 1000)
    masked = team("GetMerchant", merchant_id=merchant_id)
    assert masked.merchant.citizen_id_masked.startswith("*********")
    for field, value in (("citizen_id", registration.citizen_id), ("account_number", registration.account_number)):
        assert value.encode() not in masked.SerializeToString()
        wanted = {"merchant_id": merchant_id, "field": field}
        assert operator.refused("RevealField", **wanted, reason="xem") == "INVALID_ARGUMENT"
        assert operator("RevealField", **wanted, reason="công an yêu cầu đối chiếu").value == value
    assert operator.refused("RevealField", merchant_id=merchant_id, field="pin", reason="x" * 20) == "INVALID_ARGUMENT"
    looks = auditor("ListReveals", merchant_id=merchant_id).reveals
    assert [(one.field, one.reason) for one in looks] == [
        ("account_number", "công an yêu cầu đối chiếu"),
        ("citizen_id", "công an yêu cầu đối chiếu"),
    ]
    assert {one.actor for one in looks} == {operator.sub}


def test_nothing_personal_is_in_the_document_or_its_events(team: Caller, registration: Form) -> None:
    merchant_id = submitted(team, registration)
    raw = str(store.MerchantDocument._get_collection().find_one({"_id": merchant_id}))
    outbox = b"".join(event.data for event in store.MerchantDocument.objects.get(id=merchant_id).outbox)
    personal = (registration.citizen_id, registration.phone, "912345001", registration.birth_date, "Phạm Thị Nga")
    for value in (*personal, registration.account_number):
        assert value not in raw
        assert value.encode() not in outbox


# --- the end


@contextmanager
def payments_say(monkeypatch: pytest.MonkeyPatch, state: Any, balance: int) -> Any:
    """A real gRPC server in payments' place, which knows one account."""
    from cho.payments.v1 import payments_pb2 as pb

    service = pb.DESCRIPTOR.services_by_name["PaymentsService"]

    class Payments:
        def __getattr__(self, name: str) -> Any:
            return lambda request, call: pb.GetAccountResponse(account=pb.Account(state=state, balance=balance))

    running = Server("127.0.0.1:0", [(service, Payments())])
    monkeypatch.setattr(settings(), "payments_addr", f"127.0.0.1:{running.port}")
    ledger._payments.cache_clear()
    yield
    ledger._payments.cache_clear()
    running.stop()


@pytest.mark.parametrize(("state", "balance", "code"), [(1, 0, "CONTENTION"), (2, 5_000, "ACCOUNT_NOT_EMPTY")])
def test_a_merchant_is_not_closed_while_it_is_owed_money_or_might_still_be_paid(
    team: Caller, operator: Caller, registration: Form, monkeypatch: pytest.MonkeyPatch, state: int, balance: int,
    code: str,
) -> None:  # fmt: skip
    merchant_id = submitted(team, registration)
    operator("ApproveMerchant", merchant_id=merchant_id)
    assert operator.refused("CloseMerchant", merchant_id=merchant_id, reason="nghỉ bán") == "WRONG_STATE"
    operator("SuspendMerchant", merchant_id=merchant_id, reason="nghỉ bán")
    with payments_say(monkeypatch, state, balance):
        assert operator.refused("CloseMerchant", merchant_id=merchant_id, reason="nghỉ bán") == code
    with payments_say(monkeypatch, 2, 0):
        operator("CloseMerchant", merchant_id=merchant_id, reason="nghỉ bán")
    assert state_of(team, merchant_id) == "closed"
    assert operator.refused("ReinstateMerchant", merchant_id=merchant_id, reason="bán lại") == "WRONG_STATE"
    assert {AccountNotEmpty.code, Contention.code} >= {code}


def test_a_merchant_that_is_suspended_while_it_is_being_closed_is_not_closed_unasked(
    team: Caller, operator: Caller, registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant_id = submitted(team, registration)
    operator("ApproveMerchant", merchant_id=merchant_id)
    seen = store.merchant

    def suspended_meanwhile(merchant_id: str) -> Any:
        found = seen(merchant_id)
        store.decide(merchant_id, Action.SUSPEND, "usr_another", "khách tố cáo")
        return found

    with payments_say(monkeypatch, 2, 5_000), monkeypatch.context() as meanwhile:
        meanwhile.setattr(store, "merchant", suspended_meanwhile)
        assert operator.refused("CloseMerchant", merchant_id=merchant_id, reason="nghỉ bán") == "CONTENTION"
    assert state_of(team, merchant_id) == "suspended"


def test_a_merchant_is_not_closed_where_the_ledger_cannot_be_asked(
    team: Caller, operator: Caller, registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant_id = submitted(team, registration)
    operator("ApproveMerchant", merchant_id=merchant_id)
    operator("SuspendMerchant", merchant_id=merchant_id, reason="nghỉ bán")
    monkeypatch.setattr(settings(), "payments_addr", "127.0.0.1:1")
    ledger._payments.cache_clear()
    assert operator.refused("CloseMerchant", merchant_id=merchant_id, reason="nghỉ bán") == "UNAVAILABLE"
    ledger._payments.cache_clear()


def test_a_draft_that_nobody_wants_is_closed_without_asking_the_ledger(
    team: Caller, operator: Caller, registration: Form
) -> None:
    merchant_id = team("SaveDraft", form=message(registration)).merchant.merchant_id
    operator("CloseMerchant", merchant_id=merchant_id, reason="trùng hồ sơ")
    assert state_of(team, merchant_id) == "closed"


def test_a_merchant_with_a_full_history_can_still_be_suspended(
    registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merchants, "HISTORY_MAX", 5)
    merchant = store.ensure_merchant(registration, registered_by="usr_a", approved_by="usr_b")
    for action in (Action.SUSPEND, Action.REINSTATE):
        store.decide(merchant.merchant_id, action, "usr_c", "thử")
    suspended = store.decide(merchant.merchant_id, Action.SUSPEND, "usr_c", "thử")
    assert suspended.state is State.SUSPENDED
    with pytest.raises(merchants.LimitExceeded):
        store.decide(merchant.merchant_id, Action.REINSTATE, "usr_c", "thử")
    assert clock.now() >= suspended.registered_at
