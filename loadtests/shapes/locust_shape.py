"""The shape as Locust asks for it, second by second."""

from __future__ import annotations

import os
from typing import Any

from locust import LoadTestShape, runners

from loadtests.config import Config
from loadtests.shapes.curves import share

# People who come or leave a second, as a share of the peak: a live sale's come at once.
SPAWN_SHARE = 0.34
# A machine that is loaded on purpose lets its load processes wait: Locust gives them up after 3 s otherwise.
runners.HEARTBEAT_LIVENESS = 30


class MarketDayShape(LoadTestShape):
    """Shoppers follow the shape; everybody else (`fixed_count`) is there all day."""

    def tick(self) -> tuple[int, float] | None:
        """(people, how many come or leave a second); None at the end."""
        config, runner = Config.of(os.environ), self.runner
        elapsed = self.get_run_time()
        if elapsed >= config.seconds:
            return None
        classes: list[Any] = list(runner.user_classes) if runner else []
        fixed = sum(one.fixed_count for one in classes)
        if all(one.fixed_count for one in classes):
            return fixed, float(fixed)
        people = max(1, round(config.users * share(config.shape, config.day, elapsed / config.seconds)))
        return fixed + people, max(1.0, fixed + config.users * SPAWN_SHARE)
