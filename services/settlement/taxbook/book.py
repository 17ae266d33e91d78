"""A sales book: a tax code's year, by month, out of its merchants' movements. Pure. Amounts in đồng, times in ms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kit.clock import VIETNAM
from services.settlement.taxbook.thresholds import Standing

# Our books do not begin before the platform does, and nobody asks for a year that far ahead.
YEAR_MIN, YEAR_MAX = 2020, 2999


class DoesNotTie(Exception):
    """The parts of a book do not come to what the ledger says: it is not handed out."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums of `revenue.Turn`, and how many sales and refunds they are of."""

    sales: int = 0
    refunds: int = 0
    fees: int = 0
    other: int = 0
    sales_count: int = 0
    refunds_count: int = 0

    def __add__(self, more: Totals) -> Totals:
        return Totals(
            self.sales + more.sales, self.refunds + more.refunds, self.fees + more.fees, self.other + more.other,
            self.sales_count + more.sales_count, self.refunds_count + more.refunds_count,
        )  # fmt: skip

    @property
    def revenue(self) -> int:
        """Sales less refunds: fees are a cost, and take nothing from it."""
        return self.sales - self.refunds

    @property
    def change(self) -> int:
        """What the merchants' accounts changed by."""
        return self.revenue - self.fees + self.other


@dataclass(frozen=True, slots=True)
class Entry:
    """A sale or a refund, as a book lists it. `fees` is negative where a refund gives it back."""

    seq: int
    at_ms: int
    merchant_id: str
    op: str
    transfer_id: str
    # Of a refund: the payment.
    related: str
    reference: str
    sales: int
    refunds: int
    fees: int


@dataclass(frozen=True, slots=True)
class Seller:
    """A tax code as a book shows it. `tax_code` is whole in its owner's file, else masked where it is a person's."""

    tax_code: str
    name: str
    kind: str
    # Names of its merchants by their ids: those that the book is of.
    merchants: Mapping[str, str]
    # Whether those are all that sell under the tax code.
    whole: bool


@dataclass(frozen=True, slots=True)
class Month:
    """`running`: the year's revenue up to its end."""

    month: int
    totals: Totals
    running: int


@dataclass(frozen=True, slots=True)
class Book:
    """A year's. `opening` and `closing`: what the ledger owed the merchants before and after. Raises DoesNotTie."""

    seller: Seller
    year: int
    months: tuple[Month, ...]
    opening: int
    closing: int
    standings: tuple[Standing, ...]
    as_of_seq: int
    as_of_ms: int
    totals: Totals = field(init=False)

    def __post_init__(self) -> None:
        totals = sum((month.totals for month in self.months), Totals())
        object.__setattr__(self, "totals", totals)
        if self.opening + totals.change != self.closing:
            raise DoesNotTie(
                f"{self.year}: {self.opening} and {totals.change} are not {self.closing}: rebuild the statements' file"
            )


def months_of(year: int, totals: Mapping[int, Totals]) -> tuple[Month, ...]:
    """January to the last month that has any. `totals` by yyyymm."""
    last = max((month % 100 for month in totals), default=0)
    found, running = [], 0
    for month in range(1, last + 1):
        its = totals.get(year * 100 + month, Totals())
        running += its.revenue
        found.append(Month(month, its, running))
    return tuple(found)


def check_entries(book: Book, entries: Sequence[Entry]) -> None:
    """Raises DoesNotTie where the lines do not come to the book's totals."""
    sums = Totals(
        sum(one.sales for one in entries), sum(one.refunds for one in entries), sum(one.fees for one in entries),
        book.totals.other, sum(1 for one in entries if one.sales), sum(1 for one in entries if one.refunds),
    )  # fmt: skip
    if sums != book.totals:
        raise DoesNotTie(f"{book.year}: the lines come to {sums}, the book says {book.totals}")


def days_of(entries: Iterable[Entry]) -> list[tuple[str, Totals]]:
    """Totals by day of Vietnam ("2026-03-01"), of the days that have any."""
    days: dict[str, Totals] = {}
    for one in entries:
        day = datetime.fromtimestamp(one.at_ms / 1000, VIETNAM).date().isoformat()
        its = Totals(one.sales, one.refunds, one.fees, 0, int(one.sales > 0), int(one.refunds > 0))
        days[day] = days.get(day, Totals()) + its
    return sorted(days.items())


def bounds_ms(year: int) -> tuple[int, int]:
    """First ms of a year in Vietnam, and the first behind it."""
    begins, ends = (datetime(y, 1, 1, tzinfo=VIETNAM) for y in (year, year + 1))
    return round(begins.timestamp() * 1000), round(ends.timestamp() * 1000)
