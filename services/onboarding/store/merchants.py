"""Merchants in MongoDB: drafts, submissions, decisions.

Every change of a merchant is one write of one document, its event and its line of history included (kit.outbox), on
condition that it is still at the version that was read. Reads are equality on an index, or equality plus a range on a
compound one.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NoReturn

from cho.events.v1 import events_pb2
from mongoengine.errors import NotUniqueError

from kit import clock, crypto
from kit.errors import (
    AlreadyExists,
    ChecklistOpen,
    Contention,
    DraftChanged,
    FindingsOpen,
    IdempotencyConflict,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    WrongState,
)
from services.onboarding import findings, form, merchant
from services.onboarding.account import NameCheck
from services.onboarding.assist.store import OwnerDocument
from services.onboarding.findings import Finding
from services.onboarding.form import Form
from services.onboarding.merchant import Action, Decision, Merchant, State
from services.onboarding.ports import namecheck
from services.onboarding.ports.watchlist import watch_list
from services.onboarding.problems import Problem, problem
from services.onboarding.store import stalls
from services.onboarding.store.document import (
    ACCOUNT_FIELD,
    MerchantDocument,
    blind_indexes,
    entry,
    findings_of,
    form_fields,
    form_index,
    form_of,
    merchant_of,
    new_document,
    sort_key,
    stored_findings,
    tax_code_of,
)
from services.onboarding.store.documents import has_document
from services.onboarding.store.markets import MarketDocument

PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 50
# A vendor's newest merchants; nobody runs more stalls than this, and more are not shown.
MERCHANTS_PER_OWNER_MAX = 100
# Two people deciding on one merchant at once: each retry means that somebody else got through.
ATTEMPTS_MAX = 3
# Lines of a merchant's history. At the limit it can only be suspended and closed.
HISTORY_MAX = 500
_PAST_LIMIT = frozenset({Action.SUSPEND, Action.CLOSE})

# Sort keys begin with 15 digits of ms, so these lie outside of every one.
BEFORE_ALL, AFTER_ALL = "/", ":"
_SORT_KEY = re.compile(r"[0-9]{15}-mer_[0-9a-f]{32}")

_KEEPS_CHANGING = "the merchant keeps changing; try again"
# What of a merchant tells that another is alike: the finding's code and the blind index.
ALIKE = (
    ("SAME_CITIZEN_ID", "citizen_index"),
    ("SAME_PHONE", "phone_index"),
    ("SAME_ACCOUNT", "account_index"),
    ("SAME_NAME_AND_BIRTH", "name_birth_index"),
)
_NAME_CHECKS = {
    NameCheck.DIFFERS: "ACCOUNT_NAME_DIFFERS",
    NameCheck.UNKNOWN: "ACCOUNT_UNKNOWN",
    NameCheck.UNCHECKED: "ACCOUNT_NAME_UNCHECKED",
}


@dataclass(frozen=True, slots=True)
class PayoutAccount:
    """Where a merchant's money is paid out to."""

    merchant_id: str
    bank_bin: str
    account_number: str = field(repr=False)
    account_name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    merchants: list[Merchant]
    next_token: str


# --- filling in and handing in


def save_draft(filled: Form, by: str, version: int = 0) -> Merchant:
    """Keeps a form as far as it is filled in. The same form again changes nothing, whatever became of the merchant.

    `version` is that of the draft which the form changes, 0 for a new one. Raises InvalidArgument, IdempotencyConflict
    (request_id stands for another form), DraftChanged (somebody else was faster), WrongState (no draft any more),
    LimitExceeded.
    """
    filled = form.drafted(filled)
    document = _document_or_none(merchant.merchant_id_of(filled.request_id))
    if document is None:
        document = new_document(filled, by, State.DRAFT, clock.now())
        document.history = [entry(document, "draft", by)]
        try:
            document.save()
            return merchant_of(document)
        except NotUniqueError:  # the same draft, twice at once
            document = document_of(document.id)
    if document.form_index == form_index(filled):
        return merchant_of(document)
    if version == 0:
        raise IdempotencyConflict("request_id was used for another form; name the version that this one changes")
    if document.state != State.DRAFT.value:
        raise WrongState(f"cannot change a merchant that is {document.state}")
    if version != document.version:
        _changed_by_another(document)
    room_for_history(document)
    saved = change(
        document,
        **{f"set__{name}": value for name, value in form_fields(filled).items()},
        set__version=document.version + 1,
        add_to_set__makers=by,
        push__history=entry(document, "draft", by, version=document.version + 1),
    )
    if saved is None:
        _changed_by_another(document_of(document.id))
    return merchant_of(saved)


def submit(merchant_id: str, by: str, traceparent: str = "", *, confirmed: str = "") -> Merchant:
    """Hands a draft in for review, with what was found. Handed in already by the same person, it is returned as it is
    now, in review or approved: their answer may have been lost where there is no network for hours.

    `confirmed`: the index of the form that the vendor has confirmed; "" where nobody has to.

    Raises NotFound, ChecklistOpen (naming the first problem), WrongState, Contention, LimitExceeded, Overloaded, and
    Unavailable where the watch list cannot be read.
    """
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        if document.state not in (State.DRAFT.value, State.CLOSED.value) and by in document.makers:
            return merchant_of(document)
        if confirmed and document.form_index != confirmed:
            raise DraftChanged("the draft was changed after the vendor confirmed it: it needs a new code")
        filled = form_of(document)
        for found in _problems(filled):
            raise ChecklistOpen(
                f"{found.field}: {found.en}", vi=found.vi, field=found.field, problem=found.code
            )  # fmt: skip
        decision = _decision(document, Action.SUBMIT, by)
        changed = _hand_in(document, filled, decision, by, traceparent)
        if changed is not None:
            return merchant_of(changed)
    raise Contention(_KEEPS_CHANGING)


def _hand_in(
    document: MerchantDocument, filled: Form, decision: Decision, by: str, traceparent: str
) -> MerchantDocument | None:
    now, indexes = clock.now(), blind_indexes(filled)
    seen = findings.still_seen(findings_of(document), list(_look(document.id, filled, indexes, now)))
    market = _market(filled.market_id)
    places = {"market_name": market.name, "province_name": market.province_name, "ward_code": market.ward_code}
    return apply(
        document,
        decision,
        by,
        traceparent,
        **{f"set__{name}": value for name, value in (indexes | places).items()},
        set__submitted_at=now,
        set__queue=sort_key(now, document.id),
        set__findings=stored_findings(seen),
        add_to_set__makers=by,
    )


def register(filled: Form, by: str, traceparent: str = "") -> Merchant:
    """Saves a form and hands it in, in one write; or finds it done already: the same form by the same person.

    Raises InvalidArgument, NotFound (the market), AlreadyExists (the settlement account is another's),
    IdempotencyConflict (its request_id stands for another form), WrongState (market or stall is closed) and
    Unavailable (the watch list).
    """
    filled = form.checked(filled, _today())
    document = handed_in(filled, by)
    stored = _document_or_none(document.id)
    if stored is None:
        market = _market(filled.market_id)
        if market.closed:
            raise WrongState(f"{market.name} is closed: choose another market")
        if stalls.is_closed(filled.market_id, filled.stall):
            raise WrongState(f"stall {filled.stall} is closed: choose another one")
        for found in _missing_documents(filled):
            form.refuse(found)
        if MerchantDocument.objects(accounts_held=document.account_index).only("id").first() is not None:
            _account_taken()
        seen = list(_look(document.id, filled, blind_indexes(filled), document.submitted_at))
        complete(document, market, seen, traceparent)
        try:
            document.save()
            return merchant_of(document)
        except NotUniqueError:  # the same request, twice at once
            stored = document_of(document.id)
    if stored.fingerprint != document.fingerprint:
        raise IdempotencyConflict("request_id was used for another registration")
    return merchant_of(stored)


def handed_in(filled: Form, by: str) -> MerchantDocument:
    """A checked form as a merchant that is handed in now; not complete, and not stored."""
    now = clock.now()
    document = new_document(filled, by, State.SUBMITTED, now)
    for name, value in blind_indexes(filled).items():
        setattr(document, name, value)
    document.submitted_at, document.queue = now, sort_key(now, document.id)
    why = merchant.usual_reason(Action.SUBMIT)
    document.history = [entry(document, "draft", by), entry(document, Action.SUBMIT.value, by, why)]
    return document


def complete(document: MerchantDocument, market: MarketDocument, seen: list[Finding], traceparent: str = "") -> None:
    """Adds to what is handed in where it is and what was found, and the event that tells of it."""
    document.market_name, document.province_name = market.name, market.province_name
    document.ward_code = market.ward_code
    document.findings = stored_findings(seen)
    document.add_event(
        "merchant.submitted", document.id, fact(document, 1, merchant.usual_reason(Action.SUBMIT)), traceparent
    )


def bind_owner(phone_index: str, owner_id: str) -> int:
    """Makes a person the owner of the merchants that were handed in for their phone and have none yet; how many.

    Not of one that was sent back: the phone may be what is wrong with it; handed in again, it is looked for again.
    Called when somebody's account is made. Twice changes nothing. Raises Contention: some may be bound by then.
    """
    found = MerchantDocument.objects(phone_index=phone_index).only("id").limit(MERCHANTS_PER_OWNER_MAX)
    return sum(_bind(document.id, owner_id) for document in found)


def _bind(merchant_id: str, owner_id: str) -> bool:
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        if document.owner_id or document.state in (State.DRAFT.value, State.CLOSED.value):
            return False
        line = entry(document, "bind_owner", owner_id, version=document.version + 1)
        if change(document, set__owner_id=owner_id, set__version=document.version + 1, push__history=line) is not None:
            return True
    raise Contention(_KEEPS_CHANGING)


# --- what is missing, what was found


def checklist(merchant_id: str) -> list[Problem]:
    """What stands in the way of the next step: of handing a draft in, of approving what was handed in.

    Nothing for a merchant that is active or was. Raises NotFound.
    """
    document = document_of(merchant_id)
    if document.state == State.DRAFT.value:
        return _problems(form_of(document))
    if document.state in (State.SUBMITTED.value, State.IN_REVIEW.value):
        return _approval_problems(document)
    return []


def _approval_problems(document: MerchantDocument) -> list[Problem]:
    without = [] if document.owner_id else [problem("owner_id", "OWNER_MISSING")]
    return [*_problems(form_of(document)), *without]


def _problems(filled: Form) -> list[Problem]:
    found = form.problems(filled, _today())
    wrong = {one.field for one in found}
    if "market_id" not in wrong:
        market = _market_or_none(filled.market_id)
        if market is None:
            found.append(problem("market_id", "MARKET_UNKNOWN"))
        elif market.closed:
            found.append(problem("market_id", "MARKET_CLOSED"))
        elif "stall" not in wrong and stalls.is_closed(filled.market_id, filled.stall):
            found.append(problem("stall", "STALL_CLOSED"))
    return [*found, *_missing_documents(filled)]


def _missing_documents(filled: Form) -> Iterator[Problem]:
    merchant_id = merchant.merchant_id_of(filled.request_id)
    for kind, sha256 in sorted(filled.documents.items()):
        if not has_document(merchant_id, kind, sha256):
            yield problem(f"documents.{kind}", "DOCUMENT_UNKNOWN")


def _look(merchant_id: str, filled: Form, indexes: dict[str, str], at: datetime) -> Iterator[Finding]:
    """Who is alike, and what others say. Raises Unavailable."""
    for code, name in ALIKE:
        alike = MerchantDocument.objects(**{name: indexes[name]}).only("id").limit(findings.ALIKE_MAX + 1)
        others = [other.id for other in alike if other.id != merchant_id]
        for other in others[: findings.ALIKE_MAX]:
            yield Finding(code, other, at)
    if filled.owner_id:
        account = OwnerDocument.objects(id=filled.owner_id).first()
        # Identity's word comes by event: who is not known yet is asked for again at the approval.
        if account is not None and account.phone_index != indexes["phone_index"]:
            yield Finding("OWNER_PHONE_DIFFERS", "", at)
    yield from told_by_others(filled, at)


def told_by_others(filled: Form, at: datetime) -> Iterator[Finding]:
    """What the watch list and the bank say. Raises Unavailable."""
    if watch_list().has(
        person_name=filled.person_name, birth_date=filled.birth_date, citizen_id=filled.citizen_id
    ):  # fmt: skip
        yield Finding(findings.WATCH_LIST, "", at)
    told = _NAME_CHECKS.get(namecheck.check(filled.bank_bin, filled.account_number, filled.account_name))
    if told is not None:
        yield Finding(told, "", at)


# --- decisions


def decide(
    merchant_id: str, action: Action, actor: str, reason: str = "", traceparent: str = "", *,
    supervises: bool = False, version: int = 0,
) -> Merchant:  # fmt: skip
    """Moves a merchant on, with the event and the line of history in the same write. Not for handing in: `submit`.

    `version` is the one that the decision is about, 0 for whatever is stored.

    Raises NotFound, WrongState, FourEyes, InvalidArgument, Contention, LimitExceeded, Overloaded where its events have
    not been published for long; at an approval also ChecklistOpen, FindingsOpen, AlreadyExists (the settlement account
    is another merchant's) and Unavailable (the watch list).
    """
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        if version not in (0, document.version):
            raise Contention("the merchant was changed meanwhile; look again")
        decision = _decision(document, action, actor, reason, supervises=supervises)
        if action is Action.APPROVE:
            document = _vetted(document)
            decision = _decision(document, action, actor, reason)
        changed = apply(document, decision, actor, traceparent, **_set_by(document, action, actor))
        if changed is not None:
            return merchant_of(changed)
    raise Contention(_KEEPS_CHANGING)


def _set_by(document: MerchantDocument, action: Action, actor: str) -> dict[str, Any]:
    """What an action changes besides the state."""
    if action is Action.CLAIM:
        return {"set__assigned_to": actor}
    if action is Action.APPROVE:
        return {
            "set__accounts_held": [document.account_index],
            "set__stall_held": stalls.held(document.market_id, document.stall),
            "unset__assigned_to": True,
        }
    if action is Action.CLOSE:
        return {"unset__stall_held": True}
    if action in (Action.RELEASE, Action.RETURN, Action.REFUSE):
        return {"unset__assigned_to": True}
    return {}


def _vetted(document: MerchantDocument) -> MerchantDocument:
    """The merchant, where nothing stands in the way of its approval: looked at again, since time has passed.

    Raises ChecklistOpen, FindingsOpen; what was found anew is stored first, for the reviewer to see.
    """
    for found in _approval_problems(document):
        raise ChecklistOpen(f"{found.field}: {found.en}", vi=found.vi, field=found.field, problem=found.code)
    filled, known = form_of(document), findings_of(document)
    now = findings.merged(known, list(_look(document.id, filled, blind_indexes(filled), clock.now())))
    if len(now) > len(known):
        stored = change(document, set__findings=stored_findings(now))
        if stored is None:
            raise Contention("the merchant was changed meanwhile; try again")
        document = stored
    for finding in now:
        if finding.is_open:
            raise FindingsOpen(
                f"{finding.finding_id}: {findings.WORDS[finding.code][1]} Accept it with a reason, or refuse.",
                vi=findings.WORDS[finding.code][0], finding_id=finding.finding_id,
            )  # fmt: skip
    return document


def _decision(
    document: MerchantDocument, action: Action, actor: str, reason: str = "", *, supervises: bool = False
) -> Decision:
    decision = merchant.decide(
        state=State(document.state),
        version=document.version,
        makers={*document.makers, document.owner_id},
        assigned_to=document.assigned_to or "",
        action=action,
        actor=actor,
        reason=reason,
        supervises=supervises,
    )
    if action not in _PAST_LIMIT:
        room_for_history(document)
    return decision


def apply(
    document: MerchantDocument, decision: Decision, actor: str, traceparent: str, **changes: Any
) -> MerchantDocument | None:
    """The changed document; None where its version is no longer the one decided on."""
    told = fact(document, decision.version, decision.reason)
    told.state = decision.state.value
    event = document.add_event(decision.event, document.id, told, traceparent)
    line = entry(
        document, decision.action.value, actor, decision.reason, state=decision.state.value, version=decision.version
    )
    if decision.action is not Action.SUBMIT:
        changes |= {"set__decided_at": line.at, "set__decided_by": actor, "set__reason": decision.reason}
    try:
        return change(
            document,
            set__state=decision.state.value,
            set__version=decision.version,
            push__outbox=event,
            push__history=line,
            **changes,
        )
    except NotUniqueError:
        other = stalls.holder(document.market_id, document.stall)
        if other is not None and other[0] != document.id:
            raise AlreadyExists(
                f"another merchant sells at {document.stall}: choose another stall",
                vi=f"Sạp {document.stall} đã có người bán khác: hãy chọn sạp khác.",
            ) from None
        _account_taken()


def change(document: MerchantDocument, **changes: Any) -> MerchantDocument | None:
    """One write, unless somebody changed the merchant since it was read: then None."""
    # mongoengine's types do not know what modify returns.
    changed: MerchantDocument | None = MerchantDocument.objects(id=document.id, version=document.version).modify(
        new=True, **changes
    )
    return changed


def fact(document: MerchantDocument, version: int, reason: str) -> events_pb2.MerchantChanged:
    """What the others are told of a merchant."""
    code = tax_code_of(document)
    return events_pb2.MerchantChanged(
        merchant_id=document.id,
        name=document.name,
        owner_id=document.owner_id,
        market_id=document.market_id,
        market_name=document.market_name,
        stall=document.stall,
        category_code=document.category_code,
        bank_bin=document.bank_bin,
        account_index=document.account_index,
        version=version,
        reason=reason,
        state=document.state,
        tax_index=crypto.tax_index(code) if code else "",
        tax_sealed=crypto.seal_tax(code, document.id) if code else b"",
        enterprise_kind=document.enterprise_kind,
    )


def room_for_history(document: MerchantDocument) -> None:
    """Raises LimitExceeded."""
    if len(document.history) >= HISTORY_MAX:
        raise LimitExceeded(f"{HISTORY_MAX} things happened to this merchant: it can only be suspended and closed")


def _changed_by_another(document: MerchantDocument) -> NoReturn:
    raise DraftChanged(
        f"the draft is at version {document.version}: read it, and save onto that", version=str(document.version)
    )


def _account_taken() -> NoReturn:
    raise AlreadyExists("another merchant is paid out to this settlement account")


# --- reads


def merchant_by_id(merchant_id: str) -> Merchant:
    """Raises NotFound."""
    return merchant_of(document_of(merchant_id))


def draft(merchant_id: str) -> Form:
    """The form as it was saved last, in plain. Raises NotFound."""
    return form_of(document_of(merchant_id))


def merchants_of_owner(owner_id: str) -> list[Merchant]:
    """Newest first, at most MERCHANTS_PER_OWNER_MAX."""
    found = MerchantDocument.objects(owner_id=owner_id, recency__gt=BEFORE_ALL, recency__lt=AFTER_ALL)
    return [merchant_of(document) for document in found.order_by("-recency").limit(MERCHANTS_PER_OWNER_MAX)]


def merchants_of_market(market_id: str, state: State, page_size: int = 0, page_token: str = "") -> Page:
    """One page, newest registration first; `page_size` 0 means PAGE_SIZE_DEFAULT. Raises InvalidArgument."""
    size, older_than = page_of(f"{market_id}|{state.value}", page_size, page_token, AFTER_ALL)
    found = MerchantDocument.objects(
        market_id=market_id, state=state.value, recency__gt=BEFORE_ALL, recency__lt=older_than
    )
    documents = list(found.order_by("-recency").limit(size + 1))
    token = next_token(f"{market_id}|{state.value}", documents, size, lambda d: d.recency)
    return Page([merchant_of(document) for document in documents[:size]], token)


def ensure_merchant(filled: Form, *, registered_by: str, approved_by: str) -> Merchant:
    """For seeds: registers and approves as two people would, where that is not done yet, with the same events.

    Raises what `register` and `decide` raise.
    """
    found = register(filled, registered_by)
    if found.state is not State.SUBMITTED:
        return found
    return decide(found.merchant_id, Action.APPROVE, approved_by)


def payout_accounts(merchant_ids: Sequence[str]) -> list[PayoutAccount]:
    """Where these merchants' money is paid out to now, in plain; those that were never approved have none.

    A changed account counts from the end of its cooling-off time, whether the worker has put it in its place or not.
    """
    now_ms = clock.now_ms()
    found = MerchantDocument.objects(id__in=list(merchant_ids), accounts_held__exists=True)
    return [_payout_account(document, now_ms) for document in found]


def _payout_account(document: MerchantDocument, now_ms: int) -> PayoutAccount:
    changed = document.account_change
    current = changed if changed and changed.in_force_ms and changed.in_force_ms <= now_ms else document
    number = crypto.decrypt(ACCOUNT_FIELD, current.account_number)
    return PayoutAccount(document.id, current.bank_bin, number, current.account_name)


def document_of(merchant_id: str) -> MerchantDocument:
    """Raises NotFound."""
    document = _document_or_none(merchant_id)
    if document is None:
        # The words of Call.require_owner: a stranger cannot tell what exists.
        raise NotFound("there is no such thing, or it is not yours")
    return document


def _document_or_none(merchant_id: str) -> MerchantDocument | None:
    found: MerchantDocument | None = MerchantDocument.objects(id=merchant_id).first()
    return found


def _market(market_id: str) -> MarketDocument:
    found = _market_or_none(market_id)
    if found is None:
        raise NotFound(f"there is no market {market_id}")
    return found


def _market_or_none(market_id: str) -> MarketDocument | None:
    found: MarketDocument | None = MarketDocument.objects(id=market_id).first()
    return found


def _today() -> date:
    return clock.now().astimezone(clock.VIETNAM).date()


# --- pages


def page_of(listed: str, page_size: int, page_token: str, start: str) -> tuple[int, str]:
    """How many, and from which sort key on; `listed` names the list, whose token no other list takes.

    Raises InvalidArgument.
    """
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
    return page_size or PAGE_SIZE_DEFAULT, _read_token(page_token, listed) if page_token else start


def next_token(
    listed: str, documents: list[MerchantDocument], size: int, key: Callable[[MerchantDocument], str]
) -> str:
    """Where the next page begins; "" where there is none."""
    if len(documents) <= size:
        return ""
    return base64.urlsafe_b64encode(f"{listed}|{key(documents[size - 1])}".encode()).decode()


def _read_token(token: str, listed: str) -> str:
    try:
        name, _, key = base64.b64decode(token, altchars=b"-_", validate=True).decode().rpartition("|")
    except (binascii.Error, ValueError):
        name = key = ""
    if name != listed or _SORT_KEY.fullmatch(key) is None:
        raise InvalidArgument("page_token is not one of this list's")
    return key
