"""gRPC server of stock, for the orders service: proto in, proto out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from cho.catalog.v1 import stock_pb2 as pb
from google.protobuf.timestamp_pb2 import Timestamp

from kit import clock
from kit.errors import InvalidArgument, NotFound, PermissionDenied
from kit.rpc.call import Call
from kit.rpc.threads import Servicers
from services.catalog.stock import recalls, restock, steps, store
from services.catalog.stock import reservation as rules
from services.catalog.stock.reservation import Line, Reservation, State

ORDERS = "service:orders"
_STATES = {
    State.OPEN: pb.RESERVATION_STATE_HELD,
    State.REFUSED: pb.RESERVATION_STATE_REFUSED,
    State.RELEASED: pb.RESERVATION_STATE_RELEASED,
    State.EXPIRED: pb.RESERVATION_STATE_EXPIRED,
    State.SELLING: pb.RESERVATION_STATE_SOLD,
    State.SOLD: pb.RESERVATION_STATE_SOLD,
}


class StockServicer:
    """The RPCs of cho.catalog.v1.StockService; roles are enforced before they are called."""

    def Reserve(self, request: pb.ReserveRequest, call: Call) -> pb.ReserveResponse:
        _only_orders(call)
        made = steps.reserve(request.order_id, _lines(request.lines), _time(request.expires_at))
        return pb.ReserveResponse(reservation=_reservation(made))

    def Release(self, request: pb.ReleaseRequest, call: Call) -> pb.ReleaseResponse:
        _only_orders(call)
        released = steps.release(request.order_id)
        return pb.ReleaseResponse(reservation=_reservation(released) if released else None)

    def Extend(self, request: pb.ExtendRequest, call: Call) -> pb.ExtendResponse:
        _only_orders(call)
        return pb.ExtendResponse(reservation=_reservation(steps.extend(request.order_id, _time(request.expires_at))))

    def Sell(self, request: pb.SellRequest, call: Call) -> pb.SellResponse:
        _only_orders(call)
        return pb.SellResponse(reservation=_reservation(steps.sell(request.order_id, _lines(request.lines))))

    def Restock(self, request: pb.RestockRequest, call: Call) -> pb.RestockResponse:
        _only_orders(call)
        restock.restock(request.order_id, list(request.product_ids))
        return pb.RestockResponse()

    def GetReservation(self, request: pb.GetReservationRequest, call: Call) -> pb.GetReservationResponse:
        _only_orders(call)
        found = store.reservation(rules.check_order_id(request.order_id))
        if found is None:
            raise NotFound("nothing was reserved for this order")
        return pb.GetReservationResponse(reservation=_reservation(found))

    def RecallLot(self, request: pb.RecallLotRequest, call: Call) -> pb.RecallLotResponse:
        _only_orders(call)
        recall_id = rules.check_order_id(request.recall_id)
        recalls.recall(request.product_id, request.lot_id, recall_id)
        return pb.RecallLotResponse()

    def ReinstateLot(self, request: pb.ReinstateLotRequest, call: Call) -> pb.ReinstateLotResponse:
        _only_orders(call)
        recalls.reinstate(request.product_id, request.lot_id, request.recall_id)
        return pb.ReinstateLotResponse()

    def ListLotTakers(self, request: pb.ListLotTakersRequest, call: Call) -> pb.ListLotTakersResponse:
        _only_orders(call)
        page, more = recalls.takers(request.product_id, request.lot_id, request.after)
        takers = [pb.LotTaker(order_id=one.order_id, quantity=one.quantity) for one in page]
        return pb.ListLotTakersResponse(takers=takers, more=more)


def _only_orders(call: Call) -> None:
    if call.caller.sub != ORDERS:
        raise PermissionDenied("stock is set aside and sold by the orders service alone")


def _lines(lines: Iterable[pb.StockLine]) -> list[Line]:
    return [Line(line.product_id, line.quantity) for line in lines]


def _time(time: Timestamp) -> datetime:
    try:
        # To the ms, as MongoDB keeps it.
        return clock.from_ms(int(time.ToDatetime(UTC).timestamp() * 1000))
    except (ValueError, OverflowError) as error:
        raise InvalidArgument("expires_at is no time") from error


def _reservation(reservation: Reservation) -> pb.Reservation:
    # Open, but its time is over: nobody has looked yet.
    expired = reservation.state is State.OPEN and reservation.over(clock.now())
    reply = pb.Reservation(
        order_id=reservation.order_id,
        state=_STATES[State.EXPIRED if expired else reservation.state],
        lines=[
            pb.ReservedLine(
                product_id=line.product_id,
                quantity=line.quantity,
                price=line.price,
                unit=line.unit,
                grams_per_unit=line.grams_per_unit,
                lots=[pb.LotTake(lot_id=take.lot_id, quantity=take.quantity) for take in line.takes],
            )
            for line in reservation.reserved
        ],
    )
    reply.expires_at.FromDatetime(reservation.expires_at)
    return reply


def stock_servicers() -> Servicers:
    """What this room serves, by service descriptor."""
    return [(pb.DESCRIPTOR.services_by_name["StockService"], StockServicer())]
