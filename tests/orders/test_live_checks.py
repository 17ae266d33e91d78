"""What `cho audit` finds wrong with live sales, on a real counter: each way to lose a lot or have it twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from redis import Redis

from services.orders import store as orders
from services.orders.checks import Goods
from services.orders.live import checks, store
from services.orders.live.documents import OrdersSaleSold
from services.orders.live.pool import Census
from services.orders.live.sale import Sale, State
from services.orders.order import Order, Stock
from tests.orders.conftest import Market
from tests.orders.live_stall import Stall


@pytest.fixture
def stall(market: Market, valkey: str) -> Stall:
    return Stall.of(market, valkey)


@pytest.fixture
def sale(stall: Stall) -> Sale:
    """Of five lots one is paid, one claimed, one was given back; one claim is no order yet."""
    sale = stall.opened(5)
    paid, _ = stall.claim(sale), stall.claim(sale)
    gone = stall.claim(sale)
    stall.room.keeper.tick()
    stall.pay(orders.order(paid.order_id))
    stall.room.pool.give_back(sale.id, gone.order_id)
    stall.claim(sale)
    assert counted(stall, sale) == []
    return sale


def census(stall: Stall, sale: Sale) -> Census:
    found = stall.room.pool.census(sale.id)
    assert found is not None
    return found


def counted(stall: Stall, sale: Sale) -> list[str]:
    found = census(stall, sale)
    made = {one.id for one in orders.OrdersOrder.objects.only("id")}
    return [*checks.counter_findings(sale, found), *checks.orders_findings(found, made)]


def test_a_lot_that_is_nowhere_or_twice_is_found(stall: Stall, sale: Sale, valkey: str) -> None:
    with Redis.from_url(valkey) as client:
        for more in (-1, 2):
            client.hincrby(f"orders:live:{{{sale.id}}}:head", f"l:{stall.products[0]}", more)
            left = stall.left(sale)
            assert counted(stall, sale) == [
                f"{stall.products[0]}: of 5 lots {left} are left, 2 claimed, 1 paid"
            ]  # fmt: skip


def test_lots_beyond_a_persons_cap_and_numbers_given_twice_are_found(stall: Stall, sale: Sale) -> None:
    found = census(stall, sale)
    claims = [replace(one, buyer_id="usr_greedy", number=7) for one in found.claims]
    assert checks.counter_findings(sale, replace(found, claims=claims)) == [
        f"usr_greedy has 3 lots of {stall.products[0]}, 1 at most",
        "two claims have one number",
    ]


def test_a_count_of_claims_that_nobody_waits_for_is_found(stall: Stall, sale: Sale, valkey: str) -> None:
    with Redis.from_url(valkey) as client:
        client.hincrby(f"orders:live:{{{sale.id}}}:head", "live", 1)
    assert counted(stall, sale) == ["2 claims wait for their payment, and it counts 3"]


def test_a_claim_that_never_became_an_order_is_found(stall: Stall, sale: Sale) -> None:
    lost = next(one for one in census(stall, sale).claims if one.number == 2)
    orders.OrdersOrder.objects(id=lost.order_id).delete()
    assert counted(stall, sale) == [f"claim {lost.order_id} is no order"]


def settled(stall: Stall, sale: Sale) -> tuple[Sale, list[str], dict[str, Order]]:
    stall.room.keeper.tick()
    stall.let_expire()
    closed = stall.close(sale)
    assert closed.state is State.SETTLED
    sold_to = list(OrdersSaleSold.objects(id=sale.id).get().order_ids)
    return closed, sold_to, {one: orders.order(one) for one in sold_to}


def test_a_settled_sale_that_sold_more_or_less_than_its_orders_have_is_found(stall: Stall, sale: Sale) -> None:
    closed, sold_to, bought = settled(stall, sale)
    assert (checks.settled_findings(closed, sold_to, bought), len(bought)) == ([], 1)
    (line,) = closed.lines
    said = replace(closed, lines=(replace(line, sold=2),))
    assert checks.settled_findings(said, sold_to, bought) == [
        f"{line.product_id}: 2 of 5 lots sold, and orders have 1"
    ]  # fmt: skip
    (order_id,) = sold_to
    assert checks.settled_findings(closed, sold_to, {}) == [
        f"it was sold to {order_id}, which is no order",
        f"{line.product_id}: 1 of 5 lots sold, and orders have 0",
    ]
    released = {order_id: replace(bought[order_id], stock=Stock.RELEASED)}
    assert checks.settled_findings(closed, sold_to, released) == [
        f"it was sold to {order_id}, whose stock is released"
    ]  # fmt: skip
    another = {order_id: replace(bought[order_id], checkout_id="liv_another")}
    assert checks.settled_findings(closed, sold_to, another) == [
        f"it was sold to {order_id}, which is no order of its own"
    ]  # fmt: skip


def test_a_sale_of_which_the_catalog_says_something_else_is_found(stall: Stall, sale: Sale) -> None:
    goods = stall.market.shelf.as_audited
    assert checks.goods_findings(store.sale(sale.id), goods(sale.id)) == []
    assert checks.goods_findings(sale, Goods("expired")) == ["it goes on, and its stock is expired in the catalog"]
    closed, *_ = settled(stall, sale)
    assert checks.goods_findings(closed, goods(sale.id)) == []
    (product_id,) = stall.products
    wrong: list[tuple[Goods | None, Any]] = [
        (Goods("sold", {product_id: 2}), {product_id: 2}), (Goods("released"), {}), (None, {})
    ]  # fmt: skip
    for said, sold in wrong:
        state = said.state if said else "unknown"
        assert checks.goods_findings(closed, said) == [
            f"it sold {{'{product_id}': 1}}, and the catalog {sold} ({state})"
        ]  # fmt: skip


def test_a_sale_that_sold_nothing_and_kept_its_stock_is_found(stall: Stall) -> None:
    closed, sold_to, bought = settled(stall, stall.opened(3))
    assert (sold_to, checks.settled_findings(closed, sold_to, bought)) == ([], [])
    assert checks.goods_findings(closed, stall.market.shelf.as_audited(closed.id)) == []
    assert checks.goods_findings(closed, Goods("open")) == ["it sold nothing, and its stock is open in the catalog"]
