"""Tokens of browsers, in cookies that no script can read.

`SameSite=Strict` is the defence against cross-site requests: a browser sends these only from our own pages.
The refresh cookie goes to `/v1/token/...` alone. The third holds the secret of an outside sign-in that is under way.
"""

from __future__ import annotations

ACCESS = "cho_access"
REFRESH = "cho_refresh"
ATTEMPT = "cho_attempt"

_PATHS = {ACCESS: "/", REFRESH: "/v1/token", ATTEMPT: "/v1"}


def set_cookie(name: str, value: str, life_s: int, *, secure: bool) -> str:
    """A `Set-Cookie` header for one of ours; `life_s` 0 clears it."""
    end = "; Secure" if secure else ""
    return f"{name}={value}; Path={_PATHS[name]}; Max-Age={life_s}; HttpOnly; SameSite=Strict{end}"


def read(header: str, name: str) -> str:
    """The value of a cookie in a `Cookie` header, "" where it is not there."""
    for pair in header.split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value
    return ""
