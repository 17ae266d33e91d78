"""The platform's HTTP API as the tool's own commands use it: through the gateway, like everybody else."""

from __future__ import annotations

import time
from typing import Any

import httpx

from kit import tls

TIMEOUT_S = 15.0
# What only reads is asked again where nobody could answer just now, after so many seconds each.
READ_AGAIN_S = (0.3, 1.0, 2.0)


class ApiError(Exception):
    """A reply outside 2xx. `code` is the stable one of google.rpc.ErrorInfo."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Api:
    """One person's (or nobody's) view of the gateway. Closing nobody's closes those that signed in from it."""

    def __init__(self, base_url: str, token: str = "") -> None:
        self._signed_in: list[Api] = []
        headers = {"authorization": f"Bearer {token}"} if token else {}
        self.http = httpx.Client(base_url=base_url, headers=headers, timeout=TIMEOUT_S, verify=tls.context())
        self.user: dict[str, Any] = {}

    def sign_in(self, phone: str, pin: str) -> Api:
        """The same gateway as somebody. Raises ApiError."""
        reply = self.post("/v1/sign-in", phone=phone, pin=pin)
        self.http.cookies.clear()  # browsers stay signed in by a cookie; this view stays nobody's
        signed_in = Api(str(self.http.base_url), reply["tokens"]["access_token"])
        signed_in.user = reply["user"]
        self._signed_in.append(signed_in)
        return signed_in

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        for api in (self, *self._signed_in):
            api.http.close()

    def get(self, path: str, **query: str | int) -> Any:
        """GET; the JSON reply. Raises ApiError."""
        return self._read(path, TIMEOUT_S, query).json()

    def post(self, path: str, **body: Any) -> Any:
        """POST with a JSON body; the JSON reply. Raises ApiError."""
        return _checked(self.http.post(path, json=body)).json()

    def put(self, path: str, **body: Any) -> Any:
        """PUT with a JSON body; the JSON reply. Raises ApiError."""
        return _checked(self.http.put(path, json=body)).json()

    def download(self, path: str, timeout_s: float = TIMEOUT_S, **query: str | int) -> bytes:
        """GET of a file, whose first byte comes within `timeout_s`. Raises ApiError."""
        return self._read(path, timeout_s, query).content

    def _read(self, path: str, timeout_s: float, query: dict[str, str | int]) -> httpx.Response:
        for wait_s in READ_AGAIN_S:
            reply = self.http.get(path, params=query, timeout=timeout_s)
            if reply.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                return _checked(reply)
            time.sleep(wait_s)
        return _checked(self.http.get(path, params=query, timeout=timeout_s))


def _checked(reply: httpx.Response) -> httpx.Response:
    if reply.is_success:
        return reply
    try:
        body = reply.json()
        info: dict[str, Any] = next(
            (d for d in body.get("details", ()) if d.get("@type", "").endswith("ErrorInfo")), {}
        )
        raise ApiError(reply.status_code, info.get("reason", "UNKNOWN"), body.get("message", ""))
    except ValueError:
        raise ApiError(reply.status_code, "UNKNOWN", reply.text[:200]) from None
