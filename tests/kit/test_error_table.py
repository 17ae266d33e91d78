"""Every error that clients are promised can happen, and a test expects it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit import words
from kit.errors import BY_CODE

ROOT = Path(__file__).parents[2]


def _text(folders: tuple[str, ...], *endings: str) -> str:
    paths = (path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in endings)
    return "\n".join(path.read_text() for path in paths if path.name not in ("errors.py", "test_error_table.py"))


# What an error is raised by, and expected by: a class's name (in one of these places) or a code in quotes.
RAISED = (r"raise (\w+)", r"\b(\w+)\(", r"\b(\w+) (?:if|else)", r"else (\w+)", r"['\"_]([A-Z][A-Z0-9_]*)['\"]")
EXPECTED = (r"['\"]([A-Z][A-Z0-9_]*)['\"]",)


@pytest.fixture(scope="module")
def raised() -> set[str]:
    """Names and codes of what the platform raises; a text is searched once, not once an error."""
    text = _text(("services", "kit", "gateway", "cli"), ".py", ".lua")
    found = {name for pattern in RAISED for name in re.findall(pattern, text)}
    if "'HOLD_' .. string.upper(p.state)" in text:
        found |= {code for code in BY_CODE if code.startswith("HOLD_")}
    return found


@pytest.fixture(scope="module")
def expected() -> set[str]:
    """Names and codes of what tests expect."""
    text = _text(("tests",), ".py")
    found = {name for pattern in EXPECTED for name in re.findall(pattern, text)}
    for arguments in re.findall(r"raises\(\(?([^)]*)", text):
        found.update(re.findall(r"\w+", arguments))
    return found


@pytest.mark.parametrize("code", BY_CODE)
def test_an_error_of_the_table_is_raised_somewhere_and_a_test_expects_it(
    code: str, raised: set[str], expected: set[str]
) -> None:
    either = {code, BY_CODE[code].__name__}
    assert either & raised, f"nothing raises {code}"
    assert either & expected, f"no test expects {code}"


def test_every_error_has_its_sentence_in_vietnamese() -> None:
    assert set(words.VI) >= set(BY_CODE)
    assert set(words.VI) <= set(BY_CODE), "words for an error that is none"
