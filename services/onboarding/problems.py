"""What can be wrong with a form, by stable codes, in words for a vendor and for a client's developer. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """`field` is the form's, `code` is stable. No word holds a value of the form."""

    field: str
    code: str
    vi: str
    en: str


WORDS: dict[str, tuple[str, str]] = {
    "TEXT_MISSING": ("Chưa điền.", "Not filled in."),
    "TEXT_TOO_LONG": ("Dài quá mức cho phép.", "Longer than it may be."),
    "TEXT_CONTROL": ("Có ký tự không nhìn thấy: hãy gõ lại bằng tay.", "Holds characters that cannot be seen."),
    "TEXT_DIRECTION": (
        "Có dấu đổi chiều chữ: hãy gõ lại bằng tay.", "Holds marks that turn the reading direction.",
    ),
    "NAME_NO_LETTER": (
        "Tên phải có ít nhất một chữ cái hoặc chữ số.", "The name must hold a letter or digit that a QR code can show.",
    ),
    "REQUEST_ID_FORM": ("Mã bản nháp không hợp lệ.", "request_id must be a UUIDv7 in lower case."),
    "MARKET_ID_FORM": ("Chưa chọn đúng chợ.", "market_id must be a market's id (mkt_...)."),
    "MARKET_UNKNOWN": ("Không có chợ này.", "There is no such market."),
    "MARKET_CLOSED": ("Chợ này đã đóng.", "This market is closed."),
    "STALL_CLOSED": ("Sạp này đã đóng: hãy chọn sạp khác.", "This stall is closed: choose another one."),
    "OWNER_ID_FORM": ("Mã người dùng của chủ sạp không hợp lệ.", "owner_id must be a user's id (usr_...)."),
    "OWNER_MISSING": (
        "Chủ sạp chưa có tài khoản: hãy để chủ sạp đăng nhập bằng số điện thoại này một lần.",
        "The vendor has no account yet: let them sign in once with this phone.",
    ),
    "STALL_FORM": ("Số sạp phải như A-12.", 'A stall is one to three capitals, "-", one to four digits: A-12.'),
    "CATEGORY_FORM": ("Mã ngành hàng phải là bốn số, ví dụ 5411.", "Four digits (ISO 18245), such as 5411."),
    "PHONE_FORM": (
        "Số điện thoại phải có mười số, bắt đầu bằng 0.", "A phone is ten digits from 0, or +84 and nine digits.",
    ),
    "BIRTH_DATE_FORM": ("Ngày sinh không có thật.", "The birth date is no day (yyyy-mm-dd)."),
    "BIRTH_DATE_AGE": (
        "Chủ sạp phải từ 18 đến 120 tuổi.", "A vendor is 18 to 120 years old: younger ones cannot sign a contract.",
    ),
    "SEX_FORM": ("Giới tính phải là nam hoặc nữ.", 'Sex is "male" or "female", as on the card.'),
    "CITIZEN_ID_FORM": ("Số căn cước phải có mười hai số.", "A citizen number is twelve digits."),
    "CITIZEN_ID_PROVINCE": (
        "Ba số đầu của số căn cước không phải mã tỉnh nào.", "The number's first three digits are no province's.",
    ),
    "CITIZEN_ID_CENTURY": (
        "Thế kỷ trong số căn cước không khớp với ngày sinh.", "The number's century is not the birth date's.",
    ),
    "CITIZEN_ID_YEAR": (
        "Năm sinh trong số căn cước không khớp với ngày sinh.", "The number's year is not the birth date's.",
    ),
    "CITIZEN_ID_SEX": ("Giới tính trong số căn cước không khớp.", "The number's sex is not the form's."),
    "CARD_FORM": (
        "Đây không phải mã QR của thẻ căn cước gắn chíp.", "Not the code of a chip-based citizen card.",
    ),
    "CARD_ENCODING": (
        "Máy quét đọc sai tiếng Việt: hãy chỉnh sang UTF-8 rồi quét lại.", "The scanner did not read UTF-8.",
    ),
    "CARD_ISSUED_FORM": ("Ngày cấp căn cước không đúng.", "The issue date is no day, or not after the birth."),
    "CARD_ISSUED_LATER": ("Ngày cấp căn cước ở tương lai.", "The issue date has not come yet."),
    "CARD_EXPIRES_FORM": ("Ngày hết hạn căn cước không đúng.", "The expiry date is no day, or before the issue."),
    "CARD_DATES_MISSING": (
        "Cần ngày cấp hoặc ngày hết hạn của căn cước.", "The card's issue or expiry date is needed.",
    ),
    "CARD_EXPIRED": ("Căn cước đã hết hạn: cần đổi thẻ mới.", "The citizen card has expired."),
    "TAX_CODE_FORM": ("Mã số thuế phải có 10, 12 hoặc 13 số.", "A tax code is 10, 12 or 13 digits."),
    "TAX_CODE_CHECK": ("Mã số thuế sai số kiểm tra: xem lại từng số.", "The tax code's check digit is wrong."),
    "TAX_CODE_MISSING": ("Công ty và hợp tác xã phải có mã số thuế.", "A company or cooperative has a tax code."),
    "TAX_CODE_KIND": (
        "Mã số thuế 12 số là của cá nhân, hộ kinh doanh.", "A tax code of 12 digits is a person's or household's.",
    ),
    "TAX_CODE_OTHERS": (
        "Mã số thuế 12 số phải trùng số căn cước.", "A tax code of 12 digits is the owner's citizen number.",
    ),
    "KIND_FORM": (
        "Loại hình phải là hộ, hợp tác xã hoặc công ty.", 'The kind is "household", "cooperative" or "company".',
    ),
    "BANK_FORM": ("Mã ngân hàng phải là sáu số.", "A bank's BIN is six digits."),
    "BANK_UNKNOWN": ("Không có ngân hàng hay ví nào có mã này.", "No bank or wallet is known by this BIN."),
    "ACCOUNT_FORM": ("Số tài khoản phải có 6 đến 19 chữ số hoặc chữ cái.", "must be 6 to 19 letters and digits"),
    "ACCOUNT_WALLET": (
        "Số tài khoản ví Mobile Money là số điện thoại.", "A telecom wallet's account is its phone number.",
    ),
    "DOCUMENT_KIND": ("Không có loại giấy tờ này.", "There is no such kind of document."),
    "DOCUMENT_MISSING": ("Thiếu ảnh giấy tờ.", "A photo is missing."),
    "DOCUMENT_UNKNOWN": ("Ảnh này chưa được tải lên.", "This document was not uploaded."),
}  # fmt: skip


def problem(field: str, code: str) -> Problem:
    """The problem of this code at this field. Raises KeyError for a code without words."""
    return Problem(field, code, *WORDS[code])
