"""What a product may be, and what search makes of text, without any engine."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AmountInvalid, InvalidArgument, WrongState
from services.catalog import seed
from services.catalog.product import (
    PRICES_MAX,
    STOCK_MAX,
    Offer,
    PriceSince,
    State,
    changes,
    fingerprint,
    moved,
    offer,
    priced,
)
from services.catalog.search.question import Order, Question
from services.catalog.search.spelling import folded, toned
from services.catalog.search.words import Place, widening
from services.catalog.units import UNITS, grams_per_unit, unit_of

TEA = {"name": "Chè Tân Cương", "description": "", "unit": "kg", "price": 450_000, "stock": 60}


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": " \n "}, InvalidArgument),
        ({"name": "x" * 121}, InvalidArgument),
        ({"name": "Chè\u202eTân"}, InvalidArgument),
        ({"name": "Chè\0Tân"}, InvalidArgument),
        ({"description": "x" * 2_001}, InvalidArgument),
        ({"unit": ""}, InvalidArgument),
        ({"unit": "x" * 21}, InvalidArgument),
        ({"price": 0}, AmountInvalid),
        ({"price": -1}, AmountInvalid),
        ({"price": 10**12 + 1}, AmountInvalid),
        ({"stock": -1}, InvalidArgument),
        ({"stock": STOCK_MAX + 1}, InvalidArgument),
    ],
)
def test_an_offer_outside_its_limits_is_refused(wrong: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        offer(**{**TEA, **wrong})  # type: ignore[arg-type]


def test_text_is_kept_composed_and_with_single_spaces() -> None:
    decomposed = unicodedata.normalize("NFD", "  Chè   Tân\nCương ")
    assert offer(**{**TEA, "name": decomposed}).name == "Chè Tân Cương"  # type: ignore[arg-type]


def test_an_update_that_names_nothing_is_refused() -> None:
    for nothing in ({}, {"price": None}, {"reason": "bán hết"}):
        with pytest.raises(InvalidArgument):
            changes(nothing)


def test_an_update_keeps_false_and_zero_apart_from_not_named() -> None:
    assert changes({"price": None, "stock": 0, "hidden": False}) == {"stock": 0, "state": State.PUBLISHED}
    assert changes({"hidden": True, "reason": " hết  hàng "}) == {"state": State.HIDDEN, "reason": "hết hàng"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": True, "state": State.HIDDEN},
        {"state": State.PUBLISHED, "reason": "vì thế"},
        {"price": 1, "reason": "vì thế"},
        {"state": State.HIDDEN, "reason": "x" * 201},
        {"name": ""},
        {"description": "x" * 2_001},
        {"category": "cars"},
        {"net_grams": -1},
        {"net_grams": 10**6 + 1},
        {"stock": -1},
    ],
)
def test_what_a_change_may_not_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        changes(wrong, "bó")


def test_only_what_is_counted_says_how_much_is_in_it() -> None:
    assert changes({"net_grams": 500}, "túi") == {"net_grams": 500}
    with pytest.raises(InvalidArgument):
        changes({"net_grams": 500}, "kg")


@pytest.mark.parametrize(
    ("before", "allowed"),
    [
        (State.DRAFT, {State.DRAFT, State.PUBLISHED, State.WITHDRAWN}),
        (State.PUBLISHED, {State.PUBLISHED, State.HIDDEN, State.WITHDRAWN}),
        (State.HIDDEN, {State.PUBLISHED, State.HIDDEN, State.WITHDRAWN}),
        (State.WITHDRAWN, {State.WITHDRAWN}),
    ],
)
def test_a_product_goes_where_its_life_leads_and_what_is_withdrawn_stays_so(before: State, allowed: set[State]) -> None:
    for after in State:
        if after in allowed:
            assert moved(before, after) is after
        else:
            with pytest.raises(WrongState):
                moved(before, after)


@pytest.mark.parametrize(
    ("written", "unit", "grams"),
    [("Kg", "kg", 1_000), ("  cân ", "kg", 1_000), ("Lạng", "lạng", 100), ("CHỤC", "chục", 0), ("túi", "túi", 0)],
)
def test_a_unit_is_known_however_it_is_written(written: str, unit: str, grams: int) -> None:
    for form in ("NFC", "NFD"):
        assert unit_of(unicodedata.normalize(form, written)).unit == unit
        assert grams_per_unit(unicodedata.normalize(form, written)) == grams


def test_no_unit_is_in_the_table_twice() -> None:
    assert len({unit.unit for unit in UNITS}) == len(UNITS)


@pytest.mark.parametrize("unit", ["", "đống", "kg/2", "x" * 50])
def test_a_unit_that_is_none_is_refused(unit: str) -> None:
    with pytest.raises(InvalidArgument):
        offer(**{**TEA, "unit": unit})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("unit", "price", "net_grams", "per_kg"),
    [
        ("kg", 450_000, 0, 450_000),
        ("lạng", 45_000, 0, 450_000),
        ("túi", 290_000, 100, 2_900_000),
        ("bó", 5_000, 300, 16_667),
        ("bó", 5_000, 0, 0),
        ("tấn", 500, 0, 1),
        ("tấn", 499, 0, 0),
    ],
)
def test_bunches_and_kilos_compare(unit: str, price: int, net_grams: int, per_kg: int) -> None:
    assert offer("Rau", "", unit, price, 1, "vegetables", net_grams).price_per_kg == per_kg


def test_prices_are_remembered_with_their_days_and_not_for_ever() -> None:
    at = datetime(2026, 3, 1, tzinfo=UTC)
    prices: tuple[PriceSince, ...] = ()
    for number in range(PRICES_MAX + 5):
        prices = priced(prices, 1_000 + number, at + timedelta(days=number))
        assert priced(prices, 1_000 + number, at + timedelta(days=number + 1)) == prices
    assert len(prices) == PRICES_MAX
    assert prices[0] == PriceSince(1_005, at + timedelta(days=5))


def test_a_request_from_before_there_were_categories_is_still_known() -> None:
    before = json.dumps(
        ["mer_1", {"name": "a", "description": "", "unit": "kg", "price": 1, "stock": 2}],
        ensure_ascii=False, sort_keys=True,
    )  # fmt: skip
    assert fingerprint("mer_1", offer("a", "", "kg", 1, 2)) == hashlib.sha256(before.encode()).hexdigest()
    assert fingerprint("mer_1", offer("a", "", "kg", 1, 2), draft=True) != hashlib.sha256(before.encode()).hexdigest()


@given(
    st.sampled_from(["name", "description", "unit", "price", "stock", "category", "net_grams"]),
    st.text(min_size=1, max_size=5),
    st.integers(1, 1000),
)
def test_a_fingerprint_differs_wherever_a_field_does(field: str, text: str, number: int) -> None:
    one = Offer("a", "b", "c", 2_000, 3_000)
    fields = {name: getattr(one, name) for name in Offer.__slots__}
    fields[field] = number if field in ("price", "stock", "net_grams") else "x" + text
    assert fingerprint("mer_1", Offer(**fields)) != fingerprint("mer_1", one)
    assert fingerprint("mer_2", one) != fingerprint("mer_1", one)


def test_the_seed_keeps_the_catalogs_rules() -> None:
    products = seed.products()
    assert products
    assert len({(found.vendor, found.offer.name) for found in products}) == len(products)


@pytest.mark.parametrize(
    ("one", "other"), [("hoà", "hòa"), ("khoẻ", "khỏe"), ("thuỷ", "thủy"), ("QUÝ", "qúy"), ("Ðậu", "đậu")]
)
def test_both_placements_of_a_tone_are_one_word(one: str, other: str) -> None:
    assert toned(one) == toned(other)
    assert folded(one) == folded(other)


def test_words_of_different_tone_or_vowel_stay_apart_where_tones_are_kept() -> None:
    words = ["bo", "bò", "bó", "bỏ", "bơ", "bờ", "bô", "bố", "bọ", "bõ"]
    assert len({toned(word) for word in words}) == len(words)
    assert {folded(word) for word in words} == {"bo"}


@given(st.text(max_size=60))
def test_decomposed_and_composed_text_is_the_same_text(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert folded(composed) == folded(decomposed)
    assert toned(composed) == toned(decomposed)


@given(st.integers(0, 9), st.integers(0, 2**63 - 1), st.sampled_from(Order))
def test_a_page_token_reads_back_as_it_was_written(tier: int, position: int, order: Order) -> None:
    question = Question("chè", order=order)
    assert Place.read(Place(tier, position).write(question), question) == Place(tier, position)


@given(st.text(max_size=25))
@pytest.mark.parametrize("prefix", ["", "r1.", "r0.9223372036854775808", "r-1.", "r1.-", "1."])
def test_any_other_page_token_is_refused(prefix: str, text: str) -> None:
    token = prefix + text
    try:
        place = Place.read(token, Question())
    except InvalidArgument:
        return
    assert 0 <= place.tier <= 9
    assert 0 <= place.position < 2**63


def test_a_query_is_limited_in_length_and_words() -> None:
    with pytest.raises(InvalidArgument):
        Question("x" * 201)
    with pytest.raises(InvalidArgument):
        Question(market_id="x" * 65)
    assert widening("a b c d e f g h i j") == widening("a b c d e f g h")
