"""Walks the chain over pages and says what is wrong with them, without decoding an event. Pure.

A page carries the chain's head after it, so any stretch of pages can be walked by itself, from the head before it: if
every stretch holds, and each begins with the head with which the one before ends, the whole chain holds.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from services.settlement import chain
from services.settlement.books.pages import RawPage
from services.settlement.proof.finding import Finding

FINDINGS_MAX = 100

# Called with every entry's sequence number and canonical bytes, in order.
Each = Callable[[int, bytes], None]


@dataclass(slots=True)
class Walk:
    """How far it is: page, its last sequence number, the chain's head there; and what was found (nothing is right).

    `told`: (sequence number, head) in order, that the chain must go through: windows' heads and the books' own.
    """

    page: int = 0
    seq: int = 0
    head: bytes = chain.GENESIS
    told: Sequence[tuple[int, bytes]] = ()
    findings: list[Finding] = field(default_factory=list)
    entries: int = 0
    size: int = 0
    # A page before this one is missing: where the chain stood is not known.
    lost: bool = False

    def find(self, code: str, name: str, text: str) -> None:
        """Notes a finding; beyond FINDINGS_MAX they are only counted as "and more"."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(code, name, text))
        elif len(self.findings) == FINDINGS_MAX:
            self.findings.append(Finding("MORE", "", f"more than {FINDINGS_MAX} findings: put these right first"))

    def take(self, page: RawPage, each: Each | None = None) -> None:
        """The next page. After a wrong one the walk goes on with the head that it says, so that each is told once."""
        name = f"page {page.number}"
        if page.number != self.page + 1:
            self.missing(page.number - 1)
        if page.first != self.seq + 1 and not self.lost:
            self.find("PAGE_OUT_OF_PLACE", name, f"begins with entry {page.first}, and {self.seq + 1} is next")
        head, seq, differ = self._link(page, each)
        whole = seq == page.last + 1
        if not whole:
            self.find("PAGE_BROKEN", name, f"is not whole: it says entries {page.first} to {page.last}, and cannot be "
                      "read so; restore it from a backup")  # fmt: skip
        elif head != page.head and not self.lost:
            self.find("PAGE_CHANGED", name, f"entries {page.first} to {page.last}, is not what was chained; restore it "
                      "from a backup")  # fmt: skip
        elif not self.lost:
            for entry in differ:
                self.find("HEAD_CHANGED", name, f"the chain's head at entry {entry} is not what was told of it")
        self.page, self.seq, self.head, self.lost = page.number, page.last, page.head, False
        self.size += len(page.raw)

    def missing(self, last: int) -> None:
        """Pages up to `last` should have come and are not there."""
        names = f"page {last}" if last == self.page + 1 else f"pages {self.page + 1} to {last}"
        self.find("PAGE_MISSING", names, f"not in the journal: entries from {self.seq + 1} on; restore from a backup. "
                  "The page behind cannot be proven")  # fmt: skip
        self.page, self.lost = last, True

    def _link(self, page: RawPage, each: Each | None) -> tuple[bytes, int, list[int]]:
        """The head after a page's entries, the sequence number behind them (-1 where it is not whole), and where the
        chain's head is not what was told."""
        raw, at, seq, head = page.raw, 0, page.first, self.head
        size, sha256, number = len(raw), hashlib.sha256, int.from_bytes
        differ: list[int] = []
        place = bisect_left(self.told, (seq, b""))
        while at < size:
            # In one go up to the next head that was told.
            stop, said = self.told[place] if place < len(self.told) else (page.last, None)
            if stop > page.last:
                stop, said = page.last, None
            while at < size and seq <= stop:
                start = at + 4
                end = start + number(raw[at:start], "big")
                entry = raw[start:end]
                # chain.link, without its call: a million of them are a second.
                head = sha256(head + seq.to_bytes(8, "big") + entry).digest()
                if each is not None and end <= size:
                    each(seq, entry)
                at, seq = end, seq + 1
            if said is not None and said != head:
                differ.append(stop)
            place += 1
            if seq > page.last:
                break
        self.entries += seq - page.first
        return head, seq if at == size else -1, differ
