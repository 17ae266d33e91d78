"""The RPCs of cho.onboarding.v1.AssistService: proto in, proto out."""

from __future__ import annotations

import re
from collections import Counter

from cho.onboarding.v1 import assist_pb2 as pb

from kit import clock
from kit.errors import InvalidArgument
from kit.rpc.call import Call
from services.onboarding import store as merchants
from services.onboarding.assist import consent, progress, store, sync
from services.onboarding.assist.confirmation import TRIES_MAX
from services.onboarding.assist.consent import Consent
from services.onboarding.assist.sync import Synced, ToSync
from services.onboarding.assist.team import Team, checked
from services.onboarding.merchant import State
from services.onboarding.server.views import form_of, problem_views

_WARD_CODE = re.compile(r"[0-9]{5}")


class AssistServicer:
    """Roles are enforced before these are called."""

    def SyncDrafts(self, request: pb.SyncDraftsRequest, call: Call) -> pb.SyncDraftsResponse:
        drafts = [ToSync(form_of(one.form), one.version, one.take_over) for one in request.drafts]
        return pb.SyncDraftsResponse(drafts=[_synced(one) for one in sync.sync(drafts, call.caller.sub)])

    def RequestConfirmation(self, request: pb.RequestConfirmationRequest, call: Call) -> pb.RequestConfirmationResponse:
        return pb.RequestConfirmationResponse(
            confirmation=_confirmation(consent.request(request.merchant_id, call.caller.sub))
        )

    def ConfirmDraft(self, request: pb.ConfirmDraftRequest, call: Call) -> pb.ConfirmDraftResponse:
        confirmed = consent.confirm(request.merchant_id, request.code, call.caller.sub)
        return pb.ConfirmDraftResponse(confirmation=_confirmation(confirmed))

    def GetConfirmation(self, request: pb.GetConfirmationRequest, call: Call) -> pb.GetConfirmationResponse:
        return pb.GetConfirmationResponse(confirmation=_confirmation(consent.consent(request.merchant_id)))

    def PutTeam(self, request: pb.PutTeamRequest, call: Call) -> pb.PutTeamResponse:
        team = Team(request.team_id, request.name, request.ward_code, tuple(request.members), request.version)
        return pb.PutTeamResponse(team=_team(store.put_team(checked(team))))

    def GetTeamProgress(self, request: pb.GetTeamProgressRequest, call: Call) -> pb.GetTeamProgressResponse:
        team = store.team(request.team_id) if request.team_id else store.team_of(call.caller.sub)
        members = team.members if team is not None else (call.caller.sub,)
        counts = {member: progress.of_person(member) for member in members}
        return pb.GetTeamProgressResponse(
            team=_team(team) if team is not None else None,
            total=_progress(sum(counts.values(), Counter())),
            members=[pb.MemberProgress(user_id=member, progress=_progress(found)) for member, found in counts.items()],
        )

    def GetCommuneProgress(self, request: pb.GetCommuneProgressRequest, call: Call) -> pb.GetCommuneProgressResponse:
        if _WARD_CODE.fullmatch(request.ward_code) is None:
            raise InvalidArgument("ward_code must be five digits")
        markets = [market for market in merchants.markets() if market.ward_code == request.ward_code]
        counts = [(market, progress.of_market(market.market_id)) for market in markets]
        return pb.GetCommuneProgressResponse(
            total=_progress(sum((found for _, found in counts), Counter())),
            markets=[
                pb.MarketProgress(market_id=market.market_id, market_name=market.name, progress=_progress(found))
                for market, found in counts
            ],
        )


def _synced(one: Synced) -> pb.SyncedDraft:
    outcome = pb.SYNC_OUTCOME_SAVED
    if one.error is not None:
        outcome = pb.SYNC_OUTCOME_CONFLICT if one.is_conflict else pb.SYNC_OUTCOME_REFUSED
    reply = pb.SyncedDraft(
        request_id=one.request_id, outcome=outcome, merchant_id=one.merchant_id, version=one.version,
        code=one.error.code if one.error else "", vi=one.vi, en=one.error.message if one.error else "", by=one.by,
        problems=problem_views(one.problems),
    )  # fmt: skip
    if one.since_ms:
        reply.since.FromMilliseconds(one.since_ms)
    return reply


def _confirmation(known: Consent) -> pb.Confirmation:
    reply = pb.Confirmation(merchant_id=known.merchant_id, phone_masked=known.phone_masked)
    found = known.found
    if found is None:
        return reply
    if found.covers(known.form_index):
        reply.confirmed = True
        reply.confirmed_at.FromMilliseconds(found.confirmed_ms)
    elif found.is_open(known.form_index, clock.now_ms()):
        reply.code_sent = True
        reply.code_expires_at.FromMilliseconds(found.expires_ms)
        reply.tries_left = TRIES_MAX - found.tries
    return reply


def _team(team: Team) -> pb.Team:
    return pb.Team(
        team_id=team.team_id, name=team.name, ward_code=team.ward_code, members=team.members, version=team.version
    )


def _progress(counts: Counter[str]) -> pb.Progress:
    return pb.Progress(**{name: counts[name] for name in (*(state.value for state in State), progress.RETURNED)})
