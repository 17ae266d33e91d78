"""Reads status reports: pain.002 and pacs.002, what a bank says became of our instructions.

A status report decides whether a payout is paid, or rejected and sent again: what contradicts itself is refused whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from lxml import etree

from kit.clock import VIETNAM
from services.settlement.iso import values
from services.settlement.iso.messages import NAMESPACE, STATUSES
from services.settlement.records import FileRefused, StatusLine, StatusReport
from services.settlement.xml_in import all_of, elements, first, local_name, text

LINES_MAX = 200_000
REASON_TEXT_MAX = 500

# Statuses of a group or batch that say only that its transfers differ.
_PARTLY = "PART"
_REJECTED = "RJCT"
_WANTED = ("GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfId", "PmtInfSts", "StsRsnInf", "TxInfAndSts")
_CODE = re.compile(r"[A-Z]{4}")


def read(path: Path) -> StatusReport:
    """The report in a file, without entities, DTDs or the network; LINES_MAX lines at most.

    `group_status` is the original message's, or its only batch's; "" for PART, which speaks for none. A line without
    a status of its own has that of its batch or group. `group_reason` is the code, or the text where there is no code.
    Raises FileRefused: NOT_A_STATUS, VERSION, FIELD_MISSING, FIELD_BROKEN, SEVERAL_ORIGINALS, SEVERAL_BATCHES,
    NO_STATUS, CONTRADICTION, TOO_MANY_LINES, or a reason of services/settlement/xml_in.py.
    """
    reading = _Reading()
    for name, element in elements(path, _WANTED):
        if name:
            reading.take(name, element)
        else:
            _check_root(element)
    return reading.report()


def _check_root(root: etree._Element) -> None:
    """Tells other documents and versions by their first line: no need to read them to the end."""
    if local_name(root) != "Document":
        raise FileRefused("NOT_A_STATUS", f"a {local_name(root)[:40]!r}, not an ISO 20022 Document: send a pain.002", 1)
    version = (etree.QName(root).namespace or "").removeprefix(NAMESPACE)
    if not version or any(version in versions for _, versions in STATUSES.values()):
        return
    if version.startswith(tuple(f"{kind}." for kind, _ in STATUSES.values())):
        known = ", ".join(v for _, versions in STATUSES.values() for v in versions)
        raise FileRefused("VERSION", f"{version[:40]!r} is not read: send one of {known}", 1)
    raise FileRefused("NOT_A_STATUS", f"{version[:80]!r} is not a status report: send a pain.002 or pacs.002", 1)


class _Said(NamedTuple):
    """What is said of a group or a batch as a whole; "" for PART and for nothing."""

    status: str = ""
    reason: str = ""
    line: int = 0


class _Reading:
    """A report as it is read. Elements come in the order of the file, a batch's head before its lines."""

    def __init__(self) -> None:
        self._header: tuple[str, datetime] | None = None
        self._original = ""
        self._original_kind = ""
        self._group = _Said()
        self._batches = self._batch_statuses = 0
        self._batch = _Said()
        self._lines: list[StatusLine] = []
        # By the id that names a line.
        self._statuses: dict[str, str] = {}
        self._takers: dict[str, Callable[[etree._Element], None]] = {
            "GrpHdr": self._take_header,
            "OrgnlGrpInfAndSts": self._take_group,
            "OrgnlPmtInfId": self._take_batch,
            "PmtInfSts": self._take_batch_status,
            "StsRsnInf": self._take_batch_reason,
            "TxInfAndSts": self._take_line,
        }

    def take(self, name: str, element: etree._Element) -> None:
        """One wanted element."""
        if self._header is None and name != "GrpHdr":
            line = element.sourceline or 0
            raise FileRefused("FIELD_MISSING", "no GrpHdr before the rest: send a whole report", line)
        self._takers[name](element)

    def report(self) -> StatusReport:
        """What was read. Raises FileRefused where it says nothing."""
        if self._header is None:
            raise FileRefused("NOT_A_STATUS", "it has no GrpHdr: send a pain.002 or pacs.002")
        if not self._original:
            raise FileRefused("FIELD_MISSING", "no OrgnlMsgId: say which message the report is about")
        whole = self._whole()
        if not whole.status and not self._lines:
            raise FileRefused("NO_STATUS", "it says of nothing what became of it: send a report with statuses")
        message_id, created_at = self._header
        return StatusReport(
            message_id, created_at, self._original, self._original_kind, whole.status, whole.reason,
            tuple(self._lines),
        )  # fmt: skip

    def _take_header(self, element: etree._Element) -> None:
        root, line = local_name(element.getparent()), element.sourceline or 0
        if root not in STATUSES:
            raise FileRefused("NOT_A_STATUS", f"a {root[:40]!r} is no status report: send a pain.002 or pacs.002", line)
        message_id, created = _id(element, "MsgId"), text(element, "CreDtTm")
        if not message_id or not created:
            raise FileRefused("FIELD_MISSING", "GrpHdr without MsgId or CreDtTm: correct the file", line)
        self._header = message_id, _moment(created, line)

    def _take_group(self, element: etree._Element) -> None:
        self._about(element)
        status, line = _speaks(_status(element, "GrpSts")), element.sourceline or 0
        if self._group.status not in ("", status):
            raise FileRefused("CONTRADICTION", f"the group is {self._group.status} and {status or _PARTLY}", line)
        reason, reason_text = _reason(all_of(element, "StsRsnInf"))
        self._group = _Said(status, reason or reason_text, line)

    def _take_batch(self, element: etree._Element) -> None:
        self._batches += 1

    def _take_batch_status(self, element: etree._Element) -> None:
        line = element.sourceline or 0
        status = _narrowed(self._group.status, _speaks(_code(element.text or "", line)), line)
        self._batch_statuses += 1
        self._batch = _Said(status, "", line)

    def _take_batch_reason(self, element: etree._Element) -> None:
        if local_name(element.getparent()) == "OrgnlPmtInfAndSts" and not self._batch.reason:
            reason, reason_text = _reason((element,))
            self._batch = self._batch._replace(reason=reason or reason_text)

    def _whole(self) -> _Said:
        """What is said of the message as a whole: its batch's status is its own, as we send one batch in a message."""
        reason = self._batch.reason or self._group.reason
        if not self._batch.status:
            return self._group._replace(reason=reason)
        if max(self._batches, self._batch_statuses) > 1:
            why = "statuses of several batches: we send one in a message"
            raise FileRefused("SEVERAL_BATCHES", why, self._batch.line)
        return self._batch._replace(reason=reason)

    def _take_line(self, element: etree._Element) -> None:
        line = element.sourceline or 0
        if len(self._lines) >= LINES_MAX:
            raise FileRefused("TOO_MANY_LINES", f"more than {LINES_MAX} lines: send the report in parts", line)
        self._about(first(element, "OrgnlGrpInf"))
        instruction_id, end_to_end_id = _id(element, "OrgnlInstrId"), _id(element, "OrgnlEndToEndId")
        # ISO's word for an id that was not given.
        end_to_end_id = "" if end_to_end_id == "NOTPROVIDED" else end_to_end_id
        instruction_id = instruction_id or _id(element, "OrgnlTxId")
        if not instruction_id and not end_to_end_id:
            raise FileRefused("FIELD_MISSING", "a line that names no OrgnlEndToEndId and no OrgnlInstrId", line)
        named = end_to_end_id or instruction_id
        status = _narrowed(self._batch.status or self._group.status, _status(element, "TxSts"), line)
        if not status:
            raise FileRefused("NO_STATUS", f"{named} has no status: correct the file", line)
        before = self._statuses.setdefault(named, status)
        if before != status:
            raise FileRefused("CONTRADICTION", f"{named} is {before} and {status}: say which", line)
        self._lines.append(StatusLine(instruction_id, end_to_end_id, status, *_reason(all_of(element, "StsRsnInf"))))

    def _about(self, original: etree._Element | None) -> None:
        """Notes which message the report is about: one."""
        if original is None:
            return
        message_id, kind = _id(original, "OrgnlMsgId"), _id(original, "OrgnlMsgNmId")
        if self._original and message_id and message_id != self._original:
            raise FileRefused(
                "SEVERAL_ORIGINALS", f"about {self._original} and {message_id}: send a report for each",
                original.sourceline or 0,
            )  # fmt: skip
        self._original = self._original or message_id
        self._original_kind = self._original_kind or kind


def _speaks(status: str) -> str:
    """A group's or batch's status, as far as it speaks for all in it."""
    return "" if status == _PARTLY else status


def _narrowed(outer: str, inner: str, line: int) -> str:
    """The status that holds within: its own where it has one. A bank may accept a file and reject a transfer of it; a
    transfer that goes on within a file that was rejected is a contradiction, and paying again would pay twice."""
    if outer == _REJECTED and inner not in ("", _REJECTED):
        raise FileRefused("CONTRADICTION", f"{inner} within what is {outer}: say which", line)
    return inner or outer


def _status(element: etree._Element, name: str) -> str:
    return _code(text(element, name), element.sourceline or 0)


def _code(written: str, line: int) -> str:
    """A status code, "" where there is none. New ones of ISO's list come through: what to do is the caller's."""
    written = written.strip()
    if written and not _CODE.fullmatch(written):
        raise FileRefused("FIELD_BROKEN", f"{written[:20]!r} is no status code: correct the file", line)
    return written


def _id(element: etree._Element, name: str) -> str:
    written = text(element, name)
    if len(written) > values.ID_MAX or not written.isprintable():
        why = f"{name} {written[:40]!r} is longer than {values.ID_MAX} or not printable: correct the file"
        raise FileRefused("FIELD_BROKEN", why, element.sourceline or 0)
    return written


def _reason(reasons: Iterable[etree._Element]) -> tuple[str, str]:
    """The first code, and all texts in one, cleaned: people read them."""
    code, texts = "", []
    for one in reasons:
        code = code or text(one, "Rsn", "Cd") or text(one, "Rsn", "Prtry")
        texts += [more.text or "" for more in all_of(one, "AddtlInf")]
    return values.clean(code, values.ID_MAX), values.clean(" ".join(texts), REASON_TEXT_MAX)


def _moment(written: str, line: int) -> datetime:
    """A time; Vietnam's where it says no zone."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError as error:
        raise FileRefused("FIELD_BROKEN", f"CreDtTm {written[:40]!r} is no time: correct the file", line) from error
    return at if at.tzinfo else at.replace(tzinfo=VIETNAM)
