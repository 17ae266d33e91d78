"""What is asked when Prometheus scrapes, and only then: nobody who does not look pays for it.

    scrape.add("streams", ask, redis.RedisError)      # `ask` yields metric families

One source that cannot be reached does not cost the page: `cho_source_up` says which it was, 0 or 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from kit import log
from kit.config import settings

Ask = Callable[[], Iterable[Metric]]

_logger = log.logger(__name__)


class _Source(NamedTuple):
    name: str
    ask: Ask
    unreachable: tuple[type[Exception], ...]


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
        for source in self.sources:
            try:
                found = list(source.ask())
            except source.unreachable as error:
                _logger.warning("not scraped", source=source.name, error=str(error))
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
