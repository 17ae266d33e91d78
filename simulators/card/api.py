"""The provider's API under `/v1`: who may call, idempotency as Stripe documents it, and the faults that are armed."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace

from kit.clock import now_ms
from simulators.card import routes
from simulators.card.cards import declined
from simulators.card.errors import ApiError, Full
from simulators.card.faults import Fault
from simulators.card.forms import Form, Params, parse
from simulators.card.http import Answer, Request, dump, json_answer
from simulators.card.provider import Outcome, Provider
from simulators.card.store import KeptAnswer, Store

KEY_LENGTH_MAX = 255
SLOW_MS = 2_000


@dataclass(frozen=True, slots=True)
class _Asked:
    """A request that may have been made before: what it would do, and what tells it from others."""

    read: Callable[[], routes.Work]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class _Cause:
    """What stands behind an execution. `key` is "" where there is none."""

    request_id: str
    key: str = ""
    fault: Fault | None = None


class Api:
    """Answers requests. What is being executed is in `_in_use`, by key; what was executed is in the store.

    `base_url`: where this simulator is found. `changed` is called when there may be something to deliver.
    """

    def __init__(
        self, store: Store, secret_key: str, base_url: str, webhook: bool, changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._secret_key = secret_key.encode()
        self._base_url = base_url
        self._webhook = webhook
        self._changed = changed
        self._in_use: set[str] = set()

    async def __call__(self, request: Request) -> Answer:
        """Never raises for what a caller did."""
        request_id = f"req_{secrets.token_hex(7)}"
        try:
            answer = await self._answer(request, request_id)
        except ApiError as error:
            answer = json_answer(error.status, error.body())
        return replace(answer, headers=(*answer.headers, ("Request-Id", request_id)))

    def provider(self, cause: _Cause | None = None) -> Provider:
        """One for a change that no request under `/v1` asked for, unless there is a `cause`."""
        cause = cause or _Cause("")
        decline = declined(cause.fault.code) if cause.fault and cause.fault.kind == "decline" else None
        return Provider(self._store, now_ms(), self._base_url, self._webhook, cause.request_id, cause.key, decline)

    async def _answer(self, request: Request, request_id: str) -> Answer:
        self._check_caller(request.headers.get("authorization", ""))
        found = routes.find(request.method, request.path)
        if found is None:
            raise ApiError(404, f"Unrecognized request URL ({request.method}: {request.path[:200]}).")
        route, ids = found
        form = parse(request.query if request.method == "GET" else _text(request.body))
        with self._store.transaction():
            fault = self._store.strike(f"{request.method} {request.path}", webhook=False)
        if fault and (instead := _INSTEAD.get(fault.kind)):
            return instead
        asked = _Asked(lambda: route.read(Params(form), *ids), _fingerprint(request, form))
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        return _then(fault, await self._once(asked, _Cause(request_id, key, fault)))

    def _check_caller(self, authorization: str) -> None:
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() == "basic":
            given = _basic_user(given)
        if not given:
            raise ApiError(401, "You did not provide an API key. Use 'Authorization: Bearer YOUR_SECRET_KEY'.")
        if not hmac.compare_digest(given.encode(), self._secret_key):
            raise ApiError(401, f"Invalid API Key provided: {given[:8]}****")

    async def _once(self, asked: _Asked, cause: _Cause) -> Answer:
        """Executes what this key has not executed yet; without a key, always. Raises ApiError."""
        key = cause.key
        if len(key) > KEY_LENGTH_MAX or not key.isascii() or (key and not key.isprintable()):
            raise ApiError(400, f"Idempotency keys are at most {KEY_LENGTH_MAX} printable characters.")
        if key and (kept := self._store.answer(key, now_ms() // 1000)):
            return _replay(key, kept, asked.fingerprint)
        if key in self._in_use:
            message = f"There is currently another in-progress request using this Idempotent Key: {key}."
            raise ApiError(409, message, kind="idempotency_error", code="idempotency_key_in_use")
        work = asked.read()
        if key:
            self._in_use.add(key)
        try:
            if cause.fault and cause.fault.kind == "slow":
                await asyncio.sleep((cause.fault.ms or SLOW_MS) / 1000)
            outcome = self._execute(work, cause, asked.fingerprint)
        finally:
            self._in_use.discard(key)
        return json_answer(outcome.status, outcome.body)

    def _execute(self, work: routes.Work, cause: _Cause, fingerprint: str) -> Outcome:
        """The effects, their events and the key's answer, in one transaction. Raises Full, with nothing done."""
        try:
            with self._store.transaction():
                outcome = work(self.provider(cause))
                self._keep(outcome, cause, fingerprint)
        except Full:
            raise
        except ApiError as error:
            # Refused, and nothing of it is left. But its execution had begun, so this is the key's answer.
            outcome = Outcome(error.status, error.body())
            with self._store.transaction():
                self._keep(outcome, cause, fingerprint)
        self._changed()
        return outcome

    def _keep(self, outcome: Outcome, cause: _Cause, fingerprint: str) -> None:
        if cause.key:
            stored = _INTERNAL if cause.fault and cause.fault.kind == "error_stored" else outcome
            kept = KeptAnswer(fingerprint, cause.request_id, stored.status, dump(stored.body))
            self._store.keep_answer(cause.key, kept, now_ms() // 1000)


_INTERNAL = Outcome(500, {"error": {"type": "api_error", "message": "An error occurred. Try again."}})
_BUSY = Outcome(
    429, {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests."}}
)


# What faults answer in place of executing.
_INSTEAD = {
    "timeout_before": Answer(500, fate="silence"),
    "cut_before": Answer(500, fate="cut"),
    "error_before": json_answer(_INTERNAL.status, _INTERNAL.body),
    "rate_limited": json_answer(_BUSY.status, _BUSY.body),
}


def _then(fault: Fault | None, answer: Answer) -> Answer:
    """What faults make of an answer once everything is done."""
    match fault.kind if fault else "":
        case "timeout_after":
            return replace(answer, fate="silence")
        case "cut_after":
            return replace(answer, fate="cut")
        case "error_after":
            return json_answer(_INTERNAL.status, _INTERNAL.body)
        case "error_stored":
            return json_answer(_INTERNAL.status, _INTERNAL.body, ("Stripe-Should-Retry", "false"))
        case _:
            return answer


def _replay(key: str, kept: KeptAnswer, fingerprint: str) -> Answer:
    if kept.fingerprint != fingerprint:
        message = (
            "Keys for idempotent requests can only be used with the same parameters and endpoint they were first used "
            f"with. Try using a key other than '{key}' if you meant to execute a different request."
        )
        raise ApiError(400, message, kind="idempotency_error")
    headers = [("Content-Type", "application/json"), ("Idempotent-Replayed", "true")]
    headers.append(("Original-Request", kept.request_id))
    if kept.status >= 500:
        headers.append(("Stripe-Should-Retry", "false"))
    return Answer(kept.status, kept.body, tuple(headers))


def _fingerprint(request: Request, form: Form) -> str:
    asked = json.dumps([request.method, request.path, form], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()


def _basic_user(given: str) -> str:
    try:
        return base64.b64decode(given, validate=True).decode("latin-1").partition(":")[0]
    except binascii.Error:
        return ""


def _text(body: bytes) -> str:
    try:
        return body.decode("ascii")
    except UnicodeDecodeError as error:
        raise ApiError(400, "A form is percent-encoded") from error
