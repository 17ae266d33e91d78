"""A person's own data: told to them whole, and forgotten as far as the law on accounting lets.

Kept: merchants that were ever active, since what they were paid rests on who they are (accounting documents are kept
for ten years). Forgotten: who only ever applied.
"""

from __future__ import annotations

import json
from typing import Any

from kit import crypto
from kit.errors import Contention
from services.onboarding import findings
from services.onboarding.assist.store import ConfirmationDocument, forget_claim
from services.onboarding.merchant import State
from services.onboarding.store.document import ACCOUNT_FIELD, PERSON_FIELD, PERSONAL, MerchantDocument, entry, form_of
from services.onboarding.store.documents import DocumentRecord
from services.onboarding.store.merchants import ATTEMPTS_MAX, MERCHANTS_PER_OWNER_MAX, change
from services.onboarding.store.people import enterprises_of, relations_of
from services.onboarding.storefront.store import photo_name

ERASED = "(đã xóa)"
# The phone's goes last (`forget_person`).
_INDEXES = ("citizen_index", "account_index", "name_birth_index")


def data_of(owner_id: str) -> dict[str, Any]:
    """What onboarding holds of a person, in plain; for that person alone. Not what reviewers found and settled."""
    merchants = MerchantDocument.objects(owner_id=owner_id).limit(MERCHANTS_PER_OWNER_MAX)
    return {
        "merchants": [_merchant_data(document) for document in merchants],
        "enterprises": [
            {
                "enterprise_id": one.enterprise_id,
                "kind": one.enterprise.kind.value,
                "name": one.enterprise.name,
                "tax_code": one.tax_code,
                "relations": [relation.merchant_id for relation in relations_of(grower_id=one.enterprise_id)],
            }
            for one in enterprises_of(owner_id)
        ],
    }


def _merchant_data(document: MerchantDocument) -> dict[str, Any]:
    filled = form_of(document)
    texts = {name: getattr(filled, name) for name in filled.__dataclass_fields__ if name != "documents"}
    return {
        "merchant_id": document.id,
        "state": document.state,
        **texts,
        "documents": dict(filled.documents),
        "stall_photo": photo_name(document.id),
        "history": [
            {"action": line.action, "at": line.at.isoformat(), "reason": line.reason, "state": line.state}
            for line in document.history
            if line.action != findings.ACCEPTED
        ],
    }


def forget_person(user_id: str, phone_index: str) -> int:
    """Forgets what was filled in for a person who was never let sell; how many merchants. Twice changes nothing.

    First the merchant, in one write; then what lies beside it. Where this process dies in between, the event comes
    again and finds the rest: by its owner, or by the phone, whose index goes last. Raises Contention where a merchant
    keeps changing: the event comes again.
    """
    found = {document.id: document for document in MerchantDocument.objects(owner_id=user_id).limit(100)}
    if phone_index:
        for document in MerchantDocument.objects(phone_index=phone_index).limit(MERCHANTS_PER_OWNER_MAX):
            if not document.owner_id:
                found[document.id] = document
    forgotten = 0
    for document in found.values():
        if document.name != ERASED:
            if not _forget(document, user_id):
                continue
            forgotten += 1
        _forget_belongings(document.id)
    return forgotten


def _forget(document: MerchantDocument, user_id: str) -> bool:
    """Whether it is forgotten; not where it was ever approved."""
    nothing = json.dumps(dict.fromkeys(PERSONAL, ""))
    for _ in range(ATTEMPTS_MAX):
        if document.accounts_held:
            return False
        filled = form_of(document)
        # Nobody is onboarding them any more. Before the form goes: its key is made of it.
        forget_claim(filled.market_id, filled.citizen_id, document.id)
        line = entry(document, "erase", user_id, state=State.CLOSED.value, version=document.version + 1)
        forgotten = change(
            document,
            set__state=State.CLOSED.value,
            set__name=ERASED,
            set__account_name="",
            set__person=crypto.encrypt(PERSON_FIELD, nothing, document.id),
            set__account_number=crypto.encrypt(ACCOUNT_FIELD, ""),
            set__documents={},
            set__version=document.version + 1,
            push__history=line,
            unset__queue=True,
            unset__assigned_to=True,
            **{f"unset__{name}": True for name in _INDEXES},
        )
        if forgotten is not None:
            return True
        document = MerchantDocument.objects(id=document.id).get()
    raise Contention("the merchant keeps changing; the event comes again")


def _forget_belongings(merchant_id: str) -> None:
    # Their keys are gone by this: no file can be opened any more.
    DocumentRecord.objects(merchant_id=merchant_id).delete()
    ConfirmationDocument.objects(id=merchant_id).delete()
    MerchantDocument.objects(id=merchant_id, name=ERASED).update_one(unset__phone_index=True)
