"""Live sales through a real gRPC channel, with metadata as the gateway sends it; and the counter as phones hear it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from cho.orders.v1 import live_pb2 as pb
from cho.orders.v1.live_pb2_grpc import LiveSaleServiceStub
from redis import Redis

from kit import clock
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.orders import server, store
from services.orders.live import watch
from services.orders.live.sale import Sale
from services.orders.recalls.clerk import Clerk
from tests.orders.conftest import Market
from tests.orders.live_stall import HOUR, Stall
from tests.orders.test_orders_server import OPERATOR, SHOPPER, STRANGER, Caller, caller, refused
from tests.orders.world import ShelfLots

WAIT_S_MAX = 60


@pytest.fixture
def stall(market: Market, valkey: str) -> Stall:
    return Stall.of(market, valkey)


@pytest.fixture
def stub(stall: Stall) -> Iterator[Any]:
    clerk = Clerk(ShelfLots(stall.market.shelf), stall.market.carrier, stall.room.pool)
    running = Server("127.0.0.1:0", server.servicers(stall.market.carrier, stall.room, clerk))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield LiveSaleServiceStub(channel)
    stall.room.hub.stop()
    running.stop()


def vendor(stall: Stall) -> Caller:
    return caller(stall.merchant.owner_id, "vendor")


def schedule(stall: Stall, **fields: Any) -> pb.ScheduleSaleRequest:
    now = clock.now()
    tea = stall.market.product(stall.merchant, left=1_000)
    pork = stall.market.product(stall.merchant, left=100_000, unit="kg", grams_per_unit=1_000)
    lines = [
        pb.ScheduleSaleRequest.Line(product_id=tea, lots=5, price=50_000),
        pb.ScheduleSaleRequest.Line(product_id=pork, lots=10, lot_size=500, price=60_000, cap=2),
    ]
    fields = {
        "request_id": new_key(), "merchant_id": stall.merchant.merchant_id, "title": "Phiên chợ", "lines": lines,
        "opens_at": now + timedelta(minutes=1), "closes_at": now + HOUR, **fields,
    }  # fmt: skip
    return pb.ScheduleSaleRequest(**fields)


def claim(stall: Stall, sale: Sale, **fields: Any) -> pb.ClaimLotsRequest:
    return pb.ClaimLotsRequest(
        **{"sale_id": sale.id, "request_id": new_key(), "product_id": stall.products[0], **fields}
    )


def test_a_sale_is_scheduled_listed_looked_at_and_called_off(stall: Stall, stub: Any) -> None:
    asked = schedule(stall)
    made = stub.ScheduleSale(asked, metadata=vendor(stall)).sale
    assert stub.ScheduleSale(asked, metadata=vendor(stall)).sale == made
    assert [(one.unit, one.lots, one.lot_size, one.cap) for one in made.lines] == [
        ("gói", 5, 1, 1), ("lô 500 g", 10, 500, 2),
    ]  # fmt: skip
    assert (made.state, made.pay_within_s, made.lines[0].HasField("left")) == (pb.SALE_STATE_SCHEDULED, 600, False)
    assert list(stub.ListSales(pb.ListSalesRequest()).sales) == [made]
    assert stub.GetSale(pb.GetSaleRequest(sale_id=made.sale_id), metadata=SHOPPER).sale == made
    cancel = pb.CancelSaleRequest(sale_id=made.sale_id, reason="mưa")
    refused("NOT_FOUND", stub.CancelSale, cancel, STRANGER)
    off = stub.CancelSale(cancel, metadata=vendor(stall)).sale
    assert (off.state, off.history[-1].who, off.history[-1].reason) == (pb.SALE_STATE_CANCELLED, "seller", "mưa")
    assert not stub.ListSales(pb.ListSalesRequest()).sales


def test_what_a_stall_may_not_schedule_is_refused(stall: Stall, stub: Any) -> None:
    for fields, code in [
        ({"request_id": "x"}, "INVALID_ARGUMENT"),
        ({"opens_at": None}, "INVALID_ARGUMENT"),
        ({"title": ""}, "INVALID_ARGUMENT"),
        ({"merchant_id": new_id("mer")}, "NOT_FOUND"),
        ({"pay_within_s": 30}, "INVALID_ARGUMENT"),
    ]:
        refused(code, stub.ScheduleSale, schedule(stall, **fields), vendor(stall))
    far = schedule(stall)
    far.opens_at.seconds = 10**15
    refused("INVALID_ARGUMENT", stub.ScheduleSale, far, vendor(stall))
    refused("NOT_FOUND", stub.ScheduleSale, schedule(stall), STRANGER)


def test_claims_are_answered_with_a_number_and_a_time_and_refusals_with_a_code(stall: Stall, stub: Any) -> None:
    sale = stall.opened(2, cap=1)
    asked = claim(stall, sale)
    got = stub.ClaimLots(asked, metadata=SHOPPER).claim
    assert (got.number, got.lots, got.state) == (1, 1, pb.CLAIM_STATE_HELD)
    assert timedelta(0) < got.pay_by.ToDatetime(clock.now().tzinfo) - clock.now() < timedelta(minutes=15)
    assert stub.ClaimLots(asked, metadata=SHOPPER).claim == got
    find = pb.GetClaimRequest(sale_id=sale.id, request_id=asked.request_id)
    assert stub.GetClaim(find, metadata=SHOPPER).claim == got
    refused("NOT_FOUND", stub.GetClaim, find, STRANGER)
    other = claim(stall, sale, request_id=asked.request_id, lots=2)
    refused("IDEMPOTENCY_CONFLICT", stub.ClaimLots, other, SHOPPER)
    refused("CAP_REACHED", stub.ClaimLots, claim(stall, sale), SHOPPER)
    home = claim(stall, sale, delivery=pb.ClaimLotsRequest.Delivery(deliver_to="12 Bến Tượng"))
    assert stub.ClaimLots(home, metadata=STRANGER).claim.number == 2
    refused("SOLD_OUT", stub.ClaimLots, claim(stall, sale), caller(new_id("usr"), "shopper"))
    assert stub.GetSale(pb.GetSaleRequest(sale_id=sale.id)).sale.lines[0].left == 0
    for fields, code in [
        ({"sale_id": "x"}, "NOT_FOUND"),
        ({"sale_id": new_id("liv")}, "NOT_FOUND"),
        ({"request_id": "x"}, "INVALID_ARGUMENT"),
        ({"lots": 101}, "INVALID_ARGUMENT"),
        ({"lots": -1}, "INVALID_ARGUMENT"),
        ({"product_id": new_id("prd")}, "NOT_FOUND"),
        ({"delivery": pb.ClaimLotsRequest.Delivery()}, "INVALID_ARGUMENT"),
        ({"delivery": pb.ClaimLotsRequest.Delivery(deliver_to="x" * 201)}, "INVALID_ARGUMENT"),
    ]:
        refused(code, stub.ClaimLots, claim(stall, sale, **fields), SHOPPER)
    closed = stub.CloseSale(pb.CloseSaleRequest(sale_id=sale.id, reason="xong"), metadata=OPERATOR).sale
    assert (closed.state, closed.history[-1].who) == (pb.SALE_STATE_CLOSED, "operator")
    refused("NOT_OPEN", stub.ClaimLots, claim(stall, sale), caller(new_id("usr"), "shopper"))


def test_before_it_opens_and_after_it_is_settled_a_claim_hears_not_open(stall: Stall, stub: Any) -> None:
    waiting = stall.schedule(5)
    refused("NOT_OPEN", stub.ClaimLots, claim(stall, waiting), SHOPPER)
    sale = stall.opened(5)
    asked = claim(stall, sale)
    got = stub.ClaimLots(asked, metadata=SHOPPER).claim
    stall.room.keeper.tick()
    stall.pay(store.order(got.order_id))
    stall.close(sale)
    refused("NOT_OPEN", stub.ClaimLots, claim(stall, sale), SHOPPER)
    kept = stub.GetClaim(pb.GetClaimRequest(sale_id=sale.id, request_id=asked.request_id), metadata=SHOPPER).claim
    assert (kept.order_id, kept.state) == (got.order_id, pb.CLAIM_STATE_KEPT), "its order tells"
    # Its answer was lost, and the phone asks again when all is over: it has the lots.
    again = stub.ClaimLots(asked, metadata=SHOPPER).claim
    assert again == kept
    asked.lots = 2
    refused("IDEMPOTENCY_CONFLICT", stub.ClaimLots, asked, SHOPPER)


def test_a_sale_of_a_stall_that_changed_hands_is_the_new_owners(stall: Stall, stub: Any) -> None:
    sale, waiting, before = stall.opened(5), stall.schedule(5), vendor(stall)
    stall.merchant.owner_id, stall.merchant.version = new_id("usr"), 3
    store.apply_merchant("merchant.reinstated", stall.merchant)
    close = pb.CloseSaleRequest(sale_id=sale.id, reason="x")
    cancel = pb.CancelSaleRequest(sale_id=waiting.id, reason="x")
    refused("NOT_FOUND", stub.CloseSale, close, before)
    refused("NOT_FOUND", stub.CancelSale, cancel, before)
    assert stub.CloseSale(close, metadata=vendor(stall)).sale.state == pb.SALE_STATE_CLOSED
    assert stub.CancelSale(cancel, metadata=vendor(stall)).sale.history[-1].who == "seller"


def test_while_a_counter_is_made_anew_claims_hear_to_come_again(stall: Stall, stub: Any, valkey: str) -> None:
    sale = stall.opened(5)
    Redis.from_url(valkey).flushall()
    refused("UNAVAILABLE", stub.ClaimLots, claim(stall, sale), SHOPPER)
    assert not stub.GetSale(pb.GetSaleRequest(sale_id=sale.id)).sale.lines[0].HasField("left")
    stall.room.keeper.tick()
    assert stub.ClaimLots(claim(stall, sale), metadata=SHOPPER).claim.number == 1


# --- the counter


class Listener:
    """A phone that listens: what it heard, by a thread of its own."""

    def __init__(self, stub: Any, sale: Sale, last: str = "") -> None:
        metadata = [("last-event-id", last)] if last else []
        self.call = stub.WatchSale(pb.WatchSaleRequest(sale_id=sale.id), metadata=metadata, timeout=WAIT_S_MAX)
        self.heard: list[dict[str, Any]] = []
        self.error = ""
        self._some = threading.Condition()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        try:
            for body in self.call:
                with self._some:
                    self.heard.append(_read(body.data.decode()))
                    self._some.notify_all()
        except grpc.RpcError as error:
            self.error = error_code(error)

    def until(self, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        with self._some:
            assert self._some.wait_for(lambda: bool(self.heard) and true(self.heard[-1]), WAIT_S_MAX), self.heard
            return self.heard[-1]

    def gone(self) -> None:
        self.call.cancel()
        self._thread.join(WAIT_S_MAX)

    def ended(self) -> None:
        self._thread.join(WAIT_S_MAX)
        assert not self._thread.is_alive()


def _read(text: str) -> dict[str, Any]:
    fields = dict(line.split(": ", 1) for line in text.strip().splitlines() if not line.startswith(":"))
    return {"id": fields.get("id", ""), "event": fields["event"], **json.loads(fields["data"])}


def test_everybody_hears_the_counter_go_down_and_up_again_and_the_end(stall: Stall, stub: Any) -> None:
    sale = stall.opened(5)
    product, listeners = stall.products[0], [Listener(stub, sale) for _ in range(40)]
    for one in listeners:
        assert one.until(lambda told: True)["left"] == {product: 5}
    claims = [stall.claim(sale) for _ in range(3)]
    for one in listeners:
        told = one.until(lambda told: told["left"] == {product: 2})
        assert (told["event"], told["state"], told["claims"]) == ("counter", "open", 3)
    stall.room.pool.give_back(sale.id, claims[0].order_id)
    for one in listeners:
        one.until(lambda told: told["left"] == {product: 3})
        ids = [int(told["id"]) for told in one.heard]
        assert ids == sorted(set(ids)), "each says more than the last"
    assert stall.room.hub.count == 40
    for one in listeners[1:]:
        one.gone()
    for claimed in claims[1:]:
        stall.room.pool.keep(sale.id, claimed.order_id, claimed.buyer_id, (product, 1))
    stall.close(sale)
    assert listeners[0].until(lambda told: told["event"] == "over")["sold"] == {product: 2}
    listeners[0].ended()
    assert listeners[0].error == ""


def test_a_burst_is_told_as_a_few_and_who_comes_again_hears_only_what_is_new(stall: Stall, stub: Any) -> None:
    sale = stall.opened(500)
    product, listener = stall.products[0], Listener(stub, sale)
    listener.until(lambda told: True)
    for _ in range(300):
        stall.claim(sale)
    last = listener.until(lambda told: told["left"] == {product: 200})
    assert len(listener.heard) < 150, "changes within a fifth of a second are one"
    listener.gone()
    again = Listener(stub, sale, last["id"])
    fresh = Listener(stub, sale)
    fresh.until(lambda told: told["left"] == {product: 200})
    assert again.heard == [], "it knows how the counter stands"
    stall.claim(sale)
    assert again.until(lambda told: True)["left"] == {product: 199}
    for one in (again, fresh):
        one.gone()


def test_who_listens_before_it_opens_hears_when_it_does(stall: Stall, stub: Any) -> None:
    waiting = stall.schedule(5)
    listener = Listener(stub, waiting)
    told = listener.until(lambda told: True)
    assert (told["state"], told["left"]) == ("scheduled", {stall.products[0]: 5})
    stall.market.clock.now = waiting.opens_at
    stall.room.keeper.tick()
    assert listener.until(lambda told: told["id"] != "0")["left"] == {stall.products[0]: 5}
    listener.gone()


def test_who_was_cut_off_while_it_opened_hears_that_it_has(
    stall: Stall, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has claimed anything yet: it opened by the clock alone."""
    waiting = stall.schedule(5)
    stall.market.clock.now = waiting.opens_at
    stall.room.keeper.tick()
    before = Listener(stub, waiting)
    last = before.until(lambda told: told["state"] == "scheduled")["id"]
    before.gone()
    really = clock.now_ms
    monkeypatch.setattr(clock, "now_ms", lambda: really() + 120_000)
    again = Listener(stub, waiting, last)
    opened = again.until(lambda told: True)
    assert (opened["state"], int(opened["id"]) > int(last)) == ("open", True)
    knows = Listener(stub, waiting, opened["id"])
    fresh = Listener(stub, waiting)
    fresh.until(lambda told: told["state"] == "open")
    assert knows.heard == [], "it knows that it is open"
    for one in (again, knows, fresh):
        one.gone()


def test_listeners_are_bounded_and_a_server_that_stops_lets_them_go(
    stall: Stall, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = stall.opened(5)
    for last in ("x", "1" * 17):
        call = stub.WatchSale(pb.WatchSaleRequest(sale_id=sale.id), metadata=[("last-event-id", last)])
        with pytest.raises(grpc.RpcError) as told:
            next(iter(call))
        assert error_code(told.value) == "INVALID_ARGUMENT"
    monkeypatch.setattr(watch, "LISTENERS_MAX", 1)
    first = Listener(stub, sale)
    first.until(lambda told: True)
    second = Listener(stub, sale)
    second.ended()
    assert second.error == "OVERLOADED"
    stall.room.hub.stop()
    first.ended()
    assert first.error == "", "it ended well, and the phone comes again"
    third = Listener(stub, sale)
    third.ended()
    assert third.error == "UNAVAILABLE"


def test_a_counter_that_gives_no_answer_for_long_is_told_as_an_error(
    stall: Stall, stub: Any, valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kit.errors import Unavailable

    sale = stall.opened(5)
    monkeypatch.setattr(watch, "SILENT_S", 0.0)
    listener = Listener(stub, sale)
    listener.until(lambda told: True)

    def silent(_: Any) -> Any:
        raise Unavailable("no answer")

    monkeypatch.setattr(stall.room.pool, "counters", silent)
    listener.ended()
    assert (listener.heard[-1]["event"], listener.heard[-1]["code"]) == ("error", "UNAVAILABLE")
    assert listener.error == "UNAVAILABLE"


class Stuck:
    """A phone that takes nothing any more, but has not left."""

    def __init__(self) -> None:
        self.was_cut = threading.Event()

    def send(self, _: Any) -> bool:
        assert self.was_cut.wait(WAIT_S_MAX), "nobody cut it off"
        return False

    def cut(self) -> None:
        self.was_cut.set()

    def when_over(self, _: Any) -> bool:
        return True


def test_a_listener_that_takes_nothing_is_cut_off_and_the_others_are_told(
    stall: Stall, stub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "STUCK_S", 0.2)
    sale, stuck = stall.opened(5), Stuck()
    stall.room.hub.join(sale.id, -1, stuck)  # type: ignore[arg-type]
    listener = Listener(stub, sale)
    listener.until(lambda told: True)
    stall.claim(sale)
    assert listener.until(lambda told: told["claims"] == 1)["left"] == {stall.products[0]: 4}
    assert stuck.was_cut.is_set()
    assert stall.room.hub.count == 1
    listener.gone()
