"""Files as our side would render them, and what comes back, read: for tests of the bank and the telecoms."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from lxml import etree

from tests.settlement import iso_xsd

BANK = "970418"
SCHEME = "99990000000001"
TELECOM_ACCOUNTS = {"VIETTEL": "99990000000101", "VNPT": "99990000000102", "MOBIFONE": "99990000000103"}
NS = "urn:iso:std:iso:20022:tech:xsd:"


class _Unsynced(sqlite3.Connection):
    def executescript(self, script: str, /) -> sqlite3.Cursor:
        return super().executescript(script.replace("synchronous=FULL", "synchronous=OFF"))


@pytest.fixture(autouse=True)
def unsynced(monkeypatch: pytest.MonkeyPatch) -> None:
    """For the tests that import it: nothing waits for the disk. Processes die here, the machine does not."""
    connect = sqlite3.connect
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **options: connect(*args, **options, factory=_Unsynced))


@dataclass(frozen=True)
class Payout:
    end_to_end_id: str
    amount: int
    account: str = "0071001234567"
    bank: str = "970436"
    currency: str = "VND"
    shown: str = ""


def payouts(count: int, window: int = 12, amount: int = 75_000) -> list[Payout]:
    return [Payout(f"PO-{window:06d}-{number:06d}-1", amount + number) for number in range(1, count + 1)]


def pain001(
    message_id: str, of: Sequence[Payout], total: int | None = None, count: int | None = None, debtor: str = SCHEME
) -> bytes:
    lines = "".join(
        f"<CdtTrfTxInf><PmtId><InstrId>{one.end_to_end_id}</InstrId><EndToEndId>{one.end_to_end_id}</EndToEndId></PmtId>"
        f'<Amt><InstdAmt Ccy="{one.currency}">{one.shown or one.amount}</InstdAmt></Amt>'
        f"<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>{one.bank}</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>"
        f"<Cdtr><Nm>Hàng xén Cô Tư &amp; con</Nm></Cdtr>"
        f"<CdtrAcct><Id><Othr><Id>{one.account}</Id></Othr></Id></CdtrAcct>"
        "<RmtInf><Ustrd>Chợ 4.0 kỳ 12</Ustrd></RmtInf></CdtTrfTxInf>"
        for one in of
    )
    total = sum(one.amount for one in of) if total is None else total
    count = len(of) if count is None else count
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NS}pain.001.001.09"><CstmrCdtTrfInitn>'
        f"<GrpHdr><MsgId>{message_id}</MsgId><CreDtTm>2026-11-29T17:00:00+07:00</CreDtTm><NbOfTxs>{count}</NbOfTxs>"
        f"<CtrlSum>{total}</CtrlSum><InitgPty><Nm>Chợ 4.0</Nm></InitgPty></GrpHdr>"
        f"<PmtInf><PmtInfId>{message_id}-P1</PmtInfId><PmtMtd>TRF</PmtMtd><ReqdExctnDt><Dt>2026-11-29</Dt></ReqdExctnDt>"
        f"<Dbtr><Nm>Chợ 4.0</Nm></Dbtr><DbtrAcct><Id><Othr><Id>{debtor}</Id></Othr></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><ClrSysMmbId><MmbId>{BANK}</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt>"
        f"{lines}</PmtInf></CstmrCdtTrfInitn></Document>"
    ).encode()


def pacs008(message_id: str, of: Sequence[Payout]) -> bytes:
    lines = "".join(
        f"<CdtTrfTxInf><PmtId><EndToEndId>{one.end_to_end_id}</EndToEndId><TxId>T{one.end_to_end_id}</TxId></PmtId>"
        f'<IntrBkSttlmAmt Ccy="VND">{one.amount}</IntrBkSttlmAmt><ChrgBr>SLEV</ChrgBr><Dbtr><Nm>Chợ 4.0</Nm></Dbtr>'
        f"<DbtrAcct><Id><Othr><Id>{SCHEME}</Id></Othr></Id></DbtrAcct>"
        f"<DbtrAgt><FinInstnId><ClrSysMmbId><MmbId>{BANK}</MmbId></ClrSysMmbId></FinInstnId></DbtrAgt>"
        f"<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>{one.bank}</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>"
        f"<Cdtr><Nm>Cô Tư</Nm></Cdtr><CdtrAcct><Id><Othr><Id>{one.account}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>"
        for one in of
    )
    return (
        f'<Document xmlns="{NS}pacs.008.001.08"><FIToFICstmrCdtTrf><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>2026-11-29T17:00:00+07:00</CreDtTm><NbOfTxs>{len(of)}</NbOfTxs>"
        f"<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>{lines}</FIToFICstmrCdtTrf></Document>"
    ).encode()


def pacs009(message_id: str, nets: dict[str, int]) -> bytes:
    """`nets`: what each telecom is owed (> 0) or owes (< 0)."""
    lines = ""
    for telecom, net in nets.items():
        own, scheme = (telecom, TELECOM_ACCOUNTS[telecom]), ("PLATFORM", SCHEME)
        (debtor, paying), (creditor, paid) = (own, scheme) if net < 0 else (scheme, own)
        lines += (
            f"<CdtTrfTxInf><PmtId><InstrId>{message_id}-{telecom}</InstrId>"
            f"<EndToEndId>NP-{message_id[-6:]}-{telecom}</EndToEndId><TxId>{message_id}-{telecom}</TxId></PmtId>"
            f'<IntrBkSttlmAmt Ccy="VND">{abs(net)}</IntrBkSttlmAmt><IntrBkSttlmDt>2026-11-29</IntrBkSttlmDt>'
            f"<Dbtr><FinInstnId><ClrSysMmbId><MmbId>{debtor}</MmbId></ClrSysMmbId></FinInstnId></Dbtr>"
            f"<DbtrAcct><Id><Othr><Id>{paying}</Id></Othr></Id></DbtrAcct>"
            f"<Cdtr><FinInstnId><ClrSysMmbId><MmbId>{creditor}</MmbId></ClrSysMmbId></FinInstnId></Cdtr>"
            f"<CdtrAcct><Id><Othr><Id>{paid}</Id></Othr></Id></CdtrAcct></CdtTrfTxInf>"
        )
    return (
        f'<Document xmlns="{NS}pacs.009.001.09"><FICdtTrf><GrpHdr><MsgId>{message_id}</MsgId>'
        f"<CreDtTm>2026-11-29T17:00:00+07:00</CreDtTm><NbOfTxs>{len(nets)}</NbOfTxs>"
        f"<SttlmInf><SttlmMtd>CLRG</SttlmMtd></SttlmInf></GrpHdr>{lines}</FICdtTrf></Document>"
    ).encode()


def report(telecom: str, postings: Iterable[tuple[str, str, int]], window: int = 12) -> bytes:
    """`postings`: (transfer id, side, amount); D: the telecom owes."""
    text = "\ufeffwindow,seq,time,operation,transfer_id,payment_id,account_id,debit_vnd,credit_vnd\r\n"
    sums, count = {"D": 0, "C": 0}, 0
    for count, (transfer_id, side, amount) in enumerate(postings, 1):
        sums[side] += amount
        debit, credit = (amount, "") if side == "D" else ("", amount)
        text += f"{window},{count},2026-11-29T08:00:00.000+07:00,pay,{transfer_id},{transfer_id},settlement:{telecom},"
        text += f"{debit},{credit}\r\n"
    closed = "2026-11-29T17:00:00.000+07:00"
    text += f"{window},,{closed},total,{count} postings,,{telecom},{sums['D']},{sums['C']}\r\n"
    text += f"{window},,{closed},net,chain 00ff,,{telecom},,{sums['C'] - sums['D']}\r\n"
    return text.encode()


def manifest(files: dict[str, bytes]) -> bytes:
    listed = [{"name": name, "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()]
    return json.dumps({"files": listed}).encode()


def give(home: Path, institution: str, name: str, content: bytes) -> None:
    folder = home / "exchange" / institution / "out"
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.part"
    unfinished.write_bytes(content)
    unfinished.rename(folder / name)


def give_pack(home: Path, telecom: str, content: bytes, window: int = 12) -> None:
    name = f"report.W{window:06d}-{telecom}.csv"
    give(home, telecom, name, content)
    give(home, telecom, f"manifest.W{window:06d}-{telecom}.json", manifest({name: content}))


def set_faults(home: Path, institution: str, *faults: dict[str, object]) -> None:
    folder = home / "exchange" / institution
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "faults.json").write_text(json.dumps(faults))


def came(home: Path, pattern: str, institution: str = BANK) -> list[Path]:
    """Files that an institution answered with, by name."""
    return sorted((home / "exchange" / institution / "in").glob(pattern))


def done(home: Path) -> list[dict]:
    path = home / "simulators" / "faults-done.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def check_valid(content: bytes) -> etree._Element:
    """The document without its namespace, valid against the schema that it names."""
    root = etree.fromstring(content)
    iso_xsd.schema(etree.QName(root).namespace.removeprefix(NS)).assertValid(root)
    return bare(content)


def bare(content: bytes) -> etree._Element:
    return etree.fromstring(re.sub(rb' xmlns="[^"]*"', b"", content, count=1))


def statuses(path: Path) -> dict[str, str]:
    """End-to-end id to status and reason, of a pain.002 or pacs.002."""
    return {
        one.findtext("OrgnlEndToEndId"): " ".join(filter(None, (one.findtext("TxSts"), one.findtext(".//Rsn/Cd"))))
        for one in bare(path.read_bytes()).iter("TxInfAndSts")
    }


@dataclass(frozen=True)
class Shown:
    """A statement, as it reads."""

    opening: int
    closing: int
    declared: tuple[int, int, int]  # entries, credits, debits
    entries: list[tuple[str, str, int, str]]  # reference, side, amount, currency

    @property
    def agrees(self) -> bool:
        sums = {side: sum(one[2] for one in self.entries if one[1] == side) for side in ("CRDT", "DBIT")}
        in_vnd = sum(one[2] if one[1] == "CRDT" else -one[2] for one in self.entries if one[3] == "VND")
        ties = self.opening + in_vnd == self.closing
        return ties and self.declared == (len(self.entries), sums["CRDT"], sums["DBIT"])


def statement(path: Path) -> Shown:
    root = check_valid(path.read_bytes())
    balances = {
        one.findtext(".//Cd"): int(one.findtext("Amt")) * (1 if one.findtext("CdtDbtInd") == "CRDT" else -1)
        for one in root.iter("Bal")
    }
    entries = [
        (one.findtext(".//EndToEndId"), one.findtext("CdtDbtInd"), int(one.findtext("Amt")), one.find("Amt").get("Ccy"))
        for one in root.iter("Ntry")
    ]
    declared = (
        int(root.findtext(".//TtlNtries/NbOfNtries")), int(root.findtext(".//TtlCdtNtries/Sum")),
        int(root.findtext(".//TtlDbtNtries/Sum")),
    )  # fmt: skip
    return Shown(balances.get("OPBD", 0), balances.get("CLBD", 0), declared, entries)
