"""Tokens and the cookies that carry them."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from services.identity import cookies, keys, tokens
from services.identity.user import User

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
SIGNED_IN = tokens.SignedIn("ses_1", NOW - timedelta(seconds=30), "dev_1", NOW - timedelta(days=40))
USER = User("usr_1", "Lan", "+84912345678", ("officer", "vendor"), "VIETTEL")
KEY = keys.new_key(NOW)
PUBLIC = KeySet.import_key_set({"keys": [KEY.public_jwk()]})


def test_an_access_token_says_who_and_for_how_long() -> None:
    token = jwt.decode(
        tokens.sign(tokens.claims(USER, SIGNED_IN, NOW), KEY.kid, KEY.pair), PUBLIC, algorithms=["ES256"]
    )
    assert token.header == {"typ": "JWT", "alg": "ES256", "kid": KEY.kid}
    assert token.claims == {
        "iss": "cho",
        "aud": "cho-gateway",
        "sub": "usr_1",
        "roles": "officer,vendor",
        "ins": "VIETTEL",
        "sid": "ses_1",
        "pin_at": int(NOW.timestamp()) - 30,
        "dev": "dev_1",
        "dev_at": int(NOW.timestamp()) - 40 * 86_400,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 900,
    }


def test_a_published_key_holds_no_secret() -> None:
    assert KEY.public_jwk().keys() == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_the_session_of_an_expired_token_is_known() -> None:
    assert tokens.session_of(tokens.sign(tokens.claims(USER, SIGNED_IN, NOW), KEY.kid, KEY.pair), PUBLIC) == "ses_1"


@pytest.mark.parametrize("garbage", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzaWQiOiJzZXNfMSJ9."])
def test_garbage_has_no_session(garbage: str) -> None:
    assert tokens.session_of(garbage, PUBLIC) == ""


def test_a_token_of_a_strange_key_has_no_session() -> None:
    stranger = keys.new_key(NOW)
    said = tokens.claims(USER, SIGNED_IN, NOW)
    assert tokens.session_of(tokens.sign(said, stranger.kid, stranger.pair), PUBLIC) == ""
    assert tokens.session_of(tokens.sign(said, KEY.kid, stranger.pair), PUBLIC) == ""


def test_a_refresh_token_names_its_session_and_each_is_another() -> None:
    session_id = "ses_" + "0" * 32
    token, digest = tokens.new_refresh(session_id)
    assert tokens.read_refresh(token) == tokens.Refresh(session_id, digest, ours=True)
    forged = tokens.read_refresh(f"{session_id}.{'a' * 43}.{'0' * 32}")
    assert forged is not None
    assert not forged.ours
    unmarked = tokens.read_refresh(token.rpartition(".")[0])
    assert unmarked is not None, "as they were made before"
    assert not unmarked.ours
    assert tokens.new_refresh(session_id)[0] != token
    assert digest not in token


@pytest.mark.parametrize(
    "text", ["", "ses_1.x", "ses_" + "0" * 32 + ".short", "ses_" + "0" * 32 + "." + "a" * 43 + "\n"]
)
def test_what_is_no_refresh_token_is_none(text: str) -> None:
    assert tokens.read_refresh(text) is None


def test_cookies_are_kept_from_scripts_and_other_sites() -> None:
    local = cookies.set_cookie(cookies.REFRESH, "x", 60, secure=False)
    assert local == "cho_refresh=x; Path=/v1/token; Max-Age=60; HttpOnly; SameSite=Strict"
    assert cookies.set_cookie(cookies.ACCESS, "x", 60, secure=True).endswith("; Secure")


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("cho_access=a", "a"),
        ("x=1; cho_access=a.b_c-d; y=2", "a.b_c-d"),
        ("xcho_access=a", ""),
        ("", ""),
        ("cho_access", ""),
    ],
)
def test_a_cookie_is_found_by_its_whole_name(header: str, value: str) -> None:
    assert cookies.read(header, cookies.ACCESS) == value
