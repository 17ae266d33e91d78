"""A seeded stack for the system tests, on free ports, with its own state; some start one of their own.

Two processes share the work (scripts/test.sh): one has every test of the API on one stack, the other those of the pages
on another, so that each stack's tests keep their order. Who is ready first goes on with those that start their own, a
file at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from cli import audit, people
from cli.api import Api
from cli.people import SeedPerson
from cli.stack import Stack
from kit import ports
from kit.config import settings
from kit.ids import new_key

# Files with stacks of their own, the longest first: what is taken last is short.
OWN = (
    "tests/system/test_chaos.py",
    "tests/system/test_trace.py",
    "tests/system/test_faults.py",
    "tests/loadtests/test_market_day.py",
    "tests/system/test_demo.py",
    "tests/system/test_fuzz.py",
    "tests/system/test_settlement_crash.py",
    "tests/system/test_failover.py",
    "tests/system/test_rebuild.py",
)
# Of a test that says no other: side by side with another stack, it may wait for several things for a minute each, and
# the first of its process for the stack's start.
TEST_S_MAX = 300
# On the session's stack: there is one a process.
API, PAGES = "the API's", "the pages'"


def _group(nodeid: str) -> str:
    """Tests of one group are run by one process, in order."""
    file, _, _ = nodeid.partition("::")
    if file in OWN:
        return file
    return PAGES if file.startswith("tests/system/web/") else API


class Stacks(LoadScopeScheduling):
    """Hands a whole group to a process, and the next one to who is ready for it."""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Stacks:
    return Stacks(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which groups are handed out: the session's stacks, which have most to do, then those of OWN.

    Each has TEST_S_MAX to end, unless it says another limit.
    Raises UsageError where a test of OWN wants the session's stack: its process would start a second one; and where a
    test that is here is not marked: `make test` would not run it.
    """
    here = Path(__file__).parent
    unmarked = [item.nodeid for item in items if here in item.path.parents and not item.get_closest_marker("system")]
    if unmarked:
        raise pytest.UsageError(f"not marked `system`: {unmarked}")
    for item in items:
        if here in item.path.parents and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(TEST_S_MAX))
    groups = (API, PAGES, *OWN)
    items.sort(key=lambda item: groups.index(_group(item.nodeid)))
    wrong = [item.nodeid for item in items if _group(item.nodeid) in OWN and "stack" in _wanted(item)]
    if wrong:
        raise pytest.UsageError(f"in a file with stacks of its own, and asks for the session's: {wrong}")


def _wanted(item: pytest.Item) -> list[str]:
    """Names of all fixtures that a test uses, directly or not."""
    return getattr(item, "fixturenames", [])


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    home: Path = tmp_path_factory.mktemp("stack")
    # No window closes by the clock in the middle of a test.
    env = {
        "CHO_RATE_SCALE": "100", "CHO_PAYMENTS_A_MINUTE": "1000000", "CHO_SETTLEMENT_SCHEDULE": "off",
        "CHO_OIDC_SIMULATOR_PORT": str(ports.take_any()), "CHO_METRICS_PORT": "21000",
    }  # fmt: skip
    with Stack(home, seed=True, env=env) as running:
        yield running


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[Api]:
    """The gateway, seen by nobody in particular."""
    with Api(stack.gateway_url) as nobody:
        yield nobody


# Less than a PIN is fresh for: what moves much money needs one that was entered in the last five minutes.
SIGNED_IN_S_MAX = 240


class SignedIn(dict[str, Api]):
    """Each signed in when first asked for, and again before the PIN is stale: the suite is longer than that."""

    def __init__(self, api: Api, persons: dict[str, SeedPerson]) -> None:
        super().__init__()
        self._api, self._persons, self._since = api, persons, dict[str, float]()

    def __getitem__(self, name: str) -> Api:
        now = time.monotonic()
        if now - self._since.get(name, -SIGNED_IN_S_MAX) >= SIGNED_IN_S_MAX:
            self[name], self._since[name] = self._api.sign_in(self._persons[name].phone, people.PIN), now
        return super().__getitem__(name)


@pytest.fixture(scope="session")
def people_(api: Api) -> dict[str, Api]:
    """Signed in: one of every kind."""
    persons = {
        "shopper": people.SHOPPERS[0],
        "stranger": people.SHOPPERS[1],
        "agent": people.AGENTS[0],
        "team": people.TEAM,
        "manager": people.MANAGER,
        "operator": people.OPERATOR,
        "officer": people.OFFICERS[0],
        "bank": people.OFFICERS[3],
        "auditor": people.AUDITOR,
        "vendor": next(iter(people.vendors().values())),
    }
    return SignedIn(api, persons)


@pytest.fixture(scope="session")
def wallet(people_: dict[str, Api]) -> str:
    """The shopper's wallet, with money in it."""
    wallet_id = people_["shopper"].get("/v1/me/accounts")["accounts"][0]["account_id"]
    people_["agent"].post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet_id, amount=50_000_000)
    return str(wallet_id)


@pytest.fixture(scope="session")
def merchant(people_: dict[str, Api]) -> dict[str, Any]:
    """A merchant of the vendor's."""
    return people_["vendor"].get("/v1/me/merchants")["merchants"][0]


@pytest.fixture
def audited(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it at the end of a test: the whole stack balances."""

    def run() -> audit.Audit:
        for name, value in stack.env.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        outcome = audit.run()
        settings.cache_clear()
        assert outcome.balanced, [check for check in outcome.checks if check.findings]
        return outcome

    return run
