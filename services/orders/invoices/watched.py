"""What is told of invoices at every scrape: those that the tax authority does not have yet, by how far they are."""

from __future__ import annotations

from collections.abc import Iterator

from nameko.extensions import DependencyProvider
from prometheus_client.core import Metric
from pymongo.errors import PyMongoError

from kit import scrape
from services.orders.invoices import store

# Of each state at most so many are counted.
COUNTED_MAX = 1000


class Watched(DependencyProvider):
    """An attribute of the worker's service: from its start on, what is here is told."""

    def setup(self) -> None:
        scrape.add("invoices", told, PyMongoError)


def told() -> Iterator[Metric]:
    """The metrics."""
    rows = [((state.value,), float(store.waiting(state, COUNTED_MAX))) for state in store.UNDELIVERED]
    yield scrape.family("cho_invoices_undelivered", "Invoices that the tax authority does not have.", ["state"], rows)
