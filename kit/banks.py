"""Vietnam's bank identification numbers, as VietQR uses them.

Source: State Bank letter 1589/NHNN-TT (56 BINs up to 2023-12-31), and 15 more that VietQR codes carry.
"""

import functools
import json
from dataclasses import dataclass
from importlib import resources


@dataclass(frozen=True, slots=True)
class Bank:
    """One BIN: `sbv_name` is the State Bank's, None where its list does not hold the BIN."""

    bin: str
    code: str
    short_name: str
    sbv_name: str | None


def lookup(bin: str) -> Bank | None:
    """The bank of this BIN, None if nobody told us of it."""
    return _by_bin().get(bin)


@functools.cache
def _by_bin() -> dict[str, Bank]:
    rows = json.loads(resources.files("kit").joinpath("data/banks.json").read_text(encoding="utf-8"))
    banks = [Bank(row["bin"], row["code"], row["short_name"], row["sbv_name"]) for row in rows]
    assert len({bank.bin for bank in banks}) == len(banks), "a BIN belongs to one bank"
    return {bank.bin: bank for bank in banks}
