"""Identity's store on a real MongoDB-wire server, and its servicer behind a real gRPC channel."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

import grpc
import pytest
from cho.identity.v1 import identity_pb2_grpc

from kit import clock, crypto
from kit.config import settings
from kit.phones import normalise
from kit.rpc.threads import Server
from kit.sms import Courier
from services.identity import store
from services.identity.external.provider import Provider
from services.identity.server import servicers
from services.identity.user import User
from tests.conftest import opened

# Good PINs for tests: neither of them is refused as weak.
PIN, OTHER_PIN = "482917", "730594"
PHONE = "0912345678"
STAFF = {
    "usr_maker": "operator",
    "usr_checker": "operator",
    "usr_operator": "operator",
    "usr_team": "team",
    "usr_manager": "market_manager",
    "usr_auditor": "auditor",
}


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
    for document in store.DOCUMENTS:
        document.objects.delete()


@pytest.fixture(scope="session")
def hasher() -> store.Hasher:
    """argon2id at its cheapest: what is tested is what surrounds it."""
    return store.Hasher(memory_kib=8, passes=1)


@pytest.fixture
def moving_clock() -> Clock:
    """The servicer's clock."""
    return Clock()


class Messages:
    """The phone network: texts by receiver (+84 form)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.courier = Courier(lambda to, text: self.sent.append((to, text)))

    def newest_code(self, phone: str = PHONE) -> str:
        """The code in the newest text to this phone, once it is there."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            texts = [text for to, text in self.sent if to == normalise(phone)]
            if texts and (code := re.search(r"\b[0-9]{6}\b", texts[-1])):
                self.sent.clear()
                return code[0]
            time.sleep(0.005)
        raise AssertionError("no code came")


@pytest.fixture
def messages() -> Iterator[Messages]:
    """What is sent to phones."""
    made = Messages()
    yield made
    made.courier.close()


@pytest.fixture
def channel(database: None, hasher: store.Hasher, moving_clock: Clock, messages: Messages) -> Iterator[grpc.Channel]:
    """To a running identity service."""
    store.rotate_keys(clock.now())
    with closing(Provider(settings(), moving_clock)) as provider:
        server = Server("127.0.0.1:0", servicers(messages.courier, provider, hasher, moving_clock))
        with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            yield channel
        server.stop()


@pytest.fixture
def identity(channel: grpc.Channel) -> identity_pb2_grpc.IdentityServiceStub:
    """A client of its sign-in."""
    return identity_pb2_grpc.IdentityServiceStub(channel)


@pytest.fixture
def shopper(database: None, hasher: store.Hasher) -> User:
    """Somebody with PHONE and PIN."""
    return store.create_user(PHONE, PIN, "Nguyễn Thị Lan", ["shopper"], hasher=hasher)


@pytest.fixture
def staff(database: None) -> None:
    """Whom tests act as: identity looks up what they may do now. Nobody signs in as them."""
    for sub, role in STAFF.items():
        employ(sub, role)


def employ(sub: str, *roles: str) -> None:
    """Somebody who has these roles, and no PIN."""
    store.Person(
        id=sub, name="x", phone=crypto.encrypt(store.PHONE_FIELD, "+84900000000", sub), phone_index=sub, roles=roles,
        pin_hash="x", version=1, created_at=clock.now(),
    ).save(force_insert=True)  # fmt: skip


def claims(sub: str, *roles: str, **more: str) -> tuple[tuple[str, str], ...]:
    """Metadata as the gateway sends it after verifying a token."""
    return (
        ("x-cho-edge", settings().edge_secret),
        ("x-cho-sub", sub),
        ("x-cho-roles", ",".join(roles)),
        *((f"x-cho-{name}", value) for name, value in more.items()),
    )
