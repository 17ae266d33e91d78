"""MongoDB: one database a service, majority and journaled writes, aware UTC datetimes."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import mongoengine
from pymongo import MongoClient
from pymongo.errors import CollectionInvalid

from kit.config import settings

# A read or write that takes longer than this has failed; the caller hears so instead of waiting.
_TIMEOUT_MS = 10_000


def connect(service: str) -> MongoClient:
    """Makes `service`'s database mongoengine's default in this process. Call after any fork."""
    return mongoengine.connect(
        settings().mongo_database(service),
        host=settings().mongodb_uri,
        tz_aware=True,
        uuidRepresentation="standard",
        w="majority",
        journal=True,
        appname=f"cho-{service}",
        serverSelectionTimeoutMS=_TIMEOUT_MS,
        socketTimeoutMS=_TIMEOUT_MS,
        maxPoolSize=32,
    )


def open_store(service: str, documents: Iterable[type[mongoengine.Document]]) -> None:
    """Connects, and creates the collections and indexes that are missing. Call after any fork, before the first write.

    A first insert that meets the creation of its collection locks SecantusDB up for good.
    """
    connect(service)
    for document in documents:
        document.ensure_indexes()
        # mongoengine's types do not know these.
        database: Any = document._get_db()
        with suppress(CollectionInvalid):  # it is there already
            database.create_collection(document._get_collection_name())


def disconnect() -> None:
    """Forgets the connection, so that another one can be made (tests)."""
    mongoengine.disconnect()
