"""The payments service, as settlement's servers ask it."""

from __future__ import annotations

from functools import cache
from typing import Any

import grpc
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from cho.payments.v1.scheme_pb2_grpc import SchemeServiceStub
from google.protobuf.message import Message

from kit.config import settings
from kit.errors import BY_CODE, Unavailable
from kit.rpc.call import Call, service_metadata
from kit.rpc.status import error_code

ASK_S_MAX = 5.0


@cache
def payments() -> Any:
    """Stub of the payments service; made after the fork, at first use."""
    return PaymentsServiceStub(grpc.insecure_channel(settings().payments_addr))


@cache
def scheme() -> Any:
    """Stub of its service for what settles."""
    return SchemeServiceStub(grpc.insecure_channel(settings().payments_addr))


def ask(method: Any, request: Message, call: Call) -> Any:
    """What payments answers. Raises its refusal."""
    try:
        return method(request, timeout=ASK_S_MAX, metadata=service_metadata("settlement", call))
    except grpc.RpcError as error:
        raise BY_CODE.get(error_code(error), Unavailable)(error.details() or "payments cannot be reached") from error
