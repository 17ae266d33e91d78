"""Uploaded documents: each encrypted under a key of its own, which MongoDB keeps encrypted under the field key.

So turning the field key (`cho keys rotate`) touches the small keys and no file, and deleting a key is erasing its file.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from mongoengine import BinaryField, DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit import clock, crypto
from kit.errors import InvalidArgument, LimitExceeded, NotFound
from kit.uploads import photo, scanner
from kit.uploads.files import files
from kit.uploads.photo import Photo
from services.onboarding import form

# Of one merchant; a photo that is taken again counts again.
DOCUMENTS_MAX = 20

KEY_FIELD = "documents.key"
_NONCE_BYTES = 12


class DocumentRecord(Document):
    """`id` is merchant, kind and SHA-256: the same upload again is the same record."""

    meta = {  # noqa: RUF012 - mongoengine's own form
        "collection": "documents",
        "auto_create_index": False,
        "indexes": [("merchant_id",)],
    }

    id = StringField(primary_key=True)
    merchant_id = StringField(required=True)
    kind = StringField(required=True)
    sha256 = StringField(required=True)
    key = BinaryField(required=True)
    content_type = StringField(required=True)
    width = IntField(required=True)
    height = IntField(required=True)
    uploaded_by = StringField(required=True)
    uploaded_at = DateTimeField(required=True)


@dataclass(frozen=True, slots=True)
class Kept:
    """What a form refers to."""

    sha256: str
    photo: Photo


def keep_document(merchant_id: str, kind: str, content: bytes, by: str) -> Kept:
    """Looks at an upload, scans it, and keeps it. The same again changes nothing.

    Raises InvalidArgument (the kind), DocumentRefused, DocumentInfected, LimitExceeded, Unavailable.
    """
    if kind not in form.DOCUMENTS:
        raise InvalidArgument(f"kind must be one of: {', '.join(form.DOCUMENTS)}", problem="DOCUMENT_KIND")
    # The scanner first: what it refuses, nothing else unpacks.
    scanner.scan(content)
    found = photo.inspect(content)
    sha256 = hashlib.sha256(content).hexdigest()
    record_id = f"{merchant_id}:{kind}:{sha256}"
    if DocumentRecord.objects(id=record_id).first() is None:
        if len(DocumentRecord.objects(merchant_id=merchant_id).only("id").limit(DOCUMENTS_MAX)) == DOCUMENTS_MAX:
            raise LimitExceeded(f"at most {DOCUMENTS_MAX} documents of one merchant")
        _write(record_id, merchant_id, kind, sha256, content, found, by)
    return Kept(sha256, found)


def _write(
    record_id: str, merchant_id: str, kind: str, sha256: str, content: bytes, found: Photo, by: str
) -> None:  # fmt: skip
    """File, then record: a death between the two leaves a file that nothing can open, and the next try another."""
    key, nonce = AESGCM.generate_key(256), os.urandom(_NONCE_BYTES)
    sealed = nonce + AESGCM(key).encrypt(nonce, content, record_id.encode())
    name = f"{sha256}-{hashlib.sha256(key).hexdigest()[:8]}"
    files("documents").put(merchant_id, name, sealed)
    try:
        DocumentRecord(
            id=record_id, merchant_id=merchant_id, kind=kind, sha256=sha256,
            key=crypto.encrypt(KEY_FIELD, base64.b64encode(key).decode(), record_id),
            content_type=found.content_type, width=found.width, height=found.height,
            uploaded_by=by, uploaded_at=clock.now(),
        ).save(force_insert=True)  # fmt: skip
    except NotUniqueError:
        return  # the same upload, twice at once: the other one's file is the one that is read


def has_document(merchant_id: str, kind: str, sha256: str) -> bool:
    """Whether it was uploaded for this merchant."""
    return DocumentRecord.objects(id=f"{merchant_id}:{kind}:{sha256}").only("id").first() is not None


def read_document(merchant_id: str, kind: str, sha256: str) -> tuple[bytes, str]:
    """Content and MIME type. Raises NotFound, Unavailable, cryptography's InvalidTag where the file was changed."""
    record = DocumentRecord.objects(id=f"{merchant_id}:{kind}:{sha256}").first()
    if record is None:
        raise NotFound("there is no such document")
    key = base64.b64decode(crypto.decrypt(KEY_FIELD, record.key, record.id))
    sealed = files("documents").get(merchant_id, f"{sha256}-{hashlib.sha256(key).hexdigest()[:8]}")
    return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], record.id.encode()), record.content_type
