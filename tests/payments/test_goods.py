"""What merchants' own systems are told of goods: the newest state, what changed of it, and stock not too often."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cho.events.v1.events_pb2 import ProductChanged
from hypothesis import given
from hypothesis import strategies as st

from services.payments import goods
from services.payments.goods import Facts, Told

AT = 1_795_500_000_000
TEA = ProductChanged(
    product_id="prd_1", merchant_id="mer_1", merchant_name="Bà Lan", name="Chè Tân Cương", description="Búp non",
    unit="kg", price=250_000, stock=20, available=20_000, grams_per_unit=1_000, state="published", category="tea",
    version=7,
)  # fmt: skip
TEA.updated_at.FromDatetime(datetime(2026, 11, 24, 1, 0, 0, 123_000, tzinfo=UTC))


def tea(**changes: Any) -> Facts:
    made = ProductChanged()
    made.CopyFrom(TEA)
    for name, value in changes.items():
        if isinstance(value, list):
            del getattr(made, name)[:]
            getattr(made, name).extend(value)
        else:
            setattr(made, name, value)
    return goods.facts(made)


def told(facts: Facts | None = None) -> Told:
    return goods.tell(None, facts or tea(), AT)


def test_a_receiver_gets_the_product_as_it_is_and_in_which_version_what_of_it_last_changed() -> None:
    dearer = goods.tell(told(), tea(price=260_000, version=8), AT)
    assert json.loads(goods.body(dearer)) == {
        "id": "evt_prd_1_8", "type": "goods.changed", "product_id": "prd_1",
        "merchant_id": "mer_1", "version": 8, "state": "published", "name": "Chè Tân Cương", "category": "tea",
        "unit": "kg", "price": 260_000, "available": 20_000, "grams_per_unit": 1_000, "recalled_lots": [],
        "updated_at": "2026-11-24T01:00:00.123Z",
        "changed": {"state": 7, "price": 8, "stock": 7, "details": 7},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "kinds"),
    [
        ({"state": "hidden"}, ("state",)),
        ({"state": "withdrawn", "price": 1}, ("state", "price")),
        ({"available": 19_500, "stock": 19}, ("stock",)),
        ({"recalled_lots": ["lot_1"], "available": 0}, ("stock", "recall")),
        ({"name": "Chè"}, ("details",)),
        ({"description": "Búp già"}, ("details",)),
        ({"photos": ["ab"]}, ("details",)),
        ({"category": "herbs"}, ("details",)),
        ({"version": 9, "merchant_name": "Bà Liên"}, ()),
    ],
)
def test_each_change_is_of_its_kind(changes: dict[str, Any], kinds: tuple[str, ...]) -> None:
    assert goods.changed(told(), tea(**changes)) == kinds


def test_of_a_product_that_was_never_told_of_all_that_it_has_is_new() -> None:
    assert goods.changed(None, tea()) == ("state", "price", "stock", "details")


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({"available": 19_500}, AT + 60_000),
        ({"available": 0}, 0),
        ({"available": 19_500, "price": 1}, 0),
        ({"state": "hidden"}, 0),
        ({"available": 19_500, "recalled_lots": ["lot_1"]}, 0),
    ],
)
def test_stock_alone_is_told_a_minute_after_the_last_request_unless_it_ends_and_everything_else_at_once(
    changes: dict[str, Any], due: int
) -> None:
    assert goods.due_ms(told(), tea(**changes)) == due


def test_that_there_is_some_again_is_told_at_once_and_so_is_what_was_never_told_of() -> None:
    assert goods.due_ms(told(tea(available=0)), tea(available=500)) == 0
    assert goods.due_ms(None, tea()) == 0


_CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "state": st.sampled_from(["published", "hidden"]),
        "price": st.integers(1, 3),
        "available": st.integers(0, 3),
        "recalled_lots": st.lists(st.sampled_from(["lot_1", "lot_2"]), max_size=1),
        "description": st.sampled_from(["a", "b"]),
    },
)


@given(st.lists(st.tuples(_CHANGES, st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_whoever_takes_when_they_can_ends_with_what_is_so_and_was_told_of_every_difference(
    steps: list[tuple[dict[str, Any], bool, bool]],
) -> None:
    """What was told and not taken yet is told no more once there is something newer."""
    heard, last, state = tea(), None, dict[str, Any]()
    has: dict[str, Any] = {"version": 0}
    had = goods.facts(ProductChanged())
    for version, (changes, tells, takes) in enumerate([*steps, ({}, True, True)], start=1):
        state |= changes
        heard = tea(**state, version=version)
        if tells and goods.changed(last, heard):
            last = goods.tell(last, heard, AT)
        if takes and last:
            got = json.loads(goods.body(last))
            new = {kind for kind, version in got["changed"].items() if version > has["version"]}
            assert set(goods.changed(Told(had, AT, {}), last.facts)) <= new
            assert bool(new) == (got["version"] > has["version"])
            has, had = got, last.facts
    assert not goods.changed(Told(had, AT, {}), heard)
    assert {name: has[name] for name in ("state", "price", "available", "recalled_lots")} == {
        name: heard[name] for name in ("state", "price", "available", "recalled_lots")
    }
