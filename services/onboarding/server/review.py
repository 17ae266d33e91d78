"""The reviewers' side: proto in, proto out."""

from __future__ import annotations

from cho.onboarding.v1 import onboarding_pb2
from cho.onboarding.v1 import review_pb2 as pb

from kit import accesses
from kit.errors import InvalidArgument, NotFound
from kit.rpc.call import Call
from services.onboarding import findings, ledger, store
from services.onboarding.findings import Finding
from services.onboarding.merchant import Action, State
from services.onboarding.server.accounts import require_fresh_pin
from services.onboarding.server.merchants import visible
from services.onboarding.server.views import NUMBERS, STATES, merchant_view

_REVIEWERS = ("market_manager", "operator", "auditor")
# What can be shown in plain.
REVEALED = ("citizen_id", "phone", "account_number", "birth_date", "address")


class ReviewServicer:
    """The RPCs of cho.onboarding.v1.ReviewService; roles are enforced before they are called."""

    def ListReviews(self, request: pb.ListReviewsRequest, call: Call) -> pb.ListReviewsResponse:
        wanted = request.state or onboarding_pb2.MERCHANT_STATE_SUBMITTED
        if wanted not in STATES:
            raise InvalidArgument("state must be one of the merchant states")
        queue = store.reviews(
            STATES[wanted],
            market_id=request.market_id,
            ward_code=request.ward_code,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        reply = pb.ListReviewsResponse(next_page_token=queue.next_token)
        for found in queue.reviews:
            view = reply.reviews.add(
                merchant=merchant_view(found.merchant), age_s=found.age_s, open_findings=found.open_findings
            )
            if found.merchant.submitted_at is not None:
                view.submitted_at.FromDatetime(found.merchant.submitted_at)
        return reply

    def ClaimReview(self, request: pb.ClaimReviewRequest, call: Call) -> pb.ClaimReviewResponse:
        return pb.ClaimReviewResponse(merchant=_decided(request.merchant_id, Action.CLAIM, call))

    def ReleaseReview(self, request: pb.ReleaseReviewRequest, call: Call) -> pb.ReleaseReviewResponse:
        return pb.ReleaseReviewResponse(merchant=_decided(request.merchant_id, Action.RELEASE, call, request.reason))

    def ReturnMerchant(self, request: pb.ReturnMerchantRequest, call: Call) -> pb.ReturnMerchantResponse:
        return pb.ReturnMerchantResponse(merchant=_decided(request.merchant_id, Action.RETURN, call, request.reason))

    def RefuseMerchant(self, request: pb.RefuseMerchantRequest, call: Call) -> pb.RefuseMerchantResponse:
        return pb.RefuseMerchantResponse(merchant=_decided(request.merchant_id, Action.REFUSE, call, request.reason))

    def CloseMerchant(self, request: pb.CloseMerchantRequest, call: Call) -> pb.CloseMerchantResponse:
        seen = store.merchant(request.merchant_id)
        if seen.state is State.SUSPENDED:
            ledger.require_nothing_owed(request.merchant_id, call)
        # Of one that is suspended, or sold again, since it was seen, the ledger was asked nothing.
        closed = _decided(request.merchant_id, Action.CLOSE, call, request.reason, seen.version)
        return pb.CloseMerchantResponse(merchant=closed)

    def ListFindings(self, request: pb.ListFindingsRequest, call: Call) -> pb.ListFindingsResponse:
        found = store.findings_for(request.merchant_id)
        return pb.ListFindingsResponse(findings=[_finding(finding) for finding in found])

    def AcceptFinding(self, request: pb.AcceptFindingRequest, call: Call) -> pb.AcceptFindingResponse:
        by, supervises = call.caller.sub, call.has("operator")
        accepted = store.accept_finding(
            request.merchant_id, request.finding_id, by, request.reason, supervises=supervises
        )  # fmt: skip
        return pb.AcceptFindingResponse(finding=_finding(accepted))

    def GetHistory(self, request: pb.GetHistoryRequest, call: Call) -> pb.GetHistoryResponse:
        visible(request.merchant_id, call)
        hidden = () if call.has(*_REVIEWERS) else (findings.ACCEPTED,)
        reply = pb.GetHistoryResponse()
        for line in store.history(request.merchant_id):
            if line.action in hidden:
                continue
            entry = reply.entries.add(
                action=line.action,
                actor=line.actor,
                reason=line.reason,
                state=NUMBERS[State(line.state)],
                version=line.version,
            )
            entry.at.FromDatetime(line.at)
        return reply

    def RevealField(self, request: pb.RevealFieldRequest, call: Call) -> pb.RevealFieldResponse:
        if request.field not in REVEALED:
            raise InvalidArgument(f"field must be one of: {', '.join(REVEALED)}")
        require_fresh_pin(call)
        filled = store.draft(request.merchant_id)
        # Written down first: what cannot be is not shown.
        accesses.record(call.caller.sub, request.merchant_id, request.field, request.reason)
        return pb.RevealFieldResponse(value=getattr(filled, request.field))

    def RevealDocument(self, request: pb.RevealDocumentRequest, call: Call) -> pb.RevealDocumentResponse:
        require_fresh_pin(call)
        sha256 = store.draft(request.merchant_id).documents.get(request.kind)
        if sha256 is None:
            raise NotFound("there is no such document")
        accesses.record(call.caller.sub, request.merchant_id, f"documents.{request.kind}", request.reason)
        content, content_type = store.read_document(request.merchant_id, request.kind, sha256)
        return pb.RevealDocumentResponse(content=content, content_type=content_type)

    def ListReveals(self, request: pb.ListRevealsRequest, call: Call) -> pb.ListRevealsResponse:
        store.merchant(request.merchant_id)
        reply = pb.ListRevealsResponse()
        for look in accesses.page(subject_id=request.merchant_id, page_size=accesses.PAGE_SIZE_MAX).accesses:
            reveal = reply.reveals.add(field=look.field, actor=look.actor_id, reason=look.reason)
            reveal.at.FromDatetime(look.at)
        return reply


def _decided(
    merchant_id: str, action: Action, call: Call, reason: str = "", version: int = 0
) -> onboarding_pb2.Merchant:  # fmt: skip
    by, supervises = call.caller.sub, call.has("operator")
    decided = store.decide(
        merchant_id, action, by, reason, call.traceparent, supervises=supervises, version=version
    )  # fmt: skip
    return merchant_view(decided)


def _finding(finding: Finding) -> pb.Finding:
    vi, en = findings.WORDS[finding.code]
    view = pb.Finding(
        finding_id=finding.finding_id,
        code=finding.code,
        other_merchant_id=finding.other,
        vi=vi,
        en=en,
        accepted_by=finding.accepted_by,
        reason=finding.reason,
    )
    view.found_at.FromDatetime(finding.found_at)
    if finding.accepted_at is not None:
        view.accepted_at.FromDatetime(finding.accepted_at)
    return view
