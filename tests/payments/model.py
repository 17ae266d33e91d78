"""What the ledger should do, told a second time: plain dicts, no legs, nothing shared with the functions.

An account's `posted` is credits less debits; `out` is set aside on its debit side, `into` on its credit side. Đồng, ms.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kit.clock import month_of
from services.payments.limits import LimitRule

MINUTE_MS, HOUR_MS, DAY_MS, VIETNAM_MS = 60_000, 3_600_000, 86_400_000, 25_200_000
LENIENT = {"refund", "reverse", "chargeback", "recover", "unload"}
REVERSIBLE = {"fund", "cash_in", "cash_out", "pay", "capture", "transfer", "disburse"}


class Soft(Exception):
    """Refused, and the key is free."""


class Final(Exception):
    """Refused, and that is the key's answer."""


@dataclass
class Use:
    """Something that counted in a payer's limits: as what, how much then, how much still."""

    at: int
    as_: str
    first: int
    amount: int


@dataclass
class Account:
    kind: str
    telecom: str = ""
    owner: str = ""
    essential: bool = False
    state: str = "open"
    exempt: bool = False
    posted: int = 0
    out: int = 0
    into: int = 0
    uses: list[Use] = field(default_factory=list)

    @property
    def balance(self) -> int:
        return self.posted - self.out

    @property
    def short(self) -> bool:
        if self.kind in ("trust", "receivable"):
            return self.posted + self.into > 0
        return self.kind not in ("clearing", "settlement", "psp") and self.balance < 0


@dataclass
class Transfer:
    op: str
    source: str
    target: str
    amount: int
    fee: int
    at: int
    moves: dict[str, int]
    related: str = ""
    given: int = 0
    state: str = ""
    expires: int = 0
    review: bool = False
    use: Use | None = None


@dataclass
class Asked:
    """A request, a one-time code, or a proposal: of or for whom, how much, until when, how far."""

    whom: str
    amount: int
    expires: int
    state: str
    paid: int = 0
    op: str = ""
    by: str = ""


@dataclass(frozen=True)
class Told:
    """An answer's facts."""

    code: str
    at: int
    seq: int
    window: int
    first: int
    second: int
    fee: int
    refunded: int
    verdict: str = ""
    asked: int = 0
    held_by: str = ""


Answer = Told | str


def _if(there_is: int, account_id: str, gain: int) -> dict[str, int]:
    return {account_id: gain} if there_is else {}


class Model:
    def __init__(self, rules: Iterable[LimitRule]) -> None:
        self.rules = list(rules)
        self.now = self.seq = 0
        self.window = 1
        self.accounts: dict[str, Account] = {}
        self.transfers: dict[str, Transfer] = {}
        self.requests: dict[tuple[str, str], Asked] = {}
        self.codes: dict[str, Asked] = {}
        self.proposals: dict[str, Asked] = {}
        self.debts: set[str] = set()
        self.answers: dict[str, tuple[str, Answer]] = {}

    # Transfers

    def post(self, scope: str, body: str, transfer_id: str, **order: Any) -> Answer:
        if scope in self.answers:
            known, answer = self.answers[scope]
            return answer if answer == "KEY_SPENT" or known == body else "IDEMPOTENCY_CONFLICT"
        try:
            answer = self._post(transfer_id, **order)
        except Soft as refused:
            return str(refused)
        except Final as refused:
            answer = str(refused)
            self.seq += 1
        self.answers[scope] = (body, answer)
        return answer

    def _post(
        self, transfer_id: str, op: str, source: str, target: str, amount: int, fee: int = 0, owner: str = "",
        related: str = "", before: int = 0, guard: str = "", key: Any = "", value: str = "", expires: int = 0,
        device: int = 0, wallet: str = "",
    ) -> Told:  # fmt: skip
        first, second = self.accounts[source], self.accounts[target]
        actor = second if op == "capture" or guard == "code" else first
        if source == target:
            raise Soft("SAME_ACCOUNT")
        if owner and actor.owner != owner:
            raise Soft("ACCOUNT_NOT_FOUND")
        if op in ("cash_in", "cash_out") and first.telecom != second.telecom:
            raise Soft("WRONG_TELECOM")
        old = self.transfers.get(related)
        if op == "reverse" and old and old.op not in REVERSIBLE:
            raise Soft("WRONG_STATE")
        if op == "refund" and old and old.given != before:
            raise Soft("CONTENTION")
        asked = self._guard(guard, key, value, op, source, related)
        # Refusals for good, in this order.
        for account in (first, second):
            if account.state != "open" and not (op in LENIENT and account.state == "frozen"):
                frozen = "ACCOUNT_FROZEN" if account.state == "frozen" else "ACCOUNT_CLOSED"
                raise Final("MERCHANT_NOT_PAYABLE" if account.kind == "merchant" else frozen)
        if old:
            self._related(op, old, amount, fee, operator=not owner)
        verdict = self._asked(guard, value, asked, amount)
        use, held_by = None, ""
        counts = op in ("pay", "transfer", "cash_out") or (op == "hold" and second.kind == "merchant")
        if counts:
            as_ = op if op in ("transfer", "cash_out") else "bill" if second.essential else "pay"
            use = Use(self.now, as_, amount, amount)
            held_by = self._limits(first, use, device, may_wait=op == "pay" and guard != "code")
        pending = op == "hold" or held_by != ""
        moves = {} if pending else self._moves(op, source, target, amount, fee, wallet, old)
        self._funds(op, old, moves, pending, source, target, amount)
        # From here on it happens.
        self.seq += 1
        if use:
            first.uses.append(use)
        if old and old.state == "held":
            old.state, old.given = "captured", amount
            if old.use:
                old.use.amount = amount
        elif old:
            old.given += amount
            old.state = "reversed" if op == "reverse" else old.state
        if held_by:
            verdict, fee, expires, asked = "", 0, self.now + DAY_MS, None
        self.transfers[transfer_id] = Transfer(
            "hold" if pending else op, source, target, amount, fee, self.now, moves, related,
            state="held" if pending else "", expires=expires, review=held_by != "", use=use if pending else None,
        )  # fmt: skip
        if guard == "request" and asked and asked.state != "cancelled":
            asked.paid += amount
            asked.state = "paid" if asked.paid >= asked.amount else "open"
        elif guard in ("code", "proposal") and asked:
            asked.state = "used" if guard == "code" else "approved"
        for account_id in moves:
            if self.accounts[account_id].kind == "receivable":
                (self.debts.add if self.accounts[account_id].posted < 0 else self.debts.discard)(account_id)
        total = asked.amount if guard == "request" and asked else 0
        return Told(
            "HELD" if held_by else "OK", self.now, self.seq, self.window, first.balance, second.balance, fee,
            old.given if old and op == "refund" else 0, verdict, total, held_by,
        )  # fmt: skip

    def _guard(self, guard: str, key: Any, value: str, op: str, source: str, related: str) -> Asked | None:
        if op == "reverse" and guard != "proposal":
            raise Soft("FOUR_EYES")
        if guard == "request":
            return self.requests.get(key)
        if guard == "code":
            code = self.codes.get(key)
            if code is None or code.whom != source:
                raise Soft("CODE_INVALID")
            return code
        if guard == "proposal":
            proposal = self.proposals.get(key)
            if proposal is None or (proposal.state, proposal.op, proposal.whom) != ("proposed", op, related):
                raise Soft("WRONG_STATE")
            if value in ("", proposal.by):
                raise Soft("FOUR_EYES")
            if self.now >= proposal.expires:
                raise Soft("WRONG_STATE")
            return proposal
        return None

    def _asked(self, guard: str, value: str, asked: Asked | None, amount: int) -> str:
        if guard == "code" and asked:
            if asked.state != "active":
                raise Final("CODE_USED")
            if self.now >= asked.expires:
                raise Final("CODE_EXPIRED")
            if amount > asked.amount:
                raise Final("CODE_CEILING")
        if guard != "request" or asked is None:
            return ""
        after = asked.paid + amount
        if value == "exact":
            if asked.state != "open":
                raise Final("REQUEST_PAID" if asked.state == "paid" else "REQUEST_CANCELLED")
            if self.now >= asked.expires:
                raise Final("REQUEST_EXPIRED")
            if after != asked.amount:
                raise Final("AMOUNT_MISMATCH")
        return "FULL" if after == asked.amount else "SHORT" if after < asked.amount else "OVER"

    def _related(self, op: str, old: Transfer, amount: int, fee: int, operator: bool) -> None:
        if op == "refund" and self.now - old.at > self._age():
            raise Final("REFUND_TOO_LATE")
        if op in ("refund", "hold") and old.given + amount > old.amount:
            raise Final("REFUND_EXCEEDS_PAYMENT")
        if op in ("capture", "unload"):
            if old.state != "held":
                raise Final(f"HOLD_{old.state.upper()}")
            if self.now >= old.expires:
                raise Final("HOLD_EXPIRED")
            if old.review and not operator:
                raise Final("HOLD_IN_REVIEW")
            if amount > old.amount:
                raise Final("CAPTURE_EXCEEDS_HOLD")
        if op == "reverse" and (old.given or (amount, fee) != (old.amount, old.fee)):
            raise Final("WRONG_STATE")

    def _age(self) -> int:
        return next(rule.most for rule in self.rules if rule.scope == "age")

    def _limits(self, payer: Account, use: Use, device: int, may_wait: bool) -> str:
        """The rule that holds the payment for review, or "". Raises Final where one refuses it."""
        holds = ""
        for rule in self.rules:
            if rule.scope != "age" and use.as_ in rule.ops and self._broken(rule, payer, use, device):
                if rule.action == "refuse":
                    velocity = rule.scope in ("minute", "small", "device")
                    raise Final("VELOCITY_EXCEEDED" if velocity else "LIMIT_EXCEEDED")
                holds = holds or rule.rule_id
        if holds and not may_wait:
            raise Final("VELOCITY_EXCEEDED")
        return holds

    def _broken(self, rule: LimitRule, payer: Account, use: Use, device: int) -> bool:
        uses = [*payer.uses, use]
        if rule.scope == "tx":
            return use.amount > rule.most
        if rule.scope == "device":
            return device > 0 and self.now - device < rule.arg and use.amount > rule.most
        if rule.scope == "minute":
            return sum(u.at // MINUTE_MS == self.now // MINUTE_MS for u in uses) > rule.most
        counted = [u for u in uses if u.as_ in rule.ops]
        if rule.scope == "small":
            small = [u for u in counted if u.at // HOUR_MS == self.now // HOUR_MS and u.first <= rule.arg]
            return use in small and len(small) > rule.most
        same = month_of if rule.scope == "month" else lambda at: (at + VIETNAM_MS) // DAY_MS
        return not payer.exempt and sum(u.amount for u in counted if same(u.at) == same(self.now)) > rule.most

    def _moves(
        self, op: str, source: str, target: str, amount: int, fee: int, wallet: str, old: Transfer | None
    ) -> dict[str, int]:
        """What each account gains."""
        here, there = self.accounts[source].telecom, self.accounts[target].telecom

        def owes(telecom: str, more: int) -> dict[str, int]:
            return {f"clearing:{telecom}": more, f"settlement:{telecom}": -more} if more else {}

        if op == "reverse":
            assert old is not None
            return {account: -gain for account, gain in old.moves.items()}
        if op in ("cash_in", "cash_out"):
            parties = (-amount + fee, amount) if op == "cash_in" else (-amount, amount + fee)
            return {source: parties[0], target: parties[1], **_if(fee, f"reserve:{here}", -fee)}
        if op in ("pay", "capture"):
            return {
                source: -amount,
                target: amount - fee,
                **({"fee:PLATFORM": fee} if fee else {}),
                **owes(here, amount),
            }
        if op == "refund":
            return {source: fee - amount, target: amount, **_if(fee, "fee:PLATFORM", -fee), **owes(there, -amount)}
        if op == "chargeback":
            taken = amount - fee
            who = {} if wallet else {source: -taken}
            telecom = self.accounts[wallet].telecom if wallet else here
            return {
                **who,
                target: amount,
                **owes(telecom, taken),
                **({self.debt(wallet or source): -fee} if fee else {}),
            }
        moves = {source: -amount, target: amount}
        if op == "top_up":
            moves |= owes(there, -amount)
        elif op == "unload" or (op == "recover" and here):
            moves |= owes(here, amount)
        elif op in ("transfer", "disburse") and here != there:
            moves |= {**owes(here, amount), **owes(there, -amount)}
        return moves

    def debt(self, wallet: str) -> str:
        """The account on which a wallet's holder owes."""
        owner = self.accounts[wallet].owner
        return next(i for i, a in self.accounts.items() if a.kind == "receivable" and a.owner == owner)

    def _funds(
        self, op: str, old: Transfer | None, moves: dict[str, int], pending: bool, source: str, target: str, amount: int
    ) -> None:
        """Moves money, or sets it aside; or raises and leaves everything as it was."""
        accounts, touched = self.accounts, {*moves, source, target}
        before = {i: (accounts[i].posted, accounts[i].out, accounts[i].into) for i in touched}
        for account_id, gain in moves.items():
            accounts[account_id].posted += gain
        aside = amount if pending else -old.amount if old and op in ("capture", "unload") else 0
        accounts[source].out += aside
        accounts[target].into += aside
        short = next((accounts[i].kind for i in (source, target, *moves) if accounts[i].short), "")
        covers = [accounts[f"clearing:{a.telecom}"].posted + a.posted for a in accounts.values() if a.kind == "reserve"]
        if not short and min(covers) >= 0:
            return
        for account_id, totals in before.items():
            accounts[account_id].posted, accounts[account_id].out, accounts[account_id].into = totals
        if op in ("chargeback", "recover"):
            raise Soft("CONTENTION")
        raise Final("GUARANTEE_SHORT" if short in ("", "reserve") else "INSUFFICIENT_FUNDS")

    # Everything else: "OK", or the code of a refusal; `seq` counts what changed something.

    def _changed(self) -> str:
        self.seq += 1
        return "OK"

    def release(self, op: str, transfer_id: str, owner: str) -> str:
        hold = self.transfers[transfer_id]
        ended = {"void": "voided", "expire": "expired"}[op]
        if owner and self.accounts[hold.target].owner != owner:
            return "PAYMENT_NOT_FOUND"
        if owner and hold.review:
            return "HOLD_IN_REVIEW"
        if hold.state == ended:
            return "OK"
        if hold.state != "held":
            return f"HOLD_{hold.state.upper()}"
        if op == "expire" and self.now < hold.expires:
            return "WRONG_STATE"
        hold.state = ended
        self.accounts[hold.source].out -= hold.amount
        self.accounts[hold.target].into -= hold.amount
        if hold.use:
            hold.use.amount = 0
        if hold.related:
            self.transfers[hold.related].given -= hold.amount
        return self._changed()

    def ask(self, merchant: str, reference: str, amount: int, expires: int) -> str:
        known = self.requests.get((merchant, reference))
        if known:
            return "OK" if known.amount == amount else "ALREADY_EXISTS"
        if expires <= self.now:
            return "TOO_LATE"
        if self.accounts[merchant].state != "open":
            return "MERCHANT_NOT_PAYABLE"
        self.requests[merchant, reference] = Asked(merchant, amount, expires, "open")
        return self._changed()

    def withdraw(self, merchant: str, reference: str) -> str:
        known = self.requests.get((merchant, reference))
        if known is None or known.state == "paid":
            return "REQUEST_PAID" if known else "REQUEST_NOT_FOUND"
        if known.state == "cancelled":
            return "OK"
        known.state = "cancelled"
        return self._changed()

    def make_code(self, digest: str, wallet: str, ceiling: int, expires: int) -> str:
        if expires <= self.now:
            return "TOO_LATE"
        if digest in self.codes:
            return "CONTENTION"
        state = self.accounts[wallet].state
        if state != "open":
            return "ACCOUNT_FROZEN" if state == "frozen" else "ACCOUNT_CLOSED"
        self.codes[digest] = Asked(wallet, ceiling, expires, "active")
        return self._changed()

    def cancel_code(self, digest: str, wallet: str) -> str:
        known = self.codes.get(digest)
        if known is None or known.whom != wallet:
            return "CODE_INVALID"
        if known.state != "active":
            return "CODE_USED" if known.state == "used" else "OK"
        known.state = "cancelled"
        return self._changed()

    def propose(self, proposal_id: str, target: str, who: str, expires: int) -> str:
        self.proposals[proposal_id] = Asked(target, 0, expires, "proposed", op="reverse", by=who)
        return self._changed()

    def decline(self, proposal_id: str, state: str) -> str:
        known = self.proposals[proposal_id]
        if known.state == state:
            return "OK"
        if known.state != "proposed" or (state == "expired" and self.now < known.expires):
            return "WRONG_STATE"
        known.state = state
        return self._changed()

    def set_state(self, account_id: str, state: str) -> str:
        account = self.accounts[account_id]
        if account.state == state:
            return "OK"
        if account.state == "closed":
            return "ACCOUNT_CLOSED"
        if state == "closed" and (account.posted or account.out or account.into):
            return "ACCOUNT_NOT_EMPTY"
        account.state = state
        return self._changed()

    def set_exempt(self, wallet: str, exempt: bool) -> str:
        if self.accounts[wallet].exempt == exempt:
            return "OK"
        self.accounts[wallet].exempt = exempt
        return self._changed()

    def resolve(self, scope: str, made: int) -> str:
        """`made`: when the key was."""
        if scope not in self.answers:
            if self.now - made > 7 * DAY_MS:
                return "KEY_EXPIRED"
            self.answers[scope] = ("", "KEY_SPENT")
            self.seq += 1
        answer = self.answers[scope][1]
        return answer if isinstance(answer, str) else answer.code

    def cut(self, window: int) -> str:
        if window == self.window - 1 and window > 0:
            return "OK"
        if window != self.window:
            return "WINDOW_NOT_OPEN"
        self.window += 1
        return self._changed()
