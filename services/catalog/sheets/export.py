"""A stall's products as a spreadsheet: what is taken out can be sent back, changed. Pure."""

from __future__ import annotations

import io
from collections.abc import Iterable

from kit.sheets.writing import MARK, csv_line, harmless, visible
from services.catalog.categories import CATEGORIES
from services.catalog.sheets.columns import PRODUCTS
from services.catalog.sheets.rows import CATEGORY_NAMES, STATES, Known
from services.catalog.units import UNITS

_WIDTH = 18


def as_csv(products: Iterable[Known]) -> bytes:
    """UTF-8 with a byte order mark."""
    lines = [csv_line(column.title for column in PRODUCTS.all), *(csv_line(_cells(product)) for product in products)]
    return MARK + b"".join(lines)


def as_xlsx(products: Iterable[Known]) -> bytes:
    """A workbook: the products, and how to fill it in. All cells are text."""
    # Here, and not above: a process that never writes a workbook is spared it.
    from xlsxwriter import Workbook

    out = io.BytesIO()
    book = Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False})
    bold, text = book.add_format({"bold": True, "num_format": "@"}), book.add_format({"num_format": "@"})
    page = book.add_worksheet("Mặt hàng")
    page.freeze_panes(1, 0)
    for place, column in enumerate(PRODUCTS.all):
        page.set_column(place, place, _WIDTH, text)
        page.write_string(0, place, column.title, bold)
        page.write_comment(0, place, column.hint)
    for line, product in enumerate(products, 1):
        for place, cell in enumerate(_cells(product)):
            # With an apostrophe where it would run, as in CSV: so it is read again.
            page.write_string(line, place, visible(harmless(cell)), text)
    guide = book.add_worksheet("Hướng dẫn")
    guide.set_column(0, 1, 40)
    told = [(column.title, column.hint) for column in PRODUCTS.all]
    told += [("Nhóm hàng", one.name_vi) for one in CATEGORIES] + [("Đơn vị tính", one.unit) for one in UNITS]
    for line, (title, hint) in enumerate(told):
        guide.write_string(line, 0, title, bold)
        guide.write_string(line, 1, hint)
    book.close()
    return out.getvalue()


def _cells(product: Known) -> list[str]:
    values = product.values
    shown = {
        "product_id": product.id,
        "unit": product.unit,
        "category": CATEGORY_NAMES.get(values["category"], ""),
        "stock_was": str(values["stock"]),
        "net_grams": str(values["net_grams"] or ""),
        "state": STATES[values["state"]],
    }
    return [shown.get(column.field, str(values.get(column.field, ""))) for column in PRODUCTS.all]
