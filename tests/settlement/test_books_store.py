"""The journal on a real store: every crash point recovers, nothing is counted twice, every tampering is noticed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import Binary

from kit.ledger_event import from_fields
from kit.streams.entry import Entry, ReaderStopped
from services.settlement import chain, store
from tests.settlement.conftest import Scribe

pytestmark = pytest.mark.usefixtures("books")


class Crash(Exception):
    """The process dies here."""


def crash(*_: Any, **__: Any) -> None:
    raise Crash


def busy_day(scribe: Scribe) -> Scribe:
    """Two closed windows with payments in them, and an open one."""
    wallet, merchant = scribe.wallet(1_000_000), scribe.merchant("mer_1")
    payment = scribe.pay(wallet, merchant, 100_000, 200)
    scribe.cut()
    scribe.refund(payment, wallet, merchant, 25_000, 50)
    scribe.cut()
    scribe.pay(wallet, merchant, 7_000, 14)
    return scribe


def append(scribe: Scribe, batch: int = 5) -> None:
    entries = scribe.entries()
    for start in range(0, len(entries), batch):
        store.append(entries[start : start + batch])


def wrongs(last: int) -> list[str]:
    return [link.wrong for link in store.verify_chain(last) if link.wrong]


def head_after(scribe: Scribe) -> bytes:
    head = chain.GENESIS
    for entry in scribe.entries():
        head = chain.link(head, entry.seq, entry.raw)
    return head


# Journaling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch", [1, 2, 7, 500])
def test_the_books_hold_every_event_to_the_letter_however_they_came(scribe: Scribe, batch: int) -> None:
    append(busy_day(scribe), batch)
    last = len(scribe.events)
    assert (store.last_seq(), store.journaled(), store.head().seq) == (last, last, last)
    assert bytes(store.head().head) == head_after(scribe)
    assert list(store.events(1, last)) == scribe.events
    assert list(store.events(last, last)) == scribe.events[-1:]
    assert list(store.events(3, 6)) == scribe.events[2:6]
    assert list(store.events(last + 1, last + 9)) == []
    assert [store.entry(entry.seq) for entry in scribe.entries()] == [entry.raw for entry in scribe.entries()]
    assert [link.event for link in store.verify_chain(last)] == scribe.events
    assert wrongs(last) == []


@pytest.mark.parametrize("sizes", [[1] * 40 + [60], [60] + [1] * 40, [30, 1, 1, 30, 1, 1, 30, 1], [100]])
def test_an_event_is_found_however_unlike_each_other_pages_are(scribe: Scribe, sizes: list[int]) -> None:
    while len(scribe.events) < sum(sizes):
        scribe.wallet(5)
    entries, start = scribe.entries(), 0
    for size in sizes:
        store.append(entries[start : start + size])
        start += size
    kept = [(entry.seq, entry.raw) for entry in entries[:start]]
    assert [(seq, store.entry(seq)) for seq, _ in kept] == kept
    assert store.entry(0) is None
    assert store.entry(start + 1) is None
    assert list(store.raw_events(2, start - 1)) == kept[1:-1]
    store.JournalPage.objects(number=len(sizes) // 2 + 1).delete()  # those around it still are
    assert (store.entry(1), store.entry(start)) == ((kept[0][1], kept[-1][1]) if len(sizes) > 1 else (None, None))


def test_an_event_that_is_not_next_stops_the_journal(scribe: Scribe) -> None:
    entries = busy_day(scribe).entries()
    with pytest.raises(ReaderStopped):
        store.append(entries[1:3])
    store.append(entries[:3])
    for wrong in (entries[:3], entries[2:4], entries[4:6]):
        with pytest.raises(ReaderStopped):
            store.append(wrong)
    assert store.last_seq() == 3


POINTS = ["_close_windows", "_advance", "_close_window"]


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_behind_the_entries_write_is_made_good_once(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    entries = busy_day(scribe).entries()
    cut = next(n for n, event in enumerate(scribe.events) if event.op == "cut")
    store.append(entries[: cut - 1])
    with monkeypatch.context() as patch:
        patch.setattr(store, point, crash)
        with pytest.raises(Crash):
            store.append(entries[cut - 1 : cut + 1])
    assert store.head().seq == cut - 1
    assert store.journaled() == cut + 1
    assert store.head().seq == cut - 1, "who only looks changes nothing"
    assert store.last_seq() == cut + 1
    assert store.last_seq() == cut + 1
    store.append(entries[cut + 1 :])
    assert (store.last_seq(), wrongs(len(entries))) == (len(entries), [])
    assert [w.number for w in store.windows(9, 9)] == [2, 1]
    first = store.window(1)
    assert first is not None
    assert (first.first_seq, first.last_seq, len(first.outbox)) == (1, cut + 1, 1)
    assert store.banks(first) == {"mer_1": "970436"}


def test_a_crash_between_a_windows_closing_and_the_heads_move_closes_it_once(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = busy_day(scribe).entries()
    with monkeypatch.context() as patch:
        patch.setattr(store, "_advance", crash)
        with pytest.raises(Crash):
            store.append(entries)
    told = [window.outbox[0].id for window in store.windows(9, 9)]
    assert len(told) == 2
    assert store.last_seq() == len(entries)
    assert [window.outbox[0].id for window in store.windows(9, 9)] == told


def test_a_write_that_was_repeated_after_its_answer_got_lost_counts_once(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = busy_day(scribe).entries()
    with monkeypatch.context() as patch:
        patch.setattr(store, "_advance", crash)
        with pytest.raises(Crash):
            store.append(entries[:5])
    with pytest.raises(store.JournaledBefore):
        store.append(entries[:5])
    assert store.last_seq() == 5
    store.append(entries[5:])
    assert list(store.events(1, len(entries))) == scribe.events


def test_a_second_writer_is_refused_and_nothing_of_its_is_kept(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = busy_day(scribe).entries()
    store.append(entries[:5])
    stale = store.head()
    store.append(entries[5:9])
    monkeypatch.setattr(store, "head", lambda: stale)
    with pytest.raises(ReaderStopped, match="somebody else journals"):
        store.append(entries[5:7])
    monkeypatch.undo()
    store.append(entries[9:])
    assert list(store.events(1, len(entries))) == scribe.events


def test_a_head_that_moved_meanwhile_is_not_overwritten(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = busy_day(scribe).entries()
    store.append(entries[:5])
    stale = store.head()
    store.append(entries[5:9])
    with pytest.raises(ReaderStopped):
        store._advance(stale, 7, b"x" * 32)
    assert store.last_seq() == 9


# Keys ----------------------------------------------------------------------------------------------------------


def test_a_key_that_was_answered_twice_is_found_whenever_it_comes(scribe: Scribe) -> None:
    busy_day(scribe)
    scribe.write("pay", scope="usr|pay|once", result="INSUFFICIENT_FUNDS")
    for _ in range(3):
        scribe.write("resolve", result="KEY_SPENT")
    scribe.write("pay", scope="usr|pay|once", result="LIMIT_EXCEEDED")
    append(scribe)
    found, rounds = [], 0
    while store.head().keyed < len(scribe.events):
        found += store.enter_keys(4)
        rounds += 1
    assert rounds == -(-len(scribe.events) // 4)
    assert len(found) == 1
    assert f"event {len(scribe.events)} " in found[0]
    assert store.enter_keys(100) == []


def test_keys_entered_again_after_a_crash_are_no_finding(scribe: Scribe) -> None:
    append(busy_day(scribe))
    assert store.enter_keys(100) == []
    store.Head.objects.update(set__keyed=0)
    assert store.enter_keys(100) == []
    keyed = {"fund", "cash_in", "cash_out", "pay", "refund", "resolve"}
    assert store.JournalKey.objects.count() == sum(event.op in keyed for event in scribe.events)


# Tampering -----------------------------------------------------------------------------------------------------

Tamper = Callable[[Any, dict[str, Any]], None]


def _repack(page: dict[str, Any], raws: list[bytes]) -> bytes:
    return b"".join(len(raw).to_bytes(4, "big") + raw for raw in raws)


def _raws(page: dict[str, Any]) -> list[bytes]:
    return [raw for _, raw in store._entries(page)]


def _change(pages: Any, page: dict[str, Any]) -> None:
    raws = _raws(page)
    raws[1] = raws[1].replace(b"INSUFFICIENT", b"insufficient").replace(b"OK", b"ok", 1)
    assert raws != _raws(page)
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(_repack(page, raws))}})


def _swap(pages: Any, page: dict[str, Any]) -> None:
    raws = _raws(page)
    raws[0], raws[1] = raws[1], raws[0]
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(_repack(page, raws))}})


def _remove(pages: Any, page: dict[str, Any]) -> None:
    pages.delete_one({"_id": page["_id"]})


def _drop_one(pages: Any, page: dict[str, Any]) -> None:
    raws = _raws(page)[:-1]
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(_repack(page, raws)), "l": page["l"] - 1}})


def _head_only(pages: Any, page: dict[str, Any]) -> None:
    pages.update_one({"_id": page["_id"]}, {"$set": {"h": Binary(b"x" * 32)}})


def _garble(pages: Any, page: dict[str, Any]) -> None:
    pages.update_one({"_id": page["_id"]}, {"$set": {"raw": Binary(b"\0\0\0\x09not event")}})


@pytest.mark.parametrize("tamper", [_change, _swap, _remove, _drop_one, _head_only, _garble])
@pytest.mark.parametrize("place", [1, 3])
def test_whatever_is_changed_in_the_journal_is_noticed(scribe: Scribe, tamper: Tamper, place: int) -> None:
    append(busy_day(scribe))
    pages = store.JournalPage._get_collection()
    tamper(pages, pages.find_one({"_id": place}))
    try:
        assert wrongs(len(scribe.events))
    except ReaderStopped as unreadable:
        assert f"page {place}" in str(unreadable) or "cannot be read" in str(unreadable)  # noqa: PT017


@pytest.mark.parametrize("closed", [False, True], ids=["up to the books' head", "up to a window's"])
def test_a_journal_that_was_rewritten_with_a_chain_of_its_own_is_not_what_was_told(
    scribe: Scribe, closed: bool
) -> None:
    wallet, merchant = scribe.wallet(1_000_000), scribe.merchant("mer_1")
    scribe.pay(wallet, merchant, 100_000, 200)
    if closed:
        scribe.cut()
    append(scribe, 4)
    pages, head = store.JournalPage._get_collection(), chain.GENESIS
    for page in sorted(pages.find(), key=lambda found: found["_id"]):
        raws = [raw.replace(b"usr_w", b"usr_x") for raw in _raws(page)]
        for seq, raw in enumerate(raws, start=page["f"]):
            head = chain.link(head, seq, raw)
        changed = {"raw": Binary(_repack(page, raws)), "h": Binary(head)}
        pages.update_one({"_id": page["_id"]}, {"$set": changed})
    if closed:  # and they thought of the books' own head
        store.Head.objects.update(set__head=head)
    assert any("told of it" in wrong for wrong in wrongs(len(scribe.events)))


def test_a_journal_cut_short_ends_before_its_head(scribe: Scribe) -> None:
    append(busy_day(scribe))
    pages = store.JournalPage._get_collection()
    pages.delete_one({"_id": store.head().pages})
    read = [link.event.seq for link in store.verify_chain(len(scribe.events))]
    assert read[-1] < len(scribe.events)


# Windows -------------------------------------------------------------------------------------------------------


def test_windows_touch_each_other_and_nothing_is_late(scribe: Scribe) -> None:
    append(busy_day(scribe), 3)
    second, first = store.windows(store.newest_window(), 10)
    assert (first.number, first.first_seq) == (1, 1)
    assert second.first_seq == first.last_seq + 1
    assert second.opened_at == first.closed_at
    for window in (first, second):
        events = list(store.events(window.first_seq, window.last_seq))
        assert {event.window for event in events} == {window.number}
        assert events[-1].op == "cut"
        assert window.chain_head == next(
            link.head.hex() for link in store.verify_chain(99) if link.event.seq == window.last_seq
        )
    assert store.newest_window() == 2
    assert store.window(3) is None
    assert [w.number for w in store.windows(2, 1)] == [2]


def test_an_empty_books_newest_window_is_none_and_a_cut_counts_at_once(scribe: Scribe) -> None:
    assert store.newest_window() == 0
    scribe.cut()
    append(scribe)
    assert store.newest_window() == 1
    assert store.with_positions(store.windows(1, 1)[0]).payments == 0


def test_positions_are_computed_once_and_stay(scribe: Scribe) -> None:
    append(busy_day(scribe))
    first = store.with_positions(store.windows(1, 1)[0])
    assert (first.payments, first.refunds, first.value) == (1, 0, 100_000)
    assert {line.institution: line.credits - line.debits for line in first.lines} == {
        "VIETTEL": -100_000, "970436": 99_800, "PLATFORM": 200,
    }  # fmt: skip
    store.Bank.objects.delete()
    again = store.window(1)
    assert again is not None
    assert store.with_positions(again).lines == first.lines


def test_what_is_given_back_lands_in_the_window_in_which_it_is_given_back(scribe: Scribe) -> None:
    append(busy_day(scribe))
    paid, back = (store.with_positions(closed) for closed in reversed(store.windows(2, 2)))
    assert (paid.payments, paid.refunds, back.payments, back.refunds) == (1, 0, 0, 1)
    assert {line.institution: line.credits - line.debits for line in back.lines} == {
        "VIETTEL": 25_000, "970436": -24_950, "PLATFORM": -50,
    }  # fmt: skip


def test_a_merchant_that_changes_its_bank_is_settled_by_the_one_it_had_in_the_window(scribe: Scribe) -> None:
    wallet, merchant = scribe.wallet(100_000), scribe.merchant("mer_1", "970436")
    scribe.pay(wallet, merchant, 10_000)
    scribe.cut()
    scribe.pay(wallet, merchant, 20_000)
    scribe.merchant(merchant, "970415")
    scribe.cut()
    append(scribe)  # nobody asked for positions before the change
    by_window = {
        closed.number: {line.institution: line.credits for line in store.with_positions(closed).lines}
        for closed in store.windows(2, 2)
    }
    assert by_window[1]["970436"] == 10_000
    assert by_window[2]["970415"] == 20_000
    assert [store.banks(closed)[merchant] for closed in store.windows(2, 2)] == ["970415", "970436"]


def test_a_page_tells_its_events_even_with_values_of_any_bytes(scribe: Scribe) -> None:
    event = scribe.entries()[0]
    odd = Entry(1, {**event.fields, b"i": bytes(range(256)) * 3})
    store.append([odd])
    assert list(store.events(1, 1)) == [from_fields(1, odd.fields)]
