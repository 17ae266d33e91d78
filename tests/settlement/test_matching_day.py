"""Whole days: exactly the faults that were put in are found, whatever they are and in whatever order things come."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.settlement.matching.accounts import Pair, Row, pair
from services.settlement.matching.rules import BANK, Rule
from tests.settlement.matching_day import FAULTS, FRIDAY, MONDAY, THURSDAY, Day, day, found, run, shuffled


def outcome_of(made: Day) -> tuple[object, bytes, bytes, set[tuple[str, str]]]:
    with TemporaryDirectory() as folder:
        outcome = run(made.expected, made.entries, Path(folder))
        told = (outcome.totals, outcome.breaks, outcome.by_rule)
        return told, outcome.matches.read_bytes(), outcome.open_items.read_bytes(), found(outcome)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_day_of_20000_payouts_ends_with_exactly_its_30_faults(seed: int) -> None:
    faults = Random(seed).sample([fault for fault in FAULTS for _ in range(10)], 30)
    made = day(20_000, faults, seed)
    *_, told = outcome_of(made)
    assert told == made.wrong
    assert len(told) == 30
    assert Counter(type_ for type_, _ in told) == Counter(
        {"BATCH TWICE": "DUPLICATE", "BATCH SUM": "AMOUNT"}.get(fault, fault) for fault in faults
    )


@settings(max_examples=4)
@given(faults=st.lists(st.sampled_from(FAULTS), max_size=12), seed=st.integers(0, 1 << 30))
def test_a_small_day_ends_with_exactly_its_faults_in_any_order(faults: list[str], seed: int) -> None:
    made = day(1_000, faults, seed)
    first = outcome_of(made)
    assert first[-1] == made.wrong
    assert outcome_of(shuffled(made, seed)) == first


@st.composite
def two_sides(draw: st.DrawFn) -> tuple[list[Row], list[Row]]:
    row = st.tuples(st.sampled_from("CD"), st.sampled_from("12"), st.integers(98, 102),
                    st.sampled_from((THURSDAY, FRIDAY, MONDAY)))  # fmt: skip
    sides = [sorted(draw(st.lists(row, max_size=12))) for _ in range(2)]
    return tuple([Row(n, *values) for n, values in enumerate(side)] for side in sides)  # type: ignore[return-value]


@given(sides=two_sides(), tolerance=st.integers(0, 2))
def test_pairs_are_of_one_account_within_tolerance_and_dates_and_each_row_is_in_one(
    sides: tuple[list[Row], list[Row]], tolerance: int
) -> None:
    expected, entries = sides
    pairs = list(pair(iter(expected), iter(entries), Rule("r", "account", tolerance, days=1), BANK))
    for one in pairs:
        x, y = expected[one.expected], entries[one.entry]
        assert x.key == y.key
        assert abs(x.amount - y.amount) <= tolerance
        assert one.difference == y.amount - x.amount
        assert fits(x, y)
    assert len({one.expected for one in pairs}) == len({one.entry for one in pairs}) == len(pairs)
    if not tolerance:
        assert len(pairs) == most_pairs(expected, entries)


def fits(x: Row, y: Row) -> bool:
    """In time: from the business day before to the one after; of these days, all but Monday for Thursday and back."""
    return {x.on, y.on} != {THURSDAY, MONDAY}


def most_pairs(expected: list[Row], entries: list[Row]) -> int:
    """The size of a maximum matching, by augmenting paths."""
    taken: dict[int, int] = {}

    def place(x: Row, tried: set[int]) -> bool:
        for y in entries:
            if y.id in tried or (x.key, x.amount) != (y.key, y.amount) or not fits(x, y):
                continue
            tried.add(y.id)
            if y.id not in taken or place(expected[taken[y.id]], tried):
                taken[y.id] = x.id
                return True
        return False

    return sum(place(x, set()) for x in expected)


def test_more_equal_amounts_of_one_account_than_are_looked_at_are_all_paired() -> None:
    expected = [Row(n, "D", "1", 100, THURSDAY) for n in range(500)]
    entries = [Row(n, "D", "1", 100, FRIDAY) for n in range(500)]
    pairs = list(pair(iter(expected), iter(entries), Rule("r", "account", days=1), BANK))
    assert pairs == [Pair(n, n, 0) for n in range(500)]
