"""Citizen numbers, cards, tax codes and names: what is possible, and what is told of the rest."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.identifiers import citizen, names, tax

CARD = "019180001234|090123456|Phạm Thị Nga|31051980|Nữ|Tổ 5, Phan Đình Phùng, Thái Nguyên|30062021"
BIRTHS = st.dates(date(1900, 1, 1), date(2099, 12, 31))


@given(st.sampled_from(sorted(citizen.PROVINCES)), BIRTHS, st.booleans(), st.integers(0, 999_999))
def test_a_number_agrees_with_its_own_birth_and_sex_and_with_no_other(
    province: str, birth: date, is_male: bool, tail: int
) -> None:
    century = (birth.year // 100 - 19) * 2 + (not is_male)
    number = f"{province}{century}{birth.year % 100:02}{tail:06}"
    sex, other = (citizen.MALE, citizen.FEMALE) if is_male else (citizen.FEMALE, citizen.MALE)
    assert citizen.problem_of(number, birth, sex) is None
    assert citizen.problem_of(number, birth, other) == "CITIZEN_ID_SEX"
    assert citizen.problem_of(number, birth.replace(year=birth.year + 1, day=1), sex) in (
        "CITIZEN_ID_YEAR",
        "CITIZEN_ID_CENTURY",
    )


@given(st.text(max_size=14))
def test_only_twelve_ascii_digits_of_a_known_province_are_a_number(text: str) -> None:
    if citizen.problem_of(text) is None:
        assert len(text) == 12
        assert text.isascii()
        assert text[:3] in citizen.PROVINCES


def test_there_are_sixty_three_provinces_and_no_misprinted_one() -> None:
    assert len(citizen.PROVINCES) == 63
    assert {"019", "006", "024"} <= citizen.PROVINCES
    assert "023" not in citizen.PROVINCES


def test_a_cards_code_is_read_into_its_fields() -> None:
    card = citizen.read_card(CARD + "|Nguyễn Văn A|Trần Thị B\r\n")
    assert (card.number, card.old_number, card.name) == ("019180001234", "090123456", "Phạm Thị Nga")
    assert (card.birth, card.sex, card.issued) == (date(1980, 5, 31), "female", date(2021, 6, 30))
    assert card.address == "Tổ 5, Phan Đình Phùng, Thái Nguyên"
    assert "019180001234" not in repr(card)
    assert citizen.read_card(CARD.replace("|090123456|", "||")).old_number == ""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("|090123456|", "|"), "CARD_FORM"),
        (("090123456", "09012345"), "CARD_FORM"),
        ((CARD, "https://example.vn"), "CARD_FORM"),
        ((CARD, CARD + "x" * 1_000), "CARD_FORM"),
        (("31051980", "31021980"), "BIRTH_DATE_FORM"),
        (("31051980", "31131980"), "BIRTH_DATE_FORM"),
        (("|Nữ|", "|F|"), "SEX_FORM"),
        (("|Nữ|", "|Nam|"), "CITIZEN_ID_SEX"),
        (("31051980", "31051981"), "CITIZEN_ID_YEAR"),
        (("31051980", "31052080"), "CARD_ISSUED_FORM"),
        (("019180", "019380"), "CITIZEN_ID_CENTURY"),
        (("019180", "003180"), "CITIZEN_ID_PROVINCE"),
        (("30062021", "30062"), "CARD_ISSUED_FORM"),
        (("30062021", "31129999"), "CARD_ISSUED_FORM"),
        (("Phạm Thị Nga", "Phạm \u202eagN"), "TEXT_DIRECTION"),
        (("Phạm Thị Nga", "Phạm\x07Nga"), "TEXT_CONTROL"),
        (("Phạm Thị Nga", "Phạm " * 30), "TEXT_TOO_LONG"),
        ((CARD, CARD.encode().decode("latin-1")), "CARD_ENCODING"),
        (("Phạm Thị Nga", "Hà Thị Nga".encode().decode("latin-1")), "CARD_ENCODING"),
        (("Phạm", "Ph\ufffdm"), "CARD_ENCODING"),
    ],
)
def test_a_card_that_contradicts_itself_is_refused_with_a_code_and_repeats_nothing(
    change: tuple[str, str], problem: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        citizen.read_card(CARD.replace(*change))
    assert refused.value.details["problem"] == problem
    assert "019180001234" not in refused.value.message


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(payload: str) -> None:
    with pytest.raises(InvalidArgument):
        citizen.read_card(payload)


@pytest.mark.parametrize(
    ("birth", "issued", "ends"),
    [
        (date(2005, 3, 1), date(2021, 4, 1), date(2030, 3, 1)),
        (date(1998, 3, 1), date(2021, 2, 28), date(2038, 3, 1)),
        (date(1998, 3, 1), date(2021, 3, 1), date(2038, 3, 1)),
        (date(1999, 3, 1), date(2021, 3, 1), date(2024, 3, 1)),
        (date(1980, 5, 31), date(2021, 6, 30), date(2040, 5, 31)),
        (date(1960, 5, 31), date(2018, 5, 30), date(2020, 5, 31)),
        (date(1960, 5, 31), date(2018, 5, 31), None),
        (date(1940, 1, 1), date(2021, 6, 30), None),
        (date(2000, 2, 29), date(2016, 1, 1), date(2025, 3, 1)),
    ],
)
def test_a_card_ends_at_25_40_or_60_unless_it_was_made_in_the_two_years_before(
    birth: date, issued: date, ends: date | None
) -> None:
    if (birth, issued) == (date(1998, 3, 1), date(2021, 2, 28)):
        ends = date(2023, 3, 1)  # one day more than two years before 25
    assert citizen.expires(birth, issued) == ends


@pytest.mark.parametrize("code", ["0100109106", "0100112437", "0312533500", "0101243150", "0100109106-001"])
def test_tax_codes_of_ten_and_thirteen_digits_have_a_check_digit(code: str) -> None:
    assert tax.problem_of(code) is None
    wrong = code[:9] + str((int(code[9]) + 1) % 10) + code[10:]
    assert tax.problem_of(wrong) == "TAX_CODE_CHECK"


def test_tax_codes_have_one_form() -> None:
    assert tax.normalise(" 0100109106001 ") == "0100109106-001"
    assert tax.normalise("0100 109 106") == "0100109106"
    assert tax.normalise("019180001234") == "019180001234"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("0106869739", "TAX_CODE_CHECK"),
        ("0100109106-000", "TAX_CODE_FORM"),
        ("01-00109106", "TAX_CODE_FORM"),
        ("0100000000", "TAX_CODE_FORM"),
        ("01001091069", "TAX_CODE_FORM"),
        ("０１００１０９１０６", "TAX_CODE_FORM"),
        ("", "TAX_CODE_FORM"),
        ("003180001234", "CITIZEN_ID_PROVINCE"),
    ],
)
def test_what_is_no_tax_code_is_told(code: str, problem: str) -> None:
    assert tax.problem_of(code) == problem


@given(st.text(max_size=20))
def test_no_text_breaks_the_tax_code(text: str) -> None:
    if tax.problem_of(text) is None:
        assert tax.problem_of(tax.normalise(text)) is None
        assert tax.normalise(tax.normalise(text)) == tax.normalise(text)


def test_names_are_alike_without_diacritics_case_and_punctuation() -> None:
    assert names.alike("  Nguyễn  Thị-Đào ") == names.alike("NGUYEN THI DAO") == "nguyen thi dao"
    assert names.alike("Nguyễn Thị Đào") != names.alike("Nguyễn Thị Đảo Mai")


@given(st.text(max_size=60))
def test_a_name_without_a_problem_can_be_seen_whole(text: str) -> None:
    if names.problem_of(text, 50) is None:
        assert names.tidy(text).isprintable()
        assert 1 <= len(names.tidy(text)) <= 50
