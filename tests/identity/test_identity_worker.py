"""The worker, as a process of its own: this one is not monkey-patched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import redis
from cho.events.v1 import events_pb2

from kit import clock, crypto
from kit.streams.event import Event
from services.identity import store
from services.identity.user import User
from tests.identity.conftest import PHONE, PIN

_START_S_MAX = 60

_PROGRAM = """
import kit.streams.patch
import sys
from kit import mongo
from kit.streams.runner import run
from services.identity.worker import SERVICES
assert "grpc" not in sys.modules, "grpc hangs in a monkey-patched process"
mongo.connect("identity")
run(SERVICES, "identity.work")
"""


def test_the_worker_makes_the_first_key_and_tells_of_who_was_created_and_who_was_there_before(
    shopper: User, valkey: str, mongo_uri: str, hasher: store.Hasher
) -> None:
    before = store.create_user("0987654321", PIN, "Trần Văn Bình", ["vendor"], hasher=hasher)
    store.Person.objects(id=before.user_id).update_one(unset__version=1, unset__outbox=1)
    environment = os.environ | {"REDIS_URL": valkey, "MONGODB_URI": mongo_uri}
    with (
        subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment) as worker,
        closing(redis.Redis.from_url(valkey)) as client,
    ):
        try:
            deadline = time.monotonic() + _START_S_MAX
            while not (client.xlen(store.STREAM) == 2 and store.load_ring()):
                assert worker.poll() is None, "the worker has ended"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            worker.terminate()
            assert worker.wait(_START_S_MAX) == 0
        finally:
            worker.kill()
        entries: Any = client.xrange(store.STREAM)
    told = {fields[b"type"]: fields[b"data"] for _, fields in entries}
    created = events_pb2.UserCreated.FromString(told[b"user.created"])
    changed = events_pb2.UserChanged.FromString(told[b"user.changed"])
    assert (created.user_id, list(created.roles)) == (shopper.user_id, ["shopper"])
    assert (created.phone_index, created.display_name) == (crypto.phone_index(PHONE), "Nguyễn T** L**")
    assert (changed.user_id, changed.phone_index) == (before.user_id, crypto.phone_index("0987654321"))
    assert len(store.load_ring()) == 1


def test_the_worker_tells_the_buyer_of_what_is_recalled(
    shopper: User, valkey: str, mongo_uri: str, tmp_path: Path
) -> None:
    changed = events_pb2.OrderChanged(order_id="ord_1", code="7HX2K9QD", buyer_id=shopper.user_id, reason="thu hồi")
    event = Event("evt_1", "order.recalled", "orders", "ord_1", clock.now(), "", changed.SerializeToString())
    environment = os.environ | {"REDIS_URL": valkey, "MONGODB_URI": mongo_uri, "CHO_HOME": str(tmp_path)}
    with (
        closing(redis.Redis.from_url(valkey)) as client,
        subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment) as worker,
    ):
        client.xadd("orders:events", event.fields())
        try:
            deadline = time.monotonic() + _START_S_MAX
            while not (tmp_path / "sms.jsonl").exists():
                assert worker.poll() is None, "the worker has ended"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            worker.terminate()
            assert worker.wait(_START_S_MAX) == 0
        finally:
            worker.kill()
    (line,) = (tmp_path / "sms.jsonl").read_text().splitlines()
    assert "7HX2K9QD" in json.loads(line)["text"]
