"""Which other origins' pages may call the API, cookies included. Our own web shares the origin."""

from __future__ import annotations

import re
from typing import Any

from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.typed import typed

# Headers of a reply that a page may read.
_EXPOSED = "etag, retry-after, x-request-id"
_LOCALHOST = r"http://(localhost|127\.0\.0\.1)(:[0-9]+)?"


class CorsSettings(BaseSettings):
    """Read by the generator alone: no service needs to know."""

    model_config = SettingsConfigDict(env_prefix="CHO_", env_file=".env", extra="ignore")

    # Comma-separated origins: "https://cho.example.vn,https://app.example.vn".
    cors_origins: str = ""


def allowed_origins(env: str, cors: CorsSettings) -> list[dict[str, Any]]:
    """Matchers of the origins that may call: those configured, or else localhost where `CHO_ENV` is local.

    Raises ValueError for something that is not an origin.
    """
    origins = [o.strip() for o in cors.cors_origins.split(",") if o.strip()]
    for origin in origins:
        if not re.fullmatch(r"https?://[^/*]+", origin):
            raise ValueError(f"CHO_CORS_ORIGINS: {origin} is not an origin (https://host[:port])")
    if origins:
        return [{"exact": origin} for origin in origins]
    return [{"safe_regex": {"regex": _LOCALHOST}}] if env == "local" else []


def cors_policy(origins: list[dict[str, Any]]) -> dict[str, Any]:
    """What the CORS filter answers those origins."""
    return typed(
        "extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=origins,
        allow_methods="GET, POST, PUT, PATCH, DELETE",
        allow_headers="authorization, content-type, if-none-match, last-event-id",
        expose_headers=_EXPOSED,
        allow_credentials=True,
        max_age="600",
        # A preflight of an origin that is not allowed ends here too: services know no OPTIONS.
        forward_not_matching_preflights=False,
    )


def readable_headers() -> list[dict[str, Any]]:
    """What the CORS filter puts on a reply to a page of such an origin, for replies that are made before it."""
    return [
        {"header": {"key": "access-control-allow-origin", "value": "%REQ(ORIGIN)%"}},
        {"header": {"key": "access-control-allow-credentials", "value": "true"}},
        {"header": {"key": "access-control-expose-headers", "value": _EXPOSED}},
    ]
