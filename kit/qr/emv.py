"""EMVCo merchant-presented QR: data objects and checksum, no meaning yet.

Source: EMV QRCPS Merchant-Presented Mode v1.0; section numbers below are its own.
"""

import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass

PAYLOAD_LENGTH_MAX = 512  # characters, section 4.1
VALUE_LENGTH_MAX = 99  # characters, section 4.4.1.1

CRC_HEADER = "6304"
_HEADER = re.compile(r"([0-9]{2})([0-9]{2})")
_ANS = re.compile(r"[ -~]+")


class QrError(ValueError):
    """A payload that must not be paid, or must not be printed.

    `code` is stable and for programs; `position` is the character offset in the payload, where known.
    Messages never hold account numbers: they end up in logs.
    """

    def __init__(self, code: str, message: str, position: int | None = None) -> None:
        super().__init__(code, message, position)
        self.code = code
        self.message = message
        self.position = position

    def __str__(self) -> str:
        return self.message if self.position is None else f"{self.message} (at character {self.position})"


@dataclass(frozen=True, slots=True)
class DataObject:
    """One ID / length / value. `position` is where its header starts, in characters of the payload."""

    id: str
    value: str
    position: int

    @property
    def value_position(self) -> int:
        return self.position + 4


def parse(text: str, where: str = "payload", start: int = 0) -> dict[str, DataObject]:
    """Read data objects in their order; lengths count characters (4.4.1.1), one object per ID (4.3.1.2)."""
    objects: dict[str, DataObject] = {}
    at = 0
    while at < len(text):
        found = _object_at(text, at, where, start)
        if found.id in objects:
            raise QrError("QR_DUPLICATE_TAG", f"tag {found.id} occurs twice in the {where}", start + at)
        objects[found.id] = found
        at += 4 + len(found.value)
    return objects


def _object_at(text: str, at: int, where: str, start: int) -> DataObject:
    too_short = "QR_TRUNCATED" if where == "payload" else "QR_LENGTH_MISMATCH"
    header = text[at : at + 4]
    match = _HEADER.fullmatch(header)
    if match is None:
        if len(header) < 4:
            raise QrError(too_short, f"the {where} ends inside a tag and length", start + at)
        raise QrError("QR_TAG_INVALID", f"no tag and length of two digits each in the {where}", start + at)
    tag, length = match[1], int(match[2])
    if length == 0:
        raise QrError("QR_EMPTY_VALUE", f"tag {tag} in the {where} has length 00", start + at)
    value = text[at + 4 : at + 4 + length]
    if len(value) < length:
        message = f"tag {tag} in the {where} promises {length} characters, {len(value)} follow"
        raise QrError(too_short, message, start + at)
    return DataObject(tag, value, start + at)


def write(tag: str, value: str) -> str:
    """One data object; refuses what no length of two digits can tell."""
    if not value:
        raise QrError("QR_EMPTY_VALUE", f"tag {tag} would be empty")
    if len(value) > VALUE_LENGTH_MAX:
        raise QrError("QR_TOO_LONG", f"tag {tag} would hold {len(value)} characters, {VALUE_LENGTH_MAX} fit")
    return f"{tag}{len(value):02d}{value}"


def write_template(tag: str, children: Mapping[str, str | None]) -> str:
    """A template of the children that have a value; nothing at all when none has."""
    value = "".join(write(child, text) for child, text in children.items() if text is not None)
    return write(tag, value) if value else ""


def crc(text: str) -> str:
    """Checksum of 4.7.3 over UTF-8 bytes: CRC-16/CCITT-FALSE as four upper-case hex digits."""
    return f"{binascii.crc_hqx(text.encode(), 0xFFFF):04X}"


def is_ans(text: str) -> bool:
    """Whether the text keeps to format `ans`, EMV's Common Character Set: printable ASCII."""
    return _ANS.fullmatch(text) is not None
