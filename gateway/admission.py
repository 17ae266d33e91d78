"""How many payments are let in: as many as are answered soon, and never fewer than starve nobody.

Envoy's adaptive concurrency, by latency: while a tenth of the calls takes longer than the settings' `answered_soon_ms`,
fewer are let in, each 0.1 s; else more. It stands right behind the buffer, because what is refused there costs the
gateway half of what it costs behind the transcoder, and beyond capacity refusals are most of what the gateway does.
It looks at no header, so that headers need not be made harmless before it.

For payments alone, whose calls take milliseconds, and of theirs not for those that wait for the card provider or for
documents: a few customers of a provider that hangs would keep every stall from being paid. Services that answer from
threads look at their own queue (kit/rpc/admission.py), and streams last for an hour.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway import limits
from gateway.methods import Method
from gateway.typed import duration, typed

ADMISSION_FILTER = "envoy.filters.http.adaptive_concurrency"
SERVICE = "payments"
# Its gRPC services whose calls wait for more than the ledger; the circuit breaker alone bounds them here.
WAITING = frozenset(f"cho.payments.v1.{name}Service" for name in ("Card", "Disbursement", "Webhook"))
# What a refusal's status is until it leaves the gateway as 503 (gateway/errors.py): nothing else in it says 507.
NOT_ADMITTED = 507


def admission_filter(answered_soon_ms: int) -> dict[str, Any]:
    """The filter, which does nothing but where a route says so. 0: it lets in all that the circuit breaker does."""
    least, most = limits.PAYMENTS_CALLS_MIN, limits.PAYMENTS_CALLS_MAX
    if not answered_soon_ms:
        least = most = limits.UPSTREAM_CALLS_MAX
    config = typed(
        "extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency",
        concurrency_limit_exceeded_status={"code": NOT_ADMITTED},
        gradient_controller_config={
            "sample_aggregate_percentile": {"value": 90},
            "concurrency_limit_params": {
                "max_concurrency_limit": most,
                "concurrency_update_interval": "0.1s",
            },
            "min_rtt_calc_params": {
                # Given, not measured: to measure it, Envoy would let in next to nobody now and then.
                "fixed_value": duration(answered_soon_ms or limits.UNARY_MS_MAX),
                "min_concurrency": least,
                "buffer": {"value": 0},
            },
        },
    )
    return {"name": ADMISSION_FILTER, "disabled": True, "typed_config": config}


def per_route(methods: Iterable[Method]) -> dict[str, Any]:
    """What the route of such methods asks of the filter; it is looked at before the transcoder, by path."""
    methods = list(methods)
    if any(method.streaming or method.service_name in WAITING for method in methods):
        return {}
    if all(method.service != SERVICE for method in methods):
        return {}
    return {ADMISSION_FILTER: typed("config.route.v3.FilterConfig", config={})}
