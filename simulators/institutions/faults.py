"""Faults on demand, as data: what an institution is to do wrong, in `<home>/exchange/<INSTITUTION>/faults.json`.

    [{"kind": "missing_line", "count": 3, "seed": 7}, {"kind": "rejected", "end_to_end_id": "PO-000012-000345-1"}]

The same faults on the same files do the same, by `seed`. What was done is in `<home>/simulators/faults-done.jsonl`.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kit.ids import new_id
from simulators.institutions.exchange import read_whole, write_whole

FILE = "faults.json"
FAULTS_MAX = 1_000
_BYTES_MAX = 1 << 20

# What becomes of an instruction.
InstructionFault = Literal[
    "rejected",  # the bank: RJCT with `reason`; a telecom: it does not accept its net position
    "returned",  # paid, then it comes back as a credit
    "delayed",  # ACSP, and booked `days` later
]
# What a statement (camt.053) or a record shows; its totals are those of what it shows.
LineFault = Literal[
    "duplicated",  # an entry twice
    "wrong_amount",  # `amount` more (negative: less)
    "wrong_currency",  # `currency`
    "missing_line",
    "extra_line",  # `amount` that nobody ordered
    "wrong_total",  # the declared total is `amount` more than the lines make
]
# What happens to a file on its way.
FileFault = Literal[
    "cut_file",  # its first half only; `then_whole`: the whole one at the next tick, under the same name
    "duplicate_file",  # once more at the next tick, as `<name>.2.<suffix>`
    "duplicate_message_id",  # at the next tick another body under the same message id, as `<name>.2.<suffix>`
    "late_record",  # a telecom's record `late_s` later
]
INSTRUCTION_KINDS = frozenset(get_args(InstructionFault))
LINE_KINDS = frozenset(get_args(LineFault))
FILE_KINDS = frozenset(get_args(FileFault))

_REASONS = {"rejected": ("AC01", "AC04", "BE04"), "returned": ("AC01", "AC04", "AC06")}


class FaultsBroken(ValueError):
    """`faults.json` is not what it should be: correct it; nothing of the institution's is done before."""


class Fault(BaseModel):
    """One fault. It strikes what `end_to_end_id` or `transfer_id` names, or `count` chosen by `seed` from the first
    message or file that has any. `on` is a shell pattern for the file's name, "" the kind's own.

    `id` tells it from others that are the same: one that was used up does not strike again.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: InstructionFault | LineFault | FileFault
    id: str = Field("", max_length=64)
    count: int = Field(1, ge=1, le=100_000)
    end_to_end_id: str = Field("", max_length=35)
    transfer_id: str = Field("", max_length=64)
    seed: int = Field(0, ge=0, le=2**53)
    on: str = Field("", max_length=120)
    reason: str = Field("", pattern=r"^([A-Z0-9]{4})?$")
    # Đồng; 0: by the seed.
    amount: int = Field(0, ge=-(10**12), le=10**12)
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    days: int = Field(1, ge=1, le=30)
    late_s: int = Field(3600, ge=1, le=30 * 86_400)
    then_whole: bool = False

    @property
    def reference(self) -> str:
        """What it names, "" where it strikes by count."""
        return self.end_to_end_id or self.transfer_id

    @property
    def times(self) -> int:
        """How often it strikes at most."""
        return 1 if self.reference else self.count

    def random(self, what: str = "") -> random.Random:
        """The same for the same seed, kind and `what`."""
        return random.Random(f"{self.seed}:{self.kind}:{what}")  # noqa: S311 - to be repeatable

    def is_on(self, name: str, usual: str) -> bool:
        """Whether it is for a file of this name; `usual`: the pattern where the fault names none."""
        return fnmatchcase(name, self.on or usual)

    def why(self, reference: str) -> str:
        """The ISO 20022 reason of a rejection or return."""
        return self.reason or self.random(reference).choice(_REASONS[self.kind])


_LIST = TypeAdapter(list[Fault])


def path_of(home: Path, institution: str) -> Path:
    return home / "exchange" / institution / FILE


def load(home: Path, institution: str) -> list[Fault]:
    """An institution's faults, each with an id; none where there is no file. Raises FaultsBroken."""
    path = path_of(home, institution)
    try:
        found = _LIST.validate_json(read_whole(path, _BYTES_MAX))
    except FileNotFoundError:
        return []
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()[:5])
        raise FaultsBroken(f"{path.name} of {institution}: {said}: correct it") from error
    except ValueError as error:
        raise FaultsBroken(str(error)) from error
    if len(found) > FAULTS_MAX:
        raise FaultsBroken(f"{path.name} of {institution}: more than {FAULTS_MAX} faults: remove those that are done")
    return list(_with_ids(found))


def arm(home: Path, institution: str, fault: Fault) -> Fault:
    """Adds a fault to the file, as one that has not struck; with its id. Raises FaultsBroken."""
    known = load(home, institution)
    armed = fault if fault.id else fault.model_copy(update={"id": new_id("flt")})
    if len(known) >= FAULTS_MAX or armed.id in {other.id for other in known}:
        raise FaultsBroken(f"{FILE} of {institution}: it has this id, or {FAULTS_MAX} faults: remove those done")
    path = path_of(home, institution)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, [_LIST.dump_json([*known, armed], indent=1, exclude_defaults=True)])
    return armed


def _with_ids(found: Iterable[Fault]) -> Iterable[Fault]:
    seen: Counter[str] = Counter()
    for fault in found:
        own = fault.id or hashlib.sha256(fault.model_dump_json().encode()).hexdigest()[:16]
        seen[own] += 1
        yield fault.model_copy(update={"id": own if seen[own] == 1 else f"{own}.{seen[own]}"})
