"""Payments' encrypted fields, for `cho keys rotate`."""

from __future__ import annotations

from kit.reseal import Sealed
from services.payments.store.disbursements import DisbursementPart
from services.payments.store.webhook_documents import WebhookDocument

SEALED = (
    Sealed(DisbursementPart, "content", "disbursements.part"),
    Sealed(WebhookDocument, "secret", "webhooks.secret"),
    Sealed(WebhookDocument, "old_secret", "webhooks.secret"),
)
