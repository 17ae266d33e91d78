"""Onboarding's store on a real MongoDB-wire server, in a database of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from kit.ids import new_id, new_key
from services.onboarding import seed, store
from services.onboarding.merchant import Registration
from tests.conftest import opened

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
    store.ensure_market(MARKET)


@pytest.fixture
def registration() -> Registration:
    return Registration(
        request_id=new_key(),
        name="Rau sạch Cô Nga",
        market_id=MARKET.market_id,
        stall="A-12",
        owner_id=new_id("usr"),
        category_code="5411",
        bank_bin="970405",
        account_number=ACCOUNT_NUMBER,
        account_name="PHAM THI NGA",
    )


@pytest.fixture
def another(registration: Registration) -> Callable[[int], Registration]:
    """Registrations of their own at the same market, by number."""

    def made(number: int) -> Registration:
        return replace(
            registration,
            request_id=new_key(),
            stall=f"B-{number}",
            owner_id=new_id("usr"),
            account_number=f"00000000{number:04d}",
        )

    return made
