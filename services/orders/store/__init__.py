"""Orders, checkouts, and copies of products and merchants, in MongoDB: the only place of orders that knows it."""

from __future__ import annotations

from kit import mongo
from services.orders.invoices.store import DOCUMENTS as INVOICES
from services.orders.live.documents import DOCUMENTS as LIVE
from services.orders.ratings.documents import DOCUMENTS as RATINGS
from services.orders.recalls.documents import DOCUMENTS as RECALLS
from services.orders.store.documents import (
    DOCUMENTS,
    OrdersCheckout,
    OrdersHoldEnd,
    OrdersMerchant,
    OrdersOrder,
    OrdersPayment,
    OrdersProduct,
    to_order,
)
from services.orders.store.orders import (
    LIST_MAX,
    STREAM,
    Rule,
    by_id,
    change,
    due,
    of_stall,
    order,
    overdue,
    put_off,
    recent,
    stuck,
)
from services.orders.store.told import apply_hold, apply_merchant, apply_payment, apply_product, forget

SERVICE = "orders"


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store(SERVICE, (*DOCUMENTS, *INVOICES, *LIVE, *RATINGS, *RECALLS))


__all__ = [
    "DOCUMENTS",
    "LIST_MAX",
    "SERVICE",
    "STREAM",
    "OrdersCheckout",
    "OrdersHoldEnd",
    "OrdersMerchant",
    "OrdersOrder",
    "OrdersPayment",
    "OrdersProduct",
    "Rule",
    "apply_hold",
    "apply_merchant",
    "apply_payment",
    "apply_product",
    "by_id",
    "change",
    "due",
    "forget",
    "of_stall",
    "open_store",
    "order",
    "overdue",
    "put_off",
    "recent",
    "stuck",
    "to_order",
]
