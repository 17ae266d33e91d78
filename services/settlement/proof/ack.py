"""What an institution says of a file that it got: `<file>.ack.json`, compared with what was sent."""

from __future__ import annotations

import json
from dataclasses import dataclass

from services.settlement.exchange import Box
from services.settlement.proof.files import NameInvalid, check_file_name, digest, open_regular
from services.settlement.proof.finding import Finding

BYTES_MAX = 64 << 10
SUFFIX = ".ack.json"
_FORM = '{"file","sha256","received_at","accepted","reason"}, named <file>.ack.json'


@dataclass(frozen=True, slots=True)
class Ack:
    """Its words: `received_at` is as they wrote it, `reason` "" where they gave none."""

    file: str
    sha256: str
    received_at: str
    accepted: bool
    reason: str


def acknowledgement(box: Box, name: str) -> tuple[Ack | None, list[Finding]]:
    """Reads an acknowledgement in `in/` and compares it with its file in `out/`; None where it is none.

    Findings: ACK_BROKEN, ACK_UNKNOWN_FILE, ACK_HASH (they have another content), ACK_REFUSED. Raises as open_regular.
    """
    with open_regular(box.incoming / check_file_name(name)) as file:
        text = file.read(BYTES_MAX + 1)
    ack = _read(text)
    if ack is None or f"{ack.file}{SUFFIX}" != name:
        return None, [Finding("ACK_BROKEN", name, f"not an acknowledgement ({_FORM}): ask for it again")]
    try:
        _, sha256 = digest(box.out / ack.file)
    except FileNotFoundError:
        return ack, [Finding("ACK_UNKNOWN_FILE", ack.file, "it was never sent: ask them which file they mean")]
    findings = []
    if ack.sha256.lower() != sha256:
        said = f"they have {ack.sha256[:64]!r}, we sent {sha256}: have them fetch it again"
        findings.append(Finding("ACK_HASH", ack.file, said))
    if not ack.accepted:
        reason = ack.reason[:500] or "no reason given"
        findings.append(Finding("ACK_REFUSED", ack.file, f"they refused it ({reason}): settle it with them"))
    return ack, findings


def _read(text: bytes) -> Ack | None:
    if len(text) > BYTES_MAX:
        return None
    try:
        said = json.loads(text)
        ack = Ack(said["file"], said["sha256"], said["received_at"], said["accepted"], said.get("reason") or "")
        check_file_name(ack.file)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, NameInvalid):
        return None
    texts = (ack.sha256, ack.received_at, ack.reason)
    return ack if all(isinstance(value, str) for value in texts) and isinstance(ack.accepted, bool) else None
