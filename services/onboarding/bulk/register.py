"""Hands a chunk of forms in at once: the checks of `store.register`, one query a question, and one write for all.

A write that is brought to disk for every merchant would be most of the time that a market takes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from pymongo.errors import BulkWriteError

from kit import clock
from kit.errors import AlreadyExists, DomainError, IdempotencyConflict, NotFound, WrongState
from services.onboarding import findings
from services.onboarding import form as forms
from services.onboarding.findings import Finding
from services.onboarding.form import Form
from services.onboarding.places.stall import StallState, order_of
from services.onboarding.store.document import MerchantDocument
from services.onboarding.store.markets import MarketDocument
from services.onboarding.store.merchants import ALIKE, complete, handed_in, register, told_by_others
from services.onboarding.store.stalls import StallDocument

# Merchants alike that are looked at for a whole chunk; a phone that is on more forms is found all the same.
_ALIKE_MAX = 5_000
_DUPLICATE_KEY = 11_000


def register_all(filled: Sequence[Form], by: str) -> dict[str, DomainError | None]:
    """Hands in forms as a sheet has them: without documents, and with no owner but whose phone it is.

    By request_id, None where it is done (or was, by the same person with the same form), or the error that
    `store.register` would raise. A process that dies in the middle has handed in some; whoever does it again finds
    those done. Raises Unavailable.
    """
    today = clock.now().astimezone(clock.VIETNAM).date()
    outcome: dict[str, DomainError | None] = {}
    fresh: list[tuple[Form, MerchantDocument]] = []
    for form in filled:
        try:
            form = forms.checked(form, today)
            fresh.append((form, handed_in(form, by)))
        except DomainError as error:
            outcome[form.request_id] = error
    fresh = _without_stored(fresh, outcome)
    fresh = _without_refused(fresh, outcome)
    if fresh:
        _complete(fresh)
        _insert(fresh, by, outcome)
    return outcome


def _without_stored(
    fresh: list[tuple[Form, MerchantDocument]], outcome: dict[str, DomainError | None]
) -> list[tuple[Form, MerchantDocument]]:
    ids = [document.id for _, document in fresh]
    stored = {found.id: found.fingerprint for found in MerchantDocument.objects(id__in=ids).only("id", "fingerprint")}
    left = []
    for form, document in fresh:
        fingerprint = stored.get(document.id)
        if fingerprint is None:
            left.append((form, document))
        elif fingerprint == document.fingerprint:
            outcome[form.request_id] = None
        else:
            outcome[form.request_id] = IdempotencyConflict("request_id was used for another registration")
    return left


def _without_refused(
    fresh: list[tuple[Form, MerchantDocument]], outcome: dict[str, DomainError | None]
) -> list[tuple[Form, MerchantDocument]]:
    markets = _markets(form for form, _ in fresh)
    closed = _closed_stalls(form for form, _ in fresh)
    accounts = [document.account_index for _, document in fresh]
    held: set[str] = set()
    for found in MerchantDocument.objects(accounts_held__in=accounts).only("accounts_held"):
        held.update(found.accounts_held or ())
    left = []
    for form, document in fresh:
        market = markets.get(form.market_id)
        if market is None:
            outcome[form.request_id] = NotFound(f"there is no market {form.market_id}")
        elif market.closed:
            outcome[form.request_id] = WrongState(f"{market.name} is closed: choose another market")
        elif (form.market_id, order_of(form.stall)) in closed:
            outcome[form.request_id] = WrongState(f"stall {form.stall} is closed: choose another one")
        elif document.account_index in held:
            outcome[form.request_id] = AlreadyExists("another merchant is paid out to this settlement account")
        else:
            left.append((form, document))
    return left


def _complete(fresh: list[tuple[Form, MerchantDocument]]) -> None:
    """Adds what is alike, among those that are stored and among those before it in the chunk, and what others say."""
    markets = _markets(form for form, _ in fresh)
    seen: dict[str, list[Finding]] = defaultdict(list)
    for code, field in ALIKE:
        wanted = {getattr(document, field) for _, document in fresh}
        others: dict[str, list[str]] = defaultdict(list)
        for found in MerchantDocument.objects(**{f"{field}__in": list(wanted)}).only("id", field).limit(_ALIKE_MAX):
            others[getattr(found, field)].append(found.id)
        for _, document in fresh:
            at: datetime = document.submitted_at
            same = others[getattr(document, field)]
            seen[document.id] += [Finding(code, other, at) for other in same[: findings.ALIKE_MAX]]
            others[getattr(document, field)].append(document.id)
    for form, document in fresh:
        seen[document.id] += told_by_others(form, document.submitted_at)
        complete(document, markets[form.market_id], seen[document.id])


def _insert(fresh: list[tuple[Form, MerchantDocument]], by: str, outcome: dict[str, DomainError | None]) -> None:
    for _, document in fresh:
        document.validate()
    by_id = {document.id: form for form, document in fresh}
    outcome |= {form.request_id: None for form, _ in fresh}
    try:
        MerchantDocument._get_collection().insert_many([document.to_mongo() for _, document in fresh], ordered=False)
    except BulkWriteError as error:
        failures = error.details["writeErrors"]
        if any(failure["code"] != _DUPLICATE_KEY for failure in failures):
            raise
        # Somebody registered the same at this very moment: one by one says who they are.
        for failure in failures:
            form = by_id[failure["op"]["_id"]]
            try:
                register(form, by)
            except DomainError as refused:
                outcome[form.request_id] = refused


def _markets(filled: Iterable[Form]) -> dict[str, MarketDocument]:
    ids = {form.market_id for form in filled}
    return {market.id: market for market in MarketDocument.objects(id__in=list(ids))}


def _closed_stalls(filled: Iterable[Form]) -> set[tuple[str, str]]:
    """Of the forms' stalls, those that a market's plan says are closed."""
    orders: dict[str, set[str]] = defaultdict(set)
    for form in filled:
        orders[form.market_id].add(order_of(form.stall))
    closed = set()
    for market_id, wanted in orders.items():
        for stall in StallDocument.objects(market_id=market_id, order__in=list(wanted)).only("order", "state"):
            if stall.state == StallState.CLOSED.value:
                closed.add((market_id, stall.order))
    return closed
