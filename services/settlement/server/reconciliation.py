"""Reconciliations and breaks: what does not match, who looks after it, and the entry of two people that resolves it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cho.payments.v1 import scheme_pb2
from cho.settlement.v1 import reconciliation_pb2 as pb

from kit.clock import VIETNAM, from_ms, now
from kit.config import settings
from kit.errors import BY_CODE, InvalidArgument, NotFound, TooLate, Unavailable
from kit.ids import derived_key, is_id
from kit.rpc.call import Call
from services.settlement import store
from services.settlement.clerk.peers import PASSING
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
DECIDE_MS = breaks.DECIDE // timedelta(milliseconds=1)
# What the ledger answers to a key for good: nothing was posted under it, and nothing will be.
SPENT = frozenset(
    {"ACCOUNT_CLOSED", "ACCOUNT_FROZEN", "BALANCE_TOO_LARGE", "INSUFFICIENT_FUNDS", "KEY_SPENT", "MERCHANT_NOT_PAYABLE"}
)
# The ledger takes no entry for the proposal; and its time is over.
NOT_TAKEN, OVER = "WRONG_STATE", "TOO_LATE"
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
        proposal_id=_proposal_id(found), break_id=found.id, proposed_by=proposal.by, reason=_note(proposal.resolution),
        expires_ms=_at_ms(found) + DECIDE_MS,
    )  # fmt: skip
    ask(scheme().ProposeCorrection, request, call)


def _post(approved: Break, call: Call) -> Break:
    """The break with its entry posted, by this call or an earlier one that broke off. Raises what the ledger refused.

    Where the entry is certain never to be posted, the break goes back; else it stays approved, for the same call again.
    """
    outcome = _ended(approved, call)
    if not outcome.code:
        return casework.resolve(approved.id, outcome.transfer_id, approved.approved_by, now())
    refusal = BY_CODE.get(outcome.code, Unavailable)
    if outcome.code not in SPENT | {NOT_TAKEN, OVER}:
        raise refusal(outcome.message)
    casework.refused(approved, f"{outcome.code}: {outcome.message}", approved.approved_by, now())
    raise refusal(f"{outcome.message}; nothing was posted, and the break is its owner's again: propose anew")


def _ended(approved: Break, call: Call) -> scheme_pb2.MoveOutcome:
    """How the entry's key ended; NOT_TAKEN and OVER are final here, as SPENT is.

    The ledger looks at the key first. Where it does not know it, it posts the entry, or else spends nothing on saying
    what is wrong: then it is told of the proposal, of which it may not have heard, and asked again. It never takes a
    proposal again that it has declined, or whose time is over by its own clock: the second answer is the last word.
    """
    movement = _movement(approved)
    outcome = _move(movement, call)
    if _says(outcome):
        return outcome
    late = False
    try:
        _tell_ledger(approved, call)
    except TooLate:
        late = True
    # Another call may have posted it between the two.
    outcome = _move(movement, call)
    if _says(outcome):
        return outcome
    if outcome.code != NOT_TAKEN:
        return _remembered(approved, outcome) if late else outcome
    why = "its time was over before the entry was posted" if late else "it was rejected there, or its time is over"
    return scheme_pb2.MoveOutcome(code=OVER if late else NOT_TAKEN, message=f"the ledger has ended the proposal: {why}")


def _says(outcome: scheme_pb2.MoveOutcome) -> bool:
    """Whether there is nothing to ask about it now: it is how the key ended, or nothing is known."""
    return not outcome.code or outcome.code in SPENT | PASSING


def _remembered(approved: Break, outcome: scheme_pb2.MoveOutcome) -> scheme_pb2.MoveOutcome:
    """How an entry's key ended, by the books, once its time is over: the ledger forgets keys. Raises Unavailable."""
    until_ms = _at_ms(approved) + DECIDE_MS
    last = store.head().seq
    # No later event is older: once the books hold one of after that time, they hold all of before it.
    if not any(event.at_ms > until_ms for event in store.events(last, last)):
        raise Unavailable(f"{outcome.message}; the books do not reach the end of its time yet: ask again later")
    try:
        event = store.answered(f"service:settlement|correct|{_movement(approved).idempotency_key}", until_ms)
    except store.KeysNotEntered as error:
        raise Unavailable(str(error)) from error
    if event is not None:
        code = "" if event.result == "OK" else event.result
        return scheme_pb2.MoveOutcome(code=code, message="the books remember it", transfer_id=event.transfer_id)
    return scheme_pb2.MoveOutcome(code=OVER, message=f"it was not posted in time ({outcome.message})")


def _move(movement: scheme_pb2.Movement, call: Call) -> scheme_pb2.MoveOutcome:
    (outcome,) = ask(scheme().Move, scheme_pb2.MoveRequest(movements=[movement]), call).outcomes
    return outcome


def _movement(approved: Break) -> scheme_pb2.Movement:
    """The same of the same approval, whoever carries it on: its key is this entry's alone."""
    proposal = approved.proposal
    assert proposal is not None
    correction = proposal.correction
    assert correction is not None
    return scheme_pb2.Movement(
        operation="correct", account_id=correction.from_account, other_account_id=correction.to_account,
        amount=correction.amount, related_id=approved.id, note=_note(proposal.resolution),
        proposal_id=_proposal_id(approved), decided_by=approved.approved_by,
        idempotency_key=derived_key(_at_ms(approved), approved.id, "correct", approved.approved_by),
    )  # fmt: skip


def _note(resolution: str) -> str:
    """What the ledger keeps of a resolution: it takes no line breaks, and people write them."""
    return "".join(letter if letter.isprintable() else " " for letter in resolution[:140])


def _proposal_id(found: Break) -> str:
    assert found.proposal is not None
    return "prp_" + derived_key(_at_ms(found), found.id, found.proposal.by).replace("-", "")


def _at_ms(found: Break) -> int:
    assert found.proposal is not None
    return int(found.proposal.at.timestamp() * 1000)


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
