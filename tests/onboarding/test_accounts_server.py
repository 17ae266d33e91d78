"""Where a merchant's money goes is changed slowly, by two people with a PIN, through a real gRPC channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import grpc
import pytest
from cho.events.v1 import events_pb2
from cho.onboarding.v1 import accounts_pb2 as pb
from cho.onboarding.v1 import onboarding_pb2

from kit import clock
from kit.errors import AlreadyExists
from kit.ids import new_id, new_key
from services.onboarding import account, store
from services.onboarding.form import Form
from services.onboarding.merchant import Action
from services.onboarding.store import accounts, merchants
from tests.onboarding.calls import Caller

pytestmark = pytest.mark.usefixtures("database")

NEW = onboarding_pb2.SettlementAccount(bank_bin="970436", account_number="0011000222", account_name="PHAM THI NGA")
HOUR_MS = 3_600_000


@pytest.fixture
def merchant_id(registration: Form) -> str:
    return store.ensure_merchant(registration, registered_by=new_id("usr"), approved_by=new_id("usr")).merchant_id


@pytest.fixture
def owner(channel: grpc.Channel, registration: Form) -> Caller:
    return Caller(channel, registration.owner_id, "vendor", pin_at_s=clock.now_ms() // 1000)


@pytest.fixture
def operator(channel: grpc.Channel) -> Caller:
    return Caller(channel, new_id("usr"), "operator", pin_at_s=clock.now_ms() // 1000)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock on, by hours."""

    def by(hours: float) -> None:
        now_ms = clock.now_ms() + round(hours * HOUR_MS)
        monkeypatch.setattr(clock, "now_ms", lambda: now_ms)

    return by


def proposed(owner: Caller, merchant_id: str, new: Any = NEW) -> dict[str, str]:
    change = owner("ProposeAccount", merchant_id=merchant_id, request_id=new_key(), account=new).change
    return {"merchant_id": merchant_id, "change_id": change.change_id}


def paid_to(merchant_id: str) -> str:
    (found,) = store.payout_accounts([merchant_id])
    return found.account_number


def told(merchant_id: str) -> list[str]:
    return [event.type for event in store.MerchantDocument.objects.get(id=merchant_id).outbox][2:]


def test_payouts_go_to_the_old_account_until_the_time_is_over_and_then_to_the_new_one(
    owner: Caller, operator: Caller, merchant_id: str, registration: Form, later: Callable[[float], None]
) -> None:
    change = proposed(owner, merchant_id)
    assert owner("GetAccount", merchant_id=merchant_id).change.state == pb.ACCOUNT_CHANGE_STATE_PROPOSED
    approved = operator("ApproveAccount", **change).change
    assert (approved.state, approved.approved_by, approved.name_check) == (
        pb.ACCOUNT_CHANGE_STATE_COOLING, operator.sub, "SAME",
    )  # fmt: skip
    assert approved.account.account_masked.endswith("0222")
    hours = account.rules().cooling_hours
    assert approved.in_force_at.ToMilliseconds() - clock.now_ms() == pytest.approx(hours * HOUR_MS, abs=60_000)
    later(hours - 0.1)
    assert paid_to(merchant_id) == registration.account_number
    assert store.switch_due() == 0
    later(0.2)
    assert paid_to(merchant_id) == "0011000222"  # by the time, whether the worker has come round or not
    assert store.switch_due() == 1
    assert store.switch_due() == 0
    assert paid_to(merchant_id) == "0011000222"
    shown = owner("GetAccount", merchant_id=merchant_id)
    assert (shown.in_force.account_masked, shown.HasField("change")) == ("******0222", False)
    assert told(merchant_id) == ["merchant.account_proposed", "merchant.account_approved", "merchant.account_switched"]
    switched = events_pb2.MerchantChanged.FromString(store.MerchantDocument.objects.get(id=merchant_id).outbox[-1].data)
    assert (switched.bank_bin, switched.state, switched.version) == ("970436", "active", 5)


def test_the_owner_is_told_of_every_step_and_nothing_told_holds_the_number(
    owner: Caller, operator: Caller, merchant_id: str
) -> None:
    change = proposed(owner, merchant_id)
    operator("ApproveAccount", **change)
    owner("CancelAccount", **change, reason="tôi không đổi tài khoản")
    stored = store.MerchantDocument.objects.get(id=merchant_id)
    facts = [events_pb2.AccountChangeTold.FromString(event.data) for event in stored.outbox[2:]]
    assert told(merchant_id)[-1] == "merchant.account_cancelled"
    assert {fact.owner_id for fact in facts} == {owner.sub}
    assert [fact.in_force_at_ms > 0 for fact in facts] == [False, True, True]
    assert all(b"0011000222" not in event.data for event in stored.outbox)
    assert not owner("GetAccount", merchant_id=merchant_id).HasField("change")


def test_a_cancelled_change_never_comes_into_force_and_frees_the_account(
    owner: Caller, operator: Caller, merchant_id: str, registration: Form, later: Callable[[float], None]
) -> None:
    change = proposed(owner, merchant_id)
    operator("ApproveAccount", **change)
    assert len(store.MerchantDocument.objects.get(id=merchant_id).accounts_held) == 2
    operator("CancelAccount", **change, reason="người bán báo mất điện thoại")
    assert len(store.MerchantDocument.objects.get(id=merchant_id).accounts_held) == 1
    assert operator.refused("ApproveAccount", **change) == "NOT_FOUND"
    later(100)
    assert (store.switch_due(), paid_to(merchant_id)) == (0, registration.account_number)


def test_who_asks_and_gives_up_without_end_does_not_fill_the_merchant(
    owner: Caller, operator: Caller, merchant_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merchants, "HISTORY_MAX", 5)
    operator("CancelAccount", **proposed(owner, merchant_id), reason="đổi ý")
    again = {"merchant_id": merchant_id, "request_id": new_key(), "account": NEW}
    assert owner.refused("ProposeAccount", **again) == "LIMIT_EXCEEDED"
    operator("SuspendMerchant", merchant_id=merchant_id, reason="kiểm tra")


def test_what_is_in_force_is_not_cancelled(
    owner: Caller, operator: Caller, merchant_id: str, later: Callable[[float], None]
) -> None:
    change = proposed(owner, merchant_id)
    operator("ApproveAccount", **change)
    later(100)
    assert owner.refused("CancelAccount", **change, reason="đổi ý rồi") == "WRONG_STATE"


def test_it_takes_a_fresh_pin_of_both_and_a_second_person(
    channel: grpc.Channel, owner: Caller, merchant_id: str, registration: Form
) -> None:
    stale = Caller(channel, owner.sub, "vendor", pin_at_s=clock.now_ms() // 1000 - 301)
    new = {"merchant_id": merchant_id, "request_id": new_key(), "account": NEW}
    assert stale.refused("ProposeAccount", **new) == "STEP_UP_NEEDED"
    stranger = Caller(channel, new_id("usr"), "vendor", pin_at_s=clock.now_ms() // 1000)
    assert stranger.refused("ProposeAccount", **new) == "NOT_FOUND"
    change = proposed(owner, merchant_id)
    no_pin = Caller(channel, new_id("usr"), "operator")
    assert no_pin.refused("ApproveAccount", **change) == "STEP_UP_NEEDED"
    both = Caller(channel, owner.sub, "operator", "vendor", pin_at_s=clock.now_ms() // 1000)
    assert both.refused("ApproveAccount", **change) == "FOUR_EYES"
    makers = store.MerchantDocument.objects.get(id=merchant_id).makers
    maker = Caller(channel, makers[0], "market_manager", pin_at_s=clock.now_ms() // 1000)
    assert maker.refused("ApproveAccount", **change) == "FOUR_EYES"
    assert stranger.refused("CancelAccount", **change, reason="lấy tiền") == "NOT_FOUND"


def test_the_same_proposal_is_one_change_and_only_one_waits(owner: Caller, operator: Caller, merchant_id: str) -> None:
    request_id = new_key()
    new = {"merchant_id": merchant_id, "request_id": request_id, "account": NEW}
    assert owner("ProposeAccount", **new) == owner("ProposeAccount", **new)
    other = onboarding_pb2.SettlementAccount(bank_bin="970436", account_number="0099000999", account_name="X Y")
    assert owner.refused("ProposeAccount", **new | {"account": other}) == "IDEMPOTENCY_CONFLICT"
    another = new | {"request_id": new_key(), "account": other}
    assert owner.refused("ProposeAccount", **another) == "ACCOUNT_CHANGE_OPEN"
    assert owner.refused("ProposeAccount", **new | {"request_id": "x"}) == "INVALID_ARGUMENT"
    assert len(told(merchant_id)) == 1
    change_id = owner("GetAccount", merchant_id=merchant_id).change.change_id
    approve = {"merchant_id": merchant_id, "change_id": change_id}
    assert operator("ApproveAccount", **approve) == operator("ApproveAccount", **approve)


def test_another_merchants_account_and_the_own_one_are_refused(
    owner: Caller, operator: Caller, merchant_id: str, registration: Form, another: Callable[[int], Form]
) -> None:
    rival = store.ensure_merchant(another(1), registered_by=new_id("usr"), approved_by=new_id("usr"))
    taken = onboarding_pb2.SettlementAccount(
        bank_bin=another(1).bank_bin, account_number=another(1).account_number, account_name="A B"
    )
    wanted = {"merchant_id": merchant_id, "request_id": new_key()}
    assert owner.refused("ProposeAccount", **wanted, account=taken) == "ALREADY_EXISTS"
    own = onboarding_pb2.SettlementAccount(
        bank_bin=registration.bank_bin, account_number=registration.account_number, account_name="A B"
    )
    assert owner.refused("ProposeAccount", **wanted, account=own) == "ALREADY_EXISTS"
    # Two merchants ask for one free account; who is approved first has it.
    change = proposed(owner, merchant_id)
    theirs = store.propose_account(
        rival.merchant_id, new_key(), account.Account(bank_bin="970436", number="0011000222", name="A B"), "usr_r"
    )
    operator("ApproveAccount", **change)
    late = {"merchant_id": rival.merchant_id, "change_id": theirs.change_id}
    assert operator.refused("ApproveAccount", **late) == "ALREADY_EXISTS"


@pytest.mark.parametrize("fields", [{"bank_bin": "999999"}, {"account_number": "1"}, {"account_name": "A\u202eB"}])
def test_a_malformed_account_is_refused(owner: Caller, merchant_id: str, fields: dict[str, str]) -> None:
    new = onboarding_pb2.SettlementAccount()
    new.CopyFrom(NEW)
    for name, value in fields.items():
        setattr(new, name, value)
    wanted = {"merchant_id": merchant_id, "request_id": new_key(), "account": new}
    assert owner.refused("ProposeAccount", **wanted) == "INVALID_ARGUMENT"


def test_where_the_bank_says_another_name_the_second_person_says_why(
    owner: Caller, operator: Caller, merchant_id: str
) -> None:
    odd = onboarding_pb2.SettlementAccount(bank_bin="970436", account_number="00110666", account_name="PHAM THI NGA")
    change = proposed(owner, merchant_id, odd)
    assert operator.refused("ApproveAccount", **change) == "INVALID_ARGUMENT"
    assert operator("ApproveAccount", **change, reason="tài khoản hộ kinh doanh").change.name_check == "DIFFERS"


def test_a_merchant_that_is_not_active_yet_has_its_account_in_its_draft(
    channel: grpc.Channel, another: Callable[[int], Form]
) -> None:
    form = another(7)
    waiting = store.register(form, new_id("usr"))
    owner = Caller(channel, form.owner_id, "vendor", pin_at_s=clock.now_ms() // 1000)
    wanted = {"merchant_id": waiting.merchant_id, "request_id": new_key(), "account": NEW}
    assert owner.refused("ProposeAccount", **wanted) == "WRONG_STATE"


def test_a_switch_and_a_suspension_at_once_lose_neither(
    owner: Caller, operator: Caller, merchant_id: str, later: Callable[[float], None]
) -> None:
    change = proposed(owner, merchant_id)
    operator("ApproveAccount", **change)
    later(100)
    stale = store.MerchantDocument.objects.get(id=merchant_id)
    store.decide(merchant_id, Action.SUSPEND, "usr_operator", "khiếu nại")
    assert accounts.switched(stale).account_change is not None
    assert paid_to(merchant_id) == "0011000222"
    assert store.switch_due() == 1
    switched = store.MerchantDocument.objects.get(id=merchant_id)
    assert (switched.state, switched.account_change) == ("suspended", None)
    assert events_pb2.MerchantChanged.FromString(switched.outbox[-1].data).state == "suspended"
    assert merchants.merchant_by_id(merchant_id).account_masked == "******0222"


def test_who_thinks_better_of_going_back_to_an_old_account_does_not_lose_it(
    owner: Caller,
    operator: Caller,
    merchant_id: str,
    registration: Form,
    another: Callable[[int], Form],
    later: Callable[[float], None],
) -> None:
    operator("ApproveAccount", **proposed(owner, merchant_id))
    later(100)
    assert store.switch_due() == 1
    old = onboarding_pb2.SettlementAccount(
        bank_bin=registration.bank_bin, account_number=registration.account_number, account_name="PHAM THI NGA"
    )
    now_s = clock.now_ms() // 1000
    owner, operator = owner.with_pin(now_s), operator.with_pin(now_s)
    back = proposed(owner, merchant_id, old)
    operator("ApproveAccount", **back)
    owner("CancelAccount", **back, reason="giữ tài khoản mới")
    # The ledger's directory leads from it to this merchant for good.
    rival = replace(another(8), bank_bin=registration.bank_bin, account_number=registration.account_number)
    with pytest.raises(AlreadyExists):
        store.ensure_merchant(rival, registered_by=new_id("usr"), approved_by=new_id("usr"))
