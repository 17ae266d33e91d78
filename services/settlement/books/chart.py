"""The chart of accounts: every kind of account that the ledger knows is one line of it, by institution. Pure.

Numbers: 1 assets (what is held, and what others owe), 2 liabilities (what is owed), 3 control, 4 income. A line's unit
is whose it is: a telecom ("VIETTEL"), a merchant's bank by its BIN, or the name behind the colon ("PLATFORM").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

AccountClass = Literal["asset", "liability", "income", "control"]
Side = Literal["debit", "credit"]


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line. `normal`: the side on which its balance is written as positive. `per`: what its units are."""

    number: str
    kind: str
    vietnamese: str
    english: str
    account_class: AccountClass
    normal: Side
    per: str

    def balance(self, debits: int, credits: int) -> int:
        """Đồng, positive on the line's normal side."""
        return debits - credits if self.normal == "debit" else credits - debits


LINES = (
    ChartLine("1100", "trust", "Tài khoản đảm bảo thanh toán", "Guarantee account", "asset", "debit", "telecom"),
    ChartLine("1200", "settlement", "Phải thu quyết toán từ nhà mạng", "Settlement claims", "asset", "debit",
              "telecom"),
    ChartLine("1300", "psp", "Phải thu nhà cung cấp dịch vụ thẻ", "Card provider", "asset", "debit", "provider"),
    ChartLine("1400", "receivable", "Phải thu khách hàng", "Receivables", "asset", "debit", "telecom"),
    ChartLine("1500", "nostro", "Tiền gửi của hệ thống tại ngân hàng quyết toán", "Scheme's bank account", "asset",
              "debit", "name"),
    ChartLine("2100", "wallet", "Ví của khách hàng", "Customers' wallets", "liability", "credit", "telecom"),
    ChartLine("2200", "agent", "Số dư của đại lý", "Agents' floats", "liability", "credit", "telecom"),
    ChartLine("2300", "org", "Số dư của tổ chức chi hộ", "Organisations", "liability", "credit", "telecom"),
    ChartLine("2400", "reserve", "Tiền riêng của nhà mạng tại tài khoản đảm bảo", "Telecom's own reserve", "liability",
              "credit", "telecom"),
    ChartLine("2500", "merchant", "Phải trả người bán", "Merchants payable", "liability", "credit", "bank"),
    ChartLine("2600", "transit", "Tiền chi trả đang chuyển", "Payouts on their way", "liability", "credit", "name"),
    ChartLine("2700", "liquidity", "Ký quỹ thanh khoản của nhà mạng", "Liquidity deposits", "liability", "credit",
              "telecom"),
    ChartLine("2900", "clearing", "Thanh toán bù trừ của nhà mạng", "Clearing", "control", "credit", "telecom"),
    ChartLine("3900", "suspense", "Tài khoản chờ xử lý", "Suspense", "control", "credit", "name"),
    ChartLine("4100", "fee", "Doanh thu phí dịch vụ", "Platform fees", "income", "credit", "name"),
)  # fmt: skip
# What no line is for still has to be in the sums; a trial balance says so.
UNKNOWN = ChartLine("9900", "", "Không có trong hệ thống tài khoản", "Not in the chart", "control", "credit", "name")

_BY_KIND = {line.kind: line for line in LINES}
_BY_PREFIX = {
    "wal": "wallet", "agt": "agent", "org": "org", "mer": "merchant", "rcv": "receivable",
}  # fmt: skip


def line_of(kind: str) -> ChartLine:
    """The line of a kind of account; UNKNOWN for one that the chart does not have."""
    return _BY_KIND.get(kind, UNKNOWN)


def kind_of(account_id: str) -> str:
    """The kind that an account's id says: `wal_...`, `trust:VIETTEL`; "" where it says none.

    What counts is the kind with which it was opened; this is for reading postings without their accounts' openings.
    """
    name, colon, _ = account_id.partition(":")
    if colon:
        return name if name in _BY_KIND else ""
    return _BY_PREFIX.get(account_id[:3], "") if account_id[3:4] == "_" else ""


def unit_of(account_id: str, telecom: str) -> str:
    """Whose line an account belongs to: its telecom, or the name behind its colon. Merchants: their bank, elsewhere."""
    return telecom or account_id.partition(":")[2]
