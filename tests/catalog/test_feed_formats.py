"""Outward feeds as files: valid whatever a stall has typed, and what a floor would refuse is not in them."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from cho.events.v1 import events_pb2
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from services.catalog.feeds.formats import FORMATS, GOOGLE_TSV, GOOGLE_XML, POSTMART, VOSO, Format, written
from services.catalog.feeds.item import Item, Problem, item_of, line

G = "{http://base.google.com/ns/1.0}"
TEA = Item(
    id="prd_1", title="Chè Tân Cương", description="Chè xanh <búp> & nõn", link="https://cho.example/shopper/?product=prd_1",
    photos=("https://cho.example/1", "https://cho.example/2"), price=450_000, unit="kg", stock=60, grams=1_000,
    category="Chè", seller="Sạp Cô Nga", market="Chợ Thái", ocop_stars=4, gone=False,
)  # fmt: skip


def made(form: Format, *items: Item, changes: bool = False) -> str:
    return "".join(written(form, items, changes=changes))


def google(text: str) -> list[dict[str, list[str]]]:
    """The items of a Google feed, as a strict XML reader has them."""
    found: list[dict[str, list[str]]] = []
    for item in etree.fromstring(text.encode()).iter("item"):
        said: dict[str, list[str]] = {}
        for child in item:
            said.setdefault(child.tag.removeprefix(G), []).append(child.text or "")
        found.append(said)
    return found


def test_google_is_told_what_its_specification_asks_for() -> None:
    (item,) = google(made(GOOGLE_XML, TEA))
    assert item == {
        "id": ["prd_1"], "title": ["Chè Tân Cương"], "description": ["Chè xanh <búp> & nõn"], "link": [TEA.link],
        "image_link": ["https://cho.example/1"], "additional_image_link": ["https://cho.example/2"],
        "availability": ["in_stock"], "price": ["450000 VND"], "condition": ["new"], "identifier_exists": ["no"],
        "brand": ["Sạp Cô Nga"], "product_type": ["Chè"], "unit_pricing_measure": ["1000 g"],
        "unit_pricing_base_measure": ["1 kg"], "custom_label_0": ["Chợ Thái"],
    }  # fmt: skip
    (sold_out,) = google(made(GOOGLE_XML, replace(TEA, stock=0, description="")))
    assert (sold_out["availability"], sold_out["description"]) == (["out_of_stock"], ["Chè Tân Cương, Sạp Cô Nga"])


def test_the_tab_separated_feed_has_the_same_columns_in_every_line() -> None:
    head, row = (text.split("\t") for text in made(GOOGLE_TSV, TEA).splitlines())
    said = dict(zip(head, row, strict=True))
    assert (said["id"], said["price"], said["image_link"]) == ("prd_1", "450000 VND", "https://cho.example/1")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (POSTMART, {"Mã sản phẩm": "prd_1", "Giá bán (VNĐ)": "450000", "Tồn kho": "60", "Hạng OCOP": "4 sao",
                    "Trạng thái": "Đang bán", "Nhà cung cấp": "Sạp Cô Nga"}),
        (VOSO, {"sku": "prd_1", "gia": "450000", "so_luong": "60", "hien_thi": "1",
                "hinh_anh": "https://cho.example/1;https://cho.example/2"}),
    ],
)  # fmt: skip
def test_floors_with_spreadsheets_are_told_in_their_columns(form: Format, expected: dict[str, str]) -> None:
    text = made(form, TEA)
    assert text.startswith("\ufeff")
    (row,) = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    assert expected.items() <= row.items()


@pytest.mark.parametrize(
    ("form", "wrong", "problem"),
    [
        (GOOGLE_XML, {"photos": ()}, Problem.NO_PHOTO),
        (GOOGLE_XML, {"title": "x" * 151}, Problem.TITLE_TOO_LONG),
        (GOOGLE_TSV, {"photos": ()}, Problem.NO_PHOTO),
        (POSTMART, {"description": ""}, Problem.NO_DESCRIPTION),
        (VOSO, {"photos": ()}, Problem.NO_PHOTO),
        (VOSO, {"title": "x" * 121}, Problem.TITLE_TOO_LONG),
    ],
)
def test_what_a_floor_would_refuse_is_left_out_and_gone_from_a_file_of_changes(
    form: Format, wrong: dict[str, object], problem: Problem
) -> None:
    item = replace(TEA, **wrong)  # type: ignore[arg-type]
    assert form.problems(item) == [problem]
    assert form.problems(TEA) == []
    assert "prd_1" not in made(form, item)
    changes = made(form, item, changes=True)
    assert "prd_1" in changes
    assert any(mark in changes for mark in ("out_of_stock", "Ngừng bán", ",0\r\n"))


def test_control_characters_are_spaces_and_no_item_has_two_lines() -> None:
    assert line("Chè\x00\x0b búp\r\n\u2028ngon\u200b\ufffe\ud800 \u0085") == "Chè búp ngon"
    fact = events_pb2.ProductChanged(
        product_id="prd_1",
        name="Chè\x07 búp",
        description="một\thai\nba",
        merchant_name="Sạp\x1b[31m Nga",
        photos=["ab"],
    )
    item = item_of(fact, "Chợ\x00 Thái", "https://cho.example")
    assert (item.title, item.description, item.seller, item.market) == (
        "Chè búp",
        "một hai ba",
        "Sạp [31m Nga",
        "Chợ Thái",
    )
    assert item.photos == ("https://cho.example/v1/products/prd_1/photos/ab",)


@pytest.mark.parametrize("text", ["=1+1", "+84", "-5", "@SUM(A1)"])
def test_no_cell_is_a_formula_to_a_spreadsheet(text: str) -> None:
    rows = list(csv.reader(io.StringIO(made(VOSO, replace(TEA, title=text)))))
    assert rows[1][1] == f"'{text}"


@given(st.text(), st.text(), st.text())
def test_whatever_is_typed_every_file_can_be_read_back(name: str, description: str, stall: str) -> None:
    fact = events_pb2.ProductChanged(product_id="prd_1", price=1, stock=1, photos=["ab"])
    fact.name, fact.description, fact.merchant_name = (
        text.encode(errors="replace").decode() for text in (name, description, stall)
    )
    item = item_of(fact, "Chợ Thái", "https://cho.example")
    for form in FORMATS.values():
        text = made(form, item, changes=True)
        text.encode()
        if form is GOOGLE_XML:
            (found,) = google(text)
            assert found.get("title", [""]) == [item.title]
        elif form is GOOGLE_TSV:
            assert {text.count("\t") for text in text.splitlines()} == {13}
        else:
            rows = list(csv.reader(io.StringIO(text)))
            assert len(rows) == 2
            assert len(rows[0]) == len(rows[1])
