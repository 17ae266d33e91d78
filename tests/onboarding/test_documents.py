"""Uploaded photos: what is kept, how, and what is refused before anything unpacks it."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from kit import crypto
from kit.config import settings
from kit.errors import DocumentInfected, DocumentRefused, InvalidArgument, LimitExceeded, NotFound, Unavailable
from kit.ids import new_id
from kit.uploads import photo, scanner
from services.onboarding import store
from services.onboarding.store import documents

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
MERCHANT = new_id("mer")


def picture(kind: str = "JPEG", size: tuple[int, int] = (200, 120), colour: int = 90) -> bytes:
    out = io.BytesIO()
    Image.new("L", size, colour).save(out, kind)
    return out.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A few bytes that say they are a picture of that size: a decompression bomb."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "content_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
def test_a_photo_is_known_by_its_bytes(kind: str, content_type: str) -> None:
    assert photo.inspect(picture(kind)) == photo.Photo(content_type, 200, 120)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "EMPTY"),
        (b"%PDF-1.7 ...", "NOT_AN_IMAGE"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "NOT_AN_IMAGE"),
        (b"\xff\xd8\xff" + b"not a jpeg at all" * 20, "NOT_AN_IMAGE"),
        (picture("GIF"), "NOT_AN_IMAGE"),
        (b"RIFF\x00\x00\x00\x00WAVE" + b"\0" * 100, "NOT_AN_IMAGE"),
        (picture()[: len(picture()) // 2], "NOT_AN_IMAGE"),
        (picture("PNG")[:-30], "NOT_AN_IMAGE"),
        (b"\xff\xd8\xff" + b"\0" * photo.BYTES_MAX, "TOO_LARGE"),
        (png_of(60_000, 60_000), "TOO_MANY_PIXELS"),
        (picture(size=(99, 500)), "TOO_FEW_PIXELS"),
    ],
)  # fmt: skip
def test_what_is_no_photo_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        photo.inspect(content)
    assert refused.value.details["problem"] == problem


def test_the_scanner_finds_the_test_string_wherever_it_is() -> None:
    with pytest.raises(DocumentInfected):
        scanner.scan(picture() + EICAR)
    scanner.scan(picture())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None) -> Path:
    monkeypatch.setattr(settings(), "home", tmp_path)
    return tmp_path


def test_a_photo_is_kept_encrypted_under_a_key_of_its_own_and_read_back(home: Path) -> None:
    content = picture()
    kept = store.keep_document(MERCHANT, "stall", content, "usr_1")
    assert store.keep_document(MERCHANT, "stall", content, "usr_2") == kept
    (file,) = [path for path in (home / "documents").rglob("*") if path.is_file()]
    assert file.name.startswith(kept.sha256)
    assert file.stat().st_mode & 0o077 == 0
    assert content[:20] not in file.read_bytes()
    assert store.read_document(MERCHANT, "stall", kept.sha256) == (content, "image/jpeg")
    with pytest.raises(NotFound):
        store.read_document(MERCHANT, "licence", kept.sha256)
    with pytest.raises(NotFound):
        store.read_document(new_id("mer"), "stall", kept.sha256)


def test_turning_the_field_key_touches_the_small_key_and_no_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = store.keep_document(MERCHANT, "stall", picture(), "usr_1")
    record = store.DocumentRecord.objects.get()
    monkeypatch.setattr(settings(), "field_keys_old", settings().field_key)
    monkeypatch.setattr(settings(), "field_key", "another")
    record.key = crypto.reencrypt(documents.KEY_FIELD, record.key, record.id)
    record.save()
    monkeypatch.setattr(settings(), "field_keys_old", "")
    assert store.read_document(MERCHANT, "stall", kept.sha256)[0] == picture()


def test_a_file_that_is_gone_is_said_to_be_out_of_reach(home: Path) -> None:
    kept = store.keep_document(MERCHANT, "stall", picture(), "usr_1")
    for path in (home / "documents").rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(Unavailable):
        store.read_document(MERCHANT, "stall", kept.sha256)


def test_one_merchant_has_so_many_documents_and_no_more_and_only_of_known_kinds(home: Path) -> None:
    with pytest.raises(InvalidArgument):
        store.keep_document(MERCHANT, "passport", picture(), "usr_1")
    for colour in range(documents.DOCUMENTS_MAX):
        store.keep_document(MERCHANT, "stall", picture(colour=colour), "usr_1")
    with pytest.raises(LimitExceeded):
        store.keep_document(MERCHANT, "stall", picture(colour=200), "usr_1")
    store.keep_document(MERCHANT, "stall", picture(colour=3), "usr_1")
    store.keep_document(new_id("mer"), "stall", picture(colour=200), "usr_1")
