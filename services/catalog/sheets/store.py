"""Sheets in MongoDB, a document each, kept for a week."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from mongoengine.errors import NotUniqueError

from kit.errors import IdempotencyConflict, NotFound
from services.catalog.product import State as ProductState
from services.catalog.sheets.documents import CatalogSheet, CatalogSheetRow
from services.catalog.sheets.rows import Action, Problem, Row

KEPT = timedelta(days=7)


CHECKED, APPLYING, DONE = "checked", "applying", "done"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A stall's sheet: `at` counts the rows that have been looked at while it is carried out."""

    id: str
    merchant_id: str
    made_by: str
    fingerprint: str
    state: str
    rows: tuple[Row, ...]
    at: int
    created_at: datetime

    @property
    def wanted(self) -> int:
        return sum(row.action in (Action.CREATE, Action.CHANGE) for row in self.rows)

    @property
    def tried(self) -> int:
        return sum(row.action in (Action.CREATE, Action.CHANGE) for row in self.rows[: self.at])


def sheet(sheet_id: str) -> Sheet:
    """Raises NotFound."""
    document = CatalogSheet.objects(id=sheet_id).first()
    if document is None:
        raise NotFound("there is no such thing, or it is not yours")
    return _sheet(document)


def keep(new: Sheet) -> Sheet:
    """Stores a sheet, or finds what the same request stored. Raises IdempotencyConflict."""
    document = CatalogSheet(
        id=new.id,
        merchant_id=new.merchant_id,
        made_by=new.made_by,
        fingerprint=new.fingerprint,
        state=new.state,
        rows=[_stored(row) for row in new.rows],
        at=0,
        created_at=new.created_at,
        gone_at=new.created_at + KEPT,
    )
    try:
        document.save(force_insert=True)
    except NotUniqueError as error:
        found = sheet(new.id)
        if (found.fingerprint, found.made_by) != (new.fingerprint, new.made_by):
            raise IdempotencyConflict("request_id was used for another sheet") from error
        return found
    return new


def begin(found: Sheet) -> Sheet:
    """It is to be carried out; begun before, nothing changes."""
    CatalogSheet.objects(id=found.id, state=CHECKED).update_one(set__state=APPLYING)
    return sheet(found.id)


def to_apply() -> Iterator[Sheet]:
    """Those that are to be carried out, read as they are asked for, the oldest first."""
    yield from map(_sheet, CatalogSheet.objects(state=APPLYING).order_by("created_at").batch_size(1).no_cache())


def note(found: Sheet, tried: Sequence[Row]) -> Sheet:
    """What became of the next rows; DONE after the last one."""
    at = found.at + len(tried)
    state = DONE if at == len(found.rows) else APPLYING
    update: dict[str, Any] = {f"set__rows__{found.at + n}": _stored(row) for n, row in enumerate(tried)}
    CatalogSheet.objects(id=found.id, at=found.at).update_one(set__at=at, set__state=state, **update)
    return replace(found, at=at, state=state, rows=(*found.rows[: found.at], *tried, *found.rows[at:]))


def _stored(row: Row) -> CatalogSheetRow:
    return CatalogSheetRow(
        number=row.number,
        action=row.action,
        product_id=row.product_id or None,
        name=row.name or None,
        values=json.dumps(dict(row.values), ensure_ascii=False),
        before=json.dumps(dict(row.before), ensure_ascii=False),
        problems=json.dumps([asdict(problem) for problem in row.problems], ensure_ascii=False),
        done=int(row.done),
    )


def _sheet(document: CatalogSheet) -> Sheet:
    return Sheet(
        id=document.id,
        merchant_id=document.merchant_id,
        made_by=document.made_by,
        fingerprint=document.fingerprint,
        state=document.state,
        rows=tuple(_row(row) for row in document.rows),
        at=document.at,
        created_at=document.created_at,
    )


def _row(row: CatalogSheetRow) -> Row:
    return Row(
        row.number, Action(row.action), row.product_id or "", row.name or "", _values(row.values), _values(row.before),
        tuple(Problem(**problem) for problem in json.loads(row.problems)), bool(row.done),
    )  # fmt: skip


def _values(text: str) -> Mapping[str, Any]:
    values = json.loads(text)
    if "state" in values:
        values["state"] = ProductState(values["state"])
    return dict(values)
