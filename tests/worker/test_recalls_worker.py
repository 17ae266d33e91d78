"""What happens to recalls leaves their documents for orders' stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import redis
from cho.events.v1 import recalls_pb2

from kit.ids import new_key
from kit.streams.event import from_entry
from services.orders.recalls import recall as rules
from services.orders.recalls import store
from services.orders.recalls.documents import DOCUMENTS, OrdersRecall
from services.orders.recalls.worker import Recalls

pytestmark = [pytest.mark.worker, pytest.mark.usefixtures("database")]


def test_what_happens_to_a_recall_is_told_once_and_in_order(
    client: redis.Redis, start: Callable[[type], Any], until: Callable[[Callable[[], Any]], Any]
) -> None:
    for document in DOCUMENTS:
        document.ensure_indexes()
    recall = store.open_("usr_1", new_key(), "prd_1", "lot_1", "dư lượng thuốc")
    store.change(recall.id, lambda found, _: rules.listed(found))
    store.change(recall.id, lambda found, now: rules.release(found, "usr_2", now))
    start(Recalls)
    until(lambda: client.xlen("orders:events") >= 3)
    told = [from_entry(entry_id, fields) for entry_id, fields in client.xrange("orders:events")]
    assert [one.type for one in told] == ["recall.opened", "recall.listed", "recall.released"]
    last = recalls_pb2.RecallChanged.FromString(told[-1].data)
    assert (last.recall_id, last.lot_id, last.reason) == (recall.id, "lot_1", "dư lượng thuốc")
    assert (last.state, last.version) == ("released", 3)
    until(lambda: not OrdersRecall.objects(id=recall.id).get().outbox)
