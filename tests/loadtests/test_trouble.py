"""The trouble itself, and what signs a run: without a stack."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cli.control import ControlFailed
from loadtests import headless
from loadtests.config import Config
from loadtests.faults import trouble
from services.settlement import trust


class _Stack:
    """One whose supervisor cannot kill."""

    def settings(self) -> Any:
        return SimpleNamespace(gateway_port=9)

    def wait_ready(self, name: str = "") -> None:
        pass

    def kill(self, name: str) -> None:
        raise ControlFailed(f"cannot kill {name}")


def test_a_day_whose_trouble_ended_at_its_first_fault_shows_nothing_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "CALM_S", (0.0, 0.0))
    config = Config("", tmp_path, tmp_path, "steady", 3, 1)

    def play() -> None:
        with headless.trouble(_Stack(), headless.Plan(("kill",), 1), config):  # type: ignore[arg-type]
            for one in threading.enumerate():
                if one.name == "trouble":
                    one.join(10)

    with pytest.raises(headless.Failed, match="ControlFailed: cannot kill"):
        play()


def test_every_run_has_a_key_of_its_own_and_never_the_one_that_stands_in_the_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[str] = []

    @contextmanager
    def stack(home: Path, *, seed: bool, env: Mapping[str, str]) -> Iterator[None]:
        given.append(env["CHO_SETTLEMENT_SIGNING_SECRET"])
        yield

    monkeypatch.delenv("CHO_SETTLEMENT_SIGNING_SECRET", raising=False)
    monkeypatch.setattr(headless, "Stack", stack)
    for _ in range(2):
        with headless.troubled_stack(tmp_path, ()):
            pass
    known = trust.signing_key("local-only-not-a-secret-settlement").thumbprint()
    assert len({known, *(trust.signing_key(secret).thumbprint() for secret in given)}) == 3
