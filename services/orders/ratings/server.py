"""gRPC server of ratings: proto in, proto out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from cho.orders.v1 import ratings_pb2 as pb

from kit.errors import InvalidArgument, MerchantNotFound, NotFound, OwnStall
from kit.ids import is_id, key_time_ms, new_id
from kit.rpc.call import Call
from services.orders import store as orders
from services.orders.order import Order
from services.orders.ratings import rating as rules
from services.orders.ratings import store
from services.orders.ratings.counting import Counting
from services.orders.ratings.rating import Asked, Event, Rating, Tally
from services.orders.ratings.store import Subject
from services.orders.store import checkouts

PAGE_MAX, PAGE_USUAL = 50, 20


class RatingServicer:
    """The RPCs of cho.orders.v1.RatingService; roles are enforced before they are called."""

    def __init__(self) -> None:
        self._counting = Counting(store.tally)

    # Its writer

    def RateOrder(self, request: pb.RateOrderRequest, call: Call) -> pb.RateOrderResponse:
        order, key = _bought(request.order_id, call), _key(request.request_id)
        sellers = {order.seller_id, checkouts.owner_of(order.merchant_id)}
        if call.caller.sub in sellers or store.same_person(call.caller.sub, sellers):
            raise OwnStall("nobody rates their own stall")
        first = new_id("rat")

        def rule(found: Rating | None, now: datetime) -> Rating:
            asked = Asked(call.caller.sub, key, now)
            return rules.rate(order, found, request.points, request.comment, asked, first)

        rated = store.rate(order.id, rule)
        self._counting.changed()
        return pb.RateOrderResponse(rating=_whole(rated))

    def WithdrawRating(self, request: pb.WithdrawRatingRequest, call: Call) -> pb.WithdrawRatingResponse:
        found = _of(_bought(request.order_id, call))
        return pb.WithdrawRatingResponse(rating=self._changed(found.id, request.request_id, call, rules.withdraw))

    def GetOrderRating(self, request: pb.GetOrderRatingRequest, call: Call) -> pb.GetOrderRatingResponse:
        order = orders.order(request.order_id)
        if call.caller.sub != checkouts.owner_of(order.merchant_id):
            call.require_owner(order.buyer_id, "operator", "auditor")
        return pb.GetOrderRatingResponse(rating=_whole(_of(order)))

    # Everybody

    def ListMerchantRatings(self, request: pb.ListMerchantRatingsRequest, call: Call) -> pb.ListMerchantRatingsResponse:
        size, name = _size(request.page_size), checkouts.name_of(request.merchant_id)
        if not name:
            raise MerchantNotFound("there is no such merchant")
        subject = Subject("merchant_id", request.merchant_id)
        found = store.page(subject, _before(request.page_token), size + 1)
        return pb.ListMerchantRatingsResponse(
            merchant_name=name, summary=_summary(self._counting.of(subject)), ratings=_public(found[:size]),
            next_page_token=_token(found, size),
        )  # fmt: skip

    def ListProductRatings(self, request: pb.ListProductRatingsRequest, call: Call) -> pb.ListProductRatingsResponse:
        size = _size(request.page_size)
        if not checkouts.products([request.product_id]):
            raise NotFound("there is no such product")
        subject = Subject("product_ids", request.product_id)
        found = store.page(subject, _before(request.page_token), size + 1)
        return pb.ListProductRatingsResponse(
            summary=_summary(self._counting.of(subject)), ratings=_public(found[:size]),
            next_page_token=_token(found, size),
        )  # fmt: skip

    # Its stall, and operators

    def AnswerRating(self, request: pb.AnswerRatingRequest, call: Call) -> pb.AnswerRatingResponse:
        def rule(found: Rating, asked: Asked) -> Rating:
            call.require_owner(checkouts.owner_of(found.merchant_id))
            return rules.answer(found, request.answer, asked)

        return pb.AnswerRatingResponse(rating=self._changed(request.rating_id, request.request_id, call, rule))

    def HideRating(self, request: pb.HideRatingRequest, call: Call) -> pb.HideRatingResponse:
        def rule(found: Rating, asked: Asked) -> Rating:
            return rules.hide(found, request.reason, asked)

        return pb.HideRatingResponse(rating=self._changed(request.rating_id, request.request_id, call, rule))

    def ShowRating(self, request: pb.ShowRatingRequest, call: Call) -> pb.ShowRatingResponse:
        def rule(found: Rating, asked: Asked) -> Rating:
            return rules.show(found, request.reason, asked)

        return pb.ShowRatingResponse(rating=self._changed(request.rating_id, request.request_id, call, rule))

    def ListHiddenRatings(self, request: pb.ListHiddenRatingsRequest, call: Call) -> pb.ListHiddenRatingsResponse:
        size = _size(request.page_size)
        found = store.hidden(_before(request.page_token), size + 1)
        named = store.names(one.buyer_id for one in found)
        return pb.ListHiddenRatingsResponse(
            ratings=[_whole(one, named) for one in found[:size]], next_page_token=_token(found, size)
        )

    # Helpers

    def _changed(
        self, rating_id: str, request_id: str, call: Call, rule: Callable[[Rating, Asked], Rating]
    ) -> pb.Rating:
        key = _key(request_id)
        after = store.change(rating_id, lambda found, now: rule(found, Asked(call.caller.sub, key, now)))
        self._counting.changed()
        return _whole(after)


def _bought(order_id: str, call: Call) -> Order:
    """The caller's own order. Raises NotFound."""
    order = orders.order(order_id)
    call.require_owner(order.buyer_id)
    return order


def _of(order: Order) -> Rating:
    found = store.of_orders([order.id]).get(order.id)
    if found is None:
        raise NotFound("it has no rating")
    return found


def _public(ratings: Sequence[Rating]) -> list[pb.Rating]:
    """Without what leads from a rating to an order or a person."""
    named = store.names(one.buyer_id for one in ratings)
    return [_view(one, named.get(one.buyer_id, "")) for one in ratings]


def _whole(rating: Rating, named: dict[str, str] | None = None) -> pb.Rating:
    named = store.names([rating.buyer_id]) if named is None else named
    view = _view(rating, named.get(rating.buyer_id, ""))
    view.order_id, view.hidden = rating.order_id, rating.hidden
    for one in rating.history:
        told = view.history.add(event=one.event.value, points=one.points, reason=one.reason)
        told.at.FromDatetime(one.at)
    return view


def _view(rating: Rating, name: str) -> pb.Rating:
    view = pb.Rating(
        rating_id=rating.id, merchant_id=rating.merchant_id, points=rating.points, comment=rating.comment,
        writer_name=name, answer=rating.answer,
    )  # fmt: skip
    view.given_at.FromDatetime(rating.history[0].at)
    if changed := rating.last(Event.CHANGED):
        view.changed_at.FromDatetime(changed)
    if rating.answer and (answered := rating.last(Event.ANSWERED)):
        view.answered_at.FromDatetime(answered)
    return view


def _summary(tally: Tally) -> pb.RatingSummary:
    return pb.RatingSummary(count=tally.count, mean_hundredths=tally.mean_hundredths, histogram=tally.counts)


def _size(page_size: int) -> int:
    if not 0 <= page_size <= PAGE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_MAX}, or 0 for {PAGE_USUAL}")
    return page_size or PAGE_USUAL


def _before(page_token: str) -> str:
    if page_token and not is_id(page_token, "rat"):
        raise InvalidArgument("page_token is none of ours")
    return page_token


def _token(found: Sequence[Rating], size: int) -> str:
    return found[size - 1].id if len(found) > size else ""


def _key(request_id: str) -> str:
    if key_time_ms(request_id) is None:
        raise InvalidArgument("request_id must be a UUIDv7")
    return request_id
