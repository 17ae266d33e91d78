"""A person is told everything that onboarding holds of them, and forgotten where nothing has to be kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from kit import clock, crypto
from kit.config import settings
from kit.errors import NotFound
from kit.ids import new_id
from services.onboarding import store
from services.onboarding.assist import store as assist
from services.onboarding.form import Form
from services.onboarding.merchant import merchant_id_of
from services.onboarding.store import privacy
from services.onboarding.store.documents import DocumentRecord
from tests.onboarding.calls import Caller
from tests.onboarding.test_documents import picture

pytestmark = pytest.mark.usefixtures("database", "_nothing_beside")


@pytest.fixture
def _nothing_beside(database: None) -> None:
    for document in (DocumentRecord, assist.ConfirmationDocument, assist.ClaimDocument):
        document.objects.delete()


def test_a_vendor_is_told_everything_that_is_held_of_them_after_a_pin(
    channel: grpc.Channel, registration: Form, another: Callable[[int], Form]
) -> None:
    store.ensure_merchant(registration, registered_by=new_id("usr"), approved_by=new_id("usr"))
    store.register(another(1), new_id("usr"))
    stale = Caller(channel, registration.owner_id, "vendor")
    assert stale.refused("ExportMyBusiness") == "STEP_UP_NEEDED"
    owner = Caller(channel, registration.owner_id, "vendor", pin_at_s=clock.now_ms() // 1000)
    told = json.loads(owner("ExportMyBusiness").data)
    (merchant,) = told["merchants"]
    assert (merchant["citizen_id"], merchant["account_number"]) == (
        registration.citizen_id,
        registration.account_number,
    )
    assert [line["action"] for line in merchant["history"]] == ["draft", "submit", "approve"]
    assert another(1).citizen_id not in json.dumps(told)


def test_who_only_applied_is_forgotten_and_who_sold_is_kept(
    registration: Form, another: Callable[[int], Form], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "home", tmp_path)
    sold = store.ensure_merchant(registration, registered_by=new_id("usr"), approved_by=new_id("usr"))
    phone_index = crypto.phone_index(registration.phone)
    form = another(1)
    applied = store.register(form, new_id("usr"))
    kept = store.keep_document(applied.merchant_id, "stall", picture(), "usr_1")
    # Somebody who has that phone now is somebody else.
    assert store.forget_person(new_id("usr"), crypto.phone_index(form.phone)) == 0
    owner_id = applied.owner_id
    assert store.forget_person(owner_id, "") == 1
    assert store.forget_person(owner_id, "") == 0
    document = store.MerchantDocument.objects.get(id=applied.merchant_id)
    assert (document.state, document.citizen_index, document.history[-1].action) == ("closed", None, "erase")
    left = store.draft(applied.merchant_id)
    assert {left.phone, left.citizen_id, left.account_number, left.person_name, left.account_name} == {""}
    with pytest.raises(NotFound):
        store.read_document(applied.merchant_id, "stall", kept.sha256)
    assert store.forget_person(registration.owner_id, phone_index) == 0
    assert store.draft(sold.merchant_id).citizen_id == registration.citizen_id


def test_who_applied_without_an_account_is_forgotten_by_the_phone(another: Callable[[int], Form]) -> None:
    nameless = store.MerchantDocument.objects.get(id=store.register(another(2), "usr_t").merchant_id)
    nameless.update(set__owner_id="")
    assert store.forget_person(new_id("usr"), nameless.phone_index) == 1
    assert store.draft(nameless.id).phone == ""


def test_whatever_was_kept_beside_an_application_goes_with_it_though_the_process_dies_in_between(
    another: Callable[[int], Form], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "home", tmp_path)
    forms = {"with an account": another(1), "without one": another(2)}
    for form in forms.values():
        applied = store.register(form, "usr_t")
        store.keep_document(applied.merchant_id, "stall", picture(), "usr_t")
        assist.keep_code(applied.merchant_id, "index", "123456", "usr_t", clock.now_ms())
        assist.claim(form.market_id, form.citizen_id, applied.merchant_id, "usr_t", clock.now_ms())
    nameless = store.MerchantDocument.objects.get(id=merchant_id_of(forms["without one"].request_id))
    nameless.update(set__owner_id="")
    beside: tuple[Any, ...] = (DocumentRecord, assist.ConfirmationDocument, assist.ClaimDocument)

    def dies(merchant_id: str) -> None:
        raise KeyboardInterrupt

    for form in forms.values():
        person = form.owner_id if form is forms["with an account"] else new_id("usr")
        with monkeypatch.context() as patch:
            patch.setattr(privacy, "_forget_belongings", dies)
            with pytest.raises(KeyboardInterrupt):
                store.forget_person(person, crypto.phone_index(form.phone))
        store.forget_person(person, crypto.phone_index(form.phone))  # the event comes again
    assert [len(document.objects) for document in beside] == [0, 0, 0]
    stored = store.MerchantDocument.objects.get(id=nameless.id)
    assert {stored.citizen_index, stored.phone_index, stored.account_index, stored.name_birth_index} == {None}
