"""IdentityService: sign-in, tokens, devices, people, public keys."""

from __future__ import annotations

import json
from datetime import timedelta

from cho.identity.v1 import identity_pb2 as pb
from google.api import httpbody_pb2
from joserfc.jwk import KeySet

from kit import crypto, log, phones
from kit.errors import InvalidArgument, NotFound
from kit.rpc.call import Call
from services.identity import cookies, keys, store, tokens
from services.identity import device as devices
from services.identity import pin as pins
from services.identity import user as users
from services.identity.server.front import Front, cookie, seconds, session_id, set_cookie, user_message

_logger = log.logger(__name__)


class IdentityServicer:
    """The RPCs of cho.identity.v1.IdentityService; roles are enforced before they are called."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def SignIn(self, request: pb.SignInRequest, call: Call) -> pb.SignInResponse:
        """Raises InvalidArgument, WrongPin, TooManyAttempts."""
        phone, pin = phones.normalise(request.phone), pins.check_format(request.pin)
        installation = devices.check_installation(request.device_id)
        device_name = devices.check_name(request.device_name)
        account = store.account_by_phone(phone)
        user_id = account.user.user_id if account else ""
        # Looked up for nobody's phone too: both answers cost the same.
        known = store.find_device(user_id, installation) if installation else None
        guess_key = store.guess_key(user_id, crypto.phone_index(phone), known.device_id if known else "")
        self._front.prove(account, guess_key, pin)
        assert account is not None, "nobody's PIN is right"
        user, now = account.user, self._front.now()
        device = store.remember_device(user.user_id, installation, device_name, now) if installation else None
        signed_in, refresh_token = store.open_session(account, device, now)
        _logger.info("signed in", user=user.user_id, session=signed_in.session_id, device=signed_in.device_id)
        return pb.SignInResponse(
            tokens=self._front.tokens(user, signed_in, refresh_token, call), user=user_message(user)
        )

    def RefreshToken(self, request: pb.RefreshTokenRequest, call: Call) -> pb.RefreshTokenResponse:
        """The token in the body, else the one in the cookie. Raises SessionEnded."""
        token = request.refresh_token or cookie(call, cookies.REFRESH)
        account, signed_in, following = store.refresh_session(token, self._front.now())
        return pb.RefreshTokenResponse(tokens=self._front.tokens(account.user, signed_in, following, call))

    def StepUp(self, request: pb.StepUpRequest, call: Call) -> pb.StepUpResponse:
        """Raises InvalidArgument, WrongPin, TooManyAttempts, NotFound, SessionEnded."""
        account, pin = self._front.account_of(call), pins.check_format(request.pin)
        self._front.prove_again(account, pin, call)
        signed_in = store.step_up(account, session_id(call), self._front.now())
        _logger.info("stepped up", user=account.user.user_id, session=signed_in.session_id)
        return pb.StepUpResponse(
            access_token=self._front.access_token(account.user, signed_in, call),
            expires_in_s=seconds(tokens.ACCESS_LIFE),
        )

    def SignOut(self, request: pb.SignOutRequest, call: Call) -> pb.SignOutResponse:
        """Ends the session of the refresh token in body or cookie, else of the access token in its cookie.

        (A browser sends the refresh cookie to /v1/token/... only.) Succeeds where there is no session to end.
        """
        token = request.refresh_token or cookie(call, cookies.REFRESH)
        ended = store.end_session_with(token)
        if not tokens.read_refresh(token):
            named = tokens.session_of(cookie(call, cookies.ACCESS), self._public_keys())
            ended = named if store.end_session(named) else ""
        if ended:
            _logger.info("signed out", session=ended)
        for name in (cookies.ACCESS, cookies.REFRESH):
            set_cookie(call, name, "", timedelta())
        return pb.SignOutResponse()

    def GetMe(self, request: pb.GetMeRequest, call: Call) -> pb.GetMeResponse:
        """Raises NotFound."""
        return pb.GetMeResponse(user=user_message(self._front.account_of(call).user))

    def ChangePin(self, request: pb.ChangePinRequest, call: Call) -> pb.ChangePinResponse:
        """Raises InvalidArgument, PinWeak, WrongPin, TooManyAttempts, NotFound, Contention."""
        account = self._front.account_of(call)
        old_pin, new_pin = pins.check_format(request.old_pin), request.new_pin
        pins.check_strength(new_pin, account.user.phone)
        if new_pin == old_pin:
            raise InvalidArgument("new_pin: the same as the old one")
        self._front.prove_again(account, old_pin, call)
        changed = store.change_pin(account, new_pin, self._front.hasher)
        store.keep_session(session_id(call), changed)
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
        """Raises InvalidArgument, PinWeak, PermissionDenied, AlreadyExists.

        Where this process dies between the person and the proposal, there is a shopper, and RoleService.ProposeRoles.
        """
        self._front.require_roles_still(call)
        users.check_may_create(call.caller.roles, request.roles)
        roles = users.check_roles(request.roles, request.institution)
        given = users.freely_given(roles)
        user = store.create_user(request.phone, request.pin, request.name, given, hasher=self._front.hasher)
        proposal_id = ""
        if given != roles:
            asked = "asked for when the person was created"
            _, proposal = store.propose_roles(
                user.user_id, roles, request.institution, asked, call.caller.sub, self._front.now()
            )
            proposal_id = proposal.id
        _logger.info("user created", user=user.user_id, roles=given, by=call.caller.sub, proposal=proposal_id)
        return pb.CreateUserResponse(user=user_message(user), proposal_id=proposal_id)

    def GetJwks(self, request: pb.GetJwksRequest, call: Call) -> httpbody_pb2.HttpBody:
        """Every key that a verifier needs now."""
        now = self._front.now()
        jwks = {"keys": [key.public_jwk() for key in keys.published(self._front.ring(), now)]}
        return httpbody_pb2.HttpBody(content_type="application/json", data=json.dumps(jwks).encode())

    def _public_keys(self) -> KeySet:
        return KeySet.import_key_set({"keys": [key.public_jwk() for key in self._front.ring()]})


def _device(device: devices.Device, current_id: str) -> pb.Device:
    reply = pb.Device(device_id=device.device_id, name=device.name, current=device.device_id == current_id)
    reply.first_seen_at.FromDatetime(device.first_seen_at)
    reply.signed_in_at.FromDatetime(device.signed_in_at)
    return reply
