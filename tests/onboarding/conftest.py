"""Onboarding's store on a real MongoDB-wire server, in a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import grpc
import pytest

from kit.ids import new_id, new_key
from kit.rpc.threads import Server
from services.onboarding import seed, server, store
from services.onboarding.form import Form
from tests.conftest import opened
from tests.onboarding.calls import Caller

MARKET = seed.markets()[0]
ACCOUNT_NUMBER = "0000QW9876543"


@pytest.fixture(scope="module")
def _database(mongo_uri: str) -> Iterator[None]:
    with opened(store.open_store, mongo_uri):
        yield


@pytest.fixture
def database(_database: None) -> None:
    """Connected, indexed, empty but for one market."""
    store.MerchantDocument.objects.delete()
    store.MarketDocument.objects.delete()
    store.DocumentRecord.objects.delete()
    store.EnterpriseDocument.objects.delete()
    store.RelationDocument.objects.delete()
    store.ensure_market(MARKET)


@pytest.fixture(scope="module")
def channel(_database: None) -> Iterator[grpc.Channel]:
    """A server of everything, and the way to it."""
    running = Server("127.0.0.1:0", server.servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as opened_channel:
        yield opened_channel
    running.stop()


@pytest.fixture
def manager(channel: grpc.Channel) -> Caller:
    return Caller(channel, new_id("usr"), "market_manager")


@pytest.fixture
def operator(channel: grpc.Channel) -> Caller:
    return Caller(channel, new_id("usr"), "operator")


@pytest.fixture
def vendor(channel: grpc.Channel, registration: Form) -> Caller:
    """The owner of the registration."""
    return Caller(channel, registration.owner_id, "vendor")


@pytest.fixture
def registration() -> Form:
    """A form that nothing is missing in."""
    return Form(
        request_id=new_key(),
        name="Rau sạch Cô Nga",
        market_id=MARKET.market_id,
        stall="A-12",
        owner_id=new_id("usr"),
        category_code="5411",
        bank_bin="970405",
        account_number=ACCOUNT_NUMBER,
        account_name="PHAM THI NGA",
        **seed.made_up_person(1, "Phạm Thị Nga", "0912345001"),
    )


@pytest.fixture
def another(registration: Form) -> Callable[[int], Form]:
    """Forms of other people at the same market, by number."""

    def made(number: int) -> Form:
        return replace(
            registration,
            request_id=new_key(),
            stall=f"B-{number}",
            owner_id=new_id("usr"),
            account_number=f"00000000{number:04d}",
            **seed.made_up_person(1_000 + number, f"Người bán số {number}", f"0913{number:06}"),
        )

    return made
