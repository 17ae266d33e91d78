"""A domain error as gRPC tells it: status code, message, and in the details google.rpc.ErrorInfo, then what a person
reads of it in Vietnamese (google.rpc.LocalizedMessage), then when to try again (google.rpc.RetryInfo)."""

from __future__ import annotations

from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from kit import words
from kit.errors import DOMAIN, DomainError, OutcomeUnknown

UNEXPECTED = DomainError("something went wrong on our side; the request id finds it in the logs")
# Drivers are told to repeat no write by themselves (kit/engines.py): whoever asked does, under the same id.
CUT_OFF = OutcomeUnknown("the documents could not be reached in the middle of it: send the same request again")


def status_of(error: DomainError) -> tuple[grpc.StatusCode, str, tuple[tuple[str, Any], ...]]:
    """Code, message and trailing metadata for `context.abort`.

    The details travel as `grpc-status-details-bin`, from which the gateway makes the JSON body.
    """
    code: grpc.StatusCode = grpc.StatusCode[error.status]
    status = status_pb2.Status(code=code.value[0], message=error.message)
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason=error.code, domain=DOMAIN, metadata=error.details))
    if sentence := error.vi or words.VI.get(error.code, ""):
        status.details.add().Pack(error_details_pb2.LocalizedMessage(locale=words.LOCALE, message=sentence))
    if error.retry_after_s is not None:
        again = error_details_pb2.RetryInfo()
        again.retry_delay.FromSeconds(error.retry_after_s)
        status.details.add().Pack(again)
    trailing: list[tuple[str, Any]] = [("grpc-status-details-bin", status.SerializeToString())]
    if error.retry_after_s is not None:
        trailing.append(("retry-after", str(error.retry_after_s)))
    return code, error.message, tuple(trailing)


def error_code(error: grpc.RpcError) -> str:
    """The stable code in a failed call's details; the gRPC status's name where it carries none."""
    info = _info(error)
    return str(info.reason) if info else str(error.code().name)


def error_details(error: grpc.RpcError) -> dict[str, str]:
    """What else a failed call's code says ("left": "3")."""
    info = _info(error)
    return dict(info.metadata) if info else {}


def _info(error: grpc.RpcError) -> error_details_pb2.ErrorInfo | None:
    trailing: Any = error.trailing_metadata() or ()
    for key, value in trailing:
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(value)
            for detail in status.details:
                info = error_details_pb2.ErrorInfo()
                if detail.Unpack(info):
                    return info
    return None
