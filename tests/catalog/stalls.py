"""Two stalls at two markets, and what they sell: the world of the search tests."""

from __future__ import annotations

from collections.abc import Callable

from kit.ids import new_id
from services.catalog.merchant import Merchant
from services.catalog.search.index import Index
from services.catalog.search.question import Question

MARKET, ELSEWHERE = new_id("mkt"), new_id("mkt")
NGA = Merchant(new_id("mer"), "Sạp Cô Nga", new_id("usr"), MARKET, True, 1)
BAY = Merchant(new_id("mer"), "Hàng Chú Bảy", new_id("usr"), ELSEWHERE, True, 1)
# Lists a product; its id.
Sell = Callable[..., str]


def names(index: Index, query: str = "", **narrowed: object) -> list[str]:
    """What a search finds, in order."""
    question = Question(query, **narrowed)  # type: ignore[arg-type]
    return [found.name for found in index.search(question, 100).products]


def paged(index: Index, question: Question, size: int) -> list[str]:
    """Ids of all pages together, no page larger than `size`."""
    found: list[str] = []
    token = ""
    for _ in range(200):
        page = index.search(question, size, token)
        assert len(page.products) <= size
        found += [product.product_id for product in page.products]
        token = page.next_token
        if not token:
            return found
    raise AssertionError("pages do not end")
