"""A fact that one service tells the others: CloudEvents attributes as fields of a stream entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kit import clock

_EPOCH = datetime.fromtimestamp(0, UTC)
# Written beside an entry's own fields when a group gives up on it: the id it had in the stream.
STREAM_ID = b"stream_id"


@dataclass(frozen=True, slots=True)
class Event:
    """What a handler of `stream_handler` gets; it parses `data`, a message of cho/events/v1."""

    # The same however often the fact is delivered: effects are applied once by it (see `once`).
    id: str
    # In the past tense: `merchant.activated`.
    type: str
    # The service that says so.
    source: str
    # Id of what it happened to.
    subject: str
    # When it happened, UTC.
    time: datetime
    traceparent: str
    data: bytes
    # Its place in the stream it came from.
    stream_id: str = ""
    # How often it has been delivered to this group, this time included; counted anew after nothing could be done.
    deliveries: int = 1

    def fields(self) -> dict[Any, Any]:
        """As XADD takes it. Where it is and how often it was delivered are not part of the fact."""
        return {
            "id": self.id,
            "type": self.type,
            "source": self.source,
            "subject": self.subject,
            "time": rfc3339(self.time),
            "traceparent": self.traceparent,
            "data": self.data,
        }


def from_entry(entry_id: bytes, fields: Mapping[bytes, bytes], deliveries: int = 1) -> Event:
    """The event in a stream entry. Raises ValueError where the entry is not one."""
    try:
        return Event(
            id=fields[b"id"].decode(),
            type=fields[b"type"].decode(),
            source=fields[b"source"].decode(),
            subject=fields[b"subject"].decode(),
            time=datetime.fromisoformat(fields[b"time"].decode()).astimezone(UTC),
            traceparent=fields.get(b"traceparent", b"").decode(),
            data=fields[b"data"],
            stream_id=fields.get(STREAM_ID, entry_id).decode(),
            deliveries=deliveries,
        )
    except KeyError as error:
        raise ValueError(f"not an event: field {error.args[0].decode()} is missing") from error


def rfc3339(time: datetime) -> str:
    """`2026-11-22T03:04:05.678Z`. `time` is aware."""
    assert time.tzinfo is not None, "a time without a zone means nothing to others"
    return clock.rfc3339((time - _EPOCH) // timedelta(milliseconds=1))
