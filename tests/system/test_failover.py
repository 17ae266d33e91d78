"""The ledger's runbook on a stack that has a copy: what is lost, what dies in the middle, what is put right."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import control, failover, people
from cli.api import Api
from cli.layout import COPY, copy_home, primary_home
from cli.stack import Stack
from kit import standing
from kit.config import settings
from kit.engines import has_data
from kit.ids import new_key

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
# What the commands say meanwhile.
HEARD: list[str] = []


class Died(BaseException):
    """kill -9 of the command."""


class Market:
    """Somebody who pays a stall, and remembers what was answered."""

    def __init__(self, api: Api) -> None:
        self._shopper = api.sign_in(people.SHOPPERS[0].phone, people.PIN)
        vendor = api.sign_in(next(iter(people.vendors().values())).phone, people.PIN)
        self._body = {
            "wallet_id": self._shopper.get("/v1/me/accounts")["accounts"][0]["account_id"],
            "merchant_id": vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"],
            "amount": 7_000,
        }
        self._answered: dict[str, Any] = {}

    def pay(self) -> None:
        """Pays once more, and sees that every payment that was answered is answered the same again."""
        key = new_key()
        self._answered[key] = self._pay(key)
        assert {key: self._pay(key) for key in self._answered} == self._answered

    def _pay(self, key: str) -> Any:
        return self._shopper.post("/v1/payments", idempotency_key=key, **self._body)["payment"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A seeded stack whose ledger has a copy; this process's settings point at it."""
    env = {"CHO_LEDGER_REPLICAS": "1", "CHO_SETTLEMENT_SCHEDULE": "off"}
    with Stack(tmp_path_factory.mktemp("pair"), seed=True, env=env) as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.env.items():
            patch.setenv(name, value)
        settings.cache_clear()
        yield running
    settings.cache_clear()


@pytest.fixture(scope="module")
def market(pair: Stack) -> Iterator[Market]:
    with Api(pair.gateway_url) as api:
        yield Market(api)


def test_a_copy_is_made_anew_while_people_pay(pair: Stack, market: Market) -> None:
    market.pay()
    for _ in range(3):
        failover.reattach(pair.home, HEARD.append)
        market.pay()
    pair.wait_ready()
    assert len(failover._aside(copy_home(pair.home))) == 1


def test_where_the_primarys_directory_is_lost_a_copy_that_was_given_up_is_promoted_and_not_made_anew(
    pair: Stack, market: Market
) -> None:
    market.pay()
    pair.hold(failover.PRIMARY, "the machine burns", kill=True)
    shutil.rmtree(primary_home(pair.home))
    pair.release(failover.PRIMARY)
    pair.wait_note(failover.PRIMARY, "held a ledger before")
    pair.hold(COPY, "not ready after 600 s")
    with pytest.raises(failover.Refused, match="cho failover"):
        failover.reattach(pair.home, HEARD.append)
    assert has_data(copy_home(pair.home))
    failover.promote(pair.home, HEARD.append)
    pair.wait_ready()
    market.pay()


@pytest.mark.parametrize("dies_at", [("hold", COPY), "standing", ("release", failover.PRIMARY), ("release", COPY)])
def test_a_failover_that_died_is_finished_by_the_next_one_and_has_every_payment(
    dies_at: object, pair: Stack, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.pay()
    ask, write, seen = control.ask, standing.write, []

    def die(*_: object) -> None:
        raise Died

    def ask_or_die(home: Path, do: str, name: str, **more: Any) -> None:
        seen.append((do, name))
        if seen[1:] and (do, name) == dies_at:  # the first of all releases the copy that it is about to ask
            die()
        ask(home, do, name, **more)

    with monkeypatch.context() as patch:
        patch.setattr(control, "ask", ask_or_die)
        patch.setattr(standing, "write", die if dies_at == "standing" else write)
        with pytest.raises(Died):
            failover.promote(pair.home, HEARD.append)
    failover.promote(pair.home, HEARD.append)
    pair.wait_ready()
    market.pay()
    assert len(failover._aside(primary_home(pair.home))) == 1


def test_people_pay_without_the_copy_only_until_that_is_ended(pair: Stack, market: Market) -> None:
    failover.lower(pair.home, HEARD.append)
    market.pay()
    for _ in range(2):
        failover.raise_again(pair.home, HEARD.append)
        pair.wait_ready()
        market.pay()
    assert standing.read(pair.home).replicas == 1
