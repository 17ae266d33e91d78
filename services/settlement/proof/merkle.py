"""A Merkle tree over the lines of a report: one hash stands for all of them, and about 20 more prove that one is there.

As in RFC 9162, section 2.1 (and RFC 6962 before it): a leaf is SHA-256 of 0x00 and the line's bytes, a node SHA-256 of
0x01 and its two children, so that neither can pass for the other. Pure; memory grows with the logarithm of the lines.

    tree = Tree()
    tree.extend([b"first", b"second"])
    proof = prove([b"first", b"second"], 1)
    assert verify(tree.root(), tree.size, b"second", proof)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

# Lines that are hashed together: 2 ** BLOCK_LEVEL of them are one full subtree.
BLOCK_LEVEL = 10
BLOCK = 1 << BLOCK_LEVEL
# A path of more hashes would be of more than 2 ** 48 lines: nobody has them.
PATH_MAX = 48

_sha256 = hashlib.sha256


@dataclass(frozen=True, slots=True)
class Inclusion:
    """That the line at `index` (from 0) is one of `size`: its siblings from the leaf's up, 32 bytes each."""

    index: int
    size: int
    siblings: tuple[bytes, ...]


def leaf_hash(line: bytes) -> bytes:
    """What a line is in the tree: 32 bytes."""
    return _sha256(b"\x00" + line).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """What two children are together: 32 bytes."""
    return _sha256(b"\x01" + left + right).digest()


class Tree:
    """The tree of lines as they come, in order. Keeps one hash for each full subtree, and at most a block of leaves."""

    __slots__ = ("_block", "_full", "size")

    def __init__(self) -> None:
        self.size = 0
        # (level, hash) of full subtrees from the left, each smaller than the one before it.
        self._full: list[tuple[int, bytes]] = []
        self._block: list[bytes] = []

    def extend(self, lines: Sequence[bytes]) -> None:
        """Adds lines. A thousand at once cost half as much as one by one."""
        sha256 = _sha256
        self._block += [sha256(b"\x00" + line).digest() for line in lines]
        self.size += len(lines)
        while len(self._block) >= BLOCK:
            level, top = BLOCK_LEVEL, _top(self._block[:BLOCK])
            del self._block[:BLOCK]
            while self._full and self._full[-1][0] == level:
                top = node_hash(self._full.pop()[1], top)
                level += 1
            self._full.append((level, top))

    def root(self) -> bytes:
        """The root of all lines so far, 32 bytes; of none: SHA-256 of nothing. More lines may follow."""
        parts = [top for _, top in self._full]
        if self._block:
            parts.append(_top(self._block))
        if not parts:
            return _sha256().digest()
        root = parts.pop()
        while parts:
            root = node_hash(parts.pop(), root)
        return root


def _pairs(level: list[bytes]) -> list[bytes]:
    """The next level: children two by two; one that is left over goes up as it is."""
    sha256, children = _sha256, iter(level)
    above = [sha256(b"\x01" + left + right).digest() for left, right in zip(children, children, strict=False)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def _top(leaves: list[bytes]) -> bytes:
    while len(leaves) > 1:
        leaves = _pairs(leaves)
    return leaves[0]


def _path(leaves: list[bytes], index: int) -> list[bytes]:
    """Siblings of one leaf on its way up through these."""
    siblings = []
    while len(leaves) > 1:
        if index ^ 1 < len(leaves):
            siblings.append(leaves[index ^ 1])
        leaves, index = _pairs(leaves), index >> 1
    return siblings


def _blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    coming = iter(lines)
    while block := [leaf_hash(line) for line in islice(coming, BLOCK)]:
        yield block


def prove(lines: Iterable[bytes], index: int) -> Inclusion:
    """That the line at `index` (from 0) is among these; one pass. Raises IndexError where there is no such line."""
    # The tops of blocks, 32 bytes for 1,024 lines: a block is a full subtree, so they are the leaves of what is above.
    tops: list[bytes] = []
    siblings: list[bytes] = []
    size = 0
    for number, block in enumerate(_blocks(lines)):
        if number == index >> BLOCK_LEVEL and index & (BLOCK - 1) < len(block):
            siblings = _path(block, index & (BLOCK - 1))
        tops.append(_top(block))
        size += len(block)
    if not 0 <= index < size:
        raise IndexError(f"there is no line {index} of {size}: lines count from 0")
    return Inclusion(index, size, (*siblings, *_path(tops, index >> BLOCK_LEVEL)))


def verify(root: bytes, size: int, line: bytes, proof: Inclusion) -> bool:
    """Whether the proof shows that `line` is one of the `size` lines of `root` (RFC 9162, section 2.1.3.2).

    Take `root` and `size` from what was signed, not from the proof: hashes alone do not say how many lines there are.
    """
    if proof.size != size or not 0 <= proof.index < size or len(proof.siblings) > PATH_MAX:
        return False
    here, last, found = proof.index, size - 1, leaf_hash(line)
    for sibling in proof.siblings:
        if last == 0 or len(sibling) != 32:
            return False
        if here & 1 or here == last:
            found = node_hash(sibling, found)
            # Went up alone: there was no sibling on these levels.
            while here and not here & 1:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and found == root
