"""Vietnamese text in a code: ASCII in tags 59, 60 and 62-08, precomposed Unicode in template 64.

EMV QRCPS MPM v1.0 keeps names to printable ASCII (format ans) and puts the native name in template 64.
"""

import re
import unicodedata

from kit.qr.emv import QrError

NAME_LENGTH_MAX = 25  # characters, tag 59 and 64-01

_D_WITH_STROKE = str.maketrans("đĐ", "dD")
_NOT_ANS = re.compile(r"[^ -~]+")


def fold(text: str) -> str:
    """The text without Vietnamese diacritics; anything else stays as it is."""
    parts = unicodedata.normalize("NFD", text)
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return unicodedata.normalize("NFC", plain.translate(_D_WITH_STROKE))


def shorten_name(text: str, limit: int = NAME_LENGTH_MAX) -> str:
    """The longest run of leading words within `limit` characters, in NFC; an overlong first word is cut."""
    words = unicodedata.normalize("NFC", text).split()
    name = words[0][:limit] if words else ""
    for word in words[1:]:
        if len(name) + 1 + len(word) > limit:
            break
        name = f"{name} {word}"
    return name


def fold_name(text: str, limit: int = NAME_LENGTH_MAX) -> str:
    """A name fit for tag 59 or 60: folded, other non-ASCII (emoji) dropped, shortened on a word boundary."""
    name = shorten_name(_NOT_ANS.sub(" ", fold(text)), limit)
    if not name:
        raise QrError("QR_NAME_EMPTY", "nothing of this name can be written in ASCII")
    return name
