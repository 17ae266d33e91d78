"""Enterprises and relations: proto in, proto out."""

from __future__ import annotations

import json
from datetime import date

from cho.onboarding.v1 import people_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import clock
from kit.errors import InvalidArgument
from kit.rpc.call import Call
from services.onboarding import account, people, store
from services.onboarding.people import Enterprise, Kind, Relation

_HELPERS = ("team", "market_manager", "operator")
_SEE_ALL = (*_HELPERS, "auditor")
_KINDS = {getattr(pb, f"ENTERPRISE_KIND_{kind.name}"): kind for kind in Kind}
KIND_NUMBERS = {kind: number for number, kind in _KINDS.items()}


class PeopleServicer:
    """The RPCs of cho.onboarding.v1.PeopleService; roles are enforced before they are called."""

    def RegisterEnterprise(self, request: pb.RegisterEnterpriseRequest, call: Call) -> pb.RegisterEnterpriseResponse:
        if request.kind not in _KINDS:
            raise InvalidArgument("kind is missing", vi="Hãy chọn loại hình.", problem="KIND_FORM")
        enterprise = Enterprise(
            request_id=request.request_id,
            kind=_KINDS[request.kind],
            name=request.name,
            tax_code=request.tax_code,
            representative_id=request.representative_id,
            grows=request.grows,
            sells=request.sells,
            ward_code=request.ward_code,
        )
        registered = store.register_enterprise(enterprise, call.caller.sub, call.traceparent)
        return pb.RegisterEnterpriseResponse(enterprise=_enterprise(registered))

    def GetEnterprise(self, request: pb.GetEnterpriseRequest, call: Call) -> pb.GetEnterpriseResponse:
        found = store.enterprise(request.enterprise_id)
        call.require_owner(found.enterprise.representative_id, *_SEE_ALL)
        return pb.GetEnterpriseResponse(enterprise=_enterprise(found))

    def ListMyEnterprises(self, request: pb.ListMyEnterprisesRequest, call: Call) -> pb.ListMyEnterprisesResponse:
        found = store.enterprises_of(call.caller.sub)
        return pb.ListMyEnterprisesResponse(enterprises=[_enterprise(one) for one in found])

    def ExportMyBusiness(self, request: pb.ExportMyBusinessRequest, call: Call) -> HttpBody:
        call.require_fresh_pin(clock.now_ms() // 1000, account.rules().fresh_pin_s)
        content = json.dumps(store.data_of(call.caller.sub), ensure_ascii=False, indent=1).encode()
        return HttpBody(content_type="application/json", data=content)

    def StartRelation(self, request: pb.StartRelationRequest, call: Call) -> pb.StartRelationResponse:
        grower = store.enterprise(request.grower_id)
        call.require_owner(grower.enterprise.representative_id, *_HELPERS)
        relation = people.start(
            request_id=request.request_id,
            grower_id=request.grower_id,
            merchant_id=request.merchant_id,
            from_day=request.from_day,
            to_day=request.to_day,
            by=call.caller.sub,
            today=_today(),
            at=clock.now(),
        )
        return pb.StartRelationResponse(relation=_relation(store.start_relation(relation, call.traceparent)))

    def EndRelation(self, request: pb.EndRelationRequest, call: Call) -> pb.EndRelationResponse:
        if not call.has("operator"):
            people.require_party(call.caller.sub, *_parties(store.relation(request.relation_id)))
        by = call.caller.sub
        ended = store.end_relation(
            request.relation_id, request.to_day, by, request.reason, _today(), call.traceparent
        )  # fmt: skip
        return pb.EndRelationResponse(relation=_relation(ended))

    def ListRelations(self, request: pb.ListRelationsRequest, call: Call) -> pb.ListRelationsResponse:
        found = store.relations_of(grower_id=request.grower_id, merchant_id=request.merchant_id)
        if not call.has(*_SEE_ALL):
            owner = (
                store.merchant(request.merchant_id).owner_id
                if request.merchant_id
                else store.enterprise(request.grower_id).enterprise.representative_id
            )
            people.require_party(call.caller.sub, owner)
        return pb.ListRelationsResponse(relations=[_relation(one) for one in found])


def _parties(relation: Relation) -> tuple[str, str]:
    """Who may end it: the grower's representative and the stall's owner."""
    grower = store.enterprise(relation.grower_id).enterprise.representative_id
    return grower, store.merchant(relation.merchant_id).owner_id


def _today() -> date:
    return clock.now().astimezone(clock.VIETNAM).date()


def _enterprise(found: store.Registered) -> pb.Enterprise:
    one = found.enterprise
    view = pb.Enterprise(
        enterprise_id=found.enterprise_id,
        kind=KIND_NUMBERS[one.kind],
        name=one.name,
        tax_code=found.tax_code,
        representative_id=one.representative_id,
        grows=one.grows,
        sells=one.sells,
        ward_code=one.ward_code,
        registered_by=found.registered_by,
        version=found.version,
    )
    view.registered_at.FromDatetime(found.registered_at)
    return view


def _relation(relation: Relation) -> pb.Relation:
    return pb.Relation(
        relation_id=relation.relation_id,
        grower_id=relation.grower_id,
        merchant_id=relation.merchant_id,
        from_day=relation.from_day,
        to_day=relation.to_day,
        started_by=relation.started_by,
        ended_by=relation.ended_by,
        reason=relation.reason,
        version=relation.version,
    )
