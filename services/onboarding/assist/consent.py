"""Asking a vendor for their consent, and taking it: what the rules, the store and the message do together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from kit import clock, crypto, sms
from kit.errors import ChecklistOpen, ConfirmationNeeded, InvalidArgument, Unavailable, WrongState
from kit.sms import Sender
from services.onboarding import store as merchants
from services.onboarding.assist import confirmation as rules
from services.onboarding.assist import store
from services.onboarding.assist.confirmation import Confirmation
from services.onboarding.form import Form
from services.onboarding.merchant import State
from services.onboarding.store.document import form_index
from services.onboarding.store.markets import market_by_id


@dataclass(frozen=True, slots=True)
class Consent:
    """A draft's consent as it is now: `found` is None where no code was ever sent."""

    merchant_id: str
    form_index: str
    phone_masked: str
    found: Confirmation | None


def consent(merchant_id: str) -> Consent:
    """Raises NotFound."""
    form = merchants.draft(merchant_id)
    return _consent(merchant_id, form, store.confirmation(merchant_id))


def request(merchant_id: str, by: str, send: Sender | None = None) -> Consent:
    """Sends the vendor a code for the draft as it is; within a minute of the last one, for the same form, nothing.

    Raises NotFound, WrongState (no draft any more), ChecklistOpen (something is missing), TooManyAttempts (the phone's
    day is full), Unavailable (the message could not be sent; ask again) and InvalidArgument (nor will it be, to this
    number).
    """
    draft = merchants.merchant(merchant_id)
    if draft.state is not State.DRAFT:
        raise WrongState(f"the merchant is {draft.state.value}: only a draft is confirmed")
    for problem in merchants.checklist(merchant_id):
        raise ChecklistOpen(
            f"{problem.field}: {problem.en}", vi=problem.vi, field=problem.field, problem=problem.code
        )  # fmt: skip
    form, now_ms = merchants.draft(merchant_id), clock.now_ms()
    index, found = form_index(form), store.confirmation(merchant_id)
    if found is not None and found.covers(index):
        return _consent(merchant_id, form, found)
    if found is not None and found.is_open(index, now_ms) and now_ms - found.sent_ms < rules.RESEND_AFTER_MS:
        return _consent(merchant_id, form, found)
    store.count_message(crypto.phone_index(form.phone), now_ms)
    code = rules.new_code(secrets.randbelow)
    kept = store.keep_code(merchant_id, index, code, by, now_ms)
    text = rules.message(code, form.name, market_by_id(form.market_id).name, draft.account_masked)
    try:
        (send or sms.sender())(form.phone, text)
    except Unavailable:
        store.forget_code(kept)
        raise
    except sms.RefusedError:
        store.forget_code(kept)
        raise InvalidArgument(
            "phone: the SMS provider takes no message for it",
            vi="Không gửi được tin nhắn tới số này: hãy kiểm tra lại.",
            field="phone",
        ) from None
    return _consent(merchant_id, form, kept)


def confirm(merchant_id: str, code: str, by: str) -> Consent:
    """Takes the code that the vendor read out.

    Raises NotFound, InvalidArgument, ConfirmationNeeded (none was sent for this very form), ConfirmationWrong, CodeUsed
    (a replay), CodeExpired, TooManyAttempts.
    """
    digits = rules.check_form(code)
    form, now_ms = merchants.draft(merchant_id), clock.now_ms()
    index = form_index(form)
    found = rules.require_open(store.confirmation(merchant_id), index, now_ms)
    counted = store.count_try(found)
    rules.require_right(counted, store.code_hash(merchant_id, index, digits))
    return _consent(merchant_id, form, store.confirm(counted, by, now_ms))


def require(merchant_id: str) -> str:
    """The index of the form that the vendor has confirmed and that is the draft's now; handing in takes that form and
    no other. Raises NotFound, ConfirmationNeeded."""
    known = consent(merchant_id)
    if known.found is None or not known.found.covers(known.form_index):
        raise ConfirmationNeeded(
            "the vendor has not confirmed the draft as it is: send a code (POST /v1/drafts/{id}/confirmation)",
            vi="Chủ sạp chưa xác nhận hồ sơ này: hãy gửi mã tới điện thoại của họ.",
        )
    return known.form_index


def _consent(merchant_id: str, form: Form, found: Confirmation | None) -> Consent:
    return Consent(merchant_id, form_index(form), crypto.mask(form.phone, 3), found)
