"""What a reviewer has to settle before a merchant may sell: who else is alike, and what others say of the person. Pure.

A finding is never a refusal by itself: one family has one phone, one vendor two stalls. It blocks the approval until a
second person has accepted it with a reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

# By code: what a vendor's helper reads, and what a developer reads.
WORDS = {
    "SAME_CITIZEN_ID": ("Số căn cước này đã có ở hồ sơ khác.", "Another merchant has this citizen number."),
    "SAME_PHONE": ("Số điện thoại này đã có ở hồ sơ khác.", "Another merchant has this phone."),
    "SAME_ACCOUNT": ("Tài khoản nhận tiền này đã có ở hồ sơ khác.", "Another merchant has this settlement account."),
    "SAME_NAME_AND_BIRTH": (
        "Đã có hồ sơ khác cùng họ tên và ngày sinh.", "Another merchant's owner has this name and birth date.",
    ),
    "OWNER_PHONE_DIFFERS": (
        "Tài khoản của chủ sạp dùng số điện thoại khác với hồ sơ.", "The owner's account has another phone.",
    ),
    "WATCH_LIST": ("Người này có trong danh sách cảnh báo.", "The person is on the watch list."),
    "ACCOUNT_NAME_DIFFERS": (
        "Tên chủ tài khoản ở ngân hàng khác với hồ sơ.", "The bank knows the account under another name.",
    ),
    "ACCOUNT_UNKNOWN": ("Ngân hàng không có tài khoản này.", "The bank knows no such account."),
    "ACCOUNT_NAME_UNCHECKED": (
        "Chưa kiểm tra được tên chủ tài khoản với ngân hàng.", "No bank could be asked for the account's name.",
    ),
}  # fmt: skip
WATCH_LIST = "WATCH_LIST"
# In a merchant's history: who is looked into is not told so, and reads no such line.
ACCEPTED = "accept_finding"
# Alike merchants that are named for each kind of likeness; who has more is found by the first ones.
ALIKE_MAX = 10


@dataclass(frozen=True, slots=True)
class Finding:
    """`other` is the merchant that is alike, "" for the rest; `accepted_by` is "" while it is open. Times are UTC."""

    code: str
    other: str
    found_at: datetime
    accepted_by: str = ""
    reason: str = ""
    accepted_at: datetime | None = None

    @property
    def finding_id(self) -> str:
        """Names it within its merchant."""
        return f"{self.code}-{self.other}" if self.other else self.code

    @property
    def is_open(self) -> bool:
        return not self.accepted_by


def merged(known: list[Finding], seen: list[Finding]) -> list[Finding]:
    """What is known, and what was not seen before: what a reviewer has accepted stays accepted."""
    ids = {finding.finding_id for finding in known}
    fresh = {finding.finding_id: finding for finding in seen if finding.finding_id not in ids}
    return [*known, *fresh.values()]


def still_seen(known: list[Finding], seen: list[Finding]) -> list[Finding]:
    """For a form that was changed: an open finding that is gone is dropped, an accepted one stays."""
    ids = {finding.finding_id for finding in seen}
    return [finding for finding in merged(known, seen) if not finding.is_open or finding.finding_id in ids]
