"""What onboarding keeps: the only place of it that knows MongoDB. A file a noun; this one is what others import."""

from __future__ import annotations

from kit import mongo
from kit.accesses import Access, AccessCount
from services.onboarding.assist.store import DOCUMENTS as ASSISTED
from services.onboarding.bulk.store import DOCUMENTS as IMPORTS
from services.onboarding.pulse.store import DOCUMENTS as PULSE
from services.onboarding.store.accounts import (
    account_of,
    approve_account,
    cancel_account,
    propose_account,
    switch_due,
)
from services.onboarding.store.alarms import AlarmDocument, QuietDocument
from services.onboarding.store.document import HistoryEntry, MerchantDocument
from services.onboarding.store.documents import DocumentRecord, keep_document, read_document
from services.onboarding.store.markets import MarketDocument, ensure_market, markets
from services.onboarding.store.merchants import (
    MERCHANTS_PER_OWNER_MAX,
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    Merchant,
    Page,
    PayoutAccount,
    bind_owner,
    checklist,
    decide,
    draft,
    ensure_merchant,
    merchants_of_market,
    merchants_of_owner,
    payout_accounts,
    register,
    save_draft,
    submit,
)
from services.onboarding.store.merchants import merchant_by_id as merchant
from services.onboarding.store.people import (
    EnterpriseDocument,
    Registered,
    RelationDocument,
    end_relation,
    enterprise,
    enterprises_of,
    register_enterprise,
    relation,
    relations_of,
    start_relation,
)
from services.onboarding.store.privacy import data_of, forget_person
from services.onboarding.store.review import accept_finding, findings_for, history, reviews
from services.onboarding.store.stalls import StallDocument
from services.onboarding.store.stands import StandDocument
from services.onboarding.storefront.store import StallPhotoDocument

SERVICE = "onboarding"
STREAM = "onboarding:events"
# Every document of this service: what is not here has no indexes.
DOCUMENTS = (
    MerchantDocument,
    MarketDocument,
    StallDocument,
    StandDocument,
    StallPhotoDocument,
    AlarmDocument,
    QuietDocument,
    DocumentRecord,
    EnterpriseDocument,
    RelationDocument,
    Access,
    AccessCount,
    *IMPORTS,
    *ASSISTED,
    *PULSE,
)


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store(SERVICE, DOCUMENTS)


__all__ = [
    "DOCUMENTS",
    "MERCHANTS_PER_OWNER_MAX",
    "PAGE_SIZE_DEFAULT",
    "PAGE_SIZE_MAX",
    "SERVICE",
    "STREAM",
    "AlarmDocument",
    "DocumentRecord",
    "EnterpriseDocument",
    "HistoryEntry",
    "MarketDocument",
    "Merchant",
    "MerchantDocument",
    "Page",
    "PayoutAccount",
    "QuietDocument",
    "Registered",
    "RelationDocument",
    "StallDocument",
    "StandDocument",
    "accept_finding",
    "account_of",
    "approve_account",
    "bind_owner",
    "cancel_account",
    "checklist",
    "data_of",
    "decide",
    "draft",
    "end_relation",
    "ensure_market",
    "ensure_merchant",
    "enterprise",
    "enterprises_of",
    "findings_for",
    "forget_person",
    "history",
    "keep_document",
    "markets",
    "merchant",
    "merchants_of_market",
    "merchants_of_owner",
    "open_store",
    "payout_accounts",
    "propose_account",
    "read_document",
    "register",
    "register_enterprise",
    "relation",
    "relations_of",
    "reviews",
    "save_draft",
    "start_relation",
    "submit",
    "switch_due",
]
