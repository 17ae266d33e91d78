"""Who is reached by a phone number: as identity tells it, in whatever order, and no longer than it says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from cho.events.v1.events_pb2 import UserChanged, UserErased

from kit.clock import now
from kit.crypto import phone_index
from kit.streams.event import Event
from services.payments.store.people import GONE_DAYS, identified_key, person_key, put_person

INDEX = phone_index("0912345678")
KEY = person_key(INDEX)


@pytest.fixture
def client(valkey: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(valkey, decode_responses=True) as connected:
        yield connected


def changed(user_id: str, version: int, name: str = "Nguyễn T** L**") -> Event:
    told = UserChanged(user_id=user_id, phone_index=INDEX, display_name=name, version=version)
    return Event("evt", "user.changed", "identity", user_id, now(), "", told.SerializeToString())


def erased(user_id: str, version: int) -> Event:
    told = UserErased(user_id=user_id, phone_index=INDEX, version=version)
    return Event("evt", "user.erased", "identity", user_id, now(), "", told.SerializeToString())


def reached(client: redis.Redis) -> tuple[str, str]:
    """Whom the number reaches, and their name."""
    found = client.hgetall(KEY)
    return found.get("o", ""), found.get("n", "")  # type: ignore[union-attr]


def test_a_newer_word_of_a_person_counts_and_an_older_one_does_not(client: redis.Redis) -> None:
    for event in (changed("usr_1", 1, "A"), changed("usr_1", 3, "C"), changed("usr_1", 2, "B")):
        put_person(client, event)
    assert reached(client) == ("usr_1", "C")


def test_who_is_erased_is_reached_no_more_however_late_older_events_come(client: redis.Redis) -> None:
    for event in (changed("usr_1", 1), erased("usr_1", 2), changed("usr_1", 1), erased("usr_1", 2)):
        put_person(client, event)
    assert reached(client) == ("", "")
    assert "L**" not in repr(client.hgetall(KEY))
    assert 0 < client.ttl(KEY) <= GONE_DAYS * 86_400  # type: ignore[operator]


def test_a_number_reaches_whoever_has_it_after_somebody_who_was_erased(client: redis.Redis) -> None:
    for event in (changed("usr_1", 5), erased("usr_1", 6), changed("usr_2", 1, "Trần V** B***")):
        put_person(client, event)
    assert reached(client) == ("usr_2", "Trần V** B***")
    assert client.ttl(KEY) == -1
    for late in (changed("usr_1", 5), erased("usr_1", 6)):
        put_person(client, late)
    assert reached(client) == ("usr_2", "Trần V** B***")
    assert client.ttl(KEY) == -1


def test_who_somebody_is_by_their_card_is_heard_once_and_forgotten_with_them(client: redis.Redis) -> None:
    told = UserChanged(user_id="usr_1", phone_index=INDEX, display_name="A", version=2, person_id="prs_1")
    identified = Event("evt", "user.changed", "identity", "usr_1", now(), "", told.SerializeToString())
    for event in (identified, changed("usr_1", 1), changed("usr_1", 3)):
        put_person(client, event)
    assert client.get(identified_key("usr_1")) == "prs_1", "an older event, and a newer one without it, change nothing"
    for event in (erased("usr_1", 4), identified):
        put_person(client, event)
    assert client.get(identified_key("usr_1")) == ""
    assert 0 < client.ttl(identified_key("usr_1")) <= GONE_DAYS * 86_400  # type: ignore[operator]
