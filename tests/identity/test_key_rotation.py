"""Signing keys turn under a stream of requests through a real gateway, and not one of them fails."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
from joserfc import jws

from gateway import limits
from gateway.bootstrap import bootstrap, write
from gateway.cors import CorsSettings
from gateway.envoy import envoy_binary
from gateway.typed import duration
from kit import tls
from kit.config import Settings
from kit.config import settings as own_settings
from kit.rpc.threads import Server
from services.identity import keys, store
from services.identity.external.provider import Provider
from services.identity.server import servicers
from services.identity.tokens import ACCESS_LIFE
from services.identity.user import User
from tests.conftest import free_port
from tests.identity.conftest import PHONE, PIN, Clock, Messages
from tests.waiting import until

# How long Envoy keeps its copy of the keys: whole seconds (of less than one it asks without end).
CACHE = "1s"
# How identity's clock goes on, and whether the gateway looks again before it goes further: in production it does every
# minute, which is several times in each of these but the last two, where it need not.
MOVES = (
    (keys.PERIOD - keys.LEAD, True),  # the next key is made and shown
    (keys.LEAD - timedelta(minutes=5), False),
    (timedelta(minutes=5), True),  # it signs
    (timedelta(minutes=8), False),  # tokens of the first one are good still
    (ACCESS_LIFE, True),  # and are no more: nobody needs the first key
)
ASKED_EACH_MIN = 10


@contextmanager
def gateway(identity_port: int, home: Path) -> Iterator[tuple[str, Any]]:
    """A real Envoy before identity: its URL, and a function that tells how often it has fetched the keys."""
    settings = Settings(
        _env_file=None,
        env="local",
        gateway_port=free_port(),
        gateway_admin_port=free_port(),
        gateway_jwks_port=free_port(),
        identity_addr=f"127.0.0.1:{identity_port}",
        edge_secret=own_settings().edge_secret,
        rate_scale=1_000,
    )
    shown = f'"cache_duration": "{duration(limits.JWKS_CACHE_S * 1000)}"'
    config = json.dumps(bootstrap(settings, CorsSettings(_env_file=None)))
    assert shown in config
    write(json.loads(config.replace(shown, f'"cache_duration": "{CACHE}"')), home / "envoy.json")
    command: list[str | Path] = [
        envoy_binary(),
        "-c",
        home / "envoy.json",
        "--disable-hot-restart",
        "--concurrency",
        "1",
    ]
    with (home / "envoy.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as envoy:
        try:
            admin = f"http://127.0.0.1:{settings.gateway_admin_port}"

            def fetched() -> int:
                try:
                    asked = {"filter": "jwks_fetch_success"}
                    reply = httpx.get(f"{admin}/stats", params=asked, verify=tls.context())
                except httpx.TransportError:
                    return 0
                return sum(int(line.rpartition(":")[2]) for line in reply.text.splitlines())

            until(lambda: fetched() > 0)
            yield f"http://127.0.0.1:{settings.gateway_port}", fetched
        finally:
            envoy.kill()


class Stream:
    """Somebody who never stops asking, with the oldest token that is still good and with the newest."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, verify=tls.context())
        self._clock = clock
        self._stop = threading.Event()
        # Held while somebody asks, and while hours pass: a token that was good when it was sent is good on arrival.
        self.asking = threading.Lock()
        self.statuses: list[int] = []
        self.kids: list[str] = []
        self._held: list[tuple[Any, str]] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._http.close()

    def sign_in_and_ask(self) -> None:
        now = self._clock()
        reply = self._http.post("/v1/sign-in", json={"phone": PHONE, "pin": PIN})
        self._http.cookies.clear()
        self.statuses.append(reply.status_code)
        token = reply.json()["tokens"]["access_token"]
        self.kids.append(str(jws.extract_compact(token.encode()).headers()["kid"]))
        self._ask(token)
        self._held.append((now, token))

    def _run(self) -> None:
        while not self._stop.is_set():
            with self.asking:
                good = [token for since, token in self._held if self._clock() - since < ACCESS_LIFE]
                for token in good and (good[0], good[-1]):
                    self._ask(token)
                if not good:
                    self.sign_in_and_ask()
            time.sleep(0.001)  # or the one that waits for the lock would hardly ever have it

    def _ask(self, token: str) -> None:
        reply = self._http.get("/v1/me", headers={"authorization": f"Bearer {token}"})
        self.statuses.append(reply.status_code)


def test_keys_turn_and_no_request_fails(
    shopper: User, hasher: store.Hasher, moving_clock: Clock, messages: Messages, tmp_path: Path
) -> None:
    first = store.rotate_keys(moving_clock())
    with closing(Provider(own_settings(), moving_clock)) as provider:
        server = Server("127.0.0.1:0", servicers(messages.courier, provider, hasher, moving_clock))
        try:
            with gateway(server.port, tmp_path) as (url, fetched):
                stream = Stream(url, moving_clock)
                try:
                    until(lambda: stream.kids)
                    for step, waits in MOVES:
                        with stream.asking:
                            moving_clock.moved += step
                            ring, seen, asked = store.rotate_keys(moving_clock()), fetched(), len(stream.statuses)
                        # At once, before the gateway has looked again: what signs now must have been shown before.
                        stream.sign_in_and_ask()
                        until(lambda seen=seen, waits=waits: fetched() > seen or not waits)
                        until(lambda asked=asked: len(stream.statuses) >= asked + ASKED_EACH_MIN)
                finally:
                    stream.stop()
        finally:
            server.stop()
    assert set(stream.statuses) == {200}
    assert len(stream.statuses) >= len(MOVES) * ASKED_EACH_MIN
    (old,), (new,) = first, ring
    assert (stream.kids[0], stream.kids[-1]) == (old.kid, new.kid)
    assert new.kid != old.kid
