"""What an order may be and what state follows from what moved, without any engine."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import qr
from kit.errors import AmountInvalid, InvalidArgument, LimitExceeded, MerchantNotPayable, NotFound
from services.orders import paycode
from services.orders.order import (
    CODE_BITS,
    LINES_MAX,
    MOVES_MAX,
    QUANTITY_MAX,
    Item,
    Line,
    Order,
    Payment,
    Product,
    Refund,
    State,
    agree,
    check_items,
    fingerprint,
    hear,
    paid,
    read_code,
    state,
    total,
    write_code,
)

AMOUNTS = st.integers(1, 10**12)
STALL = {
    "merchant_id": "mer_0190163d86947e088f2c000000000000",
    "merchant_name": "Chè Tân Cương Cô Hạnh",
    "market_name": "Chợ Đồng Quang",
    "stall": "A-01",
    "category_code": "5499",
}


def placed(amount: int = 100) -> Order:
    return Order(
        id="ord_1",
        code="00000000",
        buyer_id="usr_1",
        merchant_id="mer_1",
        merchant_name="",
        seller_id="usr_2",
        lines=(),
        total=amount,
        payments=(),
        refunds=(),
        qr_payload="",
        placed_at=datetime(2026, 1, 1, tzinfo=UTC),
        version=1,
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[Payment | Refund]]:
    """An order's total, and payments with refunds that never exceed them, in any sequence."""
    moves: list[Payment | Refund] = []
    for number in range(draw(st.integers(0, 4))):
        payment = Payment(f"pay_{number}", draw(st.integers(1, 50)))
        moves.append(payment)
        left = payment.amount
        while left and draw(st.booleans()):
            amount = draw(st.integers(1, left))
            moves.append(Refund(f"ref_{len(moves)}", payment.transfer_id, amount))
            left -= amount
    return draw(st.integers(1, 100)), draw(st.permutations(moves))


def hear_all(order: Order, moves: Sequence[Payment | Refund]) -> Order:
    for move in moves:
        order = hear(order, move)
    return order


@given(histories(), st.data())
def test_what_moved_counts_once_however_often_and_in_whatever_sequence_it_is_heard(
    history: tuple[int, list[Payment | Refund]], data: st.DataObject
) -> None:
    amount, moves = history
    again = data.draw(st.lists(st.sampled_from(moves), max_size=5)) if moves else []
    heard = hear_all(placed(amount), [*moves, *again])
    other = hear_all(placed(amount), data.draw(st.permutations(moves)))
    given_back = sum(move.amount for move in moves if isinstance(move, Refund))
    expected = sum(move.amount for move in moves if isinstance(move, Payment)) - given_back
    assert heard.paid == other.paid == expected
    assert heard.state is other.state
    assert heard.version == 1 + len(moves)


@given(histories())
def test_an_early_refund_counts_when_its_payment_is_known_and_nothing_is_ever_below_zero(
    history: tuple[int, list[Payment | Refund]],
) -> None:
    amount, moves = history
    order = placed(amount)
    for move in moves:
        order = hear(order, move)
        assert order.paid >= 0
        assert (order.state is State.PLACED) == (not order.payments)


@pytest.mark.parametrize(
    ("payments", "refunds", "expected"),
    [
        ([], [], State.PLACED),
        ([], [40], State.PLACED),
        ([99], [], State.UNDERPAID),
        ([100], [], State.PAID),
        ([60, 40], [], State.PAID),
        ([101], [], State.OVERPAID),
        ([101], [1], State.PAID),
        ([100], [1], State.UNDERPAID),
        ([100], [60, 40], State.REFUNDED),
        ([50], [50], State.REFUNDED),
    ],
)
def test_the_state_follows_from_the_total_and_what_moved(
    payments: list[int], refunds: list[int], expected: State
) -> None:
    came = [Payment(f"pay_{number}", amount) for number, amount in enumerate(payments)]
    went = [Refund(f"ref_{number}", "pay_0", amount) for number, amount in enumerate(refunds)]
    assert state(100, came, went) is expected


@given(st.integers(1, 10**12), st.lists(AMOUNTS, min_size=1, max_size=5))
def test_an_order_is_paid_exactly_when_its_total_arrived(amount: int, amounts: list[int]) -> None:
    payments = [Payment(f"pay_{number}", paid_amount) for number, paid_amount in enumerate(amounts)]
    found, arrived = state(amount, payments, []), paid(payments, [])
    assert (found is State.PAID) == (arrived == amount)
    assert (found is State.OVERPAID) == (arrived > amount)
    assert (found is State.UNDERPAID) == (arrived < amount)


def test_an_order_keeps_a_limited_number_of_moves_and_still_knows_those() -> None:
    order = hear_all(placed(), [Payment(f"pay_{number}", 1) for number in range(MOVES_MAX)])
    with pytest.raises(LimitExceeded):
        hear(order, Payment("pay_one_more", 1))
    assert hear(order, Payment("pay_0", 1)) is order


def product(**fields: object) -> Product:
    defaults = {"id": "prd_1", "merchant_id": "mer_1", "name": "Chè", "unit": "kg", "price": 7, "hidden": False}
    return Product(**{**defaults, **fields})  # type: ignore[arg-type]


def test_lines_hold_the_prices_of_the_moment() -> None:
    lines = agree([Item("prd_1", 3)], "mer_1", {"prd_1": product()})
    assert lines == [Line("prd_1", "Chè", "kg", 3, 7)]
    assert total(lines) == 21


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ({}, NotFound),
        ({"prd_1": product(hidden=True)}, NotFound),
        ({"prd_1": product(merchant_id="mer_2")}, InvalidArgument),
        ({"prd_1": product(price=10**12)}, AmountInvalid),
    ],
)
def test_what_is_not_this_merchants_to_sell_is_refused(found: dict[str, Product], error: type[Exception]) -> None:
    with pytest.raises(error):
        agree([Item("prd_1", 2)], "mer_1", found)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [Item(f"prd_{number}", 1) for number in range(LINES_MAX + 1)],
        [Item("prd_1", 1), Item("prd_1", 2)],
        [Item("prd_1", 0)],
        [Item("prd_1", -1)],
        [Item("prd_1", QUANTITY_MAX + 1)],
    ],
)
def test_items_outside_their_limits_are_refused(items: list[Item]) -> None:
    with pytest.raises(InvalidArgument):
        check_items(items)


def test_items_at_their_limits_are_taken() -> None:
    check_items([Item(f"prd_{number}", QUANTITY_MAX) for number in range(LINES_MAX)])


@given(st.integers(0, 2**CODE_BITS - 1), st.integers(0, 2**CODE_BITS - 1))
def test_a_code_is_eight_characters_that_differ_where_the_numbers_do(one: int, other: int) -> None:
    assert len(write_code(one)) == 8
    assert (write_code(one) == write_code(other)) == (one == other)
    assert read_code(write_code(one)) == write_code(one)


def test_a_code_is_read_as_people_write_it() -> None:
    assert read_code(" o1il0abz ") == "01110ABZ"


@given(st.text(max_size=12))
def test_what_is_no_code_is_none(text: str) -> None:
    code = read_code(text)
    assert code is None or (len(code) == 8 and code.isascii() and code.isalnum() and code == code.upper())


def test_a_fingerprint_differs_with_what_is_asked_for() -> None:
    asked = {
        fingerprint("mer_1", [Item("prd_1", 1)]),
        fingerprint("mer_1", [Item("prd_1", 2)]),
        fingerprint("mer_2", [Item("prd_1", 1)]),
        fingerprint("mer_1", [Item("prd_1", 1), Item("prd_2", 1)]),
        fingerprint("mer_1", [Item("prd_2", 1), Item("prd_1", 1)]),
    }
    assert len(asked) == 5


@given(st.integers(1, 10**12), st.integers(0, 2**CODE_BITS - 1))
def test_the_qr_code_names_merchant_amount_and_order(amount: int, number: int) -> None:
    code = write_code(number)
    read = qr.decode(paycode.payload(**STALL, amount=amount, code=code))
    assert read.merchant_id == STALL["merchant_id"]
    assert read.amount == amount
    assert read.bill_number == code
    assert read.lang_name == "Chè Tân Cương Cô Hạnh"


@pytest.mark.parametrize("wrong", [{"category_code": ""}, {"merchant_name": "🍵"}, {"market_name": ""}])
def test_a_merchant_whose_particulars_fit_no_code_cannot_be_paid(wrong: dict[str, str]) -> None:
    with pytest.raises(MerchantNotPayable):
        paycode.payload(**{**STALL, **wrong}, amount=1, code="00000000")
