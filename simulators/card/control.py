"""`/control`: what a test or a demo does to the provider from outside. JSON in and out, its own bearer secret.

Documented in the package's docstring.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable
from dataclasses import asdict
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulators.card.errors import ApiError, missing
from simulators.card.faults import Fault
from simulators.card.http import Answer, Request, json_answer
from simulators.card.provider import Provider
from simulators.card.store import Object, Store

DELIVERIES_SHOWN_MAX = 100


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Dispute(_Body):
    payment_intent: str
    amount: int | None = None
    reason: str = Field("fraudulent", pattern=r"^[a-z_]{1,50}$")


class _Closing(_Body):
    status: Literal["won", "lost"]


class _Settling(_Body):
    status: Literal["succeeded", "failed"]


class Control:
    """`provider` makes one for each change; `changed` is called when there may be something to deliver."""

    def __init__(
        self, store: Store, secret: str, provider: Callable[[], Provider], changed: Callable[[], None]
    ) -> None:
        self._store = store
        self._secret = f"Bearer {secret}".encode()
        self._provider = provider
        self._changed = changed
        self._routes: tuple[tuple[str, str, Callable[..., Object]], ...] = (
            ("GET", r"/control/faults", self._faults),
            ("POST", r"/control/faults", self._arm),
            ("DELETE", r"/control/faults", self._disarm),
            ("POST", r"/control/disputes", self._dispute),
            ("POST", r"/control/disputes/(\w+)/close", self._close),
            ("POST", r"/control/refunds/(\w+)/settle", self._settle),
            ("GET", r"/control/deliveries", self._deliveries),
            ("GET", r"/control/events/(\w+)/deliveries", self._deliveries),
            ("POST", r"/control/events/(\w+)/deliver", self._deliver),
        )

    def __call__(self, request: Request) -> Answer:
        """Raises ApiError."""
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._secret):
            raise ApiError(401, "The control secret is needed.")
        for method, pattern, do in self._routes:
            if method == request.method and (found := re.fullmatch(pattern, request.path, re.ASCII)):
                body = (request.body,) if method == "POST" else ()
                with self._store.transaction():
                    answer = do(*found.groups(), *body)
                self._changed()
                return json_answer(200, answer)
        raise ApiError(404, "No such control")

    # ---------------------------------------------------------------- faults

    def _faults(self) -> Object:
        return {"faults": [{"id": fault_id, **fault.model_dump()} for fault_id, fault in self._store.faults()]}

    def _arm(self, body: bytes) -> Object:
        if not self._store.arm(_read(Fault, body)):
            raise ApiError(400, "Too many faults are armed.")
        return self._faults()

    def _disarm(self) -> Object:
        self._store.disarm()
        return self._faults()

    # ---------------------------------------------------------------- what banks do

    def _dispute(self, body: bytes) -> Object:
        asked = _read(_Dispute, body)
        return self._provider().dispute(asked.payment_intent, asked.amount, asked.reason)

    def _close(self, dispute_id: str, body: bytes) -> Object:
        return self._provider().close_dispute(dispute_id, _read(_Closing, body).status)

    def _settle(self, refund_id: str, body: bytes) -> Object:
        return self._provider().settle_refund(refund_id, _read(_Settling, body).status)

    # ---------------------------------------------------------------- webhooks

    def _deliveries(self, event_id: str = "") -> Object:
        return {"deliveries": [asdict(found) for found in self._store.deliveries(event_id, DELIVERIES_SHOWN_MAX)]}

    def _deliver(self, event_id: str, _: bytes) -> Object:
        provider = self._provider()
        if self._store.find("event", event_id) is None:
            raise missing("event", event_id)
        if not provider.webhook:
            raise ApiError(400, "No webhook is configured.")
        self._store.deliver(event_id, provider.now_ms)
        return self._deliveries(event_id)


Asked = TypeVar("Asked", bound=BaseModel)


def _read(model: type[Asked], body: bytes) -> Asked:
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise ApiError(400, "; ".join(f"{fault['loc']}: {fault['msg']}" for fault in error.errors())) from error
