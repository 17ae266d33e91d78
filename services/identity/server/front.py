"""What every servicer of identity does: prove a PIN, give out tokens, say what it saw."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from cho.identity.v1 import identity_pb2 as pb

from kit import clock, log
from kit.config import settings
from kit.errors import NotFound, PermissionDenied, WrongPin
from kit.rpc.call import Call
from services.identity import cookies, keys, store, tokens
from services.identity.tokens import SignedIn
from services.identity.user import User

# How fresh a PIN is where something is changed that a thief of a token would like to change.
FRESH_PIN_S = 300

_logger = log.logger(__name__)


class Front:
    """One a process, made after any fork. `hasher` and `now` are for tests."""

    def __init__(self, hasher: store.Hasher = store.HASHER, now: Callable[[], datetime] = clock.now) -> None:
        self.hasher = hasher
        self.now = now
        self._keys = store.KeyCache()
        # Checked in place of the PIN of a phone that nobody has, so that both answers take the same time.
        self._nobodys_pin_hash = hasher.hash(secrets.token_hex())

    def ring(self) -> keys.Ring:
        """The signing keys now."""
        return self._keys.ring(self.now())

    def account_of(self, call: Call) -> store.Account:
        """The caller's. Raises NotFound."""
        account = store.account_by_id(call.caller.sub)
        if account is None:
            raise NotFound("there is no such person any more")
        return account

    def require_roles_still(self, call: Call) -> None:
        """Raises PermissionDenied where a role in the caller's token is no longer theirs.

        For what takes an office: a token outlives the roles in it by up to ACCESS_LIFE.
        """
        lost = call.caller.roles - store.roles_of(call.caller.sub)
        if lost:
            _logger.warning("a role that was taken away is used", user=call.caller.sub, roles=sorted(lost))
            raise PermissionDenied("your roles have changed since you signed in: sign in again (POST /v1/sign-in)")

    def prove(self, account: store.Account | None, guess_key: str, pin: str) -> None:
        """Spends one guess on `pin`. Raises WrongPin (with `left`; the same for nobody's phone) or TooManyAttempts."""
        with self.hasher.slot:
            left = store.take_guess(guess_key, self.now())
            pin_hash = account.pin_hash if account else self._nobodys_pin_hash
            if not self.hasher.matches(pin_hash, pin):
                _logger.warning("wrong PIN", user=account.user.user_id if account else "nobody")
                raise WrongPin("phone or PIN is wrong", left=str(left))
            store.forget_guesses(guess_key)

    def prove_again(self, account: store.Account, pin: str, call: Call) -> None:
        """Spends a guess of somebody who is signed in: their device's own, where it is still known."""
        user_id, device_id = account.user.user_id, call.caller.device_id
        known = device_id if device_id and store.is_known(user_id, device_id) else ""
        self.prove(account, store.guess_key(user_id, "", known), pin)

    def require_fresh_pin(self, call: Call) -> None:
        """Raises StepUpNeeded."""
        call.require_fresh_pin(int(self.now().timestamp()), FRESH_PIN_S)

    def tokens(self, user: User, signed_in: SignedIn, refresh_token: str, call: Call) -> pb.Tokens:
        """Both tokens, in the reply and in cookies."""
        set_cookie(call, cookies.REFRESH, refresh_token, tokens.REFRESH_LIFE)
        return pb.Tokens(
            access_token=self.access_token(user, signed_in, call),
            expires_in_s=seconds(tokens.ACCESS_LIFE),
            refresh_token=refresh_token,
            refresh_expires_in_s=seconds(tokens.REFRESH_LIFE),
        )

    def access_token(self, user: User, signed_in: SignedIn, call: Call) -> str:
        """An access token, in a cookie too."""
        now = self.now()
        key = keys.signing(self.ring(), now)
        access_token = tokens.sign(tokens.claims(user, signed_in, now), key.kid, key.pair)
        set_cookie(call, cookies.ACCESS, access_token, tokens.ACCESS_LIFE)
        return access_token


def user_message(user: User) -> pb.User:
    """A person as they are shown to themselves and to whoever created them."""
    return pb.User(
        user_id=user.user_id,
        name=user.name,
        phone_masked=user.phone_masked,
        roles=user.roles,
        institution=user.institution,
        identified=user.identified,
    )


def session_id(call: Call) -> str:
    """The caller's session."""
    return str(call.metadata.get("x-cho-sid", ""))


def seconds(life: timedelta) -> int:
    """Whole seconds."""
    return int(life.total_seconds())


def cookie(call: Call, name: str) -> str:
    """A cookie that the caller sent, "" where it did not."""
    return cookies.read(call.metadata.get("cookie", ""), name)


def set_cookie(call: Call, name: str, value: str, life: timedelta) -> None:
    """Has the caller's browser keep a cookie."""
    secure = settings().env != "local"
    call.set_header("set-cookie", cookies.set_cookie(name, value, seconds(life), secure=secure))
