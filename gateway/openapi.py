"""OpenAPI 3.1, from the same descriptors as the routes: it cannot say what the gateway does not do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from gateway.errors import RULES
from gateway.filters import COOKIE
from gateway.limits import RATES
from gateway.methods import HTTP_BODY, Api, HttpRoute, Method, api
from kit.errors import BY_CODE, DOMAIN
from kit.words import LOCALE

_Type = FieldDescriptorProto.Type
_INT64 = {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
_UINT64 = {"type": "string", "format": "uint64", "pattern": "^[0-9]+$"}
_INT32 = {"type": "integer", "format": "int32"}
_SCALARS: dict[int, dict[str, Any]] = {
    _Type.TYPE_STRING: {"type": "string"},
    _Type.TYPE_BOOL: {"type": "boolean"},
    _Type.TYPE_INT32: _INT32,
    _Type.TYPE_SINT32: _INT32,
    _Type.TYPE_SFIXED32: _INT32,
    _Type.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0, "maximum": 2**32 - 1},
    # Numbers of 64 bits travel as strings: JavaScript would round them.
    _Type.TYPE_INT64: _INT64,
    _Type.TYPE_SINT64: _INT64,
    _Type.TYPE_SFIXED64: _INT64,
    _Type.TYPE_UINT64: _UINT64,
    _Type.TYPE_FIXED64: _UINT64,
    _Type.TYPE_DOUBLE: {"type": "number", "format": "double"},
    _Type.TYPE_FLOAT: {"type": "number", "format": "float"},
    _Type.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
}
_WELL_KNOWN: dict[str, dict[str, Any]] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
}
_ERROR = "google.rpc.Status"
_ABOUT = (
    "Generated from the protos. Amounts are whole đồng, 64-bit numbers travel as strings, times are RFC 3339"
    " in UTC. Calls that move money carry an idempotency key: a UUIDv7 made by the client. Native gRPC"
    " clients call the same methods on the same port."
)


def openapi(source: Api | None = None) -> dict[str, Any]:
    """The document, as JSON values. Raises ValueError for a type that JSON's routes cannot carry."""
    found = source or api()
    schemas = _Schemas(found, asked=_reachable(found, (method.input for method in found.public)))
    paths: dict[str, dict[str, Any]] = {}
    for method in found.public:
        for route in method.routes:
            paths.setdefault(route.template, {})[route.verb.lower()] = _operation(method, route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Chợ 4.0", "version": "v1", "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": _tags(found),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": {**schemas.components(), _ERROR: _error()},
            "responses": {"Error": {"description": "Any error.", "content": _json(_ref(_ERROR))}},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _operation(method: Method, route: HttpRoute, schemas: _Schemas) -> dict[str, Any]:
    summary, _, rest = method.comment.partition(". ")
    rate = RATES[method.rate]
    operation: dict[str, Any] = {
        "operationId": f"{method.service}_{method.name}",
        "tags": [method.service],
        "summary": (summary or method.name).rstrip("."),
        "description": "\n\n".join(filter(None, (rest, _who(method), f"gRPC: `{method.full_name}`"))),
        "parameters": _parameters(method, route, schemas),
        "responses": {
            "200": _success(method, schemas),
            **(
                {"304": {"description": "Nothing has changed: the ETag of If-None-Match still holds."}}
                if method.cached
                else {}
            ),
            "default": {"$ref": "#/components/responses/Error"},
        },
        "security": [] if method.anyone else [{"bearer": []}, {"cookie": []}],
        "x-cho-roles": list(method.roles),
        "x-cho-rate": {
            "class": method.rate,
            "tokens": rate.tokens,
            "per_s": rate.interval_s,
            "burst": rate.burst,
        },
    }
    if method.input == HTTP_BODY:
        operation["requestBody"] = {"required": True, "content": {"*/*": {"schema": {}}}}
    elif route.body:
        body = schemas.object(method.input, without=route.variables)
        operation["requestBody"] = {"required": bool(body["properties"]), "content": _json(body)}
    return operation


def _who(method: Method) -> str:
    return "For anyone." if method.anyone else f"For: {', '.join(method.roles)}."


def _parameters(method: Method, route: HttpRoute, schemas: _Schemas) -> list[dict[str, Any]]:
    """What the path carries; and, where there is no body, everything else in the query."""
    fields = {f.name: f for f in schemas.message(method.input).field}
    unknown = set(route.variables) - set(fields)
    if unknown:
        raise ValueError(f"{method.full_name}: {sorted(unknown)} in the path, but not in {method.input}")
    names = list(route.variables) if route.body else [*route.variables, *(set(fields) - set(route.variables))]
    order = {name: i for i, name in enumerate(fields)}
    places = [("path" if name in route.variables else "query", name) for name in names]
    return [
        {
            "name": name,
            "in": place,
            "required": place == "path",
            **schemas.described(method.input, fields[name]),
        }
        for place, name in sorted(places, key=lambda p: (p[0], order[p[1]]))
    ]


def _success(method: Method, schemas: _Schemas) -> dict[str, Any]:
    if method.output != HTTP_BODY:
        return {"description": "Done.", "content": _json(schemas.ref(method.output))}
    if method.events:
        return {
            "description": "Events, until either side ends.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    return {"description": "A document; Content-Type says which kind.", "content": {"*/*": {"schema": {}}}}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def _tags(found: Api) -> list[dict[str, Any]]:
    about = {m.service: found.comments.get(m.service_name.rpartition(".")[0], "") for m in found.public}
    return [{"name": service, "description": text} for service, text in sorted(about.items())]


def _error() -> dict[str, Any]:
    """The one shape of everything outside 2xx. Clients branch on `reason`."""
    reasons = sorted({rule.reason for rule in RULES} | set(BY_CODE))
    info = {
        "type": "object",
        "required": ["@type", "reason", "domain"],
        "properties": {
            "@type": {"const": "type.googleapis.com/google.rpc.ErrorInfo"},
            "reason": {"type": "string", "enum": reasons, "description": "Stable; branch on it."},
            "domain": {"const": DOMAIN},
            "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    sentence = {
        "type": "object",
        "description": "What a person reads, in Vietnamese.",
        "required": ["@type", "locale", "message"],
        "properties": {
            "@type": {"const": "type.googleapis.com/google.rpc.LocalizedMessage"},
            "locale": {"const": LOCALE},
            "message": {"type": "string"},
        },
    }
    again = {
        "type": "object",
        "description": "Send the same request again after so long; nothing was done, or the same key finds out.",
        "required": ["@type", "retry_delay"],
        "properties": {
            "@type": {"const": "type.googleapis.com/google.rpc.RetryInfo"},
            "retry_delay": {"type": "string", "pattern": "^[0-9]+s$"},
        },
    }
    return {
        "type": "object",
        "description": (
            "google.rpc.Status with one google.rpc.ErrorInfo, what services say in Vietnamese, and where trying again"
            " makes sense, when (as the header Retry-After)."
        ),
        "required": ["code", "message", "details"],
        "properties": {
            "code": {"type": "integer", "description": "google.rpc.Code"},
            "message": {"type": "string", "description": "For developers, English."},
            "details": {"type": "array", "minItems": 1, "items": {"oneOf": [info, sentence, again]}},
        },
    }


def _has_presence(field: FieldDescriptorProto) -> bool:
    """Whether it may be absent from an answer: a message, `optional`, or one of several."""
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return False
    return field.type == _Type.TYPE_MESSAGE or field.HasField("oneof_index")


def _reachable(found: Api, names: Iterable[str]) -> set[str]:
    """These messages, and all that they hold."""
    seen: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in seen or name not in found.messages:
            continue
        seen.add(name)
        left += [field.type_name[1:] for field in found.messages[name].field if field.type == _Type.TYPE_MESSAGE]
    return seen


class _Schemas:
    """Messages and enums as schemas; what has been referred to becomes a component."""

    def __init__(self, found: Api, asked: set[str]) -> None:
        """`asked`: the messages that clients send."""
        self._api, self._asked = found, asked
        self._used: dict[str, dict[str, Any]] = {}

    def components(self) -> dict[str, Any]:
        return dict(sorted(self._used.items()))

    def message(self, name: str) -> DescriptorProto:
        return self._api.messages[name]

    def ref(self, name: str) -> dict[str, Any]:
        """A reference to a message or enum, which is thereby used."""
        if name in _WELL_KNOWN:
            return dict(_WELL_KNOWN[name])
        component = name.removeprefix("cho.")
        if component not in self._used:
            # Reserved before it is filled: a message may hold itself.
            self._used[component] = {}
            self._used[component] = self.object(name) if name in self._api.messages else self._enum(name)
        return _ref(component)

    def object(self, name: str, without: tuple[str, ...] = ()) -> dict[str, Any]:
        """A message, less the fields that the path carries."""
        fields = [f for f in self.message(name).field if f.name not in without]
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {f.name: self._property(name, f) for f in fields},
        }
        if name not in self._asked:
            # The gateway prints every field that has no presence, and no other than these.
            schema["required"] = [field.name for field in fields if not _has_presence(field)]
            schema["additionalProperties"] = False
        return self._with_comment(schema, name)

    def described(self, owner: str, field: FieldDescriptorProto) -> dict[str, Any]:
        """A parameter's schema and description."""
        if field.type == _Type.TYPE_MESSAGE and field.type_name[1:] not in _WELL_KNOWN:
            raise ValueError(f"{owner}.{field.name}: a message does not fit into a query")
        return self._with_comment({"schema": self._value(field)}, f"{owner}.{field.name}")

    def _property(self, owner: str, field: FieldDescriptorProto) -> dict[str, Any]:
        return self._with_comment(self._value(field), f"{owner}.{field.name}")

    def _value(self, field: FieldDescriptorProto) -> dict[str, Any]:
        one = self._one(field)
        if field.label != FieldDescriptorProto.LABEL_REPEATED:
            return one
        entry = self._api.messages.get(field.type_name[1:])
        if entry is not None and entry.options.map_entry:
            return {"type": "object", "additionalProperties": self._one(entry.field[1])}
        return {"type": "array", "items": one}

    def _one(self, field: FieldDescriptorProto) -> dict[str, Any]:
        if field.type in _SCALARS:
            return dict(_SCALARS[field.type])
        if field.type in (_Type.TYPE_MESSAGE, _Type.TYPE_ENUM):
            return self.ref(field.type_name[1:])
        raise ValueError(f"{field.name}: no JSON for type {field.type}")

    def _enum(self, name: str) -> dict[str, Any]:
        values = [v.name for v in self._api.enums[name].value]
        about = [f"{v}: {self._api.comments[f'{name}.{v}']}" for v in values if self._api.comments[f"{name}.{v}"]]
        text = " ".join([self._api.comments[name], *about]).strip()
        schema: dict[str, Any] = {"type": "string", "enum": values}
        return {**schema, "description": text} if text else schema

    def _with_comment(self, schema: dict[str, Any], name: str) -> dict[str, Any]:
        comment = self._api.comments.get(name)
        return {**schema, "description": comment} if comment else schema
