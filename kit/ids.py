"""Ids: UUIDv7 (RFC 9562) behind a type prefix, so that an id says what it names and sorts by time."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from uuid import UUID

import uuid_utils

from kit.clock import from_ms

_UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_ID = re.compile(r"[a-z]{3}_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}")


def new_id(prefix: str) -> str:
    """`prefix` (three letters) + `_` + 32 hex digits of a new UUIDv7: 36 characters."""
    return f"{prefix}_{uuid_utils.uuid7().hex}"


def is_id(value: str, prefix: str) -> bool:
    """Whether `value` is an id of this kind."""
    return value.startswith(prefix + "_") and _ID.fullmatch(value) is not None


def id_time(value: str) -> datetime | None:
    """When an id was made, UTC; None for what is no id, whatever its prefix."""
    return from_ms(int(value[4:16], 16)) if _ID.fullmatch(value) else None


def new_key() -> str:
    """A new idempotency key: a UUIDv7 in its usual form."""
    return str(uuid_utils.uuid7())


def key_time_ms(key: str) -> int | None:
    """When a UUIDv7 was made, Unix ms; None where `key` is not a UUIDv7 in lower-case canonical form."""
    if not _UUID7.fullmatch(key):
        return None
    return int(key[:8] + key[9:13], 16)


def derived_key(at_ms: int, *parts: str) -> str:
    """A key of that time (Unix ms) whose random part follows from `parts`: whoever makes it again makes the same."""
    digest = hashlib.sha256("|".join(parts).encode()).digest()
    value = bytearray(at_ms.to_bytes(6, "big") + digest[:10])
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return str(UUID(bytes=bytes(value)))
