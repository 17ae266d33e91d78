"""Status reports as banks write them, for the tests: pain.002 and pacs.002 in every version that is read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from xml.sax.saxutils import escape

from kit.clock import VIETNAM
from services.settlement.iso.messages import NAMESPACE, STATUSES
from services.settlement.records import StatusLine, StatusReport

VERSIONS = tuple(version for _, versions in STATUSES.values() for version in versions)


SAMPLE = StatusReport(
    "ST-1", datetime(2026, 11, 29, 23, 5, tzinfo=VIETNAM), "PO-W000012-1", "pain.001.001.09", "", "",
    (
        StatusLine("PO-1", "PO-000012-000001-1", "ACSC"),
        StatusLine("PO-2", "PO-000012-000002-1", "RJCT", "AC04", "Tài khoản đã đóng"),
        StatusLine("PO-3", "PO-000012-000003-1", "PDNG"),
    ),
)  # fmt: skip


def written(folder: Path, version: str, report: StatusReport, batch_status: str = "") -> Path:
    """A file with the report."""
    path = folder / f"{version}.{report.message_id}.xml"
    path.write_bytes(content(version, report, batch_status))
    return path


def content(version: str, report: StatusReport, batch_status: str = "") -> bytes:
    """The file's bytes. A pain.002 has its lines in one batch."""
    pain = version.startswith("pain.")
    root = "CstmrPmtStsRpt" if pain else "FIToFIPmtStsRpt"
    group = _el("GrpSts", report.group_status) + _reason(report.group_reason, "")
    original = _el("OrgnlMsgId", report.original_message_id) + _el("OrgnlMsgNmId", report.original_kind)
    lines = "".join(
        f"<TxInfAndSts>{_el('OrgnlInstrId', one.instruction_id)}{_el('OrgnlEndToEndId', one.end_to_end_id)}"
        f"{_el('TxSts', one.status)}{_reason(one.reason, one.reason_text)}</TxInfAndSts>\n"
        for one in report.lines
    )
    if pain and (lines or batch_status):
        lines = (
            f"<OrgnlPmtInfAndSts>{_el('OrgnlPmtInfId', report.original_message_id)}{_el('PmtInfSts', batch_status)}"
            f"{lines}</OrgnlPmtInfAndSts>\n"
        )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="{NAMESPACE}{version}"><{root}>\n'
        f"<GrpHdr>{_el('MsgId', report.message_id)}{_el('CreDtTm', report.created_at.isoformat())}</GrpHdr>\n"
        f"<OrgnlGrpInfAndSts>{original}{group}</OrgnlGrpInfAndSts>\n{lines}</{root}></Document>\n"
    ).encode()


def _el(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _reason(code: str, text: str) -> str:
    rest = "".join(_el("AddtlInf", text[start : start + 105]) for start in range(0, len(text), 105))
    rsn = f"<Rsn>{_el('Cd', code)}</Rsn>" if code else ""
    return f"<StsRsnInf>{rsn}{rest}</StsRsnInf>" if code or text else ""
