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


PRODUCT = _text(("services", "kit", "gateway", "cli"), ".py", ".lua")
TESTS = _text(("tests",), ".py")


@pytest.mark.parametrize("code", BY_CODE)
def test_an_error_of_the_table_is_raised_somewhere_and_a_test_expects_it(code: str) -> None:
    name = BY_CODE[code].__name__
    raised = re.search(rf"raise {name}\b|\b{name}\(|\b{name} (?:if|else)|else {name}\b|['\"_]{code}['\"]", PRODUCT)
    by_state = code.startswith("HOLD_") and "'HOLD_' .. string.upper(p.state)" in PRODUCT
    assert raised or by_state, f"nothing raises {code}"
    assert re.search(rf"raises\(\(?[^)]*\b{name}\b|['\"]{code}['\"]", TESTS), f"no test expects {code}"


def test_every_error_has_its_sentence_in_vietnamese() -> None:
    assert set(words.VI) >= set(BY_CODE)
    assert set(words.VI) <= set(BY_CODE), "words for an error that is none"
