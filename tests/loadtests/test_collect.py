"""What was under way when a run ended is asked for until there is an answer."""

from __future__ import annotations

import pytest

from cli.api import ApiError
from loadtests.gate import collect

FENCED = ApiError(503, "LEDGER_FENCED", "the ledger is being checked against the books; nothing was done")


def test_a_ledger_that_is_being_checked_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "AGAIN_S", 0.0)
    says = [FENCED, FENCED, {"outcome": "OUTCOME_DONE"}]

    def ask() -> dict[str, str]:
        said = says.pop(0)
        if isinstance(said, ApiError):
            raise said
        return said

    assert collect._answered(ask) == {"outcome": "OUTCOME_DONE"}


@pytest.mark.parametrize("error", [FENCED, ApiError(401, "UNAUTHENTICATED", "")])
def test_a_refusal_that_lasts_or_says_that_asking_is_wrong_ends_it(error: ApiError) -> None:
    def ask() -> dict[str, str]:
        raise error

    with pytest.raises(ApiError, match=error.code):
        collect._answered(ask, seconds=0.0)
