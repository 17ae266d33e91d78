"""Vietnamese phone numbers: one form for each, however it is written."""

from __future__ import annotations

import re

from kit.errors import InvalidArgument

_PHONE = re.compile(r"(?:0|\+84)([1-9][0-9]{8})")
_SEPARATORS = str.maketrans("", "", " .-")


def normalise(text: str) -> str:
    """`+84` and nine digits, from "0912 345 678", "0912.345.678" or "+84912345678". Raises InvalidArgument.

    A Vietnamese number is ten digits from 0. Its prefix does not name its operator: numbers are portable.
    """
    match = _PHONE.fullmatch(text.translate(_SEPARATORS))
    if match is None:
        raise InvalidArgument("phone: ten digits from 0, or +84 and nine digits")
    return "+84" + match[1]
