"""Encrypts what a service stored under an older key anew, under the newest (`cho keys rotate`).

Each service names its encrypted fields in `store.SEALED`. One pass is one scan of a collection, a bounded batch at a
time; what is current is passed over, so that a pass that was cut short is simply started again, and one that finds
nothing to do proves that no older key is needed. A document that somebody changes meanwhile is left alone (the write
is on condition that the field is as it was read) and counted: the next pass finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pymongo
from mongoengine import Document

from kit import crypto

# Documents a write.
BATCH = 200


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted field: its `path` in the document ("keys.secret" looks into a list of them), the name that is bound
    into its values, and whether the document's id is bound in too."""

    document: type[Document]
    path: str
    field: str
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Pass:
    """Documents looked at, encrypted anew, and changed by somebody else at that moment."""

    seen: int
    done: int
    missed: int


def reseal(sealed: Sealed, progress: Callable[[int], None] = lambda _: None) -> Pass:
    """One pass over one field; `progress` is told of every batch how many documents were seen so far.

    Raises cryptography's InvalidTag where a value is of no key of the ring: then that key is missing in
    CHO_FIELD_KEYS_OLD.
    """
    collection = sealed.document._get_collection()
    top = sealed.path.partition(".")[0]
    seen = done = missed = 0
    for batch in _batches(collection.find({}, {top: 1}, batch_size=BATCH)):
        seen += len(batch)
        updates = list(_updates(sealed, top, batch))
        if updates:
            changed = collection.bulk_write(updates, ordered=False).modified_count
            done, missed = done + changed, missed + len(updates) - changed
        progress(seen)
    return Pass(seen, done, missed)


def _updates(sealed: Sealed, top: str, batch: list[dict[str, Any]]) -> Iterator[pymongo.UpdateOne]:
    for found in batch:
        if top not in found:
            continue
        owner = str(found["_id"]) if sealed.owned else ""
        new = _reencrypted(found[top], sealed.path.split(".")[1:], sealed.field, owner)
        if new != found[top]:
            yield pymongo.UpdateOne({"_id": found["_id"], top: found[top]}, {"$set": {top: new}})


def _reencrypted(value: Any, path: list[str], field: str, owner: str) -> Any:
    if value is None:
        return None
    if isinstance(value, list):
        return [_reencrypted(one, path, field, owner) for one in value]
    if path:
        head, *rest = path
        return value | ({head: _reencrypted(value[head], rest, field, owner)} if head in value else {})
    return crypto.reencrypt(field, bytes(value), owner)


def _batches(found: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for one in found:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
