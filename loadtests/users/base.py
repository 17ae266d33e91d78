"""What everybody at the market does: takes somebody's place, signs in, asks, and checks every answer."""

from __future__ import annotations

import os
import random
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import gevent
from locust import FastHttpUser, User, events
from locust.exception import StopUser
from locust.runners import MasterRunner

from loadtests.config import Config, MarketDay
from loadtests.config import Person as Who
from loadtests.record import Record, RecordFull

CONFIG = Config.of(os.environ)
DAY = MarketDay.read(CONFIG.people)
RECORD = Record(CONFIG.folder)

# A phone gives up then, s; the gateway does after 10.
TIMEOUT_S = 15.0
CLAIMS_TRIED_S_MAX = 10.0
# Where the platform sheds load, or there is trouble on purpose, people send the same request again after a moment, s.
AGAIN_S, SHED_S_MAX, TROUBLE_S_MAX = 0.5, 20.0, 60.0
# Codes of answers in trouble: nothing was done, or the same key finds out.
TROUBLED = frozenset({"UNAVAILABLE", "OVERLOADED", "LEDGER_FENCED", "OUTCOME_UNKNOWN", "DEADLINE_EXCEEDED"})
# Of those who come, sign in anew.
SIGN_IN_SHARE = 0.1


class Wrong(Exception):
    """An answer is not what it must be."""


class Reply:
    """A definite answer: the JSON body, or the stable code of a refusal; status 0 where there was none."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.body: dict[str, Any] = body if isinstance(body, dict) else {}
        details = self.body.get("details", ()) if status != 200 else ()
        self.code = next((d["reason"] for d in details if d.get("@type", "").endswith("ErrorInfo")), "")

    @property
    def definite(self) -> bool:
        """Whether it says what became of the request."""
        return 0 < self.status < 500 and (self.status == 200 or bool(self.code))

    @property
    def again_s(self) -> float:
        """For how long it makes sense to send the request again until it is answered otherwise; 0 where it does not.

        Without trouble on purpose, only where the platform says that it has too much to do.
        """
        if CONFIG.trouble and (self.status == 0 or (self.status >= 500 and self.code in TROUBLED)):
            return TROUBLE_S_MAX
        return SHED_S_MAX if self.code == "OVERLOADED" else 0.0


def read(response: Any) -> Reply:
    """What a phone makes of it: an answer whose body did not come whole is none, whatever its first line said.

    Locust knows the body of a line that was cut as None or as its beginning, with the status that had come before.
    """
    try:
        return Reply(response.status_code, response.json())
    except (ValueError, TypeError):
        return Reply(0, {})


class Places:
    """The day's people of one kind, each for one user at a time; whom a process has taken stays with it."""

    def __init__(self, kind: str, people: list[Who]) -> None:
        self._kind, self._people = kind, people
        self._mine: list[int] = []

    def take(self) -> tuple[int, Who]:
        """Somebody whom nobody else is. Raises StopUser where all are taken for CLAIMS_TRIED_S_MAX."""
        until = time.monotonic() + CLAIMS_TRIED_S_MAX
        while True:
            number = self._mine.pop() if self._mine else self._claim()
            if number is not None:
                return number, self._people[number]
            if time.monotonic() > until:
                raise StopUser
            gevent.sleep(0.2)

    def give_back(self, number: int) -> None:
        """For the next user of this process."""
        self._mine.append(number)

    def _claim(self) -> int | None:
        """One that no process has: whoever makes the file has it."""
        for number in range(len(self._people)):
            try:
                os.close(os.open(CONFIG.folder / f"claim-{self._kind}-{number}", os.O_CREAT | os.O_EXCL, 0o600))
            except FileExistsError:
                continue
            return number
        return None


class Counted(User):
    """Whatever breaks in the load's own code is a failure of the run, wherever it breaks."""

    abstract = True

    def run(self) -> None:
        """A life; Locust tells of what breaks in a task (`user_error`), and prints what breaks before the first one."""
        try:
            super().run()
        except StopUser:  # it found no place, or what it asked for failed and is counted
            raise
        except Exception as error:
            self.broke(error)
            raise

    def broke(self, error: BaseException) -> None:
        """Counts it."""
        _count("LOAD", type(self).__name__, error)


class Person(Counted, FastHttpUser):
    """Base of the users. Nothing is retried by itself: what a retry answers is part of what is tested."""

    abstract = True
    host = CONFIG.host
    connection_timeout = TIMEOUT_S
    network_timeout = TIMEOUT_S
    places: Places
    number = -1
    certain = True

    def on_start(self) -> None:
        """Takes a place, and signs in if need be."""
        self.number, self.who = self.places.take()
        self.headers: dict[str, str] = {}
        try:
            self.headers = {"authorization": f"Bearer {self.token()}"}
        finally:
            self.certain = True  # no money has moved: the next user may try

    def on_stop(self) -> None:
        """Leaves the place to the next, unless it is not known what became of the last request."""
        if self.certain and self.number >= 0:
            self.places.give_back(self.number)

    def token(self) -> str:
        """Most phones are signed in already; the others sign in now."""
        return self.who.token if self.who.token and random.random() > SIGN_IN_SHARE else self.sign_in(self.who)

    def sign_in(self, who: Who) -> str:
        """An access token."""
        body = self.ask("POST", "/v1/sign-in", json={"phone": who.phone, "pin": who.pin}).body
        self.client.cookiejar.clear()  # browsers stay signed in by a cookie; here the header says who asks
        return str(body["tokens"]["access_token"])

    def send(self, verb: str, path: str, judge: Callable[[Reply], str], *, name: str = "", **request: Any) -> Reply:
        """A request; `judge` says what is wrong with the answer, or "". A wrong one is a failure of the run, and so is
        giving up on one that is to be sent again.
        """
        since = time.monotonic()
        while (reply := self.send_once(verb, path, judge, name=name, **request)).again_s:
            waited_s = time.monotonic() - since
            if waited_s >= reply.again_s:
                gave_up = Wrong(f"given up after {waited_s:.0f} s: {reply.status} {reply.code}")
                self.fire(verb, name or path, waited_s * 1000, gave_up)
                break
            gevent.sleep(AGAIN_S)
        return reply

    def send_once(
        self, verb: str, path: str, judge: Callable[[Reply], str], *, name: str = "", **request: Any
    ) -> Reply:
        """One request. What is to be sent again is no failure yet, and counted by itself."""
        headers = request.pop("headers", self.headers)
        since_ms: float | None = request.pop("since_ms", None)
        self.certain = False
        with self.client.request(
            verb, path, name=name or path, headers=headers, catch_response=True, **request
        ) as response:
            reply = read(response)
            if since_ms is not None:  # an open loop: from when it was due
                response.request_meta["response_time"] = time.time_ns() / 1e6 - since_ms
            if reply.again_s:
                response.request_meta["name"] = f"{name or path} (to be sent again)"
                response.success()
            elif wrong := judge(reply):
                response.failure(wrong if reply.status else f"{wrong} ({response.status_code} {response.error})")
            else:
                response.success()
        self.certain = reply.definite
        return reply

    def ask(self, verb: str, path: str, *, refusal: str = "", **request: Any) -> Reply:
        """One request, whose answer must be 200, or with `refusal` that code; all else fails, and ends this user.

        It ends, since it no longer knows what is true; what it had sent is resolved after the run.
        """

        def judge(reply: Reply) -> str:
            held = reply.code == refusal and 400 <= reply.status < 500 if refusal else reply.status == 200
            return "" if held else f"{reply.status} {reply.code}, not {refusal or '200'}"

        reply = self.send(verb, path, judge, **request)
        if judge(reply):
            raise StopUser
        return reply

    def must(self, holds: bool, what: str) -> None:
        """A check of what an answer says; counted as a failure of the run."""
        if not holds:
            self.fire("CHECK", what, 0.0, Wrong(what))

    def fire(self, kind: str, name: str, ms: float, failure: Exception | None = None) -> None:
        """Something that Locust counts besides its own requests."""
        self.environment.events.request.fire(
            request_type=kind, name=name, response_time=ms, response_length=0, exception=failure, context={}
        )


# -------------------------------------------------------------------- how many, by second

_counts: dict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])


@events.request.add_listener
def _count(request_type: str, name: str, exception: Exception | None = None, **_: Any) -> None:
    second, what = int(time.time()), f"{request_type} {name}"
    if (second, what) not in _counts and _counts and min(at for at, _ in _counts) < second - 1:
        _flush(second - 1)
    count = _counts[(second, what)]
    count[0] += 1
    if exception is not None:
        count[1] += 1
        RECORD.error(what, str(exception))


@events.user_error.add_listener
def _task_broke(user_instance: User, exception: Exception, **_: Any) -> None:
    _count("LOAD", type(user_instance).__name__, exception)


def _flush(before: int) -> None:
    for second, name in [key for key in _counts if key[0] < before]:
        answered, failed = _counts.pop((second, name))
        RECORD.calls(second, name, answered, failed)


@events.test_start.add_listener
def _begin(environment: Any, **_: Any) -> None:
    if not isinstance(environment.runner, MasterRunner):  # which loads nothing itself
        RECORD.began()


@events.test_stop.add_listener
def _flush_all(**_: Any) -> None:
    _flush(1 << 62)


@events.quitting.add_listener
def _end(environment: Any, **_: Any) -> None:
    if not isinstance(environment.runner, MasterRunner):
        with suppress(RecordFull):  # says so itself
            _flush(1 << 62)
            RECORD.ended()
