"""What an archived month says of itself: its files, its place in the chain, its sums; signed as packs' manifests are.

`manifest.json` is `{"jws": "...", "manifest": {...}}`: the second part is for people, the first is what counts, and the
two must be equal.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from services.settlement.proof import signature
from services.settlement.proof.finding import Finding
from services.settlement.proof.signature import NotTrusted

MANIFEST = "manifest.json"
# 2: signed.
VERSION = 2
JWS_TYPE = "books-archive+jws"
BYTES_MAX = 64 << 10
_PIECE = 1 << 20


class ArchiveWrong(ValueError):
    """What is archived, or is to be, is not what the journal says. `findings` says what."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f"{finding.name}: {finding.text}" for finding in findings[:5]))
        self.findings = findings


@dataclass(frozen=True, slots=True)
class File:
    """A file of a month: its name, size, hash, and how many rows it has."""

    name: str
    bytes: int
    sha256: str
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an archived month is. Heads are hex; `debits` and `credits` are what was posted in it, đồng."""

    cell: str
    books: str
    month: str
    first_seq: int
    last_seq: int
    first_at_ms: int
    last_at_ms: int
    head_before: str
    head_after: str
    debits: int
    credits: int
    files: tuple[File, ...]
    writer: str
    type: str = "books-archive"
    version: int = VERSION
    zone: str = "Asia/Ho_Chi_Minh"

    def signed(self, key: OKPKey) -> str:
        """As JSON, signed: the same for the same month and key."""
        said = asdict(self)
        return _text(said, signature.sign(said, JWS_TYPE, key))


def read(folder: Path, keys: dict[str, Any]) -> Manifest:
    """A month's manifest, signed by one of these public keys (a JWKS).

    Raises ArchiveWrong where it is missing or none (MANIFEST_BROKEN), or not what one of them signed (NOT_SIGNED).
    """
    name = f"{folder.name}/{MANIFEST}"
    try:
        said, jws = _parse(folder)
        manifest = Manifest(**(said | {"files": tuple(File(**file) for file in said["files"])}))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        text = f"no manifest ({error}): restore the folder from a copy, or move it away and archive anew"
        raise ArchiveWrong([Finding("MANIFEST_BROKEN", name, text)]) from error
    if (wrong := _not_signed(said, jws, keys)) is not None:
        text = f"{wrong}: give the keys that were in force then, or restore the folder from a copy"
        raise ArchiveWrong([Finding("NOT_SIGNED", name, text)])
    return manifest


def digest(path: Path) -> tuple[int, str]:
    """A file's size in bytes and its SHA-256, hex. Raises OSError."""
    hashed, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            hashed.update(piece)
            size += len(piece)
    return size, hashed.hexdigest()


def _text(said: dict[str, Any], jws: str) -> str:
    return json.dumps({"jws": jws, "manifest": said}, ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def _not_signed(said: dict[str, Any], jws: str, keys: dict[str, Any]) -> str | None:
    """Why this is not what one of these keys signed; None where it is."""
    try:
        return None if signature.read(jws, JWS_TYPE, keys) == said else "what was signed says something else"
    except NotTrusted as error:
        return str(error)


def _parse(folder: Path) -> tuple[dict[str, Any], str]:
    """What it says, and its signature, unread. Raises ValueError, TypeError or KeyError where it says nothing."""
    with (folder / MANIFEST).open("rb") as file:
        text = file.read(BYTES_MAX + 1)
    if len(text) > BYTES_MAX:
        raise ValueError(f"more than {BYTES_MAX} bytes")
    both = json.loads(text)
    said, jws = both["manifest"], both["jws"]
    if not isinstance(said, dict) or not isinstance(jws, str) or _text(said, jws).encode() != text:
        raise ValueError("not as it was written")
    if said["month"] != folder.name:
        raise ValueError(f"of {said['month']}")
    return said, jws
