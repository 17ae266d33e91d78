"""Servers for services on mongoengine: a thread pool, one thread a call."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kit import log
from kit.config import settings
from kit.errors import DomainError
from kit.rpc.call import accept
from kit.rpc.metrics import CALLS, SECONDS, serve_metrics
from kit.rpc.policy import Policy, policy_of
from kit.rpc.status import UNEXPECTED, status_of

THREADS = 16
# Calls beyond this are refused at once (RESOURCE_EXHAUSTED) rather than queued without end.
CONCURRENT_CALLS_MAX = 256
DRAIN_S = 10
MESSAGE_BYTES_MAX = 1 << 20

Servicers = Sequence[tuple[ServiceDescriptor, Any]]

_logger = log.logger(__name__)


def _unary(method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    name = method.full_name
    seconds, ok = SECONDS.labels(name), CALLS.labels(name, "OK")

    def behaviour(request: Any, context: grpc.ServicerContext) -> Any:
        started = time.perf_counter()
        try:
            call = accept(policy, context)
            reply = handler(request, call)
            if call.headers:
                context.send_initial_metadata(tuple(call.headers))
        except DomainError as error:
            failure = error
        except Exception:
            _logger.exception("unexpected", method=name, request_id=_request_id(context))
            failure = UNEXPECTED
        else:
            ok.inc()
            seconds.observe(time.perf_counter() - started)
            return reply
        CALLS.labels(name, failure.code).inc()
        return context.abort(*_abort(context, failure))

    return behaviour


def _request_id(context: grpc.ServicerContext) -> str:
    return str(dict(context.invocation_metadata()).get("x-request-id", ""))


def _abort(context: grpc.ServicerContext, error: DomainError) -> tuple[grpc.StatusCode, str]:
    code, message, trailing = status_of(error)
    context.set_trailing_metadata(trailing)
    return code, message


def _stream(method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any], Iterator[Any]]) -> Any:
    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        failure: DomainError
        try:
            call = accept(policy, context)
            for number, reply in enumerate(handler(request, call)):
                if number == 0 and call.headers:
                    context.send_initial_metadata(tuple(call.headers))
                yield reply
        except DomainError as error:
            failure = error
        except Exception:
            _logger.exception("unexpected", method=method.full_name, request_id=_request_id(context))
            failure = UNEXPECTED
        else:
            CALLS.labels(method.full_name, "OK").inc()
            return
        CALLS.labels(method.full_name, failure.code).inc()
        context.abort(*_abort(context, failure))

    return behaviour


def handlers_of(service: ServiceDescriptor, servicer: Any, unary: Any, stream: Any) -> grpc.GenericRpcHandler:
    """Every RPC of `service` bound to the servicer's method of that name, with its policy enforced.

    Raises ValueError where an RPC declares no roles, AttributeError where the servicer lacks it.
    """
    table = {}
    for method in service.methods:
        handler, policy = getattr(servicer, method.name), policy_of(method)
        reader = GetMessageClass(method.input_type).FromString
        writer = GetMessageClass(method.output_type).SerializeToString
        if method.server_streaming:
            table[method.name] = grpc.unary_stream_rpc_method_handler(stream(method, policy, handler), reader, writer)
        else:
            table[method.name] = grpc.unary_unary_rpc_method_handler(unary(method, policy, handler), reader, writer)
    return grpc.method_handlers_generic_handler(service.full_name, table)


OPTIONS = [
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
]


class Server:
    """A started server; `stop` drains it. Tests use it directly, `serve` for a process."""

    def __init__(self, address: str, servicers: Servicers) -> None:
        self._grpc = grpc.server(
            futures.ThreadPoolExecutor(THREADS, thread_name_prefix="rpc"),
            maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX,
            options=OPTIONS,
        )
        self._grpc.add_generic_rpc_handlers([handlers_of(d, s, _unary, _stream) for d, s in servicers])
        self._health = health.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        names = [descriptor.full_name for descriptor, _ in servicers]
        reflection.enable_server_reflection([*names, reflection.SERVICE_NAME], self._grpc)
        self.port = self._grpc.add_insecure_port(address)
        self._grpc.start()
        for name in ("", *names):
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def stop(self) -> None:
        """Says NOT_SERVING, lets calls in flight finish (DRAIN_S seconds at most), stops."""
        self._health.enter_graceful_shutdown()
        self._grpc.stop(DRAIN_S).wait()


def serve(service: str, servicers: Servicers) -> None:
    """Serves until SIGTERM or SIGINT, then drains."""
    log.set_up(f"{service}.serve")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    serve_metrics()
    server = Server(settings().addr(service), servicers)
    _logger.info("serving", service=service, address=settings().addr(service))
    stopping.wait()
    server.stop()
