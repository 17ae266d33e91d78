"""Personal data at rest: fields encrypted one by one, found again by blind index, masked when shown."""

from __future__ import annotations

import hashlib
import hmac
import os
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kit import phones
from kit.config import settings


@cache
def _key(purpose: str) -> bytes:
    secret = settings().index_key if purpose == "index" else settings().field_key
    return hashlib.sha256(f"{purpose}:{secret}".encode()).digest()


def encrypt(field: str, text: str) -> bytes:
    """AES-256-GCM; `field` ("users.phone") is bound in, so that a value cannot be moved to another field."""
    nonce = os.urandom(12)
    return nonce + AESGCM(_key("field")).encrypt(nonce, text.encode(), field.encode())


def decrypt(field: str, data: bytes) -> str:
    """The reverse of `encrypt`. Raises cryptography's InvalidTag where data or field is not the original."""
    return AESGCM(_key("field")).decrypt(data[:12], data[12:], field.encode()).decode()


def blind_index(field: str, text: str) -> str:
    """Finds an encrypted value by equality: HMAC-SHA-256, 32 hex digits."""
    return hmac.new(_key("index"), f"{field}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]


def account_index(bank_bin: str, account_number: str) -> str:
    """Blind index of a bank account; the same in every service, so that a VietQR code finds its merchant."""
    return blind_index("settlement.account", f"{bank_bin}:{account_number.upper()}")


def phone_index(phone: str) -> str:
    """Blind index of a phone however it is written; the same in every service. Raises InvalidArgument."""
    return blind_index("users.phone", phones.normalise(phone))


def mask(text: str, shown: int = 4) -> str:
    """All but the last `shown` characters starred."""
    return "*" * max(0, len(text) - shown) + text[-shown:] if len(text) > shown else "*" * len(text)
