"""What a stall's QR code says, read back by our own reader and by zxing."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kit import qr
from kit.errors import AmountInvalid, InvalidArgument, MerchantNotPayable
from kit.ids import new_id
from kit.qr import image
from services.onboarding import paycode
from services.onboarding.merchant import Merchant, State
from tests.scanner import scan

NGA = Merchant(
    merchant_id=new_id("mer"),
    name="Rau sạch Cô Nga Đồng Hỷ",
    market_id=new_id("mkt"),
    market_name="Chợ Hùng Sơn",
    province_name="Thái Nguyên",
    stall="A-12",
    owner_id=new_id("usr"),
    category_code="5411",
    bank_bin="970405",
    account_masked="********9001",
    account_name="PHAM THI NGA",
    person_name="",
    phone_masked="",
    citizen_id_masked="",
    state=State.ACTIVE,
    version=2,
    registered_at=datetime(2026, 1, 5, tzinfo=UTC),
    registered_by=new_id("usr"),
)


def test_a_static_code_names_the_merchant_in_both_scripts_and_no_bank_account() -> None:
    read = qr.decode(paycode.payload(NGA))
    assert read.static
    assert read.merchant_id == NGA.merchant_id
    assert (read.merchant_name, read.lang_name) == ("Rau sach Co Nga Dong Hy", "Rau sạch Cô Nga Đồng Hỷ")
    assert (read.merchant_city, read.mcc, read.stall_label) == ("Thai Nguyen", "5411", "A-12")
    assert read.amount is None
    assert read.bin is None
    assert read.account is None
    assert read.warnings == []


def test_an_amount_makes_the_code_dynamic_and_reference_and_purpose_travel() -> None:
    read = qr.decode(paycode.payload(NGA, amount=75_000, reference="HD-0042", purpose="Rau và trứng"))
    assert not read.static
    assert (read.amount, read.bill_number, read.purpose) == (75_000, "HD-0042", "Rau va trung")


@pytest.mark.parametrize("state", [State.SUBMITTED, State.SUSPENDED])
def test_only_an_active_merchant_has_a_code(state: State) -> None:
    with pytest.raises(MerchantNotPayable):
        paycode.payload(replace(NGA, state=state))


@pytest.mark.parametrize("amount", [-1, 10**12 + 1])
def test_an_impossible_amount_is_refused(amount: int) -> None:
    with pytest.raises(AmountInvalid):
        paycode.payload(NGA, amount=amount)


@pytest.mark.parametrize("field", [{"reference": "x" * 26}, {"reference": "hóa đơn"}, {"purpose": "y" * 26}])
def test_a_text_that_does_not_fit_is_refused_and_not_cut(field: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument):
        paycode.payload(NGA, amount=1_000, **field)


def test_the_png_is_read_by_a_scanner() -> None:
    payload = paycode.payload(NGA, amount=75_000)
    with Image.open(io.BytesIO(image.png(payload))) as picture:
        read = scan(picture)
    assert read.text == payload


@given(
    name=st.text("aàảđĐếỷưở B🍵-'", min_size=1, max_size=100).filter(lambda n: any(c.isalnum() for c in n)),
    amount=st.integers(0, 10**12),
)
def test_whatever_the_name_the_code_leads_back_to_the_merchant(name: str, amount: int) -> None:
    read = qr.decode(paycode.payload(replace(NGA, name=name.strip()), amount=amount))
    assert read.merchant_id == NGA.merchant_id
    assert read.amount == (amount or None)
