"""Drafts, checklists, citizen cards and documents: proto in, proto out."""

from __future__ import annotations

from cho.onboarding.v1 import drafts_pb2 as pb

from kit import crypto
from kit.errors import WrongState
from kit.identifiers import citizen
from kit.rpc.call import Call
from services.onboarding import store
from services.onboarding.assist import consent, owners
from services.onboarding.merchant import State
from services.onboarding.server.merchants import visible
from services.onboarding.server.views import form_of, merchant_view, problem_views


class DraftServicer:
    """The RPCs of cho.onboarding.v1.DraftService; roles are enforced before they are called."""

    def SaveDraft(self, request: pb.SaveDraftRequest, call: Call) -> pb.SaveDraftResponse:
        saved = store.save_draft(form_of(request.form), call.caller.sub, request.version)
        problems = store.checklist(saved.merchant_id)
        return pb.SaveDraftResponse(merchant=merchant_view(saved), problems=problem_views(problems))

    def SubmitMerchant(self, request: pb.SubmitMerchantRequest, call: Call) -> pb.SubmitMerchantResponse:
        # A team member hands in what the vendor has confirmed; a market manager or operator has them before them.
        confirmed = "" if call.has("market_manager", "operator") else consent.require(request.merchant_id)
        submitted = store.submit(request.merchant_id, call.caller.sub, call.traceparent, confirmed=confirmed)
        owners.bind_known([crypto.phone_index(store.draft(request.merchant_id).phone)])
        return pb.SubmitMerchantResponse(merchant=merchant_view(submitted))

    def GetChecklist(self, request: pb.GetChecklistRequest, call: Call) -> pb.GetChecklistResponse:
        visible(request.merchant_id, call)
        return pb.GetChecklistResponse(problems=problem_views(store.checklist(request.merchant_id)))

    def ReadCitizenCard(self, request: pb.ReadCitizenCardRequest, call: Call) -> pb.ReadCitizenCardResponse:
        card = citizen.read_card(request.payload)
        expires = citizen.expires(card.birth, card.issued)
        return pb.ReadCitizenCardResponse(
            citizen_id=card.number,
            old_number=card.old_number,
            person_name=card.name,
            birth_date=card.birth.isoformat(),
            sex=card.sex,
            address=card.address,
            citizen_issued=card.issued.isoformat(),
            citizen_expires=expires.isoformat() if expires else "",
        )

    def UploadDocument(self, request: pb.UploadDocumentRequest, call: Call) -> pb.UploadDocumentResponse:
        merchant = visible(request.merchant_id, call)
        if merchant.state is not State.DRAFT:
            raise WrongState("documents are added to a draft: ask the reviewer to send it back")
        kept = store.keep_document(merchant.merchant_id, request.kind, request.content, call.caller.sub)
        return pb.UploadDocumentResponse(
            sha256=kept.sha256,
            content_type=kept.photo.content_type,
            width=kept.photo.width,
            height=kept.photo.height,
        )
