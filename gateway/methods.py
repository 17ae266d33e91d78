"""Every RPC as the protos declare it: HTTP routes, roles, rate class, types, comments.

A method without roles, or with an HTTP route that the gateway cannot serve, is an error here, so that it can
neither start nor be exposed by accident.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

# Registers the two method options, without which they would be read as unknown fields.
from cho.options.v1 import options_pb2
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from gateway import limits

DESCRIPTORS = Path(__file__).resolve().parent.parent / "protos" / "gen" / "descriptors.binpb"
HTTP_BODY = "google.api.HttpBody"
ANYONE = "anyone"

_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
# Literal segments and whole-segment variables: all that our protos use, and all that the gateway understands.
_TEMPLATE = re.compile(r"(/([A-Za-z0-9._-]+|\{[a-z][a-z0-9_]*\}))+")
# Field numbers in descriptor.proto, which source locations are paths of.
_MESSAGES, _ENUMS, _SERVICES = 4, 5, 6
_SERVICE_METHODS, _MESSAGE_FIELDS, _MESSAGE_NESTED, _MESSAGE_ENUMS, _ENUM_VALUES = 2, 2, 3, 4, 2
_PACKAGE = 2


@dataclass(frozen=True)
class HttpRoute:
    """One `google.api.http` binding."""

    verb: str
    template: str
    # "*" where every field that is not in the path comes from the body; empty where there is no body.
    body: str

    @property
    def variables(self) -> tuple[str, ...]:
        """Fields of the request that the path carries, in order."""
        return tuple(_VARIABLE.findall(self.template))

    @property
    def regex(self) -> str:
        """A regular expression that matches exactly this template's paths."""
        return _VARIABLE.sub("[^/]+", re.sub(r"[.]", r"\\.", self.template))


@dataclass(frozen=True)
class Method:
    """One RPC."""

    # "cho.payments.v1.PaymentsService"
    service_name: str
    # "Pay"
    name: str
    # "payments": the service's room, and the cluster that serves it.
    service: str
    routes: tuple[HttpRoute, ...]
    # Lower-case names as tokens carry them: "market_manager".
    roles: tuple[str, ...]
    # "SIGN_IN", "READ", "WRITE", "MONEY" or "STREAM".
    rate: str
    streaming: bool
    # Full names of messages: "cho.payments.v1.PayRequest".
    input: str
    output: str
    comment: str
    # The largest body of a request, bytes.
    body_bytes: int = limits.BODY_BYTES_MAX
    # Whether anybody may keep its replies: they carry an ETag.
    cached: bool = False

    @property
    def full_name(self) -> str:
        """`cho.payments.v1.PaymentsService.Pay`."""
        return f"{self.service_name}.{self.name}"

    @property
    def path(self) -> str:
        """The gRPC path: `/cho.payments.v1.PaymentsService/Pay`."""
        return f"/{self.service_name}/{self.name}"

    @property
    def public(self) -> bool:
        """Whether it can be reached from outside: only what has an HTTP route can."""
        return bool(self.routes)

    @property
    def events(self) -> bool:
        """Whether it is an event stream (text/event-stream), and not a document sent in parts."""
        return self.streaming and self.rate == "STREAM"

    @property
    def anyone(self) -> bool:
        """Whether it is called without signing in."""
        return ANYONE in self.roles


@dataclass
class Api:
    """Everything that the descriptor set says. Names have no leading dot."""

    methods: list[Method] = field(default_factory=list)
    messages: dict[str, DescriptorProto] = field(default_factory=dict)
    enums: dict[str, EnumDescriptorProto] = field(default_factory=dict)
    # Comments of packages, messages, enums, and of fields and enum values as "<owner>.<name>".
    comments: dict[str, str] = field(default_factory=dict)

    @property
    def public(self) -> list[Method]:
        """The methods that can be reached from outside."""
        return [m for m in self.methods if m.public]


@cache
def api(path: Path = DESCRIPTORS) -> Api:
    """Reads a descriptor set made with `--include_imports --include_source_info`.

    Raises ValueError for a method that declares no roles, no rate class, or a route that cannot be served.
    """
    found = Api()
    for file in FileDescriptorSet.FromString(path.read_bytes()).file:
        _read_file(file, found)
    return found


def transcoder_descriptors(services: Collection[str], path: Path = DESCRIPTORS) -> bytes:
    """The descriptors of these services as Envoy's transcoder needs them: without comments, which are most of it."""
    files = {file.name: file for file in FileDescriptorSet.FromString(path.read_bytes()).file}
    wanted = [f.name for f in files.values() if any(f"{f.package}.{s.name}" in services for s in f.service)]
    # Errors' details are found by name, imported by nobody.
    wanted += [name for name in files if name.startswith("google/rpc/")]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in needed:
            needed.add(name)
            wanted += files[name].dependency
    kept = FileDescriptorSet()
    for name, file in files.items():  # in the order in which they depend on each other
        if name in needed:
            file.ClearField("source_code_info")
            kept.file.append(file)
    return kept.SerializeToString(deterministic=True)


def _read_file(file: FileDescriptorProto, found: Api) -> None:
    comments = {tuple(loc.path): _tidy(loc.leading_comments) for loc in file.source_code_info.location}
    found.comments[file.package] = comments.get((_PACKAGE,), "")
    for i, message in enumerate(file.message_type):
        _read_message(message, file.package, (_MESSAGES, i), comments, found)
    for i, enum in enumerate(file.enum_type):
        _read_enum(enum, file.package, (_ENUMS, i), comments, found)
    for i, service in enumerate(file.service):
        for j, method in enumerate(service.method):
            comment = comments.get((_SERVICES, i, _SERVICE_METHODS, j), "")
            found.methods.append(_method(file.package, service.name, method, comment))


def _read_message(
    message: DescriptorProto,
    scope: str,
    path: tuple[int, ...],
    comments: dict[tuple[int, ...], str],
    found: Api,
) -> None:
    name = f"{scope}.{message.name}"
    found.messages[name] = message
    found.comments[name] = comments.get(path, "")
    for i, member in enumerate(message.field):
        found.comments[f"{name}.{member.name}"] = comments.get((*path, _MESSAGE_FIELDS, i), "")
    for i, nested in enumerate(message.nested_type):
        _read_message(nested, name, (*path, _MESSAGE_NESTED, i), comments, found)
    for i, enum in enumerate(message.enum_type):
        _read_enum(enum, name, (*path, _MESSAGE_ENUMS, i), comments, found)


def _read_enum(
    enum: EnumDescriptorProto,
    scope: str,
    path: tuple[int, ...],
    comments: dict[tuple[int, ...], str],
    found: Api,
) -> None:
    name = f"{scope}.{enum.name}"
    found.enums[name] = enum
    found.comments[name] = comments.get(path, "")
    for i, value in enumerate(enum.value):
        found.comments[f"{name}.{value.name}"] = comments.get((*path, _ENUM_VALUES, i), "")


def _method(package: str, service: str, method: MethodDescriptorProto, comment: str) -> Method:
    name = f"{package}.{service}.{method.name}"
    # The generated stub does not say that this is an extension of MethodOptions.
    option: Any = options_pb2.policy
    policy: options_pb2.Policy = method.options.Extensions[option]
    if not policy.roles or options_pb2.ROLE_UNSPECIFIED in policy.roles:
        raise ValueError(f"{name} declares no roles")
    if policy.rate == options_pb2.RATE_CLASS_UNSPECIFIED:
        raise ValueError(f"{name} declares no rate class")
    if method.client_streaming:
        raise ValueError(f"{name}: the gateway serves no client streams")
    if method.server_streaming and method.output_type != f".{HTTP_BODY}":
        raise ValueError(f"{name}: a stream is of {HTTP_BODY}; of messages it would be one JSON array")
    return Method(
        service_name=f"{package}.{service}",
        name=method.name,
        service=package.split(".")[1],
        routes=tuple(_routes(name, method)),
        roles=tuple(options_pb2.Role.Name(r).removeprefix("ROLE_").lower() for r in policy.roles),
        rate=options_pb2.RateClass.Name(policy.rate).removeprefix("RATE_CLASS_"),
        streaming=method.server_streaming,
        input=method.input_type.removeprefix("."),
        output=method.output_type.removeprefix("."),
        comment=comment,
        body_bytes=_body_bytes(name, policy.body_kib),
        cached=_cached(name, method, policy),
    )


def _cached(name: str, method: MethodDescriptorProto, policy: options_pb2.Policy) -> bool:
    """Whether anybody may keep its replies. Raises ValueError where it is more than a read."""
    if policy.HasField("cache") and any(route.verb != "GET" for route in _routes(name, method)):
        raise ValueError(f"{name}: only a GET is kept by anybody (Policy.cache)")
    return policy.HasField("cache")


def _body_bytes(name: str, kib: int) -> int:
    if kib and not limits.BODY_BYTES_MAX < kib * 1024 <= limits.LARGE_BODY_BYTES_MAX:
        raise ValueError(
            f"{name}: body_kib is for more than every call may have, {limits.LARGE_BODY_BYTES_MAX} at most"
        )
    return kib * 1024 or limits.BODY_BYTES_MAX


def _routes(name: str, method: MethodDescriptorProto) -> Iterator[HttpRoute]:
    if not method.options.HasExtension(annotations_pb2.http):
        return
    rule = method.options.Extensions[annotations_pb2.http]
    for binding in (rule, *rule.additional_bindings):
        yield _route(name, binding)


def _route(name: str, rule: http_pb2.HttpRule) -> HttpRoute:
    verb = rule.WhichOneof("pattern")
    if verb not in ("get", "put", "post", "delete", "patch"):
        raise ValueError(f"{name}: the gateway serves no {verb} route")
    template = str(getattr(rule, verb))
    if not _TEMPLATE.fullmatch(template):
        raise ValueError(f"{name}: the gateway does not understand {template}")
    if rule.body not in ("", "*") or rule.response_body:
        raise ValueError(f"{name}: a body is the whole message or nothing")
    return HttpRoute(verb.upper(), template, rule.body)


def _tidy(comment: str) -> str:
    """A comment's text, its lines joined."""
    return " ".join(line.strip() for line in comment.splitlines()).strip()
