"""A domain error as gRPC tells it: status code, message, and google.rpc.ErrorInfo in the details."""

from __future__ import annotations

from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from kit.errors import DOMAIN, DomainError

UNEXPECTED = DomainError("something went wrong on our side; the request id finds it in the logs")


def status_of(error: DomainError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, Any], ...]]:
    """Code, message and trailing metadata for `context.abort`.

    The details travel as `grpc-status-details-bin`, from which the gateway makes the JSON body.
    """
    code: grpc.StatusCode = grpc.StatusCode[error.status]
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN, metadata=error.details))
    status = status_pb2.Status(code=code.value[0], message=error.message, details=[detail])
    trailing: list[tuple[str, Any]] = [("grpc-status-details-bin", status.SerializeToString())]
    if error.retry_after_s is not None:
        trailing.append(("retry-after", str(error.retry_after_s)))
    return code, error.message, tuple(trailing)


def error_code(error: grpc.RpcError) -> str:
    """The stable code in a failed call's details; the gRPC status's name where it carries none."""
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            for detail in status.details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return str(info.reason)
    return str(error.code().name)
