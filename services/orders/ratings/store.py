"""Ratings in MongoDB: found, changed one at a time, counted; and the masked names of who wrote them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cho.events.v1 import events_pb2
from mongoengine.errors import NotUniqueError, SaveConditionError

from kit import clock
from kit.errors import Contention, NotFound
from kit.ids import id_time
from services.orders.ratings.documents import OrdersPerson, OrdersRating, put_rating, to_rating
from services.orders.ratings.rating import POINTS, Rating, Tally
from services.orders.store.orders import look_backs

ATTEMPTS_MAX = 8
# Below and above every id of a rating.
_FIRST, _LAST = "rat_", "rat_~"

Rule = Callable[[Rating | None, datetime], Rating]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose ratings: a stall's ("merchant_id"), those of orders with a product ("product_ids")."""

    field: str
    id: str


def rate(order_id: str, rule: Rule) -> Rating:
    """What `rule` makes of an order's rating, None where there is none; stored. What it raises, where it refuses.

    Raises Contention.
    """
    return _changed({"order_id": order_id}, rule)


def change(rating_id: str, rule: Callable[[Rating, datetime], Rating]) -> Rating:
    """What `rule` makes of a rating, stored. Raises NotFound, Contention."""

    def known(found: Rating | None, now: datetime) -> Rating:
        if found is None:
            raise NotFound("there is no such rating")
        return rule(found, now)

    return _changed({"id": rating_id}, known)


def of_orders(order_ids: Iterable[str]) -> dict[str, Rating]:
    """Ratings of these orders, by order."""
    return {one.order_id: to_rating(one) for one in OrdersRating.objects(order_id__in=list(order_ids))}


def page(subject: Subject, before: str, most: int) -> list[Rating]:
    """What everybody may read of it, newest first, given before the rating `before` ("": all), at most `most`."""
    return _newest({subject.field: subject.id, "public": True}, before, most)


def hidden(before: str, most: int) -> list[Rating]:
    """Those that are hidden, as `page`."""
    return _newest({"hidden": True}, before, most)


def tally(subject: Subject) -> Tally:
    """Counted from the ratings themselves: what is kept beside them can drift."""
    asked: list[dict[str, Any]] = [
        {"$match": {subject.field: subject.id, "public": True}},
        {"$group": {"_id": "$points", "many": {"$sum": 1}}},
    ]
    found = {one["_id"]: one["many"] for one in OrdersRating._get_collection().aggregate(asked)}
    one, two, three, four, five = (found.get(points, 0) for points in POINTS)
    return Tally((one, two, three, four, five))


# People -------------------------------------------------------------------------------------------------


def apply_person(changed: events_pb2.UserChanged) -> None:
    """Remembers user.created or .changed, unless as much or more is known already."""
    _put_person(changed.user_id, changed.version, changed.display_name, changed.person_id)


def forget(erased: events_pb2.UserErased) -> None:
    """An erased person's points still count; their words and their name are gone, however late older events come."""
    _put_person(erased.user_id, erased.version, "", "")
    OrdersRating.objects(buyer_id=erased.user_id).update(set__comment="", inc__version=1)


def names(user_ids: Iterable[str]) -> dict[str, str]:
    """Masked names of those that are known."""
    return {one.id: one.name for one in OrdersPerson.objects(id__in=list(set(user_ids)))}


def same_person(user_id: str, others: Iterable[str]) -> bool:
    """Whether one of these accounts is the same citizen's, as far as cards were seen."""
    found = {one.id: one.person_id for one in OrdersPerson.objects(id__in=[user_id, *others])}
    mine = found.pop(user_id, "")
    return bool(mine) and mine in found.values()


# Helpers ------------------------------------------------------------------------------------------------


def _changed(key: dict[str, str], rule: Rule) -> Rating:
    for _ in range(ATTEMPTS_MAX):
        document = OrdersRating.objects(**key).first()
        before = to_rating(document) if document is not None else None
        after = rule(before, clock.now())
        if after == before:
            return after
        try:
            if before is None:
                document = OrdersRating(id=after.id)
                put_rating(document, after)
                document.save(force_insert=True)
            else:
                put_rating(document, after)
                document.save(save_condition={"version": before.version})
        except (NotUniqueError, SaveConditionError):  # somebody else was faster: look at what they made of it
            continue
        return after
    raise Contention("the rating keeps changing")


def _newest(query: dict[str, Any], before: str, most: int) -> list[Rating]:
    found: list[Rating] = []
    below = before or _LAST
    for earlier in look_backs(id_time(before) or clock.now()):
        above = f"{_FIRST}{int(earlier.timestamp() * 1000):012x}"
        ratings = OrdersRating.objects(**query, id__gte=above, id__lt=below).order_by("-id").limit(most - len(found))
        found += [to_rating(one) for one in ratings]
        if len(found) >= most:
            break
        below = above
    return found


def _put_person(user_id: str, version: int, name: str, person_id: str) -> None:
    try:
        OrdersPerson.objects(id=user_id, version__lt=version).update_one(
            upsert=True, set__version=version, set__name=name, set__person_id=person_id
        )
    except NotUniqueError:
        return  # the filter found nothing to change, because a version at least as new is there
