"""What a document keeps for others to hear: stored with its state, never lost by a save."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cho.events.v1.events_pb2 import MerchantChanged
from mongoengine import Document, IntField, NotUniqueError, StringField

from kit import mongo
from kit.config import settings
from kit.errors import Contention, NotFound, Overloaded
from kit.ids import is_id
from kit.outbox import WAITING, WAITING_MAX, OutboxMixin, outbox_event, stored_events
from kit.streams.once import SEEN_MAX, OnceMixin, apply_once


class Stall(OutboxMixin, OnceMixin, Document):
    id = StringField(primary_key=True)
    version = IntField(default=1)
    stock = IntField(default=0)


@pytest.fixture(autouse=True)
def _database(mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    settings.cache_clear()
    mongo.connect("outbox_tests")
    Stall.drop_collection()
    yield
    mongo.disconnect()
    settings.cache_clear()


def tell(stall: Stall) -> None:
    stall.version += 1
    stall.add_event("merchant.activated", stall.id, MerchantChanged(version=stall.version))


def stored(id: str) -> list[int]:
    """Versions that the stored document tells of."""
    document = Stall._get_collection().find_one({"_id": id})
    return [MerchantChanged.FromString(e.data).version for e in stored_events(document, "onboarding")]


def test_state_and_event_are_one_write() -> None:
    stall = Stall(id="mer_1")
    tell(stall)
    stall.save()
    document = Stall._get_collection().find_one(WAITING)
    [event] = stored_events(document, "onboarding")
    assert document["version"] == 2
    assert is_id(event.id, "evt")
    assert (event.type, event.subject, event.source) == ("merchant.activated", "mer_1", "onboarding")
    assert event.time.tzinfo is not None
    assert MerchantChanged.FromString(event.data).version == 2


def test_an_empty_message_is_an_event_too() -> None:
    stall = Stall(id="mer_1")
    stall.add_event("merchant.activated", "mer_1", MerchantChanged())
    stall.save()
    assert stored("mer_1") == [0]


def test_a_save_with_an_event_needs_a_condition_once_the_document_is_stored() -> None:
    Stall(id="mer_1").save()
    stall = Stall.objects.get(id="mer_1")
    tell(stall)
    with pytest.raises(ValueError, match="condition"):
        stall.save()
    stall.save(save_condition={"version": 1})
    assert stored("mer_1") == [2]


def test_two_writers_with_events_do_not_lose_one() -> None:
    Stall(id="mer_1").save()
    slow, fast = Stall.objects.get(id="mer_1"), Stall.objects.get(id="mer_1")
    tell(fast)
    fast.save(save_condition={"version": 1})
    tell(slow)
    with pytest.raises(Contention):
        slow.save(save_condition={"version": 1})
    assert stored("mer_1") == [2]


def test_a_save_brings_no_event_back_that_was_published_meanwhile() -> None:
    stall = Stall(id="mer_1")
    tell(stall)
    stall.save()
    loaded = Stall.objects.get(id="mer_1")
    Stall._get_collection().update_one({"_id": "mer_1"}, {"$set": {"outbox": []}})  # as the relay does
    for document, version in ((loaded, 2), (loaded, 3), (stall, 2)):
        tell(document)
        if document is loaded:
            document.save(save_condition={"version": version})
        else:
            with pytest.raises(Contention):
                document.save(save_condition={"version": version})
    assert stored("mer_1") == [3, 4]


def test_an_event_of_a_save_that_failed_is_gone_with_a_reload() -> None:
    Stall(id="mer_1").save()
    stall = Stall.objects.get(id="mer_1")
    Stall.objects(id="mer_1").update_one(set__version=7)
    tell(stall)
    with pytest.raises(Contention):
        stall.save(save_condition={"version": 1})
    stall.reload()
    tell(stall)
    stall.save(save_condition={"version": 7})
    assert stored("mer_1") == [8]


def test_a_pushed_event_keeps_those_that_wait() -> None:
    stall = Stall(id="mer_1")
    tell(stall)
    stall.save()
    event = outbox_event("merchant.suspended", "mer_1", MerchantChanged(version=3))
    assert Stall.objects(id="mer_1", version=2).update_one(inc__version=1, push__outbox=event)
    assert stored("mer_1") == [2, 3]


def test_a_new_document_never_replaces_a_stored_one_with_its_events() -> None:
    stall = Stall(id="mer_1")
    tell(stall)
    stall.save()
    with pytest.raises(NotUniqueError):
        Stall(id="mer_1").save()
    assert stored("mer_1") == [2]


def test_a_document_without_waiting_events_is_not_found_by_the_relay() -> None:
    Stall(id="mer_1").save()
    stall = Stall(id="mer_2")
    tell(stall)
    stall.save()
    Stall._get_collection().update_one({"_id": "mer_2"}, {"$pull": {"outbox": {"id": stall.outbox[0].id}}})
    assert Stall._get_collection().find_one(WAITING) is None


def test_the_relay_finds_them_by_a_sparse_index() -> None:
    Stall.ensure_indexes()
    [index] = [i for i in Stall._get_collection().list_indexes() if i["key"] == {"outbox.id": 1}]
    assert index["sparse"]


def test_a_document_whose_events_do_not_leave_takes_no_more() -> None:
    stall = Stall(id="mer_1")
    for _ in range(WAITING_MAX):
        tell(stall)
    with pytest.raises(Overloaded):
        tell(stall)


def test_an_event_is_applied_once_however_often_it_comes() -> None:
    Stall(id="mer_1").save()
    applied = [apply_once(Stall, "mer_1", event, {"$inc": {"stock": 5}}) for event in ("evt_1", "evt_2", "evt_1")]
    assert applied == [True, True, False]
    assert Stall.objects.get(id="mer_1").stock == 10


def test_a_document_remembers_the_newest_events_only() -> None:
    Stall(id="mer_1").save()
    for number in range(SEEN_MAX + 1):
        assert apply_once(Stall, "mer_1", f"evt_{number}", {"$inc": {"stock": 1}})
    assert Stall.objects.get(id="mer_1").seen_events == [f"evt_{n}" for n in range(1, SEEN_MAX + 1)]


def test_an_event_for_no_document_is_not_taken_for_a_second_one() -> None:
    with pytest.raises(NotFound):
        apply_once(Stall, "mer_9", "evt_1", {"$inc": {"stock": 1}})
