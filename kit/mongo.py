"""MongoDB: one database a service, majority and journaled writes, aware UTC datetimes."""

from __future__ import annotations

import mongoengine
from pymongo import MongoClient

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


def disconnect() -> None:
    """Forgets the connection, so that another one can be made (tests)."""
    mongoengine.disconnect()
