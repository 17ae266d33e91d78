"""Ratings through a real gRPC channel, on a real store: given, raced for, answered, hidden, counted, forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.events.v1.events_pb2 import UserChanged, UserErased
from cho.orders.v1 import orders_pb2, orders_pb2_grpc, ratings_pb2_grpc
from cho.orders.v1 import ratings_pb2 as pb

from kit.ids import new_id, new_key
from kit.rpc.caching import NOT_MODIFIED
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from kit.streams import clients
from services.orders import server
from services.orders.cart import Basket, Item
from services.orders.live.room import LiveRoom
from services.orders.order import Order
from services.orders.ratings import store
from services.orders.ratings.counting import KEPT_TIMES, Counting
from services.orders.ratings.documents import OrdersRating
from services.orders.ratings.rating import RATE_WITHIN, Tally
from services.orders.ratings.store import Subject
from services.orders.recalls.clerk import Clerk
from tests.orders.conftest import Market, Merchant
from tests.orders.test_orders_server import Caller, caller
from tests.orders.world import ShelfLots

ANN = new_id("usr")
BUYER, OPERATOR = caller(ANN, "shopper"), caller(new_id("usr"), "operator")
AUDITOR, STRANGER = caller(new_id("usr"), "auditor"), caller(new_id("usr"), "shopper", "vendor")


@pytest.fixture
def channel(market: Market) -> Iterator[Any]:
    room = LiveRoom(clients.streams, market.shelf)
    clerk = Clerk(ShelfLots(market.shelf), market.carrier, room.pool)
    running = Server("127.0.0.1:0", server.servicers(market.carrier, room, clerk))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield channel
    running.stop()


@pytest.fixture
def stub(channel: Any) -> Any:
    return ratings_pb2_grpc.RatingServiceStub(channel)


@pytest.fixture
def orders_stub(channel: Any) -> Any:
    return orders_pb2_grpc.OrdersServiceStub(channel)


Sold = Callable[..., Order]


@pytest.fixture
def sold(market: Market, merchant: Merchant, orders_stub: Any) -> Sold:
    """An order of one stall that is paid, and fetched unless `fetched` is False."""
    tea = market.product(merchant)

    def sell(buyer: str = ANN, fetched: bool = True, product: str = "") -> Order:
        basket = Basket(merchant.merchant_id, (Item(product or tea, 1),))
        (order,) = market.buy(basket, buyer=buyer)
        market.purse.pay(order.total, order.code)
        order = market.settle(order)
        for to in (orders_pb2.ORDER_STATE_READY, orders_pb2.ORDER_STATE_PICKED_UP) if fetched else ():
            request = orders_pb2.AdvanceOrderRequest(order_id=order.id, to=to)
            orders_stub.AdvanceOrder(request, metadata=vendor(merchant))
        return order

    return sell


def vendor(merchant: Merchant) -> Caller:
    return caller(merchant.owner_id, "vendor")


def rating(order: Order, points: int = 5, comment: str = "", key: str = "") -> pb.RateOrderRequest:
    return pb.RateOrderRequest(order_id=order.id, request_id=key or new_key(), points=points, comment=comment)


def rate(stub: Any, order: Order, points: int = 5, comment: str = "", who: Caller = BUYER) -> pb.Rating:
    return stub.RateOrder(rating(order, points, comment), metadata=who).rating  # type: ignore[no-any-return]


def refused(code: str, rpc: Any, request: Any, who: Caller = BUYER) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=who)
    assert error_code(raised.value) == code


def of(stub: Any, merchant: Merchant, **fields: Any) -> pb.ListMerchantRatingsResponse:
    return stub.ListMerchantRatings(  # type: ignore[no-any-return]
        pb.ListMerchantRatingsRequest(merchant_id=merchant.merchant_id, **fields)
    )


def test_a_buyer_rates_what_is_paid_and_fetched_and_everybody_reads_it(
    stub: Any, sold: Sold, merchant: Merchant
) -> None:
    store.apply_person(UserChanged(user_id=ANN, display_name="Nguyễn T** L**", version=1))
    order = sold()
    given = rate(stub, order, 4, "Chè thơm")
    assert (given.order_id, given.points, given.hidden) == (order.id, 4, False)
    seen = of(stub, merchant)
    assert seen.merchant_name == merchant.name
    assert (seen.summary.count, seen.summary.mean_hundredths) == (1, 400)
    assert list(seen.summary.histogram) == [0, 0, 0, 1, 0]
    [one] = seen.ratings
    assert (one.rating_id, one.points, one.comment) == (given.rating_id, 4, "Chè thơm")
    assert one.writer_name == "Nguyễn T** L**"
    assert (one.order_id, list(one.history)) == ("", []), "nothing leads from it to the order"
    assert ANN not in str(seen)
    product = pb.ListProductRatingsRequest(product_id=order.lines[0].product_id)
    assert list(stub.ListProductRatings(product).ratings) == list(seen.ratings)


def test_an_order_says_to_its_buyer_alone_whether_it_may_be_rated(
    orders_stub: Any, stub: Any, sold: Sold, merchant: Merchant
) -> None:
    paid, fetched = sold(fetched=False), sold()

    def shown(who: Caller, order: Order) -> tuple[bool, int]:
        one = orders_stub.GetOrder(orders_pb2.GetOrderRequest(order_id=order.id), metadata=who).order
        return one.ratable, one.rated_points

    assert (shown(BUYER, paid), shown(BUYER, fetched)) == ((False, 0), (True, 0))
    assert shown(vendor(merchant), fetched) == (False, 0)
    rate(stub, fetched, 3)
    assert (shown(BUYER, fetched), shown(vendor(merchant), fetched)) == ((False, 3), (False, 0))
    mine = orders_stub.ListMyOrders(orders_pb2.ListMyOrdersRequest(), metadata=BUYER).orders
    assert {one.order_id: one.rated_points for one in mine} == {paid.id: 0, fetched.id: 3}
    stub.WithdrawRating(pb.WithdrawRatingRequest(order_id=fetched.id, request_id=new_key()), metadata=BUYER)
    assert shown(BUYER, fetched) == (True, 0)


def test_what_is_not_paid_not_fetched_called_off_or_somebody_elses_is_not_rated(
    market: Market, stub: Any, orders_stub: Any, sold: Sold, merchant: Merchant
) -> None:
    unpaid = market.order(buyer=ANN)
    refused("NOT_RATABLE", stub.RateOrder, rating(unpaid))
    refused("NOT_RATABLE", stub.RateOrder, rating(sold(fetched=False)))
    orders_stub.CancelOrder(orders_pb2.CancelOrderRequest(order_id=unpaid.id, reason="thôi"), metadata=BUYER)
    refused("NOT_RATABLE", stub.RateOrder, rating(unpaid))
    order = sold()
    for who in (STRANGER, vendor(merchant)):
        refused("NOT_FOUND", stub.RateOrder, rating(order), who)
    refused("NOT_FOUND", stub.RateOrder, pb.RateOrderRequest(order_id="ord_x", request_id=new_key(), points=5))
    refused("INVALID_ARGUMENT", stub.RateOrder, rating(order, points=6))
    refused("INVALID_ARGUMENT", stub.RateOrder, rating(order, key="k"))
    refused("INVALID_ARGUMENT", stub.RateOrder, rating(order, comment="gọi 0912.345.678"))
    market.clock.add(RATE_WITHIN + timedelta(seconds=1))
    refused("NOT_RATABLE", stub.RateOrder, rating(order))
    assert of(stub, merchant).summary.count == 0


def test_an_owner_does_not_rate_the_own_stall_by_whichever_account(stub: Any, sold: Sold, merchant: Merchant) -> None:
    own, second = sold(buyer=merchant.owner_id), sold()
    refused("OWN_STALL", stub.RateOrder, rating(own), vendor(merchant))
    for user in (merchant.owner_id, ANN):
        store.apply_person(UserChanged(user_id=user, display_name="H***", person_id="prs_1", version=3))
    refused("OWN_STALL", stub.RateOrder, rating(second))
    store.apply_person(UserChanged(user_id=ANN, display_name="A**", person_id="prs_2", version=4))
    rate(stub, second)


def test_of_two_who_rate_an_order_at_once_one_gives_it_and_the_other_changes_it(
    stub: Any, sold: Sold, merchant: Merchant
) -> None:
    order, same = sold(), new_key()
    requests = [rating(order, 1 + i % 5, key=new_key()) for i in range(4)] + [rating(order, 5, key=same)] * 4
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = list(pool.map(lambda one: stub.RateOrder(one, metadata=BUYER).rating, requests))
    assert len({one.rating_id for one in answers}) == 1
    assert OrdersRating.objects(order_id=order.id).count() == 1
    found = stub.GetOrderRating(pb.GetOrderRatingRequest(order_id=order.id), metadata=BUYER).rating
    events = [one.event for one in found.history]
    assert (events.count("given"), events[0]) == (1, "given")
    assert len(events) <= 5, "the same request four times is one"
    seen = of(stub, merchant)
    assert (seen.summary.count, seen.ratings[0].points) == (1, found.points)
    refused("IDEMPOTENCY_CONFLICT", stub.RateOrder, rating(order, 2, key=requests[0].request_id))


def test_a_stall_answers_its_own_ratings_and_says_its_answer_anew(stub: Any, sold: Sold, merchant: Merchant) -> None:
    given = rate(stub, sold(), 2, "Hơi vụn")
    for words in ("Xin lỗi chị", "Đã gửi bù chị một gói"):
        request = pb.AnswerRatingRequest(rating_id=given.rating_id, request_id=new_key(), answer=words)
        refused("NOT_FOUND", stub.AnswerRating, request, STRANGER)
        stub.AnswerRating(request, metadata=vendor(merchant))
    [seen] = of(stub, merchant).ratings
    assert (seen.answer, seen.HasField("answered_at")) == ("Đã gửi bù chị một gói", True)
    unknown = pb.AnswerRatingRequest(rating_id=new_id("rat"), request_id=new_key(), answer="Cảm ơn")
    refused("NOT_FOUND", stub.AnswerRating, unknown, vendor(merchant))


def test_what_an_operator_hides_is_read_and_counted_by_nobody_until_it_is_shown_again(
    stub: Any, sold: Sold, merchant: Merchant
) -> None:
    order = sold()
    given = rate(stub, order, 1, "Nói bậy")
    hide = pb.HideRatingRequest(rating_id=given.rating_id, request_id=new_key(), reason="chửi bới")
    refused("PERMISSION_DENIED", stub.HideRating, hide, vendor(merchant))
    assert stub.HideRating(hide, metadata=OPERATOR) == stub.HideRating(hide, metadata=OPERATOR)
    gone = of(stub, merchant)
    assert (gone.summary.count, list(gone.ratings)) == (0, [])
    [listed] = stub.ListHiddenRatings(pb.ListHiddenRatingsRequest(), metadata=AUDITOR).ratings
    assert (listed.rating_id, listed.history[-1].reason) == (given.rating_id, "chửi bới")
    own = stub.GetOrderRating(pb.GetOrderRatingRequest(order_id=order.id), metadata=BUYER).rating
    assert (own.hidden, own.history[-1].reason) == (True, "chửi bới")
    show = pb.ShowRatingRequest(rating_id=given.rating_id, request_id=new_key(), reason="nhầm")
    stub.ShowRating(show, metadata=OPERATOR)
    assert of(stub, merchant).summary.count == 1
    assert not stub.ListHiddenRatings(pb.ListHiddenRatingsRequest(), metadata=OPERATOR).ratings


def test_who_may_not_see_an_orders_rating_cannot_tell_that_there_is_one(
    stub: Any, sold: Sold, merchant: Merchant
) -> None:
    order = sold()
    request = pb.GetOrderRatingRequest(order_id=order.id)
    refused("NOT_FOUND", stub.GetOrderRating, request)
    rate(stub, order)
    refused("NOT_FOUND", stub.GetOrderRating, request, STRANGER)
    for who in (BUYER, vendor(merchant), OPERATOR, AUDITOR):
        assert stub.GetOrderRating(request, metadata=who).rating.order_id == order.id


def test_pages_are_newest_first_and_what_comes_meanwhile_moves_nothing(
    stub: Any, sold: Sold, merchant: Merchant
) -> None:
    given = [rate(stub, sold(), 1 + i, f"lần {i}").rating_id for i in range(5)]
    first = of(stub, merchant, page_size=2)
    assert [one.rating_id for one in first.ratings] == given[:2:-1]
    later = rate(stub, sold(), 5).rating_id
    second = of(stub, merchant, page_size=2, page_token=first.next_page_token)
    third = of(stub, merchant, page_size=2, page_token=second.next_page_token)
    assert [one.rating_id for page in (second, third) for one in page.ratings] == given[2::-1]
    assert third.next_page_token == ""
    assert of(stub, merchant).ratings[0].rating_id == later
    for wrong in ({"page_size": 51}, {"page_size": -1}, {"page_token": "x"}):
        request = pb.ListMerchantRatingsRequest(merchant_id=merchant.merchant_id, **wrong)
        refused("INVALID_ARGUMENT", stub.ListMerchantRatings, request, ())
    refused("MERCHANT_NOT_FOUND", stub.ListMerchantRatings, pb.ListMerchantRatingsRequest(merchant_id="mer_x"), ())
    refused("NOT_FOUND", stub.ListProductRatings, pb.ListProductRatingsRequest(product_id="prd_x"), ())


def test_old_ratings_are_found_however_long_nobody_rated(
    stub: Any, sold: Sold, merchant: Merchant, market: Market
) -> None:
    given = rate(stub, sold())
    market.clock.add(timedelta(days=4_000))
    assert [one.rating_id for one in of(stub, merchant).ratings] == [given.rating_id]


def test_who_has_the_page_hears_so_until_something_is_said(stub: Any, sold: Sold, merchant: Merchant) -> None:
    request = pb.ListMerchantRatingsRequest(merchant_id=merchant.merchant_id)
    order = sold()

    def asked(tag: str = "") -> dict[str, str]:
        _, call = stub.ListMerchantRatings.with_call(request, metadata=(("if-none-match", tag),) if tag else ())
        return dict(call.initial_metadata())

    tag = asked()["etag"]
    assert NOT_MODIFIED in asked(tag)
    rate(stub, order)
    assert NOT_MODIFIED not in asked(tag)


def test_of_who_is_erased_the_points_stay_and_name_and_words_are_gone(
    stub: Any, sold: Sold, merchant: Merchant
) -> None:
    store.apply_person(UserChanged(user_id=ANN, display_name="Nguyễn T** L**", version=2))
    rate(stub, sold(), 4, "Tôi là Lan ở Đồng Quang")
    for _ in range(2):
        store.forget(UserErased(user_id=ANN, version=3))
    store.apply_person(UserChanged(user_id=ANN, display_name="Nguyễn T** L**", version=2))
    seen = of(stub, merchant)
    [one] = seen.ratings
    assert (one.points, one.comment, one.writer_name, seen.summary.count) == (4, "", "", 1)


def test_what_is_counted_is_kept_for_as_long_as_counting_it_cost_and_never_beyond_a_change() -> None:
    time, counted = [0.0], []

    def count(subject: Subject) -> Tally:
        counted.append(subject)
        time[0] += 0.2
        return Tally((0, 0, 0, 0, len(counted)))

    counting, stall = Counting(count, lambda: time[0]), Subject("merchant_id", "mer_1")
    assert [counting.of(stall).count for _ in range(3)] == [1, 1, 1]
    time[0] += KEPT_TIMES * 0.2
    assert counting.of(stall).count == 2
    counting.changed()
    assert [counting.of(stall).count for _ in range(2)] == [3, 3]
    assert counting.of(Subject("product_ids", "prd_1")).count == 4
