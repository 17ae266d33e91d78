"""Statements, balances at past moments, and the signed statement of a guarantee account."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import grpc
from cho.payments.v1 import payments_pb2
from cho.settlement.v1 import statements_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.clock import VIETNAM, from_ms, now_ms
from kit.config import settings
from kit.errors import BY_CODE, AccountNotFound, InvalidArgument, NotFound, Unavailable, WrongState
from kit.rpc.call import Call, service_metadata
from kit.rpc.status import error_code
from services.settlement import trust
from services.settlement.server.behind import payments
from services.settlement.statements import queries
from services.settlement.statements.feed import Feed
from services.settlement.statements.model import KINDS, THEIRS, Model, read_cursor
from services.settlement.statements.queries import Account, Filter, Line

PAGE_MAX, PAGE_USUAL = 200, 50
ROWS_MAX, ROWS_A_PIECE = 100_000, 1_000
# How long a statement waits for what was answered before it was asked for.
FRESH_S_MAX = 5.0
ASK_S_MAX = 3.0
TELECOMS = frozenset({"VIETTEL", "VNPT", "MOBIFONE"})
# Above every time.
_NEVER_MS = 1 << 52
_OPERATION = re.compile(r"[a-z_]{1,20}")
_DIRECTIONS = {
    "c": pb.DIRECTION_IN, "d": pb.DIRECTION_OUT, "p": pb.DIRECTION_HELD, "r": pb.DIRECTION_RELEASED,
}  # fmt: skip
_SIDES = {number: side for side, number in _DIRECTIONS.items()}
COLUMNS = (
    "time", "operation", "in_vnd", "out_vnd", "held_vnd", "balance_vnd", "counterparty", "transfer_id", "related_id",
    "reference", "note", "fee_vnd", "seq", "window",
)  # fmt: skip


class StatementServicer:
    """See protos/cho/settlement/v1/statements.proto. `secret`: what trust statements are signed with."""

    def __init__(self, model: Model, feed: Feed, secret: str) -> None:
        self._model = model
        self._feed = feed
        self._key = trust.signing_key(secret)

    def GetStatement(self, request: pb.GetStatementRequest, call: Call) -> pb.GetStatementResponse:
        from_ms_, until_ms = _range(request)
        size = request.page_size or PAGE_USUAL
        if not 1 <= size <= PAGE_MAX:
            raise InvalidArgument(f"page_size must be from 1 to {PAGE_MAX}")
        chosen, before = _filter(request), _token(request.page_token)
        account = self._account(request.account_id, until_ms, call)
        with self._model.reader() as connection:
            found = queries.range_of(connection, account.no, from_ms_, until_ms)
            last = min(found.last, before - 1)
            lines = list(queries.lines(connection, account.no, found.first, last, chosen, size + 1))
            at = read_cursor(connection)
        return pb.GetStatementResponse(
            lines=[_line(line) for line in lines[:size]],
            next_page_token=str(lines[size - 1].seq) if len(lines) > size else "",
            opening_balance=found.opening,
            closing_balance=found.closing,
            total_in=found.into,
            total_out=found.out,
            as_of_seq=at.seq if at else 0,
        )

    def DownloadStatement(self, request: pb.DownloadStatementRequest, call: Call) -> Iterator[HttpBody]:
        from_ms_, until_ms = _range(request)
        account = self._account(request.account_id, until_ms, call)
        with self._model.reader() as connection:
            found, at = queries.range_of(connection, account.no, from_ms_, until_ms), read_cursor(connection)
            # What comes while it is read is in the next one.
            last = min(found.last, at.seq if at else 0)
            count = queries.count(connection, account.no, found.first, last, ROWS_MAX + 1)
        if count > ROWS_MAX:
            raise InvalidArgument(f"more than {ROWS_MAX} lines: ask for a shorter time")
        call.set_header("content-disposition", f'attachment; filename="cho-{account.account_id}.csv"')
        yield _piece("\ufeff" + _csv([COLUMNS, ("", "opening", "", "", "", found.opening, *[""] * 8)]))
        # Piece by piece: whoever reads slowly keeps no more of it in our memory.
        first, balance = found.first, found.opening
        while count > 0:
            with self._model.reader() as connection:
                lines = list(
                    queries.lines(connection, account.no, first, last, Filter(), ROWS_A_PIECE, oldest_first=True)
                )
            if not lines:
                break
            yield _piece(_csv([_row(line) for line in lines]))
            first, balance, count = lines[-1].seq + 1, lines[-1].balance, count - len(lines)
        if count or balance != found.closing:
            raise Unavailable("the books were read anew meanwhile: ask again")
        yield _piece(_csv([("", "closing", found.into, found.out, "", found.closing, *[""] * 8)]))

    def GetBalanceAt(self, request: pb.GetBalanceAtRequest, call: Call) -> pb.GetBalanceAtResponse:
        at_ms = request.at.ToMilliseconds()
        if not request.HasField("at") or not 0 <= at_ms <= now_ms():
            raise InvalidArgument("at is a moment that has passed")
        account = self._account(request.account_id, at_ms + 1, call)
        with self._model.reader() as connection:
            balance, held = queries.balance_at(connection, account.no, at_ms)
        return pb.GetBalanceAtResponse(balance=balance, held=held)

    def GetTrustStatement(self, request: pb.GetTrustStatementRequest, call: Call) -> pb.GetTrustStatementResponse:
        everything = call.has("operator", "auditor")
        if request.telecom not in TELECOMS or (not everything and request.telecom != call.caller.institution):
            raise NotFound("there is no such statement, or it is another institution's")
        try:
            day = date.fromisoformat(request.day)
        except ValueError as error:
            raise InvalidArgument("day is written yyyy-mm-dd") from error
        self._closed(day, call)
        number = day.year * 10_000 + day.month * 100 + day.day
        with self._model.reader() as connection:
            at, found = read_cursor(connection), queries.trust_day(connection, request.telecom, number)
        if at is None or found is None:
            raise NotFound("the books begin after this day")
        said = trust.statement(settings().cell, at.genesis, request.telecom, day, found)
        shown = ("trust_opening", "trust_closing", "wallets", "agents", "organisations", "reserve", "clearing",
                 "least_cover", "covered", "last_seq", "chain_head")  # fmt: skip
        return pb.GetTrustStatementResponse(**{name: said[name] for name in shown}, signed=trust.sign(said, self._key))

    def GetTrustKeys(self, request: pb.GetTrustKeysRequest, call: Call) -> HttpBody:
        keys = json.dumps(trust.public_keys(self._key), sort_keys=True)
        return HttpBody(content_type="application/json", data=keys.encode())

    # Helpers

    def _account(self, account_id: str, until_ms: int, call: Call) -> Account:
        """An account that the caller may see, as of what was answered before. Raises AccountNotFound, Unavailable."""
        with self._model.reader() as connection:
            at, found = read_cursor(connection), queries.account(connection, account_id)
        # Nothing can be added any more to a time that ended before an event that was read.
        if at is None or until_ms > at.at_ms:
            version = _ask(call, "GetAccountVersion", payments_pb2.GetAccountVersionRequest(account_id=account_id))
            found = self._fresh(account_id, version.version)
        theirs = found is not None and found.kind in THEIRS and (
            found.owner == call.caller.sub != ""
            or (call.has("officer") and found.telecom == call.caller.institution != "")
        )  # fmt: skip
        allowed = theirs or call.has("operator", "auditor")
        if found is None or found.kind not in KINDS or not allowed:
            raise AccountNotFound("there is no such account, or it is not yours")
        return found

    def _fresh(self, account_id: str, version: int) -> Account | None:
        """The account as soon as its present version was read. Raises Unavailable where that takes too long."""
        deadline = time.monotonic() + FRESH_S_MAX
        while True:
            with self._model.reader() as connection:
                found = queries.account(connection, account_id)
            if version == 0 or (found is not None and found.version >= version):
                return found
            self._wait(deadline)

    def _closed(self, day: date, call: Call) -> None:
        """Until the books hold all of a day that is over. Raises WrongState before, Unavailable where it takes long."""
        if from_ms(now_ms()).astimezone(VIETNAM).date() <= day:
            raise WrongState("this day is not over yet", day=day.isoformat())
        ends_ms = trust.day_bounds(day)[1]
        with self._model.reader() as connection:
            at = read_cursor(connection)
        if at is not None and at.at_ms >= ends_ms:
            return
        head = _ask(call, "GetLedgerHead", payments_pb2.GetLedgerHeadRequest())
        if head.at.ToMilliseconds() < ends_ms:
            raise WrongState("by the ledger's clock this day is not over yet", day=day.isoformat())
        deadline = time.monotonic() + FRESH_S_MAX
        while True:
            with self._model.reader() as connection:
                at = read_cursor(connection)
            if at is not None and at.seq >= head.seq:
                return
            self._wait(deadline)

    def _wait(self, deadline: float) -> None:
        """Until the model has grown, or a moment. Raises Unavailable after the deadline."""
        if time.monotonic() > deadline:
            raise Unavailable("the books are behind the ledger now: ask again in a moment")
        self._feed.hurry()
        with self._model.grown:
            self._model.grown.wait(0.02)


def _ask(call: Call, method: str, request: Any) -> Any:
    """What payments answers. Raises its refusal."""
    try:
        return getattr(payments(), method)(request, timeout=ASK_S_MAX, metadata=service_metadata("settlement", call))
    except grpc.RpcError as error:
        raise BY_CODE.get(error_code(error), Unavailable)(error.details() or "payments cannot be reached") from error


def _range(request: Any) -> tuple[int, int]:
    """First ms and the ms behind the last of what is asked for. Raises InvalidArgument."""
    from_ms_ = max(0, getattr(request, "from").ToMilliseconds()) if request.HasField("from") else 0
    until_ms = request.until.ToMilliseconds() if request.HasField("until") else _NEVER_MS
    if from_ms_ >= until_ms:
        raise InvalidArgument("from has to be before until")
    return from_ms_, until_ms


def _filter(request: pb.GetStatementRequest) -> Filter:
    if len(request.operations) > 20 or not all(_OPERATION.fullmatch(op) for op in request.operations):
        raise InvalidArgument("operations are names such as pay, refund, cash_in")
    if any(direction not in _SIDES for direction in request.directions):
        raise InvalidArgument("directions are DIRECTION_IN, _OUT, _HELD and _RELEASED")
    if request.least_amount < 0 or request.most_amount < 0:
        raise InvalidArgument("amounts are not negative")
    sides = "".join({_SIDES[direction] for direction in request.directions})
    return Filter(tuple(request.operations), sides, request.least_amount, request.most_amount)


def _token(text: str) -> int:
    if not text:
        return queries.SEQ_MAX
    if not (text.isascii() and text.isdigit() and len(text) <= 16):
        raise InvalidArgument("page_token is not one of this list's")
    return int(text)


def _line(line: Line) -> pb.StatementLine:
    view = pb.StatementLine(
        operation=line.op, direction=_DIRECTIONS[line.side], amount=line.amount, balance=line.balance, held=line.held,
        counterparty=line.counterparty, transfer_id=line.transfer_id, related_id=line.related,
        reference=line.reference, note=line.note, fee=line.fee, seq=line.seq, window=line.window,
    )  # fmt: skip
    view.at.FromMilliseconds(line.at_ms)
    return view


def _row(line: Line) -> tuple[object, ...]:
    at = from_ms(line.at_ms).astimezone(VIETNAM).isoformat(timespec="milliseconds")
    into, out = (line.amount if line.side == side else "" for side in "cd")
    return (
        at, line.op, into, out, line.held, line.balance, line.counterparty, line.transfer_id, line.related,
        _text(line.reference), _text(line.note), line.fee, line.seq, line.window,
    )  # fmt: skip


def _text(text: str) -> str:
    """A text that a spreadsheet would take for a formula is told to be text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _piece(text: str) -> HttpBody:
    return HttpBody(content_type="text/csv; charset=utf-8", data=text.encode())


def _csv(rows: list[tuple[object, ...]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()
