"""Status reports: read alike in every version, and refused where they are broken or contradict themselves."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.clock import VIETNAM
from services.settlement.iso import status
from services.settlement.records import FileRefused, StatusLine, StatusReport
from tests.settlement import iso_xsd
from tests.settlement.iso_status_files import SAMPLE, VERSIONS, content, written

NOBODY = replace(SAMPLE, lines=())
IDS = st.text("PONW019-/._", min_size=1, max_size=35)
# Some text that is still the same once it is cleaned.
WORDS = st.lists(st.text("abZ09đĐàạấữờỹ.,&<>'\"", min_size=1, max_size=30), max_size=3).map(" ".join)
LINES = st.builds(
    StatusLine, IDS, IDS, st.sampled_from(("ACSC", "ACSP", "PDNG", "RJCT")), st.sampled_from(("", "AC01", "AM04")),
    WORDS,
)  # fmt: skip


def refused(tmp_path: Path, given: bytes) -> FileRefused:
    path = tmp_path / "pain.002.ST-1.xml"
    path.write_bytes(given)
    with pytest.raises(FileRefused) as caught:
        status.read(path)
    return caught.value


# No package ships their schemas: test_iso_bindings.py holds these files against derived ones.
UNOFFICIAL = ("pain.002.001.10", "pacs.002.001.03", "pacs.002.001.10", "pacs.002.001.12")


@pytest.mark.parametrize("version", VERSIONS)
def test_a_report_is_read_alike_in_every_version(version: str, tmp_path: Path) -> None:
    path = written(tmp_path, version, SAMPLE)
    if version not in UNOFFICIAL:
        iso_xsd.valid(path)
    assert status.read(path) == SAMPLE


@settings(max_examples=50)
@given(st.lists(LINES, min_size=1, max_size=9, unique_by=lambda line: line.end_to_end_id), st.sampled_from(VERSIONS))
def test_lines_come_back_as_they_were_written(lines: list[StatusLine], version: str) -> None:
    report = replace(SAMPLE, lines=tuple(lines))
    with tempfile.TemporaryDirectory() as folder:
        assert status.read(written(Path(folder), version, report)) == report


def test_a_report_without_a_namespace_is_read(tmp_path: Path) -> None:
    bare = content("pain.002.001.10", SAMPLE).replace(b' xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"', b"")
    path = tmp_path / "it.xml"
    path.write_bytes(bare)
    assert status.read(path) == SAMPLE


def test_a_group_status_speaks_for_all_and_part_for_none(tmp_path: Path) -> None:
    rejected = replace(NOBODY, group_status="RJCT", group_reason="AM05")
    assert status.read(written(tmp_path, "pacs.002.001.10", rejected)) == rejected
    partly = replace(SAMPLE, group_status="PART")
    assert status.read(written(tmp_path, "pain.002.001.03", partly)).group_status == ""


def test_the_only_batch_speaks_for_the_message(tmp_path: Path) -> None:
    accepted = replace(NOBODY, group_status="ACTC")
    read = status.read(written(tmp_path, "pain.002.001.12", accepted, batch_status="RJCT"))
    assert (read.group_status, read.lines) == ("RJCT", ())


def test_the_only_batchs_reason_is_the_messages_also_where_only_that_has_a_status(tmp_path: Path) -> None:
    rejected = content("pain.002.001.12", replace(SAMPLE, lines=SAMPLE.lines[1:2], group_status="RJCT"))
    path = tmp_path / "it.xml"
    batch = b"</OrgnlPmtInfId>"
    path.write_bytes(rejected.replace(batch, batch + b"<StsRsnInf><Rsn><Cd>DU02</Cd></Rsn></StsRsnInf>"))
    iso_xsd.valid(path)
    read = status.read(path)
    assert (read.group_status, read.group_reason) == ("RJCT", "DU02")


def test_a_line_without_a_status_has_its_batchs(tmp_path: Path) -> None:
    silent = replace(SAMPLE, lines=(StatusLine("", "PO-000012-000001-1", ""),))
    read = status.read(written(tmp_path, "pain.002.001.12", silent, batch_status="RJCT"))
    assert [line.status for line in read.lines] == ["RJCT"]


def test_a_line_that_names_only_the_transactions_id_is_found_by_it(tmp_path: Path) -> None:
    path = tmp_path / "it.xml"
    path.write_bytes(
        content("pacs.002.001.10", SAMPLE)
        .replace(b"OrgnlInstrId", b"OrgnlTxId")
        .replace(b"<OrgnlEndToEndId>PO-000012-000003-1<", b"<OrgnlEndToEndId>NOTPROVIDED<")
    )
    read = status.read(path)
    assert [(line.instruction_id, line.end_to_end_id) for line in read.lines][1:] == [
        ("PO-2", "PO-000012-000002-1"), ("PO-3", ""),
    ]  # fmt: skip


def test_the_original_is_known_from_the_lines_too(tmp_path: Path) -> None:
    given = content("pacs.002.001.12", SAMPLE)
    start, end = given.index(b"<OrgnlGrpInfAndSts>"), given.index(b"</OrgnlGrpInfAndSts>") + len("</OrgnlGrpInfAndSts>")
    own = (
        b"<OrgnlGrpInf><OrgnlMsgId>PO-W000012-1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInf>"
    )
    path = tmp_path / "it.xml"
    path.write_bytes((given[:start] + given[end:]).replace(b"<TxInfAndSts>", b"<TxInfAndSts>" + own))
    assert status.read(path) == SAMPLE


@pytest.mark.parametrize(
    ("at", "meant"),
    [
        ("2026-11-29T16:05:00Z", datetime(2026, 11, 29, 16, 5, tzinfo=UTC)),
        ("2026-11-29T23:05:00", datetime(2026, 11, 29, 23, 5, tzinfo=VIETNAM)),
        ("2026-11-29T23:05:00.1234567+07:00", datetime(2026, 11, 29, 23, 5, 0, 123456, tzinfo=VIETNAM)),
    ],
)
def test_a_time_without_a_zone_is_vietnams(at: str, meant: datetime, tmp_path: Path) -> None:
    path = tmp_path / "it.xml"
    path.write_bytes(content("pain.002.001.12", SAMPLE).replace(b"2026-11-29T23:05:00+07:00", at.encode()))
    assert status.read(path).created_at == meant


def test_what_people_read_has_no_marks_that_turn_it_around(tmp_path: Path) -> None:
    turned = replace(SAMPLE, lines=(StatusLine("", "PO-000012-000001-1", "RJCT", "", "tài\u202e khoản\u200b  sai"),))
    assert status.read(written(tmp_path, "pain.002.001.12", turned)).lines[0].reason_text == "tài khoản sai"


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    whole = content("pain.002.001.12", SAMPLE).rstrip()
    for length in range(0, len(whole), 23):
        assert refused(tmp_path, whole[:length]).reason in ("XML_BROKEN", "EMPTY")


def _with(old: str, new: str, version: str = "pain.002.001.12", report: StatusReport = SAMPLE) -> bytes:
    given = content(version, report)
    assert old.encode() in given
    return given.replace(old.encode(), new.encode())


_DTD = '<!DOCTYPE Document [<!ENTITY e SYSTEM "file:///etc/hostname">]>\n<Document'
_LAUGHS = '<!DOCTYPE Document [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>\n<Document'


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (_with("<Document", _DTD).replace(b"ST-1", b"&e;"), "XML_DTD"),
        (_with("<Document", _LAUGHS).replace(b"ST-1", b"&b;"), "XML_DTD"),
        (_with("ST-1", "&e;"), "XML_BROKEN"),
        (b"\xff" + _with("ST-1", "ST-2"), "XML_BROKEN"),
        (_with("UTF-8", "UTF-16"), "ENCODING"),
        (_with("UTF-8", "KLINGON-1"), "ENCODING"),
        (_with("đã đóng", "???").replace(b"???", "đã đóng".encode("utf-16-le")), "XML_BROKEN"),
        (b"HTTP 404", "XML_BROKEN"),
        (b"<html><body>Sorry</body></html>", "NOT_A_STATUS"),
        (b"<Document/>", "NOT_A_STATUS"),
        (_with("pain.002.001.12", "camt.053.001.08"), "NOT_A_STATUS"),
        (_with("CstmrPmtStsRpt", "BkToCstmrStmt"), "NOT_A_STATUS"),
        (_with("pain.002.001.12", "pain.002.001.99"), "VERSION"),
        (_with("<MsgId>ST-1</MsgId>", ""), "FIELD_MISSING"),
        (_with("<OrgnlMsgId>PO-W000012-1</OrgnlMsgId>", ""), "FIELD_MISSING"),
        (_with("GrpHdr>", "Header>"), "FIELD_MISSING"),
        (_with("2026-11-29T", "29/11/2026 "), "FIELD_BROKEN"),
        (_with("ST-1", "S" * 36), "FIELD_BROKEN"),
        (_with("PDNG", "waiting"), "FIELD_BROKEN"),
        (content("pain.002.001.12", NOBODY), "NO_STATUS"),
        (content("pain.002.001.12", replace(NOBODY, group_status="PART")), "NO_STATUS"),
        (_with("<TxSts>PDNG</TxSts>", ""), "NO_STATUS"),
        (content("pain.002.001.12", replace(SAMPLE, lines=(StatusLine("", "", "ACSC"),))), "FIELD_MISSING"),
        (content("pain.002.001.12", replace(SAMPLE, group_status="RJCT")), "CONTRADICTION"),
        (content("pain.002.001.12", SAMPLE, batch_status="RJCT"), "CONTRADICTION"),
        (content("pain.002.001.12", replace(NOBODY, group_status="RJCT"), batch_status="ACSC"), "CONTRADICTION"),
        (_with("PO-000012-000003-1", "PO-000012-000001-1"), "CONTRADICTION"),
        (
            _with("<OrgnlInstrId>PO-2", "<OrgnlGrpInf><OrgnlMsgId>PO-W9</OrgnlMsgId></OrgnlGrpInf><OrgnlInstrId>PO-2",
                  "pacs.002.001.12"),
            "SEVERAL_ORIGINALS",
        ),
        (
            _with("</OrgnlPmtInfAndSts>", "</OrgnlPmtInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>2</OrgnlPmtInfId>"
                  "<PmtInfSts>RJCT</PmtInfSts></OrgnlPmtInfAndSts>"),
            "SEVERAL_BATCHES",
        ),
    ],
)  # fmt: skip
def test_a_bad_report_is_refused_with_its_reason(given: bytes, reason: str, tmp_path: Path) -> None:
    assert refused(tmp_path, given).reason == reason


def test_a_refusal_says_the_line(tmp_path: Path) -> None:
    assert refused(tmp_path, _with("PDNG", "waiting")).line == 7


def test_more_lines_than_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(status, "LINES_MAX", 2)
    assert refused(tmp_path, content("pain.002.001.12", SAMPLE)).reason == "TOO_MANY_LINES"
