"""Stock's server killed in the middle of a rush, by kill -9: what was promised holds, and nothing is lost."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import grpc
import pytest
from cho.catalog.v1 import stock_pb2 as pb
from cho.catalog.v1 import stock_pb2_grpc
from cho.events.v1 import events_pb2

from kit import clock
from kit.ids import new_key
from kit.rpc.call import service_metadata
from kit.rpc.status import error_code
from services.catalog import store
from services.catalog.product import offer
from services.catalog.stock import expiry, ties
from tests.conftest import free_port

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.timeout(180)]
ORDERS = service_metadata("orders")
KILLS, BUYERS, ORDERS_EACH, STOCK = 4, 8, 12, 60
LIFE = timedelta(minutes=5)
WAIT_S_MAX = 60
# Who is there again is found again.
OPTIONS = [("grpc.initial_reconnect_backoff_ms", 100), ("grpc.max_reconnect_backoff_ms", 100)]
SERVE = """
import sys
from kit.rpc.threads import Server
from services.catalog import store
from services.catalog.stock.server import stock_servicers
store.open_store()
server = Server(f"127.0.0.1:{sys.argv[1]}", stock_servicers())
sys.stdin.read()
"""


@contextmanager
def served(port: int, mongo_uri: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(port)], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
        env={**os.environ, "MONGODB_URI": mongo_uri},
    )  # fmt: skip
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}", OPTIONS) as channel:
            grpc.channel_ready_future(channel).result(timeout=WAIT_S_MAX)
        yield
    finally:
        process.kill()
        process.communicate()


def answer(call: Callable[[], object], cut_off: list[str]) -> str:
    """The code of what came of a call, which is sent again until there is an answer."""
    deadline = time.monotonic() + WAIT_S_MAX
    while True:
        try:
            call()
        except grpc.RpcError as error:
            code = error_code(error)
            if code not in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CONTENTION", "OVERLOADED", "CANCELLED"):
                return code
            assert time.monotonic() < deadline, "nobody answers"
            cut_off.append(code)
            time.sleep(0.05)
        else:
            return "OK"


def test_a_rush_with_the_server_killed_again_and_again(
    merchant_changed: Callable[..., events_pb2.MerchantChanged], mongo_uri: str
) -> None:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    merchant = store.merchant(changed.merchant_id)
    goods = [
        store.create(merchant, offer(f"Rau {n}", "", "bó", 5_000, STOCK), merchant.owner_id, new_key()).id
        for n in range(2)
    ]
    port, outcomes, lock = free_port(), dict[str, str](), threading.Lock()
    rushing, cut_off = threading.Event(), list[str]()

    def buy(buyer: int) -> None:
        chance = random.Random(buyer)
        with grpc.insecure_channel(f"127.0.0.1:{port}", OPTIONS) as channel:
            stub = stock_pb2_grpc.StockServiceStub(channel)
            for number in range(ORDERS_EACH):
                order_id = f"ord_{buyer}_{number}"
                wanted = pb.ReserveRequest(
                    order_id=order_id, lines=[pb.StockLine(product_id=one, quantity=2) for one in goods]
                )
                wanted.expires_at.FromDatetime(clock.now() + LIFE)
                outcome = answer(lambda w=wanted: stub.Reserve(w, metadata=ORDERS, timeout=5), cut_off)  # type: ignore[misc]
                if outcome == "OK" and chance.random() < 0.7:
                    sale = pb.SellRequest(
                        order_id=order_id, lines=[pb.StockLine(product_id=one, quantity=1) for one in goods]
                    )
                    sold = answer(lambda s=sale: stub.Sell(s, metadata=ORDERS, timeout=5), cut_off)  # type: ignore[misc]
                    outcome = "sold" if sold == "OK" else sold
                with lock:
                    outcomes[order_id] = outcome

    buyers = [threading.Thread(target=buy, args=(number,)) for number in range(BUYERS)]
    for kill in range(KILLS + 1):
        with served(port, mongo_uri):
            if not rushing.is_set():
                rushing.set()
                for buyer in buyers:
                    buyer.start()
            if kill < KILLS:
                time.sleep(random.Random(kill).uniform(0.2, 0.8))
            else:
                for buyer in buyers:
                    buyer.join()
    assert cut_off, "no kill met a call"
    assert len(outcomes) == BUYERS * ORDERS_EACH
    assert set(outcomes.values()) <= {"OK", "sold", "OUT_OF_STOCK", "WRONG_STATE"}
    sold = sum(outcome == "sold" for outcome in outcomes.values())
    assert sold
    with closing(_Later()) as later:
        later.forward(LIFE * 2)
        for _ in range(3):
            expiry.tick()
        for product_id in goods:
            (lot,) = store.product(product_id).shelf.lots
            assert (lot.sold, lot.reserved, lot.on_hand) == (sold, 0, STOCK - sold)
    assert ties.look() == ties.Looked(2, 0, {})


class _Later:
    """This process's clock, ahead."""

    def __init__(self) -> None:
        self._patch = pytest.MonkeyPatch()

    def forward(self, by: timedelta) -> None:
        really = clock.now_ms
        self._patch.setattr(clock, "now_ms", lambda: really() + by // timedelta(milliseconds=1))

    def close(self) -> None:
        self._patch.undo()
