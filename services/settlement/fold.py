"""The books, folded: replays the journal into accounts and checks on the way what must always be true. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cho.events.v1.intent_pb2 import Intent
from google.protobuf.message import DecodeError

from kit.clock import month_of
from kit.ledger_event import LedgerEvent

# Institutions' positions, card money on its way, the scheme's bank account and what is unexplained may stand on
# either side.
_EITHER = frozenset({"clearing", "settlement", "psp", "nostro", "suspense"})
# What the scheme owes, or has where negative, besides what telecoms owe it.
_SCHEMES = frozenset({"merchant", "fee", "psp", "receivable", "nostro", "transit", "liquidity", "suspense"})
# From which state a payout comes to which.
_PAYOUTS = {"paid": ("sent", "paid"), "unpaid": ("sent", "unpaid"), "returned": ("paid", "returned")}
_ASSETS = frozenset({"trust", "receivable"})
_FINDINGS_MAX = 100


@dataclass(slots=True)
class BookAccount:
    """An account as the journal says it is; đồng."""

    kind: str = ""
    telecom: str = ""
    owner: str = ""
    state: str = "open"
    exempt: bool = False
    # Settlement accounts: the net debit cap.
    cap: int | None = None
    debits: int = 0
    credits: int = 0
    debits_pending: int = 0
    credits_pending: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit rule as it was put in force through the ledger."""

    rule_id: str
    from_ms: int
    until_ms: int
    scope: str
    ops: frozenset[str]
    most: int
    arg: int
    action: str


@dataclass(slots=True)
class Hold:
    """Money set aside: not taken yet, or how it ended ("held", "captured", "voided", "expired"). Đồng."""

    amount: int
    limited: str
    month: int
    state: str = "held"


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
    # (telecom, person) to the wallet: a person has one at a telecom (Decree 368/2025, article 7).
    wallets: dict[tuple[str, str], str] = field(default_factory=dict)
    # Payment id to (amount, refunded).
    payments: dict[str, tuple[int, int]] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    # Payout id to (amount less fee, state).
    payouts: dict[str, tuple[int, str]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    rules: list[Rule] = field(default_factory=list)
    # (wallet, yyyymm) to {class of payment: đồng used}.
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
        if event.keyed:
            self._key(event)
        if event.result != "OK":
            return
        if event.op == "genesis":
            self.genesis = event.transfer_id
        elif event.op in ("open", "merchant", "state", "exempt", "cap"):
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
        account.version = leg.version
        if event.op == "exempt":
            account.exempt = event.change == "1"
            return
        if event.op == "cap":
            account.cap = int(event.change) if event.change else None
            return
        account.state = state
        if event.op == "open":
            account.kind, account.telecom, account.owner = event.related, event.amount, event.fee
            account.exempt = rest == "1"
            if account.kind == "wallet":
                self._wallet(event, account.telecom)
        elif event.op == "merchant":
            account.kind, account.owner = "merchant", event.fee
            self.banks[event.transfer_id] = rest

    def _wallet(self, event: LedgerEvent, telecom: str) -> None:
        try:
            person_id = Intent.FromString(event.intent).person_id
        except DecodeError:
            self.find(event, "its intent cannot be read")
            return
        # Wallets of before people were told by their cards name nobody.
        if person_id and self.wallets.setdefault((telecom, person_id), event.transfer_id) != event.transfer_id:
            self.find(event, f"{event.transfer_id} is a second wallet of {person_id} at {telecom}")

    def _transfer(self, event: LedgerEvent) -> None:
        self.transfers += event.op not in ("void", "expire")
        if sum(leg.amount if leg.side in "dp" else -leg.amount for leg in event.legs if leg.side != "-"):
            self.find(event, "debits and credits differ")
        released = self._released(event)
        for place, leg in enumerate(event.legs):
            account = self.accounts[leg.account_id]
            if leg.version != account.version + 1:
                self.find(event, f"{leg.account_id} jumps from version {account.version} to {leg.version}")
            account.debits += leg.amount if leg.side == "d" else 0
            account.credits += leg.amount if leg.side == "c" else 0
            account.debits_pending += leg.amount if leg.side == "p" else 0
            account.credits_pending += leg.amount if leg.side == "q" else 0
            account.debits_pending -= released if place == 0 else 0
            account.credits_pending -= released if place == 1 else 0
            account.version = leg.version
            totals = (account.debits, account.credits, account.debits_pending, account.credits_pending)
            if totals != (leg.debits, leg.credits, leg.debits_pending, leg.credits_pending):
                self.find(event, f"{leg.account_id} has other totals than its postings add up to")
            if overdrawn(account):
                self.find(event, f"{leg.account_id} is negative")
        for telecom in {
            leg.account_id.partition(":")[2] for leg in event.legs if leg.account_id.startswith("clearing:")
        }:
            if uncovered(self.accounts, telecom):
                self.find(event, f"the guarantee of {telecom} does not cover its wallets")
        self._payment(event)
        self._payout(event)
        self._limits(event)

    def _released(self, event: LedgerEvent) -> int:
        """What an event takes out of a hold's pending amount; notes how the hold ended."""
        if event.op == "hold":
            self.holds[event.transfer_id] = Hold(int(event.amount), event.facts.limited, month_of(event.at_ms))
        if event.op not in ("capture", "unload", "void", "expire"):
            return 0
        ended = event.transfer_id if event.op in ("void", "expire") else event.related
        hold = self.holds.get(ended)
        if hold is None or hold.state != "held":
            self.find(event, f"{ended} is not held")
            return 0
        taken = 0 if event.op in ("void", "expire") else int(event.amount)
        if taken > hold.amount:
            self.find(event, f"takes more than {ended} holds")
        hold.state = {"void": "voided", "expire": "expired"}.get(event.op, "captured")
        if hold.limited and hold.month == month_of(event.at_ms):
            used = self.used[(event.legs[0].account_id, hold.month)]
            used[hold.limited] = max(0, used[hold.limited] - (hold.amount - taken))
        return hold.amount

    def _payment(self, event: LedgerEvent) -> None:
        amount = int(event.amount)
        if event.op in ("pay", "capture"):
            self.payments[event.transfer_id] = (amount, 0)
        elif event.op in ("refund", "reverse") and (event.op == "refund" or event.related in self.payments):
            paid, refunded = self.payments.get(event.related, (0, 0))
            if refunded + amount > paid:
                self.find(event, f"refunds of {event.related} exceed it")
            self.payments[event.related] = (paid, refunded + amount)

    def _payout(self, event: LedgerEvent) -> None:
        if event.op == "payout":
            self.payouts[event.transfer_id] = (int(event.amount) - int(event.fee), "sent")
        elif event.op in _PAYOUTS:
            before, after = _PAYOUTS[event.op]
            amount, state = self.payouts.get(event.related, (0, ""))
            if state != before or int(event.amount) - int(event.fee) != amount:
                self.find(event, f"{event.op} of {event.related}, which is {state or 'unknown'} with {amount} đồng")
            self.payouts[event.related] = (amount, after)

    def _limits(self, event: LedgerEvent) -> None:
        counted = event.facts.limited
        if not counted:
            return
        wallet, month = event.legs[0].account_id, month_of(event.at_ms)
        used = self.used[(wallet, month)]
        used[counted] += int(event.amount)
        if self.accounts[wallet].exempt:
            return
        for rule in self.rules:
            if rule.scope != "month" or counted not in rule.ops or not rule.from_ms <= event.at_ms < rule.until_ms:
                continue
            if sum(used[op] for op in rule.ops) > rule.most:
                self.find(event, f"{wallet} is above rule {rule.rule_id}")


def parse_rules(text: str) -> list[Rule]:
    """Reads the rules as the ledger was given them: `essential=mcc+..;id,from,until,scope,op+..,max,arg,action;..`."""
    rules = []
    for part in filter(None, text.split(";")):
        if part.startswith("essential="):
            continue
        rule_id, start, end, scope, ops, most, arg, action = part.split(",")
        rules.append(Rule(rule_id, int(start), int(end), scope, frozenset(ops.split("+")), int(most), int(arg), action))
    return rules


def overdrawn(account: BookAccount) -> bool:
    """Assets may not be credited beyond their debits, all else not debited beyond its credits less pending."""
    if account.kind in _EITHER:
        return False
    if account.kind in _ASSETS:
        return account.credits + account.credits_pending > account.debits
    return account.debits + account.debits_pending > account.credits


def uncovered(accounts: Mapping[str, BookAccount], telecom: str) -> bool:
    """Whether a telecom's guarantee account holds less than its wallets, floats and organisations have: where its own
    money there (reserve) and its position (clearing) come to less than nothing."""
    own = [accounts[name] for name in (f"clearing:{telecom}", f"reserve:{telecom}") if name in accounts]
    return sum(account.credits - account.debits for account in own) < 0


def balance_findings(accounts: Mapping[str, BookAccount]) -> list[str]:
    """What must be true of all accounts together: debits equal credits, and each telecom's trust covers what it owes.

    trust(T) = wallets, floats and organisations of T + reserve(T) + clearing(T), and clearing(T) = settlement(T): what
    T owes the others, or is owed where negative. Over all telecoms, with card money on its way and debts, that is what
    merchants and the platform are owed.
    """
    findings = []
    debits, credits = sum(a.debits for a in accounts.values()), sum(a.credits for a in accounts.values())
    if debits != credits:
        findings.append(f"debits {debits} and credits {credits} differ")
    held: dict[str, int] = defaultdict(int)
    owed = 0
    for account in accounts.values():
        if account.kind in ("wallet", "agent", "org"):
            held[account.telecom] += account.credits - account.debits
        elif account.kind in _SCHEMES:
            owed += account.credits - account.debits
    telecoms = {i.split(":", 1)[1] for i in accounts if i.startswith("trust:")}
    claims = 0
    none = BookAccount()
    for telecom in sorted(telecoms):
        names = (f"{kind}:{telecom}" for kind in ("trust", "reserve", "clearing", "settlement"))
        trust, reserve, clearing, claim = (accounts.get(name, none) for name in names)
        covered = trust.debits - trust.credits
        due = held[telecom] + reserve.credits - reserve.debits + clearing.credits - clearing.debits
        if covered != due:
            findings.append(f"trust:{telecom} holds {covered} for {due}")
        if claim.debits - claim.credits != clearing.credits - clearing.debits:
            findings.append(f"clearing:{telecom} and settlement:{telecom} differ")
        if covered < held[telecom]:
            findings.append(f"trust:{telecom} holds {covered} and its wallets {held[telecom]}")
        claims += claim.debits - claim.credits
    if claims != owed:
        findings.append(f"telecoms owe {claims}, and the scheme owes {owed}")
    return findings


def replay(events: Iterable[LedgerEvent]) -> Books:
    """The books after all of `events`, from the first."""
    books = Books()
    for event in events:
        books.apply(event)
    return books
