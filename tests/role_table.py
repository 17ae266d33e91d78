"""Tables of who may call what, written by hand, and every RPC tried with every role, with none, and with a forged one.

A table is a text file: an RPC and its roles a line. It repeats what the protos declare on purpose: a changed policy
shows in a review as a changed table.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from gateway.methods import api
from kit.config import settings
from kit.rpc.status import error_code
from kit.rpc.threads import Servicers

ROLES = (
    "shopper", "vendor", "agent", "team", "market_manager", "operator", "officer", "auditor", "service",
)  # fmt: skip
NOBODY, FORGER = "nobody", "forger"
ANYONE = "anyone"
TIMEOUT_S = 20

Table = dict[str, frozenset[str]]


def read(path: Path) -> Table:
    """Roles by RPC ("SessionService.EndSession"); "anyone" for all and nobody."""
    table: Table = {}
    for line in path.read_text().splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        name, roles = words[0], frozenset(words[1:])
        assert name not in table, f"{name} is in the table twice"
        assert roles, f"{name} has no roles"
        assert roles == {ANYONE} or roles <= set(ROLES), f"{name}: {sorted(roles - set(ROLES))} are no roles"
        table[name] = roles
    return table


def declared(service: str) -> Table:
    """The same of a service's protos."""
    methods = (method for method in api().methods if method.service == service)
    return {f"{m.service_name.rpartition('.')[2]}.{m.name}": frozenset(m.roles) for m in methods}


def tried(servicers: Servicers, channel: grpc.Channel) -> Iterator[tuple[str, str, str]]:
    """RPC, who called, and the code of what came of it ("OK" for a reply), for every one that is served.

    Requests are empty: whoever is let in mostly hears that a field is missing. What keeps out comes before that.
    """
    for descriptor, _ in servicers:
        for method in descriptor.methods:
            for who in (*ROLES, NOBODY, FORGER):
                yield f"{descriptor.name}.{method.name}", who, _outcome(method, channel, who)


def let_in(code: str) -> bool:
    """Whether the call reached its handler."""
    return code not in (KEPT_OUT, UNKNOWN_CALLER)


KEPT_OUT, UNKNOWN_CALLER = "kept out", "unknown caller"


def allowed(table: Table, name: str, who: str) -> str:
    """What the table says: "in", or how it is refused."""
    if table[name] == {ANYONE} or who in table[name]:
        return "in"
    return UNKNOWN_CALLER if who in (NOBODY, FORGER) else KEPT_OUT


def _outcome(method: MethodDescriptor, channel: grpc.Channel, who: str) -> str:
    path = f"/{method.containing_service.full_name}/{method.name}"
    reader: Any = GetMessageClass(method.output_type).FromString
    request = GetMessageClass(method.input_type)()
    try:
        if method.server_streaming:
            stream = channel.unary_stream(path, _bytes, reader)(request, metadata=_claims(who), timeout=TIMEOUT_S)
            next(iter(stream), None)
            stream.cancel()
        else:
            channel.unary_unary(path, _bytes, reader)(request, metadata=_claims(who), timeout=TIMEOUT_S)
    except grpc.RpcError as error:
        return _named(error)
    return "OK"


def _named(error: Any) -> str:
    # What the policy says, and no handler (kit.rpc.call.accept).
    if error.code() is grpc.StatusCode.PERMISSION_DENIED and "needs one of the roles" in error.details():
        return KEPT_OUT
    if error.code() is grpc.StatusCode.UNAUTHENTICATED and error_code(error) == "UNAUTHENTICATED":
        return UNKNOWN_CALLER
    return error_code(error)


def _claims(who: str) -> tuple[tuple[str, str], ...]:
    if who == NOBODY:
        return (("x-cho-edge", settings().edge_secret),)
    if who == FORGER:
        return (("x-cho-sub", "usr_1"), ("x-cho-roles", ",".join(ROLES)))
    return (("x-cho-edge", settings().edge_secret), ("x-cho-sub", f"usr_{who}"), ("x-cho-roles", who))


def _bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())
