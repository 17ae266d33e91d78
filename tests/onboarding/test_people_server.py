"""Enterprises, and growers who let a stall sell for them, through a real gRPC channel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.onboarding.v1 import people_pb2 as pb

from kit import clock
from kit.ids import new_id, new_key
from services.onboarding import store
from services.onboarding.form import Form
from tests.onboarding.calls import Caller

pytestmark = pytest.mark.usefixtures("database")

TODAY = clock.now().astimezone(clock.VIETNAM).date()


def day(later: int) -> str:
    return (TODAY + timedelta(days=later)).isoformat()


@pytest.fixture
def team(channel: grpc.Channel) -> Caller:
    return Caller(channel, new_id("usr"), "team")


@pytest.fixture
def grower(channel: grpc.Channel) -> Caller:
    return Caller(channel, new_id("usr"), "vendor")


@pytest.fixture
def seller(channel: grpc.Channel, registration: Form) -> Caller:
    return Caller(channel, registration.owner_id, "vendor")


def enterprise(representative_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "request_id": new_key(), "kind": pb.ENTERPRISE_KIND_COOPERATIVE, "name": "HTX Chè La Bằng",
        "tax_code": "0100109106", "representative_id": representative_id, "grows": True, "sells": False,
        "ward_code": "05488",
    } | changes  # fmt: skip


def relation(team: Caller, grower: Caller, registration: Form, **changes: Any) -> dict[str, Any]:
    stall = store.ensure_merchant(registration, registered_by=new_id("usr"), approved_by=new_id("usr"))
    made = team("RegisterEnterprise", **enterprise(grower.sub)).enterprise
    return {
        "request_id": new_key(), "grower_id": made.enterprise_id, "merchant_id": stall.merchant_id, "from_day": day(0),
    } | changes  # fmt: skip


def test_an_enterprise_is_registered_once_and_seen_by_who_speaks_for_it(
    channel: grpc.Channel, team: Caller, grower: Caller
) -> None:
    wanted = enterprise(grower.sub)
    made = team("RegisterEnterprise", **wanted).enterprise
    assert team("RegisterEnterprise", **wanted).enterprise == made
    assert (made.tax_code, made.version, made.registered_by) == ("0100109106", 1, team.sub)
    assert team.refused("RegisterEnterprise", **wanted | {"name": "HTX khác"}) == "IDEMPOTENCY_CONFLICT"
    assert team.refused("RegisterEnterprise", **enterprise(grower.sub)) == "ALREADY_EXISTS"  # the tax code
    assert list(grower("ListMyEnterprises").enterprises) == [made]
    assert grower("GetEnterprise", enterprise_id=made.enterprise_id).enterprise == made
    stranger = Caller(channel, new_id("usr"), "vendor")
    assert stranger.refused("GetEnterprise", enterprise_id=made.enterprise_id) == "NOT_FOUND"
    (event,) = store.EnterpriseDocument.objects.get(id=made.enterprise_id).outbox
    assert (event.type, b"0100109106" in event.data) == ("enterprise.registered", False)


def test_a_households_tax_code_is_a_persons_number_and_stays_masked(team: Caller, grower: Caller) -> None:
    household = {"kind": pb.ENTERPRISE_KIND_HOUSEHOLD, "tax_code": "019180001234"}
    made = team("RegisterEnterprise", **enterprise(grower.sub, **household)).enterprise
    assert made.tax_code == "*********234"
    raw = str(store.EnterpriseDocument._get_collection().find_one({"_id": made.enterprise_id}))
    assert "019180001234" not in raw
    without = {"kind": pb.ENTERPRISE_KIND_HOUSEHOLD, "tax_code": ""}
    for _ in range(2):
        assert team("RegisterEnterprise", **enterprise(grower.sub, **without)).enterprise.tax_code == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"request_id": "x"},
        {"kind": 0},
        {"kind": 9},
        {"name": ""},
        {"name": "HTX\u202e"},
        {"tax_code": ""},
        {"tax_code": "0106869739"},
        {"tax_code": "019180001234"},
        {"representative_id": "Bà Nga"},
        {"grows": False, "sells": False},
        {"ward_code": "xã"},
    ],
)
def test_an_enterprise_that_cannot_be_is_refused(team: Caller, grower: Caller, changes: dict[str, Any]) -> None:
    assert team.refused("RegisterEnterprise", **enterprise(grower.sub) | changes) == "INVALID_ARGUMENT"


def test_a_grower_lets_a_stall_sell_for_it_until_either_ends_it(
    channel: grpc.Channel, team: Caller, grower: Caller, seller: Caller, registration: Form
) -> None:
    wanted = relation(team, grower, registration)
    made = grower("StartRelation", **wanted).relation
    assert grower("StartRelation", **wanted).relation == made
    assert grower.refused("StartRelation", **wanted | {"from_day": day(1)}) == "IDEMPOTENCY_CONFLICT"
    assert grower.refused("StartRelation", **wanted | {"request_id": new_key()}) == "ALREADY_EXISTS"
    for caller, where in ((seller, "merchant_id"), (grower, "grower_id"), (team, "merchant_id")):
        assert list(caller("ListRelations", **{where: wanted[where]}).relations) == [made]
    stranger = Caller(channel, new_id("usr"), "vendor")
    ending = {"relation_id": made.relation_id, "reason": "hết mùa chè"}
    assert stranger.refused("EndRelation", **ending) == "NOT_FOUND"
    assert stranger.refused("ListRelations", merchant_id=wanted["merchant_id"]) == "NOT_FOUND"
    assert seller.refused("EndRelation", relation_id=made.relation_id) == "INVALID_ARGUMENT"
    ended = seller("EndRelation", **ending).relation
    assert (ended.to_day, ended.ended_by, ended.reason, ended.version) == (day(0), seller.sub, "hết mùa chè", 2)
    stored = store.RelationDocument.objects.get(id=made.relation_id)
    assert [event.type for event in stored.outbox] == ["relation.started", "relation.ended"]


def test_the_same_two_agree_again_for_another_time(
    team: Caller, grower: Caller, seller: Caller, registration: Form
) -> None:
    wanted = relation(team, grower, registration, to_day=day(30))
    grower("StartRelation", **wanted)
    again = wanted | {"request_id": new_key(), "from_day": day(30), "to_day": ""}
    assert grower.refused("StartRelation", **again) == "ALREADY_EXISTS"
    next_one = grower("StartRelation", **again | {"from_day": day(31)}).relation
    newest, *_ = seller("ListRelations", merchant_id=wanted["merchant_id"]).relations
    assert newest == next_one
    assert seller("EndRelation", relation_id=next_one.relation_id, reason="đổi ý").relation.to_day == day(31)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"request_id": "x"}, "INVALID_ARGUMENT"),
        ({"from_day": "hôm nay"}, "INVALID_ARGUMENT"),
        ({"from_day": day(367)}, "INVALID_ARGUMENT"),
        ({"to_day": day(-1)}, "INVALID_ARGUMENT"),
        ({"to_day": day(4_000)}, "INVALID_ARGUMENT"),
        ({"merchant_id": new_id("mer")}, "NOT_FOUND"),
        ({"grower_id": new_id("ent")}, "NOT_FOUND"),
    ],
)
def test_a_relation_that_makes_no_sense_is_refused(
    team: Caller, grower: Caller, registration: Form, changes: dict[str, str], code: str
) -> None:
    assert grower.refused("StartRelation", **relation(team, grower, registration, **changes)) == code


def test_what_was_agreed_is_not_stretched_nor_ended_in_the_past_nor_twice(
    team: Caller, grower: Caller, seller: Caller, registration: Form
) -> None:
    made = grower("StartRelation", **relation(team, grower, registration, to_day=day(30))).relation
    ending: Callable[[str], dict[str, str]] = lambda to: {  # noqa: E731
        "relation_id": made.relation_id, "to_day": to, "reason": "thử",
    }  # fmt: skip
    for to_day in (day(-1), day(31), "mai"):
        assert seller.refused("EndRelation", **ending(to_day)) == "INVALID_ARGUMENT"
    assert seller("EndRelation", **ending(day(3))).relation.to_day == day(3)
    assert grower("EndRelation", **ending(day(2))).relation.to_day == day(2)
    store.RelationDocument.objects(id=made.relation_id).update_one(set__to_day=day(-1))
    assert seller.refused("EndRelation", **ending("")) == "WRONG_STATE"


def test_who_does_not_grow_lets_nobody_sell(team: Caller, grower: Caller, registration: Form) -> None:
    wanted = relation(team, grower, registration)
    shop = enterprise(grower.sub, tax_code="0100112437", grows=False, sells=True)
    shop_id = team("RegisterEnterprise", **shop).enterprise.enterprise_id
    assert grower.refused("StartRelation", **wanted | {"grower_id": shop_id}) == "INVALID_ARGUMENT"
    assert grower.refused("ListRelations") == "INVALID_ARGUMENT"
