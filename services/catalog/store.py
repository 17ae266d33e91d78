"""Products, and copies of merchants, in MongoDB: the only place of catalog that knows the database.

Every change of a product is one write of one document, its event included (kit.outbox), on the condition that nobody
was faster. Reads are by id, equality on an index, or a two-sided range on one.

A product's threads in one process queue for it; only other processes are met at the condition. In a burst of changes of
stock, the last waiting event is replaced by the next: it says all that the one before said.
"""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from cho.events.v1 import events_pb2
from mongoengine import (
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    ListField,
    LongField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit import clock, mongo
from kit.errors import (
    Contention,
    DomainError,
    IdempotencyConflict,
    MerchantNotFound,
    MerchantNotPayable,
    NotFound,
    Overloaded,
    WrongState,
)
from kit.ids import new_id
from kit.outbox import WAITING_MAX, OutboxEvent, OutboxMixin, outbox_event
from services.catalog import product as rules
from services.catalog.day.store import DOCUMENTS as day_documents
from services.catalog.growers import CatalogGrower, CatalogRelation
from services.catalog.markets import CatalogMarket
from services.catalog.merchant import Merchant, is_active
from services.catalog.product import Offer, PriceSince, Request, State
from services.catalog.sheets.documents import CatalogSheet
from services.catalog.stock import shelf as shelves
from services.catalog.stock.documents import (
    CatalogHold,
    CatalogLot,
    CatalogReservation,
    CatalogSpentLot,
    hold_of,
    lot_of,
    stored_hold,
    stored_lot,
)
from services.catalog.stock.shelf import Lot, Shelf
from services.catalog.units import base_per_unit, grams_per_unit

SERVICE = "catalog"
STREAM = "catalog:events"
# Changes of one product by several processes at once: each retry means that another one got through.
UPDATE_ATTEMPTS_MAX = 20
_AGAIN_S_MAX = 0.02
# Products share these; two that meet at one wait for each other without need, and without harm.
_QUEUES = tuple(threading.RLock() for _ in range(64))
_BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


# mongoengine tells documents of one process apart by class name alone, and tests load every service.
class CatalogMerchant(Document):
    """What catalog has to know of a merchant, as onboarding last told."""

    meta = {"collection": "merchants", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    name = StringField(required=True)
    owner_id = StringField(required=True)
    market_id = StringField(required=True)
    active = BooleanField(required=True)
    version = LongField(required=True)


class CatalogPrice(EmbeddedDocument):
    price = LongField(required=True)
    since = DateTimeField(required=True)


class CatalogRequest(EmbeddedDocument):
    id = StringField(required=True)
    body = StringField(required=True)


class CatalogProduct(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "products",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["created_by", "request_id"], "unique": True},
            # Pages of a stall's.
            {"fields": ["merchant_id", "id"]},
            # Those that the worker has to look at at some time, by when.
            {"fields": ["due_at"], "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    name = StringField(required=True)
    description = StringField()
    unit = StringField(required=True)
    price = LongField(required=True)
    # Whole units that were for sale at the last change; lots say what there is.
    stock = LongField(required=True)
    # None in documents from before there were lots: `stock` is their only one.
    grams_per_unit = LongField()
    lots = EmbeddedDocumentListField(CatalogLot)
    holds = EmbeddedDocumentListField(CatalogHold)
    due_at = DateTimeField()
    # Not published; `state` says more, and is None in documents from before it was there.
    hidden = BooleanField(required=True)
    state = StringField()
    reason = StringField()
    category = StringField()
    net_grams = LongField()
    prices = EmbeddedDocumentListField(CatalogPrice)
    # SHA-256, the first one first.
    photos = ListField(StringField())
    # Those that changed it last.
    requests = EmbeddedDocumentListField(CatalogRequest)
    version = LongField(required=True)
    updated_at = DateTimeField(required=True)
    created_by = StringField(required=True)
    request_id = StringField(required=True)
    # What that request asked for, so that it is told from another one under the same id.
    fingerprint = StringField(required=True)


@dataclass(frozen=True, slots=True)
class Product:
    """A product and whose it is; `version` counts its changes. `grams_per_unit` is 0 for what is counted.

    `offer.stock` and `available` are what is for sale today, in whole units and in base units.
    """

    id: str
    merchant: Merchant
    offer: Offer
    grams_per_unit: int
    shelf: Shelf
    available: int
    stars: int
    state: State
    reason: str
    prices: tuple[PriceSince, ...]
    photos: tuple[str, ...]
    version: int
    updated_at: datetime
    requests: tuple[Request, ...] = ()

    @property
    def hidden(self) -> bool:
        return self.state is not State.PUBLISHED

    @property
    def for_sale(self) -> bool:
        return not self.hidden and self.merchant.active


DOCUMENTS = (
    CatalogProduct,
    CatalogReservation,
    CatalogSpentLot,
    CatalogMerchant,
    CatalogMarket,
    CatalogGrower,
    CatalogRelation,
    CatalogSheet,
    *day_documents,
)


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store(SERVICE, DOCUMENTS)


# --- merchants


def apply_merchant(event_type: str, changed: events_pb2.MerchantChanged) -> None:
    """Remembers merchant.activated, .suspended or .reinstated, unless as much or more is known already."""
    try:
        CatalogMerchant.objects(id=changed.merchant_id, version__lt=changed.version).update_one(
            upsert=True,
            set__name=changed.name,
            set__owner_id=changed.owner_id,
            set__market_id=changed.market_id,
            set__active=is_active(event_type),
            set__version=changed.version,
        )
    except NotUniqueError:
        return  # the filter found nothing to change, because a version at least as new is there


def merchant(merchant_id: str) -> Merchant:
    """Raises MerchantNotFound."""
    document = CatalogMerchant.objects(id=merchant_id).first()
    if document is None:
        raise MerchantNotFound("catalog knows no such merchant")
    return _merchant(document)


def _merchant(document: CatalogMerchant) -> Merchant:
    return Merchant(
        id=document.id,
        name=document.name,
        owner_id=document.owner_id,
        market_id=document.market_id,
        active=document.active,
        version=document.version,
    )


# --- products


def create(merchant: Merchant, offer: Offer, created_by: str, request_id: str, *, draft: bool = False) -> Product:
    """Lists a product, or finds it listed by the same request before.

    Raises IdempotencyConflict (the request_id stands for another product), MerchantNotPayable (not active).
    """
    now, product_id = clock.now(), new_id("prd")
    grams = grams_per_unit(offer.unit)
    quantity = offer.stock * base_per_unit(grams)
    new = Product(
        id=product_id,
        merchant=merchant,
        offer=offer,
        grams_per_unit=grams,
        shelf=Shelf((Lot(first_lot(product_id), quantity, quantity),) if quantity else ()),
        available=quantity,
        stars=0,
        state=State.DRAFT if draft else State.PUBLISHED,
        reason="",
        prices=rules.priced((), offer.price, now),
        photos=(),
        version=1,
        updated_at=now,
    )
    document = CatalogProduct(
        id=product_id,
        merchant_id=merchant.id,
        unit=offer.unit,
        **{name: value for name, value in _stored(new, clock.today()).items() if value is not None},
        created_by=created_by,
        request_id=request_id,
        fingerprint=rules.fingerprint(merchant.id, offer, draft=draft),
    )
    earlier = CatalogProduct.objects(created_by=created_by, request_id=request_id)
    stored = earlier.first()
    if stored is None:
        if not merchant.active:
            raise MerchantNotPayable("the merchant is suspended")
        listed = _product(document, merchant)
        document.add_event("product.listed", document.id, fact(listed))
        try:
            document.save()
        except NotUniqueError:  # the same request, twice at once
            stored = earlier.get()
        else:
            return listed
    if stored.fingerprint != document.fingerprint:
        raise IdempotencyConflict("request_id was used for another product")
    return _product(stored, merchant)


def update(product: Product, changes: dict[str, Any], request_id: str = "") -> Product:
    """Changes these fields (`rules.changes`), the event in the same write; nothing is written where nothing changes.

    `stock`, in units, is what the stall has counted: see `shelf.counted`. With a `request_id` it is done `once`.
    Raises NotFound, WrongState, IdempotencyConflict, Contention where others keep changing it, and Overloaded where its
    events cannot leave.
    """

    def rule(found: Product) -> Product:
        return changed(found, changes)

    return change(product.id, once(rules.request_of(request_id, changes), rule) if request_id else rule)


def once(request: Request, rule: Callable[[Product], Product]) -> Callable[[Product], Product]:
    """A rule for `change` that does nothing where the request was done before, whatever became of the product since;
    what changes nothing was done, too. It raises IdempotencyConflict where that was another request."""

    def asked(found: Product) -> Product:
        if rules.heard(found.requests, request):
            return found
        return replace(rule(found), requests=(*found.requests, request)[-rules.REQUESTS_MAX :])

    return asked


def changed(found: Product, changes: dict[str, Any]) -> Product:
    """A product with these changes, for `change`. Raises WrongState, LimitExceeded."""
    named = {name: changes[name] for name in ("name", "description", "category", "net_grams", "price") & changes.keys()}
    state = rules.moved(found.state, changes.get("state", found.state))
    if found.state is State.WITHDRAWN and (named or "stock" in changes):
        raise WrongState("the product is withdrawn", state=found.state)
    reason = changes.get("reason", "") if "state" in changes else found.reason
    after = replace(found, state=state, reason=reason, offer=replace(found.offer, **named))
    counted = changes.get("stock", found.offer.stock)
    if counted == found.offer.stock:
        return after
    quantity = counted * base_per_unit(found.grams_per_unit)
    return replace(after, shelf=shelves.counted(found.shelf, quantity, clock.today(), _counted_lot(found)))


def change(product_id: str, rule: Callable[[Product], Product], *told: OutboxEvent, always: bool = False) -> Product:
    """The product as `rule` makes it of what is stored, and product.changed, in one write; `told` goes with it.

    Nothing is written where `rule` changes nothing, unless `always`. `rule` may be called several times. A lot that has
    made room for another is kept beside the product. Raises what `rule` raises, NotFound, Contention, Overloaded.
    """
    with _QUEUES[hash(product_id) % len(_QUEUES)]:
        for _ in range(UPDATE_ATTEMPTS_MAX):
            document = CatalogProduct.objects(id=product_id).first()
            if document is None:
                raise _not_found()
            found = _product(document, merchant(document.merchant_id))
            made = rule(found)
            if made == found and not always:
                return found
            # Before it leaves the product: cut off here, it is in both, and in the product only what is left counts.
            for gone in shelves.gone(found.shelf, made.shelf):
                keep_spent(product_id, gone)
            today, now = clock.today(), clock.now()
            prices = rules.priced(made.prices, made.offer.price, now)
            after = _as_of(replace(made, prices=prices, version=found.version + 1, updated_at=now), today)
            if _replace(document, after, today, told):
                return after
            # Another process was faster: read what it made of it, a moment later.
            time.sleep(random.uniform(0, _AGAIN_S_MAX))  # noqa: S311
    raise Contention("the product keeps changing; try again")


def look_again(product_id: str, now: datetime) -> None:
    """Where it is still due: tells what is for sale today, and notes when to look next. Raises as `change` does."""
    if CatalogProduct.objects(id=product_id, due_at__lte=now).only("id").first():
        change(product_id, lambda found: found, always=True)


def due(now: datetime, limit: int) -> list[str]:
    """Products that the worker has to look at by `now`."""
    found = CatalogProduct.objects(due_at__gte=_BEGINNING, due_at__lte=now).only("id").limit(limit)
    return [document.id for document in found]


def shelves_of() -> Iterator[tuple[str, int, Shelf]]:
    """Every product's id, version and stock, in no order. Reads only."""
    wanted = ("version", "unit", "stock", "grams_per_unit", "lots", "holds")
    for document in CatalogProduct.objects.only(*wanted).no_cache():
        yield document.id, document.version, _shelf(document)


def _replace(document: CatalogProduct, after: Product, today: date, told: Sequence[OutboxEvent]) -> bool:
    """Writes what changed of the stored document, and what there is to tell; False where somebody was faster."""
    fields = _stored(after, today)
    update = {f"set__{name}": value for name, value in fields.items() if value is not None}
    update |= {f"unset__{name}": True for name, value in fields.items() if value is None}
    event = outbox_event("product.changed", after.id, fact(after))
    waiting = document.outbox[-1] if document.outbox else None
    where = CatalogProduct.objects(id=document.id, version=document.version)
    if waiting and not told and waiting.type == event.type and rules.says_no_less(fact(after), waiting.data):
        # Published in the meantime, it is not there any more, and nothing is written.
        return bool(where.filter(outbox__id=waiting.id).update_one(set__outbox__S=event, **update))
    if len(document.outbox) + len(told) >= WAITING_MAX:
        raise Overloaded(f"{len(document.outbox)} events of {document.id} wait to be published")
    return bool(where.update_one(push_all__outbox=[*told, event], **update))


def product(product_id: str) -> Product:
    """Raises NotFound."""
    document = CatalogProduct.objects(id=product_id).first()
    if document is None:
        raise _not_found()
    return _product(document, merchant(document.merchant_id))


def products_of(merchant: Merchant, after: str, limit: int) -> list[Product]:
    """A stall's products in every state, oldest first, those whose id comes after `after`."""
    found = CatalogProduct.objects(merchant_id=merchant.id, id__gt=after or "prd_", id__lt="prd`")
    return [_product(document, merchant) for document in found.exclude("outbox").order_by("id").limit(limit)]


def keep_spent(product_id: str, lot: Lot) -> None:
    """Writes down a lot that is about to make room for another one; again, nothing changes."""
    CatalogSpentLot(id=lot.id, product_id=product_id, lot=stored_lot(lot)).save()


def spent_lot(lot_id: str) -> tuple[str, Lot] | None:
    """A lot that has made room, and its product's id."""
    document = CatalogSpentLot.objects(id=lot_id).first()
    return (document.product_id, lot_of(document.lot)) if document else None


def ensure_product(merchant_id: str, offer: Offer) -> Product:
    """Lists a product of a seed, once however often it is asked. For seeds.

    Category and weight are added to a product from before the seed had them, and never changed.
    Raises MerchantNotFound until catalog has heard of the merchant, MerchantNotPayable, and
    IdempotencyConflict where the seed's file was changed since.
    """
    bare = replace(offer, category="", net_grams=0)
    listed = create(merchant(merchant_id), bare, "seed", _seed_key(merchant_id, offer.name))
    said = {"category": offer.category, "net_grams": offer.net_grams}
    missing = {name: value for name, value in said.items() if value and not getattr(listed.offer, name)}
    return update(listed, missing) if missing and listed.state is not State.WITHDRAWN else listed


def _seed_key(merchant_id: str, name: str) -> str:
    """A request id that is the same for the same product of the same merchant."""
    return "seed:" + hashlib.sha256(f"{merchant_id}\0{name}".encode()).hexdigest()[:32]


def everything() -> Iterator[Merchant | events_pb2.ProductChanged]:
    """Every merchant, then every product as its event tells of it: what the search index is built from."""
    merchants = {document.id: _merchant(document) for document in CatalogMerchant.objects.no_cache()}
    yield from merchants.values()
    yield from map(fact, _products(merchants))


def products() -> Iterator[Product]:
    """Every product, in no order."""
    yield from _products({document.id: _merchant(document) for document in CatalogMerchant.objects.no_cache()})


def _products(merchants: Mapping[str, Merchant]) -> Iterator[Product]:
    for document in CatalogProduct.objects.exclude("outbox").no_cache():
        # A merchant heard of since is not among them; its products follow in the streams.
        if owner := merchants.get(document.merchant_id):
            yield _product(document, owner)


def _not_found() -> DomainError:
    # The words of Call.require_owner: a stranger cannot tell what exists.
    return NotFound("there is no such thing, or it is not yours")


def fact(product: Product) -> events_pb2.ProductChanged:
    """The product as others are told of it."""
    changed = events_pb2.ProductChanged(
        product_id=product.id,
        merchant_id=product.merchant.id,
        merchant_name=product.merchant.name,
        market_id=product.merchant.market_id,
        **asdict(product.offer),
        hidden=product.hidden,
        version=product.version,
        grams_per_unit=product.grams_per_unit,
        available=product.available,
        state=product.state,
        price_per_kg=product.offer.price_per_kg,
        ocop_stars=product.stars,
        photos=product.photos,
        recalled_lots=[lot.id for lot in product.shelf.lots if lot.recall_id],
    )
    changed.updated_at.FromDatetime(product.updated_at)
    return changed


def _product(document: CatalogProduct, merchant: Merchant) -> Product:
    found = Product(
        id=document.id,
        merchant=merchant,
        offer=Offer(
            name=document.name,
            description=document.description or "",
            unit=document.unit,
            price=document.price,
            stock=document.stock,
            category=document.category or "",
            net_grams=document.net_grams or 0,
        ),
        grams_per_unit=_grams(document),
        shelf=_shelf(document),
        available=0,
        stars=0,
        state=State(document.state) if document.state else _old_state(document.hidden),
        reason=document.reason or "",
        prices=tuple(PriceSince(one.price, one.since) for one in document.prices)
        or (PriceSince(document.price, document.updated_at),),
        photos=tuple(document.photos),
        version=document.version,
        updated_at=document.updated_at,
        requests=tuple(Request(one.id, one.body) for one in document.requests),
    )
    return _as_of(found, clock.today())


def _as_of(product: Product, today: date) -> Product:
    """With what of it can be sold today."""
    available = product.shelf.available(today)
    units = available // base_per_unit(product.grams_per_unit)
    return replace(
        product, available=available, stars=product.shelf.stars(today), offer=replace(product.offer, stock=units)
    )


def first_lot(product_id: str) -> str:
    """The lot of what was counted, and not brought in as a lot of its own."""
    return product_id.replace("prd", "lot", 1)


def _counted_lot(product: Product) -> str:
    """The lot of what is counted now: the first, or a further one where that is recalled or has made room."""
    lot_id = first_lot(product.id)
    while there.recall_id if (there := product.shelf.lot(lot_id)) else spent_lot(lot_id):
        lot_id += "x"
    return lot_id


def _old_state(hidden: bool) -> State:
    return State.HIDDEN if hidden else State.PUBLISHED


def _grams(document: CatalogProduct) -> int:
    known = document.grams_per_unit
    return known if known is not None else grams_per_unit(document.unit)


def _shelf(document: CatalogProduct) -> Shelf:
    if document.grams_per_unit is None and document.stock:
        quantity = document.stock * base_per_unit(_grams(document))
        return Shelf((Lot(first_lot(document.id), quantity, quantity),))
    return Shelf(tuple(lot_of(lot) for lot in document.lots), tuple(hold_of(hold) for hold in document.holds))


def _stored(product: Product, today: date) -> dict[str, Any]:
    """A product's fields that can change, as its document has them; None for one that is not there."""
    offer, shelf = product.offer, product.shelf
    return {
        "name": offer.name,
        "description": offer.description or None,
        "price": offer.price,
        "stock": offer.stock,
        "category": offer.category or None,
        "net_grams": offer.net_grams or None,
        "grams_per_unit": product.grams_per_unit,
        "lots": [stored_lot(lot) for lot in shelf.lots],
        "holds": [stored_hold(hold) for hold in shelf.holds],
        "due_at": shelf.due_at(today),
        "hidden": product.hidden,
        "state": product.state,
        "reason": product.reason or None,
        "prices": [CatalogPrice(price=one.price, since=one.since) for one in product.prices],
        "photos": list(product.photos),
        "requests": [CatalogRequest(id=one.id, body=one.body) for one in product.requests],
        "version": product.version,
        "updated_at": product.updated_at,
    }
