"""What everybody at the market does: signs in, asks, and checks every answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from locust import FastHttpUser
from locust.exception import StopUser

from loadtests.config import Config, MarketDay
from loadtests.config import Person as Who
from loadtests.record import Record

CONFIG = Config.of(os.environ)
DAY = MarketDay.read(CONFIG.day)
RECORD = Record(CONFIG.record)

# A phone gives up then, s; the gateway does after 10.
TIMEOUT_S = 15.0


class Wrong(Exception):
    """An answer is not what it must be."""


class Reply:
    """A definite answer: the JSON body, or the stable code of a refusal."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status, self.body = status, body
        details = body.get("details", ()) if status != 200 else ()
        self.code = next((d["reason"] for d in details if d.get("@type", "").endswith("ErrorInfo")), "")


class Person(FastHttpUser):
    """Base of the users. Nothing is retried by itself: what a retry answers is part of what is tested."""

    abstract = True
    host = CONFIG.host
    connection_timeout = TIMEOUT_S
    network_timeout = TIMEOUT_S
    # Whose turn it is to come; one of the day's people each.
    comers: Iterator[Who]

    def on_start(self) -> None:
        """Signs in."""
        self.who = next(self.comers)
        self._headers: dict[str, str] = {}
        body = self.ask("POST", "/v1/sign-in", json={"phone": self.who.phone, "pin": self.who.pin}).body
        self._headers = {"authorization": f"Bearer {body['tokens']['access_token']}"}

    def ask(self, verb: str, path: str, *, name: str = "", refusal: str = "", **request: Any) -> Reply:
        """One request, whose answer must be 200, or with `refusal` that code; all else fails, and ends this user.

        It ends, since it no longer knows what is true; what it had sent is resolved after the run.
        """
        with self.client.request(
            verb, path, name=name or path, headers=self._headers, catch_response=True, **request
        ) as response:
            try:
                reply = Reply(response.status_code, response.json() or {})
            except ValueError:
                reply = Reply(response.status_code, {})
            if refusal and reply.code == refusal and reply.status in (400, 409):
                response.success()
                return reply
            if reply.status == 200 and not refusal:
                response.success()
                return reply
            wanted = refusal or "200"
            response.failure(f"{reply.status} {reply.code or response.error}, not {wanted}")
        raise StopUser

    def must(self, holds: bool, what: str) -> None:
        """A check of what an answer says; counted as a failure of the run."""
        if not holds:
            self.environment.events.request.fire(
                request_type="CHECK",
                name=what,
                response_time=0,
                response_length=0,
                exception=Wrong(what),
                context={},
            )
