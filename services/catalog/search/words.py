"""Vietnamese text as search sees it, and a query as FTS5 expressions that user input cannot break. Pure.

Words are compared without diacritics (đ is d), so `hoà` and `hòa` are alike, and so is `hoa`. Who types
diacritics means them: words that agree in tone come first.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from vn_text import TONE_MARKS, fold, normalize, repair_mojibake

from kit.errors import InvalidArgument

QUERY_LENGTH_MAX = 200
# Words beyond these are not looked for: a longer query finds nothing less by leaving them out.
QUERY_WORDS_MAX = 8
MARKET_ID_LENGTH_MAX = 64

EVERYWHERE = "everywhere"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: the tier of its last product, and that product's position."""

    tier: int
    position: int

    @classmethod
    def read(cls, token: str) -> Place:
        """A token made by `write`. Raises InvalidArgument."""
        tier, _, position = token.partition(".")
        if not (tier.isascii() and tier.isdigit() and position.isascii() and position.isdigit()):
            raise InvalidArgument("page_token is not one that a search returned")
        if len(tier) > 1 or int(position) >= 1 << 63:
            raise InvalidArgument("page_token is not one that a search returned")
        return cls(int(tier), int(position))

    def write(self) -> str:
        return f"{self.tier}.{self.position}"


def folded(text: str) -> str:
    """Lower-case words without diacritics, separated by single spaces."""
    return fold(repair_mojibake(text))


def toned(text: str) -> str:
    """Lower-case words with diacritics, the tone moved to the word's end: `hoà` and `hòa` are one word.

    Both placements are in daily use (new and old style); the vowel's shape (ơ, ô, ă) stays where it is.
    """
    words = "".join(c if c.isalnum() else " " for c in normalize(repair_mojibake(text)).lower()).split()
    return " ".join(_toned(word) for word in words)


def _toned(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    tones = "".join(_TONES[c] for c in decomposed if c in _TONES)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if c not in _TONES)) + tones


# A tone as a private-use character: FTS5 takes those as part of a word, and no text holds them.
_TONES = {mark: chr(0xE000 + i) for i, mark in enumerate(TONE_MARKS)}


def scope(market_id: str) -> str:
    """One word that stands for a market, whatever characters its id has."""
    return "m" + market_id.encode().hex()


def tiers(query: str, market_id: str) -> list[str]:
    """FTS5 expressions, best match first; no product matches two of them. Raises InvalidArgument.

    1. the words as typed, tones included; 2. the same words without diacritics; 3. the last word only begun;
    4. in the description or the merchant's name. Columns: toned, name, other, scope.
    """
    if len(query) > QUERY_LENGTH_MAX:
        raise InvalidArgument(f"query has {len(query)} characters, the limit is {QUERY_LENGTH_MAX}")
    if len(market_id) > MARKET_ID_LENGTH_MAX:
        raise InvalidArgument("market_id is not one")
    where = f'scope : "{scope(market_id) if market_id else EVERYWHERE}"'
    words = folded(query).split()[:QUERY_WORDS_MAX]
    if not words:
        return [where] if not query.strip() else []
    widening = [
        f"name : ({_all(words)})",
        f"name : ({_all(words)} *)",
        f"{{name other}} : ({_all(words)} *)",
    ]
    with_tones = toned(query).split()[:QUERY_WORDS_MAX]
    if with_tones != words:
        widening.insert(0, f"toned : ({_all(with_tones)}) AND {widening[0]}")
    # Each widens the one before, so leaving that one's out leaves out all that were found already.
    found_already = ["", *(f" NOT ({expression})" for expression in widening[:-1])]
    return [f"({where} AND {wide}){not_found}" for wide, not_found in zip(widening, found_already, strict=True)]


def _all(words: list[str]) -> str:
    # Words are letters and digits only; the quotes keep AND, OR, NOT and NEAR from being operators.
    return " AND ".join(f'"{word}"' for word in words)
