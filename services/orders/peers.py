"""Catalog's stock and payments' money over gRPC: the real ends of services/orders/ports.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import grpc
from cho.catalog.v1 import stock_pb2
from cho.catalog.v1.stock_pb2_grpc import StockServiceStub
from cho.payments.v1 import orders_pb2 as money_pb2
from cho.payments.v1 import payments_pb2
from cho.payments.v1.orders_pb2_grpc import OrderMoneyServiceStub
from google.protobuf.message import Message

from kit.config import settings
from kit.errors import BY_CODE, OutcomeUnknown, TooLate, WrongState
from kit.rpc.call import service_metadata
from kit.rpc.status import error_code, error_details
from services.orders.ports import Move, Taken, Taker
from services.orders.saga.answers import Done

ANSWER_S_MAX = 5.0


class CatalogStock:
    """services.orders.ports.Stock."""

    def reserve(self, order_id: str, lines: Mapping[str, int], until: datetime) -> Mapping[str, Taken]:
        """Raises what it is refused with; TooLate where it was given back meanwhile, or is over."""
        request = stock_pb2.ReserveRequest(order_id=order_id, lines=_lines(lines))
        request.expires_at.FromDatetime(until)
        try:
            found = _ask(_stock().Reserve, request).reservation
        except WrongState as ended:
            raise TooLate("what was set aside for it was given back") from ended
        if found.state != stock_pb2.RESERVATION_STATE_HELD:
            raise TooLate("what was set aside for it was given back")
        return {one.product_id: Taken(one.price, one.unit, one.grams_per_unit) for one in found.lines}

    def extend(self, order_id: str, until: datetime) -> None:
        request = stock_pb2.ExtendRequest(order_id=order_id)
        request.expires_at.FromDatetime(until)
        _ask(_stock().Extend, request)

    def sell(self, order_id: str, lines: Mapping[str, int]) -> None:
        _ask(_stock().Sell, stock_pb2.SellRequest(order_id=order_id, lines=_lines(lines)))

    def release(self, order_id: str) -> None:
        _ask(_stock().Release, stock_pb2.ReleaseRequest(order_id=order_id))

    def restock(self, order_id: str, product_ids: Sequence[str]) -> None:
        _ask(_stock().Restock, stock_pb2.RestockRequest(order_id=order_id, product_ids=product_ids))


class CatalogLots:
    """services.orders.ports.Lots."""

    def recall(self, product_id: str, lot_id: str, recall_id: str) -> None:
        request = stock_pb2.RecallLotRequest(product_id=product_id, lot_id=lot_id, recall_id=recall_id)
        _ask(_stock().RecallLot, request)

    def reinstate(self, product_id: str, lot_id: str, recall_id: str) -> None:
        request = stock_pb2.ReinstateLotRequest(product_id=product_id, lot_id=lot_id, recall_id=recall_id)
        _ask(_stock().ReinstateLot, request)

    def takers(self, product_id: str, lot_id: str) -> list[Taker]:
        found: list[Taker] = []
        more = True
        while more:
            after = found[-1].order_id if found else ""
            request = stock_pb2.ListLotTakersRequest(product_id=product_id, lot_id=lot_id, after=after)
            page = _ask(_stock().ListLotTakers, request)
            found += [Taker(one.order_id, one.quantity) for one in page.takers]
            more = page.more and bool(page.takers)
        return found


class PaymentsMoney:
    """services.orders.ports.Money."""

    def capture(self, move: Move) -> Done:
        request = money_pb2.CaptureForOrderRequest(
            hold_id=move.about, merchant_id=move.merchant_id, reference=move.reference, idempotency_key=move.key,
            amount=move.amount, cause=move.cause, note=move.note,
        )  # fmt: skip
        return _moved(_ask(_money().CaptureForOrder, request).payment)

    def void(self, move: Move) -> None:
        request = money_pb2.ReleaseForOrderRequest(
            hold_id=move.about, merchant_id=move.merchant_id, reference=move.reference, reason=move.note
        )
        _ask(_money().ReleaseForOrder, request)

    def refund(self, move: Move, refunded_before: int) -> Done:
        request = money_pb2.RefundForOrderRequest(
            payment_id=move.about, merchant_id=move.merchant_id, reference=move.reference, idempotency_key=move.key,
            amount=move.amount, refunded_before=refunded_before, cause=move.cause, reason=move.note,
        )  # fmt: skip
        return _moved(_ask(_money().RefundForOrder, request).refund)


@cache
def _stock() -> Any:
    """Made after the fork, at first use."""
    return StockServiceStub(grpc.insecure_channel(settings().addr("catalog")))


@cache
def _money() -> Any:
    return OrderMoneyServiceStub(grpc.insecure_channel(settings().addr("payments")))


def _lines(lines: Mapping[str, int]) -> list[stock_pb2.StockLine]:
    return [stock_pb2.StockLine(product_id=product_id, quantity=quantity) for product_id, quantity in lines.items()]


def _moved(transfer: payments_pb2.Transfer) -> Done:
    return Done(transfer.transfer_id, transfer.amount, transfer.seq)


def _ask(method: Any, request: Message) -> Any:
    """The answer. Raises the refusal with its details; OutcomeUnknown where there is none."""
    try:
        return method(request, timeout=ANSWER_S_MAX, metadata=service_metadata("orders"))
    except grpc.RpcError as error:
        refused = BY_CODE.get(error_code(error), OutcomeUnknown)
        raise refused(error.details() or "no answer", **error_details(error)) from error
