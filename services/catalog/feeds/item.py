"""One product as an outside floor takes it, and what keeps it from being taken. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from cho.events.v1 import events_pb2

from services.catalog.categories import CATEGORIES

_CATEGORY_NAMES = {category.code: category.name_vi for category in CATEGORIES}


class Problem(StrEnum):
    """Why a floor would refuse a product."""

    NO_PHOTO = "NO_PHOTO"
    NO_DESCRIPTION = "NO_DESCRIPTION"
    TITLE_TOO_LONG = "TITLE_TOO_LONG"


@dataclass(frozen=True, slots=True)
class Item:
    """`price` in đồng per `unit`, `stock` in units; `gone` where it is not shown any more: then nothing but its id is
    said. Texts hold one line each."""

    id: str
    title: str
    description: str
    link: str
    photos: tuple[str, ...]
    price: int
    unit: str
    stock: int
    grams: int
    category: str
    seller: str
    market: str
    ocop_stars: int
    gone: bool

    @property
    def in_stock(self) -> bool:
        return self.stock > 0 and not self.gone


def gone_of(product_id: str) -> Item:
    """What is told of a product that is not shown any more: what it is called, or shows, is nobody's business now."""
    return Item(
        id=product_id, title="", description="", link="", photos=(), price=0, unit="", stock=0, grams=0, category="",
        seller="", market="", ocop_stars=0, gone=True,
    )  # fmt: skip


def item_of(fact: events_pb2.ProductChanged, market: str, base_url: str) -> Item:
    """A product of a market (by its name), with addresses under `base_url`."""
    return Item(
        id=fact.product_id,
        title=line(fact.name),
        description=line(fact.description),
        link=f"{base_url}/shopper/?product={fact.product_id}",
        photos=tuple(f"{base_url}/v1/products/{fact.product_id}/photos/{sha256}" for sha256 in fact.photos),
        price=fact.price,
        unit=line(fact.unit),
        stock=fact.stock,
        grams=fact.grams_per_unit or fact.net_grams,
        category=_CATEGORY_NAMES.get(fact.category, ""),
        seller=line(fact.merchant_name),
        market=line(market),
        ocop_stars=fact.ocop_stars,
        gone=False,
    )


def line(text: str) -> str:
    """Text as one line that any format can hold: control characters, unassigned and private ones, and lone surrogates
    become spaces; NFC."""
    seen = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in unicodedata.normalize("NFC", text))
    return " ".join(seen.split())
