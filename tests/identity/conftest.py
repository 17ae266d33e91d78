"""Identity's store on a real MongoDB-wire server, and its servicer behind a real gRPC channel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import grpc
import pytest
from cho.identity.v1 import identity_pb2 as pb
from cho.identity.v1 import identity_pb2_grpc

from kit import clock
from kit.config import settings
from kit.rpc.threads import Server
from services.identity import store
from services.identity.server import IdentityServicer
from services.identity.user import User
from tests.conftest import opened

# Good PINs for tests: neither of them is refused as weak.
PIN, OTHER_PIN = "482917", "730594"
PHONE = "0912345678"

_COLLECTIONS = (store.Person, store.Session, store.KnownDevice, store.Guess, store.KeyRing)


class Clock:
    """Real time, moved by hand."""

    def __init__(self) -> None:
        self.moved = timedelta()

    def __call__(self) -> datetime:
        return clock.now() + self.moved


@pytest.fixture(scope="module")
def _connected(mongo_uri: str) -> Iterator[None]:
    with opened(store.open_store, mongo_uri):
        yield


@pytest.fixture
def database(_connected: None) -> None:
    """Identity's own database, connected and empty."""
    for document in _COLLECTIONS:
        document.objects.delete()


@pytest.fixture(scope="session")
def hasher() -> store.Hasher:
    """argon2id at its cheapest: what is tested is what surrounds it."""
    return store.Hasher(memory_kib=8, passes=1)


@pytest.fixture
def moving_clock() -> Clock:
    """The servicer's clock."""
    return Clock()


@pytest.fixture
def identity(
    database: None, hasher: store.Hasher, moving_clock: Clock
) -> Iterator[identity_pb2_grpc.IdentityServiceStub]:
    """A client of a running identity service."""
    store.rotate_keys(clock.now())
    servicer = IdentityServicer(hasher, moving_clock)
    server = Server("127.0.0.1:0", [(pb.DESCRIPTOR.services_by_name["IdentityService"], servicer)])
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield identity_pb2_grpc.IdentityServiceStub(channel)
    server.stop()


@pytest.fixture
def shopper(database: None, hasher: store.Hasher) -> User:
    """Somebody with PHONE and PIN."""
    return store.create_user(PHONE, PIN, "Nguyễn Thị Lan", ["shopper"], hasher=hasher)


def claims(sub: str, *roles: str, **more: str) -> tuple[tuple[str, str], ...]:
    """Metadata as the gateway sends it after verifying a token."""
    return (
        ("x-cho-edge", settings().edge_secret),
        ("x-cho-sub", sub),
        ("x-cho-roles", ",".join(roles)),
        *((f"x-cho-{name}", value) for name, value in more.items()),
    )
