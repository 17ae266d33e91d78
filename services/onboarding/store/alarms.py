"""Alarms in MongoDB, and the days that the quiet rule counts: one document an alarm, one a market's day."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

from cho.events.v1 import events_pb2
from mongoengine import DateTimeField, DictField, Document, IntField, LongField, StringField
from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import Contention, InvalidArgument, NotFound
from kit.ids import new_id
from kit.outbox import OutboxMixin, outbox_event
from services.onboarding.sentinel.alarm import Alarm, Kind, State
from services.onboarding.sentinel.quiet import Day, Seller
from services.onboarding.store.document import MerchantDocument

PAGE_SIZE_MAX = 100
PAGE_SIZE_USUAL = 50
# Above it an alarm that is raised again is no longer counted: somebody scans for fun.
TIMES_MAX = 1_000
ATTEMPTS_MAX = 3
# Of how many merchants it is remembered where they stand; some 300 bytes each.
PLACES_MAX = 20_000
_BEFORE_ALL, _AFTER_ALL = "/", ":"
_RECENCY = re.compile(r"[0-9]{15}-alm_[0-9a-f]{32}")
_CURSOR = "cursor"


class AlarmDocument(OutboxMixin, Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "alarms",
        "auto_create_index": False,
        "indexes": [
            ("market_id", "state", "recency"),
            # One alarm of a kind at a stall until it is resolved: a code that is scanned again is no second one.
            {"fields": ["pending"], "unique": True, "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    kind = StringField(required=True)
    state = StringField(required=True)
    merchant_id = StringField(required=True)
    merchant_name = StringField(required=True)
    market_id = StringField(required=True)
    stall = StringField(required=True)
    raised_at = DateTimeField(required=True)
    detail = StringField(required=True)
    times = IntField(required=True)
    seen_at = DateTimeField()
    seen_by = StringField(default="")
    resolved_at = DateTimeField()
    resolved_by = StringField(default="")
    note = StringField(default="")
    # Merchant and kind; absent once it is resolved.
    pending = StringField()
    # When it was raised (ms) and its id: pages run from the newest down.
    recency = StringField(required=True)


class QuietDocument(Document):
    """A market's day (`sentinel.quiet.Day`); and under "cursor", how far payments were read."""

    meta = {"collection": "quiet_days", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    day = IntField(default=0)
    seq = LongField(default=0)
    evaluated = IntField(default=-1)
    sections = DictField()
    sellers = DictField()
    # Of the cursor: payments up to here were missed, and days counted before begin anew.
    missed = LongField(default=0)
    # Counts writes: two workers that count the same payments do not count them twice.
    version = IntField(required=True)


@dataclass(frozen=True, slots=True)
class AlarmPage:
    alarms: list[Alarm]
    next_token: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A merchant's name and place."""

    name: str
    market_id: str
    stall: str


class Place(NamedTuple):
    """Where a merchant stands."""

    market_id: str
    stall: str


# By merchant: for good, since a form that was approved is changed no more, and before that nobody pays.
_places: dict[str, Place] = {}


def raise_alarm(
    kind: Kind, *, merchant_id: str, merchant_name: str, market_id: str, stall: str, detail: str, traceparent: str = ""
) -> Alarm:
    """A new alarm with its event; where one of this kind is pending at the stall, that one, raised once more.

    Raises Contention where alarms of this stall keep being raised and resolved at the same time.
    """
    pending = f"{merchant_id}|{kind.value}"
    for _ in range(ATTEMPTS_MAX):
        again = AlarmDocument.objects(pending=pending, times__lt=TIMES_MAX).modify(
            new=True, inc__times=1, set__detail=detail
        )
        if again is not None:
            return _alarm(again)
        now, alarm_id = clock.now(), new_id("alm")
        document = AlarmDocument(
            id=alarm_id, kind=kind.value, state=State.OPEN.value, merchant_id=merchant_id, merchant_name=merchant_name,
            market_id=market_id, stall=stall, raised_at=now, detail=detail, times=1, pending=pending,
            recency=f"{round(now.timestamp() * 1000):015d}-{alarm_id}",
        )  # fmt: skip
        document.add_event("sentinel.alarmed", alarm_id, _fact(_alarm(document)), traceparent)
        try:
            document.save(force_insert=True)
        except NotUniqueError:  # raised by somebody else meanwhile, or raised as often as is counted
            full = AlarmDocument.objects(pending=pending, times=TIMES_MAX).first()
            if full is not None:
                return _alarm(full)
        else:
            return _alarm(document)
    raise Contention("alarms of this stall keep changing: scan again")


def change_alarm(alarm_id: str, change: Callable[[Alarm], Alarm], traceparent: str = "") -> Alarm:
    """What `change` makes of an alarm, with its event. Raises NotFound, Contention and what `change` raises."""
    document = AlarmDocument.objects(id=alarm_id).first()
    if document is None:
        raise NotFound(f"there is no alarm {alarm_id}")
    stored = _alarm(document)
    changed = change(stored)
    if changed == stored:
        return stored
    event = outbox_event(f"sentinel.{changed.state.value}", alarm_id, _fact(changed), traceparent)
    written = {
        f"set__{name}": getattr(changed, name)
        for name in ("seen_at", "seen_by", "resolved_at", "resolved_by", "note")
        if getattr(changed, name) is not None
    }
    if changed.state is State.RESOLVED:
        written["unset__pending"] = True
    done = AlarmDocument.objects(id=alarm_id, state=stored.state.value).update_one(
        set__state=changed.state.value, push__outbox=event, **written
    )
    if not done:
        raise Contention("somebody else changed the alarm: read it again")
    return changed


def alarms_of_market(market_id: str, state: State, page_size: int = 0, page_token: str = "") -> AlarmPage:
    """One page, newest first; `page_size` 0 means PAGE_SIZE_USUAL. Raises InvalidArgument."""
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_USUAL}")
    if page_token and _RECENCY.fullmatch(page_token) is None:
        raise InvalidArgument("page_token is not one of this list's")
    size = page_size or PAGE_SIZE_USUAL
    found = AlarmDocument.objects(
        market_id=market_id, state=state.value, recency__gt=_BEFORE_ALL, recency__lt=page_token or _AFTER_ALL
    )
    documents = list(found.order_by("-recency").limit(size + 1))
    token = documents[size - 1].recency if len(documents) > size else ""
    return AlarmPage([_alarm(document) for document in documents[:size]], token)


def standing(merchant_ids: Sequence[str]) -> dict[str, Standing]:
    """Where these merchants stand; who is not known is left out."""
    found = MerchantDocument.objects(id__in=list(merchant_ids)).only("id", "name", "market_id", "stall")
    return {one.id: Standing(one.name, one.market_id, one.stall) for one in found}


def places(paid: Collection[str]) -> dict[str, Place]:
    """Where merchants that were paid stand; who is not known is left out. Asked for once, then remembered."""
    found = {one: _places[one] for one in paid if one in _places}
    if missing := [one for one in paid if one not in found]:
        # mongoengine makes a whole merchant of each, which costs more than to count its payments.
        asked = MerchantDocument._get_collection().find({"_id": {"$in": missing}}, {"market_id": 1, "stall": 1})
        new = {one["_id"]: Place(one.get("market_id", ""), one.get("stall", "")) for one in asked}
        if len(_places) + len(new) > PLACES_MAX:
            _places.clear()
        _places.update(new)
        found |= new
    return found


def quiet_day(market_id: str) -> tuple[Day, int]:
    """A market's day as it was counted last, and its version for `keep_quiet_day`."""
    document = QuietDocument.objects(id=market_id).first()
    if document is None:
        return Day(), 0
    sellers = {merchant: Seller(*row) for merchant, row in document.sellers.items()}
    sections = {code: list(buckets) for code, buckets in document.sections.items()}
    return Day(document.day, document.seq, document.evaluated, sections, sellers), document.version


def keep_quiet_day(market_id: str, day: Day, version: int) -> None:
    """Raises Contention where another worker kept it since it was read at `version`."""
    _keep(
        market_id, version, day=day.day, seq=day.seq, evaluated=day.evaluated, sections=day.sections,
        sellers={merchant: list(asdict(seller).values()) for merchant, seller in day.sellers.items()},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Read:
    """Up to which of the ledger's payments every market was counted (`seq`), and which were missed (up to `missed`)."""

    seq: int = 0
    missed: int = 0
    version: int = 0


def payments_read() -> Read:
    """As it was kept last."""
    document = QuietDocument.objects(id=_CURSOR).only("seq", "missed", "version").first()
    return Read(document.seq, document.missed, document.version) if document is not None else Read()


def keep_payments_read(read: Read) -> None:
    """Raises Contention where another worker kept it since it was read."""
    _keep(_CURSOR, read.version, seq=read.seq, missed=read.missed)


def _keep(key: str, version: int, **fields: object) -> None:
    if version == 0:
        try:
            QuietDocument(id=key, version=1, **fields).save(force_insert=True)
        except NotUniqueError:
            raise Contention(f"another worker counts {key}") from None
        return
    changes = {f"set__{name}": value for name, value in fields.items()}
    if not QuietDocument.objects(id=key, version=version).update_one(inc__version=1, **changes):
        raise Contention(f"another worker counts {key}")


def _fact(alarm: Alarm) -> events_pb2.SentinelAlarm:
    return events_pb2.SentinelAlarm(
        alarm_id=alarm.alarm_id,
        kind=alarm.kind.value,
        state=alarm.state.value,
        merchant_id=alarm.merchant_id,
        market_id=alarm.market_id,
        stall=alarm.stall,
    )


def _alarm(document: AlarmDocument) -> Alarm:
    return Alarm(
        alarm_id=document.id,
        kind=Kind(document.kind),
        state=State(document.state),
        merchant_id=document.merchant_id,
        merchant_name=document.merchant_name,
        market_id=document.market_id,
        stall=document.stall,
        raised_at=document.raised_at,
        detail=document.detail,
        times=document.times,
        seen_at=document.seen_at,
        seen_by=document.seen_by,
        resolved_at=document.resolved_at,
        resolved_by=document.resolved_by,
        note=document.note,
    )
