"""What a fresh stack sells: the products of data/products.json, for `store.ensure_product`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources

from services.catalog.product import Offer, offer


@dataclass(frozen=True, slots=True)
class SeedProduct:
    """`vendor` is the key of a merchant in onboarding's seed."""

    vendor: str
    offer: Offer


def products() -> list[SeedProduct]:
    """Raises InvalidArgument or AmountInvalid where the file breaks the catalog's rules."""
    text = resources.files("services.catalog").joinpath("data/products.json").read_text(encoding="utf-8")
    return [SeedProduct(row.pop("vendor"), offer(**row)) for row in json.loads(text)]
