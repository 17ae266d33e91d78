"""What a sign-in costs is its hash: `pytest -s` of this file prints the figures of docs/identity.md."""

from __future__ import annotations

import statistics
import time
from typing import Any
from unittest.mock import Mock

import pytest
from cho.identity.v1 import identity_pb2 as pb

from kit import clock
from services.identity import store
from services.identity.server.front import Front
from services.identity.server.sign_in import IdentityServicer
from services.identity.user import User
from tests.identity.conftest import PHONE, PIN

RUNS = 15


def cpu_ms(work: Any) -> float:
    """Median CPU ms of this thread for one call: database and client of it elsewhere."""
    taken = []
    for _ in range(RUNS):
        before = time.thread_time()
        work()
        taken.append((time.thread_time() - before) * 1000)
    return statistics.median(taken)


@pytest.mark.usefixtures("database")
def test_most_of_what_a_sign_in_costs_the_server_is_the_hash(shopper: User) -> None:
    store.rotate_keys(clock.now())
    account = store.account_by_id(shopper.user_id)
    assert account is not None
    hasher = store.Hasher()
    store.Person.objects(id=shopper.user_id).update_one(set__pin_hash=hasher.hash(PIN))
    servicer, call = IdentityServicer(Front(hasher)), Mock(metadata={})
    pin_hash = hasher.hash(PIN)
    whole = cpu_ms(lambda: servicer.SignIn(pb.SignInRequest(phone=PHONE, pin=PIN), call))
    hash_alone = cpu_ms(lambda: hasher.matches(pin_hash, PIN))
    print(f"\nsign-in {whole:.1f} ms CPU, of which argon2id {hash_alone:.1f} ms ({hash_alone / whole:.0%})")
    assert hash_alone > whole / 2
