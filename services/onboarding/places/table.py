"""Vietnam's units, as of July 2025 and before, found by name. Reads data/places.tsv (scripts/places_table.py made it).

Read on first use, and kept as two runs of bytes and their offsets, not as 14,000 objects: 2 MB.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from itertools import islice

from kit.errors import InvalidArgument, NotFound
from kit.qr.names import fold

QUERY_CHARACTERS_MIN, QUERY_CHARACTERS_MAX = 2, 100
FOUND_MAX, FOUND_USUAL = 20, 10
# Lines that are ranked: a query such as "xã" holds for half of the table, and nobody looks for its best match.
RANKED_MAX = 1_000

_NOT_WORD = re.compile(r"[^a-z0-9]+")
# What people write for short; a word that stands alone ("p. Quang Vinh").
_SHORT = {
    "tt": "thi tran", "tx": "thi xa", "tp": "thanh pho", "p": "phuong", "x": "xa", "h": "huyen", "q": "quan",
    "t": "tinh", "hcm": "ho chi minh",
}  # fmt: skip
_TYPES = re.compile(r"^(?:thi tran|thi xa|thanh pho|phuong|dac khu|xa|huyen|quan|tinh) (?=[a-z])")


class Kind(str, Enum):
    """What a unit is; the values are the table's."""

    PROVINCE = "P"
    WARD = "W"
    FORMER_PROVINCE = "p"
    FORMER_DISTRICT = "d"
    FORMER_COMMUNE = "c"


_ORDER = {kind: number for number, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Province:
    """`code` has two digits."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Ward:
    """A commune, ward or special zone of today; `code` has five digits. Where its middle is: degrees, WGS 84."""

    code: str
    name: str
    province: Province
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class Place:
    """A unit of today or before. `within` is what it lay in, as said then; `now` the wards that stand there today."""

    kind: Kind
    code: str
    name: str
    within: str
    province: Province
    now: tuple[Ward, ...]


def provinces() -> list[Province]:
    """All of today's, by name."""
    return sorted(_table().provinces.values(), key=lambda one: fold(one.name))


def wards(province_code: str) -> list[Ward]:
    """Those of a province of today, by name. Raises NotFound."""
    table = _table()
    if province_code not in table.provinces:
        raise NotFound(f"there is no province {province_code!r}: see GET /v1/places/provinces")
    found = [table.ward_at(i) for i in range(*table.rows(Kind.WARD)) if table.cells(i)[4] == province_code]
    return sorted(found, key=lambda ward: (fold(ward.name), ward.name))


def ward(code: str) -> Ward:
    """A ward of today. Raises NotFound."""
    found = _table().ward(code)
    if found is None:
        raise NotFound(f"there is no commune or ward {code!r} since July 2025: search for its name")
    return found


def middle(code: str) -> tuple[float, float]:
    """Where a ward's middle is, degrees, WGS 84; 0, 0 of a code that is no ward's since July 2025."""
    found = _table().ward(code)
    return (found.latitude, found.longitude) if found else (0.0, 0.0)


def formed_from(code: str) -> list[Place]:
    """The communes of before that went into a ward, wholly or in part. Raises NotFound."""
    ward(code)
    table = _table()
    first, last = table.rows(Kind.FORMER_COMMUNE)
    return [table.place(i) for i in range(first, last) if code in table.cells(i)[5]]


def search(query: str, province_code: str = "", limit: int = 0) -> list[Place]:
    """The best matches, at most `limit` (0 for the usual number). Raises InvalidArgument."""
    if not 0 <= limit <= FOUND_MAX:
        raise InvalidArgument(f"limit must be 1 to {FOUND_MAX}, or 0 for {FOUND_USUAL}")
    text = unicodedata.normalize("NFC", query).strip()
    if not QUERY_CHARACTERS_MIN <= len(text) <= QUERY_CHARACTERS_MAX:
        raise InvalidArgument(f"query must have {QUERY_CHARACTERS_MIN} to {QUERY_CHARACTERS_MAX} characters")
    table, words = _table(), _words(text).split()
    if province_code and province_code not in table.provinces:
        raise InvalidArgument("province_code is no province's: see GET /v1/places/provinces")
    if not words:
        return []
    holding = (i for i in table.holding(words) if not province_code or table.cells(i)[4] == province_code)
    ranked = sorted((_rank(table, i, " ".join(words), text), i) for i in islice(holding, RANKED_MAX))
    return [table.place(i) for _, i in ranked[: limit or FOUND_USUAL]]


def _words(text: str) -> str:
    """Folded words, what is written for short in full."""
    return " ".join(_SHORT.get(word, word) for word in _NOT_WORD.sub(" ", fold(text).lower()).split())


def _rank(table: _Table, i: int, words: str, text: str) -> tuple[int, bool, int, int]:
    """Smaller is better: the whole name, its beginning, any of it; the same diacritics; today's; the shortest."""
    kind, _, name, within, *_ = table.cells(i)
    folded = _words(name)
    bare = _TYPES.sub("", folded)
    # "thi tran hung son huyen dai tu" names the unit and what it lies in.
    whole = words in (folded, bare) or words.startswith((f"{folded} ", f"{bare} "))
    nearness = 0 if whole else 1 if bare.startswith(words) or folded.startswith(words) else 2
    said = f"{name} {within}".lower()
    otherwise = not all(word in said for word in re.split(r"[\s,.]+", text.lower()))
    return nearness, otherwise, _ORDER[Kind(kind)], len(folded)


class _Table:
    """The file's lines as they are, and folded: each begins and ends with a space, its words between single ones."""

    def __init__(self, raw: bytes) -> None:
        self._raw, self._starts, self._folded_starts = raw, array("I", [0]), array("I", [0])
        folded, kinds = bytearray(), []
        for line in raw.splitlines(keepends=True):
            kind, _, name, within, *_ = line.decode().split("\t")
            # People say "tỉnh" and "thành phố" before a province, which the table does not.
            of_province = " tinh thanh pho" if kind == Kind.PROVINCE.value else " tinh"
            # By the words that a query becomes: the "h" of "Ea H'Leo" is read as "huyện" in both.
            folded += f" {_words(f'{name} {within}')}{of_province} \n".encode()
            self._starts.append(self._starts[-1] + len(line))
            self._folded_starts.append(len(folded))
            kinds.append(kind)
        self._folded = bytes(folded)
        self._rows = {kind: (kinds.index(kind.value), len(kinds) - kinds[::-1].index(kind.value)) for kind in Kind}
        self.provinces: dict[str, Province] = {}
        for i in range(*self.rows(Kind.PROVINCE)):
            _, code, name, *_ = self.cells(i)
            self.provinces[code] = Province(code, name)

    def rows(self, kind: Kind) -> tuple[int, int]:
        """The lines of a kind, which stand together, by code."""
        return self._rows[kind]

    def cells(self, i: int) -> list[str]:
        return self._raw[self._starts[i] : self._starts[i + 1] - 1].decode().split("\t")

    def ward_at(self, i: int) -> Ward:
        _, code, name, _, province, middle = self.cells(i)
        latitude, longitude = map(float, middle.split(","))
        return Ward(code, name, self.provinces[province], latitude, longitude)

    def ward(self, code: str) -> Ward | None:
        first, last = self.rows(Kind.WARD)
        i = bisect_left(range(last), code, first, key=lambda row: self.cells(row)[1])
        return self.ward_at(i) if i < last and self.cells(i)[1] == code else None

    def place(self, i: int) -> Place:
        kind, code, name, within, province, now = self.cells(i)
        codes = [code] if kind == Kind.WARD.value else now.split()
        found = tuple(ward for ward in map(self.ward, codes) if ward is not None)
        return Place(Kind(kind), code, name, within, self.provinces[province], found)

    def holding(self, words: list[str]) -> Iterator[int]:
        """Lines with all of these words; the last may be the beginning of one."""
        wanted = [f" {word} ".encode() for word in words[:-1]] + [f" {words[-1]}".encode()]
        rarest = max(wanted, key=len)
        at = self._folded.find(rarest)
        while at >= 0:
            i = bisect_right(self._folded_starts, at) - 1
            end = self._folded_starts[i + 1]
            if all(self._folded.find(word, self._folded_starts[i], end) >= 0 for word in wanted):
                yield i
            at = self._folded.find(rarest, end)


@cache
def _table() -> _Table:
    return _Table(resources.files("services.onboarding.places").joinpath("data/places.tsv").read_bytes())
