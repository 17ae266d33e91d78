"""Orders' encrypted fields, for `cho keys rotate`. A new one is added here (tests/kit/test_field_keys.py)."""

from __future__ import annotations

from kit.reseal import Sealed
from services.orders.invoices.store import BUYER_FIELD, TAX_FIELD, XML_FIELD, InvoiceStall, OrdersInvoice
from services.orders.store.documents import ADDRESS_FIELD, PLAN_FIELD, OrdersCheckout, OrdersOrder

SEALED = (
    Sealed(OrdersOrder, "deliver_to", ADDRESS_FIELD, owned=True),
    Sealed(OrdersCheckout, "plans.deliver_to", PLAN_FIELD),
    Sealed(InvoiceStall, "tax_code", TAX_FIELD, owned=True),
    Sealed(OrdersInvoice, "tax_code", TAX_FIELD, owned=True),
    Sealed(OrdersInvoice, "buyer", BUYER_FIELD, owned=True),
    Sealed(OrdersInvoice, "xml", XML_FIELD, owned=True),
)
