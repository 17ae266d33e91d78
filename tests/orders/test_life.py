"""The table of who may do what with an order, when; and that docs/orders.md says the same."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from kit.errors import DomainError, InvalidArgument, LimitExceeded, PermissionDenied, WrongState
from services.orders.life import TABLE, Act, Actor, Who, check_reason, move, note
from services.orders.order import ENDED, HISTORY_MAX, Fulfilment, State
from tests.orders.world import START, placed

DOCS = Path(__file__).parents[2] / "docs" / "orders.md"
PEOPLE = {Who.BUYER, Who.SELLER, Who.OPERATOR}


@pytest.mark.parametrize("act", Act)
def test_an_act_goes_by_the_table_and_in_no_other_way(act: Act) -> None:
    for state, who, way in itertools.product(State, Who, Fulfilment):
        order = placed(state=state, fulfilment=way)
        actor = Actor(who, "usr_x" if who in PEOPLE else "")
        here = [r for r in TABLE if r.act is act and state in r.sources and r.fulfilment in (None, way)]
        theirs = [r for r in here if who in r.who]
        if not theirs:
            with pytest.raises(PermissionDenied if here else WrongState):
                move(order, act, actor, START, "vì sao")
            continue
        (rule,) = theirs
        moved = move(order, act, actor, START, "vì sao")
        before = State.DELIVERED if way is Fulfilment.DELIVERY else State.PICKED_UP
        assert moved.state is (rule.target or before)
        assert (moved.deadline is None) == (moved.state in ENDED), "what has not ended has a deadline"
        (happened,) = moved.history
        assert (happened.event, happened.who, happened.by, happened.reason, happened.at) == (
            rule.event, who.value, actor.id, "vì sao", START,
        )  # fmt: skip
        if rule.reason:
            with pytest.raises(InvalidArgument):
                move(order, act, actor, START, "  ")


def test_every_state_but_the_first_is_reached_and_every_state_that_has_not_ended_is_left_by_the_clock() -> None:
    reached = {rule.target for rule in TABLE if rule.target}
    assert reached == set(State) - {State.PLACED}
    for state, way in itertools.product(set(State) - ENDED, Fulfilment):
        by_clock = [r for r in TABLE if state in r.sources and Who.CLOCK in r.who and r.fulfilment in (None, way)]
        if (state, way) in {(State.HANDED_OVER, Fulfilment.PICKUP)}:
            continue  # what is picked up is never handed over
        assert by_clock, (state, way)


def test_what_a_person_does_is_limited_and_what_the_ledger_tells_is_not() -> None:
    order = placed()
    for _ in range(HISTORY_MAX):
        order = note(order, "tracked", Actor(Who.SELLER, "usr_s"), START)
    with pytest.raises(LimitExceeded):
        note(order, "tracked", Actor(Who.SELLER, "usr_s"), START)
    assert note(order, "paid", Actor(Who.LEDGER), START).history[-1].event == "paid"


@pytest.mark.parametrize("reason", ["x" * 141, "a\x00b"])
def test_a_reason_is_short_and_can_be_read(reason: str) -> None:
    with pytest.raises(DomainError):
        check_reason(reason)
    assert check_reason("  hết \n hàng ", needed=True) == "hết hàng"


def test_the_docs_show_this_table() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.endswith("` |") and "`order." in line]
    shown = []
    for row in rows:
        sources, _, who, target, needs, event = (cell.strip() for cell in row.strip("|").split("|"))
        shown.append(
            (frozenset(sources.split(", ")), frozenset(who.split(", ")), target, "a reason" in needs,
             next((way.value for way in Fulfilment if way.value in needs), ""), event.strip("`"))
        )  # fmt: skip
    assert shown == [
        (
            frozenset(s.value for s in rule.sources), frozenset(w.value for w in rule.who),
            rule.target.value if rule.target else "as before", rule.reason,
            rule.fulfilment.value if rule.fulfilment else "", f"order.{rule.event}",
        )
        for rule in TABLE
    ]  # fmt: skip
