"""Tells what happens to recalls; everything else about them is done beside the server (clerk.py)."""

from __future__ import annotations

from kit.streams.relay import Relay
from services.orders.recalls.documents import OrdersRecall
from services.orders.store import STREAM


class Recalls:
    name = "orders.recalls"

    recalls = Relay(OrdersRecall, stream=STREAM)


SERVICES = [Recalls]
