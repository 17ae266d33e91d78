"""Scans of stickers, alarms, and the watch over what stalls are paid, on real engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import grpc
import pytest
import redis
from cho.events.v1 import events_pb2
from cho.onboarding.v1 import sentinel_pb2 as pb

from kit import qr
from kit.errors import Contention
from kit.ids import new_id, new_key
from kit.qr import emv
from kit.streams.event import Event
from services.onboarding import announced, seed
from services.onboarding.announced import STREAM
from services.onboarding.form import Form
from services.onboarding.sentinel import watch
from services.onboarding.store import alarms
from services.onboarding.store.alarms import AlarmDocument, QuietDocument
from services.onboarding.store.stands import StandDocument
from tests.onboarding.calls import Caller, active

pytestmark = pytest.mark.usefixtures("database", "_no_alarms")

MARKET = seed.markets()[0].market_id
OPENS = datetime(2026, 11, 28, 23, 0, tzinfo=UTC)
NAMED = {"mcc": "5411", "merchant_name": "Co Nga", "merchant_city": "Thai Nguyen"}


@pytest.fixture
def _no_alarms(database: None) -> None:
    for document in (AlarmDocument, QuietDocument, StandDocument):
        document.objects.delete()


def ours(merchant: str, issue: int | None = None) -> str:
    return qr.encode(qr.QrCode(static=True, merchant_id=merchant, issue=issue, **NAMED))  # type: ignore[arg-type]


def banks(account: str, bank: str = "970405") -> str:
    return qr.encode(qr.QrCode(static=True, bin=bank, account=account))


def both(merchant: str, **account: str) -> str:
    return qr.encode(qr.QrCode(static=True, merchant_id=merchant, **account, **NAMED))  # type: ignore[arg-type]


def beside(payload: str, account: str) -> str:
    """The code with the account of another scheme before what it has."""
    at = payload.index("010211") + len("010211")
    body = payload[:at] + account + payload[at:-4]
    return body + emv.crc(body)


# Scans ---------------------------------------------------------------------------------------------------------


def test_the_morning_scan_proves_that_the_sticker_pays_the_vendor(vendor: Caller, registration: Form) -> None:
    merchant = active(registration)
    for payload in (
        vendor("GetMerchantQr", merchant_id=merchant, format="payload").data.decode(),
        banks(registration.account_number),
    ):
        said = vendor("CheckSticker", merchant_id=merchant, payload=payload)
        assert (said.verdict, said.alarm_id) == (pb.STICKER_VERDICT_OK, "")
        assert "đúng sạp" in said.message
    assert vendor("GetStand", merchant_id=merchant).stand.HasField("proven_at")
    assert not list(AlarmDocument.objects(market_id=MARKET))


def test_a_foreign_code_raises_one_alarm_however_often_it_is_scanned(
    vendor: Caller, manager: Caller, registration: Form
) -> None:
    merchant, thief = active(registration), new_id("mer")
    said = [vendor("CheckSticker", merchant_id=merchant, payload=ours(thief)) for _ in range(3)]
    assert {one.verdict for one in said} == {pb.STICKER_VERDICT_FOREIGN}
    assert "người khác" in said[0].message
    (alarm,) = manager("ListAlarms", market_id=MARKET, state=pb.ALARM_STATE_OPEN).alarms
    assert {one.alarm_id for one in said} == {alarm.alarm_id}
    assert (alarm.kind, alarm.detail, alarm.times, alarm.stall) == (pb.ALARM_KIND_FOREIGN_CODE, thief, 3, "A-12")
    (event,) = AlarmDocument.objects(id=alarm.alarm_id).get().outbox
    told = events_pb2.SentinelAlarm.FromString(event.data)
    assert (event.type, told.kind, told.merchant_id, told.state) == (
        "sentinel.alarmed", "foreign_code", merchant, "open",
    )  # fmt: skip
    assert not vendor("GetStand", merchant_id=merchant).stand.HasField("proven_at")


def test_a_banks_foreign_code_is_named_by_bank_and_the_end_of_its_account(
    vendor: Caller, manager: Caller, registration: Form
) -> None:
    merchant = active(registration)
    vendor("CheckSticker", merchant_id=merchant, payload=banks("99887766554433", "970436"))
    (alarm,) = manager("ListAlarms", market_id=MARKET, state=pb.ALARM_STATE_OPEN).alarms
    assert alarm.detail == "Vietcombank **********4433"


def test_a_code_that_names_the_vendor_and_beside_them_a_thiefs_account_is_foreign(
    vendor: Caller, manager: Caller, registration: Form
) -> None:
    merchant = active(registration)
    check = lambda payload: vendor("CheckSticker", merchant_id=merchant, payload=payload).verdict  # noqa: E731
    own = {"bin": registration.bank_bin, "account": registration.account_number}
    assert check(both(merchant, **own)) == pb.STICKER_VERDICT_OK
    # A bank's app reads the bank's part and pays the thief, past the ledger.
    assert check(both(merchant, bin="970436", account="99887766554433")) == pb.STICKER_VERDICT_FOREIGN
    (alarm,) = manager("ListAlarms", market_id=MARKET, state=pb.ALARM_STATE_OPEN).alarms
    assert alarm.detail == "Vietcombank **********4433"
    assert check(beside(ours(merchant), emv.write("02", "4000123456789012"))) == pb.STICKER_VERDICT_FOREIGN
    (alarm,) = manager("ListAlarms", market_id=MARKET, state=pb.ALARM_STATE_OPEN).alarms
    assert (alarm.detail, alarm.times) == ("another scheme's code", 2)


def test_a_replaced_code_and_one_that_cannot_be_read_raise_no_alarm(
    vendor: Caller, manager: Caller, registration: Form
) -> None:
    merchant = active(registration)
    manager("ReissueStand", request_id=new_key(), merchant_id=merchant, reason="bị dán đè")
    check = lambda payload: vendor("CheckSticker", merchant_id=merchant, payload=payload).verdict  # noqa: E731
    assert check(ours(merchant)) == pb.STICKER_VERDICT_OLD_ISSUE
    assert check(ours(merchant, 2)) == pb.STICKER_VERDICT_OK
    assert check(ours(merchant)[:-1]) == pb.STICKER_VERDICT_UNREADABLE
    assert check("https://example.vn") == pb.STICKER_VERDICT_UNREADABLE
    assert not list(AlarmDocument.objects(market_id=MARKET))
    for payload in ("", "x" * 513):
        assert vendor.refused("CheckSticker", merchant_id=merchant, payload=payload) == "INVALID_ARGUMENT"


def test_an_alarm_is_seen_and_resolved_and_then_the_next_is_another(
    vendor: Caller, manager: Caller, channel: grpc.Channel, registration: Form
) -> None:
    merchant = active(registration)
    scan = lambda: vendor("CheckSticker", merchant_id=merchant, payload=ours(new_id("mer"))).alarm_id  # noqa: E731
    alarm, other = scan(), Caller(channel, new_id("usr"), "operator")
    seen = manager("SeeAlarm", alarm_id=alarm).alarm
    assert (seen.state, seen.seen_by) == (pb.ALARM_STATE_SEEN, manager.sub)
    assert other("SeeAlarm", alarm_id=alarm).alarm == seen
    assert manager.refused("ResolveAlarm", alarm_id=alarm) == "INVALID_ARGUMENT"
    resolved = manager("ResolveAlarm", alarm_id=alarm, note="gỡ mã dán đè, báo công an").alarm
    assert (resolved.state, resolved.note) == (pb.ALARM_STATE_RESOLVED, "gỡ mã dán đè, báo công an")
    assert manager("ResolveAlarm", alarm_id=alarm, note="gỡ mã dán đè, báo công an").alarm == resolved
    assert other.refused("ResolveAlarm", alarm_id=alarm, note="khác") == "WRONG_STATE"
    assert other.refused("SeeAlarm", alarm_id=alarm) == "WRONG_STATE"
    assert scan() != alarm
    events = [event.type for event in AlarmDocument.objects(id=alarm).get().outbox]
    assert events == ["sentinel.alarmed", "sentinel.seen", "sentinel.resolved"]
    assert manager.refused("SeeAlarm", alarm_id=new_id("alm")) == "NOT_FOUND"


def test_of_many_scans_at_once_one_alarm_is_made(vendor: Caller, registration: Form) -> None:
    merchant = active(registration)
    with ThreadPoolExecutor(8) as pool:
        said = list(
            pool.map(lambda _: vendor("CheckSticker", merchant_id=merchant, payload=ours("mer_of_a_thief")), range(8))
        )
    assert len({one.alarm_id for one in said}) == 1
    assert AlarmDocument.objects(id=said[0].alarm_id).get().times == 8


def test_who_scans_for_fun_is_no_longer_counted_in_the_end(
    vendor: Caller, registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    merchant = active(registration)
    monkeypatch.setattr(alarms, "TIMES_MAX", 2)
    said = {vendor("CheckSticker", merchant_id=merchant, payload=ours("mer_of_a_thief")).alarm_id for _ in range(4)}
    assert [AlarmDocument.objects(id=alarm).get().times for alarm in said] == [2]


def test_alarms_are_listed_in_pages_newest_first(manager: Caller) -> None:
    made = [
        alarms.raise_alarm(
            alarms.Kind.QUIET, merchant_id=new_id("mer"), merchant_name="x", market_id=MARKET, stall="A-1", detail="d"
        ).alarm_id
        for _ in range(3)
    ]
    wanted = {"market_id": MARKET, "state": pb.ALARM_STATE_OPEN, "page_size": 2}
    first = manager("ListAlarms", **wanted)
    last = manager("ListAlarms", **wanted, page_token=first.next_page_token)
    assert [one.alarm_id for one in (*first.alarms, *last.alarms)] == sorted(made, reverse=True)
    assert last.next_page_token == ""
    for bad in ({"state": 0}, {"page_size": 101}, {"page_token": "trang 2"}):
        assert manager.refused("ListAlarms", **(wanted | bad)) == "INVALID_ARGUMENT"


def test_a_vendor_cannot_scan_at_a_strangers_stall(channel: grpc.Channel, registration: Form) -> None:
    merchant, stranger = active(registration), Caller(channel, new_id("usr"), "vendor")
    assert stranger.refused("CheckSticker", merchant_id=merchant, payload=ours(new_id("mer"))) == "NOT_FOUND"
    assert not list(AlarmDocument.objects(market_id=MARKET))


# The watch -----------------------------------------------------------------------------------------------------


class Till:
    """What payments announces."""

    def __init__(self, url: str) -> None:
        self.client = redis.Redis.from_url(url)
        self.line = self.client.pipeline(transaction=False)
        self.seq = 0

    def pay(self, merchant: str, minute: float, kind: str = "payment.captured") -> None:
        self.seq += 3
        at = OPENS + timedelta(minutes=minute)
        moved = events_pb2.PaymentMoved(merchant_id=merchant, amount=1_000, seq=self.seq, at_ms=ms(minute))
        event = Event(new_id("evt"), kind, "payments", merchant, at, "", moved.SerializeToString())
        self.line.xadd(STREAM, event.fields(), id=f"{self.seq}-0")

    def trade(self, merchants: list[str], first: int, last: int) -> None:
        for minute in range(first, last, 3):
            for merchant in merchants:
                self.pay(merchant, minute)

    def look(self, minute: float) -> int:
        self.line.execute()
        return watch.look(self.client, ms(minute + 1))


def ms(minute: float) -> int:
    return round((OPENS + timedelta(minutes=minute)).timestamp() * 1000)


@pytest.fixture
def till(valkey: str) -> Iterator[Till]:
    till = Till(valkey)
    yield till
    till.client.close()


@pytest.fixture
def stalls(another: Callable[[int], Form]) -> list[str]:
    """Six active merchants in section A; the first is the victim."""
    return [active(replace(another(number), stall=f"A-{number}")) for number in range(1, 7)]


def test_a_stall_that_goes_quiet_while_its_neighbours_are_busy_raises_one_alarm(
    till: Till, stalls: list[str], manager: Caller
) -> None:
    till.trade(stalls, 0, 120)
    assert till.look(120) == 0
    till.trade(stalls[1:], 120, 180)
    till.pay(stalls[0], 150, "payment.refunded")
    assert till.look(180) == 1
    till.trade(stalls[1:], 180, 240)
    assert till.look(240) == 0
    (alarm,) = manager("ListAlarms", market_id=MARKET, state=pb.ALARM_STATE_OPEN).alarms
    assert (alarm.kind, alarm.merchant_id, alarm.stall) == (pb.ALARM_KIND_QUIET, stalls[0], "A-1")
    assert alarm.detail.startswith("60 phút không có thanh toán")


def test_payments_of_strangers_are_passed_over(till: Till, stalls: list[str]) -> None:
    till.trade([new_id("mer")], 0, 30)
    assert till.look(45) == 0
    assert alarms.payments_read().seq == till.seq


def test_where_payments_were_trimmed_unread_the_days_begin_anew(till: Till, stalls: list[str]) -> None:
    till.trade(stalls, 0, 120)
    till.look(120)
    till.trade(stalls, 120, 150)
    till.line.xtrim(STREAM, maxlen=0)
    till.trade(stalls[1:], 150, 240)
    assert till.look(240) == 0
    day, _ = alarms.quiet_day(MARKET)
    assert stalls[0] not in day.sellers
    assert alarms.payments_read().missed > 0


def test_what_is_delivered_again_after_a_crash_between_two_writes_is_counted_once(
    till: Till, stalls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    till.trade(stalls, 0, 60)

    def dies(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(alarms, "keep_payments_read", dies)
        with pytest.raises(KeyboardInterrupt):
            till.look(60)
    till.look(60)
    day, _ = alarms.quiet_day(MARKET)
    assert {seller.payments for seller in day.sellers.values()} == {20}


def test_two_workers_do_not_count_the_same_payments_twice(till: Till, stalls: list[str]) -> None:
    till.trade(stalls, 0, 60)
    till.line.execute()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: watch.look(till.client, ms(61)), range(4)))
    till.look(60)
    day, _ = alarms.quiet_day(MARKET)
    assert {seller.payments for seller in day.sellers.values()} == {20}
    _, version = alarms.quiet_day(MARKET)
    with pytest.raises(Contention):
        alarms.keep_quiet_day(MARKET, day, version - 1)


def test_a_round_reads_no_more_than_it_may_and_calls_nobody_quiet_meanwhile(
    till: Till, stalls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announced, "BATCH", 5)
    monkeypatch.setattr(announced, "PAGE", 10)
    monkeypatch.setattr(watch, "PAGES_MAX", 2)
    till.trade(stalls, 0, 120)
    till.trade(stalls[1:], 120, 180)
    assert till.look(180) == 0
    assert alarms.payments_read().seq == 20 * 3
    monkeypatch.setattr(watch, "PAGES_MAX", 50)
    assert till.look(180) == 1
