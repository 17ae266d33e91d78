"""The books, folded: replays the journal into accounts and checks on the way what must always be true. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kit.clock import month_of
from kit.ledger_event import LedgerEvent

_ASSETS = ("trust:", "settlement:")
_FINDINGS_MAX = 100


@dataclass(slots=True)
class BookAccount:
    """An account as the journal says it is; đồng."""

    kind: str = ""
    telecom: str = ""
    owner: str = ""
    state: str = "open"
    exempt: bool = False
    debits: int = 0
    credits: int = 0
    debits_pending: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit rule as it was put in force through the ledger."""

    rule_id: str
    from_ms: int
    until_ms: int
    scope: str
    ops: frozenset[str]
    max_vnd: int


@dataclass(slots=True)
class Books:
    """Everything that follows from the journal so far. `findings`: what is wrong, in words; empty is right."""

    seq: int = 0
    at_ms: int = 0
    # The open window: a cut's marker is the last event of the window that it closes.
    window: int = 1
    genesis: str = ""
    accounts: dict[str, BookAccount] = field(default_factory=lambda: defaultdict(BookAccount))
    banks: dict[str, str] = field(default_factory=dict)
    # Payment id to (amount, refunded).
    payments: dict[str, tuple[int, int]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)
    # (wallet, yyyymm) to {op: đồng used}.
    used: dict[tuple[str, int], dict[str, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    transfers: int = 0
    findings: list[str] = field(default_factory=list)

    def find(self, event: LedgerEvent, what: str) -> None:
        """Notes a finding."""
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(f"event {event.seq}: {what}")

    def apply(self, event: LedgerEvent) -> None:
        """Applies the next event."""
        if event.seq != self.seq + 1:
            self.find(event, f"follows {self.seq}: a gap")
        if event.window != self.window:
            self.find(event, f"is in window {event.window}, and {self.window} is open")
        if event.at_ms < self.at_ms:
            self.find(event, "is older than the one before")
        self.seq, self.at_ms, self.window = event.seq, event.at_ms, event.window + (event.op == "cut")
        if event.op not in ("open", "merchant", "state", "rules", "cut", "genesis", "promote"):
            self._key(event)
        if event.result != "OK":
            return
        if event.op == "genesis":
            self.genesis = event.transfer_id
        elif event.op in ("open", "merchant", "state"):
            self._change(event)
        elif event.op == "rules":
            self.rules = parse_rules(event.change)
        elif event.legs:
            self._transfer(event)

    def _key(self, event: LedgerEvent) -> None:
        if event.scope in self.keys:
            self.find(event, f"key {event.scope} was answered before")
        self.keys.add(event.scope)

    def _change(self, event: LedgerEvent) -> None:
        account = self.accounts[event.transfer_id]
        (leg,) = event.legs
        state, _, rest = event.change.partition(",")
        if leg.version != account.version + 1:
            self.find(event, f"{leg.account_id} jumps from version {account.version} to {leg.version}")
        account.version, account.state = leg.version, state
        if event.op == "open":
            account.kind, account.telecom, account.owner = event.related, event.amount, event.fee
            account.exempt = rest == "1"
        elif event.op == "merchant":
            account.kind, account.owner = "merchant", event.fee
            self.banks[event.transfer_id] = rest

    def _transfer(self, event: LedgerEvent) -> None:
        self.transfers += 1
        if sum(leg.amount if leg.side == "d" else -leg.amount for leg in event.legs):
            self.find(event, "debits and credits differ")
        for leg in event.legs:
            account = self.accounts[leg.account_id]
            if leg.version != account.version + 1:
                self.find(event, f"{leg.account_id} jumps from version {account.version} to {leg.version}")
            if leg.side == "d":
                account.debits += leg.amount
            else:
                account.credits += leg.amount
            account.version = leg.version
            if (account.debits, account.credits) != (leg.debits, leg.credits):
                self.find(event, f"{leg.account_id} has other totals than its postings add up to")
            if overdrawn(leg.account_id, account):
                self.find(event, f"{leg.account_id} is negative")
        self._payment(event)
        self._limits(event)

    def _payment(self, event: LedgerEvent) -> None:
        amount = int(event.amount)
        if event.op == "pay":
            self.payments[event.transfer_id] = (amount, 0)
        elif event.op == "refund":
            paid, refunded = self.payments.get(event.related, (0, 0))
            if refunded + amount > paid:
                self.find(event, f"refunds of {event.related} exceed it")
            self.payments[event.related] = (paid, refunded + amount)

    def _limits(self, event: LedgerEvent) -> None:
        if event.op not in ("pay", "cash_out"):
            return
        wallet, month = event.legs[0].account_id, month_of(event.at_ms)
        used = self.used[(wallet, month)]
        used[event.op] += int(event.amount)
        if self.accounts[wallet].exempt:
            return
        for rule in self.rules:
            if rule.scope != "month" or event.op not in rule.ops or not rule.from_ms <= event.at_ms < rule.until_ms:
                continue
            if sum(used[op] for op in rule.ops) > rule.max_vnd:
                self.find(event, f"{wallet} is above rule {rule.rule_id}")


def parse_rules(text: str) -> list[Rule]:
    """Reads the rules as the ledger was given them: `id,from,until,scope,op+op,max;...`."""
    rules = []
    for part in filter(None, text.split(";")):
        rule_id, start, end, scope, ops, most = part.split(",")
        rules.append(Rule(rule_id, int(start), int(end), scope, frozenset(ops.split("+")), int(most)))
    return rules


def overdrawn(account_id: str, account: BookAccount) -> bool:
    """Assets may not be credited beyond their debits, all else not debited beyond its credits less pending."""
    if account_id.startswith(_ASSETS):
        return account.credits > account.debits
    return account.debits + account.debits_pending > account.credits


def balance_findings(accounts: Mapping[str, BookAccount]) -> list[str]:
    """What must be true of all accounts together: debits equal credits, and each telecom's trust covers what it owes.

    trust(T) = wallets and floats of T + clearing(T), and clearing(T) = settlement(T): what T owes merchants and the
    platform. Over all telecoms that is what merchants and the platform are owed.
    """
    findings = []
    debits, credits = sum(a.debits for a in accounts.values()), sum(a.credits for a in accounts.values())
    if debits != credits:
        findings.append(f"debits {debits} and credits {credits} differ")
    held: dict[str, int] = defaultdict(int)
    owed = 0
    for account in accounts.values():
        if account.kind in ("wallet", "agent"):
            held[account.telecom] += account.credits - account.debits
        elif account.kind in ("merchant", "fee"):
            owed += account.credits - account.debits
    telecoms = {i.split(":", 1)[1] for i in accounts if i.startswith("trust:")}
    claims = 0
    for telecom in sorted(telecoms):
        trust, clearing, claim = (accounts[f"{k}:{telecom}"] for k in ("trust", "clearing", "settlement"))
        covered = trust.debits - trust.credits
        due = held[telecom] + clearing.credits - clearing.debits
        if covered != due:
            findings.append(f"trust:{telecom} holds {covered} for {due}")
        if claim.debits - claim.credits != clearing.credits - clearing.debits:
            findings.append(f"clearing:{telecom} and settlement:{telecom} differ")
        claims += claim.debits - claim.credits
    if claims != owed:
        findings.append(f"telecoms owe {claims}, merchants and platform are owed {owed}")
    return findings


def replay(events: Iterable[LedgerEvent]) -> Books:
    """The books after all of `events`, from the first."""
    books = Books()
    for event in events:
        books.apply(event)
    return books
