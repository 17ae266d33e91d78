"""Signing keys: one document, changed by compare-and-set, so that servers starting at once agree."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import ClassVar

from joserfc.jwk import ECKey
from mongoengine import (
    BinaryField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentListField,
    IntField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit import crypto, log
from kit.errors import Contention
from services.identity.keys import Ring, SigningKey, rotated

# How old a server's copy of the ring may be; far below keys.LEAD.
RING_AGE_MAX = timedelta(seconds=60)

_ID = "ring"
SECRET_FIELD = "signing_keys.secret"  # noqa: S105 - a field's name
_ROUNDS_MAX = 3

_logger = log.logger(__name__)


class _Key(EmbeddedDocument):
    kid = StringField(required=True)
    signs_at = DateTimeField(required=True)
    secret = BinaryField(required=True)


class KeyRing(Document):
    """The ring, oldest key first; `version` counts its changes."""

    id = StringField(primary_key=True)
    version = IntField(required=True)
    keys = EmbeddedDocumentListField(_Key, required=True)

    meta: ClassVar = {"collection": "signing_keys", "auto_create_index": False}


def load_ring() -> Ring:
    """The ring as it is now, empty before the first `rotate_keys`."""
    return _opened(KeyRing.objects(id=_ID).first())


def rotate_keys(now: datetime) -> Ring:
    """Makes what is due at `now` (UTC), the very first key too, drops what nobody needs. Returns the ring.

    Raises Contention where others changed it again and again.
    """
    for _ in range(_ROUNDS_MAX):
        stored = KeyRing.objects(id=_ID).first()
        ring = _opened(stored)
        due = rotated(ring, now)
        if due == ring or _replace(stored, due):
            return due
    raise Contention("the signing keys changed at the same time")


class KeyCache:
    """A server's copy of the ring, RING_AGE_MAX old at most."""

    def __init__(self) -> None:
        self._ring: Ring = ()
        self._read_at: datetime | None = None

    def ring(self, now: datetime) -> Ring:
        """The ring at `now` (UTC)."""
        if self._read_at is None or now - self._read_at > RING_AGE_MAX:
            self._ring, self._read_at = load_ring(), now
        return self._ring


def _replace(stored: KeyRing | None, ring: Ring) -> bool:
    keys = [_Key(kid=key.kid, signs_at=key.signs_at, secret=_sealed(key.pair)) for key in ring]
    if stored is None:
        try:
            KeyRing(id=_ID, version=1, keys=keys).save(force_insert=True)
        except NotUniqueError:
            return False
    elif not KeyRing.objects(id=_ID, version=stored.version).update_one(set__keys=keys, inc__version=1):
        return False
    _logger.info("signing keys", kids=[key.kid for key in ring])
    return True


def _opened(stored: KeyRing | None) -> Ring:
    if stored is None:
        return ()
    return tuple(SigningKey(key.kid, key.signs_at, _pair(key.secret)) for key in stored.keys)


def _sealed(pair: ECKey) -> bytes:
    return crypto.encrypt(SECRET_FIELD, json.dumps(pair.as_dict(private=True)))


def _pair(secret: bytes) -> ECKey:
    return ECKey.import_key(json.loads(crypto.decrypt(SECRET_FIELD, secret)))
