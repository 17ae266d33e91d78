"""What we may ask of the card provider, as values: a call says what is sent and how its answer is read. Pure.

    intent = await cards.send(calls.create_intent(50_000, key, {"top_up": top_up_id}, payment_method="pm_..."))

Every call that changes something carries an idempotency key of ours. The provider keeps a key's answer for 24 hours;
after that the same key would be executed anew, so an outcome is to be cleared up by then, and later only by looking.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from kit.errors import AmountInvalid, InvalidArgument
from services.payments.card import objects
from services.payments.card.objects import Dispute, Event, Intent, Page, Refund

T = TypeVar("T")

# Stripe takes eight digits; for VND, which has no minor unit, that is as many đồng.
AMOUNT_MAX = 99_999_999
KEY_LENGTH_MAX = 255
PAGE_ITEMS = 100
METADATA_MAX, METADATA_NAME_LENGTH_MAX, METADATA_VALUE_LENGTH_MAX = 50, 40, 500

_ID = re.compile(r"[a-z]{2,10}_[A-Za-z0-9_]{1,200}")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """`params` are sent as a form (POST) or query (GET). `key`: the idempotency key, "" for a call that only looks.

    `read` makes the result of the answer's JSON; it raises NotUnderstood.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...]
    read: Callable[[Any], T] = field(compare=False)
    key: str = ""

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{urlencode(self.params)}" if self.method == "GET" and self.params else self.path

    @property
    def body(self) -> bytes:
        """The form."""
        return urlencode(self.params).encode() if self.method == "POST" else b""


# A list's call, given where to continue ("" from its beginning).
Listing = Callable[[str], Call[Page[T]]]


def create_intent(
    amount: int, key: str, metadata: Mapping[str, str], *, payment_method: str = "", return_url: str = ""
) -> Call[Intent]:
    """Asks a card for `amount` đồng; with `payment_method` at once, else on `confirm_intent`.

    The result may be REQUIRES_ACTION: send the customer to its `redirect_url`; they come back to `return_url`.
    Raises AmountInvalid, InvalidArgument.
    """
    asked: dict[str, Any] = {
        "amount": _amount(amount),
        "currency": "vnd",
        "payment_method_types": ["card"],
        "metadata": _metadata(metadata),
    }
    if payment_method:
        asked |= {"confirm": True, "payment_method": payment_method}
        if return_url:
            asked["return_url"] = return_url
    elif return_url:
        raise InvalidArgument("return_url goes with a payment method")
    return _post("/v1/payment_intents", asked, key, objects.intent)


def retrieve_intent(intent_id: str) -> Call[Intent]:
    """As it is now. Raises InvalidArgument."""
    return _get(f"/v1/payment_intents/{_id(intent_id)}", {}, objects.intent)


def confirm_intent(intent_id: str, key: str, *, payment_method: str = "", return_url: str = "") -> Call[Intent]:
    """Charges the intent's card, or this one. Raises InvalidArgument."""
    asked = {"payment_method": payment_method, "return_url": return_url}
    given = {name: value for name, value in asked.items() if value}
    return _post(f"/v1/payment_intents/{_id(intent_id)}/confirm", given, key, objects.intent)


def cancel_intent(intent_id: str, key: str) -> Call[Intent]:
    """Ends an intent that has not succeeded; from then on it cannot be paid. Raises InvalidArgument."""
    asked = {"cancellation_reason": "abandoned"}
    return _post(f"/v1/payment_intents/{_id(intent_id)}/cancel", asked, key, objects.intent)


def list_intents(name: str, value: str, from_s: int, until_s: int) -> Listing[Intent]:
    """Intents made in [from_s, until_s) that carry this metadata.

    Stripe's list has no filter on metadata, and its search lags behind by a minute; so it is read in whole and picked
    over here. `from_s` and `until_s` are by the provider's clock: leave a margin.
    """

    def wanted(found: dict[str, Any]) -> bool:
        metadata = found.get("metadata")
        return isinstance(metadata, dict) and metadata.get(name) == value

    created = {"gte": from_s, "lt": until_s}
    return partial(_list, "/v1/payment_intents", {"created": created}, objects.intent, wanted)


def create_refund(intent_id: str, amount: int, key: str, metadata: Mapping[str, str]) -> Call[Refund]:
    """Gives `amount` đồng back to the card; more than is left is Invalid. Raises AmountInvalid, InvalidArgument."""
    asked = {"payment_intent": _id(intent_id), "amount": _amount(amount), "metadata": _metadata(metadata)}
    return _post("/v1/refunds", asked, key, objects.refund)


def retrieve_refund(refund_id: str) -> Call[Refund]:
    """As it is now. Raises InvalidArgument."""
    return _get(f"/v1/refunds/{_id(refund_id)}", {}, objects.refund)


def list_refunds(intent_id: str) -> Listing[Refund]:
    """All refunds of an intent. Raises InvalidArgument."""
    return partial(_list, "/v1/refunds", {"payment_intent": _id(intent_id)}, objects.refund, _all)


def retrieve_dispute(dispute_id: str) -> Call[Dispute]:
    """As it is now. Raises InvalidArgument."""
    return _get(f"/v1/disputes/{_id(dispute_id)}", {}, objects.dispute)


def list_disputes(from_s: int, until_s: int) -> Listing[Dispute]:
    """Disputes opened in [from_s, until_s), by the provider's clock."""
    return partial(_list, "/v1/disputes", {"created": {"gte": from_s, "lt": until_s}}, objects.dispute, _all)


def list_events(types: Iterable[str], from_s: int, until_s: int) -> Listing[Event]:
    """Events of these types (at most 20, as Stripe has it) in [from_s, until_s); the provider keeps 30 days of them.

    For what a lost webhook would have told.
    """
    asked = {"types": list(types), "created": {"gte": from_s, "lt": until_s}}
    return partial(_list, "/v1/events", asked, objects.event, _all)


def flatten(asked: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as a form's names and values: `metadata[top_up]`, `payment_method_types[0]`."""
    for name, value in asked.items():
        full = f"{inside}[{name}]" if inside else name
        if isinstance(value, Mapping):
            yield from flatten(value, full)
        elif isinstance(value, list):
            yield from flatten({str(i): item for i, item in enumerate(value)}, full)
        else:
            yield full, str(value).lower() if isinstance(value, bool) else str(value)


def _get(path: str, asked: Mapping[str, Any], read: Callable[[Any], T]) -> Call[T]:
    return Call("GET", path, tuple(flatten(asked)), read)


def _post(path: str, asked: Mapping[str, Any], key: str, read: Callable[[Any], T]) -> Call[T]:
    if not 1 <= len(key) <= KEY_LENGTH_MAX or not key.isascii() or not key.isprintable():
        raise InvalidArgument("an idempotency key is 1 to 255 printable characters")
    return Call("POST", path, tuple(flatten(asked)), read, key)


def _list(
    path: str,
    asked: Mapping[str, Any],
    read: Callable[[Any], T],
    wanted: Callable[[dict[str, Any]], bool],
    after: str,
) -> Call[Page[T]]:
    here = {"starting_after": _id(after)} if after else {}
    return _get(path, {**asked, "limit": PAGE_ITEMS, **here}, partial(objects.page, read=read, wanted=wanted))


def _all(_: dict[str, Any]) -> bool:
    return True


def _id(value: str) -> str:
    """An id of the provider's, which becomes part of a path."""
    if not _ID.fullmatch(value):
        raise InvalidArgument("not an id of the card provider")
    return value


def _amount(amount: int) -> int:
    if not 1 <= amount <= AMOUNT_MAX:
        raise AmountInvalid(f"a card takes from 1 to {AMOUNT_MAX} đồng, not {amount}")
    return amount


def _metadata(given: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in given.items():
        if not 1 <= len(name) <= METADATA_NAME_LENGTH_MAX or set(name) & {"[", "]"}:
            raise InvalidArgument(f"metadata: {name!r} cannot be a name")
        if not 1 <= len(value) <= METADATA_VALUE_LENGTH_MAX:
            raise InvalidArgument(f"metadata: {name} is empty or too long")
    if len(given) > METADATA_MAX:
        raise InvalidArgument(f"metadata: more than {METADATA_MAX}")
    return given
