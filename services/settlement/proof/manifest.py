"""The manifest of a pack: which files an institution got for a window, their hashes, and what they rest on; signed.

    about = About(institution="VIETTEL", window=12, ...)
    text = write(about, files, key)                # manifest.W000012-VIETTEL.json
    findings = verify(folder, jwks)                # whoever has the folder and the public keys

The file is `{"manifest": {...}, "jws": "..."}`: the first for people, the second (compact JWS) is what counts, and the
two must say the same. Made twice from the same, it is the same text.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from services.settlement.proof import lines, signature
from services.settlement.proof.files import NotAFile, check_institution, digest, is_file_name, open_regular
from services.settlement.proof.finding import Finding
from services.settlement.proof.signature import NotTrusted

VERSION = 1
TYPE = "settlement-manifest"
JWS_TYPE = "manifest+jws"
# With names as long as they may be this fits the 128,000 characters that JOSE libraries read of a JWS.
FILES_MAX = 300
BYTES_MAX = 1 << 20
# A folder with more manifests than this is checked in parts.
MANIFESTS_MAX = 10_000


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One file of a pack. `kind`: "report", "statement", "workbook", "pain.001", ...; `sha256` in hex."""

    name: str
    kind: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Report:
    """The pack's report: its file, how many lines it has (all of them, the header is one), its Merkle root in hex."""

    file: str
    lines: int
    root: str


@dataclass(frozen=True, slots=True)
class About:
    """What a pack is of. `window` is None where it is a day's; `net` in đồng (> 0: the institution is owed).

    `rules` and `code` are the versions that made it; `chain_head` is the books', hex.
    """

    institution: str
    window: int | None
    day: date
    opened_at: datetime
    closed_at: datetime
    net: int
    chain_head: str
    report: Report | None
    rules: str
    code: str
    created_at: datetime

    @property
    def pack(self) -> str:
        """What all names of the pack's files hold: "W000012-VIETTEL", or "D2026-11-29-VIETTEL"."""
        period = f"D{self.day.isoformat()}" if self.window is None else f"W{self.window:06d}"
        return f"{period}-{self.institution}"

    @property
    def name(self) -> str:
        """The manifest's file."""
        return f"manifest.{self.pack}.json"


def manifest(about: About, files: Sequence[PackedFile]) -> dict[str, Any]:
    """What is signed. Times are UTC, files sorted by name. Raises ValueError where the files are none of a pack."""
    names = [file.name for file in files]
    if not 1 <= len(names) <= FILES_MAX or len(set(names)) != len(names):
        raise ValueError(f"a pack has from 1 to {FILES_MAX} files of different names, not {len(names)}")
    if not all(is_file_name(name) and not _is_manifest(name) for name in names):
        raise ValueError("a file of the pack has a name that the exchange does not know, or a manifest's")
    if about.report is not None and about.report.file not in names:
        raise ValueError(f"the report {about.report.file} is not among the pack's files")
    check_institution(about.institution)
    return {
        "type": TYPE, "version": VERSION, "pack": about.pack, "institution": about.institution,
        "window": about.window, "day": about.day.isoformat(), "zone": "Asia/Ho_Chi_Minh",
        "opened_at": _utc(about.opened_at), "closed_at": _utc(about.closed_at),
        "currency": "VND", "net": about.net, "chain_head": about.chain_head,
        "report": None if about.report is None else {
            "file": about.report.file, "lines": about.report.lines, "root": about.report.root,
            "tree": "RFC 9162, SHA-256, lines without their CRLF",
        },
        "rules": about.rules, "code": about.code, "created_at": _utc(about.created_at),
        "files": [
            {"name": file.name, "kind": file.kind, "bytes": file.bytes, "sha256": file.sha256}
            for file in sorted(files, key=lambda file: file.name)
        ],
    }  # fmt: skip


def write(about: About, files: Sequence[PackedFile], key: OKPKey) -> bytes:
    """The manifest's file, signed."""
    said = manifest(about, files)
    return (signature.canonical({"manifest": said, "jws": signature.sign(said, JWS_TYPE, key)}) + "\n").encode()


def read(text: bytes, jwks: dict[str, Any]) -> dict[str, Any]:
    """What a manifest's file says, if it is signed by one of these keys. Raises NotTrusted."""
    if len(text) > BYTES_MAX:
        raise NotTrusted(f"more than {BYTES_MAX} bytes: no manifest of ours")
    try:
        outside = json.loads(text)
        shown, jws = outside["manifest"], outside["jws"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise NotTrusted("not a manifest: it has no `manifest` and `jws`") from error
    if not isinstance(jws, str):
        raise NotTrusted("not a manifest: its `jws` is no text")
    said = signature.read(jws, JWS_TYPE, jwks)
    if said.get("type") != TYPE or said.get("version") != VERSION:
        raise NotTrusted(f"not a {TYPE} of version {VERSION}: get a newer tool to check it")
    if shown != said:
        raise NotTrusted("what is shown is not what was signed: trust neither, and ask for it again")
    return said


def verify(folder: Path, jwks: dict[str, Any]) -> list[Finding]:
    """Checks every pack in a folder, and that nothing else is in it; nothing found, nothing wrong.

    Findings: NO_MANIFEST, NOT_SIGNED, WRONG_NAME, MISSING, NOT_A_FILE, SIZE, SHA256, ROOT, EXTRA, UNREADABLE.
    """
    # Dot-names are files that are still on their way.
    present = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    manifests = [name for name in present if _is_manifest(name)]
    if not manifests:
        return [Finding("NO_MANIFEST", "", "there is no manifest here: the pack is not whole yet, or it was taken out")]
    if len(manifests) > MANIFESTS_MAX:
        return [Finding("TOO_MANY", "", f"more than {MANIFESTS_MAX} packs: check them in parts")]
    known = set(manifests)
    findings = []
    for name in manifests:
        try:
            with open_regular(folder / name) as file:
                said = read(file.read(BYTES_MAX + 1), jwks)
        except (NotTrusted, NotAFile, OSError) as error:
            findings.append(Finding("NOT_SIGNED", name, str(error)))
            continue
        if name != f"manifest.{said['pack']}.json":
            findings.append(Finding("WRONG_NAME", name, f"it is the manifest of {said['pack']}: it was renamed"))
        for listed in said["files"]:
            known.add(listed["name"])
            findings += _check(folder, listed, said["report"])
    extra = "no manifest here names it: it is not from us, or its pack is not whole yet"
    return findings + [Finding("EXTRA", name, extra) for name in present if name not in known]


def _check(folder: Path, listed: dict[str, Any], report: dict[str, Any] | None) -> list[Finding]:
    name = listed["name"]
    path = folder / name
    try:
        size, sha256 = digest(path)
    except FileNotFoundError:
        return [Finding("MISSING", name, "the manifest names it, it is not here: fetch it again")]
    except NotAFile as error:
        return [Finding("NOT_A_FILE", name, str(error))]
    except OSError as error:
        return [Finding("UNREADABLE", name, f"it cannot be read ({error.strerror}): look at its rights")]
    if size != listed["bytes"]:
        text = f"it has {size} bytes, {listed['bytes']} were signed: it was cut or added to, fetch it again"
        return [Finding("SIZE", name, text)]
    if sha256 != listed["sha256"]:
        return [Finding("SHA256", name, "its content is not what was signed: fetch it again")]
    if report is not None and report["file"] == name:
        try:
            tree = lines.tree_of(path)
            same = (tree.size, tree.root().hex()) == (report["lines"], report["root"])
        except ValueError:
            same = False
        if not same:
            return [Finding("ROOT", name, "its lines do not make the root that was signed: tell us, the fault is ours")]
    return []


def _is_manifest(name: str) -> bool:
    return name.startswith("manifest.") and name.endswith(".json")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
