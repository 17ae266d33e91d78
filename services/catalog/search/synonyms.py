"""What goes by several names from north to south (lạc, đậu phộng), from data/synonyms.json. Pure.

A group of phrases is one thing: each finds the others. A phrase is meant as typed, or as its words without any
diacritics (`dua` may be dứa); `dưa` is another fruit and means only itself.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

from services.catalog.search.spelling import folded, toned

# Words a phrase, phrases a group.
PHRASE_WORDS_MAX = 4
GROUP_MAX = 6
# Names of goods of which the one name is remembered.
NAMES_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Part:
    """A run of a query's words; `others` are the phrases that mean the same, as the toned column may hold them."""

    words: tuple[str, ...]
    others: tuple[str, ...]


def parts(query: str, words_max: int) -> list[Part]:
    """The query's first `words_max` words in runs, the longest known phrase first; alone where none is known."""
    plain, typed = folded(query).split()[:words_max], toned(query).split()[:words_max]
    found: list[Part] = []
    at = 0
    while at < len(plain):
        part = Part((plain[at],), ())
        for length in range(min(PHRASE_WORDS_MAX, len(plain) - at), 0, -1):
            # Words that fold to nothing, or to two, would put the two lists out of step: then nothing is known.
            others = _known().get(" ".join(typed[at : at + length]), ()) if len(plain) == len(typed) else ()
            if others:
                part = Part(tuple(plain[at : at + length]), others)
                break
        found.append(part)
        at += len(part.words)
    return found


@lru_cache(NAMES_KEPT)
def one_name(name: str) -> str:
    """The name, toned, each phrase of a group in it replaced by the group's first: what goes by several names has one.

    Only phrases as they are written with their diacritics: without, `dua` would make a melon a pineapple.
    """
    words = toned(name).split()
    found: list[str] = []
    at = 0
    while at < len(words):
        for length in range(min(PHRASE_WORDS_MAX, len(words) - at), 0, -1):
            phrase = " ".join(words[at : at + length])
            if length == 1 or phrase in _first():
                found.append(_first().get(phrase, phrase))
                at += length
                break
    return " ".join(found)


def groups() -> list[list[str]]:
    """As the file has them. Raises ValueError where a group is too small, too large, or a phrase too long."""
    text = resources.files("services.catalog").joinpath("data/synonyms.json").read_text(encoding="utf-8")
    read: list[list[str]] = json.loads(text)
    for group in read:
        if not 2 <= len(group) <= GROUP_MAX or any(not 1 <= len(p.split()) <= PHRASE_WORDS_MAX for p in group):
            raise ValueError(
                f"synonyms {group}: 2 to {GROUP_MAX} phrases of at most {PHRASE_WORDS_MAX} words make a group"
            )
    return read


@cache
def _known() -> dict[str, tuple[str, ...]]:
    """Phrase, toned or folded, to the others of its groups, toned and folded."""
    known: dict[str, dict[str, None]] = {}
    for group in groups():
        for phrase in group:
            others = [form for other in group if other != phrase for form in (toned(other), folded(other))]
            for form in {toned(phrase), folded(phrase)}:
                known.setdefault(form, {}).update(dict.fromkeys(others))
    return {phrase: tuple(others) for phrase, others in known.items()}


@cache
def _first() -> dict[str, str]:
    """Phrase, toned, to the first of its (first) group, toned."""
    first: dict[str, str] = {}
    for group in groups():
        for phrase in group:
            first.setdefault(toned(phrase), toned(group[0]))
    return first
