"""Where Prometheus finds the processes of a stack: a port each, and a file that says which (its `file_sd_configs`).

Off unless CHO_METRICS_PORT is set. On one machine every process needs a port of its own: the first is that one, or the
next that is free; in a cluster every pod has the one that is set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit.ports import LOOPBACK
from kit.supervisor.process import Process

GATEWAY = "gateway"
# Envoy serves its own on the admin port, by this path.
GATEWAY_PATH = "/stats/prometheus"


@dataclass(frozen=True)
class Scraped:
    """A process whose metrics are served. `path` is where."""

    process: str
    port: int
    path: str = "/metrics"


def give_ports(
    processes: Sequence[Process], first: int, port: Callable[[int], int], admin_port: int
) -> tuple[list[Process], list[Scraped]]:
    """The same processes, those of the services with a port for their metrics, and where all can be scraped.

    `first` 0: none is. `port` takes a preferred port and gives one that is free.
    """
    if not first:
        return list(processes), []
    given: list[Process] = []
    scraped: list[Scraped] = []
    for process in processes:
        if process.name.endswith((".serve", ".work")):
            taken = port(first + len(scraped))
            scraped.append(Scraped(process.name, taken))
            process = replace(process, env={**process.env, "CHO_METRICS_PORT": str(taken)})
        given.append(process)
    return given, [*scraped, Scraped(GATEWAY, admin_port, GATEWAY_PATH)]


def targets_file(home: Path) -> Path:
    """What `file_sd_configs` of Prometheus is given."""
    return home / "run" / "prometheus.json"


def write_targets(home: Path, scraped: Sequence[Scraped]) -> None:
    """Says where to scrape; where nothing is scraped there is no such file."""
    file = targets_file(home)
    if not scraped:
        file.unlink(missing_ok=True)
        return
    groups = [
        {"targets": [f"{LOOPBACK}:{one.port}"], "labels": {"process": one.process, "__metrics_path__": one.path}}
        for one in scraped
    ]
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(json.dumps(groups, indent=1) + "\n")


def read_targets(home: Path) -> list[Mapping[str, Any]]:
    """The groups that were written: `targets` and `labels`; none where nothing is scraped."""
    try:
        found: list[Mapping[str, Any]] = json.loads(targets_file(home).read_text())
    except FileNotFoundError:
        return []
    return found
