"""Markets, merchants and their codes: proto in, proto out."""

from __future__ import annotations

from collections.abc import Callable

from cho.onboarding.v1 import onboarding_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import log
from kit.errors import InvalidArgument
from kit.qr import image
from kit.qr.names import fold
from kit.rpc.call import Call
from services.onboarding import form, paycode, store
from services.onboarding.merchant import Action, Merchant
from services.onboarding.problems import problem
from services.onboarding.server.views import STATES, form_of, merchant_view
from services.onboarding.store.stands import stand

ACCOUNTS_MAX = 500
_logger = log.logger(__name__)

# Who sees every merchant; a vendor sees the own ones.
_SEE_ALL = ("team", "market_manager", "operator", "auditor")

_FORMATS: dict[str, tuple[str, Callable[[str], bytes]]] = {
    "payload": ("text/plain; charset=utf-8", str.encode),
    "svg": ("image/svg+xml", image.svg),
    "png": ("image/png", image.png),
}


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
        if not request.owner_id:
            form.refuse(problem("owner_id", "OWNER_ID_FORM"))
        registered = store.register(form_of(request), call.caller.sub, call.traceparent)
        return pb.RegisterMerchantResponse(merchant=merchant_view(registered))

    def ApproveMerchant(self, request: pb.ApproveMerchantRequest, call: Call) -> pb.ApproveMerchantResponse:
        decided = _decide(request.merchant_id, Action.APPROVE, call, request.reason)
        return pb.ApproveMerchantResponse(merchant=merchant_view(decided))

    def SuspendMerchant(self, request: pb.SuspendMerchantRequest, call: Call) -> pb.SuspendMerchantResponse:
        decided = _decide(request.merchant_id, Action.SUSPEND, call, request.reason)
        return pb.SuspendMerchantResponse(merchant=merchant_view(decided))

    def ReinstateMerchant(self, request: pb.ReinstateMerchantRequest, call: Call) -> pb.ReinstateMerchantResponse:
        decided = _decide(request.merchant_id, Action.REINSTATE, call, request.reason)
        return pb.ReinstateMerchantResponse(merchant=merchant_view(decided))

    def GetMerchant(self, request: pb.GetMerchantRequest, call: Call) -> pb.GetMerchantResponse:
        return pb.GetMerchantResponse(merchant=merchant_view(visible(request.merchant_id, call)))

    def GetSettlementAccounts(
        self, request: pb.GetSettlementAccountsRequest, call: Call
    ) -> pb.GetSettlementAccountsResponse:
        if not 1 <= len(request.merchant_ids) <= ACCOUNTS_MAX:
            raise InvalidArgument(f"1 to {ACCOUNTS_MAX} merchants at once")
        found = store.payout_accounts(request.merchant_ids)
        _logger.info("settlement accounts read in plain", by=call.caller.sub, merchants=len(found))
        return pb.GetSettlementAccountsResponse(
            accounts=[
                pb.PayoutAccount(
                    merchant_id=account.merchant_id, bank_bin=account.bank_bin, account_number=account.account_number,
                    account_name=account.account_name,
                )
                for account in found
            ]
        )  # fmt: skip

    def ListMerchants(self, request: pb.ListMerchantsRequest, call: Call) -> pb.ListMerchantsResponse:
        if not request.market_id:
            raise InvalidArgument("market_id is missing")
        if request.state not in STATES:
            raise InvalidArgument("state must be one of the merchant states")
        page = store.merchants_of_market(
            request.market_id, STATES[request.state], request.page_size, request.page_token
        )
        return pb.ListMerchantsResponse(
            merchants=[merchant_view(found) for found in page.merchants], next_page_token=page.next_token
        )

    def ListMyMerchants(self, request: pb.ListMyMerchantsRequest, call: Call) -> pb.ListMyMerchantsResponse:
        found = store.merchants_of_owner(call.caller.sub)
        return pb.ListMyMerchantsResponse(merchants=[merchant_view(merchant) for merchant in found])

    def GetMerchantQr(self, request: pb.GetMerchantQrRequest, call: Call) -> HttpBody:
        chosen = request.format or "svg"
        if chosen not in _FORMATS:
            raise InvalidArgument(f"format must be one of: {', '.join(_FORMATS)}")
        content_type, draw = _FORMATS[chosen]
        merchant = visible(request.merchant_id, call)
        text = paycode.payload(
            merchant, issue=stand(merchant.merchant_id).issue, amount=request.amount, reference=request.reference,
            purpose=request.purpose,
        )  # fmt: skip
        return HttpBody(content_type=content_type, data=draw(text))


def _decide(merchant_id: str, action: Action, call: Call, reason: str = "") -> Merchant:
    return store.decide(merchant_id, action, call.caller.sub, reason, call.traceparent)


def visible(merchant_id: str, call: Call) -> Merchant:
    """The merchant, if the caller may see it. Raises NotFound."""
    merchant = store.merchant(merchant_id)
    call.require_owner(merchant.owner_id, *_SEE_ALL)
    return merchant
