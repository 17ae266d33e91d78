"""Sales books over a real gRPC channel, beside a real ledger: never stale for who sold, and only for who may see."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from cho.events.v1.events_pb2 import MerchantChanged
from cho.settlement.v1 import taxbook_pb2 as pb
from cho.settlement.v1.taxbook_pb2_grpc import TaxBookServiceStub

from kit import crypto
from kit.clock import VIETNAM, now_ms
from kit.ids import new_id
from kit.rpc.threads import Server
from services.payments import transfer
from services.settlement import store
from services.settlement.server import behind
from services.settlement.statements.feed import Feed
from services.settlement.statements.model import Model
from services.settlement.taxbook import sellers, thresholds
from services.settlement.taxbook import server as taxbook
from services.settlement.taxbook.server import TaxBookServicer
from tests.payments.conftest import Bench
from tests.settlement.test_statements_server import AUDITOR, OPERATOR, PATIENT_S, Api
from tests.settlement.test_statements_server import api as beside_a_ledger  # noqa: F401 - a fixture

CITIZEN, COMPANY = "019185000001", "0100109106"
YEAR = datetime.fromtimestamp(now_ms() / 1000, VIETNAM).year
Who = tuple[str, ...]


@pytest.fixture
def api(
    beside_a_ledger: Api,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Api]:
    sellers.TaxSeller.objects.delete()
    monkeypatch.setattr(taxbook, "FRESH_S_MAX", PATIENT_S)
    monkeypatch.setattr(behind, "ASK_S_MAX", PATIENT_S)
    model = Model(tmp_path / "taxbook.sqlite3")
    feed = Feed(model, store.pages)
    feed.start()
    front = Server(
        "127.0.0.1:0", [(pb.DESCRIPTOR.services_by_name["TaxBookService"], TaxBookServicer(model, feed))]
    )  # fmt: skip
    with grpc.insecure_channel(f"127.0.0.1:{front.port}") as channel:
        yield Api(TaxBookServiceStub(channel), beside_a_ledger.payments, beside_a_ledger.hot, beside_a_ledger.url)
    front.stop()
    feed.stop()
    model.close()


def told(
    merchant: str, owner: str, code: str = CITIZEN, kind: str = "", version: int = 2, name: str = "Cô Hạnh"
) -> None:
    sellers.put(
        MerchantChanged(
            merchant_id=merchant, owner_id=owner, name=name, enterprise_kind=kind, version=version,
            tax_index=crypto.tax_index(code) if code else "",
            tax_sealed=crypto.seal_tax(code, merchant) if code else b"",
        )
    )  # fmt: skip


def owner_of(merchant: str) -> str:
    found = sellers.merchant(merchant)
    return found.owner_id if found else ""


def book(api: Api, who: Who, merchant: str, year: int = YEAR) -> pb.GetSalesBookResponse:
    return api(who, "GetSalesBook", pb.GetSalesBookRequest(merchant_id=merchant, year=year))


def refused(api: Api, who: Who, merchant: str, year: int = YEAR) -> str:
    return api.code(who, "GetSalesBook", pb.GetSalesBookRequest(merchant_id=merchant, year=year))


def file(api: Api, who: Who, merchant: str, format: str = "") -> bytes:
    asked = pb.DownloadSalesBookRequest(merchant_id=merchant, year=YEAR, format=format)
    return b"".join(piece.data for piece in api(who, "DownloadSalesBook", asked))


async def _stalls(bench: Bench) -> tuple[str, str, str, str]:
    """An owner of two stalls, one of which gave something back, and their payer's wallet."""
    owner, wallet = new_id("usr"), await bench.wallet(balance=10_000_000)
    first, second = await bench.merchant(owner=owner), await bench.merchant(owner=owner)
    paid = await bench.pay(wallet, first, 300_000, fee=600)
    await bench.pay(wallet, second, 50_000)
    legs = transfer.refund(first, wallet, "VIETTEL", 100_000, 200)
    await bench.post("refund", 100_000, legs, 200, related=paid.transfer_id, refunded_before=0)
    return owner, wallet, first, second


def test_a_book_has_what_was_sold_a_moment_ago_at_every_stall_of_the_tax_code(api: Api) -> None:
    owner, wallet, first, second = api.do(_stalls)
    told(first, owner)
    told(second, owner, name="Cô Hạnh 2")
    vendor = ("vendor", "", owner)
    seen = book(api, vendor, first)
    assert (seen.totals.sales, seen.totals.refunds, seen.totals.revenue, seen.totals.fees) == (
        350_000, 100_000, 250_000, 400,
    )  # fmt: skip
    assert (list(seen.merchant_ids), seen.whole, seen.enterprise_kind) == (sorted([first, second]), True, "")
    assert (seen.opening_balance, seen.closing_balance) == (0, 249_600)
    assert seen.closing_balance == sum(api.do(lambda bench, id_=id_: bench.balance(id_)) for id_ in (first, second))
    for _ in range(3):
        api.do(lambda bench: bench.pay(wallet, second, 1_000))
        seen = book(api, vendor, second)
    assert (seen.totals.revenue, seen.months[-1].running_revenue, seen.totals.sales_count) == (253_000, 253_000, 5)
    assert book(api, vendor, first).name == "Cô Hạnh"
    assert [one.standing for one in seen.thresholds] == [pb.STANDING_BELOW, pb.STANDING_BELOW]
    assert seen.thresholds[0].left == 1_000_000_000 - 253_000
    empty = book(api, vendor, first, YEAR + 1)
    assert (len(empty.months), empty.opening_balance, empty.closing_balance) == (0, 252_600, 252_600)


def test_a_book_is_for_its_vendor_operators_and_auditors_and_people_numbers_are_masked(api: Api) -> None:
    owner, _, first, second = api.do(_stalls)
    told(first, owner)
    other = new_id("usr")
    told(second, other, name="Chồng cô Hạnh")
    for stranger in (("vendor", "", new_id("usr")), ("vendor", "", other)):
        assert refused(api, stranger, first) == "MERCHANT_NOT_FOUND"
    assert refused(api, AUDITOR, new_id("mer")) == "MERCHANT_NOT_FOUND"
    for who in (OPERATOR, AUDITOR):
        seen = book(api, who, first)
        assert (seen.whole, len(seen.merchant_ids), seen.totals.revenue) == (True, 2, 250_000)
        assert CITIZEN.encode() not in seen.SerializeToString()
        assert seen.tax_code == "*" * 9 + "001"
        assert CITIZEN.encode() not in file(api, who, first)
    mine = book(api, ("vendor", "", owner), first)
    assert (mine.whole, list(mine.merchant_ids), mine.totals.revenue) == (False, [first], 200_000)
    assert mine.tax_code == "*" * 9 + "001"


def test_a_companys_tax_code_is_public_and_an_unknown_one_is_told_as_such(api: Api) -> None:
    owner, _, first, second = api.do(_stalls)
    told(first, owner, COMPANY, kind="company")
    told(second, owner, "")
    seen = book(api, AUDITOR, first)
    assert (seen.tax_code, list(seen.thresholds)) == (COMPANY, [])
    unknown = book(api, ("vendor", "", owner), second)
    assert (unknown.tax_code, list(unknown.merchant_ids), unknown.totals.revenue) == ("", [second], 50_000)


def test_a_merchant_that_nobody_told_of_has_a_book_without_a_tax_code(api: Api) -> None:
    owner, wallet, first, second = api.do(_stalls)
    told(second, owner)
    book(api, AUDITOR, second)  # the ledger is read
    assert refused(api, AUDITOR, wallet) == "MERCHANT_NOT_FOUND"
    seen = book(api, ("vendor", "", owner), first)
    assert (seen.tax_code, list(seen.merchant_ids), seen.totals.revenue) == ("", [first], 200_000)
    assert refused(api, ("vendor", "", new_id("usr")), first) == "MERCHANT_NOT_FOUND"


def test_what_is_asked_wrongly_is_refused(api: Api) -> None:
    owner, _, first, _ = api.do(_stalls)
    told(first, owner)
    for year in (0, 2019, 3000, -1):
        assert refused(api, AUDITOR, first, year) == "INVALID_ARGUMENT"
    asked = pb.DownloadSalesBookRequest(merchant_id=first, year=YEAR, format="doc")
    with pytest.raises(grpc.RpcError):
        list(api(AUDITOR, "DownloadSalesBook", asked))
    listed = pb.ListNearThresholdsRequest(year=1)
    assert api.code(AUDITOR, "ListNearThresholds", listed) == "INVALID_ARGUMENT"
    assert api.code(("vendor", "", owner), "ListNearThresholds", listed) == "PERMISSION_DENIED"


def test_files_are_the_owners_and_tie(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, _, first, second = api.do(_stalls)
    told(first, owner)
    told(second, owner)
    vendor = ("vendor", "", owner)
    rows = list(csv.reader(io.StringIO(file(api, vendor, first).decode("utf-8-sig"))))
    assert rows[-2][6:] == ["350000", "100000", "400"]
    assert len(rows) == 6
    assert file(api, vendor, first, "xlsx").startswith(b"PK")
    assert file(api, vendor, first, "pdf").startswith(b"%PDF")
    monkeypatch.setattr(taxbook, "ENTRIES_MAX", 2)
    with pytest.raises(grpc.RpcError, match="more than 2 sales"):
        file(api, vendor, first)
    monkeypatch.setattr(taxbook, "ENTRIES_MAX", 3)
    taxbook._writing.acquire()
    try:
        with pytest.raises(grpc.RpcError, match="another sales book"):
            file(api, vendor, first)
    finally:
        taxbook._writing.release()
    assert file(api, vendor, first), "a refusal leaves nothing taken"


def test_books_that_lag_behind_say_so(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, wallet, first, _ = api.do(_stalls)
    told(first, owner)
    assert book(api, AUDITOR, first).totals.revenue == 200_000
    api.payments.stop_journaling()
    api.do(lambda bench: bench.pay(wallet, first, 5_000))
    monkeypatch.setattr(taxbook, "FRESH_S_MAX", 0.3)
    assert refused(api, AUDITOR, first) == "UNAVAILABLE"
    assert book(api, AUDITOR, first, YEAR - 1).totals.revenue == 0, "a year that is over needs no waiting"


def test_who_is_near_a_threshold_is_listed_by_tax_code_the_largest_first(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A hundredth of the law's: a wallet may not spend a thousand million in a month.
    small = tuple(replace(rule, amount=rule.amount // 100) for rule in thresholds.shipped())
    monkeypatch.setattr(thresholds, "shipped", lambda: small)

    async def rich(bench: Bench) -> list[str]:
        wallet = await bench.wallet(balance=30_000_000)
        made = []
        for amounts in ((5_000_000,), (4_000_000,), (6_000_000, 5_000_000), (7_999_999,)):
            made.append(await bench.merchant(owner=new_id("usr")))
            for amount in amounts:
                await bench.pay(wallet, made[-1], amount)
        return made

    one, same, most, below = api.do(rich)
    told(one, "usr_1")
    told(same, "usr_1")
    told(most, "usr_2", "019185000002")
    told(below, "usr_3", "019185000003")
    book(api, AUDITOR, one)  # what was paid is read
    asked = pb.ListNearThresholdsRequest(year=YEAR)
    found = api(AUDITOR, "ListNearThresholds", asked)
    assert [(seller.merchant_id, seller.revenue) for seller in found.sellers] == [
        (most, 11_000_000), (one, 9_000_000),
    ]  # fmt: skip
    standings = [[it.standing for it in seller.thresholds] for seller in found.sellers]
    assert standings == [[pb.STANDING_REACHED] * 2, [pb.STANDING_NEAR] * 2]
    assert found.sellers[0].tax_code == "*" * 9 + "002"
    assert not found.more


def test_the_thresholds_are_anybodys_to_read(api: Api) -> None:
    rules = api(("", ""), "ListTaxThresholds", pb.ListTaxThresholdsRequest()).thresholds
    assert [(rule.rule, rule.amount, rule.from_day, rule.until_day) for rule in rules] == [
        ("household_tax", 200_000_000, "", "2025-12-31"), ("household_tax", 1_000_000_000, "2026-01-01", ""),
        ("cash_register", 1_000_000_000, "2025-06-01", ""),
    ]  # fmt: skip
    assert {rule.certainty for rule in rules} == {pb.CERTAINTY_STATED}


def test_an_older_event_and_one_without_a_tax_code_take_nothing_away(api: Any) -> None:
    told("mer_a", "usr_1", version=5)
    told("mer_a", "usr_9", "019185000009", version=4)
    assert owner_of("mer_a") == "usr_1"
    told("mer_a", "usr_2", "", version=6)
    assert (owner_of("mer_a"), sellers.tax_code("mer_a", whole=True)) == ("usr_2", CITIZEN)
    stored = sellers.TaxSeller.objects(id="mer_a").first().to_mongo()
    assert CITIZEN not in repr(stored)
    monkey = [f"mer_{n}" for n in range(3)]
    for id_ in monkey:
        told(id_, "usr_1")
    assert len(sellers.under(crypto.tax_index(CITIZEN))) == 4
