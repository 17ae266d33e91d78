"""A query's words as FTS5 expressions that user input cannot break, and the place where a page ends. Pure.

Words are compared without diacritics (đ is d), so `hoà` and `hòa` are alike, and so is `hoa`. Who types
diacritics means them: words that agree in tone come first.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kit.errors import InvalidArgument
from services.catalog.search.question import Question
from services.catalog.search.spelling import folded, toned
from services.catalog.search.synonyms import parts

# Words beyond these are not looked for: a longer query finds nothing less by leaving them out.
QUERY_WORDS_MAX = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the tier of its last product, and that product's position."""

    tier: int
    position: int

    @classmethod
    def read(cls, token: str, question: Question) -> Place:
        """A token made by `write` for the same question. Raises InvalidArgument."""
        found = _TOKEN.fullmatch(token)
        if not found or found["order"] != question.order or found["check"] != question.check:
            raise InvalidArgument("page_token is not one that this search returned; begin without one")
        place = cls(int(found["tier"]), int(found["position"]))
        if place.position >= 1 << 63:
            raise InvalidArgument("page_token is not one that this search returned; begin without one")
        return place

    def write(self, question: Question) -> str:
        return f"{question.order}{self.tier}.{self.position}.{question.check}"


_TOKEN = re.compile(r"(?P<order>[a-z])(?P<tier>[0-9])\.(?P<position>[0-9]{1,19})\.(?P<check>[0-9a-f]{8})")


def words_of(query: str) -> list[str]:
    """Those that are looked for, without diacritics."""
    return folded(query).split()[:QUERY_WORDS_MAX]


def widening(query: str) -> list[str]:
    """What matches the words, best first; each finds all that the ones before it find. None for no words.

    1. the words as typed, tones included; 2. the same words without diacritics; 3. or what means the same;
    4. the last word only begun; 5. in the description or the merchant's name. Columns: toned, name, other, scope.
    """
    words = words_of(query)
    if not words:
        return []
    named = f"name : ({_all(words)})"
    wider = [named]
    with_tones = toned(query).split()[:QUERY_WORDS_MAX]
    if with_tones != words:
        wider.insert(0, f"(toned : ({_all(with_tones)}) AND {named})")
    alike = _alike(query)
    if alike:
        wider.append(alike)
    or_alike = f" OR {alike}" if alike else ""
    wider.append(f"(name : ({_all(words)} *){or_alike})")
    wider.append(f"({{name other}} : ({_all(words)} *){or_alike})")
    return wider


def tiers(where: str, wider: Sequence[str]) -> list[str]:
    """Expressions over products that fit `where`, best match first; no product matches two of them."""
    before = ["", *(f" NOT ({expression})" for expression in wider)]
    return [both(where, wide) + without for wide, without in zip(wider, before, strict=False)]


def both(where: str, words: str) -> str:
    """Products that fit `where` ("" for all) and match the words."""
    return f"(({where}) AND ({words}))" if where else f"({words})"


def mistyped(words: Sequence[str], meant: Mapping[str, Sequence[str]]) -> str:
    """The words, where `meant` has what else one of them may have been."""
    return " AND ".join(f"name : ({_any([word, *meant.get(word, ())])})" for word in words)


def _alike(query: str) -> str:
    """The words or what means the same; "" where nothing is known to."""
    found = parts(query, QUERY_WORDS_MAX)
    if not any(part.others for part in found):
        return ""
    either = [
        f"(name : ({_all(part.words)})" + (f" OR toned : ({_any(part.others)}))" if part.others else ")")
        for part in found
    ]
    return "(" + " AND ".join(either) + ")"


def _all(words: Sequence[str]) -> str:
    # Words are letters and digits only; the quotes keep AND, OR, NOT and NEAR from being operators.
    return " AND ".join(f'"{word}"' for word in words)


def _any(phrases: Sequence[str]) -> str:
    return " OR ".join(f'"{phrase}"' for phrase in phrases)
