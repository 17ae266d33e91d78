"""What onboarding tells of a merchant's tax code: an index and a sealed value, never the code."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import crypto
from kit.ids import new_id
from services.onboarding import store
from services.onboarding.form import Form
from services.onboarding.store.document import MerchantDocument, tax_code_of

pytestmark = pytest.mark.usefixtures("database")


def told(form: Form) -> tuple[Any, events_pb2.MerchantChanged]:
    merchant = store.ensure_merchant(form, registered_by=new_id("usr"), approved_by=new_id("usr"))
    document = MerchantDocument.objects(id=merchant.merchant_id).get()
    return document, events_pb2.MerchantChanged.FromString(bytes(document.outbox[-1].data))


def test_a_household_without_a_tax_code_is_told_by_its_owners_citizen_number(registration: Form) -> None:
    document, fact = told(replace(registration, tax_code="", enterprise_kind=""))
    assert crypto.open_tax(fact.tax_sealed, document.id) == registration.citizen_id
    assert fact.tax_index == crypto.tax_index(registration.citizen_id)
    assert registration.citizen_id.encode() not in fact.SerializeToString()


def test_an_enterprise_is_told_by_its_own_tax_code(registration: Form) -> None:
    document, _ = told(registration)
    person = store.document.person_of(document) | {"tax_code": "0100109106"}
    document.person = crypto.encrypt(store.document.PERSON_FIELD, _json(person), document.id)
    document.enterprise_kind = "company"
    assert tax_code_of(document) == "0100109106"


@pytest.mark.parametrize(("kind", "citizen"), [("company", "019185000001"), ("household", "12")])
def test_what_is_no_tax_code_of_its_own_is_not_told(registration: Form, kind: str, citizen: str) -> None:
    document, _ = told(registration)
    person = store.document.person_of(document) | {"tax_code": "", "citizen_id": citizen}
    document.person = crypto.encrypt(store.document.PERSON_FIELD, _json(person), document.id)
    document.enterprise_kind = kind
    fact = store.merchants.fact(document, 9, "")
    assert (fact.tax_index, fact.tax_sealed, fact.enterprise_kind) == ("", b"", kind)


def _json(person: dict[str, str]) -> str:
    return json.dumps(person, ensure_ascii=False)
