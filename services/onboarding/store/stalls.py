"""Stalls in MongoDB: one document a stall, found by market and number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from cho.events.v1 import events_pb2
from mongoengine import Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit.errors import AlreadyExists, Contention, InvalidArgument, NotFound, Overloaded
from kit.ids import new_id
from kit.outbox import OutboxMixin
from services.onboarding.places import stall as rules
from services.onboarding.places.stall import Stall, StallState
from services.onboarding.store.document import MerchantDocument

# Of one market: the country's largest have some thousands.
STALLS_MAX = 5_000
STALLS_AT_ONCE_MAX = 100
PAGE_SIZE_MAX = 200
PAGE_SIZE_USUAL = 100
# Every order key lies between these.
_BEFORE_ALL, _AFTER_ALL = "A", "["


class StallDocument(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "stalls",
        "auto_create_index": False,
        "indexes": [{"fields": ["market_id", "order"], "unique": True}],
    }

    id = StringField(primary_key=True)
    market_id = StringField(required=True)
    number = StringField(required=True)
    # See `rules.order_of`: A-2 stands before are one stall.
    order = StringField(required=True)
    x_cm = IntField(required=True)
    y_cm = IntField(required=True)
    state = StringField(required=True)
    reason = StringField(default="")
    version = IntField(required=True)


@dataclass(frozen=True, slots=True)
class StallPage:
    stalls: list[Stall]
    next_token: str


def create_stalls(market_id: str, stalls: Sequence[Stall], traceparent: str = "") -> list[Stall]:
    """Adds stalls, each with its event; one that is there already with the same place stays as it is.

    Raises InvalidArgument, Overloaded (STALLS_MAX) and AlreadyExists (another place, or closed). What was added before
    the one that is refused stays added: send the same list again.
    """
    if not 1 <= len(stalls) <= STALLS_AT_ONCE_MAX:
        raise InvalidArgument(f"1 to {STALLS_AT_ONCE_MAX} stalls at once")
    for stall in stalls:
        rules.checked(stall)
    known = {rules.order_of(number) for number, _ in numbers(market_id)}
    if len(known.union(rules.order_of(stall.number) for stall in stalls)) > STALLS_MAX:
        raise Overloaded(f"a market has {STALLS_MAX} stalls at most")
    return [_create(stall, traceparent) for stall in stalls]


def _create(stall: Stall, traceparent: str) -> Stall:
    stored = _find(stall.market_id, stall.number)
    if stored is None:
        document = _document_of(stall)
        document.add_event("stall.created", document.id, _fact(document), traceparent)
        try:
            document.save()
        except NotUniqueError:  # twice at once
            stored = _find(stall.market_id, stall.number)
            assert stored is not None, "stalls are never removed"
        else:
            return stall
    found = _stall(stored)
    if (found.number, found.x_cm, found.y_cm, found.state) != (stall.number, stall.x_cm, stall.y_cm, StallState.OPEN):
        raise AlreadyExists(f"there is a stall {found.number} already, at another place or closed: change that one")
    return found


def change_stall(
    market_id: str, number: str, change: Callable[[Stall], Stall], *, version: int = 0, traceparent: str = ""
) -> Stall:
    """What `change` makes of a stall, with its event; the stall itself where it makes nothing new of it.

    `version` is the one that the caller read, 0 for whatever is stored. Raises NotFound, AlreadyExists (the new number
    is another stall's), Contention, Overloaded and what `change` raises.
    """
    document = _find(market_id, number)
    if document is None:
        raise NotFound(f"there is no stall {number} in this market's plan")
    stored = _stall(document)
    if version not in (0, stored.version):
        raise Contention(f"the stall is at version {stored.version} now: read it again")
    changed = rules.checked(change(stored))
    if changed == stored:
        return stored
    new = _document_of(replace(changed, version=stored.version + 1))
    for name in ("number", "order", "x_cm", "y_cm", "state", "reason", "version"):
        document[name] = new[name]
    event = "stall.closed" if changed.state is StallState.CLOSED else "stall.changed"
    document.add_event(event, document.id, _fact(document), traceparent)
    try:
        document.save(save_condition={"version": stored.version})
    except NotUniqueError:
        raise AlreadyExists(f"there is a stall {changed.number} already") from None
    return _stall(document)


def stall(market_id: str, number: str) -> Stall | None:
    """None where it is not in the market's plan; a market need not have one. Raises InvalidArgument."""
    document = _find(market_id, number)
    return _stall(document) if document is not None else None


def is_closed(market_id: str, number: str) -> bool:
    """Whether the plan says that the stall is closed; a market need not have a plan. Raises InvalidArgument."""
    found = stall(market_id, number)
    return found is not None and found.state is StallState.CLOSED


def held(market_id: str, number: str) -> str:
    """By which a merchant holds a stall, in a market with a plan or without. Raises InvalidArgument."""
    return f"{market_id}|{rules.order_of(number)}"


def holder(market_id: str, number: str) -> tuple[str, str] | None:
    """Id and name of the merchant that holds a stall; None where nobody does. Raises InvalidArgument."""
    found = MerchantDocument.objects(stall_held=held(market_id, number)).only("id", "name").first()
    return (found.id, found.name) if found is not None else None


def stalls_of_market(market_id: str, page_size: int = 0, page_token: str = "") -> StallPage:
    """One page, by number; `page_size` 0 means PAGE_SIZE_USUAL. Raises InvalidArgument."""
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_USUAL}")
    size = page_size or PAGE_SIZE_USUAL
    after = rules.order_of(page_token) if page_token else _BEFORE_ALL
    found = StallDocument.objects(market_id=market_id, order__gt=after, order__lt=_AFTER_ALL)
    documents = list(found.order_by("order").limit(size + 1))
    token = documents[size - 1].number if len(documents) > size else ""
    return StallPage([_stall(document) for document in documents[:size]], token)


def numbers(market_id: str, section: str = "") -> list[tuple[str, StallState]]:
    """Numbers and states of a market's stalls, or one section's; at most STALLS_MAX + STALLS_AT_ONCE_MAX."""
    first, last = (f"{section}-", f"{section}.") if section else (_BEFORE_ALL, _AFTER_ALL)
    found = StallDocument.objects(market_id=market_id, order__gt=first, order__lt=last).only("number", "state")
    return [(one.number, StallState(one.state)) for one in found.limit(STALLS_MAX + STALLS_AT_ONCE_MAX)]


def _find(market_id: str, number: str) -> StallDocument | None:
    return StallDocument.objects(market_id=market_id, order=rules.order_of(number)).first()


def _document_of(stall: Stall) -> StallDocument:
    return StallDocument(
        id=new_id("stl"),
        market_id=stall.market_id,
        number=stall.number,
        order=rules.order_of(stall.number),
        x_cm=stall.x_cm,
        y_cm=stall.y_cm,
        state=stall.state.value,
        reason=stall.reason,
        version=stall.version,
    )


def _stall(document: StallDocument) -> Stall:
    return Stall(
        document.market_id, document.number, document.x_cm, document.y_cm, StallState(document.state),
        document.reason, document.version,
    )  # fmt: skip


def _fact(document: StallDocument) -> events_pb2.StallChanged:
    return events_pb2.StallChanged(
        stall_id=document.id,
        market_id=document.market_id,
        number=document.number,
        x_cm=document.x_cm,
        y_cm=document.y_cm,
        closed=document.state == StallState.CLOSED.value,
        version=document.version,
    )
