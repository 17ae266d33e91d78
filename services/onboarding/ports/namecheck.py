"""Name check: whose account it is, as its bank says.

Where CHO_ENV=local a simulated bank answers by rule; elsewhere nobody can be asked yet, and every account is a finding
that a reviewer settles by other means.
"""

from __future__ import annotations

from typing import Protocol

from kit.config import settings
from kit.identifiers import names
from services.onboarding.account import NameCheck


class Bank(Protocol):
    """Under which name a bank knows an account; "" where it knows none, None where it cannot be asked."""

    def name_of(self, bank_bin: str, account_number: str, asked: str) -> str | None: ...


class SimulatedBank:
    """No bank at all: it knows every account under the name that is asked for, save two kinds of number.

    A number that ends in 0404 is nobody's, and one that ends in 0666 is somebody else's.
    """

    def name_of(self, bank_bin: str, account_number: str, asked: str) -> str | None:
        if account_number.endswith("0404"):
            return ""
        return "NGUYEN VAN KHAC" if account_number.endswith("0666") else asked


class NoBank:
    """Where no bank can be asked."""

    def name_of(self, bank_bin: str, account_number: str, asked: str) -> str | None:
        return None


def check(bank_bin: str, account_number: str, account_name: str) -> NameCheck:
    """What the bank says of an account: names are compared without diacritics and case."""
    bank: Bank = SimulatedBank() if settings().env == "local" else NoBank()
    known = bank.name_of(bank_bin, account_number, account_name)
    if known is None:
        return NameCheck.UNCHECKED
    if not known:
        return NameCheck.UNKNOWN
    return NameCheck.SAME if names.alike(known) == names.alike(account_name) else NameCheck.DIFFERS
