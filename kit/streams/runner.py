"""Runs nameko services as a process: no broker, no nameko CLI (it needs what setuptools has dropped).

    import kit.streams.patch  # first: everything after it is cooperative

    from kit.streams.runner import run
    from services.settlement.worker import Settlement

    connect("settlement")
    run([Settlement], "settlement.work")

SIGTERM and SIGINT finish the batch in hand and return. SIGKILL at any moment loses nothing: progress is
stored with its effect, and acknowledged after it.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from typing import Any

import eventlet
from eventlet.patcher import is_monkey_patched
from nameko.runners import ServiceRunner

from kit import tracing
from kit.log import logger, set_up

_log = logger(__name__)


def run(service_classes: Sequence[type], process_name: str) -> None:
    """Returns after a clean stop. Raises what killed a service; the others are stopped before.

    Raises RuntimeError where `kit.streams.patch` was not imported first.
    """
    if not is_monkey_patched("socket"):
        raise RuntimeError("import kit.streams.patch before anything else in a worker process")
    set_up(process_name)
    tracing.start(process_name)
    # No AMQP_URI: nothing here uses nameko's RPC or events.
    runner = ServiceRunner(config={})
    for service_class in service_classes:
        runner.add_service(service_class)
    _stop_on_signal(runner)
    runner.start()
    _log.info("working", services=sorted(runner.service_names))
    runner.wait()
    tracing.stop()
    _log.info("stopped")


def _stop_on_signal(runner: Any) -> None:
    """A signal handler runs in any greenlet and the hub may sleep through it: signals come in by a socket."""
    ours, kernels = socket.socketpair()
    kernels.setblocking(False)
    signal.set_wakeup_fd(kernels.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)

    def stop() -> None:
        with ours, kernels:
            ours.recv(1)
            signal.set_wakeup_fd(-1)
        runner.stop()

    eventlet.spawn(stop)
