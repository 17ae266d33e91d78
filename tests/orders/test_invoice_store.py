"""Invoices on a real MongoDB-wire server: no number lost or doubled, whoever dies where, whoever comes at once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from kit import clock, crypto, mongo
from kit.errors import (
    AlreadyExists,
    Contention,
    IdempotencyConflict,
    LimitExceeded,
    MerchantNotFound,
    NotFound,
    WrongState,
)
from kit.ids import new_id, new_key
from services.orders.invoices import delivery, issuing, sending, store
from services.orders.invoices import invoice as rules
from services.orders.invoices.delivery import Answer, CannotSend, Delivery
from services.orders.invoices.folder import Folder
from services.orders.invoices.invoice import Buyer, Invoicing, Kind
from tests.conftest import opened
from tests.orders.invoice_office import CITIZEN, Orders, comes_to, gapless, numbers, open_stall, told

BUYER = Buyer(name="Nguyễn Văn An", phone="+84912345678")


@pytest.fixture(scope="module")
def _opened(mongo_uri: str) -> Iterator[None]:
    with opened(lambda: mongo.open_store("orders_invoices", store.DOCUMENTS), mongo_uri):
        yield


@pytest.fixture(autouse=True)
def invoices(_opened: None) -> None:
    for document in store.DOCUMENTS:
        document.objects.delete()


@pytest.fixture
def orders() -> Orders:
    return Orders()


class Died(Exception):
    """The process, at a step."""


def dying_at(step: str) -> Any:
    def point(reached: str) -> None:
        if reached == step:
            raise Died(step)

    return point


def document(order: str) -> Any:
    return store.OrdersInvoice.objects(order_id=order).first()


# Issuing ---------------------------------------------------------------------------------------------------------


def test_a_paid_order_gets_one_invoice_however_often_it_is_told_of(orders: Orders) -> None:
    order = orders.place(open_stall())
    (made,) = issuing.settle(order, orders.read)
    for _ in range(3):
        assert issuing.settle(order, orders.read) == []
    assert (made.number, made.amount, made.kind) == (1, 90_000, Kind.ORIGINAL)
    year = rules.day_of(made.issued_at).year % 100
    assert numbers() == [(1, f"C{year}MAB", 1, f"M1-{year}-MNZLR-00000000001")]
    shown = store.get(made.invoice_id)
    assert shown.seller.address == "Sạp A-01, Chợ Thái, Phường Phan Đình Phùng, Thái Nguyên"
    said = etree.fromstring(store.xml_of(made.invoice_id))
    assert said.findtext("DLHDon/NDHDon/NBan/MST") == CITIZEN
    assert said.findtext("DLQRCode") == store.lookup_url(shown.lookup_code)


@pytest.mark.parametrize("step", ["headed", "stored", "counted"])
def test_whoever_dies_at_any_step_no_number_is_lost_or_doubled(orders: Orders, step: str) -> None:
    merchant = open_stall()
    issuing.settle(orders.place(merchant), orders.read)
    order, other = orders.place(merchant), orders.place(merchant)
    with pytest.raises(Died):
        issuing.settle(order, orders.read, dying_at(step))
    # Others go on meanwhile, and the event comes again.
    issuing.settle(other, orders.read)
    issuing.settle(order, orders.read)
    assert gapless()
    assert len(numbers()) == 3
    assert comes_to(order) == comes_to(other) == 90_000
    assert store.invoicing(merchant).issued == 3


def test_a_head_that_its_writer_left_behind_is_read_as_if_it_had_not_been(orders: Orders) -> None:
    merchant = open_stall()
    with pytest.raises(Died):
        issuing.settle(orders.place(merchant), orders.read, dying_at("stored"))
    assert store.InvoiceSeller.objects.first().ordinal == 0
    assert store.invoicing(merchant).issued == 1
    assert store.InvoiceSeller.objects.first().ordinal == 1


def test_many_at_once_get_numbers_without_a_gap_and_each_order_one_invoice(orders: Orders) -> None:
    merchant = open_stall()
    placed = [orders.place(merchant) for _ in range(12)]
    failed: list[BaseException] = []

    def work(mine: list[str]) -> None:
        for order in mine:
            try:
                issuing.settle(order, orders.read)
            except BaseException as error:
                failed.append(error)

    # Every order is told of twice, in another order.
    threads = [threading.Thread(target=work, args=(part,)) for part in (placed, placed[::-1], placed[6:], placed[:6])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert gapless()
    assert len(numbers()) == 12
    assert all(comes_to(order) == 90_000 for order in placed)


def test_stalls_of_one_tax_code_share_a_series_and_other_sellers_have_their_own(orders: Orders) -> None:
    first = open_stall()
    second = new_id("mer")
    store.put_stall(told(second))
    stranger = open_stall("7FGBT", "019185000002")
    for merchant in (first, second, stranger, first):
        issuing.settle(orders.place(merchant), orders.read)
    mine = sorted(one.number for one in store.OrdersInvoice.objects(seller=crypto.tax_index(CITIZEN)))
    assert mine == [1, 2, 3]
    assert [one.number for one in store.page(stranger, 10**11, 9) for one in [one.issued]] == [1]


def test_a_new_year_begins_a_series_and_the_code_goes_on(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = open_stall()
    last = datetime(2030, 12, 31, 16, 59, 59, tzinfo=UTC)
    for at in (last, last + timedelta(seconds=1), last + timedelta(seconds=2)):
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        issuing.settle(orders.place(merchant), orders.read)
    assert numbers() == [
        (1, "C30MAB", 1, "M1-30-MNZLR-00000000001"), (2, "C31MAB", 1, "M1-31-MNZLR-00000000002"),
        (3, "C31MAB", 2, "M1-31-MNZLR-00000000003"),
    ]  # fmt: skip


def test_a_clock_that_goes_back_takes_no_day_back(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = open_stall()
    at = datetime(2031, 1, 1, 0, 0, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: at)
    issuing.settle(orders.place(merchant, days_ago=0), orders.read)
    monkeypatch.setattr(clock, "now", lambda: at - timedelta(hours=20))
    issuing.settle(orders.place(merchant, days_ago=-2), orders.read)
    assert [one.issued_at for one in store.OrdersInvoice.objects().order_by("ordinal")] == [at, at]


def test_another_symbol_begins_at_one_and_the_old_one_is_over(orders: Orders) -> None:
    merchant = open_stall()
    issuing.settle(orders.place(merchant), orders.read)
    store.put_invoicing(merchant, Invoicing("MNZLR", "CD"), active=True, by="usr_v")
    issuing.settle(orders.place(merchant), orders.read)
    found = numbers()
    assert [(symbol[-2:], number) for _, symbol, number, _ in found] == [("AB", 1), ("CD", 1)]
    assert [code[-1] for *_, code in found] == ["1", "2"]


def test_a_series_that_is_full_says_so(orders: Orders) -> None:
    merchant = open_stall()
    year = rules.day_of(clock.now()).year
    symbol = rules.symbol_of(rules.day_of(clock.now()), "AB")
    assert symbol.startswith(f"C{year % 100}")
    store.InvoiceSeller.objects.update(**{f"set__numbers__{symbol}": rules.NUMBER_MAX - 1})
    issuing.settle(orders.place(merchant), orders.read)
    with pytest.raises(LimitExceeded):
        issuing.settle(orders.place(merchant), orders.read)


def test_who_issues_none_gets_none_and_what_was_placed_before_gets_none(orders: Orders) -> None:
    merchant = new_id("mer")
    assert issuing.settle(orders.place(merchant), orders.read) == []
    store.put_stall(told(merchant))
    assert issuing.settle(orders.place(merchant), orders.read) == []
    store.put_invoicing(merchant, Invoicing("MNZLR", "AB"), active=True, by="usr_v")
    early, late = orders.place(merchant, days_ago=1), orders.place(merchant)
    assert issuing.settle(early, orders.read) == []
    assert len(issuing.settle(late, orders.read)) == 1
    store.put_invoicing(merchant, Invoicing("MNZLR", "AB"), active=False, by="usr_v")
    assert issuing.settle(orders.place(merchant), orders.read) == []
    orders.keep(late, 0)
    assert len(issuing.settle(late, orders.read)) == 1, "what was issued is adjusted all the same"
    assert issuing.settle(new_id("ord"), orders.read) == []


def test_what_happens_to_the_order_meanwhile_has_its_adjustment(orders: Orders) -> None:
    order = orders.place(open_stall())

    def given_back(step: str) -> None:
        if step == "stored" and orders.sales[order].kept == 90_000:
            orders.keep(order, 50_000)

    made = issuing.settle(order, orders.read, given_back)
    assert [(one.kind, one.amount) for one in made] == [(Kind.ORIGINAL, 90_000), (Kind.ADJUSTING, -40_000)]
    assert comes_to(order) == 50_000
    assert made[1].related_id == made[0].invoice_id


def test_an_invoice_that_cannot_be_written_takes_no_number(orders: Orders) -> None:
    merchant = open_stall()
    order = orders.place(merchant)
    store.InvoiceStall.objects(id=merchant).update(set__name="\u200b")
    with pytest.raises(store.xml.NotValid):
        issuing.settle(order, orders.read)
    assert numbers() == []
    store.put_stall(told(merchant, version=9))
    issuing.settle(order, orders.read)
    assert gapless()


def test_an_order_that_keeps_changing_is_given_up_for_now(orders: Orders) -> None:
    order = orders.place(open_stall())

    def swing(_: str) -> Any:
        orders.keep(order, 50_000 if orders.sales[order].kept == 90_000 else 90_000)
        return orders.sales[order]

    with pytest.raises((Contention, LimitExceeded)):
        issuing.settle(order, swing)
    assert gapless()


# Who issues ------------------------------------------------------------------------------------------------------


def test_codes_are_one_sellers_and_what_changed_is_kept() -> None:
    merchant = open_stall()
    before = store.invoicing(merchant)
    assert store.put_invoicing(merchant, Invoicing("MNZLR", "AB"), active=True, by="usr_w") == before
    assert len(store.InvoiceSeller.objects.first().history) == 1
    changed = store.put_invoicing(merchant, Invoicing("7FGBT", "AB"), active=True, by="usr_w")
    assert (changed.invoicing.authority_code, changed.since) == ("7FGBT", before.since)
    other = new_id("mer")
    store.put_stall(told(other, code="019185000002"))
    with pytest.raises(AlreadyExists):
        store.put_invoicing(other, Invoicing("7FGBT", "AB"), active=True, by="usr_w")
    with pytest.raises(NotFound):
        store.invoicing(other)
    store.put_invoicing(other, Invoicing("AAAAA", "AB"), active=True, by="usr_w")
    with pytest.raises(AlreadyExists):
        store.put_invoicing(other, Invoicing("7FGBT", "AB"), active=True, by="usr_w")
    nobody = new_id("mer")
    with pytest.raises(MerchantNotFound):
        store.put_invoicing(nobody, Invoicing("BBBBB", "AB"), active=True, by="usr_w")
    store.put_stall(told(nobody, code=""))
    with pytest.raises(WrongState):
        store.put_invoicing(nobody, Invoicing("BBBBB", "AB"), active=True, by="usr_w")


def test_codes_do_not_change_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    merchant = open_stall()
    monkeypatch.setattr(store, "HISTORY_MAX", 2)
    store.put_invoicing(merchant, Invoicing("MNZLR", "CD"), active=True, by="usr_v")
    with pytest.raises(LimitExceeded):
        store.put_invoicing(merchant, Invoicing("MNZLR", "EF"), active=True, by="usr_v")


def test_an_older_event_and_one_without_a_tax_code_take_nothing_away() -> None:
    merchant = new_id("mer")
    store.put_stall(told(merchant, version=5))
    store.put_stall(told(merchant, version=4, owner="usr_x"))
    assert store.stall(merchant).owner_id == "usr_v"
    store.put_stall(told(merchant, version=6, code="", owner="usr_y"))
    assert store.stall(merchant) == store.Stall(merchant, "usr_y", crypto.tax_index(CITIZEN), "*" * 9 + "001")


def test_nothing_personal_is_at_rest_in_plain(orders: Orders) -> None:
    order = orders.place(open_stall())
    (made,) = issuing.settle(order, orders.read)
    replace(made.invoice_id, orders)
    everything = repr([list(one._get_collection().find()) for one in store.DOCUMENTS])
    for secret in (CITIZEN, BUYER.name, BUYER.phone, BUYER.phone[3:]):
        assert secret not in everything
    assert any(secret in store.xml_of(one.invoice_id).decode() for one in store.of_order(order) for secret in [CITIZEN])


# Replacing -------------------------------------------------------------------------------------------------------


def replace(invoice_id: str, orders: Orders, request_id: str = "", fingerprint: str = "f") -> Any:
    return issuing.replace(
        invoice_id, orders.read, buyer=BUYER, reason="khách cần hóa đơn", request_id=request_id or new_key(),
        fingerprint=fingerprint,
    )  # fmt: skip


def test_a_replacement_is_made_once_for_a_request_and_bears_the_buyers_name(orders: Orders) -> None:
    order, request = orders.place(open_stall()), new_key()
    (first,) = issuing.settle(order, orders.read)
    made = replace(first.invoice_id, orders, request)
    assert replace(first.invoice_id, orders, request) == made
    assert (made.kind, made.number, made.related_id) == (Kind.REPLACING, 2, first.invoice_id)
    assert comes_to(order) == 90_000
    said = etree.fromstring(store.xml_of(made.invoice_id))
    assert said.findtext("DLHDon/NDHDon/NMua/Ten") == BUYER.name
    assert said.findtext("DLHDon/TTChung/TTHDLQuan/SHDCLQuan") == "1"
    with pytest.raises(IdempotencyConflict):
        replace(first.invoice_id, orders, request, "another")
    with pytest.raises(WrongState):
        replace(first.invoice_id, orders)
    with pytest.raises(NotFound):
        replace(new_id("inv"), orders)
    orders.keep(order, 0)
    (adjusted,) = issuing.settle(order, orders.read)
    assert (adjusted.related_id, comes_to(order)) == (made.invoice_id, 0)
    with pytest.raises(WrongState):
        replace(made.invoice_id, orders)


def test_of_two_replacements_at_once_one_is_made(orders: Orders) -> None:
    order = orders.place(open_stall())
    (first,) = issuing.settle(order, orders.read)
    outcomes: list[object] = []

    def work() -> None:
        try:
            outcomes.append(replace(first.invoice_id, orders))
        except WrongState as error:
            outcomes.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(1 for one in outcomes if not isinstance(one, Exception)) == 1
    assert gapless()
    assert comes_to(order) == 90_000


# Looking up ------------------------------------------------------------------------------------------------------


def test_an_invoice_is_found_by_its_code_as_people_type_it(orders: Orders) -> None:
    (made,) = issuing.settle(orders.place(open_stall()), orders.read)
    store.OrdersInvoice.objects.update(set__lookup_code="0A1B2C3D4E5F6G7H")
    for text in ("0A1B2C3D4E5F6G7H", "oalb2c3d4e5f6g7h", " 0a1b-2c3d-4e5f-6g7h ", "OAIB2C3D4E5F6G7H"):
        assert store.look_up(text).issued == made
    for text in ("", "0A1B", "0A1B2C3D4E5F6G7J", "x" * 500):
        with pytest.raises(NotFound):
            store.look_up(text)


def test_lookup_codes_are_not_alike() -> None:
    codes = {store.new_lookup_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{16}", code) for code in codes)


# Delivery --------------------------------------------------------------------------------------------------------


class Broken(Folder):
    """A channel that takes nothing."""

    def send(self, message_id: str, data: bytes) -> None:
        raise CannotSend("hết chỗ")


def state(order: str) -> tuple[str, int, str]:
    one = document(order)
    return one.delivery, one.attempts, one.delivery_reason


def message_id(order: str) -> str:
    return delivery.message_id("CHO40", document(order).id)


def answer(home: Path, order: str, result: str = "accepted", **fields: str) -> Path:
    path = home / "in" / f"{message_id(order)}.json"
    path.write_text(json.dumps({"message_id": message_id(order), "result": result, **fields}))
    return path


def test_an_invoice_is_dropped_whole_answered_and_done(orders: Orders, tmp_path: Path) -> None:
    order, refused = (orders.place(open_stall(code)) for code in ("MNZLR", "7FGBT"))
    issuing.settle(order, orders.read)
    folder = Folder(tmp_path)
    assert sending.tick(folder, "CHO40", 1_000).sent == 1
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == f"{message_id(order)}.xml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700
    assert etree.fromstring(file.read_bytes()).findtext("DLieu/HDon/MCCQT") == document(order).authority_code
    assert state(order) == ("sent", 1, "")
    assert sending.tick(folder, "CHO40", 2_000).sent == 0, "it waits for the answer"
    issuing.settle(refused, orders.read)
    sending.tick(folder, "CHO40", 3_000)
    answer(tmp_path, order)
    answer(tmp_path, refused, "refused", reason="sai mã\nsố thuế")
    assert sending.tick(folder, "CHO40", 4_000).answered == 2
    assert (state(order)[0], state(refused)[::2]) == ("accepted", ("refused", "sai mã số thuế"))
    assert len(list((tmp_path / "in" / "taken").iterdir())) == 2
    assert not [path for path in (tmp_path / "in").iterdir() if path.is_file()]
    assert sending.tick(folder, "CHO40", 10**15) == sending.Round()


def test_who_dies_between_drop_and_mark_drops_the_same_again(
    orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = orders.place(open_stall())
    issuing.settle(order, orders.read)
    folder = Folder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(store, "mark", lambda *_: (_ for _ in ()).throw(Died()))
        with pytest.raises(Died):
            sending.tick(folder, "CHO40", 1_000)
    (file,) = (tmp_path / "out").iterdir()
    before = file.read_bytes()
    assert state(order)[0] == "pending"
    sending.tick(folder, "CHO40", 2_000)
    assert [path.read_bytes() for path in (tmp_path / "out").iterdir()] == [before]
    answer(tmp_path, order)
    with monkeypatch.context() as patch:
        patch.setattr(Folder, "taken", lambda *_: (_ for _ in ()).throw(Died()))
        with pytest.raises(Died):
            sending.tick(folder, "CHO40", 3_000)
    assert state(order)[0] == "accepted"
    assert sending.tick(folder, "CHO40", 4_000).answered == 1, "the same answer again is no other one"
    assert state(order)[0] == "accepted"


def test_an_answer_that_came_before_the_mark_counts(orders: Orders, tmp_path: Path) -> None:
    order = orders.place(open_stall())
    issuing.settle(order, orders.read)
    (one,) = store.due(1_000, 9)
    assert store.answered(one.invoice_id, True, "")
    assert not store.mark(one, Delivery.SENT, 5_000, ""), "whoever marks it late changes nothing"
    assert state(order)[0] == "accepted"
    assert not store.answered(one.invoice_id, False, "khác"), "the first answer stays"
    assert state(order)[0] == "accepted"


def test_what_cannot_be_sent_is_tried_a_bounded_number_of_times_and_by_hand_again(
    orders: Orders, tmp_path: Path
) -> None:
    order = orders.place(open_stall())
    issuing.settle(order, orders.read)
    broken, now, tries = Broken(tmp_path), 1_000, 0
    while state(order)[0] == "pending":
        assert sending.tick(broken, "CHO40", now).failed == 1
        now, tries = document(order).due_ms, tries + 1
    assert tries == delivery.ATTEMPTS_MAX
    assert [store.waiting(one, 9) for one in store.UNDELIVERED] == [0, 0, 1]
    assert state(order) == ("failed", tries, "hết chỗ")
    assert sending.tick(Folder(tmp_path), "CHO40", 10**15).sent == 0
    invoice_id = document(order).id
    store.send_again(invoice_id)
    with pytest.raises(WrongState):
        store.send_again(invoice_id)
    with pytest.raises(NotFound):
        store.send_again("inv_none")
    assert sending.tick(Folder(tmp_path), "CHO40", 1).sent == 1
    assert state(order) == ("sent", 1, "")


def test_one_that_cannot_be_read_or_told_holds_up_no_other(orders: Orders, tmp_path: Path) -> None:
    merchant = open_stall()
    unread, untold, cut, good = (orders.place(merchant) for _ in range(4))
    for order in (unread, untold, cut, good):
        issuing.settle(order, orders.read)
    half = crypto.encrypt(store.XML_FIELD, "<HDon><DLH", document(cut).id)
    store.OrdersInvoice.objects(order_id=cut).update(set__xml=half)
    sealed = crypto.encrypt("another.field", "x")
    store.OrdersInvoice.objects(order_id=unread).update(set__xml=sealed)
    wrong = crypto.encrypt(store.TAX_FIELD, "12345", document(untold).id)
    store.OrdersInvoice.objects(order_id=untold).update(set__tax_code=wrong)
    done = sending.tick(Folder(tmp_path), "CHO40", 1_000)
    assert (done.sent, done.failed) == (1, 3)
    assert state(good) == ("sent", 1, "")
    assert [state(order)[:2] for order in (unread, untold, cut)] == [("pending", 1)] * 3
    assert "CHO_FIELD_KEYS_OLD" in state(unread)[2]
    assert "12345" not in state(untold)[2]


def test_what_is_not_answered_is_dropped_again_and_given_up_in_the_end(orders: Orders, tmp_path: Path) -> None:
    order = orders.place(open_stall())
    issuing.settle(order, orders.read)
    folder, now = Folder(tmp_path), 1_000
    for _ in range(delivery.ATTEMPTS_MAX):
        assert sending.tick(folder, "CHO40", now).sent == 1
        assert len(list((tmp_path / "out").iterdir())) == 1
        now = document(order).due_ms
    assert state(order) == ("failed", delivery.ATTEMPTS_MAX, "it was not answered")
    answer(tmp_path, order)
    assert sending.tick(folder, "CHO40", now).answered == 1
    assert state(order)[0] == "accepted", "a late answer is an answer"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.json", "{}"), ("X" + "A" * 32 + ".json", "not json"), ("X" + "A" * 32 + ".json", "[]"),
        ("X" + "A" * 32 + ".json", '{"message_id": "X' + "B" * 32 + '", "result": "accepted"}'),
        ("X" + "A" * 32 + ".json", '{"message_id": "X' + "A" * 32 + '", "result": "yes"}'),
        ("X" + "A" * 32 + ".json", '{"message_id": "X' + "A" * 32 + '", "result": "accepted"}'),
        ("X" + "A" * 32 + ".json", "[" * 60_000),
    ],
)  # fmt: skip
def test_what_is_no_answer_of_ours_is_put_aside(tmp_path: Path, name: str, text: str) -> None:
    folder = Folder(tmp_path)
    assert list(folder.answers(5)) == []
    (tmp_path / "in" / name).write_text(text)
    assert sending.tick(folder, "CHO40", 1_000) == sending.Round()
    assert [path.name for path in (tmp_path / "in" / "bad").iterdir()] == [name]


def test_an_answer_that_cannot_be_opened_or_put_away_holds_up_nothing(
    orders: Orders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, waits = (orders.place(open_stall(code, tax)) for code, tax in (("MNZLR", CITIZEN), ("7FGBT", "0100109106")))
    issuing.settle(order, orders.read)
    folder = Folder(tmp_path)
    assert sending.tick(folder, "CHO40", 1_000).sent == 1
    unread = tmp_path / "in" / ("X" + "A" * 32 + ".json")
    unread.write_text("{}")
    answer(tmp_path, order)
    real = Path.open

    def not_ours(self: Path, *args: Any, **fields: Any) -> Any:
        if self == unread:
            raise PermissionError("another user's file")
        return real(self, *args, **fields)

    monkeypatch.setattr(Path, "open", not_ours)
    assert sending.tick(folder, "CHO40", 1_000).answered == 1
    assert unread.name in [path.name for path in (tmp_path / "in" / "bad").iterdir()]
    assert state(order)[0] == "accepted"
    issuing.settle(waits, orders.read)

    def full(self: Folder, most: int) -> Any:
        raise OSError("no folder for answers")

    monkeypatch.setattr(Folder, "answers", full)
    assert sending.tick(folder, "CHO40", 1_000).sent == 1
    assert state(waits)[0] == "sent"


def test_links_in_the_folder_are_not_followed_and_rounds_are_bounded(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    list(folder.answers(1))
    secret = tmp_path / "secret"
    secret.write_text("{}")
    (tmp_path / "in" / ("X" + "A" * 32 + ".json")).symlink_to(secret)
    for n in range(5):
        (tmp_path / "in" / f"{n}.json").write_text("{}")
    assert list(folder.answers(3)) == []
    assert len(list((tmp_path / "in" / "bad").iterdir())) == 3
    assert list(folder.answers(9)) == []
    assert len(list((tmp_path / "in" / "bad").iterdir())) == 5
    folder.taken(Answer("x", True, "", "gone.json"), True)
    with pytest.raises(CannotSend):
        folder.send("../x", b"")


def test_a_folder_that_cannot_be_written_to_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file where a folder has to be")
    with pytest.raises(CannotSend):
        Folder(tmp_path).send("X" + "A" * 32, b"data")
