"""gRPC server of onboarding: proto in, proto out."""

from __future__ import annotations

from collections.abc import Callable

from cho.onboarding.v1 import onboarding_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import banks
from kit.errors import InvalidArgument
from kit.qr import image
from kit.qr.names import fold
from kit.rpc.call import Call
from kit.rpc.threads import Servicers, serve
from services.onboarding import paycode, store
from services.onboarding.merchant import Action, Merchant, Registration, State

# Who sees every merchant; a vendor sees the own ones.
_SEE_ALL = ("team", "market_manager", "operator", "auditor")

_FORMATS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "payload": ("text/plain; charset=utf-8", str.encode),
    "svg": ("image/svg+xml", image.svg),
    "png": ("image/png", image.png),
}
_STATES = {getattr(pb, f"MERCHANT_STATE_{state.name}"): state for state in State}
_NUMBERS = {state: number for number, state in _STATES.items()}


class OnboardingServicer:
    """The RPCs of cho.onboarding.v1.OnboardingService; roles are enforced before they are called."""

    def ListMarkets(self, request: pb.ListMarketsRequest, call: Call) -> pb.ListMarketsResponse:
        # "Đu" stands among the D's, as a Vietnamese reader expects; diacritics only decide between equals.
        found = sorted(store.markets(), key=lambda market: (fold(market.name).casefold(), market.name))
        return pb.ListMarketsResponse(
            markets=[
                pb.Market(
                    market_id=market.market_id,
                    name=market.name,
                    ward_code=market.ward_code,
                    ward_name=market.ward_name,
                    province_name=market.province_name,
                )
                for market in found
            ]
        )

    def RegisterMerchant(self, request: pb.RegisterMerchantRequest, call: Call) -> pb.RegisterMerchantResponse:
        account = request.settlement_account
        registration = Registration(
            request_id=request.request_id,
            name=request.name,
            market_id=request.market_id,
            stall=request.stall,
            owner_id=request.owner_id,
            category_code=request.category_code,
            bank_bin=account.bank_bin,
            account_number=account.account_number,
            account_name=account.account_name,
        )
        return pb.RegisterMerchantResponse(merchant=_merchant(store.register(registration, call.caller.sub)))

    def ApproveMerchant(self, request: pb.ApproveMerchantRequest, call: Call) -> pb.ApproveMerchantResponse:
        decided = _decide(request.merchant_id, Action.APPROVE, call)
        return pb.ApproveMerchantResponse(merchant=_merchant(decided))

    def SuspendMerchant(self, request: pb.SuspendMerchantRequest, call: Call) -> pb.SuspendMerchantResponse:
        decided = _decide(request.merchant_id, Action.SUSPEND, call, request.reason)
        return pb.SuspendMerchantResponse(merchant=_merchant(decided))

    def ReinstateMerchant(self, request: pb.ReinstateMerchantRequest, call: Call) -> pb.ReinstateMerchantResponse:
        decided = _decide(request.merchant_id, Action.REINSTATE, call, request.reason)
        return pb.ReinstateMerchantResponse(merchant=_merchant(decided))

    def GetMerchant(self, request: pb.GetMerchantRequest, call: Call) -> pb.GetMerchantResponse:
        return pb.GetMerchantResponse(merchant=_merchant(_visible(request.merchant_id, call)))

    def ListMerchants(self, request: pb.ListMerchantsRequest, call: Call) -> pb.ListMerchantsResponse:
        if not request.market_id:
            raise InvalidArgument("market_id is missing")
        if request.state not in _STATES:
            raise InvalidArgument("state must be one of the merchant states")
        page = store.merchants_of_market(
            request.market_id, _STATES[request.state], request.page_size, request.page_token
        )
        return pb.ListMerchantsResponse(
            merchants=[_merchant(found) for found in page.merchants], next_page_token=page.next_token
        )

    def ListMyMerchants(self, request: pb.ListMyMerchantsRequest, call: Call) -> pb.ListMyMerchantsResponse:
        found = store.merchants_of_owner(call.caller.sub)
        return pb.ListMyMerchantsResponse(merchants=[_merchant(merchant) for merchant in found])

    def GetMerchantQr(self, request: pb.GetMerchantQrRequest, call: Call) -> HttpBody:
        chosen = request.format or "svg"
        if chosen not in _FORMATS:
            raise InvalidArgument(f"format must be one of: {', '.join(_FORMATS)}")
        content_type, draw = _FORMATS[chosen]
        merchant = _visible(request.merchant_id, call)
        text = paycode.payload(merchant, amount=request.amount, reference=request.reference, purpose=request.purpose)
        return HttpBody(content_type=content_type, data=draw(text))


def _decide(merchant_id: str, action: Action, call: Call, reason: str = "") -> Merchant:
    return store.decide(merchant_id, action, call.caller.sub, reason, call.traceparent)


def _visible(merchant_id: str, call: Call) -> Merchant:
    merchant = store.merchant(merchant_id)
    call.require_owner(merchant.owner_id, *_SEE_ALL)
    return merchant


def _merchant(merchant: Merchant) -> pb.Merchant:
    bank = banks.lookup(merchant.bank_bin)
    reply = pb.Merchant(
        merchant_id=merchant.merchant_id,
        name=merchant.name,
        market_id=merchant.market_id,
        market_name=merchant.market_name,
        stall=merchant.stall,
        owner_id=merchant.owner_id,
        category_code=merchant.category_code,
        settlement_account=pb.SettlementAccount(
            bank_bin=merchant.bank_bin,
            account_name=merchant.account_name,
            account_masked=merchant.account_masked,
            bank_name=(bank.short_name or bank.sbv_name or "") if bank else "",
        ),
        state=_NUMBERS[merchant.state],
        registered_by=merchant.registered_by,
        decided_by=merchant.decided_by,
        reason=merchant.reason,
    )
    reply.registered_at.FromDatetime(merchant.registered_at)
    if merchant.decided_at is not None:
        reply.decided_at.FromDatetime(merchant.decided_at)
    return reply


def servicers() -> Servicers:
    """What this process serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["OnboardingService"], OnboardingServicer())]


def main() -> None:
    """Serves until stopped."""
    store.open_store()
    serve(store.SERVICE, servicers())
