"""Lots and their growers, through a real gRPC channel and a real store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import grpc
import pytest
from cho.catalog.v1 import lots_pb2 as pb
from cho.catalog.v1 import lots_pb2_grpc
from cho.events.v1 import events_pb2

from kit import clock
from kit.config import settings
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import growers, store
from services.catalog.product import Offer, State
from services.catalog.stock import deliveries, expiry, recalls, restock, steps, ties
from services.catalog.stock import shelf as shelves
from services.catalog.stock.lots import lot_servicers
from services.catalog.stock.reservation import Line
from services.catalog.store import Product

pytestmark = pytest.mark.usefixtures("database")
Caller = tuple[tuple[str, str], ...]


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    running = Server("127.0.0.1:0", lot_servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield lots_pb2_grpc.LotServiceStub(channel)
    running.stop()


@pytest.fixture
def tea_product(merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer) -> Product:
    """60 kg of it, counted."""
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key())


@pytest.fixture
def vendor(tea_product: Product) -> Caller:
    return caller(tea_product.merchant.owner_id, "vendor")


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


def day(ahead: int) -> str:
    return (clock.today() + timedelta(days=ahead)).isoformat()


def added(product: Product, quantity: int = 5_000, **facts: Any) -> pb.AddLotRequest:
    return pb.AddLotRequest(request_id=new_key(), product_id=product.id, quantity=quantity, facts=pb.LotFacts(**facts))


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Caller = ()) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


def certificate(**fields: str) -> pb.Certificate:
    return pb.Certificate(
        **{
            "name": "VietGAP",
            "number": "VG-19-001",
            "issuer": "Sở",
            "valid_from": day(-9),
            "valid_to": day(9),
            **fields,
        }
    )


def available(product: Product) -> int:
    return store.product(product.id).available


def test_a_lot_comes_in_with_what_is_said_about_it_and_once_only(
    stub: Any, tea_product: Product, vendor: Caller
) -> None:
    request = added(
        tea_product, area_code=" vn-19-tc.07 ", harvest_day=day(-2), ocop_stars=4, sell_by=day(30),
        certificates=[certificate()],
    )  # fmt: skip
    lot = stub.AddLot(request, metadata=vendor).lot
    assert (lot.received, lot.on_hand, lot.for_sale) == (5_000, 5_000, True)
    assert (lot.facts.area_code, lot.facts.ocop_stars, lot.facts.harvest_day) == ("VN-19-TC.07", 4, day(-2))
    assert lot.facts.certificates == [certificate()]
    assert stub.AddLot(request, metadata=vendor).lot == lot
    assert available(tea_product) == 65_000
    request.quantity += 1
    refused("IDEMPOTENCY_CONFLICT", stub.AddLot, request, vendor)


def test_nobody_gives_a_lot_the_id_of_another_products(
    stub: Any, tea_product: Product, vendor: Caller, tea: Offer,
    merchant_changed: Callable[..., events_pb2.MerchantChanged],
) -> None:  # fmt: skip
    """A recall finds who took from a lot by its id, which everybody can read."""
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    other = store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key())
    theirs = stub.AddLot(added(other), metadata=caller(changed.owner_id, "vendor")).lot.lot_id
    for lot_id in (theirs, store.first_lot(other.id)):
        digits = lot_id.removeprefix("lot_")
        request = added(tea_product)
        request.request_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        assert stub.AddLot(request, metadata=vendor).lot.lot_id != lot_id


def test_what_shoppers_see_of_lots_is_what_they_can_buy(stub: Any, tea_product: Product, vendor: Caller) -> None:
    first = stub.AddLot(added(tea_product, sell_by=day(3)), metadata=vendor).lot
    soonest = stub.AddLot(added(tea_product, sell_by=day(1)), metadata=vendor).lot
    stub.WriteOff(
        pb.WriteOffRequest(
            request_id=new_key(), product_id=tea_product.id, lot_id=first.lot_id, quantity=5_000, reason="ẩm mốc"
        ),
        metadata=vendor,
    )
    asked = pb.ListLotsRequest(product_id=tea_product.id)
    seen = stub.ListLots(asked).lots
    assert [lot.lot_id for lot in seen] == [soonest.lot_id, store.first_lot(tea_product.id)]
    assert not any(lot.received or lot.on_hand or lot.losses for lot in seen)
    kept = stub.ListLots(asked, metadata=vendor).lots
    assert [lot.lot_id for lot in kept][2] == first.lot_id
    (loss,) = kept[2].losses
    assert (loss.quantity, loss.reason, loss.by) == (5_000, "ẩm mốc", tea_product.merchant.owner_id)


def test_shoppers_see_a_recalled_lot_too_and_that_it_is_not_for_sale(stub: Any, tea_product: Product) -> None:
    lot_id = store.first_lot(tea_product.id)
    recalls.recall(tea_product.id, lot_id, "rec_1")
    (seen,) = stub.ListLots(pb.ListLotsRequest(product_id=tea_product.id)).lots
    assert (seen.lot_id, seen.recalled, seen.for_sale, seen.on_hand) == (lot_id, True, False, 0)


def test_a_loss_is_written_off_once(stub: Any, tea_product: Product, vendor: Caller) -> None:
    lot = stub.AddLot(added(tea_product), metadata=vendor).lot
    request = pb.WriteOffRequest(
        request_id=new_key(), product_id=tea_product.id, lot_id=lot.lot_id, quantity=500, reason="rơi vãi"
    )
    after = stub.WriteOff(request, metadata=vendor).lot
    assert (after.on_hand, after.written_off) == (4_500, 500)
    assert stub.WriteOff(request, metadata=vendor).lot == after
    request.quantity = 400
    refused("IDEMPOTENCY_CONFLICT", stub.WriteOff, request, vendor)
    for wrong, code in (
        ({"quantity": 4_501}, "OUT_OF_STOCK"),
        ({"quantity": 0}, "INVALID_ARGUMENT"),
        ({"reason": " "}, "INVALID_ARGUMENT"),
        ({"lot_id": "lot_x"}, "NOT_FOUND"),
        ({"request_id": "1"}, "INVALID_ARGUMENT"),
    ):
        other = pb.WriteOffRequest()
        other.CopyFrom(request)
        other.request_id = new_key()
        for name, value in wrong.items():
            setattr(other, name, value)
        refused(code, stub.WriteOff, other, vendor)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"quantity": 0}, "INVALID_ARGUMENT"),
        ({"quantity": -1}, "INVALID_ARGUMENT"),
        ({"quantity": 10**9 + 1}, "INVALID_ARGUMENT"),
        ({"sell_by": -1}, "LOT_EXPIRED"),
        ({"sell_by": 4_000}, "INVALID_ARGUMENT"),
        ({"harvest_day": 1}, "INVALID_ARGUMENT"),
        ({"harvest_day": -2_000}, "INVALID_ARGUMENT"),
        ({"sell_by": "2026-02-30"}, "INVALID_ARGUMENT"),
        ({"sell_by": "20260301"}, "INVALID_ARGUMENT"),
        ({"ocop_stars": 6}, "INVALID_ARGUMENT"),
        ({"ocop_stars": -1}, "INVALID_ARGUMENT"),
        ({"area_code": "khu 7; drop"}, "INVALID_ARGUMENT"),
        ({"grower_id": "ent_1"}, "INVALID_ARGUMENT"),
        ({"certificates": [{"valid_to": -1}]}, "LOT_EXPIRED"),
        ({"certificates": [{"valid_to": -10}]}, "INVALID_ARGUMENT"),
        ({"certificates": [{"valid_to": ""}]}, "INVALID_ARGUMENT"),
        ({"certificates": [{"name": ""}]}, "INVALID_ARGUMENT"),
        ({"certificates": [{"number": "x" * 101}]}, "INVALID_ARGUMENT"),
        ({"certificates": [{}] * 6}, "INVALID_ARGUMENT"),
    ],
)
def test_what_a_lot_may_not_be_is_refused(
    stub: Any, tea_product: Product, vendor: Caller, wrong: dict[str, Any], code: str
) -> None:
    def days(fields: dict[str, Any]) -> dict[str, Any]:
        names = ("sell_by", "harvest_day", "valid_to")
        return {name: day(value) if name in names and type(value) is int else value for name, value in fields.items()}

    fields = days(wrong)
    if "certificates" in fields:
        fields["certificates"] = [certificate(**days(one)) for one in fields["certificates"]]
    refused(code, stub.AddLot, added(tea_product, **fields), vendor)
    assert available(tea_product) == 60_000


def test_strangers_neither_add_lots_nor_write_off(stub: Any, tea_product: Product, vendor: Caller) -> None:
    stranger = caller(new_id("usr"), "vendor")
    refused("NOT_FOUND", stub.AddLot, added(tea_product), stranger)
    refused("NOT_FOUND", stub.WriteOff, pb.WriteOffRequest(product_id=tea_product.id), stranger)
    store.update(tea_product, {"state": State.HIDDEN})
    refused("NOT_FOUND", stub.ListLots, pb.ListLotsRequest(product_id=tea_product.id), stranger)
    assert stub.ListLots(pb.ListLotsRequest(product_id=tea_product.id), metadata=vendor).lots


def test_nothing_comes_into_a_withdrawn_product(stub: Any, tea_product: Product, vendor: Caller) -> None:
    store.update(tea_product, {"state": State.WITHDRAWN})
    refused("WRONG_STATE", stub.AddLot, added(tea_product), vendor)


def relation(
    product: Product, grower_id: str, from_day: int, to_day: int | None, relation_id: str = "", version: int = 1
) -> events_pb2.RelationChanged:
    return events_pb2.RelationChanged(
        relation_id=relation_id or new_id("rel"), grower_id=grower_id, merchant_id=product.merchant.id,
        from_day=day(from_day), to_day="" if to_day is None else day(to_day), version=version,
    )  # fmt: skip


def test_a_stall_sells_for_a_grower_under_their_relation_and_not_beyond(
    stub: Any, tea_product: Product, vendor: Caller
) -> None:
    grower_id = new_id("ent")
    refused("NO_RELATION", stub.AddLot, added(tea_product, grower_id=grower_id), vendor)
    deliveries.hear_relation(relation(tea_product, grower_id, 1, None))
    refused("NO_RELATION", stub.AddLot, added(tea_product, grower_id=grower_id), vendor)
    told = relation(tea_product, grower_id, -5, None)
    for _ in range(2):
        deliveries.hear_relation(told)
    lot = stub.AddLot(added(tea_product, grower_id=grower_id), metadata=vendor).lot
    assert (lot.sold_until, lot.for_sale) == ("", True)
    assert available(tea_product) == 65_000

    ended = relation(tea_product, grower_id, -5, 0, told.relation_id, 2)
    deliveries.hear_relation(ended)
    deliveries.hear_relation(told)  # older
    known = store.product(tea_product.id).shelf.lot(lot.lot_id)
    assert known is not None
    assert known.until == clock.today()
    with pytest.MonkeyPatch.context() as patch:
        tomorrow_ms = clock.now_ms() + 86_400_000
        patch.setattr(clock, "now_ms", lambda: tomorrow_ms)
        assert available(tea_product) == 60_000
        assert expiry.tick() == 1
    again = stub.AddLot(added(tea_product, grower_id=grower_id), metadata=vendor).lot
    assert again.sold_until == day(0)


def test_a_relation_that_was_ended_yesterday_takes_its_lots_off_the_stall(
    stub: Any, tea_product: Product, vendor: Caller
) -> None:
    grower_id = new_id("ent")
    told = relation(tea_product, grower_id, -5, 20)
    deliveries.hear_relation(told)
    stub.AddLot(added(tea_product, grower_id=grower_id), metadata=vendor)
    deliveries.hear_relation(relation(tea_product, grower_id, -5, -1, told.relation_id, 2))
    assert available(tea_product) == 60_000
    refused("NO_RELATION", stub.AddLot, added(tea_product, grower_id=grower_id), vendor)


def test_what_comes_back_of_a_growers_lot_is_sold_no_longer_than_the_grower_lets(
    stub: Any, tea_product: Product, vendor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "LOTS_MAX", 2)
    grower_id, told = new_id("ent"), relation(tea_product, new_id("ent"), -5, None)
    told.grower_id = grower_id
    deliveries.hear_relation(told)
    stub.AddLot(added(tea_product, grower_id=grower_id, sell_by=day(1)), metadata=vendor)
    steps.reserve("ord_1", [Line(tea_product.id, 5_000)], clock.now() + timedelta(minutes=15))
    steps.sell("ord_1", [Line(tea_product.id, 5_000)])
    # Nothing of the grower's is with the product when the relation ends.
    stub.AddLot(added(tea_product, 1_000), metadata=vendor)
    deliveries.hear_relation(relation(tea_product, grower_id, -5, -1, told.relation_id, 2))
    monkeypatch.setattr(shelves, "LOTS_MAX", 100)
    restock.restock("ord_1", [tea_product.id])
    assert available(tea_product) == 61_000


def test_a_relation_that_ends_while_a_lot_comes_in_binds_it(
    stub: Any, tea_product: Product, vendor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    grower_id = new_id("ent")
    told = relation(tea_product, grower_id, -5, None)
    deliveries.hear_relation(told)
    asked = growers.last_day

    def ends_meanwhile(*args: Any) -> date | None:
        known = asked(*args)
        monkeypatch.setattr(growers, "last_day", asked)
        deliveries.hear_relation(relation(tea_product, grower_id, -5, 0, told.relation_id, 2))
        return known

    monkeypatch.setattr(growers, "last_day", ends_meanwhile)
    lot = stub.AddLot(added(tea_product, grower_id=grower_id), metadata=vendor).lot
    assert lot.sold_until == day(0)


def test_who_grows_sells_the_own_harvest_without_asking_anybody(
    stub: Any, tea_product: Product, vendor: Caller
) -> None:
    grower_id = new_id("ent")
    for grows, version in ((True, 1), (False, 1)):
        growers.apply_grower(
            events_pb2.EnterpriseChanged(
                enterprise_id=grower_id, representative_id=tea_product.merchant.owner_id, grows=grows, version=version
            )
        )
    assert stub.AddLot(added(tea_product, grower_id=grower_id), metadata=vendor).lot.for_sale
    other = new_id("ent")
    growers.apply_grower(
        events_pb2.EnterpriseChanged(enterprise_id=other, representative_id="usr_other", grows=True, version=1)
    )
    refused("NO_RELATION", stub.AddLot, added(tea_product, grower_id=other), vendor)


def test_the_same_lot_many_times_at_once_comes_in_once(tea_product: Product, stub: Any, vendor: Caller) -> None:
    request = added(tea_product)
    with ThreadPoolExecutor(8) as pool:
        lots = list(pool.map(lambda _: stub.AddLot(request, metadata=vendor).lot.lot_id, range(8)))
    assert len(set(lots)) == 1
    assert available(tea_product) == 65_000


def test_a_lot_that_made_room_does_not_come_in_again(
    tea_product: Product, stub: Any, vendor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "LOTS_MAX", 2)
    first = added(tea_product, 5)
    gone = stub.AddLot(first, metadata=vendor).lot
    refused("LIMIT_EXCEEDED", stub.AddLot, added(tea_product), vendor)
    steps.reserve("ord_1", [Line(tea_product.id, 60_005)], clock.now() + timedelta(minutes=5))
    steps.sell("ord_1", [Line(tea_product.id, 60_005)])
    for _ in range(2):
        stub.AddLot(added(tea_product, 7), metadata=vendor)
        assert ties.look() == ties.Looked(1, 0, {})
        steps.reserve("ord_2", [Line(tea_product.id, 7)], clock.now() + timedelta(minutes=5))
        if available(tea_product) == 0 and store.spent_lot(gone.lot_id) is None:
            steps.sell("ord_2", [Line(tea_product.id, 7)])
    assert store.spent_lot(gone.lot_id) is not None
    assert stub.AddLot(first, metadata=vendor).lot.sold == 5
    assert available(tea_product) == 7


def test_a_loss_of_a_lot_that_made_room_is_known_when_it_is_sent_again(
    tea_product: Product, stub: Any, vendor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelves, "LOTS_MAX", 2)
    gone = stub.AddLot(added(tea_product, 5), metadata=vendor).lot
    loss = pb.WriteOffRequest(
        request_id=new_key(), product_id=tea_product.id, lot_id=gone.lot_id, quantity=5, reason="dập nát"
    )
    lot = stub.WriteOff(loss, metadata=vendor).lot
    stub.AddLot(added(tea_product), metadata=vendor)
    assert store.spent_lot(gone.lot_id) is not None
    assert stub.WriteOff(loss, metadata=vendor).lot == lot
    loss.quantity = 4
    refused("IDEMPOTENCY_CONFLICT", stub.WriteOff, loss, vendor)
    loss.request_id = new_key()
    refused("OUT_OF_STOCK", stub.WriteOff, loss, vendor)
    loss.lot_id = "lot_x"
    refused("NOT_FOUND", stub.WriteOff, loss, vendor)
