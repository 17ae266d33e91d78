"""What keeps a form from being handed in: the rules, without any engine."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.ids import new_id, new_key
from kit.qr import fold_name
from services.onboarding import form, seed
from services.onboarding.form import Form, checked, drafted, problems
from services.onboarding.problems import WORDS

TODAY = date(2026, 11, 29)
VALID = Form(
    request_id=new_key(),
    name="Rau sạch Cô Nga",
    market_id=new_id("mkt"),
    stall="A-12",
    owner_id=new_id("usr"),
    category_code="5411",
    bank_bin="970405",
    account_number="000000009001",
    account_name="PHAM THI NGA",
    phone="0912 345 678",
    person_name="Phạm Thị Nga",
    birth_date="1980-05-31",
    sex="female",
    citizen_id="019180001234",
    citizen_issued="2021-06-30",
)


def codes(filled: Form) -> list[tuple[str, str]]:
    return [(one.field, one.code) for one in problems(filled, TODAY)]


def test_a_whole_form_is_tidied_and_has_no_problem() -> None:
    assert codes(VALID) == []
    tidy = checked(replace(VALID, name=unicodedata.normalize("NFD", "  Gạo Định Hóa ")), TODAY)
    assert (tidy.name, tidy.phone) == ("Gạo Định Hóa", "+84912345678")


def test_an_empty_form_names_everything_that_is_missing_and_can_be_kept_as_a_draft() -> None:
    empty = Form(request_id=new_key())
    missing = {field for field, _ in codes(empty)}
    assert missing == {
        "market_id", "stall", "category_code", "name", "phone", "person_name", "birth_date", "sex", "citizen_id",
        "citizen_issued", "bank_bin", "account_number", "account_name",
    }  # fmt: skip
    assert drafted(empty).request_id == empty.request_id


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"request_id": ""}, "REQUEST_ID_FORM"),
        ({"request_id": "a987fbc9-4bed-4078-8f07-9141ba07c9f3"}, "REQUEST_ID_FORM"),
        ({"name": "   "}, "TEXT_MISSING"),
        ({"name": "a" * 101}, "TEXT_TOO_LONG"),
        ({"person_name": "Nguyễn " * 30}, "TEXT_TOO_LONG"),
        ({"name": "Chè\nxanh"}, "TEXT_CONTROL"),
        ({"person_name": "Phạm\x00 Nga"}, "TEXT_CONTROL"),
        ({"person_name": "Phạm\u200b Nga"}, "TEXT_CONTROL"),
        ({"name": "Chè \u202excod"}, "TEXT_DIRECTION"),
        ({"person_name": "\u2067Nga\u2069"}, "TEXT_DIRECTION"),
        ({"name": "🍵🍵"}, "NAME_NO_LETTER"),
        ({"market_id": new_id("mer")}, "MARKET_ID_FORM"),
        ({"stall": "a-12"}, "STALL_FORM"),
        ({"stall": "A12345"}, "STALL_FORM"),
        ({"owner_id": new_id("mer")}, "OWNER_ID_FORM"),
        ({"category_code": "５４１１"}, "CATEGORY_FORM"),
        ({"phone": "0912"}, "PHONE_FORM"),
        ({"birth_date": "1980-02-30"}, "BIRTH_DATE_FORM"),
        ({"birth_date": "1980-13-01"}, "BIRTH_DATE_FORM"),
        ({"name": "Chè " * 50}, "TEXT_TOO_LONG"),
        ({"birth_date": "31/05/1980"}, "BIRTH_DATE_FORM"),
        ({"birth_date": "2008-11-30", "citizen_id": "019308001234"}, "BIRTH_DATE_AGE"),
        ({"birth_date": "1906-01-01", "citizen_id": "019106001234"}, "BIRTH_DATE_AGE"),
        ({"sex": "nữ"}, "SEX_FORM"),
        ({"citizen_id": "01918000123"}, "CITIZEN_ID_FORM"),
        ({"citizen_id": "０19180001234"}, "CITIZEN_ID_FORM"),
        ({"citizen_id": "003180001234"}, "CITIZEN_ID_PROVINCE"),
        ({"citizen_id": "019380001234"}, "CITIZEN_ID_CENTURY"),
        ({"citizen_id": "019181001234"}, "CITIZEN_ID_YEAR"),
        ({"citizen_id": "019080001234"}, "CITIZEN_ID_SEX"),
        ({"citizen_issued": ""}, "CARD_DATES_MISSING"),
        ({"citizen_issued": "1979-01-01"}, "CARD_ISSUED_FORM"),
        ({"citizen_issued": "2026-11-30"}, "CARD_ISSUED_LATER"),
        ({"citizen_expires": "2021-06-30"}, "CARD_EXPIRES_FORM"),
        ({"citizen_expires": "2026-11-28"}, "CARD_EXPIRED"),
        ({"birth_date": "1986-05-31", "citizen_id": "019186001234", "citizen_issued": "2021-06-30"}, "CARD_EXPIRED"),
        ({"tax_code": "123"}, "TAX_CODE_FORM"),
        ({"tax_code": "0106869739"}, "TAX_CODE_CHECK"),
        ({"tax_code": "019180009999"}, "TAX_CODE_OTHERS"),
        ({"enterprise_kind": "shop"}, "KIND_FORM"),
        ({"enterprise_kind": "company"}, "TAX_CODE_MISSING"),
        ({"enterprise_kind": "company", "tax_code": "019180001234"}, "TAX_CODE_KIND"),
        ({"enterprise_kind": "company", "tax_code": "0100109106"}, "DOCUMENT_MISSING"),
        ({"bank_bin": "97040"}, "BANK_FORM"),
        ({"bank_bin": "999999"}, "BANK_UNKNOWN"),
        ({"account_number": "12345"}, "ACCOUNT_FORM"),
        ({"account_number": "1" * 20}, "ACCOUNT_FORM"),
        ({"bank_bin": "971005", "account_number": "000000009001"}, "ACCOUNT_WALLET"),
        ({"account_name": "N" * 71}, "TEXT_TOO_LONG"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_code_and_is_said_in_both_languages(change: dict[str, Any], code: str) -> None:
    found = [one for one in problems(replace(VALID, **change), TODAY) if one.code == code]
    assert found, codes(replace(VALID, **change))
    assert all(one.vi and one.en and one.vi != one.en for one in found)
    with pytest.raises(InvalidArgument) as refused:
        checked(replace(VALID, **change), TODAY)
    assert refused.value.vi
    assert refused.value.details["problem"]


@pytest.mark.parametrize("document", ["", "x", "AB" * 32, "0" * 63, "ảnh" * 100_000])
def test_a_draft_names_no_document_by_what_is_no_digest(document: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        drafted(Form(request_id=new_key(), documents={"stall": document}))
    assert refused.value.details == {"field": "documents.stall", "problem": "DOCUMENT_UNKNOWN"}


def test_every_problem_has_words() -> None:
    for vi, en in WORDS.values():
        assert len(vi) > 8
        assert len(en) > 8


def test_a_household_may_have_no_tax_code_or_its_owners_citizen_number() -> None:
    for tax_code in ("", "019180001234", "0100109106", "0100109106-001"):
        assert codes(replace(VALID, tax_code=tax_code)) == []


def test_a_card_that_was_renewed_shortly_before_an_age_holds_until_the_next() -> None:
    born: dict[str, Any] = {"birth_date": "1986-05-31", "citizen_id": "019186001234"}
    assert codes(replace(VALID, **born, citizen_issued="2024-06-30")) == []


# Of Viettel, VinaPhone, MobiFone, Vietnamobile and Gmobile once: numbers move between operators, so that each may be
# anybody's by now.
@pytest.mark.parametrize("prefix", ["032", "086", "098", "081", "091", "070", "089", "052", "092", "059", "099"])
@pytest.mark.parametrize("wallet", sorted(form.WALLET_BINS))
def test_a_telecom_wallet_is_an_account_whose_number_is_a_phone_of_any_prefix(wallet: str, prefix: str) -> None:
    tidy = checked(replace(VALID, bank_bin=wallet, account_number=f"+84 {prefix[1:]} 2 345 678"), TODAY)
    assert tidy.account_number == f"{prefix}2345678"


@given(st.text())
def test_a_refused_account_number_is_not_repeated_to_anybody(number: str) -> None:
    filled = replace(VALID, account_number=f"-{number}")
    with pytest.raises(InvalidArgument) as refused:
        checked(filled, TODAY)
    assert refused.value.message == "settlement_account.account_number: must be 6 to 19 letters and digits"
    assert "account_number" not in repr(filled)


PERSONAL = ("0912 345 678", "Phạm Thị Nga", "1980-05-31", "019180001234", "000000009001", "2021-06-30")


def test_nothing_personal_is_in_a_forms_repr() -> None:
    assert not [value for value in PERSONAL if value in repr(VALID)]


@given(st.fixed_dictionaries({name: st.text(max_size=20) for name in form.TEXTS if name != "request_id"}))
def test_a_draft_takes_any_text_that_can_be_seen_and_problems_never_fail(texts: dict[str, Any]) -> None:
    filled = Form(request_id=VALID.request_id, **texts)
    problems(filled, TODAY)
    try:
        kept = drafted(filled)
    except InvalidArgument:
        assert not all(text.strip().isprintable() for text in texts.values())
        return
    assert drafted(kept) == kept


@given(st.text(max_size=120))
def test_an_accepted_name_is_composed_visible_and_can_be_folded(name: str) -> None:
    try:
        accepted = checked(replace(VALID, name=name), TODAY).name
    except InvalidArgument:
        return
    assert unicodedata.is_normalized("NFC", accepted)
    assert accepted.isprintable()
    assert 1 <= len(accepted) <= 100
    assert fold_name(accepted)


@given(st.integers(0, 999_999))
def test_made_up_people_are_possible_for_as_long_as_they_live(number: int) -> None:
    person = seed.made_up_person(number, "Người bán", "0900000001")
    for day in (TODAY, date(2050, 1, 1)):
        assert problems(replace(VALID, **person), day) == []
