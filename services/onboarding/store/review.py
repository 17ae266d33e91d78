"""The reviewers' queue, findings, and history."""

from __future__ import annotations

from dataclasses import dataclass, replace

from kit import clock
from kit.errors import Contention, FourEyes, InvalidArgument, NotFound, PermissionDenied, WrongState
from services.onboarding import findings, merchant
from services.onboarding.findings import Finding
from services.onboarding.merchant import Merchant, State
from services.onboarding.store.document import (
    HistoryEntry,
    MerchantDocument,
    entry,
    findings_of,
    merchant_of,
    stored_findings,
)
from services.onboarding.store.merchants import (
    AFTER_ALL,
    ATTEMPTS_MAX,
    BEFORE_ALL,
    change,
    document_of,
    next_token,
    page_of,
)

QUEUED = (State.SUBMITTED, State.IN_REVIEW)


@dataclass(frozen=True, slots=True)
class Review:
    """A merchant in the queue; `age_s` since it was handed in."""

    merchant: Merchant
    age_s: int
    open_findings: int


@dataclass(frozen=True, slots=True)
class Queue:
    reviews: list[Review]
    next_token: str


def reviews(
    state: State, *, market_id: str = "", ward_code: str = "", page_size: int = 0, page_token: str = ""
) -> Queue:
    """One page of the queue of a market, of a commune, or of everything, the longest waiting first.

    Raises InvalidArgument.
    """
    if state not in QUEUED:
        raise InvalidArgument("state must be submitted or in review")
    if market_id and ward_code:
        raise InvalidArgument("either market_id or ward_code")
    where = {name: value for name, value in (("market_id", market_id), ("ward_code", ward_code)) if value}
    listed = f"queue|{market_id}|{ward_code}|{state.value}"
    size, later_than = page_of(listed, page_size, page_token, BEFORE_ALL)
    found = MerchantDocument.objects(state=state.value, queue__gt=later_than, queue__lt=AFTER_ALL, **where)
    documents = list(found.order_by("queue").limit(size + 1))
    return Queue(
        [_review(document) for document in documents[:size]], next_token(listed, documents, size, lambda d: d.queue)
    )


def _review(document: MerchantDocument) -> Review:
    age_s = max(0, int((clock.now() - document.submitted_at).total_seconds()))
    return Review(merchant_of(document), age_s, sum(one.is_open for one in findings_of(document)))


def findings_for(merchant_id: str) -> list[Finding]:
    """What was found of a merchant, settled or not. Raises NotFound."""
    return findings_of(document_of(merchant_id))


def accept_finding(merchant_id: str, finding_id: str, by: str, reason: str, *, supervises: bool) -> Finding:
    """Settles a finding, with a reason. Accepted already by the same person for the same reason, it is returned.

    Raises NotFound, FourEyes (who made or owns it), PermissionDenied (the watch list is for who `supervises`),
    WrongState, InvalidArgument, Contention.
    """
    reason = merchant.reason_of(reason)
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        known = findings_of(document)
        found = next((finding for finding in known if finding.finding_id == finding_id), None)
        if found is None:
            raise NotFound("there is no such finding")
        if not found.is_open:
            if (found.accepted_by, found.reason) == (by, reason):
                return found
            raise WrongState("the finding has been accepted already")
        if State(document.state) not in QUEUED:
            raise WrongState(f"cannot settle what was found of a merchant that is {document.state}")
        if by in {*document.makers, document.owner_id}:
            raise FourEyes("who filled in, handed in or owns a merchant does not settle what was found")
        if document.assigned_to and document.assigned_to != by:
            raise FourEyes("another reviewer has this merchant in hand")
        if found.code == findings.WATCH_LIST and not supervises:
            raise PermissionDenied("a hit of the watch list is an operator's")
        accepted = replace(found, accepted_by=by, reason=reason, accepted_at=clock.now())
        now = [accepted if finding is found else finding for finding in known]
        line = entry(document, findings.ACCEPTED, by, f"{finding_id}: {reason}", version=document.version + 1)
        stored = change(
            document,
            set__findings=stored_findings(now), set__version=document.version + 1, push__history=line,
        )  # fmt: skip
        if stored is not None:
            return accepted
    raise Contention("the merchant keeps changing; try again")


def history(merchant_id: str) -> list[HistoryEntry]:
    """Everything that happened to a merchant, the oldest first. Raises NotFound."""
    return list(document_of(merchant_id).history)
