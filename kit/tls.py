"""What a process trusts when it calls others over TLS: read once, at the first need; it takes 2 MB."""

from __future__ import annotations

import ssl
from functools import cache

import httpx


@cache
def context() -> ssl.SSLContext:
    """The usual certificate authorities (certifi's)."""
    return httpx.create_ssl_context()
