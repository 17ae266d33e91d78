"""gRPC of the sentinel: proto in, proto out."""

from __future__ import annotations

from cho.onboarding.v1 import sentinel_pb2 as pb

from kit import clock
from kit.errors import InvalidArgument
from kit.rpc.call import Call
from services.onboarding.sentinel import alarm as rules
from services.onboarding.sentinel.alarm import Alarm, Kind, State
from services.onboarding.sentinel.sticker import MESSAGES, PAYLOAD_CHARACTERS_MAX, Verdict, judge
from services.onboarding.store import alarms, stands
from services.onboarding.store.merchants import document_of

_HELPERS = ("team", "market_manager", "operator")
_VERDICTS = {verdict: getattr(pb, f"STICKER_VERDICT_{verdict.name}") for verdict in Verdict}
_KINDS = {kind: getattr(pb, f"ALARM_KIND_{kind.name}") for kind in Kind}
_STATES = {getattr(pb, f"ALARM_STATE_{state.name}"): state for state in State}
_STATE_NUMBERS = {state: number for number, state in _STATES.items()}


class SentinelServicer:
    """The RPCs of cho.onboarding.v1.SentinelService."""

    def CheckSticker(self, request: pb.CheckStickerRequest, call: Call) -> pb.CheckStickerResponse:
        if not 1 <= len(request.payload) <= PAYLOAD_CHARACTERS_MAX:
            raise InvalidArgument(f"payload must have 1 to {PAYLOAD_CHARACTERS_MAX} characters")
        merchant = document_of(request.merchant_id)
        call.require_owner(merchant.owner_id, *_HELPERS)
        own = {merchant.account_index, *(merchant.accounts_held or ())}
        issue = stands.stand(merchant.id).issue
        judged = judge(request.payload, merchant_id=merchant.id, issue=issue, account_indexes=own)
        reply = pb.CheckStickerResponse(verdict=_VERDICTS[judged.verdict], message=MESSAGES[judged.verdict])
        if judged.verdict is Verdict.OK:
            stands.proven(merchant.id, clock.now())
        if judged.verdict is Verdict.FOREIGN:
            raised = alarms.raise_alarm(
                Kind.FOREIGN_CODE, merchant_id=merchant.id, merchant_name=merchant.name,
                market_id=merchant.market_id, stall=merchant.stall, detail=judged.names, traceparent=call.traceparent,
            )  # fmt: skip
            reply.alarm_id = raised.alarm_id
        return reply

    def ListAlarms(self, request: pb.ListAlarmsRequest, call: Call) -> pb.ListAlarmsResponse:
        if request.state not in _STATES:
            raise InvalidArgument("state must be one of the alarm states")
        page = alarms.alarms_of_market(request.market_id, _STATES[request.state], request.page_size, request.page_token)
        return pb.ListAlarmsResponse(alarms=[_alarm(one) for one in page.alarms], next_page_token=page.next_token)

    def SeeAlarm(self, request: pb.SeeAlarmRequest, call: Call) -> pb.SeeAlarmResponse:
        changed = alarms.change_alarm(
            request.alarm_id, lambda alarm: rules.seen(alarm, call.caller.sub, clock.now()), call.traceparent
        )
        return pb.SeeAlarmResponse(alarm=_alarm(changed))

    def ResolveAlarm(self, request: pb.ResolveAlarmRequest, call: Call) -> pb.ResolveAlarmResponse:
        def resolve(alarm: Alarm) -> Alarm:
            return rules.resolved(alarm, call.caller.sub, request.note, clock.now())

        return pb.ResolveAlarmResponse(alarm=_alarm(alarms.change_alarm(request.alarm_id, resolve, call.traceparent)))


def _alarm(alarm: Alarm) -> pb.Alarm:
    reply = pb.Alarm(
        alarm_id=alarm.alarm_id,
        kind=_KINDS[alarm.kind],
        state=_STATE_NUMBERS[alarm.state],
        merchant_id=alarm.merchant_id,
        merchant_name=alarm.merchant_name,
        market_id=alarm.market_id,
        stall=alarm.stall,
        detail=alarm.detail,
        times=alarm.times,
        seen_by=alarm.seen_by,
        resolved_by=alarm.resolved_by,
        note=alarm.note,
    )
    reply.raised_at.FromDatetime(alarm.raised_at)
    if alarm.seen_at is not None:
        reply.seen_at.FromDatetime(alarm.seen_at)
    if alarm.resolved_at is not None:
        reply.resolved_at.FromDatetime(alarm.resolved_at)
    return reply
