"""What a product may be, and what search makes of text, without any engine."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import AmountInvalid, InvalidArgument
from services.catalog import seed
from services.catalog.product import STOCK_MAX, Offer, changes, fingerprint, offer
from services.catalog.search.words import Place, folded, tiers, toned

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
    with pytest.raises(InvalidArgument):
        changes(None, None, None)


def test_an_update_keeps_false_and_zero_apart_from_not_named() -> None:
    assert changes(None, 0, False) == {"stock": 0, "hidden": False}


@given(
    st.sampled_from(["name", "description", "unit", "price", "stock"]),
    st.text(min_size=1, max_size=5),
    st.integers(1, 1000),
)
def test_a_fingerprint_differs_wherever_a_field_does(field: str, text: str, number: int) -> None:
    one = Offer("a", "b", "c", 2_000, 3_000)
    fields = {name: getattr(one, name) for name in Offer.__slots__}
    fields[field] = number if field in ("price", "stock") else "x" + text
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


@given(st.integers(0, 9), st.integers(0, 2**63 - 1))
def test_a_page_token_reads_back_as_it_was_written(tier: int, position: int) -> None:
    assert Place.read(Place(tier, position).write()) == Place(tier, position)


@given(st.text(max_size=25))
@pytest.mark.parametrize("prefix", ["", "1.", "0.9223372036854775808", "-1.", "1.-"])
def test_any_other_page_token_is_refused(prefix: str, text: str) -> None:
    token = prefix + text
    try:
        place = Place.read(token)
    except InvalidArgument:
        return
    assert 0 <= place.tier <= 9
    assert 0 <= place.position < 2**63


def test_a_query_is_limited_in_length_and_words() -> None:
    with pytest.raises(InvalidArgument):
        tiers("x" * 201, "")
    with pytest.raises(InvalidArgument):
        tiers("", "x" * 65)
    assert tiers("a b c d e f g h i j", "") == tiers("a b c d e f g h", "")
