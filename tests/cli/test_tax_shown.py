"""What `cho tax` prints of what others wrote, and in whose time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from typer.testing import CliRunner

from cli import tax

_TOTALS = {"sales": "5", "refunds": "0", "revenue": "5", "fees": "0"}
_BOOK = {
    "name": "[/]Cô [red]Hạnh\x1b[2J", "tax_code": "*********001", "year": 2026, "as_of": "2026-12-31T18:00:00Z",
    "months": [], "totals": _TOTALS, "thresholds": [], "whole": False,
}  # fmt: skip
_INVOICE = {
    "symbol": "C27MAB", "number": "1", "authority_code": "M1", "issued_at": "2026-12-31T18:00:00Z", "order_id": "o",
    "kind": "INVOICE_KIND_ORIGINAL", "amount": "5", "delivery": "INVOICE_DELIVERY_SENT", "delivery_reason": "",
}  # fmt: skip


class Answers:
    def get(self, path: str, **_: Any) -> dict[str, Any]:
        return {"invoices": [_INVOICE]} if path.endswith("/invoices") else _BOOK


@pytest.fixture(autouse=True)
def answered(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def signed_in(phone: str, pin: str) -> Iterator[Answers]:
        yield Answers()

    monkeypatch.setattr(tax, "signed_in", signed_in)
    monkeypatch.setenv("COLUMNS", "200")


def test_a_name_in_a_books_title_is_neither_markup_nor_a_control_sequence_and_its_time_is_vietnams() -> None:
    done = CliRunner().invoke(tax.app, ["book", "mer_1", "2026"])
    assert done.exit_code == 0, done.exception
    assert "[/]Cô [red]Hạnh [2J" in done.stdout
    assert "2027-01-01 01:00:00" in done.stdout


def test_an_invoice_is_of_the_day_in_vietnam() -> None:
    done = CliRunner().invoke(tax.app, ["invoices", "mer_1"])
    assert done.exit_code == 0, done.exception
    assert "2027-01-01 01:00:00" in done.stdout
