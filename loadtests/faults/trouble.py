"""Who makes the trouble: one fault after the other, chosen by dice, until the market closes; then all is healed.

Each fault is short and ends by itself, so that what is tested is living through it and coming back. A run is told by
its seed.
"""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Self
from urllib.parse import urlencode

import httpx

from cli.stack import Stack, StackFailed
from loadtests.faults.disk import BusyDisk
from loadtests.faults.proxy import Proxy

# How long a fault lasts, and how long the market is left alone after it, s.
LASTS_S, CALM_S = (0.2, 1.5), (0.5, 2.0)
# A pause is shorter than what the services wait for an engine (services/payments/store/client.py, 5 s).
PAUSED = ("valkey", "secantusdb", "settlement.work", "payments.work")
KILLED = ("payments.serve", "valkey", "settlement.work", "payments.work", "secantusdb")
# Each way, ms; and bytes a second.
DELAY_MS, WIDTH_BYTES_PER_S = 40, 200_000
# What the gateway does meanwhile: percent of calls, ms.
DELAYED_PERCENT, DELAYED_MS, REFUSED_PERCENT = 30, 200, 10
KINDS = ("kill", "pause", "gateway", "phones", "ledger", "disk")


class Trouble:
    """`done`: how often each fault was made. `with` it, the trouble goes on; afterwards everything is as it was.

    `phones` is the network between people and gateway, `ledger` that between services and ledger, where there are any.
    """

    def __init__(
        self, stack: Stack, kinds: tuple[str, ...], seed: int, phones: Proxy | None = None, ledger: Proxy | None = None
    ) -> None:
        self._stack, self._dice, self._phones, self._ledger = stack, random.Random(seed), phones, ledger
        makers: dict[str, Callable[[], str]] = {
            "kill": self._kill, "pause": self._pause, "gateway": self._gateway,
            "phones": lambda: self._network("phones", self._phones),
            "ledger": lambda: self._network("ledger", self._ledger),
            "disk": self._disk,
        }  # fmt: skip
        self._makers = [makers[kind] for kind in kinds]
        self._left: list[Callable[[], str]] = []
        self.done: Counter[str] = Counter()
        self.failure = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="trouble", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._dice.uniform(*CALM_S)):
                self.done[self._next()()] += 1
        except Exception as error:  # whatever it is: a day without its trouble has shown nothing
            self.failure = f"{type(error).__name__}: {error}"

    def _next(self) -> Callable[[], str]:
        """Every kind once, in any order, before one comes again."""
        if not self._left:
            self._left = self._dice.sample(self._makers, len(self._makers))
        return self._left.pop()

    def _lasts(self) -> None:
        self._stop.wait(self._dice.uniform(*LASTS_S))

    def _kill(self) -> str:
        """kill -9; the supervisor starts it again."""
        name = self._dice.choice(KILLED)
        self._stack.wait_ready(name)
        self._stack.kill(name)
        return f"kill {name}"

    def _pause(self) -> str:
        """SIGSTOP, later SIGCONT: it answers nobody, and knows nothing of it."""
        name = self._dice.choice(PAUSED)
        self._stack.wait_ready(name)
        pid = self._stack.pid(name)
        os.kill(pid, signal.SIGSTOP)
        try:
            self._lasts()
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return f"pause {name}"

    def _gateway(self) -> str:
        """The gateway delays some calls and refuses others."""
        port = self._stack.settings().gateway_admin_port
        runtime(port, delay=DELAYED_PERCENT, delay_ms=DELAYED_MS, refuse=REFUSED_PERCENT)
        try:
            self._lasts()
        finally:
            runtime(port, delay=0, delay_ms=1, refuse=0)
        return "gateway delays and refuses"

    def _disk(self) -> str:
        """What the engines flush waits behind somebody else's flushes."""
        with BusyDisk(self._stack.home):
            self._lasts()
        return "disk busy"

    def _network(self, whose: str, proxy: Proxy | None) -> str:
        """Slow and narrow, or cut."""
        assert proxy is not None
        cut = self._dice.random() < 0.4
        if cut:
            proxy.cut()
        else:
            proxy.slow(DELAY_MS, WIDTH_BYTES_PER_S)
        try:
            self._lasts()
        finally:
            proxy.heal()
        return f"network of {whose} {'cut' if cut else 'slow'}"


def runtime(admin_port: int, *, delay: int, delay_ms: int, refuse: int) -> None:
    """Sets the gateway's fault filter: percent of calls delayed by so many ms, and refused. Raises HTTPError."""
    asked = {
        "fault.http.delay.fixed_delay_percent": delay,
        "fault.http.delay.fixed_duration_ms": delay_ms,
        "fault.http.abort.abort_percent": refuse,
        "fault.http.abort.http_status": 503,
    }
    httpx.post(f"http://127.0.0.1:{admin_port}/runtime_modify?{urlencode(asked)}", timeout=5).raise_for_status()


def wait_well(stack: Stack, seconds: float = 60) -> None:
    """Until everything is ready again after the trouble. Raises StackFailed."""
    until = time.monotonic() + seconds
    while True:
        try:
            stack.wait_ready()
        except StackFailed:
            if time.monotonic() > until:
                raise
        else:
            return
