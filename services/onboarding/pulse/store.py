"""Markets' days in MongoDB: one document a market and day, added to in place; and how far payments were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pymongo
from mongoengine import DateTimeField, Document, IntField, ListField, LongField, MapField, StringField
from mongoengine.errors import NotUniqueError
from pymongo.errors import BulkWriteError

from kit.errors import Contention
from services.onboarding.pulse.tally import RETENTION_DAYS, Addition

_CURSOR = "cursor"
_DUPLICATE_KEY = 11_000

# A market, and its day.
MarketDay = tuple[str, date]


class PulseDocument(Document):
    """A market's day. By minute of the day in Vietnam: payments, and đồng."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "pulse_days",
        "auto_create_index": False,
        "indexes": [{"fields": ["expires_at"], "expireAfterSeconds": 0}],
    }

    # "2026-11-29|mkt_...".
    id = StringField(primary_key=True)
    # The last payment that was added: one that is added again adds nothing.
    seq = LongField(required=True)
    payments = MapField(IntField())
    amount = MapField(LongField())
    merchants = ListField(StringField())
    # As many as `merchants`: read without them.
    merchants_paid = IntField(default=0)
    # RETENTION_DAYS after the day began.
    expires_at = DateTimeField(required=True)


class PulseCursorDocument(Document):
    """How far payments were read, and which days lack some."""

    meta = {"collection": "pulse_cursor", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    seq = LongField(default=0)
    at_ms = LongField(default=0)
    read_ms = LongField(default=0)
    since = StringField(default="")
    lacking = ListField(StringField())
    version = IntField(required=True)


@dataclass(frozen=True, slots=True)
class Read:
    """Payments are counted up to `seq` (announced at `at_ms`), asked for last at `read_ms`; both Unix ms.

    Counted is from the day `since` on, "" before the first payment; of the days `lacking` some payments were missed.
    """

    seq: int = 0
    at_ms: int = 0
    read_ms: int = 0
    since: str = ""
    lacking: tuple[str, ...] = ()
    version: int = 0

    def whole(self, day: date) -> bool:
        """Whether every payment of a day, as far as it went, is counted."""
        return bool(self.since) and self.since <= day.isoformat() and day.isoformat() not in self.lacking


@dataclass(frozen=True, slots=True)
class Day:
    """What was counted of one market's day, by minute."""

    payments: dict[int, int]
    amount: dict[int, int]
    merchants_paid: int


EMPTY = Day({}, {}, 0)


def progress(wanted: Iterable[MarketDay]) -> dict[MarketDay, tuple[int, set[str]]]:
    """The last payment that was added to each, and the merchants it has; where there is nothing yet it is left out."""
    keys = {_key(*one): one for one in wanted}
    found = PulseDocument._get_collection().find({"_id": {"$in": list(keys)}}, {"seq": 1, "merchants": 1})
    return {keys[one["_id"]]: (one["seq"], set(one.get("merchants", ()))) for one in found}


def add(added: Mapping[MarketDay, Addition], after: Mapping[MarketDay, int]) -> None:
    """Adds to markets' days, each in one write. `after`: where each of them is; new ones are not in it.

    Raises Contention where one is elsewhere; the others may have been added to all the same.
    """
    writes = [_write(one, new, after.get(one)) for one, new in added.items()]
    if not writes:
        return
    try:
        done = PulseDocument._get_collection().bulk_write(writes, ordered=False)
    except BulkWriteError as error:
        if any(one["code"] != _DUPLICATE_KEY for one in error.details["writeErrors"]):
            raise
        raise Contention("another worker counts payments") from None
    if done.inserted_count + done.matched_count < len(writes):
        raise Contention("another worker counts payments")


def _write(of: MarketDay, new: Addition, after: int | None) -> Any:
    key, merchants = _key(*of), sorted(new.merchants)
    if after is None:
        document = PulseDocument(
            id=key, seq=new.seq, expires_at=_expires(of[1]), merchants=merchants, merchants_paid=len(merchants),
            payments={str(at): n for at, n in new.payments.items()},
            amount={str(at): n for at, n in new.amount.items()},
        )  # fmt: skip
        return pymongo.InsertOne(document.to_mongo())
    plus = {f"payments.{at}": n for at, n in new.payments.items()}
    plus |= {f"amount.{at}": n for at, n in new.amount.items()}
    changes: dict[str, Any] = {"$set": {"seq": new.seq}, "$inc": plus}
    if merchants:
        plus["merchants_paid"] = len(merchants)
        changes["$push"] = {"merchants": {"$each": merchants}}
    return pymongo.UpdateOne({"_id": key, "seq": after}, changes)


def days_of(wanted: Iterable[MarketDay]) -> dict[MarketDay, Day]:
    """By market and day; those without a payment are left out."""
    keys = {_key(*one): one for one in wanted}
    found = PulseDocument.objects(id__in=list(keys)).only("id", "payments", "amount", "merchants_paid")
    return {keys[one.id]: Day(_minutes(one.payments), _minutes(one.amount), one.merchants_paid) for one in found}


def payments_read() -> Read:
    """As it was kept last."""
    found = PulseCursorDocument.objects(id=_CURSOR).first()
    if found is None:
        return Read()
    return Read(found.seq, found.at_ms, found.read_ms, found.since, tuple(found.lacking), found.version)


def keep_payments_read(read: Read) -> Read:
    """As it is kept now. Raises Contention where another worker kept it since it was read."""
    kept = {
        "seq": read.seq, "at_ms": read.at_ms, "read_ms": read.read_ms, "since": read.since,
        "lacking": list(read.lacking[-RETENTION_DAYS:]),
    }  # fmt: skip
    if read.version == 0:
        try:
            PulseCursorDocument(id=_CURSOR, version=1, **kept).save(force_insert=True)
        except NotUniqueError:
            raise Contention("another worker counts payments") from None
    else:
        changes = {f"set__{name}": value for name, value in kept.items()}
        if not PulseCursorDocument.objects(id=_CURSOR, version=read.version).update_one(inc__version=1, **changes):
            raise Contention("another worker counts payments")
    return Read(read.seq, read.at_ms, read.read_ms, read.since, read.lacking, read.version + 1)


def between(first: date, last: date) -> list[str]:
    """Days from `first` to `last`, both included, at most RETENTION_DAYS of them."""
    days = min((last - first).days, RETENTION_DAYS - 1)
    return [(first + timedelta(days=n)).isoformat() for n in range(days + 1)]


def _key(market_id: str, day: date) -> str:
    return f"{day.isoformat()}|{market_id}"


def _expires(day: date) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(days=RETENTION_DAYS)


def _minutes(stored: dict[str, int]) -> dict[int, int]:
    return {int(at): value for at, value in stored.items()}


DOCUMENTS = (PulseDocument, PulseCursorDocument)
