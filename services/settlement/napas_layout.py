"""The layout of NAPAS-style reconciliation files: their names, records, fields and checksum. Pure.

NAPAS's own document is not public. This is what independent implementations at banks agree on, and what a published
sample file bears out; docs/settlement-files.md lists what remains unknown.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import NamedTuple

from kit.clock import VIETNAM
from services.settlement.records import FileRefused

# (record up to and with its [CSR] or [CSF], the bank's BIN) -> 32 hex digits
Checksum = Callable[[bytes, str], str]


class Field(NamedTuple):
    """One [TAG]value. Numbers are filled with zeros, texts with blanks, both from the left."""

    tag: str
    width: int
    fill: str = " "

    def holds(self, value: str) -> bool:
        """Whether a value fits."""
        return len(value) <= self.width and (self.fill != "0" or _DIGITS.fullmatch(value) is not None)

    @property
    def shape(self) -> str:
        """What fits, in words."""
        return f"{self.width} {'digits' if self.fill == '0' else 'characters'}"


FEES = (
    "SVFISSNP", "IRFISSACQ", "IRFISSBNB", "SVFACQNP", "IRFACQISS", "IRFACQBNB", "SVFBNBNP", "IRFBNBISS", "IRFBNBACQ",
)  # fmt: skip

FIELDS = (
    Field("MTI", 5, ""), Field("F2", 19), Field("F3", 6, "0"), Field("SVC", 10), Field("TCC", 2),
    Field("F4", 12, "0"), Field("RTA", 12, "0"), Field("F49", 3, "0"), Field("F5", 12, "0"), Field("F50", 3, "0"),
    Field("F9", 8, "0"), Field("F6", 12, "0"), Field("RCA", 12, "0"), Field("F51", 3, "0"), Field("F10", 8, "0"),
    Field("F11", 8, ""), Field("F12", 6, "0"), Field("F13", 4, "0"), Field("F15", 4, "0"), Field("F18", 4, "0"),
    Field("F22", 3, "0"), Field("F25", 2, "0"), Field("F41", 8), Field("ACQ", 8), Field("ISS", 8), Field("MID", 15),
    Field("BNB", 8), Field("F102", 28), Field("F103", 28), *(Field(fee, 12, "0") for fee in FEES), Field("F37", 12),
    Field("F38", 6), Field("TRN", 16), Field("RRC", 4, "0"), Field("RSV1", 100), Field("RSV2", 100), Field("RSV3", 100),
)  # fmt: skip
HEADER = (Field("REV", 8), Field("DATE", 8, "0"))
TRAILER = (Field("NOT", 9, "0"), Field("CRE", 20), Field("TIME", 6, "0"), Field("DATE", 8, "0"))

_PIECE = re.compile(r"\[([A-Z0-9]{1,9})\]([^\[\]]*)")
_VALUE = re.compile(r"[ -Z\\^-~]*")
_DIGITS = re.compile(r"[0-9]+")
_NAME = re.compile(r"(\d{6})_(ISS|ACQ|BNB)_([A-Z0-9]{3})_(\d{6})_(\d{1,3})_(TC|SL|XL)_([A-Z0-9]{2,6})\.dat", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileName:
    """What a file's name says: `<MMDDYY>_<role>_<bank>_<BIN>_<n>_<kind>_<service>.dat`.

    `role`: which bank's side it shows (ISS pays, BNB is paid, ACQ took the card). `kind`: TC succeeded, SL in dispute,
    XL a dispute that was dealt with. `service`: SWC, PC, ...
    """

    on: date
    role: str
    bank: str
    bin: str
    number: int
    kind: str
    service: str

    @property
    def text(self) -> str:
        """The name."""
        return f"{self.on:%m%d%y}_{self.role}_{self.bank}_{self.bin}_{self.number}_{self.kind}_{self.service}.dat"

    @classmethod
    def parse(cls, name: str) -> FileName:
        """Raises FileRefused NAME."""
        found = _NAME.fullmatch(name)
        why = f"{name[:80]!r} is no reconciliation file's name (MMDDYY_BNB_BID_970418_1_TC_SWC.dat): rename it"
        if found is None:
            raise FileRefused("NAME", why)
        try:
            on = datetime.strptime(found[1], "%m%d%y").replace(tzinfo=VIETNAM).date()
        except ValueError as error:
            raise FileRefused("NAME", why) from error
        return cls(on, found[2], found[3], found[4], int(found[5]), found[6], found[7])


def md5_checksum(record: bytes, bank: str) -> str:
    """The keyed checksum of a record up to and with its tag, as a bank's code and a published sample have it.

    Not NAPAS's word: their formula is not published. An MD5 of pieces of the record's MD5; each two neighbours a, b of
    "5" + BIN + "5" give the 20 - b digits from place a on. It finds damage; whoever knows the BIN can forge it.
    """
    digits = hashlib.md5(record, usedforsecurity=False).hexdigest()
    key = [int(digit) for digit in f"5{bank}5"]
    mixed = "".join(digits[a : a + 20 - b] for a, b in pairwise(key))
    return hashlib.md5(mixed.encode(), usedforsecurity=False).hexdigest()


def line(kind: str, fields: Sequence[Field], values: Mapping[str, str]) -> str:
    """A record of a kind (HR, DR, TR) without its checksum; what `values` lacks is blank or zero. Raises ValueError
    where a value does not fit its field."""
    pieces = [kind]
    for one in fields:
        value = values.get(one.tag, "")
        if not _VALUE.fullmatch(value) or not one.holds(value or one.fill):
            raise ValueError(f"[{one.tag}] {value!r} does not fit {one.shape}")
        pieces.append(f"[{one.tag}]{value.rjust(one.width, one.fill) if one.fill else value}")
    return "".join(pieces)


def values_of(kind: str, fields: Sequence[Field], written: str, number: int) -> dict[str, str]:
    """The values of a record, by tag, without what fills them; zeros stay. Every field must be there, in order.

    Raises FileRefused RECORD or FIELDS. `number`: of the line.
    """
    if not written.startswith(f"{kind}["):
        raise FileRefused("RECORD", f"a {kind} line was expected: send the file again", number)
    values: dict[str, str] = {}
    at = len(kind)
    for one in fields:
        found = _PIECE.match(written, at)
        if found is None or found[1] != one.tag:
            raise FileRefused("FIELDS", f"[{one.tag}] was expected at character {at + 1}: correct the file", number)
        value = found[2].strip(" ")
        if len(found[2]) > one.width or not one.holds(value):
            raise FileRefused("FIELDS", f"[{one.tag}] is not {one.shape}: correct the file", number)
        values[one.tag] = value
        at = found.end()
    if at != len(written):
        raise FileRefused("FIELDS", f"more than was expected at character {at + 1}: correct the file", number)
    return values
