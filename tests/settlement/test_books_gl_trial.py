"""The trial balance: at every event the books' own sums, whatever was kept; a window's movements its positions."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from services.payments import transfer
from services.settlement import chain, fold, positions, store
from services.settlement.books import checkpoints, trial
from services.settlement.books.chart import UNKNOWN
from services.settlement.books.checkpoints import Behind, Checkpoints
from services.settlement.books.tail import Totals
from services.settlement.statements.model import WrongChain
from tests.settlement.conftest import Scribe
from tests.settlement.test_books_store import append, busy_day
from tests.settlement.test_statements import market_days

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Checkpoints]:
    one = Checkpoints(tmp_path / "books" / "checkpoints.sqlite3")
    yield one
    one.close()


def follow(kept: Checkpoints) -> None:
    while kept.follow():
        pass


def folded(scribe: Scribe, seq: int) -> fold.Books:
    return fold.replay(scribe.events[:seq])


def by_line(books: fold.Books) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(kind, unit) to accounts, debits and credits, as the fold has them."""
    lines: dict[tuple[str, str], tuple[int, int, int]] = defaultdict(lambda: (0, 0, 0))
    for account_id, account in books.accounts.items():
        bank = books.banks.get(account_id, "")
        unit = bank if account.kind == "merchant" else account.telecom or account_id.partition(":")[2]
        count, debits, credits = lines[account.kind, unit]
        lines[account.kind, unit] = (count + 1, debits + account.debits, credits + account.credits)
    return dict(lines)


def market(seed: int, moves: int, cuts: int) -> Scribe:
    """Days of a market with windows closed in between."""
    scribe = market_days(seed, moves)
    for event in range(len(scribe.events) - 1, 0, -max(1, len(scribe.events) // cuts)):
        # What was written behind it gets the next number, and is in the next window.
        marker = scribe.events[event]
        later = [replace(e, seq=e.seq + 1, window=e.window + 1) for e in scribe.events[event:]]
        cut = replace(marker, op="cut", result="OK", body_hash="", legs=(), transfer_id="", related="", amount="0",
                       fee="0", change="", scope=f"cut|{event}")  # fmt: skip
        scribe.events[event:] = [cut, *later]
    return scribe


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([3, 7, 1000]), st.integers(1, 9))
@examples(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_at_every_event_the_sums_are_equal_and_the_folds(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    cuts: int,
    every: int,
    batch: int,
) -> None:
    for document in (store.JournalPage, store.Head, store.Window, store.Bank):
        document.objects.delete()
    monkeypatch.setattr(checkpoints, "EVERY", every)
    scribe = market(seed, 12, cuts)
    append(scribe, batch)
    kept = Checkpoints(tmp_path_factory.mktemp("kept") / "c.sqlite3")
    follow(kept)
    head = chain.GENESIS
    for entry, event in zip(scribe.entries(), scribe.events, strict=True):
        head = chain.link(head, entry.seq, entry.raw)
        if event.seq % 5 and event.op != "cut":
            continue
        made = trial.at_seq(kept, event.seq)
        assert made.findings == ()
        assert (made.debits, made.debit_balances) == (made.credits, made.credit_balances)
        assert (made.seq, made.at_ms, made.chain_head) == (event.seq, event.at_ms, head)
        got = {(at.line.kind, at.unit): (at.accounts, at.totals.debits, at.totals.credits) for at in made.lines}
        assert got == by_line(folded(scribe, event.seq))
    for window in store.windows(99, 99):
        assert trial.tie(kept, window.number) == []
    kept.close()


def test_a_windows_movements_are_its_positions_to_the_dong(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    follow(kept)
    for number in (1, 2):
        window = store.window(number)
        assert window is not None
        totals = positions.total(store.events(window.first_seq, window.last_seq), store.banks(window))
        moved = {m.unit: m for m in trial.movements(kept, number) if m.line.kind == "settlement"}
        assert moved["VIETTEL"].debits == totals.lines["VIETTEL"].debits
        assert moved["VIETTEL"].credits == totals.lines["VIETTEL"].credits
        assert trial.tie(kept, number) == []
    merchants = {m.unit: m for m in trial.movements(kept, 2) if m.line.kind == "merchant"}
    assert (merchants["970436"].opening, merchants["970436"].debits, merchants["970436"].closing) == (
        99_800, 24_950, 74_850,
    )  # fmt: skip
    with pytest.raises(KeyError):
        trial.tie(kept, 3)
    with pytest.raises(Behind):
        trial.at_window(kept, 3)


def test_a_position_that_is_a_dong_wrong_is_found_and_its_institution_named(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    follow(kept)
    lines = store.with_positions(store.windows(1, 1)[0]).lines
    for line in lines:
        line.debits += line.institution == "VIETTEL"
    store.Window.objects(number=1).update_one(set__lines=lines)
    (wrong,) = trial.tie(kept, 1)
    assert (wrong.code, wrong.name) == ("POSITION_DIFFERS", "window 1")
    assert wrong.text.startswith("VIETTEL")
    assert trial.tie(kept, 2) == []


def test_a_merchant_that_changed_its_bank_is_under_the_one_that_it_had_then(scribe: Scribe, kept: Checkpoints) -> None:
    wallet, merchant = scribe.wallet(100_000), scribe.merchant("mer_1", "970436")
    scribe.pay(wallet, merchant, 10_000)
    scribe.cut()
    scribe.pay(wallet, merchant, 20_000)
    scribe.merchant(merchant, "970415")
    scribe.cut()
    append(scribe)
    follow(kept)
    banks = [
        {line.unit: line.balance for line in trial.at_window(kept, number).lines if line.line.kind == "merchant"}
        for number in (1, 2)
    ]
    assert banks == [{"970436": 10_000}, {"970415": 30_000}]
    assert trial.tie(kept, 1) == trial.tie(kept, 2) == []


def test_what_settles_is_no_position_and_the_window_ties_all_the_same(scribe: Scribe, kept: Checkpoints) -> None:
    scribe.open(transfer.NOSTRO, "nostro")
    scribe.open(transfer.TRANSIT, "transit")
    wallet, merchant = scribe.wallet(100_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 10_000)
    scribe.cut()
    scribe.transfer("net", 10_000, transfer.net("VIETTEL", -10_000))
    scribe.transfer("payout", 10_000, transfer.payout(merchant, 10_000))
    scribe.pay(wallet, merchant, 500)
    scribe.cut()
    append(scribe)
    follow(kept)
    assert trial.tie(kept, 1) == trial.tie(kept, 2) == []
    balances = {line.line.kind: line.balance for line in trial.at_window(kept, 2).lines if line.totals.debits}
    assert (balances["nostro"], balances["settlement"], balances["merchant"]) == (10_000, 500, 500)
    assert not trial.at_window(kept, 2).findings


def test_at_a_moment_its_last_millisecond_is_included(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    follow(kept)
    for event in (scribe.events[0], scribe.events[20], scribe.events[-1]):
        assert trial.at_moment(kept, event.at_ms).seq == event.seq
    assert trial.at_moment(kept, scribe.events[-1].at_ms + 10**9).seq == len(scribe.events)
    with pytest.raises(ValueError, match="no entry 0"):
        trial.at_moment(kept, scribe.events[0].at_ms - 1)
    for seq in (0, len(scribe.events) + 1):
        with pytest.raises(ValueError, match="no entry"):
            trial.at_seq(kept, seq)


def test_an_account_of_any_kind_is_told_at_any_event(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    follow(kept)
    for seq in range(1, len(scribe.events) + 1):
        books = folded(scribe, seq)
        for account_id in ("settlement:VIETTEL", "clearing:VIETTEL", "fee:PLATFORM", "mer_1", "trust:VNPT"):
            found = trial.account_at(kept, account_id, seq)
            if account_id not in books.accounts:
                assert found is None
                continue
            assert found is not None
            is_ = books.accounts[account_id]
            assert found[0].kind == is_.kind
            assert found[1] == Totals(is_.debits, is_.credits, is_.debits_pending, is_.credits_pending)


def test_books_that_do_not_balance_and_accounts_that_were_never_opened_are_findings(
    scribe: Scribe, kept: Checkpoints
) -> None:
    wallet = scribe.wallet(100)
    scribe.transfer("pay", 5, [transfer.Leg("d", 5, wallet), transfer.Leg("c", 4, "odd:ONE")])
    scribe.cut()
    append(scribe)
    for _ in range(2):  # from the journal, and from the checkpoint
        made = trial.at_seq(kept, len(scribe.events))
        assert "odd:ONE was never opened" in made.findings
        assert any(text.startswith("debits ") for text in made.findings)
        assert any("the chart has no line" in text for text in made.findings)
        assert UNKNOWN in [line.line for line in made.lines]
        assert made.debits == made.credits + 1
        follow(kept)
    assert trial.tie(kept, 1)


def test_totals_that_are_not_what_was_posted_are_a_finding(scribe: Scribe, kept: Checkpoints) -> None:
    wallet = scribe.wallet(100)
    scribe._totals[wallet][1] += 7
    scribe.pay(wallet, scribe.merchant("mer_1"), 5)
    append(scribe)
    assert any(f"{wallet} has other totals" in text for text in trial.at_seq(kept, len(scribe.events)).findings)


# The file ------------------------------------------------------------------------------------------------------


def all_trials(kept: Checkpoints) -> list[trial.Trial]:
    return [trial.at_window(kept, number) for number in (1, 2)]


def content(path: Path) -> list[list[tuple[object, ...]]]:
    """Every row of every table."""
    with closing(sqlite3.connect(path)) as file:
        return [file.execute(f"SELECT * FROM {name}").fetchall() for name in checkpoints._NAMES]


# Events between checkpoints; accounts that are remembered.
@pytest.mark.parametrize(("every", "kept_max"), [(4, 0), (4, 3), (4, 1000), (1000, 1000)])
def test_the_file_can_be_lost_at_any_time_and_is_the_same_again(
    scribe: Scribe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int, kept_max: int
) -> None:
    monkeypatch.setattr(checkpoints, "EVERY", every)
    monkeypatch.setattr(checkpoints, "ACCOUNTS_KEPT", kept_max)
    entries = busy_day(scribe).entries()
    kept = Checkpoints(tmp_path / "a.sqlite3")
    for start in range(0, len(entries), 3):
        store.append(entries[start : start + 3])
        follow(kept)
        kept.close()
        kept = Checkpoints(tmp_path / "a.sqlite3")  # another process, every time
    once = Checkpoints(tmp_path / "b.sqlite3")
    follow(once)
    assert all_trials(kept) == all_trials(once)
    assert kept.newest() == once.newest()
    assert content(tmp_path / "a.sqlite3") == content(tmp_path / "b.sqlite3")
    assert (tmp_path / "a.sqlite3").stat().st_mode & 0o777 == 0o600
    kept.close()
    once.close()


def test_a_file_that_is_none_or_of_another_layout_or_cut_short_is_built_again(scribe: Scribe, tmp_path: Path) -> None:
    append(busy_day(scribe))
    path = tmp_path / "c.sqlite3"
    first = Checkpoints(path)
    follow(first)
    right = all_trials(first)
    first.close()
    whole = path.read_bytes()
    for damaged in (
        b"",
        b"not a database" * 100,
        whole[: len(whole) // 2],
        whole[:5000] + b"\xff" * 900 + whole[5900:],
    ):
        path.write_bytes(damaged)
        again = Checkpoints(path)
        follow(again)
        assert all_trials(again) == right
        again.close()


def test_one_changed_number_in_the_file_is_noticed_and_it_is_built_again(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    follow(kept)
    right = all_trials(kept)
    with closing(sqlite3.connect(kept._path, isolation_level=None)) as intruder:
        intruder.execute("UPDATE line SET debits = debits + 1 WHERE kind = 'settlement'")
    with pytest.raises(Behind, match="damaged"):
        trial.at_window(kept, 1)
    follow(kept)
    assert all_trials(kept) == right


def test_other_books_are_followed_from_their_beginning(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    follow(kept)
    for document in (store.JournalPage, store.Head, store.Window, store.Bank):
        document.objects.delete()
    other = Scribe()
    other.wallet(5)
    other.cut()
    append(other)
    follow(kept)
    assert kept.newest().seq == len(other.events)
    assert trial.at_window(kept, 1).findings == ()


def test_a_page_that_was_changed_is_not_taken(scribe: Scribe, kept: Checkpoints) -> None:
    append(busy_day(scribe))
    pages = store.JournalPage._get_collection()
    page = pages.find_one({"_id": 2})
    pages.update_one({"_id": 2}, {"$set": {"raw": bytes(page["raw"]).replace(b"VIETTEL", b"VIETTEN", 1)}})
    with pytest.raises(WrongChain):
        kept.follow()
    assert kept.newest() == checkpoints.START


def test_who_asks_too_far_behind_the_last_checkpoint_is_told_to_wait(
    scribe: Scribe, kept: Checkpoints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial, "TAIL_MAX", 10)
    append(busy_day(scribe))
    with pytest.raises(Behind):
        trial.at_seq(kept, 11)
    with pytest.raises(Behind):
        trial.at_moment(kept, scribe.events[-1].at_ms)
    assert trial.at_seq(kept, 10).findings == ()
