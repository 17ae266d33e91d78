"""CitizenService: who somebody is by their citizen card."""

from __future__ import annotations

from cho.identity.v1 import citizen_pb2 as pb

from kit import clock, log, phones
from kit.errors import FourEyes, NotFound
from kit.identifiers import citizen
from kit.rpc.call import Call
from services.identity import store
from services.identity.citizen import check_card
from services.identity.server.front import Front

_logger = log.logger(__name__)


class CitizenServicer:
    """The RPCs of cho.identity.v1.CitizenService; roles are enforced before they are called."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def IdentifyPerson(self, request: pb.IdentifyPersonRequest, call: Call) -> pb.IdentifyPersonResponse:
        """Raises PermissionDenied, InvalidArgument, NotFound, FourEyes, AlreadyExists, WrongState, Contention."""
        self._front.require_roles_still(call)
        card, now = citizen.read_card(request.payload), self._front.now()
        account = store.account_by_phone(phones.normalise(request.phone))
        if account is None:
            raise NotFound("phone: nobody has an account with it")
        user_id = account.user.user_id
        number = check_card(card, account.user.name, now.astimezone(clock.VIETNAM).date())
        if user_id == call.caller.sub or number == store.citizen_id_of(store.person(call.caller.sub)):
            raise FourEyes("nobody identifies themselves: somebody else has to see the card")
        found = store.identify(store.person(user_id), number, call.caller.sub, now)
        _logger.info("identified", user=user_id, by=call.caller.sub, person=found.person_id)
        reply = pb.IdentifyPersonResponse(user_id=user_id)
        reply.identified_at.FromDatetime(found.identified_at)
        return reply
