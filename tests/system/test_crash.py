"""kill -9 of any one process during payments: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

from typing import Any

import pytest

from cli import chaos
from cli.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

# Every process of a stack; the parents of the forked ones last.
VICTIMS = (
    "valkey",
    "payments.serve",
    "gateway",
    "card-simulator",
    "oidc-simulator",
    "settlement.work",
    "payments.work",
    "secantusdb",
    "identity.serve",
    "settlement.serve",
    "onboarding.serve",
    "catalog.serve",
    "orders.serve",
    "orders.work",
    "identity.work",
    "onboarding.work",
    "catalog.work",
    "work",
    "serve",
)
COPY = "valkey-replica"


def test_kill_9_of_any_one_process_loses_nothing_and_doubles_nothing(stack: Stack, audited: Any) -> None:
    running = {process["name"] for process in stack.processes() if process["pid"]}
    victims = (*([COPY] if COPY in running else []), *VICTIMS)
    assert set(victims) == running
    with chaos.load(stack, seed=1) as people_pay:
        for victim in victims:
            stack.kill(victim)
            stack.wait_ready()
            people_pay.await_more(2 * chaos.PAYERS)
        assert len(people_pay.end()) >= len(victims) * 2 * chaos.PAYERS
    assert audited().moving == 0
