"""Random days at the market, in which the ledger is lost now and then and rebuilt from its events: each key is the one
that was lost, and every answer afterwards is the model's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from cho.events.v1.intent_pb2 import Intent
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from kit.ids import new_id
from services.payments.store.ledger import Order
from services.payments.store.rebuild.replay import PROPOSAL_MS
from tests.payments import rebuilding
from tests.payments.model import Answer
from tests.payments.test_ledger_rules import KEYS
from tests.payments.test_model import Days, N


class LostDays(Days):
    """`Days`, with callers and intents as payments' server has them; `beside`: another server, rebuilt into first."""

    def __init__(self, url: str, beside: str, patch: pytest.MonkeyPatch) -> None:
        self.url, self.beside = url, beside
        self.rebuilds = 0
        super().__init__(url, patch)

    def put_merchant(self, number: int, state: str, category: str) -> None:
        merchant, owner, index = self.merchants[number], f"usr_{number}", f"idx{number}{self.version % 3}"
        bank, name = f"97043{number}", f"Bà Lan {self.version}"
        intent = Intent(
            caller_id="service:onboarding", name=name, market_name="Chợ", stall="A", bank_bin=bank,
            category_code=category, merchant_version=self.version, account_index=index,
        )  # fmt: skip
        keys = [KEYS.meta, KEYS.stream, KEYS.account(merchant), KEYS.bank_account(index), KEYS.owner(owner)]
        told = (merchant, owner, state, self.version, bank, category, name, "Chợ", "A", "s", intent.SerializeToString())
        assert self.run(self.ledger._call(rebuilding.function("merchant"), keys, *told))[0] == "OK"

    def send(self, order: Order, told: dict[str, Any]) -> Answer:
        guard, intent = order.guard, Intent(caller_id=order.caller, reference="HD", note="cá")
        if guard == "request":
            intent.reference = told["key"][1]
        elif guard == "code":
            order = order._replace(caller=self.model.accounts[order.legs[1].account_id].owner)
        elif guard == "proposal":
            order = order._replace(caller=order.guard_value or order.caller)
            intent.reason = f"vì {told['key']}"
        return super().send(order._replace(intent=intent), told)

    @rule(which=N)
    def propose(self, which: int) -> None:
        found = self.found(which, *{t.op for t in self.model.transfers.values()})
        if not found:
            return
        proposal, until = new_id("prp"), self.model.now + PROPOSAL_MS
        reason = f"vì {proposal}"
        self.ask_both(
            self.ledger.propose(
                proposal, "reverse", found[0], "usr_one", until, reason, Intent(caller_id="usr_one", reason=reason)
            ),
            self.model.propose(proposal, found[0], "usr_one", until),
        )

    @rule()
    def lost(self) -> None:
        for given_up in self.rebuilt_beside():
            self.model.codes[given_up].state = "used"
        events = rebuilding.events_of(self.url)
        rebuilding.forget(self.url)
        self.rebuilds += 1
        rebuilding.rebuild(self.url, events, epoch=self.rebuilds + 1)
        self.model.seq += 1  # the promotion
        rebuilding.open_gate(self.url)

    def rebuilt_beside(self) -> list[str]:
        """The rebuilt ledger is the running one, key by key; the codes that it gave up because no event says which of
        several was used (docs/rebuild.md)."""
        rebuilding.forget(self.beside)
        rebuilding.rebuild(self.beside, rebuilding.events_of(self.url))
        found = rebuilding.compared(self.url, self.beside)
        wrong = [d for d in found if not d.untold]
        assert wrong == [], wrong
        return [d.key.removeprefix(KEYS.code("")) for d in found if d.key.startswith(KEYS.code(""))]

    def teardown(self) -> None:
        self.rebuilt_beside()
        super().teardown()


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with rebuilding.server(tmp_path_factory.mktemp("beside")) as url:
        yield url


def test_a_ledger_rebuilt_from_its_events_is_the_one_that_was_lost_and_goes_on_like_it(
    valkey: str, beside: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_state_machine_as_test(
        lambda: LostDays(valkey, beside, monkeypatch),
        settings=settings(
            max_examples=int(os.environ.get("N", "6")),
            stateful_step_count=60,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
