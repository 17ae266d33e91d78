"""A merchant as MongoDB keeps it: what is personal encrypted, what finds it again as blind indexes."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any

from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    LongField,
    MapField,
    StringField,
)

from kit import clock, crypto
from kit.identifiers import names, tax
from kit.outbox import OutboxMixin
from services.onboarding.findings import Finding
from services.onboarding.form import HOUSEHOLD, Form
from services.onboarding.merchant import Merchant, State, merchant_id_of

ACCOUNT_FIELD = "merchants.account_number"
PERSON_FIELD = "merchants.person"
# Of a form, what says who the person is: one encrypted value.
PERSONAL = (
    "phone", "person_name", "birth_date", "sex", "address", "citizen_id", "citizen_issued", "citizen_expires",
    "tax_code",
)  # fmt: skip
PLAIN = (
    "market_id", "stall", "name", "category_code", "owner_id", "enterprise_kind", "bank_bin", "account_name",
)  # fmt: skip


class HistoryEntry(EmbeddedDocument):
    """One thing that happened to a merchant, by whom and why."""

    action = StringField(required=True)
    actor = StringField(required=True)
    at = DateTimeField(required=True)
    reason = StringField(default="")
    state = StringField(required=True)
    version = IntField(required=True)


class StoredFinding(EmbeddedDocument):
    code = StringField(required=True)
    other = StringField(default="")
    found_at = DateTimeField(required=True)
    accepted_by = StringField(default="")
    reason = StringField(default="")
    accepted_at = DateTimeField()


class AccountChange(EmbeddedDocument):
    """A settlement account that is asked for, or approved and cooling off."""

    change_id = StringField(required=True)
    bank_bin = StringField(required=True)
    account_number = BinaryField(required=True)
    account_index = StringField(required=True)
    account_name = StringField(required=True)
    name_check = StringField(required=True)
    proposed_by = StringField(required=True)
    proposed_at = DateTimeField(required=True)
    approved_by = StringField()
    # Unix ms from which payouts go there; absent until approved.
    in_force_ms = LongField()
    # Whether the merchant was paid out to it before: then it stays this merchant's, whatever becomes of the change.
    held_before = BooleanField()


class MerchantDocument(OutboxMixin, Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "merchants",
        "auto_create_index": False,
        "indexes": [
            ("market_id", "state", "recency"),
            ("owner_id", "recency"),
            # What a team member has brought in.
            "registered_by",
            # The review queue, of a market, of a commune, and of everything.
            ("market_id", "state", "queue"),
            ("ward_code", "state", "queue"),
            ("state", "queue"),
            # Who is alike: absent in a draft.
            {"fields": ["citizen_index"], "sparse": True},
            {"fields": ["phone_index"], "sparse": True},
            {"fields": ["account_index"], "sparse": True},
            {"fields": ["name_birth_index"], "sparse": True},
            # Absent until first approved: a registration that nobody approves blocks nobody's account.
            {"fields": ["accounts_held"], "unique": True, "sparse": True},
            # A stall holds one merchant that is or was payable.
            {"fields": ["stall_held"], "unique": True, "sparse": True},
            {"fields": ["account_change.in_force_ms"], "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    # Keyed hash of the first form, by which a repeated request is told from another one under the same id, and of the
    # latest, by which a draft that is sent again is told from a changed one.
    fingerprint = StringField(required=True)
    form_index = StringField(required=True)
    name = StringField(default="")
    market_id = StringField(default="")
    market_name = StringField(default="")
    province_name = StringField(default="")
    ward_code = StringField(default="")
    stall = StringField(default="")
    owner_id = StringField(default="")
    category_code = StringField(default="")
    enterprise_kind = StringField(default="")
    person = BinaryField(required=True)
    documents = MapField(StringField())
    bank_bin = StringField(default="")
    account_number = BinaryField(required=True)
    account_name = StringField(default="")
    citizen_index = StringField()
    phone_index = StringField()
    account_index = StringField()
    name_birth_index = StringField()
    # Indexes of the settlement accounts that are this merchant's alone, from its approval on and for good: the ledger's
    # directory leads from each of them to it.
    accounts_held = ListField(StringField(), default=None)
    account_change = EmbeddedDocumentField(AccountChange)
    # Market and stall (`stalls.held`) that this merchant alone stands at, from its approval until it is closed.
    stall_held = StringField()
    state = StringField(required=True)
    version = IntField(required=True)
    # Who filled it in or handed it in.
    makers = ListField(StringField())
    registered_at = DateTimeField(required=True)
    registered_by = StringField(required=True)
    # Registration time (ms) and id: pages run from the newest down.
    recency = StringField(required=True)
    submitted_at = DateTimeField()
    # Submission time (ms) and id: the queue runs from the oldest up.
    queue = StringField()
    assigned_to = StringField()
    decided_at = DateTimeField()
    decided_by = StringField()
    reason = StringField()
    findings = EmbeddedDocumentListField(StoredFinding)
    history = EmbeddedDocumentListField(HistoryEntry)


def new_document(form: Form, by: str, state: State, at: datetime) -> MerchantDocument:
    """A merchant's first version, without its history."""
    merchant_id = merchant_id_of(form.request_id)
    index = form_index(form)
    return MerchantDocument(
        id=merchant_id,
        fingerprint=crypto.blind_index("merchants.fingerprint", f"{index}|{by}"),
        state=state.value,
        version=1,
        makers=[by],
        registered_at=at,
        registered_by=by,
        recency=sort_key(at, merchant_id),
        **form_fields(form),
    )


def form_index(form: Form) -> str:
    """Tells two forms apart without holding either."""
    body = asdict(form) | {"documents": dict(form.documents)}
    return crypto.blind_index("merchants.form", json.dumps(body, sort_keys=True))


def form_fields(form: Form) -> dict[str, Any]:
    """A form as it is stored, by field of the document."""
    merchant_id = merchant_id_of(form.request_id)
    person = json.dumps({name: getattr(form, name) for name in PERSONAL}, ensure_ascii=False)
    return {
        **{name: getattr(form, name) for name in PLAIN},
        "form_index": form_index(form),
        "documents": dict(form.documents),
        "person": crypto.encrypt(PERSON_FIELD, person, merchant_id),
        "account_number": crypto.encrypt(ACCOUNT_FIELD, form.account_number),
    }


def blind_indexes(form: Form) -> dict[str, str]:
    """What finds a merchant by what is personal of it. For a form that nothing is missing in."""
    person = f"{names.alike(form.person_name)}|{form.birth_date}"
    return {
        "citizen_index": crypto.blind_index("merchants.citizen", form.citizen_id),
        "phone_index": crypto.phone_index(form.phone),
        "account_index": crypto.account_index(form.bank_bin, form.account_number),
        "name_birth_index": crypto.blind_index("merchants.name_birth", person),
    }


def form_of(document: MerchantDocument) -> Form:
    """The form as it was saved last."""
    return Form(
        request_id=request_id_of(document.id),
        account_number=crypto.decrypt(ACCOUNT_FIELD, document.account_number),
        documents=dict(document.documents),
        **{name: getattr(document, name) for name in PLAIN},
        **person_of(document),
    )


def person_of(document: MerchantDocument) -> dict[str, str]:
    """What is personal, in plain."""
    found: dict[str, str] = json.loads(crypto.decrypt(PERSON_FIELD, document.person, document.id))
    return found


def tax_code_of(document: MerchantDocument) -> str:
    """The tax code in plain: what the form says, or a household's owner's citizen number (kit.identifiers.tax).

    "" where neither is right, as in a draft.
    """
    person = person_of(document)
    code = person.get("tax_code", "")
    if not code and document.enterprise_kind in ("", HOUSEHOLD):
        code = person.get("citizen_id", "")
    return code if code and tax.problem_of(code) is None else ""


def merchant_of(document: MerchantDocument) -> Merchant:
    """As it may be shown."""
    person = person_of(document)
    return Merchant(
        merchant_id=document.id,
        name=document.name,
        market_id=document.market_id,
        market_name=document.market_name,
        province_name=document.province_name,
        stall=document.stall,
        owner_id=document.owner_id,
        category_code=document.category_code,
        bank_bin=document.bank_bin,
        account_masked=crypto.mask(crypto.decrypt(ACCOUNT_FIELD, document.account_number)),
        account_name=document.account_name,
        person_name=person["person_name"],
        phone_masked=crypto.mask(person["phone"], 3),
        citizen_id_masked=crypto.mask(person["citizen_id"], 3),
        state=State(document.state),
        version=document.version,
        registered_at=document.registered_at,
        registered_by=document.registered_by,
        assigned_to=document.assigned_to or "",
        submitted_at=document.submitted_at,
        decided_at=document.decided_at,
        decided_by=document.decided_by or "",
        reason=document.reason or "",
    )


def findings_of(document: MerchantDocument) -> list[Finding]:
    """What was found, settled or not."""
    return [
        Finding(one.code, one.other, one.found_at, one.accepted_by, one.reason, one.accepted_at)
        for one in document.findings
    ]


def stored_findings(findings: list[Finding]) -> list[StoredFinding]:
    """The reverse of `findings_of`."""
    return [StoredFinding(**asdict(finding)) for finding in findings]


def entry(document: MerchantDocument, action: str, actor: str, reason: str = "", **now: Any) -> HistoryEntry:
    """What happens to the merchant now; `state` and `version` as they will be, where they change."""
    return HistoryEntry(
        action=action, actor=actor, reason=reason, at=clock.now(),
        state=now.get("state", document.state), version=now.get("version", document.version),
    )  # fmt: skip


def sort_key(at: datetime, merchant_id: str) -> str:
    """15 digits of ms and the id: sorts by time, and no two are alike."""
    return f"{round(at.timestamp() * 1000):015d}-{merchant_id}"


def request_id_of(merchant_id: str) -> str:
    """The reverse of `merchant_id_of`."""
    digits = merchant_id.removeprefix("mer_")
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
