"""Amounts in words are what a cashier would write, and say the amount that they were made of. Pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.spoken import AMOUNT_MAX, amount_in_words, number_in_words

KNOWN = {
    0: "Không đồng",
    1: "Một đồng",
    5: "Năm đồng",
    10: "Mười đồng",
    11: "Mười một đồng",
    15: "Mười lăm đồng",
    20: "Hai mươi đồng",
    21: "Hai mươi mốt đồng",
    24: "Hai mươi bốn đồng",
    25: "Hai mươi lăm đồng",
    55: "Năm mươi lăm đồng",
    100: "Một trăm đồng",
    101: "Một trăm linh một đồng",
    105: "Một trăm linh năm đồng",
    110: "Một trăm mười đồng",
    115: "Một trăm mười lăm đồng",
    121: "Một trăm hai mươi mốt đồng",
    1_000: "Một nghìn đồng",
    1_001: "Một nghìn không trăm linh một đồng",
    1_010: "Một nghìn không trăm mười đồng",
    1_205: "Một nghìn hai trăm linh năm đồng",
    15_000: "Mười lăm nghìn đồng",
    75_000: "Bảy mươi lăm nghìn đồng",
    1_000_000: "Một triệu đồng",
    1_000_005: "Một triệu không trăm linh năm đồng",
    1_005_000: "Một triệu không trăm linh năm nghìn đồng",
    1_234_567: "Một triệu hai trăm ba mươi bốn nghìn năm trăm sáu mươi bảy đồng",
    1_000_000_000: "Một tỷ đồng",
    1_000_000_001: "Một tỷ không trăm linh một đồng",
    25_021_000_000: "Hai mươi lăm tỷ không trăm hai mươi mốt triệu đồng",
    1_000_000_000_000: "Một nghìn tỷ đồng",
    2_005_000_000_000: "Hai nghìn không trăm linh năm tỷ đồng",
    1_000_000_000_000_000: "Một triệu tỷ đồng",
    -75_000: "Âm bảy mươi lăm nghìn đồng",
}


@pytest.mark.parametrize(("amount", "words"), KNOWN.items())
def test_a_known_amount_reads_as_it_is_written_on_paper(amount: int, words: str) -> None:
    assert amount_in_words(amount) == words


def heard(words: str) -> int:
    """The number that somebody who hears these words writes down: unit words multiply what was said before them."""
    said = {"không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "năm": 5, "lăm": 5, "sáu": 6, "bảy": 7}
    said |= {"tám": 8, "chín": 9}
    billions = thousands = group = digit = 0
    for word in words.split():
        if word in said:
            digit = said[word]
            group += digit
        elif word == "mười":
            group += 10
        elif word in ("trăm", "mươi"):
            group += digit * ((100 if word == "trăm" else 10) - 1)
        elif word in ("nghìn", "triệu"):
            thousands, group = thousands + group * (1000 if word == "nghìn" else 1_000_000), 0
        elif word == "tỷ":
            billions, thousands, group = (thousands + group) * 1_000_000_000, 0, 0
        else:
            assert word == "linh", word
    return billions + thousands + group


@given(st.one_of(st.integers(0, AMOUNT_MAX), st.integers(0, 10**7), st.integers(0, 9007).map(lambda n: n * 10**12 + n)))
def test_who_hears_the_words_writes_down_the_same_amount(amount: int) -> None:
    words = number_in_words(amount)
    assert heard(words) == amount
    assert words == " ".join(words.split())


@given(st.integers(0, AMOUNT_MAX), st.integers(0, AMOUNT_MAX))
def test_two_amounts_never_read_the_same(one: int, other: int) -> None:
    assert (number_in_words(one) == number_in_words(other)) == (one == other)


@pytest.mark.parametrize("amount", [AMOUNT_MAX + 1, -AMOUNT_MAX - 1])
def test_what_no_account_can_hold_is_not_read_out(amount: int) -> None:
    with pytest.raises(ValueError, match="read out"):
        amount_in_words(amount)
