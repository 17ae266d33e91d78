"""Which transfers are still hot though they are old: what was given back or taken of them later kept them. Pure.

The server that is filled forgets a key at once whose time is over. So it has to be known beforehand, from a first pass
over the events, which of those will be changed again while they lived, and have to be there then.
"""

from __future__ import annotations

from kit.ledger_event import LedgerEvent

DAY_MS = 86_400_000
# functions/1_base.lua. `tests/payments/test_rebuild_rules.py` compares them.
HOT_MS, HOT_CARD_MS = 40 * DAY_MS, 400 * DAY_MS
KEY_RETENTION_MS, KEPT_MS = 7 * DAY_MS, 7 * DAY_MS
HISTORY_MAX = 50
LAYOUT = "2"
# What is never a card's top-up, by how its id begins (store/ledger.py).
_NO_CARDS = ("pay_", "hld_", "ref_", "rev_")


class Lives:
    """`now_ms`: the clock of the server that is filled."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._until: dict[str, int] = {}

    def note(self, event: LedgerEvent) -> None:
        """Hears of the next event of a first pass."""
        if event.related and event.result == "OK" and event.legs:
            hot = HOT_MS if event.related.startswith(_NO_CARDS) else HOT_CARD_MS
            if event.at_ms + hot > self.now_ms:
                self._until[event.related] = event.at_ms + hot

    def outlives(self, transfer_id: str) -> bool:
        """Whether a transfer may be hot now, though by itself its time is over."""
        return transfer_id in self._until
