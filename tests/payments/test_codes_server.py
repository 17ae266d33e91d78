"""Payers' one-time codes over a real channel: a ceiling, minutes to live, one use, and the vendor's own stall."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from cho.payments.v1 import codes_pb2 as cd
from cho.payments.v1 import payments_pb2 as pb

from kit.clock import now_ms
from kit.ids import new_key
from services.payments import codes, limits
from tests.payments.api import Api, Person, person

pytestmark = pytest.mark.anyio


async def present(api: Api, who: Person, wallet: str, ceiling: int = 50_000, **more: Any) -> str:
    reply = await api(who, "PresentCode", cd.PresentCodeRequest(wallet_id=wallet, ceiling=ceiling, **more))
    return str(reply.code)


def redeem(merchant: str, code: str, amount: int = 30_000, **more: Any) -> cd.RedeemCodeRequest:
    more.setdefault("idempotency_key", new_key())
    return cd.RedeemCodeRequest(merchant_id=merchant, code=code, amount=amount, **more)


async def state(api: Api, who: Person, code: str) -> int:
    return int((await api(who, "CheckCode", cd.CheckCodeRequest(code=code))).state)


async def test_a_code_pays_the_vendor_who_scans_it_once(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    code = await present(api, shopper, wallet)
    assert await state(api, shopper, code) == cd.CODE_STATE_ACTIVE
    request = redeem(merchant, f"{code[:6]} {code[6:12]}-{code[12:]}", reference="B7", note="2 kg rau")
    first = await api(vendor, "RedeemCode", request)
    assert await api(vendor, "RedeemCode", request) == first
    paid = first.payment
    assert (paid.kind, paid.amount, paid.reference) == (pb.TRANSFER_KIND_PAYMENT, 30_000, "B7")
    assert (await api.bench.balance(wallet), await api.bench.balance(merchant)) == (70_000, 30_000)
    assert await state(api, shopper, code) == cd.CODE_STATE_USED
    assert await api.code(vendor, "RedeemCode", redeem(merchant, code)) == "CODE_USED"
    mine = (await api(shopper, "ListTransfers", pb.ListTransfersRequest(account_id=wallet, limit=1))).transfers[0]
    assert (mine.transfer_id, mine.code) == (paid.transfer_id, paid.code)


async def test_of_vendors_who_redeem_one_code_at_once_one_is_paid(api: Api) -> None:
    (shopper, wallet), vendors = await api.shopper(100_000), [await api.vendor() for _ in range(6)]
    code = await present(api, shopper, wallet)
    replies = await asyncio.gather(
        *(api(vendor, "RedeemCode", redeem(merchant, code)) for vendor, merchant in vendors), return_exceptions=True
    )
    assert sum(isinstance(reply, cd.RedeemCodeResponse) for reply in replies) == 1
    assert await api.bench.balance(wallet) == 70_000


async def test_above_its_ceiling_late_or_cancelled_a_code_pays_nothing(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    assert await api.code(vendor, "RedeemCode", redeem(merchant, await present(api, shopper, wallet), 50_001)) == (
        "CODE_CEILING"
    )
    code = await present(api, shopper, wallet)
    for _ in range(2):
        await api(shopper, "CancelCode", cd.CancelCodeRequest(code=code))
    assert await state(api, shopper, code) == cd.CODE_STATE_CANCELLED
    assert await api.code(vendor, "RedeemCode", redeem(merchant, code)) == "CODE_USED"
    late = await present(api, shopper, wallet)
    with api.bench.redis() as client:
        client.hset(api.bench.keys.code(codes.digest_of(late)), "e", now_ms() - 1)
    assert await state(api, shopper, late) == cd.CODE_STATE_EXPIRED
    assert await api.code(vendor, "RedeemCode", redeem(merchant, late)) == "CODE_EXPIRED"
    used = await present(api, shopper, wallet)
    await api(vendor, "RedeemCode", redeem(merchant, used))
    assert await api.code(shopper, "CancelCode", cd.CancelCodeRequest(code=used)) == "CODE_USED"
    assert await api.bench.balance(wallet) == 70_000


async def test_a_vendor_redeems_for_their_own_stall_only(api: Api) -> None:
    (shopper, wallet), (_, merchant), (other, _) = await api.shopper(100_000), await api.vendor(), await api.vendor()
    code = await present(api, shopper, wallet)
    assert await api.code(other, "RedeemCode", redeem(merchant, code)) == "MERCHANT_NOT_FOUND"
    assert await api.code(shopper, "RedeemCode", redeem(merchant, code)) == "PERMISSION_DENIED"
    assert await state(api, shopper, code) == cd.CODE_STATE_ACTIVE


async def test_a_code_is_made_for_ones_own_wallet_and_shown_to_nobody_else(api: Api) -> None:
    (shopper, wallet), (stranger, _) = await api.shopper(100_000), await api.shopper()
    request = cd.PresentCodeRequest(wallet_id=wallet, ceiling=1)
    assert await api.code(stranger, "PresentCode", request) == "ACCOUNT_NOT_FOUND"
    code = await present(api, shopper, wallet)
    for method, asked in (("CheckCode", cd.CheckCodeRequest), ("CancelCode", cd.CancelCodeRequest)):
        assert await api.code(stranger, method, asked(code=code)) == "CODE_INVALID"
    with api.bench.redis() as client:
        stored = str([client.hgetall(k) for k in client.keys("*:o:*")] + [client.xrange(api.bench.keys.stream)])
    assert code not in stored
    assert code not in str(api.bench.dump())


async def test_a_high_ceiling_needs_a_fresh_pin_and_limits_hold(api: Api) -> None:
    shopper, wallet = await api.shopper(100_000)
    request = cd.PresentCodeRequest(wallet_id=wallet, ceiling=10_000_001)
    old = str(int(time.time()) - 3_600)
    assert await api.code(shopper, "PresentCode", request, x_cho_pin_at=old) == "STEP_UP_NEEDED"
    assert (await api(shopper, "PresentCode", request)).ceiling == 10_000_001
    for bad in ({"ceiling": 0}, {"ceiling": 10**12 + 1}, {"lives_s": 29}, {"lives_s": 601}, {"lives_s": -1}):
        request = cd.PresentCodeRequest(**{"wallet_id": wallet, "ceiling": 1, **bad})
        wrong = "AMOUNT_INVALID" if "ceiling" in bad else "INVALID_ARGUMENT"
        assert await api.code(shopper, "PresentCode", request) == wrong


async def test_a_device_known_for_less_than_the_rule_asks_makes_no_code_above_the_rules_amount(api: Api) -> None:
    """Nobody reviews a code in its ten minutes: an accomplice's stall would have the money at once."""
    rule = next(rule for rule in limits.own(60) if rule.scope == "device")
    now_s, (shopper, wallet) = int(time.time()), await api.shopper(100_000)
    hour, two_days, young = now_s - 3_600, now_s - 2 * 86_400, now_s - rule.arg // 1000 + 60
    at_most, above = (cd.PresentCodeRequest(wallet_id=wallet, ceiling=rule.most + more) for more in (0, 1))
    before = api.bench.dump()
    for since in (now_s, hour, young):
        assert await api.code(shopper, "PresentCode", above, x_cho_dev_at=str(since)) == "VELOCITY_EXCEEDED"
    assert api.bench.dump() == before
    for request, since in ((at_most, hour), (at_most, two_days), (above, two_days), (above, now_s - rule.arg // 1000)):
        assert (await api(shopper, "PresentCode", request, x_cho_dev_at=str(since))).ceiling == request.ceiling


async def test_a_slip_of_the_finger_is_noticed_before_anybody_is_asked(api: Api) -> None:
    (shopper, wallet), (vendor, merchant) = await api.shopper(100_000), await api.vendor()
    code = await present(api, shopper, wallet)
    slip = code[:-1] + str((int(code[-1]) + 1) % 10)
    before = api.bench.dump()
    unknown = codes.new_code()
    for wrong in (slip, "", "12", "x" * 18, "٣" * 18, unknown):
        assert await api.code(vendor, "RedeemCode", redeem(merchant, wrong)) == "CODE_INVALID"
    assert api.bench.dump() == before
    assert await api.code(person("vendor"), "CheckCode", cd.CheckCodeRequest(code=unknown)) == "CODE_INVALID"
