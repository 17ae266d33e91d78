"""Paying many at once: files sent in parts, checked line by line, approved by a second person."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace

from cho.payments.v1 import disbursements_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.clock import now_ms
from kit.errors import (
    AccountFrozen,
    AccountNotFound,
    AlreadyExists,
    Contention,
    FourEyes,
    InvalidArgument,
    NotFound,
    WrongState,
)  # fmt: skip
from kit.ids import is_id, new_id
from kit.rpc.call import Call
from services.payments import disbursement as rules
from services.payments.disbursement import Line, LineState, State
from services.payments.server.common import id_of, page_limit, text
from services.payments.server.documents import Documents
from services.payments.store import disbursements as store
from services.payments.store.disbursements import Disbursement
from services.payments.store.ledger import Account, Ledger, after_write, key_time
from services.payments.store.people import People

# Lines looked up at once.
AT_ONCE = 200
LINES_A_PAGE = 200
_SHA256 = re.compile(r"[0-9a-f]{64}")
_STATES = {state: getattr(pb, f"DISBURSEMENT_STATE_{state.name}") for state in State}
_LINE_STATES = {state: getattr(pb, f"LINE_STATE_{state.name}") for state in LineState}
_LINE_STATE_OF = {number: state for state, number in _LINE_STATES.items()}
_RESULT = ("line", "state", "recipient", "amount_vnd", "reference", "note", "code", "message", "transfer_id")


class DisbursementServicer:
    """See protos/cho/payments/v1/disbursements.proto."""

    def __init__(self, ledger: Ledger, people: People, documents: Documents) -> None:
        self._ledger = ledger
        self._people = people
        self._stored = documents

    async def CreateDisbursement(
        self, request: pb.CreateDisbursementRequest, call: Call
    ) -> pb.CreateDisbursementResponse:
        key_time(request.request_id)
        title = text(request.title, "title", rules.TITLE_MAX)
        if not title:
            raise InvalidArgument("title says what it is for")
        organisation = await self._organisation(request.organisation_id, call)
        if organisation.owner != call.caller.sub:
            raise AccountNotFound("there is no such organisation, or it is not yours")
        new = Disbursement(
            new_id("dsb"), organisation.account_id, organisation.telecom, title, call.caller.sub, State.DRAFT, now_ms()
        )
        made = await self._stored(store.begin, new, f"{call.caller.sub}|{request.request_id}")
        return pb.CreateDisbursementResponse(disbursement=_view(made))

    async def UploadPart(self, request: pb.UploadPartRequest, call: Call) -> pb.UploadPartResponse:
        draft = await self._own_draft(request.disbursement_id, call)
        if not 1 <= request.number <= rules.PARTS_MAX or not 1 <= len(request.content) <= rules.PART_BYTES_MAX:
            raise InvalidArgument(
                f"a file has at most {rules.PARTS_MAX} parts of at most {rules.PART_BYTES_MAX} bytes: make several"
            )
        await self._stored(store.put_part, draft.id, request.number, request.content)
        return pb.UploadPartResponse()

    async def SubmitDisbursement(
        self, request: pb.SubmitDisbursementRequest, call: Call
    ) -> pb.SubmitDisbursementResponse:
        found = await self._readable(request.disbursement_id, call)
        if found.made_by == call.caller.sub and found.state is State.CHECKED and found.sha256 == request.sha256:
            return pb.SubmitDisbursementResponse(disbursement=await self._checked_view(found))  # sent again
        draft = await self._own_draft(request.disbursement_id, call)
        if not 1 <= request.parts <= rules.PARTS_MAX:
            raise InvalidArgument(f"a file has 1 to {rules.PARTS_MAX} parts")
        content = await self._stored(store.whole_file, draft.id, request.parts)
        sha256 = await asyncio.to_thread(rules.sha256_of, content)
        if sha256 != request.sha256:
            raise InvalidArgument("what arrived is not what was sent: its SHA-256 differs; send the parts again")
        same = await self._stored(store.with_the_same_file, draft.organisation_id, sha256)
        if same and not request.again:
            raise AlreadyExists(f"this file was submitted before, as {same}: say `again` if it is to be paid again")
        lines = await self._judged(await asyncio.to_thread(rules.read, content), draft)
        digest = await asyncio.to_thread(rules.digest_of, sha256, lines)
        count, bad, total = rules.figures_of(lines)
        checked = replace(draft, state=State.CHECKED, sha256=sha256, digest=digest, lines=count, bad=bad, total=total)
        # Under a name of their own: until the head names them they are nobody's, and none but these are ever its.
        await self._stored(store.put_lines, checked, lines)
        try:
            saved = await self._stored(store.save, checked)
        except Contention:
            await self._stored(store.forget_lines, checked)
            raise
        with after_write():
            await self._stored(store.forget_file, draft.id, request.parts)
            return pb.SubmitDisbursementResponse(disbursement=await self._checked_view(saved))

    async def ApproveDisbursement(
        self, request: pb.ApproveDisbursementRequest, call: Call
    ) -> pb.ApproveDisbursementResponse:
        found = await self._readable(request.disbursement_id, call)
        if request.sha256 != found.sha256 or not _SHA256.fullmatch(request.sha256):
            raise InvalidArgument("sha256 names what is approved: it is that of another file")
        if found.approved_by == call.caller.sub:
            return pb.ApproveDisbursementResponse(disbursement=_view(found))  # sent again
        if found.state is not State.CHECKED:
            raise WrongState(f"it waits for nobody: {found.state.value}")
        if found.made_by == call.caller.sub:
            raise FourEyes("you made it: a second person has to approve")
        if found.bad == found.lines:
            raise WrongState("no line of it can be paid")
        approved = replace(found, state=State.RUNNING, approved_by=call.caller.sub, approved_ms=now_ms())
        return pb.ApproveDisbursementResponse(disbursement=_view(await self._stored(store.save, approved)))

    async def CancelDisbursement(
        self, request: pb.CancelDisbursementRequest, call: Call
    ) -> pb.CancelDisbursementResponse:
        found = await self._readable(request.disbursement_id, call)
        if found.state is not State.CANCELLED:
            if found.state not in (State.DRAFT, State.CHECKED, State.PAUSED):
                raise WrongState(f"too late: {found.state.value}")
            found = await self._stored(store.save, replace(found, state=State.CANCELLED, ended_ms=now_ms()))
        return pb.CancelDisbursementResponse(disbursement=_view(found))

    async def ResumeDisbursement(
        self, request: pb.ResumeDisbursementRequest, call: Call
    ) -> pb.ResumeDisbursementResponse:
        found = await self._readable(request.disbursement_id, call)
        if found.state is not State.RUNNING:
            if found.state is not State.PAUSED:
                raise WrongState(f"it is not paused: {found.state.value}")
            organisation = await self._ledger.account(found.organisation_id)
            if organisation is None or organisation.state != "open":
                raise AccountFrozen("the organisation's account is stopped: its telecom's officer can open it")
            found = await self._stored(store.save, replace(found, state=State.RUNNING, code=""))
        return pb.ResumeDisbursementResponse(disbursement=_view(found))

    async def GetDisbursement(self, request: pb.GetDisbursementRequest, call: Call) -> pb.GetDisbursementResponse:
        found = await self._readable(request.disbursement_id, call)
        return pb.GetDisbursementResponse(disbursement=await self._checked_view(found))

    async def ListDisbursements(self, request: pb.ListDisbursementsRequest, call: Call) -> pb.ListDisbursementsResponse:
        organisation = await self._organisation(request.organisation_id, call)
        found = await self._stored(store.of_organisation, organisation.account_id, page_limit(request.limit))
        return pb.ListDisbursementsResponse(disbursements=[_view(one) for one in found])

    async def ListDisbursementLines(
        self, request: pb.ListDisbursementLinesRequest, call: Call
    ) -> pb.ListDisbursementLinesResponse:
        limit = page_limit(request.limit, LINES_A_PAGE, 100)
        found = await self._readable(request.disbursement_id, call)
        wanted = _LINE_STATE_OF.get(request.state) if request.state else None
        if request.state and wanted is None:
            raise InvalidArgument("state is not one of a line's")
        page = await self._stored(_page, found, wanted, request.after, limit + 1)
        return pb.ListDisbursementLinesResponse(
            lines=[_line_view(line) for line in page[:limit]], more=len(page) > limit
        )

    async def DownloadDisbursementResult(
        self, request: pb.DownloadDisbursementResultRequest, call: Call
    ) -> AsyncIterator[HttpBody]:
        found = await self._readable(request.disbursement_id, call)
        call.set_header("content-disposition", f'attachment; filename="{found.id}.csv"')
        yield HttpBody(content_type="text/csv; charset=utf-8", data=("\ufeff" + _csv([_RESULT])).encode())
        for number in range(found.chunks):
            lines = await self._stored(store.chunk, found, number)
            rows = _csv(
                (line.number, line.state.value, line.shown, line.amount, line.reference, line.note, line.code,
                 line.message, line.transfer_id) for line in lines
            )  # fmt: skip
            yield HttpBody(content_type="text/csv; charset=utf-8", data=rows.encode())

    # Helpers

    async def _organisation(self, organisation_id: str, call: Call) -> Account:
        """Raises AccountNotFound for who has nothing to do with it."""
        account_id = id_of(organisation_id, "org", "organisation_id", AccountNotFound)
        account = await self._ledger.account(account_id)
        allowed = account is not None and (
            account.owner == call.caller.sub
            or call.has("operator", "auditor")
            or (call.has("officer") and account.telecom == call.caller.institution != "")
        )
        if account is None or not allowed:
            raise AccountNotFound("there is no such organisation, or it is not yours")
        return account

    async def _readable(self, disbursement_id: str, call: Call) -> Disbursement:
        found = await self._stored(store.load, id_of(disbursement_id, "dsb", "disbursement_id", NotFound))
        if found is None:
            raise NotFound("there is no such disbursement, or it is not yours")
        try:
            await self._organisation(found.organisation_id, call)
        except AccountNotFound as error:
            raise NotFound("there is no such disbursement, or it is not yours") from error
        return found

    async def _own_draft(self, disbursement_id: str, call: Call) -> Disbursement:
        found = await self._readable(disbursement_id, call)
        if found.made_by != call.caller.sub:
            raise NotFound("there is no such disbursement, or it is not yours")
        if found.state is not State.DRAFT:
            raise WrongState(f"its file is complete: {found.state.value}")
        return found

    async def _checked_view(self, found: Disbursement) -> pb.Disbursement:
        view = _view(found)
        if found.state is State.CHECKED:
            organisation = await self._ledger.account(found.organisation_id)
            view.covered = organisation is not None and organisation.balance >= found.total
        return view

    async def _judged(self, lines: list[Line], draft: Disbursement) -> list[Line]:
        """Lines as the ledger judges them: whose wallet it is, and whether it can be paid."""
        judged: list[Line] = []
        for start in range(0, len(lines), AT_ONCE):
            judged += await asyncio.gather(*(self._judge(line, draft) for line in lines[start : start + AT_ONCE]))
        return judged

    async def _judge(self, line: Line, draft: Disbursement) -> Line:
        if line.state is not LineState.WAITING:
            return replace(line, to="", shown=_masked(line.to))
        if is_id(line.to, "wal"):
            wallet, name = await self._ledger.account(line.to), ""
            line = replace(line, shown=f"…{line.to[-6:]}")
        else:
            person = await self._people.find(line.to)
            name = person.name if person else ""
            line = replace(line, shown=f"{name} {_masked(line.to)}".strip(), to="")
            if person is None:
                return line.bad("NOT_FOUND")
            wallet = await self._wallet_of(person.user_id, draft.telecom)
        if wallet is None or wallet.kind != "wallet":
            return line.bad("ACCOUNT_NOT_FOUND")
        line = replace(line, to=wallet.account_id, telecom=wallet.telecom)
        if wallet.state != "open":
            return line.bad("ACCOUNT_FROZEN" if wallet.state == "frozen" else "ACCOUNT_CLOSED")
        return line

    async def _wallet_of(self, owner: str, telecom: str) -> Account | None:
        """A person's wallet at this telecom, else their oldest; an open one where there is one."""
        accounts = await self._ledger.accounts(await self._ledger.accounts_of(owner))
        wallets = [a for a in accounts if a is not None and a.kind == "wallet" and a.owner == owner]
        return min(wallets, key=lambda a: (a.state != "open", a.telecom != telecom, a.account_id), default=None)


def _page(found: Disbursement, wanted: LineState | None, after: int, most: int) -> list[Line]:
    page: list[Line] = []
    for line in store.lines(found, after):
        if wanted is None or line.state is wanted:
            page.append(line)
            if len(page) == most:
                break
    return page


def _masked(to: str) -> str:
    return f"{'*' * 6}{to[-4:]}" if to.startswith("+") else to[-6:]


def _csv(rows: Iterable[Iterable[object]]) -> str:
    """RFC 4180. A text that a spreadsheet would take for a formula is told to be text."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(
        [f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t")) else cell for cell in row]
        for row in rows
    )
    return out.getvalue()


def _view(found: Disbursement) -> pb.Disbursement:
    done = found.done
    view = pb.Disbursement(
        disbursement_id=found.id, organisation_id=found.organisation_id, title=found.title, state=_STATES[found.state],
        lines=found.lines, bad=found.bad, total=found.total, paid=done.paid, paid_amount=done.paid_amount,
        refused=done.refused, code=found.code, made_by=found.made_by, approved_by=found.approved_by,
        sha256=found.sha256,
    )  # fmt: skip
    view.created_at.FromMilliseconds(found.created_ms)
    if found.approved_ms:
        view.approved_at.FromMilliseconds(found.approved_ms)
    if found.ended_ms:
        view.ended_at.FromMilliseconds(found.ended_ms)
    return view


def _line_view(line: Line) -> pb.DisbursementLine:
    return pb.DisbursementLine(
        number=line.number, state=_LINE_STATES[line.state], shown=line.shown, amount=line.amount,
        reference=line.reference, note=line.note, code=line.code, message=line.message, transfer_id=line.transfer_id,
    )  # fmt: skip
