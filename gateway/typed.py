"""Two words of Envoy's language."""

from __future__ import annotations

from typing import Any


def typed(name: str, /, **fields: Any) -> dict[str, Any]:
    """An extension's configuration: `typed("extensions.filters.http.router.v3.Router")`."""
    return {"@type": f"type.googleapis.com/envoy.{name}", **fields}


def duration(ms: int) -> str:
    """Milliseconds as protobuf's JSON writes a duration: `10.000s`."""
    return f"{ms // 1000}.{ms % 1000:03d}s"
