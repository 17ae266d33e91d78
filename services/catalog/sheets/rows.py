"""What a row of a sheet would do to a stall's products. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from kit import words
from kit.errors import DomainError, InvalidArgument
from kit.qr.names import fold
from kit.sheets.table import CELL_CHARACTERS_MAX, Heading, RawRow, is_formula
from services.catalog import product as rules
from services.catalog.categories import CATEGORIES
from services.catalog.product import Offer, State
from services.catalog.units import unit_of

# What a sheet changes of a product that is there, in its columns' order.
CHANGING = ("name", "description", "category", "price", "stock", "net_grams", "state")

_NUMBER = re.compile(r"([0-9]+|[1-9][0-9]{0,2}(?:[., \u00a0][0-9]{3})+)(?:\s*(?:đ|đồng|vnd|vnđ))?", re.IGNORECASE)
STATES = {State.DRAFT: "Nháp", State.PUBLISHED: "Đang bán", State.HIDDEN: "Ẩn", State.WITHDRAWN: "Ngừng bán"}
_STATE_OF = {fold(name).lower(): state for state, name in STATES.items()} | {state.value: state for state in State}
_CATEGORY_OF = {fold(one.name_vi).lower(): one.code for one in CATEGORIES} | {one.code: one.code for one in CATEGORIES}
CATEGORY_NAMES = {one.code: one.name_vi for one in CATEGORIES}


class Action(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    NOTHING = "nothing"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Problem:
    """`field` is "" where it is the row's."""

    field: str
    code: str
    vi: str
    en: str


@dataclass(frozen=True, slots=True)
class Known:
    """A product that the stall has: `values` by field, as CHANGING names them."""

    id: str
    unit: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """`values`: what would change, or all of a new product; `before`: what stands there. `done` once carried out."""

    number: int
    action: Action
    product_id: str
    name: str
    values: Mapping[str, Any]
    before: Mapping[str, Any]
    problems: tuple[Problem, ...] = ()
    done: bool = False


class Stall:
    """What a stall has, by id and by name and unit; and which of it a sheet has named."""

    def __init__(self, products: Sequence[Known]) -> None:
        self._by_id = {product.id: product for product in products}
        self._by_name = {
            (product.values["name"], product.unit): product
            for product in products
            if product.values["state"] is not State.WITHDRAWN
        }
        self._named: set[str] = set()

    def find(self, product_id: str, name: str, unit: str) -> Known | None:
        """By id, else what is sold under that name by that unit. Raises InvalidArgument."""
        if product_id:
            found = self._by_id.get(product_id)
            if found is None:
                raise InvalidArgument(
                    "the stall has no product of this id: leave it empty for a new one",
                    vi="Sạp không có mặt hàng mang mã này: để trống nếu là hàng mới.",
                )
            return found
        return self._by_name.get((name, unit))

    def name_once(self, key: str) -> None:
        """Raises InvalidArgument where another row named the same."""
        if key in self._named:
            raise InvalidArgument("another row is about the same product", vi="Mặt hàng này đã có ở dòng khác.")
        self._named.add(key)


def judge(raw: RawRow, heading: Heading, stall: Stall) -> Row:
    """What a row would do; BAD with every problem that was found."""
    read, problems = _read(raw, heading)
    name = str(read.get("name", ""))
    if not problems:
        try:
            return _planned(raw.number, read, stall)
        except DomainError as error:
            problems = [problem_of("", error)]
    return Row(raw.number, Action.BAD, str(read.get("product_id", "")), name, {}, {}, tuple(problems))


def _planned(number: int, read: dict[str, Any], stall: Stall) -> Row:
    unit = unit_of(read["unit"]).unit
    tidy = rules.changes({"name": read["name"]})["name"]
    known = stall.find(read.pop("product_id", ""), tidy, unit)
    stall.name_once(known.id if known else f"{tidy}\0{unit}")
    was = read.pop("stock_was", None)
    if known is None:
        return Row(number, Action.CREATE, "", tidy, _new(read, unit), {})
    if unit != known.unit:
        raise InvalidArgument(
            "a product's unit stays: withdraw it and list a new one",
            vi="Không đổi được đơn vị tính: hãy ngừng bán và thêm mặt hàng mới.",
        )
    if read.get("stock") == was:
        # Nobody has counted since the sheet was taken out: what was sold meanwhile does not come back.
        read.pop("stock", None)
    named = {field: read[field] for field in CHANGING if field in read}
    checked = rules.changes(named, unit)
    changes = {field: value for field, value in checked.items() if known.values[field] != value}
    if not changes:
        return Row(number, Action.NOTHING, known.id, tidy, {}, {})
    rules.moved(known.values["state"], changes.get("state", known.values["state"]))
    if known.values["state"] is State.WITHDRAWN:
        raise InvalidArgument("the product is withdrawn", vi="Mặt hàng này đã ngừng bán hẳn.")
    return Row(number, Action.CHANGE, known.id, tidy, changes, {field: known.values[field] for field in changes})


def _new(read: dict[str, Any], unit: str) -> dict[str, Any]:
    """All of a new product, as `offer_of` takes it."""
    state = read.pop("state", State.PUBLISHED)
    if state not in (State.DRAFT, State.PUBLISHED):
        raise InvalidArgument("a new product is a draft or published", vi="Hàng mới chỉ có thể là Nháp hoặc Đang bán.")
    values = {"description": "", "category": "", "stock": 0, "net_grams": 0, **read, "unit": unit}
    offer_of(values)
    return {**values, "state": state}


def offer_of(values: Mapping[str, Any]) -> Offer:
    """The offer of a new product's row. Raises InvalidArgument, AmountInvalid."""
    return rules.offer(
        values["name"], values["description"], values["unit"], values["price"], values["stock"], values["category"],
        values["net_grams"],
    )  # fmt: skip


def problem_of(field: str, error: DomainError) -> Problem:
    """Why a row is not carried out."""
    return Problem(field, error.code, error.vi or words.VI.get(error.code, ""), error.message)


def changed_since() -> Problem:
    return Problem(
        "",
        "CHANGED_SINCE",
        "Mặt hàng đã thay đổi sau khi kiểm tra: hãy tải bảng mới về và sửa lại.",
        "the product was changed after the check: take the sheet out anew",
    )


def _read(raw: RawRow, heading: Heading) -> tuple[dict[str, Any], list[Problem]]:
    """A row's fields; those whose cells are empty are not among them, but for what a row has to have."""
    read: dict[str, Any] = {}
    problems: list[Problem] = []
    for field, place in heading.places.items():
        text = raw.cells[place] if place < len(raw.cells) else ""
        if place in raw.formulas:
            problems.append(
                _wrong(field, "ô chứa công thức: hãy dán giá trị", "the cell is a formula: paste its value")
            )
        elif len(text) > max(CELL_CHARACTERS_MAX, rules.DESCRIPTION_LENGTH_MAX):
            problems.append(_wrong(field, "ô quá dài", "the cell is too long"))
        elif place in raw.numbers and _READERS.get(field) is _number and not text.isdigit():
            # A spreadsheet's number has no groups of digits: behind its point is a part of one.
            problems.append(problem_of(field, _no_number()))
        elif text:
            try:
                read[field] = _READERS.get(field, _text)(text)
            except InvalidArgument as error:
                problems.append(problem_of(field, error))
    problems += [
        _wrong(field, "ô còn trống", "the cell is empty")
        for field in ("name", "unit", "price")
        if field not in read and not any(problem.field == field for problem in problems)
    ]
    return read, problems


def _wrong(field: str, vi: str, en: str) -> Problem:
    return Problem(field, "INVALID_ARGUMENT", vi, en)


def _text(text: str) -> str:
    """Without the apostrophe that a sheet which was taken out as CSV has before what would run."""
    return text[1:] if text.startswith("'") and is_formula(text[1:]) else text


def _number(text: str) -> int:
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise _no_number()
    return int(re.sub(r"\D", "", found[1]))


def _no_number() -> DomainError:
    return InvalidArgument("write a whole number: 450000", vi="Viết số nguyên: 450000.")


def _state(text: str) -> State:
    found = _STATE_OF.get(fold(text).lower())
    if found is None:
        raise InvalidArgument(
            "write one of: draft, published, hidden, withdrawn", vi=f"Viết một trong: {', '.join(STATES.values())}."
        )
    return found


def _category(text: str) -> str:
    found = _CATEGORY_OF.get(fold(text).lower())
    if found is None:
        raise InvalidArgument(
            "write a category of GET /v1/catalog/vocabulary",
            vi=f"Viết một trong: {'; '.join(CATEGORY_NAMES.values())}.",
        )
    return found


_READERS: dict[str, Callable[[str], Any]] = {
    "price": _number,
    "stock": _number,
    "stock_was": _number,
    "net_grams": _number,
    "state": _state,
    "category": _category,
}


def as_done(row: Row, product_id: str) -> Row:
    """Carried out."""
    return replace(row, done=True, product_id=product_id)


def as_refused(row: Row, problem: Problem) -> Row:
    """Tried, and not carried out."""
    return replace(row, problems=(*row.problems, problem))
