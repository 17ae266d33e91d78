"""What settlement's files carry, whatever their format: instructions that go out, statements and statuses that come in.

Pure. Amounts are whole đồng (> 0) unless a field says otherwise; dates are Vietnam's, times are aware.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

VND = "VND"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody with an account. `agent`: who keeps it: a bank's BIN ("970418") or a telecom's code ("VIETTEL")."""

    name: str
    account: str
    agent: str


@dataclass(frozen=True, slots=True)
class CreditTransfer:
    """One payout to a merchant. `end_to_end_id` comes back in statuses and statements."""

    instruction_id: str
    end_to_end_id: str
    amount: int
    creditor: Party
    text: str


@dataclass(frozen=True, slots=True)
class InstitutionTransfer:
    """One institution's net position, moved between its account at the settlement bank and the scheme's."""

    instruction_id: str
    end_to_end_id: str
    amount: int
    debtor: Party
    creditor: Party
    text: str


@dataclass(frozen=True, slots=True)
class FileHead:
    """What a file of instructions says of itself. `count` and `total` are of all its transfers."""

    message_id: str
    created_at: datetime
    initiator: Party
    requested_on: date
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class StatusLine:
    """What became of one instruction. `status`: an ISO 20022 code (ACCP, ACSP, ACSC, PDNG, RJCT, ...); `reason`: a code
    such as AC01 with `reason_text`, "" where none was given."""

    instruction_id: str
    end_to_end_id: str
    status: str
    reason: str = ""
    reason_text: str = ""


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A pain.002 or pacs.002. `group_status` speaks for all of the original message where it is not ""."""

    message_id: str
    created_at: datetime
    original_message_id: str
    original_kind: str
    group_status: str
    group_reason: str
    lines: tuple[StatusLine, ...]


@dataclass(frozen=True, slots=True)
class StatementHead:
    """One statement, report or notification: whose account, when, and what it says it holds.

    `kind`: "camt.052", "camt.053", "camt.054", "mt940", "mt942" or "csv". None: the format or the sender does not say.
    Balances are signed, đồng.
    """

    kind: str
    message_id: str
    statement_id: str
    account: str
    currency: str
    created_at: datetime | None
    from_on: date | None
    until_on: date | None
    opening: int | None
    closing: int | None
    # What it declares: how many entries, and their sums by side.
    entries: int | None
    credits: int | None
    debits: int | None


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One movement on an account. `number` counts from 1 in its statement; `line` is where it begins in the file.

    `side`: "C" where money came to the account, "D" where it left. `amount`: whole đồng; of another currency its minor
    units (so that it is found, and never taken for đồng). `reference`: the end-to-end id as the bank repeats it;
    `group`: the batch or message that it belongs to; `bank_reference`: the bank's own. "" where there is none.
    """

    number: int
    line: int
    side: str
    amount: int
    currency: str
    booked_on: date
    value_on: date | None
    reference: str
    group: str
    bank_reference: str
    counterparty: str
    counterparty_account: str
    text: str
    # "booked", "pending" or "info".
    status: str = "booked"
    reversal: bool = False


@dataclass(frozen=True, slots=True)
class Expected:
    """One movement that our books say the other side must have, as its statement would show it."""

    reference: str
    group: str
    side: str
    amount: int
    on: date
    # The ledger's transfer, and what it is ("payout", "net", "pay", "refund", ...).
    transfer_id: str
    what: str
    counterparty_account: str = ""


class FileRefused(ValueError):
    """A file that is not taken. `line` is where (0: the file as a whole), `reason` a stable code, and the message says
    what to do next."""

    def __init__(self, reason: str, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.reason = reason
        self.line = line
