"""A bank's transfers of a day as the interbank switch would tell it: what its customers were paid, and what came back.

Written out of our own books, in NAPAS's layout (napas.py), for banks whose systems reconcile by such files. Payouts to
the settlement bank's own customers pass no switch and are in none, nor are those above its limit (AMOUNT_MAX).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime

from kit import banks
from services.settlement.napas import Record
from services.settlement.napas_layout import FileName
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PayoutDocument
from services.settlement.records import Party

PAID, CAME_BACK = "0210", "0420"
CREATOR = "CHO"
# NAPAS 247 takes less than 500 million đồng at once; more goes by the State Bank's IBPS (DOMAIN section 2).
AMOUNT_MAX = 499_999_999


def file_name(on: date, bin_: str) -> str:
    """The file of a bank that was paid on a day. A bank that nobody knows is XXX."""
    bank = banks.lookup(bin_)
    letters = "".join(letter for letter in (bank.code if bank else "").upper() if letter.isascii() and letter.isalnum())
    return FileName(on, "BNB", letters[:3].ljust(3, "X"), bin_, 1, "TC", "SWC").text


def passes(payout: PayoutDocument, bank: str) -> bool:
    """Whether a payout went to a merchant's account at this bank over the switch."""
    merchants = payout.payee != rules.PLATFORM and payout.bank_bin == bank
    return bool(merchants and payout.amount - payout.fee <= AMOUNT_MAX)


def records(
    on: date, scheme: Party, paid: Iterable[PayoutDocument], returned: Iterable[PayoutDocument]
) -> Iterator[Record]:
    """Transfers in the order of their payouts' ids, each with its end-to-end id in RSV1; then what came back."""
    sides = [(PAID, one) for one in _sorted(paid)] + [(CAME_BACK, one) for one in _sorted(returned)]
    for number, (kind, payout) in enumerate(sides, 1):
        at: datetime = payout.outcome_at if kind == PAID else payout.came_back_at
        account, _ = payouts.plain_account(payout)
        amount = payout.amount - payout.fee
        yield Record(
            at, on, amount, amount, f"{number:06d}", acquirer=scheme.agent, issuer=scheme.agent,
            beneficiary=payout.bank_bin, from_account=scheme.account, to_account=account, message_type=kind,
            retrieval_reference=f"{on:%y%m%d}{number:06d}", reserved=(payout.id, "", ""),
        )  # fmt: skip


def _sorted(found: Iterable[PayoutDocument]) -> list[PayoutDocument]:
    return sorted(found, key=lambda payout: str(payout.id))
