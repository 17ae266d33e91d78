"""A short market day with every kind of trouble: no đồng is lost, doubled or unexplained; longer by `make chaos`."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from rich.console import Console

from cli.api import Api
from kit.config import settings
from loadtests import headless
from loadtests.config import Config, day_of_peak
from loadtests.faults.trouble import KINDS
from loadtests.gate import tie

USERS, SECONDS = 6, 9


@pytest.mark.system
@pytest.mark.timeout(300)
def test_a_market_day_with_kills_pauses_and_a_bad_network_holds_to_the_dong(tmp_path: Path) -> None:
    env, seed = dict(os.environ), random.randrange(1, 1 << 31)
    plan = Config(
        "", tmp_path / "people.json", tmp_path / "record", "steady", SECONDS, USERS, day=day_of_peak(2027), trouble=True
    )
    try:
        with (
            headless.troubled_stack(tmp_path / "stack", KINDS) as (stack, ledger),
            Api(stack.gateway_url) as api,
        ):
            played = headless.play(stack, api, plan, Console(quiet=True), headless.Plan(KINDS, seed, ledger))
    finally:
        os.environ.clear()
        os.environ.update(env)
        settings.cache_clear()

    told = f"python -m loadtests.headless --faults all --seed {seed}; done: {dict(played.faults)}"
    assert played.verdict.findings == [], told
    assert tie.losses(played.evidence) == {"lost": 0, "doubled": 0, "drift_vnd": 0}, told
    failed = [error for error in played.told.errors if "reconnects after" not in error[2]]
    assert played.unmet == [], f"{told}; {failed}"
    assert headless.status(played) == 0
    assert len(played.faults) >= 2, told
    assert played.verdict.payments > 10, told
