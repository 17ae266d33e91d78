"""What has to hold of a citizen card before its number is somebody's."""

from __future__ import annotations

from datetime import date

from kit.errors import InvalidArgument
from kit.identifiers import citizen, names
from kit.identifiers.citizen import Card


def check_card(card: Card, name: str, today: date) -> str:
    """The number of a card that is in force `today` (a day in Vietnam) and bears the `name` of an account.

    Raises InvalidArgument with the problem's code: CARD_ISSUED_LATER, CARD_EXPIRED, CARD_NAME.
    """
    if card.issued > today:
        raise InvalidArgument("payload: the issue date has not come yet", field="payload", problem="CARD_ISSUED_LATER")
    expires = citizen.expires(card.birth, card.issued)
    if expires is not None and expires <= today:
        raise InvalidArgument(
            "payload: expired, the person needs a new one", field="payload", problem="CARD_EXPIRED",
            vi="Căn cước đã hết hạn: cần đổi thẻ mới.",
        )  # fmt: skip
    # Diacritics and case differ between what is typed at a stall and what is printed on a card; another name is
    # somebody else's card, or another person's account.
    if names.alike(card.name) != names.alike(name):
        raise InvalidArgument(
            "payload: bears another name than the account", field="payload", problem="CARD_NAME",
            vi="Tên trên căn cước không khớp với tên của tài khoản.",
        )  # fmt: skip
    return card.number
