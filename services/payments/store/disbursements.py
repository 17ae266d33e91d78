"""Disbursements in MongoDB: one document each, their lines in chunks, their files in parts until they are read.

Every change is one write on the condition that nobody was faster. Who is paid is kept by wallet and masked name; parts
of a file, which hold telephone numbers, are encrypted, and gone once the file is read or two days later.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from mongoengine import BinaryField, DateTimeField, Document, ListField, LongField, MapField, StringField
from mongoengine.errors import NotUniqueError

from kit.clock import now
from kit.crypto import decrypt, encrypt
from kit.errors import AlreadyExists, Contention, InvalidArgument, WrongState
from services.payments.disbursement import (
    CHUNK_LINES,
    Line,
    Progress,
    State,
    digest_of,
    figures_of,
    line_of,
    progress_of,
)

PART_LIVES_S = 2 * 86_400
LIST_MAX = 100
# `recency` begins with 15 digits of ms, so these lie outside of every one.
_BEFORE_ALL, _AFTER_ALL = "/", ":"
_PART = "disbursements.part"


class DisbursementDocument(Document):
    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "disbursements",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["scope"], "unique": True},
            ("organisation_id", "recency"),
            ("organisation_id", "sha256"),
            ("state", "recency"),
        ],
    }

    id = StringField(primary_key=True)
    # "caller|request id".
    scope = StringField(required=True)
    organisation_id = StringField(required=True)
    telecom = StringField(required=True)
    title = StringField(required=True)
    made_by = StringField(required=True)
    state = StringField(required=True)
    sha256 = StringField()
    # Of its lines: names their chunks. None where earlier code stored them.
    digest = StringField()
    lines = LongField(required=True)
    bad = LongField(required=True)
    total = LongField(required=True)
    code = StringField()
    approved_by = StringField()
    created_ms = LongField(required=True)
    approved_ms = LongField(required=True)
    ended_ms = LongField(required=True)
    # The chunk that is paid now, from 0.
    chunk = LongField(required=True)
    # By chunk: paid, paid đồng, refused, waiting.
    progress = MapField(ListField(LongField()))
    version = LongField(required=True)
    recency = StringField(required=True)


class DisbursementChunk(Document):
    """Up to CHUNK_LINES lines as JSON. `_id` is "<disbursement>:<digest of all lines>:<number>".

    So nobody who submits another file, or the same one judged otherwise, comes near the lines that a head names.
    Earlier code stored them as "<disbursement>:<number>".
    """

    meta = {"collection": "disbursement_chunks", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    lines = StringField(required=True)


class DisbursementPart(Document):
    """A part of a file. `_id` is "<disbursement>:<number>"."""

    meta = {  # noqa: RUF012
        "collection": "disbursement_parts",
        "auto_create_index": False,
        "indexes": [{"fields": ["sent_at"], "expireAfterSeconds": PART_LIVES_S}],
    }

    id = StringField(primary_key=True)
    content = BinaryField(required=True)
    sent_at = DateTimeField(required=True)


DOCUMENTS = (DisbursementDocument, DisbursementChunk, DisbursementPart)


@dataclass(frozen=True, slots=True)
class Disbursement:
    """As it is now; đồng, ms. `digest`: of its lines, "" where earlier code stored them. `code`: why it is paused."""

    id: str
    organisation_id: str
    telecom: str
    title: str
    made_by: str
    state: State
    created_ms: int
    sha256: str = ""
    digest: str = ""
    lines: int = 0
    bad: int = 0
    total: int = 0
    code: str = ""
    approved_by: str = ""
    approved_ms: int = 0
    ended_ms: int = 0
    chunk: int = 0
    progress: dict[str, list[int]] = field(default_factory=dict)
    version: int = 0

    @property
    def chunks(self) -> int:
        return -(-self.lines // CHUNK_LINES)

    @property
    def done(self) -> Progress:
        """What became of all its lines so far."""
        sums = [sum(column) for column in zip(*self.progress.values(), strict=True)] or [0, 0, 0, 0]
        return Progress(*sums)


def begin(new: Disbursement, scope: str) -> Disbursement:
    """Stores a new one, or finds what the same request began. Raises AlreadyExists for another request."""
    values = _values(new) | {"scope": scope, "recency": f"{new.created_ms:015d}-{new.id}"}
    try:
        DisbursementDocument(**values).save(force_insert=True)
    except NotUniqueError as error:
        found = _read(DisbursementDocument.objects(scope=scope).get())
        if (found.organisation_id, found.title) != (new.organisation_id, new.title):
            raise AlreadyExists("this request_id began another disbursement") from error
        return found
    return new


def load(disbursement_id: str) -> Disbursement | None:
    """One as it is now."""
    found = DisbursementDocument.objects(id=disbursement_id).first()
    return _read(found) if found is not None else None


def save(changed: Disbursement) -> Disbursement:
    """Stores what one has become. Raises Contention where somebody was faster."""
    values = {f"set__{name}": value for name, value in _values(changed).items() if name not in ("id", "version")}
    found = DisbursementDocument.objects(id=changed.id, version=changed.version)
    if not found.update_one(**values, set__version=changed.version + 1):
        raise Contention("somebody else changed it just now: look again")
    return replace(changed, version=changed.version + 1)


def of_organisation(organisation_id: str, limit: int) -> list[Disbursement]:
    """An organisation's, newest first."""
    found = DisbursementDocument.objects(
        organisation_id=organisation_id, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL
    )
    return [_read(one) for one in found.order_by("-recency").limit(limit)]


def running() -> Iterator[Disbursement]:
    """What is to be paid, read as it is asked for, the oldest first."""
    found = DisbursementDocument.objects(state=State.RUNNING.value, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
    yield from map(_read, found.order_by("recency").batch_size(1).no_cache())


def with_the_same_file(organisation_id: str, sha256: str) -> str:
    """The id of a disbursement of this file that was not cancelled; "" where there is none."""
    for one in DisbursementDocument.objects(organisation_id=organisation_id, sha256=sha256):
        if one.state not in (State.DRAFT.value, State.CANCELLED.value):
            return str(one.id)
    return ""


# Files -----------------------------------------------------------------------------------------------------------


def put_part(disbursement_id: str, number: int, content: bytes) -> None:
    """Keeps a part of a file; the same number again replaces it."""
    sealed = encrypt(_PART, content.decode("latin-1"))
    DisbursementPart.objects(id=f"{disbursement_id}:{number}").update_one(
        set__content=sealed, set__sent_at=now(), upsert=True
    )


def whole_file(disbursement_id: str, parts: int) -> bytes:
    """Its parts in order. Raises InvalidArgument where one is missing."""
    content = []
    for number in range(1, parts + 1):
        found = DisbursementPart.objects(id=f"{disbursement_id}:{number}").first()
        if found is None:
            raise InvalidArgument(f"part {number} did not arrive, or came more than two days ago: send it again")
        content.append(decrypt(_PART, bytes(found.content)).encode("latin-1"))
    return b"".join(content)


def forget_file(disbursement_id: str, parts: int) -> None:
    """Its lines are kept: its parts are not needed any more."""
    for number in range(1, parts + 1):
        DisbursementPart.objects(id=f"{disbursement_id}:{number}").delete()


# Lines -----------------------------------------------------------------------------------------------------------


def put_lines(submitted: Disbursement, lines: Sequence[Line]) -> None:
    """Keeps all lines of what is about to be saved. Where the same are there they stay: they may be paid by now."""
    for number in range(submitted.chunks):
        text = _text(lines[number * CHUNK_LINES : (number + 1) * CHUNK_LINES])
        with suppress(NotUniqueError):
            DisbursementChunk(id=_chunk_id(submitted, number), lines=text).save(force_insert=True)


def forget_lines(submitted: Disbursement) -> None:
    """Removes the lines of what could not be saved, unless they are those that the one who was faster has, too."""
    now_there = load(submitted.id)
    if now_there is not None and now_there.digest != submitted.digest:
        for number in range(submitted.chunks):
            DisbursementChunk.objects(id=_chunk_id(submitted, number)).delete()


def put_chunk(found: Disbursement, number: int, lines: Sequence[Line]) -> None:
    """Keeps what became of the lines of one chunk. One process pays at a time: it holds the lease."""
    DisbursementChunk.objects(id=_chunk_id(found, number)).update_one(set__lines=_text(lines))


def chunk(found: Disbursement, number: int) -> list[Line]:
    """The lines of one chunk. Raises WrongState where they were never stored, or cannot be read."""
    stored = DisbursementChunk.objects(id=_chunk_id(found, number)).first()
    if stored is None:
        raise WrongState("its lines are not stored yet")
    try:
        return [line_of(fields) for fields in json.loads(stored.lines)]
    except (ValueError, TypeError, LookupError) as error:
        raise WrongState("its lines cannot be read") from error


def lines(found: Disbursement, after: int = 0) -> Iterator[Line]:
    """The stored lines behind line `after` of the file, in order."""
    for number in range(found.chunks):
        yield from (line for line in chunk(found, number) if line.number > after)


def difference(found: Disbursement) -> str:
    """In what the stored lines are not those that were submitted; "" where they are."""
    try:
        stored = list(lines(found))
    except WrongState as refused:
        return refused.message
    figures, approved = figures_of(stored), (found.lines, found.bad, found.total)
    if figures != approved:
        return f"(lines, bad, total) stored {figures}, approved {approved}"
    # Of what earlier code stored nothing but its figures is known.
    if found.digest and digest_of(found.sha256, stored) != found.digest:
        return "the figures are the same, but not the lines"
    return ""


def note_progress(found: Disbursement, number: int, stored: Sequence[Line]) -> Disbursement:
    """`found` with what became of a chunk; not stored yet."""
    done = progress_of(stored)
    counted = {str(number): [done.paid, done.paid_amount, done.refused, done.waiting]}
    return replace(found, progress=found.progress | counted)


def _chunk_id(found: Disbursement, number: int) -> str:
    return f"{found.id}:{found.digest}:{number}" if found.digest else f"{found.id}:{number}"


def _text(lines: Sequence[Line]) -> str:
    return json.dumps([line.fields() for line in lines], ensure_ascii=False)


def _values(found: Disbursement) -> dict[str, Any]:
    values = {name: getattr(found, name) for name in Disbursement.__dataclass_fields__}
    return values | {"state": found.state.value}


def _read(document: Any) -> Disbursement:
    values = {name: getattr(document, name) for name in Disbursement.__dataclass_fields__}
    # mongoengine keeps no empty text, and has mappings and lists of its own.
    given = {name: "" if value is None else value for name, value in values.items()}
    progress = {name: list(counts) for name, counts in (document.progress or {}).items()}
    return Disbursement(**given | {"state": State(document.state), "progress": progress})
