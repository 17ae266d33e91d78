"""The trial balance: what every line of the chart comes to, after any event, at a window's end or at a moment.

Debits equal credits, the telecoms' guarantees cover what they owe, and a window's movements are its net positions:
`Trial.findings` and `tie` say where not, to the đồng. Read from checkpoints and some thousand events behind one.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.ledger_bytes import fields
from kit.ledger_event import from_raw
from services.settlement import fold, positions, store
from services.settlement.books.chart import UNKNOWN, ChartLine, line_of
from services.settlement.books.checkpoints import EVERY, Behind, Checkpoints, Mark
from services.settlement.books.tail import NOTHING, UNOPENED, Known, Tail, Totals
from services.settlement.moves import SETTLES
from services.settlement.proof.finding import Finding

# Events behind a checkpoint that a question may read: checkpoints that lag further behind are waited for.
TAIL_MAX = 5 * EVERY
_SETTLES = frozenset(op.encode() for op in SETTLES)


@dataclass(frozen=True, slots=True)
class TrialLine:
    """One line of the chart for one unit: how many accounts, and their totals since the books began, đồng."""

    line: ChartLine
    unit: str
    accounts: int
    totals: Totals

    @property
    def balance(self) -> int:
        """Positive on the line's normal side."""
        return self.line.balance(self.totals.debits, self.totals.credits)


@dataclass(frozen=True, slots=True)
class Trial:
    """The books after event `seq` (its time, ms; the window that is open after it; the chain's head there).

    `lines` by number and unit. `findings`: what is wrong, in words; empty is right.
    """

    seq: int
    at_ms: int
    window: int
    chain_head: bytes
    lines: tuple[TrialLine, ...]
    findings: tuple[str, ...]

    @property
    def debits(self) -> int:
        return sum(line.totals.debits for line in self.lines)

    @property
    def credits(self) -> int:
        return sum(line.totals.credits for line in self.lines)

    @property
    def debit_balances(self) -> int:
        """What lines come to that have more debits than credits; as much as `credit_balances`."""
        return sum(max(0, line.totals.debits - line.totals.credits) for line in self.lines)

    @property
    def credit_balances(self) -> int:
        return sum(max(0, line.totals.credits - line.totals.debits) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Movement:
    """One line in a window: its balance before and after, positive on its normal side, and what moved it. Đồng."""

    line: ChartLine
    unit: str
    opening: int
    debits: int
    credits: int
    closing: int


def at_seq(books: Checkpoints, seq: int) -> Trial:
    """The trial balance after event `seq`. Raises ValueError where there is no such event, Behind."""
    mark, tail = _tail(books, seq)
    return _trial(books, mark, tail, seq)


def at_window(books: Checkpoints, number: int) -> Trial:
    """The trial balance at a closed window's closing marker. Raises Behind where it is not closed, or not there yet."""
    return at_seq(books, books.closing(number).seq)


def at_moment(books: Checkpoints, at_ms: int) -> Trial:
    """The trial balance at a moment, its last ms included. Raises ValueError before the first event, Behind."""
    return at_seq(books, seq_at(books, at_ms))


def seq_at(books: Checkpoints, at_ms: int) -> int:
    """The last event at or before a moment, ms; 0 before the first. Raises Behind."""
    seq = books.before_moment(at_ms).seq
    for number, raw in store.raw_events(seq + 1, _reachable(seq, store.head().seq)):
        if int(fields(raw).at) > at_ms:
            return seq
        seq = number
    if seq < store.head().seq:
        raise Behind(f"the checkpoints lag behind {seq}: let them follow, and ask again")
    return seq


def account_at(books: Checkpoints, account_id: str, seq: int) -> tuple[Known, Totals] | None:
    """What an account of any kind is, and its totals after event `seq`; None where it was not there.

    Raises ValueError where there is no such event, Behind.
    """
    mark, tail = _tail(books, seq)
    found = books.account(account_id, mark.seq)
    if account_id not in tail.moved:
        return found
    return found[0] if found else tail.opened.get(account_id, UNOPENED), tail.after(account_id)


def movements(books: Checkpoints, number: int) -> list[Movement]:
    """What each line moved by in a closed window. Merchants are under the bank that they had at its end.

    Raises Behind.
    """
    opening, closing = books.closing(number - 1), books.closing(number)
    before, after = _lines(books, opening, _empty(opening), closing.seq), _lines(books, closing, _empty(closing))
    moved = []
    for key in sorted({*before, *after}, key=_order):
        line = line_of(key.kind)
        (old, _), (new, _) = before.get(key, (NOTHING, 0)), after.get(key, (NOTHING, 0))
        step = new.minus(old)
        moved.append(Movement(line, key.unit, line.balance(old.debits, old.credits), step.debits, step.credits,
                              line.balance(new.debits, new.credits)))  # fmt: skip
    return moved


def tie(books: Checkpoints, number: int) -> list[Finding]:
    """Whether a closed window's movements are its net positions, each institution's, to the đồng: empty is right.

    The movements follow from accounts' totals, the positions from the window's postings. What settles
    (moves.SETTLES) moves claims and changes no position: it is read from the journal where there is any.
    Raises KeyError for a window that is not closed, Behind.
    """
    window = store.window(number)
    if window is None:
        raise KeyError(f"window {number} is not closed")
    name, moved = f"window {number}", _institutions(movements(books, number))
    lines = {line.institution: (line.debits, line.credits) for line in store.with_positions(window).lines}
    findings = [Finding("SUMS_DIFFER", name, text) for text in at_window(books, number).findings]
    if (differences := _differences(name, moved, lines)) and (settled := _settled(window)):
        for institution, (debits, credits) in settled.items():
            at = lines.get(institution, (0, 0))
            lines[institution] = (at[0] + debits, at[1] + credits)
        differences = _differences(name, moved, lines)
    return findings + differences


# ----------------------------------------------------------------------------------------------------------


def _reachable(seq: int, last: int) -> int:
    return min(last, seq + TAIL_MAX)


def _empty(mark: Mark) -> Tail:
    return Tail(mark.seq, mark.at_ms, mark.window, mark.head)


def _tail(books: Checkpoints, seq: int) -> tuple[Mark, Tail]:
    if not 1 <= seq <= store.head().seq:
        raise ValueError(f"there is no entry {seq}: the books have 1 to {store.head().seq}")
    mark = books.before(seq)
    if seq - mark.seq > TAIL_MAX:
        raise Behind(f"the last checkpoint before {seq} is at {mark.seq}: let them follow, and ask again")
    tail = _empty(mark)
    for number, raw in store.raw_events(mark.seq + 1, seq):
        tail.take(number, raw)
    return mark, tail


def _lines(books: Checkpoints, mark: Mark, tail: Tail, bank_at: int = 0) -> dict[Known, tuple[Totals, int]]:
    """Every line's totals after the tail; merchants under the bank that they have after event `bank_at` (0: then)."""
    lines = books.lines(mark)
    changes = tail.changes(lambda account_id: books.account(account_id, mark.seq))
    for known, (totals, accounts) in changes.added.items():
        old, count = lines.get(known, (NOTHING, 0))
        lines[known] = (old.plus(totals), count + accounts)
    merchants = books.merchants(mark.seq, bank_at or mark.seq)
    for merchant in tail.moved:
        if merchant in merchants or tail.opened.get(merchant, UNOPENED).kind == "merchant":
            merchants[merchant] = (merchants.get(merchant, ("", NOTHING))[0], tail.after(merchant))
    for _, merchant, bank in tail.banks:
        merchants[merchant] = (bank, merchants[merchant][1])
    lines.pop(Known("merchant", ""), None)
    for bank, totals in merchants.values():
        old, count = lines.get(Known("merchant", bank), (NOTHING, 0))
        lines[Known("merchant", bank)] = (old.plus(totals), count + 1)
    return lines


def _order(key: Known) -> tuple[str, str, str]:
    return line_of(key.kind).number, key.unit, key.kind


def _trial(books: Checkpoints, mark: Mark, tail: Tail, seq: int) -> Trial:
    lines = _lines(books, mark, tail)
    wrong = tail.changes(lambda account_id: books.account(account_id, mark.seq)).wrong
    wrong = [*books.findings(mark.seq), *wrong]
    if UNKNOWN in map(line_of, (known.kind for known in lines)):
        kinds = sorted({known.kind for known in lines if line_of(known.kind) == UNKNOWN})
        wrong.append(f"the chart has no line for accounts of kind {', '.join(map(repr, kinds))}")
    wrong += fold.balance_findings(_as_accounts(lines))
    made = [TrialLine(line_of(k.kind), k.unit, lines[k][1], lines[k][0]) for k in sorted(lines, key=_order)]
    return Trial(seq, tail.at_ms, tail.window, tail.head, tuple(made), tuple(wrong))


def _as_accounts(lines: dict[Known, tuple[Totals, int]]) -> dict[str, fold.BookAccount]:
    """One account a line: what must be true of all accounts is true of their sums."""
    return {
        f"{known.kind}:{known.unit}": fold.BookAccount(
            kind=known.kind, telecom=known.unit, debits=totals.debits, credits=totals.credits
        )
        for known, (totals, _) in lines.items()
    }


_Sides = dict[str, tuple[int, int]]


def _institutions(moved: list[Movement]) -> _Sides:
    """Debits and credits of a window by institution, as positions.institution_of divides them."""
    sides: _Sides = {}
    for movement in moved:
        if movement.line.kind in ("fee", "receivable"):
            institution = positions.PLATFORM
        elif movement.line.kind in ("settlement", "psp", "merchant"):
            institution = movement.unit
        else:
            continue
        debits, credits = sides.get(institution, (0, 0))
        sides[institution] = (debits + movement.debits, credits + movement.credits)
    return sides


def _differences(name: str, moved: _Sides, lines: _Sides) -> list[Finding]:
    findings = []
    for institution in sorted({*moved, *lines}):
        was, said = moved.get(institution, (0, 0)), lines.get(institution, (0, 0))
        if was != said:
            text = (f"{institution}: its accounts moved by {was[0]} debit and {was[1]} credit, its net position has "
                    f"{said[0]} and {said[1]}; replay the window (cho audit) before it is settled")  # fmt: skip
            findings.append(Finding("POSITION_DIFFERS", name, text))
    return findings


def _settled(window: store.Window) -> _Sides:
    """What a window's settling events posted on institutions' accounts."""
    settled: _Sides = {}
    banks = store.banks(window)
    for seq, raw in store.raw_events(window.first_seq, window.last_seq):
        if fields(raw).op not in _SETTLES:
            continue
        event = from_raw(seq, raw)
        if not event.moved:
            continue
        for leg in event.legs:
            institution = positions.institution_of(leg.account_id, banks)
            if institution is not None and leg.side in "dc":
                debits, credits = settled.get(institution, (0, 0))
                here = (leg.amount, 0) if leg.side == "d" else (0, leg.amount)
                settled[institution] = (debits + here[0], credits + here[1])
    return settled
