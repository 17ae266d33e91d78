"""Writes a message piece by piece, and checks a file of instructions against what its head says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from lxml import etree

from services.settlement.iso import values
from services.settlement.iso.messages import NAMESPACE, Message
from services.settlement.iso.parts import child
from services.settlement.records import FileHead

# Transfers of one file; a window with more is sent in several.
TRANSFERS_MAX = 200_000


class Out(Protocol):
    """Where bytes go: a file, or services/settlement/exchange.py's `sending`."""

    def write(self, piece: bytes, /) -> int: ...


class _Transfer(Protocol):
    @property
    def amount(self) -> int: ...


_T = TypeVar("_T", bound=_Transfer)


@contextmanager
def document(out: Out, message: Message) -> Iterator[Any]:
    """An lxml file writer inside Document and the message's own element."""
    with etree.xmlfile(out, encoding="UTF-8") as xml:
        xml.write_declaration()
        with xml.element("Document", nsmap={None: NAMESPACE + message.version}), xml.element(message.root):
            xml.write("\n")
            yield xml
            xml.write("\n")


def put(xml: Any, element: etree._Element) -> None:
    """Writes a piece on a line of its own: errors have line numbers, and a person finds a transfer."""
    xml.write(element)
    xml.write("\n")


def group_header(head: FileHead) -> etree._Element:
    """GrpHdr as far as pain.001 and pacs have it in common: who, when, how many, how much."""
    if not 0 < head.count <= TRANSFERS_MAX:
        raise ValueError(f"{head.count} transfers: a file has 1 to {TRANSFERS_MAX}")
    header = etree.Element("GrpHdr")
    child(header, "MsgId", values.identifier(head.message_id))
    child(header, "CreDtTm", values.moment(head.created_at))
    child(header, "NbOfTxs", str(head.count))
    child(header, "CtrlSum", values.amount(head.total))
    return header


def tallied(transfers: Iterable[_T], head: FileHead) -> Iterator[_T]:
    """The transfers, one by one. Raises ValueError where they are not as many, or not as much, as the head says."""
    count = total = 0
    for transfer in transfers:
        count += 1
        total += transfer.amount
        if count > head.count:
            break
        yield transfer
    if (count, total) != (head.count, head.total):
        more = "or more " if count > head.count else ""
        raise ValueError(
            f"{head.message_id}: {count} {more}transfers of {total} đồng, its head says {head.count} of {head.total}"
        )
