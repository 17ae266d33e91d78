"""The chart of accounts: every kind that the ledger opens has one line, on the side that the books' rules know."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.payments import transfer
from services.settlement import fold
from services.settlement.books import chart

FUNCTIONS = Path(fold.__file__).parents[1] / "payments" / "store" / "functions"


def test_every_kind_of_account_in_the_ledgers_operations_has_a_line() -> None:
    text = (FUNCTIONS / "4_transfer.lua").read_text(encoding="utf-8")
    kinds = set(re.findall(r"[dc=]:([a-z]+)[,']", text))
    assert len(kinds) > 10
    assert kinds <= {line.kind for line in chart.LINES}


def test_numbers_and_kinds_are_used_once_and_numbers_say_the_class() -> None:
    assert len({line.number for line in chart.LINES}) == len({line.kind for line in chart.LINES}) == len(chart.LINES)
    classes = {"1": "asset", "2": ("liability", "control"), "3": "control", "4": "income"}
    for line in chart.LINES:
        assert line.account_class in classes[line.number[0]]
        assert (line.normal == "debit") == (line.number[0] == "1")
        assert line.vietnamese
        assert line.english


def test_what_may_not_be_credited_beyond_its_debits_is_an_asset_here_too() -> None:
    for line in chart.LINES:
        overdrawn = fold.overdrawn(fold.BookAccount(kind=line.kind, credits=1))
        assert not overdrawn or line.normal == "debit"


@pytest.mark.parametrize(
    ("account_id", "kind"),
    [
        ("wal_0", "wallet"),
        ("agt_0", "agent"),
        ("org_0", "org"),
        ("mer_0", "merchant"),
        ("rcv_0", "receivable"),
        (transfer.trust("VNPT"), "trust"),
        (transfer.psp("STRIPE"), "psp"),
        (transfer.PLATFORM_FEE, "fee"),
        (transfer.NOSTRO, "nostro"),
        (transfer.TRANSIT, "transit"),
        (transfer.SUSPENSE, "suspense"),
        (transfer.liquidity("VNPT"), "liquidity"),
        ("what:VNPT", ""),
        ("wallet", ""),
        ("", ""),
    ],
)
def test_an_accounts_id_says_its_kind(account_id: str, kind: str) -> None:
    assert chart.kind_of(account_id) == kind
    assert chart.line_of(kind).kind == kind


def test_a_balance_is_positive_on_its_lines_normal_side() -> None:
    assert chart.line_of("trust").balance(7, 2) == 5
    assert chart.line_of("wallet").balance(7, 2) == -5
    assert chart.line_of("unheard of") is chart.UNKNOWN
