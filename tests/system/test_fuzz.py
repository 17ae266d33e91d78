"""Schemathesis against the whole gateway, a request or two an operation; `make fuzz` sends ten thousand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from cli.api import Api
from cli.stack import Stack
from loadtests import fuzz

CASES = 250


@pytest.mark.system
@pytest.mark.timeout(240)
def test_nothing_that_is_sent_gets_a_5xx_or_an_answer_that_the_document_does_not_know(tmp_path: Path) -> None:
    seed = random.randrange(1, 1 << 31)
    with Stack(tmp_path, seed=True, env=fuzz.MACHINE) as stack, Api(stack.gateway_url) as api:
        fuzzed = fuzz.fuzz(stack.gateway_url, fuzz.gather(api), CASES, seed)

    found = "\n\n".join(f"{operation}: {kind}\n{text}" for (operation, kind), text in fuzzed.findings.items())
    assert not fuzzed.findings, f"python -m loadtests.fuzz --cases {CASES} --seed {seed}\n{found}"
    assert fuzzed.cases >= CASES
    assert {200, 400, 401, 403, 404} <= set(fuzzed.statuses)
