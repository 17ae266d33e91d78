"""Where a person is signed in, and an end to it."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from cho.identity.v1 import identity_pb2, identity_pb2_grpc, sessions_pb2_grpc
from cho.identity.v1 import sessions_pb2 as pb

from kit import accesses
from services.identity import store
from services.identity.user import User
from tests.identity.calls import refused
from tests.identity.conftest import OTHER_PIN, PHONE, PIN, claims

DEVICE = "0b9f3c1e-6a54-4d2b-9c1a-2f6de0a81b37"


@pytest.fixture
def sessions(channel: grpc.Channel) -> sessions_pb2_grpc.SessionServiceStub:
    return sessions_pb2_grpc.SessionServiceStub(channel)


def sign_in(identity: identity_pb2_grpc.IdentityServiceStub, device: str = "", name: str = "") -> Any:
    request = identity_pb2.SignInRequest(phone=PHONE, pin=PIN, device_id=device, device_name=name)
    return identity.SignIn(request).tokens.refresh_token


def alive(identity: identity_pb2_grpc.IdentityServiceStub, refresh_token: str) -> bool:
    try:
        identity.RefreshToken(identity_pb2.RefreshTokenRequest(refresh_token=refresh_token))
    except grpc.RpcError:
        return False
    return True


def me(user: User, refresh_token: str = "") -> Any:
    return claims(user.user_id, "shopper", sid=refresh_token.partition(".")[0])


def test_a_person_sees_where_they_are_signed_in(
    identity: identity_pb2_grpc.IdentityServiceStub, sessions: sessions_pb2_grpc.SessionServiceStub, shopper: User
) -> None:
    sign_in(identity)
    here = sign_in(identity, DEVICE, "Samsung A15")
    listed = sessions.ListSessions(pb.ListSessionsRequest(), metadata=me(shopper, here)).sessions
    assert [(one.device_name, one.current) for one in listed] == [("Samsung A15", True), ("", False)]
    assert all(one.expires_at.seconds - one.opened_at.seconds == 30 * 86_400 for one in listed)
    assert not sessions.ListSessions(pb.ListSessionsRequest(), metadata=claims("usr_2", "shopper")).sessions


def test_one_session_is_ended_by_its_owner_and_by_nobody_else(
    identity: identity_pb2_grpc.IdentityServiceStub, sessions: sessions_pb2_grpc.SessionServiceStub, shopper: User
) -> None:
    lost, here = sign_in(identity), sign_in(identity)
    request = pb.EndSessionRequest(session_id=lost.partition(".")[0])
    assert refused(sessions.EndSession, request, claims("usr_2", "shopper")) == "NOT_FOUND"
    sessions.EndSession(request, metadata=me(shopper, here))
    assert refused(sessions.EndSession, request, me(shopper, here)) == "NOT_FOUND"
    assert (alive(identity, lost), alive(identity, here)) == (False, True)


def test_signing_out_everywhere_ends_every_session(
    identity: identity_pb2_grpc.IdentityServiceStub, sessions: sessions_pb2_grpc.SessionServiceStub, shopper: User
) -> None:
    tokens = [sign_in(identity), sign_in(identity, DEVICE)]
    request = pb.SignOutEverywhereRequest()
    assert sessions.SignOutEverywhere(request, metadata=me(shopper, tokens[0])).ended == 2
    assert not any(alive(identity, token) for token in tokens)
    assert sessions.SignOutEverywhere(request, metadata=me(shopper)).ended == 0


def test_a_session_that_a_new_pin_has_ended_is_not_shown_as_open(
    identity: identity_pb2_grpc.IdentityServiceStub, sessions: sessions_pb2_grpc.SessionServiceStub, shopper: User
) -> None:
    here, elsewhere = sign_in(identity), sign_in(identity)
    identity.ChangePin(identity_pb2.ChangePinRequest(old_pin=PIN, new_pin=OTHER_PIN), metadata=me(shopper, here))
    (listed,) = sessions.ListSessions(pb.ListSessionsRequest(), metadata=me(shopper, here)).sessions
    assert listed.current
    assert alive(identity, here)
    assert not alive(identity, elsewhere)


@pytest.mark.usefixtures("staff")
def test_an_operator_ends_somebodys_sessions_with_a_reason_that_stays(
    identity: identity_pb2_grpc.IdentityServiceStub, sessions: sessions_pb2_grpc.SessionServiceStub, shopper: User
) -> None:
    token, operator = sign_in(identity), claims("usr_operator", "operator")
    request = pb.EndSessionsOfRequest(user_id=shopper.user_id, reason="báo mất máy qua tổng đài")
    short = pb.EndSessionsOfRequest(user_id=shopper.user_id, reason="mất máy")
    assert refused(sessions.EndSessionsOf, short, operator) == "INVALID_ARGUMENT"
    nobody = pb.EndSessionsOfRequest(user_id="usr_2", reason=request.reason)
    assert refused(sessions.EndSessionsOf, nobody, operator) == "NOT_FOUND"
    assert store.Session.objects(user_id=shopper.user_id)
    assert sessions.EndSessionsOf(request, metadata=operator).ended == 1
    assert not alive(identity, token)
    (line,) = accesses.page(subject_id=shopper.user_id).accesses
    assert (line.actor_id, line.field, line.reason) == ("usr_operator", "sessions.ended", request.reason)


@pytest.mark.usefixtures("staff")
def test_who_has_looked_at_all_that_a_day_allows_still_ends_a_thiefs_sessions(
    identity: identity_pb2_grpc.IdentityServiceStub,
    sessions: sessions_pb2_grpc.SessionServiceStub,
    shopper: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(accesses, "A_DAY_MAX", 1)
    accesses.record("usr_operator", shopper.user_id, "users.phone", "báo mất máy qua tổng đài")
    token = sign_in(identity)
    request = pb.EndSessionsOfRequest(user_id=shopper.user_id, reason="báo mất máy qua tổng đài")
    sessions.EndSessionsOf(request, metadata=claims("usr_operator", "operator"))
    assert not alive(identity, token)
