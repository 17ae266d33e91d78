"""Gathers the evidence of a run, in the order in which it must be asked for, and has it tied."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import redis

from cli import audit, people
from cli.api import Api, ApiError
from cli.stack import Stack
from kit import mongo
from kit.config import settings
from loadtests.config import MarketDay
from loadtests.gate import announced, settled, tie
from loadtests.gate.evidence import Booked, Evidence, Stage
from loadtests.record import DONE, PAY, Asked, Told
from services.payments.store.keys import Keys
from services.settlement import store, trust

FINDINGS_MAX = 20
AT_ONCE = 4
# How long somebody is asked who says that nothing can be done now, s.
ANSWER_S_MAX, AGAIN_S = 60.0, 0.2
_SCAN = 1000


@dataclass
class Verdict:
    """`findings` is empty where everything ties; `found` counts all, also those that are not listed. Đồng."""

    payments: int = 0
    paid_vnd: int = 0
    cash_ins: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    resolved: Counter[str] = field(default_factory=Counter)
    caught_up: int = 0
    stages: list[Stage] = field(default_factory=list)
    window: int = 0
    audit: audit.Audit | None = None
    findings: list[str] = field(default_factory=list)
    found: int = 0

    @property
    def holds(self) -> bool:
        """Whether every đồng is where it must be."""
        return not self.found and self.audit is not None and self.audit.balanced and self.payments > 0


def accounts_of(day: MarketDay) -> list[str]:
    """Everybody whose balance the run may change."""
    own = [one.account_id for kind in (day.shoppers, day.agents, day.hostile) for one in kind]
    served = [customer for agent in day.agents for customer in agent.customers]
    return [*own, *served, *(stall.merchant_id for stall in day.stalls)]


def telecoms_of(day: MarketDay) -> dict[str, str]:
    """Wallet to telecom."""
    return {one.account_id: one.institution for one in (*day.shoppers, *day.hostile)}


def balances(api: Api, account_ids: Iterable[str]) -> dict[str, int]:
    """What accounts hold, đồng, as an operator is told. Raises ApiError."""
    operator, wanted = api.sign_in(people.OPERATOR.phone, people.PIN), list(account_ids)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(lambda a: _balance(operator, a), wanted), strict=True))


def _balance(operator: Api, account_id: str) -> int:
    reply = _answered(lambda: operator.get(f"/v1/accounts/{account_id}"))
    return int(reply["account"]["balance"])


def _answered(ask: Callable[[], dict[str, Any]], seconds: float = ANSWER_S_MAX) -> dict[str, Any]:
    """The answer, once there is one: a ledger that was killed at the end of its day is being checked against the books,
    and says so. Raises ApiError.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return ask()
        except ApiError as error:
            if error.status != 503 or time.monotonic() > deadline:
                raise
        time.sleep(AGAIN_S)


def resolve(api: Api, told: Told) -> Counter[str]:
    """Asks for the outcome of what was under way when it ended; counts by outcome. Raises ApiError."""
    outcomes: Counter[str] = Counter()
    signed_in: dict[str, Api] = {}
    for asked in told.asked.values():
        if asked.outcome:
            continue
        if asked.phone not in signed_in:
            signed_in[asked.phone] = api.sign_in(asked.phone, people.PIN)
        who, wanted = signed_in[asked.phone], {"kind": asked.kind, "idempotency_key": asked.key}
        reply = _answered(partial(who.post, "/v1/resolve", **wanted))
        _settle_outcome(asked, reply)
        outcomes[reply["outcome"]] += 1
    return outcomes


def _settle_outcome(asked: Asked, reply: dict[str, Any]) -> None:
    if reply["outcome"] == "OUTCOME_DONE":
        asked.outcome, asked.transfer_id = DONE, reply["transfer_id"]
    else:
        asked.outcome = reply["code"] or reply["outcome"]


def check(
    stack: Stack, api: Api, day: MarketDay, told: Told, before: dict[str, int], since: int
) -> tuple[Verdict, Evidence]:
    """The verdict on a run, and what it rests on. `since`: the ledger's last event before it.

    Balances are read before the window is closed: its payouts empty the stalls. Raises ApiError, NotSettled.
    """
    refused = Counter(asked.outcome for asked in told.asked.values() if asked.outcome not in ("", DONE))
    resolved = resolve(api, told)
    caught_up = announced.catch_up(api, day, told)
    after = balances(api, before)
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    window = settled.close(operator)
    netted = settled.positions(operator, window)
    institutions = [line["institution"] for line in netted["positions"]]
    home = stack.settings().home
    jwks = trust.public_keys(trust.signing_key(stack.settings().own_secret("settlement_signing_secret")))
    os.environ.update(stack.env)
    settings.cache_clear()
    audited = audit.run()  # waits until the books have everything
    booked, twice = journaled(since, audited.seq)
    evidence = Evidence(
        told=told, booked=booked, twice=twice, before=before, after=after, telecoms=telecoms_of(day),
        hot=hot_payments(since), reports=settled.read_reports(home, window, institutions),
        positions=settled.lines(netted), window=window, window_payments=int(netted["window"]["payments"]),
        window_value=int(netted["window"]["value"]), packs=settled.check_packs(home, institutions, jwks),
    )  # fmt: skip
    evidence.packs += netted["findings"]
    verdict = judge(evidence)
    verdict.refused, verdict.resolved, verdict.caught_up, verdict.audit = refused, resolved, caught_up, audited
    return verdict, evidence


def judge(evidence: Evidence) -> Verdict:
    """What the evidence comes to; the audit is not in it. Pure."""
    paid, found = tie.done(evidence, PAY), tie.findings(evidence)
    return Verdict(
        payments=len(paid), paid_vnd=sum(asked.amount for asked in paid),
        cash_ins=sum(1 for asked in evidence.told.asked.values() if asked.outcome == DONE) - len(paid),
        stages=tie.stages(evidence), window=evidence.window, findings=found[:FINDINGS_MAX], found=len(found),
    )  # fmt: skip


def journaled(since: int, seq: int) -> tuple[dict[str, Booked], list[Booked]]:
    """Keyed payments and cash-ins that the books hold, by key; and what came under a key that had one already. The
    stack is the run's own: nobody else pays.
    """
    booked: dict[str, Booked] = {}
    twice: list[Booked] = []
    mongo.connect("settlement")
    try:
        for event in store.events(since + 1, seq):
            if event.op not in tie.OPS.values() or not event.keyed:
                continue
            key = event.scope.rpartition("|")[2]
            one = Booked(
                event.seq, event.op, event.result, key, event.transfer_id, int(event.amount or 0), int(event.fee or 0)
            )
            if booked.setdefault(key, one) is not one:
                twice.append(one)
    finally:
        mongo.disconnect()
    return booked, twice


def hot_payments(since: int) -> dict[str, int]:
    """Payments of the hot ledger behind an event: id to amount."""
    k = Keys(settings().cell)
    ledger, found, cursor = redis.Redis.from_url(settings().ledger_url, decode_responses=True, protocol=2), {}, 0
    prefix = len(k.transfer(""))
    try:
        while True:
            reply: Any = ledger.scan(cursor, match=k.transfer("pay_*"), count=_SCAN)
            cursor, names = reply
            with ledger.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hmget(name, "a", "q")
                for name, (amount, seq) in zip(names, pipe.execute() if names else (), strict=True):
                    if int(seq) > since:
                        found[name[prefix:]] = int(amount)
            if cursor == 0:
                return found
    finally:
        ledger.close()
