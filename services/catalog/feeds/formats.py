"""The formats: Google Merchant (RSS 2.0 with its namespace, and tab-separated), and CSV for Vietnamese floors. Pure.

Google's attributes are those of its published specification. Postmart and Vỏ Sò publish none for uploads; their sellers
fill in a spreadsheet. The columns here are what such sheets ask for, and no promise of theirs: an adapter is a table of
columns, changed in one place when a floor says how it wants them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from xml.sax.saxutils import escape

from services.catalog.feeds.item import Item, Problem, gone_of

# Of Google's titles and descriptions, characters.
GOOGLE_TITLE_MAX, GOOGLE_DESCRIPTION_MAX, GOOGLE_PHOTOS_MORE_MAX = 150, 5_000, 10
FLOOR_TITLE_MAX = 120
_GOOGLE = "http://base.google.com/ns/1.0"

Cell = tuple[str, Callable[[Item], str]]


@dataclass(frozen=True, slots=True)
class Format:
    """`problems`: what the floor would refuse an item for; `head`, `body`, `foot`: pieces of the file, UTF-8."""

    content_type: str
    problems: Callable[[Item], list[Problem]]
    head: Callable[[], str]
    body: Callable[[Item], str]
    foot: str = ""


def written(form: Format, items: Iterable[Item], *, changes: bool) -> Iterator[str]:
    """The file in pieces. Items with problems are left out; in a file of `changes` they are gone, since they may have
    been in an earlier one."""
    yield form.head()
    for item in items:
        if not form.problems(item):
            yield form.body(item)
        elif changes:
            yield form.body(gone_of(item.id))
    yield form.foot


# --- Google


def _google_problems(item: Item) -> list[Problem]:
    found = [Problem.TITLE_TOO_LONG] if len(item.title) > GOOGLE_TITLE_MAX else []
    return found + ([] if item.photos else [Problem.NO_PHOTO])


_ATTRIBUTES: tuple[Cell, ...] = (
    ("id", lambda item: item.id),
    ("title", lambda item: item.title),
    ("description", lambda item: _description(item)[:GOOGLE_DESCRIPTION_MAX]),
    ("link", lambda item: item.link),
    ("image_link", lambda item: item.photos[0] if item.photos else ""),
    ("availability", lambda item: "in_stock" if item.in_stock else "out_of_stock"),
    ("price", lambda item: f"{item.price} VND" if item.price else ""),
    ("condition", lambda item: "new"),
    # No bar codes at a market.
    ("identifier_exists", lambda item: "no"),
    ("brand", lambda item: item.seller),
    ("product_type", lambda item: item.category),
    ("unit_pricing_measure", lambda item: f"{item.grams} g" if item.grams else ""),
    ("unit_pricing_base_measure", lambda item: "1 kg" if item.grams else ""),
    ("custom_label_0", lambda item: item.market),
)


def _description(item: Item) -> str:
    """Required; where a stall says nothing, its name and the product's are what there is to say."""
    return item.description or ", ".join(text for text in (item.title, item.seller) if text)


def _google_item(item: Item) -> str:
    said = [(name, cell(item)) for name, cell in _ATTRIBUTES]
    said += [("additional_image_link", photo) for photo in item.photos[1 : 1 + GOOGLE_PHOTOS_MORE_MAX]]
    return "<item>" + "".join(f"<g:{name}>{escape(text)}</g:{name}>" for name, text in said if text) + "</item>\n"


GOOGLE_XML = Format(
    "application/xml; charset=utf-8",
    _google_problems,
    lambda: (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="{_GOOGLE}"><channel>'
        "<title>Chợ 4.0</title><description>Hàng chợ</description>\n"
    ),
    _google_item,
    "</channel></rss>\n",
)
# No cell holds a tab or a line's end (item.line), so nothing is quoted.
GOOGLE_TSV = Format(
    "text/tab-separated-values; charset=utf-8",
    _google_problems,
    lambda: "\t".join(name for name, _ in _ATTRIBUTES) + "\n",
    lambda item: "\t".join(cell(item) for _, cell in _ATTRIBUTES) + "\n",
)


# --- floors that take spreadsheets


def _floor_problems(item: Item) -> list[Problem]:
    found = [] if item.photos else [Problem.NO_PHOTO]
    found += [] if item.description else [Problem.NO_DESCRIPTION]
    return found + ([Problem.TITLE_TOO_LONG] if len(item.title) > FLOOR_TITLE_MAX else [])


def _csv(cells: Iterable[str]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(_no_formula(cell) for cell in cells)
    return out.getvalue()


def _no_formula(cell: str) -> str:
    """A spreadsheet would compute what begins so."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell


def _floor(columns: tuple[Cell, ...]) -> Format:
    return Format(
        "text/csv; charset=utf-8",
        _floor_problems,
        lambda: "\ufeff" + _csv(name for name, _ in columns),
        lambda item: _csv(cell(item) for _, cell in columns),
    )


POSTMART = _floor(
    (
        ("Mã sản phẩm", lambda item: item.id),
        ("Tên sản phẩm", lambda item: item.title),
        ("Danh mục", lambda item: item.category),
        ("Mô tả", lambda item: item.description),
        ("Đơn vị tính", lambda item: item.unit),
        ("Giá bán (VNĐ)", lambda item: str(item.price or "")),
        ("Tồn kho", lambda item: str(item.stock)),
        ("Khối lượng (gram)", lambda item: str(item.grams or "")),
        ("Hạng OCOP", lambda item: f"{item.ocop_stars} sao" if item.ocop_stars else ""),
        ("Nhà cung cấp", lambda item: item.seller),
        ("Ảnh", lambda item: " ".join(item.photos)),
        ("Trạng thái", lambda item: "Ngừng bán" if item.gone else "Đang bán"),
    )
)
VOSO = _floor(
    (
        ("sku", lambda item: item.id),
        ("ten_san_pham", lambda item: item.title),
        ("nganh_hang", lambda item: item.category),
        ("mo_ta", lambda item: item.description),
        ("gia", lambda item: str(item.price or "")),
        ("don_vi", lambda item: item.unit),
        ("so_luong", lambda item: str(item.stock)),
        ("can_nang_g", lambda item: str(item.grams or "")),
        ("gian_hang", lambda item: item.seller),
        ("hinh_anh", lambda item: ";".join(item.photos)),
        ("hien_thi", lambda item: "0" if item.gone else "1"),
    )
)

FORMATS = {"google.xml": GOOGLE_XML, "google.tsv": GOOGLE_TSV, "postmart.csv": POSTMART, "voso.csv": VOSO}
