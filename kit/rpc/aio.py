"""The server for payments: grpc.aio, one event loop, no threads on the path of money."""

from __future__ import annotations

import asyncio
import gc
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from kit import log, tracing
from kit.config import settings
from kit.errors import Overloaded
from kit.rpc.admission import Flight, full, new_flight
from kit.rpc.call import Call, accept, readable
from kit.rpc.failures import Failures
from kit.rpc.metrics import recorder, serve_metrics
from kit.rpc.policy import Policy
from kit.rpc.status import status_of
from kit.rpc.threads import DRAIN_S, Servicers, handlers_of, options

# Calls beyond this, streams and health checks too, are refused by grpc itself, without a code. Before that unary calls
# are refused with theirs by `Flight`, and streams by whoever feeds them: payments' 4,096 listeners leave half of it.
CONCURRENT_CALLS_MAX = 8192

_logger = log.logger(__name__)
_failures = Failures()
_REFUSED = status_of(full())


# Is told how an RPC ended: its code, and how long it took, s.
Ended = Callable[[str, float], None]


def _unary(
    flight: Flight, watched: Mapping[str, Ended], method: MethodDescriptor, policy: Policy,
    handler: Callable[[Any, Any], Awaitable[Any]],
) -> Any:  # fmt: skip
    if policy.cache_s is not None:
        raise ValueError(f"{method.full_name}: nothing of this server's is kept by anybody (Policy.cache)")
    name = method.full_name
    record, handle = _both(recorder(name), watched.get(name)), tracing.traced_aio(name, handler)

    async def behaviour(request: Any, context: grpc.aio.ServicerContext) -> Any:
        if not flight.enter():  # before anything is read: no key is burned, and saying so is cheap
            if record is not None:
                record(Overloaded.code, 0.0)
            await context.abort(*_REFUSED)
        started, call = time.perf_counter(), None
        try:
            call = accept(policy, context)
            readable(request)
            reply = await handle(request, call)
            if call.headers:
                await context.send_initial_metadata(tuple(call.headers))
        except Exception as error:
            failure = _failures.told(name, context, call, request, error)
        else:
            if record is not None:
                record("OK", time.perf_counter() - started)
            return reply
        finally:
            flight.leave(time.perf_counter() - started)
        if record is not None:
            record(failure.code, time.perf_counter() - started)
        await context.abort(*status_of(failure))
        return None

    return behaviour


def _both(counts: Ended | None, watches: Ended | None) -> Ended | None:
    if counts is None or watches is None:
        return counts or watches

    def tell(code: str, seconds: float) -> None:
        counts(code, seconds)
        watches(code, seconds)

    return tell


def _stream(method: MethodDescriptor, policy: Policy, handler: Callable[[Any, Any], AsyncIterator[Any]]) -> Any:
    name = method.full_name
    record = recorder(name)

    async def behaviour(request: Any, context: grpc.aio.ServicerContext) -> AsyncIterator[Any]:
        call: Call | None = None
        try:
            call = accept(policy, context)
            readable(request)
            async for reply in handler(request, call):
                yield reply
        except Exception as error:
            failure = _failures.told(name, context, call, request, error)
        else:
            if record is not None:
                record("OK")
            return
        if record is not None:
            record(failure.code)
        await context.abort(*status_of(failure))

    return behaviour


class Server:
    """A server on the running loop; `stop` drains it. `watched`: who is told of which unary RPCs, by full name."""

    def __init__(self, address: str, servicers: Servicers, watched: Mapping[str, Ended] | None = None) -> None:
        self._grpc = grpc.aio.server(
            maximum_concurrent_rpcs=CONCURRENT_CALLS_MAX, options=options(d for d, _ in servicers)
        )
        unary = partial(_unary, new_flight(), watched or {})
        self._grpc.add_generic_rpc_handlers([handlers_of(d, s, unary, _stream) for d, s in servicers])
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


async def serve(
    service: str, servicers: Servicers, before_stop: Callable[[], Awaitable[None]],
    watched: Mapping[str, Ended] | None = None,
) -> None:  # fmt: skip
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
    tracing.start(f"{service}.serve")
    server = Server(settings().addr(service), servicers, watched)
    await server.start()
    _logger.info("serving", service=service, address=settings().addr(service))
    await stopping.wait()
    await before_stop()
    await server.stop()
    await asyncio.to_thread(tracing.stop)
