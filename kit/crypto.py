"""Personal data at rest: fields encrypted one by one, found again by blind index, masked when shown.

A stored value is a version byte, 4 bytes that name its key, 12 bytes of nonce, and AES-256-GCM ciphertext with its tag.
`CHO_FIELD_KEY` encrypts; `CHO_FIELD_KEYS_OLD` only decrypt, until `cho keys rotate` has encrypted everything anew
(docs/privacy.md). Values of before there were key ids (a bare nonce and ciphertext) are read with any of the keys.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit import phones
from kit.config import settings

_TOLD_TAX = "events.tax_code"
_VERSION = b"\x01"
_KEY_ID_BYTES, _NONCE_BYTES = 4, 12
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES


@cache
def _key(purpose: str, secret: str) -> bytes:
    return hashlib.sha256(f"{purpose}:{secret}".encode()).digest()


@cache
def _header(secret: str) -> bytes:
    """What values of this key begin with. The id says nothing of the key: it is a hash for that purpose alone."""
    return _VERSION + _key("field-key-id", secret)[:_KEY_ID_BYTES]


def _ring() -> dict[bytes, bytes]:
    """Every key that decrypts, by header; the one that encrypts first."""
    secrets = (settings().field_key, *filter(None, settings().field_keys_old.split(",")))
    return {_header(secret): _key("field", secret) for secret in secrets}


def encrypt(field: str, text: str, owner: str = "") -> bytes:
    """AES-256-GCM under the newest key.

    `field` ("users.phone") and, where given, `owner` (the document's id) are bound in, so that who can write to the
    database cannot move a value to another field, or to somebody else.
    """
    nonce = os.urandom(_NONCE_BYTES)
    header, key = next(iter(_ring().items()))
    return header + nonce + AESGCM(key).encrypt(nonce, text.encode(), _bound(field, owner))


def decrypt(field: str, data: bytes, owner: str = "") -> str:
    """The reverse of `encrypt`. Raises cryptography's InvalidTag where data, field or owner is not the original, or no
    key of the ring made it."""
    ring = _ring()
    if key := ring.get(data[:_HEADER_BYTES]):
        return _open(key, data[_HEADER_BYTES:], _bound(field, owner))
    for key in ring.values():
        try:
            return _open(key, data, field.encode())
        except InvalidTag:
            continue
    raise InvalidTag


def is_current(data: bytes) -> bool:
    """Whether the newest key encrypted it."""
    return data.startswith(_header(settings().field_key))


def reencrypt(field: str, data: bytes, owner: str = "") -> bytes:
    """The same text under the newest key; `data` itself where it is already. Raises InvalidTag."""
    return data if is_current(data) else encrypt(field, decrypt(field, data, owner), owner)


def _open(key: bytes, data: bytes, bound: bytes) -> str:
    if len(data) < _NONCE_BYTES:
        raise InvalidTag
    return AESGCM(key).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], bound).decode()


def _bound(field: str, owner: str) -> bytes:
    return f"{field}\0{owner}".encode() if owner else field.encode()


def blind_index(field: str, text: str) -> str:
    """Finds an encrypted value by equality: HMAC-SHA-256 under CHO_INDEX_KEY, 32 hex digits."""
    key = _key("index", settings().index_key)
    return hmac.new(key, f"{field}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]


def account_index(bank_bin: str, account_number: str) -> str:
    """Blind index of a bank account; the same in every service, so that a VietQR code finds its merchant."""
    return blind_index("settlement.account", f"{bank_bin}:{account_number.upper()}")


def phone_index(phone: str) -> str:
    """Blind index of a phone however it is written; the same in every service. Raises InvalidArgument."""
    return blind_index("users.phone", phones.normalise(phone))


def tax_index(code: str) -> str:
    """Blind index of a tax code in its one form (kit.identifiers.tax); the same in every service."""
    return blind_index("sellers.tax_code", code)


def seal_tax(code: str, merchant_id: str) -> bytes:
    """A merchant's tax code as an event carries it; who keeps it seals it anew, as a field of its own."""
    return encrypt(_TOLD_TAX, code, merchant_id)


def open_tax(data: bytes, merchant_id: str) -> str:
    """The reverse of `seal_tax`. Raises cryptography's InvalidTag."""
    return decrypt(_TOLD_TAX, data, merchant_id)


def mask(text: str, shown: int = 4) -> str:
    """All but the last `shown` characters starred."""
    return "*" * max(0, len(text) - shown) + text[-shown:] if len(text) > shown else "*" * len(text)
