"""The seed data is about real places, and hangs together."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from vietnam_provinces import Province, ProvinceCode, Ward, WardCode

from kit import banks
from kit.ids import new_id
from kit.money import check_amount
from services.onboarding import form as form_rules
from services.onboarding import market as market_rules
from services.onboarding import seed

CATALOG = Path(__file__).parents[2] / "services" / "catalog" / "data" / "products.json"
THAI_NGUYEN = ProvinceCode.P_19
TODAY = date(2026, 11, 29)


def forms() -> list[form_rules.Form]:
    return [one.form(new_id("usr"), f"0900{number:06}") for number, one in enumerate(seed.merchants())]


@pytest.mark.parametrize("market", seed.markets(), ids=lambda market: market.name)
def test_every_market_is_in_a_ward_of_the_province_that_exists_since_july_2025(
    market: market_rules.Market,
) -> None:
    market_rules.checked(market)
    ward = Ward.from_code(WardCode(int(market.ward_code)))
    assert ward.name == market.ward_name
    assert ward.province_code == THAI_NGUYEN
    assert market.province_name == Province.from_code(THAI_NGUYEN).name


def test_the_twelve_markets_of_the_first_year_are_there_once() -> None:
    names = ["Hùng Sơn", "La Bằng", "Đu", "Thái", "Đán", "Chu", "Tân Khánh", "Quang Vinh", "Đồng Quang"]
    names += ["Quan Triều", "Ba Hàng", "Phúc Thuận"]
    assert sorted(m.name for m in seed.markets()) == sorted(f"Chợ {name}" for name in names)
    assert len({m.market_id for m in seed.markets()}) == len(names)


def test_seed_merchants_are_valid_and_no_two_share_an_id_a_stall_or_an_account() -> None:
    registrations = [form_rules.checked(one, TODAY) for one in forms()]
    assert len({r.request_id for r in registrations}) == len(registrations)
    assert len({(r.market_id, r.stall) for r in registrations}) == len(registrations)
    assert len({(r.bank_bin, r.account_number) for r in registrations}) == len(registrations)
    assert len({r.citizen_id for r in registrations}) == len(registrations)


def test_seed_accounts_are_fictional_and_spread_over_banks_and_a_telecom() -> None:
    registrations = forms()
    wallets = [r for r in registrations if r.bank_bin in form_rules.WALLET_BINS]
    assert [r.account_number for r in wallets] == ["0900000907", "0900000909"]
    assert all(r.account_number.startswith("00000000") for r in registrations if r not in wallets)
    names = {bank.short_name for r in registrations if (bank := banks.lookup(r.bank_bin))}
    assert names == {"Agribank", "Vietcombank", "VietinBank", "BIDV", "MBBank", "ViettelMoney"}


def test_every_seed_product_is_priced_and_belongs_to_a_seed_merchant_and_all_of_them_sell() -> None:
    products = json.loads(CATALOG.read_text(encoding="utf-8"))
    for product in products:
        assert set(product) >= {"vendor", "name", "description", "unit", "price", "stock"}
        assert check_amount(product["price"]) % 500 == 0
        assert product["stock"] > 0
    assert {product["vendor"] for product in products} == {merchant.key for merchant in seed.merchants()}
    assert len({(product["vendor"], product["name"]) for product in products}) == len(products)
