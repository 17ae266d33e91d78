"""The hash chain over the journal: whoever holds its head can prove that nothing before it was changed. Pure."""

from __future__ import annotations

import hashlib

GENESIS = bytes(32)


def link(head: bytes, seq: int, raw: bytes) -> bytes:
    """Head after one more entry: SHA-256 of the old head, the sequence number (8 bytes) and the entry's bytes."""
    return hashlib.sha256(head + seq.to_bytes(8, "big") + raw).digest()
