"""Reconciliations and breaks: what does not match, who looks after it, and the entry of two people that resolves it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from cho.payments.v1 import scheme_pb2
from cho.settlement.v1 import reconciliation_pb2 as pb

from kit.clock import VIETNAM, from_ms, now
from kit.config import settings
from kit.errors import BY_CODE, InvalidArgument, NotFound, Unavailable
from kit.ids import derived_key, is_id
from kit.rpc.call import Call
from services.settlement.matching import breaks, casework, report
from services.settlement.matching import store as kept
from services.settlement.matching.breaks import Break, Correction, State
from services.settlement.matching.model import Totals
from services.settlement.matching.store import Reconciliation
from services.settlement.names import TELECOMS
from services.settlement.server.behind import ask, scheme

PAGE_USUAL = 50
# Of each institution in a report.
REPORTED_MAX = 5_000
# How long a second person has.
DECIDE_MS = 3 * 86_400_000
# Accounts that corrections are posted between (docs/ledger.md).
SUSPENSE, CORRECTED = "suspense:SCHEME", frozenset({"nostro:SCHEME", "fee:PLATFORM", "transit:PAYOUTS"})


class ReconciliationServicer:
    """See protos/cho/settlement/v1/reconciliation.proto."""

    def ListReconciliations(self, request: pb.ListReconciliationsRequest, call: Call) -> pb.ListReconciliationsResponse:
        found, _ = kept.reconciliations(_institution(request.institution, call), limit=request.limit or 20)
        return pb.ListReconciliationsResponse(reconciliations=[_reconciliation(one) for one in found])

    def GetReconciliationReport(
        self, request: pb.GetReconciliationReportRequest, call: Call
    ) -> pb.GetReconciliationReportResponse:
        senders = (settings().settlement_bank, *sorted(TELECOMS))
        if request.institution or not call.has("operator", "auditor"):
            senders = (_institution(request.institution, call),)
        found: list[Break] = []
        totals: list[Totals] = []
        more = False
        for institution in senders:
            some, left = casework.active(institution, REPORTED_MAX)
            found, more = found + some, more or left
            totals += [one.totals for one in kept.reconciliations(institution)[0] if one.state == "stored"]
        groups = report.by_institution_and_type(found, datetime.now(VIETNAM).date())
        return pb.GetReconciliationReportResponse(
            groups=[_group(one) for one in groups], match_rate=report.match_rate(totals), files=len(totals), more=more
        )

    def ListBreaks(self, request: pb.ListBreaksRequest, call: Call) -> pb.ListBreaksResponse:
        try:
            state = State(request.state or "open")
        except ValueError as error:
            raise InvalidArgument(f"state is one of {', '.join(State)}") from error
        institution = _institution(request.institution, call)
        found, following = casework.of_state(institution, state, request.page_token, request.page_size or PAGE_USUAL)
        return pb.ListBreaksResponse(breaks=[_view(one) for one in found], next_page_token=following)

    def GetBreak(self, request: pb.GetBreakRequest, call: Call) -> pb.GetBreakResponse:
        return pb.GetBreakResponse(case=_view(_visible(request.break_id, call)))

    def AssignBreak(self, request: pb.AssignBreakRequest, call: Call) -> pb.AssignBreakResponse:
        done = casework.assign(request.break_id, request.version, request.owner, call.caller.sub, now())
        return pb.AssignBreakResponse(case=_view(done))

    def CommentBreak(self, request: pb.CommentBreakRequest, call: Call) -> pb.CommentBreakResponse:
        _visible(request.break_id, call)
        done = casework.comment(request.break_id, request.text, call.caller.sub, now())
        return pb.CommentBreakResponse(case=_view(done))

    def ProposeResolution(self, request: pb.ProposeResolutionRequest, call: Call) -> pb.ProposeResolutionResponse:
        asked = request.correction
        correction = None
        if request.HasField("correction"):
            reason = request.resolution[:140]
            _check_pair(asked.debited, asked.credited)
            correction = Correction(asked.debited, asked.credited, asked.amount, reason)
        who = call.caller.sub
        done = casework.propose(request.break_id, request.version, request.resolution, correction, who, now())
        if correction is not None:
            _tell_ledger(done, call)
        return pb.ProposeResolutionResponse(case=_view(done))

    def DecideResolution(self, request: pb.DecideResolutionRequest, call: Call) -> pb.DecideResolutionResponse:
        who, found = call.caller.sub, casework.load(request.break_id)
        if not request.approve:
            return pb.DecideResolutionResponse(
                case=_view(casework.reject(request.break_id, request.version, request.reason, who, now()))
            )
        # Approved and not posted yet, by a call that broke off: carried on.
        if found.state is not State.APPROVED:
            found = casework.approve(request.break_id, request.version, who, now())
        if found.state is State.APPROVED:
            found = _post(found, call)
        return pb.DecideResolutionResponse(case=_view(found))


def _group(one: report.Group) -> pb.BreakGroup:
    ages = [pb.BreakAge(age=age, breaks=count) for age, count in one.ages.items()]
    return pb.BreakGroup(
        institution=one.institution, type=one.type, breaks=one.breaks, at_risk=one.at_risk, overdue=one.overdue,
        oldest_days=one.oldest, ages=ages,
    )  # fmt: skip


def _check_pair(debited: str, credited: str) -> None:
    """What the ledger would refuse to post is not proposed: once approved, a break could go nowhere from there.

    Raises InvalidArgument.
    """
    others = {debited, credited} - {SUSPENSE}
    if SUSPENSE not in (debited, credited) or len(others) != 1:
        raise InvalidArgument(f"one side of a correction is {SUSPENSE}, the account of what is not explained")
    (other,) = others
    if other not in CORRECTED and not is_id(other, "mer"):
        raise InvalidArgument(f"the other side is {', '.join(sorted(CORRECTED))} or a merchant's account")


def _tell_ledger(found: Break, call: Call) -> None:
    """The ledger keeps who proposed, and takes the entry from nobody else than a second person."""
    proposal = found.proposal
    assert proposal is not None
    request = scheme_pb2.ProposeCorrectionRequest(
        proposal_id=_proposal_id(found), break_id=found.id, proposed_by=proposal.by, reason=proposal.resolution[:140],
        expires_ms=int(proposal.at.timestamp() * 1000) + DECIDE_MS,
    )  # fmt: skip
    ask(scheme().ProposeCorrection, request, call)


def _post(found: Break, call: Call) -> Break:
    proposal = found.proposal
    assert proposal is not None
    correction = proposal.correction
    assert correction is not None
    _tell_ledger(found, call)  # again is no error: the first call may have broken off
    movement = scheme_pb2.Movement(
        operation="correct", account_id=correction.from_account, other_account_id=correction.to_account,
        amount=correction.amount, related_id=found.id, note=proposal.resolution[:140],
        proposal_id=_proposal_id(found), decided_by=found.approved_by,
        idempotency_key=derived_key(int(proposal.at.timestamp() * 1000), found.id, "correct", found.approved_by),
    )  # fmt: skip
    (outcome,) = ask(scheme().Move, scheme_pb2.MoveRequest(movements=[movement]), call).outcomes
    if outcome.code:
        raise BY_CODE.get(outcome.code, Unavailable)(outcome.message)
    return casework.resolve(found.id, outcome.transfer_id, found.approved_by, now())


def _proposal_id(found: Break) -> str:
    assert found.proposal is not None
    at_ms = int(found.proposal.at.timestamp() * 1000)
    return "prp_" + derived_key(at_ms, found.id, found.proposal.by).replace("-", "")


def _institution(asked: str, call: Call) -> str:
    """Whose list is shown: an officer's own, whatever was asked. Raises NotFound, InvalidArgument."""
    if not call.has("operator", "auditor"):
        if asked and asked != call.caller.institution:
            raise NotFound("there is no such list, or it is another institution's")
        return call.caller.institution
    if not asked:
        raise InvalidArgument("institution: a bank's BIN or a telecom's code")
    return asked


def _visible(break_id: str, call: Call) -> Break:
    found = casework.load(break_id)
    if not call.has("operator", "auditor") and found.institution != call.caller.institution:
        raise NotFound(f"there is no break {break_id}")
    return found


def _reconciliation(one: Reconciliation) -> pb.Reconciliation:
    totals = one.totals
    view = pb.Reconciliation(
        reconciliation_id=one.id, institution=one.institution, what=one.stream.split("|")[-1], file=one.name,
        expected=totals.expected, entries=totals.entries, matched=totals.matched_expected, breaks=one.breaks,
        open=totals.open, at_risk=one.at_risk, match_rate=totals.match_rate, state=one.state,
    )  # fmt: skip
    view.made_at.FromDatetime(from_ms(one.made_ms))
    return view


def _view(found: Break) -> pb.Break:
    proposal = found.proposal
    view = pb.Break(
        break_id=found.id, institution=found.institution, type=found.type.value, state=found.state.value,
        owner=found.owner, reference=found.reference, difference=found.difference, detail=found.detail,
        at_risk=found.at_risk, age_days=breaks.age(found, datetime.now(VIETNAM).date()), stream=found.stream,
        reconciliation_id=found.reconciliation_id, version=found.version, severity=found.severity.value,
        due_on=found.due_on.isoformat(), facts=found.facts, transfer_id=found.transfer_id,
        decided_by=found.approved_by, comments=[_event(event) for event in found.history],
    )  # fmt: skip
    view.found_at.FromDatetime(found.opened_at)
    if proposal is not None:
        view.resolution, view.proposed_by = proposal.resolution, proposal.by
        if proposal.correction is not None:
            entry = proposal.correction
            view.correction.debited, view.correction.credited = entry.from_account, entry.to_account
            view.correction.amount = entry.amount
    return view


def _event(event: Any) -> pb.BreakComment:
    view = pb.BreakComment(by=event.by, text=event.text, what=event.what)
    view.at.FromDatetime(event.at)
    return view
