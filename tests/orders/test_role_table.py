"""Every RPC of orders with every role, with none and with a forged one, against the table in roles.txt."""

from __future__ import annotations

from pathlib import Path

import grpc

from kit.rpc.threads import Server
from kit.streams import clients
from services.orders.live.room import LiveRoom
from services.orders.recalls.clerk import Clerk
from services.orders.server import servicers
from tests import role_table
from tests.orders.conftest import Market
from tests.orders.world import ShelfLots

TABLE = role_table.read(Path(__file__).with_name("roles.txt"))


def test_the_table_and_the_protos_say_the_same() -> None:
    assert role_table.declared("orders") == TABLE


def test_every_rpc_lets_in_whom_the_table_names_and_nobody_else(market: Market) -> None:
    room = LiveRoom(clients.streams, market.shelf)
    served = servicers(market.carrier, room, Clerk(ShelfLots(market.shelf), market.carrier, room.pool))
    server = Server("127.0.0.1:0", served)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        tried = list(role_table.tried(served, channel))
    server.stop()
    wrong = [
        (name, who, code)
        for name, who, code in tried
        if ("in" if role_table.let_in(code) else code) != role_table.allowed(TABLE, name, who)
    ]
    assert not wrong
    assert {name for name, _, _ in tried} == TABLE.keys(), "all of them are served"
    assert not [one for one in tried if one[2] in ("INTERNAL", "UNKNOWN", "UNIMPLEMENTED")]
