"""What a stack of Chợ consists of, and on which ports: engines, services, their workers, the gateway."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import AliasChoices

from cli.scraping import Scraped, give_ports
from kit import engines, ports, probes, standing
from kit.config import SERVICES, Settings
from kit.supervisor.process import Process
from services.payments.store import acl
from services.payments.store.acl import ACL_USER

# The start gate lets it follow, so nothing that the gate needs may wait for it.
COPY = "valkey-replica"
VALKEY_PORT, REPLICA_PORT, SECANTUS_PORT = 6379, 6380, 27017
# Embedded, the ledger has at most the one replica that may be promoted (DESIGN section 4, rule 6).
REPLICAS_MAX = 1
PYTHON = (sys.executable, "-P", "-m")
# What a person does about a server of the ledger that cannot run (docs/survival.md).
PROMOTE = "promote the copy (cho failover); do not cut its log to size"
RESTORE = (
    "put a whole backup of its directory back, beside these books, or rebuild it from them (cho ledger rebuild; "
    "docs/survival.md); to give up all that the ledger and its books hold, remove CHO_HOME"
)
COPY_ANEW = "while the primary runs, have it copied anew (cho reattach); without one, promote it (cho failover)"
# glibc keeps an arena for every thread otherwise, up to eight a core.
# The second: what argon2 took for a sign-in (19 MiB) goes back to the system, and not to a heap that keeps it.
MEMORY = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "4194304"}


# What can wait while people pay and browse: making orders, telling what happened, bringing people in. The readers of
# the ledger do not: stalls hear by them, and the books follow.
GIVES_WAY = frozenset(
    {
        *("secantusdb", "orders.serve", "orders.work", "onboarding.serve", "onboarding.work"),
        *("catalog.work", "identity.work"),
    }
)


class CannotLayOut(RuntimeError):
    """The stack lacks a part, or is asked for what it cannot do."""


@dataclass(frozen=True)
class Layout:
    """`placed`: the settings that were decided here, by name; a stack's ports and URLs."""

    settings: Settings
    placed: dict[str, Any]
    processes: list[Process]
    # Where metrics are served; empty unless they are wanted.
    scraped: list[Scraped]


def lay_out(base: Settings, *, free_ports: bool, gateway_port: int | None = None, seed: bool = False) -> Layout:
    """A stack by the settings `base`; an engine whose URL the user has set is left to them.

    `free_ports` takes any free ports; else the usual ones, or the next ones that are free. `gateway_port` is taken
    exactly. With `seed`, `cli.seed` runs last, once everything is ready.
    Raises CannotLayOut, ports.NoPort, engines.EngineMissing.
    """
    if base.ledger_replicas > REPLICAS_MAX:
        raise CannotLayOut(f"CHO_LEDGER_REPLICAS={base.ledger_replicas}: at most {REPLICAS_MAX} is started here")
    for service in SERVICES:
        if not has_room(service, "server"):
            raise CannotLayOut(f"services/{service}/server.py does not exist")
    port = _any_port if free_ports else ports.take_from
    placed: dict[str, Any] = {"home": base.home.resolve(), "metrics_port": 0}
    taken_over = ("redis_url", "ledger_url", "mongodb_uri", "ledger_replicas", "ledger_copy_user")
    placed |= {name: getattr(base, name) for name in taken_over}
    backing, ledger_user_url = _place_engines(base, placed, port)
    _place_gateway(base, placed, port, gateway_port)
    simulated = _place_card_simulator(base, placed, port)
    outside = _place_oidc_simulator(base, placed, port)
    for service in SERVICES:
        preferred = int(base.addr(service).rpartition(":")[2])
        placed[f"{service}_addr"] = f"{ports.LOOPBACK}:{port(preferred)}"
    settings = base.model_copy(update=placed)
    processes = [
        *backing,
        *_services(settings, ledger_user_url, tuple(engine.name for engine in backing if engine.name != COPY)),
        *_gateway(settings),
        *([_card_simulator(settings)] if simulated else []),
        *([_oidc_simulator(settings)] if outside else []),
    ]
    processes = [replace(one, gives_way=one.name in GIVES_WAY) for one in processes]
    processes, scraped = give_ports(processes, base.metrics_port, port, settings.gateway_admin_port)
    if seed:
        names = tuple(process.name for process in processes)
        processes.append(
            Process(
                "seed",
                parent="serve",
                env=as_env(settings),
                after=names,
                once=True,
                ready_s_max=120,
            )
        )
    return Layout(settings, placed, processes, scraped)


def settle(layout: Layout) -> None:
    """Writes down that the ledger has a copy, for good. The home must have been claimed: it may be another stack's."""
    stands = standing.read(layout.settings.home)
    if not stands.copied and any(process.name == COPY for process in layout.processes):
        standing.write(layout.settings.home, replace(stands, copied=True))


def has_room(service: str, room: str) -> bool:
    """Whether a service has `server.py` or `worker.py` (or a folder of that name)."""
    return find_spec(f"services.{service}") is not None and find_spec(f"services.{service}.{room}") is not None


def as_env(settings: Settings) -> dict[str, str]:
    """The environment that gives another process these settings, secrets included."""
    env = {}
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        key = str(alias.choices[0]) if isinstance(alias, AliasChoices) else f"CHO_{name.upper()}"
        env[key] = str(getattr(settings, name))
    return env


def _any_port(_: int) -> int:
    return ports.take_any()


def _place_engines(base: Settings, placed: dict[str, Any], port: Callable[[int], int]) -> tuple[list[Process], str]:
    """The engines that are started here, and the ledger's URL for those who serve: as `ACL_USER`, where it is ours."""
    home: Path = placed["home"]
    processes, user_url = [], ""
    if "redis_url" not in base.model_fields_set:
        valkey_port = port(VALKEY_PORT)
        placed["redis_url"] = f"redis://{ports.LOOPBACK}:{valkey_port}/0"
        if base.ledger_url == base.redis_url:  # not set apart
            placed["ledger_url"] = placed["redis_url"]
            password = secrets.token_hex(16)
            user_url = placed["redis_url"].replace("://", f"://{ACL_USER}:{password}@")
        user = acl.rule(base.cell, password) if user_url else ""
        copy = _place_copy(base, placed, port) if user_url else None
        remedy = PROMOTE if copy else RESTORE
        processes.append(engines.valkey(primary_home(home), valkey_port, copy=copy, user=user, remedy=remedy))
        if copy:
            processes.append(engines.valkey_replica(copy, valkey_port))
    if "mongodb_uri" not in base.model_fields_set:
        mongo_port = port(SECANTUS_PORT)
        placed["mongodb_uri"] = engines.secantusdb_uri(mongo_port)
        processes.append(engines.secantusdb(home / "secantusdb", mongo_port))
    return processes, user_url


def primary_home(home: Path) -> Path:
    """Where the ledger's primary keeps its data, whichever of the servers it is."""
    return home / "valkey"


def copy_home(home: Path) -> Path:
    """Where the primary's copy keeps its data."""
    return home / "valkey-replica"


def bootstrap_file(home: Path) -> Path:
    """What the gateway is started from."""
    return home / "run" / "envoy.json"


def _place_copy(base: Settings, placed: dict[str, Any], port: Callable[[int], int]) -> engines.Copy | None:
    """The ledger's replica, where it has one: asked for now, or before. Only `cho degrade` pays without it."""
    home: Path = placed["home"]
    stands = standing.read(home)
    if base.ledger_replicas:
        stands = replace(stands, copied=True)  # written by `settle`
    placed["ledger_replicas"] = stands.replicas
    if not stands.copied:
        return None
    placed["ledger_copy_user"] = engines.COPY_USER
    return engines.Copy(
        home=copy_home(home),
        port=port(REPLICA_PORT),
        password=secrets.token_hex(16),
        needed=lambda: standing.read(home).replicas,
        remedy=COPY_ANEW,
    )


def _standing_env(home: Path) -> dict[str, str]:
    return {"CHO_LEDGER_REPLICAS": str(standing.read(home).replicas)}


def _place_gateway(
    base: Settings, placed: dict[str, Any], port: Callable[[int], int], gateway_port: int | None
) -> None:
    exactly = gateway_port or (base.gateway_port if "gateway_port" in base.model_fields_set else None)
    placed["gateway_port"] = ports.take(exactly, base.gateway_host) if exactly else port(base.gateway_port)
    placed["gateway_admin_port"] = port(base.gateway_admin_port)
    placed["gateway_jwks_port"] = port(base.gateway_jwks_port)


def _place_card_simulator(base: Settings, placed: dict[str, Any], port: Callable[[int], int]) -> bool:
    """Whether a card provider is simulated here: unless the user has named one."""
    if base.env != "local" or "stripe_api_base" in base.model_fields_set:
        return False
    placed["card_simulator_port"] = port(base.card_simulator_port)
    placed["stripe_api_base"] = f"http://{ports.LOOPBACK}:{placed['card_simulator_port']}"
    placed["card_webhook_url"] = f"http://{ports.LOOPBACK}:{placed['gateway_port']}/v1/cards/webhook"
    return True


def _place_oidc_simulator(base: Settings, placed: dict[str, Any], port: Callable[[int], int]) -> bool:
    """Whether a provider of OpenID Connect is simulated here: if the user asks for one and has named no other."""
    if base.env != "local" or base.oidc_issuer or not base.oidc_simulator_port:
        return False
    placed["oidc_simulator_port"] = port(base.oidc_simulator_port)
    placed["oidc_issuer"] = f"http://{ports.LOOPBACK}:{placed['oidc_simulator_port']}"
    placed["oidc_client_id"] = base.oidc_client_id or "cho-local"
    placed["oidc_redirect_uri"] = base.oidc_redirect_uri or f"http://{ports.LOOPBACK}:{placed['gateway_port']}/back"
    return True


def _oidc_simulator(settings: Settings) -> Process:
    return Process(
        "oidc-simulator",
        argv=[*PYTHON, "simulators.oidc", "--port", str(settings.oidc_simulator_port)],
        env=as_env(settings),
        ready=partial(_healthy, settings.oidc_simulator_port),
    )


def _card_simulator(settings: Settings) -> Process:
    return Process(
        "card-simulator",
        parent="serve",
        ready=partial(_healthy, settings.card_simulator_port),
    )


async def _healthy(port: int) -> bool:
    status, _ = await probes.http(port, "/healthz")
    return status == 200


def _services(settings: Settings, ledger_user_url: str, engines_: tuple[str, ...]) -> list[Process]:
    env = as_env(settings) | MEMORY
    serve_env = env | ({"LEDGER_URL": ledger_user_url} if ledger_user_url else {})
    # Of a ledger that is started here: what `cho degrade` changed meanwhile.
    env_now = partial(_standing_env, settings.home) if ledger_user_url else dict
    workers = [service for service in SERVICES if has_room(service, "worker")]
    processes = [
        Process("serve", argv=[*PYTHON, "cli.processes", "fork", "serve"], env=serve_env, forks=True),
        Process("work", argv=[*PYTHON, "cli.processes", "fork", "work"], env=env, forks=True),
    ]
    for service in SERVICES:
        port = int(settings.addr(service).rpartition(":")[2])
        ready = partial(probes.grpc_ready, port)
        gated = engines.GATE_S_MAX if service == "payments" else Process.ready_s_max
        processes.append(
            Process(f"{service}.serve", parent="serve", after=engines_, ready=ready, env_now=env_now, ready_s_max=gated)
        )
    for service in workers:
        processes.append(Process(f"{service}.work", parent="work", after=engines_, announces=True, env_now=env_now))
    return processes


def _gateway(settings: Settings) -> list[Process]:
    servers = tuple(f"{service}.serve" for service in SERVICES)
    return [
        Process(
            "gateway-config",
            parent="serve",
            env=as_env(settings),
            once=True,
        ),
        engines.envoy(bootstrap_file(settings.home), settings.gateway_admin_port, after=("gateway-config", *servers)),
    ]
