"""The worker as a process of its own: what is decided reaches the stream."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest
import redis
from cho.events.v1 import events_pb2

from kit.ids import new_id
from services.onboarding import store
from services.onboarding.form import Form
from services.onboarding.merchant import Action

PROGRAM = """
import kit.streams.patch
import sys
from kit.streams.runner import run
from services.onboarding import store
from services.onboarding.worker import SERVICES
assert "grpc" not in sys.modules, "a worker never imports grpc"
store.open_store()
run(SERVICES, "onboarding.work")
"""
STOP_S_MAX = 10
WAIT_S_MAX = 60


@pytest.mark.usefixtures("database")
def test_decisions_reach_the_stream_in_order_and_leave_the_document(
    registration: Form, mongo_uri: str, valkey: str
) -> None:
    operator = new_id("usr")
    merchant = store.ensure_merchant(registration, registered_by=new_id("usr"), approved_by=new_id("usr"))
    store.decide(merchant.merchant_id, Action.SUSPEND, operator, "bán hàng giả")
    environment = os.environ | {"REDIS_URL": valkey, "MONGODB_URI": mongo_uri}
    worker = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment)
    try:
        with closing(redis.Redis.from_url(valkey, protocol=2)) as client:
            entries = [_next(client, "0")]
            for _ in range(2):
                entries.append(_next(client, entries[-1][0]))
            # What happens while the worker runs is told too.
            store.decide(merchant.merchant_id, Action.REINSTATE, operator, "đã khắc phục")
            entries.append(_next(client, entries[-1][0]))
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(STOP_S_MAX)
    facts = [events_pb2.MerchantChanged.FromString(fields[b"data"]) for _, fields in entries]
    assert worker.returncode == 0
    assert [fields[b"type"] for _, fields in entries] == [
        b"merchant.submitted",
        b"merchant.activated",
        b"merchant.suspended",
        b"merchant.reinstated",
    ]
    assert {(fields[b"source"], fields[b"subject"].decode()) for _, fields in entries} == {
        (b"onboarding", merchant.merchant_id)
    }
    assert [fact.version for fact in facts] == [1, 2, 3, 4]
    assert not store.MerchantDocument.objects(id=merchant.merchant_id).get().outbox


def _next(client: redis.Redis, after: str | bytes) -> tuple[bytes, dict[bytes, bytes]]:
    """A merchant's first entry behind `after`, waited for; a worker takes seconds to start on a busy machine.

    What other tests left to be published in the same database is passed over.
    """
    for _ in range(WAIT_S_MAX):
        reply: Any = client.xread({store.STREAM: after}, count=100, block=1_000)
        for entry in reply[0][1] if reply else ():
            if entry[1][b"type"].startswith(b"merchant."):
                return entry
            after = entry[0]
    raise AssertionError(f"nothing was published within {WAIT_S_MAX} s")
