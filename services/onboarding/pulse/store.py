"""Markets' days in MongoDB: one document a market and day, added to in place; and how far payments were read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from mongoengine import DateTimeField, Document, IntField, ListField, LongField, MapField, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import Contention
from services.onboarding.pulse.tally import RETENTION_DAYS, Addition

_CURSOR = "cursor"


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


def progress(market_id: str, day: date) -> tuple[int | None, list[str]]:
    """The last payment that was added to a market's day (None: nothing yet), and the merchants it has."""
    found = PulseDocument.objects(id=_key(market_id, day)).only("seq", "merchants").first()
    return (None, []) if found is None else (found.seq, list(found.merchants))


def add(market_id: str, day: date, added: Addition, after: int | None) -> None:
    """Adds to a market's day, in one write. Raises Contention where it is no longer at `after`."""
    key = _key(market_id, day)
    if after is None:
        try:
            PulseDocument(
                id=key, seq=added.seq, expires_at=_expires(day), merchants=sorted(added.merchants),
                merchants_paid=len(added.merchants),
                payments={str(at): n for at, n in added.payments.items()},
                amount={str(at): n for at, n in added.amount.items()},
            ).save(force_insert=True)  # fmt: skip
        except NotUniqueError:
            raise Contention(f"another worker counts {key}") from None
        return
    plus = {f"inc__payments__{at}": n for at, n in added.payments.items()}
    plus |= {f"inc__amount__{at}": n for at, n in added.amount.items()}
    new = sorted(added.merchants)
    if not PulseDocument.objects(id=key, seq=after).update_one(
        set__seq=added.seq, push_all__merchants=new, inc__merchants_paid=len(new), **plus
    ):
        raise Contention(f"another worker counts {key}")


def days_of(wanted: Iterable[tuple[str, date]]) -> dict[tuple[str, date], Day]:
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
