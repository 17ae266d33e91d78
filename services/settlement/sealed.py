"""Settlement's encrypted fields, for `cho keys rotate`."""

from __future__ import annotations

from kit.reseal import Sealed
from services.settlement.matching.documents import BreakDocument
from services.settlement.payouts.documents import ACCOUNT_FIELD, PayoutDocument
from services.settlement.taxbook.sellers import TAX_FIELD, TaxSeller

SEALED = (
    Sealed(BreakDocument, "facts", "breaks.facts"),
    Sealed(PayoutDocument, "account", ACCOUNT_FIELD),
    Sealed(PayoutDocument, "account_name", ACCOUNT_FIELD),
    Sealed(TaxSeller, "tax_code", TAX_FIELD, owned=True),
)
