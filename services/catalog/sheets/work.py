"""Checks sheets, and carries them out in the worker, one process at a time.

A row is carried out by one write, and only then noted: after a crash in between it is tried again, and found done.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator

import redis
from pymongo.errors import PyMongoError

from kit import clock, log
from kit.errors import Contention, DomainError, LimitExceeded, Overloaded, SheetInvalid, Unavailable
from kit.ids import derived_key
from kit.sheets.reading import read
from kit.streams.lease import Lease
from services.catalog import product as product_rules
from services.catalog import store as catalog
from services.catalog.merchant import Merchant
from services.catalog.product import State
from services.catalog.sheets import rows as rules
from services.catalog.sheets import store
from services.catalog.sheets.columns import PRODUCTS, ROWS_MAX
from services.catalog.sheets.rows import Action, Known, Row, Stall
from services.catalog.sheets.store import Sheet
from services.catalog.store import Product

LEASE = "catalog:sheets:lease"
# Rows between notes, and the time after which a tick begins no more.
CHUNK, TICK_S_MAX = 50, 3.0
# Nothing is known of a row that met one of these, or nothing was done: it is tried again in a later tick.
PASSING = (Contention, Overloaded, Unavailable)

_logger = log.logger(__name__)


class _ChangedSince(Exception):
    """Somebody has changed what a row was about to change."""


def known(merchant: Merchant) -> list[Known]:
    """What a stall has. Raises LimitExceeded where it does not fit a sheet."""
    found = catalog.products_of(merchant, "", ROWS_MAX + 1)
    if len(found) > ROWS_MAX:
        raise LimitExceeded(f"the stall has more than {ROWS_MAX} products: they do not fit a sheet")
    return [Known(product.id, product.offer.unit, values_of(product)) for product in found]


def values_of(product: Product) -> dict[str, object]:
    """What a sheet can change of a product."""
    offer = product.offer
    return {
        "name": offer.name, "description": offer.description, "category": offer.category, "price": offer.price,
        "stock": offer.stock, "net_grams": offer.net_grams, "state": product.state,
    }  # fmt: skip


def check(sheet_id: str, merchant: Merchant, content: bytes, by: str) -> Sheet:
    """Reads a sheet and keeps what it would do; the same again is answered alike.

    Raises SheetInvalid, SheetUnsafe, SheetTooLarge, LimitExceeded, IdempotencyConflict.
    """
    fingerprint = hashlib.sha256(merchant.id.encode() + b"\0" + content).hexdigest()
    heading, raws = read(content, PRODUCTS)
    stall = Stall(known(merchant))
    judged = tuple(rules.judge(raw, heading, stall) for raw in raws)
    if not judged:
        raise SheetInvalid("the file has no rows but its heading", vi="Tệp chỉ có dòng tiêu đề.")
    return store.keep(Sheet(sheet_id, merchant.id, by, fingerprint, store.CHECKED, judged, 0, clock.now()))


class Clerk:
    """`tick` does a bounded part of what there is to do."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def tick(self) -> None:
        """Never raises for an engine out of reach: the next tick goes on where this one stopped."""
        try:
            # Every chunk renews it: where there is none, nothing is written every second for its sake.
            if not self._lease.held() and not self._lease.acquire():
                return
            until = time.monotonic() + TICK_S_MAX
            for found in store.to_apply():
                if time.monotonic() >= until:
                    break
                self._work(found, until)
        except (redis.RedisError, PyMongoError) as error:
            _logger.warning("sheets wait", reason=type(error).__name__)

    def _work(self, found: Sheet, until: float) -> None:
        """Goes on with a sheet; what keeps it waiting keeps no other one. Raises what engines out of reach raise."""
        try:
            while found.state == store.APPLYING and time.monotonic() < until and self._lease.renew():
                found = go_on(found)
        except PASSING as error:
            _logger.warning("a sheet waits", sheet=found.id, reason=type(error).__name__)
        except (redis.RedisError, PyMongoError):
            raise
        except Exception:
            _logger.exception("a sheet cannot be carried out", sheet=found.id)


def go_on(found: Sheet) -> Sheet:
    """Carries out the next rows. Raises one of PASSING; what was done by then is found done the next time."""
    merchant = catalog.merchant(found.merchant_id)
    return store.note(found, list(_tried(found, merchant)))


def _tried(found: Sheet, merchant: Merchant) -> Iterator[Row]:
    for row in found.rows[found.at : found.at + CHUNK]:
        try:
            yield _carried_out(found, row, merchant)
        except PASSING:
            raise
        except _ChangedSince:
            yield rules.as_refused(row, rules.changed_since())
        except DomainError as error:
            yield rules.as_refused(row, rules.problem_of("", error))


def _carried_out(found: Sheet, row: Row, merchant: Merchant) -> Row:
    key = derived_key(int(found.created_at.timestamp() * 1000), found.id, str(row.number))
    if row.action is Action.CREATE:
        draft = row.values["state"] is State.DRAFT
        made = catalog.create(merchant, rules.offer_of(row.values), found.made_by, key, draft=draft)
        return rules.as_done(row, made.id)
    if row.action is Action.CHANGE:
        request = product_rules.request_of(key, row.values)
        catalog.change(row.product_id, catalog.once(request, lambda product: _changed(product, row)))
        return rules.as_done(row, row.product_id)
    return row


def _changed(product: Product, row: Row) -> Product:
    now = values_of(product)
    left = {field: value for field, value in row.values.items() if now[field] != value}
    if any(now[field] != row.before[field] for field in left):
        raise _ChangedSince
    return catalog.changed(product, left) if left else product
