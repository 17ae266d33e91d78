"""Places, market days, sections and stalls through a real gRPC channel."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any

import grpc
import pytest
from cho.events.v1 import events_pb2
from cho.onboarding.v1 import places_pb2 as pb

from kit.errors import AlreadyExists, WrongState
from kit.ids import new_id, new_key
from services.onboarding import seed, store
from services.onboarding.form import Form
from services.onboarding.merchant import Action
from services.onboarding.store import stalls
from services.onboarding.store.markets import MarketDocument
from services.onboarding.store.stalls import StallDocument
from tests.onboarding.calls import Caller, active

pytestmark = pytest.mark.usefixtures("database", "_no_stalls")

MARKET = seed.markets()[0].market_id
A = {"code": "A", "name": "Rau củ quả"}


@pytest.fixture
def _no_stalls(database: None) -> None:
    StallDocument.objects.delete()


@pytest.fixture
def anybody(channel: grpc.Channel) -> Caller:
    return Caller(channel)


def stall(number: str, x: int = 100, y: int = 200) -> pb.StallPlan:
    return pb.StallPlan(number=number, position=pb.Position(x_cm=x, y_cm=y))


@pytest.fixture
def planned(manager: Caller) -> Caller:
    """The manager of a market with section A and stalls A-1, A-2 and A-10."""
    manager("PutSection", market_id=MARKET, section=A)
    manager("CreateStalls", market_id=MARKET, stalls=[stall("A-10"), stall("A-2"), stall("A-1")])
    return manager


def told(document: Any) -> list[str]:
    return [event.type for event in document.outbox]


# Places --------------------------------------------------------------------------------------------------------


def test_anybody_finds_a_place_by_what_it_was_called_before(anybody: Caller) -> None:
    (found, *_) = anybody("SearchPlaces", query="thi tran Hung Son", province_code="19").places
    assert (found.kind, found.name) == (pb.PLACE_KIND_FORMER_COMMUNE, "Thị trấn Hùng Sơn")
    (now,) = found.now
    ward = anybody("GetWard", ward_code=now.code)
    assert (ward.ward.name, ward.ward.province_name) == ("Xã Đại Phúc", "Thái Nguyên")
    assert found.name in {place.name for place in ward.formed_from}


def test_provinces_and_their_wards_are_listed(anybody: Caller) -> None:
    provinces = anybody("ListProvinces").provinces
    assert len(provinces) == 34
    assert len(anybody("ListWards", province_code="19").wards) == 92
    assert anybody.refused("ListWards", province_code="02") == "NOT_FOUND"
    assert anybody.refused("GetWard", ward_code="05761") == "NOT_FOUND"
    assert anybody.refused("SearchPlaces", query="x") == "INVALID_ARGUMENT"


# Markets -------------------------------------------------------------------------------------------------------


def test_a_market_is_added_once_and_told_of(operator: Caller, anybody: Caller) -> None:
    request = {"request_id": new_key(), "name": " Chợ  phiên Võ Nhai ", "ward_code": "05488"}
    made = operator("CreateMarket", **request).market
    assert (made.name, made.ward_name, made.province_name, made.version) == (
        "Chợ phiên Võ Nhai", "Xã Đại Phúc", "Thái Nguyên", 1,
    )  # fmt: skip
    assert operator("CreateMarket", **request).market == made
    assert operator.refused("CreateMarket", **{**request, "name": "Chợ khác"}) == "IDEMPOTENCY_CONFLICT"
    assert told(MarketDocument.objects(id=made.market_id).get()) == ["market.created"]
    assert anybody("GetMarket", market_id=made.market_id).market == made
    assert made.market_id in {market.market_id for market in anybody("ListMarkets").markets}


@pytest.mark.parametrize(
    "change", [{"request_id": "x"}, {"name": ""}, {"name": "x" * 101}, {"name": "Chợ\u202e"}, {"ward_code": "05761"}]
)
def test_a_market_that_makes_no_sense_is_refused(operator: Caller, change: dict[str, str]) -> None:
    request = {"request_id": new_key(), "name": "Chợ", "ward_code": "05488"} | change
    assert operator.refused("CreateMarket", **request) in ("INVALID_ARGUMENT", "NOT_FOUND")


def test_a_managers_market_days_are_listed_and_outlast_seeding(manager: Caller, anybody: Caller) -> None:
    assert anybody("GetMarket", market_id=MARKET).market.market_days.rule == pb.MARKET_DAY_RULE_UNKNOWN
    assert not anybody("ListMarketDays", market_id=MARKET).dates
    held = pb.MarketDays(rule=pb.MARKET_DAY_RULE_LUNAR, days=[7, 2, 2])
    changed = manager("ChangeMarket", market_id=MARKET, market_days=held, version=1).market
    assert (list(changed.market_days.days), changed.version) == ([2, 7], 2)
    dates = anybody("ListMarketDays", market_id=MARKET, **{"from": "2026-02-17"}, limit=3).dates
    assert [(day.date, day.lunar_day, day.lunar_month) for day in dates] == [
        ("2026-02-18", 2, 1), ("2026-02-23", 7, 1), ("2026-03-20", 2, 2),
    ]  # fmt: skip
    assert "Tết Nguyên đán" in dates[0].occasions
    store.ensure_market(seed.markets()[0])
    assert list(anybody("GetMarket", market_id=MARKET).market.market_days.days) == [2, 7]


def test_two_who_change_a_market_at_once_are_told_apart(manager: Caller) -> None:
    daily = pb.MarketDays(rule=pb.MARKET_DAY_RULE_DAILY)
    manager("ChangeMarket", market_id=MARKET, market_days=daily, version=1)
    assert manager.refused("ChangeMarket", market_id=MARKET, name="Chợ mới", version=1) == "CONTENTION"
    assert manager.refused("ChangeMarket", market_id=MARKET, name="Chợ mới") == "INVALID_ARGUMENT"
    market = manager("ChangeMarket", market_id=MARKET, name="Chợ mới", version=2).market
    assert (market.name, market.market_days.rule) == ("Chợ mới", pb.MARKET_DAY_RULE_DAILY)


@pytest.mark.parametrize(
    "held",
    [
        {"rule": 0},
        {"rule": 9},
        {"rule": 3, "every_days": 5, "anchor": "hôm qua"},
        {"rule": 3},
        {"rule": 4, "days": [31]},
    ],
)
def test_market_days_that_say_nothing_are_refused(manager: Caller, held: dict[str, Any]) -> None:
    code = manager.refused("ChangeMarket", market_id=MARKET, market_days=pb.MarketDays(**held), version=1)
    assert code == "INVALID_ARGUMENT"


def test_days_are_asked_for_within_limits(anybody: Caller) -> None:
    for fields in ({"from": "29/11/2026"}, {"limit": 61}, {"from": "1900-01-01"}, {"limit": -1}):
        assert anybody.refused("ListMarketDays", market_id=MARKET, **fields) == "INVALID_ARGUMENT"
    assert anybody.refused("ListMarketDays", market_id=new_id("mkt")) == "NOT_FOUND"


def test_a_closed_market_takes_no_change_and_no_merchant(operator: Caller, planned: Caller, registration: Form) -> None:
    closed = operator("CloseMarket", market_id=MARKET, reason="chuyển sang chợ mới").market
    assert (closed.closed, closed.reason) == (True, "chuyển sang chợ mới")
    assert operator("CloseMarket", market_id=MARKET, reason="lần nữa").market == closed
    assert planned.refused("CreateStalls", market_id=MARKET, stalls=[stall("A-3")]) == "WRONG_STATE"
    assert planned.refused("PutSection", market_id=MARKET, section=A) == "WRONG_STATE"
    assert planned.refused("ChangeMarket", market_id=MARKET, name="x", version=closed.version) == "WRONG_STATE"
    assert not planned("ListMarketDays", market_id=MARKET).dates
    with pytest.raises(WrongState):
        store.register(registration, new_id("usr"))
    assert told(MarketDocument.objects(id=MARKET).get())[-1] == "market.closed"


# Sections and stalls -------------------------------------------------------------------------------------------


def test_stalls_are_listed_by_number_and_in_pages(planned: Caller) -> None:
    first = planned("ListStalls", market_id=MARKET, page_size=2)
    assert [one.number for one in first.stalls] == ["A-1", "A-2"]
    last = planned("ListStalls", market_id=MARKET, page_size=2, page_token=first.next_page_token)
    assert ([one.number for one in last.stalls], last.next_page_token) == (["A-10"], "")
    assert planned.refused("ListStalls", market_id=MARKET, page_size=201) == "INVALID_ARGUMENT"
    assert planned.refused("ListStalls", market_id=MARKET, page_token="trang 2") == "INVALID_ARGUMENT"


def test_the_same_stalls_again_are_the_same_and_another_place_is_refused(planned: Caller) -> None:
    again = planned("CreateStalls", market_id=MARKET, stalls=[stall("A-1")]).stalls
    assert [(one.number, one.version) for one in again] == [("A-1", 1)]
    assert planned.refused("CreateStalls", market_id=MARKET, stalls=[stall("A-1", x=5)]) == "ALREADY_EXISTS"
    assert planned.refused("CreateStalls", market_id=MARKET, stalls=[stall("A-01")]) == "ALREADY_EXISTS"
    assert told(StallDocument.objects(market_id=MARKET, number="A-1").get()) == ["stall.created"]


@pytest.mark.parametrize(
    "wanted",
    [[], [stall("góc")], [stall("B-1")], [stall("A-5", x=-1)], [stall("A-5", y=100_001)], [stall("A-5")] * 101],
)
def test_stalls_that_make_no_sense_are_refused(planned: Caller, wanted: list[pb.StallPlan]) -> None:
    assert planned.refused("CreateStalls", market_id=MARKET, stalls=wanted) == "INVALID_ARGUMENT"
    assert len(planned("ListStalls", market_id=MARKET).stalls) == 3


def test_a_market_has_so_many_stalls_and_no_more(planned: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stalls, "STALLS_MAX", 4)
    assert planned.refused("CreateStalls", market_id=MARKET, stalls=[stall("A-3"), stall("A-4")]) == "OVERLOADED"
    # The same list again, of which some were added before it broke off: what is there is not counted twice.
    last = [stall("A-3")]
    planned("CreateStalls", market_id=MARKET, stalls=last)
    assert planned("CreateStalls", market_id=MARKET, stalls=last).stalls[0].number == "A-3"


def test_a_stall_is_moved_renamed_and_closed_with_events(planned: Caller) -> None:
    at = {"market_id": MARKET, "number": "A-2"}
    moved = planned("ChangeStall", **at, position={"x_cm": 7, "y_cm": 8}, version=1).stall
    assert (moved.position.x_cm, moved.position.y_cm, moved.version) == (7, 8, 2)
    assert planned.refused("ChangeStall", **at, new_number="A-1", version=2) == "ALREADY_EXISTS"
    assert planned.refused("ChangeStall", **at, new_number="A-3", version=1) == "CONTENTION"
    renamed = planned("ChangeStall", **at, new_number="A-3", version=2).stall
    assert (renamed.number, renamed.position) == ("A-3", moved.position)
    assert planned.refused("GetStall", **at) == "NOT_FOUND"
    assert planned.refused("CloseStall", market_id=MARKET, number="A-3") == "INVALID_ARGUMENT"
    closed = planned("CloseStall", market_id=MARKET, number="A-3", reason="lối thoát hiểm").stall
    assert (closed.state, closed.reason) == (pb.STALL_STATE_CLOSED, "lối thoát hiểm")
    assert planned("CloseStall", market_id=MARKET, number="A-3", reason="lại").stall == closed
    assert planned.refused("ChangeStall", market_id=MARKET, number="A-3", new_number="A-4", version=4) == "WRONG_STATE"
    document = StallDocument.objects(market_id=MARKET, number="A-3").get()
    assert told(document) == ["stall.created", "stall.changed", "stall.changed", "stall.closed"]
    assert events_pb2.StallChanged.FromString(document.outbox[-1].data).closed


def test_a_section_is_renamed_and_closed_once_its_stalls_are(planned: Caller) -> None:
    put = planned("PutSection", market_id=MARKET, section={**A, "name": "Rau sạch"}).market
    assert [(one.code, one.name) for one in put.sections] == [("A", "Rau sạch")]
    shut = {**A, "closed": True}
    assert planned.refused("PutSection", market_id=MARKET, section=shut) == "WRONG_STATE"
    for number in ("A-1", "A-2", "A-10"):
        planned("CloseStall", market_id=MARKET, number=number, reason="sửa chợ")
    assert planned("PutSection", market_id=MARKET, section=shut).market.sections[0].closed
    assert planned.refused("CreateStalls", market_id=MARKET, stalls=[stall("A-4")]) == "INVALID_ARGUMENT"
    for bad in ({"code": "a", "name": "x"}, {"code": "ABCD", "name": "x"}, {"code": "B", "name": ""}):
        assert planned.refused("PutSection", market_id=MARKET, section=bad) == "INVALID_ARGUMENT"


def test_a_stall_holds_one_merchant_and_its_holder_is_named(
    planned: Caller, registration: Form, another: Callable[[int], Form]
) -> None:
    holder = active(replace(registration, stall="A-01"))
    found = planned("GetStall", market_id=MARKET, number="A-1")
    assert (found.merchant_id, found.merchant_name) == (holder, registration.name)
    with pytest.raises(AlreadyExists, match="A-1"):
        active(replace(another(1), stall="A-1"))
    assert planned.refused("CloseStall", market_id=MARKET, number="A-1", reason="x") == "WRONG_STATE"
    assert planned.refused("ChangeStall", market_id=MARKET, number="A-1", new_number="A-7", version=1) == "WRONG_STATE"
    manager = new_id("usr")
    store.decide(holder, Action.SUSPEND, manager, "nghỉ bán")
    with pytest.raises(AlreadyExists):
        active(replace(another(2), stall="A-1"))
    store.decide(holder, Action.CLOSE, manager, "nghỉ hẳn")
    assert planned("GetStall", market_id=MARKET, number="A-1").merchant_id == ""
    assert active(replace(another(3), stall="A-1")) == planned("GetStall", market_id=MARKET, number="A-1").merchant_id


def test_nobody_is_registered_at_a_closed_stall(planned: Caller, registration: Form) -> None:
    planned("CloseStall", market_id=MARKET, number="A-2", reason="hỏng mái")
    with pytest.raises(WrongState):
        store.register(replace(registration, stall="A-2"), new_id("usr"))


def test_of_many_who_add_one_stall_at_once_all_find_it(planned: Caller) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: planned("CreateStalls", market_id=MARKET, stalls=[stall("A-9")]), range(8)))
    assert {reply.stalls[0].number for reply in made} == {"A-9"}
    assert len(list(StallDocument.objects(market_id=MARKET, number="A-9"))) == 1


def test_dates_are_days_in_vietnam(manager: Caller, anybody: Caller) -> None:
    daily = pb.MarketDays(rule=pb.MARKET_DAY_RULE_DAILY)
    manager("ChangeMarket", market_id=MARKET, market_days=daily, version=1)
    dates = [date.fromisoformat(day.date) for day in anybody("ListMarketDays", market_id=MARKET).dates]
    assert len(dates) == 10
    assert (dates[-1] - dates[0]).days == 9
