"""When a bench's run counts: what failed in a warm-up fails the run, and what a payment causes is charged to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console
from typer.testing import CliRunner

from cli.bench import app, arrivals, checkout, connections, gateways, overload, own, payments, record, stall
from cli.bench.compare import differences
from cli.load import Outcome

RUNNER = CliRunner()
GOOD = (Counter({200: 3}), 0)
BROKEN = (Counter({200: 2, 500: 1}), 0)
SHED = (Counter({200: 2, 503: 1}), 1)


def outcome(statuses: Counter[int], overloaded: int) -> Outcome:
    return Outcome(1.0, statuses.copy(), [1.0] * statuses[200], overloaded)


class Fake:
    """A stack whose runs come out as told, in turn, the last for ever; `did` is what was done, in order."""

    def __init__(self, *runs: tuple[Counter[int], int]) -> None:
        self._runs, self.did = list(runs), list[str]()
        self.gateway_url, self.supervisor_pid, self.answered = "http://127.0.0.1:9", 1, 0

    def settings(self) -> Any:
        return SimpleNamespace(gateway_host="127.0.0.1", gateway_port=9)

    def processes(self) -> list[dict[str, Any]]:
        return []

    def run(self, host: str, port: int, makers: list[Callable[[], bytes]], seconds: float) -> Outcome:
        self.did.append("run")
        found = outcome(*(self._runs.pop(0) if len(self._runs) > 1 else self._runs[0]))
        self.answered += len(found.latencies_ms)
        return found

    def drain(self, stack: object) -> float:
        self.did.append("drain")
        return 0.5

    def cpu_s(self, stack: object) -> dict[str, float]:
        self.did.append("cpu")
        return {"gateway": 0.0}


def measured(bench: ModuleType, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the bench's `_measure` reports of `fake`."""
    phases = overload.Phase(1, 1.0), overload.Phase(1, 1.0)
    heard = arrivals.Arrivals([0.1], {b"p": 1.0}, {b"p": 1.1})

    async def arrive(*_: object) -> Any:
        return heard if bench is arrivals else phases

    before = iter([0])
    for where, name, instead in (
        (bench, "run", fake.run), (payments, "drain", fake.drain), (payments, "cpu_s", fake.cpu_s),
        (payments, "process_cpu_s", lambda pid: 0.0), (payments, "_lag", lambda stack: 7),
        (payments, "_memory_mb", lambda stack: {}),
        (payments, "_Listening", lambda *_: nullcontext(SimpleNamespace(wait_for=lambda count: None, count=0))),
        (payments, "people_of", lambda *_: ("mer_1", [("t", "wal_1")], SimpleNamespace(
            http=SimpleNamespace(headers={"authorization": "Bearer t"})))),
        (payments, "received", lambda *_: next(before, fake.answered * payments.AMOUNT_VND)),
        (stall, "_merchants", lambda stack: ["mer_1", "mer_2"]),
        (own, "audited", lambda stack: SimpleNamespace(balanced=True, seq=1)),
        (overload, "_herd", lambda url: {"other": {}}), (arrivals, "_arrive", arrive), (overload, "_arrive", arrive),
        (checkout, "_list", lambda stack: [("mer_1", "prd_1")]), (checkout, "tokens_of", lambda *_: ["t"]),
        (checkout, "_known", lambda *_: None), (checkout, "_counted", lambda *_: (fake.answered, fake.answered)),
    ):  # fmt: skip
        monkeypatch.setattr(where, name, instead)
    console, stack = Console(quiet=True), cast("Any", fake)
    arguments: dict[ModuleType, tuple[Any, ...]] = {
        payments: (2, 1.0, 2), stall: (1.0, 2), connections: (1.0, 2), gateways: ((1, 2), 2, 1.0, 2),
        arrivals: (1.0, 10.0), checkout: (1, 1.0, 2),
    }  # fmt: skip
    if bench is overload:
        return overload._measure(stack, 1.0, [2.0], 1, console, nullcontext())
    if bench is gateways:
        return gateways._measure(stack, (1, 2), 2, 1.0, 2, console)
    found: dict[str, Any] = bench._measure(stack, *arguments[bench], console)
    return found


@pytest.mark.parametrize("bench", [payments, stall, connections, gateways], ids=lambda bench: bench.__name__)
@pytest.mark.parametrize("answers", [BROKEN, SHED], ids=["broken", "shed"])
def test_an_answer_of_the_warm_up_that_is_no_success_fails_a_run_that_refuses_nobody(
    bench: ModuleType, answers: tuple[Counter[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measured(bench, Fake(answers, GOOD), monkeypatch)["failed"] == 1
    assert measured(bench, Fake(GOOD), monkeypatch)["failed"] == 0


@pytest.mark.parametrize(("bench", "name"), [(overload, "broken"), (arrivals, "failed")])
def test_where_some_are_refused_an_answer_that_is_no_coded_refusal_fails_warm_up_and_capacity(
    bench: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert measured(bench, Fake(BROKEN, GOOD), monkeypatch)[name] == 1
    assert measured(bench, Fake(GOOD, BROKEN), monkeypatch)[name] == 1
    assert measured(bench, Fake(SHED, SHED), monkeypatch)[name] == 0


def test_the_cpu_of_a_slice_of_payments_holds_what_its_followers_do_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    for bench in (payments, connections):
        fake = Fake(GOOD)
        measured(bench, fake, monkeypatch)
        did = " ".join(fake.did)
        assert "cpu run drain cpu" in did, bench
    fake = Fake(GOOD)
    report = measured(payments, fake, monkeypatch)
    assert (report["lag_max_events"], report["drain_s"]) == (7, 0.5)


@pytest.mark.parametrize(
    ("answers", "held"),
    [(GOOD, True), (SHED, True), (BROKEN, False), ((Counter({503: 3}), 3), False), ((Counter({0: 2}), 0), False)],
)
def test_checkouts_hold_where_some_were_placed_and_the_others_were_told_to_come_back(
    answers: tuple[Counter[int], int], held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = measured(checkout, Fake(answers), monkeypatch)
    assert checkout.held(report) is held


def test_a_run_whose_money_does_not_tie_is_not_compared(tmp_path: Path) -> None:
    figures = {"payments_per_s": 1000.0, "balanced": True, "tied": True, "goal_held": False}
    files = []
    for name, changed in (("good", {}), ("wrong", {"tied": False, "payments_per_s": 2000.0})):
        run = record.begin("payments", tmp_path / f"{name}.json")
        run.end(figures | changed, as_json=True, shown="")
        files.append(run.file)
    good, wrong = map(record.read, files)
    assert differences(good, good) == []
    assert differences(good, wrong) == ["the new run is not tied"]
    assert differences(wrong, good) == ["the old run is not tied"]
    refused = RUNNER.invoke(app, ["compare", *map(str, files)])
    assert refused.exit_code == 2
    assert "the new run is not tied" in refused.output
