"""What a PIN must be."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument, PinWeak
from services.identity.pin import check_strength, is_weak

PHONE = "+84912345678"


@pytest.mark.parametrize(
    "pin",
    [
        *("123456", "654321", "890123", "210987", "135791", "024680"),  # runs
        *("111111", "000000", "121212", "123123", "122122", "112112", "797979"),  # repetitions
        *("123321", "112233", "159753"),  # mirrors, pairs, keypad shapes
        *("150190", "310785", "850731", "121990", "199012", "022004"),  # birthdays
    ],
)
def test_what_thieves_try_first_is_refused(pin: str) -> None:
    with pytest.raises(PinWeak):
        check_strength(pin, PHONE)


@pytest.mark.parametrize("pin", ["912345", "091234", "345678", "849123"])
def test_digits_of_the_phone_number_are_refused(pin: str) -> None:
    with pytest.raises(PinWeak):
        check_strength(pin, PHONE)


@pytest.mark.parametrize("pin", ["", "12345", "1234567", "12345a", "４８２９１７", "482917\n", " 48291"])
def test_only_six_ascii_digits_are_a_pin(pin: str) -> None:
    with pytest.raises(InvalidArgument):
        check_strength(pin, PHONE)


@pytest.mark.parametrize("pin", ["482917", "730594", "901846"])
def test_an_unremarkable_pin_is_accepted(pin: str) -> None:
    assert check_strength(pin, PHONE) == pin


@given(st.dates(date(1930, 1, 1), date(2029, 12, 31)))
def test_no_birthday_is_accepted(day: date) -> None:
    for form in ("%d%m%y", "%y%m%d", "%m%Y", "%Y%m"):
        assert is_weak(f"{day:{form}}")


@given(st.integers(0, 9), st.integers(0, 9))
def test_every_run_of_equal_steps_is_weak(first: int, step: int) -> None:
    assert is_weak("".join(str((first + i * step) % 10) for i in range(6)))


def test_nine_pins_in_ten_remain() -> None:
    weak = sum(is_weak(f"{number:06}") for number in range(0, 10**6, 7))
    assert weak < 10**6 / 7 / 10
