"""Manifests of what an institution is given: read, checked against the files, acknowledged.

A manifest is JSON with `files` ([{"name", "sha256"}, ...]), the same as a compact JWS, or JSON that holds such a JWS as
`jws`. A JWS is verified where `<home>/exchange/jwks.json` has the keys; its signed words count, not those beside it.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from simulators.institutions.exchange import FILE_NAME, Folders, Given, read_whole, sha256_of

MANIFEST = r"manifest\.[A-Za-z0-9-]+\.json"
FILES_MAX = 1_000
_BYTES_MAX = 4 << 20
_ALGORITHMS = ["Ed25519", "ES256"]


class Refused(ValueError):
    """A file that is not accepted. `reason` goes into its acknowledgement."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Pack:
    """A manifest that was read: what it says, and the SHA-256 of the files that it names."""

    said: dict[str, Any]
    files: dict[str, str]


def read(given: Given, home: Path) -> Pack:
    """Reads a manifest. Raises Refused, OSError."""
    try:
        text = read_whole(given.path, _BYTES_MAX).decode()
        said = _said(text.strip(), home / "exchange" / "jwks.json")
        files = {str(file["name"]): str(file["sha256"]).lower() for file in said["files"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise error if isinstance(error, Refused) else Refused("MANIFEST_BROKEN: no list of files in it") from error
    if len(files) > FILES_MAX or not all(FILE_NAME.fullmatch(name) for name in files):
        raise Refused(f"MANIFEST_BROKEN: more than {FILES_MAX} files, or names that are none")
    return Pack(said, files)


def wrong_files(pack: Pack, folders: Folders) -> dict[str, str]:
    """Files that are not what the manifest says, and why. Raises OSError where one cannot be read."""
    wrong = {}
    for name, sha256 in pack.files.items():
        try:
            actual = sha256_of(folders.given / name)
        except FileNotFoundError:
            wrong[name] = "MISSING: the manifest names it and it is not here"
            continue
        if actual != sha256:
            wrong[name] = f"SHA256_DIFFERS: it is {actual}"
    return wrong


def acknowledgement(name: str, sha256: str, at: datetime, reason: str = "") -> dict[str, Any]:
    """What `<name>.ack.json` says; accepted where there is no reason against it."""
    return {
        "file": name, "sha256": sha256, "received_at": at.isoformat(timespec="milliseconds"),
        "accepted": not reason, "reason": reason,
    }  # fmt: skip


def take(
    given: Given, folders: Folders, home: Path, at: datetime, owe: Callable[[dict[str, Any]], None]
) -> tuple[Pack | None, str]:
    """Reads and checks a manifest, and owes an acknowledgement of it and of each file that is here.

    The pack, or None and the reason why it is refused. Raises OSError.
    """
    try:
        pack = read(given, home)
        wrong = wrong_files(pack, folders)
    except Refused as refused:
        owe(acknowledgement(given.name, sha256_of(given.path), at, refused.reason))
        return None, refused.reason
    for name, sha256 in pack.files.items():
        if not wrong.get(name, "").startswith("MISSING"):
            actual = wrong.get(name, "").removeprefix("SHA256_DIFFERS: it is ")
            owe(acknowledgement(name, actual or sha256, at, wrong.get(name, "")))
    reason = "; ".join(f"{name}: {why}" for name, why in sorted(wrong.items()))[:500]
    owe(acknowledgement(given.name, sha256_of(given.path), at, reason))
    return (None if wrong else pack), reason


def _said(text: str, keys: Path) -> dict[str, Any]:
    said = {"jws": text} if not text.startswith("{") else json.loads(text)
    if "jws" not in said:
        return dict(said)
    signed = str(said["jws"])
    payload = signed.split(".")[1] if signed.count(".") == 2 else ""
    if not payload:
        raise Refused("MANIFEST_BROKEN: neither JSON nor a compact JWS")
    if not keys.exists():
        return dict(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    try:
        known = KeySet.import_key_set(json.loads(read_whole(keys, _BYTES_MAX)))
        verified = jws.deserialize_compact(signed, known, algorithms=_ALGORITHMS)
    except (JoseError, ValueError) as error:
        raise Refused(f"NOT_SIGNED: {error}") from error
    return dict(json.loads(verified.payload))
