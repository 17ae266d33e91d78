"""Virus scan: a hook where a scanner stands in earnest.

The default knows one signature, the EICAR test string, by which it can be seen that uploads pass through it: it is no
protection against malware. What keeps that out is that only pictures are stored, each decoded whole before.
"""

from __future__ import annotations

from typing import Protocol

from kit.errors import DocumentInfected

# In two parts, so that no scanner takes this file for infected.
_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Scanner(Protocol):
    """Raises DocumentInfected where it finds something, Unavailable where it cannot look."""

    def __call__(self, content: bytes) -> None: ...


def eicar_only(content: bytes) -> None:
    """Finds the EICAR test string and nothing else."""
    if _EICAR in content:
        raise DocumentInfected("the scanner found the EICAR test string")


scan: Scanner = eicar_only
