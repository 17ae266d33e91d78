"""pain.001: a customer's credit transfers, for the bank that keeps the scheme's account: our payouts to merchants.

pain001.write(box / "pain.001.PO-W000012-1.xml", head, scheme, "PO-W000012-1", transfers)
"""

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


def write(target: Path, head: FileHead, debtor: Party, batch_id: str, transfers: Iterable[CreditTransfer]) -> None:
    """Writes a whole file, or none. Raises ValueError where the transfers are not what the head says, or where an id,
    account or amount does not fit."""
    with whole(target) as out:
        write_to(out, head, debtor, batch_id, transfers)


def write_to(out: Out, head: FileHead, debtor: Party, batch_id: str, transfers: Iterable[CreditTransfer]) -> None:
    """As `write`, for somebody who keeps the file whole: after a ValueError what was written is of no use."""
    with document(out, WRITTEN["pain.001"]) as xml:
        header = group_header(head)
        path(header, "InitgPty/Nm", name_of(head.initiator))
        put(xml, header)
        with xml.element("PmtInf"):
            xml.write("\n")
            for element in _batch(head, debtor, batch_id):
                put(xml, element)
            for transfer in tallied(transfers, head):
                put(xml, _transfer(transfer))


def _batch(head: FileHead, debtor: Party, batch_id: str) -> Iterable[etree._Element]:
    """What is said once of all transfers."""
    batch = etree.Element("PmtInf")
    child(batch, "PmtInfId", values.identifier(batch_id))
    child(batch, "PmtMtd", "TRF")
    # One booking a transfer: a statement then names each payout. Banks may book in batches all the same.
    child(batch, "BtchBookg", "false")
    child(batch, "NbOfTxs", str(head.count))
    child(batch, "CtrlSum", values.amount(head.total))
    path(batch, "ReqdExctnDt/Dt", head.requested_on.isoformat())
    path(batch, "Dbtr/Nm", name_of(debtor))
    account(batch, "DbtrAcct", debtor.account)
    agent(batch, "DbtrAgt", debtor.agent)
    # The scheme bears the charges: a merchant gets what its payout says.
    child(batch, "ChrgBr", "DEBT")
    return list(batch)


def _transfer(transfer: CreditTransfer) -> etree._Element:
    element = etree.Element("CdtTrfTxInf")
    ids = child(element, "PmtId")
    child(ids, "InstrId", values.identifier(transfer.instruction_id))
    child(ids, "EndToEndId", values.identifier(transfer.end_to_end_id))
    money(child(element, "Amt"), "InstdAmt", transfer.amount)
    agent(element, "CdtrAgt", transfer.creditor.agent)
    path(element, "Cdtr/Nm", name_of(transfer.creditor))
    account(element, "CdtrAcct", transfer.creditor.account)
    remittance(element, transfer.text)
    return element
