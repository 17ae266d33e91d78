"""Buyers of what is recalled are told by SMS, once."""

from __future__ import annotations

import pytest
from cho.events.v1.events_pb2 import OrderChanged

from kit import clock, sms
from kit.errors import Unavailable
from kit.ids import new_id
from kit.phones import normalise
from kit.streams.event import Event
from kit.streams.group import waits
from services.identity import recalled
from services.identity.user import User
from tests.identity.conftest import PHONE

REASON = "dư lượng thuốc trừ sâu"


class Phone:
    """What arrives, and to whom; `down`: nothing can be sent."""

    def __init__(self) -> None:
        self.got: list[tuple[str, str]] = []
        self.down = False

    def __call__(self, to: str, text: str) -> None:
        if self.down:
            raise Unavailable("the provider failed")
        self.got.append((to, text))


def event(kind: str, buyer_id: str) -> Event:
    changed = OrderChanged(order_id=new_id("ord"), code="7HX2K9QD", buyer_id=buyer_id, reason=REASON)
    return Event(new_id("evt"), kind, "orders", changed.order_id, clock.now(), "", changed.SerializeToString())


@pytest.mark.parametrize("kind", sorted(recalled.TYPES))
def test_a_buyer_is_told_which_order_and_why_and_once(kind: str, shopper: User) -> None:
    phone, told = Phone(), event(kind, shopper.user_id)
    assert recalled.tell(told, phone)
    assert not recalled.tell(told, phone), "delivered again"
    ((to, text),) = phone.got
    assert to == normalise(PHONE)
    assert "7HX2K9QD" in text
    assert REASON in text


def test_what_could_not_be_sent_is_sent_when_it_is_delivered_again(shopper: User) -> None:
    phone, told = Phone(), event("order.recalled", shopper.user_id)
    phone.down = True
    with pytest.raises(Unavailable):
        recalled.tell(told, phone)
    phone.down = False
    assert recalled.tell(told, phone)
    assert len(phone.got) == 1


def test_a_number_that_the_provider_refuses_is_buried_and_waited_for_by_nobody(shopper: User) -> None:
    def refusing(to: str, text: str) -> None:
        raise sms.RefusedError("400")

    with pytest.raises(sms.RefusedError) as refusal:
        recalled.tell(event("order.recalled", shopper.user_id), refusing)
    # What waits does so for good, and holds up the trimming of its stream.
    assert not waits(refusal.value)


def test_nobody_is_told_for_who_is_gone(database: None) -> None:
    phone = Phone()
    assert not recalled.tell(event("order.stopped", new_id("usr")), phone)
    assert not phone.got
