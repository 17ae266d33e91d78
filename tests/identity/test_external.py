"""Signing in through an outside provider, and every known way of getting in without being let in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import grpc
import httpx
import pytest
from cho.identity.v1 import external_pb2 as pb
from cho.identity.v1 import external_pb2_grpc, identity_pb2, identity_pb2_grpc
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from structlog.testing import capture_logs

from kit import clock, tls
from kit.config import settings
from kit.errors import DomainError, ExternalRefused
from services.identity import store
from services.identity.external import idtoken, provider
from services.identity.external.attempt import LIFE, new_attempt
from services.identity.user import User
from simulators.card.http import Answer
from tests.identity.calls import outcome, refused, with_pin
from tests.identity.conftest import OTHER_PIN, Clock, claims
from tests.identity.oidc import CLIENT, Spoiled, running

HOA, BINH = "cccd-0001", "cccd-0002"


@pytest.fixture(scope="module")
def _running() -> Iterator[Spoiled]:
    with running() as started:
        yield started


@pytest.fixture
def outside(_running: Spoiled, monkeypatch: pytest.MonkeyPatch) -> Spoiled:
    """The provider, honest, and configured here. Named before `external`: a servicer reads the settings when made."""
    for name in ("spoil_claims", "spoil_token", "spoil_metadata", "broken"):
        monkeypatch.setattr(_running, name, {"spoil_metadata": {}, "broken": None}.get(name, getattr(_running, name)))
    _running.asked.clear()
    monkeypatch.setattr(settings(), "oidc_issuer", _running.issuer)
    monkeypatch.setattr(settings(), "oidc_client_id", CLIENT.client_id)
    monkeypatch.setattr(settings(), "oidc_client_secret", CLIENT.secret)
    monkeypatch.setattr(settings(), "oidc_redirect_uri", CLIENT.redirect_uri)
    return _running


@pytest.fixture
def external(outside: Spoiled, channel: grpc.Channel) -> external_pb2_grpc.ExternalServiceStub:
    return external_pb2_grpc.ExternalServiceStub(channel)


@pytest.fixture
def linked(external: external_pb2_grpc.ExternalServiceStub, shopper: User) -> User:
    """A shopper who is linked with HOA."""
    me = with_pin(shopper.user_id, "shopper", clock.now())
    started = external.StartExternalLink(pb.StartExternalLinkRequest(), metadata=me)
    external.FinishExternalLink(pb.FinishExternalLinkRequest(**came_back(started, HOA)), metadata=me)
    return shopper


def came_back(started: Any, subject: str) -> dict[str, str]:
    """What a browser comes back with: the person said who they are."""
    reply = httpx.get(f"{started.authorization_url}&login_hint={subject}", verify=tls.context())
    assert reply.status_code == 302
    location = urlsplit(reply.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == CLIENT.redirect_uri
    return dict(parse_qsl(location.query)) | {"attempt_secret": started.attempt_secret}


def start(external: external_pb2_grpc.ExternalServiceStub) -> Any:
    return external.StartExternalSignIn(pb.StartExternalSignInRequest())


def finish(external: external_pb2_grpc.ExternalServiceStub, said: dict[str, str]) -> Any:
    return external.FinishExternalSignIn(pb.FinishExternalSignInRequest(**said))


def code_of(external: external_pb2_grpc.ExternalServiceStub, said: dict[str, str]) -> str:
    return outcome(lambda: finish(external, said))


# What it is for


def test_who_has_linked_their_account_signs_in_with_the_provider(
    identity: identity_pb2_grpc.IdentityServiceStub, external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    reply = finish(external, came_back(start(external), HOA))
    assert reply.user.user_id == linked.user_id
    keys = KeySet.import_key_set(json.loads(identity.GetJwks(identity_pb2.GetJwksRequest()).data))
    said = jwt.decode(reply.tokens.access_token, keys, algorithms=["ES256"]).claims
    assert (said["sub"], said["roles"]) == (linked.user_id, "shopper")
    assert said["pin_at"] == 0, "no PIN was entered: money above the threshold still needs one"
    identity.RefreshToken(identity_pb2.RefreshTokenRequest(refresh_token=reply.tokens.refresh_token))


def test_who_has_not_linked_theirs_is_told_how_to(
    external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    assert code_of(external, came_back(start(external), BINH)) == "EXTERNAL_NOT_LINKED"


def test_linking_and_unlinking_need_a_pin_that_was_just_entered(
    external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    stale = with_pin(linked.user_id, "shopper", clock.now() - timedelta(minutes=6))
    fresh = with_pin(linked.user_id, "shopper", clock.now())
    assert refused(external.StartExternalLink, pb.StartExternalLinkRequest(), stale) == "STEP_UP_NEEDED"
    assert refused(external.EndExternalLink, pb.EndExternalLinkRequest(), stale) == "STEP_UP_NEEDED"
    assert external.GetExternalLink(pb.GetExternalLinkRequest(), metadata=stale).linked
    external.EndExternalLink(pb.EndExternalLinkRequest(), metadata=fresh)
    assert refused(external.EndExternalLink, pb.EndExternalLinkRequest(), fresh) == "NOT_FOUND"
    assert not external.GetExternalLink(pb.GetExternalLinkRequest(), metadata=stale).linked
    assert code_of(external, came_back(start(external), HOA)) == "EXTERNAL_NOT_LINKED"


def test_each_account_is_linked_with_one(
    external: external_pb2_grpc.ExternalServiceStub, linked: User, hasher: store.Hasher
) -> None:
    other = store.create_user("0987654321", OTHER_PIN, "Bình", ["shopper"], hasher=hasher)

    def link(user: User, subject: str) -> str:
        me = with_pin(user.user_id, "shopper", clock.now())
        started = external.StartExternalLink(pb.StartExternalLinkRequest(), metadata=me)
        said = pb.FinishExternalLinkRequest(**came_back(started, subject))
        return outcome(lambda: external.FinishExternalLink(said, metadata=me))

    assert link(linked, HOA) == "OK"
    assert link(other, HOA) == link(linked, BINH) == "ALREADY_EXISTS"
    assert link(other, BINH) == "OK"


def test_without_a_provider_it_is_off(channel: grpc.Channel, shopper: User) -> None:
    external = external_pb2_grpc.ExternalServiceStub(channel)
    assert refused(external.StartExternalSignIn, pb.StartExternalSignInRequest()) == "NOT_CONFIGURED"
    me = with_pin(shopper.user_id, "shopper", clock.now())
    assert refused(external.StartExternalLink, pb.StartExternalLinkRequest(), me) == "NOT_CONFIGURED"
    assert not external.GetExternalLink(pb.GetExternalLinkRequest(), metadata=me).issuer


def test_the_provider_turns_its_keys_and_nobody_notices(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User, moving_clock: Clock
) -> None:
    finish(external, came_back(start(external), HOA))
    outside.rotate()
    # A key that is not known is looked up, but not more often than every ten seconds.
    moving_clock.moved = provider.REREAD_AFTER + timedelta(seconds=1)
    finish(external, came_back(start(external), HOA))


def test_what_the_provider_says_of_itself_is_kept_a_while(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User, moving_clock: Clock
) -> None:
    for _ in range(3):
        start(external)
    assert outside.asked.count("/.well-known/openid-configuration") == 1
    moving_clock.moved = provider.KEPT + timedelta(seconds=5)
    start(external)
    assert outside.asked.count("/.well-known/openid-configuration") == 2


# Ways of getting in without being let in


def test_a_state_works_once(external: external_pb2_grpc.ExternalServiceStub, linked: User) -> None:
    said = came_back(start(external), HOA)
    finish(external, said)
    assert code_of(external, said) == "EXTERNAL_REFUSED"


def test_a_code_works_once_and_only_in_the_attempt_that_it_was_made_for(
    external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    used = came_back(start(external), HOA)
    finish(external, used)
    assert code_of(external, came_back(start(external), HOA) | {"code": used["code"]}) == "EXTERNAL_REFUSED"
    # Of an attempt that was never finished: PKCE ties a code to its attempt.
    stolen = came_back(start(external), HOA)
    assert code_of(external, came_back(start(external), BINH) | {"code": stolen["code"]}) == "EXTERNAL_REFUSED"


def test_a_link_that_somebody_planted_signs_nobody_in_as_them(
    external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    planted = came_back(start(external), HOA)
    mine = start(external).attempt_secret
    assert code_of(external, planted | {"attempt_secret": mine}) == "EXTERNAL_REFUSED"
    assert code_of(external, planted | {"attempt_secret": ""}) == "EXTERNAL_REFUSED"


def test_an_attempt_to_sign_in_links_nobody_and_one_to_link_signs_nobody_in(
    external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    me = with_pin(linked.user_id, "shopper", clock.now())
    as_link = pb.FinishExternalLinkRequest(**came_back(start(external), BINH))
    assert refused(external.FinishExternalLink, as_link, me) == "EXTERNAL_REFUSED"
    linking = external.StartExternalLink(pb.StartExternalLinkRequest(), metadata=me)
    assert code_of(external, came_back(linking, HOA)) == "EXTERNAL_REFUSED"
    others = external.StartExternalLink(pb.StartExternalLinkRequest(), metadata=me)
    stolen = pb.FinishExternalLinkRequest(**came_back(others, BINH))
    assert refused(external.FinishExternalLink, stolen, claims("usr_thief", "shopper")) == "EXTERNAL_REFUSED"


def test_an_attempt_ends_after_ten_minutes(
    external: external_pb2_grpc.ExternalServiceStub, linked: User, moving_clock: Clock
) -> None:
    said = came_back(start(external), HOA)
    moving_clock.moved = LIFE
    assert code_of(external, said) == "EXTERNAL_REFUSED"


def test_who_comes_back_from_another_provider_shows_this_one_no_code(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    for iss in ("https://evil.example", ""):
        said = came_back(start(external), HOA) | {"iss": iss}
        outside.asked.clear()
        assert code_of(external, said) == "EXTERNAL_REFUSED"
        assert "/token" not in outside.asked


def _unsigned(said: dict[str, Any], _: str) -> str:
    return ".".join([_part({"alg": "none"}), _part(said), ""])


def _hs256(key: bytes, kid: str) -> Callable[[dict[str, Any], str], str]:
    """Signed with what everybody knows: the public key as the secret of a MAC."""

    def sign(said: dict[str, Any], _: str) -> str:
        text = f"{_part({'alg': 'HS256', 'kid': kid})}.{_part(said)}"
        return f"{text}.{_base64(hmac.new(key, text.encode(), hashlib.sha256).digest())}"

    return sign


def _part(content: dict[str, Any]) -> str:
    return _base64(json.dumps(content).encode())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


WRONG_CLAIMS: tuple[dict[str, Any], ...] = (
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "somebody-else"},
    {"aud": ["cho", "somebody-else"]},
    {"aud": ["cho", "somebody-else"], "azp": "somebody-else"},
    {"azp": "somebody-else"},
    {"iss": "https://evil.example"},
    {"iss": None},
    {"exp": 1},
    {"exp": "never"},
    {"exp": True},
    {"iat": 1},
    {"iat": 99_999_999_999},
    {"sub": ""},
    {"sub": 7},
    {"sub": "x" * 256},
)


def test_an_id_token_that_says_anything_else_is_refused(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    believed = []
    for change in WRONG_CLAIMS:
        outside.spoil_claims = lambda said, change=change: {k: v for k, v in (said | change).items() if v is not None}  # type: ignore[misc]
        if code_of(external, came_back(start(external), HOA)) != "EXTERNAL_REFUSED":
            believed.append(change)
    assert not believed
    outside.spoil_claims = lambda said: said
    finish(external, came_back(start(external), HOA))


def test_an_id_token_that_the_providers_key_did_not_sign_is_refused(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    (shown, *_) = outside.jwks()["keys"]
    public = ECKey.import_key(shown).as_pem(private=False)
    foreign = ECKey.generate_key("P-256", {"kid": shown["kid"]})
    spoils: list[Callable[[dict[str, Any], str], str]] = [
        _unsigned,
        _hs256(public, shown["kid"]),
        _hs256(json.dumps(shown).encode(), shown["kid"]),
        lambda said, _: jwt.encode({"alg": "ES256", "kid": shown["kid"]}, said, foreign, algorithms=["ES256"]),
        lambda said, _: jwt.encode({"alg": "ES256", "kid": "unheard-of"}, said, foreign, algorithms=["ES256"]),
        lambda _, token: token[:-8] + "AAAAAAAA",
        lambda said, token: ".".join([token.split(".")[0], _part(said | {"sub": BINH}), token.split(".")[2]]),
        lambda _, token: token.rpartition(".")[0],
        lambda *_: "garbage",
        lambda *_: "",
    ]
    for spoil in spoils:
        outside.spoil_token = spoil
        assert code_of(external, came_back(start(external), HOA)) == "EXTERNAL_REFUSED"
    outside.spoil_token = lambda _, token: token
    finish(external, came_back(start(external), HOA))


@pytest.mark.parametrize("audience", [["cho"], "cho"])
def test_what_the_standard_allows_an_id_token_to_say_is_believed(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User, audience: Any
) -> None:
    outside.spoil_claims = lambda said: said | {"aud": audience, "azp": "cho"}
    finish(external, came_back(start(external), HOA))


def test_keys_that_nobody_heard_of_do_not_make_us_ask_for_more_than_once(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    foreign = ECKey.generate_key("P-256")
    outside.spoil_token = lambda said, _: jwt.encode({"alg": "ES256", "kid": "x"}, said, foreign, algorithms=["ES256"])
    for _ in range(3):
        assert code_of(external, came_back(start(external), HOA)) == "EXTERNAL_REFUSED"
    assert outside.asked.count("/jwks.json") == 1


def test_a_provider_that_describes_another_or_sends_us_elsewhere_is_not_asked(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub
) -> None:
    for change in (
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": ""},
    ):
        outside.spoil_metadata = change
        assert refused(external.StartExternalSignIn, pb.StartExternalSignInRequest()) == "UNAVAILABLE", change
    outside.spoil_metadata = {}
    start(external)


def test_a_provider_that_is_broken_is_unavailable(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub
) -> None:
    for broken in (
        Answer(500, b"{}"),
        Answer(302, headers=(("Location", "http://127.0.0.1:1/"),)),
        Answer(200, b"[]"),
        Answer(200, b"<html>"),
        Answer(200, b'{"x": "' + b"x" * provider.REPLY_BYTES_MAX + b'"}'),
        Answer(200, fate="cut"),
    ):
        outside.broken = broken
        assert refused(external.StartExternalSignIn, pb.StartExternalSignInRequest()) == "UNAVAILABLE", broken
    outside.broken = None
    start(external)


def test_a_provider_that_answers_byte_by_byte_holds_nobody_for_good(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        # Each part of an answer comes in time, and the whole of it does not.
        patch.setattr(provider, "monotonic", itertools.count(0.0, 2 * provider.TIMEOUT_S).__next__)
        assert refused(external.StartExternalSignIn, pb.StartExternalSignInRequest()) == "UNAVAILABLE"
    start(external)


def test_a_provider_that_hangs_holds_few_of_us_and_no_more(
    outside: Spoiled, monkeypatch: pytest.MonkeyPatch, moving_clock: Clock
) -> None:
    monkeypatch.setattr(provider, "TIMEOUT_S", 1.0)
    callers = 4 * provider.CALLS_MAX
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        monkeypatch.setattr(settings(), "oidc_issuer", f"http://127.0.0.1:{deaf.getsockname()[1]}")
        with closing(provider.Provider(settings(), moving_clock)) as hanging, ThreadPoolExecutor(callers) as pool:
            together = threading.Barrier(callers)

            def ask(_: int) -> str:
                together.wait()
                try:
                    return hanging.authorization_url(new_attempt())
                except DomainError as error:
                    return error.code

            outcomes = list(pool.map(ask, range(callers)))
        deaf.setblocking(False)
        asked = 0
        with suppress(BlockingIOError):
            while asked < callers:
                deaf.accept()[0].close()
                asked += 1
    assert outcomes.count("UNAVAILABLE") <= provider.CALLS_MAX
    assert outcomes.count("OVERLOADED") == callers - outcomes.count("UNAVAILABLE")
    assert asked == 1, "who waited while it was asked does not ask again"


def test_where_people_come_back_to_is_nobodys_to_choose(
    outside: Spoiled, external: external_pb2_grpc.ExternalServiceStub
) -> None:
    url = start(external).authorization_url
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == [CLIENT.redirect_uri]
    assert (query["response_type"], query["code_challenge_method"]) == (["code"], ["S256"])
    elsewhere = url.replace("cho.example.vn", "evil.example")
    reply = httpx.get(f"{elsewhere}&login_hint={HOA}", verify=tls.context())
    assert (reply.status_code, "location" in reply.headers) == (400, False)


@pytest.mark.parametrize(
    "said", [{"state": "", "code": "x"}, {"state": "x", "code": ""}, {"state": "x" * 3000, "code": "x"}]
)
def test_what_no_provider_sends_is_refused(
    external: external_pb2_grpc.ExternalServiceStub, said: dict[str, str]
) -> None:
    assert code_of(external, said) == "EXTERNAL_REFUSED"


def test_neither_codes_nor_secrets_nor_who_somebody_is_there_are_logged_or_stored(
    external: external_pb2_grpc.ExternalServiceStub, linked: User
) -> None:
    with capture_logs() as logs:
        started = start(external)
        said = came_back(started, HOA)
        stored = repr(list(store.ExternalAttempt._get_collection().find()))
        finish(external, said)
        code_of(external, said)
    stored += repr(list(store.ExternalLink._get_collection().find()))
    for secret in (said["state"], said["code"], started.attempt_secret, HOA):
        assert secret not in repr(logs)
        assert secret not in stored


def test_four_secrets_of_an_attempt_are_independent_and_hidden() -> None:
    attempt = new_attempt()
    assert len({attempt.state, attempt.secret, attempt.nonce, attempt.code_verifier}) == 4
    assert all(len(one) == 43 for one in (attempt.state, attempt.secret, attempt.nonce, attempt.code_verifier))
    assert attempt.state not in repr(attempt)


@pytest.mark.parametrize("token", ["", "a.b.c", "a" * 5000, "..", "eyJhbGciOiJub25lIn0.e30."])
def test_what_is_no_token_has_no_key(token: str) -> None:
    with pytest.raises(ExternalRefused):
        idtoken.key_id(token)
