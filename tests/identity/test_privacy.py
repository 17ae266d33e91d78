"""Who looked at what is known of a person, what that is, and an end to it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.events.v1 import events_pb2
from cho.identity.v1 import identity_pb2, identity_pb2_grpc, privacy_pb2_grpc
from cho.identity.v1 import privacy_pb2 as pb
from structlog.testing import capture_logs

from gateway.methods import api
from kit import accesses, clock, crypto
from kit.ids import new_id
from services.identity import store
from services.identity.external.attempt import new_attempt
from services.identity.server.privacy import ELSEWHERE
from services.identity.store import erasure
from services.identity.user import User
from tests.identity.calls import Metadata, refused, with_pin
from tests.identity.conftest import PHONE, PIN, Clock, claims

pytestmark = pytest.mark.usefixtures("staff")

DEVICE = "0b9f3c1e-6a54-4d2b-9c1a-2f6de0a81b37"
WHY = "khách báo mất máy, gọi lại để xác minh"
AUDITOR = claims("usr_auditor", "auditor")


@pytest.fixture
def privacy(channel: grpc.Channel) -> privacy_pb2_grpc.PrivacyServiceStub:
    return privacy_pb2_grpc.PrivacyServiceStub(channel)


def operator() -> Metadata:
    return with_pin("usr_operator", "operator", clock.now())


def me(user: User) -> Metadata:
    return with_pin(user.user_id, "shopper", clock.now())


def reveal(user_id: str, reason: str = WHY) -> pb.RevealFieldRequest:
    return pb.RevealFieldRequest(user_id=user_id, field=pb.PERSONAL_FIELD_PHONE, reason=reason)


def sign_in(identity: identity_pb2_grpc.IdentityServiceStub) -> Any:
    request = identity_pb2.SignInRequest(phone=PHONE, pin=PIN, device_id=DEVICE, device_name="Samsung A15")
    return identity.SignIn(request).tokens


# Looking


def test_a_phone_is_shown_for_a_purpose_that_stays_for_auditors_and_for_its_owner(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    with capture_logs() as logs:
        shown = privacy.RevealField(reveal(shopper.user_id), metadata=operator())
    assert shown.value == "+84912345678"
    (line,) = privacy.ListAccesses(pb.ListAccessesRequest(user_id=shopper.user_id), metadata=AUDITOR).accesses
    assert (line.access_id, line.actor_id, line.user_id) == (shown.access_id, "usr_operator", shopper.user_id)
    assert (line.field, line.reason) == ("users.phone", WHY)
    assert list(privacy.ListAccessesToMe(pb.ListAccessesToMeRequest(), metadata=me(shopper)).accesses) == [line]
    assert [one["access"] for one in logs if one["event"] == "shown in plain"] == [shown.access_id]
    assert "912345678" not in repr(logs)


def test_what_is_not_written_down_is_not_shown(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(accesses.Access, "save", full)
    assert refused(privacy.RevealField, reveal(shopper.user_id), operator()) == "INTERNAL"


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"reason": "tò mò"}, "INVALID_ARGUMENT"),
        ({"reason": ""}, "INVALID_ARGUMENT"),
        ({"reason": "a" * 201}, "INVALID_ARGUMENT"),
        ({"field": 0}, "INVALID_ARGUMENT"),
        ({"field": 99}, "INVALID_ARGUMENT"),
        ({"user_id": "usr_nobody"}, "NOT_FOUND"),
    ],
)
def test_without_a_purpose_a_field_or_a_person_nothing_is_shown_or_written_down(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User, request_: dict[str, Any], code: str
) -> None:
    fields: dict[str, Any] = {"user_id": shopper.user_id, "field": 1, "reason": WHY} | request_
    assert refused(privacy.RevealField, pb.RevealFieldRequest(**fields), operator()) == code
    assert not accesses.Access.objects


def test_a_token_that_was_left_lying_about_shows_nothing(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    stale = with_pin("usr_operator", "operator", clock.now() - timedelta(minutes=6))
    assert refused(privacy.RevealField, reveal(shopper.user_id), stale) == "STEP_UP_NEEDED"
    mine = with_pin(shopper.user_id, "shopper", clock.now() - timedelta(minutes=6))
    assert refused(privacy.ExportMyData, pb.ExportMyDataRequest(), mine) == "STEP_UP_NEEDED"
    assert refused(privacy.EraseMe, pb.EraseMeRequest(money_withdrawn=True), mine) == "STEP_UP_NEEDED"


def test_nobody_looks_at_more_than_fifty_fields_a_day(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User, monkeypatch: pytest.MonkeyPatch, moving_clock: Clock
) -> None:
    assert accesses.A_DAY_MAX == 50
    monkeypatch.setattr(accesses, "A_DAY_MAX", 3)
    for _ in range(3):
        privacy.RevealField(reveal(shopper.user_id), metadata=operator())
    assert refused(privacy.RevealField, reveal(shopper.user_id), operator()) == "VELOCITY_EXCEEDED"
    privacy.RevealField(reveal(shopper.user_id), metadata=with_pin("usr_checker", "operator", clock.now()))
    moving_clock.moved = timedelta(days=1)
    tomorrow = with_pin("usr_operator", "operator", moving_clock())
    privacy.RevealField(reveal(shopper.user_id), metadata=tomorrow)


def test_the_log_is_read_in_pages_by_whom_or_of_whom(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    ids = [accesses.record(f"usr_{n % 2}", shopper.user_id, "users.phone", WHY) for n in range(5)]
    seen, token = [], ""
    for _ in range(5):
        request = pb.ListAccessesRequest(user_id=shopper.user_id, page_size=2, page_token=token)
        page = privacy.ListAccesses(request, metadata=AUDITOR)
        seen += [one.access_id for one in page.accesses]
        token = page.next_page_token
        if not token:
            break
    assert seen == ids[::-1]
    by_one = privacy.ListAccesses(pb.ListAccessesRequest(actor_id="usr_1"), metadata=AUDITOR).accesses
    assert [one.access_id for one in by_one] == ids[3::-2]


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"user_id": "usr_1", "actor_id": "usr_2"},
        {"user_id": "usr_1", "page_size": 101},
        {"user_id": "usr_1", "page_size": -1},
        {"user_id": "usr_1", "page_token": "x"},
        {"user_id": "usr_1", "page_token": "OzA="},
    ],
)
def test_what_is_no_page_of_the_log_is_refused(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, request_: dict[str, Any]
) -> None:
    assert refused(privacy.ListAccesses, pb.ListAccessesRequest(**request_), AUDITOR) == "INVALID_ARGUMENT"


# Export


def test_everybody_gets_what_is_known_of_them_and_no_secret(
    identity: identity_pb2_grpc.IdentityServiceStub, privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    tokens = sign_in(identity)
    privacy.RevealField(reveal(shopper.user_id), metadata=operator())
    body = privacy.ExportMyData(pb.ExportMyDataRequest(), metadata=me(shopper))
    assert body.content_type == "application/json; charset=utf-8"
    known = json.loads(body.data)
    assert (known["phone"], known["name"], known["roles"]) == ("+84912345678", "Nguyễn Thị Lan", ["shopper"])
    assert [device["name"] for device in known["devices"]] == ["Samsung A15"]
    assert len(known["sessions"]) == 1
    assert [line["reason"] for line in known["looked_at_by"]] == [WHY]
    assert known["elsewhere"]["wallets"] == "GET /v1/me/accounts"
    account = store.account_by_id(shopper.user_id)
    assert account is not None
    for secret in (account.pin_hash, tokens.refresh_token.partition(".")[2], DEVICE, PIN, "usr_operator"):
        assert secret.encode() not in body.data


def test_what_others_wrote_about_somebody_is_theirs_to_read(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    seen, why = "CCCD gắn chip, đúng người", "đề nghị của ban quản lý chợ"
    store.vouch(shopper.user_id, seen, "usr_team", clock.now())
    store.propose_roles(shopper.user_id, ["agent"], "", why, "usr_maker", clock.now())
    for _ in range(accesses.PAGE_SIZE_MAX + 1):
        store.Access(
            id=new_id("acc"), actor_id="usr_operator", subject_id=shopper.user_id, field="users.phone", reason=WHY,
            at=clock.now(), recency=f"{clock.now_ms():015d}-{new_id('acc')}",
        ).save(force_insert=True)  # fmt: skip
    known = json.loads(privacy.ExportMyData(pb.ExportMyDataRequest(), metadata=me(shopper)).data)
    assert [(one["state"], one["reason"]) for one in known["vouchers"]] == [("open", seen)]
    assert (known["role_proposal"]["roles"], known["role_proposal"]["reason"]) == (["agent"], why)
    assert len(known["looked_at_by"]) == accesses.PAGE_SIZE_MAX
    assert known["elsewhere"]["looks before the newest 100"] == "GET /v1/me/accesses"


def test_where_the_rest_is_said_to_be_is_a_route() -> None:
    routes = {f"{route.verb} {route.template}" for method in api().public for route in method.routes}
    assert routes.issuperset(ELSEWHERE.values())


# Erasure


def belongings(user: User) -> dict[str, int]:
    """What there is of this person besides their own document."""
    documents = (store.Session, store.KnownDevice, store.ExternalLink, store.ExternalAttempt)
    counts = {document.__name__: len(document.objects(user_id=user.user_id)) for document in documents}
    return counts | {
        "Guess": len([one for one in store.Guess.objects if user.user_id in one.id]),
        "OneTimeCode": len([one for one in store.OneTimeCode.objects if user.user_id in one.id]),
    }


def fill(identity: identity_pb2_grpc.IdentityServiceStub, user: User) -> None:
    sign_in(identity)
    now = clock.now()
    (device,) = store.devices_of(user.user_id)
    store.take_guess(store.guess_key(user.user_id, ""), now)
    store.take_guess(store.guess_key(user.user_id, "", device.device_id), now)
    store.new_code(f"pin-reset:{user.user_id}", now)
    store.link("https://id.example", "cccd-1", user.user_id, now)
    store.keep_attempt(new_attempt(), user.user_id, now)
    store.vouch(user.user_id, "CCCD của Nguyễn Thị Lan", "usr_team", now)


def test_who_is_erased_cannot_be_named_found_or_signed_in_as(
    identity: identity_pb2_grpc.IdentityServiceStub, privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    refresh = identity_pb2.RefreshTokenRequest(refresh_token=sign_in(identity).refresh_token)
    fill(identity, shopper)
    assert min(belongings(shopper).values()) > 0
    privacy.EraseMe(pb.EraseMeRequest(money_withdrawn=True), metadata=me(shopper))

    assert belongings(shopper) == dict.fromkeys(belongings(shopper), 0)
    assert refused(identity.RefreshToken, refresh) == "SESSION_ENDED"
    assert refused(identity.SignIn, identity_pb2.SignInRequest(phone=PHONE, pin=PIN)) == "WRONG_PIN"
    assert refused(identity.GetMe, identity_pb2.GetMeRequest(), me(shopper)) == "NOT_FOUND"
    assert refused(privacy.RevealField, reveal(shopper.user_id), operator()) == "NOT_FOUND"
    assert refused(privacy.EraseMe, pb.EraseMeRequest(money_withdrawn=True), me(shopper)) == "NOT_FOUND"
    stored = store.Person._get_collection().find_one({"_id": shopper.user_id})
    everything = repr(stored) + repr(list(store.Voucher._get_collection().find()))
    for personal in ("Lan", crypto.phone_index(PHONE), PHONE[1:]):
        assert personal not in everything.replace(repr(stored["outbox"]), "")
    assert stored["_id"] == shopper.user_id, "what accounting keeps still names this id"


def test_others_are_told_who_is_erased_in_the_same_write(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User
) -> None:
    privacy.EraseMe(pb.EraseMeRequest(money_withdrawn=True), metadata=me(shopper))
    event = store.Person.objects.get(id=shopper.user_id).outbox[-1]
    said = events_pb2.UserErased.FromString(event.data)
    assert (event.type, said.user_id, said.version) == ("user.erased", shopper.user_id, 2)
    assert said.phone_index == crypto.phone_index(PHONE)


def test_the_number_of_who_is_erased_can_be_registered_anew(
    identity: identity_pb2_grpc.IdentityServiceStub,
    privacy: privacy_pb2_grpc.PrivacyServiceStub,
    shopper: User,
    hasher: store.Hasher,
) -> None:
    for _ in range(2):
        account = store.account_by_phone("+84912345678")
        assert account is not None
        privacy.EraseMe(pb.EraseMeRequest(money_withdrawn=True), metadata=me(account.user))
        store.create_user(PHONE, PIN, "Người khác", ["shopper"], hasher=hasher)
    account = store.account_by_phone("+84912345678")
    assert account is not None
    assert account.user.user_id != shopper.user_id


def test_money_or_an_office_comes_first(
    privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User, hasher: store.Hasher
) -> None:
    assert refused(privacy.EraseMe, pb.EraseMeRequest(), me(shopper)) == "INVALID_ARGUMENT"
    vendor = store.create_user("0987654321", PIN, "Bình", ["shopper", "vendor"], hasher=hasher)
    asks = pb.EraseMeRequest(money_withdrawn=True)
    assert refused(privacy.EraseMe, asks, with_pin(vendor.user_id, "vendor", clock.now())) == "WRONG_STATE"
    assert store.account_by_phone("+84987654321") is not None


def test_an_erasure_that_was_cut_short_is_finished_by_the_worker(
    identity: identity_pb2_grpc.IdentityServiceStub, shopper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(identity, shopper)
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "_forget_belongings", lambda user_id: None)
        store.erase(shopper.user_id, clock.now())
    assert max(belongings(shopper).values()) > 0
    assert store.account_by_id(shopper.user_id) is None, "nobody signs in in between"
    assert store.finish_erasures() == 1
    assert belongings(shopper) == dict.fromkeys(belongings(shopper), 0)
    assert store.finish_erasures() == 0


def test_whoever_is_erased_is_not_told_of_again(privacy: privacy_pb2_grpc.PrivacyServiceStub, shopper: User) -> None:
    privacy.EraseMe(pb.EraseMeRequest(money_withdrawn=True), metadata=me(shopper))
    assert store.tell_of_everybody() == 0
    assert refused_roles(shopper) == "NotFound"


def refused_roles(user: User) -> str:
    try:
        store.propose_roles(user.user_id, ["agent"], "", WHY, "usr_maker", clock.now())
    except Exception as error:
        return type(error).__name__
    return "OK"
