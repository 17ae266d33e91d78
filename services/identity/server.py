"""IdentityService: sign-in, sessions, devices, people, public keys."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from cho.identity.v1 import identity_pb2 as pb
from google.api import httpbody_pb2
from joserfc.jwk import KeySet

from kit import clock, crypto, log, phones
from kit.config import settings
from kit.errors import InvalidArgument, NotFound, WrongPin
from kit.rpc import threads
from kit.rpc.call import Call
from services.identity import cookies, keys, store, tokens
from services.identity import device as devices
from services.identity import pin as pins
from services.identity import user as users
from services.identity.tokens import SignedIn
from services.identity.user import User

_logger = log.logger(__name__)


class IdentityServicer:
    """One a process, made after any fork. `hasher` and `now` are for tests."""

    def __init__(self, hasher: store.Hasher = store.HASHER, now: Callable[[], datetime] = clock.now) -> None:
        self._hasher = hasher
        self._now = now
        self._keys = store.KeyCache()
        # Checked in place of the PIN of a phone that nobody has, so that both answers take the same time.
        self._nobodys_pin_hash = hasher.hash(secrets.token_hex())

    def SignIn(self, request: pb.SignInRequest, call: Call) -> pb.SignInResponse:
        """Raises InvalidArgument, WrongPin, TooManyAttempts."""
        phone, pin = phones.normalise(request.phone), pins.check_format(request.pin)
        installation = devices.check_installation(request.device_id)
        device_name = devices.check_name(request.device_name)
        account = store.account_by_phone(phone)
        guess_key = store.guess_key(account.user.user_id if account else "", crypto.phone_index(phone))
        self._prove(account, guess_key, pin)
        assert account is not None, "nobody's PIN is right"
        user, now = account.user, self._now()
        device = store.remember_device(user.user_id, installation, device_name, now) if installation else None
        signed_in, refresh_token = store.open_session(account, device, now)
        _logger.info("signed in", user=user.user_id, session=signed_in.session_id, device=signed_in.device_id)
        return pb.SignInResponse(tokens=self._tokens(user, signed_in, refresh_token, call), user=_message(user))

    def RefreshToken(self, request: pb.RefreshTokenRequest, call: Call) -> pb.RefreshTokenResponse:
        """The token in the body, else the one in the cookie. Raises SessionEnded."""
        token = request.refresh_token or _cookie(call, cookies.REFRESH)
        account, signed_in, following = store.refresh_session(token, self._now())
        return pb.RefreshTokenResponse(tokens=self._tokens(account.user, signed_in, following, call))

    def StepUp(self, request: pb.StepUpRequest, call: Call) -> pb.StepUpResponse:
        """Raises InvalidArgument, WrongPin, TooManyAttempts, NotFound, SessionEnded."""
        account, pin = self._account_of(call), pins.check_format(request.pin)
        self._prove(account, store.guess_key(account.user.user_id, ""), pin)
        signed_in = store.step_up(account, _session_id(call), self._now())
        _logger.info("stepped up", user=account.user.user_id, session=signed_in.session_id)
        return pb.StepUpResponse(
            access_token=self._access_token(account.user, signed_in, call), expires_in_s=_seconds(tokens.ACCESS_LIFE)
        )

    def SignOut(self, request: pb.SignOutRequest, call: Call) -> pb.SignOutResponse:
        """Ends the session of the refresh token in body or cookie, else of the access token in its cookie.

        (A browser sends the refresh cookie to /v1/token/... only.) Succeeds where there is no session to end.
        """
        read = tokens.read_refresh(request.refresh_token or _cookie(call, cookies.REFRESH))
        session_id = read[0] if read else tokens.session_of(_cookie(call, cookies.ACCESS), self._public_keys())
        if store.end_session(session_id):
            _logger.info("signed out", session=session_id)
        for name in (cookies.ACCESS, cookies.REFRESH):
            _set_cookie(call, name, "", timedelta())
        return pb.SignOutResponse()

    def GetMe(self, request: pb.GetMeRequest, call: Call) -> pb.GetMeResponse:
        """Raises NotFound."""
        return pb.GetMeResponse(user=_message(self._account_of(call).user))

    def ChangePin(self, request: pb.ChangePinRequest, call: Call) -> pb.ChangePinResponse:
        """Raises InvalidArgument, PinWeak, WrongPin, TooManyAttempts, NotFound, Contention."""
        account = self._account_of(call)
        old_pin, new_pin = pins.check_format(request.old_pin), request.new_pin
        pins.check_strength(new_pin, account.user.phone)
        if new_pin == old_pin:
            raise InvalidArgument("new_pin: the same as the old one")
        self._prove(account, store.guess_key(account.user.user_id, ""), old_pin)
        changed = store.change_pin(account, new_pin, self._hasher)
        store.keep_session(_session_id(call), changed)
        _logger.info("PIN changed", user=account.user.user_id)
        return pb.ChangePinResponse()

    def ListDevices(self, request: pb.ListDevicesRequest, call: Call) -> pb.ListDevicesResponse:
        """The caller's own."""
        found = store.devices_of(call.caller.sub)
        return pb.ListDevicesResponse(devices=[_device(device, call.caller.device_id) for device in found])

    def RemoveDevice(self, request: pb.RemoveDeviceRequest, call: Call) -> pb.RemoveDeviceResponse:
        """Raises NotFound."""
        if not store.forget_device(call.caller.sub, request.device_id):
            raise NotFound("device_id: none of your devices; GET /v1/me/devices lists them")
        # They could not be used any more in any case: where this process dies here, they lie there until they expire.
        store.end_sessions_with(call.caller.sub, request.device_id)
        _logger.info("device removed", user=call.caller.sub, device=request.device_id)
        return pb.RemoveDeviceResponse()

    def CreateUser(self, request: pb.CreateUserRequest, call: Call) -> pb.CreateUserResponse:
        """Raises InvalidArgument, PinWeak, PermissionDenied, AlreadyExists."""
        users.check_may_create(call.caller.roles, request.roles)
        user = store.create_user(
            request.phone, request.pin, request.name, request.roles, request.institution, hasher=self._hasher
        )
        _logger.info("user created", user=user.user_id, roles=user.roles, by=call.caller.sub)
        return pb.CreateUserResponse(user=_message(user))

    def GetJwks(self, request: pb.GetJwksRequest, call: Call) -> httpbody_pb2.HttpBody:
        """Every key that a verifier needs now."""
        now = self._now()
        jwks = {"keys": [key.public_jwk() for key in keys.published(self._keys.ring(now), now)]}
        return httpbody_pb2.HttpBody(content_type="application/json", data=json.dumps(jwks).encode())

    def _prove(self, account: store.Account | None, guess_key: str, pin: str) -> None:
        """Spends one guess on `pin`. Raises WrongPin (the same for nobody's phone) or TooManyAttempts."""
        with self._hasher.slot:
            store.take_guess(guess_key, self._now())
            pin_hash = account.pin_hash if account else self._nobodys_pin_hash
            if not self._hasher.matches(pin_hash, pin):
                _logger.warning("wrong PIN", user=account.user.user_id if account else "nobody")
                raise WrongPin("phone or PIN is wrong")
            store.forget_guesses(guess_key)

    def _account_of(self, call: Call) -> store.Account:
        account = store.account_by_id(call.caller.sub)
        if account is None:
            raise NotFound("there is no such person any more")
        return account

    def _tokens(self, user: User, signed_in: SignedIn, refresh_token: str, call: Call) -> pb.Tokens:
        _set_cookie(call, cookies.REFRESH, refresh_token, tokens.REFRESH_LIFE)
        return pb.Tokens(
            access_token=self._access_token(user, signed_in, call),
            expires_in_s=_seconds(tokens.ACCESS_LIFE),
            refresh_token=refresh_token,
            refresh_expires_in_s=_seconds(tokens.REFRESH_LIFE),
        )

    def _access_token(self, user: User, signed_in: SignedIn, call: Call) -> str:
        now = self._now()
        key = keys.signing(self._keys.ring(now), now)
        access_token = tokens.sign(tokens.claims(user, signed_in, now), key.kid, key.pair)
        _set_cookie(call, cookies.ACCESS, access_token, tokens.ACCESS_LIFE)
        return access_token

    def _public_keys(self) -> KeySet:
        return KeySet.import_key_set({"keys": [key.public_jwk() for key in self._keys.ring(self._now())]})


def _message(user: User) -> pb.User:
    return pb.User(
        user_id=user.user_id,
        name=user.name,
        phone_masked=user.phone_masked,
        roles=user.roles,
        institution=user.institution,
    )


def _device(device: devices.Device, current_id: str) -> pb.Device:
    reply = pb.Device(device_id=device.device_id, name=device.name, current=device.device_id == current_id)
    reply.first_seen_at.FromDatetime(device.first_seen_at)
    reply.signed_in_at.FromDatetime(device.signed_in_at)
    return reply


def _session_id(call: Call) -> str:
    return str(call.metadata.get("x-cho-sid", ""))


def _seconds(life: timedelta) -> int:
    return int(life.total_seconds())


def _cookie(call: Call, name: str) -> str:
    return cookies.read(call.metadata.get("cookie", ""), name)


def _set_cookie(call: Call, name: str, value: str, life: timedelta) -> None:
    secure = settings().env != "local"
    call.set_header("set-cookie", cookies.set_cookie(name, value, _seconds(life), secure=secure))


def main() -> None:
    """The process `identity serve`."""
    log.set_up("identity.serve")
    store.open_store()
    # The very first key: without one there is nothing to sign with.
    store.rotate_keys(clock.now())
    threads.serve("identity", [(pb.DESCRIPTOR.services_by_name["IdentityService"], IdentityServicer())])


if __name__ == "__main__":
    main()
