"""Phone numbers: one form for each, and one index for each in every service."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import crypto
from kit.errors import InvalidArgument
from kit.phones import normalise

PHONES = st.from_regex(r"0[1-9][0-9]{8}", fullmatch=True)


@pytest.mark.parametrize("text", ["0912345678", "+84912345678", "0912 345 678", "0912.345.678", "0912-345-678"])
def test_every_way_to_write_a_phone_is_one_phone_with_one_index(text: str) -> None:
    assert normalise(text) == "+84912345678"
    assert crypto.phone_index(text) == crypto.phone_index("0912345678")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "912345678",
        "091234567",
        "09123456789",
        "84912345678",
        "0012345678",
        "+840912345678",
        "０912345678",
        "0912345678\n",
    ],
)
def test_what_is_no_vietnamese_phone_is_refused_and_not_repeated(text: str) -> None:
    for rule in (normalise, crypto.phone_index):
        with pytest.raises(InvalidArgument) as refused:
            rule(text)
        assert not text or text not in refused.value.message


@given(PHONES)
def test_normalising_twice_changes_nothing_and_the_national_digits_stay(phone: str) -> None:
    once = normalise(phone)
    assert normalise(once) == once == "+84" + phone[1:]


def test_a_phones_index_is_the_one_that_people_were_stored_under_before_there_was_a_directory() -> None:
    assert crypto.phone_index("0912345678") == crypto.blind_index("users.phone", "+84912345678")


@given(PHONES, PHONES)
def test_two_phones_have_two_indexes_and_neither_shows_its_phone(one: str, other: str) -> None:
    assert (crypto.phone_index(one) == crypto.phone_index(other)) == (one == other)
    assert one[1:] not in crypto.phone_index(one)
