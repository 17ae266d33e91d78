"""Chain verification on a real store: whatever is changed is found and named, in one go or a few pages a tick."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields as fields_of_class
from typing import Any

import pytest
from bson import Binary

from kit.streams.entry import ReaderStopped
from services.settlement import chain, fold, store
from services.settlement.books import audit, pages, verify
from tests.settlement.conftest import Scribe
from tests.settlement.test_books_store import _raws, _repack, append, busy_day

pytestmark = pytest.mark.usefixtures("books")


@pytest.fixture(autouse=True)
def _mark(books: None) -> Iterator[None]:
    verify.open_sweep()
    verify.Sweep.objects.delete()
    yield
    verify.Sweep.objects.delete()


def named(found: verify.Verified) -> list[tuple[str, str]]:
    return [(finding.code, finding.name) for finding in found.findings]


def everything() -> verify.Verified:
    return verify.verify_bytes(1, store.head().pages)


def lap(most: int = 2) -> list[verify.Swept]:
    """Ticks up to the end of a lap."""
    ticks = [verify.sweep(most)]
    while not ticks[-1].lap_ended:
        ticks.append(verify.sweep(most))
    return ticks


def found_in(ticks: list[verify.Swept]) -> list[tuple[str, str]]:
    return [(finding.code, finding.name) for tick in ticks for finding in tick.findings]


@pytest.mark.parametrize("batch", [1, 3, 500])
def test_a_right_journal_verifies_whole_and_in_any_stretch(scribe: Scribe, batch: int) -> None:
    append(busy_day(scribe), batch)
    last, pages = len(scribe.events), store.head().pages
    found = everything()
    assert (found.findings, found.page, found.seq, found.entries) == ((), pages, last, last)
    assert found.head == bytes(store.head().head)
    assert found.bytes == sum(len(entry.raw) + 4 for entry in scribe.entries())
    for middle in range(1, pages):
        assert not verify.verify_bytes(1, middle).findings
        assert verify.verify_bytes(middle + 1, pages).head == found.head


def test_no_pages_are_no_stretch(scribe: Scribe) -> None:
    append(scribe)
    for first, last in ((0, 1), (2, 1), (1, 0)):
        with pytest.raises(ValueError, match="none"):
            verify.verify_bytes(first, last)


def test_entries_are_read_ahead_as_they_stand_and_nothing_is_passed_over(scribe: Scribe) -> None:
    append(busy_day(scribe))
    last = len(scribe.events)
    for first, end in ((1, last), (3, 6), (last, last), (4, 3)):
        assert list(pages.raw_events(first, end)) == list(store.raw_events(first, end))
    for first, end in ((0, 3), (last - 1, last + 1)):
        with pytest.raises(ReaderStopped, match="not there"):
            list(pages.raw_events(first, end))
    journal = store.JournalPage._get_collection()
    page = journal.find_one({"_id": 2})
    journal.update_one({"_id": 2}, {"$set": {"raw": Binary(bytes(page["raw"])[:-1])}})
    with pytest.raises(ReaderStopped, match="page 2"):
        list(pages.raw_events(1, last))
    journal.delete_one({"_id": 2})
    with pytest.raises(ReaderStopped, match="entry 6 of the books is not there"):
        list(pages.raw_events(1, last))


def test_an_audit_folds_the_bytes_that_it_hashed(scribe: Scribe) -> None:
    append(busy_day(scribe), 3)
    found = audit.audit_books(len(scribe.events))
    assert (found.verified.findings, found.books.findings, found.window_findings()) == ((), [], [])
    assert found.books.seq == len(scribe.events)
    assert found.books.accounts["trust:VIETTEL"].debits == 1_000_000
    part = audit.audit_books(9)
    assert (part.books.seq, part.verified.findings) == (9, ())


def test_a_window_that_ends_elsewhere_than_its_marker_is_found(scribe: Scribe) -> None:
    append(busy_day(scribe), 3)
    store.Window.objects(number=1).update_one(inc__last_seq=1)
    (wrong,) = audit.audit_books(len(scribe.events)).window_findings()
    assert wrong.startswith("window 1 ends")
    store.Window.objects(number=1).delete()
    marker = next(event.seq for event in scribe.events if event.op == "cut")
    (wrong,) = audit.audit_books(len(scribe.events)).window_findings()
    assert wrong == f"window 1 ends at entry None, and its closing marker is entry {marker}"


# Tampering -----------------------------------------------------------------------------------------------------

Tamper = Callable[[Any, dict[str, Any]], str]


def _flip(pages: Any, page: dict[str, Any]) -> str:
    raw = bytearray(page["raw"])
    raw[len(raw) // 2] ^= 1
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(bytes(raw))}})
    return "PAGE_CHANGED"


def _flip_length(pages: Any, page: dict[str, Any]) -> str:
    raw = bytearray(page["raw"])
    raw[2] ^= 0x40
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(bytes(raw))}})
    return "PAGE_BROKEN"


def _drop_last(pages: Any, page: dict[str, Any]) -> str:
    raws = _raws(page)[:-1]
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(_repack(page, raws))}})
    return "PAGE_BROKEN"


def _swap(pages: Any, page: dict[str, Any]) -> str:
    raws = _raws(page)
    raws[0], raws[1] = raws[1], raws[0]
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(_repack(page, raws))}})
    return "PAGE_CHANGED"


def _head_only(pages: Any, page: dict[str, Any]) -> str:
    pages.update_one({"_id": page["_id"]}, {"$set": {"h": Binary(b"x" * 32)}})
    return "PAGE_CHANGED"


def _remove(pages: Any, page: dict[str, Any]) -> str:
    pages.delete_one({"_id": page["_id"]})
    return "PAGE_MISSING"


def _garble(pages: Any, page: dict[str, Any]) -> str:
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(b"\0\0\0\x09not event" * 6)}})
    return "PAGE_CHANGED"


@pytest.mark.parametrize("tamper", [_flip, _flip_length, _drop_last, _swap, _head_only, _remove])
def test_whatever_is_changed_in_a_page_is_found_and_the_page_named(scribe: Scribe, tamper: Tamper) -> None:
    append(busy_day(scribe))
    pages = store.JournalPage._get_collection()
    assert store.head().pages == 5
    for place in (1, 3, 5):
        whole = pages.find_one({"_id": place})
        code = tamper(pages, whole)
        assert named(everything())[0] == (code, f"page {place}")
        assert found_in(lap())[0] == (code, f"page {place}")
        stretch = verify.verify_bytes(max(1, place - 1), place)
        assert named(stretch)[0] == (code, f"page {place}")
        try:
            audited = audit.audit_books(len(scribe.events))
        except ReaderStopped as unreadable:
            assert f"page {place} " in str(unreadable)  # noqa: PT017
        else:
            assert named(audited.verified)[0] == (code, f"page {place}")
        pages.replace_one({"_id": place}, whole, upsert=True)
        verify.Sweep.objects.delete()
        assert not everything().findings


def test_every_single_byte_of_a_page_counts(scribe: Scribe) -> None:
    append(scribe)
    pages = store.JournalPage._get_collection()
    page = pages.find_one({"_id": 2})
    for at in range(0, len(page["raw"]), 41):
        raw = bytearray(page["raw"])
        raw[at] ^= 0x10
        pages.update_one({"_id": 2}, {"$set": {"raw": Binary(bytes(raw))}})
        assert ("page 2") in {name for _, name in named(verify.verify_bytes(1, 3))}, at


def rewrite(told: bool) -> None:
    """The whole journal anew with a chain of its own; and what was told of it, if `told`."""
    pages, head = store.JournalPage._get_collection(), chain.GENESIS
    heads = {}
    for page in sorted(pages.find(), key=lambda found: found["_id"]):
        raws = [raw.replace(b"usr_w", b"usr_x") for raw in _raws(page)]
        for seq, raw in enumerate(raws, start=page["f"]):
            head = heads[seq] = chain.link(head, seq, raw)
        changed = {"raw": Binary(_repack(page, raws)), "h": Binary(head)}
        pages.update_one({"_id": page["_id"]}, {"$set": changed})
    if told:
        store.Head.objects.update(set__head=head)
        for window in store.Window.objects:
            store.Window.objects(number=window.number).update_one(set__chain_head=heads[window.last_seq].hex())


def test_a_journal_with_a_chain_of_its_own_is_not_what_was_told_of_it(scribe: Scribe) -> None:
    append(busy_day(scribe), 4)
    rewrite(told=False)
    assert {code for code, _ in named(everything())} == {"HEAD_CHANGED"}
    assert len(named(everything())) == 3, "two windows' heads and the books' own"
    assert {code for code, _ in found_in(lap())} == {"HEAD_CHANGED"}


def test_a_rewritten_journal_with_everything_that_was_told_is_found_by_what_was_seen_before(scribe: Scribe) -> None:
    append(busy_day(scribe), 4)
    assert found_in(lap()) == []
    rewrite(told=True)
    assert named(everything()) == [], "nobody who looks for the first time could know"
    assert [code for code, _ in found_in(lap())] == ["HEAD_CHANGED"]


@pytest.mark.parametrize("tamper", [None, _flip, _garble, _remove])
def test_a_second_process_reads_a_long_journal_and_nothing_is_different(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, tamper: Tamper | None
) -> None:
    append(busy_day(scribe), 6)
    pages = store.JournalPage._get_collection()
    if tamper is not None:
        tamper(pages, pages.find_one({"_id": 3}))
    outcomes: list[object] = []
    for alone in (10**9, 0):
        monkeypatch.setattr(audit, "ALONE_MAX", alone)
        try:
            found = audit.audit_books(len(scribe.events))
            books = {one.name: getattr(found.books, one.name) for one in fields_of_class(fold.Books)}
            outcomes.append((found.verified, books, found.window_findings()))
        except ReaderStopped as unreadable:
            outcomes.append(str(unreadable))
    assert outcomes[0] == outcomes[1]
    assert ("page 3" in str(outcomes[1])) == (tamper is not None)


def test_a_second_process_that_fails_stops_the_audit(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    append(scribe)
    monkeypatch.setattr(audit, "ALONE_MAX", 0)
    monkeypatch.setattr(audit, "__name__", "services.settlement.books.nothing")
    with pytest.raises(ReaderStopped, match="ended early"):
        audit.audit_books(3)


# The sweep -----------------------------------------------------------------------------------------------------


def test_the_sweep_goes_on_where_it_was_and_begins_anew_at_the_end(scribe: Scribe) -> None:
    assert verify.sweep() == verify.Swept((), 0, 0, 0, False)
    entries = busy_day(scribe).entries()
    for start in range(0, 20, 5):
        store.append(entries[start : start + 5])
    assert [tick.page for tick in lap(3)] == [3, 4]
    assert verify.sweep(3).page == 3
    for start in range(20, len(entries), 5):
        store.append(entries[start : start + 5])
    assert [(tick.page, tick.lap_ended) for tick in lap(3)] == [(5, True)]
    mark = verify.Sweep.objects.first()
    assert (mark.laps, mark.sound, mark.known_seq) == (2, True, len(entries))
    assert bytes(mark.known_head) == bytes(store.head().head)


def test_what_was_wrong_and_is_restored_is_told_once_a_lap_and_then_no_more(scribe: Scribe) -> None:
    append(busy_day(scribe))
    assert found_in(lap()) == []
    pages = store.JournalPage._get_collection()
    page = pages.find_one({"_id": 3})
    _flip(pages, page)
    assert found_in(lap()) == found_in(lap()) == [("PAGE_CHANGED", "page 3")]
    pages.replace_one({"_id": 3}, page)
    assert found_in(lap()) == []


def test_other_books_are_swept_from_their_beginning(scribe: Scribe) -> None:
    append(busy_day(scribe))
    lap()
    verify.sweep(1)
    store.Head.objects.update(set__genesis="gen_other")
    tick = verify.sweep(1)
    assert (tick.page, tick.findings) == (1, ())
    assert verify.Sweep.objects.first().known_seq == 0
