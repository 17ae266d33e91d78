"""Photos of stalls: a document a merchant that names the file, the file under `stall-photos` in the server's home."""

from __future__ import annotations

import hashlib
from datetime import datetime

from mongoengine import DateTimeField, Document, StringField

from kit import clock
from kit.errors import NotFound
from kit.uploads.files import files

KIND = "stall-photos"


class StallPhotoDocument(Document):
    """Which photo is shown, and who put it there. `id` is the merchant's."""

    meta = {"collection": "stall_photos", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    sha256 = StringField(required=True)
    put_by = StringField(required=True)
    put_at = DateTimeField(required=True)


def put_photo(merchant_id: str, content: bytes, by: str) -> str:
    """Shows this photo (JPEG) from now on; its SHA-256, hex. The same again changes nothing but who and when.

    The file first: a death between the two leaves a file that nothing refers to. Raises Unavailable.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    files(KIND).put(merchant_id, sha256, content)
    at: datetime = clock.now()
    StallPhotoDocument.objects(id=merchant_id).update_one(
        upsert=True, set__sha256=sha256, set__put_by=by, set__put_at=at
    )
    return sha256


def photo(merchant_id: str) -> bytes:
    """The JPEG that is shown. Raises NotFound, Unavailable."""
    return files(KIND).get(merchant_id, photo_name(merchant_id, must=True))


def photo_name(merchant_id: str, *, must: bool = False) -> str:
    """Its SHA-256, hex; empty where there is none, or (`must`) raises NotFound."""
    found = StallPhotoDocument.objects(id=merchant_id).only("sha256").first()
    if found is None and must:
        raise NotFound("nobody has taken a photo of this stall")
    return str(found.sha256) if found is not None else ""
