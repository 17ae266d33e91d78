"""What is personal of everybody who is seeded, and of whom the tests bring in; and whether a text holds any of it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cli import people
from cli.wallets import made_up_card
from services.onboarding import seed

# Who comes in during tests/system/test_privacy.py.
PHONE, PIN, NEW_PIN, ACCOUNT = "0987123456", "730594", "901846", "00091827364550"
# The seed prints on purpose who can sign in: for whoever runs a stack of made-up people.
PRINTED = {"seed"}


def secrets() -> dict[str, str]:
    """What must be found nowhere, by what it is."""
    found = {f"phone of {person.name}": person.phone for person in people.everybody()}
    found |= {"phone of the newcomer": PHONE, "account of the newcomer": ACCOUNT}
    found |= {"citizen number of the newcomer": made_up_card("", PHONE)[:12]}
    owners = people.vendors()
    for merchant in seed.merchants():
        form = merchant.form(owners[merchant.key].user_id, owners[merchant.key].phone)
        found |= {
            f"account of {merchant.key}": form.account_number,
            f"identity number of {merchant.key}": form.citizen_id,
        }
    forms = set(found.values())
    names = {person.user_id: person.name for person in people.everybody()}
    return found | {
        f"citizen number of {names[user_id]}": number
        for user_id, number in people.citizen_ids().items()
        if number not in forms
    }


def leaks(texts: dict[str, str]) -> list[str]:
    """What is where it must not be: never the value itself, which a failing test would print."""
    known = [(what, _core(secret), _pattern(secret)) for what, secret in secrets().items()]
    return [
        *(
            f"{what} in {where}"
            for where, text in texts.items()
            for what, core, pattern in known
            # The plain search first: it is a hundred times faster.
            if core in text and pattern.search(text)
        ),
        *(f"a PIN in {where}" for where, text in texts.items() if any(_pins(text))),
    ]


def _core(secret: str) -> str:
    """What a secret holds however it is written: a phone with +84, 84 or 0 in front."""
    return secret.removeprefix("0") if len(secret) == 10 else secret


def _pattern(secret: str) -> re.Pattern[str]:
    prefix = r"(?:\+?84|0)" if len(secret) == 10 else ""
    return re.compile(rf"(?<![0-9A-Za-z]){prefix}{re.escape(_core(secret))}(?![0-9A-Za-z])")


def _pins(text: str) -> Iterable[bool]:
    """For each PIN whether it is there, and no part of a longer number or an id."""
    for pin in (people.PIN, PIN, NEW_PIN):
        yield pin in text and re.search(rf"(?<![0-9A-Za-z.:+-]){pin}(?![0-9A-Za-z.])", text) is not None
