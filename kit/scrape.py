"""What is asked when Prometheus scrapes, and only then: nobody who does not look pays for it.

    scrape.add("streams", ask, redis.RedisError)      # `ask` yields metric families

One source that cannot be reached does not cost the page: `cho_source_up` says which it was, 0 or 1. Nor does one that
does not answer: engines that are away are waited for 5 s (Valkey) or 10 s (MongoDB) at each try, and Prometheus gives a
page up after 10 s. So all are asked at once, each in a thread of its own, and the page goes out after BUDGET_S.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kit import log
from kit.config import settings

Ask = Callable[[], Iterable[Metric]]

# How long a page waits for its sources, all together, s.
BUDGET_S = 3.0

_logger = log.logger(__name__)


class _Source:
    """What is asked under a name; `away`: what its answer raises where that cannot be reached, or is not there yet."""

    def __init__(self, name: str, ask: Ask, unreachable: tuple[type[Exception], ...]) -> None:
        self.name = name
        self.away: tuple[type[Exception], ...] = (TimeoutError, *unreachable)
        self._ask = ask
        self._lock = threading.Lock()
        self._answer: Future[list[Metric]] | None = None

    def asked(self) -> Future[list[Metric]]:
        """Its answer, once there is one. While it owes one it is not asked again: what hangs does not pile up."""
        with self._lock:
            if self._answer is None or self._answer.done():
                self._answer = Future()
                threading.Thread(target=self._tell, args=(self._answer,), name=self.name, daemon=True).start()
            return self._answer

    def _tell(self, answer: Future[list[Metric]]) -> None:
        try:
            answer.set_result(list(self._ask()))
        except Exception as error:
            answer.set_exception(error)


class _Sources(Collector):
    """All sources of this process, registered once."""

    def __init__(self) -> None:
        self.sources: list[_Source] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: registering must not ask."""
        return ()

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily(
            "cho_source_up", "1 where what is asked at a scrape could be reached.", labels=["source"]
        )
        asked = [(source, source.asked()) for source in self.sources]
        wait([answer for _, answer in asked], timeout=BUDGET_S)
        for source, answer in asked:
            try:
                found = answer.result(timeout=0)
            except source.away as error:
                _logger.warning("not scraped", source=source.name, error=str(error) or f"no answer in {BUDGET_S} s")
                found = []
                up.add_metric([source.name], 0)
            else:
                up.add_metric([source.name], 1)
            yield from found
        yield up


_sources = _Sources()


def wanted() -> bool:
    """Whether this process serves metrics at all."""
    return settings().metrics_port > 0


def add(name: str, ask: Ask, *unreachable: type[Exception]) -> None:
    """From now on `ask` is asked at every scrape, once a name; where this process serves no metrics, nothing is done.

    `unreachable`: what it may raise where what it asks cannot be reached. Families' names must be its own.
    """
    if not wanted() or any(source.name == name for source in _sources.sources):
        return
    if not _sources.sources:
        REGISTRY.register(_sources)
    _sources.sources.append(_Source(name, ask, unreachable))


def family(name: str, text: str, labels: Iterable[str], rows: Iterable[tuple[tuple[str, ...], float]]) -> Metric:
    """A family of numbers, each row the labels' values and the number: counters where its name ends in `_total`."""
    made = (CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily)(name, text, labels=tuple(labels))
    for values, number in rows:
        made.add_metric(values, number)
    return made
