"""Roles are given by two people and taken by one, and who did it stays."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.events.v1 import events_pb2
from cho.identity.v1 import identity_pb2, identity_pb2_grpc, roles_pb2_grpc
from cho.identity.v1 import roles_pb2 as pb

from kit.errors import WrongState
from services.identity import store
from services.identity.store import roles as stored_roles
from services.identity.user import User
from tests.identity.calls import outcome, refused
from tests.identity.conftest import PHONE, PIN, Clock, claims

MAKER, CHECKER = claims("usr_maker", "operator"), claims("usr_checker", "operator")
pytestmark = pytest.mark.usefixtures("staff")

WHY = "quyết định số 12/QĐ-UBND"


@pytest.fixture
def roles(channel: grpc.Channel) -> roles_pb2_grpc.RoleServiceStub:
    return roles_pb2_grpc.RoleServiceStub(channel)


def ask(user: User, *names: str, institution: str = "") -> pb.ProposeRolesRequest:
    return pb.ProposeRolesRequest(user_id=user.user_id, roles=names, institution=institution, reason=WHY)


def decide(proposal: Any, approve: bool = True) -> pb.DecideRolesRequest:
    return pb.DecideRolesRequest(user_id=proposal.user_id, proposal_id=proposal.proposal_id, approve=approve)


def history(roles: roles_pb2_grpc.RoleServiceStub, user: User) -> Any:
    return roles.GetRoleHistory(
        pb.GetRoleHistoryRequest(user_id=user.user_id), metadata=claims("usr_auditor", "auditor")
    )


def events(user: User) -> list[Any]:
    stored = store.Person.objects.get(id=user.user_id).outbox
    return [(one.type, events_pb2.UserChanged.FromString(one.data)) for one in stored]


def test_one_operator_proposes_another_approves_and_everybody_is_told(
    identity: identity_pb2_grpc.IdentityServiceStub, roles: roles_pb2_grpc.RoleServiceStub, shopper: User
) -> None:
    proposal = roles.ProposeRoles(ask(shopper, "officer", "shopper", institution="VNPT"), metadata=MAKER).proposal
    assert list(history(roles, shopper).roles) == ["shopper"], "nothing has changed yet"
    listed = roles.ListRoleProposals(pb.ListRoleProposalsRequest(), metadata=CHECKER).proposals
    assert list(listed) == [proposal]

    change = roles.DecideRoles(decide(proposal), metadata=CHECKER).change
    assert (change.kind, change.made_by, change.decided_by) == (1, "usr_maker", "usr_checker")
    now = history(roles, shopper)
    assert (list(now.roles), now.institution) == (["officer", "shopper"], "VNPT")
    assert [(one.kind, list(one.roles_before), list(one.roles), one.reason) for one in now.changes] == [
        (pb.ROLE_CHANGE_KIND_GRANTED, ["shopper"], ["officer", "shopper"], WHY)
    ]
    assert not roles.ListRoleProposals(pb.ListRoleProposalsRequest(), metadata=CHECKER).proposals
    (_, created), (type_, changed) = events(shopper)
    assert (type_, list(changed.roles), changed.institution) == ("user.changed", ["officer", "shopper"], "VNPT")
    assert (created.version, changed.version) == (1, 2)
    signed_in = identity.SignIn(identity_pb2.SignInRequest(phone=PHONE, pin=PIN))
    assert (list(signed_in.user.roles), signed_in.user.institution) == (["officer", "shopper"], "VNPT")


def test_nobody_approves_their_own_proposal_or_decides_about_themselves(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User
) -> None:
    store.Person.objects(id=shopper.user_id).update_one(set__roles=["operator"])
    own = claims(shopper.user_id, "operator")
    assert refused(roles.ProposeRoles, ask(shopper, "auditor"), own) == "FOUR_EYES"
    proposal = roles.ProposeRoles(ask(shopper, "auditor"), metadata=MAKER).proposal
    assert refused(roles.DecideRoles, decide(proposal), MAKER) == "FOUR_EYES"
    assert refused(roles.DecideRoles, decide(proposal), own) == "FOUR_EYES"
    revoke = pb.RevokeRolesRequest(user_id=shopper.user_id, roles=["operator"], reason=WHY)
    assert refused(roles.RevokeRoles, revoke, own) == "FOUR_EYES"
    assert list(history(roles, shopper).roles) == ["operator"]
    # Its maker may take it back, which gives nobody anything.
    assert roles.DecideRoles(decide(proposal, approve=False), metadata=MAKER).change.kind == pb.ROLE_CHANGE_KIND_REFUSED


def test_two_accounts_of_one_person_are_one_pair_of_eyes(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User, moving_clock: Clock
) -> None:
    for account in ("usr_maker", "usr_checker"):
        store.identify(store.person(account), "019185000123", "usr_team", moving_clock())
    assert refused(roles.ProposeRoles, ask(User("usr_checker", "", "", ()), "auditor"), MAKER) == "FOUR_EYES"
    proposal = roles.ProposeRoles(ask(shopper, "operator"), metadata=MAKER).proposal
    assert refused(roles.DecideRoles, decide(proposal), CHECKER) == "FOUR_EYES"
    roles.DecideRoles(decide(proposal), metadata=claims("usr_operator", "operator"))


def test_what_an_operator_asked_for_who_is_none_any_more_is_approved_by_nobody(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User
) -> None:
    proposal = roles.ProposeRoles(ask(shopper, "operator"), metadata=MAKER).proposal
    revoke = pb.RevokeRolesRequest(user_id="usr_maker", roles=["operator"], reason=WHY)
    roles.RevokeRoles(revoke, metadata=CHECKER)
    assert refused(roles.DecideRoles, decide(proposal), CHECKER) == "WRONG_STATE"
    # It is in nobody's way.
    roles.DecideRoles(decide(proposal, approve=False), metadata=CHECKER)
    again = roles.ProposeRoles(ask(shopper, "operator"), metadata=CHECKER).proposal
    roles.DecideRoles(decide(again), metadata=claims("usr_operator", "operator"))


def test_a_refused_proposal_leaves_a_line_and_no_event(roles: roles_pb2_grpc.RoleServiceStub, shopper: User) -> None:
    proposal = roles.ProposeRoles(ask(shopper, "agent"), metadata=MAKER).proposal
    assert refused(roles.ProposeRoles, ask(shopper, "team"), CHECKER) == "ALREADY_EXISTS"
    roles.DecideRoles(decide(proposal, approve=False), metadata=CHECKER)
    assert refused(roles.DecideRoles, decide(proposal), CHECKER) == "NOT_FOUND"
    now = history(roles, shopper)
    assert (list(now.roles), [one.kind for one in now.changes]) == (["shopper"], [pb.ROLE_CHANGE_KIND_REFUSED])
    assert [type_ for type_, _ in events(shopper)] == ["user.created"]


def test_a_proposal_ends_after_a_week_and_makes_room(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User, moving_clock: Clock
) -> None:
    old = roles.ProposeRoles(ask(shopper, "agent"), metadata=MAKER).proposal
    moving_clock.moved = stored_roles.DECIDED_WITHIN + timedelta(seconds=1)
    assert refused(roles.DecideRoles, decide(old), CHECKER) == "WRONG_STATE"
    new = roles.ProposeRoles(ask(shopper, "team"), metadata=MAKER).proposal
    assert refused(roles.DecideRoles, decide(old), CHECKER) == "NOT_FOUND"
    roles.DecideRoles(decide(new), metadata=CHECKER)


def test_revoking_takes_one_operator_ends_sessions_and_leaves_a_shopper(
    identity: identity_pb2_grpc.IdentityServiceStub, roles: roles_pb2_grpc.RoleServiceStub, hasher: store.Hasher
) -> None:
    officer = store.create_user(PHONE, PIN, "Đỗ Thị Lan", ["officer", "agent"], "VNPT", hasher=hasher)
    token = identity.SignIn(identity_pb2.SignInRequest(phone=PHONE, pin=PIN)).tokens.refresh_token
    waiting = roles.ProposeRoles(ask(officer, "auditor"), metadata=CHECKER).proposal

    def revoke(*names: str) -> Any:
        request = pb.RevokeRolesRequest(user_id=officer.user_id, roles=names, reason=WHY)
        return roles.RevokeRoles(request, metadata=MAKER).change

    assert (list(revoke("officer").roles), history(roles, officer).institution) == (["agent"], "VNPT")
    assert refused(identity.RefreshToken, identity_pb2.RefreshTokenRequest(refresh_token=token)) == "SESSION_ENDED"
    assert refused(roles.DecideRoles, decide(waiting), MAKER) == "NOT_FOUND", "it was asked for an officer"
    assert outcome(lambda: revoke("officer")) == "WRONG_STATE"
    assert (list(revoke("agent", "team").roles), history(roles, officer).institution) == (["shopper"], "")
    assert outcome(lambda: revoke("shopper")) == "WRONG_STATE", "anybody is a shopper"
    assert [event.version for _, event in events(officer)] == [1, 2, 3]


def test_a_revoked_operators_token_gives_nobody_a_role_any_more(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User
) -> None:
    waiting = roles.ProposeRoles(ask(shopper, "agent"), metadata=MAKER).proposal
    roles.RevokeRoles(pb.RevokeRolesRequest(user_id="usr_checker", roles=["operator"], reason=WHY), metadata=MAKER)
    assert refused(roles.DecideRoles, decide(waiting), CHECKER) == "PERMISSION_DENIED"
    back = pb.RevokeRolesRequest(user_id="usr_maker", roles=["operator"], reason=WHY)
    assert refused(roles.RevokeRoles, back, CHECKER) == "PERMISSION_DENIED"
    assert store.person(shopper.user_id).roles == ["shopper"]
    assert store.person("usr_maker").roles == ["operator"]


def test_who_is_erased_acts_no_more_and_who_was_given_a_role_since_acts_on(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User, moving_clock: Clock
) -> None:
    store.Person.objects(id="usr_maker").update_one(push__roles="auditor")
    roles.ProposeRoles(ask(shopper, "agent"), metadata=MAKER)
    store.Person.objects(id="usr_maker").update_one(set__erased_at=moving_clock())
    assert refused(roles.ProposeRoles, ask(shopper, "team"), MAKER) == "PERMISSION_DENIED"


def test_of_two_approvals_at_once_one_counts(roles: roles_pb2_grpc.RoleServiceStub, shopper: User) -> None:
    proposal = roles.ProposeRoles(ask(shopper, "agent"), metadata=MAKER).proposal
    with ThreadPoolExecutor(4) as pool:
        codes = list(
            pool.map(lambda _: outcome(lambda: roles.DecideRoles(decide(proposal), metadata=CHECKER)), range(4))
        )
    assert codes.count("OK") == 1
    assert len(history(roles, shopper).changes) == 1


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"roles": ["emperor"]}, "INVALID_ARGUMENT"),
        ({"roles": []}, "INVALID_ARGUMENT"),
        ({"roles": ["officer"]}, "INVALID_ARGUMENT"),
        ({"reason": "vì"}, "INVALID_ARGUMENT"),
        ({"reason": "a" * 201}, "INVALID_ARGUMENT"),
        ({"reason": "quyết định\n số 12"}, "INVALID_ARGUMENT"),
        ({"user_id": "usr_nobody"}, "NOT_FOUND"),
    ],
)
def test_what_cannot_be_proposed_is_refused(
    roles: roles_pb2_grpc.RoleServiceStub, shopper: User, request_: dict[str, Any], code: str
) -> None:
    fields: dict[str, Any] = {"user_id": shopper.user_id, "roles": ["agent"], "reason": WHY} | request_
    assert refused(roles.ProposeRoles, pb.ProposeRolesRequest(**fields), MAKER) == code


def test_an_officer_that_an_operator_creates_is_a_shopper_until_another_approves(
    identity: identity_pb2_grpc.IdentityServiceStub, roles: roles_pb2_grpc.RoleServiceStub
) -> None:
    request = identity_pb2.CreateUserRequest(
        phone=PHONE, pin=PIN, name="Lan", roles=["officer", "vendor"], institution="VNPT"
    )
    created = identity.CreateUser(request, metadata=MAKER)
    assert (list(created.user.roles), created.user.institution) == (["vendor"], "")
    proposal = pb.RoleProposal(user_id=created.user.user_id, proposal_id=created.proposal_id)
    assert refused(roles.DecideRoles, decide(proposal), MAKER) == "FOUR_EYES"
    roles.DecideRoles(decide(proposal), metadata=CHECKER)
    user = identity.SignIn(identity_pb2.SignInRequest(phone=PHONE, pin=PIN)).user
    assert (list(user.roles), user.institution) == (["officer", "vendor"], "VNPT")


def test_past_its_limit_the_trail_takes_nothing_but_a_revocation_and_loses_none(
    shopper: User, monkeypatch: pytest.MonkeyPatch, moving_clock: Clock
) -> None:
    monkeypatch.setattr(stored_roles, "CHANGES_MAX", 1)
    for names, full in ((["agent"], False), (["team"], True)):
        _, proposal = store.propose_roles(shopper.user_id, names, "", WHY, "usr_maker", moving_clock())
        if full:
            with pytest.raises(WrongState):
                store.decide_roles(shopper.user_id, proposal.id, "usr_checker", True, moving_clock())
        else:
            store.decide_roles(shopper.user_id, proposal.id, "usr_checker", True, moving_clock())
    assert [list(one.roles) for one in store.person(shopper.user_id).role_changes] == [["agent"]]
    # Otherwise who proposes and takes it back often enough would make an accomplice irrevocable.
    store.revoke_roles(shopper.user_id, ["agent"], WHY, "usr_maker", moving_clock())
    assert [list(one.roles) for one in store.person(shopper.user_id).role_changes] == [["agent"], ["shopper"]]
