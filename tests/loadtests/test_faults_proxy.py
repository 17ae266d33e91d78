"""The bad network: what it delays, narrows, cuts and heals, in front of a real socket."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests.faults.proxy import Proxy
from loadtests.headless import ledger_port


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that says back whatever it is told."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve(connection: socket.socket) -> None:
        with connection:
            while data := connection.recv(65_536):
                connection.sendall(data)

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def _round_trip(line: socket.socket, data: bytes) -> float:
    started = time.monotonic()
    line.sendall(data)
    got = b""
    while len(got) < len(data):
        chunk = line.recv(65_536)
        assert chunk, "the line was cut"
        got += chunk
    assert got == data
    return time.monotonic() - started


def _line(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def test_a_good_network_carries_everything_both_ways_in_order(echo: int) -> None:
    with Proxy(lambda: echo) as proxy, _line(proxy) as line:
        _round_trip(line, bytes(range(256)) * 4_000)


def test_what_is_delayed_is_never_early_and_changes_while_connections_stand(echo: int) -> None:
    with Proxy(lambda: echo) as proxy, _line(proxy) as line:
        _round_trip(line, b"a")
        proxy.slow(60)
        assert _round_trip(line, b"b") >= 0.12
        proxy.heal()
        _round_trip(line, b"c")


def test_what_is_narrow_takes_its_time(echo: int) -> None:
    with Proxy(lambda: echo) as proxy, _line(proxy) as line:
        proxy.slow(0, bytes_per_s=200_000)
        assert _round_trip(line, b"x" * 60_000) >= 0.2


def test_a_cut_ends_every_line_and_takes_no_other_until_it_is_healed(echo: int) -> None:
    with Proxy(lambda: echo) as proxy:
        with _line(proxy) as line:
            _round_trip(line, b"a")
            proxy.cut()
            with pytest.raises((AssertionError, ConnectionError)):
                _round_trip(line, b"b" * 50_000_000)
        with pytest.raises((AssertionError, ConnectionError)), _line(proxy) as line:
            _round_trip(line, b"c")
        proxy.heal()
        with _line(proxy) as line:
            _round_trip(line, b"d")


def test_behind_it_nobody_may_be() -> None:
    def nowhere() -> int:
        raise ConnectionRefusedError("not started yet")

    with Proxy(nowhere) as proxy, pytest.raises((AssertionError, ConnectionError)), _line(proxy) as line:
        _round_trip(line, b"a")


def test_a_server_that_is_being_configured_listens_nowhere_yet(tmp_path: Path) -> None:
    config = tmp_path / "valkey" / "valkey.conf"
    config.parent.mkdir()
    config.write_text("")
    with pytest.raises(ConnectionRefusedError):
        ledger_port(tmp_path)
    config.write_text("maxmemory 1gb\nport 6379\n")
    assert ledger_port(tmp_path) == 6379
