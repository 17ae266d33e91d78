"""The ledger's directory is lost, with no copy: it is rebuilt from the books, and the market goes on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli import audit, people
from cli.api import Api
from cli.layout import primary_home
from cli.stack import Stack
from kit.config import settings
from kit.engines import founded_mark
from kit.ids import new_key

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


@pytest.fixture
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A seeded stack that nobody else uses."""
    with Stack(
        tmp_path_factory.mktemp("own"), seed=True, env={"CHO_LEDGER_REPLICAS": "0", "CHO_SETTLEMENT_SCHEDULE": "off"}
    ) as running:
        yield running


def _cho(stack: Stack, *words: str) -> str:
    command = [str(Path(sys.executable).with_name("cho")), *words]
    env = {**os.environ, "CHO_HOME": str(stack.home)}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout


def _audited(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        for name, value in stack.env.items():
            patch.setenv(name, value)
        settings.cache_clear()
        outcome = audit.run()
    settings.cache_clear()
    assert outcome.balanced, [check for check in outcome.checks if check.findings]


def _lose(stack: Stack) -> None:
    """The ledger's machine burns down."""
    stack.hold("valkey", "the machine burns", kill=True)
    shutil.rmtree(primary_home(stack.home))


def _pay(api: Api, wallet: str, merchant: str, key: str = "") -> Any:
    return api.post(
        "/v1/payments", idempotency_key=key or new_key(), wallet_id=wallet, merchant_id=merchant, amount=7_000
    )["payment"]


def test_a_lost_ledger_is_rebuilt_from_the_books_and_people_pay_on(own: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    with Api(own.gateway_url) as api:
        shopper = api.sign_in(people.SHOPPERS[0].phone, people.PIN)
        vendor = api.sign_in(next(iter(people.vendors().values())).phone, people.PIN)
        wallet = shopper.get("/v1/me/accounts")["accounts"][0]["account_id"]
        merchant = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
        key = new_key()
        paid = [_pay(shopper, wallet, merchant, key), *(_pay(shopper, wallet, merchant) for _ in range(4))]
        _audited(own, monkeypatch)  # the books have all of it
        assert "is what the books say" in _cho(own, "ledger", "verify")

        # Whoever starts it empty gets no ledger of it ...
        _lose(own)
        founded_mark(primary_home(own.home)).unlink()
        own.release("valkey")
        own.wait_note("settlement.work", "the ledger is empty and the books hold")
        own.wait_ready("valkey")  # what has been ready is known to have held something
        # ... and by itself it does not start.
        _lose(own)
        own.release("valkey")
        assert "held a ledger before" in own.wait_note("valkey", "is empty")

        said = _cho(own, "ledger", "rebuild")
        assert "epoch 2" in said
        own.wait_ready()
        assert _pay(shopper, wallet, merchant, key) == paid[0], "the same key, the same answer"
        assert _pay(shopper, wallet, merchant)["seq"] > paid[-1]["seq"]
        refund = vendor.post(
            f"/v1/payments/{paid[1]['transfer_id']}/refunds", idempotency_key=new_key(), amount=7_000, reason="trả lại"
        )
        assert refund["refunded_total"] == "7000"
        _audited(own, monkeypatch)
        assert "is what the books say" in _cho(own, "ledger", "verify")
