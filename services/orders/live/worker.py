"""Tells what happens to live sales; everything else about them is done beside the server (keeper.py)."""

from __future__ import annotations

from kit.streams.relay import Relay
from services.orders.live.documents import OrdersSale
from services.orders.store import STREAM


class LiveSales:
    name = "orders.live"

    sales = Relay(OrdersSale, stream=STREAM)


SERVICES = [LiveSales]
