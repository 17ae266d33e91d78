"""A running provider for tests, whose tokens they can spoil."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from simulators.card.http import Answer, Request, serve
from simulators.oidc.app import App
from simulators.oidc.provider import Client, Provider
from tests.conftest import free_port

CLIENT = Client("cho", "s3cret&%", "https://cho.example.vn/sign-in/back")


class Spoiled(Provider):
    """Says what it should, unless a test says otherwise. `asked` counts requests by path."""

    def __init__(self, issuer: str, client: Client) -> None:
        super().__init__(issuer, client, time.time)
        self.spoil_claims: Callable[[dict[str, Any]], dict[str, Any]] = lambda claims: claims
        self.spoil_token: Callable[[dict[str, Any], str], str] = lambda claims, token: token
        self.spoil_metadata: dict[str, Any] = {}
        self.broken: Answer | None = None
        self.asked: list[str] = []

    def metadata(self) -> dict[str, Any]:
        return super().metadata() | self.spoil_metadata

    def sign(self, claims: dict[str, Any]) -> str:
        claims = self.spoil_claims(claims)
        return self.spoil_token(claims, super().sign(claims))


class _Counting(App):
    def __init__(self, provider: Spoiled) -> None:
        super().__init__(provider)
        self._spoiled = provider

    async def __call__(self, request: Request) -> Answer:
        self._spoiled.asked.append(request.path)
        return self._spoiled.broken or await super().__call__(request)


@contextmanager
def running() -> Iterator[Spoiled]:
    """In a thread of its own."""
    port, loop = free_port(), asyncio.new_event_loop()
    provider = Spoiled(f"http://127.0.0.1:{port}", CLIENT)
    server = loop.run_until_complete(serve(_Counting(provider), "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield provider
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        loop.call_soon_threadsafe(loop.call_later, 0.02, loop.stop)
        thread.join()
        loop.close()
