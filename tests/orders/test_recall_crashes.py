"""A recall whose processes die at every write and call, before it and after it: it ends alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from kit.ids import new_key
from services.orders import store
from services.orders.order import State
from services.orders.recalls import recall as rules
from services.orders.recalls import store as recalls
from services.orders.recalls.documents import OrdersRecall
from services.orders.recalls.recall import LineState, Recall, Tally
from services.orders.recalls.recall import State as RecallState
from tests.orders.conftest import Market, tell
from tests.orders.recall_office import PRICE, SECOND, Office, told
from tests.orders.test_crashes import Died

# More than a recall of one order has writes and calls, before and after.
DEATHS_MAX = 80


class Death:
    """Comes once, at the `at`th of its chances: before or after something is written or called."""

    def __init__(self, patch: pytest.MonkeyPatch, office: Office, at: int) -> None:
        self._at, self.chances = at, 0
        patch.setattr(store.OrdersOrder, "save", self._mortal(store.OrdersOrder.save))
        patch.setattr(OrdersRecall, "save", self._mortal(OrdersRecall.save))
        for name in ("put_takers", "put_line"):
            patch.setattr(recalls, name, self._mortal(getattr(recalls, name)))
        for port, names in [
            (office.lots, ("recall", "reinstate", "takers")),
            (office.market.shelf, ("sell", "release")),
            (office.market.purse, ("refund",)),
        ]:
            for name in names:
                patch.setattr(port, name, self._mortal(getattr(port, name)))

    def _mortal(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def mortal(*args: Any, **kwargs: Any) -> Any:
            self._chance()
            done = call(*args, **kwargs)
            self._chance()
            return done

        return mortal

    def _chance(self) -> None:
        self.chances += 1
        if self.chances == self._at:
            raise Died


class Life:
    """A recall that lists one paid order; whoever dies is asked again."""

    def __init__(self, office: Office) -> None:
        self.office, self.key = office, new_key()
        self.paid = office.paid()

    def opened(self) -> Recall:
        return self.work(self._surely(lambda: self.office.opened(self.key)))

    def decided(self, recall: Recall, rule: recalls.Rule) -> Recall:
        self._surely(lambda: recalls.change(recall.id, rule))
        return self.work(recall)

    def work(self, recall: Recall) -> Recall:
        purse = self.office.market.purse
        for _ in range(20):
            while purse.events:
                self._surely(lambda: tell(purse.events[0], self.office.merchant.merchant_id))
                purse.events.pop(0)
            self.office.market.clock.add(timedelta(seconds=3))
            busy = self._surely(self.office.clerk.tick) + self._surely(self.office.market.carrier.tick)
            if not busy and not purse.events:
                return recalls.recall(recall.id)
        raise AssertionError("it comes to no end")

    def _surely(self, what: Callable[[], Any]) -> Any:
        for _ in range(3):
            try:
                return what()
            except Died:
                self.office.market.clock.add(timedelta(seconds=3))
        raise AssertionError("it died once")


def released(life: Life) -> None:
    recall = life.opened()
    assert recall.state is RecallState.LISTED
    recall = life.decided(recall, lambda found, now: rules.release(found, SECOND, now))
    assert (recall.state, recall.tallies) == (RecallState.FINISHED, {LineState.REFUNDED: Tally(1, PRICE)})
    assert told(recall) == ["recall.opened", "recall.listed", "recall.released", "recall.finished"]
    assert [one.event for one in store.order(life.paid.id).history].count("recalled") == 1
    assert store.order(life.paid.id).state is State.CANCELLED
    assert (life.office.market.purse.kept, len(store.order(life.paid.id).refunds)) == (0, 1)


def withdrawn(life: Life) -> None:
    recall = life.opened()
    recall = life.decided(recall, lambda found, now: rules.withdraw(found, SECOND, "Mẫu kiểm lại đạt", now))
    assert (recall.state, recall.tallies) == (RecallState.LIFTED, {LineState.LIFTED: Tally(1, 0)})
    assert told(recall) == ["recall.opened", "recall.listed", "recall.withdrawn"]
    assert not store.order(life.paid.id).stops
    assert life.office.market.purse.kept == PRICE
    assert not life.office.lots.recalled


# Each takes every third place, so that none takes long.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("first", [1, 2, 3])
@pytest.mark.parametrize("ends", [released, withdrawn])
def test_a_recall_ends_alike_wherever_its_process_dies(
    ends: Callable[[Life], None], first: int, market: Market
) -> None:
    for at in range(first, DEATHS_MAX, 3):
        life = Life(Office.of(market))
        with pytest.MonkeyPatch.context() as patch:
            death = Death(patch, life.office, at)
            ends(life)
        market.purse.payments.clear()
        if death.chances < at:
            break
    else:
        raise AssertionError("it has more chances than were tried")
    assert at > 20, "it died in many places"
