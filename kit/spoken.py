"""Amounts in Vietnamese words, as papers about money have them. Pure."""

from __future__ import annotations

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", " nghìn", " triệu")
# More cannot be held by an account (DESIGN 4, rule 2).
AMOUNT_MAX = 2**53 - 1


def number_in_words(number: int) -> str:
    """`number` from 0 to 2^53 - 1: 1205 is "một nghìn hai trăm linh năm". Raises ValueError beyond."""
    if not 0 <= number <= AMOUNT_MAX:
        raise ValueError(f"only 0 to {AMOUNT_MAX} are read out, not {number}")
    return _read(number, whole=False) or _DIGITS[0]


def amount_in_words(amount: int) -> str:
    """`amount` in đồng, as a sentence begins: 75000 is "Bảy mươi lăm nghìn đồng", below zero it begins with "Âm"."""
    words = f"{'âm ' if amount < 0 else ''}{number_in_words(abs(amount))} đồng"
    return words[0].upper() + words[1:]


def _read(number: int, whole: bool) -> str:
    """Words of a number. `whole`: it stands behind others, so that its hundreds are said even where they are none."""
    billions, rest = divmod(number, 10**9)
    parts = [f"{_read(billions, whole)} tỷ"] if billions else []
    for power in (2, 1, 0):
        group, rest = divmod(rest, 1000**power)
        if group:
            parts.append(_three(group, whole or bool(parts)) + _GROUPS[power])
    return " ".join(parts)


def _three(group: int, whole: bool) -> str:
    """One to three digits. "mốt" and "lăm" are one and five behind tens, "linh" says that there are no tens."""
    hundreds, tens, ones = group // 100, group // 10 % 10, group % 10
    words = [_DIGITS[hundreds], "trăm"] if hundreds or whole else []
    if tens > 1:
        words += [_DIGITS[tens], "mươi"]
    elif tens == 1:
        words.append("mười")
    elif ones and words:
        words.append("linh")
    if ones == 1 and tens > 1:
        words.append("mốt")
    elif ones == 5 and tens:
        words.append("lăm")
    elif ones:
        words.append(_DIGITS[ones])
    return " ".join(words)
