"""What Valkey says of itself (INFO), told to Prometheus by a process that works with it: it has no such door itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import redis
from prometheus_client.core import Metric

from kit import scrape
from kit.config import settings
from kit.streams import clients

# Field of INFO, the metric's name behind `cho_valkey_`, and what it is. Counts since the server's start end in _total.
_NUMBERS = (
    ("uptime_in_seconds", "uptime_seconds", "How long the server has run."),
    ("connected_clients", "clients", "Connections."),
    ("blocked_clients", "blocked_clients", "Connections that wait for something, as readers do."),
    ("used_memory", "memory_bytes", "Memory that its data takes."),
    ("used_memory_rss", "memory_resident_bytes", "Memory that the process holds."),
    ("mem_fragmentation_ratio", "memory_fragmentation", "Resident by used."),
    ("total_commands_processed", "commands_total", "Commands carried out."),
    ("rejected_connections", "rejected_connections_total", "Connections refused."),
    ("evicted_keys", "evicted_keys_total", "Keys thrown away for want of memory: never, with noeviction."),
    ("expired_keys", "expired_keys_total", "Keys whose time was over."),
    ("aof_current_size", "aof_bytes", "Size of the append-only file."),
    ("aof_rewrite_in_progress", "aof_rewriting", "1 while the append-only file is rewritten."),
    ("aof_delayed_fsync", "aof_delayed_fsync_total", "Times that a write had to wait for the disk."),
    ("latest_fork_usec", "fork_microseconds", "How long the last fork stopped it."),
    ("used_cpu_sys", "cpu_system_seconds_total", "CPU time in the kernel."),
    ("used_cpu_user", "cpu_user_seconds_total", "CPU time outside of it."),
    ("connected_slaves", "replicas", "Replicas that are connected."),
)
# An `ok` is 1.
_STATES = (
    ("aof_last_write_status", "aof_write_ok", "1 where the last write to the append-only file went well."),
    ("aof_last_bgrewrite_status", "aof_rewrite_ok", "1 where its last rewrite did."),
)


def watch_servers() -> None:
    """At every scrape this process tells of the ledger's server, and of the streams' where that is another."""
    scrape.add("valkey", _ask, redis.RedisError)


def _ask() -> Iterator[Metric]:
    servers = {"ledger": clients.ledger()}
    if settings().redis_url != settings().ledger_url:
        servers["streams"] = clients.streams()
    yield from families({name: client.info("everything") for name, client in servers.items()})


def families(said: Mapping[str, Mapping[str, Any]]) -> Iterator[Metric]:
    """Metric families of what servers said, by their names."""
    for field, name, text in _NUMBERS:
        rows = [((server,), float(info[field])) for server, info in said.items() if field in info]
        yield scrape.family(f"cho_valkey_{name}", text, ["server"], rows)
    for field, name, text in _STATES:
        rows = [((server,), float(info[field] == "ok")) for server, info in said.items() if field in info]
        yield scrape.family(f"cho_valkey_{name}", text, ["server"], rows)
    yield scrape.family(
        "cho_valkey_replica_lag_bytes", "What the replica that is furthest behind has not acknowledged.", ["server"],
        [((server,), lag) for server, info in said.items() if (lag := _replica_lag(info)) is not None],
    )  # fmt: skip
    calls, seconds = [], []
    for server, info in said.items():
        for key, stats in info.items():
            if key.startswith("cmdstat_") and "|" not in key:
                labels = (server, key.removeprefix("cmdstat_"))
                calls.append((labels, float(stats["calls"])))
                seconds.append((labels, stats["usec"] / 1e6))
    yield scrape.family("cho_valkey_command_calls_total", "Calls by command.", ["server", "command"], calls)
    yield scrape.family("cho_valkey_command_seconds_total", "Time in them.", ["server", "command"], seconds)


def _replica_lag(info: Mapping[str, Any]) -> float | None:
    replicas = [value for key, value in info.items() if key.startswith("slave") and isinstance(value, dict)]
    offset = info.get("master_repl_offset", 0)
    return float(max(offset - replica["offset"] for replica in replicas)) if replicas else None
