"""Organisations, and money that leaves a guarantee account: a telecom's officer's work."""

from __future__ import annotations

from cho.payments.v1 import organisations_pb2 as pb

from kit.errors import AccountNotFound, PermissionDenied
from kit.ids import is_id, new_id
from kit.rpc.call import Call
from services.payments import transfer
from services.payments.server.common import (
    NOTE_MAX,
    REFERENCE_MAX,
    TELECOM_OF,
    account_view,
    body_hash,
    id_of,
    intent_of,
    posted_view,
    text,
)  # fmt: skip
from services.payments.store.ledger import Ledger, Order, after_write


class OrganisationServicer:
    """See protos/cho/payments/v1/organisations.proto."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def OpenOrganisation(self, request: pb.OpenOrganisationRequest, call: Call) -> pb.OpenOrganisationResponse:
        telecom = _officers_telecom(call)
        id_of(request.owner_id, "usr", "owner_id")
        intent = intent_of(call, name=text(request.name, "name", NOTE_MAX))
        opened = await self._ledger.open(new_id("org"), "org", telecom, request.owner_id, intent)
        with after_write():
            account = await self._ledger.account(opened)
        assert account is not None, "it was opened just now"
        return pb.OpenOrganisationResponse(organisation=account_view(account))

    async def FundOrganisation(self, request: pb.FundOrganisationRequest, call: Call) -> pb.FundOrganisationResponse:
        telecom = _officers_telecom(call)
        account_id = id_of(request.organisation_id, "org", "organisation_id", AccountNotFound)
        reference = text(request.reference, "reference", REFERENCE_MAX)
        posted = await self._ledger.post(
            Order(
                op="fund", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=0, legs=transfer.fund(telecom, account_id, request.amount),
                intent=intent_of(call, reference=reference),
            )
        )  # fmt: skip
        made = posted_view(posted, "fund", request.amount, transfer.trust(telecom), account_id, reference=reference)
        return pb.FundOrganisationResponse(transfer=made, balance=posted.second_balance)

    async def Defund(self, request: pb.DefundRequest, call: Call) -> pb.DefundResponse:
        telecom = _officers_telecom(call)
        account_id = request.account_id
        if account_id != transfer.reserve(telecom) and not (is_id(account_id, "agt") or is_id(account_id, "org")):
            raise AccountNotFound("an agent's, an organisation's, or the telecom's own account")
        reference = text(request.reference, "reference", REFERENCE_MAX)
        posted = await self._ledger.post(
            Order(
                op="defund", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=0, legs=transfer.defund(telecom, account_id, request.amount),
                intent=intent_of(call, reference=reference),
            )
        )  # fmt: skip
        made = posted_view(posted, "defund", request.amount, account_id, transfer.trust(telecom), reference=reference)
        return pb.DefundResponse(transfer=made, balance=posted.first_balance)


def _officers_telecom(call: Call) -> str:
    """Raises PermissionDenied for an officer of something else than a telecom."""
    if call.caller.institution not in TELECOM_OF:
        raise PermissionDenied("only a telecom's officer does this")
    return call.caller.institution
