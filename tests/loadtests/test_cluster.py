"""The load test in a cluster starts with everything else, and waits for it."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.api import ApiError
from kit import ports
from loadtests import cluster
from loadtests.config import Config

# Status and code of an answer.
Refusal = tuple[int, str]
PAUSE_S = 0.02


def error(code: str) -> dict[str, object]:
    return {"code": 8, "message": code, "details": [{"@type": "x/google.rpc.ErrorInfo", "reason": code}]}


@contextmanager
def gateway(port: int, refusals: list[Refusal]) -> Iterator[None]:
    """Refuses sign-ins as said, one after the other, and then lets everybody in; the seeds are in soon after."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if refusals:
                status, code = refusals.pop(0)
                self._say(status, error(code))
            else:
                self._say(200, {"tokens": {"access_token": "token"}, "user": {}})

        def do_GET(self) -> None:
            if self.path.startswith("/v1/windows"):
                self._say(200, {"windows": []})
            else:
                # The seeds' last step is not done when this is looked at the first time.
                self._say(200, {"accounts": [{"version": "2"}] if self.path in asked else []})

        def _say(self, status: int, body: dict[str, object]) -> None:
            asked.append(self.path)
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_people_are_gathered_once_the_gateway_is_up_and_the_seeds_are_in() -> None:
    port = ports.take_any()
    refusals = [(503, "UNAVAILABLE"), (429, "RATE_LIMITED"), (401, "WRONG_PIN"), (500, "UNKNOWN")]
    taken: list[float] = []
    with ExitStack() as opened:

        def pause(seconds: float) -> None:
            taken.append(seconds)
            if len(taken) == 3:
                opened.enter_context(gateway(port, refusals))

        cluster.wait(f"http://127.0.0.1:{port}", pause=pause)
    # Three times nobody listens, four times it refuses, and once the seeds are not in.
    assert taken == [cluster.PAUSE_S] * 8
    assert not refusals


def test_whoever_gathers_gives_up_at_the_limit_and_says_what_was_missing() -> None:
    port = ports.take_any()

    def wait() -> None:
        cluster.wait(f"http://127.0.0.1:{port}", seconds=0.1, pause=lambda _: time.sleep(PAUSE_S))

    with pytest.raises(cluster.NotThere, match=r"not ready after 0\.1 s: ConnectError"):
        wait()
    refusals = [(429, "TOO_MANY_ATTEMPTS")] * 1000
    with gateway(port, refusals), pytest.raises(cluster.NotThere, match="429 TOO_MANY_ATTEMPTS"):
        wait()


def test_nobody_is_gathered_before_the_platform_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    done: list[str] = []

    def wait(host: str) -> None:
        done.append(f"waited for {host}")
        if len(done) == 1:
            raise cluster.NotThere("not ready")

    monkeypatch.setattr(cluster, "wait", wait)
    monkeypatch.setattr(cluster, "gather", lambda *_: done.append("gathered"))
    plan(monkeypatch, tmp_path)
    with pytest.raises(cluster.NotThere, match="not ready"):
        cluster.main(["gather"])
    assert cluster.main(["gather"]) == 0
    host = os.environ["LOADTEST_HOST"]
    assert done == [f"waited for {host}", f"waited for {host}", "gathered"]


def plan(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    host = "http://127.0.0.1:1"
    for name, value in {"HOST": host, "PEOPLE": str(folder / "people.json"), "FOLDER": str(folder)}.items():
        monkeypatch.setenv(f"LOADTEST_{name}", value)


def test_a_load_process_waits_until_all_people_are_written_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # It ended with a traceback instead, and was started again after ever longer pauses.
    plan(monkeypatch, tmp_path)
    paused: list[float] = []

    def pause(seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 3:
            (tmp_path / "people.json").write_text("{}")

    cluster.await_people(Config.of(os.environ), pause=pause)
    assert len(paused) == 3
    assert cluster.main(["await"]) == 0
    (tmp_path / "people.json").unlink()
    with pytest.raises(cluster.NotThere, match=r"nobody was gathered within 0\.1 s"):
        cluster.await_people(Config.of(os.environ), seconds=0.1, pause=lambda _: time.sleep(PAUSE_S))


def test_where_people_were_gathered_before_it_is_said_how_to_begin_anew_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refusals = [ApiError(409, "ALREADY_EXISTS", "this phone has an account already"), ApiError(503, "OVERLOADED", "")]

    def gather(*_: object) -> None:
        raise refusals.pop(0)

    monkeypatch.setattr(cluster, "wait", lambda _: None)
    monkeypatch.setattr(cluster, "gather", gather)
    plan(monkeypatch, tmp_path)
    with pytest.raises(cluster.NotThere, match=f"this phone has an account already.*{cluster.ANEW}"):
        cluster.main(["gather"])
    with pytest.raises(ApiError, match="OVERLOADED"):
        cluster.main(["gather"])
