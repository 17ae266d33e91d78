"""What goes wrong with the load itself is a failure of the run: given up, broken, never sent, never heard.

In processes of their own: Locust patches the standard library where it is imported.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests import record
from loadtests.config import Config, MarketDay, Person, Stall

SHED = {"details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "OVERLOADED"}]}
STALL, WALLETS = Stall("mer_1", "0002", after=7, version=3), 4
DAY = MarketDay(
    [Person(f"097700000{n}", "1", f"wal_{n}", "VIETTEL", token="t") for n in range(WALLETS)],
    [Person("0900", "1", "mer_1")],
    [STALL],
)


class _Platform(BaseHTTPRequestHandler):
    """Sheds what is under /shed; every payment takes a tenth of a second; the stall's account has sold twice."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/shed"):
            self._answer(503, SHED)
        else:
            self._answer(200, {"account": {"balance": "1000000000", "version": "5"}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(0.1)
        self._answer(200, {})

    def _answer(self, status: int, body: dict[str, object]) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def platform() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Platform) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


_RUN = """
import gevent, locust
from locust.env import Environment
from loadtests.users import arrivals, base, vendor
{code}
environment = Environment(user_classes=[Somebody], events=locust.events, host=base.CONFIG.host)
runner = environment.create_local_runner()
runner.start(1, spawn_rate=1)
gevent.sleep(base.CONFIG.seconds)
runner.quit()
locust.events.quitting.fire(environment=environment, reverse=True)
"""


def _told(folder: Path, platform: str, code: str, **config: float) -> record.Told:
    DAY.write(folder / "people.json")
    made = Config(platform, folder / "people.json", folder, seconds=2, **config)  # type: ignore[arg-type]
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(code=code)], env={**os.environ, **made.env()}, capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return record.read(folder)


def _reasons(told: record.Told) -> set[str]:
    assert record.requests(told)[1] >= 1
    return {text for _, _, text in told.errors}


def test_giving_up_on_a_request_that_the_platform_sheds_is_a_failure(tmp_path: Path, platform: str) -> None:
    told = _told(tmp_path, platform, """
base.SHED_S_MAX, base.AGAIN_S = 0.5, 0.1
class Somebody(base.Person):
    def on_start(self):
        self.headers = {}
    @locust.task
    def look(self):
        self.ask("GET", "/shed")
""")  # fmt: skip
    assert any(reason.startswith("given up after") for reason in _reasons(told))
    assert record.incomplete(told, 1) == []


@pytest.mark.parametrize("where", ["on_start", "buy"])
def test_an_exception_in_the_load_is_a_failure_wherever_it_comes(tmp_path: Path, platform: str, where: str) -> None:
    told = _told(tmp_path, platform, f"""
class Somebody(base.Person):
    def on_start(self):
        pass
    @locust.task
    def buy(self):
        gevent.sleep(0.2)
    def {where}(self):
        gevent.sleep(0.2)
        raise KeyError("balance")
    {where} = locust.task({where}) if "{where}" == "buy" else {where}
""")  # fmt: skip
    assert "'balance'" in _reasons(told)


def test_a_stall_that_hears_nothing_of_what_it_sold_is_a_failure(tmp_path: Path, platform: str) -> None:
    told = _told(tmp_path, platform, """
vendor.HEARD_S_MAX = 0.3
class Somebody(vendor.Vendor):
    def on_start(self):
        self.headers, self.number, self.who = {}, 0, base.DAY.vendors[0]
        self.version = base.DAY.stalls[0].version
        self.known = {self.version: 0}
    def on_stop(self):
        pass
    wait_time = locust.constant(0)
""")  # fmt: skip
    assert "a payment was not announced within 0.3 s" in _reasons(told)


def test_payments_that_were_due_and_never_sent_are_told(tmp_path: Path, platform: str) -> None:
    """Four wallets and a tenth of a second each are 40 a second: of 150 that come at once many wait at the end."""
    told = _told(tmp_path, platform, """
arrivals.FINISH_S_MAX, arrivals.arrivals = 0.5, lambda *day: [0.0] * 150
class Somebody(arrivals.Arrivals):
    def judged(self, reply, refusal):
        return ""
""", rate=200)  # fmt: skip
    sent = len(told.asked)
    assert told.unsent > 0 < sent
    assert sent + told.unsent == 150, "each that was due was sent or is told"
    assert any("never sent" in why for why in record.incomplete(told, 1))


def test_payments_that_were_sent_and_not_answered_when_it_was_over_are_told(tmp_path: Path, platform: str) -> None:
    told = _told(tmp_path, platform, """
arrivals.FINISH_S_MAX, arrivals.arrivals = 0.2, lambda *day: [0.0] * 3
class Somebody(arrivals.Arrivals):
    def spend(self, index, due_ms):
        gevent.sleep(60)
""", rate=200)  # fmt: skip
    assert (told.unsent, told.unanswered) == (0, 3)
    assert any("3 payments were sent and not answered" in why for why in record.incomplete(told, 1))
