"""A rebuild from its beginning to the head that makes it a ledger; killed anywhere, it is begun anew."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

import redis

from kit.streams import names
from services.payments.store.keys import Keys
from services.payments.store.rebuild.known import read, told
from services.payments.store.rebuild.lives import LAYOUT, Lives
from services.payments.store.rebuild.replay import Replay
from services.payments.store.rebuild.wire import Command, send

# Events that are applied at once; two round trips each.
BATCH = 1000
# Keys looked at or removed at once.
SCAN_COUNT = 1000
# What readers of the ledger write into an empty cell, and may: not the ledger's own.
READERS_OWN = ("readers", "cursor:", "lease:")


class NotEmpty(Exception):
    """The cell holds what no rebuild put there; nothing was touched."""


def marker(k: Keys) -> str:
    """Hash: there as long as the cell is half built. `epoch`: the one that it will have."""
    return f"{k.tag}:rebuilding"


def clock_ms(client: redis.Redis) -> int:
    """The server's time: by it keys expire, and the ledger stamps its events."""
    seconds, micros = client.time()
    return int(seconds) * 1000 + int(micros) // 1000


def half_built(client: redis.Redis, k: Keys) -> int:
    """The epoch that an earlier rebuild had decided on, where one was ended in the middle; 0 where none was."""
    found: Any = client.hget(marker(k), "epoch")
    return int(found or 0)


def foreign_keys(client: redis.Redis, k: Keys) -> Iterator[str]:
    """Keys of the cell that are not its readers' own."""
    for key in client.scan_iter(f"{k.tag}:*", count=SCAN_COUNT):
        name = key.decode() if isinstance(key, bytes) else key
        if not name.removeprefix(f"{k.tag}:").startswith(READERS_OWN):
            yield name


def see_that_it_is_empty(client: redis.Redis, k: Keys) -> None:
    """Raises NotEmpty where something is in the cell, other than what a rebuild left half built."""
    if client.exists(k.meta):
        raise NotEmpty(f"{k.tag} holds a ledger; cho ledger verify compares it with the books")
    if not client.exists(marker(k)) and (found := next(foreign_keys(client, k), None)):
        raise NotEmpty(f"{k.tag} has no head and is not empty ({found}): set its server's directory aside first")


class Rebuild:
    """Fills a cell from events. `client`: replies as bytes. `keep_from`: events from here on are put into the stream,
    too: readers may still need them.
    """

    def __init__(self, client: redis.Redis, k: Keys, lives: Lives, keep_from: int = 1) -> None:
        self._client = client
        self._k = k
        self._keep_from = keep_from
        self.replay = Replay(k, lives)

    def begin(self, epoch: int, cursors: Mapping[str, int]) -> None:
        """Takes an empty cell, or empties a half-built one; says where readers go on before there is anything to read.

        `cursors`: what each reader has acted on, by its purpose. Raises NotEmpty, redis.RedisError.
        """
        see_that_it_is_empty(self._client, self._k)
        self._client.hset(marker(self._k), "epoch", epoch)
        for key in foreign_keys(self._client, self._k):
            if key != marker(self._k):
                self._client.unlink(key)
        if cursors:
            self._client.mset({names.cursor(purpose): str(seq) for purpose, seq in cursors.items()})
            self._client.sadd(names.readers(), *cursors)

    def feed(self, raw_events: Iterable[tuple[int, bytes]]) -> None:
        """Applies the next events, given by their canonical bytes. Raises CannotRebuild, redis.RedisError."""
        events = iter(raw_events)
        while batch := [told(seq, raw) for seq, raw in islice(events, BATCH)]:
            commands = self.replay.apply(batch, read(self._client, self._k, batch))
            kept: list[Command] = [
                ("XADD", self._k.stream, f"{one.event.seq}-0", *one.entry)
                for one in batch
                if one.event.seq >= self._keep_from
            ]
            send(self._client, [*commands, *kept])

    def promote(self, epoch: int, up_to: int = 0) -> None:
        """Ends the history that was lost by the event of a promotion, by as many as it takes up to sequence number
        `up_to`: nobody who heard of an event that is gone hears of another one under its number. Raises
        redis.RedisError.
        """
        at_ms = max(clock_ms(self._client), self.replay.at_ms)
        for seq in range(self.replay.seq + 1, max(self.replay.seq + 1, up_to) + 1):
            fields: dict[str, str | int] = {
                "at": at_ms, "w": self.replay.window, "e": epoch, "op": "promote", "r": "OK", "s": "", "h": "", "t": "",
                "x": "", "a": 0, "f": 0, "l": "", "i": "",
            }  # fmt: skip
            entry = [part for pair in fields.items() for part in pair]
            send(self._client, [("XADD", self._k.stream, f"{seq}-0", *entry)])
            self.replay.seq = seq
        self.replay.at_ms, self.replay.epoch = at_ms, epoch

    def finish(self) -> None:
        """Writes the head, and takes away the mark of a half-built cell, in one transaction. It has no gate: the start
        gate compares it with the books and opens it. Raises redis.RedisError.
        """
        done = self.replay
        head: dict[str, str | int] = {
            "seq": done.seq, "at": done.at_ms, "epoch": done.epoch, "window": done.window, "genesis": done.genesis,
            "layout": LAYOUT, **({"cut_seq": done.cut_seq} if done.cut_seq else {}),
        }  # fmt: skip
        late = [self._k.transfer(one) for one in done.late]
        for start in range(0, len(late), SCAN_COUNT):
            self._client.unlink(*late[start : start + SCAN_COUNT])
        done.late.clear()
        with self._client.pipeline(transaction=True) as pipe:
            pipe.delete(marker(self._k))
            pipe.hset(self._k.meta, mapping=head)  # type: ignore[arg-type]
            pipe.execute()
