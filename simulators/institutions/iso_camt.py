"""Writes account statements (camt.053.001.08) and notifications (camt.054.001.08). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

_A_PIECE = 500


@dataclass(frozen=True, slots=True)
class Account:
    """Whose: the account's number, its owner's name, and the BIN of the bank that keeps it. In VND."""

    number: str
    owner: str
    bank: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What the file declares: entries and control sum by side."""

    credits: int
    credit_sum: int
    debits: int
    debit_sum: int

    @property
    def entries(self) -> int:
        return self.credits + self.debits

    @property
    def sum(self) -> int:
        return self.credit_sum + self.debit_sum


@dataclass(frozen=True, slots=True)
class Balances:
    """Opening and closing booked balance of a day (ISO date), signed, đồng."""

    day: str
    opening: int
    closing: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One booking. `side`: "C" or "D"; dates in ISO; `return_reason`: where it is a payment that came back."""

    side: str
    amount: int
    currency: str
    booked_on: str
    bank_reference: str
    end_to_end_id: str
    message_id: str = ""
    payment_id: str = ""
    instruction_id: str = ""
    debtor: tuple[str, str, str] = ("", "", "")
    creditor: tuple[str, str, str] = ("", "", "")
    text: str = ""
    return_reason: str = ""
    return_text: str = ""


def statement(
    message_id: str, number: int, created_at: str, account: Account, balances: Balances, totals: Totals,
    entries: Iterable[Entry],
) -> Iterator[bytes]:  # fmt: skip
    """A day's statement. `number`: counts the account's statements from 1."""
    yield _begin("camt.053.001.08", "BkToCstmrStmt", "Stmt", message_id, number, created_at)
    yield (
        f"<FrToDt><FrDtTm>{balances.day}T00:00:00+07:00</FrDtTm><ToDtTm>{balances.day}T23:59:59+07:00</ToDtTm></FrToDt>"
        f"{_account(account)}\n{_balance('OPBD', balances.opening, balances.day)}\n"
        f"{_balance('CLBD', balances.closing, balances.day)}\n{_totals(totals)}\n"
    ).encode()
    yield from _entries(entries)
    yield b"</Stmt>\n</BkToCstmrStmt>\n</Document>\n"


def notification(
    message_id: str, number: int, created_at: str, account: Account, totals: Totals, entries: Iterable[Entry]
) -> Iterator[bytes]:
    """What was booked just now. `number`: counts the account's notifications from 1."""
    yield _begin("camt.054.001.08", "BkToCstmrDbtCdtNtfctn", "Ntfctn", message_id, number, created_at)
    yield f"{_account(account)}\n{_totals(totals)}\n".encode()
    yield from _entries(entries)
    yield b"</Ntfctn>\n</BkToCstmrDbtCdtNtfctn>\n</Document>\n"


def _begin(message: str, root: str, part: str, message_id: str, number: int, created_at: str) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{message}">\n<{root}>\n'
        f"<GrpHdr>{_el('MsgId', message_id)}{_el('CreDtTm', created_at)}</GrpHdr>\n"
        f"<{part}>{_el('Id', message_id)}<ElctrncSeqNb>{number}</ElctrncSeqNb>{_el('CreDtTm', created_at)}"
    ).encode()


def _account(account: Account) -> str:
    return (
        f"<Acct><Id><Othr>{_el('Id', account.number)}</Othr></Id><Ccy>VND</Ccy>"
        f"<Ownr>{_el('Nm', account.owner)}</Ownr><Svcr>{_agent(account.bank)}</Svcr></Acct>"
    )


def _balance(code: str, amount: int, day: str) -> str:
    side = "CRDT" if amount >= 0 else "DBIT"
    return (
        f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="VND">{abs(amount)}</Amt>'
        f"<CdtDbtInd>{side}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _totals(totals: Totals) -> str:
    net = totals.credit_sum - totals.debit_sum
    return (
        f"<TxsSummry><TtlNtries><NbOfNtries>{totals.entries}</NbOfNtries><Sum>{totals.sum}</Sum>"
        f"<TtlNetNtry><Amt>{abs(net)}</Amt><CdtDbtInd>{'CRDT' if net >= 0 else 'DBIT'}</CdtDbtInd></TtlNetNtry>"
        f"</TtlNtries><TtlCdtNtries><NbOfNtries>{totals.credits}</NbOfNtries><Sum>{totals.credit_sum}</Sum>"
        f"</TtlCdtNtries><TtlDbtNtries><NbOfNtries>{totals.debits}</NbOfNtries><Sum>{totals.debit_sum}</Sum>"
        "</TtlDbtNtries></TxsSummry>"
    )


def _entries(entries: Iterable[Entry]) -> Iterator[bytes]:
    texts = []
    for entry in entries:
        texts.append(_entry(entry))
        if len(texts) == _A_PIECE:
            yield "".join(texts).encode()
            texts.clear()
    yield "".join(texts).encode()


def _entry(entry: Entry) -> str:
    side = "CRDT" if entry.side == "C" else "DBIT"
    amount = f'<Amt Ccy="{entry.currency}">{entry.amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>'
    back = bool(entry.return_reason)
    # Payments that went out, came in, or went out and came back (external code set of ISO 20022).
    family, sub = ("ICDT", "RRTN") if back else ("RCDT" if entry.side == "C" else "ICDT", "DMCT")
    references = "".join((
        _el("MsgId", entry.message_id), _el("AcctSvcrRef", entry.bank_reference), _el("PmtInfId", entry.payment_id),
        _el("InstrId", entry.instruction_id), _el("EndToEndId", entry.end_to_end_id),
    ))  # fmt: skip
    parties = _party("Dbtr", entry.debtor) + _party("Cdtr", entry.creditor)
    agents = "".join(
        f"<{name}>{_agent(party[2])}</{name}>"
        for name, party in (("DbtrAgt", entry.debtor), ("CdtrAgt", entry.creditor))
        if party[2]
    )
    return (
        f"<Ntry>{_el('NtryRef', entry.bank_reference)}{amount}{'<RvslInd>true</RvslInd>' if back else ''}"
        f"<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{entry.booked_on}</Dt></BookgDt><ValDt><Dt>{entry.booked_on}</Dt></ValDt>"
        f"{_el('AcctSvcrRef', entry.bank_reference)}<BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>{family}</Cd>"
        f"<SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>"
        f"<NtryDtls><TxDtls><Refs>{references}</Refs>{amount}"
        f"{_around('RltdPties', parties)}{_around('RltdAgts', agents)}"
        f"{_around('RmtInf', _el('Ustrd', entry.text))}{_returned(entry)}"
        "</TxDtls></NtryDtls></Ntry>\n"
    )


def _returned(entry: Entry) -> str:
    if not entry.return_reason:
        return ""
    return f"<RtrInf><Rsn>{_el('Cd', entry.return_reason)}</Rsn>{_el('AddtlInf', entry.return_text)}</RtrInf>"


def _party(name: str, party: tuple[str, str, str]) -> str:
    who, account, _ = party
    return (f"<{name}><Pty>{_el('Nm', who)}</Pty></{name}>" if who else "") + (
        f"<{name}Acct><Id><Othr>{_el('Id', account)}</Othr></Id></{name}Acct>" if account else ""
    )


def _agent(bank: str) -> str:
    return f"<FinInstnId><ClrSysMmbId>{_el('MmbId', bank)}</ClrSysMmbId></FinInstnId>"


def _el(name: str, text: str) -> str:
    """An element, or nothing where there is no text: ISO 20022 knows no empty ones."""
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _around(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>" if content else ""
