"""Servers for services on mongoengine: a thread pool, one thread a call.

What checks a PIN is slow on purpose and has threads of its own: a hall that signs in at opening time does not keep
those who are signed in, nor the gateway's keys, waiting. A call that would wait too long for a thread is refused where
it arrives (kit/rpc/admission.py), by a thread that does nothing else.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kit import log, tracing
from kit.config import settings
from kit.errors import DomainError, Overloaded
from kit.rpc.admission import Line, full
from kit.rpc.caching import cacheable, conditional
from kit.rpc.call import Call, accept, readable, reader
from kit.rpc.failures import Failures
from kit.rpc.metrics import recorder, serve_metrics
from kit.rpc.policy import Policy, policy_of
from kit.rpc.push import Push
from kit.rpc.status import status_of

THREADS = 16
# Of them, identity's hashes (services/identity/store/hasher.py) keep four busy; two do what comes before and after.
HASHING_THREADS = 6
# Calls beyond this are refused by grpc itself, without a code; a `Line` refuses long before, with theirs.
CONCURRENT_CALLS_MAX = 2048
DRAIN_S = 10
MESSAGE_BYTES_MAX = 1 << 20

Servicers = Sequence[tuple[ServiceDescriptor, Any]]

_logger = log.logger(__name__)
_failures = Failures()


class Lines:
    """A server's threads: for what checks a PIN, for everything else, and one that refuses."""

    def __init__(self) -> None:
        self.usual, self.hashing = Line(THREADS, "rpc"), Line(HASHING_THREADS, "rpc-hash")
        self.refusing = Line(1, "rpc-refuse")

    def of(self, policy: Policy) -> Line:
        """Where a method's calls wait."""
        return self.hashing if policy.hashes else self.usual


class _Door(grpc.GenericRpcHandler):
    """Asked where a call arrives, before any thread has it: refuses what would wait for too long."""

    def __init__(self, inside: grpc.GenericRpcHandler, lines: Lines) -> None:
        self._inside, self._lines = inside, lines
        self._refusal = grpc.unary_unary_rpc_method_handler(self._refuse())

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        handler = self._inside.service(handler_call_details)
        behaviour: Any = handler and handler.unary_unary
        line = getattr(behaviour, "experimental_thread_pool", None)
        if line is None or not line.too_long:
            return handler
        if behaviour.record is not None:
            behaviour.record(Overloaded.code, 0.0)
        return self._refusal

    def _refuse(self) -> Callable[[Any, Any], Any]:
        def behaviour(_: Any, context: grpc.ServicerContext) -> Any:
            return context.abort(*_abort(context, full()))

        behaviour.experimental_thread_pool = self._lines.refusing  # type: ignore[attr-defined]
        return behaviour


def _unary(
    lines: Lines, method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any], Any]
) -> Callable[[Any, Any], Any]:
    line = lines.of(policy)
    name = method.full_name
    record, handle = recorder(name), tracing.traced(name, handler)

    def behaviour(request: Any, context: grpc.ServicerContext) -> Any:
        started, call = time.perf_counter(), None
        try:
            line.check()
            call = accept(policy, context)
            readable(request)
            reply = conditional(policy, call, handle(request, call))
            if call.headers:
                context.send_initial_metadata(tuple(call.headers))
        except Exception as error:
            failure = _failures.told(name, context, call, request, error)
        else:
            if record is not None:
                record("OK", time.perf_counter() - started)
            return reply
        finally:
            line.took(time.perf_counter() - started)
        if record is not None:
            record(failure.code, time.perf_counter() - started)
        return context.abort(*_abort(context, failure))

    behaviour.experimental_thread_pool = line  # type: ignore[attr-defined]
    behaviour.record = record  # type: ignore[attr-defined]
    return behaviour


def _abort(context: grpc.ServicerContext, error: DomainError) -> tuple[grpc.StatusCode, str]:
    code, message, trailing = status_of(error)
    context.set_trailing_metadata(trailing)
    return code, message


def _stream(method: MethodDescriptor, policy: Policy, handler: Callable[..., Any]) -> Any:
    if getattr(handler, "pushed", False):
        return _pushed(method, policy, handler)
    name = method.full_name
    record = recorder(name)

    def behaviour(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        call: Call | None = None
        try:
            call = accept(policy, context)
            readable(request)
            for number, reply in enumerate(handler(request, call)):
                if number == 0:
                    cacheable(policy, call)
                if number == 0 and call.headers:
                    context.send_initial_metadata(tuple(call.headers))
                yield reply
        except Exception as error:
            failure = _failures.told(name, context, call, request, error)
        else:
            if record is not None:
                record("OK")
            return
        if record is not None:
            record(failure.code)
        context.abort(*_abort(context, failure))

    return behaviour


def _pushed(method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any, Push], None]) -> Any:
    """A stream that goes on after its handler has returned, without a thread (kit/rpc/push.py)."""
    name = method.full_name
    record = recorder(name)

    def behaviour(request: Any, context: grpc.ServicerContext, send: Callable[[Any], None]) -> None:
        call: Call | None = None
        try:
            call = accept(policy, context)
            readable(request)
            handler(request, call, Push(send, context))
        except Exception as error:
            failure = _failures.told(name, context, call, request, error)
        else:
            if record is not None:
                record("OK")
            return
        if record is not None:
            record(failure.code)
        context.abort(*_abort(context, failure))

    behaviour.experimental_non_blocking = True  # type: ignore[attr-defined]
    return behaviour


def handlers_of(service: ServiceDescriptor, servicer: Any, unary: Any, stream: Any) -> grpc.GenericRpcHandler:
    """Every RPC of `service` bound to the servicer's method of that name, with its policy enforced.

    Raises ValueError where an RPC declares no roles, AttributeError where the servicer lacks it.
    """
    table = {}
    for method in service.methods:
        handler, policy = getattr(servicer, method.name), policy_of(method)
        read = reader(GetMessageClass(method.input_type))
        writer = GetMessageClass(method.output_type).SerializeToString
        if method.server_streaming:
            table[method.name] = grpc.unary_stream_rpc_method_handler(stream(method, policy, handler), read, writer)
        else:
            table[method.name] = grpc.unary_unary_rpc_method_handler(unary(method, policy, handler), read, writer)
    return grpc.method_handlers_generic_handler(service.full_name, table)


def options(services: Iterable[ServiceDescriptor]) -> list[tuple[str, int]]:
    """A server's limits: what it receives may be as large as its largest upload."""
    kib = max((policy_of(method).body_kib for service in services for method in service.methods), default=0)
    return [
        ("grpc.so_reuseport", 0),
        ("grpc.max_receive_message_length", max(MESSAGE_BYTES_MAX, kib * 1024)),
        ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ]


class Server:
    """A started server; `stop` drains it. Tests use it directly, `serve` for a process."""

    def __init__(self, address: str, servicers: Servicers) -> None:
        self._lines = Lines()
        self._grpc = grpc.server(
            self._lines.usual, maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX, options=options(d for d, _ in servicers)
        )
        unary = partial(_unary, self._lines)
        self._grpc.add_generic_rpc_handlers(
            [_Door(handlers_of(d, s, unary, _stream), self._lines) for d, s in servicers]
        )
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


def serve(service: str, servicers: Servicers, before_stop: Callable[[], None] | None = None) -> None:
    """Serves until SIGTERM or SIGINT, then drains. `before_stop` ends long streams, so that nobody waits for them."""
    log.set_up(f"{service}.serve")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    serve_metrics()
    tracing.start(f"{service}.serve")
    server = Server(settings().addr(service), servicers)
    _logger.info("serving", service=service, address=settings().addr(service))
    stopping.wait()
    if before_stop is not None:
        before_stop()
    server.stop()
    tracing.stop()
