"""What goods cost on a market's day: pure rules of lines and sheets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.catalog.day import sheet as sheets
from services.catalog.day.line import CLOSES_MAX, DAYS_BACK, Close, Line, closed, price_on, with_past
from services.catalog.day.sheet import Sheet, sheet

D = date(2026, 11, 29)


def at(days: int) -> date:
    return D + timedelta(days=days)


def line(name: str = "Cà chua", unit: str = "kg", price: int = 20_000, stall: str = "1", **fields: object) -> Line:
    return Line(
        **{  # type: ignore[arg-type]
            "product_id": f"prd_{stall}_{name}_{unit}", "merchant_id": f"mer_{stall}", "merchant_name": f"Sạp {stall}",
            "market_id": "mkt_1", "name": name, "unit": unit, "price": price, "listed": True, "active": True,
            "version": 1, "merchant_version": 1, **fields,
        }
    )  # fmt: skip


def told(start: Line, *changes: tuple[int, dict[str, object]]) -> Line:
    """The line after changes, each so many days from D."""
    for days, change in changes:
        start = closed(replace(start, **change), at(days))  # type: ignore[arg-type]
    return start


def prices(found: Line, *days: int) -> list[int | None]:
    return [price_on(found, at(day)) for day in days]


def test_a_price_goes_on_until_it_is_changed_and_nothing_is_known_of_before() -> None:
    found = told(line(), (0, {}), (3, {"price": 25_000}))
    assert prices(found, -1, 0, 1, 2, 3, 4, 99) == [None, 20_000, 20_000, 20_000, 25_000, 25_000, 25_000]
    assert len(found.closes) == 2


def test_a_day_is_closed_at_its_last_price_at_which_it_was_on_sale() -> None:
    found = told(line(), (0, {}), (0, {"price": 18_000}), (0, {"listed": False, "price": 1}), (1, {"price": 2}))
    assert prices(found, 0, 1, 2) == [18_000, None, None]


def test_what_is_sold_out_in_the_morning_was_on_sale_that_day_at_the_evenings_price() -> None:
    found = told(line(), (0, {}), (2, {"listed": False}), (4, {"listed": True, "price": 30_000}))
    assert prices(found, 0, 1, 2, 3, 4) == [20_000, 20_000, 20_000, None, 30_000]


def test_what_was_never_shown_was_never_on_sale() -> None:
    found = told(line(listed=False), (0, {}), (1, {"price": 5}), (2, {"listed": True}), (2, {"listed": False}))
    assert prices(found, 0, 1, 2, 3) == [None, None, 5, None]


def test_a_suspended_stall_sells_nothing_until_it_is_back() -> None:
    found = told(line(), (0, {}), (1, {"active": False}), (3, {"price": 9}), (5, {"active": True}))
    assert prices(found, 0, 1, 2, 3, 4, 5) == [20_000, 20_000, None, None, None, 9]


def test_news_of_an_earlier_day_change_no_later_one() -> None:
    found = told(line(), (2, {}), (1, {"price": 7}))
    assert prices(found, 1, 2) == [None, 20_000]


CHANGES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([1_000, 2_000]), st.booleans(), st.booleans()), max_size=25
)


@given(CHANGES)
def test_closes_say_what_a_diary_of_every_day_would(changes: list[tuple[int, int, bool, bool]]) -> None:
    found, day = line(listed=False), 0
    diary: dict[int, int | None] = {}
    state: tuple[int, bool] = (found.price, False)
    for ahead, price, listed, active in changes:
        for idle in range(day + 1, day + ahead + 1):
            diary[idle] = state[0] if state[1] else None
        day += ahead
        on_sale = listed and active
        diary[day] = price if on_sale else diary.get(day)
        state = (price, on_sale) if on_sale else (diary[day] or price, False)
        found = told(found, (day, {"price": price, "listed": listed, "active": active}))
        assert len(found.closes) <= CLOSES_MAX
        assert [close.day for close in found.closes] == sorted({close.day for close in found.closes})
    for one, expected in diary.items():
        assert price_on(found, at(one)) == expected


def test_today_the_days_that_can_be_asked_for_and_the_one_before_are_there_however_often_a_price_changes() -> None:
    found = told(line(), *((day, {"price": 1_000 + day}) for day in range(200)))
    assert len(found.closes) == CLOSES_MAX
    known = range(199 - DAYS_BACK - 1, 200)
    assert prices(found, *known) == [1_000 + day for day in known]
    assert prices(found, known[0] - 1) == [None]


def test_a_line_learns_of_days_before_it_was_heard_of_and_keeps_its_own() -> None:
    heard = told(line(), (5, {"price": 5}))
    built = told(line(), (0, {"price": 1}), (3, {"price": 3}), (5, {"price": 99}))
    merged = with_past(heard, built)
    assert merged is not None
    assert prices(merged, 0, 2, 3, 4, 5) == [1, 1, 3, 3, 5]
    assert with_past(built, heard) is None
    assert with_past(replace(heard, closes=()), built) == replace(heard, closes=built.closes)


# --- sheets


def of(*lines: Line, day: int = 0, last: int | None = -1) -> Sheet:
    return sheet(lines, at(day), None if last is None else at(last))


def sold(*args: object, since: int = -9, **fields: object) -> Line:
    return told(line(*args, **fields), (since, {}))  # type: ignore[arg-type]


def test_the_same_good_of_several_stalls_is_one_row_with_its_cheapest_and_its_median() -> None:
    stalls = [sold(price=price, stall=str(number)) for number, price in enumerate([22_000, 18_000, 25_000, 30_000])]
    (row,) = of(*stalls, sold("Cá", stall="9", listed=False)).rows
    assert (row.name, row.unit, row.stalls, row.offers) == ("Cà chua", "kg", 4, 4)
    assert (row.cheapest.price, row.cheapest.line.merchant_id) == (18_000, "mer_1")
    assert row.median == 22_000  # the lower of the two in the middle: a price that somebody asks


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Cà chua", "cà  chua"), ("Rau hoà bình", "Rau hòa bình"), ("Lạc đỏ", "Đậu phộng đỏ"), ("Cà chua", "ca chua"),
        ("Thịt lợn", "THỊT HEO"), ("Quả dứa", "Trái thơm"),
    ],
)  # fmt: skip
def test_names_of_one_thing_share_a_row(one: str, other: str) -> None:
    (row,) = of(sold(one, stall="1"), sold(other, stall="2")).rows
    assert row.stalls == 2


@pytest.mark.parametrize(("one", "other"), [("Dưa", "Dứa"), ("Bơ", "Bò"), ("Cà chua", "Cà chua bi"), ("Cam", "Cám")])
def test_names_of_two_things_do_not(one: str, other: str) -> None:
    assert len(of(sold(one, stall="1"), sold(other, stall="2")).rows) == 2


def test_a_name_without_diacritics_that_may_be_two_things_stays_by_itself() -> None:
    melon, pineapple, either = sold("Quả dưa", stall="1"), sold("Quả dứa", stall="2"), sold("Qua dua", stall="3")
    assert len(of(melon, pineapple, either).rows) == 3
    assert len(of(melon, either).rows) == 1


def test_a_name_without_diacritics_is_compared_with_what_it_stood_for_when_the_market_was_last_held() -> None:
    gone = told(line(price=20_000, stall="1"), (-1, {}), (-1, {"listed": False}))
    (row,) = of(gone, sold("Ca chua", price=30_000, stall="2")).rows
    assert (row.name, row.median, row.before) == ("Ca chua", 30_000, 20_000)
    late = sold("Cà chua", price=20_000, stall="1", since=0)
    (row,) = of(late, sold("Ca chua", price=30_000, stall="2")).rows
    assert (row.stalls, row.median, row.before) == (2, 20_000, 30_000)


def test_what_is_weighed_is_compared_by_the_kilogram_and_what_is_counted_by_its_unit() -> None:
    weighed = [sold("Ớt", "lạng", 8_000, "1"), sold("Ớt", "kg", 60_000, "2"), sold("Ớt", "g", 75, "3")]
    counted = [sold("Ớt", "túi", 5_000, "4"), sold("Ớt", "Túi", 6_000, "5")]
    rows = {row.unit: row for row in of(*weighed, *counted).rows}
    assert {unit: (row.cheapest.price, row.median, row.stalls) for unit, row in rows.items()} == {
        "kg": (60_000, 75_000, 3), "túi": (5_000, 5_000, 2),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "change", "permille"),
    [(20_000, 25_000, 5_000, 250), (30_000, 20_000, -10_000, -333), (7_000, 7_000, 0, 0), (2_000, 1_999, -1, -1)],
)
def test_a_row_tells_its_change_since_the_market_was_last_held(
    before: int, now: int, change: int, permille: int
) -> None:
    (row,) = of(told(line(price=before), (-9, {}), (-2, {"price": 1}), (-1, {"price": now})), last=-4).rows
    assert (row.median, row.before, row.change, row.change_permille) == (now, before, change, permille)


def test_what_is_new_has_nothing_to_compare_with() -> None:
    for found in (of(sold(since=0)), of(sold(), last=None)):
        (row,) = found.rows
        assert (row.before, row.change, row.change_permille) == (None, None, None)


def test_rows_are_in_the_order_of_their_names_and_the_rarest_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [sold("Cải", stall="1"), sold("Bí", stall="1"), sold("Ớt", stall="1"), sold("Ớt", stall="2")]
    found = of(*lines)
    assert [row.name for row in found.rows] == ["Bí", "Cải", "Ớt"]
    assert found.complete
    monkeypatch.setattr(sheets, "ROWS_MAX", 1)
    few = of(*lines)
    assert ([row.name for row in few.rows], few.complete) == (["Ớt"], False)


def test_keys_of_rows_tell_them_apart() -> None:
    rows = of(*(sold(name, unit, stall="1") for name in ("Dưa", "Dứa", "Dua") for unit in ("kg", "quả"))).rows
    assert len({row.key for row in rows}) == 6


def test_a_close_is_kept_as_it_was() -> None:
    assert told(line(), (0, {})).closes == (Close(D, 20_000, True, True),)
