"""What products cost on their last days of change, in MongoDB: one document a product, read by id, market or merchant.

Everything here can be thrown away: `rebuilt` builds it anew from the products and their price histories. What those do
not say is lost by that: on which past days a product was sold out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from cho.events.v1 import events_pb2
from mongoengine import (
    BooleanField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    LongField,
    StringField,
)
from mongoengine.errors import BulkWriteError, NotUniqueError

from kit import clock
from kit.errors import Contention
from services.catalog.day.line import Close, Line, closed, with_past
from services.catalog.merchant import Merchant

# Raise it with every change of what a line holds: the lines are then built anew.
LAYOUT = 1
_BUILT = "day_lines"
# Changes of one line at once: each retry means that somebody else got through.
ATTEMPTS_MAX = 10
# Of one market; above it, the sheet is of those read first.
LINES_MAX = 20_000
# Lines written at once by a rebuild.
CHUNK = 500
# So long after the day's end it is told what ended with it.
MIDNIGHT = timedelta(minutes=1)


class CatalogClose(EmbeddedDocument):
    # "2026-11-29", in Vietnam.
    day = StringField(required=True)
    price = LongField(required=True)
    sold = BooleanField(required=True)
    left = BooleanField(required=True)


class CatalogDayLine(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "day_lines",
        "auto_create_index": False,
        "indexes": ["market_id", "merchant_id"],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    merchant_name = StringField(required=True)
    market_id = StringField(required=True)
    name = StringField(required=True)
    unit = StringField(required=True)
    price = LongField(required=True)
    listed = BooleanField(required=True)
    active = BooleanField(required=True)
    version = LongField(required=True)
    merchant_version = LongField(required=True)
    closes = EmbeddedDocumentListField(CatalogClose)


class CatalogBuilt(Document):
    """Which read models are there, and of which layout."""

    meta = {"collection": "built", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    layout = IntField(required=True)


DOCUMENTS = (CatalogDayLine, CatalogBuilt)


def apply_product(fact: events_pb2.ProductChanged, merchant: Merchant) -> None:
    """Writes down what product.listed or .changed says of the day of the change, unless as much or more is known.

    `merchant`: as catalog knows it now. Raises Contention.
    """
    at = fact.updated_at.ToDatetime(tzinfo=clock.UTC)

    def change(line: Line | None) -> Line | None:
        if line and line.version >= fact.version:
            return None
        new = line or Line(
            product_id=fact.product_id, merchant_id=fact.merchant_id, merchant_name=merchant.name,
            market_id=merchant.market_id, name=fact.name, unit=fact.unit, price=fact.price, listed=False,
            active=merchant.active, version=0, merchant_version=merchant.version,
        )  # fmt: skip
        listed = not fact.hidden and (fact.stock > 0 or fact.available > 0)
        # Sheets of days on which it was shown are read while it is not: they call it as it was called then.
        name = new.name if fact.hidden else fact.name
        told = replace(new, name=name, unit=fact.unit, price=fact.price, listed=listed, version=fact.version)
        return closed(told, day_told(told, at))

    _write(fact.product_id, change)


def apply_merchant(merchant: Merchant, day: date) -> None:
    """Writes down for all products of a merchant that they are on sale, or not, from `day` on. Raises Contention."""

    def change(line: Line | None) -> Line | None:
        if line is None or line.merchant_version >= merchant.version:
            return None
        told = replace(
            line, merchant_name=merchant.name, market_id=merchant.market_id, active=merchant.active,
            merchant_version=merchant.version,
        )  # fmt: skip
        return closed(told, day)

    for found in CatalogDayLine.objects(merchant_id=merchant.id).only("id").no_cache():
        _write(found.id, change)


def lines(market_id: str) -> Iterator[Line]:
    """All products of a market, in no order; at most LINES_MAX."""
    yield from map(_line, CatalogDayLine.objects(market_id=market_id).limit(LINES_MAX).no_cache().as_pymongo())


def is_built() -> bool:
    """Whether the lines are there, in this layout."""
    found = CatalogBuilt.objects(id=_BUILT).first()
    return found is not None and found.layout == LAYOUT


def rebuilt(build: Callable[[], Iterator[Line]]) -> int:
    """Builds what is missing from `build`; lines of another layout are forgotten first. How many were built.

    Dying in the middle, it begins anew; what events tell meanwhile stands.
    """
    found = CatalogBuilt.objects(id=_BUILT).first()
    if found is not None and found.layout != LAYOUT:
        CatalogDayLine.objects.delete()
    count, waiting = 0, build()
    while chunk := list(itertools.islice(waiting, CHUNK)):
        _put(chunk)
        count += len(chunk)
    CatalogBuilt(id=_BUILT, layout=LAYOUT).save()
    return count


def _put(chunk: list[Line]) -> None:
    """Writes lines that were built from products; to those that are there, the days before they were heard of."""
    try:
        CatalogDayLine.objects.insert(
            [CatalogDayLine(id=line.product_id, **_fields(line)) for line in chunk], load_bulk=False
        )
    except (NotUniqueError, BulkWriteError):  # some were told of by events, or by a builder that died
        for line in chunk:
            _write(line.product_id, partial(_with_past, line))


def _with_past(built: Line, stored: Line | None) -> Line | None:
    return with_past(stored, built) if stored else built


def day_told(line: Line, at: datetime) -> date:
    """The day of which a line, told at a moment, says how it ended. A lot whose last day is over is told of a moment
    later: what is not on sale so soon was not on sale that day, unless it was told of that day before."""
    day = day_of(at)
    if line.on_sale or any(close.day == day for close in line.closes):
        return day
    return day_of(at - MIDNIGHT)


def day_of(moment: datetime) -> date:
    """The business day in Vietnam of an aware moment."""
    return moment.astimezone(clock.VIETNAM).date()


def _write(product_id: str, change: Callable[[Line | None], Line | None]) -> None:
    """What `change` makes of a line; nothing where it makes nothing. It may be called several times."""
    for _ in range(ATTEMPTS_MAX):
        stored = CatalogDayLine.objects(id=product_id).as_pymongo().first()
        line = change(_line(stored) if stored else None)
        if line is None:
            return
        fields = _fields(line)
        if stored is None:
            try:
                CatalogDayLine(id=product_id, **fields).save(force_insert=True)
            except NotUniqueError:
                continue  # told twice at once
            return
        known = CatalogDayLine.objects(
            id=product_id, version=stored["version"], merchant_version=stored["merchant_version"]
        )
        if known.update_one(**{f"set__{name}": value for name, value in fields.items()}):
            return
    raise Contention(f"the day's line of {product_id} keeps changing")


def _fields(line: Line) -> dict[str, object]:
    named = ("merchant_id", "merchant_name", "market_id", "name", "unit", "price", "listed", "active", "version",
             "merchant_version")  # fmt: skip
    closes = [
        CatalogClose(day=close.day.isoformat(), price=close.price, sold=close.sold, left=close.left)
        for close in line.closes
    ]
    return {name: getattr(line, name) for name in named} | {"closes": closes}


def _line(stored: dict[str, Any]) -> Line:
    """A document as MongoDB gives it: a sheet reads a thousand of them, with up to 62 closes each."""
    return Line(
        product_id=stored["_id"],
        merchant_id=stored["merchant_id"],
        merchant_name=stored["merchant_name"],
        market_id=stored["market_id"],
        name=stored["name"],
        unit=stored["unit"],
        price=stored["price"],
        listed=stored["listed"],
        active=stored["active"],
        version=stored["version"],
        merchant_version=stored["merchant_version"],
        closes=tuple(
            Close(date.fromisoformat(close["day"]), close["price"], close["sold"], close["left"])
            for close in stored.get("closes", ())
        ),
    )
