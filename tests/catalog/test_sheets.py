"""Bulk edit: a stall's products out of a spreadsheet and into one, checked row by row, carried out once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import openpyxl
import pytest
import redis
from cho.catalog.v1 import sheets_pb2 as pb
from cho.catalog.v1 import sheets_pb2_grpc
from cho.events.v1 import events_pb2
from pymongo.errors import ConnectionFailure

from kit.config import settings
from kit.errors import Contention, Overloaded
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from kit.rpc.threads import Server
from kit.streams.lease import Lease
from services.catalog import store
from services.catalog.merchant import Merchant
from services.catalog.product import State, offer
from services.catalog.sheets import store as sheets
from services.catalog.sheets import work
from services.catalog.sheets.columns import PRODUCTS
from services.catalog.sheets.server import sheet_servicers
from services.catalog.sheets.store import Sheet
from services.catalog.store import Product

pytestmark = pytest.mark.usefixtures("database")
Caller = tuple[tuple[str, str], ...]
TITLES = [column.title for column in PRODUCTS.all]
CREATE, CHANGE = pb.SHEET_ACTION_CREATE, pb.SHEET_ACTION_CHANGE
NOTHING, BAD = pb.SHEET_ACTION_NOTHING, pb.SHEET_ACTION_BAD


@pytest.fixture(scope="module")
def stub() -> Iterator[Any]:
    running = Server("127.0.0.1:0", sheet_servicers())
    with grpc.insecure_channel(f"127.0.0.1:{running.port}") as channel:
        yield sheets_pb2_grpc.SheetServiceStub(channel)
    running.stop()


@pytest.fixture
def merchant(merchant_changed: Callable[..., events_pb2.MerchantChanged]) -> Merchant:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.merchant(changed.merchant_id)


@pytest.fixture
def vendor(merchant: Merchant) -> Caller:
    return caller(merchant.owner_id, "vendor")


@pytest.fixture
def clerk(valkey: str) -> Iterator[work.Clerk]:
    with redis.Redis.from_url(valkey, protocol=2) as client:
        yield work.Clerk(Lease(client, work.LEASE))


def caller(sub: str, *roles: str) -> Caller:
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)))


def listed(merchant: Merchant, name: str = "Chè đinh", unit: str = "túi", price: int = 290_000) -> Product:
    return store.create(merchant, offer(name, "", unit, price, 25, "tea"), merchant.owner_id, new_key())


def csv_of(*rows: dict[str, str]) -> bytes:
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(TITLES)
    for row in rows:
        table.writerow([row.get(column.field, "") for column in PRODUCTS.all])
    return out.getvalue().encode()


def xlsx_of(*rows: dict[str, Any]) -> bytes:
    book = openpyxl.Workbook()
    book.active.append(TITLES)
    for row in rows:
        book.active.append([row.get(column.field) for column in PRODUCTS.all])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def row_of(product: Product, **changed: str) -> dict[str, str]:
    return {
        "product_id": product.id, "name": product.offer.name, "unit": product.offer.unit,
        "price": str(product.offer.price), **changed,
    }  # fmt: skip


def asked(merchant: Merchant, content: bytes) -> pb.CheckProductSheetRequest:
    return pb.CheckProductSheetRequest(request_id=new_key(), merchant_id=merchant.id, content=content)


def check(stub: Any, merchant: Merchant, content: bytes) -> pb.Sheet:
    return stub.CheckProductSheet(asked(merchant, content), metadata=caller(merchant.owner_id, "vendor")).sheet


def apply(stub: Any, clerk: work.Clerk, sheet: pb.Sheet, vendor: Caller) -> pb.Sheet:
    stub.ApplySheet(pb.ApplySheetRequest(sheet_id=sheet.sheet_id), metadata=vendor)
    clerk.tick()
    done = stub.GetSheet(pb.GetSheetRequest(sheet_id=sheet.sheet_id), metadata=vendor).sheet
    assert done.state == pb.SHEET_STATE_DONE
    return done


def refused(code: str, rpc: Callable[..., Any], request: Any, metadata: Caller) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        rpc(request, metadata=metadata)
    assert error_code(raised.value) == code


def test_a_sheet_is_checked_without_effect_and_then_carried_out(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk
) -> None:
    tea, other = listed(merchant), listed(merchant, "Chè nõn tôm")
    new = {"name": "Cà chua", "unit": "Kg", "price": "25.000 đ", "stock": "40", "category": "Rau, củ", "state": "Nháp"}
    content = csv_of(row_of(tea, price="300,000", stock="20", state="ẩn"), row_of(other), new)
    sheet = check(stub, merchant, content)
    assert [row.action for row in sheet.rows] == [CHANGE, NOTHING, CREATE]
    assert dict(sheet.rows[0].values) == {"price": "300000", "stock": "20", "state": "hidden"}
    assert dict(sheet.rows[0].before) == {"price": "290000", "stock": "25", "state": "published"}
    assert (sheet.state, sheet.wanted, sheet.tried) == (pb.SHEET_STATE_CHECKED, 2, 0)
    clerk.tick()
    assert store.product(tea.id) == tea
    assert store.CatalogProduct.objects.count() == 2

    done = apply(stub, clerk, sheet, vendor)
    assert ([row.done for row in done.rows], done.tried) == ([True, False, True], 2)
    changed = store.product(tea.id)
    assert (changed.offer.price, changed.offer.stock, changed.state) == (300_000, 20, State.HIDDEN)
    assert store.product(other.id) == other
    made = store.product(done.rows[2].product_id)
    assert (made.offer.name, made.offer.unit, made.offer.category) == ("Cà chua", "kg", "vegetables")
    assert (made.offer.price, made.offer.stock, made.state) == (25_000, 40, State.DRAFT)
    # The same file again finds all of it there.
    assert {row.action for row in check(stub, merchant, content).rows} == {NOTHING}
    assert apply(stub, clerk, sheet, vendor) == done


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_is_taken_out_can_be_sent_back_and_changes_nothing(
    stub: Any, merchant: Merchant, vendor: Caller, kind: str
) -> None:
    for name in ("Chè đinh", "=1+1", "@SUM(A1)", "-không cay-"):
        listed(merchant, name)
    listed(merchant, "Rau", "kg", 1_000)
    store.update(listed(merchant, "Hết vụ"), {"state": State.WITHDRAWN})
    taken = stub.GetProductSheet(pb.GetProductSheetRequest(merchant_id=merchant.id, format=kind), metadata=vendor)
    sheet = check(stub, merchant, taken.data)
    assert [(row.action, list(row.problems)) for row in sheet.rows] == [(NOTHING, [])] * 6
    if kind == "csv":
        assert b"'=1+1" in taken.data


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_what_was_sold_since_a_sheet_was_taken_out_does_not_come_back_with_it(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk, kind: str
) -> None:
    tea, other = listed(merchant), listed(merchant, "Chè nõn tôm")
    taken = stub.GetProductSheet(pb.GetProductSheetRequest(merchant_id=merchant.id, format=kind), metadata=vendor)
    store.update(tea, {"stock": 20})
    assert [row.action for row in check(stub, merchant, taken.data).rows] == [NOTHING, NOTHING]
    # Who has counted writes what there is; a new product has what its row says, wherever that was copied from.
    copied = {"name": "Chè mới", "unit": "túi", "price": "1", "stock": "25", "stock_was": "25"}
    rows = (row_of(tea, stock="24", stock_was="25"), row_of(other, stock="7", price="1", stock_was="25"), copied)
    done = apply(stub, clerk, check(stub, merchant, csv_of(*rows)), vendor)
    stocks = [store.product(row.product_id).offer.stock for row in done.rows]
    assert stocks == [24, 7, 25]


def test_a_workbook_with_numbers_is_read_as_well(stub: Any, merchant: Merchant) -> None:
    sheet = check(stub, merchant, xlsx_of({"name": "Trứng gà", "unit": "chục", "price": 35_000, "stock": 12}))
    assert [row.action for row in sheet.rows] == [CREATE]
    assert sheet.rows[0].values["price"] == "35000"


def test_a_sheet_that_packs_more_words_than_an_answer_has_room_for_is_answered(stub: Any, merchant: Merchant) -> None:
    words = [" ".join(str((n * 7_919 + word * 104_729) % 997) for word in range(350)) for n in range(1_000)]
    rows = [{"name": f"Chè {n}", "unit": "túi", "price": 1, "description": text} for n, text in enumerate(words)]
    sheet = check(stub, merchant, xlsx_of(*rows))
    assert {row.action for row in sheet.rows} == {CREATE}
    shown = sheet.rows[0].values["description"]
    assert shown.endswith("…")
    assert words[0].startswith(shown.removesuffix("…"))
    assert sheets.sheet(sheet.sheet_id).rows[0].values["description"] == words[0]
    # Nor where nothing of it is good.
    wrong = [{"product_id": text, "name": text, "unit": "túi", "price": 0} for text in words]
    assert {row.action for row in check(stub, merchant, xlsx_of(*wrong)).rows} == {BAD}


def test_a_stall_that_says_more_than_an_answer_has_room_for_takes_its_sheet_out_packed(
    stub: Any, merchant: Merchant, vendor: Caller
) -> None:
    told = offer("Chè", "Chè búp, sao tay. " * 110, "túi", 1_000, 1)
    for _ in range(500):
        store.create(merchant, told, merchant.owner_id, new_key())
    taken = pb.GetProductSheetRequest(merchant_id=merchant.id, format="csv")
    refused("LIMIT_EXCEEDED", stub.GetProductSheet, taken, vendor)
    taken.format = "xlsx"
    assert stub.GetProductSheet(taken, metadata=vendor).data


@pytest.mark.parametrize("kind", [csv_of, xlsx_of])
def test_a_part_of_one_is_not_taken_for_a_thousand(stub: Any, merchant: Merchant, kind: Callable[..., bytes]) -> None:
    rows = [{"name": "Thịt bò", "unit": "kg", "price": "250.000", "stock": 0.125}]
    if kind is xlsx_of:  # a number with a point in it has no groups of three
        rows.append({"name": "Thịt trâu", "unit": "kg", "price": 1.125})
    for row, column in zip(check(stub, merchant, kind(*rows)).rows, ("Tồn kho", "Giá (đồng)"), strict=False):
        assert (row.action, [problem.column for problem in row.problems]) == (BAD, [column])


@pytest.mark.parametrize(
    ("wrong", "column"),
    [
        ({"price": "0"}, ""),
        ({"price": "-5"}, "price"),
        ({"price": "1,5"}, "price"),
        ({"price": "1000000000001"}, ""),
        ({"price": ""}, "price"),
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, ""),
        ({"name": "=HYPERLINK(1)"}, "name"),
        ({"unit": "đống"}, ""),
        ({"stock": "nhiều"}, "stock"),
        ({"stock": "1000000001"}, ""),
        ({"category": "xe máy"}, "category"),
        ({"state": "bán chạy"}, "state"),
        ({"state": "Ẩn"}, ""),
        ({"net_grams": "100", "unit": "kg"}, ""),
        ({"product_id": "prd_unknown"}, ""),
        ({"description": "x" * 2_001}, "description"),
    ],
)
def test_what_a_row_may_not_be_is_said_with_its_column_and_nothing_else_suffers(
    stub: Any, merchant: Merchant, wrong: dict[str, str], column: str
) -> None:
    good = {"name": "Rau ngót", "unit": "bó", "price": "8000"}
    sheet = check(stub, merchant, csv_of({"name": "Cải", "unit": "bó", "price": "5000", **wrong}, good))
    assert [row.action for row in sheet.rows] == [BAD, CREATE]
    (problem,) = sheet.rows[0].problems
    titles = {one.field: one.title for one in PRODUCTS.all}
    assert problem.column == titles.get(column, "")
    assert problem.code
    assert problem.vi
    assert problem.en


def test_a_products_unit_stays_what_is_withdrawn_too_and_nothing_is_named_twice(stub: Any, merchant: Merchant) -> None:
    tea, gone = listed(merchant), listed(merchant, "Hết vụ")
    store.update(gone, {"state": State.WITHDRAWN})
    rows = [
        row_of(tea, unit="kg"), row_of(gone, price="1"), row_of(gone, state="Đang bán"), row_of(tea),
        row_of(tea, product_id=""),
        {"name": "Mới", "unit": "bó", "price": "1"}, {"name": " Mới ", "unit": "bó", "price": "2"},
    ]  # fmt: skip
    actions = [row.action for row in check(stub, merchant, csv_of(*rows)).rows]
    assert actions == [BAD, BAD, BAD, BAD, BAD, CREATE, BAD]


def test_a_row_without_an_id_is_about_the_product_of_that_name(stub: Any, merchant: Merchant) -> None:
    tea = listed(merchant)
    (row,) = check(stub, merchant, csv_of(row_of(tea, product_id="", price="1"))).rows
    assert (row.action, row.product_id) == (CHANGE, tea.id)


def test_what_was_changed_since_the_check_is_left_alone(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk
) -> None:
    tea, other = listed(merchant), listed(merchant, "Chè nõn tôm")
    sheet = check(stub, merchant, csv_of(row_of(tea, price="1000"), row_of(other, price="2000")))
    store.update(tea, {"price": 280_000})
    store.update(other, {"stock": 3})
    done = apply(stub, clerk, sheet, vendor)
    assert [row.done for row in done.rows] == [False, True]
    (problem,) = done.rows[0].problems
    assert problem.code == "CHANGED_SINCE"
    assert (store.product(tea.id).offer.price, store.product(other.id).offer.price) == (280_000, 2_000)


def test_a_stall_that_is_suspended_lists_nothing_by_its_sheet(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk,
    merchant_changed: Callable[..., events_pb2.MerchantChanged],
) -> None:  # fmt: skip
    sheet = check(stub, merchant, csv_of({"name": "Mới", "unit": "bó", "price": "1"}))
    suspended = merchant_changed(merchant_id=merchant.id, owner_id=merchant.owner_id, version=9)
    store.apply_merchant("merchant.suspended", suspended)
    (row,) = apply(stub, clerk, sheet, vendor).rows
    assert (row.done, row.problems[0].code) == (False, "MERCHANT_NOT_PAYABLE")


@pytest.mark.parametrize("at", range(4))
def test_a_worker_that_dies_between_rows_or_before_it_notes_them_makes_nothing_twice(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    class Died(BaseException): ...

    tea = listed(merchant)
    rows = [{"name": f"Mới {n}", "unit": "bó", "price": "1"} for n in range(3)]
    sheet = check(stub, merchant, csv_of(row_of(tea, price="7"), *rows))
    stub.ApplySheet(pb.ApplySheetRequest(sheet_id=sheet.sheet_id), metadata=vendor)
    with monkeypatch.context() as patch:
        carried_out, done = work._carried_out, iter(range(9))

        def mortal(*args: Any) -> Any:
            result = carried_out(*args)
            if next(done) == at:
                raise Died
            return result

        patch.setattr(work, "_carried_out", mortal)
        with pytest.raises(Died):
            clerk.tick()
    assert sheets.sheet(sheet.sheet_id).at == 0
    clerk.tick()
    found = sheets.sheet(sheet.sheet_id)
    assert (found.state, [row.done for row in found.rows]) == (sheets.DONE, [True] * 4)
    assert store.CatalogProduct.objects.count() == 4
    assert store.product(tea.id).version == 2


def test_what_a_dead_worker_has_counted_is_not_counted_again_after_it_was_sold(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea = listed(merchant)
    sheet = check(stub, merchant, csv_of(row_of(tea, stock="40")))
    stub.ApplySheet(pb.ApplySheetRequest(sheet_id=sheet.sheet_id), metadata=vendor)
    with monkeypatch.context() as patch:

        def dead(*_: Any) -> Any:
            raise ConnectionFailure

        patch.setattr(sheets, "note", dead)
        clerk.tick()
    assert store.product(tea.id).offer.stock == 40
    # As many as stood there when the sheet was checked.
    store.update(tea, {"stock": 25})
    clerk.tick()
    (row,) = sheets.sheet(sheet.sheet_id).rows
    assert row.done
    assert store.product(tea.id).offer.stock == 25


def test_what_passes_is_tried_again_later(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet = check(stub, merchant, csv_of({"name": "Mới", "unit": "bó", "price": "1"}))
    stub.ApplySheet(pb.ApplySheetRequest(sheet_id=sheet.sheet_id), metadata=vendor)
    with monkeypatch.context() as patch:

        def busy(*_: Any) -> Any:
            raise Overloaded("events wait")

        patch.setattr(work, "_carried_out", busy)
        clerk.tick()
    assert sheets.sheet(sheet.sheet_id).state == sheets.APPLYING
    clerk.tick()
    assert sheets.sheet(sheet.sheet_id).state == sheets.DONE


@pytest.mark.parametrize("failure", [Contention("not now"), ZeroDivisionError("a defect of ours")])
def test_a_sheet_that_cannot_be_carried_out_keeps_no_other_waiting(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk, monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
) -> None:  # fmt: skip
    *bad, good = (check(stub, merchant, csv_of({"name": f"Hẹ {n}", "unit": "bó", "price": "9000"})) for n in range(7))
    for sheet in (*bad, good):
        stub.ApplySheet(pb.ApplySheetRequest(sheet_id=sheet.sheet_id), metadata=vendor)
    go_on = work.go_on

    def fails(found: Sheet) -> Sheet:
        if found.id != good.sheet_id:
            raise failure
        return go_on(found)

    monkeypatch.setattr(work, "go_on", fails)
    # To the screen, a test's log writes each traceback for half a second.
    monkeypatch.setattr(work, "TICK_S_MAX", 60.0)
    clerk.tick()
    state = lambda sheet: stub.GetSheet(pb.GetSheetRequest(sheet_id=sheet.sheet_id), metadata=vendor).sheet.state  # noqa: E731
    assert ({state(one) for one in bad}, state(good)) == ({pb.SHEET_STATE_APPLYING}, pb.SHEET_STATE_DONE)


def test_a_sheet_of_many_rows_is_carried_out_in_parts(
    stub: Any, merchant: Merchant, vendor: Caller, clerk: work.Clerk
) -> None:
    rows = [{"name": f"Rau {n}", "unit": "bó", "price": "1000"} for n in range(120)]
    sheet = check(stub, merchant, csv_of(*rows))
    stub.ApplySheet(pb.ApplySheetRequest(sheet_id=sheet.sheet_id), metadata=vendor)
    for _ in range(60):
        clerk.tick()
        if sheets.sheet(sheet.sheet_id).state == sheets.DONE:
            break
    assert sheets.sheet(sheet.sheet_id).tried == 120
    assert store.CatalogProduct.objects.count() == 120


def test_the_same_check_again_is_answered_alike_and_another_conflicts(
    stub: Any, merchant: Merchant, vendor: Caller
) -> None:
    request = asked(merchant, csv_of({"name": "Mới", "unit": "bó", "price": "1"}))
    first = stub.CheckProductSheet(request, metadata=vendor)
    assert stub.CheckProductSheet(request, metadata=vendor).sheet.sheet_id == first.sheet.sheet_id
    request.content = csv_of({"name": "Mới", "unit": "bó", "price": "2"})
    refused("IDEMPOTENCY_CONFLICT", stub.CheckProductSheet, request, vendor)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "SHEET_INVALID"),
        (b"PK\x03\x04 no workbook", "SHEET_INVALID"),
        ("Tên,Giá\nRau,1".encode(), "SHEET_INVALID"),
        (csv_of(), "SHEET_INVALID"),
        (csv_of(*[{"name": "x", "unit": "kg", "price": "1"}] * 1_001), "SHEET_TOO_LARGE"),
        (b"x" * (700 * 1024 + 1), "SHEET_TOO_LARGE"),
    ],
)
def test_what_is_no_sheet_is_refused(stub: Any, merchant: Merchant, vendor: Caller, content: bytes, code: str) -> None:
    refused(code, stub.CheckProductSheet, asked(merchant, content), vendor)


def test_sheets_are_the_stalls_own(stub: Any, merchant: Merchant, vendor: Caller) -> None:
    sheet = check(stub, merchant, csv_of({"name": "Mới", "unit": "bó", "price": "1"}))
    stranger = caller(new_id("usr"), "vendor")
    for rpc, request in (
        (stub.GetProductSheet, pb.GetProductSheetRequest(merchant_id=merchant.id)),
        (stub.CheckProductSheet, asked(merchant, b"x")),
        (stub.ApplySheet, pb.ApplySheetRequest(sheet_id=sheet.sheet_id)),
        (stub.GetSheet, pb.GetSheetRequest(sheet_id=sheet.sheet_id)),
    ):
        refused("NOT_FOUND", rpc, request, stranger)
        refused("PERMISSION_DENIED", rpc, request, caller(merchant.owner_id, "shopper"))
    assert stub.GetSheet(pb.GetSheetRequest(sheet_id=sheet.sheet_id), metadata=caller("usr_t", "team")).sheet
    refused("NOT_FOUND", stub.GetSheet, pb.GetSheetRequest(sheet_id="sht_x"), vendor)
    refused(
        "INVALID_ARGUMENT",
        stub.GetProductSheet,
        pb.GetProductSheetRequest(merchant_id=merchant.id, format="pdf"),
        vendor,
    )


def test_a_clerk_with_nothing_to_do_writes_nothing_for_its_lease_at_every_look(clerk: work.Clerk, valkey: str) -> None:
    with redis.Redis.from_url(valkey, protocol=2) as client:
        clerk.tick()
        assert clerk._lease.held()
        written = client.info("persistence")["rdb_changes_since_last_save"]
        clerk.tick()
        assert client.info("persistence")["rdb_changes_since_last_save"] == written
