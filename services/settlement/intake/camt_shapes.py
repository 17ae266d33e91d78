"""Entries of a camt file that look like an entry before them, read without building a tree of each.

A bank's file has a million entries of the same elements in the same order. The first is read by libxml2; its *shape* is
a pattern of exactly its tags and attributes, with only the texts left open. Whatever the pattern matches in full has
the same elements, so is as well-formed and is read the same; whatever it does not (another element, an entity, a
comment, CDATA, a blank text, a character that XML does not have) goes to libxml2. Four times as fast. Pure.
"""

from __future__ import annotations

import re
from copy import deepcopy
from operator import itemgetter

from lxml import etree

from services.settlement.intake.camt_entry import Detail, Header, detail, header
from services.settlement.xml_in import local_name

# Shapes that are learnt from one file: compiling one takes longer than reading a hundred entries.
SHAPES_MAX = 32
# Texts of one shape.
_TEXTS_MAX = 90
# Possessive: what is taken is never given back, so that nothing is tried twice.
BLANK = "[ \t\r\n]*+"
# A text without what only a parser may judge: references, "]]>", line ends to normalise, control characters.
_TEXT = "([^<&>\r\x00-\x08\x0b\x0c\x0e-\x1f]++)"
# Characters that XML does not have, and that cost too much to look for in every text.
NO_CHARACTERS = ("\ufffe", "\uffff")
_TOKEN = re.compile(r"<[^<>&]*>|[^<>&]+")
_OPENS = re.compile(r"<(?:[\w.-]+:)?Ntry[ \t\r\n>]")

# Marks a text's place in the copy that a shape is learnt from (private use: in no bank's file).
_MARK = "\ue000"


class Shape:
    """One pattern, and which of its texts is which field."""

    def __init__(self, pattern: str, texts: int, entry: Header, transaction: Detail) -> None:
        self.match = re.compile(BLANK + pattern).match
        # Behind a match's texts: what is no text of it (nothing, and the currencies of attributes).
        self._constants = [""]
        self._texts = texts
        self._header = itemgetter(*map(self._place, entry[:-1]))
        self._detail = itemgetter(*map(self._place, transaction[:-2]))
        self._prose = [self._place(mark) for mark in transaction.text]
        self._constants_after = tuple(self._constants)

    def _place(self, value: str) -> int:
        if value.startswith(_MARK):
            return int(value[1:])
        if value not in self._constants:
            self._constants.append(value)
        return self._texts + self._constants.index(value)

    def read(self, match: re.Match[str], line: int) -> tuple[Header, Detail] | None:
        """The entry and its transaction; None where a text is blank, since that may change which is taken."""
        texts = tuple(map(str.strip, match.groups()))
        if "" in texts:
            return None
        texts += self._constants_after
        prose = tuple([texts[index] for index in self._prose])
        return Header._make((*self._header(texts), line)), Detail._make((*self._detail(texts), prose, line))


def learn(element: etree._Element, entry: str, line: int) -> Shape | None:
    """The shape of an entry that libxml2 read, from its XML, "<Ntry" to "</Ntry>". None where it has more than one
    transaction, or anything that a shape leaves to libxml2."""
    if not _OPENS.match(entry):
        return None
    pattern, texts = _pattern(entry)
    copy = deepcopy(element)
    transactions = [one for one in copy.iter() if local_name(one) == "TxDtls"]
    leaves = [one for one in copy.iter() if not len(one) and (one.text or "").strip(" \t\r\n")]
    if not 0 < texts <= _TEXTS_MAX or len(leaves) != texts or len(transactions) > 1 or _MARK in entry:
        return None
    whole = header(copy, line), detail(transactions[0], line) if transactions else Detail(line=line)
    for index, leaf in enumerate(leaves):
        leaf.text = f"{_MARK}{index}"
    shape = Shape(
        pattern, texts, header(copy, line), detail(transactions[0], line) if transactions else Detail(line=line)
    )
    match = shape.match(entry)
    # Not learnt, rather than wrong: it must read its own entry as libxml2 did.
    return shape if match and match.end() == len(entry) and shape.read(match, line) == whole else None


def _pattern(entry: str) -> tuple[str, int]:
    """A pattern of exactly these tags, with any blanks between them, and the number of texts in it; 0 for none."""
    pieces = [piece for piece in _TOKEN.findall(entry) if piece.strip(" \t\r\n")]
    if sum(map(len, _TOKEN.findall(entry))) != len(entry):
        return "", 0
    pattern: list[str] = []
    texts = 0
    for index, piece in enumerate(pieces):
        if not piece.startswith("<"):
            before, after = pieces[index - 1], pieces[index + 1]
            # A text is a leaf's, between its two tags: beside elements it is nobody's.
            if before.startswith("</") or before.endswith("/>") or not after.startswith("</"):
                return "", 0
            pattern.append(_TEXT)
            texts += 1
        elif piece.startswith(("<!", "<?")):
            return "", 0
        else:
            if pattern and pattern[-1] is not _TEXT:
                pattern.append(BLANK)
            pattern.append(re.escape(piece))
    return "".join(pattern), texts
