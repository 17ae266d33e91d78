"""Compares a file that came in with our books: the settlement bank's statement, a telecom's record of a window."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache, partial
from pathlib import Path

from kit import log
from kit.clock import VIETNAM, from_ms, now
from kit.errors import IdempotencyConflict
from services.settlement import moves, store
from services.settlement.clerk import payouts as steps
from services.settlement.clerk.crash import point
from services.settlement.clerk.payouts import Desk
from services.settlement.intake.mapping import named
from services.settlement.intake.reading import fingerprint, open_statements
from services.settlement.matching import cases, casework, spool
from services.settlement.matching import store as kept
from services.settlement.matching.cases import Case
from services.settlement.matching.engine import match
from services.settlement.matching.model import BreakType, Finding, Outcome
from services.settlement.matching.rules import BANK, TELECOM, RuleSet
from services.settlement.matching.store import File, Reconciliation, Scope
from services.settlement.payouts import store as payouts
from services.settlement.records import Expected, FileRefused, StatementEntry, StatementHead

BY = "service:settlement"
NOSTRO = "nostro"
# What such a statement shows need not be on a later one; notifications of the day (camt.052, .054) come before it.
END_OF_DAY = frozenset({"camt.053", "mt940", "csv"})
# Breaks of a bank that are looked through for disputes that a statement ends.
DISPUTES_MAX = 5_000
# Breaks over a movement of ours that the statement shows all the same.
SHOWN = frozenset({BreakType.AMOUNT, BreakType.CURRENCY, BreakType.REVERSED})
# More left under a payout's reference than the payout, or another sum.
LEFT_WRONGLY = frozenset({BreakType.DUPLICATE, BreakType.EXTRA, BreakType.AMOUNT})

_logger = log.logger(__name__)


@dataclass(frozen=True, slots=True)
class Compared:
    """One statement of a file against our books. `kept` is None for a dry run, and `known` where the same file was
    compared before."""

    scope: Scope
    outcome: Outcome | None
    kept: Reconciliation | None
    known: bool = False


def statement(desk: Desk, path: Path, dry_run: bool = False) -> list[Compared]:
    """The settlement bank's statement of the scheme's account. Raises FileRefused."""
    sha256, done, nameless, heads = fingerprint(path), [], 0, list[StatementHead]()
    for found in open_statements(path, _today()):
        # Nothing is taken from a file that is refused at its last line, or for its last statement.
        if found.head.account != desk.settings.scheme_account:
            raise FileRefused("ACCOUNT", f"a statement of another account ({found.head.account[-4:]:>4}): send ours")
        nameless += sum(1 for entry in found.entries if entry.reference.upper() in BANK.blanks or not entry.reference)
        heads.append(found.head)
    files = [
        File(head.kind, head.message_id, statement_id, sha256, path.name)
        for head, statement_id in zip(heads, kept.told_apart([one.statement_id for one in heads]), strict=True)
    ]
    if not dry_run:
        for head, file in zip(heads, files, strict=True):
            _check_new(_scope(desk, head), file)
    # Strictly: both times the file has the same statements. Their heads are those of the first time: an MT940 says only
    # behind its entries of which day it is.
    for found, head, file in zip(open_statements(path, _today()), heads, files, strict=True):
        scope = _scope(desk, head)
        if head.kind not in END_OF_DAY and not dry_run and _day_is_known(scope):
            for _ in found.entries:
                pass
            done.append(Compared(scope, None, None, known=True))
            continue
        # A day's statement sent anew stands in the first one's place, and has to show what that showed.
        before = kept.replaced(scope, file)
        expected, shown = partial(_payouts_expected, before, nameless > 0), partial(_shown, file, before)
        done.append(compare(desk, scope, file, BANK, expected, found.entries, scope.until_on, dry_run, shown))
    return done


def _scope(desk: Desk, head: StatementHead) -> Scope:
    """What a statement is of: the scheme's account, on the days that it says, or that it was made on."""
    on = head.until_on or (head.created_at.astimezone(VIETNAM).date() if head.created_at else _today())
    return Scope(desk.settings.settlement_bank, head.account, NOSTRO, min(head.from_on or on, on), on)


def _shown(file: File, before: Sequence[str], outcome: Outcome, reconciliation_id: str) -> None:
    """What follows from the bank's statement, before it is stored: again, nothing changes."""
    if file.kind in END_OF_DAY:
        _note_shown(outcome, reconciliation_id, before)
    payouts.note_came_back(_came_back(outcome), now())


def _day_is_known(scope: Scope) -> bool:
    """Whether the day of a notification has its statement: that shows all that the notification does, and what it
    showed is not expected any more."""
    found, _ = kept.reconciliations(scope.institution)
    return any(
        one.stream == scope.stream and one.kind in END_OF_DAY and one.state == "stored"
        and one.as_of >= scope.until_on.isoformat()
        for one in found
    )  # fmt: skip


def record(desk: Desk, path: Path, institution: str, window: int, dry_run: bool = False) -> list[Compared]:
    """A telecom's own record of a closed window. Raises FileRefused."""
    closed = store.window(window)
    if closed is None:
        raise FileRefused("WINDOW", f"window {window} is not closed: send the record after its report")
    sha256, done = fingerprint(path), []
    day = closed.closed_at.astimezone(VIETNAM).date()
    for found in open_statements(path, _today(), named()["cho-record"]):
        scope = Scope(
            institution, f"settlement:{institution}", f"postings W{window:06d}",
            closed.opened_at.astimezone(VIETNAM).date(), day, window,
        )  # fmt: skip
        file = File("record", "", "", sha256, path.name)
        expected = partial(_postings, closed, institution)
        done.append(compare(desk, scope, file, TELECOM, expected, found.entries, day, dry_run))
    return done


def compare(
    desk: Desk, scope: Scope, file: File, using: RuleSet, expected: Callable[[str], Iterable[Expected]],
    entries: Iterable[StatementEntry], as_of: date, dry_run: bool,
    shown: Callable[[Outcome, str], None] = lambda *_: None,
) -> Compared:  # fmt: skip
    """One statement's entries against what is expected (of a reconciliation's id, "" of a dry run). `shown` is done
    before the outcome is stored, and again after a crash. Raises FileRefused."""
    if dry_run:
        folder = desk.home / "reconciliations" / "dry-run"
        folder.mkdir(parents=True, exist_ok=True)
        return Compared(scope, match(expected(""), entries, using, folder, as_of, scope.stream), None)
    reconciliation_id = kept.id_of(scope, file)
    earlier = kept.find(reconciliation_id)
    if earlier is not None and earlier.state == "stored":
        for _ in entries:
            pass  # what it declares is proven at its end
        return Compared(scope, None, earlier, known=True)
    folder = desk.home / "reconciliations" / reconciliation_id
    folder.mkdir(parents=True, exist_ok=True)
    # Nothing is noted before the whole file was read: it may be refused at its last line.
    outcome = match(expected(reconciliation_id), entries, using, folder, as_of, scope.stream)
    point("matched")
    try:
        kept.register(scope, file, using, BY, now())
    except IdempotencyConflict as error:
        raise FileRefused("MESSAGE_ID", error.message) from error
    shown(outcome, reconciliation_id)
    stored = kept.keep(reconciliation_id, outcome, using, BY, now())
    _logger.info(
        "reconciled", institution=scope.institution, what=scope.what, file=file.name, breaks=stored.breaks,
        entries=outcome.totals.entries, expected=outcome.totals.expected,
    )  # fmt: skip
    return Compared(scope, outcome, stored)


def _check_new(scope: Scope, file: File) -> None:
    """Raises FileRefused where a statement's ids were used for another body: before anything of its file counts."""
    try:
        kept.check_new(scope, file)
    except IdempotencyConflict as error:
        raise FileRefused("MESSAGE_ID", error.message) from error


def _payouts_expected(before: Sequence[str], accounts: bool, reconciliation_id: str) -> Iterator[Expected]:
    """What the bank's statement has to show: payouts and net positions it was given, and no other statement showed:
    found by no reconciliation, by this one, or by those in whose place it comes. `accounts`: whom they go to has to
    tell them apart, for it repeats no references; decrypting them takes time."""
    wanted = list(dict.fromkeys(["", reconciliation_id, *before]))

    @lru_cache(64)
    def sent_on(batch: str) -> date:
        return payouts.batch(batch).sent_at.astimezone(VIETNAM).date()

    for payout in payouts.reconciling(wanted):
        on = sent_on(payout.batch) if payout.batch else _today()
        account = payouts.plain_account(payout)[0] if accounts else ""
        yield Expected(
            payout.id, payout.batch, "D", payout.amount - payout.fee, on, payout.transfer_id, "payout", account
        )
    for net in payouts.nets(reconciled__in=wanted):
        if net.state in ("sent", "settled"):
            on = net.decided_at.astimezone(VIETNAM).date()
            side = "C" if net.amount < 0 else "D"
            yield Expected(net.end_to_end_id, net.message_id, side, abs(net.amount), on, net.transfer_id, "net")


def _postings(closed: store.Window, institution: str, _: str) -> Iterator[Expected]:
    """What a telecom's record of a window has to show: every posting on what it owes the scheme."""
    account = f"settlement:{institution}"

    @lru_cache(64)
    def day(hour: int) -> date:
        return from_ms(hour * 3_600_000).astimezone(VIETNAM).date()

    # As it stands among an event's postings: other telecoms' are not even taken apart.
    named_there = f"{account},".encode()
    raws = store.raw_events(closed.first_seq, closed.last_seq)
    for move in moves.from_raw((seq, raw) for seq, raw in raws if named_there in raw):
        for account_id, side, amount in move.legs:
            if account_id == account and side in "dc":
                on = day(move.at_ms // 3_600_000)
                yield Expected(move.transfer_id, "", side.upper(), amount, on, move.transfer_id, move.op)


def _came_back(outcome: Outcome) -> list[str]:
    """Payouts that came back whole, at once or in parts. What came back short, or more of it, or went the other way, is
    for people: nobody is given what did not come. So is what had left more than once, or as another sum: the bank may
    have put that right, and the payee has the money."""
    sums: dict[str, list[int]] = defaultdict(list)
    for found in outcome.breaks:
        references = {entry.reference for entry in found.entries}
        if found.type is BreakType.REVERSED and len(references) == 1 and {one.side for one in found.entries} == {"C"}:
            sums[references.pop()].append(found.entry_total)
    known = payouts.by_ids(sorted(sums))
    whole = {one: payout.amount - payout.fee for one, payout in known.items()}
    back = {one for one, amount in whole.items() if amount in sums[one] or amount == sum(sums[one])}
    wrongly = {found.entries[0].reference for found in outcome.breaks if found.type in LEFT_WRONGLY and found.entries}
    return sorted(back - wrongly - kept.in_breaks(outcome.scope, LEFT_WRONGLY, back))


def _note_shown(outcome: Outcome, reconciliation_id: str, instead_of: Sequence[str]) -> None:
    """What a day's statement shows, rightly or wrongly, need not be on a later one; what it shows rightly is paid,
    whatever its bank has said or not."""
    rows = spool.read(
        "SELECT DISTINCT reference FROM read_parquet($path) WHERE reference <> ''", path=str(outcome.matches)
    )
    matched = {reference for (reference,) in rows}
    wrongly = {one for found in outcome.breaks if found.type in SHOWN for one in _ours(found)}
    payouts.note_reconciled(sorted(matched | wrongly), reconciliation_id, instead_of)
    booked = sorted(payouts.awaited() & matched)
    steps.note([(one, "ACSC", "BOOKED: the statement shows it") for one in booked], now())
    _close_disputes(outcome.scope.partition("|")[0], set(booked))


def _close_disputes(bank: str, booked: Collection[str]) -> None:
    """What a bank said to have had before, and its statement shows as booked, is nobody's any more."""
    for found in casework.active(bank, DISPUTES_MAX)[0] if booked else ():
        if found.type is BreakType.DISPUTED and found.reference in booked:
            case = Case(bank, steps.DISPUTED_PAYMENT, BreakType.DISPUTED, found.reference)
            cases.close_case(case, "the statement shows it", now())


def _ours(found: Finding) -> set[str]:
    """End-to-end ids of ours that a break is over."""
    ids = {one.reference for one in found.expected}
    if found.expected_count > len(ids) and found.expected[0].group:
        ids |= set(payouts.batch(found.expected[0].group).payouts)
    return ids


def _today() -> date:
    return datetime.now(VIETNAM).date()


def breaks_of(compared: Iterable[Compared]) -> int:
    """How many breaks files had together."""
    return sum(len(one.outcome.breaks) for one in compared if one.outcome is not None)
