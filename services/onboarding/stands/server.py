"""gRPC of what is printed for stalls: proto in, proto out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from types import ModuleType
from typing import TYPE_CHECKING

from cho.onboarding.v1 import stands_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import banks, clock
from kit.errors import InvalidArgument, Overloaded
from kit.rpc.call import Call
from services.onboarding import paycode
from services.onboarding.merchant import Merchant, State
from services.onboarding.places.stall import order_of, section_of
from services.onboarding.store import stands as stored
from services.onboarding.store.markets import market_by_id
from services.onboarding.store.merchants import merchant_by_id, merchants_of_market

if TYPE_CHECKING:
    from services.onboarding.stands.pdf import Face

PDF = "application/pdf"
# Of one message: below what gRPC takes (1 MB).
PIECE_BYTES = 256 << 10
_PAGE = 100

_SEE_ALL = ("team", "market_manager", "operator", "auditor")
# A market's stands take seconds of a core: one at a time leaves the other core to everybody else.
_printing = threading.Semaphore(1)


class StandServicer:
    """The RPCs of cho.onboarding.v1.StandService."""

    def GetStand(self, request: pb.GetStandRequest, call: Call) -> pb.GetStandResponse:
        merchant = _visible(request.merchant_id, call)
        return pb.GetStandResponse(stand=_stand(merchant.merchant_id))

    def PrintStand(self, request: pb.PrintStandRequest, call: Call) -> HttpBody:
        merchant = _visible(request.merchant_id, call)
        faces = [_face(merchant, market_by_id(merchant.market_id).name, stored.stand(merchant.merchant_id).issue)]
        printed = _pdf().stands(faces, request.format or "a5", _today(), marks=request.marks)
        call.set_header("content-disposition", f'attachment; filename="cho-{merchant.merchant_id}.pdf"')
        return HttpBody(content_type=PDF, data=printed)

    def PrintMarketStands(self, request: pb.PrintMarketStandsRequest, call: Call) -> Iterator[HttpBody]:
        if request.section:
            section_of(f"{request.section}-1")
        if not _printing.acquire(blocking=False):
            raise Overloaded("another market's stands are being printed: try again in a minute")
        try:
            market, found = market_by_id(request.market_id), _active(request.market_id, request.section)
            issues = stored.issues([merchant.merchant_id for merchant in found])
            faces = (_face(merchant, market.name, issues.get(merchant.merchant_id, 1)) for merchant in found)
            printed = _pdf().stands(faces, request.format or "a5", _today(), marks=request.marks)
        finally:
            _printing.release()
        call.set_header("content-disposition", f'attachment; filename="cho-{request.market_id}.pdf"')
        for start in range(0, len(printed), PIECE_BYTES):
            yield HttpBody(content_type=PDF, data=printed[start : start + PIECE_BYTES])

    def ReissueStand(self, request: pb.ReissueStandRequest, call: Call) -> pb.ReissueStandResponse:
        merchant = merchant_by_id(request.merchant_id)
        stored.reissue(
            merchant.merchant_id, request_id=request.request_id, by=call.caller.sub, reason=request.reason,
            traceparent=call.traceparent,
        )  # fmt: skip
        return pb.ReissueStandResponse(stand=_stand(merchant.merchant_id))


def _visible(merchant_id: str, call: Call) -> Merchant:
    merchant = merchant_by_id(merchant_id)
    call.require_owner(merchant.owner_id, *_SEE_ALL)
    return merchant


def _active(market_id: str, section: str) -> list[Merchant]:
    """A market's active merchants, by stall. Raises InvalidArgument beyond STANDS_MAX."""
    found: list[Merchant] = []
    token, more, most = "", True, _pdf().STANDS_MAX
    while more:
        page = merchants_of_market(market_id, State.ACTIVE, _PAGE, token)
        found += [one for one in page.merchants if not section or section_of(one.stall) == section]
        if len(found) > most:
            raise InvalidArgument(f"more than {most} stands: print section by section (section=A)")
        token, more = page.next_token, bool(page.next_token)
    return sorted(found, key=lambda one: order_of(one.stall))


def _face(merchant: Merchant, market: str, issue: int) -> Face:
    bank = banks.lookup(merchant.bank_bin)
    face: Face = _pdf().Face(
        payload=paycode.payload(merchant, issue=issue),
        name=merchant.name,
        stall=merchant.stall,
        market=market,
        bank=(bank.short_name or bank.sbv_name or "") if bank else "",
        holder=merchant.account_name,
        issue=issue,
        merchant_id=merchant.merchant_id,
    )
    return face


def _pdf() -> ModuleType:
    """Imported by the first print: in every process it would cost memory, and fpdf2 imports numpy where there is one,
    whose thread keeps a process from being forked."""
    from services.onboarding.stands import pdf

    return pdf


def _stand(merchant_id: str) -> pb.Stand:
    stand, proven_at = stored.stand(merchant_id), stored.proven_at(merchant_id)
    reply = pb.Stand(merchant_id=merchant_id, issue=stand.issue)
    if stand.reissues:
        last = stand.reissues[-1]
        reply.reissued_at.FromDatetime(last.at)
        reply.reissued_by, reply.reason = last.by, last.reason
    if proven_at is not None:
        reply.proven_at.FromDatetime(proven_at)
    return reply


def _today() -> datetime:
    return datetime.now(clock.VIETNAM)
