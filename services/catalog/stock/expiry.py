"""What the worker looks at by the clock: reservations whose time is over, and lots whose last day is.

Ending something twice is answered the same, so nothing has to be remembered, and two workers at it at once do no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from pymongo.errors import PyMongoError

from kit import clock, log
from kit.errors import DomainError
from services.catalog import store
from services.catalog.stock import steps

# Products a tick; the rest waits for the next one, a second later.
BATCH = 100

_logger = log.logger(__name__)


def tick() -> int:
    """Looks at what is due, at most BATCH products; at how many. Raises pymongo's errors."""
    now = clock.now()
    due = store.due(now, BATCH)
    for product_id in due:
        _done(product_id, partial(_look_at, product_id, now))
    return len(due)


def _look_at(product_id: str, now: datetime) -> None:
    over = [hold for hold in store.product(product_id).shelf.holds if not hold.sold and hold.due_at <= now]
    done = [_done(product_id, partial(steps.look_at, hold, product_id, now)) for hold in over]
    if all(done):
        # What is due still is a lot whose last day is over, or nothing.
        store.look_again(product_id, now)


def _done(product_id: str, work: Callable[[], None]) -> bool:
    """Whether one part of the work was done: what it meets keeps no other from being done. Raises pymongo's errors."""
    try:
        work()
    except DomainError as error:
        # Many changes at once, or events that cannot leave: again at the next tick.
        _logger.info("not ended now", product=product_id, reason=error.code)
    except PyMongoError:
        raise
    except Exception:  # a fault of ours, in one product or order: the others are looked at
        _logger.exception("a product's stock does not end", product=product_id)
    else:
        return True
    return False
