"""Handing a chunk in at once does what handing its forms in one by one does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import DomainError, Unavailable
from kit.ids import new_id, new_key
from services.onboarding import store
from services.onboarding.bulk import register as bulk
from services.onboarding.form import Form
from services.onboarding.merchant import Action, merchant_id_of
from services.onboarding.places.stall import Stall, StallState
from services.onboarding.store.document import findings_of
from services.onboarding.store.stalls import create_stalls

pytestmark = pytest.mark.usefixtures("database")

BY = new_id("usr")
Another = Callable[[int], Form]
# What no two writes have in common: when, under which nonce and event id.
_OWN = (
    "submitted_at",
    "registered_at",
    "recency",
    "queue",
    "history",
    "outbox",
    "person",
    "account_number",
    "findings",
)


def one_by_one(forms: list[Form]) -> dict[str, DomainError | None]:
    outcome: dict[str, DomainError | None] = {}
    for form in forms:
        try:
            store.register(form, BY)
            outcome[form.request_id] = None
        except DomainError as error:
            outcome[form.request_id] = error
    return outcome


def said(outcome: dict[str, DomainError | None]) -> dict[str, tuple[str, str]]:
    return {
        key: (error.code, error.details.get("problem", "")) if error else ("", "") for key, error in outcome.items()
    }


def stored(forms: list[Form]) -> dict[str, dict[str, Any]]:
    found = {}
    for form in forms:
        document = store.MerchantDocument.objects(id=merchant_id_of(form.request_id)).first()
        if document is not None:
            content = {name: value for name, value in document.to_mongo().items() if name not in _OWN}
            content["findings"] = sorted(one.finding_id for one in findings_of(document))
            content["history"] = [(one.action, one.actor, one.state) for one in document.history]
            content["events"] = [(one.type, one.subject) for one in document.outbox]
            found[document.id] = content
    return found


def test_a_chunk_is_handed_in_as_its_forms_one_by_one_are(registration: Form, another: Another) -> None:
    active = store.register(another(90), BY)
    store.decide(active.merchant_id, Action.APPROVE, new_id("usr"))
    known = store.register(another(91), BY)
    forms = [
        another(1),
        replace(another(2), phone=another(91).phone),
        replace(another(3), account_number=another(91).account_number, bank_bin=another(91).bank_bin),
        replace(another(4), account_number="12345670404"),
        another(91),
        replace(another(5), account_number=another(90).account_number),
        replace(another(6), market_id=new_id("mkt")),
        replace(another(7), citizen_id="1"),
        replace(another(8), request_id=store.draft(known.merchant_id).request_id),
        registration,
    ]
    wanted, content = said(one_by_one(forms)), stored(forms)
    assert {code for code, _ in wanted.values()} == {"", "ALREADY_EXISTS", "NOT_FOUND", "INVALID_ARGUMENT",
                                                     "IDEMPOTENCY_CONFLICT"}  # fmt: skip
    for form in forms:
        store.MerchantDocument.objects(id=merchant_id_of(form.request_id), id__ne=known.merchant_id).delete()
    assert said(bulk.register_all(forms, BY)) == wanted
    assert stored(forms) == content
    # Again, nothing happens.
    assert said(bulk.register_all(forms, BY)) == wanted
    assert stored(forms) == content


def test_a_closed_stall_takes_nobody(registration: Form) -> None:
    create_stalls(registration.market_id, [Stall(registration.market_id, registration.stall, 0, 0)])
    store.StallDocument.objects.update(set__state=StallState.CLOSED.value)
    try:
        refused = {registration.request_id: ("WRONG_STATE", "")}
        assert said(bulk.register_all([registration], BY)) == said(one_by_one([registration])) == refused
    finally:
        store.StallDocument.objects.delete()


def test_what_somebody_else_registers_at_this_very_moment_is_theirs(
    registration: Form, another: Another, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.register(registration, BY)
    theirs = another(2)
    store.register(theirs, new_id("usr"))
    # Neither was there when it was looked.
    monkeypatch.setattr(bulk, "_without_stored", lambda fresh, _: fresh)
    outcome = bulk.register_all([registration, theirs, another(3)], BY)
    assert [error.code if error else "" for error in outcome.values()] == ["", "IDEMPOTENCY_CONFLICT", ""]


def test_a_watch_list_that_cannot_be_read_lets_the_whole_chunk_wait(
    registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise Unavailable("the watch list cannot be read")

    monkeypatch.setattr(bulk, "told_by_others", away)
    with pytest.raises(Unavailable):
        bulk.register_all([registration], BY)
    assert store.MerchantDocument.objects.first() is None


def test_a_chunk_of_nothing_is_nothing(registration: Form) -> None:
    assert bulk.register_all([], BY) == {}
    assert bulk.register_all([replace(registration, request_id=new_key(), phone="")], BY) != {}
