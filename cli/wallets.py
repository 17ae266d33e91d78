"""Made-up people's citizen cards, and wallets for whoever has shown one: as seeds, measurements and tests need them."""

from __future__ import annotations

import time
from typing import Any

from cli.api import Api, ApiError

# Payments hears from identity who somebody is: within a second, or something is wrong.
HEARD_S_MAX = 120
_BORN_FIRST, _BORN_YEARS = 1941, 19


def made_up_card(name: str, phone: str) -> str:
    """What the code on the citizen card of somebody who does not exist says: a woman from Bắc Kạn, with a number of her
    own for a phone of her own ("0977000001") as long as the first four digits are few."""
    born = _BORN_FIRST + int(phone[1:4]) % _BORN_YEARS
    return f"0061{born % 100:02}{phone[4:]}||{name}|0101{born}|Nữ|Bắc Kạn|20052022"


def identify(staff: Api, phone: str, name: str) -> None:
    """Has somebody of the platform see the card of the account with this phone. Raises ApiError."""
    staff.post("/v1/identifications", phone=phone, payload=made_up_card(name, phone))


def open_wallet(api: Api, telecom: str, owner_id: str = "") -> dict[str, Any]:
    """The wallet at a telecom ("VIETTEL") of the caller, or of `owner_id`, once payments knows who that is.

    Raises ApiError.
    """
    deadline = time.monotonic() + HEARD_S_MAX
    while True:
        try:
            wallet: dict[str, Any] = api.post("/v1/wallets", telecom=f"TELECOM_{telecom}", owner_id=owner_id)["wallet"]
        except ApiError as refused:
            if refused.code != "IDENTITY_NEEDED" or time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return wallet
