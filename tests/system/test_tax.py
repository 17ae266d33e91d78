"""A household's tax records through the gateway of a whole stack: an order's invoice, what is given back, its year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import main
from cli.api import Api, ApiError
from cli.stack import Stack
from kit.clock import VIETNAM
from kit.config import settings
from kit.ids import new_key
from kit.money import format_vnd
from tests.waiting import until

pytestmark = pytest.mark.system


@pytest.fixture
def cho(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., str]]:
    """Runs a command as `cho` finds it, in this process; what it says."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("COLUMNS", "250")
    settings.cache_clear()

    def run(name: str, *words: object) -> str:
        app = main._get(main.GROUPS["tax"][0], "app")
        done = CliRunner().invoke(app, [name, *map(str, words)])
        assert done.exit_code == 0, done.output
        return done.output

    yield run
    settings.cache_clear()


def patiently(ask: Callable[[], Any]) -> Any:
    """The answer, once the books have everything: until then the API says to ask again."""

    def asked() -> Any:
        try:
            return ask()
        except ApiError as behind:
            if behind.code != "UNAVAILABLE":
                raise
            return None

    return until(asked)


def book(vendor: Api, merchant: str) -> dict[str, Any]:
    year = datetime.now(VIETNAM).year
    found: dict[str, Any] = patiently(lambda: vendor.get(f"/v1/merchants/{merchant}/sales-book/{year}"))
    return found


def revenue(vendor: Api, merchant: str) -> int:
    return int(book(vendor, merchant)["totals"].get("revenue", 0))


def placed(vendor: Api, shopper: Api, merchant: str) -> dict[str, Any]:
    """An order of something new, as soon as orders has heard of it."""
    product = vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=merchant, name="Chè móc câu", unit="kg", price=450_000,
        stock=10,
    )["product"]["product_id"]  # fmt: skip
    asked = {"merchant_id": merchant, "items": [{"product_id": product, "quantity": 1}]}

    def order() -> Any:
        try:
            return shopper.post("/v1/orders", request_id=new_key(), **asked)["order"]
        except ApiError as refused:
            if refused.code not in ("NOT_FOUND", "MERCHANT_NOT_FOUND", "PRODUCT_NOT_FOR_SALE"):
                raise
            return None

    found: dict[str, Any] = until(order)
    return found


def test_an_order_is_invoiced_adjusted_and_in_the_years_book(
    stack: Stack, api: Api, people_: dict[str, Api], wallet: str, merchant: dict[str, Any], audited: Any,
    cho: Callable[..., str], tmp_path: Path,
) -> None:  # fmt: skip
    vendor, shopper, auditor = people_["vendor"], people_["shopper"], people_["auditor"]
    stall = merchant["merchant_id"]
    patiently(lambda: vendor.get(f"/v1/merchants/{stall}/sales-book/2020")["tax_code"])
    before = revenue(vendor, stall)
    said = vendor.put(
        f"/v1/merchants/{stall}/invoicing", authority_code="MNZLR", symbol_suffix="AB", active=True
    )["invoicing"]  # fmt: skip
    assert said["tax_code"].startswith("***")

    order = placed(vendor, shopper, stall)
    paid = shopper.post(
        "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, qr_payload=order["qr_payload"]
    )["payment"]  # fmt: skip
    total = int(order["total"])
    (invoice,) = until(lambda: shopper.get(f"/v1/orders/{order['order_id']}/invoices").get("invoices"))
    assert (int(invoice["amount"]), invoice["number"], invoice["symbol"][3:]) == (total, "1", "MAB")
    assert revenue(vendor, stall) == before + total
    for who in (shopper, vendor):
        assert who.download(f"/v1/invoices/{invoice['invoice_id']}/file").startswith(b"%PDF")
    looked = api.get(f"/v1/invoice-lookup/{invoice['lookup_code']}")["invoice"]
    assert looked["seller_tax_code"].startswith("***")
    assert api.download(f"/v1/invoice-lookup/{invoice['lookup_code']}/invoice.pdf").startswith(b"%PDF")
    with pytest.raises(ApiError, match="NOT_FOUND"):
        api.get("/v1/invoice-lookup/0000000000000000")
    until(lambda: list((stack.home / "invoices" / "out").glob("*.xml")))

    vendor.post(
        f"/v1/payments/{paid['transfer_id']}/refunds", idempotency_key=new_key(), amount=total, reason="trả hàng"
    )  # fmt: skip
    found = until(
        lambda: [one for one in [vendor.get(f"/v1/orders/{order['order_id']}/invoices")] if len(one["invoices"]) == 2]
    )[0]
    assert int(found.get("amount", 0)) == 0
    assert [one["kind"] for one in found["invoices"]] == ["INVOICE_KIND_ORIGINAL", "INVOICE_KIND_ADJUSTING"]
    seen = book(auditor, stall)
    assert int(seen["totals"]["revenue"]) == revenue(vendor, stall) == before
    for kind in ("csv", "xlsx", "pdf"):
        year = seen["year"]
        path = f"/v1/merchants/{stall}/sales-book/{year}/file?format={kind}"
        assert patiently(lambda path=path: vendor.download(path))
    _typed(cho, stall, seen, invoice, tmp_path)
    audited()
    assert {one["rule"] for one in api.get("/v1/tax/thresholds")["thresholds"]} == {"household_tax", "cash_register"}


def _typed(cho: Callable[..., str], stall: str, seen: dict[str, Any], invoice: dict[str, Any], folder: Path) -> None:
    """The same from the command line."""
    shown = cho("book", stall, seen["year"])
    assert format_vnd(int(seen["totals"]["sales"])) in shown
    assert "household_tax: below" in shown
    for kind in ("csv", "xlsx", "pdf"):
        cho("book", stall, seen["year"], "--out", folder / f"book.{kind}")
        assert (folder / f"book.{kind}").stat().st_size > 100
    assert "Decree 141/2026" in cho("thresholds")
    assert stall not in cho("near", seen["year"])
    listed = cho("invoices", stall)
    assert invoice["authority_code"] in listed
    assert "adjusting" in listed
