"""Writes what became of a message: pain.002.001.12 for a pain.001, pacs.002.001.11 for a pacs. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape

_TEXT_MAX = 105
_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class Report:
    """`status`: of the whole group, with a reason where there is one. `created_at`: ISO, with its offset."""

    message_id: str
    created_at: str
    original_kind: str
    original_id: str
    count: int
    status: str
    reason: str
    reason_text: str


@dataclass(frozen=True, slots=True)
class Line:
    """One transfer's."""

    payment_id: str
    instruction_id: str
    end_to_end_id: str
    transaction_id: str
    status: str
    reason: str
    reason_text: str
    bank_reference: str


def name_of(original_kind: str) -> str:
    """The answer to a message: "pain.002" or "pacs.002"."""
    return "pain.002" if original_kind.startswith("pain.") else "pacs.002"


def pieces(report: Report, lines: Iterable[Line]) -> Iterator[bytes]:
    """The file. `lines` in the order of the original; none where the group as a whole was rejected."""
    in_pain = name_of(report.original_kind) == "pain.002"
    message = "pain.002.001.12" if in_pain else "pacs.002.001.11"
    root = "CstmrPmtStsRpt" if in_pain else "FIToFIPmtStsRpt"
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{message}">\n<{root}>\n'
        f"<GrpHdr>{_el('MsgId', report.message_id)}{_el('CreDtTm', report.created_at)}</GrpHdr>\n"
        f"<OrgnlGrpInfAndSts>{_el('OrgnlMsgId', report.original_id)}{_el('OrgnlMsgNmId', report.original_kind)}"
        f"{_el('OrgnlNbOfTxs', str(report.count))}{_el('GrpSts', report.status)}"
        f"{_reason(report.reason, report.reason_text)}</OrgnlGrpInfAndSts>\n"
    ).encode()
    if in_pain:
        for payment_id, of_payment in groupby(lines, key=lambda line: line.payment_id):
            yield f"<OrgnlPmtInfAndSts>{_el('OrgnlPmtInfId', payment_id)}\n".encode()
            yield from _transfers(of_payment, in_pain)
            yield b"</OrgnlPmtInfAndSts>\n"
    else:
        yield from _transfers(lines, in_pain)
    yield f"</{root}>\n</Document>\n".encode()


def _transfers(lines: Iterable[Line], in_pain: bool) -> Iterator[bytes]:
    texts = []
    for line in lines:
        texts.append(
            f"<TxInfAndSts>{_el('OrgnlInstrId', line.instruction_id)}{_el('OrgnlEndToEndId', line.end_to_end_id)}"
            f"{'' if in_pain else _el('OrgnlTxId', line.transaction_id)}{_el('TxSts', line.status)}"
            f"{_reason(line.reason, line.reason_text)}{_el('AcctSvcrRef', line.bank_reference)}</TxInfAndSts>\n"
        )
        if len(texts) == _A_PIECE:
            yield "".join(texts).encode()
            texts.clear()
    yield "".join(texts).encode()


def _reason(code: str, text: str) -> str:
    if not code:
        return ""
    return f"<StsRsnInf><Rsn>{_el('Cd', code)}</Rsn>{_el('AddtlInf', text[:_TEXT_MAX])}</StsRsnInf>"


def _el(name: str, text: str) -> str:
    """An element, or nothing where there is no text: ISO 20022 knows no empty ones."""
    return f"<{name}>{escape(text)}</{name}>" if text else ""
