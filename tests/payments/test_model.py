"""Random days at the market: the ledger beside its model, every answer and every balance compared at every step."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from kit.errors import DomainError
from kit.ids import new_id
from services.payments import limits, transfer
from services.payments.limits import CLASSES, FOR_EVER_MS, PAYMENTS, LimitRule
from services.payments.store import ledger as typed
from services.payments.store.ledger import Order, Posted
from services.settlement import fold, positions
from tests.payments.acts import CARDS
from tests.payments.conftest import OPERATOR
from tests.payments.model import DAY_MS, HOUR_MS, MINUTE_MS, Account, Answer, Model, Told, Transfer
from tests.payments.test_ledger_rules import KEYS, key_made_at, stream, watched_bench

START_MS = 1_929_999_600_000  # 2031-02-28T06:00+07:00: the next days are another month
RULES = (
    LimitRule("tx", 0, FOR_EVER_MS, "tx", PAYMENTS, 700_000, ""),
    LimitRule("month", 0, FOR_EVER_MS, "month", ("pay", "transfer"), 1_500_000, ""),
    LimitRule("essential", 0, FOR_EVER_MS, "month", ("bill",), 600_000, ""),
    LimitRule("day", 0, FOR_EVER_MS, "day", CLASSES, 2_000_000, ""),
    LimitRule("minute", 0, FOR_EVER_MS, "minute", PAYMENTS, 5, ""),
    LimitRule("small", 0, FOR_EVER_MS, "small", PAYMENTS, 4, "", 1_000),
    LimitRule("device", 0, FOR_EVER_MS, "device", PAYMENTS, 300_000, "", DAY_MS, "hold"),
    LimitRule("age", 0, FOR_EVER_MS, "age", ("refund",), 30 * DAY_MS, ""),
)
A, B = TELECOMS = ("VIETTEL", "VNPT")

EDGES = st.sampled_from([1, 2, 999, 1_000, 1_001, 300_000, 300_001, 600_000, 700_000, 700_001, 10**12])
AMOUNTS = st.one_of(EDGES, st.integers(1, 100_000), st.integers(100_000, 800_000))
FEES = st.sampled_from([0, 0, 1, 140])
N = st.integers(0, 11)  # one of few: which of the wallets, payments, holds
OWNERS = st.sampled_from(["own", "own", "own", "operator", "stranger"])
LIVES = st.sampled_from([MINUTE_MS, HOUR_MS, DAY_MS, 20 * DAY_MS])


class Days(RuleBasedStateMachine):
    """Each rule asks the ledger and then the model. `url`: a Valkey to empty."""

    def __init__(self, url: str, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        with redis.Redis.from_url(url) as admin:
            admin.flushall()
        self._bench = watched_bench(url)
        self.bench = self.run(self._bench.__aenter__())
        self.ledger = self.bench.ledger
        self.run(self.ledger.found([], limits.encode(RULES)))
        patch.setattr(typed, "now_ms", lambda: self.model.now)
        self.model = Model(RULES)
        self.admin = redis.Redis.from_url(url, decode_responses=True)
        self.orders: list[tuple[Order, dict[str, Any]]] = []
        self.version = 1
        self.people()

    def run(self, call: Awaitable[Any]) -> Any:
        async def wait() -> Any:
            return await call

        return self.runner.run(wait())

    # What is there before the first step

    def people(self) -> None:
        for telecom in TELECOMS:
            for kind in ("trust", "reserve", "clearing", "settlement"):
                self.model.accounts[f"{kind}:{telecom}"] = Account(kind, telecom)
        self.model.accounts[transfer.PLATFORM_FEE] = Account("fee")
        self.model.accounts[transfer.psp(CARDS)] = Account("psp", owner=CARDS)
        self.wallets = [
            self.open("wallet", telecom, owner)
            for telecom, owner in ((A, "usr_0"), (A, "usr_1"), (B, "usr_0"), (B, "usr_2"))
        ]
        self.agents = [self.open("agent", telecom, f"usr_{telecom}") for telecom in TELECOMS]
        self.orgs = [self.open("org", A, "usr_o")]
        self.debts = [self.open("receivable", "", f"usr_{n}") for n in range(3)]
        self.merchants = [new_id("mer") for _ in range(2)]
        for number, category in ((0, "5999"), (1, limits.ESSENTIAL[0])):
            self.model.accounts[self.merchants[number]] = Account(
                "merchant", owner=f"usr_{number}", essential=number == 1
            )
            self.put_merchant(number, "open", category)
        self.model.seq = int(self.admin.hget(KEYS.meta, "seq"))
        self.passes(START_MS)
        for telecom, agent in zip(TELECOMS, self.agents, strict=True):
            self.post("fund", transfer.fund(telecom, agent, 4_000_000), transfer.trust(telecom), agent, 4_000_000)
            self.post("fund", transfer.fund(telecom, transfer.reserve(telecom), 500_000), transfer.trust(telecom),
                      transfer.reserve(telecom), 500_000)  # fmt: skip
        for number, wallet in enumerate(self.wallets):
            agent = self.agents[number // 2]
            self.post("cash_in", transfer.cash_in(agent, wallet, 1_000_000), agent, wallet, 1_000_000)

    def open(self, kind: str, telecom: str, owner: str) -> str:
        prefix = {"wallet": "wal", "agent": "agt", "org": "org", "receivable": "rcv"}[kind]
        account_id = self.run(self.ledger.open(new_id(prefix), kind, telecom, owner, OPERATOR))
        self.model.accounts[account_id] = Account(kind, telecom, owner)
        return str(account_id)

    def put_merchant(self, number: int, state: str, category: str) -> None:
        merchant, owner = self.merchants[number], f"usr_{number}"
        keys = [KEYS.meta, KEYS.stream, KEYS.account(merchant), KEYS.bank_account(merchant), KEYS.owner(owner)]
        args = (merchant, owner, state, self.version, f"97043{number}", category, "Bà Lan", "Chợ", "A", "scope", b"")
        assert self.run(self.ledger._call("merchant_v3", keys, *args))[0] == "OK"

    def passes(self, ms: int) -> None:
        self.model.now += ms
        self.bench.arm(clock_ms=self.model.now)

    # Asking both

    def ask_both(self, call: Awaitable[Any], expected: str) -> None:
        try:
            self.run(call)
            code = "OK"
        except DomainError as error:
            code = error.code
        assert code == expected

    def post(
        self, op: str, legs: list[transfer.Leg], source: str, target: str, amount: int, fee: int = 0, **story: Any
    ) -> Answer:
        order = Order(
            op=op, caller="usr", key=key_made_at(self.model.now), body_hash="h", amount=amount, fee=fee, legs=legs,
            owner=story.get("owner", ""), related=story.get("related", ""), refunded_before=story.get("before"),
            guard=story.pop("with_", story.get("guard", "")), guard_key=story.pop("guard_key", ""),
            guard_value=story.get("value", ""), expires_ms=story.get("expires", 0), device_at_ms=story.get("device", 0),
        )  # fmt: skip
        told = {"op": op, "source": source, "target": target, "amount": amount, "fee": fee, **story}
        self.orders.append((order, told))
        return self.send(order, told)

    def send(self, order: Order, told: dict[str, Any]) -> Answer:
        transfer_id, answer = "", ""
        try:
            posted: Posted = self.run(self.ledger.post(order))
        except DomainError as error:
            answer = error.code
        else:
            transfer_id = posted.transfer_id
            answer = Told(
                "HELD" if posted.held_by else "OK", posted.at_ms, posted.seq, posted.window, posted.first_balance,
                posted.second_balance, posted.fee, posted.refunded, posted.verdict, posted.asked, posted.held_by,
            )  # fmt: skip
        scope = typed.scope_of(order.caller, order.op, order.key)
        expected = self.model.post(scope, order.body_hash, transfer_id, **told)
        assert answer == expected, told
        return answer

    def owner(self, who: str, account_id: str) -> str:
        return {"own": self.model.accounts[account_id].owner, "operator": "", "stranger": "usr_stranger"}[who]

    def found(self, number: int, *ops: str, state: str = "") -> tuple[str, Transfer] | None:
        """One of the transfers of these operations, the newest first."""
        some = [(i, t) for i, t in self.model.transfers.items() if t.op in ops and (not state or t.state == state)]
        return some[-1 - number % len(some)] if some else None

    def telecom(self, account_id: str) -> str:
        return self.model.accounts[account_id].telecom

    # Cash and the telecoms' own money

    @rule(who=N, amount=AMOUNTS)
    def fund(self, who: int, amount: int) -> None:
        target = [*self.agents, *self.orgs, *map(transfer.reserve, TELECOMS)][who % 5]
        telecom = self.telecom(target)
        self.post("fund", transfer.fund(telecom, target, amount), transfer.trust(telecom), target, amount)

    @rule(who=N, amount=AMOUNTS)
    def defund(self, who: int, amount: int) -> None:
        source = [*self.agents, *self.orgs, *map(transfer.reserve, TELECOMS)][who % 5]
        telecom = self.telecom(source)
        self.post("defund", transfer.defund(telecom, source, amount), source, transfer.trust(telecom), amount)

    @rule(agent=N, wallet=N, amount=AMOUNTS, fee=FEES, who=OWNERS)
    def cash_in(self, agent: int, wallet: int, amount: int, fee: int, who: str) -> None:
        source, target, fee = self.agents[agent % 2], self.wallets[wallet % 4], min(fee, amount - 1)
        legs = transfer.cash_in(source, target, amount, self.telecom(source), fee)
        self.post("cash_in", legs, source, target, amount, fee, owner=self.owner(who, source))

    @rule(agent=N, wallet=N, amount=AMOUNTS, fee=FEES, who=OWNERS)
    def cash_out(self, agent: int, wallet: int, amount: int, fee: int, who: str) -> None:
        source, target = self.wallets[wallet % 4], self.agents[agent % 2]
        amount = min(amount, 10**12 - fee)  # no leg is larger
        legs = transfer.cash_out(source, target, amount, self.telecom(source), fee)
        self.post("cash_out", legs, source, target, amount, fee, owner=self.owner(who, source))

    # Payments

    def paid(self, wallet: int, merchant: int, amount: int, fee: int, **story: Any) -> None:
        source, target, fee = self.wallets[wallet % 4], self.merchants[merchant % 2], min(fee, amount - 1)
        legs = transfer.pay(source, target, self.telecom(source), amount, fee)
        self.post("pay", legs, source, target, amount, fee, **story)

    @rule(wallet=N, merchant=N, amount=AMOUNTS, fee=FEES, who=OWNERS, age=st.sampled_from([0, MINUTE_MS, 2 * DAY_MS]))
    def pay(self, wallet: int, merchant: int, amount: int, fee: int, who: str, age: int) -> None:
        owner = self.owner(who, self.wallets[wallet % 4])
        self.paid(wallet, merchant, amount, fee, owner=owner, device=age and self.model.now - age)

    @rule(wallet=N, which=N, amount=AMOUNTS, whole=st.booleans(), way=st.sampled_from(["open", "exact"]))
    def pay_request(self, wallet: int, which: int, amount: int, whole: bool, way: str) -> None:
        known = list(self.model.requests.items())
        (merchant, reference), asked = known[which % len(known)] if known else ((self.merchants[0], "R"), None)
        amount = max(1, asked.amount - asked.paid) if asked and whole else amount
        key = self.ledger.request_key(merchant, reference)
        self.paid(wallet, self.merchants.index(merchant), amount, 0,
                  guard="request", key=(merchant, reference), guard_key=key, value=way)  # fmt: skip

    @rule(wallet=N, which=N, merchant=N, amount=AMOUNTS, who=OWNERS)
    def redeem(self, wallet: int, which: int, merchant: int, amount: int, who: str) -> None:
        digest = f"d{which % 4}"
        code = self.model.codes.get(digest)
        wallet = self.wallets.index(code.whom) if code and which < 9 else wallet
        self.paid(wallet, merchant, amount, 0, guard="code", key=digest, guard_key=self.ledger.code_key(digest),
                  owner=self.owner(who, self.merchants[merchant % 2]))  # fmt: skip

    @rule(which=N, amount=AMOUNTS, whole=st.booleans(), who=OWNERS, late=st.sampled_from([False, False, False, True]))
    def refund(self, which: int, amount: int, whole: bool, who: str, late: bool) -> None:
        found = self.found(which, "pay", "capture")
        if not found:
            return
        related, paid = found
        amount = max(1, paid.amount - paid.given) if whole else amount
        before = paid.given + late
        fee = transfer.refund_fee(paid.amount, paid.fee, before, amount)
        legs = transfer.refund(paid.target, paid.source, self.telecom(paid.source), amount, fee)
        self.post("refund", legs, paid.target, paid.source, amount, fee, related=related, before=before,
                  owner=self.owner(who, paid.target))  # fmt: skip

    @rule(one=N, other=N, amount=AMOUNTS, who=OWNERS)
    def transfer(self, one: int, other: int, amount: int, who: str) -> None:
        payer, payee = self.wallets[one % 4], self.wallets[other % 4]
        legs = transfer.send(payer, payee, self.telecom(payer), self.telecom(payee), amount)
        self.post("transfer", legs, payer, payee, amount, owner=self.owner(who, payer))

    @rule(wallet=N, amount=AMOUNTS)
    def disburse(self, wallet: int, amount: int) -> None:
        payee = self.wallets[wallet % 4]
        legs = transfer.send(self.orgs[0], payee, A, self.telecom(payee), amount)
        self.post("disburse", legs, self.orgs[0], payee, amount)

    # Holds

    @rule(wallet=N, merchant=N, amount=AMOUNTS, life=LIVES)
    def hold(self, wallet: int, merchant: int, amount: int, life: int) -> None:
        payer, payee = self.wallets[wallet % 4], self.merchants[merchant % 2]
        self.post("hold", transfer.hold(payer, payee, amount), payer, payee, amount, expires=self.model.now + life)

    @rule(which=N, amount=AMOUNTS, whole=st.booleans(), fee=FEES, who=OWNERS)
    def capture(self, which: int, amount: int, whole: bool, fee: int, who: str) -> None:
        found = self.found(which, "hold")
        if not found or found[1].target not in self.merchants:
            return
        related, held = found
        amount = held.amount if whole else min(amount, held.amount + 1)
        fee = min(fee, amount - 1)
        legs = transfer.pay(held.source, held.target, self.telecom(held.source), amount, fee)
        self.post("capture", legs, held.source, held.target, amount, fee, related=related,
                  owner=self.owner(who, held.target))  # fmt: skip

    @rule(which=N, op=st.sampled_from(["void", "expire"]), who=OWNERS)
    def release(self, which: int, op: str, who: str) -> None:
        found = self.found(which, "hold")
        if not found:
            return
        owner = "" if op == "expire" else self.owner(who, found[1].target)
        movement = self.run(self.ledger.transfer(found[0]))
        self.ask_both(self.ledger.release(op, movement, owner, OPERATOR), self.model.release(op, found[0], owner))

    # Cards and debts

    @rule(wallet=N, amount=AMOUNTS)
    def top_up(self, wallet: int, amount: int) -> None:
        target = self.wallets[wallet % 4]
        legs = transfer.top_up(CARDS, target, self.telecom(target), amount)
        self.post("top_up", legs, transfer.psp(CARDS), target, amount)

    @rule(which=N, amount=AMOUNTS, life=LIVES)
    def card_hold(self, which: int, amount: int, life: int) -> None:
        found = self.found(which, "top_up")
        if found:
            payer, payee = found[1].target, transfer.psp(CARDS)
            self.post("hold", transfer.hold(payer, payee, amount), payer, payee, amount, related=found[0],
                      expires=self.model.now + life)  # fmt: skip

    @rule(which=N)
    def unload(self, which: int) -> None:
        found = self.found(which, "hold")
        if not found or found[1].target in self.merchants:
            return
        related, held = found
        legs = transfer.unload(held.source, CARDS, self.telecom(held.source), held.amount)
        self.post("unload", legs, held.source, held.target, held.amount, related=related)

    @rule(which=N, wrong=st.sampled_from([0, 0, 0, 1]))
    def chargeback(self, which: int, wrong: int) -> None:
        found = self.found(which, "top_up")
        if not found:
            return
        related, topped = found
        wallet, amount = topped.target, topped.amount
        debt = self.model.debt(wallet)
        short = max(0, amount - self.model.accounts[wallet].balance - wrong)
        legs = transfer.chargeback(wallet, debt, CARDS, self.telecom(wallet), amount, short)
        whole = {"wallet": wallet} if short == amount else {}
        self.post("chargeback", legs, debt if whole else wallet, transfer.psp(CARDS), amount, short, related=related,
                  with_="debts", guard_key=self.ledger.debts_key(), **whole)  # fmt: skip

    @rule(who=N, amount=AMOUNTS, whole=st.booleans())
    def recover(self, who: int, amount: int, whole: bool) -> None:
        debtor = [*self.wallets, *self.merchants][who % 6]
        debt = self.model.debt(debtor)
        amount = -self.model.accounts[debt].posted or amount if whole else amount
        legs = transfer.recover(debtor, debt, self.telecom(debtor), amount)
        self.post("recover", legs, debtor, debt, amount, with_="debts", guard_key=self.ledger.debts_key())

    # Requests, codes, proposals

    @rule(merchant=N, reference=N, amount=AMOUNTS, life=LIVES)
    def ask(self, merchant: int, reference: int, amount: int, life: int) -> None:
        who, name, until = self.merchants[merchant % 2], f"R{reference % 3}", self.model.now + life
        self.ask_both(self.ledger.ask(who, "", name, amount, until, OPERATOR), self.model.ask(who, name, amount, until))

    @rule(merchant=N, reference=N)
    def withdraw(self, merchant: int, reference: int) -> None:
        who, name = self.merchants[merchant % 2], f"R{reference % 3}"
        self.ask_both(self.ledger.withdraw(who, "", name, OPERATOR), self.model.withdraw(who, name))

    @rule(wallet=N, which=N, ceiling=AMOUNTS)
    def make_code(self, wallet: int, which: int, ceiling: int) -> None:
        source, digest, until = self.wallets[wallet % 4], f"d{which % 4}", self.model.now + MINUTE_MS
        owner = self.model.accounts[source].owner
        self.ask_both(
            self.ledger.put_code(digest, source, owner, ceiling, until, OPERATOR),
            self.model.make_code(digest, source, ceiling, until),
        )

    @rule(wallet=N, which=N)
    def cancel_code(self, wallet: int, which: int) -> None:
        source, digest = self.wallets[wallet % 4], f"d{which % 4}"
        owner = self.model.accounts[source].owner
        self.ask_both(self.ledger.cancel_code(digest, source, owner, OPERATOR), self.model.cancel_code(digest, source))

    @rule(which=N)
    def propose(self, which: int) -> None:
        found = self.found(which, *{t.op for t in self.model.transfers.values()})
        if not found:
            return
        proposal, until = new_id("prp"), self.model.now + DAY_MS
        self.ask_both(
            self.ledger.propose(proposal, "reverse", found[0], "usr_one", until, "", OPERATOR),
            self.model.propose(proposal, found[0], "usr_one", until),
        )

    @rule(which=N, state=st.sampled_from(["rejected", "expired"]))
    def decline(self, which: int, state: str) -> None:
        known = list(self.model.proposals)
        if known:
            proposal = known[-1 - which % len(known)]
            self.ask_both(
                self.ledger.decline(proposal, state, "usr_two", OPERATOR), self.model.decline(proposal, state)
            )

    @rule(which=N, who=st.sampled_from(["usr_two", "usr_two", "usr_one", ""]), less=st.sampled_from([0, 0, 0, 1]))
    def reverse(self, which: int, who: str, less: int) -> None:
        known = [i for i, p in self.model.proposals.items() if self.model.transfers[p.whom].op in UNDO]
        if not known:
            return
        proposal = known[-1 - which % len(known)]
        related = self.model.proposals[proposal].whom
        done = self.model.transfers[related]
        if done.target.startswith("reserve:"):  # not undone but taken out again (defund)
            return
        amount = max(done.fee + 1, done.amount - less)
        legs = UNDO[done.op](self.telecom, done.source, done.target, amount, done.fee)
        far = done.op in ("pay", "capture") or self.telecom(done.source) != self.telecom(done.target)
        self.post("reverse", transfer.reverse(legs, self.telecom(done.source) if far else ""), done.source,
                  done.target, amount, done.fee, related=related, guard="proposal", key=proposal, value=who,
                  guard_key=self.ledger.proposal_key(proposal))  # fmt: skip

    # Accounts, keys, windows, time

    @rule(who=N, state=st.sampled_from(["open", "open", "frozen", "closed"]))
    def set_state(self, who: int, state: str) -> None:
        account_id = [*self.wallets, *self.agents][who % 6]
        self.ask_both(self.ledger.set_state(account_id, state, OPERATOR), self.model.set_state(account_id, state))

    @rule(who=N, state=st.sampled_from(["open", "frozen"]))
    def merchant(self, who: int, state: str) -> None:
        self.version += 1
        self.put_merchant(who % 2, state, ("5999", limits.ESSENTIAL[0])[who % 2])
        self.model.accounts[self.merchants[who % 2]].state = state
        self.model.seq += 1

    @rule(who=N, exempt=st.booleans())
    def exempt(self, who: int, exempt: bool) -> None:
        wallet = self.wallets[who % 4]
        self.ask_both(self.ledger.set_exempt(wallet, exempt, OPERATOR), self.model.set_exempt(wallet, exempt))

    @rule(which=N, same=st.booleans())
    def again(self, which: int, same: bool) -> None:
        order, told = self.orders[-1 - which % len(self.orders)]
        if typed.scope_of(order.caller, order.op, order.key) in self.model.answers:
            changes = {} if same else {"body_hash": "another"}
            self.send(order._replace(**changes), told)

    @rule(which=N)
    def resolve(self, which: int) -> None:
        order, _ = self.orders[-1 - which % len(self.orders)]
        try:
            code, transfer_id, seq = self.run(self.ledger.resolve(order.caller, order.op, order.key))
        except DomainError as error:
            code, transfer_id, seq = error.code, "", 0
        scope = typed.scope_of(order.caller, order.op, order.key)
        assert code == self.model.resolve(scope, typed.key_time(order.key))
        _, answer = self.model.answers.get(scope, ("", ""))
        assert seq == (answer.seq if isinstance(answer, Told) else 0)
        assert bool(transfer_id) == isinstance(answer, Told)

    @rule(shift=st.sampled_from([0, 0, -1, 1]))
    def cut(self, shift: int) -> None:
        window = self.model.window + shift
        self.ask_both(self.ledger.cut(window, "op"), self.model.cut(window))

    @rule(ms=st.sampled_from([1, MINUTE_MS, HOUR_MS, DAY_MS, 5 * DAY_MS, 25 * DAY_MS]))
    def time_passes(self, ms: int) -> None:
        self.passes(ms)

    # After every step

    @invariant()
    def every_balance_is_the_models(self) -> None:
        pipe = self.admin.pipeline(transaction=False)
        for account_id in self.model.accounts:
            pipe.hmget(KEYS.account(account_id), "dp", "cp", "dq", "cq", "s", "x")
        pipe.hget(KEYS.meta, "seq").smembers(KEYS.debts).zcard(KEYS.holds).zcard(KEYS.proposals)
        *rows, seq, debts, holds, proposals = pipe.execute()
        hot = {i: _row(*row) for i, row in zip(self.model.accounts, rows, strict=True)}
        expected = {i: (a.posted, a.out, a.into, a.state, a.exempt) for i, a in self.model.accounts.items()}
        assert hot == expected
        assert (int(seq), debts) == (self.model.seq, self.model.debts)
        assert holds == sum(t.state == "held" for t in self.model.transfers.values())
        assert proposals == sum(p.state == "proposed" for p in self.model.proposals.values())

    # After every run

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:  # else what went wrong is said already
                self._books()
        finally:
            self.admin.close()
            self.run(self._bench.__aexit__(None, None, None))
            self.runner.close()

    def _books(self) -> None:
        events = stream(self.bench.url)
        books = fold.replay(events)
        assert books.findings == []
        assert fold.balance_findings(books.accounts) == []
        assert books.window == self.model.window
        names = ("k", "t", "o", "s", "x", "dp", "cp", "dq", "cq", "v")
        for account_id, a in books.accounts.items():
            kept = (a.kind, a.telecom, a.owner, a.state, str(int(a.exempt)))
            totals = (a.debits, a.credits, a.debits_pending, a.credits_pending, a.version)
            assert [*kept, *map(str, totals)] == self.admin.hmget(KEYS.account(account_id), *names)
        for (wallet, month), used in books.used.items():
            hot = (self.admin.hget(KEYS.account(wallet), "u") or "").split("|")
            if hot[0] == str(month):
                assert hot[1:5] == [str(used[c]) for c in ("pay", "bill", "transfer", "cash_out")]
        assert {e.scope for e in events if e.keyed} == set(self.model.answers)
        self._transfers(books)
        totals = positions.total(events, books.banks)
        positions.check(totals)
        for telecom in TELECOMS:
            line = totals.lines.get(telecom)
            claim = books.accounts[transfer.settlement(telecom)]
            assert (line.net if line else 0) == claim.credits - claim.debits

    def _transfers(self, books: fold.Books) -> None:
        known = self.model.transfers
        for transfer_id, t in known.items():
            row = self.admin.hmget(KEYS.transfer(transfer_id), "k", "fr", "to", "a", "f", "at", "r", "s", "rv")
            told = (t.op, t.source, t.target, str(t.amount), str(t.fee), str(t.at), str(t.given))
            assert (*row[:7], row[7] or "", row[8] == "1") == (*told, t.state, t.review)
        paid = {i: (t.amount, t.given) for i, t in known.items() if t.op in ("pay", "capture")}
        assert books.payments == paid
        assert {i: h.state for i, h in books.holds.items()} == {i: t.state for i, t in known.items() if t.op == "hold"}
        assert books.transfers == len(known)


def _row(dp: str, cp: str, dq: str, cq: str, state: str, exempt: str) -> tuple[int, int, int, str, bool]:
    return int(cp) - int(dp), int(dq), int(cq), state, exempt == "1"


Telecom = Callable[[str], str]
# The legs of what can be undone, told again.
UNDO: dict[str, Callable[[Telecom, str, str, int, int], list[transfer.Leg]]] = {
    "fund": lambda of, source, target, amount, fee: transfer.fund(of(source), target, amount),
    "cash_in": lambda of, source, target, amount, fee: transfer.cash_in(source, target, amount, of(source), fee),
    "cash_out": lambda of, source, target, amount, fee: transfer.cash_out(source, target, amount, of(source), fee),
    "pay": lambda of, source, target, amount, fee: transfer.pay(source, target, of(source), amount, fee),
    "capture": lambda of, source, target, amount, fee: transfer.pay(source, target, of(source), amount, fee),
    "transfer": lambda of, source, target, amount, fee: transfer.send(source, target, of(source), of(target), amount),
    "disburse": lambda of, source, target, amount, fee: transfer.send(source, target, of(source), of(target), amount),
}


def test_the_ledger_does_what_its_model_does(valkey: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_state_machine_as_test(
        lambda: Days(valkey, monkeypatch),
        settings=settings(
            max_examples=int(os.environ.get("N", "25")),
            stateful_step_count=50,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
