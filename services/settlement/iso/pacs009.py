"""pacs.009: transfers between institutions: a window's net positions, each between an institution's account at the
settlement bank and the scheme's."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lxml import etree

from services.settlement.iso import values
from services.settlement.iso.messages import WRITTEN
from services.settlement.iso.pacs008 import settlement
from services.settlement.iso.parts import account, agent, child, money, name_of, path, remittance
from services.settlement.iso.stream import Out, document, group_header, put, tallied
from services.settlement.records import FileHead, InstitutionTransfer
from services.settlement.whole_file import whole


def write(target: Path, head: FileHead, transfers: Iterable[InstitutionTransfer]) -> None:
    """Writes a whole file, or none. Raises ValueError where the transfers are not what the head says, or where an id,
    account or amount does not fit."""
    with whole(target) as out:
        write_to(out, head, transfers)


def write_to(out: Out, head: FileHead, transfers: Iterable[InstitutionTransfer]) -> None:
    """As `write`, for somebody who keeps the file whole: after a ValueError what was written is of no use."""
    with document(out, WRITTEN["pacs.009"]) as xml:
        header = group_header(head)
        settlement(header, head)
        agent(header, "InstgAgt", head.initiator.agent)
        put(xml, header)
        for transfer in tallied(transfers, head):
            put(xml, _transfer(transfer))


def _transfer(transfer: InstitutionTransfer) -> etree._Element:
    element = etree.Element("CdtTrfTxInf")
    ids = child(element, "PmtId")
    child(ids, "InstrId", values.identifier(transfer.instruction_id))
    child(ids, "EndToEndId", values.identifier(transfer.end_to_end_id))
    child(ids, "TxId", values.identifier(transfer.instruction_id))
    money(element, "IntrBkSttlmAmt", transfer.amount)
    # Who is to act: the bank that keeps the debtor's account.
    agent(element, "InstdAgt", transfer.debtor.agent)
    path(element, "Dbtr/FinInstnId/Nm", name_of(transfer.debtor))
    account(element, "DbtrAcct", transfer.debtor.account)
    agent(element, "DbtrAgt", transfer.debtor.agent)
    agent(element, "CdtrAgt", transfer.creditor.agent)
    path(element, "Cdtr/FinInstnId/Nm", name_of(transfer.creditor))
    account(element, "CdtrAcct", transfer.creditor.account)
    remittance(element, transfer.text)
    return element
