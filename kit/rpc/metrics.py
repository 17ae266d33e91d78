"""Counts and times every RPC, where this process serves metrics; elsewhere a call pays for one comparison."""

from __future__ import annotations

from prometheus_client import Counter, Histogram, disable_created_metrics, start_http_server

from kit import scrape
from kit.config import settings
from kit.errors import BY_CODE
from kit.rpc.failures import OURS

CALLS = Counter("cho_rpc_calls_total", "RPCs by method and outcome code.", ["method", "code"])
# The bounds that an SLO is written against are among them: 0.025 and 0.1 (docs/observability.md).
SECONDS = Histogram(
    "cho_rpc_seconds",
    "Time in the handler by method and outcome code, seconds.",
    ["method", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
# Counted as 0 before the first call, as "OK" is: a rate needs a beginning, and of errors that come all at once, on a
# series that was not there before, it sees nothing. Five series a method; its times take fifteen for every code.
_OURS = tuple(code for code, error in BY_CODE.items() if error.status in OURS)


class Recorder:
    """One RPC's numbers; what belongs to a code is looked up once."""

    __slots__ = ("_by_code", "_method")

    def __init__(self, method: str) -> None:
        self._method = method
        # As many as there are codes in kit/errors.py.
        self._by_code: dict[str, tuple[Counter, Histogram]] = {}
        self._of("OK")
        for code in _OURS:
            CALLS.labels(method, code)

    def __call__(self, code: str, seconds: float | None = None) -> None:
        """A call ended with `code`; streams are counted and not timed."""
        count, time = self._by_code.get(code) or self._of(code)
        count.inc()
        if seconds is not None:
            time.observe(seconds)

    def _of(self, code: str) -> tuple[Counter, Histogram]:
        made = self._by_code[code] = (CALLS.labels(self._method, code), SECONDS.labels(self._method, code))
        return made


def recorder(method: str) -> Recorder | None:
    """What counts an RPC's calls; None where this process serves no metrics."""
    return Recorder(method) if scrape.wanted() else None


def serve_metrics() -> None:
    """Serves /metrics on settings().metrics_host and metrics_port; port 0 serves nothing."""
    if scrape.wanted():
        disable_created_metrics()  # twice the series, to say when a process started
        start_http_server(settings().metrics_port, addr=settings().metrics_host)
