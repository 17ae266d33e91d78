"""What an invoice says and when there is one: symbols, codes, adjustments that always come to what was kept."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from kit.errors import InvalidArgument, LimitExceeded, WrongState
from kit.ids import new_id, new_key
from services.orders.invoices import delivery, xml
from services.orders.invoices import invoice as rules
from services.orders.invoices.delivery import Delivery
from services.orders.invoices.invoice import Buyer, Draft, Issued, Kind, Line, Nature, Related, Sale, Seller
from services.orders.order import cost

AT = datetime(2026, 12, 31, 16, 59, 59, tzinfo=UTC)
TEA = Line("prd_1", "Chè móc câu", "kg", "2", 450_000, 900_000)
EGGS = Line("prd_2", "Trứng gà ta", "chục", "1", 40_000, 40_000)


def sale(kept: int = 940_000, complete: bool = True, lines: tuple[Line, ...] = (TEA, EGGS)) -> Sale:
    return Sale("ord_1", "ABCD1234", "usr_b", "mer_1", AT, lines, kept, complete)


def number(draft: Draft, issued: list[Issued]) -> Issued:
    """The draft as if it had been issued."""
    n = len(issued) + 1
    return Issued(
        f"inv_{n}", draft.slot, draft.kind, "2", "C26MAB", n, AT, draft.lines,
        draft.related.invoice_id if draft.related else "", draft.request_id, draft.fingerprint,
    )  # fmt: skip


# Symbols and codes -----------------------------------------------------------------------------------------------


def test_symbol_and_code_are_of_the_day_in_vietnam() -> None:
    last = rules.day_of(AT)
    assert last == date(2026, 12, 31)
    assert rules.symbol_of(last, "YY") == "C26MYY"
    first = rules.day_of(datetime(2026, 12, 31, 17, tzinfo=UTC))
    assert (first, rules.symbol_of(first, "YY")) == (date(2027, 1, 1), "C27MYY")
    assert rules.authority_number(date(2025, 3, 1), "MNZLR", 1_968) == "M1-25-MNZLR-00000001968"
    assert rules.authority_number(date(2025, 3, 1), "7FGBT", 315) == "M1-25-7FGBT-00000000315"


@pytest.mark.parametrize("ordinal", [0, -1, 10**11])
def test_a_code_beyond_its_digits_is_refused(ordinal: int) -> None:
    with pytest.raises(LimitExceeded):
        rules.authority_number(date(2026, 1, 1), "MNZLR", ordinal)


@given(st.integers(1, 10**11 - 1), st.dates(date(2025, 1, 1), date(2099, 12, 31)))
def test_a_code_has_23_characters_and_rises_with_its_number(ordinal: int, on: date) -> None:
    code = rules.authority_number(on, "MNZLR", ordinal)
    assert re.fullmatch(r"M1-[0-9]{2}-MNZLR-[0-9]{11}", code)
    assert len(code) == 23
    if ordinal < 10**11 - 1:
        assert rules.authority_number(on, "MNZLR", ordinal + 1) > code


@pytest.mark.parametrize(
    ("code", "suffix"),
    [("MNZL", "YY"), ("mnzlr", "YY"), ("MNZLR1", "YY"), ("MNZLR", "Y"), ("MNZLR", "yy"), ("MNZLR", "ĐY"), ("", "")],
)
def test_codes_that_are_none_are_refused(code: str, suffix: str) -> None:
    with pytest.raises(InvalidArgument):
        rules.checked_invoicing(code, suffix)


# What an order needs ---------------------------------------------------------------------------------------------


def test_an_order_that_is_not_paid_in_full_gets_none() -> None:
    assert rules.next_draft(sale(kept=900_000, complete=False), []) is None
    assert rules.next_draft(sale(kept=0, complete=True), []) is None


def test_a_paid_order_gets_one_of_its_lines_and_then_none() -> None:
    draft = rules.next_draft(sale(), [])
    assert draft is not None
    assert (draft.kind, draft.slot, draft.lines, draft.amount) == (Kind.ORIGINAL, 1, (TEA, EGGS), 940_000)
    assert rules.next_draft(sale(), [number(draft, [])]) is None


def test_what_was_given_back_before_is_a_discount() -> None:
    draft = rules.next_draft(sale(kept=930_000), [])
    assert draft is not None
    assert (draft.amount, draft.lines[-1].nature, draft.lines[-1].amount) == (930_000, Nature.DISCOUNT, -10_000)
    with pytest.raises(WrongState):
        rules.fitted((TEA,), 900_001)


def test_a_line_of_which_a_part_went_back_before_still_comes_to_its_price_by_its_quantity() -> None:
    less = replace(TEA, amount=850_000)
    draft = rules.next_draft(sale(kept=890_000, lines=(less, EGGS)), [])
    assert draft is not None
    assert [(line.quantity, line.price, line.amount) for line in draft.lines] == [
        ("2", 450_000, 900_000), ("1", 40_000, 40_000), ("1", -50_000, -50_000),
    ]  # fmt: skip
    first = number(draft, [])
    assert rules.next_draft(sale(kept=890_000, lines=(less, EGGS)), [first]) is None
    none = rules.next_draft(sale(kept=0, complete=False), [first])
    assert none is not None
    assert none.amount == -890_000


@pytest.mark.parametrize(("grams", "per", "price"), [(850, 1_000, 130_000), (5, 1_000, 90_100), (333, 100, 12_345)])
def test_a_weight_comes_to_what_the_order_says(grams: int, per: int, price: int) -> None:
    line = Line("prd_1", "Thịt", "kg", f"{grams / per}", price, cost(price, grams, per))
    assert rules.fitted((line,), line.amount) == (line,)


def test_a_line_that_is_given_back_is_adjusted_by_name() -> None:
    first = number(rules.next_draft(sale(), []), [])  # type: ignore[arg-type]
    less = replace(TEA, quantity="1.5", amount=675_000)
    draft = rules.next_draft(sale(kept=715_000, lines=(less, EGGS)), [first])
    assert draft is not None
    assert (draft.kind, draft.amount, draft.related) == (Kind.ADJUSTING, -225_000, first.as_related)
    assert [(line.product_id, line.name, line.amount) for line in draft.lines] == [
        ("prd_1", "Điều chỉnh giảm: Chè móc câu", -225_000)
    ]
    assert rules.next_draft(sale(kept=715_000, lines=(less, EGGS)), [first, number(draft, [first])]) is None


def test_money_that_went_back_without_a_line_is_adjusted_in_one() -> None:
    first = number(rules.next_draft(sale(), []), [])  # type: ignore[arg-type]
    draft = rules.next_draft(sale(kept=900_000), [first])
    assert draft is not None
    assert [(line.product_id, line.amount) for line in draft.lines] == [("", -40_000)]


def test_an_order_that_is_cancelled_comes_to_nothing_line_by_line() -> None:
    first = number(rules.next_draft(sale(), []), [])  # type: ignore[arg-type]
    draft = rules.next_draft(sale(kept=0, complete=False), [first])
    assert draft is not None
    assert [(line.product_id, line.amount) for line in draft.lines] == [("prd_1", -900_000), ("prd_2", -40_000)]


@given(st.lists(st.integers(0, 940_000), max_size=12), st.data())
def test_whatever_is_kept_in_turn_the_invoices_come_to_it(kept: list[int], data: st.DataObject) -> None:
    issued: list[Issued] = []
    for amount in [940_000, *kept]:
        shown = data.draw(st.integers(0, amount))
        lines = (replace(TEA, amount=amount - shown), replace(EGGS, amount=shown))
        now = sale(kept=amount, lines=tuple(line for line in lines if line.amount))
        draft = rules.next_draft(now, issued)
        if draft is not None:
            issued.append(number(draft, issued))
        assert rules.total(issued) == amount
        assert rules.next_draft(now, issued) is None
    assert all(line.amount for one in issued for line in one.lines)
    assert all(one.related_id == "inv_1" for one in issued[1:])
    assert not any("giảm: Điều chỉnh" in line.name for one in issued for line in one.lines)


def test_an_order_has_no_end_of_invoices_only_up_to_a_limit() -> None:
    issued = [number(rules.next_draft(sale(), []), [])]  # type: ignore[arg-type]
    for turn in range(rules.INVOICES_MAX - 1):
        draft = rules.next_draft(sale(kept=turn % 2), issued)
        assert draft is not None
        issued.append(number(draft, issued))
    with pytest.raises(LimitExceeded):
        rules.next_draft(sale(kept=500), issued)


def replaced(main: Issued, issued: list[Issued]) -> Draft:
    return rules.replacement(
        main, issued, buyer=Buyer(name="Nguyễn Văn An", phone="+84912345678"), reason="khách cần tên", request_id="r",
        fingerprint="f", sale=sale(),
    )  # fmt: skip


def test_one_that_stands_in_anothers_place_is_the_one_that_is_adjusted() -> None:
    first = number(rules.next_draft(sale(), []), [])  # type: ignore[arg-type]
    second = number(replaced(first, [first]), [first])
    assert (second.kind, second.lines, second.related_id) == (Kind.REPLACING, first.lines, first.invoice_id)
    assert rules.total([first, second]) == 940_000
    assert rules.next_draft(sale(), [first, second]) is None
    third = rules.next_draft(sale(kept=40_000), [first, second])
    assert third is not None
    assert third.related == second.as_related


def test_what_was_replaced_or_adjusted_or_is_an_adjustment_cannot_be_replaced() -> None:
    first = number(rules.next_draft(sale(), []), [])  # type: ignore[arg-type]
    second = number(replaced(first, [first]), [first])
    adjusted = number(rules.next_draft(sale(kept=0), [first]), [first])  # type: ignore[arg-type]
    for main, issued in ((first, [first, second]), (first, [first, adjusted]), (adjusted, [first, adjusted])):
        with pytest.raises(WrongState):
            replaced(main, issued)
    assert number(replaced(second, [first, second]), [first, second]).related_id == second.invoice_id


# Particulars -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""}, {"phone": ""}, {"phone": "12"}, {"tax_code": "0106869739"}, {"personal_id": "1"},
        {"name": "An\u202e"}, {"address": "x\u202e"}, {"name": "x" * 401},
    ],
)  # fmt: skip
def test_particulars_that_cannot_stand_on_an_invoice_are_refused(fields: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        rules.checked_buyer(Buyer(**{"name": "An", "phone": "0912345678", **fields}))


def test_particulars_are_tidied_and_masked_where_others_look() -> None:
    found = rules.checked_buyer(Buyer(name=" Nguyễn Văn An ", tax_code="0100109106", phone="0912 345 678"))
    assert (found.name, found.tax_code, found.phone) == ("Nguyễn Văn An", "0100109106", "+84912345678")
    assert rules.masked_name(found.name) == "N***** V** A*"
    assert found.name not in repr(found)
    for reason in ("", "abc", "x" * 201, "đổi\u202etên"):
        with pytest.raises(InvalidArgument):
            rules.checked_reason(reason)


# XML -------------------------------------------------------------------------------------------------------------


def paper(**fields: object) -> xml.Paper:
    return xml.Paper(**{  # type: ignore[arg-type]
        "invoice_id": new_id("inv"), "kind": Kind.ORIGINAL, "symbol": "C26MAB", "number": 7,
        "authority_code": "M1-26-MNZLR-00000000007", "issued_at": AT,
        "seller": Seller("Cô Hạnh", "Sạp A-01, Chợ Thái", "019185000001"), "buyer": Buyer(), "lines": (TEA, EGGS),
        "order_code": "ABCD1234", "lookup_code": "A" * 16, "lookup_url": "http://127.0.0.1/v1/invoice-lookup/A",
        **fields,
    })  # fmt: skip


def text_of(document: bytes, path: str) -> str | None:
    found = etree.fromstring(document).find(path)
    return None if found is None else found.text


def test_an_invoice_is_written_in_the_structure_and_ties() -> None:
    made = xml.written(paper())
    assert [child.tag for child in etree.fromstring(made)] == ["DLHDon", "DLQRCode", "MCCQT", "DSCKS"]
    for path, expected in {
        "DLHDon/TTChung/PBan": "2.1.0", "DLHDon/TTChung/KHMSHDon": "2", "DLHDon/TTChung/KHHDon": "C26MAB",
        "DLHDon/TTChung/SHDon": "7", "DLHDon/TTChung/NLap": "2026-12-31", "DLHDon/TTChung/DVTTe": "VND",
        "DLHDon/NDHDon/NBan/MST": "019185000001", "DLHDon/NDHDon/NMua/Ten": "Khách lẻ",
        "DLHDon/NDHDon/TToan/TgTTTBSo": "940000", "MCCQT": "M1-26-MNZLR-00000000007",
        "DLHDon/NDHDon/TToan/TgTTTBChu": "Chín trăm bốn mươi nghìn đồng", "DLHDon/NDHDon/NMua/MST": None,
        "DLHDon/TTChung/TTHDLQuan": None,
    }.items():  # fmt: skip
        assert text_of(made, path) == expected, path
    lines = etree.fromstring(made).findall("DLHDon/NDHDon/DSHHDVu/HHDVu")
    assert sum(int(line.findtext("ThTien")) for line in lines) == 940_000  # type: ignore[arg-type]
    assert [line.findtext("STT") for line in lines] == ["1", "2"]
    one = paper()
    assert xml.written(one) == xml.written(one)


@pytest.mark.parametrize(("kind", "code"), [(Kind.REPLACING, "1"), (Kind.ADJUSTING, "2")])
def test_one_that_refers_to_another_names_it(kind: Kind, code: str) -> None:
    related = Related("inv_1", "2", "C26MAB", 3, datetime(2026, 1, 2, tzinfo=UTC))
    lines = (Line("", "Điều chỉnh giảm: Chè", "lần", "1", -5_000, -5_000),)
    made = xml.written(paper(kind=kind, related=related, reason="trả lại", lines=lines))
    said = {child.tag: child.text for child in etree.fromstring(made).find("DLHDon/TTChung/TTHDLQuan")}  # type: ignore[union-attr]
    assert said == {
        "TCHDon": code, "LHDCLQuan": "1", "KHMSHDCLQuan": "2", "KHHDCLQuan": "C26MAB", "SHDCLQuan": "3",
        "NLHDCLQuan": "2026-01-02", "GChu": "trả lại",
    }  # fmt: skip
    assert text_of(made, "DLHDon/NDHDon/TToan/TgTTTBChu") == "Âm năm nghìn đồng"


def test_a_discount_is_told_as_one() -> None:
    made = xml.written(paper(lines=rules.fitted((TEA, EGGS), 900_000)))
    assert text_of(made, "DLHDon/NDHDon/TToan/TTCKTMai") == "40000"
    assert text_of(made, "DLHDon/NDHDon/TToan/TgTTTBSo") == "900000"


@given(st.text(max_size=600), st.text(max_size=450))
def test_whatever_people_write_the_xml_is_whole_and_in_the_structure(name: str, address: str) -> None:
    named = rules.printable(name, 500)
    one = paper(
        seller=Seller(name or "x", address or "-", "0100109106"),
        lines=(replace(TEA, name=name or "x", unit=address[:60] or "kg"),),
    )
    if not named or not rules.printable(address or "-", 400):
        return  # what is only invisible marks has no name: refused below
    root = etree.fromstring(xml.written(one))
    assert root.findtext("DLHDon/NDHDon/DSHHDVu/HHDVu/THHDVu") == named


@pytest.mark.parametrize(
    "fields",
    [
        {"symbol": "K26TAB"}, {"symbol": "C26MA"}, {"number": 0}, {"number": 10**8},
        {"authority_code": "M2-26-MNZLR-00000000007"}, {"seller": Seller("Cô", "Sạp", "12345")}, {"lines": ()},
        {"seller": Seller("\u200b", "Sạp", "019185000001")}, {"buyer": Buyer(name="An", personal_id="1")},
        {"lines": (replace(TEA, quantity="2 kg"),)}, {"lookup_url": ""}, {"lookup_code": ""},
    ],
)  # fmt: skip
def test_what_is_not_in_the_structure_is_not_written(fields: dict[str, object]) -> None:
    with pytest.raises(xml.NotValid) as refused:
        xml.written(paper(**fields))
    assert "019185000001" not in str(refused.value)


def test_the_message_carries_the_invoice_unchanged() -> None:
    made = xml.written(paper())
    told = xml.message(made, sender="CHO40", message_id="CHO40" + "A" * 32, tax_code="019185000001")
    root = etree.fromstring(told)
    head = {child.tag: child.text for child in root.find("TTChung")}  # type: ignore[union-attr]
    assert head == {
        "PBan": "2.1.0", "MNGui": "CHO40", "MNNhan": "TCT", "MLTDiep": "206", "MTDiep": "CHO40" + "A" * 32,
        "MST": "019185000001", "SLuong": "1",
    }  # fmt: skip
    assert etree.tostring(root.find("DLieu/HDon")) == etree.tostring(etree.fromstring(made))  # type: ignore[arg-type]
    with pytest.raises(xml.NotValid):
        xml.message(made, sender="CHO40", message_id="short", tax_code="019185000001")


# Delivery --------------------------------------------------------------------------------------------------------


def test_a_message_has_one_id_of_at_most_46_characters() -> None:
    invoice = "inv_" + new_key().replace("-", "")
    made = delivery.message_id("S" * 14, invoice)
    assert made == delivery.message_id("S" * 14, invoice)
    assert len(made) == 46


def test_tries_are_further_and_further_apart_and_end() -> None:
    now, waits, attempts = 1_000_000, [], 0
    while (outcome := delivery.after(attempts, False, now)).delivery is Delivery.PENDING:
        waits.append(outcome.due_ms - now)
        attempts += 1
    assert outcome.delivery is Delivery.FAILED
    assert waits == sorted(waits)
    assert (waits[0], waits[-1], len(waits)) == (10_000, 3_600_000, delivery.ATTEMPTS_MAX - 1)
    sent = delivery.after(0, True, now)
    assert (sent.delivery, sent.due_ms) == (Delivery.SENT, now + 3_600_000)
