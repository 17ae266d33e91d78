"""What merchants' own systems are told of their goods, and when. Pure.

A product is told of as it is now, so changes that come quickly are one, and one that was undone is none. With it goes
in which version what of it last changed: whoever has an earlier one knows what is new to them, whatever they missed in
between. Where only the stock changed, a minute has to pass; that nothing is left, or something again, is told at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from types import MappingProxyType
from typing import Any

from cho.events.v1.events_pb2 import ProductChanged

# What catalog says of a product.
HEARD = frozenset({"product.listed", "product.changed"})
TYPE = "goods.changed"
# Of one product, where nothing but the stock changed.
STOCK_EVERY_MS = 60_000

Facts = Mapping[str, Any]
# Which facts a kind of change is of. `rest` is a digest of what a receiver reads elsewhere.
_KINDS = MappingProxyType(
    {
        "state": ("state",),
        "price": ("price",),
        "stock": ("available",),
        "recall": ("recalled_lots",),
        "details": ("name", "category", "unit", "grams_per_unit", "rest"),
    }
)


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told of a product, and when, ms. `changed`: by kind, the version with which a change was told."""

    facts: Facts
    at_ms: int
    changed: Mapping[str, int]


def facts(product: ProductChanged) -> Facts:
    """What is told of a product: JSON's types alone."""
    rest = [product.description, product.net_grams, product.ocop_stars, *product.photos]
    return {
        "product_id": product.product_id,
        "merchant_id": product.merchant_id,
        "version": product.version,
        "state": product.state,
        "name": product.name,
        "category": product.category,
        "unit": product.unit,
        "price": product.price,
        "available": product.available,
        "grams_per_unit": product.grams_per_unit,
        "recalled_lots": list(product.recalled_lots),
        "updated_at": product.updated_at.ToDatetime(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "rest": hashlib.sha256(json.dumps(rest).encode()).hexdigest()[:32],
    }


def changed(told: Told | None, heard: Facts) -> tuple[str, ...]:
    """The kinds of change between what was told and what is so now; all that a product has, where nothing was told."""
    before = told.facts if told else facts(ProductChanged())
    return tuple(kind for kind, names in _KINDS.items() if any(before[name] != heard[name] for name in names))


def due_ms(told: Told | None, heard: Facts) -> int:
    """When what is so now may be told; 0 for at once."""
    if told is None or changed(told, heard) != ("stock",):
        return 0
    ends = bool(told.facts["available"]) != bool(heard["available"])
    return 0 if ends else told.at_ms + STOCK_EVERY_MS


def tell(told: Told | None, heard: Facts, now_ms: int) -> Told:
    """What is so now, told now."""
    version: int = heard["version"]
    before = told.changed if told else {}
    return Told(heard, now_ms, {**before, **dict.fromkeys(changed(told, heard), version)})


def body(told: Told) -> bytes:
    """What a receiver gets."""
    shown = {name: value for name, value in told.facts.items() if name != "rest"}
    event_id = f"evt_{shown['product_id']}_{shown['version']}"
    said = {"id": event_id, "type": TYPE, **shown, "changed": dict(told.changed)}
    return json.dumps(said, ensure_ascii=False).encode()
