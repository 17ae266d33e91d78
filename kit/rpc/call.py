"""Who calls, as the gateway proved it, and what the handler may say back besides its reply."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError, Message

from kit.config import settings
from kit.errors import InvalidArgument, NotFound, PermissionDenied, StepUpNeeded, Unauthenticated
from kit.rpc.policy import Policy

_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caller:
    """`sub` is the user id ("" for nobody), `roles` lower-case names, `institution` a bank's or telecom's code.

    Times are Unix seconds, UTC: `pin_at_s` when the PIN was last entered in this session, `device_at_s` when this
    person first signed in with this device (without a device: when the session began). 0 where nobody says, as of
    services, and of tokens made before these claims were.
    """

    sub: str = ""
    roles: frozenset[str] = _NOBODY
    institution: str = ""
    pin_at_s: int = 0
    device_id: str = ""
    device_at_s: int = 0

    def fresh_pin(self, now_s: int, within_s: int) -> bool:
        """Whether the PIN was entered at most `within_s` seconds before `now_s` (Unix seconds)."""
        return now_s - self.pin_at_s <= within_s


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

    def require_fresh_pin(self, now_s: int, within_s: int) -> None:
        """Raises StepUpNeeded where the PIN was last entered more than `within_s` seconds before `now_s`."""
        if not self.caller.fresh_pin(now_s, within_s):
            raise StepUpNeeded(
                f"enter the PIN again (POST /v1/step-up) and send the same request within {within_s} s",
                within_s=str(within_s),
            )

    def set_header(self, name: str, value: str) -> None:
        """Adds a response header (sent as initial metadata)."""
        self.headers.append((name, value))


# In a request's place where its bytes are no such message: by JSON only text that is not UTF-8, as in a path.
UNREADABLE = object()


def reader(message: type[Message]) -> Callable[[bytes], Any]:
    """Reads a request; UNREADABLE where that cannot be done, which grpc itself would answer without a code."""
    read = message.FromString

    def parse(data: bytes) -> Any:
        try:
            return read(data)
        except DecodeError:
            return UNREADABLE

    return parse


def readable(request: Any) -> None:
    """Raises InvalidArgument for UNREADABLE."""
    if request is UNREADABLE:
        raise InvalidArgument("the request cannot be read: is there text in it that is not UTF-8?")


def accept(policy: Policy, context: Any) -> Call:
    """Builds the Call and enforces the method's declared roles. Raises Unauthenticated or PermissionDenied.

    Claims count only beside the edge secret: a process that merely reaches the port is nobody.
    """
    metadata = dict(context.invocation_metadata())
    caller = ANONYMOUS
    if hmac.compare_digest(metadata.get("x-cho-edge", ""), settings().edge_secret):
        sub = metadata.get("x-cho-sub", "")
        if sub:
            caller = _claimed(sub, metadata)
    if not policy.anyone:
        if not caller.sub:
            raise Unauthenticated("sign in first: POST /v1/sign-in")
        if caller.roles.isdisjoint(policy.roles):
            raise PermissionDenied(f"needs one of the roles: {', '.join(sorted(policy.roles))}")
    return Call(caller, metadata.get("x-request-id", ""), metadata.get("traceparent", ""), metadata, context)


def _claimed(sub: str, metadata: dict[str, Any]) -> Caller:
    return Caller(
        sub,
        frozenset(metadata.get("x-cho-roles", "").split(",")),
        metadata.get("x-cho-ins", ""),
        int(metadata.get("x-cho-pin-at", 0)),
        metadata.get("x-cho-dev", ""),
        int(metadata.get("x-cho-dev-at", 0)),
    )


def service_metadata(service: str, on_behalf_of: Call | None = None) -> tuple[tuple[str, str], ...]:
    """Metadata with which one service calls another: the role `service`, and request id and trace of who caused it."""
    request_id = on_behalf_of.request_id if on_behalf_of else ""
    traced = (("traceparent", on_behalf_of.traceparent),) if on_behalf_of and on_behalf_of.traceparent else ()
    return (
        ("x-cho-edge", settings().edge_secret),
        ("x-cho-sub", f"service:{service}"),
        ("x-cho-roles", "service"),
        ("x-request-id", request_id),
        *traced,
    )
