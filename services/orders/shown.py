"""An order as people see it."""

from __future__ import annotations

from cho.orders.v1 import orders_pb2 as pb

from services.orders.order import Fulfilment, Line, Order, Pay, State

STATES = {state: getattr(pb, f"ORDER_STATE_{state.name}") for state in State}
STATE_OF = {number: state for state, number in STATES.items()}
FULFILMENTS = {pb.FULFILMENT_PICKUP: Fulfilment.PICKUP, pb.FULFILMENT_DELIVERY: Fulfilment.DELIVERY}
_FULFILMENT_OF = {fulfilment: number for number, fulfilment in FULFILMENTS.items()}
_PAY_OF = {Pay.QR: pb.PAY_BY_QR, Pay.HOLD: pb.PAY_BY_HOLD}


def order_view(order: Order, address: bool = True) -> pb.Order:
    """An order; `address`: with where it is delivered to."""
    view = pb.Order(
        order_id=order.id,
        code=order.code,
        buyer_id=order.buyer_id,
        merchant_id=order.merchant_id,
        merchant_name=order.merchant_name,
        lines=[_line(line) for line in order.lines],
        total=order.total,
        state=STATES[order.state],
        payment_ids=[payment.transfer_id for payment in order.payments],
        paid=order.paid,
        qr_payload=order.qr_payload,
        checkout_id=order.checkout_id,
        pay=_PAY_OF[order.pay],
        fulfilment=_FULFILMENT_OF[order.fulfilment],
        deliver_to=order.deliver_to if address else "",
        due=order.due,
        refunding=order.refunding,
        held=order.hold.amount if order.hold else 0,
        carrier=order.carrier,
        tracking_code=order.tracking_code,
        return_product_ids=order.returns,
        stopped_product_ids=sorted({stop.product_id for stop in order.stops if not stop.released}),
        stuck=[step.stuck for step in order.steps if step.stuck],
    )
    view.placed_at.FromDatetime(order.placed_at)
    view.pay_by.FromDatetime(order.pay_by)
    if order.deadline:
        view.deadline.FromDatetime(order.deadline)
    for happened in order.history:
        shown = view.history.add(
            event=happened.event, state=STATES[happened.state], who=happened.who, reason=happened.reason
        )
        shown.at.FromDatetime(happened.at)
    return view


def _line(line: Line) -> pb.OrderLine:
    units, rest = divmod(line.quantity, line.grams_per_unit or 1)
    return pb.OrderLine(
        product_id=line.product_id,
        name=line.name,
        unit=line.unit,
        quantity=0 if rest else units,
        price=line.price,
        total=line.total,
        grams=line.quantity if line.weighed else 0,
        grams_per_unit=line.grams_per_unit,
        final_grams=line.final,
        given_back=line.total - line.left,
        recalled=line.recalled,
    )
