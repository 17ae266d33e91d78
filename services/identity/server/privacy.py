"""PrivacyService: who looked at what is known of a person, what it is, and an end to it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

from cho.identity.v1 import privacy_pb2 as pb
from google.api import httpbody_pb2

from kit import accesses, log
from kit.errors import InvalidArgument
from kit.rpc.call import Call
from services.identity import store
from services.identity.server.front import Front

# Where the rest is. Each service gives its own part out, to the person alone: no service reads another's database.
ELSEWHERE = {
    "wallets": "GET /v1/me/accounts",
    "statement of a wallet": "GET /v1/accounts/{account_id}/statement",
    "merchants": "GET /v1/me/merchants",
    "orders": "GET /v1/me/orders",
    "devices": "GET /v1/me/devices",
    f"looks before the newest {accesses.PAGE_SIZE_MAX}": "GET /v1/me/accesses",
}
# What can be shown: what the log calls it, and how it is read.
_FIELDS: dict[int, tuple[str, Callable[[store.Person], str]]] = {
    pb.PERSONAL_FIELD_PHONE: (store.PHONE_FIELD, store.phone_of),
    pb.PERSONAL_FIELD_CITIZEN_ID: (store.CITIZEN_FIELD, store.citizen_id_of),
}
_logger = log.logger(__name__)


class PrivacyServicer:
    """The RPCs of cho.identity.v1.PrivacyService; roles are enforced before they are called."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def RevealField(self, request: pb.RevealFieldRequest, call: Call) -> pb.RevealFieldResponse:
        """Raises PermissionDenied, StepUpNeeded, InvalidArgument, NotFound, VelocityExceeded."""
        self._front.require_roles_still(call)
        self._front.require_fresh_pin(call)
        if request.field not in _FIELDS:
            raise InvalidArgument("field: PERSONAL_FIELD_PHONE or PERSONAL_FIELD_CITIZEN_ID")
        field, plain = _FIELDS[request.field]
        found = store.person(request.user_id)
        access_id = accesses.record(call.caller.sub, found.id, field, request.reason, self._front.now())
        _logger.info("shown in plain", by=call.caller.sub, user=found.id, field=field, access=access_id)
        return pb.RevealFieldResponse(value=plain(found), access_id=access_id)

    def ListAccesses(self, request: pb.ListAccessesRequest, call: Call) -> pb.ListAccessesResponse:
        """Raises PermissionDenied, InvalidArgument."""
        self._front.require_roles_still(call)
        page = accesses.page(
            subject_id=request.user_id,
            actor_id=request.actor_id,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListAccessesResponse(accesses=_accesses(page.accesses), next_page_token=page.next_token)

    def ListAccessesToMe(self, request: pb.ListAccessesToMeRequest, call: Call) -> pb.ListAccessesToMeResponse:
        """Raises InvalidArgument."""
        page = accesses.page(subject_id=call.caller.sub, page_size=request.page_size, page_token=request.page_token)
        return pb.ListAccessesToMeResponse(accesses=_accesses(page.accesses), next_page_token=page.next_token)

    def ExportMyData(self, request: pb.ExportMyDataRequest, call: Call) -> httpbody_pb2.HttpBody:
        """Raises StepUpNeeded, NotFound."""
        self._front.require_fresh_pin(call)
        known = store.known_of(call.caller.sub, self._front.now())
        _logger.info("data exported to its owner", user=call.caller.sub)
        body = json.dumps(known | {"elsewhere": ELSEWHERE}, ensure_ascii=False, indent=2)
        return httpbody_pb2.HttpBody(content_type="application/json; charset=utf-8", data=body.encode())

    def EraseMe(self, request: pb.EraseMeRequest, call: Call) -> pb.EraseMeResponse:
        """Raises StepUpNeeded, InvalidArgument, NotFound, WrongState, Contention."""
        self._front.require_fresh_pin(call)
        if not request.money_withdrawn:
            raise InvalidArgument("money_withdrawn: take your money out first, then say so")
        store.erase(call.caller.sub, self._front.now())
        _logger.info("erased", user=call.caller.sub)
        return pb.EraseMeResponse()


def _accesses(found: Iterable[accesses.Access]) -> list[pb.Access]:
    return [_access(one) for one in found]


def _access(found: accesses.Access) -> pb.Access:
    reply = pb.Access(
        access_id=found.id,
        actor_id=found.actor_id,
        user_id=found.subject_id,
        field=found.field,
        reason=found.reason,
    )
    reply.at.FromDatetime(found.at)
    return reply
