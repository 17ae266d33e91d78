"""`python -m simulators.card`: the card provider as a process, on loopback, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from kit import log
from kit.config import Settings, settings
from kit.ports import LOOPBACK
from simulators.card.api import Api
from simulators.card.bank import Bank
from simulators.card.control import Control
from simulators.card.errors import ApiError
from simulators.card.http import Answer, Request, json_answer, serve
from simulators.card.store import Store
from simulators.card.webhooks import Courier

_log = log.logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Settings come from the environment; `arguments` (unless given, the command line) override what is no secret."""
    parser = argparse.ArgumentParser(prog="python -m simulators.card", description=__doc__)
    parser.add_argument("--port", type=int, default=settings().card_simulator_port)
    parser.add_argument("--state", type=Path, default=settings().home / "card-simulator" / "state.db")
    parser.add_argument("--webhook-url", default=settings().card_webhook_url)
    asked = parser.parse_args(arguments)
    if settings().env != "local":
        sys.exit("The card simulator takes no real money: it runs where CHO_ENV=local.")
    if asked.webhook_url and not _is_loopback(asked.webhook_url):
        sys.exit("The webhook's URL has to be on this machine: http://127.0.0.1:PORT/PATH.")
    log.set_up("simulators.card")
    try:
        asyncio.run(run(settings(), asked.port, asked.state, asked.webhook_url))
    except sqlite3.OperationalError as error:
        sys.exit(f"{asked.state}: {error}. Another simulator may be running on it.")


async def run(settings_: Settings, port: int, state: Path, webhook_url: str) -> None:
    """Serves until a signal comes. Raises OperationalError where `state` is in use, OSError where the port is."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    store = Store(state)
    try:
        courier = Courier(store, webhook_url, settings_.stripe_webhook_secret)
        base_url = f"http://{LOOPBACK}:{port}"
        api = Api(store, settings_.stripe_secret_key, base_url, bool(webhook_url), courier.wake)
        control = Control(store, settings_.card_control_secret, api.provider, courier.wake)
        bank = Bank(store, api.provider, courier.wake)

        async def app(request: Request) -> Answer:
            try:
                if request.path == "/healthz":
                    return json_answer(200, {"status": "ok"})
                if request.path.startswith("/control/"):
                    return control(request)
                if request.path.startswith("/3ds/"):
                    return bank(request)
                return await api(request)
            except ApiError as error:
                return json_answer(error.status, error.body())
            except Exception:
                _log.exception("a request broke the simulator", method=request.method, path=request.path)
                return json_answer(500, {"error": {"type": "api_error", "message": "The simulator is broken."}})

        server = await serve(app, LOOPBACK, port)
        delivering = asyncio.create_task(courier.run())
        await _first(stopped, delivering)
        server.close()  # callers that stay are left with the loop
    finally:
        store.close()


async def _first(stopped: asyncio.Event, delivering: asyncio.Task[None]) -> None:
    """Until the signal; a courier that breaks ends the process, so that it does not go unnoticed."""
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait((stopping, delivering), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if delivering.done():
        delivering.result()
    delivering.cancel()
    await asyncio.wait((delivering,))


def _is_loopback(url: str) -> bool:
    parts = urlsplit(url)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False


if __name__ == "__main__":
    main()
