"""What invoices see of an order: what is kept of a sale, and lines that come to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.orders.invoices import invoice as rules
from services.orders.invoices.source import sale_of
from services.orders.order import NO_SALE, Order, Payment, Refund, State
from tests.orders.world import placed, pork, tea


def order(state: State, *paid: int, lines: Any = None, **fields: Any) -> Order:
    payments = tuple(Payment(f"pay_{n}", amount) for n, amount in enumerate(paid))
    return placed(*(lines or (tea(), pork())), state=state, payments=payments, **fields)


def test_an_order_that_was_paid_in_full_is_invoiced_line_by_line() -> None:
    sale = sale_of(order(State.PAID, 330_000))
    assert (sale.complete, sale.kept) == (True, 330_000)
    assert [(line.quantity, line.unit, line.price, line.amount) for line in sale.lines] == [
        ("2", "gói", 100_000, 200_000), ("1", "kg", 130_000, 130_000),
    ]  # fmt: skip
    draft = rules.next_draft(sale, [])
    assert draft is not None
    assert draft.amount == 330_000


@pytest.mark.parametrize("state", [State.PLACED, State.UNDERPAID, State.HELD, *sorted(NO_SALE)])
def test_what_is_no_sale_yet_or_any_more_is_not(state: State) -> None:
    sale = sale_of(order(state, 330_000))
    assert not sale.complete
    assert rules.next_draft(sale, []) is None


def test_what_was_paid_too_much_is_not_on_the_invoice_and_too_little_has_none() -> None:
    over = sale_of(order(State.PREPARING, 330_000, 50_000))
    assert (over.complete, over.kept) == (True, 330_000)
    held = sale_of(order(State.PREPARING))
    assert not held.complete, "set aside is not paid"


@pytest.mark.parametrize("state", [State.PAID, State.READY, State.DELIVERED])
def test_a_part_that_went_back_before_anybody_looked_leaves_an_invoice_of_the_rest(state: State) -> None:
    refunds = (Refund("ref_1", "pay_0", 30_000),)
    sale = sale_of(order(state, 330_000, refunds=refunds))
    assert (sale.complete, sale.kept) == (True, 300_000)
    draft = rules.next_draft(sale, [])
    assert draft is not None
    assert draft.amount == 300_000


def test_final_weights_are_what_is_invoiced() -> None:
    weighed = replace(pork(), final=850)
    sale = sale_of(order(State.READY, 310_500, lines=(tea(), weighed)))
    assert (sale.complete, sale.kept) == (True, 310_500)
    assert (sale.lines[1].quantity, sale.lines[1].amount) == ("0.85", 110_500)


def test_what_was_given_back_of_a_line_is_no_more_on_it() -> None:
    sale = sale_of(order(State.DELIVERED, 330_000, lines=(replace(tea(), given_back=200_000), pork())))
    assert (sale.kept, [line.product_id for line in sale.lines]) == (130_000, ["prd_pork"])


@pytest.mark.parametrize("state", sorted(NO_SALE))
def test_an_order_that_is_no_sale_any_more_keeps_nothing(state: State) -> None:
    assert sale_of(order(state, 330_000)).kept == 0
