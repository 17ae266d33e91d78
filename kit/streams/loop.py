"""The part that every extension with a thread of its own shares (the model is nameko/timer.py)."""

from __future__ import annotations

from typing import Any

import eventlet
import redis
from eventlet import Timeout
from eventlet.event import Event as Signal
from nameko.exceptions import ContainerBeingKilled
from nameko.extensions import Extension

from kit.log import logger
from kit.streams.entry import ReaderStopped
from kit.streams.lease import Lease

_BACKOFF_S_MIN = 0.1
_BACKOFF_S_MAX = 10.0

_log = logger(__name__)


def backoff_s(failures: int) -> float:
    """Seconds to wait after this many failures in a row: doubling, bounded."""
    return min(_BACKOFF_S_MIN * 2 ** min(failures - 1, 16), _BACKOFF_S_MAX)


class Loop(Extension):
    """Calls `step` until it is stopped; a step that fails is repeated after a growing pause, for ever but
    visibly.

    A stop waits for the step in hand, a kill does not.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._stopping = Signal()
        self._thread: Any = None
        super().__init__(**kwargs)

    def start(self) -> None:
        self._thread = self.container.spawn_managed_thread(self._run, identifier=repr(self))

    def stop(self) -> None:
        if not self._stopping.ready():
            self._stopping.send(True)
        if self._thread is not None:
            self._thread.wait()

    def kill(self) -> None:
        if self._thread is not None:
            self._thread.kill()

    def step(self) -> None:
        """One round; must return within seconds when there is nothing to do, so that a stop is heard."""
        raise NotImplementedError

    def failed(self, error: Exception, failures: int) -> None:
        """Told of every failed step; `failures` in a row."""
        raise NotImplementedError

    def finish(self) -> None:
        """The last thing that the thread does, unless it is killed."""

    def _run(self) -> None:
        failures = 0
        while not self._stopping.ready():
            try:
                self.step()
                failures = 0
            except (ReaderStopped, ContainerBeingKilled):
                raise
            except Exception as error:
                failures += 1
                self.failed(error, failures)
                self._pause(backoff_s(failures))
        self.finish()

    def _pause(self, seconds: float) -> None:
        """Returns after `seconds`, or at once when a stop is asked for."""
        with Timeout(seconds, exception=False):
            self._stopping.wait()

    def _call_handler(self, *args: Any) -> None:
        """Runs the decorated method in a worker of its own, and raises what it raised."""
        done = Signal()

        def handle_result(_worker_ctx: Any, result: Any, exc_info: Any) -> tuple[Any, Any]:
            done.send(exc_info)
            return result, exc_info

        self.container.spawn_worker(self, args, {}, handle_result=handle_result)
        exc_info = done.wait()
        if exc_info is not None:
            raise exc_info[1]


class LeasedLoop(Loop):
    """A loop that only one process at a time may run; the others stand by."""

    lease: Lease
    _renewal: Any = None

    def start(self) -> None:
        super().start()
        self._renewal = self.container.spawn_managed_thread(self._renew, identifier=f"lease of {self!r}")

    def kill(self) -> None:
        super().kill()
        if self._renewal is not None:
            self._renewal.kill()

    def step(self) -> None:
        if self.lease.held():
            self.leased_step()
        elif self.lease.acquire():
            self.took_over()
        else:
            self._pause(self.lease.renew_every_s)

    def took_over(self) -> None:
        """The lease is ours, and somebody else may have acted since it was last."""
        raise NotImplementedError

    def leased_step(self) -> None:
        """One round of the holder."""
        raise NotImplementedError

    def finish(self) -> None:
        self._renewal.kill()
        try:
            self.lease.release()
        except redis.RedisError as error:
            _log.warning("lease is left to expire", extension=repr(self), error=str(error))

    def _renew(self) -> None:
        while True:  # ends with the loop, which kills it: the batch in hand at a stop still needs its lease
            eventlet.sleep(self.lease.renew_every_s)
            try:
                if self.lease.taken and not self.lease.renew():
                    _log.error("lease was lost", extension=repr(self))
            except redis.RedisError as error:
                _log.warning("lease was not renewed", extension=repr(self), error=str(error))
