"""Units as markets use them, the weighed and the counted. Pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from kit.errors import InvalidArgument


@dataclass(frozen=True, slots=True)
class Unit:
    """`grams` in one of what is weighed, 0 for what is counted; `pieces` in one that counts several."""

    unit: str
    grams: int = 0
    pieces: int = 1


UNITS = (
    Unit("kg", 1_000), Unit("lạng", 100), Unit("g", 1),
    Unit("yến", 10_000), Unit("tạ", 100_000), Unit("tấn", 1_000_000),
    Unit("chục", pieces=10), Unit("tá", pieces=12), Unit("đôi", pieces=2), Unit("cặp", pieces=2),
    *(
        Unit(unit)
        for unit in (
            "bó", "con", "túi", "quả", "trái", "cái", "chiếc", "gói", "hộp", "chai", "lọ", "hũ", "can", "bìa", "bánh",
            "nải", "buồng", "mớ", "nắm", "khay", "rổ", "thùng", "bao", "cây", "củ", "bắp", "ống", "xâu", "suất", "bát",
            "lít", "thếp", "bộ", "tấm", "cuộn", "tút", "vỉ", "lon", "cốc", "phần", "mét",
        )
    ),
)  # fmt: skip
# As people also write them.
_ALSO = {
    "cân": "kg", "kí": "kg", "ký": "kg", "kilogam": "kg", "kilôgam": "kg", "gam": "g", "gram": "g", "gr": "g",
    "lượng": "lạng", "l": "lít", "lit": "lít",
}  # fmt: skip
_BY_NAME = {unit.unit: unit for unit in UNITS}


def unit_of(text: str) -> Unit:
    """The unit that somebody wrote: "Kg", "cân". Raises InvalidArgument."""
    name = _tidy(text)
    found = _BY_NAME.get(_ALSO.get(name, name))
    if found is None:
        raise InvalidArgument(
            f"unit must be one of: {', '.join(_BY_NAME)}",
            vi=f"Đơn vị tính phải là một trong: {', '.join(_BY_NAME)}.",
        )
    return found


def grams_per_unit(unit: str) -> int:
    """Grams in one `unit` of what is weighed; 0 for what is counted, or for a unit from before there was a table."""
    name = _tidy(unit)
    found = _BY_NAME.get(_ALSO.get(name, name))
    return found.grams if found else 0


def base_per_unit(grams: int) -> int:
    """Whole base units (grams, or pieces) in one unit, by what `grams_per_unit` says of it."""
    return grams or 1


def price_per_kg(price: int, grams: int) -> int:
    """Đồng a kg, rounded half up, of `price` đồng for `grams`; 0 where no grams are known."""
    return (price * 1_000 * 2 + grams) // (2 * grams) if grams else 0


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())
