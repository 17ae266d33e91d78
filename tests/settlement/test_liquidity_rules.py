"""A telecom hears before its net debit cap is reached."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.settlement.liquidity import NONE, REACHED, WARNED, level

dong = st.integers(0, 10**13)


@pytest.mark.parametrize(
    ("position", "before", "after"),
    [(799, NONE, NONE), (800, NONE, WARNED), (979, WARNED, WARNED), (980, WARNED, REACHED), (750, WARNED, WARNED),
     (750, NONE, NONE), (700, REACHED, WARNED), (699, REACHED, NONE), (-5, WARNED, NONE)],
)  # fmt: skip
def test_it_is_told_from_four_fifths_on_and_calm_only_below_seven_tenths(
    position: int, before: str, after: str
) -> None:
    assert level(position, 1000, before) == after


@given(dong, dong, st.sampled_from((NONE, WARNED, REACHED)))
def test_told_again_of_the_same_it_says_the_same(position: int, cap: int, before: str) -> None:
    once = level(position, cap, before)
    assert level(position, cap, once) == once


def test_without_a_cap_there_is_nothing_to_tell() -> None:
    assert level(10**12, None, REACHED) == NONE
