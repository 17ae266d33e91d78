"""Sales books: what they say is what the journal says, to the đồng, whatever happened and however it was read."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from kit.clock import VIETNAM, month_of
from services.payments import transfer
from services.payments.transfer import Leg
from services.settlement import fold
from services.settlement.statements import queries as statements
from services.settlement.statements.model import Cursor, Model
from services.settlement.taxbook import files, pdf, queries, thresholds, words
from services.settlement.taxbook.book import (
    Book,
    DoesNotTie,
    Entry,
    Seller,
    Totals,
    bounds_ms,
    check_entries,
    days_of,
    months_of,
)
from services.settlement.taxbook.revenue import REFUNDS, SALES, Turn, turn
from tests.settlement.test_books_moves import Teller
from tests.settlement.test_statements import pages

DAY_MS = 86_400_000
NEW_YEAR_MS = round(datetime(2027, 1, 1, tzinfo=VIETNAM).timestamp() * 1000)
MERCHANTS = ("mer_1", "mer_2")


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    one = Model(tmp_path / "statements.sqlite3")
    yield one
    one.close()


def settle(teller: Teller, merchant: str, amount: int, fee: int) -> None:
    """A payout that the bank sends back."""
    if not teller.known(transfer.TRANSIT):
        teller.open(transfer.TRANSIT, "transit")
    teller.transfer("payout", amount, transfer.payout(merchant, amount, fee))
    teller.transfer("unpaid", amount, transfer.unpaid(merchant, amount, fee))


class Year(Teller):
    def known(self, account: str) -> bool:
        return account in self._totals

    def balance(self, account: str) -> int:
        debits, credits, *_ = self._totals[account]
        return credits - debits


def trade(seed: int, moves: int) -> Year:
    """Months of a market over two year ends: sales with fees, holds, refunds in part, operators' undoings, payouts."""
    chance, teller = random.Random(seed), Year()
    teller.at_ms = NEW_YEAR_MS - 400 * DAY_MS
    wallet = teller.wallet(10**9)
    for merchant in MERCHANTS:
        teller.merchant(merchant)
    paid: list[tuple[str, str, int, int]] = []
    for _ in range(moves):
        teller.at_ms += chance.choice([1, 7, DAY_MS // 2, 9 * DAY_MS, 60 * DAY_MS])
        merchant, amount, fee = chance.choice(MERCHANTS), chance.randint(2, 90_000), chance.choice([0, 1])
        if chance.random() < 0.2:  # a settlement window's edge, which a book knows nothing of
            teller.cut()
        match chance.randint(0, 5):
            case 0 | 1:
                paid.append((teller.pay(wallet, merchant, amount, fee), merchant, amount, fee))
            case 2:
                held = teller.hold(wallet, merchant, amount)
                teller.capture(held, wallet, merchant, amount, max(1, amount // 2))
            case 3 if paid:
                payment, whose, whole, cost = paid.pop()
                if teller.balance(whose) >= whole:
                    part = max(1 + cost, whole // 3)
                    teller.refund(payment, wallet, whose, part, cost)
            case 4 if paid:
                payment, whose, whole, cost = paid.pop()
                if teller.balance(whose) >= whole:
                    legs = transfer.reverse(transfer.pay(wallet, whose, "VIETTEL", whole, cost), "VIETTEL")
                    teller.transfer("reverse", whole, legs, cost, related=payment)
            case 5 if teller.balance(merchant) > 10:
                settle(teller, merchant, 10, 1)
    return teller


def taken_in(model: Model, teller: Teller, size: int = 5) -> None:
    model.apply(Cursor("gen"), pages(teller, size))


def read(model: Model, year: int, names: tuple[str, ...] = MERCHANTS) -> tuple[Book, list[Entry]]:
    with model.reader() as connection:
        accounts = {name: statements.account(connection, name) for name in names}
        ranges = {}
        for name, account in accounts.items():
            assert account is not None
            ranges[name] = (account.no, statements.range_of(connection, account.no, *bounds_ms(year)))
        months = months_of(year, queries.months(connection, [no for no, _ in ranges.values()], year))
        entries = [
            one for name, (no, within) in ranges.items() for one in queries.entries(connection, no, name, within, 9_999)
        ]
    seller = Seller("019185000001", "Cô Hạnh", "household", {name: f"Sạp {name}" for name in names}, True)
    book = Book(
        seller, year, months, sum(w.opening for _, w in ranges.values()), sum(w.closing for _, w in ranges.values()),
        thresholds.standings(thresholds.shipped(), "household", year, months[-1].running if months else 0,
                             date(year, 12, 31)),
        99, NEW_YEAR_MS,
    )  # fmt: skip
    check_entries(book, entries)
    return book, sorted(entries, key=lambda one: one.seq)


def by_hand(teller: Teller, year: int) -> dict[int, list[int]]:
    """Sales, refunds and the fees that the platform kept, by month, from the events alone."""
    found: dict[int, list[int]] = {}
    for event in teller.events:
        month = month_of(event.at_ms)
        if month // 100 == year and event.op in SALES | REFUNDS:
            sums = found.setdefault(month, [0, 0, 0])
            sums[int(event.op in REFUNDS)] += int(event.amount)
            for leg in event.legs:
                if leg.account_id == transfer.PLATFORM_FEE:
                    sums[2] += leg.amount if leg.side == "c" else -leg.amount
    return found


@given(st.integers(0, 10_000))
@examples(max_examples=20)
def test_a_years_book_comes_to_what_the_journal_says_by_month(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    teller = trade(seed, 60)
    assert fold.balance_findings(fold.replay(teller.events).accounts) == []
    model = Model(tmp_path_factory.mktemp("model") / "s.sqlite3")
    taken_in(model, teller, 7)
    closing = 0
    for year in (2025, 2026, 2027, 2028, 2029):
        book, entries = read(model, year)
        expected = by_hand(teller, year)
        assert {
            year * 100 + one.month: [one.totals.sales, one.totals.refunds, one.totals.fees] for one in book.months
            if one.totals.sales_count + one.totals.refunds_count
        } == expected  # fmt: skip
        assert book.opening == closing, "a year begins with what the one before it left"
        closing = book.closing
        assert sum((its for _, its in days_of(entries)), Totals(other=book.totals.other)) == book.totals
    model.close()


@given(st.integers(0, 1_000), st.integers(1, 9))
@examples(max_examples=10)
def test_however_the_journal_is_cut_the_book_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, seed: int, size: int
) -> None:
    teller = trade(seed, 30)
    read_back = []
    for cut in (1_000, size):
        model = Model(tmp_path_factory.mktemp("model") / "s.sqlite3")
        at = Cursor("gen")
        for page in pages(teller, cut):
            at = model.apply(at, [page])
        read_back.append([read(model, year) for year in (2026, 2027)])
        model.close()
    assert read_back[0] == read_back[1]


def test_the_last_moment_of_a_year_is_of_it_and_the_next_is_not(model: Model) -> None:
    teller = Year()
    teller.at_ms = NEW_YEAR_MS - DAY_MS
    wallet, merchant = teller.wallet(1_000_000), teller.merchant("mer_1")
    teller.at_ms = NEW_YEAR_MS - 2  # writing adds one
    last = teller.pay(wallet, merchant, 1_000)
    first = teller.pay(wallet, merchant, 2_000)
    assert [event.at_ms - NEW_YEAR_MS for event in teller.events[-2:]] == [-1, 0]
    taken_in(model, teller)
    old, lines = read(model, 2026, ("mer_1",))
    assert ([one.transfer_id for one in lines], old.totals.revenue, old.closing) == ([last], 1_000, 1_000)
    new, lines = read(model, 2027, ("mer_1",))
    assert ([one.transfer_id for one in lines], new.totals.revenue) == ([first], 2_000)
    assert (new.opening, new.closing, len(new.months), len(old.months)) == (1_000, 3_000, 1, 12)


def test_a_refund_in_the_next_year_takes_from_that_years_revenue(model: Model) -> None:
    teller = Year()
    teller.at_ms = NEW_YEAR_MS - DAY_MS
    wallet, merchant = teller.wallet(1_000_000), teller.merchant("mer_1")
    paid = teller.pay(wallet, merchant, 100_000, 500)
    teller.at_ms = NEW_YEAR_MS + DAY_MS
    teller.refund(paid, wallet, merchant, 40_000, 200)
    taken_in(model, teller)
    old, _ = read(model, 2026, ("mer_1",))
    assert (old.totals.revenue, old.totals.fees) == (100_000, 500)
    new, lines = read(model, 2027, ("mer_1",))
    assert (new.totals.revenue, new.totals.fees, new.months[0].running) == (-40_000, -200, -40_000)
    assert (lines[0].related, lines[0].refunds, lines[0].fees) == (paid, 40_000, -200)


def test_what_is_no_sale_is_no_revenue(model: Model) -> None:
    teller = Year()
    wallet, merchant = teller.wallet(1_000_000), teller.merchant("mer_1")
    teller.pay(wallet, merchant, 50_000)
    settle(teller, merchant, 50_000, 1_000)
    settle(teller, merchant, 10_000, 0)
    teller.transfer("payout", 20_000, transfer.payout(merchant, 20_000))
    teller.open(transfer.SUSPENSE, "suspense")
    teller.transfer("correct", 7_000, transfer.correct(transfer.SUSPENSE, merchant, 7_000))
    taken_in(model, teller)
    year = month_of(teller.at_ms) // 100
    book, lines = read(model, year, ("mer_1",))
    assert (book.totals.revenue, book.totals.other, book.closing) == (50_000, -13_000, 37_000)
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("op", "side", "whole", "posted", "expected"),
    [
        ("pay", "c", 100, 98, Turn(sales=100, fees=2)), ("capture", "c", 100, 100, Turn(sales=100)),
        ("refund", "d", 50, 49, Turn(refunds=50, fees=-1)), ("reverse", "d", 50, 50, Turn(refunds=50)),
        ("payout", "d", 50, 50, Turn(other=-50)), ("unpaid", "c", 50, 50, Turn(other=50)),
        ("recover", "d", 5, 5, Turn(other=-5)), ("refund", "c", 5, 5, Turn(other=5)),
    ],
)  # fmt: skip
def test_a_movement_is_what_it_is_to_revenue_and_changes_the_account_by_its_posting(
    op: str, side: str, whole: int, posted: int, expected: Turn
) -> None:
    found = turn(op, side, whole, posted)
    assert found == expected
    assert found.change == (posted if side == "c" else -posted)


def test_a_book_whose_parts_do_not_come_to_the_ledgers_balance_is_not_made(model: Model) -> None:
    teller = trade(3, 40)
    taken_in(model, teller)
    book, entries = read(model, 2026)
    with pytest.raises(DoesNotTie):
        replace(book, closing=book.closing + 1)
    with pytest.raises(DoesNotTie):
        check_entries(book, entries[1:])
    with pytest.raises(DoesNotTie):
        check_entries(book, [replace(entries[0], sales=entries[0].sales + 1), *entries[1:]])


# Thresholds ------------------------------------------------------------------------------------------------------


def standing(rule: str, kind: str, year: int, revenue: int, today: date) -> tuple[int, str, int]:
    (found,) = [
        one for one in thresholds.standings(thresholds.shipped(), kind, year, revenue, today)
        if one.threshold.rule == rule
    ]  # fmt: skip
    return found.threshold.amount, found.standing, found.left


@pytest.mark.parametrize(
    ("rule", "year", "revenue", "today", "expected"),
    [
        ("household_tax", 2025, 199_999_999, date(2026, 3, 1), (200_000_000, "near", 1)),
        ("household_tax", 2025, 200_000_000, date(2026, 3, 1), (200_000_000, "reached", 0)),
        ("household_tax", 2026, 200_000_000, date(2026, 3, 1), (1_000_000_000, "below", 800_000_000)),
        ("household_tax", 2026, 799_999_999, date(2026, 3, 1), (1_000_000_000, "below", 200_000_001)),
        ("household_tax", 2026, 800_000_000, date(2026, 3, 1), (1_000_000_000, "near", 200_000_000)),
        ("household_tax", 2026, 1_000_000_000, date(2026, 3, 1), (1_000_000_000, "reached", 0)),
        ("household_tax", 2027, -5, date(2026, 3, 1), (1_000_000_000, "below", 1_000_000_005)),
        ("cash_register", 2025, 10**9, date(2026, 3, 1), (1_000_000_000, "reached", 0)),
        ("cash_register", 2025, 10**9, date(2025, 6, 1), (1_000_000_000, "reached", 0)),
    ],
)
def test_a_years_revenue_stands_where_the_rule_of_its_last_day_puts_it(
    rule: str, year: int, revenue: int, today: date, expected: tuple[int, str, int]
) -> None:
    assert standing(rule, "household", year, revenue, today) == expected
    assert standing(rule, "", year, revenue, today) == expected


def test_before_a_rule_is_in_force_nobody_is_measured_by_it() -> None:
    found = thresholds.standings(thresholds.shipped(), "household", 2025, 10**12, date(2025, 5, 31))
    assert [one.threshold.rule for one in found] == ["household_tax"]
    assert thresholds.standings(thresholds.shipped(), "company", 2026, 10**12, date(2026, 6, 1)) == ()


def test_every_shipped_rule_says_where_it_comes_from_and_none_claims_to_be_certain() -> None:
    for rule in thresholds.shipped():
        assert rule.source
        assert rule.certainty in ("stated", "assumed")


RULE = """[{"rule": "r", "name_vi": "n", "amount": 1, "from_day": "2026-01-01", "until_day": "", "kinds": ["household"],
"source": "s", "source_vi": "s", "certainty": "stated", "note": ""}]"""


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ('"amount": 0', '"amount": 1'), ('"certainty": "sure"', '"certainty": "stated"'),
        ('"kinds": []', '"kinds": ["household"]'),
        ('"kinds": ["shop"]', '"kinds": ["household"]'), ('"until_day": "2025-01-01"', '"until_day": ""'),
        ('"from_day": "1/1/2026"', '"from_day": "2026-01-01"'), ('"source": ""', '"source": "s"'),
        ('"source_vi": ""', '"source_vi": "s"'),
    ],
)  # fmt: skip
def test_a_table_of_rules_that_is_wrong_is_not_read_by_half(wrong: str, right: str) -> None:
    assert len(thresholds.read(RULE)) == 1
    with pytest.raises(ValueError, match=r"."):
        thresholds.read(RULE.replace(right, wrong))


def test_two_rules_of_one_day_are_refused() -> None:
    for rule in (RULE, RULE.replace("2026-01-01", ""), RULE.replace('"until_day": ""', '"until_day": "2026-12-31"')):
        with pytest.raises(ValueError, match="of one day"):
            thresholds.read(rule.replace("}]", "}, " + rule[1:]))
    before = RULE.replace('"until_day": ""', '"until_day": "2025-12-31"').replace("2026-01-01", "")
    assert len(thresholds.read(before.replace("}]", "}, " + RULE[1:]))) == 2


# Files -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def written(model: Model) -> tuple[Book, list[Entry]]:
    taken_in(model, trade(5, 80))
    return read(model, 2026)


def test_the_csv_has_every_line_and_ties_and_runs_nothing(written: tuple[Book, list[Entry]]) -> None:
    book, entries = written
    entries = [replace(entries[0], reference="=SUM(A1)"), *entries[1:]]
    text = b"".join(files.csv_pieces(book, entries))
    *rows, said = csv.reader(io.StringIO(text.decode("utf-8-sig")))
    assert rows[0] == list(words.ENTRY_COLUMNS)
    assert (said[0], len(said)) == (words.NOTE, len(rows[0]))
    assert [int(sum(int(row[column]) for row in rows[1:-1])) for column in (6, 7, 8)] == [
        int(cell) for cell in rows[-1][6:]
    ]
    assert [int(cell) for cell in rows[-1][6:]] == [book.totals.sales, book.totals.refunds, book.totals.fees]
    assert (rows[1][5], rows[1][1]) == ("'=SUM(A1)", f"Sạp {entries[0].merchant_id}")
    assert text == b"".join(files.csv_pieces(book, entries))
    partial = replace(book, seller=replace(book.seller, whole=False))
    assert words.PARTIAL in b"".join(files.csv_pieces(partial, entries)).decode()
    assert words.PARTIAL not in text.decode()


def test_the_workbook_ties_and_is_the_same_twice(written: tuple[Book, list[Entry]]) -> None:
    book, entries = written
    made = files.workbook(book, entries)
    assert made == files.workbook(book, entries)
    read_back = openpyxl.load_workbook(io.BytesIO(made))
    assert read_back.sheetnames == ["Tháng", "Ngưỡng doanh thu", "Chi tiết"]
    months = [[cell.value for cell in row] for row in read_back["Tháng"].iter_rows()]
    total = next(row for row in months if row[0] == "Cộng")
    assert total[1:6] == [
        book.totals.sales, book.totals.refunds, book.totals.revenue, book.totals.fees, book.totals.other
    ]  # fmt: skip
    assert ["Mã số thuế", "019185000001"] in [row[:2] for row in months]
    lines = [[cell.value for cell in row] for row in read_back["Chi tiết"].iter_rows()][1:]
    assert sum(row[6] for row in lines) == book.totals.sales
    assert len(lines) == len(entries)
    assert [row[2].value for row in read_back["Ngưỡng doanh thu"].iter_rows()][1:] == ["Chưa tới", "Chưa tới"]


def test_the_pdf_says_it_all_in_vietnamese_and_is_the_same_twice(written: tuple[Book, list[Entry]]) -> None:
    book, entries = written
    partial = replace(book, seller=replace(book.seller, whole=False))
    made = pdf.printed(partial, days_of(entries))
    assert made == pdf.printed(partial, days_of(entries))
    document = pypdfium2.PdfDocument(made)
    said = " ".join(page.get_textpage().get_text_bounded() for page in document).replace("\r\n", " ")
    for part in (
        "Sổ bán hàng năm 2026", "019185000001", "Hộ kinh doanh", words.figure(book.totals.revenue), "chưa gồm mọi sạp",
        "luật tính doanh thu của mọi sạp",
        words.figure(book.closing), "Nghị định 141/2026", "chưa đọc văn bản gốc", "tiền mặt",
        *(f"{day[8:]}/{day[5:7]}/{day[:4]}" for day, _ in days_of(entries)),
    ):  # fmt: skip
        assert part in said, part


def test_a_year_without_a_sale_is_a_book_all_the_same() -> None:
    seller = Seller("", "Cô Hạnh", "company", {"mer_1": "Cô Hạnh"}, True)
    book = Book(seller, 2026, (), 0, 0, (), 0, 0)
    assert b"".join(files.csv_pieces(book, [])).decode().count("\r\n") == 3
    assert files.workbook(book, [])
    assert len(pypdfium2.PdfDocument(pdf.printed(book, []))) == 1


def test_a_long_name_leaves_room_for_the_number_of_the_page() -> None:
    seller = Seller("", "Hợp tác xã chè " * 12, "cooperative", {"mer_1": "Chè"}, True)
    (page,) = pypdfium2.PdfDocument(pdf.printed(Book(seller, 2026, (), 0, 0, (), 0, 0), []))
    foot = page.get_textpage().get_text_bounded().splitlines()[-1]
    assert foot.endswith("… · Trang 1/1")


def test_legs_that_are_not_a_merchants_are_in_no_book(model: Model) -> None:
    teller = Year()
    wallet, merchant = teller.wallet(1_000_000), teller.merchant("mer_1")
    other = teller.wallet(5)
    teller.transfer("transfer", 1_000, [Leg("d", 1_000, wallet), Leg("c", 1_000, other)])
    teller.pay(wallet, merchant, 3_000)
    taken_in(model, teller)
    with model.reader() as connection:
        assert list(queries.revenues(connection, month_of(teller.at_ms) // 100)) == [("mer_1", 3_000)]
