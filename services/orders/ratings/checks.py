"""Does a rating tie with its order? What `cho audit` asks of each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from services.orders.order import Order
from services.orders.ratings.rating import POINTS, Rating, came_at


def findings(rating: Rating, order: Order | None) -> Iterator[str]:
    """What is wrong with a rating. The order may have been given back since: what was said stands."""
    if order is None:
        yield f"order {rating.order_id} is not there"
        return
    if rating.buyer_id != order.buyer_id:
        yield f"its writer did not buy order {order.id}"
    if rating.merchant_id != order.merchant_id or set(rating.product_ids) != {line.product_id for line in order.lines}:
        yield f"order {order.id} is of another stall, or of other products"
    if not order.payments or came_at(order) is None:
        yield f"order {order.id} was never paid and in hand"
    if rating.points and rating.points not in POINTS:
        yield f"it has {rating.points} points"
