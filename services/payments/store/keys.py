"""Names of the ledger's keys. All carry the cell's hash tag, so a cell is one slot of a cluster (DESIGN D7)."""

from __future__ import annotations

from kit.config import settings


class Keys:
    """Key names of one cell."""

    def __init__(self, cell: str) -> None:
        self.tag = "{" + cell + "}"
        self.meta = f"{self.tag}:meta"
        self.stream = f"{self.tag}:ledger"
        self.rules = f"{self.tag}:rules"
        # Sorted sets: open holds, and open proposals, by when they expire, ms.
        self.holds = f"{self.tag}:holds"
        self.proposals = f"{self.tag}:proposals"
        # Set: receivables on which somebody owes.
        self.debts = f"{self.tag}:debts"

    def account(self, account_id: str) -> str:
        """Hash: one account."""
        return f"{self.tag}:a:{account_id}"

    def history(self, account_id: str) -> str:
        """List: an account's newest transfer ids."""
        return f"{self.tag}:hist:{account_id}"

    def transfer(self, transfer_id: str) -> str:
        """Hash: one transfer."""
        return f"{self.tag}:t:{transfer_id}"

    def idempotency(self, scope: str) -> str:
        """Hash: what a key was answered."""
        return f"{self.tag}:i:{scope}"

    def unique(self, kind: str, telecom: str, owner: str) -> str:
        """String: the account that there may be one of."""
        return f"{self.tag}:u:{kind}:{telecom}:{owner}"

    def bank_account(self, index: str) -> str:
        """String: the merchant who is paid by the VietQR codes of a bank account (by its blind index)."""
        return f"{self.tag}:dir:{index}"

    def owner(self, owner: str) -> str:
        """Set: account ids of a person."""
        return f"{self.tag}:own:{owner}"

    def request(self, merchant_id: str, reference: str) -> str:
        """Hash: what a merchant asks for under a reference."""
        return f"{self.tag}:q:{merchant_id}:{reference}"

    def code(self, digest: str) -> str:
        """Hash: a payer's one-time code."""
        return f"{self.tag}:o:{digest}"

    def proposal(self, proposal_id: str) -> str:
        """Hash: what waits for a second person."""
        return f"{self.tag}:p:{proposal_id}"

    def live(self, merchant_id: str) -> str:
        """Stream: a merchant's announcements; not part of the ledger, and without its tag."""
        return f"payments:live:{merchant_id}"


def keys() -> Keys:
    """Keys of this process's cell."""
    return Keys(settings().cell)
