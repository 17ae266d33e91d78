"""The worker, as a process of its own: this one is not monkey-patched."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import redis
from cho.events.v1 import events_pb2

from services.identity import store
from services.identity.user import User

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


def test_the_worker_makes_the_first_key_and_publishes_who_was_created(
    shopper: User, valkey: str, mongo_uri: str
) -> None:
    environment = os.environ | {"REDIS_URL": valkey, "MONGODB_URI": mongo_uri}
    with (
        subprocess.Popen([sys.executable, "-c", _PROGRAM], env=environment) as worker,
        closing(redis.Redis.from_url(valkey)) as client,
    ):
        try:
            deadline = time.monotonic() + _START_S_MAX
            while not (client.xlen(store.STREAM) and store.load_ring()):
                assert worker.poll() is None, "the worker has ended"
                assert time.monotonic() < deadline
                time.sleep(0.05)
            worker.terminate()
            assert worker.wait(_START_S_MAX) == 0
        finally:
            worker.kill()
        entries: Any = client.xrange(store.STREAM)
    ((_, fields),) = entries
    said = events_pb2.UserCreated.FromString(fields[b"data"])
    assert (fields[b"type"], said.user_id, list(said.roles)) == (
        b"user.created",
        shopper.user_id,
        ["shopper"],
    )
    assert len(store.load_ring()) == 1
