"""The server for payments: grpc.aio, one event loop, no threads on the path of money."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kit import log
from kit.config import settings
from kit.errors import DomainError
from kit.rpc.call import accept
from kit.rpc.metrics import CALLS, SECONDS, serve_metrics
from kit.rpc.policy import Policy
from kit.rpc.status import UNEXPECTED, status_of
from kit.rpc.threads import DRAIN_S, OPTIONS, Servicers, handlers_of

# Calls beyond this are refused at once; what waits inside is bounded by it too.
CONCURRENT_CALLS_MAX = 4096

_logger = log.logger(__name__)


def _unary(method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any], Awaitable[Any]]) -> Any:
    name = method.full_name
    seconds, ok = SECONDS.labels(name), CALLS.labels(name, "OK")

    async def behaviour(request: Any, context: grpc.aio.ServicerContext) -> Any:
        started = time.perf_counter()
        try:
            call = accept(policy, context)
            reply = await handler(request, call)
            if call.headers:
                await context.send_initial_metadata(tuple(call.headers))
        except DomainError as error:
            failure = error
        except Exception:
            _logger.exception("unexpected", method=name)
            failure = UNEXPECTED
        else:
            ok.inc()
            seconds.observe(time.perf_counter() - started)
            return reply
        CALLS.labels(name, failure.code).inc()
        await context.abort(*status_of(failure))
        return None

    return behaviour


def _stream(method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any], AsyncIterator[Any]]) -> Any:
    name = method.full_name

    async def behaviour(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        failure: DomainError
        try:
            async for reply in handler(request, accept(policy, context)):
                yield reply
        except DomainError as error:
            failure = error
        except Exception:
            _logger.exception("unexpected", method=name)
            failure = UNEXPECTED
        else:
            CALLS.labels(name, "OK").inc()
            return
        CALLS.labels(name, failure.code).inc()
        await context.abort(*status_of(failure))

    return behaviour


class Server:
    """A server on the running loop; `stop` drains it."""

    def __init__(self, address: str, servicers: Servicers) -> None:
        self._grpc = grpc.aio.server(maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX, options=OPTIONS)
        self._grpc.add_generic_rpc_handlers([handlers_of(d, s, _unary, _stream) for d, s in servicers])
        self._health = health.aio.HealthServicer()  # type: ignore[attr-defined]
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        self._names = [descriptor.full_name for descriptor, _ in servicers]
        reflection.enable_server_reflection([*self._names, reflection.SERVICE_NAME], self._grpc)
        self.port = self._grpc.add_insecure_port(address)

    async def start(self) -> None:
        """Listens, and says SERVING."""
        await self._grpc.start()
        for name in ("", *self._names):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, grace_s: float = DRAIN_S) -> None:
        """Says NOT_SERVING, lets calls in flight finish, stops."""
        await self._health.enter_graceful_shutdown()
        await self._grpc.stop(grace_s)


async def serve(service: str, servicers: Servicers, before_stop: Callable[[], Awaitable[None]]) -> None:
    """Serves until SIGTERM or SIGINT, then drains. The caller made the servicers on this loop.

    `before_stop` ends long streams, so that draining does not wait for them.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    # What was imported stays; a call leaves little behind that only the collector would find. By default it walked all
    # young objects several times a payment: a tenth of the process's CPU.
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serve_metrics()
    server = Server(settings().addr(service), servicers)
    await server.start()
    _logger.info("serving", service=service, address=settings().addr(service))
    await stopping.wait()
    await before_stop()
    await server.stop()
