"""Sales books and thresholds: proto in, proto out."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from types import ModuleType
from typing import Any

from cho.payments.v1 import payments_pb2
from cho.settlement.v1 import taxbook_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.clock import VIETNAM, now_ms
from kit.errors import InvalidArgument, LimitExceeded, MerchantNotFound, Overloaded, Unavailable
from kit.rpc.call import Call
from services.settlement.server.behind import ask, payments
from services.settlement.statements import queries as statements
from services.settlement.statements.feed import Feed
from services.settlement.statements.model import Cursor, Model, read_cursor
from services.settlement.statements.queries import Range
from services.settlement.taxbook import files, queries, sellers, thresholds
from services.settlement.taxbook.book import (
    YEAR_MAX,
    YEAR_MIN,
    Book,
    Entry,
    Seller,
    Totals,
    bounds_ms,
    check_entries,
    days_of,
    months_of,
)
from services.settlement.taxbook.sellers import Known

# Sales and refunds of one file.
ENTRIES_MAX = 200_000
LISTED_MAX = 500
# Merchants with sales that are looked at for a list of the largest.
MERCHANTS_MAX = 300_000
# Of one message: below what gRPC takes (1 MB).
PIECE_BYTES = 256 << 10
# How long a book waits for what was answered before it was asked for.
FRESH_S_MAX = 5.0
_ALL = ("operator", "auditor")
_TYPES = {
    "csv": "text/csv; charset=utf-8", "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}  # fmt: skip
_CERTAINTIES = {
    "confirmed": pb.CERTAINTY_CONFIRMED, "stated": pb.CERTAINTY_STATED, "assumed": pb.CERTAINTY_ASSUMED,
}  # fmt: skip
_STANDINGS = {
    thresholds.BELOW: pb.STANDING_BELOW, thresholds.NEAR: pb.STANDING_NEAR, thresholds.REACHED: pb.STANDING_REACHED,
}  # fmt: skip
# A year of a large stall is tens of MB for a moment: one at a time.
_writing = threading.Semaphore(1)


class TaxBookServicer:
    """See protos/cho/settlement/v1/taxbook.proto; roles are enforced before its RPCs are called."""

    def __init__(self, model: Model, feed: Feed) -> None:
        self._model = model
        self._feed = feed

    def GetSalesBook(self, request: pb.GetSalesBookRequest, call: Call) -> pb.GetSalesBookResponse:
        book, _ = self._book(request.merchant_id, request.year, call, whole_code=False, lines=False)
        reply = pb.GetSalesBookResponse(
            year=book.year, tax_code=book.seller.tax_code, name=book.seller.name, enterprise_kind=book.seller.kind,
            merchant_ids=sorted(book.seller.merchants), whole=book.seller.whole, totals=_totals(book.totals),
            opening_balance=book.opening, closing_balance=book.closing, as_of_seq=book.as_of_seq,
            thresholds=_standings(book.standings),
            months=[
                pb.SalesMonth(month=one.month, totals=_totals(one.totals), running_revenue=one.running)
                for one in book.months
            ],
        )  # fmt: skip
        reply.as_of.FromMilliseconds(book.as_of_ms)
        return reply

    def DownloadSalesBook(self, request: pb.DownloadSalesBookRequest, call: Call) -> Iterator[HttpBody]:
        chosen = request.format or "csv"
        if chosen not in _TYPES:
            raise InvalidArgument("format is csv, xlsx or pdf")
        if not _writing.acquire(blocking=False):
            raise Overloaded("another sales book is being written: try again in a moment")
        try:
            book, entries = self._book(request.merchant_id, request.year, call, whole_code=True, lines=True)
            call.set_header(
                "content-disposition", f'attachment; filename="cho-so-ban-hang-{book.year}.{chosen}"'
            )  # fmt: skip
            pieces = list(_file(chosen, book, entries))
        finally:
            _writing.release()
        # Whoever reads slowly keeps nobody else waiting.
        for piece in pieces:
            yield HttpBody(content_type=_TYPES[chosen], data=piece)

    def ListNearThresholds(self, request: pb.ListNearThresholdsRequest, call: Call) -> pb.ListNearThresholdsResponse:
        year = _year(request.year)
        with self._model.reader() as connection:
            at = read_cursor(connection)
            found: list[tuple[str, int]] = []
            for merchant_id, revenue in queries.revenues(connection, year):
                if len(found) == MERCHANTS_MAX:
                    raise LimitExceeded(f"more than {MERCHANTS_MAX} merchants: ask for their books one by one")
                found.append((merchant_id, revenue))
        reply = pb.ListNearThresholdsResponse(as_of_seq=at.seq if at else 0)
        for one, revenue in _by_seller(found):
            standings = thresholds.standings(thresholds.shipped(), one.kind, year, revenue, _today())
            if all(standing.standing == thresholds.BELOW for standing in standings):
                continue
            if len(reply.sellers) == LISTED_MAX:
                reply.more = True
                break
            reply.sellers.add(
                merchant_id=one.merchant_id, name=one.name, revenue=revenue, thresholds=_standings(standings),
                tax_code=sellers.tax_code(one.merchant_id, whole=False),
            )  # fmt: skip
        return reply

    def ListTaxThresholds(self, request: pb.ListTaxThresholdsRequest, call: Call) -> pb.ListTaxThresholdsResponse:
        return pb.ListTaxThresholdsResponse(thresholds=[_threshold(rule) for rule in thresholds.shipped()])

    # Helpers

    def _book(
        self, merchant_id: str, year: int, call: Call, *, whole_code: bool, lines: bool
    ) -> tuple[Book, list[Entry]]:
        """The book that the caller may see, and its lines. `whole_code`: the caller's own tax code is not masked."""
        year = _year(year)
        asked, shown, whole = self._visible(merchant_id, call)
        own = whole_code and asked.owner_id == call.caller.sub
        seller = Seller(
            sellers.tax_code(asked.merchant_id, whole=own), asked.name, asked.kind,
            {one.merchant_id: one.name for one in shown}, whole,
        )  # fmt: skip
        with self._fresh(bounds_ms(year)[1], call) as (connection, at):
            from_ms, until_ms = bounds_ms(year)
            ranges: dict[str, tuple[int, Range]] = {}
            for one in shown:
                account = statements.account(connection, one.merchant_id)
                if account is not None:  # one that the ledger does not know yet sold nothing
                    within = statements.range_of(connection, account.no, from_ms, until_ms)
                    ranges[one.merchant_id] = (account.no, within)
            months = months_of(year, queries.months(connection, [no for no, _ in ranges.values()], year))
            entries: list[Entry] = []
            for id_, (no, within) in ranges.items() if lines else ():
                entries += queries.entries(connection, no, id_, within, ENTRIES_MAX + 1 - len(entries))
        if len(entries) > ENTRIES_MAX:
            raise LimitExceeded(f"more than {ENTRIES_MAX} sales and refunds a year: ask for the statements by month")
        revenue = months[-1].running if months else 0
        book = Book(
            seller, year, months, sum(within.opening for _, within in ranges.values()),
            sum(within.closing for _, within in ranges.values()),
            thresholds.standings(thresholds.shipped(), asked.kind, year, revenue, _today()), at.seq, at.at_ms,
        )  # fmt: skip
        if lines:
            check_entries(book, entries)
            entries.sort(key=lambda one: one.seq)
        return book, entries

    def _visible(self, merchant_id: str, call: Call) -> tuple[Known, list[Known], bool]:
        """The merchant asked for, those of its tax code that the caller may see, and whether those are all.

        Raises MerchantNotFound, LimitExceeded.
        """
        asked, everything = sellers.merchant(merchant_id) or self._of_the_ledger(merchant_id), call.has(*_ALL)
        if asked is None or (not everything and asked.owner_id != call.caller.sub):
            raise MerchantNotFound("there is no such merchant, or it is not yours")
        under = sellers.under(asked.tax_index) if asked.tax_index else [asked]
        if len(under) > sellers.MERCHANTS_MAX:
            raise LimitExceeded(f"more than {sellers.MERCHANTS_MAX} merchants sell under this tax code")
        shown = [one for one in under if everything or one.owner_id == call.caller.sub]
        return asked, shown, len(shown) == len(under)

    def _of_the_ledger(self, merchant_id: str) -> Known | None:
        """A merchant that sold before anybody told of tax codes: the ledger knows whose it is."""
        with self._model.reader() as connection:
            account = statements.account(connection, merchant_id)
        if account is None or account.kind != "merchant":
            return None
        return Known(merchant_id, merchant_id, account.owner, "", "")

    @contextmanager
    def _fresh(self, until_ms: int, call: Call) -> Iterator[tuple[Any, Cursor]]:
        """A reader that has all that was answered before now, or all before `until_ms`. Raises Unavailable."""
        with self._model.reader() as connection:
            at = read_cursor(connection)
        wanted = 0
        if at is None or at.at_ms < until_ms:
            wanted = ask(payments().GetLedgerHead, payments_pb2.GetLedgerHeadRequest(), call).seq
        deadline = time.monotonic() + FRESH_S_MAX
        while True:
            with self._model.reader() as connection:
                at = read_cursor(connection)
                if (at.seq if at else 0) >= wanted:
                    yield connection, at or Cursor("")
                    return
            if time.monotonic() > deadline:
                raise Unavailable("the books are behind the ledger now: ask again in a moment")
            self._feed.hurry()
            with self._model.grown:
                self._model.grown.wait(0.02)


def _by_seller(found: Sequence[tuple[str, int]]) -> list[tuple[Known, int]]:
    """(its merchant with the most revenue, revenue) of each tax code, the largest first. One without is its own."""
    known = {one.merchant_id: one for one in sellers.some([merchant_id for merchant_id, _ in found])}
    first: dict[str, Known] = {}
    sums: dict[str, int] = {}
    for merchant_id, revenue in found:
        one = known.get(merchant_id) or Known(merchant_id, merchant_id, "", "", "")
        key = one.tax_index or merchant_id
        first.setdefault(key, one)
        sums[key] = sums.get(key, 0) + revenue
    return sorted(((first[key], sums[key]) for key in first), key=lambda pair: (-pair[1], pair[0].merchant_id))


def _file(chosen: str, book: Book, entries: list[Entry]) -> Iterator[bytes]:
    if chosen == "csv":
        yield from files.csv_pieces(book, entries)
        return
    data = files.workbook(book, entries) if chosen == "xlsx" else _pdf().printed(book, days_of(entries))
    for start in range(0, len(data), PIECE_BYTES):
        yield data[start : start + PIECE_BYTES]


def _pdf() -> ModuleType:
    """Imported by the first print: in every process it would cost memory, and what it imports may start threads, which
    keep a process from being forked."""
    from services.settlement.taxbook import pdf

    return pdf


def _year(year: int) -> int:
    """Raises InvalidArgument."""
    if not YEAR_MIN <= year <= YEAR_MAX:
        raise InvalidArgument(f"year is from {YEAR_MIN} to {YEAR_MAX}")
    return year


def _today() -> date:
    return datetime.fromtimestamp(now_ms() / 1000, VIETNAM).date()


def _totals(its: Totals) -> pb.SalesTotals:
    return pb.SalesTotals(
        sales=its.sales, refunds=its.refunds, revenue=its.revenue, fees=its.fees, other=its.other,
        sales_count=its.sales_count, refunds_count=its.refunds_count,
    )  # fmt: skip


def _threshold(rule: thresholds.Threshold) -> pb.TaxThreshold:
    return pb.TaxThreshold(
        rule=rule.rule, name_vi=rule.name_vi, amount=rule.amount, source=rule.source, note=rule.note,
        from_day=rule.from_day.isoformat() if rule.from_day else "",
        until_day=rule.until_day.isoformat() if rule.until_day else "", certainty=_CERTAINTIES[rule.certainty],
    )  # fmt: skip


def _standings(found: Sequence[thresholds.Standing]) -> list[pb.ThresholdStanding]:
    return [
        pb.ThresholdStanding(
            threshold=_threshold(one.threshold), standing=_STANDINGS[one.standing], left=one.left
        )
        for one in found
    ]  # fmt: skip
