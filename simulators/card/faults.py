"""Faults on demand: what may go wrong between us and a card provider, armed one by one through `/control/faults`."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

HOLD_S_MAX = 120  # how long a caller that gets no answer is kept

RequestFault = Literal[
    "timeout_before",  # not executed, never answered
    "timeout_after",  # executed, never answered
    "error_before",  # not executed, 500; the key is free
    "error_after",  # executed, 500; the key's stored answer is the true one
    "error_stored",  # executed, 500, and the 500 is the key's stored answer: only looking tells what happened
    "cut_before",  # not executed, the connection breaks
    "cut_after",  # executed, the connection breaks
    "rate_limited",  # not executed, 429
    "slow",  # executes after `ms`, its key in use meanwhile
    "decline",  # a charge in this request is declined with `code`, whatever the card
]
WebhookFault = Literal[
    "webhook_repeat",  # delivered `copies` times
    "webhook_drop",  # never delivered
    "webhook_delay",  # first tried after `ms`
    "webhook_swap",  # delivered after the next event, or after `ms` where none comes
]


class Fault(BaseModel):
    """Strikes the next `times` requests ("POST /v1/refunds") or events ("charge.refunded") that match `on`.

    `on` is a shell pattern. `ms` of 0 means the kind's own default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: RequestFault | WebhookFault
    on: str = Field("*", min_length=1, max_length=200)
    times: int = Field(1, ge=1, le=10_000)
    ms: int = Field(0, ge=0, le=HOLD_S_MAX * 1000)
    copies: int = Field(2, ge=2, le=20)
    code: str = Field("generic_decline", pattern=r"^[a-z_]{1,50}$")

    def strikes(self, what: str, webhook: bool) -> bool:
        """Whether it is for this request ("METHOD /path") or event type."""
        return self.kind.startswith("webhook_") == webhook and fnmatchcase(what, self.on)
