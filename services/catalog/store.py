"""Products, and copies of merchants, in MongoDB: the only place of catalog that knows the database.

Every change of a product is one write of one document, its event included (kit.outbox). Reads are by id, or
equality on an index.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime

from cho.events.v1 import events_pb2
from mongoengine import BooleanField, DateTimeField, Document, LongField, StringField
from mongoengine.errors import NotUniqueError

from kit import clock, mongo
from kit.errors import (
    Contention,
    DomainError,
    IdempotencyConflict,
    MerchantNotFound,
    MerchantNotPayable,
    NotFound,
)
from kit.ids import new_id
from kit.outbox import OutboxMixin
from services.catalog import product as rules
from services.catalog.merchant import Merchant, is_active
from services.catalog.product import Offer

SERVICE = "catalog"
STREAM = "catalog:events"
# Changes of one product at once: each retry means that somebody else got through.
UPDATE_ATTEMPTS_MAX = 5


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


class CatalogProduct(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "products",
        "auto_create_index": False,
        "indexes": [{"fields": ["created_by", "request_id"], "unique": True}],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    name = StringField(required=True)
    description = StringField()
    unit = StringField(required=True)
    price = LongField(required=True)
    stock = LongField(required=True)
    hidden = BooleanField(required=True)
    version = LongField(required=True)
    updated_at = DateTimeField(required=True)
    created_by = StringField(required=True)
    request_id = StringField(required=True)
    # What that request asked for, so that it is told from another one under the same id.
    fingerprint = StringField(required=True)


@dataclass(frozen=True, slots=True)
class Product:
    """A product and whose it is. `price` in đồng per `unit`; `version` counts the product's changes."""

    id: str
    merchant: Merchant
    offer: Offer
    hidden: bool
    version: int
    updated_at: datetime


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store(SERVICE, (CatalogProduct, CatalogMerchant))


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


def create(merchant: Merchant, offer: Offer, created_by: str, request_id: str) -> Product:
    """Lists a product, or finds it listed by the same request before.

    Raises IdempotencyConflict (the request_id stands for another product), MerchantNotPayable (not active).
    """
    document = CatalogProduct(
        id=new_id("prd"),
        merchant_id=merchant.id,
        **asdict(offer),
        hidden=False,
        version=1,
        updated_at=clock.now(),
        created_by=created_by,
        request_id=request_id,
        fingerprint=rules.fingerprint(merchant.id, offer),
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


def update(product: Product, changes: dict[str, int | bool]) -> Product:
    """Changes these fields, the event in the same write; nothing is written where nothing changes.

    Raises NotFound, Contention where others keep changing it, and Overloaded where its events cannot leave.
    """
    for _ in range(UPDATE_ATTEMPTS_MAX):
        document = CatalogProduct.objects(id=product.id).first()
        if document is None:
            raise _not_found()
        if all(getattr(document, name) == value for name, value in changes.items()):
            return _product(document, product.merchant)
        for name, value in changes.items():
            setattr(document, name, value)
        document.version, document.updated_at = document.version + 1, clock.now()
        changed = _product(document, product.merchant)
        document.add_event("product.changed", document.id, fact(changed))
        try:
            document.save(save_condition={"version": changed.version - 1})
        except Contention:  # somebody else was faster: read what they made of it
            continue
        return changed
    raise Contention("the product keeps changing; try again")


def product(product_id: str) -> Product:
    """Raises NotFound."""
    document = CatalogProduct.objects(id=product_id).first()
    if document is None:
        raise _not_found()
    return _product(document, merchant(document.merchant_id))


def ensure_product(merchant_id: str, offer: Offer) -> Product:
    """Lists a product of a seed, once however often it is asked. For seeds.

    Raises MerchantNotFound until catalog has heard of the merchant, MerchantNotPayable, and
    IdempotencyConflict where the seed's file was changed since.
    """
    return create(merchant(merchant_id), offer, "seed", _seed_key(merchant_id, offer.name))


def _seed_key(merchant_id: str, name: str) -> str:
    """A request id that is the same for the same product of the same merchant."""
    return "seed:" + hashlib.sha256(f"{merchant_id}\0{name}".encode()).hexdigest()[:32]


def everything() -> Iterator[Merchant | events_pb2.ProductChanged]:
    """Every merchant, then every product as its event tells of it: what the search index is built from."""
    merchants = {}
    for document in CatalogMerchant.objects.no_cache():
        merchants[document.id] = _merchant(document)
        yield merchants[document.id]
    for document in CatalogProduct.objects.exclude("outbox").no_cache():
        # A merchant heard of since is not among them; its products follow in the streams.
        if owner := merchants.get(document.merchant_id):
            yield fact(_product(document, owner))


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
    )
    changed.updated_at.FromDatetime(product.updated_at)
    return changed


def _product(document: CatalogProduct, merchant: Merchant) -> Product:
    return Product(
        id=document.id,
        merchant=merchant,
        offer=Offer(document.name, document.description or "", document.unit, document.price, document.stock),
        hidden=document.hidden,
        version=document.version,
        updated_at=document.updated_at,
    )
