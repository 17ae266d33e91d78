"""The pages that Envoy serves by itself: a front page, the OpenAPI document, and a page to try the API with.

They are direct responses out of Envoy's memory; Swagger UI comes from its wheel, nothing from elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import swagger_ui_bundle

from gateway.openapi import openapi

_STATIC = Path(__file__).resolve().parent / "static"
_SWAGGER = Path(str(swagger_ui_bundle.swagger_ui_path))
# What a page may hold, bytes; Envoy's own limit is 4 KiB.
PAGE_BYTES_MAX = 4 * 1024 * 1024

_CSP = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        # Swagger UI sets styles on its elements.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_FILES = (
    ("/", _STATIC / "index.html", "text/html; charset=utf-8"),
    ("/docs", _STATIC / "docs.html", "text/html; charset=utf-8"),
    ("/docs/start.js", _STATIC / "start.js", "text/javascript; charset=utf-8"),
    ("/docs/swagger-ui.css", _SWAGGER / "swagger-ui.css", "text/css; charset=utf-8"),
    ("/docs/swagger-ui-bundle.js", _SWAGGER / "swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("/docs/favicon.png", _SWAGGER / "favicon-32x32.png", "image/png"),
)


def docs_routes() -> list[dict[str, Any]]:
    """Routes of the pages. Raises FileNotFoundError where the wheel does not ship what it should."""
    for _, file, _ in _FILES:
        if not file.is_file():
            raise FileNotFoundError(file)
    document = json.dumps(openapi(), ensure_ascii=False)
    return [
        *(_page(path, {"filename": str(file)}, kind) for path, file, kind in _FILES),
        _page("/openapi.json", {"inline_string": document}, "application/json"),
    ]


def _page(path: str, body: dict[str, str], content_type: str) -> dict[str, Any]:
    headers = {
        "content-type": content_type,
        "content-security-policy": _CSP,
        # Always asked for anew: a deployment changes them.
        "cache-control": "no-cache",
    }
    return {
        "match": {
            "path": path,
            "headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}}],
        },
        "direct_response": {"status": 200, "body": body},
        "response_headers_to_add": [
            {"header": {"key": k, "value": v}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for k, v in headers.items()
        ],
    }
