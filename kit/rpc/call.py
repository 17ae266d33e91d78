"""Who calls, as the gateway proved it, and what the handler may say back besides its reply."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import Any

from kit.config import settings
from kit.errors import NotFound, PermissionDenied, Unauthenticated
from kit.rpc.policy import Policy

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """`sub` is the user id ("" for nobody), `roles` lower-case names, `institution` a bank's or telecom's code."""

    sub: str = ""
    roles: frozenset[str] = _NOBODY
    institution: str = ""


ANONYMOUS = Caller()


@dataclass(slots=True)
class Call:
    """One request's surroundings, passed to every handler beside the message."""

    caller: Caller
    request_id: str
    traceparent: str
    # Client metadata by lower-case name.
    metadata: dict[str, Any]
    # grpc's own context, for streams that have to notice that the client left.
    context: Any
    headers: list[tuple[str, str]] = field(default_factory=list)

    def has(self, *roles: str) -> bool:
        """Whether the caller has one of `roles`."""
        return not self.caller.roles.isdisjoint(roles)

    def require_owner(self, owner_id: str, *roles_that_may_too: str) -> None:
        """Raises NotFound, so that a stranger cannot tell what exists."""
        if owner_id != self.caller.sub and not self.has(*roles_that_may_too):
            raise NotFound("there is no such thing, or it is not yours")

    def set_header(self, name: str, value: str) -> None:
        """Adds a response header (sent as initial metadata)."""
        self.headers.append((name, value))


def accept(policy: Policy, context: Any) -> Call:
    """Builds the Call and enforces the method's declared roles. Raises Unauthenticated or PermissionDenied.

    Claims count only beside the edge secret: a process that merely reaches the port is nobody.
    """
    metadata = dict(context.invocation_metadata())
    caller = ANONYMOUS
    if hmac.compare_digest(metadata.get("x-cho-edge", ""), settings().edge_secret):
        sub = metadata.get("x-cho-sub", "")
        if sub:
            roles = frozenset(metadata.get("x-cho-roles", "").split(","))
            caller = Caller(sub, roles, metadata.get("x-cho-ins", ""))
    if not policy.anyone:
        if not caller.sub:
            raise Unauthenticated("sign in first: POST /v1/sign-in")
        if caller.roles.isdisjoint(policy.roles):
            raise PermissionDenied(f"needs one of the roles: {', '.join(sorted(policy.roles))}")
    return Call(caller, metadata.get("x-request-id", ""), metadata.get("traceparent", ""), metadata, context)


def service_metadata(service: str, on_behalf_of: Call | None = None) -> tuple[tuple[str, str], ...]:
    """Metadata with which one service calls another: the role `service`, and the request id of who caused it."""
    request_id = on_behalf_of.request_id if on_behalf_of else ""
    return (
        ("x-cho-edge", settings().edge_secret),
        ("x-cho-sub", f"service:{service}"),
        ("x-cho-roles", "service"),
        ("x-request-id", request_id),
    )
