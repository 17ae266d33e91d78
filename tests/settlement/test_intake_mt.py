"""MT940 and MT942: fields as SWIFT and as banks write them, against the library mt-940 where it reads the same."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import mt940
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.settlement.payouts import rules
from services.settlement.records import FileRefused, StatementHead
from tests.settlement.intake_files import OWN, TODAY, entries_of, read

ONE = f"""{{1:F01BIDVVNVXXXXX0000000000}}{{2:O9402000261123BIDVVNVXXXXX00000000002611232000N}}{{4:
:20:BIDV-20261123
:25:970418/{OWN}
:28C:327/1
:60F:C261122VND100000,
:61:2611231123D30000,NTRFPO-000012-000001//FT1
:86:/EREF/PO-000012-000001-1/KREF/PO-W000012-1/CNTP/19001/BFTVVNVX/Nguyen Thi Hoa//REMI/USTD//chi tra
:61:2611231123C20000,NTRFNONREF//FT2
:86:166?00CHUYEN TIEN?20EREF+NP-000012-VIE?21TTEL?22SVWZ+bu tru?30970436?3188?32VIETTEL ?33TELECOM
:62F:C261123VND90000,
:64:C261123VND90000,
-}}
"""


def one(body: str, opening: str = "C261122VND0,", closing: str = "") -> str:
    return f":20:M\n:25:{OWN}\n:28C:1\n:60F:{opening}\n{body}:62F:{closing}\n-\n"


def test_an_mt940_is_read_with_its_structured_details(tmp_path: Path) -> None:
    ((head, (paid, got)),) = read(tmp_path, ONE.replace("\n", "\r\n"))
    assert head == StatementHead(
        "mt940", "BIDV-20261123", "327/1", OWN, "VND", None, date(2026, 11, 22), TODAY, 100_000, 90_000, None, None,
        None,
    )  # fmt: skip
    assert (paid.side, paid.amount, paid.reference, paid.group) == ("D", 30_000, "PO-000012-000001-1", "PO-W000012-1")
    assert (paid.bank_reference, paid.counterparty, paid.counterparty_account) == ("FT1", "Nguyen Thi Hoa", "19001")
    assert (paid.text, paid.line, paid.booked_on) == ("chi tra", 6, TODAY)
    assert (got.side, got.amount, got.reference, got.text) == ("C", 20_000, "NP-000012-VIETTEL", "bu tru")
    assert (got.counterparty, got.counterparty_account, got.line) == ("VIETTEL TELECOM", "88", 8)


@pytest.mark.parametrize(
    ("line", "details", "reference"),
    [
        ("NTRFNONREF", ":86:CT DI 123 PO-000012-000345-1 chi tra\n", "PO-000012-000345-1"),
        ("NTRFNONREF", f":86:{'x' * 55} PO-000012\n-000345-1 chi tra\n", "PO-000012-000345-1"),
        ("NTRFNONREF", ":86:PO-000012-000345-1 va PO-000012-000346-1\n", ""),
        ("NTRFREF7//BANK", ":86:khong co gi\n", "REF7"),
        ("NTRFREF7//BANK\nthem", "", "REF7"),
        ("NTRFNONREF", ":86:/EREF/NOTPROVIDED/REMI/gi do\n", ""),
        ("NTRFKREF1", ":86:166?20EREF+END1?21KREF+B1\n", "END1"),
    ],
)
def test_a_reference_is_found_wherever_banks_put_it(line: str, details: str, reference: str, tmp_path: Path) -> None:
    body = f":61:261123C5,{line}\n{details}"
    (entry,) = entries_of(tmp_path, one(body, closing="C261123VND5,"))
    assert entry.reference == reference


@pytest.mark.parametrize(
    "ours",
    [rules.payout_id(12, 345), rules.on_demand_id("019ac3f0-5b5e-7c4d-8f9a-0123456789ab"),
     *(rules.net_id(12, "VIETTEL", attempt) for attempt in (1, 2, 12))],
)  # fmt: skip
@pytest.mark.parametrize("text", ["{}", "CT DI 123 {} chi tra", "chi tra {}.", "{}-2026"])
def test_every_id_that_we_give_is_found_in_a_text(ours: str, text: str, tmp_path: Path) -> None:
    body = f":61:261123C5,NTRFNONREF\n:86:{text.format(ours)}\n"
    (entry,) = entries_of(tmp_path, one(body, closing="C261123VND5,"))
    assert entry.reference == ours


@pytest.mark.parametrize(
    ("mark", "side", "reversal", "closing"),
    [("C", "C", False, "C261123VND5,"), ("D", "D", False, "D261123VND5,"), ("RC", "D", True, "D261123VND5,"),
     ("RD", "C", True, "C261123VND5,"), ("CD", "C", False, "C261123VND5,")],
)  # fmt: skip
def test_a_reversed_credit_leaves_the_account(
    mark: str, side: str, reversal: bool, closing: str, tmp_path: Path
) -> None:
    (entry,) = entries_of(tmp_path, one(f":61:261123{mark}5,00NTRFX\n", closing=closing))
    assert (entry.side, entry.reversal, entry.amount) == (side, reversal, 5)


@pytest.mark.parametrize(
    ("dates", "booked_on"),
    [("261123", TODAY), ("2611231122", date(2026, 11, 22)), ("2601021231", date(2025, 12, 31)),
     ("2512310102", date(2026, 1, 2)), ("261123    ", TODAY)],
)  # fmt: skip
def test_a_booking_day_is_of_the_year_beside_its_value_day(dates: str, booked_on: date, tmp_path: Path) -> None:
    (entry,) = entries_of(tmp_path, one(f":61:{dates}C5,NTRFX\n", closing="C261123VND5,"))
    assert entry.booked_on == booked_on


def test_an_mt942_declares_numbers_and_sums_and_has_what_is_only_expected(tmp_path: Path) -> None:
    content = (
        f":20:R1\n:25:{OWN}\n:28C:1/2\n:34F:VND0,\n:13D:2611231530+0700\n:61:261123C7,NTRFA\n:61:261123EC3,NTRFB\n"
        ":61:261123D5,NTRFC\n:90D:1VND5,\n:90C:2VND10,\n-\n"
    )
    ((head, entries),) = read(tmp_path, content)
    at = datetime(2026, 11, 23, 15, 30, tzinfo=timezone(timedelta(hours=7)))
    assert (head.kind, head.created_at, head.entries, head.credits, head.debits) == ("mt942", at, 3, 10, 5)
    assert [entry.status for entry in entries] == ["booked", "pending", "booked"]


@pytest.mark.parametrize("amount", ["1.000,00", "1,000.00", "1.000.000", "1234567890123456", "1,5,", "5..", "5,."])
def test_what_is_no_amount_is_refused_and_not_read_as_its_first_part(amount: str, tmp_path: Path) -> None:
    # No balance and no sum says how much it was.
    content = f":20:R1\n:25:{OWN}\n:28C:1\n:34F:VND0,\n:61:261123D{amount}NTRFX\n-\n"
    with pytest.raises(FileRefused) as refused:
        read(tmp_path, content)
    assert (refused.value.reason, refused.value.line) == ("MT_BROKEN", 5)


def test_statements_one_after_another_are_each_proven(tmp_path: Path) -> None:
    body = one(":61:261123C5,NTRFX\n", closing="C261123VND5,")
    found = read(tmp_path, "BIDV\n940\n" + body + body.replace(":20:M", ":20:N").replace("-\n", "") + body)
    assert [(head.message_id, len(entries)) for head, entries in found] == [("M", 1), ("N", 1), ("M", 1)]


def test_a_statement_without_entries_is_one(tmp_path: Path) -> None:
    ((head, entries),) = read(tmp_path, one("", closing="C261123VND0,"))
    assert (entries, head.closing) == ([], 0)


def test_a_foreign_account_is_in_its_minor_units(tmp_path: Path) -> None:
    (entry,) = entries_of(tmp_path, one(":61:261123C5,25NTRFX\n", "C261122USD0,", "C261123USD5,25"))
    assert (entry.amount, entry.currency) == (525, "USD")


@pytest.mark.parametrize(
    ("content", "reason", "line"),
    [
        (one(":61:261123C5,NTRFX\n", closing="C261123VND6,"), "BALANCE", 6),
        (one(":61:261123C5,50NTRFX\n", closing="C261123VND5,"), "AMOUNT", 5),
        (one(":61:261123C5.000NTRFX\n", closing="C261123VND5.000"), "AMOUNT", 5),
        (one("", "C261122VND5,000", "C261123VND5,000"), "AMOUNT", 4),
        (f":20:R\n:25:{OWN}\n:28C:1\n:34F:VND0,\n:61:261123C7,NTRFA\n:90C:1VND7.000\n-\n", "AMOUNT", 6),
        (one(":61:261123C0,NTRFX\n", closing="C261123VND0,"), "AMOUNT", 5),
        (one(":61:261323C5,NTRFX\n", closing="C261123VND5,"), "DATE", 5),
        (one(":61:261125C5,NTRFX\n", closing="C261123VND5,"), "FUTURE_DATE", 5),
        (one(":61:261123C5,NTRFX\n", closing="C261125VND5,"), "FUTURE_DATE", 0),
        (one(":61:gibberish\n", closing="C261123VND5,"), "MT_BROKEN", 5),
        (one(":61:261123C5,NTRFX\n", "wrong", "C261123VND5,"), "MT_BROKEN", 4),
        (one(":61:261123C5,NTRFX\n", closing="C261123USD5,"), "MT_BROKEN", 6),
        (one("x\n" * 70, closing="C261123VND0,"), "MT_BROKEN", 64),
        (one(":61:261123C5,NTRFX\n", closing="C261123VND5,").split(":62F")[0], "FIELD_MISSING", 5),
        (one(":61:261123C5,NTRFX\n").split(":60F")[0], "FIELD_MISSING", 1),
        (one(":61:261123C5,NTRFX\n", closing="C261123VND5,").replace(f":25:{OWN}\n", ""), "FIELD_MISSING", 1),
        (one(":61:261123C5,NTRF" + "x" * 200 + "\n", closing="C261123VND5,"), "FIELD_TOO_LONG", 5),
        (one(":61:261123C5,NTRF" + "x" * 9000 + "\n", closing="C261123VND5,"), "LINE_TOO_LONG", 5),
        (one(":61:261123C5,NTRFX\0\n", closing="C261123VND5,"), "NUL", 5),
        (f":20:R\n:25:{OWN}\n:28C:1\n:34F:VND0,\n:61:261123C7,NTRFA\n:90C:2VND7,\n-\n", "COUNT", 6),
        (f":20:R\n:25:{OWN}\n:28C:1\n:34F:VND0,\n:61:261123C7,NTRFA\n:90C:1VND8,\n-\n", "TOTALS", 6),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(content: str, reason: str, line: int, tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, content)
    assert (refusal.value.reason, refusal.value.line) == (reason, line)


def test_characters_that_are_not_utf_8_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refusal:
        read(tmp_path, one(":61:261123C5,NTRFX\n:86:Hòa\n", closing="C261123VND5,").encode("latin-1"))
    assert refusal.value.reason == "ENCODING"


ROWS = st.lists(
    st.tuples(
        st.integers(1, 10**11), st.sampled_from(["C", "D", "RC", "RD"]), st.integers(0, 40),
        st.text("ABCDEFGHJKLMNPQRSTUVXYZ0123456789-", min_size=1, max_size=16).filter(lambda text: text != "NONREF"),
    ),
    max_size=15,
)  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.integers(-(10**12), 10**12))
def test_what_is_written_is_read_and_as_the_library_reads_it(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str, int, str]], opening: int
) -> None:
    def balance(amount: int) -> str:
        return f"{'D' if amount < 0 else 'C'}261123VND{abs(amount)},"

    body, net = "", opening
    for amount, mark, back, reference in rows:
        on = TODAY - timedelta(days=back)
        body += f":61:{on:%y%m%d%m%d}{mark}{amount},NTRF{reference}//FT\n:86:chi tra\n"
        net += amount if mark in ("C", "RD") else -amount
    content = one(body, balance(opening), balance(net))
    ((head, entries),) = read(tmp_path_factory.mktemp("mt"), content)
    (theirs,) = mt940.parse_statements(content, options=mt940.Options.all())
    assert (head.opening, head.closing) == (opening, net)
    ours = [
        (Decimal(one.amount if one.side == "C" else -one.amount), one.booked_on, one.reference, one.bank_reference)
        for one in entries
    ]
    said = [each.data for each in theirs if each.data]
    assert ours == [
        (one["amount"].amount, one["entry_date"], one["customer_reference"], one["bank_reference"]) for one in said
    ]
    assert [entry.reference for entry in entries] == [reference for *_, reference in rows]
