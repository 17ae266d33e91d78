"""ExternalService: signing in through an outside provider of OpenID Connect."""

from __future__ import annotations

from datetime import timedelta

from cho.identity.v1 import external_pb2 as pb

from kit import log
from kit.errors import ExternalNotLinked, ExternalRefused, NotFound
from kit.rpc.call import Call
from services.identity import cookies, store
from services.identity import device as devices
from services.identity.external.attempt import LIFE, digest, new_attempt
from services.identity.external.provider import Provider
from services.identity.server.front import Front, cookie, seconds, set_cookie, user_message

# What a provider may send back; longer is nothing of its own.
RETURNED_LENGTH_MAX = 2048

_logger = log.logger(__name__)


class ExternalServicer:
    """The RPCs of cho.identity.v1.ExternalService; roles are enforced before they are called."""

    def __init__(self, front: Front, provider: Provider) -> None:
        self._front = front
        self._provider = provider

    def StartExternalSignIn(self, request: pb.StartExternalSignInRequest, call: Call) -> pb.StartExternalSignInResponse:
        """Raises NotConfigured, Unavailable, Overloaded."""
        url, secret = self._start("", call)
        return pb.StartExternalSignInResponse(authorization_url=url, attempt_secret=secret, expires_in_s=seconds(LIFE))

    def FinishExternalSignIn(
        self, request: pb.FinishExternalSignInRequest, call: Call
    ) -> pb.FinishExternalSignInResponse:
        """Raises InvalidArgument, NotConfigured, ExternalRefused, ExternalNotLinked, Unavailable, Overloaded."""
        installation = devices.check_installation(request.device_id)
        device_name = devices.check_name(request.device_name)
        user_id = store.linked_with(self._provider.issuer, self._subject(request, "", call))
        account = store.account_by_id(user_id) if user_id else None
        if account is None:
            raise ExternalNotLinked("sign in with phone and PIN first, then link the two: POST /v1/me/external/link")
        now = self._front.now()
        device = store.remember_device(user_id, installation, device_name, now) if installation else None
        signed_in, refresh_token = store.open_session(account, device, now, by_pin=False)
        _logger.info("signed in from outside", user=user_id, session=signed_in.session_id)
        return pb.FinishExternalSignInResponse(
            tokens=self._front.tokens(account.user, signed_in, refresh_token, call), user=user_message(account.user)
        )

    def StartExternalLink(self, request: pb.StartExternalLinkRequest, call: Call) -> pb.StartExternalLinkResponse:
        """Raises StepUpNeeded, NotConfigured, Unavailable, Overloaded."""
        self._front.require_fresh_pin(call)
        url, secret = self._start(call.caller.sub, call)
        return pb.StartExternalLinkResponse(authorization_url=url, attempt_secret=secret, expires_in_s=seconds(LIFE))

    def FinishExternalLink(self, request: pb.FinishExternalLinkRequest, call: Call) -> pb.FinishExternalLinkResponse:
        """Raises ExternalRefused, AlreadyExists, NotConfigured, Unavailable, Overloaded."""
        subject = self._subject(request, call.caller.sub, call)
        store.link(self._provider.issuer, subject, call.caller.sub, self._front.now())
        _logger.info("linked with the outside provider", user=call.caller.sub)
        return pb.FinishExternalLinkResponse()

    def GetExternalLink(self, request: pb.GetExternalLinkRequest, call: Call) -> pb.GetExternalLinkResponse:
        """The caller's own."""
        found = store.link_of(call.caller.sub)
        reply = pb.GetExternalLinkResponse(issuer=self._provider.issuer, linked=found is not None)
        if found is not None:
            reply.linked_at.FromDatetime(found.linked_at)
        return reply

    def EndExternalLink(self, request: pb.EndExternalLinkRequest, call: Call) -> pb.EndExternalLinkResponse:
        """Raises StepUpNeeded, NotFound."""
        self._front.require_fresh_pin(call)
        if not store.unlink(call.caller.sub):
            raise NotFound("your account is linked with none")
        _logger.info("unlinked from the outside provider", user=call.caller.sub)
        return pb.EndExternalLinkResponse()

    def _start(self, user_id: str, call: Call) -> tuple[str, str]:
        """Where to go, and the secret of the attempt; `user_id` is who links."""
        attempt = new_attempt()
        url = self._provider.authorization_url(attempt)
        store.keep_attempt(attempt, user_id, self._front.now())
        set_cookie(call, cookies.ATTEMPT, attempt.secret, LIFE)
        return url, attempt.secret

    def _subject(
        self, request: pb.FinishExternalSignInRequest | pb.FinishExternalLinkRequest, user_id: str, call: Call
    ) -> str:
        """Who came back, by the provider's word. The attempt is over by this, however it ends."""
        if not request.state or not request.code or len(request.state + request.code) > RETURNED_LENGTH_MAX:
            raise ExternalRefused("state and code: as the provider sent them")
        secret = request.attempt_secret or cookie(call, cookies.ATTEMPT)
        set_cookie(call, cookies.ATTEMPT, "", timedelta())
        nonce, code_verifier = store.take_attempt(digest(request.state), digest(secret), user_id, self._front.now())
        return self._provider.subject(request.code, request.iss, nonce, code_verifier)
