"""A report's file as the lines of its Merkle tree, and the proof of one of them as a bank gets it.

A leaf is a line's bytes without its CRLF, in the file's order; the header is line 1, and its byte order mark counts.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from services.settlement.proof import merkle
from services.settlement.proof.files import open_regular

LINE_END = b"\r\n"
LINE_BYTES_MAX = 1 << 16
_PIECE = 1 << 18


def batches(path: Path) -> Iterator[list[bytes]]:
    """A file's lines, many at a time. Raises ValueError beyond LINE_BYTES_MAX in one, and as open_regular."""
    rest = b""
    with open_regular(path) as file:
        while piece := file.read(_PIECE):
            *found, rest = (rest + piece).split(LINE_END)
            if len(rest) > LINE_BYTES_MAX:
                raise ValueError(f"{path.name} has a line of more than {LINE_BYTES_MAX} bytes: it is no report")
            yield found
    if rest:
        yield [rest]


def tree_of(path: Path) -> merkle.Tree:
    """The Merkle tree of a report's file."""
    tree = merkle.Tree()
    for found in batches(path):
        tree.extend(found)
    return tree


def prove(path: Path, number: int) -> dict[str, Any]:
    """That line `number` (from 1, as an editor counts) is in a report: JSON for docs/examples/check_proof.py.

    Two passes over the file. Raises IndexError where there is no such line.
    """
    wanted, seen = b"", 0
    for found in batches(path):
        if seen < number <= seen + len(found):
            wanted = found[number - 1 - seen]
        seen += len(found)
    if not 1 <= number <= seen:
        raise IndexError(f"{path.name} has lines 1 to {seen}, and no line {number}")
    proof = merkle.prove(chain.from_iterable(batches(path)), number - 1)
    return {
        "type": "report-line-proof",
        "file": path.name,
        "line": wanted.decode(),
        "index": proof.index,
        "size": proof.size,
        "siblings": [sibling.hex() for sibling in proof.siblings],
    }


def check(said: dict[str, Any], root: bytes, size: int) -> bool:
    """Whether a proof's JSON shows its line to be one of the `size` lines of a signed root."""
    try:
        siblings = tuple(bytes.fromhex(sibling) for sibling in said["siblings"])
        proof, line = merkle.Inclusion(said["index"], said["size"], siblings), said["line"].encode()
        return isinstance(proof.index, int) and merkle.verify(root, size, line, proof)
    except (KeyError, TypeError, ValueError, AttributeError):
        return False


def as_json(said: dict[str, Any]) -> bytes:
    """A proof as the file that is sent."""
    return (json.dumps(said, ensure_ascii=False, indent=2) + "\n").encode()
