"""Calls onboarding's RPCs over a real gRPC channel, as somebody."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from cho.onboarding.v1 import (
    accounts_pb2,
    drafts_pb2,
    onboarding_pb2,
    people_pb2,
    places_pb2,
    pulse_pb2,
    review_pb2,
    sentinel_pb2,
    stands_pb2,
    storefront_pb2,
)
from google.protobuf.message_factory import GetMessageClass

from kit.config import settings
from kit.ids import new_id
from kit.rpc.status import error_code
from services.onboarding import store
from services.onboarding.form import Form

SERVICES = [
    service
    for module in (
        onboarding_pb2,
        drafts_pb2,
        review_pb2,
        accounts_pb2,
        people_pb2,
        places_pb2,
        stands_pb2,
        sentinel_pb2,
        pulse_pb2,
        storefront_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
]
METHODS = {method.name: method for service in SERVICES for method in service.methods}


class Caller:
    """Calls RPCs by name."""

    def __init__(self, channel: grpc.Channel, sub: str = "", *roles: str, pin_at_s: int = 0) -> None:
        self.sub = sub
        self._channel = channel
        self._claims: tuple[tuple[str, str], ...] = (
            ("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)), ("x-cho-ins", ""), ("x-cho-pin-at", str(pin_at_s)),
        )  # fmt: skip

    def with_pin(self, at_s: int) -> Caller:
        """The same person, who entered their PIN then."""
        made = Caller(self._channel, self.sub)
        kept = tuple(pair for pair in self._claims if pair[0] != "x-cho-pin-at")
        made._claims = (*kept, ("x-cho-pin-at", str(at_s)))
        return made

    def __call__(self, method: str, **fields: Any) -> Any:
        """The reply; of a streaming one, the list of them."""
        rpc = METHODS[method]
        request, reply = GetMessageClass(rpc.input_type), GetMessageClass(rpc.output_type)
        kind = self._channel.unary_stream if rpc.server_streaming else self._channel.unary_unary
        call = kind(f"/{rpc.containing_service.full_name}/{method}", request.SerializeToString, reply.FromString)
        edge = (("x-cho-edge", settings().edge_secret), ("x-request-id", "test"))
        made = call(request(**fields), metadata=(*self._claims, *edge), timeout=20)
        return list(made) if rpc.server_streaming else made

    def refused(self, method: str, **fields: Any) -> str:
        """The stable code that the call fails with."""
        with pytest.raises(grpc.RpcError) as failed:
            self(method, **fields)
        return error_code(failed.value)


def active(form: Form) -> str:
    """Registers and approves a merchant; its id."""
    return store.ensure_merchant(form, registered_by=new_id("usr"), approved_by=new_id("usr")).merchant_id
