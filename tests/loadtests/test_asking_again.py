"""When people at the market send the same request again, and when an answer is an answer.

In a process of its own: Locust patches the standard library where it is imported.
"""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from loadtests.config import Config, MarketDay

_ASK = """
import json
from loadtests.users.base import Reply
info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo"}
cases = [(200, ""), (0, ""), (503, "OVERLOADED"), (503, "UNAVAILABLE"), (503, "OUTCOME_UNKNOWN"),
         (504, "DEADLINE_EXCEEDED"), (500, "INTERNAL"), (400, "INSUFFICIENT_FUNDS"), (429, "RATE_LIMITED")]
print(json.dumps([Reply(s, {"details": [{**info, "reason": c}] if c else []}).again_s > 0 for s, c in cases]))
"""


@pytest.mark.parametrize(
    ("trouble", "again"),
    [
        (False, [False, False, True, False, False, False, False, False, False]),
        (True, [False, True, True, True, True, True, False, False, False]),
    ],
)
def test_only_what_was_shed_is_sent_again_and_in_trouble_whatever_was_not_answered(
    tmp_path: Path, trouble: bool, again: list[bool]
) -> None:
    MarketDay([], [], []).write(tmp_path / "people.json")
    config = Config("http://127.0.0.1:1", tmp_path / "people.json", tmp_path, trouble=trouble)
    assert Config.of(config.env()) == config
    asked = subprocess.run(
        [sys.executable, "-c", _ASK], env={**os.environ, **config.env()}, capture_output=True, text=True, check=True
    )
    assert json.loads(asked.stdout) == again


_READ = """
import json, sys
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment
from loadtests.users.base import read
client = FastHttpSession(sys.argv[1], Environment().events.request, None)
for path in sys.argv[2:]:
    with client.request("GET", path, catch_response=True) as response:
        print(json.dumps([read(response).status, read(response).definite]))
        response.success()
"""
_WHOLE = '{"balance": "5"}'


def test_an_answer_that_was_cut_is_none_though_its_first_line_said_200(tmp_path: Path) -> None:
    def head(status: str, length: int) -> str:
        return f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"

    answers = {
        "/whole": head("200 OK", len(_WHOLE)) + _WHOLE,
        "/begun": head("200 OK", len(_WHOLE)) + _WHOLE[:7],
        "/no-body": head("200 OK", len(_WHOLE)),
        "/empty": "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "/refused": "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
        "/nothing": "",
    }

    class Cut(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            path = self.rfile.readline().split()[1].decode()
            while self.rfile.readline().strip():
                pass
            self.wfile.write(answers[path].encode())

    MarketDay([], [], []).write(tmp_path / "people.json")
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Cut) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        config = Config(f"http://127.0.0.1:{server.server_address[1]}", tmp_path / "people.json", tmp_path)
        asked = subprocess.run(
            [sys.executable, "-c", _READ, config.host, *answers],
            env={**os.environ, **config.env()}, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        server.shutdown()
    assert asked.returncode == 0, asked.stderr
    said = dict(zip(answers, map(json.loads, asked.stdout.splitlines()), strict=True))
    assert said.pop("/whole") == [200, True]
    assert set(map(tuple, said.values())) == {(0, False)}, said
