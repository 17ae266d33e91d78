"""An entry of the ledger stream, as it was written, and the proof that none is missing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import redis

from kit.streams import names


class ReaderStopped(Exception):
    """An ordered reader may not go on until a person has looked: something is missing or has changed."""


class Entry(NamedTuple):
    """One event of the ledger. A tuple, because building one is on the payment path."""

    # Gapless over all of the ledger, from 1.
    seq: int
    # In the order in which the ledger wrote them.
    fields: dict[bytes, bytes]

    @property
    def raw(self) -> bytes:
        """Canonical bytes for the hash chain: every name and value in stream order, each behind its length (4
        bytes, big-endian), so that no two different entries have the same bytes. The sequence number is not
        among them."""
        parts: list[bytes] = []
        for name, value in self.fields.items():
            parts += (len(name).to_bytes(4, "big"), name, len(value).to_bytes(4, "big"), value)
        return b"".join(parts)


def decode(reply: Sequence[tuple[bytes, Sequence[bytes]]], after: int) -> list[Entry]:
    """Entries of an XREAD reply (id, flat names and values) that follow sequence number `after` without a
    gap.

    Ends before what may not be acted on, and raises ReaderStopped where that comes first: another number than
    the next, or a name twice (DESIGN section 4, rule 9).
    """
    entries: list[Entry] = []
    for entry_id, flat in reply:
        after += 1
        fields = dict(zip(flat[::2], flat[1::2], strict=True))
        if entry_id == b"%d-0" % after and len(fields) * 2 == len(flat):
            entries.append(Entry(after, fields))
        elif entries:
            break
        else:
            raise ReaderStopped(f"entry {after}-0 of the ledger should come next, whole; {entry_id.decode()} came")
    return entries


def last_seq(ledger: redis.Redis) -> int:
    """Sequence number of the ledger's newest entry, trimmed or not; 0 for none."""
    try:
        info: Any = ledger.xinfo_stream(names.ledger())
    except redis.ResponseError as error:
        if "no such key" in str(error):
            return 0
        raise
    return int(info["last-generated-id"].split(b"-")[0])
