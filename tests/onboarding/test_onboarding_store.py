"""Merchants in a real database: once-only registration, one event a change, nothing in plain."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import bson
import pytest
from cho.events.v1 import events_pb2

from kit import crypto
from kit.errors import (
    AlreadyExists,
    Contention,
    DomainError,
    FindingsOpen,
    FourEyes,
    IdempotencyConflict,
    InvalidArgument,
    NotFound,
    Overloaded,
    WrongState,
)
from kit.ids import new_id, new_key
from kit.marketrule import MarketDays, Rule
from kit.outbox import WAITING_MAX
from services.onboarding import seed, store
from services.onboarding.form import Form
from services.onboarding.merchant import Action, State
from services.onboarding.store import merchants
from services.onboarding.store.markets import change_market

pytestmark = pytest.mark.usefixtures("database")

TEAM, MANAGER, OPERATOR = new_id("usr"), new_id("usr"), new_id("usr")
Another = Callable[[int], Form]


def stored(merchant_id: str) -> dict:
    found = store.MerchantDocument._get_collection().find_one({"_id": merchant_id})
    assert found is not None
    return found


def events(merchant_id: str) -> list[tuple[str, events_pb2.MerchantChanged]]:
    """What is told after the submission."""
    kept = [(event["type"], bytes(event["data"])) for event in stored(merchant_id)["outbox"]]
    assert kept[0][0] == "merchant.submitted"
    return [(name, events_pb2.MerchantChanged.FromString(data)) for name, data in kept[1:]]


def active(registration: Form) -> store.Merchant:
    return store.ensure_merchant(registration, registered_by=TEAM, approved_by=MANAGER)


def test_the_same_registration_twice_is_one_merchant(registration: Form) -> None:
    first = store.register(registration, TEAM)
    assert store.register(registration, TEAM) == first
    assert first.state is State.SUBMITTED


def test_a_registration_repeated_after_the_approval_returns_the_merchant_as_it_is_now(
    registration: Form,
) -> None:
    approved = active(registration)
    assert store.register(registration, TEAM) == approved


@pytest.mark.parametrize("change", [{"name": "Rau khác"}, {"stall": "A-13"}, {"account_number": "0000999"}])
def test_a_request_id_used_for_another_body_is_a_conflict(registration: Form, change: dict[str, Any]) -> None:
    store.register(registration, TEAM)
    with pytest.raises(IdempotencyConflict):
        store.register(replace(registration, **change), TEAM)


def test_a_request_id_of_another_person_is_a_conflict(registration: Form) -> None:
    store.register(registration, TEAM)
    with pytest.raises(IdempotencyConflict):
        store.register(registration, MANAGER)


def test_the_same_registration_from_many_threads_is_one_merchant(registration: Form) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: store.register(registration, TEAM), range(16)))
    assert len({merchant.merchant_id for merchant in found}) == 1
    assert len(set(found)) == 1


def test_a_bank_that_nobody_knows_and_a_market_that_does_not_exist_are_refused(
    registration: Form,
) -> None:
    with pytest.raises(InvalidArgument):
        store.register(replace(registration, bank_bin="123456"), TEAM)
    with pytest.raises(NotFound):
        store.register(replace(registration, market_id=new_id("mkt")), TEAM)


def test_who_registered_a_merchant_cannot_approve_it_and_neither_can_its_owner(
    registration: Form,
) -> None:
    merchant = store.register(registration, MANAGER)
    for person in (MANAGER, registration.owner_id):
        with pytest.raises(FourEyes):
            store.decide(merchant.merchant_id, Action.APPROVE, person)
    assert stored(merchant.merchant_id)["state"] == "submitted"
    assert events(merchant.merchant_id) == []


def test_every_change_of_state_leaves_its_event_in_the_same_document(registration: Form) -> None:
    merchant_id = active(registration).merchant_id
    store.decide(merchant_id, Action.SUSPEND, OPERATOR, "bán hàng giả")
    last = store.decide(merchant_id, Action.REINSTATE, OPERATOR, "đã khắc phục")
    assert (last.state, last.version, last.decided_by) == (State.ACTIVE, 4, OPERATOR)
    assert [(name, event.version, event.reason) for name, event in events(merchant_id)] == [
        ("merchant.activated", 2, "đạt yêu cầu"),
        ("merchant.suspended", 3, "bán hàng giả"),
        ("merchant.reinstated", 4, "đã khắc phục"),
    ]


def test_an_event_names_the_account_only_by_its_blind_index(registration: Form) -> None:
    (_, event), *_ = events(active(registration).merchant_id)
    assert event.account_index == crypto.account_index(registration.bank_bin, registration.account_number)
    assert (event.bank_bin, event.owner_id) == (registration.bank_bin, registration.owner_id)
    assert (event.market_name, event.stall, event.category_code) == ("Chợ Hùng Sơn", "A-12", "5411")


def test_approvals_at_the_same_moment_have_one_winner_and_one_event(registration: Form) -> None:
    merchant_id = store.register(registration, TEAM).merchant_id
    together = threading.Barrier(8)

    def approve(_: int) -> type[DomainError] | None:
        together.wait(5)
        try:
            store.decide(merchant_id, Action.APPROVE, new_id("usr"))
        except DomainError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(approve, range(8)))
    assert outcomes.count(None) == 1
    assert set(outcomes) <= {None, WrongState}
    assert [name for name, _ in events(merchant_id)] == ["merchant.activated"]
    assert stored(merchant_id)["version"] == 2


def test_a_decision_on_a_version_that_has_passed_changes_nothing(
    registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant_id = store.register(registration, TEAM).merchant_id
    stale = store.MerchantDocument.objects(id=merchant_id).get()
    store.decide(merchant_id, Action.CLAIM, MANAGER)
    monkeypatch.setattr(merchants, "document_of", lambda _: stale)
    with pytest.raises(Contention):
        store.decide(merchant_id, Action.CLAIM, OPERATOR)
    assert [name for name, _ in events(merchant_id)] == ["merchant.claimed"]


def test_a_settlement_account_belongs_to_one_approved_merchant(registration: Form, another: Another) -> None:
    account: dict[str, Any] = {"bank_bin": registration.bank_bin, "account_number": registration.account_number}
    rival = store.register(replace(another(1), **account), TEAM).merchant_id
    held = store.register(registration, TEAM).merchant_id
    with pytest.raises(FindingsOpen):
        store.decide(held, Action.APPROVE, MANAGER)
    for merchant_id, other in ((held, rival), (rival, held)):
        finding_id = f"SAME_ACCOUNT-{other}"
        with suppress(FindingsOpen):
            store.decide(merchant_id, Action.APPROVE, MANAGER)
        store.accept_finding(merchant_id, finding_id, MANAGER, "vợ chồng chung tài khoản", supervises=False)
    store.decide(held, Action.APPROVE, MANAGER)
    with pytest.raises(AlreadyExists):
        store.register(replace(another(2), **account), TEAM)
    with pytest.raises(AlreadyExists):
        store.decide(rival, Action.APPROVE, MANAGER)
    store.decide(held, Action.SUSPEND, OPERATOR, "bán hàng giả")
    with pytest.raises(AlreadyExists):  # a suspension is not got round by registering again
        store.register(replace(another(3), **account), TEAM)
    assert events(rival) == []


def test_the_account_number_is_nowhere_in_the_stored_document(registration: Form) -> None:
    document = stored(active(registration).merchant_id)
    number = registration.account_number.encode()
    raw = bson.encode(document)
    assert number not in raw
    assert number[-4:] not in raw
    assert base64.b64encode(number) not in raw
    assert crypto.decrypt("merchants.account_number", document["account_number"]) == registration.account_number


def test_pages_hold_every_merchant_once_newest_first(another: Another) -> None:
    made = [store.register(another(number), TEAM).merchant_id for number in range(7)]
    market_id = another(0).market_id
    seen: list[str] = []
    token = ""
    for _ in range(4):
        page = store.merchants_of_market(market_id, State.SUBMITTED, 3, token)
        seen += [merchant.merchant_id for merchant in page.merchants]
        token = page.next_token
        if not token:
            break
    keys = {d.id: d.recency for d in store.MerchantDocument.objects}
    assert seen == sorted(made, key=keys.__getitem__, reverse=True)
    assert store.merchants_of_market(market_id, State.ACTIVE).merchants == []


def test_a_merchant_registered_between_two_pages_moves_nothing(another: Another) -> None:
    made = {store.register(another(number), TEAM).merchant_id for number in range(4)}
    market_id = another(0).market_id
    first = store.merchants_of_market(market_id, State.SUBMITTED, 2)
    store.register(another(5), TEAM)
    second = store.merchants_of_market(market_id, State.SUBMITTED, 2, first.next_token)
    assert {merchant.merchant_id for merchant in first.merchants + second.merchants} == made


@pytest.mark.parametrize("token", ["nonsense", "!!", base64.urlsafe_b64encode(b"a|b|c").decode(), "ngày", "=" * 9])
def test_a_token_that_is_not_ours_is_refused(another: Another, token: str) -> None:
    with pytest.raises(InvalidArgument):
        store.merchants_of_market(another(0).market_id, State.SUBMITTED, 2, token)


def test_a_token_of_another_list_is_refused(another: Another) -> None:
    for number in range(2):
        store.register(another(number), TEAM)
    market_id = another(0).market_id
    token = store.merchants_of_market(market_id, State.SUBMITTED, 1).next_token
    assert store.merchants_of_market(market_id, State.SUBMITTED, 1, token).merchants
    with pytest.raises(InvalidArgument):
        store.merchants_of_market(market_id, State.ACTIVE, 1, token)
    with pytest.raises(InvalidArgument):
        store.merchants_of_market(new_id("mkt"), State.SUBMITTED, 1, token)


@pytest.mark.parametrize("size", [-1, 101])
def test_a_page_has_at_most_a_hundred(another: Another, size: int) -> None:
    with pytest.raises(InvalidArgument):
        store.merchants_of_market(another(0).market_id, State.SUBMITTED, size)


def test_seeding_twice_makes_everything_once_with_the_events_of_ordinary_use() -> None:
    owners = {merchant.key: new_id("usr") for merchant in seed.merchants()}

    def run() -> list[store.Merchant]:
        for market in seed.markets():
            store.ensure_market(market)
        return [active(one.form(owners[one.key], f"0914{number:06}")) for number, one in enumerate(seed.merchants())]

    first, second = run(), run()
    assert first == second
    assert {market.market_id for market in store.markets()} == {market.market_id for market in seed.markets()}
    for merchant in first:
        assert merchant.state is State.ACTIVE
        assert [name for name, _ in events(merchant.merchant_id)] == ["merchant.activated"]


def test_seeding_again_leaves_a_suspended_merchant_suspended(registration: Form) -> None:
    merchant = active(registration)
    store.decide(merchant.merchant_id, Action.SUSPEND, OPERATOR, "bán hàng giả")
    assert active(registration).state is State.SUSPENDED


def test_a_market_is_written_as_given_and_a_malformed_one_is_refused() -> None:
    market = replace(seed.markets()[1], name="Chợ La Bằng mới")
    store.ensure_market(market)
    assert market in store.markets()
    changes: list[dict[str, Any]] = [{"market_id": "x"}, {"ward_code": "5488"}, {"ward_name": " "}]
    for change in changes:
        with pytest.raises(InvalidArgument):
            store.ensure_market(replace(market, **change))


def test_a_seeded_market_is_told_with_its_days_and_told_again_by_seeding_again_in_bounds() -> None:
    held = MarketDays(Rule.EVERY_DAYS, 5, date(2026, 11, 29))
    market = replace(seed.markets()[1], market_id=new_id("mkt"), days=held)

    def told() -> list[tuple[str, events_pb2.MarketChanged]]:
        document = store.MarketDocument.objects(id=market.market_id).get()
        return [(one.type, events_pb2.MarketChanged.FromString(one.data)) for one in document.outbox]

    store.ensure_market(market)
    store.ensure_market(market)
    assert [name for name, _ in told()] == ["market.created", "market.changed"]
    fact = told()[1][1]
    assert (fact.version, fact.day_rule, fact.every_days, fact.anchor) == (1, "every_days", 5, "2026-11-29")
    assert 21 < fact.latitude < 22.5
    assert 105 < fact.longitude < 106.5
    change_market(market.market_id, lambda found: replace(found, days=MarketDays(Rule.LUNAR, days=(2, 7))))
    store.ensure_market(market)
    name, fact = told()[-1]
    assert (name, fact.version, fact.day_rule, list(fact.days)) == ("market.changed", 2, "lunar", [2, 7])
    for _ in range(WAITING_MAX):
        store.ensure_market(market)
    assert len(told()) == WAITING_MAX


def test_nothing_shown_of_a_merchant_holds_the_account_number(registration: Form) -> None:
    merchant = active(replace(registration, request_id=new_key()))
    assert registration.account_number not in str(asdict(merchant))
    assert merchant.account_masked == "*" * 9 + registration.account_number[-4:]


def test_a_merchant_whose_events_nobody_publishes_stops_changing_in_the_end(
    registration: Form,
) -> None:
    merchant_id = active(registration).merchant_id
    turns = (Action.SUSPEND, Action.REINSTATE) * WAITING_MAX
    for action in turns[: WAITING_MAX - 2]:
        store.decide(merchant_id, action, OPERATOR, "thử")
    with pytest.raises(Overloaded):
        store.decide(merchant_id, turns[WAITING_MAX - 2], OPERATOR, "thử")
    assert len(events(merchant_id)) == WAITING_MAX - 1
