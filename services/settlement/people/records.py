"""What the files for people show. Pure. Amounts are whole đồng, times aware."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


class DoesNotTie(ValueError):
    """Figures that contradict each other: nothing is printed that a bank could sign by mistake."""


@dataclass(frozen=True, slots=True)
class WindowHead:
    """A closed window. `value`: paid less refunded; `chain_head`: the books' after its last event, hex."""

    number: int
    opened_at: datetime
    closed_at: datetime
    payments: int
    refunds: int
    value: int
    chain_head: str


@dataclass(frozen=True, slots=True)
class Position:
    """One institution in a window. `name` is for people ("Viettel Money")."""

    institution: str
    name: str
    debits: int
    credits: int
    transfers: int

    @property
    def net(self) -> int:
        """> 0: it is owed; < 0: it owes."""
        return self.credits - self.debits


@dataclass(frozen=True, slots=True)
class Gross:
    """What an institution owes one other (`debits`) and is owed by it (`credits`), before netting."""

    counterparty: str
    name: str
    debits: int
    credits: int
    transfers: int


@dataclass(frozen=True, slots=True)
class Payout:
    """One payout to a merchant. `status`, `reason`: as ISO 20022 codes them, "" while there is none."""

    end_to_end_id: str
    merchant: str
    bank: str
    account: str
    amount: int
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Break:
    """What did not match. `ours` and `theirs` in đồng, None where one side has nothing; `age_days` from its date."""

    number: str
    kind: str
    institution: str
    reference: str
    ours: int | None
    theirs: int | None
    age_days: int
    owner: str
    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """An institution's statement of a window. `gross`: by counterparty, `fees` is the line of the platform.

    `positions` are of all institutions: they say that the window ties. `report_root` and `report_lines` are the
    report's Merkle tree, "" and 0 where there is none. Raises DoesNotTie.
    """

    window: WindowHead
    position: Position
    gross: tuple[Gross, ...]
    fees: Gross
    positions: tuple[Position, ...]
    report_root: str = ""
    report_lines: int = 0

    def __post_init__(self) -> None:
        parts = (*self.gross, self.fees)
        sums = sum(part.debits for part in parts), sum(part.credits for part in parts)
        if sums != (self.position.debits, self.position.credits):
            raise DoesNotTie(f"{self.position.institution}: its counterparties sum to {sums}, its position is another")
        if self.position not in self.positions:
            raise DoesNotTie(f"{self.position.institution}: its position is not one of the window's")
        check_sum(self.positions)


def check_sum(positions: tuple[Position, ...]) -> None:
    """Raises DoesNotTie where a window's net positions do not sum to zero."""
    difference = sum(position.net for position in positions)
    if difference:
        raise DoesNotTie(f"net positions differ from zero by {difference} đồng: audit the books, send nothing")
