"""What people write in a cell, as the form has it; and what a spreadsheet did to it, said. Pure.

A spreadsheet that takes a phone or an id for a number eats the zeros before it. Where only one reading is left (a phone
has ten digits, an id twelve) the zeros are put back and that is noted; where more than one is (an account number, whose
length no rule gives) the row is refused: money would go to whoever has the shorter number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from kit import banks
from kit.qr.names import fold
from kit.sheets.table import CELL_CHARACTERS_MAX, Heading, RawRow
from services.onboarding.bulk.columns import key
from services.onboarding.bulk.job import Remark

# Stable code: (Vietnamese, English). What refuses a row, then what is only noted.
MESSAGES = {
    "CELL_FORMULA": ("ô chứa công thức: hãy dán giá trị (Paste values)", "the cell is a formula: paste its value"),
    "CELL_TOO_LONG": (f"ô dài hơn {CELL_CHARACTERS_MAX} ký tự", f"the cell has over {CELL_CHARACTERS_MAX} characters"),
    "NUMBER_MANGLED": (
        "Excel đã làm hỏng số này (dạng 1,2E+11): đổi ô sang kiểu Văn bản (Text) rồi nhập lại",
        "the spreadsheet has rounded this number (1.2E+11): make the cell Text and enter it again",
    ),
    "ACCOUNT_AS_NUMBER": (
        "số tài khoản đang là kiểu Số, có thể đã mất số 0 ở đầu: đổi ô sang kiểu Văn bản (Text) và kiểm tra lại",
        "the account number is a number cell and may have lost leading zeros: make the cell Text and check it",
    ),
    "DATE_INVALID": ("ngày không đúng: viết ngày/tháng/năm, ví dụ 25/12/1987", "not a date: write day/month/year"),
    "SEX_INVALID": ("viết Nam hoặc Nữ", "write Nam or Nữ (male or female)"),
    "ENTERPRISE_KIND_INVALID": ("viết Hộ, Hợp tác xã hoặc Công ty", "write household, cooperative or company"),
    "BANK_NAME_UNKNOWN": (
        "không có ngân hàng này: viết tên viết tắt (Agribank) hoặc mã BIN sáu số",
        "no bank is known by this: its short name (Agribank) or six-digit BIN",
    ),
    "ZERO_RESTORED": (
        "đã thêm số 0 mà Excel làm mất: hãy kiểm tra",
        "leading zeros lost by the spreadsheet were put back",
    ),
}
NOTES = frozenset({"ZERO_RESTORED"})

_MANGLED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[eE]\+?[0-9]+")
_SEPARATORS = str.maketrans("", "", " .-\u00a0")
_DATE = re.compile(r"([0-9]{1,2})[/\-. ]([0-9]{1,2})[/\-. ]([0-9]{4})(?: 0?0:00(?::00)?)?")
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00:00)?")
_STALL = re.compile(r"([A-Z]{1,3})[\s.\-_/]*([0-9]{1,4})")
_SEXES = {"nam": "male", "male": "male", "m": "male", "nu": "female", "female": "female", "f": "female"}
_KINDS = {
    "household": ("ho", "ho kinh doanh", "ca the", "ca nhan", "household"),
    "cooperative": ("hop tac xa", "htx", "cooperative"),
    "company": ("cong ty", "doanh nghiep", "company"),
}
_KIND_OF = {name: kind for kind, names in _KINDS.items() for name in names}
_IDENTIFIERS = frozenset({"phone", "citizen_id", "account_number", "tax_code", "bank_bin"})


@dataclass(frozen=True, slots=True)
class Read:
    """A row's fields as the form has them, "" where a cell is empty or wrong; and what there is to say of them."""

    values: dict[str, str]
    remarks: tuple[Remark, ...]

    @property
    def refused(self) -> bool:
        """Whether something of it cannot be used."""
        return any(remark.code not in NOTES for remark in self.remarks)


def read(row: RawRow, heading: Heading) -> Read:
    """Every known field of a row."""
    values: dict[str, str] = {}
    remarks: list[Remark] = []
    # A formula in a column that nobody reads would still stand in the result.
    named = set(heading.places.values())
    if row.formulas - named:
        remarks.append(Remark("", "CELL_FORMULA"))
    for field, place in heading.places.items():
        text = row.cells[place] if place < len(row.cells) else ""
        code, value = _broken(field, text, row, place), ""
        if not code and text:
            code, value = _NORMALISED.get(field, _as_it_is)(text)
        if code:
            remarks.append(Remark(field, code))
        values[field] = value
    return Read(values, tuple(remarks))


def _broken(field: str, text: str, row: RawRow, place: int) -> str:
    """Why a cell cannot be looked at any further; "" where it can."""
    if place in row.formulas:
        return "CELL_FORMULA"
    if len(text) > CELL_CHARACTERS_MAX:
        return "CELL_TOO_LONG"
    if field in _IDENTIFIERS and _MANGLED.fullmatch(text):
        return "NUMBER_MANGLED"
    if field == "account_number" and place in row.numbers:
        return "ACCOUNT_AS_NUMBER"
    return ""


# Each gives a code, "" where there is nothing to say, and the value.


def _as_it_is(text: str) -> tuple[str, str]:
    return "", text


def _phone(text: str) -> tuple[str, str]:
    digits = text.translate(_SEPARATORS)
    if re.fullmatch(r"[1-9][0-9]{8}", digits):
        return "ZERO_RESTORED", "0" + digits
    # "+84..." as a number.
    return "", "+" + digits if re.fullmatch(r"84[1-9][0-9]{8}", digits) else digits


def _citizen_id(text: str) -> tuple[str, str]:
    digits = text.translate(_SEPARATORS)
    # Provinces are 001 to 096: every number begins with 0, and one or two are all that can be lost.
    if re.fullmatch(r"[1-9][0-9]{9,10}", digits):
        return "ZERO_RESTORED", digits.zfill(12)
    return "", digits


def _tax_code(text: str) -> tuple[str, str]:
    digits = text.replace(" ", "")
    if re.fullmatch(r"[1-9][0-9]{8}", digits):
        return "ZERO_RESTORED", "0" + digits
    return ("ZERO_RESTORED", "0" + digits) if re.fullmatch(r"[1-9][0-9]{10}", digits) else ("", digits)


def _account_number(text: str) -> tuple[str, str]:
    return "", text.translate(_SEPARATORS)


def _date(text: str) -> tuple[str, str]:
    if found := _DATE.fullmatch(text):
        day, month, year = map(int, found.groups())
    elif found := _ISO_DATE.fullmatch(text):
        year, month, day = map(int, found.groups())
    else:
        return "DATE_INVALID", ""
    try:
        return "", date(year, month, day).isoformat()
    except ValueError:
        return "DATE_INVALID", ""


def _sex(text: str) -> tuple[str, str]:
    sex = _SEXES.get(key(text), "")
    return ("", sex) if sex else ("SEX_INVALID", "")


def _enterprise_kind(text: str) -> tuple[str, str]:
    kind = _KIND_OF.get(key(text), "")
    return ("", kind) if kind else ("ENTERPRISE_KIND_INVALID", "")


def _stall(text: str) -> tuple[str, str]:
    found = _STALL.fullmatch(fold(text).upper())
    # What is no stall stays as it is, for the form's own rule to refuse.
    return "", f"{found[1]}-{found[2]}" if found else text


def _bank(text: str) -> tuple[str, str]:
    if re.fullmatch(r"[0-9]{6}", text):
        bank = banks.lookup(text)
        return ("", text) if bank is not None else ("BANK_NAME_UNKNOWN", "")
    found = banks.by_name(text)
    return ("", found) if found else ("BANK_NAME_UNKNOWN", "")


_NORMALISED: dict[str, Callable[[str], tuple[str, str]]] = {
    "phone": _phone, "citizen_id": _citizen_id, "tax_code": _tax_code, "account_number": _account_number,
    "birth_date": _date, "citizen_issued": _date, "citizen_expires": _date, "sex": _sex,
    "enterprise_kind": _enterprise_kind, "stall": _stall, "bank_bin": _bank,
}  # fmt: skip
