"""A stack of Chợ: `cho up` runs one in the foreground, `cho status` looks at it, `Stack` is one for programs.

with Stack(home=tmp_path) as stack:         # ready, on free ports
    httpx.get(stack.gateway_url + "/v1/...")
    stack.kill("payments.serve")            # kill -9
    stack.wait_ready("payments.serve")      # the supervisor has started it again
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Self

import typer

from cli import control, foreground
from cli.foreground import FAILURES, Snapshot, state_file
from cli.layout import REPLICAS_MAX, as_env, lay_out
from kit import standing
from kit.config import Settings, settings
from kit.supervisor.process import State
from kit.supervisor.run import lock_of

START_S_MAX = 180
STOP_S_MAX = 90
RESTART_S_MAX = 60


class StackFailed(RuntimeError):
    """The stack did not start, or gave up; the message shows the end of the log that tells why."""


class Stack:
    """A stack in processes of its own, for tests, demos and measurements. It ends with the program that uses it.

    `env` is for the stack's processes, on top of this process's own. On free ports, unless told otherwise. Only one
    stack can run in a `home`; a second one in the same home finds the first one's data.
    """

    def __init__(
        self, home: Path, *, free_ports: bool = True, seed: bool = False, env: Mapping[str, str] | None = None
    ) -> None:
        self.home = home.resolve()
        flags = {"--free-ports": free_ports, "--seed": seed}
        self._argv = [
            sys.executable,
            "-P",
            "-m",
            "cli.foreground",
            *(flag for flag, on in flags.items() if on),
        ]
        self._own_env = {**(env or {}), "CHO_HOME": str(self.home)}
        self._snapshot: Snapshot = {}
        # Of those whose start is waited for, which one has begun to start.
        self._begun: set[str] = set()
        self._failure = ""
        self._changed = threading.Condition()

    def __enter__(self) -> Self:
        """Starts it. Raises StackFailed, with nothing left running."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._process = subprocess.Popen(
            self._argv,
            env={**os.environ, **self._own_env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for us; we stop it
            text=True,
        )
        self._listener = threading.Thread(target=self._listen, name="stack", daemon=True)
        self._listener.start()
        try:
            self._wait_for(lambda: self._snapshot.get("ready") or self._held(), START_S_MAX, "the stack to be ready")
            self._raise_held()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Stops it. Raises StackFailed where it had given up, unless another error is on its way."""
        self.stop()
        if self._failure and kind is None:
            raise StackFailed(self._failure)

    def stop(self) -> None:
        """Drains and stops everything; returns when nothing runs any more."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its processes die with it
            self._process.wait()
        self._listener.join()
        assert self._process.stdout
        self._process.stdout.close()

    # ---------------------------------------------------------------- where it is

    @property
    def gateway_url(self) -> str:
        """`http://host:port`, without a slash."""
        return gateway_url(self.settings())

    @property
    def env(self) -> dict[str, str]:
        """The environment for a program that is to work on this stack."""
        return as_env(self.settings())

    def settings(self) -> Settings:
        """The settings of the stack's processes."""
        return _settings_of(self._snapshot, self._own_env)

    # ---------------------------------------------------------------- its processes

    def processes(self) -> list[dict[str, Any]]:
        """`name`, `state`, `pid`, `restarts`, `ready_after_s`, `log` and `note` of every process."""
        return [dict(process) for process in self._snapshot["processes"]]

    @property
    def supervisor_pid(self) -> int:
        """Of the process that runs all the others."""
        return self._process.pid

    def pid(self, name: str) -> int:
        """Raises KeyError where there is no such process, or it does not run now."""
        for process in self._snapshot["processes"]:
            if process["name"] == name and process["pid"] is not None:
                return int(process["pid"])
        raise KeyError(name)

    def kill(self, name: str) -> None:
        """kill -9 of one process by its supervisor, who counts it as no crash; returns when it has ended."""
        pid = self.pid(name)
        control.ask(self.home, "kill", name)
        self._wait_for(lambda: pid not in self._pids(), RESTART_S_MAX, f"{name} to end")

    def hold(self, name: str, why: str, *, kill: bool = False) -> None:
        """Stops one process (with `kill`, by SIGKILL) until `release`."""
        control.ask(self.home, "hold", name, why=why, kill=kill)

    def release(self, name: str) -> None:
        """Lets a held process run again; `wait_ready` waits until it does.

        One that cannot run may be held again by the time that this returns.
        """
        with self._changed:
            self._begun.discard(name)
        control.ask(self.home, "release", name)
        self._wait_for(lambda: name in self._begun, RESTART_S_MAX, f"{name} to be started")

    def note(self, name: str) -> str:
        """What the process has to say: why it is held, or what it waits for."""
        return next(str(process["note"]) for process in self._snapshot["processes"] if process["name"] == name)

    def wait_note(self, name: str, said: str) -> str:
        """Until the process says something that holds `said`; all of it. Raises StackFailed."""
        self._wait_for(lambda: said in self.note(name), RESTART_S_MAX, f"{name} to say {said!r}")
        return self.note(name)

    def wait_ready(self, name: str = "") -> None:
        """Until the process, or without a name all of them, is ready. Raises StackFailed."""
        self._wait_for(lambda: self._is_ready(name), RESTART_S_MAX, f"{name or 'everything'} to be ready")

    def _pids(self) -> set[int]:
        return {process["pid"] for process in self._snapshot["processes"]}

    def _is_ready(self, name: str) -> bool:
        return self._state(name) in (State.READY, State.DONE) if name else bool(self._snapshot["ready"])

    def _state(self, name: str) -> str:
        return next(str(process["state"]) for process in self._snapshot["processes"] if process["name"] == name)

    def _held(self) -> dict[str, str]:
        """Notes of the processes that are held, by name."""
        processes = self._snapshot.get("processes", [])
        return {process["name"]: process["note"] for process in processes if process["state"] == State.HELD}

    def _raise_held(self) -> None:
        if held := self._held():
            raise StackFailed("; ".join(f"{name}: {note}" for name, note in held.items()))

    def _wait_for(self, holds: Callable[[], object], seconds: float, what: str) -> None:
        with self._changed:
            if not self._changed.wait_for(lambda: self._failure or holds(), seconds):
                raise StackFailed(f"waited {seconds:g} s for {what}: {self._snapshot.get('processes')}")
        if self._failure:
            raise StackFailed(self._failure)

    def _listen(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            message = json.loads(line)
            with self._changed:
                if "failed" in message:
                    self._failure = message["failed"]
                else:
                    self._snapshot = message
                    processes = message.get("processes", ())
                    self._begun.update(one["name"] for one in processes if one["state"] == State.STARTING)
                self._changed.notify_all()
        with self._changed:
            if self._process.wait() != 0 and not self._failure:
                self._failure = f"the supervisor ended with status {self._process.returncode}"
            self._changed.notify_all()


def gateway_url(of: Settings) -> str:
    """Where people and programs reach a stack."""
    host = "127.0.0.1" if of.gateway_host in ("0.0.0.0", "::") else of.gateway_host
    return f"http://{host}:{of.gateway_port}"


def _settings_of(snapshot: Snapshot, env: Mapping[str, str]) -> Settings:
    """What was placed by the stack, then what it was given, then this process's own."""
    placed = snapshot["settings"]
    given = {name: env[f"CHO_{name.upper()}"] for name in Settings.model_fields if f"CHO_{name.upper()}" in env}
    return Settings(**(given | placed))


# -------------------------------------------------------------------- a stack that somebody else runs


def running(home: Path | None = None) -> Snapshot | None:
    """How the stack in `home` (CHO_HOME) is; None where none runs."""
    home = (home or settings().home).resolve()
    try:
        lock = os.open(lock_of(home), os.O_RDWR)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(state_file(home))
    finally:
        os.close(lock)
    return None


def _read(file: Path) -> Snapshot | None:
    try:
        snapshot: Snapshot = json.loads(file.read_text())
    except FileNotFoundError:  # it is just starting, or has just ended
        return None
    return snapshot


def attach() -> bool:
    """Points this process's settings at the stack that runs in CHO_HOME; False where none runs."""
    snapshot = running()
    if snapshot is None:
        return False
    os.environ.update(as_env(_settings_of(snapshot, {})))
    settings.cache_clear()
    return True


# -------------------------------------------------------------------- commands

Port = Annotated[int | None, typer.Option("--port", min=1, max=65535, help="The gateway's port: this one exactly.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]


Replicas = Annotated[
    int | None,
    typer.Option("--replicas", min=0, max=REPLICAS_MAX, help="Copies of the ledger; once it has one, it keeps it."),
]


def up(port: Port = None, replicas: Replicas = None) -> None:
    """Run the platform in the foreground, with seeded data, until Ctrl-C."""
    try:
        base = settings() if replicas is None else settings().model_copy(update={"ledger_replicas": replicas})
        layout = lay_out(base, free_ports=False, gateway_port=port, seed=True)
        asyncio.run(foreground.run(layout, _Progress(gateway_url(layout.settings))))
        typer.echo("\nChợ is closed; what it knows is kept for the next time.")
    except FAILURES as failure:
        typer.secho(str(failure), fg="red", err=True)
        raise typer.Exit(1) from None


class _Progress:
    """Says what has become ready, what has crashed, and at last where to go."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._states: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._welcomed = False

    def __call__(self, snapshot: Snapshot) -> None:
        for process in snapshot["processes"]:
            name, state = process["name"], process["state"]
            if self._states.get(name, State.WAITING) != state:
                self._tell(process)
            self._states[name] = state
            if process["note"] and self._notes.get(name) != process["note"]:
                typer.secho(f"  {name:<18} {process['note']}", fg="yellow")
            self._notes[name] = process["note"]
        if snapshot["ready"] and not self._welcomed:
            self._welcomed = True
            self._welcome(snapshot)

    def _tell(self, process: Mapping[str, Any]) -> None:
        match process["state"]:
            case State.READY | State.DONE:
                typer.echo(f"  {process['name']:<18} {process['state']:<6} {process['ready_after_s']:5.1f} s")
            case State.CRASHED:
                typer.secho(f"  {process['name']:<18} has ended and is started again; see {process['log']}", fg="red")

    def _welcome(self, snapshot: Snapshot) -> None:
        seed = next((process for process in snapshot["processes"] if process["name"] == "seed"), None)
        if seed:
            typer.echo("\n" + Path(seed["log"]).read_text().strip())
        if warning := alone_warning(settings().home):
            typer.secho(f"\n{warning}", fg="red", bold=True)
        typer.secho(f"\nChợ is open: {self._url}", fg="green", bold=True)
        typer.echo(f"  shopper:     {self._url}/shopper/\n  vendor:      {self._url}/vendor/")
        typer.echo(f"  API, to try: {self._url}/docs\n  processes:   cho status\n  Ctrl-C closes it.")


def status(as_json: AsJson = False) -> None:
    """Show the running stack: processes, what they wait for, memory, health, URL; exit status 1 if not all is ready and
    well."""
    snapshot = running()
    if snapshot is None:
        if as_json:
            typer.echo(json.dumps({"running": False}))
        else:
            typer.echo(f"No stack runs in {settings().home.resolve()}; cho up starts one.")
        raise typer.Exit(1)
    report = _status_report(snapshot)
    if as_json:
        typer.echo(json.dumps(report))
    else:
        _print_status(report)
    raise typer.Exit(0 if report["ready"] else 1)


def _status_report(snapshot: Snapshot) -> dict[str, Any]:
    supervisor = {"name": "supervisor", "state": State.READY, "pid": snapshot["pid"], "restarts": 0, "note": ""}
    processes = [
        {**process, "pss_bytes": pss_bytes(process["pid"])} for process in [supervisor, *snapshot["processes"]]
    ]
    stands = standing.read(Path(snapshot["settings"]["home"]))
    from cli import health  # here: the process of `cho up` stays for days, and asks nobody

    found = health.read(_settings_of(snapshot, {}))
    return {
        "running": True,
        "ready": bool(snapshot["ready"] and found.fine and not any(process["note"] for process in processes)),
        "ledger": asdict(stands) | {"replicas": stands.replicas},
        "gateway": gateway_url(_settings_of(snapshot, {})),
        "health": found.as_dict(),
        "settings": snapshot["settings"],
        "pss_bytes": sum(process["pss_bytes"] or 0 for process in processes),
        "processes": processes,
    }


def pss_bytes(pid: int | None) -> int | None:
    """A process's memory, what it shares counted in parts; None where it does not run or the system does not tell."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))


def _print_status(report: Mapping[str, Any]) -> None:
    # Here: the process of `cho up`, which stays for days, draws no tables.
    from rich.console import Console
    from rich.table import Table

    from cli import health

    table = Table("process", "state", "pid", "restarts", "memory, MB")
    for process in report["processes"]:
        memory = "" if process["pss_bytes"] is None else f"{process['pss_bytes'] / 1e6:.1f}"
        pid = "" if process["pid"] is None else str(process["pid"])
        table.add_row(process["name"], process["state"], pid, str(process["restarts"]), memory)
    table.add_row("all", "", "", "", f"{report['pss_bytes'] / 1e6:.1f}", style="bold")
    console = Console()
    console.print(table)
    for process in report["processes"]:
        if process["note"]:
            console.print(f"{process['name']}: {process['note']}", style="yellow", markup=False)
    ledger = report["ledger"]
    if warning := alone_warning(Path(report["settings"]["home"])):
        console.print(warning, style="bold red", markup=False)
    console.print(
        f"ledger  epoch {ledger['epoch']}, {ledger['replicas']} replicas hold a payment before it is answered"
    )
    for what, how, look in health.lines(health.Health(**report["health"])):
        console.print(f"{what:<13} {how}", style="bold red" if look else "", markup=False, highlight=False)
    console.print(f"gateway {report['gateway']}")


def alone_warning(home: Path) -> str:
    """What everybody has to know while an operator has accepted the loss of one server; empty where nobody has."""
    since = standing.read(home).alone_since
    return since and (
        f"Since {since} payments are acknowledged by one server alone: its loss loses them. cho degrade --off ends it."
    )
