"""The connection to the card provider, twice: `AsyncCards` for asyncio, `Cards` for nameko workers and scripts.

    async with AsyncCards.of(settings()) as cards:
        intent = await cards.send(calls.retrieve_intent(intent_id))
        refunds = await cards.every(calls.list_refunds(intent_id))

What is sent and what an answer means is in `calls` and `replies`; here is only the sending. A call goes at most
`ATTEMPTS_MAX` times, always with the same key; each attempt, the pool of connections and an answer's size are bounded.
A caller that is cancelled in the middle knows as much as after `Unknown`.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Self, TypeVar, cast

import httpx

from kit import tls
from kit.config import Settings
from services.payments.card.calls import Call, Listing
from services.payments.card.failures import Unknown
from services.payments.card.replies import Reply, attempts

T = TypeVar("T")

# The version of Stripe's API that our requests and objects are written for (and stripe-mock checks them against).
API_VERSION = "2026-08-26.dahlia"
CONNECTIONS_MAX = 32
ANSWER_BYTES_MAX = 4 << 20
PAGES_MAX = 100


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds: to connect or get a connection, to wait for the next bytes, for an attempt in all."""

    connect_s: float = 3.0
    read_s: float = 15.0
    attempt_s: float = 20.0


class _TooMuch(httpx.HTTPError):
    """An answer that is too long, or takes too long to come."""


class _Intake:
    """One answer as it comes in."""

    def __init__(self, patience: Patience) -> None:
        self._until_s = time.monotonic() + patience.attempt_s
        self._body = bytearray()

    def add(self, chunk: bytes) -> None:
        """Raises _TooMuch."""
        self._body += chunk
        if len(self._body) > ANSWER_BYTES_MAX or time.monotonic() > self._until_s:
            raise _TooMuch("the answer is too long, or takes too long")

    def reply(self, response: httpx.Response) -> Reply:
        """All of it."""
        return Reply(response.status_code, response.headers, bytes(self._body))


class _Connection:
    """What the two have in common: where the provider is, who we are, and how a call is put."""

    def __init__(self, base_url: str, secret_key: str, patience: Patience = Patience()) -> None:
        self._patience = patience
        self._options: dict[str, Any] = {
            "base_url": base_url,
            "headers": {
                "Authorization": f"Bearer {secret_key}",
                "Stripe-Version": API_VERSION,
                "Accept-Encoding": "identity",
            },
            "timeout": httpx.Timeout(patience.read_s, connect=patience.connect_s, pool=patience.connect_s),
            "limits": httpx.Limits(max_connections=CONNECTIONS_MAX, max_keepalive_connections=CONNECTIONS_MAX),
            "trust_env": False,  # no proxy by accident
            # Certificates are only read where there is one to check: the simulator has none.
            "verify": tls.context() if base_url.startswith("https://") else False,
        }

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The provider that the settings name. Raises ValueError for local defaults outside CHO_ENV=local."""
        if settings.env != "local" and not settings.stripe_api_base.startswith("https://"):
            raise ValueError("set STRIPE_API_BASE to an https URL: its default is for CHO_ENV=local")
        return cls(settings.stripe_api_base, settings.own_secret("stripe_secret_key"))

    @staticmethod
    def _request(call: Call[Any]) -> dict[str, Any]:
        asked: dict[str, Any] = {"method": call.method, "url": call.target}
        if call.method == "POST":
            form = {"Content-Type": "application/x-www-form-urlencoded", "Idempotency-Key": call.key}
            asked |= {"content": call.body, "headers": form}
        return asked


class AsyncCards(_Connection):
    """For asyncio. Close it, or use it as a context."""

    def __init__(self, base_url: str, secret_key: str, patience: Patience = Patience()) -> None:
        super().__init__(base_url, secret_key, patience)
        self._http = httpx.AsyncClient(**self._options)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """What the call brought. Raises CardFailure."""
        steps = attempts(call)
        wait_s = next(steps)
        while True:
            await asyncio.sleep(wait_s)
            try:
                wait_s = steps.send(await self._attempt(call))
            except StopIteration as done:
                return cast(T, done.value)

    async def every(self, listing: Listing[T]) -> list[T]:
        """All items of a list, newest first. Raises CardFailure: Unknown where they are more than PAGES_MAX pages."""
        items: list[T] = []
        after = ""
        for _ in range(PAGES_MAX):
            page = await self.send(listing(after))
            items += page.items
            if not (after := page.next_after):
                return items
        raise too_many()

    async def _attempt(self, call: Call[Any]) -> Reply | httpx.HTTPError:
        intake = _Intake(self._patience)
        try:
            async with asyncio.timeout(self._patience.attempt_s), self._http.stream(**self._request(call)) as response:
                async for chunk in response.aiter_raw():
                    intake.add(chunk)
                return intake.reply(response)
        except httpx.HTTPError as error:
            return error
        except TimeoutError:
            return _TooMuch("the answer takes too long")


class Cards(_Connection):
    """For threads and green threads. Close it, or use it as a context."""

    def __init__(self, base_url: str, secret_key: str, patience: Patience = Patience()) -> None:
        super().__init__(base_url, secret_key, patience)
        self._http = httpx.Client(**self._options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """What the call brought. Raises CardFailure."""
        steps = attempts(call)
        wait_s = next(steps)
        while True:
            time.sleep(wait_s)
            try:
                wait_s = steps.send(self._attempt(call))
            except StopIteration as done:
                return cast(T, done.value)

    def every(self, listing: Listing[T]) -> list[T]:
        """All items of a list, newest first. Raises CardFailure: Unknown where they are more than PAGES_MAX pages."""
        items: list[T] = []
        after = ""
        for _ in range(PAGES_MAX):
            page = self.send(listing(after))
            items += page.items
            if not (after := page.next_after):
                return items
        raise too_many()

    def _attempt(self, call: Call[Any]) -> Reply | httpx.HTTPError:
        intake = _Intake(self._patience)
        try:
            with self._http.stream(**self._request(call)) as response:
                for chunk in response.iter_raw():
                    intake.add(chunk)
                return intake.reply(response)
        except httpx.HTTPError as error:
            return error


def too_many() -> Unknown:
    """A list that is longer than we read."""
    return Unknown(f"a list of more than {PAGES_MAX} pages: ask for a shorter time")
