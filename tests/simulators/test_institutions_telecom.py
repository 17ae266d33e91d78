"""The telecoms: they check the report that they are given, and answer with their own record of the same."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from simulators.institutions.ticks import Institutions, tick
from tests.simulators import institutions_files as files
from tests.simulators.institutions_files import came, give, give_pack, unsynced

__all__ = ["unsynced"]

NOW = datetime(2026, 11, 29, 10, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
POSTINGS = [("tid-1", "D", 50_000), ("tid-2", "D", 20_000), ("tid-3", "C", 5_000)]
NAME = "report.W000012-VIETTEL.csv"
MANIFEST = "manifest.W000012-VIETTEL.json"
REPORT = files.report("VIETTEL", POSTINGS)
SAID = {"files": [{"name": NAME, "sha256": hashlib.sha256(REPORT).hexdigest()}]}


@pytest.fixture
def them(tmp_path: Path) -> Iterator[Institutions]:
    with closing(Institutions(tmp_path)) as institutions:
        yield institutions


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def ack(home: Path, name: str = MANIFEST, telecom: str = "VIETTEL") -> dict:
    return json.loads((home / "exchange" / telecom / "in" / f"{name}.ack.json").read_text())


def test_a_pack_is_acknowledged_and_answered_by_the_telecoms_own_record(tmp_path: Path) -> None:
    give_pack(tmp_path, "VIETTEL", REPORT)
    tick(tmp_path, NOW)
    assert ack(tmp_path)["accepted"] is True
    assert ack(tmp_path, NAME)["sha256"] == SAID["files"][0]["sha256"]
    assert came(tmp_path, "record.*", "VIETTEL") == []
    tick(tmp_path, NOW + SECOND)
    at = "2026-11-29T08:00:00.000+07:00"
    assert rows(came(tmp_path, "record.W000012-VIETTEL.csv", "VIETTEL")[0]) == [
        ["transfer_id", "time", "operation", "side", "amount", "currency"],
        ["tid-1", at, "pay", "D", "50000", "VND"],
        ["tid-2", at, "pay", "D", "20000", "VND"],
        ["tid-3", at, "pay", "C", "5000", "VND"],
        ["total", "3", "70000", "5000", "", ""],
    ]
    said = json.loads(came(tmp_path, "acceptance.*", "VIETTEL")[0].read_text())
    assert (said["pack"], said["net"], said["accepted"]) == ("W000012-VIETTEL", -65_000, True)


def test_all_three_telecoms_answer_and_only_for_their_own_report(tmp_path: Path, them: Institutions) -> None:
    for telecom in ("VIETTEL", "VNPT", "MOBIFONE"):
        give_pack(tmp_path, telecom, files.report(telecom, POSTINGS))
    other = files.report("VNPT", POSTINGS)
    give(tmp_path, "VIETTEL", "report.W000013-VNPT.csv", other)
    give(tmp_path, "VIETTEL", "manifest.W000013-VNPT.json", files.manifest({"report.W000013-VNPT.csv": other}))
    for number in range(2):
        them.tick(NOW + number * SECOND)
    for telecom in ("VIETTEL", "VNPT", "MOBIFONE"):
        assert [path.name for path in came(tmp_path, "record.*", telecom)] == [f"record.W000012-{telecom}.csv"]


def test_nothing_is_taken_before_the_manifest_is_there(tmp_path: Path) -> None:
    give(tmp_path, "VIETTEL", NAME, REPORT)
    assert tick(tmp_path, NOW) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (REPORT[:-40], "SHA256_DIFFERS"),
        (None, "MISSING"),
    ],
)
def test_a_pack_whose_files_are_not_those_of_the_manifest_is_refused(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    if content is not None:
        give(tmp_path, "VIETTEL", NAME, content)
    give(tmp_path, "VIETTEL", MANIFEST, json.dumps(SAID).encode())
    tick(tmp_path, NOW)
    tick(tmp_path, NOW + SECOND)
    assert ack(tmp_path)["accepted"] is False
    assert reason in ack(tmp_path)["reason"]
    assert came(tmp_path, "record.*", "VIETTEL") == []


@pytest.mark.parametrize(
    "content",
    [
        REPORT.replace(b"net,chain", b"net ,chain"), REPORT.replace(b",70000,5000", b",70001,5000"),
        REPORT.replace(b",50000,", b",a lot,"), REPORT.replace(b"debit_vnd", b"debit"), b"", b"\xff\xfe",
    ],
)  # fmt: skip
def test_a_report_that_does_not_tie_is_refused(tmp_path: Path, content: bytes) -> None:
    give_pack(tmp_path, "VIETTEL", content)
    tick(tmp_path, NOW)
    tick(tmp_path, NOW + SECOND)
    assert ack(tmp_path, NAME)["accepted"] is False
    assert came(tmp_path, "record.*", "VIETTEL") == []


@pytest.mark.parametrize("wrapped", [True, False])
def test_a_signed_manifest_is_verified_by_the_published_keys(tmp_path: Path, wrapped: bool, them: Institutions) -> None:
    key = OKPKey.generate_key("Ed25519")
    signed = jws.serialize_compact(
        {"alg": "Ed25519", "kid": key.thumbprint(), "typ": "manifest+jws"},
        json.dumps(SAID),
        key,
        algorithms=["Ed25519"],
    )
    text = json.dumps({"manifest": {"files": []}, "jws": signed}) if wrapped else signed
    give(tmp_path, "VIETTEL", NAME, REPORT)
    # Without keys it is believed; with another's it is not; with ours it is.
    accepted = []
    for keys in (None, OKPKey.generate_key("Ed25519"), key):
        if keys is not None:
            public = {"keys": [{**keys.as_dict(private=False), "kid": keys.thumbprint(), "alg": "Ed25519"}]}
            (tmp_path / "exchange" / "jwks.json").write_text(json.dumps(public))
        give(tmp_path, "VIETTEL", MANIFEST, text.encode())
        them.tick(NOW)
        accepted.append(ack(tmp_path)["accepted"])
    assert accepted == [True, False, True]


def test_a_signature_over_other_words_is_not_accepted(tmp_path: Path) -> None:
    key = OKPKey.generate_key("Ed25519")
    public = {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "alg": "Ed25519"}]}
    signed = jws.serialize_compact({"alg": "Ed25519", "kid": key.thumbprint()}, b"{}", key, algorithms=["Ed25519"])
    head, _, signature = signed.split(".")
    words = jws.serialize_compact({"alg": "Ed25519"}, json.dumps(SAID), key, algorithms=["Ed25519"]).split(".")[1]
    give(tmp_path, "VIETTEL", NAME, REPORT)
    give(tmp_path, "VIETTEL", MANIFEST, f"{head}.{words}.{signature}".encode())
    (tmp_path / "exchange" / "jwks.json").write_text(json.dumps(public))
    tick(tmp_path, NOW)
    assert ack(tmp_path)["reason"].startswith("NOT_SIGNED")


@pytest.mark.parametrize(
    "text",
    [b"", b"{}", b"[]", b"a.b", b"a.b.c", b'{"files": 1}', b'{"files": [{"name": "../x", "sha256": ""}]}', b"\xff"],
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, text: bytes) -> None:
    give(tmp_path, "VIETTEL", MANIFEST, text)
    tick(tmp_path, NOW)
    assert ack(tmp_path)["accepted"] is False


def test_a_record_whose_report_was_taken_away_is_not_made_up(tmp_path: Path, them: Institutions) -> None:
    give_pack(tmp_path, "VIETTEL", REPORT)
    them.tick(NOW)
    (tmp_path / "exchange" / "VIETTEL" / "out" / NAME).unlink()
    assert "NOT WRITTEN" in [one.what for one in them.tick(NOW + SECOND)]
    assert came(tmp_path, "record.*", "VIETTEL") == []


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("DC"), st.integers(1, 10**12)), max_size=30), st.integers(1, 999_999))
def test_a_record_without_faults_says_what_the_report_says(
    tmp_path: Path, them: Institutions, postings: list[tuple[str, int]], window: int
) -> None:
    named = [(f"tid-{number}", side, amount) for number, (side, amount) in enumerate(postings)]
    give_pack(tmp_path, "VNPT", files.report("VNPT", named, window), window)
    for number in range(2):
        them.tick(NOW + number * SECOND)
    found = rows(tmp_path / "exchange" / "VNPT" / "in" / f"record.W{window:06d}-VNPT.csv")
    assert [(row[0], row[3], int(row[4])) for row in found[1:-1]] == named
    sums = {side: sum(one[2] for one in named if one[1] == side) for side in "DC"}
    assert found[-1] == ["total", str(len(named)), str(sums["D"]), str(sums["C"]), "", ""]
