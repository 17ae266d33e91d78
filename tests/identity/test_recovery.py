"""A forgotten PIN: the code to the phone alone is not enough, and neither is one helper."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from cho.identity.v1 import identity_pb2, identity_pb2_grpc, recovery_pb2_grpc
from cho.identity.v1 import recovery_pb2 as pb
from structlog.testing import capture_logs

from kit import clock
from kit.errors import TooManyAttempts, WrongCode
from services.identity import store
from services.identity.server.recovery import DEVICE_KNOWN_FOR
from services.identity.store import codes
from services.identity.store.vouchers import GOOD_FOR
from services.identity.user import User
from tests.identity.calls import outcome, refused
from tests.identity.conftest import OTHER_PIN, PHONE, PIN, Clock, Messages, claims

pytestmark = pytest.mark.usefixtures("staff")

NOBODYS_PHONE = "0987654321"
DEVICE = "0b9f3c1e-6a54-4d2b-9c1a-2f6de0a81b37"
SEEN = "CCCD gắn chip, đúng người"
TEAM, OPERATOR = claims("usr_team", "team"), claims("usr_operator", "operator")
MANAGER = claims("usr_manager", "market_manager")
NOW = clock.now()


@pytest.fixture
def recovery(channel: grpc.Channel) -> recovery_pb2_grpc.RecoveryServiceStub:
    return recovery_pb2_grpc.RecoveryServiceStub(channel)


def sign_in(identity: identity_pb2_grpc.IdentityServiceStub, pin: str, device: str = "") -> Any:
    return identity.SignIn(identity_pb2.SignInRequest(phone=PHONE, pin=pin, device_id=device))


def finish(code: str, device: str = "", pin: str = OTHER_PIN, phone: str = PHONE) -> pb.FinishPinResetRequest:
    return pb.FinishPinResetRequest(phone=phone, code=code, new_pin=pin, device_id=device)


def fresh_code(recovery: recovery_pb2_grpc.RecoveryServiceStub, messages: Messages) -> str:
    recovery.StartPinReset(pb.StartPinResetRequest(phone=PHONE))
    return messages.newest_code()


def another(code: str) -> str:
    return f"{(int(code) + 1) % 10**6:06}"


# Through the front door


def test_code_and_known_device_set_a_new_pin_and_end_every_session(
    identity: identity_pb2_grpc.IdentityServiceStub,
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    shopper: User,
    messages: Messages,
    moving_clock: Clock,
) -> None:
    before = sign_in(identity, PIN, DEVICE).tokens
    moving_clock.moved = DEVICE_KNOWN_FOR + timedelta(seconds=1)
    recovery.FinishPinReset(finish(fresh_code(recovery, messages), DEVICE))
    refresh = identity_pb2.RefreshTokenRequest(refresh_token=before.refresh_token)
    assert refused(identity.RefreshToken, refresh) == "SESSION_ENDED"
    assert outcome(lambda: sign_in(identity, PIN)) == "WRONG_PIN"
    sign_in(identity, OTHER_PIN, DEVICE)


def test_after_a_reset_every_device_is_as_new_as_the_reset(
    identity: identity_pb2_grpc.IdentityServiceStub,
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    shopper: User,
    messages: Messages,
    moving_clock: Clock,
) -> None:
    sign_in(identity, PIN, DEVICE)
    moving_clock.moved = timedelta(days=30)
    recovery.FinishPinReset(finish(fresh_code(recovery, messages), DEVICE))
    sign_in(identity, OTHER_PIN, DEVICE)
    (session,) = store.Session.objects(user_id=shopper.user_id)
    # What payments allow from a new device counts from here (services/payments/limits.py).
    assert abs(session.device_at - moving_clock()) < timedelta(minutes=1)


@pytest.mark.parametrize("known_for", [timedelta(), DEVICE_KNOWN_FOR - timedelta(minutes=1)])
def test_who_took_over_the_number_and_nothing_else_gets_no_new_pin(
    identity: identity_pb2_grpc.IdentityServiceStub,
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    shopper: User,
    messages: Messages,
    moving_clock: Clock,
    known_for: timedelta,
) -> None:
    sign_in(identity, PIN, DEVICE)
    moving_clock.moved = known_for
    for device in (DEVICE, "", DEVICE.replace("0", "1")):
        code = fresh_code(recovery, messages)
        assert refused(recovery.FinishPinReset, finish(code, device)) == "SECOND_FACTOR_NEEDED"
        # The code is used up all the same.
        assert refused(recovery.FinishPinReset, finish(code, device)) == "WRONG_CODE"
    sign_in(identity, PIN)


def test_two_people_who_saw_somebody_let_them_reset_once(
    identity: identity_pb2_grpc.IdentityServiceStub,
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    shopper: User,
    messages: Messages,
    moving_clock: Clock,
) -> None:
    made = recovery.VouchForPinReset(pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN), metadata=TEAM).voucher
    assert (made.user_id, made.state, made.made_by) == (shopper.user_id, pb.VOUCHER_STATE_OPEN, "usr_team")
    assert refused(recovery.FinishPinReset, finish(fresh_code(recovery, messages))) == "SECOND_FACTOR_NEEDED"
    decide = pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True)
    assert recovery.DecideVoucher(decide, metadata=MANAGER).voucher.state == pb.VOUCHER_STATE_APPROVED

    recovery.FinishPinReset(finish(fresh_code(recovery, messages)))
    sign_in(identity, OTHER_PIN)
    listed = recovery.ListVouchers(pb.ListVouchersRequest(state=pb.VOUCHER_STATE_USED), metadata=OPERATOR).vouchers
    assert [one.voucher_id for one in listed] == [made.voucher_id]
    again = finish(fresh_code(recovery, messages), pin=PIN)
    assert refused(recovery.FinishPinReset, again) == "SECOND_FACTOR_NEEDED"


def test_a_voucher_whose_use_was_not_noted_down_is_used_all_the_same(
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    shopper: User,
    messages: Messages,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(store, "mark_voucher_used", lambda voucher: None)
    made = recovery.VouchForPinReset(pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN), metadata=TEAM).voucher
    recovery.DecideVoucher(pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True), metadata=MANAGER)
    recovery.FinishPinReset(finish(fresh_code(recovery, messages)))
    assert store.voucher(made.voucher_id).state == "approved"
    again = finish(fresh_code(recovery, messages), pin=PIN)
    assert refused(recovery.FinishPinReset, again) == "SECOND_FACTOR_NEEDED"


def test_a_voucher_that_nobody_else_approves_is_worth_nothing(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, messages: Messages
) -> None:
    made = recovery.VouchForPinReset(pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN), metadata=TEAM).voucher
    approve = pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True)
    store.Person.objects(id="usr_team").update_one(push__roles="market_manager")
    assert refused(recovery.DecideVoucher, approve, claims("usr_team", "team", "market_manager")) == "FOUR_EYES"
    assert refused(recovery.FinishPinReset, finish(fresh_code(recovery, messages))) == "SECOND_FACTOR_NEEDED"
    recovery.DecideVoucher(pb.DecideVoucherRequest(voucher_id=made.voucher_id), metadata=MANAGER)
    assert refused(recovery.FinishPinReset, finish(fresh_code(recovery, messages))) == "SECOND_FACTOR_NEEDED"
    assert refused(recovery.DecideVoucher, approve, OPERATOR) == "WRONG_STATE"


def test_two_accounts_of_one_person_are_one_who_saw_somebody(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User
) -> None:
    for account in ("usr_team", "usr_manager"):
        store.identify(store.person(account), "019185000123", "usr_operator", NOW)
    made = recovery.VouchForPinReset(pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN), metadata=TEAM).voucher
    approve = pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True)
    assert refused(recovery.DecideVoucher, approve, MANAGER) == "FOUR_EYES"
    recovery.DecideVoucher(approve, metadata=OPERATOR)


def test_nobody_vouches_for_an_account_of_their_own(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User
) -> None:
    for account in ("usr_team", shopper.user_id):
        store.identify(store.person(account), "019185000123", "usr_operator", NOW)
    ask = pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN)
    assert refused(recovery.VouchForPinReset, ask, TEAM) == "FOUR_EYES"


def test_a_voucher_ends_after_a_day(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, messages: Messages, moving_clock: Clock
) -> None:
    ask = pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN)
    first = recovery.VouchForPinReset(ask, metadata=TEAM).voucher
    assert refused(recovery.VouchForPinReset, ask, OPERATOR) == "ALREADY_EXISTS"
    moving_clock.moved = GOOD_FOR
    late = pb.DecideVoucherRequest(voucher_id=first.voucher_id, approve=True)
    assert refused(recovery.DecideVoucher, late, MANAGER) == "WRONG_STATE"
    second = recovery.VouchForPinReset(ask, metadata=TEAM).voucher
    decide = pb.DecideVoucherRequest(voucher_id=second.voucher_id, approve=True)
    recovery.DecideVoucher(decide, metadata=MANAGER)
    moving_clock.moved = 2 * GOOD_FOR + timedelta(seconds=5)
    assert refused(recovery.FinishPinReset, finish(fresh_code(recovery, messages))) == "SECOND_FACTOR_NEEDED"


def test_who_has_an_office_is_vouched_for_by_operators_only_and_never_by_a_device(
    identity: identity_pb2_grpc.IdentityServiceStub,
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    messages: Messages,
    moving_clock: Clock,
    hasher: store.Hasher,
) -> None:
    auditor = store.create_user(PHONE, PIN, "Phạm Kiểm", ["auditor", "operator"], hasher=hasher)
    sign_in(identity, PIN, DEVICE)
    moving_clock.moved = timedelta(days=10)
    assert refused(recovery.FinishPinReset, finish(fresh_code(recovery, messages), DEVICE)) == "SECOND_FACTOR_NEEDED"
    ask = pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN)
    assert refused(recovery.VouchForPinReset, ask, TEAM) == "PERMISSION_DENIED"
    assert refused(recovery.VouchForPinReset, ask, claims(auditor.user_id, "operator")) == "FOUR_EYES"
    made = recovery.VouchForPinReset(ask, metadata=OPERATOR).voucher
    decide = pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True)
    assert refused(recovery.DecideVoucher, decide, MANAGER) == "PERMISSION_DENIED"
    recovery.DecideVoucher(decide, metadata=claims("usr_checker", "operator"))
    recovery.FinishPinReset(finish(fresh_code(recovery, messages)))


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (pb.VouchForPinResetRequest(phone=NOBODYS_PHONE, reason=SEEN), "NOT_FOUND"),
        (pb.VouchForPinResetRequest(phone="12", reason=SEEN), "INVALID_ARGUMENT"),
        (pb.VouchForPinResetRequest(phone=PHONE, reason="ok"), "INVALID_ARGUMENT"),
    ],
)
def test_what_cannot_be_vouched_for_is_refused(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, request_: pb.VouchForPinResetRequest, code: str
) -> None:
    assert refused(recovery.VouchForPinReset, request_, TEAM) == code
    assert refused(recovery.DecideVoucher, pb.DecideVoucherRequest(voucher_id="vch_1"), OPERATOR) == "NOT_FOUND"


def test_a_voucher_of_before_somebody_had_an_office_does_not_open_it(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, messages: Messages
) -> None:
    made = recovery.VouchForPinReset(pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN), metadata=TEAM).voucher
    recovery.DecideVoucher(pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True), metadata=MANAGER)
    store.Person.objects(id=shopper.user_id).update_one(set__roles=["operator"])
    code = fresh_code(recovery, messages)
    assert refused(recovery.FinishPinReset, finish(code)) == "SECOND_FACTOR_NEEDED"


@pytest.mark.parametrize("dismissed", ["usr_team", "usr_manager"])
def test_a_voucher_of_somebody_who_lost_their_office_since_is_worth_nothing(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, messages: Messages, dismissed: str
) -> None:
    made = recovery.VouchForPinReset(pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN), metadata=TEAM).voucher
    recovery.DecideVoucher(pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True), metadata=MANAGER)
    store.revoke_roles(dismissed, ["team", "market_manager"], "nhận tiền để xác nhận", "usr_operator", NOW)
    assert refused(recovery.FinishPinReset, finish(fresh_code(recovery, messages))) == "SECOND_FACTOR_NEEDED"
    # Seen by others on the same day, they get in.
    ask = pb.VouchForPinResetRequest(phone=PHONE, reason=SEEN)
    made = recovery.VouchForPinReset(ask, metadata=OPERATOR).voucher
    checker = claims("usr_checker", "operator")
    recovery.DecideVoucher(pb.DecideVoucherRequest(voucher_id=made.voucher_id, approve=True), metadata=checker)
    recovery.FinishPinReset(finish(fresh_code(recovery, messages)))


# Nobody learns who has an account


def test_nobodys_phone_answers_as_anybodys(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, messages: Messages
) -> None:
    answers: dict[str, list[str]] = {}
    for phone in (PHONE, NOBODYS_PHONE):
        start = pb.StartPinResetRequest(phone=phone)
        answers[phone] = [
            *(outcome(partial(recovery.StartPinReset, start)) for _ in range(codes.SENT_MAX + 1)),
            *(refused(recovery.FinishPinReset, finish("000000", phone=phone)) for _ in range(codes.TRIES_MAX + 1)),
        ]
    assert answers[PHONE] == answers[NOBODYS_PHONE]
    assert answers[PHONE] == ["OK"] * 3 + ["TOO_MANY_ATTEMPTS"] + ["WRONG_CODE"] * 4
    assert all(to == "+84912345678" for to, _ in messages.sent)


def test_what_is_no_code_or_no_good_pin_costs_no_try(
    identity: identity_pb2_grpc.IdentityServiceStub,
    recovery: recovery_pb2_grpc.RecoveryServiceStub,
    shopper: User,
    messages: Messages,
    moving_clock: Clock,
) -> None:
    sign_in(identity, PIN, DEVICE)
    moving_clock.moved = timedelta(days=4)
    code = fresh_code(recovery, messages)
    for wrong in ("", "12345", "1234567", "12345a", "１２３４５６"):
        assert refused(recovery.FinishPinReset, finish(wrong, DEVICE)) == "INVALID_ARGUMENT"
    assert refused(recovery.FinishPinReset, finish(code, DEVICE, pin="123456")) == "PIN_WEAK"
    assert refused(recovery.FinishPinReset, finish(code, "x")) == "INVALID_ARGUMENT"
    assert refused(recovery.StartPinReset, pb.StartPinResetRequest(phone="12")) == "INVALID_ARGUMENT"
    recovery.FinishPinReset(finish(code, DEVICE))


def test_neither_code_nor_phone_is_logged(
    recovery: recovery_pb2_grpc.RecoveryServiceStub, shopper: User, messages: Messages
) -> None:
    with capture_logs() as logs:
        code = fresh_code(recovery, messages)
        refused(recovery.FinishPinReset, finish(another(code)))
        refused(recovery.FinishPinReset, finish(code))
    assert {"code sent for a new PIN", "a right code without a second factor"} <= {one["event"] for one in logs}
    for secret in (code, PHONE[1:], OTHER_PIN):
        assert secret not in repr(logs)


# Codes


@pytest.mark.usefixtures("database")
class TestCodes:
    def test_a_code_works_once(self) -> None:
        code = codes.new_code("a", NOW)
        codes.use_code("a", code, NOW)
        with pytest.raises(WrongCode):
            codes.use_code("a", code, NOW)

    def test_after_three_wrong_tries_the_right_code_is_wrong_too(self) -> None:
        code = codes.new_code("a", NOW)
        for _ in range(codes.TRIES_MAX):
            with pytest.raises(WrongCode):
                codes.use_code("a", another(code), NOW)
        with pytest.raises(WrongCode):
            codes.use_code("a", code, NOW)

    def test_of_64_concurrent_tries_three_are_looked_at_and_the_right_code_works_for_one(self) -> None:
        code = codes.new_code("a", NOW)

        def attempt(_: int) -> str:
            try:
                codes.use_code("a", code, NOW)
            except WrongCode:
                return "WRONG_CODE"
            return "OK"

        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(attempt, range(64)))
        assert outcomes.count("OK") == 1

    def test_a_code_ends_after_five_minutes_and_when_another_is_sent(self) -> None:
        first = codes.new_code("a", NOW)
        second = codes.new_code("a", NOW)
        if first != second:
            with pytest.raises(WrongCode):
                codes.use_code("a", first, NOW)
        with pytest.raises(WrongCode):
            codes.use_code("a", second, NOW + codes.LIFE)
        codes.use_code("a", second, NOW + codes.LIFE - timedelta(seconds=1))

    def test_a_code_is_of_one_person(self) -> None:
        code = codes.new_code("a", NOW)
        codes.new_code("b", NOW)
        with pytest.raises(WrongCode):
            codes.use_code("b", code, NOW)
        codes.use_code("a", code, NOW)

    def test_three_an_hour_are_sent_and_more_an_hour_later(self) -> None:
        for _ in range(codes.SENT_MAX):
            codes.new_code("a", NOW)
        with pytest.raises(TooManyAttempts) as refusal:
            codes.new_code("a", NOW + timedelta(minutes=59))
        assert refusal.value.details == {"retry_after_s": "60"}
        codes.new_code("a", NOW + codes.SENT_IN)

    def test_only_a_keyed_hash_is_kept(self) -> None:
        code = codes.new_code("a", NOW)
        assert code not in repr(store.OneTimeCode._get_collection().find_one({"_id": "a"}))
