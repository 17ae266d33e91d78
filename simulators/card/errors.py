"""Refusals in Stripe's shape: `{"error": {"type", "code", "message", ...}}` with an HTTP status."""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that is refused. Nothing was written when this is raised."""

    def __init__(
        self, status: int, message: str, *, kind: str = "invalid_request_error", code: str = "", **more: Any
    ) -> None:
        """`kind` is Stripe's `type`; `more` are further fields of the error object."""
        super().__init__(message)
        self.status = status
        self.error = {"type": kind, "message": message, **({"code": code} if code else {}), **more}

    def body(self) -> dict[str, Any]:
        """What the caller is sent."""
        return {"error": self.error}


def missing(kind: str, object_id: str, status: int = 404) -> ApiError:
    """There is no such object."""
    return ApiError(status, f"No such {kind}: '{object_id}'", code="resource_missing", param=kind)


def invalid(param: str, message: str, code: str = "") -> ApiError:
    """A parameter that cannot be used."""
    return ApiError(400, message, code=code, param=param)


class Full(ApiError):
    """The simulator keeps no more; nothing was done."""

    def __init__(self) -> None:
        super().__init__(429, "The simulator is full: stop it and remove its state.", code="rate_limit")
