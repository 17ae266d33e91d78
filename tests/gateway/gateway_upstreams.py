"""Small real gRPC servers behind the gateway under test: what they saw, and what each id makes them do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
from cho.identity.v1 import identity_pb2
from cho.payments.v1 import payments_pb2
from google.api import httpbody_pb2
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from joserfc.jwk import ECKey

BIG_REPLY_CHARACTERS = 3_000_000
# Between the events of a patient merchant: longer than unary calls may take.
PATIENCE_S = 2.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Upstream:
    """Identity and payments in one server, on a free port of the loopback."""

    def __init__(self, key: ECKey) -> None:
        self.jwks = httpbody_pb2.HttpBody(content_type="application/json", data=_json({"keys": [key.as_dict()]}))
        # Metadata of every call, newest last.
        self.seen: list[dict[str, str]] = []
        # Ids of the devices that were to be removed.
        self.removed: list[str] = []
        # Time that each of them was given, s.
        self.given_s: list[float] = []
        # A port of our own: with SO_REUSEPORT the kernel may hand out somebody else's.
        self._server = grpc.server(ThreadPoolExecutor(8), options=(("grpc.so_reuseport", 0),))
        self._server.add_generic_rpc_handlers(
            (
                grpc.method_handlers_generic_handler(
                    "cho.identity.v1.IdentityService",
                    {
                        "GetJwks": _unary(identity_pb2.GetJwksRequest, lambda _request, _context: self.jwks),
                        "SignIn": _unary(identity_pb2.SignInRequest, self._sign_in),
                        "RemoveDevice": _unary(identity_pb2.RemoveDeviceRequest, self._remove_device),
                    },
                ),
                grpc.method_handlers_generic_handler(
                    "cho.payments.v1.PaymentsService",
                    {
                        "GetAccount": _unary(payments_pb2.GetAccountRequest, self._get_account),
                        "Pay": _unary(payments_pb2.PayRequest, self._pay),
                        "CutWindow": _unary(payments_pb2.CutWindowRequest, self._cut_window),
                        "WatchMerchant": grpc.unary_stream_rpc_method_handler(
                            self._watch,
                            payments_pb2.WatchMerchantRequest.FromString,
                            httpbody_pb2.HttpBody.SerializeToString,
                        ),
                    },
                ),
            )
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def stop(self) -> None:
        self._server.stop(grace=None).wait(timeout=60)

    def _note(self, context: grpc.ServicerContext) -> None:
        self.given_s.append(context.time_remaining() or 0.0)
        self.seen.append({k: v for k, v in context.invocation_metadata() if isinstance(v, str)})

    def _sign_in(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._note(context)
        return identity_pb2.SignInResponse(user=identity_pb2.User(name=request.phone))

    def _remove_device(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._note(context)
        self.removed.append(request.device_id)
        return identity_pb2.RemoveDeviceResponse()

    def _pay(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._note(context)
        return payments_pb2.PayResponse(payment=payments_pb2.Transfer(amount=request.amount, note=request.note))

    def _cut_window(self, _request: Any, context: grpc.ServicerContext) -> Any:
        self._note(context)
        return payments_pb2.CutWindowResponse(seq=1)

    def _get_account(self, request: Any, context: grpc.ServicerContext) -> Any:
        self._note(context)
        if request.account_id == "locked":
            refuse(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ATTEMPTS", ("retry-after", "900"))
        if request.account_id == "missing":
            refuse(context, grpc.StatusCode.NOT_FOUND, "ACCOUNT_NOT_FOUND")
        if request.account_id == "slow":
            _wait_for_the_end(context)
        owner = "x" * BIG_REPLY_CHARACTERS if request.account_id == "big" else "usr_1"
        return payments_pb2.GetAccountResponse(
            account=payments_pb2.Account(account_id=request.account_id, owner_id=owner, balance=2**53 - 1)
        )

    def _watch(self, request: Any, context: grpc.ServicerContext) -> Iterator[httpbody_pb2.HttpBody]:
        self._note(context)
        if request.merchant_id == "missing":
            refuse(context, grpc.StatusCode.NOT_FOUND, "MERCHANT_NOT_FOUND")
        if request.merchant_id == "broken":
            yield httpbody_pb2.HttpBody(content_type="text/event-stream", data=b"id: 1\n\n")
            refuse(context, grpc.StatusCode.INTERNAL, "INTERNAL")
        first = int(self.seen[-1].get("last-event-id", "0")) + 1
        for seq in range(first, first + 3):
            event = f"id: {seq}\nevent: payment.captured\ndata: {{}}\n\n"
            yield httpbody_pb2.HttpBody(content_type="text/event-stream", data=event.encode())
            if request.merchant_id == "patient":
                _wait_for_the_end(context, PATIENCE_S)
        # The stream stays open, so that what has arrived was not waiting for its end.
        _wait_for_the_end(context)


def refuse(context: grpc.ServicerContext, code: grpc.StatusCode, reason: str, *trailers: tuple[str, str]) -> None:
    """Ends a call as the services do: status, and google.rpc.Status with one ErrorInfo."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="cho.vn"))
    status = status_pb2.Status(code=code.value[0], message="There is none.", details=[detail])
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()), *trailers))
    context.abort(code, "There is none.")


class Hangman:
    """A server that takes a request and closes the connection without a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                # HTTP/2's greeting, then answering with empty settings keeps the request coming.
                connection.sendall(b"\x00\x00\x00\x04\x00\x00\x00\x00\x00")
                received = b""
                while b"OrdersService" not in received and _HEADERS_FRAME not in received:
                    chunk = connection.recv(65_536)
                    if not chunk:
                        break
                    received += chunk

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(timeout=60)


# Type HEADERS, flag END_HEADERS, stream 1.
_HEADERS_FRAME = b"\x01\x04\x00\x00\x00\x01"


def _unary(request: Any, handler: Callable[[Any, grpc.ServicerContext], Any]) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(handler, request.FromString, lambda reply: reply.SerializeToString())


def _wait_for_the_end(context: grpc.ServicerContext, timeout_s: float = 20) -> None:
    ended = threading.Event()
    if context.add_callback(ended.set):
        ended.wait(timeout_s)


def _json(value: Any) -> bytes:
    import json

    return json.dumps(value).encode()
