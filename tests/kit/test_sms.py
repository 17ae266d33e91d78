"""Text messages: a file where one develops, a provider elsewhere, never a log line."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from kit import sms
from kit.config import settings
from kit.errors import Unavailable

TO, TEXT = "+84912345678", "Mã: 482917"


def test_locally_a_message_is_a_line_of_a_file_that_only_its_owner_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "home", tmp_path)
    for _ in range(2):
        sms.sender()(TO, TEXT)
    lines = [json.loads(line) for line in (tmp_path / "sms.jsonl").read_text().splitlines()]
    assert [(line["to"], line["text"]) for line in lines] == [(TO, TEXT)] * 2
    assert (tmp_path / "sms.jsonl").stat().st_mode & 0o077 == 0


def test_the_file_starts_anew_when_it_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "FILE_BYTES_MAX", 100)
    send = sms.FileSender(tmp_path / "sms.jsonl")
    for _ in range(5):
        send(TO, TEXT)
    assert {path.name for path in tmp_path.iterdir()} == {"sms.jsonl", "sms.old.jsonl"}
    assert all(path.stat().st_size < 300 for path in tmp_path.iterdir())


def test_elsewhere_nobody_is_written_to_without_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings(), "env", "production")
    with pytest.raises(Unavailable, match="CHO_SMS_URL"):
        sms.sender()


@pytest.fixture
def provider() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A provider's URL and what it was asked to send; it fails for numbers that end in 0, and refuses those that end
    in 4."""
    taken: list[dict[str, str]] = []

    class Provider(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            taken.append(body | {"authorization": self.headers["authorization"]})
            self.send_response({"0": 500, "4": 400}.get(body["to"][-1], 202))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Provider) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/send", taken
        server.shutdown()
        thread.join()


def test_a_provider_is_sent_the_message_with_an_id_and_our_token(
    provider: tuple[str, list[dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, taken = provider
    monkeypatch.setattr(settings(), "sms_url", url)
    monkeypatch.setattr(settings(), "sms_token", "t0ken")
    sms.sender()(TO, TEXT)
    ((said),) = taken
    assert (said["to"], said["text"], said["authorization"]) == (TO, TEXT, "Bearer t0ken")
    assert said["id"].startswith("sms_")
    with pytest.raises(Unavailable):
        sms.sender()("+84912345670", TEXT)
    # Sent again it would be refused again: it is not for that to wait for.
    with pytest.raises(sms.RefusedError):
        sms.sender()("+84912345674", TEXT)


def test_the_courier_sends_all_it_took_and_its_log_names_neither_receiver_nor_text() -> None:
    sent: list[str] = []

    def send(to: str, text: str) -> None:
        if len(sent) == 1:
            sent.append("failed")
            raise Unavailable("failed")
        if len(sent) == 2:
            sent.append("broke")
            raise ValueError(f"{to} {text}")
        sent.append(to)

    courier = sms.Courier(send)
    with capture_logs() as logs:
        for _ in range(4):
            assert courier.post(TO, TEXT)
            # One at a time, so that it is known which of them fails.
            while courier._room._value != sms.WAITING_MAX:
                pass
        courier.close()
    assert sent == [TO, "failed", "broke", TO]
    assert [entry["event"] for entry in logs] == ["message not sent"] * 2
    assert TO not in repr(logs)
    assert "482917" not in repr(logs)


def test_past_its_limit_the_courier_drops_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sms, "WAITING_MAX", 3)
    hold = threading.Event()
    courier = sms.Courier(lambda to, text: (hold.wait(10), None)[1])
    assert [courier.post(TO, TEXT) for _ in range(5)] == [True, True, True, False, False]
    hold.set()
    courier.close()
