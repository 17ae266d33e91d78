"""References, lives and codes of what is asked for and shown: pure rules."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import qr
from kit.errors import CodeInvalid, InvalidArgument, MerchantNotPayable
from kit.ids import new_key
from services.payments import codes, requests


def test_a_made_reference_is_the_same_for_the_same_request_and_rarely_anothers() -> None:
    made = {requests.made_reference(new_key()) for _ in range(2_000)}
    assert len(made) == 2_000
    assert all(requests.check_reference(reference) == reference and len(reference) == 9 for reference in made)
    assert requests.made_reference("a") == requests.made_reference("a") == "RSABR24PA"


@given(st.integers(0, 9_999_999_999))
def test_the_expiry_reads_back_from_the_code(seconds: int) -> None:
    assert requests.expiry_of(requests.expiry_label(seconds * 1000 + 999)) == seconds * 1000


@pytest.mark.parametrize("label", ["", "E123", "E12345678901", "X1234567890", "E123456789O"])
def test_another_label_is_no_expiry(label: str) -> None:
    assert requests.expiry_of(label) == 0


def test_a_merchant_whose_particulars_fit_no_code_is_told_so() -> None:
    named = {"name": "Bà Lan", "market": "Chợ Thái", "stall": "A-1", "category": "5499"}
    request = {"merchant_id": "mer_1", "amount": 1, "reference": "B", "expires_ms": 1_000_000_000_000}
    assert qr.decode(requests.payload(**named, **request)).reference_label == "E1000000000"  # type: ignore[arg-type]
    with pytest.raises(MerchantNotPayable):
        requests.payload(**{**named, "category": ""}, **request)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument):
        requests.payload(**named, **request, purpose="x" * 26)  # type: ignore[arg-type]


def test_a_requests_code_says_everything_that_was_asked() -> None:
    named = {"name": "Bà Lan", "market": "Chợ Thái Nguyên", "stall": "A-1", "category": "5499"}
    read = qr.decode(
        requests.payload(
            **named, merchant_id="mer_1", amount=25_000, reference="HD-1", expires_ms=1_795_885_200_999, purpose="Rau"
        )
    )
    assert (read.merchant_id, read.stall_label, read.amount, read.bill_number, read.purpose, read.mcc) == (
        "mer_1", "A-1", 25_000, "HD-1", "Rau", "5499",
    )  # fmt: skip
    assert (read.merchant_name, read.lang_name, read.merchant_city, read.static) == (
        "Ba Lan", "Bà Lan", "Cho Thai Nguyen", False,
    )  # fmt: skip
    assert requests.expiry_of(read.reference_label or "") == 1_795_885_200_000
    bare = requests.payload(**{**named, "stall": ""}, merchant_id="mer_1", amount=1, reference="H", expires_ms=10**12)
    assert (qr.decode(bare).stall_label, qr.decode(bare).purpose) == (None, None)


@pytest.mark.parametrize("purpose", ["x" * 26, "🍅", " "])
def test_a_purpose_that_cannot_be_written_is_refused(purpose: str) -> None:
    with pytest.raises(InvalidArgument):
        requests.payload(
            name="A", market="B", stall="", category="5499", merchant_id="mer_1", amount=1, reference="H",
            expires_ms=10**12, purpose=purpose,
        )  # fmt: skip
    assert requests.PURPOSE_MAX == 25


@pytest.mark.parametrize(
    ("check", "usual", "least", "most"),
    [(requests.check_life, 900, 30, 90 * 86_400), (codes.check_life, 120, 30, 600)],
)
def test_lives_are_within_their_limits(check: Any, usual: int, least: int, most: int) -> None:
    assert [check(life) for life in (0, least, most)] == [usual * 1000, least * 1000, most * 1000]
    for wrong in (least - 1, most + 1, -1):
        with pytest.raises(InvalidArgument):
            check(wrong)


@pytest.mark.parametrize("reference", ["", "a/b", "a" * 26, "đ", "a b"])
def test_a_reference_that_fits_no_address_is_refused(reference: str) -> None:
    with pytest.raises(InvalidArgument):
        requests.check_reference(reference)


@given(st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_makes_a_code_invalid(place: int, more: int) -> None:
    code = codes.new_code()
    wrong = code[:place] + str((int(code[place]) + more) % 10) + code[place + 1 :]
    with pytest.raises(CodeInvalid):
        codes.digest_of(wrong)


def test_the_check_digit_is_luhns() -> None:
    assert codes.check_digit("7992739871") == "3"


def test_codes_are_eighteen_digits_and_never_twice() -> None:
    made = {codes.new_code() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {len(code) for code in made} == {18}


def test_a_code_is_known_however_it_is_spaced_and_not_by_itself() -> None:
    code = codes.new_code()
    digest = codes.digest_of(code)
    assert codes.digest_of(f" {code[:6]} {code[6:12]}-{code[12:]}") == digest
    assert code not in digest
    for wrong in ("", code[:-1], code + "0", "x" * 18, "٣" * 18):
        with pytest.raises(CodeInvalid):
            codes.digest_of(wrong)
