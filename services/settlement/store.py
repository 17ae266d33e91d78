"""The books in MongoDB: the journal, its head, and the windows. One writer, ordered, majority and journaled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from cho.events.v1.events_pb2 import WindowClosed
from mongoengine import (
    BinaryField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    StringField,
)  # fmt: skip
from pymongo.errors import BulkWriteError

from kit.clock import from_ms
from kit.config import settings
from kit.ids import new_id
from kit.ledger_event import LedgerEvent, from_fields, from_raw
from kit.outbox import OutboxMixin
from kit.streams.entry import Entry, ReaderStopped
from services.settlement import chain, positions

# Entries read back at once: a `$in` of sequence numbers, since ranges on _id are not fast everywhere (DESIGN D3).
READ_CHUNK = 1000
# What makes a key unique for ever: transfers and resolved keys. Other operations have no idempotency key.
_KEYED = frozenset({b"fund", b"cash_in", b"cash_out", b"pay", b"refund", b"resolve"})


class JournalEntry(Document):
    """One event of the ledger: its canonical bytes and the chain's head after it. `_id` is the sequence number."""

    seq = IntField(primary_key=True)
    key = StringField(db_field="k", null=False)
    raw = BinaryField(required=True)
    head = BinaryField(db_field="h", required=True)

    meta = {  # noqa: RUF012
        "collection": "journal",
        "indexes": [{"fields": ["key"], "unique": True, "sparse": True}],
        "auto_create_index": False,
    }


class Head(Document):
    """How far the books are. One document a cell."""

    cell = StringField(primary_key=True)
    seq = IntField(default=0)
    head = BinaryField(default=chain.GENESIS)
    genesis = StringField(required=True)
    # Up to here the hot ledger's balances were found equal to the books'.
    compared = IntField(default=0)

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

    meta = {"collection": "windows", "auto_create_index": False}  # noqa: RUF012


class Bank(Document):
    """Which bank settles a merchant, as the ledger's events said."""

    merchant_id = StringField(primary_key=True)
    bank_bin = StringField(required=True)

    meta = {"collection": "banks", "auto_create_index": False}  # noqa: RUF012


def ensure_indexes() -> None:
    """Creates the books' indexes; done already, it changes nothing."""
    for document in (JournalEntry, Window):
        document.ensure_indexes()


# The journal ----------------------------------------------------------------------------------------------


def head() -> Head:
    """The books' head; a new cell's has sequence 0 and a genesis id of its own."""
    found = Head.objects(cell=settings().cell).first()
    if found is None:
        Head.objects(cell=settings().cell).update_one(
            set_on_insert__seq=0,
            set_on_insert__head=chain.GENESIS,
            set_on_insert__compared=0,
            set_on_insert__genesis=new_id("gen"),
            upsert=True,
        )
        found = Head.objects(cell=settings().cell).first()
    return found


def last_seq() -> int:
    """Sequence number of the last journaled event.

    A crash between the entries' write and the head's leaves entries beyond the head: they are counted in first.
    """
    at = head()
    beyond = list(_documents(range(at.seq + 1, at.seq + 1 + READ_CHUNK)))
    while beyond:
        _close_windows([(d["_id"], from_raw(d["_id"], d["raw"]), d["h"]) for d in beyond])
        _advance(at.seq, beyond[-1]["_id"], beyond[-1]["h"])
        at = head()
        beyond = list(_documents(range(at.seq + 1, at.seq + 1 + READ_CHUNK)))
    return int(at.seq)


def append(entries: Sequence[Entry]) -> None:
    """Journals the next entries, in order. Raises ReaderStopped where they are not next, or a key stands twice."""
    at = head()
    if entries[0].seq != at.seq + 1:
        raise ReaderStopped(f"the books end at {at.seq}, and event {entries[0].seq} came")
    hash_, documents, markers = bytes(at.head), [], []
    for entry in entries:
        raw = entry.raw
        hash_ = chain.link(hash_, entry.seq, raw)
        document: dict[str, Any] = {"_id": entry.seq, "raw": raw, "h": hash_}
        op = entry.fields[b"op"]
        if op in _KEYED:
            document["k"] = entry.fields[b"s"].decode()
        elif op in (b"cut", b"merchant"):
            markers.append((entry.seq, from_fields(entry.seq, entry.fields), hash_))
        documents.append(document)
    try:
        JournalEntry._get_collection().insert_many(documents, ordered=True)
    except BulkWriteError as error:
        first = error.details["writeErrors"][0]
        raise ReaderStopped(f"the books refuse event {documents[first['index']]['_id']}: {first['errmsg']}") from error
    _close_windows(markers)
    _advance(at.seq, entries[-1].seq, hash_)


def _advance(before: int, seq: int, hash_: bytes) -> None:
    moved = Head.objects(cell=settings().cell, seq=before).update_one(set__seq=seq, set__head=hash_)
    if moved != 1:
        raise ReaderStopped(f"somebody else journals: the head is no longer {before}")


def _documents(seqs: range) -> Iterator[dict[str, Any]]:
    """Journal documents of these sequence numbers that exist, in order."""
    for start in range(seqs.start, seqs.stop, READ_CHUNK):
        wanted = list(range(start, min(start + READ_CHUNK, seqs.stop)))
        found = JournalEntry._get_collection().find({"_id": {"$in": wanted}})
        yield from sorted(found, key=lambda d: d["_id"])


def events(first: int, last: int) -> Iterator[LedgerEvent]:
    """Journaled events `first` to `last`, both included."""
    for document in _documents(range(first, last + 1)):
        yield from_raw(document["_id"], document["raw"])


def entry(seq: int) -> tuple[bytes, bytes] | None:
    """(canonical bytes, chain head) of one journaled event."""
    document = JournalEntry._get_collection().find_one({"_id": seq})
    return (bytes(document["raw"]), bytes(document["h"])) if document else None


def verify_chain(last: int) -> Iterator[tuple[LedgerEvent, str]]:
    """Every event from the first to `last`, each with what is wrong with its place in the chain ("" for nothing)."""
    hash_, expected = chain.GENESIS, 1
    for document in _documents(range(1, last + 1)):
        seq, wrong = document["_id"], ""
        if seq != expected:
            wrong = f"entries {expected} to {seq - 1} are missing"
        hash_ = chain.link(hash_, seq, document["raw"])
        if hash_ != document["h"]:
            wrong = wrong or f"entry {seq} is not what was chained"
            hash_ = document["h"]
        expected = seq + 1
        yield from_raw(seq, document["raw"]), wrong


def set_compared(seq: int) -> None:
    """Notes that hot ledger and books were equal up to `seq`."""
    Head.objects(cell=settings().cell).update_one(set__compared=seq)


# Windows --------------------------------------------------------------------------------------------------


def _close_windows(markers: Sequence[tuple[int, LedgerEvent, bytes]]) -> None:
    """Windows and banks follow from events, so a second time changes nothing."""
    for seq, event, hash_ in markers:
        if event.op == "merchant":
            bank = event.change.partition(",")[2]
            Bank.objects(merchant_id=event.transfer_id).update_one(set__bank_bin=bank, upsert=True)
        elif event.op == "cut":
            _close_window(event, seq, hash_)


def _close_window(event: LedgerEvent, seq: int, hash_: bytes) -> None:
    if window(event.window) is not None:
        return
    before = window(event.window - 1)
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


def _founded_at(event: LedgerEvent) -> datetime:
    founding = entry(1)
    return from_ms(from_raw(1, founding[0]).at_ms if founding else event.at_ms)


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
    last = entry(at.seq)
    if last is None:
        return 0
    event = from_raw(at.seq, last[0])
    return event.window if event.op == "cut" else event.window - 1


def banks() -> dict[str, str]:
    """Which bank (BIN) settles each merchant."""
    return {b.merchant_id: b.bank_bin for b in Bank.objects}


def with_positions(closed: Window) -> Window:
    """The window with its totals and positions, computed from the journal where they are not kept yet.

    Raises AssertionError where they do not sum to zero.
    """
    if closed.payments is not None:
        return closed
    totals = positions.total(events(closed.first_seq, closed.last_seq), banks())
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
