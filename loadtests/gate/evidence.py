"""What the gate compares: one account of the run from everybody who has one. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from loadtests.record import Told


@dataclass(frozen=True, slots=True)
class Booked:
    """A keyed event of the journal. `result`: "OK" or a refusal's code; đồng."""

    seq: int
    op: str
    result: str
    key: str
    transfer_id: str
    amount: int
    fee: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A line of an institution's report; đồng."""

    institution: str
    operation: str
    transfer_id: str
    account_id: str
    debit: int
    credit: int


@dataclass(frozen=True, slots=True)
class Report:
    """One institution's report of the window, as its file says: its postings, and the totals at its end."""

    institution: str
    postings: tuple[Posting, ...]
    debits: int
    credits: int
    net: int


@dataclass(frozen=True, slots=True)
class Line:
    """An institution's net position as the API tells it; đồng."""

    institution: str
    debits: int
    credits: int
    net: int
    transfers: int


@dataclass(slots=True)
class Evidence:
    """`before`, `after`: balances of everybody's accounts, đồng. `telecoms`: a wallet's telecom. `hot`: payments of the
    run in the hot ledger, id to amount. `window`, `window_payments`, `window_value`: the run's window as settlement
    counts it. `twice`: events under a key that another event had. `packs`: what is wrong with what was sent to
    institutions. `unseen`: accounts that are not compared.
    """

    told: Told
    booked: dict[str, Booked]
    before: dict[str, int]
    after: dict[str, int]
    telecoms: dict[str, str]
    hot: dict[str, int] = field(default_factory=dict)
    reports: list[Report] = field(default_factory=list)
    positions: list[Line] = field(default_factory=list)
    window: int = 0
    window_payments: int = 0
    window_value: int = 0
    twice: list[Booked] = field(default_factory=list)
    packs: list[str] = field(default_factory=list)
    unseen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stage:
    """How many there were at one stage, and how many there must be by what people were told."""

    name: str
    count: int
    must: int
    unit: str = ""

    @property
    def holds(self) -> bool:
        return self.count == self.must
