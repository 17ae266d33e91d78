"""What an answer of the card provider, or the lack of one, means; and whether to try the same call again. Pure."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from services.payments.card.calls import Call
from services.payments.card.failures import (
    CardFailure,
    Declined,
    Invalid,
    KeyInUse,
    KeyMisused,
    NotExecuted,
    NotThere,
    Unknown,
)
from services.payments.card.objects import NotUnderstood

T = TypeVar("T")

ATTEMPTS_MAX = 3
RETRY_S_MIN = 0.25

# The request cannot have left: no connection, or none free.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def result(call: Call[T], reply: Reply) -> T:
    """What the call brought. Raises the CardFailure that the answer proves."""
    try:
        answer = json.loads(reply.body)
    except (ValueError, RecursionError):  # not JSON, not UTF-8, or nested without end
        answer = None
    if reply.status == 200:
        try:
            return call.read(answer)
        except NotUnderstood as error:
            raise Unknown(f"an answer that cannot be used: {error}", **_known(reply, {})) from error
    raise failure(reply, answer)


def failure(reply: Reply, answer: Any) -> CardFailure:
    """The failure that a status other than 200 and its JSON prove."""
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("type"), str):
        return Unknown(f"HTTP {reply.status} that is not the provider's", **_known(reply, {}))
    said = str(error.get("message") or f"HTTP {reply.status}")[:500]
    known = _known(reply, error)
    match reply.status:
        case 400 | 404 if error["type"] == "idempotency_error":
            return KeyMisused(said, **known)
        case 400 | 404 if known["code"] == "resource_missing":
            return NotThere(said, **known)
        case 400 | 404:
            return Invalid(said, **known)
        case 401 | 403 | 429:
            return NotExecuted(said, **known)
        case 402:
            intent = error.get("payment_intent")
            intent_id = _word(intent, "id") if isinstance(intent, dict) else ""
            return Declined(said, decline_code=_word(error, "decline_code"), intent_id=intent_id, **known)
        case 409:
            return KeyInUse(said, **known)
        case _:
            return Unknown(said, **known)


def broken(error: httpx.HTTPError) -> CardFailure:
    """The failure that a missing answer proves."""
    kind = NotExecuted if isinstance(error, _NOT_SENT) else Unknown
    return kind(f"{type(error).__name__}: {error}"[:500])


def attempts(call: Call[T]) -> Generator[float, Reply | httpx.HTTPError, T]:
    """A call from its first attempt to its result, without the sending.

    Yields the seconds to wait before an attempt, is sent what the attempt brought, returns the result. Raises the
    CardFailure where no attempt is left; an Unknown, if one of them was: that a later attempt was not executed takes
    nothing back of it.
    """
    unknown: Unknown | None = None
    wait_s = 0.0
    for left in reversed(range(ATTEMPTS_MAX)):
        came = yield wait_s
        try:
            if isinstance(came, httpx.HTTPError):
                raise broken(came)
            return result(call, came)
        except (NotExecuted, Unknown) as failed:
            unknown = failed if isinstance(failed, Unknown) else unknown
            if not left or not _may_pass(failed, came):
                raise (unknown or failed) from None
        wait_s = RETRY_S_MIN if not wait_s else 2 * wait_s
    raise AssertionError("the last attempt returns or raises")


def _may_pass(failed: CardFailure, came: Reply | httpx.HTTPError) -> bool:
    """Whether the next attempt may fare better."""
    if isinstance(came, Reply) and came.headers.get("stripe-should-retry") == "false":
        return False  # the provider's own word: this 500 is the key's answer and stays it
    return isinstance(failed, Unknown) or failed.status in (0, 429)


def _known(reply: Reply, error: dict[str, Any]) -> dict[str, Any]:
    return {
        "status": reply.status,
        "type": _word(error, "type"),
        "code": _word(error, "code"),
        "request_id": reply.headers.get("request-id", "")[:100],
    }


def _word(found: dict[str, Any], name: str) -> str:
    value = found.get(name)
    return value[:100] if isinstance(value, str) else ""
