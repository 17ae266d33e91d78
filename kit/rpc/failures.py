"""Log lines of calls that failed on our side: which method, request, trace and payment, and nothing of who called.

What a caller did wrong is counted (kit/rpc/metrics.py) and not logged: a hostile client would write our logs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pymongo.errors import AutoReconnect

from kit import log, tracing
from kit.errors import DomainError
from kit.ids import is_id, key_time_ms
from kit.rpc.call import Call
from kit.rpc.status import CUT_OFF, UNEXPECTED

# gRPC statuses that are ours, as the SLOs count them.
OURS = frozenset({"INTERNAL", "UNAVAILABLE", "UNKNOWN", "DATA_LOSS", "DEADLINE_EXCEEDED"})
# An engine that is away fails every call; so many lines tell it.
LINES_A_SECOND_MAX = 20
TEXT_MAX = 64
# Fields of requests that say which payment it was; ids and keys are nobody's name.
_IDS = (
    "payment_id", "transfer_id", "hold_id", "refund_id", "top_up_id", "order_id", "request_id", "idempotency_key",
)  # fmt: skip

_logger = log.logger(__name__)


class Failures:
    """Tells of one process's failed calls, at most LINES_A_SECOND_MAX a second; how many it left out, it says after."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._second, self._lines, self._left_out = 0, 0, 0

    def told(self, method: str, context: Any, call: Call | None, request: Any, error: Exception) -> DomainError:
        """What the caller of a failed call is told; an error that is ours to look into is told in the log, too."""
        if not isinstance(error, DomainError | AutoReconnect):  # a bug: with its traceback, always
            _logger.error("unexpected", exc_info=error, **facts(method, context, call, request))
            return UNEXPECTED
        failure = error if isinstance(error, DomainError) else CUT_OFF
        if failure.status in OURS and self._may_tell():
            about = facts(method, context, call, request)
            if self._left_out:
                about["left_out"], self._left_out = self._left_out, 0
            _logger.warning("call failed", code=failure.code, reason=failure.message, **about)
        return failure

    def _may_tell(self) -> bool:
        second = int(self._now_s())
        if second != self._second:
            self._second, self._lines = second, 0
        self._lines += 1
        if self._lines > LINES_A_SECOND_MAX:
            self._left_out += 1
            return False
        return True


def facts(method: str, context: Any, call: Call | None, request: Any) -> dict[str, Any]:
    """What identifies a call: the method, the request's and the trace's id, and the payment that it names."""
    metadata = dict(context.invocation_metadata() or ()) if call is None else call.metadata
    traceparent = call.traceparent if call is not None else metadata.get("traceparent", "")
    told = {
        "method": method,
        "request_id": str(metadata.get("x-request-id", ""))[:TEXT_MAX],
        "trace_id": tracing.trace_id(traceparent),
    }
    return told | ids_of(request)


def ids_of(request: Any) -> dict[str, str]:
    """The ids and the key that a request names. What only stands in such a field, a phone number say, is left out."""
    found = {}
    for name in _IDS:
        value = getattr(request, name, "")
        # A request's own name of itself (orders) is not the gateway's request id.
        key = "key" if name in ("request_id", "idempotency_key") else name
        if isinstance(value, str) and (is_id(value, value[:3]) or key_time_ms(value) is not None):
            found[key] = value
    return found
