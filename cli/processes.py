"""The entry points of the services' processes.

`cho serve SERVICE` and `cho work SERVICE` run one, as k8s does. `python -m cli.processes fork serve` (or `work`) is
the parent from which a supervisor on one machine forks all of a kind, so that they share what they import.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

# Before a worker is monkey-patched: what it holds of `os` and `select` must stay as it is.
from kit.supervisor import child, forks

# No more imports here: a worker is monkey-patched first (kit.streams.patch), and never imports grpc.

ROOMS = {"serve": "server", "work": "worker"}
# What a process of the kind imports only once it runs: imported before the fork, it is shared.
PRELOADED = {
    "serve": ("kit.mongo", "mongoengine.dereference", "grpc._server", "grpc._interceptor"),
    "work": ("kit.mongo", "mongoengine.dereference", "kit.streams.runner"),
}


def serve(service: str) -> None:
    """Run a service's gRPC server until SIGTERM."""
    _module(service, "server").main()


def work(service: str) -> None:
    """Run a service's stream handlers and timers until SIGTERM."""
    # Anew: the `cho` tool has imported what must be imported after monkey-patching, or not at all.
    os.execv(sys.executable, [sys.executable, "-P", "-m", "cli.processes", "work", service])  # noqa: S606


def main() -> None:
    """`fork serve`, `fork work`, `serve SERVICE`, `work SERVICE`."""
    match sys.argv[1:]:
        case ["fork", "serve"]:
            _fork("serve")
        case ["fork", "work"]:
            _be_cooperative()
            _fork("work")
        case ["serve", service]:
            serve(service)
        case ["work", service]:
            _be_cooperative()
            _work(service)
        case _:
            sys.exit("usage: python -m cli.processes [fork] serve|work [SERVICE]")


def _be_cooperative() -> None:
    import_module("kit.streams.patch")


def _module(service: str, room: str) -> ModuleType:
    from kit.config import SERVICES

    if service not in SERVICES:
        sys.exit(f"there is no service {service!r}, but {', '.join(SERVICES)}")
    if find_spec(f"services.{service}") is None or find_spec(f"services.{service}.{room}") is None:
        sys.exit(f"services/{service}/{room}.py does not exist")
    return import_module(f"services.{service}.{room}")


def _work(service: str) -> None:
    from kit.rpc.metrics import serve_metrics
    from kit.streams import runner

    services = _module(service, "worker").SERVICES
    _open_store(service)
    serve_metrics()
    runner.run(services, f"{service}.work")


def _fork(kind: str) -> None:
    """Imports every service's module of this kind, then forks processes of it on command."""
    import gc

    gc.disable()  # until a child runs: what the collector touches is no longer shared
    from kit.config import SERVICES, settings

    room, run = ROOMS[kind], {"serve": serve, "work": _work_forked}[kind]
    services = [service for service in SERVICES if find_spec(f"services.{service}.{room}")]
    for service in services:
        _module(service, room)
    for module in PRELOADED[kind]:
        import_module(module)
    children: dict[str, Callable[[], None]] = {f"{service}.{kind}": partial(run, service) for service in services}
    if kind == "serve":
        children |= {"gateway-config": _gateway_config, "seed": _seed}
        if settings().env == "local":
            children["card-simulator"] = partial(import_module("simulators.card.__main__").main, ())
    settings.cache_clear()  # a module that asked for settings must not decide those of the children
    forks.serve(children)


def _gateway_config() -> None:
    """Once a start, so that it costs nothing to import what the servers have imported; as the seed."""
    from cli.layout import bootstrap_file
    from kit.config import settings

    import_module("gateway.__main__").main(["--out", str(bootstrap_file(settings().home))])


def _seed() -> None:
    import_module("cli.seed").main()


def _open_store(service: str) -> None:
    """Connects a service's store, as its server does: payments' is the ledger and needs none of this."""
    store: Any = import_module(f"services.{service}.store")
    if hasattr(store, "open_store"):
        store.open_store()


def _work_forked(service: str) -> None:
    import eventlet

    eventlet.spawn(child.announce_ready)  # runs when the loop first turns: everything is imported and set up by then
    _work(service)


if __name__ == "__main__":
    main()
