"""A stall's printed code that was replaced: refused, without charging anybody twice."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import StandReissued
from cho.payments.v1 import payments_pb2 as pb

from kit import qr
from kit.clock import now
from kit.ids import new_id, new_key
from kit.streams.event import Event
from services.orders.paycode import payload as orders_code
from services.payments.server.common import body_hash
from services.payments.server.directory import Directory
from services.payments.store.people import People
from services.payments.store.stickers import REISSUED, Stickers, put_issue
from tests.payments.api import Api
from tests.payments.conftest import Bench

pytestmark = pytest.mark.anyio


def printed(merchant: str, issue: int | None = None, request_reference: str | None = None) -> str:
    named: dict[str, Any] = {"mcc": "5499", "merchant_name": "BA LAN", "merchant_city": "THAI NGUYEN"}
    return qr.encode(
        qr.QrCode(static=True, merchant_id=merchant, issue=issue, request_reference=request_reference, **named)
    )


def reissue(client: redis.Redis, merchant: str, issue: int) -> None:
    told = StandReissued(merchant_id=merchant, issue=issue).SerializeToString()
    put_issue(client, Event(new_id("evt"), REISSUED, "onboarding", merchant, now(), "", told))


def pay(wallet: str, payload: str, key: str = "") -> pb.PayRequest:
    return pb.PayRequest(wallet_id=wallet, qr_payload=payload, amount=1_000, idempotency_key=key or new_key())


async def test_a_replaced_code_is_refused_and_the_new_one_is_paid(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    with api.bench.redis() as client:
        reissue(client, merchant, 3)
    for old in (printed(merchant), printed(merchant, 2)):
        assert await api.code(shopper, "InspectQr", pb.InspectQrRequest(payload=old)) == "QR_REISSUED"
        assert await api.code(shopper, "Pay", pay(wallet, old)) == "QR_REISSUED"
    for good in (printed(merchant, 3), printed(merchant, None, "yc-1")):
        assert (await api(shopper, "InspectQr", pb.InspectQrRequest(payload=good))).payable
        await api(shopper, "Pay", pay(wallet, good))
    assert await api.bench.balance(wallet) == 7_000


async def test_an_orders_code_was_never_printed_and_is_paid_though_the_stalls_sticker_was_replaced(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    with api.bench.redis() as client:
        reissue(client, merchant, 2)
    order = orders_code(
        merchant_id=merchant, merchant_name="Bà Lan", market_name="Chợ Thái", stall="A-1", category_code="5499",
        amount=1_000, code="4F7K2M9Q", expires_at=now() + timedelta(minutes=15),
    )  # fmt: skip
    assert (await api(shopper, "InspectQr", pb.InspectQrRequest(payload=order))).payable
    await api(shopper, "Pay", pay(wallet, order))
    assert await api.bench.balance(wallet) == 8_000


async def test_what_is_refused_is_refused_for_good(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    late = pay(wallet, printed(merchant))
    with api.bench.redis() as client:
        reissue(client, merchant, 2)
    assert await api.code(shopper, "Pay", late) == "QR_REISSUED"
    assert await api.code(shopper, "Pay", late) == "QR_REISSUED", "the same again"
    by_hand = pb.PayRequest(wallet_id=wallet, merchant_id=merchant, amount=1_000, idempotency_key=late.idempotency_key)
    assert await api.code(shopper, "Pay", by_hand) == "KEY_SPENT"
    assert await api.bench.balance(wallet) == 9_000


async def test_a_payment_that_was_made_is_not_refused_afterwards(api: Api) -> None:
    (shopper, wallet), (_, merchant) = await api.shopper(9_000), await api.vendor()
    request = pay(wallet, printed(merchant))
    # Its answer was lost on the way.
    made = await api.bench.pay(
        wallet, merchant, 1_000, caller=shopper.sub, key=request.idempotency_key, body_hash=body_hash(request)
    )
    with api.bench.redis() as client:
        reissue(client, merchant, 2)
    assert (await api(shopper, "Pay", request)).payment.transfer_id == made.transfer_id
    assert await api.code(shopper, "Pay", pay(wallet, printed(merchant))) == "QR_REISSUED"
    assert await api.bench.balance(wallet) == 8_000


async def test_a_server_forgets_the_issue_when_it_is_told_of_a_new_one(bench: Bench) -> None:
    merchant, people, stickers = new_id("mer"), People(bench.url), Stickers(bench.url)
    directory, code = Directory(bench.ledger, people, stickers), qr.decode(printed(merchant))
    assert not await directory.is_void(code)
    with bench.redis() as client:
        reissue(client, merchant, 3)
        reissue(client, merchant, 2)
        assert client.hget("payments:issues", merchant) == "3", "an older event changes nothing"
    directory.forget_merchant(merchant, "")
    assert await directory.is_void(code)
    await people.close()
    await stickers.close()


async def test_payments_go_on_where_issues_cannot_be_looked_up() -> None:
    stickers = Stickers("redis://127.0.0.1:1/0")
    assert await stickers.issue(new_id("mer")) == 1
    await stickers.close()
