"""Figures, plots and the certificate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cli import machine
from loadtests.gate.watch import Look
from loadtests.report import certificate, figures, svg
from services.settlement import trust
from services.settlement.trust import NotTrusted
from tests.loadtests.gate_day import PAYMENTS, honest

LINES = st.dictionaries(
    st.text(max_size=10), st.lists(st.tuples(st.floats(0, 600), st.floats(0, 1e7)), max_size=20), max_size=10
)
KEY = trust.signing_key("test")


@hypothesis_settings(max_examples=40)
@given(LINES, st.booleans())
def test_a_chart_is_well_formed_whatever_is_plotted(lines: dict[str, svg.Line], log: bool) -> None:
    lines = {"".join(c for c in name if c.isprintable()): line for name, line in lines.items()}
    drawn = ElementTree.fromstring(svg.chart("Ngày chợ <&>", lines, "ms", log=log))
    assert drawn.tag.endswith("svg")
    assert len(drawn.findall("{*}polyline")) <= svg.LINES_MAX


def test_a_long_line_keeps_its_peaks() -> None:
    line = [(float(x), 1.0) for x in range(100_000)]
    line[77_777] = (77_777.0, 50.0)
    text = svg.chart("x", {"a": line}, "ms")
    assert len(text) < 40_000
    assert svg.chart("x", {"a": line}, "ms") == text
    assert f",{svg._TOP + 0.0:.1f} " in text  # 50 is the top of the axis


def test_an_empty_chart_says_so() -> None:
    assert "nothing was recorded" in svg.chart("x", {"a": []}, "ms")


@given(st.lists(st.floats(0, 1e5), min_size=1))
def test_percentiles_are_values_that_occurred(values: list[float]) -> None:
    found = figures.percentiles_us(values)
    assert found["p50"] <= found["p95"] <= found["p99"] <= found["p99.9"] <= found["max"]
    assert {found["p50"], found["max"]} <= {round(value * 1000) for value in values}


@given(PAYMENTS)
def test_every_payment_is_in_the_throughput(payments: list[tuple[str, str, int, int]]) -> None:
    found = figures.series(honest(payments).told, [])
    assert sum(count for _, count in found.throughput["payments"]) == len(payments)
    assert sum(count for _, count in found.throughput["announcements"]) == len(payments)


def test_cpu_is_told_by_process_as_cores() -> None:
    looks = [Look(0.0, 1, 1, {"gateway": 1.0}), Look(2000.0, 9, 4, {"gateway": 2.0, "new": 5.0})]
    found = figures.series(honest([]).told, looks)
    assert found.cpu == {"gateway": [(2.0, 0.5)]}
    assert found.lag_events["events that the books do not have yet"][-1][1] == 5
    assert figures.cpu_us_a_payment(looks, 100) == {"new": 50_000, "gateway": 10_000}


SAID: dict[str, Any] = {"holds": True, "money": {"payments": 3}}


def test_a_certificate_is_read_with_the_public_key_and_refused_when_it_was_changed() -> None:
    signed, keys = certificate.sign(SAID, KEY), trust.public_keys(KEY)
    assert certificate.read(signed, keys)["money"] == {"payments": 3}
    assert certificate.sign(SAID, KEY) == signed
    head, payload, signature = signed.split(".")
    for changed in (f"{head}.{payload[:-2]}AA.{signature}", f"{head}.{payload}.{signature[:-4]}AAAA", ""):
        with pytest.raises(NotTrusted):
            certificate.read(changed, keys)
    with pytest.raises(NotTrusted):
        certificate.read(signed, trust.public_keys(trust.signing_key("another")))


def test_a_certificate_that_cannot_be_read_is_no_certificate(tmp_path: Path) -> None:
    keys, file = tmp_path / "keys.json", tmp_path / "c.jws"
    keys.write_text(json.dumps(trust.public_keys(KEY)))
    file.write_text("not signed")
    assert certificate.main([str(file), str(keys)]) == 1
    assert certificate.main([]) == 2


def test_what_a_run_ran_on_is_told() -> None:
    assert machine.hardware()["cores"]
    assert machine.versions()["locust"]
    assert set(machine.commit()) == {"commit", "files_changed_since"}
