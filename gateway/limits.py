"""The gateway's figures: how often, how big, how long, how many.

Everything that can grow has its limit here, with what happens at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

# A request's body, bytes; more is 413. The largest honest one is a registration of about 2 KiB.
BODY_BYTES_MAX = 64 * 1024
# The same of a method that declares more (option body_kib): uploads of documents and files.
LARGE_BODY_BYTES_MAX = 8 * 1024 * 1024
# A unary reply's body, bytes; more is 500. A settlement report of 100,000 lines fits.
RESPONSE_BYTES_MAX = 16 * 1024 * 1024
# All headers of a request, KiB; more is 431. A token takes one; gRPC servers refuse what is over 8 at random, and
# whatever is over 16.
HEADERS_KIB_MAX = 7
# What a connection may have in flight before its reader waits for its writer, bytes.
CONNECTION_BUFFER_BYTES_MAX = 1024 * 1024

# From the whole request to the whole reply of a unary call, ms; then 504.
UNARY_MS_MAX = 10_000
# What the servicer is told, a little more: the gateway gives up first, and so has the last word.
UNARY_UPSTREAM_MS_MAX = 11_000
# Silence on a stream, ms. Servicers send a comment every 15,000 ms.
STREAM_IDLE_MS_MAX = 60_000
# A stream's whole life, ms: a phone then reconnects with Last-Event-ID and a token that still holds.
STREAM_MS_MAX = 3_600_000
# To send the headers, and to send the whole request, ms; then 408.
HEADERS_MS_MAX = 10_000
REQUEST_MS_MAX = 30_000
# A connection without requests, ms.
CONNECTION_IDLE_MS_MAX = 300_000
# To connect to a service, ms; then one more try, then 503.
CONNECT_MS_MAX = 1_000
# For requests in flight to end after `/drain_listeners?graceful`, s.
DRAIN_S_MAX = 10

# Phones connected at once; more are refused at accept.
CLIENT_CONNECTIONS_MAX = 50_000
# HTTP/2 streams on one of their connections.
CLIENT_STREAMS_MAX = 256
# Calls to one service in flight at once; more is refused here, OVERLOADED, before the service hears of it.
UPSTREAM_CALLS_MAX = 256
# Of payments' calls, how many are let in: by how long they take, within these bounds (gateway/admission.py). The fewest
# starve nobody: with 10 ms a call they are 6,400 a second. The most are a hall that pays at the same moment: at 1,400 a
# second the last of it is answered after 0.09 s.
PAYMENTS_CALLS_MIN, PAYMENTS_CALLS_MAX = 64, 128
# Streams to one service open at once, counted by themselves: a listening stall keeps nobody from paying.
UPSTREAM_STREAMS_MAX = 30_000
UPSTREAM_CONNECTIONS_MAX = 1_024
UPSTREAM_RETRIES_MAX = 64

# Callers whose tokens are counted, by class; past that the longest unseen are forgotten.
CALLERS_MAX = 65_536
# Verified JWTs that each worker thread remembers, so that a phone's second call costs no ECDSA.
JWT_CACHE_ENTRIES_MAX = 10_000

# Gateway and identity run on clocks of the same machine park; s.
JWT_CLOCK_SKEW_S = 5
# How old the signing keys may be, s: a new key is published at least this long before it signs.
JWKS_CACHE_S = 60


@dataclass(frozen=True)
class Rate:
    """A token bucket: `burst` at once, refilled continuously by `tokens` every `interval_s`."""

    tokens: int
    interval_s: int
    burst: int

    @property
    def retry_after_s(self) -> int:
        """Seconds until an empty bucket holds a token again, rounded up."""
        return ceil(self.interval_s / self.tokens)

    def scaled(self, scale: float) -> Rate:
        """The same with `scale` times the tokens, and never none."""
        return Rate(ceil(self.tokens * scale), self.interval_s, ceil(self.burst * scale))


# Signed in, a class is counted by person; else by address (IPv6: by /64), which a market hall may share.
RATES = {
    # A hall's phones at opening time are the burst; after it, guessing PINs is slow.
    "SIGN_IN": Rate(tokens=20, interval_s=60, burst=60),
    "READ": Rate(tokens=50, interval_s=1, burst=100),
    "WRITE": Rate(tokens=20, interval_s=1, burst=40),
    "MONEY": Rate(tokens=20, interval_s=1, burst=40),
    # A phone with a bad connection reconnects often.
    "STREAM": Rate(tokens=10, interval_s=60, burst=20),
}
