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


def by_name(name: str) -> str:
    """The BIN of the bank that people call so ("Agribank", "VCB"); "" where none is, or several are, called so."""
    return _by_name().get(name.replace(" ", "").casefold(), "")


@functools.cache
def _by_name() -> dict[str, str]:
    """By short name and by code. Of several that share one, the State Bank's own list decides where it can."""
    called: dict[str, set[str]] = {}
    for bank in _by_bin().values():
        for name in (bank.code, bank.short_name):
            if name:
                called.setdefault(name.replace(" ", "").casefold(), set()).add(bank.bin)
    found = {}
    for name, bins in called.items():
        listed = {bin for bin in bins if _by_bin()[bin].sbv_name is not None}
        candidates = listed or bins
        if len(candidates) == 1:
            found[name] = next(iter(candidates))
    return found
