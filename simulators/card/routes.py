"""Stripe's API, as far as it is simulated: what each route takes, and what it does.

A route's function reads its parameters, and raises ApiError where they are wrong: no idempotency key is spent. What it
returns is the work, which a Provider then executes.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from simulators.card.cards import CARDS
from simulators.card.errors import invalid, missing
from simulators.card.forms import Params
from simulators.card.provider import NewIntent, NewRefund, Outcome, Provider
from simulators.card.store import Slice

PAGE_MAX = 100
CANCEL_REASONS = ("abandoned", "duplicate", "fraudulent", "requested_by_customer")
REFUND_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_RETURN_URL = re.compile(r"[a-z][a-z0-9+.-]*://[!-~]+")

Work = Callable[[Provider], Outcome]


def create_intent(params: Params) -> Work:
    _card_only(params)
    params.one_of("capture_method", ("automatic", "automatic_async"))
    asked = NewIntent(
        amount=_required_integer(params, "amount"),
        payment_method=_payment_method(params),
        return_url=_return_url(params),
        confirm=params.flag("confirm"),
        metadata=params.metadata(),
        description=params.text("description"),
    )
    if params.text("currency").lower() != "vnd":
        raise invalid("currency", "Invalid currency: this account takes vnd only")
    if asked.return_url and not asked.confirm:
        raise invalid("return_url", "You can only set return_url when confirm is true")
    if asked.confirm and not asked.payment_method:
        raise invalid("payment_method", "Missing required param: payment_method.", "parameter_missing")
    params.end()
    return lambda provider: provider.create_intent(asked)


def confirm_intent(params: Params, intent_id: str) -> Work:
    payment_method, return_url = _payment_method(params), _return_url(params)
    params.end()
    return lambda provider: provider.confirm(intent_id, payment_method, return_url)


def cancel_intent(params: Params, intent_id: str) -> Work:
    reason = params.one_of("cancellation_reason", CANCEL_REASONS)
    params.end()
    return lambda provider: provider.cancel(intent_id, reason)


def create_refund(params: Params) -> Work:
    asked = NewRefund(
        intent_id=params.text("payment_intent"),
        charge_id=params.text("charge"),
        amount=params.integer("amount"),
        reason=params.one_of("reason", REFUND_REASONS),
        metadata=params.metadata(),
    )
    if bool(asked.intent_id) == bool(asked.charge_id):
        raise invalid("payment_intent", "One of payment_intent and charge is required", "parameter_missing")
    params.end()
    return lambda provider: provider.create_refund(asked)


def retrieve(kind: str) -> Callable[[Params, str], Work]:
    """Reads one object of a kind."""

    def read(params: Params, object_id: str) -> Work:
        params.end()
        return lambda provider: provider.retrieve(kind, object_id)

    return read


def list_of(kind: str, url: str) -> Callable[[Params], Work]:
    """Pages through a kind, newest first, by Stripe's parameters; events also by type, the others by intent."""

    def read(params: Params) -> Work:
        parents = [params.text("type"), *params.texts("types")] if kind == "event" else [params.text("payment_intent")]
        part = _slice(params)
        params.end()

        def work(provider: Provider) -> Outcome:
            found = provider.store.page(kind, [parent for parent in parents if parent], part)
            if found is None:
                raise missing(kind, part.after or part.before, 400)
            objects, more = found
            return Outcome(200, {"object": "list", "url": url, "data": objects, "has_more": more})

        return work

    return read


def _slice(params: Params) -> Slice:
    limit = params.integer("limit", 10) or 0
    if not 1 <= limit <= PAGE_MAX:
        raise invalid("limit", f"limit must be from 1 to {PAGE_MAX}", "parameter_invalid_integer")
    created = []
    for name, second in params.table("created").items():
        if name not in ("gt", "gte", "lt", "lte") or not re.fullmatch(r"[0-9]{1,12}", second):
            raise invalid("created", f"Invalid timestamp: created[{name}]")
        created.append((name, int(second)))
    part = Slice(limit, params.text("starting_after"), params.text("ending_before"), tuple(created))
    if part.after and part.before:
        raise invalid("ending_before", "Only one of starting_after and ending_before can be given")
    return part


def _required_integer(params: Params, name: str) -> int:
    value = params.integer(name)
    if value is None:
        raise invalid(name, f"Missing required param: {name}.", "parameter_missing")
    return value


def _card_only(params: Params) -> None:
    """`payment_method_types` or `automatic_payment_methods`, the two ways to say it."""
    if set(params.texts("payment_method_types")) - {"card"}:
        raise invalid("payment_method_types", "Only card is simulated")
    if set(params.table("automatic_payment_methods")) - {"enabled", "allow_redirects"}:
        raise invalid("automatic_payment_methods", "Received unknown parameter: automatic_payment_methods")


def _payment_method(params: Params) -> str:
    token = params.text("payment_method")
    if token and token not in CARDS:
        raise missing("payment_method", token, 400)
    return token


def _return_url(params: Params) -> str:
    url = params.text("return_url")
    if url and not _RETURN_URL.fullmatch(url):
        raise invalid("return_url", "Not a valid URL", "url_invalid")
    return url


@dataclass(frozen=True, slots=True)
class Route:
    """`read` takes the parameters, then what the path's pattern caught."""

    method: str
    path: re.Pattern[str]
    read: Callable[..., Work]


def _route(method: str, path: str, read: Callable[..., Work]) -> Route:
    return Route(method, re.compile(path.replace("{id}", "([A-Za-z0-9_]{1,255})")), read)


ROUTES = (
    _route("POST", "/v1/payment_intents", create_intent),
    _route("GET", "/v1/payment_intents", list_of("payment_intent", "/v1/payment_intents")),
    _route("GET", "/v1/payment_intents/{id}", retrieve("payment_intent")),
    _route("POST", "/v1/payment_intents/{id}/confirm", confirm_intent),
    _route("POST", "/v1/payment_intents/{id}/cancel", cancel_intent),
    _route("POST", "/v1/refunds", create_refund),
    _route("GET", "/v1/refunds", list_of("refund", "/v1/refunds")),
    _route("GET", "/v1/refunds/{id}", retrieve("refund")),
    _route("GET", "/v1/charges", list_of("charge", "/v1/charges")),
    _route("GET", "/v1/charges/{id}", retrieve("charge")),
    _route("GET", "/v1/disputes", list_of("dispute", "/v1/disputes")),
    _route("GET", "/v1/disputes/{id}", retrieve("dispute")),
    _route("GET", "/v1/events", list_of("event", "/v1/events")),
    _route("GET", "/v1/events/{id}", retrieve("event")),
)


def find(method: str, path: str) -> tuple[Route, tuple[str, ...]] | None:
    """The route of a request, and the ids in its path."""
    for route in ROUTES:
        if route.method == method and (caught := route.path.fullmatch(path)):
            return route, caught.groups()
    return None
