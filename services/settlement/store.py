"""The books in MongoDB: the journal, its head, and the windows. One writer, ordered, majority and journaled."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cho.events.v1.events_pb2 import LiquidityChanged, WindowClosed
from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    DictField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    MapField,
    StringField,
)  # fmt: skip
from pymongo import UpdateOne
from pymongo.errors import BulkWriteError, DuplicateKeyError

from kit import mongo
from kit.clock import from_ms
from kit.config import settings
from kit.ids import new_id
from kit.ledger_event import LedgerEvent, from_fields, from_raw
from kit.outbox import OutboxMixin
from kit.streams.entry import Entry, ReaderStopped
from services.settlement import chain, liquidity, positions
from services.settlement.matching.documents import DOCUMENTS as matching
from services.settlement.moves import from_raw as from_raw_moves
from services.settlement.payouts.documents import DOCUMENTS as payouts
from services.settlement.payouts.plans import DOCUMENTS as payout_plans
from services.settlement.statements.model import Page
from services.settlement.taxbook.sellers import DOCUMENTS as tax_sellers

# Pages read back at once: a `$in` of page numbers. Longer lists and ranges on _id are not fast everywhere (DESIGN D3).
READ_PAGES = 8
# Documents written at once.
WRITES_MAX = 100


class JournalPage(Document):
    """Events of the ledger that were journaled together, in order. `_id` is the page's number, from 1, without gaps.

    A document an event cost the database 50 times as much (docs/performance.md).
    """

    number = IntField(primary_key=True)
    first = IntField(db_field="f", required=True)
    last = IntField(db_field="l", required=True)
    # Each event's canonical bytes behind their length (4 bytes, big-endian).
    raw = BinaryField(required=True)
    # The chain's head after the page's last event.
    head = BinaryField(db_field="h", required=True)

    meta = {"collection": "journal", "auto_create_index": False}  # noqa: RUF012


class JournalKey(Document):
    """An idempotency key that a journaled event answered, by its digest: one key, one answer, for ever."""

    digest = BinaryField(primary_key=True)
    seq = IntField(required=True)

    meta = {"collection": "keys", "auto_create_index": False}  # noqa: RUF012


class Head(Document):
    """How far the books are. One document a cell."""

    cell = StringField(primary_key=True)
    seq = IntField(default=0)
    pages = IntField(default=0)
    head = BinaryField(default=chain.GENESIS)
    genesis = StringField(required=True)
    # Up to here the hot ledger's balances were found equal to the books'.
    compared = IntField(default=0)
    # Up to here the keys were entered in JournalKey.
    keyed = IntField(default=0)
    # The window that somebody asked to be closed last.
    closing = IntField(default=0)
    # SHA-256 of the ledger's function libraries that the cell has run with, by their names.
    libraries = MapField(StringField())

    meta = {"collection": "head", "auto_create_index": False}  # noqa: RUF012


class PositionLine(EmbeddedDocument):
    """One institution's side of a window, đồng."""

    institution = StringField(required=True)
    debits = IntField(required=True)
    credits = IntField(required=True)
    transfers = IntField(required=True)


class Window(OutboxMixin, Document):
    """A closed settlement window. `_id` is its number."""

    number = IntField(primary_key=True)
    first_seq = IntField(required=True)
    last_seq = IntField(required=True)
    opened_at = DateTimeField(required=True)
    closed_at = DateTimeField(required=True)
    chain_head = StringField(required=True)
    # Computed when first asked for; None until then.
    payments = IntField()
    refunds = IntField()
    value = IntField()
    lines = EmbeddedDocumentListField(PositionLine)
    # How far it is: "closed", "netted" (positions and files are made), "settling" (payouts are decided), "settled".
    stage = StringField(default="closed")
    # Settling: shares are posted, and payouts put into files.
    prepared = BooleanField(default=False)
    # Whether it is in its day's pack.
    day_packed = BooleanField(default=False)
    # Telecoms' own records of it: "awaited", "late" (told of as cases, still awaited) or "in".
    records = StringField(default="awaited")
    # What it was begun to be netted by: {"rules", "code"}. Taken up again by other code, it says the same of itself.
    begun_by = DictField()
    # Of telecoms whose share's key grew too old for the ledger unused: of when the key is under which it is given.
    shares_at = MapField(DateTimeField())
    # What of it did not tie to the books when that was looked at last, in words: until nothing does, it is not netted.
    findings = ListField(StringField())
    # Fixed when it was netted: versions, files with hashes and Merkle roots, pairs, shares of fees (closing.py).
    record = DictField()

    meta = {"collection": "windows", "auto_create_index": False, "indexes": ["stage", "day_packed", "records"]}  # noqa: RUF012


class Liquidity(OutboxMixin, Document):
    """How near a telecom is to its net debit cap, as it was told last (services/settlement/liquidity.py)."""

    telecom = StringField(primary_key=True)
    level = StringField(default="")
    version = IntField(default=0)

    meta = {"collection": "liquidity", "auto_create_index": False}  # noqa: RUF012


class ClerkRun(Document):
    """The clerk's last run. One document a cell."""

    cell = StringField(primary_key=True)
    ended_at = DateTimeField(required=True)
    # "done", "later" (somebody could not be reached) or "failed".
    how = StringField(required=True)
    # When the last one ended that did all there was to do.
    done_at = DateTimeField()

    meta = {"collection": "clerk_runs", "auto_create_index": False}  # noqa: RUF012


class Bank(Document):
    """Which bank settles a merchant from one of the ledger's events on. `_id` is the event's sequence number."""

    seq = IntField(primary_key=True)
    merchant_id = StringField(required=True)
    bank_bin = StringField(required=True)

    meta = {"collection": "banks", "auto_create_index": False}  # noqa: RUF012


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    ours = (JournalPage, JournalKey, Head, Window, Bank, Liquidity, ClerkRun)
    mongo.open_store("settlement", (*ours, *payouts, *payout_plans, *matching, *tax_sellers))


class JournaledBefore(Exception):
    """A write whose answer was lost had been done, and was repeated."""


class KeysNotEntered(Exception):
    """The index of idempotency keys does not reach that far yet."""


# The journal ----------------------------------------------------------------------------------------------


class Reached(NamedTuple):
    """The head as it was read. Not a document: it is read many times a second, and that would cost as much again."""

    cell: str
    genesis: str
    seq: int = 0
    pages: int = 0
    head: bytes = chain.GENESIS
    compared: int = 0
    keyed: int = 0
    closing: int = 0
    libraries: Mapping[str, str] = {}


def head() -> Reached:
    """How far the books are; a new cell's have sequence 0 and a genesis id of their own."""
    heads: Any = Head._get_collection()
    found = heads.find_one({"_id": settings().cell})
    if found is None:
        Head.objects(cell=settings().cell).update_one(
            set_on_insert__seq=0,
            set_on_insert__pages=0,
            set_on_insert__keyed=0,
            set_on_insert__head=chain.GENESIS,
            set_on_insert__compared=0,
            set_on_insert__genesis=new_id("gen"),
            upsert=True,
        )
        found = heads.find_one({"_id": settings().cell})
    return Reached(found.pop("_id"), **found)


def journaled() -> int:
    """Sequence number of the last journaled event, counted in yet or not. Only looks: anybody may ask."""
    at = head()
    beyond = _page(at.pages + 1)
    return int(beyond["l"] if beyond else at.seq)


def last_seq() -> int:
    """Sequence number of the last journaled event, for the one who journals.

    A crash between a page's write and the head's leaves one page beyond the head: it is counted in first.
    """
    at = head()
    beyond = _page(at.pages + 1)
    if beyond is None:
        return int(at.seq)
    hash_, markers = bytes(at.head), []
    for seq, raw in _entries(beyond):
        hash_ = chain.link(hash_, seq, raw)
        event = from_raw(seq, raw)
        if event.op in ("cut", "merchant"):
            markers.append((seq, event, hash_))
    _close_windows(markers)
    _advance(at, int(beyond["l"]), beyond["h"])
    return int(beyond["l"])


def append(entries: Sequence[Entry]) -> None:
    """Journals the next entries, in order, as one page. Raises ReaderStopped where they are not next or somebody else
    journals, JournaledBefore where an earlier try at them arrived after all: ask `last_seq` again.
    """
    at = head()
    if entries[0].seq != at.seq + 1:
        raise ReaderStopped(f"the books end at {at.seq}, and event {entries[0].seq} came")
    hash_, markers = bytes(at.head), []
    parts: list[bytes] = []
    for new in entries:
        raw = new.raw
        hash_ = chain.link(hash_, new.seq, raw)
        parts += (len(raw).to_bytes(4, "big"), raw)
        if new.fields[b"op"] in (b"cut", b"merchant"):
            markers.append((new.seq, from_fields(new.seq, new.fields), hash_))
    page = {"_id": at.pages + 1, "f": entries[0].seq, "l": entries[-1].seq, "raw": b"".join(parts), "h": hash_}
    try:
        JournalPage._get_collection().insert_one(page)
    except DuplicateKeyError as error:
        if _page(at.pages + 1) == page:
            raise JournaledBefore(f"page {page['_id']} stands in the books, to the letter") from error
        raise ReaderStopped(f"page {page['_id']} of the books is another one: somebody else journals") from error
    _close_windows(markers)
    _advance(at, entries[-1].seq, hash_)


def _advance(before: Reached, seq: int, hash_: bytes) -> None:
    counted = {"_id": before.cell, "seq": before.seq, "pages": before.pages}
    change = {"$set": {"seq": seq, "head": hash_}, "$inc": {"pages": 1}}
    if Head._get_collection().update_one(counted, change).matched_count != 1:
        raise ReaderStopped(f"somebody else journals: the head is no longer {before.seq}")


def _page(number: int) -> dict[str, Any] | None:
    page: dict[str, Any] | None = JournalPage._get_collection().find_one({"_id": number})
    return page


def _pages(first: int, last: int, at_once: int = READ_PAGES) -> Iterator[dict[str, Any]]:
    """Pages `first` to `last` that exist, in order: `at_once` are read first, then twice as many, up to READ_PAGES."""
    while first <= last:
        wanted = list(range(first, min(first + at_once, last + 1)))
        found = JournalPage._get_collection().find({"_id": {"$in": wanted}})
        yield from sorted(found, key=lambda page: page["_id"])
        first, at_once = first + at_once, min(2 * at_once, READ_PAGES)


def pages(after: int, most: int) -> tuple[str, list[Page]]:
    """Which books these are, and their counted pages behind page `after`, in order, at most `most`."""
    at = head()
    found = _pages(after + 1, min(after + most, at.pages))
    return at.genesis, [
        Page(page["_id"], page["f"], [raw for _, raw in _entries(page)], bytes(page["h"])) for page in found
    ]


def _page_of(seq: int, at: Reached) -> int:
    """Number of the page that holds an event; 0 where none does. By halving, and every other time by proportion: pages
    are often as large as their neighbours."""
    low, high = 1, at.pages + 1  # one may stand beyond the head
    before, last, guess = 0, at.seq, True  # the event before those pages, and their last
    while low <= high:
        middle = (low + high) // 2
        if guess and before < seq <= last:
            middle = low + (seq - before - 1) * (high - low + 1) // (last - before)
        page = JournalPage._get_collection().find_one({"_id": middle}, {"f": 1, "l": 1})
        if page is None:
            high = middle - 1
        elif page["f"] > seq:
            high, last = middle - 1, page["f"] - 1
        elif page["l"] < seq:
            low, before = middle + 1, page["l"]
        else:
            return middle
        guess = not guess
    return 0


def _entries(page: dict[str, Any]) -> Iterator[tuple[int, bytes]]:
    """(sequence number, canonical bytes) of a page's events. Raises ReaderStopped where the page is not whole."""
    raw, at, seq = page["raw"], 0, page["f"]
    while at < len(raw):
        length = int.from_bytes(raw[at : at + 4], "big")
        yield seq, bytes(raw[at + 4 : at + 4 + length])
        at, seq = at + 4 + length, seq + 1
    if at != len(raw) or seq != page["l"] + 1:
        raise ReaderStopped(f"page {page['_id']} of the books is not whole")


def events(first: int, last: int) -> Iterator[LedgerEvent]:
    """Journaled events `first` to `last`, both included."""
    for seq, raw in raw_events(first, last):
        yield from_raw(seq, raw)


def raw_events(first: int, last: int) -> Iterator[tuple[int, bytes]]:
    """(sequence number, canonical bytes) of journaled events `first` to `last`, both included."""
    at = head()
    start = _page_of(first, at) if last >= first else 0
    for page in _pages(start, at.pages + 1, at_once=1) if start else ():
        if page["f"] > last:
            return
        for seq, raw in _entries(page):
            if first <= seq <= last:
                yield seq, raw


def entry(seq: int) -> bytes | None:
    """Canonical bytes of one journaled event."""
    return _entry(seq, head())


def ends() -> list[bytes]:
    """Canonical bytes of the first and of the last journaled event; none where nothing was journaled. Raises
    ReaderStopped where one of them is not there."""
    at = head()
    found = [_entry(seq, at) for seq in (1, at.seq) if at.seq]
    there = [raw for raw in found if raw is not None]
    if len(there) != len(found):
        raise ReaderStopped(f"entry 1 or {at.seq} of the books is not there: verify them (cho audit)")
    return there


def _entry(seq: int, at: Reached) -> bytes | None:
    # What is asked for most, the journal's two ends, is where it has to be.
    known = {1: 1, at.seq: at.pages}
    page = _page(known[seq] if seq in known else _page_of(seq, at))
    return next((raw for number, raw in _entries(page) if number == seq), None) if page else None


class Link(NamedTuple):
    """An event in its place in the chain. `wrong`: what is not right about it, in words; empty is right."""

    event: LedgerEvent
    head: bytes
    wrong: str


def verify_chain(last: int) -> Iterator[Link]:
    """Every event from the first to `last`, each with what is wrong with its place in the chain.

    The chain must also go through what was told of it: the pages' heads, the closed windows' and the books' own.
    Raises ReaderStopped at a page that cannot be read.
    """
    told, hash_, expected = _told_heads(), chain.GENESIS, 1
    for page in _pages(1, head().pages + 1):
        for seq, raw in _entries(page):
            if seq > last:
                return
            wrong = f"entries {expected} to {seq - 1} are missing" if seq > expected else ""
            wrong = wrong or (f"entry {seq} stands twice" if seq < expected else "")
            hash_ = chain.link(hash_, seq, raw)
            if seq == page["l"] and hash_ != page["h"]:
                wrong = wrong or f"page {page['_id']}, entries {page['f']} to {seq}, is not what was chained"
                hash_ = bytes(page["h"])
            if told.get(seq, {hash_}) != {hash_}:
                wrong = wrong or f"the chain's head at {seq} is not what was told of it"
            expected = seq + 1
            try:
                event = from_raw(seq, raw)
            except (KeyError, ValueError) as error:
                raise ReaderStopped(f"entry {seq} of the books cannot be read: {wrong or error}") from error
            yield Link(event, hash_, wrong)


def enter_keys(most: int) -> list[str]:
    """Enters the idempotency keys of the next `most` events; returns what is wrong: keys that were answered twice.

    Done after the journal, since the ledger refuses a known key by itself: this is the proof, not the guard.
    """
    at = head()
    up_to = min(at.seq, at.keyed + most)
    if up_to <= at.keyed:
        return []
    documents = [
        {"_id": _digest_of(event.scope), "seq": event.seq} for event in events(at.keyed + 1, up_to) if event.keyed
    ]
    wrong = []
    if documents:
        try:
            JournalKey._get_collection().insert_many(documents, ordered=False)
        except BulkWriteError as error:
            for refused in error.details["writeErrors"]:
                document = documents[refused["index"]]
                known = JournalKey._get_collection().find_one({"_id": document["_id"]})
                if known is None or known["seq"] != document["seq"]:  # else: an earlier try arrived after all
                    wrong.append(f"event {document['seq']} answers a key that was answered before: {known}")
    Head.objects(cell=at.cell).update_one(set__keyed=up_to)
    return wrong


def answered(scope: str, until_ms: int) -> LedgerEvent | None:
    """What a key ("caller|operation|key") was answered with, however long ago; None where it never was.

    `until_ms`: from when on the ledger takes the key no more (Unix ms). Raises KeysNotEntered where the index of keys
    does not reach that far.
    """
    at = head()
    if at.keyed < at.seq:
        raw = _entry(at.keyed, at) if at.keyed else None
        if raw is None or from_raw(at.keyed, raw).at_ms <= until_ms:
            raise KeysNotEntered(f"keys are entered up to event {at.keyed} of {at.seq}: ask again")
    found = JournalKey._get_collection().find_one({"_id": _digest_of(scope)})
    raw = _entry(found["seq"], at) if found else None
    return from_raw(found["seq"], raw) if found and raw is not None else None


def _digest_of(scope: str) -> bytes:
    return hashlib.sha256(scope.encode()).digest()[:16]


def _told_heads() -> dict[int, set[bytes]]:
    at = head()
    heads = {closed.last_seq: {bytes.fromhex(closed.chain_head)} for closed in Window.objects}
    heads.setdefault(at.seq, set()).add(bytes(at.head))
    return heads


def known_library(name: str, digest: str) -> str:
    """The digest of the function library that this cell has run with; from now on `digest`, where none was known."""
    at = head()
    if name not in at.libraries:
        Head.objects(cell=at.cell).update_one(**{f"set__libraries__{name}": digest})
        return digest
    return str(at.libraries[name])


def set_closing(window: int) -> None:
    """Notes that a window is being closed: until its marker is journaled."""
    Head.objects(cell=settings().cell).update_one(set__closing=window)


def closing() -> int:
    """The window that was asked to be closed last; 0 for none."""
    return int(head().closing or 0)


def set_compared(seq: int) -> None:
    """Notes that hot ledger and books were equal up to `seq`."""
    Head.objects(cell=settings().cell).update_one(set__compared=seq)


# Liquidity ------------------------------------------------------------------------------------------------


def tell_liquidity(telecom: str, position: int, cap: int | None) -> str:
    """Tells of a telecom that came near its net debit cap, or away from it; the new level, or "" where it is as it was.

    Told twice, it is one event: by the version.
    """
    # Asked each second, and nearly always for nothing: a document is made where there is something to tell.
    found = Liquidity._get_collection().find_one({"_id": telecom}, {"level": 1})
    level = found["level"] if found else liquidity.NONE
    now_level = liquidity.level(position, cap, level)
    if now_level == level:
        return ""
    known = Liquidity.objects(telecom=telecom).first() or Liquidity(telecom=telecom)
    known.level, known.version = now_level, known.version + 1
    message = LiquidityChanged(telecom=telecom, level=now_level, position=position, cap=cap or 0)
    known.add_event("liquidity." + (now_level or "eased"), telecom, message)
    known.save(save_condition=None if known.version == 1 else {"version": known.version - 1})
    return now_level or "eased"


# Windows --------------------------------------------------------------------------------------------------


def _close_windows(markers: Sequence[tuple[int, LedgerEvent, bytes]]) -> None:
    """Windows and banks follow from events, so a second time changes nothing. Banks come first, all at once: a window
    reads those of its own events and of those before."""
    banks_now = [
        UpdateOne(
            {"_id": seq},
            {"$set": {"merchant_id": event.transfer_id, "bank_bin": event.change.partition(",")[2]}}, upsert=True,
        )
        for seq, event, _ in markers if event.op == "merchant"
    ]  # fmt: skip
    for start in range(0, len(banks_now), WRITES_MAX):
        Bank._get_collection().bulk_write(banks_now[start : start + WRITES_MAX], ordered=False)
    for seq, event, hash_ in markers:
        if event.op == "cut":
            _close_window(event, seq, hash_)


def _close_window(event: LedgerEvent, seq: int, hash_: bytes) -> None:
    known = {found.number: found for found in Window.objects(number__in=[event.window - 1, event.window])}
    if event.window in known:
        return
    before = known.get(event.window - 1)
    first = before.last_seq + 1 if before else 1
    closed = Window(
        number=event.window,
        first_seq=first,
        last_seq=seq,
        opened_at=before.closed_at if before else _founded_at(event),
        closed_at=from_ms(event.at_ms),
        chain_head=hash_.hex(),
    )
    message = WindowClosed(window=event.window, first_seq=first, last_seq=seq, chain_head=hash_.hex())
    closed.add_event("window.closed", str(event.window), message)
    closed.save(force_insert=True)


def founded_at() -> datetime | None:
    """When the first event was; None before it."""
    founding = entry(1)
    return from_ms(from_raw(1, founding).at_ms) if founding else None


def _founded_at(event: LedgerEvent) -> datetime:
    founding = entry(1)
    return from_ms(from_raw(1, founding).at_ms if founding else event.at_ms)


def window(number: int) -> Window | None:
    """A closed window; None where it is not closed, or its marker is not journaled yet."""
    return Window.objects(number=number).first()


def windows(newest: int, limit: int) -> list[Window]:
    """Closed windows from `newest` down, at most `limit`."""
    wanted = list(range(max(1, newest - limit + 1), newest + 1))
    return sorted(Window.objects(number__in=wanted), key=lambda w: -w.number)


def newest_window() -> int:
    """Number of the window that was closed last; 0 for none: what the head's own event says."""
    at = head()
    last = _entry(at.seq, at)
    if last is None:
        return 0
    event = from_raw(at.seq, last)
    return event.window if event.op == "cut" else event.window - 1


def banks(closed: Window) -> dict[str, str]:
    """Which bank (BIN) settles each merchant in this window: the one it had at the window's end."""
    known = sorted(Bank._get_collection().find(), key=lambda b: b["_id"])
    return {b["merchant_id"]: b["bank_bin"] for b in known if b["_id"] <= closed.last_seq}


def with_positions(closed: Window) -> Window:
    """The window with its totals and positions, computed from the journal where they are not kept yet.

    Raises AssertionError where they do not sum to zero.
    """
    if closed.payments is not None:
        return closed
    totals, known = positions.WindowTotals(), banks(closed)
    for move in from_raw_moves(raw_events(closed.first_seq, closed.last_seq)):
        positions.add(totals, move, known)
    return keep_positions(closed, totals)


def keep_positions(closed: Window, totals: positions.WindowTotals) -> Window:
    """Keeps a window's totals and positions. Raises AssertionError where they do not sum to zero."""
    positions.check(totals)
    lines = [
        PositionLine(institution=line.institution, debits=line.debits, credits=line.credits, transfers=line.transfers)
        for line in sorted(totals.lines.values(), key=lambda line: line.institution)
    ]
    Window.objects(number=closed.number).update_one(
        set__payments=totals.payments, set__refunds=totals.refunds, set__value=totals.value, set__lines=lines
    )
    found = window(closed.number)
    assert found is not None
    return found


def unsettled(most: int) -> list[Window]:
    """Closed windows that are not settled yet, the oldest first."""
    found = Window.objects(stage__in=["closed", "netted", "settling"]).limit(most)
    return sorted(found, key=lambda w: w.number)


def unpacked(most: int) -> list[Window]:
    """Netted windows that are in no day's pack yet, the oldest first."""
    found = Window.objects(day_packed=False).limit(most)
    return sorted((w for w in found if w.stage != "closed"), key=lambda w: w.number)


def packed(closed: Window) -> None:
    """Notes that a window is in its day's pack."""
    Window.objects(number=closed.number).update_one(set__day_packed=True)


def awaiting_records(state: str, most: int) -> list[Window]:
    """Windows of which not all telecoms' records are there, "awaited" or "late", the oldest first."""
    found = Window.objects(records=state).exclude("record").limit(most)
    return sorted(found, key=lambda w: w.number)


def records_are(closed: Window, state: str) -> None:
    """Notes how far telecoms' records of a window are."""
    Window.objects(number=closed.number).update_one(set__records=state)


def begun_by(closed: Window, rules: str, code: str) -> tuple[str, str]:
    """The versions of rules and code that a window was begun to be netted by: these, where it was not begun yet."""
    if closed.record:  # netted before
        return str(closed.record["rules"]), str(closed.record["code"])
    fresh = {"_id": closed.number, "begun_by.code": {"$exists": False}}
    Window._get_collection().update_one(fresh, {"$set": {"begun_by": {"rules": rules, "code": code}}})
    found = window(closed.number)
    assert found is not None
    return str(found.begun_by["rules"]), str(found.begun_by["code"])


def ask_shares_again(closed: Window, telecoms: Sequence[str], at: datetime) -> Window:
    """Notes that these telecoms' shares are given under a key of `at`, where nobody noted another time since `closed`
    was read; the window as it is then."""
    for telecom in telecoms:
        field, before = f"shares_at.{telecom}", closed.shares_at.get(telecom)
        asked = {"_id": closed.number, field: {"$exists": False} if before is None else before}
        Window._get_collection().update_one(asked, {"$set": {field: at}})
    found = window(closed.number)
    assert found is not None
    return found


def note_run(how: str, at: datetime) -> None:
    """Notes how the clerk's run ended: "done", "later" or "failed"."""
    changes = {"set__ended_at": at, "set__how": how} | ({"set__done_at": at} if how == "done" else {})
    ClerkRun.objects(cell=settings().cell).update_one(upsert=True, **changes)


def last_run() -> ClerkRun | None:
    """How the clerk's last run ended; None before the first."""
    return ClerkRun.objects(cell=settings().cell).first()


def prepared(closed: Window) -> None:
    """Notes that a settling window's payouts are posted and in files."""
    Window.objects(number=closed.number).update_one(set__prepared=True)


def does_not_tie(closed: Window, findings: list[str]) -> None:
    """Notes why a window is not netted, for who has to audit the books."""
    Window.objects(number=closed.number, stage="closed").update_one(set__findings=findings)


def advance(closed: Window, before: str, after: str, **fields: Any) -> None:
    """Takes a window from one stage to the next, once."""
    changes = {f"set__{name}": value for name, value in fields.items()}
    Window.objects(number=closed.number, stage=before).update_one(set__stage=after, **changes)
