"""A food-safety recall on a whole stack: from the command line, and through the front door."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import people, recall
from cli.api import Api, ApiError
from cli.stack import Stack
from kit.config import settings
from kit.ids import new_key
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
PRICE = 30_000
REASON = "Dư lượng thuốc trừ sâu vượt mức"


def refused(attempt: Callable[[], Any]) -> str:
    with pytest.raises(ApiError) as error:
        attempt()
    return error.value.code


@pytest.fixture
def cho(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Runs `cho recall` with these words, in this process."""
    for name, value in {**stack.env, "COLUMNS": "220"}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield lambda *words: CliRunner().invoke(recall.app, [str(word) for word in words], catch_exceptions=False)
    settings.cache_clear()


def test_a_lot_is_recalled_and_every_order_that_took_from_it_gets_its_money_back(
    people_: dict[str, Api],
    wallet: str,
    merchant: dict[str, Any],
    cho: Callable[..., Any],
    audited: Any,
    tmp_path: Path,
) -> None:
    vendor, shopper, operator = people_["vendor"], people_["shopper"], people_["operator"]
    sells = {"merchant_id": merchant["merchant_id"], "description": "", "unit": "bó", "price": PRICE}
    product_id, other_id = (
        vendor.post("/v1/products", request_id=new_key(), name=name, stock=20, **sells)["product"]["product_id"]
        for name in ("Rau ngót", "Rau dền")
    )
    (lot,) = vendor.get(f"/v1/products/{product_id}/lots")["lots"]

    def ordered(items: dict[str, int]) -> Any:
        wanted = [{"product_id": one, "quantity": items[one]} for one in items]
        try:
            body = {"merchant_id": merchant["merchant_id"], "items": wanted}
            return shopper.post("/v1/orders", request_id=new_key(), **body)["order"]
        except ApiError as error:
            if error.code != "NOT_FOUND":  # orders has not heard of the product yet
                raise
            return None

    def order(order_id: str) -> dict[str, Any]:
        return shopper.get(f"/v1/orders/{order_id}")["order"]  # type: ignore[no-any-return]

    def paid(items: dict[str, int]) -> str:
        made = until(lambda: ordered(items))
        shopper.post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant["merchant_id"],
            amount=made["total"], reference=made["code"],
        )  # fmt: skip
        until(lambda: order(made["order_id"])["state"] == "ORDER_STATE_PAID")
        return str(made["order_id"])

    fetched, kept = paid({product_id: 2}), paid({product_id: 1, other_id: 3})
    clean = paid({other_id: 1})
    for state in ("ORDER_STATE_READY", "ORDER_STATE_PICKED_UP"):
        vendor.post(f"/v1/orders/{fetched}/advance", to=state)

    done = cho("open", product_id, lot["lot_id"], "--reason", REASON)
    assert done.exit_code == 0, done.output
    (found, *_) = operator.get("/v1/recalls")["recalls"]
    recall_id = found["recall_id"]
    assert (found["state"], found["lines"], found["product_name"]) == ("RECALL_STATE_LISTED", "2", "Rau ngót")
    assert recall_id in done.output
    assert refused(lambda: ordered({product_id: 1})) == "OUT_OF_STOCK"
    assert refused(lambda: vendor.post(f"/v1/orders/{kept}/advance", to="ORDER_STATE_READY")) == "WRONG_STATE"
    assert refused(lambda: operator.post(f"/v1/recalls/{recall_id}/release")) == "FOUR_EYES"
    (shown,) = shopper.get(f"/v1/products/{product_id}/lots")["lots"]
    assert (shown["recalled"], shown["for_sale"]) == (True, False)

    done = cho("release", recall_id, "--phone", people.CHECKER.phone)
    assert done.exit_code == 0, done.output
    found = operator.get(f"/v1/recalls/{recall_id}")["recall"]
    assert (found["state"], found["done"]) == ("RECALL_STATE_FINISHED", "2")
    assert found["tallies"] == [{"state": "RECALL_LINE_STATE_REFUNDED", "lines": "2", "amount": str(3 * PRICE)}]
    assert order(fetched)["state"] == "ORDER_STATE_REFUNDED"
    after = order(kept)
    assert (after["state"], after["paid"], after["due"]) == ("ORDER_STATE_PAID", str(3 * PRICE), str(3 * PRICE))
    assert [one["reason"] for one in after["history"] if one["event"] == "recalled"] == [REASON]
    assert order(clean)["paid"] == str(PRICE)

    out = tmp_path / "recall.csv"
    assert cho("report", recall_id, "--out", out).exit_code == 0
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = {row["order_id"]: row for row in csv.DictReader(file)}
    assert {one: (rows[one]["state"], rows[one]["amount_vnd"]) for one in rows} == {
        fetched: ("refunded", str(2 * PRICE)), kept: ("refunded", str(PRICE))
    }  # fmt: skip
    assert all(row["payment_ids"] and row["refund_ids"] for row in rows.values())
    assert "finished" in cho("list").output
    audited()
