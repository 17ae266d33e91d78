"""Outward feeds through a real gRPC channel: whole, what has changed since, and what is missing in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from cho.catalog.v1 import feeds_pb2 as pb
from cho.catalog.v1 import feeds_pb2_grpc
from cho.events.v1 import events_pb2
from lxml import etree

from kit.clock import now_ms
from kit.config import settings
from kit.errors import Unavailable
from kit.ids import new_id
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from services.catalog import store
from services.catalog.feeds import server
from services.catalog.merchant import Merchant
from services.catalog.search.index import Index
from tests.catalog.stalls import BAY, ELSEWHERE, MARKET, NGA

PHOTO = "ab" * 32


@pytest.fixture
def stub(index: Index) -> Iterator[Any]:
    running = Server("127.0.0.1:0", server.feed_servicers(index))
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield feeds_pb2_grpc.FeedServiceStub(channel)
    running.stop()


@pytest.fixture
def tell(index: Index) -> Callable[..., str]:
    """A change of a product, told so many ms after T; its id."""

    def told(after_ms: int, name: str, merchant: Merchant = NGA, **fields: object) -> str:
        fact = events_pb2.ProductChanged(
            **{  # type: ignore[arg-type]
                "product_id": new_id("prd"), "version": 1, "price": 1_000, "stock": 5, "description": "ngon",
                "photos": [PHOTO], "unit": "kg", **fields,
            },
            name=name, merchant_id=merchant.id,
        )  # fmt: skip
        with index.write() as batch:
            batch.told_ms = T + after_ms
            batch.put_product(fact)
        return fact.product_id

    return told


T = now_ms()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What time it is, Unix ms."""
    times = [T]
    monkeypatch.setattr(server, "now_ms", lambda: times[0])
    return times


def feed(stub: Any, form: str = "google.xml", **asked: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Availability by title of a Google feed, by id of what is gone from it, and the headers."""
    call = stub.GetFeed(pb.GetFeedRequest(format=form, **asked))
    data = b"".join(piece.data for piece in call)
    headers = dict(call.initial_metadata())
    assert headers["x-cho-bytes"] == str(len(data))
    ns = {"g": "http://base.google.com/ns/1.0"}
    said = [
        [item.findtext(f"g:{name}", "", ns) for name in ("title", "id", "availability")]
        for item in etree.fromstring(data).iter("item")
    ]
    found = {title or product_id: availability for title, product_id, availability in said}
    return found, headers


def test_a_whole_feed_has_all_that_is_shown(stub: Any, tell: Callable[..., str]) -> None:
    tell(0, "Chè")
    tell(0, "Hết", stock=0)
    tell(0, "Ẩn", hidden=True)
    tell(0, "Không ảnh", photos=[])
    tell(0, "Cá", BAY)
    found, headers = feed(stub)
    assert found == {"Chè": "in_stock", "Hết": "out_of_stock", "Cá": "in_stock"}
    assert feed(stub, market_id=ELSEWHERE)[0] == {"Cá": "in_stock"}
    assert feed(stub, merchant_id=NGA.id, market_id=MARKET)[0] == {"Chè": "in_stock", "Hết": "out_of_stock"}
    assert feed(stub, merchant_id=NGA.id, market_id=ELSEWHERE)[0] == {}
    assert headers["cache-control"] == "public, max-age=5"
    assert headers["x-cho-next-since"] == str(T - server.AGAIN_MS)


def test_where_nothing_has_changed_for_long_nothing_comes_again(
    stub: Any, tell: Callable[..., str], clock: list[int]
) -> None:
    tell(0, "Chè")
    clock[0] = T + 3_600_000
    since = int(feed(stub)[1]["x-cho-next-since"])
    assert since == T
    assert feed(stub, since=since)[0] == {}


def test_what_has_changed_comes_again_and_what_is_not_shown_any_more_is_out_of_stock(
    stub: Any, index: Index, tell: Callable[..., str], clock: list[int]
) -> None:
    tea, fish, rice = tell(0, "Chè"), tell(0, "Cá", BAY), tell(0, "Gạo")
    _, headers = feed(stub)
    far = 60_000
    assert len(feed(stub, since=int(headers["x-cho-next-since"]))[0]) == 3  # the last seconds come again
    clock[0] += far
    since = int(feed(stub)[1]["x-cho-next-since"])
    assert feed(stub, since=since)[0] == {}
    tell(far, "Chè", product_id=tea, version=2, stock=0)
    tell(far, "Gạo", product_id=rice, version=2, photos=[])
    found, headers = feed(stub, since=since)
    assert found == {"Chè": "out_of_stock", rice: "out_of_stock"}
    with index.write() as batch:
        batch.told_ms = T + 2 * far
        batch.put_merchant(Merchant(BAY.id, BAY.name, BAY.owner_id, ELSEWHERE, False, 2))
    clock[0] += far
    assert feed(stub, since=T + far)[0] == {fish: "out_of_stock"}
    assert set(feed(stub)[0]) == {"Chè"}


def test_what_was_never_published_is_told_to_nobody_and_what_is_hidden_by_its_id_alone(
    stub: Any, tell: Callable[..., str]
) -> None:
    tell(0, "Chè")
    tell(0, "Giò Tết, chưa bán", hidden=True, state="draft")
    gone = tell(0, "Ẩn", hidden=True, state="hidden", description="đổi chữ khi đã ẩn", price=77_000)
    for form in ("google.xml", "google.tsv", "postmart.csv", "voso.csv"):
        call = stub.GetFeed(pb.GetFeedRequest(format=form, since=1))
        data = b"".join(piece.data for piece in call).decode()
        assert "Chè" in data
        assert gone in data
        assert not [said for said in ("Giò", "Ẩn", "đổi chữ", "77000") if said in data]
        (line,) = (line for line in data.splitlines() if gone in line)
        assert not [said for said in (NGA.name, PHOTO, "kg") if said in line]


def test_one_content_has_one_etag_and_a_change_has_another(stub: Any, tell: Callable[..., str]) -> None:
    tea = tell(0, "Chè")
    first, again = feed(stub)[1]["etag"], feed(stub)[1]["etag"]
    assert first == again
    tell(0, "Cá", BAY, photos=[])  # not in the file
    assert feed(stub)[1]["etag"] == first
    assert feed(stub, "google.xml", market_id=ELSEWHERE)[1]["etag"] != first
    tell(1, "Chè", product_id=tea, version=2, stock=4)
    assert feed(stub)[1]["etag"] == first  # Google is told whether there is any, not how much
    tell(2, "Chè", product_id=tea, version=3, price=2_000)
    assert feed(stub)[1]["etag"] != first


def test_who_has_a_feed_is_told_that_it_has_not_changed_and_from_when_to_ask_next(
    stub: Any, tell: Callable[..., str]
) -> None:
    tea = tell(0, "Chè")
    has = (("if-none-match", feed(stub)[1]["etag"]),)
    call = stub.GetFeed(pb.GetFeedRequest(format="google.xml"), metadata=has)
    assert b"".join(piece.data for piece in call) == b""
    headers = dict(call.initial_metadata())
    assert (headers["x-cho-not-modified"], headers["etag"]) == ("1", has[0][1])
    assert int(headers["x-cho-next-since"]) > 0
    tell(1, "Chè", product_id=tea, version=2, price=2_000)
    call = stub.GetFeed(pb.GetFeedRequest(format="google.xml"), metadata=has)
    assert b"2000" in b"".join(piece.data for piece in call)


def test_a_large_feed_comes_in_chunks_without_gap_or_repetition(
    stub: Any, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CHUNK", 7)
    monkeypatch.setattr(server, "PIECE_BYTES", 100)
    for number in range(30):
        tell(0, f"Chè {number}")
    assert set(feed(stub)[0]) == {f"Chè {number}" for number in range(30)}


def test_what_fails_while_a_file_is_made_is_an_error_and_no_short_file(
    stub: Any, index: Index, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "CHUNK", 1)
    for number in range(3):
        tell(0, f"Chè {number}")
    read, calls = index.told, []

    def told(*asked: Any) -> Any:
        calls.append(asked)
        if len(calls) == 3:
            raise Unavailable("the disk is gone")
        return read(*asked)

    monkeypatch.setattr(index, "told", told)
    pieces: list[bytes] = []
    refused(
        "UNAVAILABLE", lambda: pieces.extend(one.data for one in stub.GetFeed(pb.GetFeedRequest(format="voso.csv")))
    )
    assert pieces == []
    monkeypatch.undo()


def test_who_does_not_take_a_file_gives_its_place_back(
    stub: Any, tell: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(0, "Chè")
    monkeypatch.setattr(server, "PIECE_BYTES", 10)
    monkeypatch.setattr(server, "SEND_S_MAX", -1)
    for _ in range(server.AT_ONCE + 1):
        refused("OVERLOADED", lambda: feed(stub))


def refused(code: str, call: Callable[[], Any]) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        call()
    assert error_code(raised.value) == code


def test_a_feed_that_is_none_is_refused(stub: Any) -> None:
    refused("NOT_FOUND", lambda: list(stub.GetFeed(pb.GetFeedRequest(format="amazon.xml"))))
    for wrong in ({"since": -1}, {"merchant_id": "x" * 65}, {"market_id": "x" * 65}):
        refused("INVALID_ARGUMENT", lambda w=wrong: list(stub.GetFeed(pb.GetFeedRequest(format="voso.csv", **w))))


def test_no_more_feeds_are_written_at_once_than_the_machine_has_room_for(stub: Any) -> None:
    for _ in range(server.AT_ONCE):
        assert server._slots.acquire(blocking=False)
    try:
        refused("OVERLOADED", lambda: feed(stub))
    finally:
        for _ in range(server.AT_ONCE):
            server._slots.release()
    assert feed(stub)[0] == {}
    for _ in range(3 * server.AT_ONCE):  # who leaves in the middle gives its turn back
        refused("NOT_FOUND", lambda: list(stub.GetFeed(pb.GetFeedRequest(format="x"))))
    assert feed(stub)[0] == {}


def test_a_vendor_hears_what_keeps_goods_out_of_a_feed(
    stub: Any, database: None, tell: Callable[..., str], merchant_changed: Callable[..., events_pb2.MerchantChanged]
) -> None:
    told = merchant_changed(merchant_id=NGA.id, owner_id=NGA.owner_id)
    store.apply_merchant("merchant.activated", told)
    tell(0, "Chè")
    bare = tell(0, "Không ảnh", photos=[], description="")
    tell(0, "Cá", BAY, photos=[])

    def ask(sub: str, role: str) -> Any:
        claims = (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", role))
        return stub.ListFeedProblems(pb.ListFeedProblemsRequest(format="voso.csv", merchant_id=NGA.id), metadata=claims)

    reply = ask(NGA.owner_id, "vendor")
    assert [(one.product_id, one.name, list(one.problems)) for one in reply.products] == [
        (bare, "Không ảnh", ["NO_PHOTO", "NO_DESCRIPTION"])
    ]
    assert reply.good == 1
    assert ask(new_id("usr"), "operator") == reply
    refused("NOT_FOUND", lambda: ask(new_id("usr"), "vendor"))
    refused("PERMISSION_DENIED", lambda: ask(NGA.owner_id, "shopper"))
