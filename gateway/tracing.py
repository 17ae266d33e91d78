"""The first span of a trace is the gateway's: it decides what is traced, and hands `traceparent` to the services.

Only where CHO_TRACES_URL is set; otherwise Envoy is configured without tracing.

Envoy tags a span of its own accord with the whole URL, what people search for and where they stand included, with the
address of who asks and with what they ask by. None of it can be left out, and all of it can be told as something else.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gateway.clusters import TRACES
from gateway.typed import typed
from kit.config import Settings

# Of people: Envoy's own tags of these names are written over.
_UNSAID = ("http.url", "peer.address", "user_agent")


def tracing(settings: Settings) -> dict[str, Any]:
    """Spans to the collector as OTLP over HTTP, of the share of requests that the settings say."""
    url = urlsplit(settings.traces_url)
    # The path of the collector, behind which OTLP's own comes.
    target = f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}/v1/traces"
    return {
        "random_sampling": {"value": settings.traces_ratio * 100},
        # Envoy would add a second span for the hop to the service; the service's own span says as much.
        "spawn_upstream_span": False,
        "custom_tags": [{"tag": tag, "literal": {"value": "-"}} for tag in _UNSAID],
        "provider": {
            "name": "envoy.tracers.opentelemetry",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
                "service_name": "gateway",
                "http_service": {
                    "http_uri": {"uri": target, "cluster": TRACES, "timeout": "5s"},
                },
            },
        },
    }


def early_mutation() -> dict[str, Any]:
    """Before the span is made: what a client says of a trace is not believed, or anybody could have theirs traced."""
    removed = [{"remove": name} for name in ("traceparent", "tracestate", "x-client-trace-id", "x-envoy-force-trace")]
    return {
        "early_header_mutation_extensions": [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": typed(
                    "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation", mutations=removed
                ),
            }
        ]
    }
