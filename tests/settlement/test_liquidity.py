"""A telecom that comes near its net debit cap is told of, once."""

from __future__ import annotations

from services.settlement import liquidity, store


def test_a_change_is_one_event_and_no_change_is_none(books: None) -> None:
    store.Liquidity.objects.delete()
    told = [store.tell_liquidity("VIETTEL", position, 1000) for position in (100, 850, 860, 990, 100)]
    assert told == ["", "warned", "", "reached", "eased"]
    (kept,) = store.Liquidity.objects
    assert [event.type for event in kept.outbox] == ["liquidity.warned", "liquidity.reached", "liquidity.eased"]
    assert (kept.level, kept.version) == (liquidity.NONE, 3)
