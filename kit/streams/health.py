"""Readers of this process that stopped for good: what a health check answers with."""

from kit.streams.metrics import LEDGER_STOPPED

_stopped: dict[str, str] = {}


def stopped() -> dict[str, str]:
    """Reason by purpose; empty while this process is healthy."""
    return dict(_stopped)


def report_running(purpose: str) -> None:
    """The reader (re)starts."""
    _stopped.pop(purpose, None)
    LEDGER_STOPPED.labels(purpose).set(0)


def report_stopped(purpose: str, reason: str) -> None:
    """The reader will not go on by itself."""
    _stopped[purpose] = reason
    LEDGER_STOPPED.labels(purpose).set(1)
