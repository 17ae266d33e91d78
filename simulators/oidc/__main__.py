"""`python -m simulators.oidc`: the provider as a process, on loopback, until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Sequence

from kit import log
from kit.config import settings
from kit.ports import LOOPBACK
from simulators.card.http import serve
from simulators.oidc.app import App
from simulators.oidc.provider import Client, Provider

PORT = 8084


def main(arguments: Sequence[str] | None = None) -> None:
    """Its client is the one that the settings describe (CHO_OIDC_...); `arguments` override the command line."""
    parser = argparse.ArgumentParser(prog="python -m simulators.oidc", description=__doc__)
    parser.add_argument("--port", type=int, default=PORT)
    port = parser.parse_args(arguments).port
    if settings().env != "local":
        sys.exit("The identity simulator asks for no proof: it runs where CHO_ENV=local.")
    if not (settings().oidc_client_id and settings().oidc_redirect_uri):
        sys.exit("Set CHO_OIDC_CLIENT_ID and CHO_OIDC_REDIRECT_URI, as for identity (docs/identity.md).")
    log.set_up("simulators.oidc")
    client = Client(settings().oidc_client_id, settings().oidc_client_secret, settings().oidc_redirect_uri)
    asyncio.run(_run(Provider(f"http://{LOOPBACK}:{port}", client, time.time), port))


async def _run(provider: Provider, port: int) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    server = await serve(App(provider), LOOPBACK, port)
    await stopped.wait()
    server.close()  # callers that stay are left with the loop


if __name__ == "__main__":
    main()
