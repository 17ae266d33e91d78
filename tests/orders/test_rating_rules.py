"""Who may rate what, how often, in which words; and what ratings come to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import (
    IdempotencyConflict,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    NotRatable,
    OwnStall,
)
from kit.ids import new_id, new_key
from services.orders.order import Happened, Order, Payment, State
from services.orders.ratings import checks
from services.orders.ratings import rating as rules
from services.orders.ratings.rating import POINTS, RATE_WITHIN, TIMES_MAX, WORDS_MAX, Asked, Rating, Tally
from tests.orders.world import BUYER, SELLER, START, placed, pork, tea

PAID = (Payment("tr_1", 330_000),)
IN_HAND = (State.PICKED_UP, State.DELIVERED, State.RETURN_ASKED, State.RETURNED)


def bought(state: State = State.PICKED_UP, **fields: Any) -> Order:
    """Paid and fetched at START."""
    came = (Happened("picked_up", State.PICKED_UP, "buyer", BUYER, "", START),)
    return placed(tea(), pork(), **{"state": state, "payments": PAID, "history": came, **fields})


def asked(by: str = BUYER, after: timedelta = timedelta(), key: str = "") -> Asked:
    return Asked(by, key or new_key(), START + after)


def rate(order: Order, found: Rating | None = None, points: int = 5, comment: str = "", **of: Any) -> Rating:
    return rules.rate(order, found, points, comment, asked(**of), new_id("rat"))


@pytest.mark.parametrize("state", State)
def test_what_is_paid_and_was_in_hand_is_rated_and_nothing_else_is(state: State) -> None:
    order = bought(state)
    if state in IN_HAND:
        assert rules.ratable(order, START)
        rated = rate(order, points=4, comment="  Chè\tngon  ")
        assert (rated.points, rated.comment, rated.public) == (4, "Chè ngon", True)
        assert rated.product_ids == ("prd_pork", "prd_tea")
    else:
        assert not rules.ratable(order, START)
        with pytest.raises(NotRatable):
            rate(order)


def test_what_was_not_paid_went_back_in_full_or_never_arrived_is_not_rated() -> None:
    back = tuple(replace(line, given_back=line.total) for line in bought().lines)
    for order in (bought(payments=()), bought(lines=back), bought(history=())):
        with pytest.raises(NotRatable):
            rate(order)


def test_what_was_said_stands_when_the_stall_gives_the_money_back_and_may_still_be_changed() -> None:
    rated = rate(bought(), points=1)
    given_back = bought(State.REFUNDED)
    changed = rate(given_back, rated, points=2)
    assert (changed.points, changed.public) == (2, True)
    gone = rules.withdraw(changed, asked())
    with pytest.raises(NotRatable):
        rate(given_back, gone, points=5)


def test_thirty_days_after_the_goods_came_nothing_is_said_any_more_but_it_can_be_taken_back() -> None:
    order = bought()
    rated = rules.answer(rate(order, after=RATE_WITHIN), "Cảm ơn chị", asked(by=SELLER))
    late = RATE_WITHIN + timedelta(milliseconds=1)
    assert not rules.ratable(order, START + late)
    with pytest.raises(NotRatable):
        rate(order, after=late)
    with pytest.raises(NotRatable):
        rate(order, rated, points=1, after=late)
    gone = rules.withdraw(rated, asked(after=late))
    assert (gone.points, gone.comment, gone.answer, gone.public) == (0, "", "", False)


def test_nobody_rates_their_own_stall() -> None:
    with pytest.raises(OwnStall):
        rate(bought(buyer_id=SELLER), by=SELLER)


@given(st.integers())
def test_points_are_one_to_five(points: int) -> None:
    if points in POINTS:
        assert rate(bought(), points=points).points == points
    else:
        with pytest.raises(InvalidArgument):
            rate(bought(), points=points)


@given(st.text(max_size=WORDS_MAX + 5))
def test_words_are_one_line_that_can_be_seen_and_tidying_them_again_changes_nothing(text: str) -> None:
    try:
        tidy = rules.checked_words("comment", text)
    except InvalidArgument:
        return
    assert tidy.isprintable()
    assert len(tidy) <= WORDS_MAX
    assert rules.checked_words("comment", tidy) == tidy


@given(
    st.sampled_from(["0", "84", "+84"]), st.integers(10**8, 10**9 - 1), st.lists(st.sampled_from(" .-"), max_size=2),
    st.sampled_from(["gọi {} nhé", "{}", "zalo:{}."]),
)  # fmt: skip
def test_a_phone_number_is_refused_however_its_digits_are_set_apart(
    prefix: str, digits: int, apart: list[str], around: str
) -> None:
    number = prefix + "".join(apart).join(str(digits))
    with pytest.raises(InvalidArgument):
        rules.checked_words("comment", around.format(number))


@pytest.mark.parametrize("number", ["02083855123", "(0208) 3 855 123", "+84 24 3825 1234", "024.38251234"])
def test_a_number_of_a_wire_has_one_digit_more_and_is_refused_too(number: str) -> None:
    with pytest.raises(InvalidArgument):
        rules.checked_words("comment", f"gọi {number} nhé")


@pytest.mark.parametrize(
    "text", ["2 kg giá 450.000 đ", "mua ngày 29/11/2026", "đơn 7HX2K9QD", "10 000 000 000 đ", "mã 8938505974192"]
)
def test_prices_days_and_codes_are_no_phone_numbers(text: str) -> None:
    assert rules.checked_words("comment", text) == text


def test_the_same_request_again_is_the_same_rating_and_another_one_under_its_id_is_refused() -> None:
    order, key = bought(), new_key()
    first = rate(order, points=5, key=key)
    second = rate(order, first, points=3)
    assert rate(order, second, points=5, key=key) == second, "however late it comes"
    assert rate(order, second, points=5, key=key, after=RATE_WITHIN * 2) == second
    for attempt in (
        lambda: rate(order, second, points=4, key=key),
        lambda: rules.withdraw(second, asked(key=key)),
        lambda: rate(order, second, points=5, comment="khác", key=key),
    ):
        with pytest.raises(IdempotencyConflict):
            attempt()
    assert rate(order, second, points=3) == second, "the same words in another request change nothing"


def test_each_change_has_its_history_with_points_and_without_words() -> None:
    rated = rate(bought(), points=2, comment="Chè cũ")
    changed = rate(bought(), rated, points=4, comment="Quầy đã đổi chè mới", after=timedelta(days=1))
    gone = rules.withdraw(changed, asked(after=timedelta(days=2)))
    again = rate(bought(), gone, points=3, after=timedelta(days=3))
    assert [(one.event, one.by, one.points) for one in again.history] == [
        ("given", BUYER, 2), ("changed", BUYER, 4), ("withdrawn", BUYER, 0), ("changed", BUYER, 3),
    ]  # fmt: skip
    assert "Chè cũ" not in repr(again)
    assert again.version == 4


def test_a_stall_answers_what_everybody_reads_and_nothing_else() -> None:
    rated = rate(bought(), points=2)
    answered = rules.answer(rated, " Xin lỗi  chị ", asked(by=SELLER))
    assert answered.answer == "Xin lỗi chị"
    assert rules.answer(answered, "Đã đổi chè mới", asked(by=SELLER)).answer == "Đã đổi chè mới"
    for words in ("", " ", "gọi 0912 345 678", "a" * (WORDS_MAX + 1), "a\x00b"):
        with pytest.raises(InvalidArgument):
            rules.answer(rated, words, asked(by=SELLER))
    hidden = rules.hide(rated, "chửi bới", asked(by="usr_op"))
    for unseen in (rules.withdraw(rated, asked()), hidden):
        with pytest.raises(NotFound):
            rules.answer(unseen, "Cảm ơn", asked(by=SELLER))


def test_what_is_hidden_counts_no_more_whatever_its_writer_makes_of_it_until_it_is_shown_again() -> None:
    order = bought()
    hidden = rules.hide(rate(order, points=1), " chửi  bới ", asked(by="usr_op"))
    assert (hidden.public, hidden.history[-1].reason) == (False, "chửi bới")
    changed = rate(order, hidden, points=3)
    assert (changed.points, changed.public) == (3, False)
    shown = rules.show(changed, "đã sửa lời", asked(by="usr_op"))
    assert shown.public
    with pytest.raises(InvalidArgument):
        rules.hide(shown, " ", asked(by="usr_op"))


def test_nothing_is_said_more_than_twenty_times_and_all_of_it_can_be_undone_all_the_same() -> None:
    order = bought()
    rating = rate(order, points=1)
    for i in range(TIMES_MAX):
        if i:
            rating = rate(order, rating, points=1 + i % 5)
        rating = rules.answer(rating, f"câu {i}", asked(by=SELLER))
        rating = rules.show(rules.hide(rating, "xem lại", asked(by="usr_op")), "được", asked(by="usr_op"))
        rating = rating if i == TIMES_MAX - 1 else rules.withdraw(rating, asked())
    for attempt in (
        lambda: rate(order, rating, points=rating.points % 5 + 1),
        lambda: rules.answer(rating, "nữa", asked(by=SELLER)),
        lambda: rules.show(rules.hide(rating, "lại", asked(by="usr_op")), "được", asked(by="usr_op")),
    ):
        with pytest.raises(LimitExceeded):
            attempt()
    undone = rules.hide(rules.withdraw(rating, asked()), "thôi", asked(by="usr_op"))
    assert (undone.points, undone.hidden) == (0, True)
    assert len(undone.history) <= 5 * TIMES_MAX + 1


@given(st.lists(st.sampled_from(POINTS), max_size=50))
def test_the_mean_is_in_hundredths_half_of_one_up(points: list[int]) -> None:
    one, two, three, four, five = (points.count(worth) for worth in POINTS)
    tally = Tally((one, two, three, four, five))
    assert tally.count == len(points)
    if points:
        off = 100 * sum(points) - tally.mean_hundredths * len(points)
        assert -len(points) <= 2 * off < len(points)
    else:
        assert tally.mean_hundredths == 0


def test_a_rating_that_does_not_tie_with_its_order_is_found() -> None:
    order = bought()
    rated = rate(order)
    assert not list(checks.findings(rated, order))
    assert not list(checks.findings(rules.withdraw(rated, asked()), bought(State.REFUNDED)))
    for wrong, of in (
        (rated, None),
        (rated, bought(payments=())),
        (rated, bought(history=())),
        (replace(rated, buyer_id="usr_other"), order),
        (replace(rated, merchant_id="mer_other"), order),
        (replace(rated, product_ids=("prd_other",)), order),
        (replace(rated, points=6), order),
    ):
        assert len(list(checks.findings(wrong, of))) == 1
