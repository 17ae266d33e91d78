"""IdentityService through a real channel, as the gateway calls it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.identity.v1 import identity_pb2 as pb
from cho.identity.v1.identity_pb2_grpc import IdentityServiceStub
from joserfc import jws, jwt
from joserfc.jwk import KeySet
from structlog.testing import capture_logs

from kit import clock
from kit.errors import WrongPin
from kit.rpc.status import error_code
from services.identity import keys, store
from services.identity.lockout import GUESSES_MAX, LOCK
from services.identity.server.front import Front
from services.identity.server.sign_in import IdentityServicer
from services.identity.tokens import ACCESS_LIFE, REFRESH_GRACE, REFRESH_LIFE
from services.identity.user import User
from tests.identity.conftest import OTHER_PIN, PHONE, PIN, Clock, claims, employ

NOBODYS_PHONE = "0987654321"
# What apps call themselves.
DEVICE, OTHER_DEVICE = "0b9f3c1e-6a54-4d2b-9c1a-2f6de0a81b37", "5d0c8a92-13fe-4b67-8f20-9ae1c47d6b05"


def refused(call: object, request: object, metadata: tuple[tuple[str, str], ...] = ()) -> str:
    """The code of the error that the call ends with."""
    with pytest.raises(grpc.RpcError) as error:
        call(request, metadata=metadata)  # type: ignore[operator]
    return error_code(error.value)


def sign_in(identity: IdentityServiceStub, pin: str = PIN) -> pb.SignInResponse:
    return identity.SignIn(pb.SignInRequest(phone=PHONE, pin=pin))


def verified(identity: IdentityServiceStub, access_token: str) -> dict[str, object]:
    """The claims, if a key in the JWKS signed them."""
    body = identity.GetJwks(pb.GetJwksRequest())
    assert body.content_type == "application/json"
    keyset = KeySet.import_key_set(json.loads(body.data))
    return jwt.decode(access_token, keyset, algorithms=["ES256"]).claims


def is_of(claims: dict[str, object], name: str) -> bool:
    """Whether the time is that of the token: a second may begin between it and the signature."""
    return int(str(claims["iat"])) - int(str(claims[name])) in (0, 1)


def set_cookies(call: grpc.Call) -> dict[str, str]:
    """`Set-Cookie` headers of a reply, by cookie."""
    headers = [str(value) for name, value in call.initial_metadata() if name == "set-cookie"]
    return {header.partition("=")[0]: header for header in headers}


# Signing in


def test_phone_and_pin_give_a_token_that_verifies_against_the_jwks(
    identity: IdentityServiceStub, shopper: User
) -> None:
    reply = identity.SignIn(pb.SignInRequest(phone="+84912345678", pin=PIN))
    said = verified(identity, reply.tokens.access_token)
    assert (said["iss"], said["aud"]) == ("cho", "cho-gateway")
    assert (said["sub"], said["roles"], said["ins"]) == (shopper.user_id, "shopper", "")
    assert (reply.user.phone_masked, list(reply.user.roles)) == ("+84*****678", ["shopper"])
    assert (reply.tokens.expires_in_s, reply.tokens.refresh_expires_in_s) == (900, 30 * 86_400)


def test_browsers_get_their_tokens_in_cookies_that_scripts_cannot_read(
    identity: IdentityServiceStub, shopper: User
) -> None:
    reply, call = identity.SignIn.with_call(pb.SignInRequest(phone=PHONE, pin=PIN))
    kept = set_cookies(call)
    tail = "HttpOnly; SameSite=Strict"
    assert kept["cho_access"] == f"cho_access={reply.tokens.access_token}; Path=/; Max-Age=900; {tail}"
    refresh = f"cho_refresh={reply.tokens.refresh_token}; Path=/v1/token; Max-Age=2592000; {tail}"
    assert kept["cho_refresh"] == refresh


def test_a_wrong_pin_and_a_phone_that_nobody_has_get_the_same_answers(
    identity: IdentityServiceStub, shopper: User
) -> None:
    answers = {
        phone: [refused(identity.SignIn, pb.SignInRequest(phone=phone, pin=OTHER_PIN)) for _ in range(7)]
        for phone in (PHONE, NOBODYS_PHONE)
    }
    assert answers[PHONE] == ["WRONG_PIN"] * GUESSES_MAX + ["TOO_MANY_ATTEMPTS"] * 2
    assert answers[NOBODYS_PHONE] == answers[PHONE]


def test_a_phone_that_nobody_has_costs_the_same_hashing(shopper: User) -> None:
    checked: list[str] = []

    class Watched(store.Hasher):
        def matches(self, pin_hash: str, pin: str) -> bool:
            checked.append(pin_hash.rpartition("$")[0].rpartition("$")[0])
            return super().matches(pin_hash, pin)

    hasher = Watched(memory_kib=8, passes=1)
    servicer = IdentityServicer(Front(hasher))
    for phone in (PHONE, NOBODYS_PHONE):
        with pytest.raises(WrongPin):
            servicer.SignIn(pb.SignInRequest(phone=phone, pin=OTHER_PIN), None)  # type: ignore[arg-type]
    known, nobodys = checked
    assert known == nobodys == "$argon2id$v=19$m=8,t=1,p=1"


@pytest.mark.parametrize(("phone", "pin"), [("", PIN), (PHONE, ""), ("12", PIN), (PHONE, "12345a")])
def test_what_cannot_be_right_is_refused_without_spending_a_guess(
    identity: IdentityServiceStub, shopper: User, phone: str, pin: str
) -> None:
    for _ in range(GUESSES_MAX + 1):
        assert refused(identity.SignIn, pb.SignInRequest(phone=phone, pin=pin)) == "INVALID_ARGUMENT"
    sign_in(identity)


def test_of_64_concurrent_guesses_five_are_checked_and_the_right_pin_is_locked_out_too(
    identity: IdentityServiceStub, shopper: User
) -> None:
    guesses = [f"{number:06}" for number in range(700_000, 700_064)]
    with ThreadPoolExecutor(64) as pool:
        codes = pool.map(lambda pin: refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=pin)), guesses)
    assert Counter(codes) == {"WRONG_PIN": GUESSES_MAX, "TOO_MANY_ATTEMPTS": 64 - GUESSES_MAX}
    with pytest.raises(grpc.RpcError) as error:
        sign_in(identity)
    assert error.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert ("retry-after", "900") in tuple(error.value.trailing_metadata() or ())


def test_the_lock_ends_after_fifteen_minutes(identity: IdentityServiceStub, shopper: User, moving_clock: Clock) -> None:
    for _ in range(GUESSES_MAX):
        refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=OTHER_PIN))
    moving_clock.moved = LOCK - timedelta(seconds=5)
    assert refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=PIN)) == "TOO_MANY_ATTEMPTS"
    moving_clock.moved = LOCK
    sign_in(identity)


def test_one_person_signing_in_everywhere_at_once_is_not_locked_out(
    identity: IdentityServiceStub, shopper: User
) -> None:
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: sign_in(identity), range(32)))
    assert {reply.user.user_id for reply in replies} == {shopper.user_id}


# Sessions


def test_a_refresh_token_gives_new_tokens_once_and_reuse_ends_the_session(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    first = sign_in(identity).tokens
    second = identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=first.refresh_token)).tokens
    before, after = (verified(identity, tokens.access_token) for tokens in (first, second))
    assert (before["sid"], before["sub"]) == (after["sid"], after["sub"])
    moving_clock.moved = REFRESH_GRACE
    for spent in (first, second):
        request = pb.RefreshTokenRequest(refresh_token=spent.refresh_token)
        assert refused(identity.RefreshToken, request) == "SESSION_ENDED"


def test_a_browser_refreshes_by_its_cookie_and_gets_the_next_one(identity: IdentityServiceStub, shopper: User) -> None:
    cookie = ("cookie", f"other=1; cho_refresh={sign_in(identity).tokens.refresh_token}")
    reply, call = identity.RefreshToken.with_call(pb.RefreshTokenRequest(), metadata=(cookie,))
    assert set_cookies(call)["cho_refresh"].startswith(f"cho_refresh={reply.tokens.refresh_token};")
    again, _ = identity.RefreshToken.with_call(pb.RefreshTokenRequest(), metadata=(cookie,))
    assert again.tokens.refresh_token == reply.tokens.refresh_token, "its answer may have been lost"


def test_of_concurrent_refreshes_all_are_given_the_same_token(identity: IdentityServiceStub, shopper: User) -> None:
    request = pb.RefreshTokenRequest(refresh_token=sign_in(identity).tokens.refresh_token)

    def outcome(_: int) -> str:
        return str(identity.RefreshToken(request).tokens.refresh_token)

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(outcome, range(16)))) == 1


def test_an_idle_session_ends_after_30_days(identity: IdentityServiceStub, shopper: User, moving_clock: Clock) -> None:
    request = pb.RefreshTokenRequest(refresh_token=sign_in(identity).tokens.refresh_token)
    moving_clock.moved = REFRESH_LIFE + timedelta(seconds=5)
    assert refused(identity.RefreshToken, request) == "SESSION_ENDED"


def test_garbage_refreshes_nothing(identity: IdentityServiceStub) -> None:
    for token in ("", "x", "ses_" + "0" * 32 + "." + "a" * 43):
        request = pb.RefreshTokenRequest(refresh_token=token)
        assert refused(identity.RefreshToken, request) == "SESSION_ENDED"


def test_signing_out_ends_the_session_and_clears_the_cookies(identity: IdentityServiceStub, shopper: User) -> None:
    refresh_token = sign_in(identity).tokens.refresh_token
    _, call = identity.SignOut.with_call(pb.SignOutRequest(refresh_token=refresh_token))
    assert all("=; " in header and "Max-Age=0" in header for header in set_cookies(call).values())
    assert set_cookies(call).keys() == {"cho_access", "cho_refresh"}
    assert refused(identity.RefreshToken, pb.RefreshTokenRequest(refresh_token=refresh_token)) == "SESSION_ENDED"


def test_a_browser_signs_out_by_its_access_cookie_even_when_that_has_expired(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    tokens = sign_in(identity).tokens
    moving_clock.moved = ACCESS_LIFE * 2
    identity.SignOut(pb.SignOutRequest(), metadata=(("cookie", f"cho_access={tokens.access_token}"),))
    request = pb.RefreshTokenRequest(refresh_token=tokens.refresh_token)
    assert refused(identity.RefreshToken, request) == "SESSION_ENDED"


def test_who_knows_no_more_than_a_sessions_id_signs_nobody_out(identity: IdentityServiceStub, shopper: User) -> None:
    refresh_token = sign_in(identity).tokens.refresh_token
    session_id = refresh_token.partition(".")[0]
    for forged in (f"{session_id}.{'a' * 43}", f"{session_id}.{'a' * 43}.{'0' * 32}"):
        identity.SignOut(pb.SignOutRequest(refresh_token=forged))
    identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=refresh_token))


def test_signing_out_of_nothing_succeeds(identity: IdentityServiceStub) -> None:
    identity.SignOut(pb.SignOutRequest())
    identity.SignOut(pb.SignOutRequest(refresh_token="x"), metadata=(("cookie", "cho_access=a.b.c"),))


# Fresh PINs


def as_gateway(identity: IdentityServiceStub, access_token: str) -> tuple[tuple[str, str], ...]:
    """What the gateway makes of a token: metadata."""
    said = verified(identity, access_token)
    names = {"sid": "sid", "pin_at": "pin-at", "dev": "dev", "dev_at": "dev-at"}
    more = {header: str(said[claim]) for claim, header in names.items()}
    return claims(str(said["sub"]), str(said["roles"]), **more)


def test_stepping_up_gives_a_token_of_the_same_session_whose_pin_is_fresh(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    first = sign_in(identity).tokens
    moving_clock.moved = timedelta(minutes=10)
    reply, call = identity.StepUp.with_call(
        pb.StepUpRequest(pin=PIN), metadata=as_gateway(identity, first.access_token)
    )
    before, after = verified(identity, first.access_token), verified(identity, reply.access_token)
    assert is_of(before, "pin_at")
    assert is_of(after, "pin_at")
    assert after["iat"] - before["iat"] in (600, 601, 602)  # type: ignore[operator]
    assert reply.expires_in_s == after["exp"] - after["iat"] == 900  # type: ignore[operator]
    same = ("sub", "roles", "ins", "sid", "dev", "dev_at")
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    kept = set_cookies(call)
    assert kept.keys() == {"cho_access"}
    assert kept["cho_access"].startswith(f"cho_access={reply.access_token};")


def test_refreshing_keeps_the_time_of_the_last_pin(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    tokens = sign_in(identity).tokens
    moving_clock.moved = timedelta(minutes=10)
    fresh = identity.StepUp(pb.StepUpRequest(pin=PIN), metadata=as_gateway(identity, tokens.access_token)).access_token
    moving_clock.moved = timedelta(minutes=20)
    refreshed = identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=tokens.refresh_token)).tokens.access_token
    assert verified(identity, refreshed)["pin_at"] == verified(identity, fresh)["pin_at"]
    assert verified(identity, refreshed)["iat"] != verified(identity, fresh)["iat"]


def test_a_stolen_access_token_without_the_pin_cannot_step_up_and_locks_the_phone(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    tokens = sign_in(identity).tokens
    thief = as_gateway(identity, tokens.access_token)
    moving_clock.moved = timedelta(minutes=10)
    codes = [refused(identity.StepUp, pb.StepUpRequest(pin=OTHER_PIN), thief) for _ in range(GUESSES_MAX + 1)]
    assert codes == ["WRONG_PIN"] * GUESSES_MAX + ["TOO_MANY_ATTEMPTS"]
    assert refused(identity.StepUp, pb.StepUpRequest(pin=PIN), thief) == "TOO_MANY_ATTEMPTS"
    assert refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=PIN)) == "TOO_MANY_ATTEMPTS"
    refreshed = identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=tokens.refresh_token)).tokens.access_token
    said = verified(identity, refreshed)
    first = verified(identity, tokens.access_token)
    # Not its `iat`: a second may begin between the PIN and the signature.
    assert (said["pin_at"], said["dev_at"]) == (first["pin_at"], first["dev_at"])


def test_wrong_pins_at_sign_in_and_at_step_up_count_together_and_a_right_one_clears_them(
    identity: IdentityServiceStub, shopper: User
) -> None:
    me = as_gateway(identity, sign_in(identity).tokens.access_token)
    for _ in range(2):
        for _ in range(GUESSES_MAX - 2):
            assert refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=OTHER_PIN)) == "WRONG_PIN"
        assert refused(identity.StepUp, pb.StepUpRequest(pin=OTHER_PIN), me) == "WRONG_PIN"
        identity.StepUp(pb.StepUpRequest(pin=PIN), metadata=me)
    for _ in range(GUESSES_MAX - 1):
        assert refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=OTHER_PIN)) == "WRONG_PIN"
    assert refused(identity.StepUp, pb.StepUpRequest(pin=OTHER_PIN), me) == "WRONG_PIN"
    assert refused(identity.StepUp, pb.StepUpRequest(pin=PIN), me) == "TOO_MANY_ATTEMPTS"


def test_what_is_no_pin_steps_nobody_up_and_spends_no_guess(identity: IdentityServiceStub, shopper: User) -> None:
    me = as_gateway(identity, sign_in(identity).tokens.access_token)
    for _ in range(GUESSES_MAX + 1):
        assert refused(identity.StepUp, pb.StepUpRequest(pin=""), me) == "INVALID_ARGUMENT"
    identity.StepUp(pb.StepUpRequest(pin=PIN), metadata=me)


def test_a_session_that_was_signed_out_cannot_step_up_even_with_the_pin(
    identity: IdentityServiceStub, shopper: User
) -> None:
    tokens = sign_in(identity).tokens
    me = as_gateway(identity, tokens.access_token)
    identity.SignOut(pb.SignOutRequest(refresh_token=tokens.refresh_token))
    assert refused(identity.StepUp, pb.StepUpRequest(pin=PIN), me) == "SESSION_ENDED"


# Devices


def sign_in_with(identity: IdentityServiceStub, device_id: str, name: str = "") -> pb.Tokens:
    request = pb.SignInRequest(phone=PHONE, pin=PIN, device_id=device_id, device_name=name)
    return identity.SignIn(request).tokens


def test_a_token_says_which_device_holds_it_and_since_when_it_is_known(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    first = verified(identity, sign_in_with(identity, DEVICE).access_token)
    moving_clock.moved = timedelta(days=3)
    tokens = sign_in_with(identity, DEVICE.upper())
    again = verified(identity, tokens.access_token)
    refreshed = verified(
        identity, identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=tokens.refresh_token)).tokens.access_token
    )
    other = verified(identity, sign_in_with(identity, OTHER_DEVICE).access_token)
    assert is_of(first, "dev_at")
    for said in (again, refreshed):
        assert (said["dev"], said["dev_at"]) == (first["dev"], first["dev_at"])
    assert other["dev"] != first["dev"]
    assert is_of(other, "dev_at")


def test_a_token_does_not_tell_the_uuid_by_which_its_device_is_known_again(
    identity: IdentityServiceStub, shopper: User
) -> None:
    tokens = sign_in_with(identity, DEVICE)
    device_id = str(verified(identity, tokens.access_token)["dev"])
    assert device_id.startswith("dev_")
    listed = identity.ListDevices(pb.ListDevicesRequest(), metadata=as_gateway(identity, tokens.access_token)).devices
    assert [device.device_id for device in listed] == [device_id]
    assert DEVICE.replace("-", "")[:12] not in device_id


def test_without_a_device_every_sign_in_is_a_new_one(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    first = verified(identity, sign_in(identity).tokens.access_token)
    moving_clock.moved = timedelta(days=3)
    tokens = sign_in(identity).tokens
    second = verified(identity, tokens.access_token)
    moving_clock.moved = timedelta(days=5)
    refreshed = verified(
        identity, identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=tokens.refresh_token)).tokens.access_token
    )
    assert [said["dev"] for said in (first, second, refreshed)] == ["", "", ""]
    assert is_of(first, "dev_at")
    assert refreshed["dev_at"] == second["dev_at"]
    assert is_of(second, "dev_at")
    assert not identity.ListDevices(pb.ListDevicesRequest(), metadata=as_gateway(identity, tokens.access_token)).devices


@pytest.mark.parametrize("fields", [{"device_id": "x"}, {"device_id": DEVICE, "device_name": "a" * 61}])
def test_what_is_no_device_signs_nobody_in_and_spends_no_guess(
    identity: IdentityServiceStub, shopper: User, fields: dict[str, str]
) -> None:
    request = pb.SignInRequest(phone=PHONE, pin=PIN, **fields)
    for _ in range(GUESSES_MAX + 1):
        assert refused(identity.SignIn, request) == "INVALID_ARGUMENT"
    sign_in(identity)


def test_a_wrong_pin_makes_no_device_known(identity: IdentityServiceStub, shopper: User) -> None:
    wrong = pb.SignInRequest(phone=PHONE, pin=OTHER_PIN, device_id=DEVICE)
    assert refused(identity.SignIn, wrong) == "WRONG_PIN"
    assert not store.KnownDevice.objects


def test_everybody_sees_their_own_devices_and_which_one_asks(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    sign_in_with(identity, DEVICE, "Samsung A15")
    moving_clock.moved = timedelta(days=1)
    here = as_gateway(identity, sign_in_with(identity, OTHER_DEVICE).access_token)
    listed = identity.ListDevices(pb.ListDevicesRequest(), metadata=here).devices
    assert [(device.name, device.current) for device in listed] == [("", True), ("Samsung A15", False)]
    old = listed[1]
    assert old.first_seen_at == old.signed_in_at
    assert (listed[0].first_seen_at.ToDatetime() - old.first_seen_at.ToDatetime()).days == 1
    stranger = claims("usr_2", "shopper")
    assert not identity.ListDevices(pb.ListDevicesRequest(), metadata=stranger).devices


def test_removing_a_device_ends_its_sessions_and_no_other(identity: IdentityServiceStub, shopper: User) -> None:
    lost, lost_again = sign_in_with(identity, DEVICE), sign_in_with(identity, DEVICE)
    here, without = sign_in_with(identity, OTHER_DEVICE), sign_in(identity).tokens
    me, thief = as_gateway(identity, here.access_token), as_gateway(identity, lost.access_token)
    request = pb.RemoveDeviceRequest(device_id=str(verified(identity, lost.access_token)["dev"]))
    assert refused(identity.RemoveDevice, request, claims("usr_2", "shopper")) == "NOT_FOUND"

    identity.RemoveDevice(request, metadata=me)

    for tokens in (lost, lost_again):
        refresh = pb.RefreshTokenRequest(refresh_token=tokens.refresh_token)
        assert refused(identity.RefreshToken, refresh) == "SESSION_ENDED"
    assert refused(identity.StepUp, pb.StepUpRequest(pin=PIN), thief) == "SESSION_ENDED"
    assert refused(identity.RemoveDevice, request, me) == "NOT_FOUND"
    assert refused(identity.RemoveDevice, pb.RemoveDeviceRequest(), me) == "NOT_FOUND"
    for tokens in (here, without):
        identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=tokens.refresh_token))


# The signed-in person


def test_everybody_sees_themselves_masked(identity: IdentityServiceStub, shopper: User) -> None:
    user = identity.GetMe(pb.GetMeRequest(), metadata=claims(shopper.user_id, "shopper")).user
    assert (user.user_id, user.name, user.phone_masked) == (shopper.user_id, "Nguyễn Thị Lan", "+84*****678")


def test_claims_that_the_gateway_did_not_vouch_for_are_nobodys(identity: IdentityServiceStub, shopper: User) -> None:
    forged = (("x-cho-edge", "guessed"), ("x-cho-sub", shopper.user_id), ("x-cho-roles", "shopper"))
    assert refused(identity.GetMe, pb.GetMeRequest(), forged) == "UNAUTHENTICATED"


def test_changing_the_pin_needs_the_old_one_and_ends_every_other_session(
    identity: IdentityServiceStub, shopper: User
) -> None:
    here, elsewhere = sign_in(identity).tokens, sign_in(identity).tokens
    me = claims(shopper.user_id, "shopper", sid=str(verified(identity, here.access_token)["sid"]))

    wrong = pb.ChangePinRequest(old_pin="901846", new_pin=OTHER_PIN)
    assert refused(identity.ChangePin, wrong, me) == "WRONG_PIN"
    weak = pb.ChangePinRequest(old_pin=PIN, new_pin="150190")
    assert refused(identity.ChangePin, weak, me) == "PIN_WEAK"
    same = pb.ChangePinRequest(old_pin=PIN, new_pin=PIN)
    assert refused(identity.ChangePin, same, me) == "INVALID_ARGUMENT"

    identity.ChangePin(pb.ChangePinRequest(old_pin=PIN, new_pin=OTHER_PIN), metadata=me)
    identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=here.refresh_token))
    request = pb.RefreshTokenRequest(refresh_token=elsewhere.refresh_token)
    assert refused(identity.RefreshToken, request) == "SESSION_ENDED"
    assert refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=PIN)) == "WRONG_PIN"
    sign_in(identity, OTHER_PIN)


def test_a_stolen_token_cannot_be_used_to_guess_the_pin(identity: IdentityServiceStub, shopper: User) -> None:
    me = claims(shopper.user_id, "shopper")
    request = pb.ChangePinRequest(old_pin="901846", new_pin=OTHER_PIN)
    codes = [refused(identity.ChangePin, request, me) for _ in range(GUESSES_MAX + 1)]
    assert codes == ["WRONG_PIN"] * GUESSES_MAX + ["TOO_MANY_ATTEMPTS"]


# Creating people


@pytest.mark.parametrize(
    ("creator", "roles", "institution"),
    [("team", ["vendor"], ""), ("team", ["shopper", "vendor"], ""), ("operator", ["vendor"], "")],
)
def test_a_person_is_created_by_those_who_may_and_signs_in(
    identity: IdentityServiceStub, creator: str, roles: list[str], institution: str
) -> None:
    employ("usr_1", creator)
    request = pb.CreateUserRequest(phone=PHONE, pin=PIN, name="Lan", roles=roles, institution=institution)
    user = identity.CreateUser(request, metadata=claims("usr_1", creator)).user
    assert sign_in(identity).user == user
    assert (list(user.roles), user.institution) == (roles, institution)


@pytest.mark.parametrize(
    ("creator", "change", "code"),
    [
        ("team", {"roles": ["operator"]}, "PERMISSION_DENIED"),
        ("team", {"roles": ["shopper", "officer"], "institution": "VNPT"}, "PERMISSION_DENIED"),
        ("shopper", {}, "PERMISSION_DENIED"),
        ("operator", {"roles": ["service"]}, "INVALID_ARGUMENT"),
        ("operator", {"roles": []}, "INVALID_ARGUMENT"),
        ("operator", {"roles": ["officer"]}, "INVALID_ARGUMENT"),
        ("operator", {"name": ""}, "INVALID_ARGUMENT"),
        ("operator", {"phone": "113"}, "INVALID_ARGUMENT"),
        ("operator", {"pin": "123456"}, "PIN_WEAK"),
    ],
)
def test_who_or_what_may_not_be_created_is_refused(
    identity: IdentityServiceStub, creator: str, change: dict[str, Any], code: str
) -> None:
    employ("usr_1", creator)
    fields: dict[str, Any] = {"phone": PHONE, "pin": PIN, "name": "Lan", "roles": ["shopper"]} | change
    request = pb.CreateUserRequest(**fields)
    assert refused(identity.CreateUser, request, claims("usr_1", creator)) == code
    assert [one.id for one in store.Person.objects] == ["usr_1"]


def test_a_phone_belongs_to_one_person_however_it_is_written(identity: IdentityServiceStub, shopper: User) -> None:
    employ("usr_1", "team")
    request = pb.CreateUserRequest(phone="+84 912 345 678", pin=PIN, name="Bình", roles=["shopper"])
    assert refused(identity.CreateUser, request, claims("usr_1", "team")) == "ALREADY_EXISTS"


# Keys


def test_the_jwks_shows_the_next_key_before_it_signs_and_no_secret_ever(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    due = keys.PERIOD - keys.LEAD + timedelta(minutes=1)
    old = verified(identity, sign_in(identity).tokens.access_token)
    store.rotate_keys(clock.now() + due)
    moving_clock.moved = due
    jwks = json.loads(identity.GetJwks(pb.GetJwksRequest()).data)["keys"]
    assert len(jwks) == 2
    assert all("d" not in key and key["use"] == "sig" for key in jwks)
    during = identity.SignIn(pb.SignInRequest(phone=PHONE, pin=PIN)).tokens.access_token
    assert jwt_kid(during) == jwks[0]["kid"]
    moving_clock.moved = due + keys.LEAD + timedelta(seconds=5)
    after = identity.SignIn(pb.SignInRequest(phone=PHONE, pin=PIN)).tokens.access_token
    assert jwt_kid(after) == jwks[1]["kid"]
    assert verified(identity, during)["sub"] == verified(identity, after)["sub"] == old["sub"]


def jwt_kid(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


# What must not be said


def test_logs_hold_neither_phone_nor_pin_nor_token(
    identity: IdentityServiceStub, shopper: User, capfd: pytest.CaptureFixture[str]
) -> None:
    with capture_logs() as logs:
        said = _use_everything(identity, shopper)
    written = repr(logs) + "".join(capfd.readouterr())
    assert {"signed in", "wrong PIN", "stepped up", "device removed", "user created", "PIN changed"} <= {
        entry["event"] for entry in logs
    }
    for secret in (PHONE[1:], NOBODYS_PHONE[1:], PIN, OTHER_PIN, DEVICE, said.access_token, said.refresh_token):
        assert secret not in written


def _use_everything(identity: IdentityServiceStub, shopper: User) -> pb.Tokens:
    """Calls that succeed and calls that fail; the first tokens given out."""
    employ("usr_1", "operator")
    operator = claims("usr_1", "operator")
    said = sign_in_with(identity, DEVICE)
    me = as_gateway(identity, sign_in_with(identity, OTHER_DEVICE).access_token)
    identity.StepUp(pb.StepUpRequest(pin=PIN), metadata=me)
    refused(identity.StepUp, pb.StepUpRequest(pin=OTHER_PIN), me)
    identity.RemoveDevice(pb.RemoveDeviceRequest(device_id=dict(me)["x-cho-dev"]), metadata=me)
    refused(identity.SignIn, pb.SignInRequest(phone=PHONE, pin=OTHER_PIN))
    refused(identity.SignIn, pb.SignInRequest(phone=NOBODYS_PHONE, pin=OTHER_PIN))
    create = pb.CreateUserRequest(phone=NOBODYS_PHONE, pin=PIN, name="Bình", roles=["vendor"])
    identity.CreateUser(create, metadata=operator)
    refused(identity.CreateUser, create, operator)
    refresh = pb.RefreshTokenRequest(refresh_token=said.refresh_token)
    following = identity.RefreshToken(refresh).tokens.refresh_token
    identity.RefreshToken(pb.RefreshTokenRequest(refresh_token=following))
    refused(identity.RefreshToken, refresh)
    change = pb.ChangePinRequest(old_pin=PIN, new_pin=OTHER_PIN)
    identity.ChangePin(change, metadata=claims(shopper.user_id, "shopper"))
    return said
