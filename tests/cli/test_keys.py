"""`cho keys rotate`: all that is encrypted is encrypted under the newest key, and the old one can be thrown away."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pymongo
import pytest
from cryptography.exceptions import InvalidTag
from typer.testing import CliRunner

from cli import keys
from kit import clock, mongo
from kit.config import settings
from services.identity import store
from services.onboarding import seed
from services.onboarding import store as onboarding
from tests.conftest import opened

PIN, PHONE = "482917", "0912345678"


def use(monkeypatch: pytest.MonkeyPatch, key: str, *old: str) -> None:
    monkeypatch.setattr(settings(), "field_key", key)
    monkeypatch.setattr(settings(), "field_keys_old", ",".join(old))


@pytest.fixture
def filled(mongo_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person, a signing key and a merchant, of the first key; no stack runs, and the key is the second now."""
    monkeypatch.setattr(settings(), "home", tmp_path)
    monkeypatch.setattr(settings(), "mongodb_uri", mongo_uri)
    use(monkeypatch, "first")
    # What other tests left behind is of keys of theirs.
    with closing(pymongo.MongoClient[dict[str, object]](mongo_uri)) as client:
        for database in client.list_database_names():
            if database.startswith("cho_"):
                client.drop_database(database)
    with opened(store.open_store, mongo_uri):
        for document in store.DOCUMENTS:
            document.objects.delete()
        store.create_user(PHONE, PIN, "Lan", ["shopper"], hasher=store.Hasher(memory_kib=8, passes=1))
        store.rotate_keys(clock.now())
    with opened(onboarding.open_store, mongo_uri):
        onboarding.MerchantDocument.objects.delete()
        onboarding.ensure_market(seed.markets()[0])
    mongo.disconnect()


def person(uri: str) -> store.Account:
    def connected() -> None:
        mongo.connect("identity")

    with opened(connected, uri):
        found = store.account_by_phone("+84912345678")
        assert found is not None
        assert store.load_ring()
        return found


def test_after_it_the_old_key_can_be_thrown_away(filled: None, mongo_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, "second", "first")
    done = CliRunner().invoke(keys.app, ["rotate", "--json"])
    assert done.exit_code == 0, done.output
    report = {line["field"]: line for line in json.loads(done.output)}
    assert report["identity users.phone"]["done"] == report["identity signing_keys.keys.secret"]["done"] == 1
    assert all((line["missed"], line["failed"]) == (0, "") for line in report.values())
    again = CliRunner().invoke(keys.app, ["rotate", "--json"])
    assert {line["done"] for line in json.loads(again.output)} == {0}
    use(monkeypatch, "second")
    assert person(mongo_uri).user.phone == "+84912345678"


def test_without_the_old_key_it_says_what_is_missing_and_changes_nothing(
    filled: None, mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "second")
    done = CliRunner().invoke(keys.app, ["rotate"])
    assert done.exit_code == 1
    assert "add its key to CHO_FIELD_KEYS_OLD" in done.output
    with pytest.raises(InvalidTag):
        person(mongo_uri)
    use(monkeypatch, "first")
    assert person(mongo_uri).user.phone == "+84912345678"
