"""RoleService: what people may do, given by two and taken by one."""

from __future__ import annotations

from cho.identity.v1 import roles_pb2 as pb

from kit import log
from kit.accesses import check_reason
from kit.rpc.call import Call
from services.identity import store
from services.identity.server.front import Front

_KINDS = {
    "granted": pb.ROLE_CHANGE_KIND_GRANTED,
    "refused": pb.ROLE_CHANGE_KIND_REFUSED,
    "revoked": pb.ROLE_CHANGE_KIND_REVOKED,
}
_logger = log.logger(__name__)


class RoleServicer:
    """The RPCs of cho.identity.v1.RoleService; roles are enforced before they are called."""

    def __init__(self, front: Front) -> None:
        self._front = front

    def ProposeRoles(self, request: pb.ProposeRolesRequest, call: Call) -> pb.ProposeRolesResponse:
        """Raises PermissionDenied, NotFound, InvalidArgument, FourEyes, AlreadyExists, Contention."""
        self._front.require_roles_still(call)
        reason = check_reason(request.reason)
        person, proposal = store.propose_roles(
            request.user_id, request.roles, request.institution, reason, call.caller.sub, self._front.now()
        )
        _logger.info("roles proposed", user=person.id, by=call.caller.sub, roles=proposal.roles, proposal=proposal.id)
        return pb.ProposeRolesResponse(proposal=_proposal(person, proposal))

    def DecideRoles(self, request: pb.DecideRolesRequest, call: Call) -> pb.DecideRolesResponse:
        """Raises PermissionDenied, NotFound, FourEyes, WrongState, Contention."""
        self._front.require_roles_still(call)
        change = store.decide_roles(
            request.user_id, request.proposal_id, call.caller.sub, request.approve, self._front.now()
        )
        _logger.info("roles decided", user=request.user_id, by=call.caller.sub, kind=change.kind, roles=change.roles)
        return pb.DecideRolesResponse(change=_change(change))

    def RevokeRoles(self, request: pb.RevokeRolesRequest, call: Call) -> pb.RevokeRolesResponse:
        """Raises PermissionDenied, NotFound, InvalidArgument, FourEyes, WrongState, Contention."""
        self._front.require_roles_still(call)
        reason = check_reason(request.reason)
        change = store.revoke_roles(request.user_id, request.roles, reason, call.caller.sub, self._front.now())
        # A refresh gives the new roles in any case; this also takes the session from whoever should not have it.
        store.end_sessions_of(request.user_id)
        _logger.info("roles revoked", user=request.user_id, by=call.caller.sub, roles=change.roles)
        return pb.RevokeRolesResponse(change=_change(change))

    def ListRoleProposals(self, request: pb.ListRoleProposalsRequest, call: Call) -> pb.ListRoleProposalsResponse:
        """The newest first. Raises PermissionDenied."""
        self._front.require_roles_still(call)
        found = store.role_proposals()
        return pb.ListRoleProposalsResponse(proposals=[_proposal(person, person.proposal) for person in found])

    def GetRoleHistory(self, request: pb.GetRoleHistoryRequest, call: Call) -> pb.GetRoleHistoryResponse:
        """Raises PermissionDenied, NotFound."""
        self._front.require_roles_still(call)
        person = store.person(request.user_id)
        return pb.GetRoleHistoryResponse(
            roles=person.roles,
            institution=person.institution or "",
            changes=[_change(change) for change in person.role_changes],
        )


def _proposal(person: store.Person, proposal: store.RoleProposal) -> pb.RoleProposal:
    reply = pb.RoleProposal(
        proposal_id=proposal.id,
        user_id=person.id,
        roles_before=person.roles,
        roles=proposal.roles,
        institution=proposal.institution or "",
        reason=proposal.reason,
        made_by=proposal.made_by,
    )
    reply.made_at.FromDatetime(proposal.made_at)
    return reply


def _change(change: store.RoleChange) -> pb.RoleChange:
    reply = pb.RoleChange(
        kind=_KINDS[change.kind],
        roles_before=change.roles_before,
        roles=change.roles,
        institution=change.institution or "",
        reason=change.reason,
        made_by=change.made_by,
        decided_by=change.decided_by or "",
    )
    reply.at.FromDatetime(change.at)
    return reply
