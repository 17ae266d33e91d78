"""Webhooks of merchants: what is sent and how it is signed, when it is tried again, and where to. Pure, but for DNS.

A receiver checks `Cho-Signature: t=<seconds>,v1=<hex>`, HMAC-SHA256 of "<t>.<body>" under its secret: docs/webhooks.md.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import SplitResult, urlsplit

from cho.events.v1.events_pb2 import PaymentMoved

from kit.errors import InvalidArgument
from services.payments import announce

SECOND_MS, HOUR_MS = 1_000, 3_600_000
URL_LENGTH_MAX = 500
# A receiver has so long to answer.
ANSWER_S_MAX = 5.0
WAIT_MS_MIN, WAIT_MS_MAX = SECOND_MS, 600 * SECOND_MS
# What was not taken in this time never is by itself.
DEAD_MS = 72 * HOUR_MS
# While a secret is being changed both sign.
OVERLAP_MS = 24 * HOUR_MS
GONE = 410
_CARRIER_NAT = ipaddress.ip_network("100.64.0.0/10")


class Topic(str, Enum):
    """What a webhook is told of."""

    PAYMENTS = "payments"
    GOODS = "goods"


class HookState(str, Enum):
    ACTIVE = "active"
    PAUSED = "paused"


class DeliveryState(str, Enum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Line:
    """How far a webhook is told of one topic; ms. Lines wait for none but themselves."""

    # What was announced up to here are deliveries.
    cursor: int = 0
    tries: int = 0
    due_ms: int = 0
    failing_ms: int = 0


@dataclass(frozen=True, slots=True)
class Webhook:
    """As it is now; ms. `secrets`: the present one, and the one before while both sign."""

    id: str
    merchant_id: str
    url: str
    state: HookState
    created_ms: int
    secrets: tuple[str, ...] = ()
    # One for each topic that it is told of.
    lines: Mapping[Topic, Line] = field(default_factory=dict)
    last_ms: int = 0
    last_status: int = 0
    last_error: str = ""
    owner_id: str = ""
    # Rises whenever there may be something to tell though nothing was announced.
    woken: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One announcement for one webhook, in one of its lines. `body` is the same at every try."""

    id: str
    line_id: str
    seq: int
    type: str
    body: bytes
    state: DeliveryState
    created_ms: int
    attempts: int = 0
    last_status: int = 0
    last_error: str = ""
    delivered_ms: int = 0
    again: bool = False
    # Of the request that moved the money; "" where it is not traced.
    traceparent: str = ""


def line_id(hook_id: str, topic: Topic) -> str:
    """Under which a line's deliveries are kept, and what their ids begin with."""
    return hook_id if topic is Topic.PAYMENTS else f"{hook_id}-{topic.value}"


def event_id(cell: str, seq: int) -> str:
    """The same for every webhook and every try: by it a receiver knows what it has."""
    return f"evt_{cell}_{seq}"


def body_of(cell: str, type_: str, message: PaymentMoved) -> bytes:
    """What a receiver gets: the announcement as the vendor's screen does, and the event's id."""
    return json.dumps({"id": event_id(cell, message.seq), **announce.data(type_, message)}, ensure_ascii=False).encode()


def new_secret() -> str:
    """A webhook's secret: 256 bits by chance."""
    return f"whsec_{secrets.token_urlsafe(32)}"


def signature(body: bytes, keys: Sequence[str], now_s: int) -> str:
    """The header `Cho-Signature`: the time of the try, and a signature by each key."""
    signed = str(now_s).encode() + b"." + body
    made = (hmac.new(key.encode(), signed, hashlib.sha256).hexdigest() for key in keys)
    return ",".join([f"t={now_s}", *(f"v1={one}" for one in made)])


def wait_ms(tries: int) -> int:
    """How long after the `tries`-th failure in a row the next try is."""
    return min(WAIT_MS_MIN << min(tries - 1, 20), WAIT_MS_MAX)


# Where to --------------------------------------------------------------------------------------------------------


def check_url(url: str, local: bool) -> SplitResult:
    """An address that may be told, by its looks. Raises InvalidArgument. `local`: plain http may be too."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidArgument("url is none") from error
    if len(url) > URL_LENGTH_MAX or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidArgument(f"url has to be plain, and of {URL_LENGTH_MAX} characters at most")
    if parts.scheme != "https" and not (local and parts.scheme == "http"):
        raise InvalidArgument("url has to begin with https://")
    if not parts.hostname or parts.username is not None or parts.password is not None or parts.fragment:
        raise InvalidArgument("url names a host, and neither a user nor a password nor a fragment")
    if port is not None and port != 443 and port < 1024 and not local:
        raise InvalidArgument("url's port is 443, or from 1024")
    return parts


def public(address: str) -> bool:
    """Whether an IP address is the internet's, and not of a network behind us."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return public(str(inner))
        if ip in ipaddress.ip_network("64:ff9b::/96"):
            return public(str(ipaddress.ip_address(int(ip) & 0xFFFFFFFF)))
    return ip.is_global and not ip.is_multicast and not (ip.version == 4 and ip in _CARRIER_NAT)


def resolve(host: str, port: int) -> list[str]:
    """A host's addresses. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def destination(parts: SplitResult, local: bool, lookup: Callable[[str, int], list[str]] = resolve) -> tuple[str, int]:
    """The address that is connected to, and no name: a name could mean another one a moment later.

    Raises InvalidArgument where one of the host's addresses is not public, OSError where it has none.
    """
    assert parts.hostname is not None, "it was checked before"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    addresses = lookup(parts.hostname, port)
    if not addresses:
        raise OSError(f"{parts.hostname} has no address")
    if not local and not all(public(address) for address in addresses):
        raise InvalidArgument("url's host is not on the internet: its address is private")
    return addresses[0], port
