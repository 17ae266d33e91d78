"""A row of a file judged: as a form, by all of the form's own rules, and against the rows above it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from kit import crypto
from kit.ids import derived_key
from kit.sheets.table import CELL_CHARACTERS_MAX, COLUMNS_MAX, Heading, RawRow
from services.onboarding import form as forms
from services.onboarding.bulk import cells, columns
from services.onboarding.bulk.job import Remark, Row, RowState
from services.onboarding.form import Form
from services.onboarding.market import Market
from services.onboarding.places.stall import order_of
from services.onboarding.problems import WORDS as FORM_WORDS

# Of all its cells; what a vendor has to say is 400.
ROW_CHARACTERS_MAX = 4_000
# The time in every id that is made from a row: the same row makes the same id whenever it is read.
KEY_MS = 1_767_225_600_000
# Stands for the id until it is known what it follows from.
_NO_KEY = derived_key(KEY_MS, "none")

# (Vietnamese, English); {other} is a row's number.
WORDS = {
    **cells.MESSAGES,
    "MARKET_NAME_UNKNOWN": ("không có chợ tên này trong hệ thống", "no market is known by this name"),
    "MARKET_NAME_SHARED": (
        "nhiều chợ trùng tên: viết thêm xã, phường (Chợ Chùa, Xã Nam Hòa) hoặc dùng mã chợ",
        'several markets are called so: add the ward ("Chợ Chùa, Xã Nam Hòa") or use the market id',
    ),
    "EXAMPLE_ROW": ("đây là dòng mẫu: hãy xóa", "this is the template's example: delete it"),
    "ROW_TOO_LONG": (
        f"dòng dài hơn {ROW_CHARACTERS_MAX} ký tự: hãy bỏ bớt cột thừa",
        f"the row has over {ROW_CHARACTERS_MAX} characters",
    ),
    "ROW_TWICE": ("trùng với dòng {other}", "the same as row {other}"),
    "STALL_TWICE": ("sạp này đã có ở dòng {other} cho người khác", "row {other} has this stall for somebody else"),
    "ACCOUNT_TWICE": (
        "số tài khoản này đã có ở dòng {other}: mỗi sạp cần một tài khoản riêng",
        "row {other} has this account: every stall needs one of its own",
    ),
    "PHONE_OTHERS": (
        "số điện thoại này ở dòng {other} là của người khác", "row {other} has this phone for somebody else",
    ),
    "ACCOUNT_TAKEN": (
        "tài khoản này đang nhận tiền cho một cửa hàng khác", "another merchant is paid out to this account",
    ),
    "STALL_TAKEN": ("sạp này đang có cửa hàng khác hoạt động", "another merchant is active at this stall"),
    "KNOWN_PERSON": (
        "người này (căn cước hoặc số điện thoại) đã có hồ sơ khác: người duyệt sẽ xem",
        "this person (id or phone) is on another form: the reviewer will look at it",
    ),
    "CHANGED_SINCE": (
        "đã có hồ sơ của người này ở sạp này với nội dung khác: sửa trong ứng dụng, không nạp lại",
        "this person's form for this stall is there with other content: change it there",
    ),
    "CLOSED_SINCE": (
        "hồ sơ trước của người này ở sạp này đã bị từ chối hoặc đóng: làm hồ sơ mới trong ứng dụng",
        "this person's form for this stall was refused or closed: begin a new one in the app",
    ),
    "PLACE_CLOSED": ("chợ hoặc sạp này đã đóng: chọn sạp khác", "this market or stall is closed: choose another one"),
    "NOT_TAKEN": ("hệ thống không nhận dòng này", "the row was not taken"),
}  # fmt: skip
# What is only to be looked at.
NOTES = cells.NOTES | {"KNOWN_PERSON"}


_EXAMPLE = {column.field: column.example for column in columns.COLUMNS}


class Markets:
    """Markets by what people call them."""

    def __init__(self, markets: Iterable[Market]) -> None:
        self._by_id: dict[str, Market] = {}
        self._by_name: dict[str, list[Market]] = {}
        for market in markets:
            self._by_id[market.market_id] = market
            bare = columns.key(market.name).removeprefix("cho ")
            ward = columns.key(market.ward_name)
            for name in {bare, f"{bare} {ward}", f"{bare} {ward.removeprefix('xa ').removeprefix('phuong ')}"}:
                self._by_name.setdefault(name, []).append(market)

    def find(self, text: str) -> tuple[str, str]:
        """A code, "" where there is nothing to say, and the market's id, "" where it is not one."""
        if text in self._by_id:
            return "", text
        found = self._by_name.get(columns.key(text).removeprefix("cho "), [])
        if len(found) == 1:
            return "", found[0].market_id
        return ("MARKET_NAME_SHARED" if found else "MARKET_NAME_UNKNOWN"), ""


@dataclass(slots=True)
class Above:
    """What the rows above say: which row was the first with each stall, account and phone, and whose it is.

    Held while one file is checked; 10,000 rows take some 4 MB.
    """

    stalls: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    accounts: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    phones: dict[str, tuple[int, str]] = field(default_factory=dict)

    def judge(self, number: int, form: Form) -> list[Remark]:
        """What collides with a row above; the row is then above the next ones."""
        remarks = []
        stall = self.stalls.setdefault((form.market_id, order_of(form.stall)), (number, form.citizen_id))
        if stall[0] != number:
            code = "ROW_TWICE" if stall[1] == form.citizen_id else "STALL_TWICE"
            remarks.append(Remark("stall", code, stall[0]))
        account = self.accounts.setdefault((form.bank_bin, form.account_number.upper()), (number, form.citizen_id))
        if account[0] != number and not remarks:
            remarks.append(Remark("account_number", "ACCOUNT_TWICE", account[0]))
        phone = self.phones.setdefault(form.phone, (number, form.citizen_id))
        if phone[1] != form.citizen_id:
            remarks.append(Remark("phone", "PHONE_OTHERS", phone[0]))
        return remarks


def judge(raw: RawRow, heading: Heading, markets: Markets, above: Above, today: date) -> tuple[Row, Form | None]:
    """The row, good or bad as far as the file alone tells, and its form where it is good."""
    kept, fits = _kept(raw)
    if not fits:
        return Row(raw.number, kept, RowState.BAD, (Remark("", "ROW_TOO_LONG"),)), None
    read = cells.read(raw, heading)
    remarks = list(read.remarks)
    values = dict(read.values)
    market = values.pop("market", "")
    code, market_id = markets.find(market) if market else ("", "")
    if code:
        remarks.append(Remark("market", code))
    if all(values.get(name) == _EXAMPLE[name] for name in ("person_name", "phone", "citizen_id")):
        remarks.append(Remark("", "EXAMPLE_ROW"))
    spoken_of = {r.field for r in remarks if r.code not in NOTES}
    form = form_of({"request_id": _NO_KEY, "market_id": market_id, **values})
    for found in forms.problems(form, today):
        if _column_of(found.field) not in spoken_of:
            remarks.append(Remark(_column_of(found.field), found.code))
    if not _refuses(remarks):
        form = forms.checked(form, today)
        form = replace(form, request_id=request_id_of(form))
        remarks += above.judge(raw.number, form)
    state = RowState.BAD if _refuses(remarks) else RowState.GOOD
    row = Row(raw.number, kept, state, tuple(remarks))
    return row, form if state is RowState.GOOD else None


def _kept(raw: RawRow) -> tuple[tuple[str, ...], bool]:
    """A row's cells as they are kept, and whether they are all of them: a workbook can repeat one long text a million
    times and stay small, and what is kept must not grow with that."""
    kept = tuple(cell[:CELL_CHARACTERS_MAX] for cell in raw.cells[:COLUMNS_MAX])
    if sum(map(len, kept)) <= ROW_CHARACTERS_MAX:
        return kept, True
    return tuple(cell[: ROW_CHARACTERS_MAX // COLUMNS_MAX] for cell in kept), False


def request_id_of(form: Form) -> str:
    """The id of whoever sells at this stall: what a row is, whatever file it is in.

    Keyed, since ids are no secret and a citizen number could be found from one by trying them all.
    """
    what = f"{form.market_id}|{order_of(form.stall)}|{form.citizen_id}"
    return derived_key(KEY_MS, crypto.blind_index("imports.row", what))


def values_of(form: Form) -> dict[str, str]:
    """The form as a row keeps it."""
    return {name: value for name in forms.TEXTS if (value := getattr(form, name))}


def form_of(values: Mapping[str, str]) -> Form:
    """The reverse of `values_of`."""
    texts: dict[str, Any] = dict(values)
    return Form(**texts)


def _column_of(field: str) -> str:
    return "market" if field == "market_id" else field


def _refuses(remarks: Iterable[Remark]) -> bool:
    return any(remark.code not in NOTES for remark in remarks)


def is_note(remark: Remark) -> bool:
    """Whether it is only to be looked at."""
    return remark.code in NOTES


def words(remark: Remark) -> tuple[str, str]:
    """What it says, in Vietnamese and English."""
    vi, en = WORDS.get(remark.code) or FORM_WORDS[remark.code]
    return vi.format(other=remark.other), en.format(other=remark.other)


def titles(heading: tuple[str, ...]) -> Mapping[str, str]:
    """What the file itself calls each field."""
    return {field: heading[place] for field, place in columns.places_of(heading).items()}
