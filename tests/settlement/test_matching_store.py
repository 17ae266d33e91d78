"""Reconciliations and breaks on a real MongoDB-wire server: once, never lost, two people at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier

import pytest

from kit import mongo
from kit.errors import Contention, DomainError, FourEyes, IdempotencyConflict, InvalidArgument, NotFound, WrongState
from services.settlement.matching import casework, store
from services.settlement.matching.breaks import Correction, State
from services.settlement.matching.documents import DOCUMENTS, BreakDocument
from services.settlement.matching.model import BreakType, Outcome
from services.settlement.matching.rules import BANK
from services.settlement.records import Expected, StatementEntry
from tests.conftest import opened
from tests.settlement.matching_day import THURSDAY, ours, run, theirs

NOW = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SCOPE = store.Scope("970418", "99990000000001", "payouts", THURSDAY, THURSDAY)
NEXT_DAY = replace(SCOPE, from_on=date(2026, 11, 27), until_on=date(2026, 11, 27))
FILE = store.File("camt.053", "STMT-1", "1", "a" * 64, "camt.053.STMT-1.xml")
OTHER = store.File("camt.053", "STMT-2", "1", "b" * 64, "camt.053.STMT-2.xml")
PAYOUTS = [ours("PO-1"), ours("PO-2"), ours("PO-3")]
SHOWN = [theirs(1, "PO-1"), theirs(2, "PO-2", 74_999), theirs(3, "STRANGE", 5)]


@pytest.fixture(scope="module")
def _connected(mongo_uri: str) -> Iterator[None]:
    with opened(lambda: mongo.open_store("settlement_matching", DOCUMENTS), mongo_uri):
        yield


@pytest.fixture(autouse=True)
def _empty(_connected: None) -> None:
    for document in DOCUMENTS:
        document.objects.delete()


@pytest.fixture
def reconcile(tmp_path: Path) -> Callable[..., store.Reconciliation]:
    def reconcile(
        payouts: list[Expected], entries: list[StatementEntry], scope: store.Scope = SCOPE, file: store.File = FILE,
        at: datetime = NOW,
    ) -> store.Reconciliation:  # fmt: skip
        registered, _ = store.register(scope, file, BANK, "job", at)
        return store.keep(registered.id, outcome(payouts, entries, tmp_path), BANK, "job", at)

    return reconcile


def outcome(payouts: list[Expected], entries: list[StatementEntry], folder: Path) -> Outcome:
    return run(payouts, entries, folder, scope=SCOPE.stream)


def states() -> dict[str, str]:
    """Every break's state by its reference."""
    found = [one for state in State for one in casework.of_state("970418", state)[0]]
    return {one.reference: one.state.value for one in found}


def break_of(reference: str) -> casework.Break:
    found = [one for state in State for one in casework.of_state("970418", state)[0] if one.reference == reference]
    assert len(found) == 1
    return found[0]


# Files ------------------------------------------------------------------------------------------------------------


def test_the_same_file_again_is_answered_with_the_earlier_reconciliation() -> None:
    first, new = store.register(SCOPE, FILE, BANK, "job", NOW)
    again, new_again = store.register(SCOPE, replace(FILE, name="sent-again.xml"), BANK, "huy", LATER)
    assert (new, new_again) == (True, False)
    assert again == first
    assert (first.state, first.made_by, first.rules) == ("registered", "job", "bank-1")


def test_one_message_id_with_another_body_is_a_conflict() -> None:
    store.register(SCOPE, FILE, BANK, "job", NOW)
    with pytest.raises(IdempotencyConflict, match="STMT-1"):
        store.register(SCOPE, replace(FILE, sha256="b" * 64), BANK, "job", NOW)


def test_two_statements_of_one_file_and_two_institutions_do_not_meet() -> None:
    scopes = [SCOPE, SCOPE, replace(SCOPE, institution="970436"), replace(SCOPE, what="net")]
    files = [FILE, replace(FILE, statement_id="2"), FILE, FILE]
    found = [store.register(scope, file, BANK, "job", NOW) for scope, file in zip(scopes, files, strict=True)]
    assert all(new for _, new in found)
    assert len({one.id for one, _ in found}) == 4


def test_a_scope_without_its_words_and_a_file_without_fingerprint_are_refused() -> None:
    for change in ({"institution": ""}, {"account": "1|2"}, {"until_on": date(2026, 1, 1)}):
        with pytest.raises(InvalidArgument):
            replace(SCOPE, **change)
    with pytest.raises(InvalidArgument):
        store.register(SCOPE, replace(FILE, sha256=""), BANK, "job", NOW)


# Outcomes ---------------------------------------------------------------------------------------------------------


def test_an_outcome_is_kept_with_its_totals_and_breaks(reconcile: Callable[..., store.Reconciliation]) -> None:
    found = reconcile(PAYOUTS, SHOWN)
    assert (found.state, found.breaks, found.at_risk, found.as_of) == ("stored", 3, 75_006, "2026-12-01")
    assert (found.totals.match_rate, found.by_rule) == (3_333, {"reference": 1})
    assert found.by_type == {"AMOUNT": [1, 1], "EXTRA": [1, 5], "MISSING": [1, 75_000]}
    assert states() == {"PO-2": "open", "PO-3": "open", "STRANGE": "open"}
    assert store.reconciliation(found.id) == found
    assert '"booked_on": "2026-11-26"' in break_of("STRANGE").facts


def test_names_and_accounts_of_people_are_encrypted(reconcile: Callable[..., store.Reconciliation]) -> None:
    reconcile([], [theirs(1, "STRANGE", counterparty="Nguyễn Thị Ổi", counterparty_account="19001234")])
    stored = str(BreakDocument._get_collection().find_one({"reference": "STRANGE"}))
    assert "Nguyễn" not in stored
    assert "19001234" not in stored
    assert "Nguyễn Thị Ổi" in break_of("STRANGE").facts


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    assert len(outcome(PAYOUTS, SHOWN, tmp_path).breaks) == 3
    assert states() == {}
    assert store.reconciliations("970418") == ([], "")


def test_storing_again_changes_nothing(reconcile: Callable[..., store.Reconciliation]) -> None:
    first = reconcile(PAYOUTS, SHOWN)
    before = [break_of(reference) for reference in states()]
    assert reconcile(PAYOUTS[::-1], SHOWN[::-1]) == first
    assert [break_of(reference) for reference in states()] == before


def test_a_crash_between_is_made_good_by_storing_again(
    reconcile: Callable[..., store.Reconciliation], monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("the process dies here")

    with monkeypatch.context() as patch:
        patch.setattr(store, "_close_gone", crash)
        with pytest.raises(RuntimeError):
            reconcile(PAYOUTS, SHOWN)
    assert reconcile(PAYOUTS, SHOWN).state == "stored"
    assert len(states()) == 3


def test_an_outcome_of_another_scope_or_without_a_file_is_refused(tmp_path: Path) -> None:
    found = outcome(PAYOUTS, SHOWN, tmp_path)
    with pytest.raises(NotFound):
        store.keep("rec_none", found, BANK, "job", NOW)
    registered, _ = store.register(replace(SCOPE, what="net"), FILE, BANK, "job", NOW)
    with pytest.raises(InvalidArgument):
        store.keep(registered.id, found, BANK, "job", NOW)


def test_what_a_new_run_no_longer_finds_is_gone_and_comes_back_when_it_does(
    reconcile: Callable[..., store.Reconciliation],
) -> None:
    reconcile(PAYOUTS, SHOWN)
    reconcile(PAYOUTS, [*SHOWN, theirs(4, "PO-3")], at=LATER)
    assert states() == {"PO-2": "open", "PO-3": "gone", "STRANGE": "open"}
    event = break_of("PO-3").history[-1]
    assert (event.by, event.at, event.what) == ("job", LATER, "gone")
    reconcile(PAYOUTS, SHOWN)
    assert states()["PO-3"] == "open"


def test_a_later_days_statement_ends_what_was_missing_and_nothing_else(
    reconcile: Callable[..., store.Reconciliation],
) -> None:
    reconcile(PAYOUTS, SHOWN)
    reconcile([ours("PO-3")], [theirs(1, "PO-3", booked_on=date(2026, 11, 27))], NEXT_DAY, OTHER)
    assert states() == {"PO-2": "open", "PO-3": "gone", "STRANGE": "open"}


@pytest.mark.parametrize(("kind", "state"), [("camt.053", "gone"), ("camt.054", "open")])
def test_a_corrected_statement_takes_the_place_of_the_first_and_a_notification_does_not(
    reconcile: Callable[..., store.Reconciliation], kind: str, state: str
) -> None:
    reconcile([], [theirs(1, "STRANGE")], file=replace(FILE, kind=kind))
    reconcile([], [], file=replace(OTHER, kind=kind))
    assert states() == {"STRANGE": state}


def test_a_page_of_a_statement_leaves_the_breaks_of_the_others_alone(
    reconcile: Callable[..., store.Reconciliation],
) -> None:
    for page, entry in (("S-7/1", theirs(1, "STRANGE")), ("S-7/2", theirs(1, "ALSO-STRANGE"))):
        reconcile(
            [], [entry], file=replace(FILE, kind="camt.053", statement_id=page, sha256=page[-1] * 64, message_id=page)
        )
    assert states() == {"STRANGE": "open", "ALSO-STRANGE": "open"}
    corrected = replace(FILE, kind="camt.053", statement_id="S-8", sha256="8" * 64, message_id="S-8")
    reconcile([], [theirs(1, "STRANGE")], file=corrected)
    assert states() == {"STRANGE": "open", "ALSO-STRANGE": "gone"}


def test_a_file_comes_in_the_place_of_whole_ones_of_its_scope_and_of_none_of_its_own_pages(
    reconcile: Callable[..., store.Reconciliation],
) -> None:
    def file(kind: str, statement_id: str, sha256: str) -> store.File:
        return replace(FILE, kind=kind, statement_id=statement_id, sha256=sha256 * 64, message_id=sha256 + statement_id)

    first, page, notice = file("camt.053", "S-7", "1"), file("camt.053", "S-7/2", "2"), file("camt.054", "N-1", "3")
    twin = file("camt.053", "S-9", "1")
    ids = {one: reconcile([], [], file=one).id for one in (first, page, notice, twin)}
    assert store.replaced(SCOPE, first) == []
    assert store.replaced(SCOPE, notice) == []
    assert store.replaced(SCOPE, file("camt.053", "S-8", "4")) == sorted(ids[one] for one in (first, page, twin))
    # The bank used the statement's id again.
    assert store.replaced(SCOPE, file("camt.053", "S-7", "5")) == sorted([ids[first], ids[twin]])


def test_a_decided_break_outlives_new_runs(reconcile: Callable[..., store.Reconciliation]) -> None:
    reconcile(PAYOUTS, SHOWN)
    one = break_of("PO-3")
    one = casework.propose(one.id, one.version, "pay again", Correction("a", "b", 75_000, "lost"), "lan", NOW)
    one = casework.approve(one.id, one.version, "huy", NOW)
    reconcile(PAYOUTS, [*SHOWN, theirs(4, "PO-3")])
    assert casework.load(one.id) == one
    assert casework.resolve(one.id, "trf_1", "huy", NOW).state is State.RESOLVED
    assert casework.resolve(one.id, "trf_1", "huy", NOW).transfer_id == "trf_1"
    with pytest.raises(WrongState):
        casework.resolve(one.id, "trf_2", "huy", NOW)


def test_more_breaks_than_are_read_together(
    reconcile: Callable[..., store.Reconciliation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "_CHUNK", 7)
    payouts = [ours(f"PO-{n}") for n in range(24)]
    reconcile(payouts, [])
    reconcile(payouts, [theirs(n + 1, f"PO-{n}") for n in range(23)])
    assert sorted(states().values()) == ["gone"] * 23 + ["open"]
    pages, after = [], ""
    while True:
        page, after = casework.of_state("970418", State.GONE, after, 10)
        pages += page
        if not after:
            break
    assert len({one.id for one in pages}) == len(pages) == 23


# People -----------------------------------------------------------------------------------------------------------


def test_a_break_from_open_to_resolved(reconcile: Callable[..., store.Reconciliation]) -> None:
    found = reconcile(PAYOUTS, SHOWN)
    one = break_of("PO-2")
    one = casework.assign(one.id, one.version, "lan", "huy", NOW)
    one = casework.comment(one.id, "đã gọi ngân hàng", "lan", NOW)
    one = casework.propose(one.id, one.version, "the bank's fee", Correction("a", "b", 1, "fee"), "lan", NOW)
    with pytest.raises(FourEyes):
        casework.approve(one.id, one.version, "lan", NOW)
    one = casework.reject(one.id, one.version, "ask again", "huy", NOW)
    one = casework.propose(one.id, one.version, "the bank's fee", None, "lan", NOW)
    one = casework.approve(one.id, one.version, "huy", NOW)
    assert one == casework.load(one.id)
    assert (one.state, one.type, len(one.history)) == (State.RESOLVED, BreakType.AMOUNT, 6)
    assert one in casework.of_state("970418", State.RESOLVED)[0]
    assert len(casework.of_reconciliation(found.id)[0]) == 3
    with pytest.raises(NotFound):
        casework.load("brk_none")


def test_of_two_people_at_once_one_acts_and_the_other_is_told(reconcile: Callable[..., store.Reconciliation]) -> None:
    reconcile(PAYOUTS, SHOWN)
    one = break_of("PO-2")
    together = Barrier(2)

    def assign(who: str) -> str:
        together.wait()
        try:
            return casework.assign(one.id, one.version, who, who, NOW).owner
        except DomainError as error:
            return error.code

    with ThreadPoolExecutor(2) as people:
        told = list(people.map(assign, ("lan", "huy")))
    after = casework.load(one.id)
    assert sorted(told) == sorted([after.owner, "CONTENTION"])
    assert (after.version, len(after.history)) == (one.version + 1, 1)


def test_comments_at_once_are_all_kept(reconcile: Callable[..., store.Reconciliation]) -> None:
    reconcile(PAYOUTS, SHOWN)
    one = break_of("PO-2")
    with ThreadPoolExecutor(2) as people:
        list(people.map(lambda n: casework.comment(one.id, str(n), "lan", NOW), range(2)))
    assert sorted(event.text for event in casework.load(one.id).history) == ["0", "1"]


def test_nobody_approves_what_they_have_not_seen(reconcile: Callable[..., store.Reconciliation]) -> None:
    reconcile(PAYOUTS, SHOWN)
    one = break_of("PO-2")
    seen = casework.propose(one.id, one.version, "one way", None, "lan", NOW)
    back = casework.reject(seen.id, seen.version, "no", "lan", NOW)
    casework.propose(back.id, back.version, "another way", Correction("a", "b", 9, "x"), "lan", NOW)
    with pytest.raises(Contention):
        casework.approve(seen.id, seen.version, "huy", NOW)


def test_reconciliations_are_listed_newest_first_in_pages() -> None:
    for n in range(5):
        file = replace(FILE, message_id=f"M{n}", sha256=f"{n:064d}")
        store.register(SCOPE, file, BANK, "job", NOW + timedelta(minutes=n))
    first, before = store.reconciliations("970418", limit=3)
    second, end = store.reconciliations("970418", before, limit=3)
    assert [one.message_id for one in [*first, *second]] == ["M4", "M3", "M2", "M1", "M0"]
    assert end == ""
    with pytest.raises(InvalidArgument):
        store.reconciliations("970418", limit=0)


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([], []),
        (["327", "328"], ["327", "328"]),
        (["", "", ""], ["", "#2", "#3"]),
        (["327", "328", "327", "328"], ["327", "328", "327#2", "328#2"]),
        (["327", "327", "327#2", "327"], ["327", "327#3", "327#2", "327#4"]),
    ],
)
def test_statements_of_one_file_are_told_apart_and_who_has_an_id_alone_keeps_it(
    ids: list[str], told: list[str]
) -> None:
    assert store.told_apart(ids) == told
