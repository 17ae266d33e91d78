"""Is every lot of a live sale somewhere, and nowhere twice? What `cho audit` asks of each. Pure.

lots = left + claimed + kept          while it counts, by product; what was given back is among what is left
lots = sold + given back              once it is settled, in the sale's document and in the catalog
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from services.orders.checks import Goods
from services.orders.live.pool import GIVEN_BACK, HELD, KEPT, Census
from services.orders.live.sale import Sale, State, quantities
from services.orders.order import Order, Stock


def counter_findings(sale: Sale, census: Census) -> list[str]:
    """What does not add up in a sale's counter."""
    found = []
    taken: dict[tuple[str, str], int] = defaultdict(int)
    has: dict[tuple[str, str], int] = defaultdict(int)
    for claim in census.claims:
        taken[claim.product_id, claim.state] += claim.lots
        if claim.state != GIVEN_BACK:
            has[claim.buyer_id, claim.product_id] += claim.lots
    for line in sale.lines:
        left = census.left.get(line.product_id, 0)
        held, kept = taken[line.product_id, HELD], taken[line.product_id, KEPT]
        if line.lots != left + held + kept or left < 0:
            found.append(f"{line.product_id}: of {line.lots} lots {left} are left, {held} claimed, {kept} paid")
        found += [
            f"{buyer} has {lots} lots of {product_id}, {line.cap} at most"
            for (buyer, product_id), lots in sorted(has.items())
            if product_id == line.product_id and lots > line.cap
        ]
    live = sum(claim.state == HELD for claim in census.claims)
    if census.live != live:
        found.append(f"{live} claims wait for their payment, and it counts {census.live}")
    if len({claim.number for claim in census.claims}) < len(census.claims):
        found.append("two claims have one number")
    return found


def orders_findings(census: Census, made: set[str]) -> list[str]:
    """Claims that neither wait to become orders nor are any. `made`: those of its claims' orders that there are."""
    lost = [one.order_id for one in census.claims if one.order_id not in census.waiting and one.order_id not in made]
    return [f"claim {order_id} is no order" for order_id in sorted(lost)]


def settled_findings(sale: Sale, sold_to: Sequence[str], orders: Mapping[str, Order]) -> list[str]:
    """What a sealed sale says it sold, and the orders that it sold to do not. `orders`: those of `sold_to`, by id."""
    found = [f"it was sold to {order_id}, which is no order" for order_id in sold_to if order_id not in orders]
    lots: dict[str, int] = defaultdict(int)
    for order_id in sold_to:
        if order := orders.get(order_id):
            lots[order.lines[0].product_id] += order.lines[0].quantity
            if order.checkout_id != sale.id:
                found.append(f"it was sold to {order_id}, which is no order of its own")
            elif order.stock in (Stock.RELEASED, Stock.SHORT):
                found.append(f"it was sold to {order_id}, whose stock is {order.stock.value}")
    for line in sale.lines:
        if line.sold != lots[line.product_id] or line.sold > line.lots:
            found.append(
                f"{line.product_id}: {line.sold} of {line.lots} lots sold, and orders have {lots[line.product_id]}"
            )
    return found


def goods_findings(sale: Sale, goods: Goods | None) -> list[str]:
    """What a sale says of its stock, and the catalog does not."""
    state = goods.state if goods else "unknown"
    if sale.state is State.SETTLED:
        sold = quantities(sale, sold=True)
        if sold:
            if goods is None or state != "sold" or dict(goods.sold) != sold:
                return [f"it sold {sold}, and the catalog {dict(goods.sold) if goods else {}} ({state})"]
        elif state not in ("released", "expired"):
            return [f"it sold nothing, and its stock is {state} in the catalog"]
    elif sale.counting and state != "open":
        return [f"it goes on, and its stock is {state} in the catalog"]
    return []
