"""Who sees and who keeps a product. For servers."""

from __future__ import annotations

from kit.rpc.call import Call
from services.catalog import store
from services.catalog.store import Product

# Who may keep every merchant's products, besides its owner.
KEEPERS = ("team", "operator")


def keeps(product: Product, call: Call) -> bool:
    """Whether the caller keeps it."""
    return product.merchant.owner_id == call.caller.sub or call.has(*KEEPERS)


def visible(product_id: str, call: Call) -> Product:
    """A product that the caller may see. Raises NotFound."""
    product = store.product(product_id)
    if not product.for_sale:
        call.require_owner(product.merchant.owner_id, *KEEPERS)
    return product


def kept(product_id: str, call: Call) -> Product:
    """A product that the caller keeps. Raises NotFound."""
    product = store.product(product_id)
    call.require_owner(product.merchant.owner_id, *KEEPERS)
    return product
