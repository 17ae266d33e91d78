"""Telling webhooks as the worker does, in a cooperative process: no receiver keeps a place, or all, for long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import eventlet
import pytest
import redis

from kit.config import settings
from services.payments import hooks, sender, store
from services.payments.hooks import Topic
from services.payments.store import webhook_documents
from tests.conftest import opened
from tests.payments.test_webhooks import Desk, Receiver, states

pytestmark = pytest.mark.worker

LIMIT_S = 0.5


class Dripping:
    """A receiver that always says a little more, and never what it thinks of a delivery."""

    def __init__(self, first: bytes, drip: bytes) -> None:
        self._first, self._drip = first, drip
        self.asked, self.left, self.over = 0, 0, False
        self._socket = eventlet.listen(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/hook"
        self._server = eventlet.spawn(eventlet.serve, self._socket, self._answer)

    def _answer(self, connected: Any, _: Any) -> None:
        self.asked += 1
        try:
            connected.recv(65_536)
            connected.sendall(self._first)
            while not self.over:
                connected.sendall(self._drip)
                eventlet.sleep(LIMIT_S / 10)
        except OSError:
            self.left += 1

    def close(self) -> None:
        self.over = True
        self._server.kill()
        self._socket.close()


INFORMED = (b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")
HEADING = (b"HTTP/1.1 200 OK\r\nx-slow: ", b"a")


@pytest.fixture
def dripping() -> Iterator[Callable[..., Dripping]]:
    made: list[Dripping] = []

    def make(first: bytes, drip: bytes) -> Dripping:
        made.append(Dripping(first, drip))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def desk(client: redis.Redis, mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(hooks, "ANSWER_S_MAX", LIMIT_S)
    monkeypatch.setattr(settings(), "mongodb_uri", mongo_uri)
    with opened(store.open_documents, mongo_uri):
        for kind in webhook_documents.DOCUMENTS:
            kind.objects.delete()
        yield Desk(client)


def another(desk: Desk) -> Desk:
    """Another merchant of the same owner, told by the same process."""
    made = Desk(desk.client)
    made.owner, made.lease = desk.owner, desk.lease
    return made


@pytest.mark.parametrize("kind", [INFORMED, HEADING], ids=["informed", "heading"])
def test_a_receiver_that_never_comes_to_its_answer_has_no_longer_than_any_other(
    desk: Desk, dripping: Callable[..., Dripping], kind: tuple[bytes, bytes]
) -> None:
    slow = dripping(*kind)
    hook = desk.hook(slow.url)
    desk.announce(1, 2)
    with eventlet.Timeout(60):  # of the receiver's own accord it never ends
        desk.tick()
    failing = desk.now(hook)
    assert (failing.last_status, failing.lines[Topic.PAYMENTS].tries) == (0, 1)
    assert failing.last_error == f"no answer within {LIMIT_S:g} s"
    assert states(hook) == [(3, "waiting"), (6, "waiting")]
    with eventlet.Timeout(60):
        while not slow.left:
            eventlet.sleep(0.02)
    assert (slow.asked, slow.left) == (1, 1), "the connection is closed"


def test_an_address_that_is_not_found_in_time_is_a_failed_try(desk: Desk) -> None:
    hook = desk.hook("http://shop.example/hook")
    desk.announce(1)
    with eventlet.Timeout(10 * LIMIT_S):
        desk.tick(lookup=lambda *_: eventlet.sleep(100 * LIMIT_S))
    assert desk.now(hook).last_error == f"no answer within {LIMIT_S:g} s"


def test_sixteen_lines_of_one_merchant_that_take_for_ever_keep_no_other_merchant_waiting(
    desk: Desk, dripping: Callable[..., Dripping], receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "ANSWER_S_MAX", 100.0)
    monkeypatch.setattr(store.webhooks, "HOOKS_MAX", 16)
    slow, good = dripping(*INFORMED), another(desk)
    for _ in range(16):
        desk.hook(slow.url)
    good.hook(receiver.url)
    desk.announce(1)
    good.announce(1)
    telling = desk.sender()
    telling.tick()
    with eventlet.Timeout(60):
        while not receiver.got or slow.asked < sender.AT_ONCE_MAX // 4:
            eventlet.sleep(0.02)
    telling.tick()
    places = [merchant_id for merchant_id, _ in telling._busy]
    assert places.count(desk.merchant) == slow.asked == sender.AT_ONCE_MAX // 4
    slow.over = True
    telling.wait()


def test_who_waits_for_a_place_has_one_before_anybody_has_a_second_turn(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "AT_ONCE_MAX", 4)  # one for each merchant
    desks = [desk, *(another(desk) for _ in range(9))]
    for one in desks:
        one.hook(receiver.url)
    telling, told = desk.sender(), []
    tell = telling.tell
    telling.tell = lambda hook, topic: told.append(hook.merchant_id) or tell(hook, topic)  # type: ignore[func-returns-value, method-assign]
    for _ in range(3):
        for one in desks:
            one.announce(1)
        telling.tick()
        telling.wait()
    assert set(told[:10]) == {one.merchant for one in desks}
