"""Which merchants sell under which tax code, as onboarding tells: MongoDB, by id and by equality on an index."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cho.events.v1.events_pb2 import MerchantChanged
from mongoengine import BinaryField, Document, LongField, StringField
from mongoengine.errors import NotUniqueError

from kit import crypto
from kit.identifiers import tax

TAX_FIELD = "taxbook.tax_code"
# Merchants of one tax code: a household has a few stalls, a company perhaps one in every market.
MERCHANTS_MAX = 200
# Ids of one question.
_AT_ONCE = 500


class TaxSeller(Document):
    """A merchant and its tax code. `_id` is the merchant's."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "tax_sellers",
        "auto_create_index": False,
        # One without a tax code has none.
        "indexes": [{"fields": ["tax_index"], "sparse": True}],
    }

    id = StringField(primary_key=True)
    name = StringField(required=True)
    owner_id = StringField(required=True)
    kind = StringField(default="")
    tax_index = StringField()
    tax_code = BinaryField()
    version = LongField(required=True)


DOCUMENTS = (TaxSeller,)


@dataclass(frozen=True, slots=True)
class Known:
    """A merchant as it was told last. `tax_index` is "" where no tax code is known."""

    merchant_id: str
    name: str
    owner_id: str
    kind: str
    tax_index: str


def put(told: MerchantChanged) -> None:
    """Remembers merchant.* events, unless as much or more is known already."""
    changes: dict[str, object] = {
        "set__name": told.name or told.merchant_id, "set__owner_id": told.owner_id or "-",
        "set__kind": told.enterprise_kind, "set__version": told.version,
    }  # fmt: skip
    # An event of before the code was told takes nothing away.
    if told.tax_index:
        code = crypto.open_tax(told.tax_sealed, told.merchant_id)
        changes |= {
            "set__tax_index": told.tax_index,
            "set__tax_code": crypto.encrypt(TAX_FIELD, code, told.merchant_id),
        }
    try:
        TaxSeller.objects(id=told.merchant_id, version__lt=told.version).update_one(upsert=True, **changes)
    except NotUniqueError:
        return  # the filter found nothing to change, because a version at least as new is there


def merchant(merchant_id: str) -> Known | None:
    """None for one that onboarding has not told of."""
    found = TaxSeller.objects(id=merchant_id).first()
    return None if found is None else _known(found)


def under(tax_index: str) -> list[Known]:
    """All merchants of a tax code, by id, at most MERCHANTS_MAX + 1: one more says that there are too many."""
    found = TaxSeller.objects(tax_index=tax_index).limit(MERCHANTS_MAX + 1)
    return sorted((_known(one) for one in found), key=lambda one: one.merchant_id)


def some(merchant_ids: Sequence[str]) -> Iterator[Known]:
    """Those of these that are known."""
    for start in range(0, len(merchant_ids), _AT_ONCE):
        for one in TaxSeller.objects(id__in=list(merchant_ids[start : start + _AT_ONCE])):
            yield _known(one)


def tax_code(merchant_id: str, *, whole: bool) -> str:
    """A merchant's tax code; unless `whole`, masked where it is a person's. "" where none is known."""
    found = TaxSeller.objects(id=merchant_id).first()
    if found is None or not found.tax_code:
        return ""
    code = crypto.decrypt(TAX_FIELD, found.tax_code, merchant_id)
    return code if whole or not tax.is_personal(code) else crypto.mask(code, 3)


def _known(found: TaxSeller) -> Known:
    return Known(found.id, found.name, found.owner_id, found.kind or "", found.tax_index or "")
