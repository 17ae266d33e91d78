"""Lines of a price sheet from the products themselves: what a rebuild knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from services.catalog import store
from services.catalog.day.line import Line, closed
from services.catalog.day.store import day_of, day_told
from services.catalog.product import PriceSince, State


def lines() -> Iterator[Line]:
    """One line a product, its closes from its price history.

    Of its past it says prices only: it counts as having been on sale from its first price on, unless it is a draft, and
    is what it is now since its last change.
    """
    for product in store.products():
        fact = store.fact(product)
        line = Line(
            product_id=product.id,
            merchant_id=product.merchant.id,
            merchant_name=product.merchant.name,
            market_id=product.merchant.market_id,
            name=fact.name,
            unit=fact.unit,
            price=fact.price,
            listed=product.state is not State.DRAFT,
            active=True,
            version=product.version,
            merchant_version=product.merchant.version,
        )
        for known in product.prices:
            line = _at(line, known)
        now = replace(
            line,
            price=fact.price,
            listed=not fact.hidden and (fact.stock > 0 or fact.available > 0),
            active=product.merchant.active,
        )
        yield closed(now, day_told(now, product.updated_at))


def _at(line: Line, known: PriceSince) -> Line:
    return closed(replace(line, price=known.price), day_of(known.since))
