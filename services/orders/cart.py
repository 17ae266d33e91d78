"""What a buyer asks for in one go: products of several stalls, how they reach the buyer, how they are paid. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from kit.errors import InvalidArgument, NotFound, PriceChanged, ProductNotForSale
from kit.money import AMOUNT_MAX, check_amount
from services.orders.order import Fulfilment, Line, Pay, total
from services.orders.ports import Taken

STALLS_MAX = 10
LINES_MAX = 50
# In units (PlaceOrder), and in base units.
QUANTITY_MAX, BASE_MAX = 10**6, 10**9
ADDRESS_MAX = 200


@dataclass(frozen=True, slots=True)
class Product:
    """A product as the catalog last told of it; `price` in đồng per `unit`; `grams_per_unit` 0 for what is counted."""

    id: str
    merchant_id: str
    name: str
    unit: str
    price: int
    hidden: bool
    grams_per_unit: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """What a buyer asks for. `price`: đồng per unit as it was shown; 0 where the buyer takes it as it is."""

    product_id: str
    quantity: int
    price: int = 0


@dataclass(frozen=True, slots=True)
class Basket:
    """What is asked of one stall. `deliver_to`: where to, "" where it is picked up."""

    merchant_id: str
    items: tuple[Item, ...]
    fulfilment: Fulfilment = Fulfilment.PICKUP
    deliver_to: str = ""


@dataclass(frozen=True, slots=True)
class Cart:
    """`in_units`: quantities are whole units ("2 kg"), not pieces and grams."""

    baskets: tuple[Basket, ...]
    pay: Pay = Pay.QR
    in_units: bool = False


def check(cart: Cart) -> None:
    """1 to 10 stalls, each once; of each 1 to 50 products, each once. Raises InvalidArgument."""
    if not 1 <= len(cart.baskets) <= STALLS_MAX:
        raise InvalidArgument(f"a cart is of 1 to {STALLS_MAX} stalls, not {len(cart.baskets)}")
    if len({basket.merchant_id for basket in cart.baskets}) < len(cart.baskets):
        raise InvalidArgument("a stall is named twice; put its products together")
    for basket in cart.baskets:
        _check_items(basket.items, QUANTITY_MAX if cart.in_units else BASE_MAX)
        address = basket.deliver_to
        if (basket.fulfilment is Fulfilment.DELIVERY) != bool(address.strip()):
            raise InvalidArgument("deliver_to says where to, and is empty for what is picked up")
        if len(address) > ADDRESS_MAX or not address.isprintable():
            raise InvalidArgument(f"deliver_to: at most {ADDRESS_MAX} characters that can be seen")


def _check_items(items: tuple[Item, ...], most: int) -> None:
    if not 1 <= len(items) <= LINES_MAX:
        raise InvalidArgument(f"items must be 1 to {LINES_MAX}, not {len(items)}")
    if len({item.product_id for item in items}) < len(items):
        raise InvalidArgument("items name a product twice; add the quantities up")
    for item in items:
        if not 1 <= item.quantity <= most:
            raise InvalidArgument(f"quantity must be from 1 to {most}, not {item.quantity}")
        if not 0 <= item.price <= AMOUNT_MAX:
            raise InvalidArgument(f"price must be from 1 to {AMOUNT_MAX}, or 0")


def wanted(basket: Basket, products: Mapping[str, Product], in_units: bool) -> dict[str, int]:
    """Base units by product, as far as orders knows the products.

    Raises NotFound (unknown), ProductNotForSale (not shown), InvalidArgument (another stall's; more than is sold).
    """
    asked = {}
    for item in basket.items:
        product = products.get(item.product_id)
        if product is None:
            raise NotFound("there is no such product for sale", product_id=item.product_id)
        if product.merchant_id != basket.merchant_id:
            raise InvalidArgument("not a product of this stall", product_id=item.product_id)
        if product.hidden:
            raise ProductNotForSale("it is not for sale now", product_id=item.product_id)
        quantity = item.quantity * (product.grams_per_unit or 1) if in_units else item.quantity
        if quantity > BASE_MAX:
            raise InvalidArgument(f"at most {BASE_MAX} pieces or grams", product_id=item.product_id)
        asked[item.product_id] = quantity
    return asked


def agree(
    basket: Basket, asked: Mapping[str, int], taken: Mapping[str, Taken], products: Mapping[str, Product]
) -> tuple[Line, ...]:
    """Lines at the prices at which they were set aside.

    Raises PriceChanged (another one was shown), AmountInvalid (an order's total is from 1 to 10^12 đồng).
    """
    lines = []
    for item in basket.items:
        now = taken[item.product_id]
        if item.price and item.price != now.price:
            raise PriceChanged(
                f"{now.price} đồng now, not {item.price}", product_id=item.product_id, price=str(now.price)
            )
        name = products[item.product_id].name
        lines.append(
            Line(item.product_id, name, now.unit, asked[item.product_id], now.price, grams_per_unit=now.grams_per_unit)
        )
    check_amount(total(lines))
    return tuple(lines)


def fingerprint(cart: Cart) -> str:
    """What a request asked for, 64 hex digits: tells the same request sent again from another one."""
    return hashlib.sha256(json.dumps(asdict(cart), ensure_ascii=False, sort_keys=True).encode()).hexdigest()
