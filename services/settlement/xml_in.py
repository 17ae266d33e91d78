"""Reads XML that strangers send: element by element, within limits, without entities, DTDs or the network.

    for name, element in elements(path, {"TxInfAndSts"}):
        ...

Namespaces are passed over: banks use every version's, some none. Raises FileRefused (services/settlement/records.py).
Memory is bounded by KEPT_BYTES_MAX, whatever the file's size.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from xml.parsers import expat

from lxml import etree

from services.settlement.records import FileRefused

BYTES_MAX = 4 << 30
# Bytes, as XML, of what is in memory at a time: one wanted element and all around it that nobody wanted. Depth (256)
# and the length of one text (10 MB) are libxml2's own limits.
KEPT_BYTES_MAX = 4 << 20
# Small pieces stay in the processor's cache: larger ones are slower.
PIECE_BYTES = 64 << 10
_CHECK_BYTES = 1 << 20
_EXPAT_ENCODINGS = frozenset(
    expat.errors.codes[error]
    for error in (expat.errors.XML_ERROR_INCORRECT_ENCODING, expat.errors.XML_ERROR_UNKNOWN_ENCODING)
)


def local_name(element: etree._Element) -> str:
    """An element's name without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def elements(path: Path, wanted: Collection[str]) -> Iterator[tuple[str, etree._Element]]:
    """(name, element) for each wanted element as it ends, whole; its memory is given back some elements later.

    The first is the root ("", root), for its name and namespace. A wanted element inside a wanted one comes before it,
    and is still in it. `element.sourceline` says where it began.
    """
    check_size(path)
    opening(path)
    parser = Parser(wanted)
    with path.open("rb") as source:
        while piece := source.read(PIECE_BYTES):
            yield from parser.feed(piece)
    yield from parser.close()


def check_size(path: Path) -> None:
    """Raises FileRefused EMPTY or TOO_LARGE."""
    size = path.stat().st_size
    if size > BYTES_MAX:
        raise FileRefused("TOO_LARGE", f"more than {BYTES_MAX} bytes: send it in parts")
    if size == 0:
        raise FileRefused("EMPTY", "the file is empty: send it again")


class Parser:
    """Reads XML as it is fed, and gives the wanted elements. For a file, `opening` goes first, and refuses DTDs.

    `passing`: wanted elements inside a wanted one are forgotten like all others once they were given, so that they may
    be gone from it when it is given itself. What else is in it is there.
    """

    def __init__(self, wanted: Collection[str], passing: bool = False) -> None:
        self._wanted = frozenset(wanted)
        self._tags = [f"{{*}}{name}" for name in wanted]
        self._passing = passing
        self._parser = etree.XMLPullParser(
            events=("end",), tag=self._tags, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
            remove_comments=True, remove_pis=True, remove_blank_text=True, collect_ids=False,
        )  # fmt: skip
        self._root: etree._Element | None = None
        # Lines that it was not fed: added to those of errors.
        self.skipped_lines = 0
        # Bytes since memory was given back, and since it was measured.
        self._unforgotten = self._unchecked = 0

    def feed(self, piece: bytes) -> Iterator[tuple[str, etree._Element]]:
        """Reads on, and gives what has ended, as `elements` says. Take all of it before the next piece.

        Raises FileRefused XML_BROKEN, ENCODING, XML_DTD, XML_TOO_DEEP or XML_TOO_LARGE.
        """
        try:
            self._parser.feed(piece)
        except etree.XMLSyntaxError as error:
            raise _broken(error, self.skipped_lines) from error
        for _, element in self._parser.read_events():
            if self._root is None:
                self._root = _root(element)
                yield "", self._root
            yield local_name(element), element
        self._unforgotten += len(piece)
        if self._unforgotten >= PIECE_BYTES:
            self._unchecked += self._unforgotten
            self._unforgotten = 0
            self._forget()
            self._check_kept()

    def close(self) -> Iterator[tuple[str, etree._Element]]:
        """The end of the file. Raises FileRefused XML_BROKEN where it is not the document's."""
        try:
            root = self._parser.close()
        except etree.XMLSyntaxError as error:
            raise _broken(error, self.skipped_lines) from error
        if self._root is None:
            yield "", _root(root)

    def _forget(self) -> None:
        """Cuts wanted elements that were given out of the tree, along the path that is still open.

        Never the last child of an element: it may be open, and libxml2 may still write behind it.
        """
        node = self._root
        while node is not None and len(node):
            for child in list(node.iterchildren(*self._tags))[:-1]:
                node.remove(child)
            node = node[-1]
            if not self._passing and local_name(node) in self._wanted:
                return

    def _check_kept(self) -> None:
        """Raises FileRefused XML_TOO_LARGE where too much is in memory."""
        if self._root is None:
            kept = self._unchecked
        elif self._unchecked >= _CHECK_BYTES:
            kept, self._unchecked = len(etree.tostring(self._root)), 0
        else:
            return
        if kept > KEPT_BYTES_MAX:
            raise FileRefused("XML_TOO_LARGE", f"an element of more than {KEPT_BYTES_MAX} bytes: send it in parts")


def opening(path: Path) -> list[str]:
    """Local names of the elements that begin in a file's first 64 KB, in order; the first is the root's.

    Raises FileRefused XML_DTD, ENCODING, or XML_BROKEN where not even a root begins. It is another parser than the one
    that reads on, and has stopped before a document type's first entity.
    """
    names: list[str] = []
    parser = expat.ParserCreate()

    def doctype(*_: object) -> None:
        raise FileRefused("XML_DTD", "it declares a document type: send it without one", parser.CurrentLineNumber)

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = lambda name, _: names.append(name.rpartition(":")[2])
    with path.open("rb") as source:
        head = source.read(PIECE_BYTES)
    try:
        parser.Parse(head, False)
    except expat.ExpatError as error:
        if not names:
            reason = "ENCODING" if error.code in _EXPAT_ENCODINGS else "XML_BROKEN"
            raise FileRefused(reason, f"it is no XML ({error}): send it again", error.lineno) from error
    except FileRefused:
        raise
    except (LookupError, ValueError) as error:
        # An encoding that nobody knows, or of several bytes a character.
        raise FileRefused("ENCODING", f"{error}: send it as UTF-8", 1) from error
    if not names:
        raise FileRefused("XML_BROKEN", "no element begins in it: send it again", 1)
    return names


def _root(element: etree._Element) -> etree._Element:
    tree = element.getroottree()
    # Checked a second time, by the parser that read it.
    if tree.docinfo.doctype:
        raise FileRefused("XML_DTD", "it declares a document type: send it without one", 1)
    return tree.getroot()


def _broken(error: etree.XMLSyntaxError, skipped_lines: int) -> FileRefused:
    """The refusal that an error of libxml2 means."""
    code, types = error.code, etree.ErrorTypes
    line = (error.lineno or 0) + skipped_lines
    if code in (types.ERR_INVALID_ENCODING, types.ERR_UNKNOWN_ENCODING, types.ERR_UNSUPPORTED_ENCODING):
        return FileRefused("ENCODING", f"its characters are not in its encoding ({error.msg}): send it as UTF-8", line)
    if "depth" in error.msg:
        return FileRefused("XML_TOO_DEEP", f"elements in elements, too deep ({error.msg}): send a real message", line)
    if "too long" in error.msg or "limit exceeded" in error.msg:
        return FileRefused("XML_TOO_LARGE", f"too much in one element ({error.msg}): send it in parts", line)
    return FileRefused("XML_BROKEN", f"it is not whole, well-formed XML ({error.msg}): send it again", line)


def text(element: etree._Element, *path: str) -> str:
    """Text of the first descendant that a path of local names leads to; "" where there is none."""
    found = first(element, *path)
    return (found.text or "").strip() if found is not None else ""


def first(element: etree._Element, *path: str) -> etree._Element | None:
    """The first descendant that a path of local names leads to."""
    here = element
    for name in path:
        for child in here:
            if local_name(child) == name:
                here = child
                break
        else:
            return None
    return here


def all_of(element: etree._Element, name: str) -> Iterator[etree._Element]:
    """Children of this local name."""
    return (child for child in element if local_name(child) == name)
