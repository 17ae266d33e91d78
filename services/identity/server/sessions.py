"""SessionService: where a person is signed in, and an end to it."""

from __future__ import annotations

from cho.identity.v1 import sessions_pb2 as pb

from kit import accesses, log
from kit.errors import NotFound
from kit.rpc.call import Call
from services.identity import store
from services.identity.server.front import Front, session_id

_logger = log.logger(__name__)


class SessionServicer:
    """The RPCs of cho.identity.v1.SessionService; roles are enforced before they are called."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def ListSessions(self, request: pb.ListSessionsRequest, call: Call) -> pb.ListSessionsResponse:
        """The caller's own."""
        names = {device.device_id: device.name for device in store.devices_of(call.caller.sub)}
        found = store.sessions_of(call.caller.sub, self._front.now())
        return pb.ListSessionsResponse(sessions=[_session(session, names, session_id(call)) for session in found])

    def EndSession(self, request: pb.EndSessionRequest, call: Call) -> pb.EndSessionResponse:
        """Raises NotFound."""
        if not store.end_session_of(call.caller.sub, request.session_id):
            raise NotFound("session_id: none of your sessions; GET /v1/me/sessions lists them")
        _logger.info("session ended", user=call.caller.sub, session=request.session_id)
        return pb.EndSessionResponse()

    def SignOutEverywhere(self, request: pb.SignOutEverywhereRequest, call: Call) -> pb.SignOutEverywhereResponse:
        """Succeeds where there is none."""
        ended = store.end_sessions_of(call.caller.sub)
        _logger.info("signed out everywhere", user=call.caller.sub, sessions=ended)
        return pb.SignOutEverywhereResponse(ended=ended)

    def EndSessionsOf(self, request: pb.EndSessionsOfRequest, call: Call) -> pb.EndSessionsOfResponse:
        """Raises PermissionDenied, NotFound, InvalidArgument."""
        self._front.require_roles_still(call)
        user_id = store.person(request.user_id).id
        # Written down first: an end to somebody's sessions without a trace is worse than a trace without an end.
        access = accesses.note(call.caller.sub, user_id, "sessions.ended", request.reason, self._front.now())
        ended = store.end_sessions_of(user_id)
        _logger.info("sessions ended by an operator", user=user_id, sessions=ended, by=call.caller.sub, access=access)
        return pb.EndSessionsOfResponse(ended=ended)


def _session(session: store.OpenSession, names: dict[str, str], current_id: str) -> pb.Session:
    reply = pb.Session(
        session_id=session.session_id,
        device_id=session.device_id,
        device_name=names.get(session.device_id, ""),
        current=session.session_id == current_id,
    )
    reply.opened_at.FromDatetime(session.opened_at)
    reply.expires_at.FromDatetime(session.expires_at)
    return reply
