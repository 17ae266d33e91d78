"""Recalls in MongoDB: found, opened, changed one at a time, each change and what is told of it in one write."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cho.events.v1 import recalls_pb2
from mongoengine.errors import NotUniqueError

from kit import clock
from kit.errors import Contention, IdempotencyConflict, NotFound
from kit.ids import new_id
from services.orders.ports import Taker
from services.orders.recalls.documents import OrdersRecall, OrdersRecallLine, put_recall, to_line, to_recall
from services.orders.recalls.recall import RUNNING, TODO, Line, LineState, Recall, State, Tally

# Recalls that run at once, and those that are listed of each state.
RUNNING_MAX, LIST_MAX = 100, 50
ATTEMPTS_MAX = 8
_EVER = datetime(1970, 1, 2, tzinfo=UTC)
# What is told when a recall comes to be so; WITHDRAWN tells at once, whatever is left to do.
_TOLD = {
    State.LISTED: "recall.listed",
    State.RELEASED: "recall.released",
    State.FINISHED: "recall.finished",
    State.WITHDRAWN: "recall.withdrawn",
}

Rule = Callable[[Recall, datetime], Recall]


def open_(by: str, request_id: str, product_id: str, lot_id: str, reason: str, traceparent: str = "") -> Recall:
    """Writes a recall down, or finds it written by the same request before. Raises IdempotencyConflict."""
    new = Recall(
        id=new_id("rec"), product_id=product_id, lot_id=lot_id, reason=reason, opened_by=by, opened_at=clock.now()
    )
    document = OrdersRecall(id=new.id, request_id=request_id)
    put_recall(document, new)
    document.add_event("recall.opened", new.id, fact(new), traceparent)
    known = OrdersRecall.objects(opened_by=by, request_id=request_id)
    found = known.first()
    if found is None:
        try:
            document.save()
        except NotUniqueError:  # the same request twice at once
            found = known.get()
        else:
            return new
    if (found.product_id, found.lot_id, found.reason) != (product_id, lot_id, reason):
        raise IdempotencyConflict("request_id was used for another recall")
    return to_recall(found)


def recall(recall_id: str) -> Recall:
    """Raises NotFound."""
    return to_recall(_document(recall_id))


def change(recall_id: str, rule: Rule, traceparent: str = "") -> Recall:
    """What `rule` makes of a recall, stored with its event; what it raises, where it refuses.

    Raises NotFound, Contention, Overloaded.
    """
    for _ in range(ATTEMPTS_MAX):
        document = _document(recall_id)
        before = to_recall(document)
        after = rule(before, clock.now())
        if after == before:
            return before
        after = replace(after, version=before.version + 1)
        put_recall(document, after)
        if after.state is not before.state and after.state in _TOLD:
            document.add_event(_TOLD[after.state], after.id, fact(after), traceparent)
        try:
            document.save(save_condition={"version": before.version})
        except Contention:  # somebody else was faster: look at what they made of it
            continue
        return after
    raise Contention("the recall keeps changing")


def running() -> list[Recall]:
    """Recalls that there may be something to do for, oldest first, at most RUNNING_MAX of each state: however many wait
    for a second person, those that have just been opened do not wait for them."""
    found: list[Recall] = []
    for state in RUNNING:
        of = OrdersRecall.objects(state=state.value).order_by("opened_at", "id")
        found += [to_recall(one) for one in of.limit(RUNNING_MAX)]
    return found


def recent() -> list[Recall]:
    """Recalls, newest first, at most LIST_MAX."""
    until = clock.now() + timedelta(minutes=1)
    found: list[Recall] = []
    for state in State:  # each by the index: SecantusDB reads all of them for any other question
        of = OrdersRecall.objects(state=state.value, opened_at__gt=_EVER, opened_at__lte=until)
        found += [to_recall(one) for one in of.order_by("-opened_at").limit(LIST_MAX)]
    return sorted(found, key=lambda one: (one.opened_at, one.id), reverse=True)[:LIST_MAX]


def put_takers(recall_id: str, takers: Iterable[Taker]) -> None:
    """Remembers orders that took from the lot; those that are known stay as they are."""
    for taker in takers:
        line = OrdersRecallLine(
            id=f"{recall_id}/{taker.order_id}", recall_id=recall_id, order_id=taker.order_id, quantity=taker.quantity,
            state=LineState.NEW.value, looked_at=_EVER + timedelta(seconds=1),
        )  # fmt: skip
        try:
            line.save(force_insert=True)
        except NotUniqueError:
            continue


def put_line(line: Line) -> None:
    """What became of an order of a recall, as of now."""
    OrdersRecallLine.objects(id=f"{line.recall_id}/{line.order_id}").update_one(
        set__state=line.state.value, set__amount=line.amount, set__code=line.code, set__looked_at=clock.now()
    )


def drop_line(line: Line) -> None:
    """Its order was never placed."""
    OrdersRecallLine.objects(id=f"{line.recall_id}/{line.order_id}").delete()


def todo(recall: Recall, before: datetime, most: int) -> list[Line]:
    """Lines that something is left to be done of, and nobody looked at since `before`; the longest one first."""
    found: list[Line] = []
    for state in TODO[recall.state]:
        lines = OrdersRecallLine.objects(
            recall_id=recall.id, state=state.value, looked_at__gt=_EVER, looked_at__lte=before
        )
        found += [to_line(one) for one in lines.order_by("looked_at").limit(most - len(found) or 1)]
    return found[:most]


def lines(recall_id: str, after: str, most: int) -> list[Line]:
    """A recall's lines by order id, those that come after `after`, at most `most`."""
    found = OrdersRecallLine.objects(recall_id=recall_id, order_id__gt=after or " ", order_id__lt="~")
    return [to_line(one) for one in found.order_by("order_id").limit(most)]


def tallies(recall_id: str) -> dict[LineState, Tally]:
    """How many lines of a recall are in which state, and đồng of them."""
    found: dict[LineState, Tally] = {}
    for line in _all(recall_id):
        known = found.get(line.state, Tally())
        found[line.state] = Tally(known.lines + 1, known.amount + line.amount)
    return dict(sorted(found.items()))


def fact(recall: Recall) -> recalls_pb2.RecallChanged:
    """What others are told of a recall."""
    return recalls_pb2.RecallChanged(
        recall_id=recall.id, product_id=recall.product_id, lot_id=recall.lot_id, reason=recall.reason,
        state=recall.state.value, lines=recall.lines, version=recall.version,
        refunded=recall.tallies.get(LineState.REFUNDED, Tally()).amount,
    )  # fmt: skip


def _all(recall_id: str) -> Iterator[Line]:
    for one in OrdersRecallLine.objects(recall_id=recall_id).no_cache():
        yield to_line(one)


def _document(recall_id: str) -> OrdersRecall:
    document = OrdersRecall.objects(id=recall_id).first()
    if document is None:
        raise NotFound("there is no such recall")
    return document
