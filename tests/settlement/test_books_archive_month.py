"""Archived months: whole or not there, the same bytes twice, and whatever is changed in them is found and named."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from bson import Binary

from kit.clock import month_of
from kit.config import settings
from services.settlement import chain, fold, store
from services.settlement.books import archive, archived, manifest, parquet
from services.settlement.books.archive import MonthOpen
from services.settlement.books.manifest import ArchiveWrong
from services.settlement.proof import signature
from services.settlement.statements.model import ASSETS
from tests.settlement.conftest import MIDNIGHT_MS, Scribe
from tests.settlement.test_books_moves import Teller
from tests.settlement.test_books_store import append

pytestmark = pytest.mark.usefixtures("books")

KEY = signature.signing_key(settings().settlement_signing_secret)
KEYS = signature.public_keys(KEY)
DAY_MS = 86_400_000
DECEMBER_MS = MIDNIGHT_MS + 2 * DAY_MS  # 2026-12-01T00:00+07:00
JANUARY_MS = DECEMBER_MS + 31 * DAY_MS


def two_months(last_ms: int = JANUARY_MS) -> Teller:
    """Two days of November, some of December, and the first event of January, to the millisecond."""
    teller = Teller()
    wallet, merchant = teller.wallet(1_000_000), teller.merchant("mer_1")
    for n in range(5):
        teller.pay(wallet, merchant, 1_000 + n, n)
    held = teller.hold(wallet, merchant, 500)
    teller.at_ms = DECEMBER_MS - 2
    teller.pay(wallet, merchant, 7, 1)  # November's last ms
    teller.pay(wallet, merchant, 8, 1)  # December's first
    teller.capture(held, wallet, merchant, 500, 300)
    teller.write("pay", transfer_id="", amount="5", body_hash="h", result="INSUFFICIENT_FUNDS")
    teller.cut()
    teller.at_ms = last_ms - 1
    teller.pay(wallet, merchant, 9, 1)
    return teller


def month_range(scribe: Scribe, month: int) -> tuple[int, int]:
    seqs = [event.seq for event in scribe.events if month_of(event.at_ms) == month]
    return seqs[0], seqs[-1]


@pytest.mark.parametrize("batch", [2, 500])
def test_a_month_is_cut_at_vietnams_midnight_between_two_events(tmp_path: Path, batch: int) -> None:
    teller = two_months()
    append(teller, batch)
    assert archive.months() == [202611, 202612]
    made = archive.archive_closed(tmp_path / "archive")
    assert [(a.folder.name, a.new) for a in made] == [("2026-11", True), ("2026-12", True)]
    heads, head = {0: chain.GENESIS}, chain.GENESIS
    for entry in teller.entries():
        head = heads[entry.seq] = chain.link(head, entry.seq, entry.raw)
    for one, month in zip(made, (202611, 202612), strict=True):
        first, last = month_range(teller, month)
        said = one.manifest
        assert (said.first_seq, said.last_seq) == (first, last)
        assert (said.head_before, said.head_after) == (heads[first - 1].hex(), heads[last].hex())
        legs = [leg for event in teller.events[first - 1 : last] if event.result == "OK" for leg in event.legs]
        assert [file.rows for file in said.files] == [last - first + 1, len(legs)]
        assert said.debits == said.credits == sum(leg.amount for leg in legs if leg.side == "d")
        assert archived.verify(one.folder, KEYS) == []
    assert archived.verify_all(tmp_path / "archive", KEYS) == []
    raws = list(archived.raw_events(tmp_path / "archive", KEYS, 3, made[1].manifest.last_seq))
    assert raws == list(store.raw_events(3, made[1].manifest.last_seq))
    assert store.head().seq == len(teller.events), "nothing is taken out of the journal"


def test_a_month_that_is_not_over_in_the_books_is_not_archived(tmp_path: Path) -> None:
    append(two_months(last_ms=JANUARY_MS - 1))
    assert archive.months() == [202611]
    for month in (202612, 202701, 202610):
        with pytest.raises(MonthOpen):
            archive.archive(tmp_path, month)
    for month in (202613, 202600, 11):
        with pytest.raises(ValueError, match="no month"):
            archive.archive(tmp_path, month)
    assert list(tmp_path.iterdir()) == []


def test_books_without_an_event_have_no_month(tmp_path: Path) -> None:
    assert archive.months() == []
    assert archive.archive_closed(tmp_path) == []
    assert archived.verify_all(tmp_path, KEYS) == []


def test_a_month_without_events_is_left_out(tmp_path: Path) -> None:
    append(two_months(last_ms=JANUARY_MS + 31 * DAY_MS))
    assert archive.months() == [202611, 202612, 202701]
    assert [one.folder.name for one in archive.archive_closed(tmp_path)] == ["2026-11", "2026-12"]
    with pytest.raises(ValueError, match="no event"):
        archive.archive(tmp_path, 202701)
    assert archived.verify_all(tmp_path, KEYS) == []


@pytest.mark.parametrize("at_once", [3, 5000])
def test_the_same_month_twice_is_the_same_bytes_however_it_was_journaled_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    teller = two_months()
    append(teller, 3)
    first = archive.archive(tmp_path / "a", 202611)
    genesis = store.head().genesis
    for document in (store.JournalPage, store.Head, store.Window, store.Bank):
        document.objects.delete()
    append(teller, 8)
    store.Head.objects.update(set__genesis=genesis)
    monkeypatch.setattr(parquet, "ROWS_AT_ONCE", at_once)
    second = archive.archive(tmp_path / "b", 202611)
    assert sorted(path.name for path in first.folder.iterdir()) == sorted(
        [manifest.MANIFEST, parquet.ENTRIES, parquet.POSTINGS]
    )
    for path in first.folder.iterdir():
        assert path.read_bytes() == (second.folder / path.name).read_bytes(), path.name
        assert path.stat().st_mode & 0o077 == 0 or path.name == manifest.MANIFEST


def test_what_is_archived_is_left_alone_if_it_is_right(tmp_path: Path) -> None:
    append(two_months())
    first = archive.archive(tmp_path, 202611)
    before = {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()}
    again = archive.archive(tmp_path, 202611)
    assert (again.new, again.manifest) == (False, first.manifest)
    assert {path.name: path.stat().st_mtime_ns for path in first.folder.iterdir()} == before


class Crash(Exception):
    """The process dies here."""


@pytest.mark.parametrize("point", ["write", "digest", "rename"])
def test_a_crash_leaves_no_month_and_the_next_try_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    def crash(*_: object) -> None:
        raise Crash

    append(two_months())
    targets = {"write": (parquet.Writer, "write"), "digest": (archive, "digest"), "rename": (archive.os, "rename")}
    (tmp_path / ".2026-11.killed.part").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(*targets[point], crash)
        with pytest.raises(Crash):
            archive.archive(tmp_path, 202611)
    assert list(tmp_path.iterdir()) == []
    assert archive.archive(tmp_path, 202611).new
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11"]


# Reading -------------------------------------------------------------------------------------------------------


def test_an_accounts_archived_postings_are_the_folds_with_the_balance_after_each(tmp_path: Path) -> None:
    teller = two_months()
    append(teller)
    archive.archive_closed(tmp_path)
    books = fold.Books()
    expected: dict[str, list[Any]] = {}
    last = month_range(teller, 202612)[1]
    for event in teller.events[:last]:
        books.apply(event)
        for leg in event.legs if event.result == "OK" else ():
            account = books.accounts[leg.account_id]
            sign = -1 if account.kind in ASSETS or account.kind in ("settlement", "psp", "nostro") else 1
            balance = sign * (account.credits - account.debits)
            expected.setdefault(leg.account_id, []).append((event.seq, leg.side, leg.amount, balance))
    for account_id, lines in expected.items():
        got = list(archived.query_account(tmp_path, KEYS, account_id, 0, JANUARY_MS))
        assert [(p.seq, p.side, p.amount, p.balance) for p in got] == lines
    wallet = next(account for account in expected if account.startswith("wal_"))
    for since, until in ((0, DECEMBER_MS), (DECEMBER_MS, JANUARY_MS), (DECEMBER_MS - 1, DECEMBER_MS), (5, 5)):
        got = list(archived.query_account(tmp_path, KEYS, wallet, since, until))
        assert all(since <= posting.at_ms < until for posting in got)
        assert len(got) == sum(since <= teller.events[seq - 1].at_ms < until for seq, *_ in expected[wallet])
    assert list(archived.query_account(tmp_path, KEYS, "wal_' OR 1=1 --", 0, JANUARY_MS)) == []


def test_the_line_of_sql_in_the_documentation_answers(tmp_path: Path) -> None:
    append(two_months())
    archive.archive_closed(tmp_path)
    text = (Path(store.__file__).parents[2] / "docs" / "books.md").read_text(encoding="utf-8")
    (line,) = [line.strip() for line in text.splitlines() if line.strip().startswith("SELECT")]
    with duckdb.connect(":memory:") as connection:
        rows = connection.execute(line.replace("ARCHIVE", str(tmp_path)).replace("wal_...", "settlement:VIETTEL"))
        assert len(rows.fetchall()) == 9


def test_a_folder_whose_name_is_a_pattern_is_refused(tmp_path: Path) -> None:
    append(two_months())
    with pytest.raises(ValueError, match="pattern"):
        archive.archive(tmp_path / "what*", 202611)


# Tampering -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [parquet.ENTRIES, parquet.POSTINGS])
def test_one_flipped_bit_anywhere_in_a_file_is_found_and_the_file_named(tmp_path: Path, name: str) -> None:
    append(two_months())
    folder = archive.archive(tmp_path, 202611).folder
    whole = (folder / name).read_bytes()
    for at in range(0, len(whole), 211):
        changed = bytearray(whole)
        changed[at] ^= 4
        (folder / name).write_bytes(bytes(changed))
        (wrong,) = archived.verify(folder, KEYS)
        assert (wrong.code, wrong.name) == ("FILE_CHANGED", f"2026-11/{name}")
    with pytest.raises(ArchiveWrong, match=name):
        archive.archive(tmp_path, 202611)
    (folder / name).unlink()
    assert [wrong.code for wrong in archived.verify(folder, KEYS)] == ["FILE_MISSING"]
    (folder / name).write_bytes(whole)
    assert archived.verify(folder, KEYS) == []


def forge(folder: Path, statement: str, name: str = parquet.ENTRIES) -> None:
    """Rewrites a file by SQL, and its size, hash and rows in the manifest, signed: who has the key can do that."""
    said = manifest.read(folder, KEYS)
    path = folder / name
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE one AS FROM read_parquet('{path}')")
        connection.execute(statement)
        connection.execute(f"COPY one TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
        rows = connection.execute("SELECT count(*) FROM one").fetchall()[0][0]
    size, digest = manifest.digest(path)
    files = tuple(
        replace(file, bytes=size, sha256=digest, rows=rows) if file.name == name else file for file in said.files
    )
    (folder / manifest.MANIFEST).write_text(replace(said, files=files).signed(KEY), encoding="utf-8")


@pytest.mark.parametrize(
    ("statement", "name", "code"),
    [
        ("UPDATE one SET raw = raw || 'x'::BLOB WHERE seq = 20", parquet.ENTRIES, "CHAIN_BROKEN"),
        ("UPDATE one SET head = NULL WHERE head IS NOT NULL", parquet.ENTRIES, "CHAIN_BROKEN"),
        ("DELETE FROM one WHERE seq = 20", parquet.ENTRIES, "ENTRY_MISSING"),
        ("DELETE FROM one WHERE seq > 20", parquet.ENTRIES, "ENTRY_MISSING"),
        ("DROP TABLE one; CREATE TABLE one AS SELECT 1 AS seq", parquet.ENTRIES, "FILE_BROKEN"),
        ("UPDATE one SET amount = amount + 1 WHERE seq = 20", parquet.POSTINGS, "POSTING_DIFFERS"),
        ("DELETE FROM one WHERE seq = 20", parquet.POSTINGS, "POSTING_DIFFERS"),
        ("INSERT INTO one SELECT * FROM one WHERE seq = (SELECT max(seq) FROM one)", parquet.POSTINGS,
         "POSTING_DIFFERS"),
    ],
)  # fmt: skip
def test_who_forges_a_file_and_its_hash_is_found_by_the_chain(
    tmp_path: Path, statement: str, name: str, code: str
) -> None:
    append(two_months())
    folder = archive.archive(tmp_path, 202611).folder
    forge(folder, statement, name)
    (wrong,) = archived.verify(folder, KEYS)
    assert wrong.code == code
    assert wrong.name.startswith("2026-11")


def test_a_broken_chain_is_found_to_within_a_thousand_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (archive, archived):
        monkeypatch.setattr(module, "HEAD_EVERY", 8)
    append(two_months())
    folder = archive.archive(tmp_path, 202611).folder
    assert archived.verify(folder, KEYS) == []
    forge(folder, "UPDATE one SET raw = raw || '0000'::BLOB WHERE seq = 11")
    (wrong,) = archived.verify(folder, KEYS)
    assert "entries 9 to 16 " in wrong.text


def test_a_manifest_that_is_changed_or_none_is_found(tmp_path: Path) -> None:
    append(two_months())
    folder = archive.archive(tmp_path, 202611).folder
    path = folder / manifest.MANIFEST
    whole = path.read_text(encoding="utf-8")
    for wrong in ("", "[]", "{}", whole + " ", whole.replace("2026-11", "2026-12"), "[" * 70_000, whole[:-3]):
        path.write_text(wrong, encoding="utf-8")
        assert [finding.code for finding in archived.verify(folder, KEYS)] == ["MANIFEST_BROKEN"]
    path.write_text(whole, encoding="utf-8")
    said = manifest.read(folder, KEYS)
    # Whoever has the key cannot have it say what the files are not.
    for changed in (
        replace(said, debits=said.debits + 1), replace(said, last_seq=said.last_seq + 1),
        replace(said, head_after="00" * 32), replace(said, head_before="zz"), replace(said, files=said.files[:1]),
    ):  # fmt: skip
        path.write_text(changed.signed(KEY), encoding="utf-8")
        assert len(archived.verify(folder, KEYS)) == 1, changed


def test_a_manifest_is_believed_only_as_one_of_the_known_keys_signed_it(tmp_path: Path) -> None:
    append(two_months())
    folder = archive.archive(tmp_path, 202611).folder
    path = folder / manifest.MANIFEST
    whole = path.read_text(encoding="utf-8")
    both = json.loads(whole)
    said = manifest.read(folder, KEYS)
    assert said.signed(KEY) == whole
    other = signature.signing_key("another secret")
    as_packs = signature.sign(both["manifest"], "manifest+jws", KEY)
    for forged in (
        replace(said, debits=said.debits + 1, credits=said.credits + 1).signed(other),
        json.dumps(both | {"manifest": both["manifest"] | {"writer": "me"}}, ensure_ascii=False, sort_keys=True,
                   indent=2) + "\n",
        json.dumps(both | {"jws": as_packs}, ensure_ascii=False, sort_keys=True, indent=2) + "\n",
        whole.replace(both["jws"], ""),
    ):  # fmt: skip
        path.write_text(forged, encoding="utf-8")
        assert [finding.code for finding in archived.verify(folder, KEYS)] == ["NOT_SIGNED"]
        with pytest.raises(ArchiveWrong, match="keys"):
            archive.archive(tmp_path, 202611)
        with pytest.raises(ArchiveWrong):
            list(archived.query_account(tmp_path, KEYS, "wal_1", 0, JANUARY_MS))
    # Made under a key that is no longer in force: whoever has its public half can check it.
    path.write_text(said.signed(other), encoding="utf-8")
    assert archived.verify(folder, {"keys": KEYS["keys"] + signature.public_keys(other)["keys"]}) == []


def test_a_month_that_is_missing_in_between_is_noticed(tmp_path: Path) -> None:
    teller = two_months()
    teller.at_ms = JANUARY_MS + 40 * DAY_MS
    teller.cut()
    append(teller)
    made = archive.archive_closed(tmp_path)
    assert [one.folder.name for one in made] == ["2026-11", "2026-12", "2027-01"]
    made[1].folder.rename(tmp_path / "elsewhere")
    assert [finding.code for finding in archived.verify_all(tmp_path, KEYS)] == ["MONTHS_APART"]


def test_a_journal_that_was_changed_is_not_archived_and_the_page_named(tmp_path: Path) -> None:
    append(two_months())
    pages = store.JournalPage._get_collection()
    page = pages.find_one({"_id": 3})
    raw = bytearray(page["raw"])
    raw[len(raw) // 2] ^= 1
    pages.update_one({"_id": 3}, {"$set": {"raw": Binary(bytes(raw))}})
    with pytest.raises(ArchiveWrong, match="page 3"):
        archive.archive(tmp_path, 202611)
    pages.delete_one({"_id": 3})
    with pytest.raises(ArchiveWrong, match="entry 11"):
        archive.archive(tmp_path, 202611)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_of_other_books_is_not_taken_for_these(tmp_path: Path) -> None:
    append(two_months())
    archive.archive(tmp_path, 202611)
    store.Head.objects.update(set__genesis="gen_other")
    with pytest.raises(ArchiveWrong, match="other books"):
        archive.archive(tmp_path, 202611)
