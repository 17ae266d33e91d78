"""Onboarding's encrypted fields, for `cho keys rotate`. A new one is added here (tests/kit/test_field_keys.py)."""

from __future__ import annotations

from kit.reseal import Sealed
from services.onboarding.bulk.store import PART_FIELD, ROWS_FIELD, ImportChunk, ImportPart
from services.onboarding.store.document import ACCOUNT_FIELD, PERSON_FIELD, MerchantDocument
from services.onboarding.store.documents import KEY_FIELD, DocumentRecord
from services.onboarding.store.people import TAX_FIELD, EnterpriseDocument

SEALED = (
    Sealed(MerchantDocument, "account_number", ACCOUNT_FIELD),
    Sealed(MerchantDocument, "account_change.account_number", ACCOUNT_FIELD),
    Sealed(MerchantDocument, "person", PERSON_FIELD, owned=True),
    Sealed(ImportPart, "content", PART_FIELD, owned=True),
    Sealed(ImportChunk, "rows", ROWS_FIELD, owned=True),
    Sealed(DocumentRecord, "key", KEY_FIELD, owned=True),
    Sealed(EnterpriseDocument, "tax_code", TAX_FIELD, owned=True),
)
