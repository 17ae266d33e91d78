"""What a sales book says in Vietnamese, whatever its format. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kit.clock import VIETNAM, from_ms
from services.settlement.taxbook.book import Book, Entry, Totals
from services.settlement.taxbook.thresholds import BELOW, NEAR, REACHED, Standing

TITLE = "Sổ bán hàng"
# What everybody who reads it has to know.
NOTE = (
    "Sổ này chỉ gồm tiền bán hàng nhận qua Chợ 4.0 theo sổ cái; tiền mặt và tiền nhận nơi khác không có trong sổ. "
    "Doanh thu là tiền bán hàng trừ tiền hoàn cho khách; phí dịch vụ là chi phí, không trừ vào doanh thu."
)
PARTIAL = (
    "Sổ này chưa gồm mọi sạp bán dưới mã số thuế này. Ngưỡng ở đây chỉ so với các sạp trong sổ; luật tính doanh thu "
    "của mọi sạp."
)
KINDS = {"": "Hộ kinh doanh", "household": "Hộ kinh doanh", "cooperative": "Hợp tác xã", "company": "Công ty"}
OPERATIONS = {
    "pay": "Bán hàng", "capture": "Bán hàng (tiền giữ trước)", "refund": "Hoàn tiền", "reverse": "Hủy thanh toán",
}  # fmt: skip
STANDINGS = {BELOW: "Chưa tới", NEAR: "Sắp tới", REACHED: "Đã tới"}
CERTAINTIES = {
    "confirmed": "theo văn bản gốc", "stated": "theo nguồn thứ cấp, chưa đọc văn bản gốc",
    "assumed": "giả định, chưa xác nhận",
}  # fmt: skip

ENTRY_COLUMNS = (
    "Thời gian", "Người bán", "Nội dung", "Mã giao dịch", "Mã thanh toán gốc", "Tham chiếu", "Bán hàng (đồng)",
    "Hoàn tiền (đồng)", "Phí dịch vụ (đồng)",
)  # fmt: skip
TOTAL_COLUMNS = ("Bán hàng", "Hoàn tiền", "Doanh thu", "Phí dịch vụ", "Chi trả và khác", "Lượt bán", "Lượt hoàn")


def entry_row(book: Book, one: Entry) -> tuple[str | int, ...]:
    """A sale or refund, by ENTRY_COLUMNS."""
    return (
        local(one.at_ms), book.seller.merchants.get(one.merchant_id, one.merchant_id), OPERATIONS[one.op],
        one.transfer_id, one.related, one.reference, one.sales, one.refunds, one.fees,
    )  # fmt: skip


def total_row(totals: Totals) -> tuple[int, ...]:
    """By TOTAL_COLUMNS."""
    return (
        totals.sales, totals.refunds, totals.revenue, totals.fees, totals.other, totals.sales_count,
        totals.refunds_count,
    )  # fmt: skip


def notes(book: Book) -> Sequence[str]:
    """What has to be said beside the figures."""
    return (NOTE,) if book.seller.whole else (NOTE, PARTIAL)


def facts(book: Book) -> Sequence[tuple[str, str]]:
    """Whose book it is, and of when."""
    seller = book.seller
    return (
        ("Mã số thuế", seller.tax_code or "chưa có"),
        ("Người bán", seller.name),
        ("Loại hình", KINDS[seller.kind]),
        ("Số sạp trong sổ", str(len(seller.merchants))),
        ("Năm", f"{book.year} (giờ Việt Nam)"),
        ("Đến", f"{local(book.as_of_ms)}, sự kiện {book.as_of_seq} của sổ cái"),
    )


def standing_text(one: Standing) -> str:
    """One threshold and where the seller stands."""
    rule = one.threshold
    missing = f", còn {figure(one.left)} đồng" if one.left else ""
    since = f", từ {rule.from_day:%d/%m/%Y}" if rule.from_day else ""
    return (
        f"{rule.name_vi}: {figure(rule.amount)} đồng/năm ({STANDINGS[one.standing]}{missing}). "
        f"{rule.source_vi}{since}; {CERTAINTIES[rule.certainty]}."
    )


def figure(amount: int) -> str:
    """1234567 is "1.234.567"."""
    return f"{amount:,}".replace(",", ".")


def local(at_ms: int) -> str:
    """A time in Vietnam."""
    at: datetime = from_ms(at_ms).astimezone(VIETNAM)
    return at.strftime("%d/%m/%Y %H:%M:%S")
