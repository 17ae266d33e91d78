"""Vendors made up by number, for measurements and tests: well-formed in every field, and nobody. Pure."""

from __future__ import annotations

from datetime import date, timedelta

NUMBERS_MAX = 1_000_000
_FAMILIES = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Vũ", "Đặng", "Bùi", "Dương", "Nông", "Ma", "Lương", "Triệu")
_MIDDLES = ("Thị", "Văn")
_GIVEN = ("Nga", "Hạnh", "Tám", "Thịnh", "Đào", "Yến", "Bình", "Mai", "Hòa", "Tuyết", "Lụa", "Chiến", "Hường", "Ước")
_GOODS = (("Rau sạch", "5499"), ("Chè", "5499"), ("Thịt lợn", "5422"), ("Bánh chưng", "5462"), ("Tạp hóa", "5411"))
_BANKS = ("Agribank", "Vietcombank", "BIDV", "VietinBank")


def cells_of(number: int, market: str) -> dict[str, str]:
    """The cells of vendor `number`, 0 to NUMBERS_MAX - 1, by field: the same number is the same vendor."""
    assert 0 <= number < NUMBERS_MAX, "identifiers are made of six digits"
    family, given = _FAMILIES[number % len(_FAMILIES)], _GIVEN[number // 13 % len(_GIVEN)]
    female = number % 2 == 0
    born = date(1960, 1, 1) + timedelta(days=number % 14_000)
    goods, category = _GOODS[number % len(_GOODS)]
    name = f"{family} {_MIDDLES[0 if female else 1]} {given}"
    return {
        "market": market,
        # Sections XA to XZ, XAA to XZZ have no market of the seed: 9,999 stalls in each.
        "stall": f"X{_section(number // 9_999)}-{number % 9_999 + 1}",
        "name": f"{goods} {given} {number}",
        "person_name": name,
        "phone": f"09{number % 10}{number:07d}",
        "citizen_id": f"019{1 if female else 0}{born:%y}{number:06d}",
        "birth_date": f"{born:%d/%m/%Y}",
        "sex": "Nữ" if female else "Nam",
        "category_code": category,
        "bank_bin": _BANKS[number % len(_BANKS)],
        "account_number": f"8500{number:09d}",
        "account_name": name.upper(),
        "tax_code": "",
        "address": f"Tổ {number % 40 + 1}",
        "citizen_issued": "30/06/2024",
        "citizen_expires": "31/12/2045",
        "enterprise_kind": "",
    }


def _section(number: int) -> str:
    """A, B, ... Z, AA, AB, ...: up to 702 of them."""
    first, second = divmod(number, 26)
    return (chr(64 + first) if first else "") + chr(65 + second)
