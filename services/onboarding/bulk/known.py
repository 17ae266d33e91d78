"""What the store knows of a chunk's rows: one query a question, and not one a row."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from services.onboarding.bulk.job import Remark
from services.onboarding.form import Form
from services.onboarding.merchant import State, merchant_id_of
from services.onboarding.store.document import MerchantDocument, blind_indexes, form_index
from services.onboarding.store.stalls import held

# Of one phone or citizen number that is on many forms, looked at; one is enough to say so.
_ALIKE_MAX = 5_000


def existing(merchant_ids: Collection[str]) -> set[str]:
    """Those of them that are there."""
    return {found.id for found in MerchantDocument.objects(id__in=list(merchant_ids)).only("id")}


def judge(forms: Sequence[Form]) -> dict[str, tuple[str, bool, tuple[Remark, ...]]]:
    """For each form, by request_id: its merchant's id, whether that is there with this very content, and what else is
    to be said."""
    ids = {form.request_id: merchant_id_of(form.request_id) for form in forms}
    stored = {
        found.id: (found.form_index, found.state)
        for found in MerchantDocument.objects(id__in=list(ids.values())).only("id", "form_index", "state")
    }
    indexes = {form.request_id: blind_indexes(form) for form in forms}
    accounts = _taken("accounts_held", [one["account_index"] for one in indexes.values()])
    stalls = _taken("stall_held", [held(form.market_id, form.stall) for form in forms])
    citizens = _taken("citizen_index", [one["citizen_index"] for one in indexes.values()])
    phones = _taken("phone_index", [one["phone_index"] for one in indexes.values()])
    said = {}
    for form in forms:
        merchant_id, index = ids[form.request_id], indexes[form.request_id]
        remarks: list[Remark] = []
        there = False
        if merchant_id in stored:
            content, state = stored[merchant_id]
            if state == State.CLOSED.value:
                remarks.append(Remark("", "CLOSED_SINCE"))
            elif content == form_index(form):
                there = True
            else:
                remarks.append(Remark("", "CHANGED_SINCE"))
        else:
            if index["account_index"] in accounts:
                remarks.append(Remark("account_number", "ACCOUNT_TAKEN"))
            if held(form.market_id, form.stall) in stalls:
                remarks.append(Remark("stall", "STALL_TAKEN"))
            if index["citizen_index"] in citizens or index["phone_index"] in phones:
                remarks.append(Remark("citizen_id", "KNOWN_PERSON"))
        said[form.request_id] = (merchant_id, there, tuple(remarks))
    return said


def _taken(field: str, values: Sequence[str]) -> set[str]:
    """Which of the values some merchant has."""
    found = MerchantDocument.objects(**{f"{field}__in": values}).only(field).limit(_ALIKE_MAX)
    taken: set[str] = set()
    for document in found:
        value = getattr(document, field)
        taken.update([value] if isinstance(value, str) else value)
    return taken
