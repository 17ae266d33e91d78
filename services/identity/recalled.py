"""Tells buyers by SMS that something they bought is recalled: orders knows no phone numbers."""

from __future__ import annotations

from cho.events.v1.events_pb2 import OrderChanged

from kit import clock
from kit.errors import NotFound
from kit.sms import Sender
from kit.streams.event import Event
from services.identity import store

_TEXTS = {
    "order.stopped": "Cho 4.0: hàng trong đơn {code} thuộc lô bị thu hồi: {reason}. Xin đừng dùng; có tin sẽ báo.",
    "order.recalled": "Cho 4.0: lô hàng trong đơn {code} đã thu hồi: {reason}. Tiền đã trả được hoàn về ví của bạn.",
    "order.recall_withdrawn": "Cho 4.0: lô hàng trong đơn {code} không còn bị thu hồi: {reason}.",
}
TYPES = frozenset(_TEXTS)


def tell(event: Event, send: Sender) -> bool:
    """Sends what an event says to its order's buyer, who may be gone; whether it was sent now.

    At least once: a process that dies between sending and remembering sends it again. Raises Unavailable, for which the
    event waits, and sms.RefusedError, with which it goes to the dead letters: somebody has to call the buyer.
    """
    changed = OrderChanged.FromString(event.data)
    if store.was_sent(event.id):
        return False
    try:
        buyer = store.person(changed.buyer_id)
    except NotFound:
        return False
    send(store.phone_of(buyer), _TEXTS[event.type].format(code=changed.code, reason=changed.reason))
    store.remember_sent(event.id, clock.now())
    return True
