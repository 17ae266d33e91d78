"""An import: what it is, what may be done with it when, and what became of its rows. Pure.

draft -> checking -> checked -> running -> done; the file as a whole may be refused while it is checked; whoever sent it
may give it up until it is done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any

from kit.errors import DomainError, InvalidArgument, WrongState

# 8 parts are 4 MB: 10,000 rows as XLSX are 1 MB, as CSV 2.
PART_BYTES_MAX, PARTS_MAX = 500_000, 8
# Of at most 4,000 characters each (rows.ROW_CHARACTERS_MAX): a chunk is some 50 KB, and never above 2 MB.
CHUNK_ROWS = 100
FILE_NAME_CHARACTERS_MAX = 200
# One person's imports that are checked or run at once; one more waits until one of them rests.
OPEN_MAX = 5
# Imports of one person whose file is being sent; its parts are gone after two days, and then it counts no more.
DRAFTS_MAX = 20


class State(str, Enum):
    DRAFT = "draft"
    CHECKING = "checking"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class RowState(str, Enum):
    GOOD = "good"
    BAD = "bad"
    SUBMITTED = "submitted"
    EXISTING = "existing"
    REFUSED = "refused"


# States in which the worker has something to do.
WORKING = (State.CHECKING, State.RUNNING)
_MAY = {
    "upload": (State.DRAFT,),
    "check": (State.DRAFT,),
    "start": (State.CHECKED,),
    "result": (State.CHECKED, State.RUNNING, State.DONE, State.CANCELLED),
    "cancel": (State.DRAFT, State.CHECKING, State.CHECKED, State.RUNNING),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say of a row. `other` is the row that it is about, 0 where it is about none."""

    field: str
    code: str
    other: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file as it is kept: its cells as they were, and what became of it."""

    number: int
    cells: tuple[str, ...] = field(repr=False)
    state: RowState
    remarks: tuple[Remark, ...] = ()
    merchant_id: str = ""
    # What the form holds, so that running it needs no second reading; empty where the row is bad.
    values: dict[str, str] = field(default_factory=dict, repr=False)

    def fields(self) -> list[Any]:
        """As JSON keeps it."""
        remarks = [[r.field, r.code, r.other] for r in self.remarks]
        return [self.number, self.cells, self.state.value, remarks, self.merchant_id, self.values]


def row_of(fields: Sequence[Any]) -> Row:
    """The reverse of `Row.fields`."""
    number, cells, state, remarks, merchant_id, values = fields
    return Row(number, tuple(cells), RowState(state), tuple(Remark(*r) for r in remarks), merchant_id, values)


@dataclass(frozen=True, slots=True)
class Import:
    """As it is now; ms. `checked` and `ran` count chunks: where each step goes on after whatever happened."""

    id: str
    made_by: str
    file_name: str
    state: State
    created_ms: int
    sha256: str = ""
    parts: int = 0
    # The heading's texts, once it is read.
    heading: tuple[str, ...] = field(default=(), repr=False)
    rows: int = 0
    good: int = 0
    bad: int = 0
    submitted: int = 0
    existing: int = 0
    refused: int = 0
    checked: int = 0
    ran: int = 0
    # Why the whole file is refused.
    code: str = ""
    message: str = ""
    message_vi: str = ""
    same_as: str = ""
    ended_ms: int = 0
    version: int = 1

    @property
    def chunks(self) -> int:
        return -(-self.rows // CHUNK_ROWS)

    @property
    def done(self) -> int:
        """Rows that the present step has behind it."""
        tried = self.submitted + self.existing + self.refused
        return tried + self.bad if self.state in (State.RUNNING, State.DONE) else self.rows

    def may(self, what: str) -> None:
        """Raises WrongState where `what` ("start") cannot be done now."""
        if self.state not in _MAY[what]:
            hint = {
                "start": "it is started once, after it is checked",
                "upload": "its file is complete: begin another import",
                "check": "its file is complete already",
                "cancel": "it is over",
                "result": "there is a result once it is checked",
            }[what]
            raise WrongState(f"the import is {self.state.value}: {hint}")


def check_file_name(text: str) -> str:
    """Raises InvalidArgument."""
    name = text.strip()
    if not 1 <= len(name) <= FILE_NAME_CHARACTERS_MAX or not name.isprintable():
        raise InvalidArgument(f"file_name: 1 to {FILE_NAME_CHARACTERS_MAX} visible characters")
    return name


def with_checked(found: Import, rows: Sequence[Row]) -> Import:
    """The import with one more chunk of rows checked."""
    states = Counter(row.state for row in rows)
    return replace(
        found, rows=found.rows + len(rows), good=found.good + states[RowState.GOOD],
        bad=found.bad + states[RowState.BAD], existing=found.existing + states[RowState.EXISTING],
        checked=found.checked + 1,
    )  # fmt: skip


def with_ran(found: Import, rows: Sequence[Row]) -> Import:
    """The import with one more chunk of rows tried."""
    states = Counter(row.state for row in rows)
    return replace(
        found, submitted=found.submitted + states[RowState.SUBMITTED],
        existing=found.existing + states[RowState.EXISTING], refused=found.refused + states[RowState.REFUSED],
        ran=found.ran + 1,
    )  # fmt: skip


def started(found: Import) -> Import:
    """The import as it begins to run. What was there already when it was checked is counted again as it is tried."""
    return replace(found, state=State.RUNNING, existing=0)


def refused(found: Import, error: DomainError, now_ms: int) -> Import:
    """The import whose file cannot be read."""
    return replace(
        found, state=State.REFUSED, code=error.code, message=error.message, message_vi=error.vi,
        rows=0, good=0, bad=0, existing=0, checked=0, ended_ms=now_ms,
    )  # fmt: skip


def values_of(found: Import) -> dict[str, Any]:
    """Its fields as a document keeps them."""
    return asdict(found) | {"state": found.state.value, "heading": list(found.heading)}
