"""What the load generator counts, against servers that answer, refuse, say nothing of length, or hang up."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from cli.bench import own
from cli.load import Outcome, run

PAID = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
_CODED = b'{"details":[{"reason":"OVERLOADED"}]}'
SHED = b"HTTP/1.1 503 x\r\nretry-after: 1\r\ncontent-length: %d\r\n\r\n%s" % (len(_CODED), _CODED)
UNCODED = b"HTTP/1.1 503 x\r\ncontent-length: 2\r\n\r\n{}"


@contextmanager
def serving(answers: list[bytes]) -> Iterator[int]:
    """A server on a port of its own that gives every connection these answers, then hangs up on its next request."""
    ready, told = threading.Event(), dict[str, Any]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left = list(answers)
        with suppress(ConnectionError):
            while await reader.read(65_536) and left:
                writer.write(left.pop(0))
                await asyncio.sleep(0.01)
        writer.close()

    async def main() -> None:
        told["loop"], told["ended"] = asyncio.get_running_loop(), asyncio.Event()
        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            told["port"] = server.sockets[0].getsockname()[1]
            ready.set()
            await told["ended"].wait()
            await asyncio.sleep(0.05)  # who was answered last hears that nobody asks any more

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    ready.wait()
    try:
        yield told["port"]
    finally:
        told["loop"].call_soon_threadsafe(told["ended"].set)
        thread.join()


def loaded(answers: list[bytes], connections: int = 2, seconds: float = 10) -> Outcome:
    with serving(answers) as port:
        return run("127.0.0.1", port, [lambda: b"x"] * connections, seconds)


def test_a_connection_that_breaks_before_its_answer_is_one_that_failed() -> None:
    found = loaded([PAID, PAID])
    assert found.statuses == Counter({200: 4, 0: 2})
    assert own.failed(found) == own.broken(found) == 2


def test_a_reply_that_does_not_say_how_long_it_is_counts_as_failed() -> None:
    found = loaded([PAID, b"HTTP/1.1 200 OK\r\n\r\n"])
    assert found.statuses == Counter({200: 2, 0: 2})


def test_a_connection_that_ends_with_the_measurement_has_not_failed() -> None:
    found = loaded([PAID] * 1000, seconds=0.1)
    assert found.statuses.keys() == {200}
    assert own.failed(found) == 0


def test_a_coded_refusal_is_no_success_and_nothing_broken() -> None:
    found = Outcome()
    for _ in range(2):
        found.add(loaded([PAID, SHED, UNCODED] + [PAID] * 1000, connections=1, seconds=0.1))
    assert (found.statuses[503], found.overloaded) == (4, 2)
    assert (own.failed(found), own.broken(found)) == (4, 2)
