"""The provider's events as they come to us: who signed them, and what they say. Pure.

An event may come more than once, late, or after a newer one: its object is as it was then. Take it as a hint to look
(`calls.retrieve_intent`), or apply it only where the state that it tells of can still come.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re

from services.payments.card import objects
from services.payments.card.objects import Event, NotUnderstood

PAYLOAD_BYTES_MAX = 1 << 20
HEADER_LENGTH_MAX = 4096
TOLERANCE_S = 300
# As far as two clocks may be apart (docs/ledger.md has the same for callers).
AHEAD_S_MAX = 5

_SECONDS = re.compile(r"[0-9]{1,12}")


class NotSigned(ValueError):
    """The payload was not signed by the provider for us, or not just now."""


def verify(payload: bytes, header: str, secret: str, now_s: int, tolerance_s: int = TOLERANCE_S) -> None:
    """Checks `Stripe-Signature` against the payload's bytes as they came. Raises NotSigned.

    The header holds a time and one or more `v1` signatures (two while the secret is being changed); schemes other than
    v1 do not count. A time before `now_s - tolerance_s`, or more than AHEAD_S_MAX after `now_s`, is refused.
    """
    if not secret or len(payload) > PAYLOAD_BYTES_MAX or len(header) > HEADER_LENGTH_MAX:
        raise NotSigned("no secret, or too long")
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not _SECONDS.fullmatch(times[0]):
        raise NotSigned("no time")
    signed = times[0].encode() + b"." + payload
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
    if not any(hmac.compare_digest(expected, value.encode(errors="replace")) for value in given):
        raise NotSigned("no signature of ours")
    if not now_s - tolerance_s <= int(times[0]) <= now_s + AHEAD_S_MAX:
        raise NotSigned("signed at another time")


def parse(payload: bytes) -> Event:
    """What a verified payload says. Raises NotUnderstood."""
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood("not JSON") from error
    return objects.event(found)
