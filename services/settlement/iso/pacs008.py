"""pacs.008: the same payouts for a bank that takes interbank messages from us."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lxml import etree

from services.settlement.iso import values
from services.settlement.iso.messages import WRITTEN
from services.settlement.iso.parts import account, agent, child, money, name_of, path, remittance
from services.settlement.iso.stream import Out, document, group_header, put, tallied
from services.settlement.records import CreditTransfer, FileHead, Party
from services.settlement.whole_file import whole


def write(target: Path, head: FileHead, debtor: Party, transfers: Iterable[CreditTransfer]) -> None:
    """Writes a whole file, or none. `debtor`: the scheme and its account at the bank that gets the file. Raises
    ValueError where the transfers are not what the head says, or where an id, account or amount does not fit."""
    with whole(target) as out:
        write_to(out, head, debtor, transfers)


def write_to(out: Out, head: FileHead, debtor: Party, transfers: Iterable[CreditTransfer]) -> None:
    """As `write`, for somebody who keeps the file whole: after a ValueError what was written is of no use."""
    with document(out, WRITTEN["pacs.008"]) as xml:
        header = group_header(head)
        settlement(header, head)
        agent(header, "InstgAgt", head.initiator.agent)
        agent(header, "InstdAgt", debtor.agent)
        put(xml, header)
        for transfer in tallied(transfers, head):
            put(xml, _transfer(transfer, debtor))


def settlement(header: etree._Element, head: FileHead) -> None:
    """How a pacs file settles: in all, on what day, and over the account that the bank keeps for us (INDA)."""
    money(header, "TtlIntrBkSttlmAmt", head.total)
    child(header, "IntrBkSttlmDt", head.requested_on.isoformat())
    path(header, "SttlmInf/SttlmMtd", "INDA")


def _transfer(transfer: CreditTransfer, debtor: Party) -> etree._Element:
    element = etree.Element("CdtTrfTxInf")
    ids = child(element, "PmtId")
    child(ids, "InstrId", values.identifier(transfer.instruction_id))
    child(ids, "EndToEndId", values.identifier(transfer.end_to_end_id))
    # A pacs.002 may name the transfer by this alone.
    child(ids, "TxId", values.identifier(transfer.instruction_id))
    money(element, "IntrBkSttlmAmt", transfer.amount)
    child(element, "ChrgBr", "DEBT")
    path(element, "Dbtr/Nm", name_of(debtor))
    account(element, "DbtrAcct", debtor.account)
    agent(element, "DbtrAgt", debtor.agent)
    agent(element, "CdtrAgt", transfer.creditor.agent)
    path(element, "Cdtr/Nm", name_of(transfer.creditor))
    account(element, "CdtrAcct", transfer.creditor.account)
    remittance(element, transfer.text)
    return element
