"""Many doing the same to one merchant at the same moment: one of them does it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from kit.errors import AlreadyExists, Contention, DomainError, DraftChanged, FindingsOpen, WrongState
from kit.ids import new_id, new_key
from services.onboarding import store
from services.onboarding.account import Account
from services.onboarding.form import Form
from services.onboarding.merchant import Action
from services.onboarding.store import merchants

pytestmark = pytest.mark.usefixtures("database")

MANY = 5
Another = Callable[[int], Form]


def at_once(act: Callable[[int], object]) -> Counter[str]:
    """How many ended how: "done", or the class of the error."""
    together = threading.Barrier(MANY)

    def one(number: int) -> str:
        together.wait(10)
        try:
            act(number)
        except DomainError as error:
            return type(error).__name__
        return "done"

    with ThreadPoolExecutor(MANY) as pool:
        return Counter(pool.map(one, range(MANY)))


def stored(merchant_id: str) -> store.MerchantDocument:
    found: store.MerchantDocument = store.MerchantDocument.objects.get(id=merchant_id)
    return found


def test_the_same_draft_is_one_draft(registration: Form) -> None:
    assert at_once(lambda _: store.save_draft(registration, "usr_a")) == {"done": MANY}
    assert [line.action for line in store.MerchantDocument.objects.get().history] == ["draft"]


def test_of_different_changes_to_one_version_one_is_kept_and_the_others_are_told(registration: Form) -> None:
    merchant_id = store.save_draft(registration, "usr_a").merchant_id
    ended = at_once(lambda n: store.save_draft(replace(registration, stall=f"C-{n + 1}"), f"usr_{n}", 1))
    assert ended == {"done": 1, DraftChanged.__name__: MANY - 1}
    assert stored(merchant_id).version == 2


def test_a_draft_is_handed_in_once_with_one_event(registration: Form) -> None:
    merchant_id = store.save_draft(registration, "usr_a").merchant_id
    ended = at_once(lambda _: store.submit(merchant_id, "usr_a"))
    assert ended["done"] >= 1
    assert set(ended) <= {"done", Contention.__name__}
    assert [event.type for event in stored(merchant_id).outbox] == ["merchant.submitted"]


def test_one_reviewer_has_it_in_hand(registration: Form) -> None:
    merchant_id = store.register(registration, "usr_a").merchant_id
    ended = at_once(lambda n: store.decide(merchant_id, Action.CLAIM, f"usr_r{n}"))
    assert ended == {"done": 1, WrongState.__name__: MANY - 1}
    assert [event.type for event in stored(merchant_id).outbox] == ["merchant.submitted", "merchant.claimed"]


def test_of_many_merchants_with_one_account_one_is_approved(registration: Form, another: Another) -> None:
    account: dict[str, Any] = {"bank_bin": registration.bank_bin, "account_number": registration.account_number}
    forms = [replace(another(number), **account) for number in range(MANY)]
    made = [store.register(form, "usr_a").merchant_id for form in forms]
    for merchant_id in made:
        with pytest.raises(FindingsOpen):
            store.decide(merchant_id, Action.APPROVE, "usr_b")
        for finding in store.findings_for(merchant_id):
            store.accept_finding(merchant_id, finding.finding_id, "usr_b", "hợp tác xã", supervises=False)
    ended = at_once(lambda n: store.decide(made[n], Action.APPROVE, "usr_b"))
    assert ended == {"done": 1, AlreadyExists.__name__: MANY - 1}
    assert Counter(stored(merchant_id).state for merchant_id in made) == {"active": 1, "submitted": MANY - 1}


def test_of_many_changes_to_one_account_one_is_approved_and_holds_it(another: Another) -> None:
    wanted = Account(bank_bin="970436", number="0011000222", name="PHAM THI NGA")
    made = []
    for number in range(MANY):
        merchant = store.ensure_merchant(another(number), registered_by="usr_a", approved_by="usr_b")
        change = store.propose_account(merchant.merchant_id, new_key(), wanted, "usr_o")
        made.append((merchant.merchant_id, change.change_id))
    ended = at_once(lambda n: store.approve_account(*made[n], by="usr_c"))
    assert ended == {"done": 1, AlreadyExists.__name__: MANY - 1}
    held = [merchant_id for merchant_id, _ in made if len(stored(merchant_id).accounts_held) == 2]
    assert len(held) == 1


def test_a_cancel_and_an_approval_at_once_leave_one_outcome(registration: Form) -> None:
    merchant = store.ensure_merchant(registration, registered_by="usr_a", approved_by="usr_b")
    wanted = Account(bank_bin="970436", number="0011000222", name="PHAM THI NGA")
    change_id = store.propose_account(merchant.merchant_id, new_key(), wanted, "usr_o").change_id

    def act(number: int) -> None:
        if number % 2:
            store.cancel_account(merchant.merchant_id, change_id, "usr_o", "không phải tôi")
        else:
            store.approve_account(merchant.merchant_id, change_id, "usr_c")

    at_once(act)
    left = stored(merchant.merchant_id)
    told = [event.type.removeprefix("merchant.account_") for event in left.outbox[2:]]
    assert told in (["proposed", "cancelled"], ["proposed", "approved", "cancelled"])
    assert (left.account_change, len(left.accounts_held)) == (None, 1)


def test_a_switch_is_told_once(registration: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = store.ensure_merchant(registration, registered_by="usr_a", approved_by="usr_b")
    wanted = Account(bank_bin="970436", number="0011000222", name="PHAM THI NGA")
    change_id = store.propose_account(merchant.merchant_id, new_key(), wanted, "usr_o").change_id
    store.approve_account(merchant.merchant_id, change_id, "usr_c")
    store.MerchantDocument.objects(id=merchant.merchant_id).update_one(set__account_change__in_force_ms=1)
    assert at_once(lambda _: store.switch_due()) == {"done": MANY}
    told = [event.type for event in stored(merchant.merchant_id).outbox]
    assert told.count("merchant.account_switched") == 1


def test_a_phone_is_bound_to_one_owner(registration: Form) -> None:
    merchant_id = store.register(replace(registration, owner_id=""), "usr_a").merchant_id
    phone_index = stored(merchant_id).phone_index
    people = [new_id("usr") for _ in range(MANY)]
    at_once(lambda n: store.bind_owner(phone_index, people[n]))
    assert [line.action for line in stored(merchant_id).history].count("bind_owner") == 1
    assert stored(merchant_id).owner_id in people


def test_a_phone_is_bound_though_the_merchant_changes_meanwhile(
    registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant_id = store.register(replace(registration, owner_id=""), "usr_a").merchant_id
    real = merchants.document_of
    read: list[str] = []

    def overtaken(wanted: str) -> store.MerchantDocument:
        document = real(wanted)
        if not read:
            read.append(wanted)
            store.MerchantDocument.objects(id=wanted).update_one(inc__version=1)
        return document

    monkeypatch.setattr(merchants, "document_of", overtaken)
    owner_id = new_id("usr")
    assert store.bind_owner(stored(merchant_id).phone_index, owner_id) == 1
    assert stored(merchant_id).owner_id == owner_id
