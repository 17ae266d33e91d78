"""gRPC server of live sales: proto in, proto out. A claim is one call of Valkey, and asks nobody else."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import datetime, timedelta

from cho.orders.v1 import live_pb2 as pb

from kit import clock
from kit.clock import from_ms
from kit.errors import IdempotencyConflict, InvalidArgument, NotFound, NotOpen, OutcomeUnknown, Unavailable
from kit.ids import is_id, key_time_ms
from kit.rpc.call import Call
from kit.rpc.push import Push, pushed
from services.orders import store as orders
from services.orders.cart import ADDRESS_MAX
from services.orders.life import Actor, Who
from services.orders.live import claims, store
from services.orders.live import sale as rules
from services.orders.live.pool import GIVEN_BACK, HELD, KEPT, Claim, Counter, Pool
from services.orders.live.sale import Asked, Plan, Sale, State
from services.orders.live.watch import Hub
from services.orders.store import checkouts

_STATES = {state: getattr(pb, f"SALE_STATE_{state.name}") for state in State}
_CLAIMS = {HELD: pb.CLAIM_STATE_HELD, KEPT: pb.CLAIM_STATE_KEPT, GIVEN_BACK: pb.CLAIM_STATE_GIVEN_BACK}
# Who asks for a sale whose counter is not there makes one read of its document a second, however many ask.
LOOK_S, KNOWN_MAX = 1.0, 1_000


class LiveSaleServicer:
    """The RPCs of cho.orders.v1.LiveSaleService; roles are enforced before they are called."""

    def __init__(self, pool: Pool, hub: Hub) -> None:
        self._pool, self._hub = pool, hub
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Sale]] = {}

    # Sales

    def ScheduleSale(self, request: pb.ScheduleSaleRequest, call: Call) -> pb.ScheduleSaleResponse:
        lines = tuple(Asked(one.product_id, one.lots, one.price, one.lot_size, one.cap) for one in request.lines)
        within = timedelta(seconds=request.pay_within_s) if request.pay_within_s else rules.PAY_WITHIN
        plan = Plan(
            request.merchant_id, request.title, _time(request, "opens_at"), _time(request, "closes_at"), lines, within
        )
        made = store.schedule(call.caller.sub, _key(request.request_id), plan, call.traceparent)
        return pb.ScheduleSaleResponse(sale=self._view(made))

    def ListSales(self, request: pb.ListSalesRequest, call: Call) -> pb.ListSalesResponse:
        found = store.coming(clock.now())
        counters = self._counters(found)
        return pb.ListSalesResponse(
            sales=[sale_view(one, counter) for one, counter in zip(found, counters, strict=True)]
        )  # fmt: skip

    def GetSale(self, request: pb.GetSaleRequest, call: Call) -> pb.GetSaleResponse:
        return pb.GetSaleResponse(sale=self._view(store.sale(request.sale_id)))

    @pushed
    def WatchSale(self, request: pb.WatchSaleRequest, call: Call, push: Push) -> None:
        last = call.metadata.get("last-event-id", "")
        if last and not (last.isascii() and last.isdigit() and len(last) <= 16):
            raise InvalidArgument("Last-Event-ID must be the id of an event of this stream")
        self._find(request.sale_id)
        self._hub.join(request.sale_id, int(last) if last else -1, push)

    def CancelSale(self, request: pb.CancelSaleRequest, call: Call) -> pb.CancelSaleResponse:
        actor = self._actor(request.sale_id, call)
        changed = store.change(
            request.sale_id, lambda sale, now: rules.cancel(sale, actor, request.reason, now), call.traceparent
        )
        return pb.CancelSaleResponse(sale=self._view(changed))

    def CloseSale(self, request: pb.CloseSaleRequest, call: Call) -> pb.CloseSaleResponse:
        actor = self._actor(request.sale_id, call)
        changed = store.change(
            request.sale_id, lambda sale, now: rules.close(sale, actor, request.reason, now), call.traceparent
        )
        if changed.counting:
            with suppress(Unavailable, OutcomeUnknown):  # then the keeper closes it
                self._pool.close(changed.id)
        return pb.CloseSaleResponse(sale=self._view(changed))

    # Claims

    def ClaimLots(self, request: pb.ClaimLotsRequest, call: Call) -> pb.ClaimLotsResponse:
        if not is_id(request.sale_id, "liv"):
            raise NotFound("there is no such sale")
        lots, address = request.lots or 1, " ".join(request.delivery.deliver_to.split())
        if not 1 <= lots <= rules.CAP_MAX:
            raise InvalidArgument(f"lots: 1 to {rules.CAP_MAX}")
        if request.HasField("delivery") and not address:
            raise InvalidArgument("deliver_to says where to")
        if len(address) > ADDRESS_MAX or not address.isprintable():
            raise InvalidArgument(f"deliver_to: at most {ADDRESS_MAX} characters that can be seen")
        order_id = claims.order_id(request.sale_id, call.caller.sub, _key(request.request_id))
        wish = claims.wish(order_id, request.request_id, address, call.traceparent)
        print_ = claims.fingerprint(request.product_id, lots, address)
        try:
            claim = self._pool.claim(request.sale_id, call.caller.sub, (request.product_id, lots), print_, wish)
        except Unavailable:
            found = self._why_no_counter(request.sale_id, order_id)
            if found is None:
                raise
            if found.fingerprint != print_:
                raise IdempotencyConflict("request_id was used for another claim") from None
            claim = found
        return pb.ClaimLotsResponse(claim=claim_view(claim))

    def GetClaim(self, request: pb.GetClaimRequest, call: Call) -> pb.GetClaimResponse:
        if not is_id(request.sale_id, "liv"):
            raise NotFound("there is no such sale")
        order_id = claims.order_id(request.sale_id, call.caller.sub, _key(request.request_id))
        claim = self._pool.find(request.sale_id, order_id)
        if claim is None:  # the sale is settled, or its counter is not there: its order tells
            claim = claims.of_order(orders.order(order_id))
        return pb.GetClaimResponse(claim=claim_view(claim))

    # Helpers

    def _why_no_counter(self, sale_id: str, order_id: str) -> Claim | None:
        """The claim that is this order, where a sale has no counter for good; None where it is only being made. Raises
        NotOpen, also where it is not there yet, and NotFound."""
        sale = self._find(sale_id)
        if sale.state is State.SCHEDULED and not sale.set_aside:
            opens = sale.opens_at.isoformat()
            raise NotOpen(f"it opens at {opens}", state=sale.state.value, opens_at=opens)
        if sale.counting:
            return None
        order = orders.by_id([order_id]).get(order_id)
        if order is None:
            raise NotOpen("it is over", state=sale.state.value)
        return claims.of_order(order)

    def _find(self, sale_id: str) -> Sale:
        """A sale as it was a second ago at most. Raises NotFound."""
        with self._lock:
            looked_at, sale = self._known.get(sale_id, (0.0, None))
            if sale is None or time.monotonic() - looked_at >= LOOK_S:
                sale = store.sale(sale_id)
                if len(self._known) >= KNOWN_MAX:
                    self._known.clear()
                self._known[sale_id] = (time.monotonic(), sale)
            return sale

    def _actor(self, sale_id: str, call: Call) -> Actor:
        """Whose stall it is now, or an operator. Raises NotFound."""
        owner = checkouts.owner_of(store.sale(sale_id).merchant_id)
        if call.caller.sub == owner:
            return Actor(Who.SELLER, call.caller.sub)
        call.require_owner(owner, "operator")
        return Actor(Who.OPERATOR, call.caller.sub)

    def _view(self, sale: Sale) -> pb.Sale:
        return sale_view(sale, self._counters([sale])[0])

    def _counters(self, sales: list[Sale]) -> list[Counter | None]:
        """What is left; None where it cannot be said now."""
        if not any(one.counting for one in sales):
            return [None] * len(sales)
        try:
            return self._pool.counters([one.id for one in sales])
        except Unavailable:
            return [None] * len(sales)


def sale_view(sale: Sale, counter: Counter | None) -> pb.Sale:
    """A sale as everybody may see it."""
    view = pb.Sale(
        sale_id=sale.id, merchant_id=sale.merchant_id, merchant_name=sale.merchant_name, title=sale.title,
        pay_within_s=int(sale.pay_within.total_seconds()), state=_STATES[sale.state],
    )  # fmt: skip
    view.opens_at.FromDatetime(sale.opens_at)
    view.closes_at.FromDatetime(sale.closes_at)
    for line in sale.lines:
        shown = view.lines.add(
            product_id=line.product_id, name=line.name, unit=line.unit, lots=line.lots, lot_size=line.lot_size,
            price=line.price, cap=line.cap, sold=line.sold,
        )  # fmt: skip
        if counter is not None:
            shown.left = counter.left[line.product_id]
    for happened in sale.history:
        told = view.history.add(event=happened.event, who=happened.who, reason=happened.reason)
        told.at.FromDatetime(happened.at)
    return view


def claim_view(claim: Claim) -> pb.Claim:
    """A claim as its buyer sees it."""
    view = pb.Claim(
        order_id=claim.order_id, state=_CLAIMS[claim.state], number=claim.number, product_id=claim.product_id,
        lots=claim.lots,
    )  # fmt: skip
    view.pay_by.FromDatetime(from_ms(claim.until_ms))
    return view


def _time(request: pb.ScheduleSaleRequest, name: str) -> datetime:
    if not request.HasField(name):
        raise InvalidArgument(f"{name} is missing")
    try:
        return from_ms(getattr(request, name).ToMilliseconds())
    except (ValueError, OverflowError) as error:
        raise InvalidArgument(f"{name} is no time that can be") from error


def _key(request_id: str) -> str:
    if key_time_ms(request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7")
    return request_id
