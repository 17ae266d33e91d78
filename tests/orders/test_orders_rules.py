"""What may be ordered, what it costs, and what is written on its code, without any engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import qr
from kit.errors import (
    AmountInvalid,
    DomainError,
    InvalidArgument,
    MerchantNotPayable,
    NotFound,
    PriceChanged,
    ProductNotForSale,
)
from services.orders import paycode
from services.orders.cart import (
    BASE_MAX,
    LINES_MAX,
    QUANTITY_MAX,
    STALLS_MAX,
    Basket,
    Cart,
    Item,
    Product,
    agree,
    check,
    fingerprint,
    wanted,
)
from services.orders.order import (
    CODE_BITS,
    Fulfilment,
    Pay,
    Payment,
    Refund,
    cost,
    paid,
    read_code,
    total,
    write_code,
)
from services.orders.ports import Taken
from tests.orders.world import pork, tea

STALL = {
    "merchant_id": "mer_0190163d86947e088f2c000000000000",
    "merchant_name": "Chè Tân Cương Cô Hạnh",
    "market_name": "Chợ Đồng Quang",
    "stall": "A-01",
    "category_code": "5499",
}
LATE = datetime(2026, 11, 29, 6, 15, tzinfo=UTC)


# --- what it costs


@given(st.integers(1, 10**9), st.integers(0, 10**6), st.sampled_from([100, 1_000]))
def test_by_weight_a_price_is_the_nearest_dong_and_half_a_dong_goes_up(price: int, grams: int, unit: int) -> None:
    found = cost(price, grams, unit)
    exact_twice = 2 * price * grams
    assert exact_twice - unit < 2 * found * unit <= exact_twice + unit


@pytest.mark.parametrize(
    ("price", "grams", "dong"),
    [(130_000, 1_000, 130_000), (130_000, 1_250, 162_500), (35_999, 333, 11_988), (1, 499, 0), (3, 500, 2)],
)
def test_prices_by_weight(price: int, grams: int, dong: int) -> None:
    assert cost(price, grams, 1_000) == dong


def test_a_line_costs_what_was_weighed_once_it_was_weighed() -> None:
    line = pork(1_000)
    assert (line.total, replace(line, final=920).total, replace(line, final=0).total) == (130_000, 119_600, 0)
    assert total([tea(2), line]) == 330_000


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 50)), max_size=4), st.randoms())
def test_what_was_paid_less_refunded_is_the_same_in_whatever_sequence_it_was_heard(
    moves: list[tuple[int, int]], random: object
) -> None:
    payments = [Payment(f"pay_{n}", amount) for n, (amount, _) in enumerate(moves)]
    refunds = [Refund(f"ref_{n}", f"pay_{n}", min(amount, back)) for n, (amount, back) in enumerate(moves) if back]
    expected = sum(amount - min(amount, back) for amount, back in moves)
    random.shuffle(payments)  # type: ignore[attr-defined]
    random.shuffle(refunds)  # type: ignore[attr-defined]
    assert paid(payments, refunds) == expected
    assert paid([], refunds) == 0, "a refund counts once its payment is known"


# --- what may be ordered


def product(**fields: object) -> Product:
    defaults = {"id": "prd_1", "merchant_id": "mer_1", "name": "Chè", "unit": "kg", "price": 7, "hidden": False}
    return Product(**{**defaults, **fields})  # type: ignore[arg-type]


def basket(*items: Item, **fields: object) -> Basket:
    return Basket(**{"merchant_id": "mer_1", "items": items or (Item("prd_1", 3),), **fields})  # type: ignore[arg-type]


def test_quantities_in_units_become_grams_of_what_is_weighed() -> None:
    weighed, counted = {"prd_1": product(grams_per_unit=1_000)}, {"prd_1": product()}
    assert wanted(basket(), weighed, in_units=True) == {"prd_1": 3_000}
    assert wanted(basket(), weighed, in_units=False) == wanted(basket(), counted, in_units=True) == {"prd_1": 3}


@pytest.mark.parametrize(
    ("found", "error"),
    [
        ({}, NotFound),
        ({"prd_1": product(hidden=True)}, ProductNotForSale),
        ({"prd_1": product(merchant_id="mer_2")}, InvalidArgument),
        ({"prd_1": product(grams_per_unit=BASE_MAX)}, InvalidArgument),
    ],
)
def test_what_is_not_this_stalls_to_sell_is_refused(found: dict[str, Product], error: type[DomainError]) -> None:
    with pytest.raises(error):
        wanted(basket(), found, in_units=True)


def test_lines_hold_the_prices_at_which_things_were_set_aside() -> None:
    taken = {"prd_1": Taken(9, "kg", 1_000)}
    (line,) = agree(basket(Item("prd_1", 2_500)), {"prd_1": 2_500}, taken, {"prd_1": product()})
    assert (line.name, line.unit, line.quantity, line.price, line.total) == ("Chè", "kg", 2_500, 9, 23)
    agree(basket(Item("prd_1", 2_500, price=9)), {"prd_1": 2_500}, taken, {"prd_1": product()})
    with pytest.raises(PriceChanged):
        agree(basket(Item("prd_1", 2_500, price=8)), {"prd_1": 2_500}, taken, {"prd_1": product()})


@pytest.mark.parametrize("price", [10**12, 1])
def test_an_order_costs_at_least_a_dong_and_no_more_than_money_can_be(price: int) -> None:
    taken = {"prd_1": Taken(price, "kg", 1_000)}
    for grams in (1_000_001, 499):
        if (price, grams) in ((10**12, 1_000_001), (1, 499)):
            with pytest.raises(AmountInvalid):
                agree(basket(), {"prd_1": grams}, taken, {"prd_1": product()})
        else:
            assert agree(basket(), {"prd_1": grams}, taken, {"prd_1": product()})


@pytest.mark.parametrize(
    "cart",
    [
        Cart(()),
        Cart(tuple(basket(merchant_id=f"mer_{n}") for n in range(STALLS_MAX + 1))),
        Cart((basket(), basket())),
        Cart((Basket("mer_1", ()),)),
        Cart((basket(*(Item(f"prd_{n}", 1) for n in range(LINES_MAX + 1))),)),
        Cart((basket(Item("prd_1", 1), Item("prd_1", 2)),)),
        Cart((basket(Item("prd_1", 0)),)),
        Cart((basket(Item("prd_1", -1)),)),
        Cart((basket(Item("prd_1", BASE_MAX + 1)),)),
        Cart((basket(Item("prd_1", QUANTITY_MAX + 1)),), in_units=True),
        Cart((basket(Item("prd_1", 1, price=-1)),)),
        Cart((basket(fulfilment=Fulfilment.DELIVERY),)),
        Cart((basket(fulfilment=Fulfilment.DELIVERY, deliver_to="  "),)),
        Cart((basket(deliver_to="12 Bến Tượng"),)),
        Cart((basket(fulfilment=Fulfilment.DELIVERY, deliver_to="x" * 201),)),
        Cart((basket(fulfilment=Fulfilment.DELIVERY, deliver_to="a\nb"),)),
    ],
)
def test_carts_outside_their_limits_are_refused(cart: Cart) -> None:
    with pytest.raises(InvalidArgument):
        check(cart)


def test_carts_at_their_limits_are_taken() -> None:
    items = tuple(Item(f"prd_{n}", BASE_MAX) for n in range(LINES_MAX))
    check(Cart(tuple(basket(*items, merchant_id=f"mer_{n}") for n in range(STALLS_MAX))))
    check(Cart((basket(fulfilment=Fulfilment.DELIVERY, deliver_to="x" * 200),)))


def test_a_fingerprint_differs_with_what_is_asked_for() -> None:
    asked = [
        Cart((basket(),)),
        Cart((basket(),), Pay.HOLD),
        Cart((basket(),), in_units=True),
        Cart((basket(Item("prd_1", 2)),)),
        Cart((basket(Item("prd_1", 3, price=7)),)),
        Cart((basket(merchant_id="mer_2"),)),
        Cart((basket(fulfilment=Fulfilment.DELIVERY, deliver_to="x"),)),
        Cart((basket(Item("prd_1", 1), Item("prd_2", 1)),)),
        Cart((basket(Item("prd_2", 1), Item("prd_1", 1)),)),
        Cart((basket(), basket(merchant_id="mer_2"))),
    ]
    assert len({fingerprint(cart) for cart in asked}) == len(asked)
    assert fingerprint(Cart((basket(),))) == fingerprint(Cart((basket(),)))


# --- codes


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


@given(st.integers(1, 10**12), st.integers(0, 2**CODE_BITS - 1))
def test_the_qr_code_names_merchant_amount_order_and_its_end(amount: int, number: int) -> None:
    code = write_code(number)
    read = qr.decode(paycode.payload(**STALL, amount=amount, code=code, expires_at=LATE))
    assert read.merchant_id == STALL["merchant_id"]
    assert read.amount == amount
    assert read.bill_number == code
    assert read.reference_label == "E1795932900"
    assert read.lang_name == "Chè Tân Cương Cô Hạnh"


@pytest.mark.parametrize("wrong", [{"category_code": ""}, {"merchant_name": "🍵"}, {"market_name": ""}])
def test_a_merchant_whose_particulars_fit_no_code_cannot_be_paid(wrong: dict[str, str]) -> None:
    with pytest.raises(MerchantNotPayable):
        paycode.payload(**{**STALL, **wrong}, amount=1, code="00000000", expires_at=LATE)
