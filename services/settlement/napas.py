"""NAPAS-style reconciliation files: what the interbank switch says of a day's transfers, for one bank in one role.

    for number, record in enumerate(read(path), start=1):
        moved = entry(record, number, name.role, name.text)        # a StatementEntry, to be matched like any other

Layout, checksum and file names are in `napas_layout.py`; nothing else here knows this format.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from kit.clock import VIETNAM
from services.settlement.napas_layout import (
    FEES,
    FIELDS,
    HEADER,
    TRAILER,
    Checksum,
    line,
    md5_checksum,
    values_of,
)  # fmt: skip
from services.settlement.records import VND, FileRefused, StatementEntry
from services.settlement.whole_file import whole

RECORDS_MAX = 2_000_000
# Bytes of a line; a transfer's has about 1030.
LINE_MAX = 2_000
# ISO 4217 number of VND.
DONG = "704"
APPROVED = "0000"

_NO_FEES = (0,) * len(FEES)
_SIDES = {"ISS": "D", "BNB": "C", "ACQ": "C"}


@dataclass(frozen=True, slots=True)
class Head:
    """`receiver`: the BIN of the bank that the file is for, whose key its checksums have. `on`: the day of its
    transfers. `creator` and `created_at` are the trailer's."""

    receiver: str
    on: date
    creator: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One transfer as the switch saw it (a DR line). Amounts are whole đồng (of another currency its hundredths), fees
    hundredths of a đồng in the order of FEES. `real_amount` (RTA) is what stands after reversals."""

    at: datetime
    settled_on: date
    amount: int
    real_amount: int
    trace: str
    acquirer: str
    issuer: str
    beneficiary: str
    from_account: str
    to_account: str
    message_type: str = "0210"
    pan: str = ""
    processing_code: str = "910000"
    service: str = "IF_DEP"
    channel: str = "97"
    currency: str = DONG
    merchant_category: str = "0000"
    terminal: str = ""
    merchant: str = ""
    retrieval_reference: str = ""
    approval: str = ""
    transfer_reference: str = ""
    response: str = APPROVED
    fees: tuple[int, ...] = _NO_FEES
    reserved: tuple[str, str, str] = ("", "", "")
    line: int = field(default=0, compare=False)


class Writes(Protocol):
    """Whatever takes bytes: a file, or one on its way to an institution."""

    def write(self, piece: bytes, /) -> object:
        """Takes a piece."""


def write(path: Path, head: Head, records: Iterable[Record], checksum: Checksum = md5_checksum) -> None:
    """Writes a whole file, or none. VND only. Raises ValueError where a value does not fit its field."""
    with whole(path) as out:
        write_to(out, head, records, checksum)


def write_to(out: Writes, head: Head, records: Iterable[Record], checksum: Checksum = md5_checksum) -> None:
    """Writes the same into something that takes bytes. Raises as `write`."""
    count = 0
    out.write(line("HR", HEADER, {"REV": head.receiver, "DATE": f"{head.on:%d%m%Y}"}).encode() + b"\r\n")
    for record in records:
        count += 1
        if count > RECORDS_MAX:
            raise ValueError(f"more than {RECORDS_MAX} transfers: write several files")
        out.write(_sealed(line("DR", FIELDS, _values(record)) + "[CSR]", head.receiver, checksum))
    created = head.created_at.astimezone(VIETNAM)
    said = {
        "NOT": str(count), "CRE": head.creator, "TIME": f"{created:%H%M%S}", "DATE": f"{created:%d%m%Y}",
    }  # fmt: skip
    out.write(_sealed(line("TR", TRAILER, said) + "[CSF]", head.receiver, checksum))


def _sealed(record: str, bank: str, checksum: Checksum) -> bytes:
    written = record.encode("ascii")
    return written + checksum(written, bank).encode("ascii") + b"\r\n"


def _values(record: Record) -> dict[str, str]:
    if record.currency != DONG:
        raise ValueError(f"currency {record.currency!r}: only {DONG} (VND) is written")
    at = record.at.astimezone(VIETNAM)
    return {
        "MTI": record.message_type, "F2": record.pan, "F3": record.processing_code, "SVC": record.service,
        "TCC": record.channel, "F4": f"{record.amount}00", "RTA": f"{record.real_amount}00", "F49": DONG,
        "F5": f"{record.amount}00", "F50": DONG, "F9": "1", "F51": DONG, "F11": record.trace,
        "F12": f"{at:%H%M%S}", "F13": f"{at:%m%d}", "F15": f"{record.settled_on:%m%d}",
        "F18": record.merchant_category, "F41": record.terminal, "ACQ": record.acquirer, "ISS": record.issuer,
        "MID": record.merchant, "BNB": record.beneficiary, "F102": record.from_account, "F103": record.to_account,
        "F37": record.retrieval_reference, "F38": record.approval, "TRN": record.transfer_reference,
        "RRC": record.response,
        **{tag: str(fee) for tag, fee in zip(FEES, record.fees, strict=True)},
        **{f"RSV{n}": text for n, text in enumerate(record.reserved, start=1)},
    }  # fmt: skip


def opening(path: Path) -> tuple[str, date]:
    """What a file's first line says: the BIN of the bank that it is for, and its day. Raises FileRefused as `read`."""
    for number, written in _lines(path):
        return _head(written, number)
    raise FileRefused("EMPTY", "the file is empty: send it again")


def _head(written: str, number: int) -> tuple[str, date]:
    said = values_of("HR", HEADER, written, number)
    bank, on = said["REV"], _moment(said["DATE"], "%d%m%Y", number).date()
    if not bank.isdecimal():
        raise FileRefused("FIELDS", f"[REV] {bank!r} is no BIN: correct the file", number)
    return bank, on


def read(path: Path, checksum: Checksum = md5_checksum) -> Iterator[Record]:
    """A file's transfers as they come. What was yielded counts once the iteration has ended: the trailer, which says
    how many there are, comes last.

    Raises FileRefused with its line: NOT_ASCII, LINE_TOO_LONG, RECORD, FIELDS, DATE, AMOUNT, CHECKSUM, COUNT,
    TRAILER_MISSING, AFTER_TRAILER, TOO_MANY.
    """
    bank, on, count, ended = "", date.min, 0, False
    for number, written in _lines(path):
        if ended:
            raise FileRefused("AFTER_TRAILER", "more lines behind the trailer: send the file again", number)
        if number == 1:
            bank, on = _head(written, number)
        elif written.startswith("TR"):
            said = values_of("TR", TRAILER, _unsealed(written, bank, checksum, number), number)
            if int(said["NOT"]) != count:
                why = f"{count} transfers, its trailer says {int(said['NOT'])}: send the file again"
                raise FileRefused("COUNT", why, number)
            ended = True
        else:
            count += 1
            if count > RECORDS_MAX:
                raise FileRefused("TOO_MANY", f"more than {RECORDS_MAX} transfers: send them in parts", number)
            yield _record(values_of("DR", FIELDS, _unsealed(written, bank, checksum, number), number), on, number)
    if not ended:
        raise FileRefused("TRAILER_MISSING", "it ends without a TR line: send the whole file again")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    with path.open("rb") as source:
        number = 0
        while piece := source.readline(LINE_MAX + 1):
            number += 1
            if len(piece) > LINE_MAX:
                raise FileRefused("LINE_TOO_LONG", f"more than {LINE_MAX} bytes: correct the file", number)
            if not piece.isascii():
                raise FileRefused("NOT_ASCII", "a character that is not ASCII: correct the file", number)
            yield number, piece.decode("ascii").rstrip("\r\n")


def _unsealed(written: str, bank: str, checksum: Checksum, number: int) -> str:
    """A record without its checksum, once that is right."""
    record, tag, said = written.rpartition("[CSR]")
    if not tag:
        # A trailer's is called after the file in the published sample, after the record elsewhere.
        record, tag, said = written.rpartition("[CSF]")
    if not tag or checksum((record + tag).encode(), bank) != said.strip().lower():
        raise FileRefused("CHECKSUM", "the line's checksum is not right: send the file again", number)
    return record


def _record(values: dict[str, str], on: date, number: int) -> Record:
    currency = values["F49"]
    amount, real_amount = _amount(values["F4"], currency, number), _amount(values["RTA"], currency, number)
    if real_amount > amount:
        raise FileRefused("AMOUNT", "RTA is more than F4: correct the file", number)
    day = _day(values["F13"], on, number)
    at = _moment(f"{day:%Y%m%d}{values['F12']}", "%Y%m%d%H%M%S", number)
    return Record(
        at, _day(values["F15"], on, number), amount, real_amount, values["F11"], values["ACQ"], values["ISS"],
        values["BNB"], values["F102"], values["F103"], values["MTI"], values["F2"], values["F3"], values["SVC"],
        values["TCC"], currency, values["F18"], values["F41"], values["MID"], values["F37"], values["F38"],
        values["TRN"], values["RRC"], tuple(int(values[fee]) for fee in FEES),
        (values["RSV1"], values["RSV2"], values["RSV3"]), number,
    )  # fmt: skip


def _amount(digits: str, currency: str, number: int) -> int:
    """Two decimals are implied, for VND as well, which has none."""
    if currency != DONG:
        return int(digits)
    dong, rest = divmod(int(digits), 100)
    if rest:
        raise FileRefused("AMOUNT", f"{digits} is not whole đồng: correct the file", number)
    return dong


def _day(month_day: str, on: date, number: int) -> date:
    """A day without its year: the one nearest to the file's day."""
    days = []
    for year in (on.year - 1, on.year, on.year + 1):
        try:
            days.append(date(year, int(month_day[:2]), int(month_day[2:])))
        except ValueError:
            continue
    if not days:
        raise FileRefused("DATE", f"{month_day!r} is no day (MMDD): correct the file", number)
    return min(days, key=lambda day: abs(day - on))


def _moment(written: str, form: str, number: int) -> datetime:
    try:
        return datetime.strptime(written, form).replace(tzinfo=VIETNAM)
    except ValueError as error:
        raise FileRefused("DATE", f"{written!r} is no date or time: correct the file", number) from error


def entry(record: Record, number: int, role: str, group: str) -> StatementEntry | None:
    """A transfer as a movement on the account of the bank whose side (`role`: ISS, ACQ or BNB) the file shows; None
    where it was reversed whole, so that nothing moved.

    `reference` is what RSV1 carries: we put the end-to-end id there, a switch may not. The amount is what stands after
    reversals. A reversal message (MTI x4xx) goes the other way. What was not approved is "info": it moved nothing.
    """
    if not record.real_amount:
        return None
    reversal = record.message_type[1:2] == "4"
    side = _SIDES[role]
    other = (record.from_account, record.issuer) if side == "C" else (record.to_account, record.beneficiary)
    if reversal:
        side = "D" if side == "C" else "C"
    return StatementEntry(
        number=number, line=record.line, side=side, amount=record.real_amount,
        currency=VND if record.currency == DONG else record.currency, booked_on=record.at.date(),
        value_on=record.settled_on, reference=record.reserved[0], group=group,
        bank_reference=record.retrieval_reference, counterparty=other[1], counterparty_account=other[0],
        text=f"STAN {record.trace} TRN {record.transfer_reference}".strip(),
        status="booked" if record.response == APPROVED else "info", reversal=reversal,
    )  # fmt: skip
