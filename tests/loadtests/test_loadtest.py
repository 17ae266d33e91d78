"""A short market day: it holds, and the money gate notices when it does not."""

from __future__ import annotations

import os
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.console import Console

from cli.api import Api
from cli.stack import Stack
from kit.config import settings
from loadtests import gate, headless, record
from loadtests.config import Config, loopback
from loadtests.record import Asked

USERS, SECONDS = 5, 5


@dataclass
class Played:
    """A day that was played, its stack still running."""

    stack: Stack
    api: Api
    run: headless.Run
    verdict: gate.Verdict
    record: dict[str, Asked]
    before: dict[str, int]

    def check(self, changed: dict[str, Asked]) -> gate.Verdict:
        """The gate's verdict on another record of the same day."""
        return gate.check(self.stack, self.api, changed, self.before)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("loadtest")
    env = dict(os.environ)
    with (
        Stack(
            folder / "stack", seed=True, env={"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000"}
        ) as stack,
        Api(stack.gateway_url) as api,
    ):
        run, verdict = headless.play(stack, api, folder, USERS, SECONDS, Console(quiet=True))
        told = record.read(folder / "record.jsonl")
        gate.resolve(api, told)
        before = {asked.wallet_id: headless.WALLET_VND for asked in told.values()}
        yield Played(stack, api, run, verdict, told, before)
    os.environ.clear()
    os.environ.update(env)
    settings.cache_clear()


@pytest.mark.system
def test_a_market_day_holds_to_the_dong(played: Played) -> None:
    assert played.run.status == 0
    assert not [row for row in played.run.stats if row["num_failures"]]
    assert played.verdict.findings == []
    assert played.verdict.holds
    assert played.verdict.payments > 0
    assert played.verdict.refused.keys() <= {"INSUFFICIENT_FUNDS"}


def a_payment(told: dict[str, Asked]) -> Asked:
    return next(asked for asked in told.values() if asked.outcome == "paid")


@pytest.mark.system
def test_an_unknown_outcome_is_asked_for(played: Played) -> None:
    changed = deepcopy(played.record)
    asked = a_payment(changed)
    paid, asked.outcome, asked.transfer_id = asked.transfer_id, "", ""
    verdict = played.check(changed)
    assert verdict.holds
    assert verdict.resolved == {"OUTCOME_DONE": 1}
    assert asked.transfer_id == paid


@pytest.mark.system
def test_a_payment_that_nobody_was_told_of_is_found(played: Played) -> None:
    changed = deepcopy(played.record)
    asked = changed.pop(a_payment(changed).key)
    verdict = played.check(changed)
    assert not verdict.holds
    assert f"{asked.transfer_id} is in the books, and nobody was told" in verdict.findings
    assert any(finding.startswith(f"{asked.wallet_id} went from") for finding in verdict.findings)


@pytest.mark.system
def test_a_payment_that_was_told_and_lost_is_found(played: Played) -> None:
    changed = deepcopy(played.record)
    asked = a_payment(changed)
    lost = Asked("no-such-key", asked.phone, asked.wallet_id, asked.merchant_id, 5_000, "paid", "pay_lost")
    changed[lost.key] = lost
    assert "pay_lost was acknowledged, and is not in the books" in played.check(changed).findings


@pytest.mark.system
def test_another_amount_than_was_told_is_found(played: Played) -> None:
    changed = deepcopy(played.record)
    a_payment(changed).amount += 1
    assert not played.check(changed).holds


def test_a_payment_without_an_answer_has_no_outcome(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    written = record.Record(file)
    for key in ("told", "cut off"):
        written.sent(Asked(key, "0977000000", "wal_1", "mer_1", 5_000))
    written.told("told", "paid", "pay_1")
    assert {key: asked.outcome for key, asked in record.read(file).items()} == {"told": "paid", "cut off": ""}


def test_one_key_with_two_payments_stops_the_count(tmp_path: Path) -> None:
    file = tmp_path / "record.jsonl"
    written = record.Record(file)
    for transfer_id in ("pay_1", "pay_2"):
        written.sent(Asked("key", "0977000000", "wal_1", "mer_1", 5_000))
        written.told("key", "paid", transfer_id)
    with pytest.raises(ValueError, match="pay_1"):
        record.read(file)


@pytest.mark.parametrize("url", ["http://10.0.0.1:8080", "https://cho.example.vn", "http://127.0.0.1.example.vn"])
def test_only_this_machine_is_ever_loaded(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        loopback(url)
    with pytest.raises(ValueError, match="loopback"):
        Config.of({"LOADTEST_HOST": url, "LOADTEST_DAY": "day", "LOADTEST_RECORD": "record"})
