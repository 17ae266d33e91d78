"""Puts a pack into an institution's `out/`: its files first, its signed manifest last, so that who sees it has all.

files = [put(box, "report", name, pieces), put(box, "statement", ...)]
seal(box, about, files, key)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from joserfc.jwk import OKPKey

from services.settlement.exchange import Box, Sent, send
from services.settlement.proof import manifest
from services.settlement.proof.files import digest
from services.settlement.proof.manifest import About, PackedFile


def packed(kind: str, sent: Sent) -> PackedFile:
    """A file that is out, as its manifest names it."""
    return PackedFile(sent.name, kind, sent.bytes, sent.sha256)


def put(box: Box, kind: str, name: str, pieces: Iterable[bytes]) -> PackedFile:
    """Sends one file of a pack; again with the same content is no error. Raises as exchange.sending."""
    return packed(kind, send(box, name, pieces))


def seal(box: Box, about: About, files: Sequence[PackedFile], key: OKPKey) -> Sent:
    """Writes the manifest, after every file of it was found to be out as listed. Raises ValueError where one is not,
    NameTaken where this pack was sealed with another content."""
    if box.institution != about.institution:
        raise ValueError(f"a pack of {about.institution} does not go to {box.institution}")
    for file in files:
        try:
            there = digest(box.out / file.name)
        except FileNotFoundError:
            there = None
        if there != (file.bytes, file.sha256):
            raise ValueError(f"{file.name} is not out as the manifest would say: put it there first")
    return send(box, about.name, [manifest.write(about, files, key)])
