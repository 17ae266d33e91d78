"""A camt file as a stream of what is wanted of it: elements, transactions and entries, these already read.

All of the file goes through libxml2 but for entries that match a known shape (camt_shapes.py) right behind another
entry: where that one ended is certain, since the parser has just said so. Nothing else is looked for in raw text.
"""

from __future__ import annotations

import codecs
import re
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from lxml import etree

from services.settlement import xml_in
from services.settlement.intake import camt_shapes
from services.settlement.intake.camt_entry import Detail, Header, detail, header
from services.settlement.intake.refusals import refused

_END = re.compile(r"</(?:[\w.-]+:)?Ntry[ \t\r\n]*>")
_OTHER_ENCODING = re.compile(rb"^(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"'](?!utf-8[\"'])", re.IGNORECASE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, b"<\0", b"\0<")
_BLANKS = re.compile(camt_shapes.BLANK)
# Characters of an entry that is waited for, to see whether it has a known shape.
_ENTRY_MAX = 64 << 10
# Entries of no known shape after which shapes are looked for no more, if they are most.
_STRANGE_MAX = 2_000


class Item(NamedTuple):
    """An element that was wanted, or a TxDtls with its transaction, or an Ntry with its entry. An entry's transactions
    come before it, but for one of a known shape: it has its only one with it (and no element)."""

    name: str
    element: etree._Element | None
    entry: Header | None = None
    transaction: Detail | None = None


class Stream:
    """One file's items in order. Raises FileRefused as xml_in does."""

    def __init__(self, path: Path, wanted: frozenset[str]) -> None:
        self._path = path
        self._parser = xml_in.Parser({"Ntry", "TxDtls", *wanted}, passing=True)
        self._shapes: list[camt_shapes.Shape] = []
        # Entries read by a shape, and those that might have been.
        self._known = self._strange = 0
        # Lines before what comes next.
        self._lines = 0

    @property
    def skipped_lines(self) -> int:
        """Lines of entries that the parser never saw: to be added to an element's own."""
        return self._parser.skipped_lines

    def items(self) -> Iterator[Item]:
        """All that is wanted, once."""
        xml_in.check_size(self._path)
        xml_in.opening(self._path)
        with self._path.open("rb") as source:
            head = source.read(xml_in.PIECE_BYTES)
            source.seek(0)
            if head.startswith(_UTF16) or _OTHER_ENCODING.match(head):
                while piece := source.read(xml_in.PIECE_BYTES):
                    yield from self._fed(piece)
            else:
                yield from self._read_utf8(source)
        for name, element in self._parser.close():
            yield Item(name, element)

    def _fed(self, piece: bytes) -> Iterator[Item]:
        """What libxml2 makes of a piece."""
        for name, element in self._parser.feed(piece):
            line = (element.sourceline or 0) + self.skipped_lines
            if name == "TxDtls":
                yield Item(name, element, None, detail(element, line))
            elif name == "Ntry":
                yield Item(name, element, header(element, line))
            elif name:
                yield Item(name, element)

    def _fed_text(self, text: str) -> Iterator[Item]:
        self._lines += text.count("\n")
        return self._fed(text.encode())

    def _read_utf8(self, source: BinaryIO) -> Iterator[Item]:
        decoder = codecs.getincrementaldecoder("utf-8")()
        # Whether what comes next is right behind an entry.
        behind = False
        text = ""
        while True:
            piece = source.read(xml_in.PIECE_BYTES)
            text += self._decoded(decoder, piece)
            position = 0
            while True:
                if behind and self._strange < sys.maxsize:
                    position = yield from self._read_known(text, position)
                end = _END.search(text, position)
                if end is None or self._strange > max(_STRANGE_MAX, self._known):
                    break
                behind = yield from self._read_strange(text, position, end, behind)
                position = end.end()
            waits = behind and end is None and len(text) - position < _ENTRY_MAX
            if piece and waits:
                text = text[position:]
                continue
            yield from self._fed_text(text[position:])
            behind, text = False, ""
            if not piece:
                return

    def _decoded(self, decoder: codecs.IncrementalDecoder, piece: bytes) -> str:
        try:
            text = decoder.decode(piece, not piece)
        except UnicodeDecodeError as error:
            raise refused("ENCODING", "it is not in UTF-8, as it says: send it so", self._lines + 1) from error
        if any(character in text for character in camt_shapes.NO_CHARACTERS):
            # For the parser to refuse.
            self._strange = sys.maxsize
        return text

    def _read_known(self, text: str, position: int) -> Generator[Item, None, int]:
        """Entries of known shapes from here on; returns where there are no more."""
        shapes = self._shapes
        while True:
            for shape in shapes:
                match = shape.match(text, position)
                if match is None:
                    continue
                start = text.index("<", position)
                read = shape.read(match, self._lines + 1 + text.count("\n", position, start))
                if read is None:
                    return position
                yield Item("Ntry", None, *read)
                lines = text.count("\n", position, match.end())
                self._lines += lines
                self._parser.skipped_lines += lines
                self._known += 1
                position = match.end()
                break
            else:
                return position

    def _read_strange(self, text: str, position: int, end: re.Match[str], behind: bool) -> Generator[Item, None, bool]:
        """Up to what looks like an entry's end, by the parser. Returns whether it was one; learns its shape."""
        yield from self._fed_text(text[position : end.start()])
        last: Item | None = None
        for last in self._fed_text(end[0]):
            yield last
        if last is None or last.name != "Ntry" or last.element is None or last.entry is None:
            return False
        self._strange += 1
        start = _BLANKS.match(text, position)
        if behind and start is not None and len(self._shapes) < camt_shapes.SHAPES_MAX:
            shape = camt_shapes.learn(last.element, text[start.end() : end.end()], last.entry.line)
            if shape is not None:
                self._shapes.append(shape)
        return True
