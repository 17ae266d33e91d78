"""Devices that people sign in with: what an app may call itself, and how long we have known it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from kit.errors import InvalidArgument

NAME_LENGTH_MAX = 60

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Device:
    """`device_id` is `dev_...`, `first_seen_at` when its owner first signed in with it, `signed_in_at` last (UTC)."""

    device_id: str
    name: str
    first_seen_at: datetime
    signed_in_at: datetime


def check_installation(text: str) -> str:
    """The UUID that an app made for itself, in lower case; "" where it names none. Raises InvalidArgument."""
    installation = text.lower()
    if installation and not _UUID.fullmatch(installation):
        raise InvalidArgument("device_id: a UUID that the app keeps, or nothing")
    return installation


def check_name(text: str) -> str:
    """`text` without blanks around it: up to NAME_LENGTH_MAX printable characters. Raises InvalidArgument."""
    name = text.strip()
    if len(name) > NAME_LENGTH_MAX or not name.isprintable():
        raise InvalidArgument(f"device_name: at most {NAME_LENGTH_MAX} printable characters")
    return name
