"""A short market day on a real stack: it holds to the đồng, and what is said of it can be checked."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from rich.console import Console

from cli.api import Api
from cli.stack import Stack
from kit.config import settings
from loadtests import headless, record
from loadtests.config import Config, day_of_peak
from loadtests.gate import collect, tie
from loadtests.report import certificate, write
from loadtests.shapes.curves import SHAPES
from services.settlement import trust

USERS, SECONDS = 8, 10
SECRET = "test"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[headless.Played]:
    folder = tmp_path_factory.mktemp("loadtest")
    env = dict(os.environ)
    plan = Config(
        "", folder / "people.json", folder / "record", "market-day", SECONDS, USERS, workers=1, day=day_of_peak(2027)
    )
    with Stack(folder / "stack", seed=True, env=headless.MACHINE) as stack, Api(stack.gateway_url) as api:
        yield headless.play(stack, api, plan, Console(quiet=True))
    os.environ.clear()
    os.environ.update(env)
    settings.cache_clear()


@pytest.mark.system
@pytest.mark.timeout(300)
def test_a_market_day_holds_to_the_dong(played: headless.Played) -> None:
    assert [name for (_, name), (_, failed) in played.told.calls.items() if failed] == []
    assert played.told.errors == []
    assert played.verdict.findings == []
    assert headless.status(played) == 0
    assert tie.losses(played.evidence) == {"lost": 0, "doubled": 0, "drift_vnd": 0}
    assert played.verdict.payments > 10
    assert played.verdict.cash_ins > 0
    assert played.watched.drain_ms is not None


@pytest.mark.system
def test_everybody_came(played: headless.Played) -> None:
    assert {asked.via for asked in played.told.asked.values()} >= {"http", "hostile"}
    names = {name.partition(" ")[2] for _, name in played.told.calls}
    assert {
        "/v1/cash-in",
        "/v1/payments",
        "/v1/qr/inspect",
        "/v1/merchants/{merchant}/announcements, since the ledger",
    } <= names
    assert sum(played.told.refusals.values()) > 0


@pytest.mark.system
def test_a_lie_in_the_clients_record_makes_the_run_fail(played: headless.Played) -> None:
    key = next(asked.key for asked in played.told.asked.values() if asked.outcome == record.DONE)
    (file, *_) = sorted(played.config.folder.glob("record-*.jsonl"))
    honest = file.read_bytes()
    lie = json.dumps(["s", "no-such-key", record.PAY, "0977000000", "wal_1", "mer_1", 5000, 1.0, "http"])
    told = json.dumps(["t", "no-such-key", record.DONE, "pay_lost", 2.0])
    try:
        file.write_bytes(honest + f"{lie}\n{told}\n".encode())
        lied = record.read(played.config.folder)
    finally:
        file.write_bytes(honest)
    evidence = replace(played.evidence, told=lied)
    verdict = collect.judge(evidence)
    verdict.audit = played.verdict.audit
    assert "pay_lost was acknowledged, and is not in the books" in verdict.findings
    assert headless.status(replace(played, verdict=verdict, evidence=evidence)) == 1
    assert key in lied.asked


@pytest.mark.system
def test_it_ends_in_a_certificate_that_a_stranger_can_check(played: headless.Played, tmp_path: Path) -> None:
    readable = write.everything(played, SECRET, tmp_path)
    keys = json.loads((tmp_path / "keys.json").read_text())
    said = certificate.read((tmp_path / "certificate.jws").read_text(), keys)
    assert said["holds"] is True
    assert said["money"]["lost"] == said["money"]["doubled"] == said["money"]["drift_vnd"] == 0
    assert said["chain_head"] == played.verdict.audit.chain_head  # type: ignore[union-attr]
    assert all(row["ok"] for row in said["invariants"])
    assert keys == trust.public_keys(trust.signing_key(SECRET))
    assert "every đồng is where it must be" in readable
    page = (tmp_path / "report.html").read_text()
    assert page.count("<svg") == 6
    assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert certificate.main([str(tmp_path / "certificate.jws"), str(tmp_path / "keys.json")]) == 0


def test_an_unknown_shape_or_day_is_refused_before_anything_starts() -> None:
    assert "carnival" not in SHAPES
    with pytest.raises(typer.BadParameter, match="--shape is one of"):
        headless.main(shape="carnival")
    for day in ("tomorrow", "2150-01-01"):
        with pytest.raises(typer.BadParameter, match="--day"):
            headless.main(day=day)
