"""A file of many payments: reading it, and what may become of it and of each of its lines. Pure.

Files come from spreadsheets of communes and employers: with or without a byte order mark, comma, semicolon or tab,
headings in Vietnamese or English, amounts as "1.500.000", telephone numbers that lost their first 0.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from kit import phones
from kit.errors import InvalidArgument
from kit.ids import derived_key, is_id
from kit.money import AMOUNT_MAX
from kit.qr.names import fold

LINES_MAX = 10_000
PART_BYTES_MAX, PARTS_MAX = 40_000, 40
CHUNK_LINES = 200
TITLE_MAX, NOTE_MAX, REFERENCE_MAX = 140, 140, 25
# Keys of the ledger live for 7 days: what is not paid by then is settled one way or the other.
RUN_MS_MAX = 6 * 86_400_000
CALLER = "service:disbursements"

_COLUMNS = {
    "to": {"phone", "so dien thoai", "dien thoai", "sdt", "wallet", "wallet_id", "vi", "ma vi"},
    "amount": {"amount", "so tien"},
    "reference": {"reference", "ma", "ma ho so", "tham chieu"},
    "note": {"note", "ghi chu", "noi dung"},
}
_AMOUNT = re.compile(r"(\d+|[1-9]\d{0,2}(?:[.,]\d{3})+)\s*(?:đ|₫|vnd|đồng)?", re.IGNORECASE)
_LOST_ZERO = re.compile(r"[1-9]\d{8}")


class State(str, Enum):
    DRAFT = "draft"
    CHECKED = "checked"
    RUNNING = "running"
    PAUSED = "paused"
    DONE = "done"
    CANCELLED = "cancelled"


class LineState(str, Enum):
    BAD = "bad"
    WAITING = "waiting"
    PAID = "paid"
    REFUSED = "refused"


# What is wrong with a line, for who has to put it right.
MESSAGES = {
    "INVALID_ARGUMENT": "số điện thoại hoặc mã ví không đúng",
    "AMOUNT_INVALID": "số tiền không đúng",
    "NOT_FOUND": "số điện thoại chưa đăng ký",
    "ACCOUNT_NOT_FOUND": "người nhận chưa có ví",
    "ALREADY_EXISTS": "trùng với một dòng ở trên",
    "ACCOUNT_FROZEN": "ví đang bị khóa",
    "ACCOUNT_CLOSED": "ví đã đóng",
    "GUARANTEE_SHORT": "nhà mạng của người nhận chưa đủ tiền bảo đảm",
    "BALANCE_TOO_LARGE": "số dư vượt mức cho phép",
    "KEY_EXPIRED": "quá hạn chi trả",
    "OUTCOME_UNKNOWN": "chưa rõ đã chi hay chưa: hỏi tổng đài",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: `to` a phone (+84...) or a wallet while it is read, then the wallet; `amount` in đồng.

    `tries`: keys of the ledger that were refused for want of money.
    """

    number: int
    to: str
    amount: int
    reference: str
    note: str
    state: LineState
    code: str = ""
    # Masked.
    shown: str = ""
    telecom: str = ""
    transfer_id: str = ""
    tries: int = 0

    def bad(self, code: str) -> Line:
        """The same, which cannot be paid."""
        return replace(self, state=LineState.BAD, code=code)

    def fields(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self) | {"state": self.state.value}

    @property
    def message(self) -> str:
        """What is wrong, in Vietnamese; "" where nothing is."""
        return MESSAGES.get(self.code, "không chi được") if self.code else ""


def line_of(fields: dict[str, Any]) -> Line:
    """The reverse of `Line.fields`."""
    return Line(**fields | {"state": LineState(fields["state"])})


def sha256_of(content: bytes) -> str:
    """By what a file is known."""
    return hashlib.sha256(content).hexdigest()


def read(content: bytes) -> list[Line]:
    """Every line of a file, judged as far as the file alone tells. Raises InvalidArgument where it is none of these."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"the file is not UTF-8 at byte {error.start}: save it as CSV UTF-8") from error
    heading = text.partition("\n")[0]
    delimiter = max(",;\t", key=heading.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = _columns(next(rows, []))
        lines = [_line(number, row, columns) for number, row in enumerate(rows, 2) if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InvalidArgument(f"the file is not CSV at line {rows.line_num}: {error}") from error
    if not lines:
        raise InvalidArgument("the file has no lines but its heading")
    if len(lines) > LINES_MAX:
        raise InvalidArgument(f"the file has {len(lines)} lines: at most {LINES_MAX}, make several")
    return _without_twins(lines)


def _columns(heading: Sequence[str]) -> dict[str, int]:
    names = [fold(cell).strip().lower() for cell in heading]
    found = {what: next((i for i, name in enumerate(names) if name in known), -1) for what, known in _COLUMNS.items()}
    missing = [what for what in ("to", "amount") if found[what] < 0]
    if missing:
        raise InvalidArgument(
            'the first line has to name the columns "số điện thoại" (or "phone", "wallet") and "số tiền" ("amount"); '
            '"mã" ("reference") and "ghi chú" ("note") may follow'
        )
    return found


def _line(number: int, row: Sequence[str], columns: dict[str, int]) -> Line:
    def cell(what: str) -> str:
        place = columns[what]
        return row[place].strip() if 0 <= place < len(row) else ""

    amount = _amount(cell("amount"))
    reference, note = cell("reference"), cell("note")
    line = Line(number, _recipient(cell("to")), amount, reference[:REFERENCE_MAX], note[:NOTE_MAX], LineState.WAITING)
    if not line.to or len(reference) > REFERENCE_MAX or len(note) > NOTE_MAX or not (reference + note).isprintable():
        return line.bad("INVALID_ARGUMENT")
    return line if amount else line.bad("AMOUNT_INVALID")


def _recipient(text: str) -> str:
    """A wallet's id or a phone as +84...; "" for what is neither."""
    if is_id(text, "wal"):
        return text
    try:
        return phones.normalise(f"0{text}" if _LOST_ZERO.fullmatch(text) else text)
    except InvalidArgument:
        return ""


def _amount(text: str) -> int:
    """Đồng; 0 for what is no amount."""
    found = _AMOUNT.fullmatch(text)
    digits = re.sub(r"[.,]", "", found[1]) if found else "0"
    amount = int(digits) if len(digits) <= 15 and digits.isascii() else 0
    return amount if amount <= AMOUNT_MAX else 0


def _without_twins(lines: Sequence[Line]) -> list[Line]:
    """The same person, amount and reference twice is a slip, not a wish."""
    seen: set[tuple[str, int, str]] = set()
    judged = []
    for line in lines:
        twin = (line.to, line.amount, line.reference)
        again = line.state is LineState.WAITING and twin in seen
        judged.append(line.bad("ALREADY_EXISTS") if again else line)
        seen.add(twin)
    return judged


# What is approved -----------------------------------------------------------------------------------------------


def figures_of(lines: Iterable[Line]) -> tuple[int, int, int]:
    """What is shown to whoever approves: how many lines, how many of them are bad, and đồng of the others."""
    states = [(line.state is LineState.BAD, line.amount) for line in lines]
    return len(states), sum(bad for bad, _ in states), sum(amount for bad, amount in states if not bad)


def digest_of(sha256: str, lines: Iterable[Line]) -> str:
    """By what a file's lines are known as they were judged, whatever became of them since.

    The file alone does not tell: judged a moment later, a telephone may be another wallet's.
    """
    made = hashlib.sha256(sha256.encode())
    for one in lines:
        bad = one.state is LineState.BAD
        # Each by its name: a field that a line has one day more must not change what is known of those stored before.
        fixed = (one.number, one.to, one.telecom, one.amount, one.reference, one.note, one.shown, bad)
        made.update(json.dumps(fixed).encode())
    return made.hexdigest()


# Paying ----------------------------------------------------------------------------------------------------------


def key_of(disbursement_id: str, approved_ms: int, line: Line) -> str:
    """The key under which a line is paid: whoever pays it uses the same, so that it is paid once."""
    return derived_key(approved_ms, disbursement_id, str(line.number), str(line.tries))


def hash_of(disbursement_id: str, line: Line) -> str:
    """What that key is used for."""
    return hashlib.sha256(f"{disbursement_id}|{line.number}|{line.to}|{line.amount}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Progress:
    """What became of some lines: how many, and đồng."""

    paid: int = 0
    paid_amount: int = 0
    refused: int = 0
    waiting: int = 0


def progress_of(lines: Sequence[Line]) -> Progress:
    """Counts lines."""
    paid = [line.amount for line in lines if line.state is LineState.PAID]
    states = [line.state for line in lines]
    return Progress(len(paid), sum(paid), states.count(LineState.REFUSED), states.count(LineState.WAITING))
