"""Whether bytes are a photo that can be kept: what they say they are, what they are, and how large they unpack. Pure.

The picture is decoded whole, in bounded memory: what only looks like one, and what unpacks to more than a phone's
camera takes, is refused before it is stored.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import NoReturn

from PIL import Image, ImageOps, UnidentifiedImageError

from kit.errors import DocumentRefused

BYTES_MAX = 700 * 1024
# 12 million pixels are a phone's whole camera; unpacked they are 36 MB, for the time of one check.
PIXELS_MAX = 12_000_000
SIDE_PIXELS_MIN = 100
SHARED_PIXELS_MAX = 1_280
# By the name Pillow has for it: what such a file begins with, and what it is called on the wire.
_MAGIC = {"JPEG": b"\xff\xd8\xff", "PNG": b"\x89PNG\r\n\x1a\n", "WEBP": b"RIFF"}
_CONTENT_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Photo:
    """Pixels, and the MIME type."""

    content_type: str
    width: int
    height: int


def inspect(content: bytes) -> Photo:
    """What the bytes are. Raises DocumentRefused with `problem` EMPTY, TOO_LARGE, NOT_AN_IMAGE, TOO_MANY_PIXELS or
    TOO_FEW_PIXELS."""
    if not content:
        _refuse("EMPTY", "there is nothing in it")
    if len(content) > BYTES_MAX:
        _refuse("TOO_LARGE", f"at most {BYTES_MAX // 1024} KiB: take the photo smaller")
    named = next((name for name, magic in _MAGIC.items() if content.startswith(magic)), None)
    if named is None:
        _refuse("NOT_AN_IMAGE", "only JPEG, PNG and WebP")
    try:
        # Pillow reads the head only until `load`; the format is the one of the first bytes, whatever else it knows.
        with Image.open(io.BytesIO(content), formats=[named]) as image:
            width, height = image.size
            if width * height > PIXELS_MAX:
                _refuse("TOO_MANY_PIXELS", f"at most {PIXELS_MAX} pixels: take the photo smaller")
            if min(width, height) < SIDE_PIXELS_MIN:
                _refuse("TOO_FEW_PIXELS", f"at least {SIDE_PIXELS_MIN} pixels a side: nobody can read it")
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DocumentRefused(f"at most {PIXELS_MAX} pixels", problem="TOO_MANY_PIXELS") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Warning) as error:
        raise DocumentRefused("not a picture that can be opened", problem="NOT_AN_IMAGE") from error
    return Photo(_CONTENT_TYPES[named], width, height)


def shareable(content: bytes, pixels_max: int = SHARED_PIXELS_MAX) -> bytes:
    """The photo as others may have it, JPEG: upright, at most `pixels_max` a side, and without what the phone wrote
    beside it (where it was taken, above all). `content` has been inspected."""
    with Image.open(io.BytesIO(content)) as image:
        image.draft("RGB", (pixels_max, pixels_max))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    upright.thumbnail((pixels_max, pixels_max))
    out = io.BytesIO()
    upright.save(out, "JPEG", quality=82, optimize=True)
    return out.getvalue()


def _refuse(problem: str, message: str) -> NoReturn:
    raise DocumentRefused(message, problem=problem)
