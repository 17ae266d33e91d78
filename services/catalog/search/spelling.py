"""How words are written: without diacritics, with the tone in one place, and a slip of the finger away. Pure."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from vn_text import TONE_MARKS, fold, normalize, repair_mojibake

# A shorter word is one slip away from too many others.
MISTYPED_LENGTH_MIN = 4
# Longer words are codes and addresses; a word has one more neighbour than letters.
MISTYPED_LENGTH_MAX = 24
# Vietnamese has some thousands of syllables: building an index meets each of them often.
WORDS_KEPT = 20_000


def folded(text: str) -> str:
    """Lower-case words without diacritics, separated by single spaces."""
    return fold(repair_mojibake(text))


def toned(text: str) -> str:
    """Lower-case words with diacritics, the tone moved to the word's end: `hoà` and `hòa` are one word.

    Both placements are in daily use (new and old style); the vowel's shape (ơ, ô, ă) stays where it is.
    """
    words = "".join(c if c.isalnum() else " " for c in normalize(repair_mojibake(text)).lower()).split()
    return " ".join(_toned(word) for word in words)


@lru_cache(WORDS_KEPT)
def _toned(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    tones = "".join(_TONES[c] for c in decomposed if c in _TONES)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if c not in _TONES)) + tones


# A tone as a private-use character: FTS5 takes those as part of a word, and no text holds them.
_TONES = {mark: chr(0xE000 + i) for i, mark in enumerate(TONE_MARKS)}


def shortened(word: str) -> set[str]:
    """The word, and all that is left of it without one of its letters.

    Two words that are one edit apart have one of these in common, which makes the search for them a look-up.
    """
    return {word, *(word[:at] + word[at + 1 :] for at in range(len(word)))}


def one_edit_apart(one: str, other: str) -> bool:
    """Whether a letter too many, too few, wrong, or two that changed places make the difference."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    same = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, others_rest = one[same:], other[same:]
    if len(one) != len(other):
        longer, shorter = sorted((rest, others_rest), key=len, reverse=True)
        return longer[1:] == shorter
    return rest[1:] == others_rest[1:] or (rest[1::-1] == others_rest[:2] and rest[2:] == others_rest[2:])
