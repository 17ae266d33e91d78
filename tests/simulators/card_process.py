"""The card simulator in a process of its own, to be killed and started again; and an endpoint for its webhooks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx

from kit import ports, tls
from tests.waiting import until

SECRET_KEY = "sk_test_ofThisTest"
WEBHOOK_SECRET = "whsec_ofThisTest"
CONTROL_SECRET = "control-of-this-test"
WAIT_S_MAX = 60


@dataclass(frozen=True)
class Heard:
    """One delivery of a webhook."""

    payload: bytes
    signature: str
    event: dict[str, Any]


class Receiver:
    """A webhook endpoint: keeps what it hears. `answers` are the statuses it gives next; then 200."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                payload = self.rfile.read(int(self.headers["Content-Length"]))
                event = httpx.Response(200, content=payload).json()
                receiver.heard.append(Heard(payload, self.headers["Stripe-Signature"], event))
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhook"

    def types(self) -> list[str]:
        return [heard.event["type"] for heard in self.heard]

    def of(self, event_type: str) -> list[Heard]:
        return [heard for heard in self.heard if heard.event["type"] == event_type]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class CardSimulator:
    """`with CardSimulator(home) as simulator: ...`; its state is in `home`."""

    home: Path
    webhook_url: str = ""
    env: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=ports.take_any)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def launch(self) -> subprocess.Popen[bytes]:
        """The process, ready or not."""
        env = {
            "STRIPE_SECRET_KEY": SECRET_KEY,
            "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
            "CHO_CARD_CONTROL_SECRET": CONTROL_SECRET,
            "CHO_HOME": str(self.home),
        }
        argv = [sys.executable, "-m", "simulators.card", "--port", str(self.port), "--webhook-url", self.webhook_url]
        return subprocess.Popen(argv, env={**os.environ, **env, **self.env}, stderr=subprocess.PIPE)

    def start(self) -> None:
        self.process = self.launch()
        until(self._answers)

    def _answers(self) -> bool:
        assert self.process
        assert self.process.poll() is None, "the simulator ended"
        try:
            return httpx.get(self.url + "/healthz", verify=tls.context()).status_code == 200
        except httpx.TransportError:
            return False

    def kill(self, with_signal: int = signal.SIGKILL) -> int:
        assert self.process
        self.process.send_signal(with_signal)
        assert self.process.stderr
        self.process.stderr.read()
        self.process.stderr.close()
        return self.process.wait(WAIT_S_MAX)

    # ---------------------------------------------------------------- control

    def control(self, method: str, path: str, **body: object) -> dict[str, Any]:
        """Raises httpx.HTTPStatusError where it is refused."""
        response = httpx.request(
            method,
            f"{self.url}/control/{path}",
            json=body if method == "POST" else None,
            headers={"Authorization": f"Bearer {CONTROL_SECRET}"},
            verify=tls.context(),
        )
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
        return answer

    def arm(self, kind: str, on: str = "*", **more: object) -> None:
        """The next request or event that matches meets this fault."""
        self.control("POST", "faults", kind=kind, on=on, **more)

    def calm(self) -> None:
        """No fault is armed any more."""
        self.control("DELETE", "faults")
