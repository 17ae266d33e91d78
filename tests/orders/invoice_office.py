"""Sellers, orders and invoices for the tests of invoices."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from cho.events.v1.events_pb2 import MarketChanged, MerchantChanged

from kit import clock, crypto
from kit.ids import new_id
from services.orders.invoices import invoice as rules
from services.orders.invoices import store
from services.orders.invoices.invoice import Invoicing, Line, Sale

CITIZEN = "019185000001"


def told(
    merchant: str, *, owner: str = "usr_v", code: str = CITIZEN, version: int = 2, market: str = "", **fields: str
) -> MerchantChanged:  # fmt: skip
    """merchant.* as onboarding tells it."""
    return MerchantChanged(
        merchant_id=merchant, owner_id=owner, version=version, market_id=market,
        tax_index=crypto.tax_index(code) if code else "", tax_sealed=crypto.seal_tax(code, merchant) if code else b"",
        **{"name": "Chè Cô Hạnh", "market_name": "Chợ Thái", "stall": "A-01", **fields},
    )  # fmt: skip


def open_stall(authority_code: str = "MNZLR", code: str = CITIZEN, owner: str = "usr_v") -> str:
    """A merchant whose tax code issues invoices."""
    merchant, market = new_id("mer"), new_id("mkt")
    store.put_market(
        MarketChanged(market_id=market, ward_name="Phường Phan Đình Phùng", province_name="Thái Nguyên", version=1)
    )
    store.put_stall(told(merchant, code=code, owner=owner, market=market))
    store.put_invoicing(merchant, Invoicing(authority_code, "AB"), active=True, by="usr_v")
    return merchant


@dataclass
class Orders:
    """Orders as the service has them; `read` is what `source.sale` would say."""

    sales: dict[str, Sale] = field(default_factory=dict)

    def place(self, merchant: str, amount: int = 90_000, *, paid: bool = True, days_ago: int = -1) -> str:
        order = new_id("ord")
        lines = (Line("prd_1", "Chè móc câu", "kg", "0.2", amount * 5, amount),)
        self.sales[order] = Sale(
            order, "ABCD1234", "usr_b", merchant, clock.now() - timedelta(days=days_ago), lines,
            amount if paid else 0, paid,
        )  # fmt: skip
        return order

    def keep(self, order: str, kept: int) -> None:
        """Money went back, or came again."""
        self.sales[order] = replace(self.sales[order], kept=kept)

    def read(self, order: str) -> Sale | None:
        return self.sales.get(order)


def numbers() -> list[tuple[int, str, int, str]]:
    """(ordinal, symbol, number, authority code) of every invoice, by ordinal."""
    found = store.OrdersInvoice.objects().order_by("ordinal")
    return [(one.ordinal, one.symbol, one.number, one.authority_code) for one in found]


def gapless() -> bool:
    """Whether ordinals and numbers go up by one, from 1, and codes rise; of one seller in one year."""
    found = numbers()
    return (
        [ordinal for ordinal, *_ in found] == list(range(1, len(found) + 1))
        and [number for _, _, number, _ in found] == list(range(1, len(found) + 1))
        and [code for *_, code in found] == sorted(code for *_, code in found)
    )


def comes_to(order: str) -> int:
    """What an order's invoices come to."""
    return rules.total(store.of_order(order))
