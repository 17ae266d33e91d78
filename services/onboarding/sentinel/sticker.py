"""What a scanned sticker says about the stall where it was scanned. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from kit import banks, qr
from kit.crypto import account_index, mask

PAYLOAD_CHARACTERS_MAX = 512
_ANOTHER_SCHEME = "another scheme's code"


class Verdict(str, Enum):
    OK = "ok"
    OLD_ISSUE = "old_issue"
    FOREIGN = "foreign"
    UNREADABLE = "unreadable"


MESSAGES = {
    Verdict.OK: "Mã đúng: tiền về đúng sạp của bạn.",
    Verdict.OLD_ISSUE: "Mã này đã bị thay: không còn dùng được. Hãy dán mã mới, gỡ mã cũ.",
    Verdict.FOREIGN: "CẢNH BÁO: mã này trả tiền cho người khác! Hãy gỡ xuống ngay; ban quản lý chợ đã được báo.",
    Verdict.UNREADABLE: "Không đọc được mã thanh toán. Hãy quét lại; nếu mã hỏng, xin in mã mới.",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """`names` is whom a foreign code pays: one of our merchants, or a bank and the end of the account's number."""

    verdict: Verdict
    names: str = ""


def judge(payload: str, *, merchant_id: str, issue: int, account_indexes: Collection[str]) -> Judged:
    """What was scanned at a merchant's stall; `account_indexes` are its own settlement accounts' (kit.crypto).

    A bank's sticker that pays the merchant's own account is in order, as is a code of the merchant's own request. Whom
    else a code pays counts, too: each app reads its own part, and a thief may have kept ours beside theirs.
    """
    try:
        code = qr.decode(payload)
    except qr.QrError:
        return Judged(Verdict.UNREADABLE)
    if code.merchant_id not in (None, merchant_id):
        return Judged(Verdict.FOREIGN, code.merchant_id)
    if code.bin is not None and code.account is not None:
        if account_index(code.bin, code.account) not in account_indexes:
            bank = banks.lookup(code.bin)
            name = (bank.short_name or bank.sbv_name) if bank is not None else None
            return Judged(Verdict.FOREIGN, f"{name or code.bin} {mask(code.account)}")
    elif code.merchant_id is None:
        return Judged(Verdict.FOREIGN, _ANOTHER_SCHEME)
    if code.merchant_id is None:
        return Judged(Verdict.OK)
    if len(code.fields["merchant_account_info"]) > 1:
        return Judged(Verdict.FOREIGN, _ANOTHER_SCHEME)
    # A request's code lives for minutes and was never printed.
    old = code.request_reference is None and (code.issue or 1) < issue
    return Judged(Verdict.OLD_ISSUE if old else Verdict.OK)
