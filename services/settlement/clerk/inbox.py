"""Reads what institutions put into their folders: statuses, statements, records, acknowledgements."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

import grpc
import redis
from pymongo.errors import PyMongoError

from kit import log
from kit.clock import now
from services.settlement import store, uploads
from services.settlement.clerk import payouts as steps
from services.settlement.clerk import reconcile, switched
from services.settlement.clerk.crash import point
from services.settlement.clerk.due import boxes
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.peers import Later
from services.settlement.exchange import Box, Came, NameTaken, came, check_new, is_news, refuse, sweep, take
from services.settlement.iso import status
from services.settlement.matching import cases
from services.settlement.matching.cases import Case
from services.settlement.matching.model import BreakType
from services.settlement.names import TELECOMS
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.proof import ack
from services.settlement.proof.files import NotAFile, open_regular
from services.settlement.records import FileRefused, StatusLine, StatusReport

_RECORD = re.compile(r"record\.W(\d{6})-([A-Z0-9]+)(?:[.-].+)?\.csv")

_PACK = re.compile(r"W(\d{6})-([A-Z0-9]+)")
_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")

# Of a net position, đồng: what any JSON reader keeps exact.
NET_MAX = (1 << 53) - 1

_FIRST = ("pain.002.", "pacs.002.", "camt.052.", "camt.054.")

# What is wrong with one file or its folder, and with nobody else's: we may not read or move it, it was taken back, or
# something stands where it has to go.
_OF_ONE_FILE = (PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)

_logger = log.logger(__name__)


def read_all(desk: Desk) -> bool:
    """Takes or refuses every whole file. Whether there was any."""
    found = []
    for box in boxes(desk.home):
        sweep(box, time.time())
        uploads.expire(box, time.time())
        listing = came(box, time.time())
        for one in listing.findings:
            if is_news("came", str(box.incoming), one.name, one.code):
                _logger.error(
                    "cannot be taken", institution=box.institution, file=one.name, code=one.code, text=one.text
                )
        found += [(box, file) for file in listing.files]
    found.sort(key=lambda one: _order(one[1]))
    return sum(_read(desk, box, file) for box, file in found) > 0


def _order(file: Came) -> tuple[int, int]:
    """What a bank says became of payouts comes before its statements, and what it notifies us of before the day's;
    else as they came: a correction replaces what was sent before it."""
    kind = next((number for number, prefix in enumerate(_FIRST) if file.name.startswith(prefix)), len(_FIRST))
    try:
        return kind, file.path.lstat().st_mtime_ns
    except FileNotFoundError:  # reading it will say so
        return kind, 0


def _read(desk: Desk, box: Box, file: Came) -> bool:
    """Whether the file is out of the way now."""
    try:
        return _take_or_refuse(desk, box, file)
    except _OF_ONE_FILE as error:
        # It stays where it is, and keeps nobody's money from moving.
        if is_news("file", str(file.path), type(error).__name__):
            _logger.critical(
                "file cannot be read", institution=box.institution, file=file.name, exc_info=True,
                reason=f"{type(error).__name__}: let us read and move it, or remove it",
            )  # fmt: skip
        return False


def _take_or_refuse(desk: Desk, box: Box, file: Came) -> bool:
    """Whether it was taken or refused. Raises what is no fault of what is in it."""
    try:
        # Before anything of it counts: what is refused has had no effect.
        check_new(box, file.name)
        _reader(desk, box, file)()
        point("taken")
        take(box, file.name)
        _logger.info("file taken", institution=box.institution, file=file.name)
    except FileRefused as why:
        return _refuse(box, file, why)
    except NameTaken:
        return _refuse(box, file, FileRefused("NAME_TAKEN", "a file of this name was taken before: use a new name"))
    except (Later, grpc.RpcError, PyMongoError, redis.RedisError, OSError):
        raise  # not the fault of what is in it: done later
    except Exception:
        # A mistake of ours, and what was noted of the file may be half of it: the next run reads it again. It stays
        # where it is, and keeps nobody's money from moving.
        _logger.critical("file cannot be read", institution=box.institution, file=file.name, exc_info=True)
        return False
    return True


def _refuse(box: Box, file: Came, why: FileRefused) -> bool:
    _logger.warning("file refused", institution=box.institution, file=file.name, reason=why.reason, text=str(why))
    try:
        refuse(box, file.name, why)
    except (NameTaken, NotAFile) as error:
        # It stays where it is, and keeps nobody else's from being read.
        _logger.critical("file cannot be moved away", institution=box.institution, file=file.name, reason=str(error))
        return False
    return True


def _reader(desk: Desk, box: Box, file: Came) -> Callable[[], object]:
    bank = box.institution == desk.settings.settlement_bank
    if file.name.endswith(ack.SUFFIX):
        return lambda: _acknowledged(box, file.name)
    if file.name.startswith(("pain.002.", "pacs.002.")):
        if not bank:
            raise FileRefused("NOT_YOURS", "only the settlement bank says what became of payouts")
        return lambda: _statuses(desk, status.read(file.path))
    if file.name.startswith("acceptance.") and file.name.endswith(".json"):
        return lambda: _accepted(box, _text_of(file))
    if named := _RECORD.fullmatch(file.name):
        if named[2] != box.institution or box.institution not in TELECOMS:
            raise FileRefused("NOT_YOURS", "a record of another institution: send your own")
        return lambda: reconcile.record(desk, file.path, box.institution, int(named[1]))
    if box.institution.isdecimal() and file.name.endswith(".dat"):
        return lambda: switched.switched(desk, file.path, box.institution)
    if bank and not file.name.startswith(("record.", "report.")):
        return lambda: reconcile.statement(desk, file.path)
    raise FileRefused("NAME", "none of the exchange's names: see docs/settlement-files.md")


def _acknowledged(box: Box, name: str) -> None:
    said, findings = ack.acknowledgement(box, name)
    for found in findings:
        _logger.error("acknowledgement", institution=box.institution, file=name, code=found.code, text=found.text)
    if said is None:
        raise FileRefused("ACK_BROKEN", findings[0].text)


def _text_of(file: Came) -> bytes:
    """A small file's content, cut where no acceptance is so long."""
    with open_regular(file.path) as found:
        return found.read(ack.BYTES_MAX)


def _accepted(box: Box, text: bytes) -> None:
    """A telecom's word on a window's net position: the money moves by pacs.009 all the same, and what it disputes is a
    case that somebody owns until the two agree. Raises FileRefused."""
    broken = FileRefused("ACCEPTANCE", 'not an acceptance: {"pack","net","accepted","reason"}')
    try:
        said = json.loads(text)
        pack, theirs = _PACK.fullmatch(said["pack"]), said["net"]
        accepted, reason = said["accepted"], str(said.get("reason", ""))
        # JSON may escape half a character, and that can be kept nowhere.
        reason.encode()
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise broken from error
    if pack is None or not isinstance(accepted, bool) or type(theirs) is not int or abs(theirs) > NET_MAX:
        raise broken
    if pack[2] != box.institution:
        raise FileRefused("NOT_YOURS", "an acceptance of another institution's pack: send your own")
    closed = store.window(int(pack[1]))
    ours = {line.institution: line.credits - line.debits for line in closed.lines} if closed else {}
    if box.institution not in ours:
        raise FileRefused("WINDOW", f"you have no position in window {int(pack[1])}: which pack is meant?")
    if accepted and theirs != ours[box.institution]:
        raise FileRefused("NET_DIFFERS", f"accepted, but {theirs} is not the report's net position: which do you mean?")
    word = reason.partition(":")[0]
    case = Case(
        box.institution, "net position", BreakType.DISPUTED, rules.net_id(int(pack[1]), box.institution, 1),
        word if _CODE.fullmatch(word) else "", reason,
        abs(theirs - ours[box.institution]) or abs(ours[box.institution]),
    )  # fmt: skip
    if accepted:
        cases.close_case(case, "it is accepted now", now())
        _logger.info("net position accepted", institution=box.institution, pack=pack[0])
    else:
        cases.open_case(case, now())
        _logger.error("net position disputed", institution=box.institution, pack=pack[0], code=case.detail)


def _statuses(desk: Desk, report: StatusReport) -> None:
    """Notes what a bank said of each instruction of a file; a word about the whole file is of those not named."""
    point("status read")
    # Our instruction ids are the end-to-end ids: a bank may name a transfer by either.
    lines = [(line.end_to_end_id or line.instruction_id, line.status, _why(report, line)) for line in report.lines]
    ours = _of_message(report.original_message_id)
    if report.group_status in rules.SAYS_PAID | rules.SAYS_FAILED:
        named = {one for one, _, _ in lines}
        lines += [(one, report.group_status, report.group_reason) for one in ours if one not in named]
    if not ours:
        raise FileRefused("UNKNOWN_MESSAGE", f"we never sent {report.original_message_id}: which file is meant?")
    strangers = sorted({one for one, _, _ in lines} - set(ours))
    if strangers:
        raise FileRefused("NOT_IN_MESSAGE", f"{strangers[0][:40]} is not in {report.original_message_id}")
    steps.note(lines, now())


def _why(report: StatusReport, line: StatusLine) -> str:
    """A line's reason; its message's where it has none, and before it where that was rejected as a duplicate: then
    whatever is in it may have been paid before."""
    said, whole = f"{line.reason} {line.reason_text}".strip(), report.group_reason
    duplicate = report.group_status in rules.SAYS_FAILED and whole in rules.DUPLICATES
    return f"{whole} {said}".strip() if duplicate or not said else said


def _of_message(message_id: str) -> list[str]:
    """End-to-end ids of what we sent under a message id."""
    found = [one for batch in payouts.batches(id=message_id) for one in batch.payouts]
    return found or [net.end_to_end_id for net in payouts.nets(message_id=message_id)]
