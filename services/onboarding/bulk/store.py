"""Imports in MongoDB: a document each, their rows in chunks, their files in parts until they are read.

Every change of an import is one write on the condition that nobody was faster. Parts and rows hold what people are and
are encrypted; parts are gone once the file is read, or two days later, rows after 30 days.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mongoengine import BinaryField, DateTimeField, Document, IntField, ListField, LongField, StringField
from mongoengine.errors import NotUniqueError

from kit.clock import now
from kit.crypto import decrypt, encrypt
from kit.errors import Contention, IdempotencyConflict, NotFound, SheetInvalid, TooManyOpen, WrongState
from services.onboarding.bulk import job
from services.onboarding.bulk.job import DRAFTS_MAX, OPEN_MAX, WORKING, Import, Row, RowState, State, row_of

PART_LIVES_S = 2 * 86_400
ROWS_LIVE_S = 30 * 86_400
PART_FIELD, ROWS_FIELD = "imports.part", "imports.rows"
# `recency` begins with 15 digits of ms, so these lie outside of every one.
_BEFORE_ALL, _AFTER_ALL = "/", ":"


class ImportDocument(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "imports",
        "auto_create_index": False,
        "indexes": [("made_by", "recency"), ("made_by", "sha256"), ("state", "recency")],
    }

    id = StringField(primary_key=True)
    made_by = StringField(required=True)
    file_name = StringField(required=True)
    state = StringField(required=True)
    created_ms = LongField(required=True)
    sha256 = StringField()
    parts = IntField(required=True)
    heading = ListField(StringField())
    rows = IntField(required=True)
    good = IntField(required=True)
    bad = IntField(required=True)
    submitted = IntField(required=True)
    existing = IntField(required=True)
    refused = IntField(required=True)
    checked = IntField(required=True)
    ran = IntField(required=True)
    code = StringField()
    message = StringField()
    message_vi = StringField()
    same_as = StringField()
    ended_ms = LongField(required=True)
    version = LongField(required=True)
    # Creation time (ms) and id: lists run from the newest down, work from the oldest up.
    recency = StringField(required=True)


class ImportChunk(Document):
    """Up to CHUNK_ROWS rows as JSON, encrypted. `_id` is "<import>:<number>".

    `fresh`: which of its merchants were not there yet when it was about to be run, written before any of them is made:
    whoever runs it again after a kill knows which ones this import made.
    """

    meta = {  # noqa: RUF012
        "collection": "import_chunks",
        "auto_create_index": False,
        "indexes": [{"fields": ["stored_at"], "expireAfterSeconds": ROWS_LIVE_S}],
    }

    id = StringField(primary_key=True)
    rows = BinaryField(required=True)
    stored_at = DateTimeField(required=True)
    fresh = ListField(StringField(), default=None)


class ImportPart(Document):
    """A part of a file, encrypted. `_id` is "<import>:<number>"."""

    meta = {  # noqa: RUF012
        "collection": "import_parts",
        "auto_create_index": False,
        "indexes": [{"fields": ["sent_at"], "expireAfterSeconds": PART_LIVES_S}],
    }

    id = StringField(primary_key=True)
    content = BinaryField(required=True)
    sent_at = DateTimeField(required=True)


DOCUMENTS = (ImportDocument, ImportChunk, ImportPart)


def begin(new: Import) -> Import:
    """Stores a new one, or finds what the same request began.

    Raises IdempotencyConflict for another request, and TooManyOpen where DRAFTS_MAX of the person's are being sent.
    """
    if ImportDocument.objects(id=new.id).only("id").first() is None:
        since_ms = new.created_ms - PART_LIVES_S * 1000
        sending = [one for one in of(new.made_by, 100) if one.state is State.DRAFT and one.created_ms > since_ms]
        if len(sending) >= DRAFTS_MAX:
            raise TooManyOpen(f"{DRAFTS_MAX} of your imports are being sent: finish or cancel one")
    try:
        ImportDocument(**job.values_of(new), recency=f"{new.created_ms:015d}-{new.id}").save(force_insert=True)
    except NotUniqueError as error:
        found = load(new.id)
        if (found.made_by, found.file_name) != (new.made_by, new.file_name):
            raise IdempotencyConflict("request_id began another import") from error
        return found
    return new


def load(import_id: str) -> Import:
    """One as it is now. Raises NotFound."""
    found = ImportDocument.objects(id=import_id).first()
    if found is None:
        raise NotFound("there is no such import, or it is not yours")
    return _read(found)


def save(changed: Import) -> Import:
    """Stores what one has become, one version on. Raises Contention where somebody was faster."""
    values = {f"set__{name}": value for name, value in job.values_of(changed).items() if name not in ("id", "version")}
    found = ImportDocument.objects(id=changed.id, version=changed.version)
    stored = found.modify(new=True, **values, set__version=changed.version + 1)
    if stored is None:
        raise Contention("the import was changed at the same time: look again")
    return _read(stored)


def of(made_by: str, limit: int) -> list[Import]:
    """A person's, newest first."""
    found = ImportDocument.objects(made_by=made_by, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
    return [_read(one) for one in found.order_by("-recency").limit(limit)]


def working(most: int) -> list[Import]:
    """What the worker has to do, the oldest first."""
    found: list[Import] = []
    for state in WORKING:
        some = ImportDocument.objects(state=state.value, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
        found += [_read(one) for one in some.order_by("recency").limit(most)]
    return sorted(found, key=lambda one: (one.created_ms, one.id))[:most]


def started_before(made_by: str, sha256: str, import_id: str) -> str:
    """The id of the person's other import of this very file that was started; "" where there is none."""
    for one in ImportDocument.objects(made_by=made_by, sha256=sha256).limit(100):
        if one.id != import_id and one.state in (State.RUNNING.value, State.DONE.value):
            return str(one.id)
    return ""


def require_room(made_by: str) -> None:
    """Raises TooManyOpen where OPEN_MAX of the person's imports wait for the worker already."""
    if sum(one.state in WORKING for one in of(made_by, 100)) >= OPEN_MAX:
        raise TooManyOpen(f"{OPEN_MAX} of your imports are at work: wait until one is done")


# Files -----------------------------------------------------------------------------------------------------------


def put_part(import_id: str, number: int, content: bytes) -> None:
    """Keeps a part of a file; the same number again replaces it."""
    part_id = f"{import_id}:{number}"
    sealed = encrypt(PART_FIELD, content.decode("latin-1"), part_id)
    ImportPart.objects(id=part_id).update_one(set__content=sealed, set__sent_at=now(), upsert=True)


def whole_file(import_id: str, parts: int) -> bytes:
    """Its parts in order. Raises SheetInvalid where one is missing."""
    content = []
    for number in range(1, parts + 1):
        found = ImportPart.objects(id=f"{import_id}:{number}").first()
        if found is None:
            raise SheetInvalid(
                f"part {number} did not arrive, or came more than two days ago: send the file again",
                vi="Tệp chưa tải lên đủ: hãy tải lại.",
            )
        content.append(decrypt(PART_FIELD, bytes(found.content), found.id).encode("latin-1"))
    return b"".join(content)


def forget_file(found: Import) -> None:
    """Its rows are kept: its parts are not needed any more."""
    for number in range(1, found.parts + 1):
        ImportPart.objects(id=f"{found.id}:{number}").delete()


# Rows ------------------------------------------------------------------------------------------------------------


def put_chunk(import_id: str, number: int, rows: Sequence[Row]) -> None:
    """Keeps what became of the rows of one chunk. One process works at a time: it holds the lease."""
    chunk_id = f"{import_id}:{number}"
    text = json.dumps([row.fields() for row in rows], ensure_ascii=False, separators=(",", ":"))
    sealed = encrypt(ROWS_FIELD, text, chunk_id)
    ImportChunk.objects(id=chunk_id).update_one(set__rows=sealed, set__stored_at=now(), upsert=True)


def chunk(import_id: str, number: int) -> list[Row]:
    """The rows of one chunk. Raises WrongState where they are not kept (any more)."""
    return _rows(_chunk(import_id, number))


def fresh_of(import_id: str, number: int) -> frozenset[str] | None:
    """The merchants that `note_fresh` has noted; None where it has not."""
    noted = _chunk(import_id, number).fresh
    return None if noted is None else frozenset(noted)


def note_fresh(import_id: str, number: int, merchant_ids: Sequence[str]) -> None:
    """Notes which merchants the chunk is about to make, before it makes the first."""
    ImportChunk.objects(id=f"{import_id}:{number}").update_one(set__fresh=list(merchant_ids))


def rows(found: Import, state: RowState | None = None, after: int = 0) -> Iterator[Row]:
    """The stored rows behind row `after` of the file, in order, of one state or of all."""
    for number in range(found.checked):
        for row in chunk(found.id, number):
            if row.number > after and (state is None or row.state is state):
                yield row


def _chunk(import_id: str, number: int) -> ImportChunk:
    found = ImportChunk.objects(id=f"{import_id}:{number}").first()
    if found is None:
        raise WrongState(f"its rows are not kept any more: {ROWS_LIVE_S // 86_400} days are over")
    return found


def _rows(document: ImportChunk) -> list[Row]:
    return [row_of(fields) for fields in json.loads(decrypt(ROWS_FIELD, bytes(document.rows), document.id))]


def _read(document: Any) -> Import:
    values = {name: getattr(document, name) for name in Import.__dataclass_fields__}
    # mongoengine keeps no empty text, and has lists of its own.
    given = {name: "" if value is None else value for name, value in values.items()}
    return Import(**given | {"state": State(document.state), "heading": tuple(document.heading)})
