"""The QR codec: what it writes, what it reads, what it refuses, and how it is drawn."""

import io
import json
import string
import unicodedata
from contextlib import suppress
from dataclasses import fields, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

from cli.qr import LINE_LENGTH_MAX
from cli.qr import app as qr_app
from kit import banks
from kit.qr import QrCode, QrError, decode, encode, fold_name, shorten_name
from kit.qr.emv import crc, write
from kit.qr.image import png, svg
from tests.scanner import scan

NAPAS_DYNAMIC = (
    "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA"
    "530370454061800005802VN62340107NPS68690819thanh toan don hang63042E2E"
)
EMVCO_ANNEX_B7 = (
    "00020101021229300012D156000000000510A93FO3230Q31280012D15600000001030812345678520441115802CN"
    "5914BEST TRANSPORT6007BEIJING64200002ZH0104最佳运输0202北京540523.7253031565502016233030412340603***"
    "0708A60086670902ME91320016A0112233449988770708123456786304A13A"
)
BANK = QrCode(static=False, bin="970436", account="0011012345678", amount=180_000, bill_number="DH17")
STALL = QrCode(
    static=True,
    merchant_id="mer_0190a1b2c3d47e8f9a0b1c2d3e4f5061",
    stall_label="A12",
    request_reference="pay_0190a1b2c3d47e8f9a0b1c2d3e4f5061",
    mcc="5499",
    merchant_name="Co Lan Rau Sach",
    merchant_city="THAI NGUYEN",
    name_vi="Cô Lan Rau Sạch",
    city_vi="Thái Nguyên",
)
BOTH = replace(STALL, bin="970422", account="0352350917", stall_label=None, request_reference=None)


def sealed(body):
    """A body with its right checksum, so that only what the test is about is wrong."""
    return body + "6304" + crc(body + "6304")


def vietqr(*extra, initiation="010211", account="0011012345678", bank="970403", service="QRIBFTTA"):
    beneficiary = write("00", bank) + write("01", account)
    template = write("38", "0010A000000727" + write("01", beneficiary) + write("02", service))
    return sealed(f"000201{initiation}{template}5303704{''.join(extra)}5802VN")


def refusal(payload):
    with pytest.raises(QrError) as caught:
        decode(payload)
    return caught.value.code


def warning_codes(payload):
    return [warning.split(":")[0] for warning in decode(payload).warnings]


def as_code(decoded):
    """What would be written to get this reading."""
    alike = {field.name for field in fields(QrCode)} - {"name_vi", "city_vi", "service"}
    code = QrCode(**{name: getattr(decoded, name) for name in alike})
    code = replace(code, name_vi=decoded.lang_name, city_vi=decoded.lang_city)
    return code if decoded.service is None else replace(code, service=decoded.service)


def who_and_how_much(decoded):
    return (decoded.bin, decoded.account, decoded.merchant_id, decoded.request_reference, decoded.amount)


# --- the official documents -------------------------------------------------------------------------------


def test_the_checksum_of_123456789_is_29B1():
    assert crc("123456789") == "29B1"


def test_the_checksum_keeps_its_leading_zeros():
    code = QrCode(static=True, bin="970407", account="19030413601018")
    assert encode(code).endswith("5802VN63040283")


def test_the_official_emvco_example_counts_characters_and_checks_bytes():
    decoded = decode(EMVCO_ANNEX_B7)
    assert (decoded.lang_name, decoded.lang_city) == ("最佳运输", "北京")
    assert decoded.fields["amount"] == "23.72"
    assert decoded.amount is None
    assert decoded.currency == "156"
    assert decoded.warnings == []


def test_erratum_6_1_1_as_printed_is_refused_and_not_read_as_account_001101234567():
    printed = "00020101021138570010A00000072701270006970403011200110123456780208QRIBFTTA53037045802VN6304F4E5"
    assert crc(printed[:-4]) == "F4E5"
    assert refusal(printed) == "QR_LENGTH_MISMATCH"


def test_erratum_6_1_1_corrected_ends_in_9E6F():
    corrected = encode(QrCode(static=True, bin="970403", account="0011012345678"))
    assert corrected == (
        "00020101021138570010A00000072701270006970403011300110123456780208QRIBFTTA53037045802VN63049E6F"
    )
    assert decode(corrected).account == "0011012345678"


def test_official_example_6_1_2_to_a_card_is_written_to_the_letter():
    code = QrCode(static=True, bin="970403", account="9704031101234567", service="QRIBFTTC")
    assert encode(code).endswith("0208QRIBFTTC53037045802VN63044F52")


def test_official_example_6_1_3_with_an_order_is_written_to_the_letter():
    code = QrCode(
        static=False,
        bin="970403",
        account="0011012345678",
        amount=180_000,
        bill_number="NPS6869",
        purpose="thanh toán đơn hàng",
    )
    assert encode(code) == NAPAS_DYNAMIC


def test_erratum_6_1_4_headline_without_amount_does_not_carry_checksum_A203():
    headline = "00020101021138600010A00000072701300006970403011697040311012345670208QRIBFTTC53037045802VN6304A203"
    assert refusal(headline) == "QR_CRC_MISMATCH"


# --- reading: structure -----------------------------------------------------------------------------------


def test_a_text_that_is_no_payment_code_is_named_as_such():
    assert refusal("https://example.com/pay") == "QR_NOT_EMVCO"
    assert refusal("") == "QR_EMPTY"


def test_a_payload_over_512_characters_is_refused_before_it_is_parsed():
    padding = "".join(write(str(tag), "x" * 99) for tag in range(65, 70))
    assert refusal(vietqr(padding)) == "QR_TOO_LONG"


def test_a_payload_of_512_characters_is_read():
    short = len(vietqr())
    padding = "".join(write(str(tag), "x" * 99) for tag in range(65, 69))
    padding += write("69", "x" * (512 - short - len(padding) - 4))
    payload = vietqr(padding)
    assert len(payload) == 512
    assert decode(payload).account == "0011012345678"


@pytest.mark.parametrize("twice", ["540550000540510000", "010212", "5303704"])
def test_a_tag_that_occurs_twice_is_refused(twice):
    assert refusal(vietqr(twice)) == "QR_DUPLICATE_TAG"


def test_a_tag_that_occurs_twice_inside_a_template_is_refused():
    assert refusal(vietqr(write("62", "0801a0801b"))) == "QR_DUPLICATE_TAG"


def test_digits_of_other_scripts_are_no_digits():
    assert refusal(vietqr(write("54", "٥٠٠٠"))) == "QR_AMOUNT_INVALID"
    assert refusal(vietqr("5٤0550000")) == "QR_TAG_INVALID"


def test_the_position_of_an_error_is_the_offset_of_its_tag():
    payload = vietqr("5400")
    with pytest.raises(QrError) as caught:
        decode(payload)
    assert caught.value.code == "QR_EMPTY_VALUE"
    assert caught.value.position == payload.index("5400")


def test_the_position_of_an_error_inside_a_template_counts_from_the_start_of_the_payload():
    payload = vietqr(write("62", "0101a0200"))
    with pytest.raises(QrError) as caught:
        decode(payload)
    assert caught.value.position == payload.index("0200")


def test_a_checksum_that_is_not_the_last_object_is_refused():
    assert refusal(NAPAS_DYNAMIC + "6501x") == "QR_CRC_MISSING"


def test_a_checksum_inside_another_object_is_no_checksum():
    body = vietqr()[:-8] + "6508" + "6304"
    assert refusal(body + crc(body)) == "QR_CRC_MISSING"


def test_a_lower_case_checksum_is_accepted_and_kept_as_found():
    payload = NAPAS_DYNAMIC[:-4] + NAPAS_DYNAMIC[-4:].lower()
    decoded = decode(payload)
    assert decoded.fields["crc"] == "2e2e"
    assert decoded.warnings == []


@pytest.mark.parametrize("character", ["\x00", "\n", "\x1b", "\x7f", "\u2028", "\ud800"])
def test_control_characters_and_lone_surrogates_are_refused(character):
    assert refusal(NAPAS_DYNAMIC[:-30] + character + NAPAS_DYNAMIC[-30:]) == "QR_CHARACTER_INVALID"


def test_a_name_that_turns_its_reading_direction_around_is_flagged():
    assert "QR_INVISIBLE_CHARACTER" in warning_codes(vietqr(write("59", "LAN\u202eUAR")))


def test_byte_lengths_are_read_with_a_warning_where_only_they_make_sense():
    purpose = "Thanh toán hóa đơn"
    inner = f"08{len(purpose.encode()):02d}{purpose}"
    payload = vietqr(f"62{len(inner.encode()):02d}{inner}")
    decoded = decode(payload)
    assert decoded.purpose == purpose
    assert decoded.account == "0011012345678"
    assert "QR_BYTE_LENGTHS" in warning_codes(payload)


def test_byte_lengths_do_not_excuse_another_fault():
    by_bytes = "5908Chợ A."
    assert warning_codes(vietqr(by_bytes, write("54", "5000")))[0] == "QR_BYTE_LENGTHS"
    assert refusal(vietqr(by_bytes, write("54", "0"))).startswith("QR_")


def test_lengths_that_hold_neither_as_characters_nor_as_bytes_are_refused():
    assert refusal(vietqr("5907Chợ A.")).startswith("QR_")


def test_a_payload_that_says_one_thing_in_characters_and_another_in_bytes_is_refused():
    # Tag 65 holds 9 characters and amount 10000 follows; or it holds 9 bytes, and 66 hides the amount.
    assert refusal(vietqr("6509ợợợ6611xx", "540510000")) == "QR_LENGTH_AMBIGUOUS"


# --- reading: payee ---------------------------------------------------------------------------------------


def test_a_bank_code_says_bank_account_and_service():
    decoded = decode(NAPAS_DYNAMIC)
    assert (decoded.bin, decoded.account, decoded.service) == ("970403", "0011012345678", "QRIBFTTA")
    assert (decoded.static, decoded.amount, decoded.bill_number) == (False, 180_000, "NPS6869")
    assert decoded.purpose == "thanh toan don hang"


def test_an_unknown_bank_is_flagged():
    assert warning_codes(vietqr(bank="123456")) == ["QR_BIN_UNKNOWN"]


def test_an_unknown_service_is_flagged():
    assert warning_codes(vietqr(service="QRWHAT")) == ["QR_SERVICE_UNKNOWN"]


def test_vietqr_without_static_or_dynamic_is_flagged():
    payload = vietqr(initiation="")
    assert warning_codes(payload) == ["QR_INITIATION_MISSING"]
    assert decode(payload).static is None


@pytest.mark.parametrize("account", ["1" * 20, "0011 2345", "00110.2345", "tài khoản"])
def test_an_account_that_no_bank_gives_out_is_refused(account):
    assert refusal(vietqr(account=account)) in ("QR_ACCOUNT_INVALID", "QR_TEMPLATE_INVALID")


@pytest.mark.parametrize("bank", ["97040", "9704030", "97O403"])
def test_a_bin_that_is_not_six_digits_is_refused(bank):
    assert refusal(vietqr(bank=bank)) == "QR_BIN_INVALID"


def test_a_service_nested_beside_the_account_is_refused():
    beneficiary = "0006970422" + "01130123456789020" + "0208QRIBFTTA"
    template = write("38", "0010A000000727" + write("01", beneficiary))
    assert refusal(sealed(f"000201010211{template}53037045802VN")) == "QR_TEMPLATE_INVALID"


def test_two_bank_accounts_in_one_code_are_refused():
    second = write("39", "0010A000000727" + write("01", "0006970422" + "010512345") + "0208QRIBFTTA")
    assert refusal(vietqr(second)) == "QR_AMBIGUOUS_PAYEE"


def test_vietqr_outside_tag_38_is_flagged():
    payload = sealed(vietqr()[:-8].replace("38570010A", "39570010A"))
    assert warning_codes(payload) == ["QR_TEMPLATE_UNUSUAL"]


def test_a_template_that_does_not_say_whose_it_is_is_refused():
    payload = sealed("000201010211" + write("26", "0104abcd") + "53037045802VN")
    assert refusal(payload) == "QR_TEMPLATE_INVALID"


def test_a_vietnamese_code_of_a_scheme_we_do_not_know_is_flagged():
    payload = sealed("000201010211" + write("26", "0007com.abc") + "53037045802VN")
    assert warning_codes(payload) == ["QR_SCHEME_UNKNOWN"]


def test_vnpay_is_a_scheme_we_know():
    payload = "00020101021126280010A0000007750110010531314453037045408210900005802VN5910CELLPHONES"
    decoded = decode(sealed(payload))
    assert decoded.warnings == []
    assert decoded.fields["merchant_account_info"] == {"26": {"00": "A000000775", "01": "0105313144"}}
    assert decoded.bin is None


@pytest.mark.parametrize("tag", ["26", "45", "51"])
def test_our_own_template_is_read_under_any_tag(tag):
    payload = sealed(encode(STALL)[:-8].replace("4599", f"{tag}99", 1))
    decoded = decode(payload)
    assert decoded.merchant_id == STALL.merchant_id
    assert decoded.stall_label == STALL.stall_label
    assert decoded.request_reference == STALL.request_reference
    assert set(decoded.fields["merchant_account_info"]) == {tag}
    assert decoded.warnings == []


def test_our_own_template_without_a_merchant_is_refused():
    body = "000201010211" + write("45", write("00", "vn.cho40")) + "53037045802VN"
    assert refusal(sealed(body)) == "QR_TEMPLATE_INVALID"


def test_a_bank_code_in_another_currency_is_refused():
    payload = vietqr(write("54", "10"))
    assert refusal(sealed(payload[:-8].replace("5303704", "5303840"))) == "QR_CURRENCY_INVALID"


@pytest.mark.parametrize("missing", ["5303704", "5802VN"])
def test_a_code_without_currency_or_country_is_refused(missing):
    assert refusal(sealed(vietqr()[:-8].replace(missing, ""))) == "QR_MISSING_TAG"


def test_a_code_with_nobody_to_pay_is_refused():
    assert refusal(sealed("00020101021153037045802VN")) == "QR_MISSING_TAG"


# --- reading: money ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "amount"), [("1", 1), ("50000", 50_000), ("9999999999999", 9_999_999_999_999)])
def test_an_amount_in_plain_digits_is_read_without_remark(text, amount):
    decoded = decode(vietqr(write("54", text)))
    assert decoded.amount == amount
    assert decoded.warnings == []


@pytest.mark.parametrize("text", ["50000.", "50000.0", "50000.00", "0050000"])
def test_an_amount_that_is_valid_but_not_plain_is_read_with_a_warning(text):
    payload = vietqr(write("54", text))
    assert decode(payload).amount == 50_000
    assert decode(payload).fields["amount"] == text
    assert warning_codes(payload) == ["QR_AMOUNT_FORMAT"]


@pytest.mark.parametrize(
    "text",
    [
        *("0", "0.00", "000", ".", "-5", "+5", "50 000", "50,000", "1e5", "0x10", "nan", " 5", "5đ", "1.2.3"),
        *("50000.5", "0.5", ".5", "12345678901234"),
    ],
)
def test_an_amount_that_is_none_is_refused(text):
    assert refusal(vietqr(write("54", text))) == "QR_AMOUNT_INVALID"


def test_fifty_thousand_with_a_thousands_separator_is_refused_and_not_read_as_fifty():
    assert refusal(vietqr(write("54", "50.000"))) == "QR_AMOUNT_INVALID"


def test_a_code_without_an_amount_leaves_it_to_the_payer():
    assert decode(vietqr()).amount is None
    assert decode(vietqr(initiation="010212")).amount is None


def test_a_static_code_may_fix_an_amount():
    decoded = decode(vietqr(write("54", "20000")))
    assert (decoded.static, decoded.amount, decoded.warnings) == (True, 20_000, [])


def test_a_fixed_fee_is_read_in_dong():
    decoded = decode(vietqr("540550000", "550202", write("56", "2000")))
    assert (decoded.tip_indicator, decoded.fee_fixed, decoded.fee_percent) == ("02", 2_000, None)


@pytest.mark.parametrize("percent", ["00.01", "1.5", "99.99", "5"])
def test_a_percentage_fee_is_kept_as_text(percent):
    assert decode(vietqr("550203", write("57", percent))).fee_percent == percent


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ("550204", "QR_FEE_INVALID"),
        ("550201" + "56042000", "QR_FEE_INVALID"),
        ("550202", "QR_FEE_INVALID"),
        ("550203", "QR_FEE_INVALID"),
        ("550203" + "56042000", "QR_FEE_INVALID"),
        ("56042000", "QR_FEE_INVALID"),
        ("57011", "QR_FEE_INVALID"),
        ("550203" + "570500.00", "QR_FEE_INVALID"),
        ("550203" + "5703100", "QR_FEE_INVALID"),
        ("550203" + "57021%", "QR_FEE_INVALID"),
        ("550202" + "56010", "QR_AMOUNT_INVALID"),
        ("550202" + "56031.5", "QR_AMOUNT_INVALID"),
    ],
)
def test_a_fee_that_contradicts_its_indicator_is_refused(tags, code):
    assert refusal(vietqr(tags)) == code


# --- reading: text ----------------------------------------------------------------------------------------


def test_a_name_of_31_characters_is_read_with_a_warning_and_not_written():
    payload = vietqr(write("59", "CONG TY DIEN LUC THAI NGUYEN XX"))
    assert decode(payload).merchant_name == "CONG TY DIEN LUC THAI NGUYEN XX"
    assert warning_codes(payload) == ["QR_FIELD_TOO_LONG"]
    with pytest.raises(QrError, match="limit is 25"):
        encode(replace(BANK, merchant_name="CONG TY DIEN LUC THAI NGUYEN XX"))


def test_diacritics_in_the_plain_name_are_flagged():
    assert warning_codes(vietqr(write("59", "Chợ Thái"))) == ["QR_CHARACTER_SET"]


def test_an_alternate_name_in_decomposed_unicode_is_flagged():
    decomposed = unicodedata.normalize("NFD", "Chợ")
    assert warning_codes(vietqr(write("64", "0002VI" + write("01", decomposed)))) == ["QR_CHARACTER_SET"]


def test_an_alternate_name_without_its_language_is_flagged():
    assert warning_codes(vietqr(write("64", write("01", "Chợ Thái")))) == ["QR_FIELD_MISSING"]


def test_a_foreign_code_without_what_emvco_wants_is_flagged():
    payload = sealed("000201" + write("26", "0007com.abc") + "53038405802US")
    assert warning_codes(payload) == ["QR_FIELD_MISSING"] * 3


def test_additional_data_without_a_name_keeps_its_number():
    decoded = decode(vietqr(write("62", write("10", "0312345678") + write("50", "anything"))))
    assert (decoded.fields["62-10"], decoded.fields["62-50"]) == ("0312345678", "anything")


def test_reserved_and_unreserved_tags_are_ignored():
    assert decode(vietqr("6503abc", "8007anybody")).warnings == []


@pytest.mark.parametrize("asked", ["X", "AA", "AMEA"])
def test_a_request_for_consumer_data_that_makes_no_sense_is_flagged(asked):
    assert "QR_FIELD_UNUSUAL" in warning_codes(vietqr(write("62", write("09", asked))))


# --- writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [BANK, STALL, BOTH])
def test_a_written_code_reads_back_as_itself_without_a_warning(code):
    decoded = decode(encode(code))
    assert as_code(decoded) == code
    assert decoded.warnings == []


def test_a_code_can_name_both_a_bank_account_and_our_merchant():
    decoded = decode(encode(BOTH))
    assert (decoded.bin, decoded.account) == ("970422", "0352350917")
    assert decoded.merchant_id == BOTH.merchant_id
    assert set(decoded.fields["merchant_account_info"]) == {"45"}


def test_names_city_and_purpose_lose_their_diacritics_and_template_64_keeps_them():
    code = replace(STALL, merchant_name="Đặng Thị Lụa", merchant_city="Thái Nguyên", purpose="tiền rau ở chợ")
    decoded = decode(encode(code))
    assert (decoded.merchant_name, decoded.merchant_city) == ("Dang Thi Lua", "Thai Nguyen")
    assert decoded.purpose == "tien rau o cho"
    assert decoded.fields["lang"] == "VI"
    assert decoded.lang_name == "Cô Lan Rau Sạch"


def test_the_alternate_name_is_written_precomposed():
    decoded = decode(encode(replace(STALL, name_vi=unicodedata.normalize("NFD", "Chợ Thái"))))
    assert decoded.lang_name == "Chợ Thái"
    assert unicodedata.is_normalized("NFC", decoded.lang_name)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"amount": 0}, "QR_AMOUNT_INVALID"),
        ({"amount": -1}, "QR_AMOUNT_INVALID"),
        ({"amount": 10**12 + 1}, "QR_AMOUNT_INVALID"),
        ({"amount": True}, "QR_AMOUNT_INVALID"),
        ({"amount": 1.5}, "QR_AMOUNT_INVALID"),
        ({"bin": None}, "QR_ACCOUNT_INVALID"),
        ({"account": None}, "QR_ACCOUNT_INVALID"),
        ({"account": "1" * 20}, "QR_ACCOUNT_INVALID"),
        ({"bin": None, "account": None}, "QR_MISSING_TAG"),
        ({"bin": "12345"}, "QR_BIN_INVALID"),
        ({"bin": "123456"}, "QR_BIN_UNKNOWN"),
        ({"service": "QRWHAT"}, "QR_SERVICE_UNKNOWN"),
        ({"stall_label": "A12"}, "QR_MERCHANT_INVALID"),
        ({"merchant_id": "mer_1"}, "QR_MISSING_TAG"),
        ({"mcc": "54"}, "QR_FIELD_INVALID"),
        ({"mcc": "٥٤٩٩"}, "QR_FIELD_INVALID"),
        ({"merchant_name": ""}, "QR_CHARACTER_SET"),
        ({"merchant_name": "Rau 🥬"}, "QR_CHARACTER_SET"),
        ({"merchant_city": "THANH PHO HO CHI MINH"}, "QR_TOO_LONG"),
        ({"bill_number": "Đơn 17"}, "QR_CHARACTER_SET"),
        ({"purpose": "x" * 26}, "QR_TOO_LONG"),
        ({"name_vi": "x" * 26}, "QR_TOO_LONG"),
        ({"name_vi": "Chợ\u202e"}, "QR_CHARACTER_SET"),
        ({"name_vi": ""}, "QR_EMPTY_VALUE"),
        ({"city_vi": "Huế"}, "QR_MISSING_TAG"),
    ],
)
def test_what_a_standard_does_not_allow_is_not_written(change, code):
    with pytest.raises(QrError) as caught:
        encode(replace(BANK, **change))
    assert caught.value.code == code


@pytest.mark.parametrize("value", ["", "m" * 37, "chợ"])
def test_a_merchant_id_out_of_form_is_not_written(value):
    with pytest.raises(QrError) as caught:
        encode(replace(STALL, merchant_id=value))
    assert caught.value.code == "QR_MERCHANT_INVALID"


def test_additional_data_that_does_not_fit_together_is_refused_and_not_cut():
    label = "x" * 25
    with pytest.raises(QrError) as caught:
        encode(replace(BANK, bill_number=label, store_label=label, terminal_label=label, purpose=label))
    assert caught.value.code == "QR_TOO_LONG"


def test_our_template_that_does_not_fit_is_refused_and_not_cut():
    with pytest.raises(QrError) as caught:
        encode(replace(STALL, stall_label="x" * 36))
    assert caught.value.code == "QR_TOO_LONG"


def test_a_long_name_is_shortened_on_a_word_boundary():
    assert fold_name("Hợp tác xã Nông nghiệp Đồng Hỷ", 25) == "Hop tac xa Nong nghiep"
    assert shorten_name("Hợp tác xã Nông nghiệp Đồng Hỷ", 25) == "Hợp tác xã Nông nghiệp"
    assert fold_name("Cô  Lan 🥬 Rau Sạch") == "Co Lan Rau Sach"
    assert fold_name("x" * 30, 25) == "x" * 25


def test_a_name_of_which_nothing_is_ascii_is_refused():
    with pytest.raises(QrError) as caught:
        fold_name("北京")
    assert caught.value.code == "QR_NAME_EMPTY"


# --- properties -------------------------------------------------------------------------------------------

ANS = st.text(string.ascii_letters + string.digits + string.punctuation + " ", min_size=1, max_size=25)
VIETNAMESE = st.text("aăâbcdđeêghiklmnoôơpqrstuưvxyàảạấệịộợửỹẩằĐÔÁ 0123", min_size=1, max_size=12)
BINS = st.sampled_from(["970436", "970403", "970422", "971005", "971025"])
MAYBE_LABEL = st.none() | ANS.map(lambda text: text[:12])


@st.composite
def codes(draw):
    kind = draw(st.sampled_from(["bank", "own", "both"]))
    code = QrCode(
        static=draw(st.booleans()),
        amount=draw(st.none() | st.integers(1, 10**12)),
        bill_number=draw(MAYBE_LABEL),
        store_label=draw(MAYBE_LABEL),
        reference_label=draw(MAYBE_LABEL),
        terminal_label=draw(MAYBE_LABEL),
        purpose=draw(MAYBE_LABEL),
        name_vi=draw(st.none() | VIETNAMESE),
    )
    if kind != "own":
        account = draw(st.text(string.ascii_letters + string.digits, min_size=1, max_size=19))
        code = replace(code, bin=draw(BINS), account=account)
    if kind != "bank":
        code = replace(
            code,
            merchant_id=draw(st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=36)),
            stall_label=draw(MAYBE_LABEL),
            request_reference=draw(MAYBE_LABEL),
            mcc=draw(st.from_regex(r"\A[0-9]{4}\Z")),
            merchant_name=draw(ANS),
            merchant_city=draw(ANS)[:15],
        )
    return code


@given(codes())
@settings(max_examples=60, deadline=None)
def test_every_code_reads_back_as_what_was_written(code):
    decoded = decode(encode(code))
    assert as_code(decoded) == code
    assert decoded.warnings == []


@given(VIETNAMESE | st.text(max_size=80), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_a_folded_name_is_always_writable(name, limit):
    try:
        folded = fold_name(name, limit)
    except QrError:
        folded = "refused"[:limit]
    assert 1 <= len(folded) <= limit
    assert folded.isascii()
    assert folded.isprintable()


@pytest.mark.parametrize("payload", [NAPAS_DYNAMIC, EMVCO_ANNEX_B7, encode(STALL), encode(BOTH)])
def test_a_code_cut_off_anywhere_is_refused(payload):
    for length in range(len(payload)):
        assert refusal(payload[:length]).startswith("QR_")


@pytest.mark.parametrize("payload", [NAPAS_DYNAMIC, encode(STALL)])
def test_no_single_character_changed_lost_or_added_pays_another_or_another_amount(payload):
    meant = who_and_how_much(decode(payload))
    letters = string.digits + "ABCDEFabcdefNXZnxz .-_*ợ"
    for at in range(len(payload) + 1):
        head, tail = payload[:at], payload[at:]
        altered = {head + tail[1:], *(head + letter + tail for letter in letters)}
        altered |= {head + letter + tail[1:] for letter in letters}
        for wrong in altered - {payload}:
            try:
                read = decode(wrong)
            except QrError:
                continue
            assert who_and_how_much(read) == meant, wrong


@given(st.sampled_from([NAPAS_DYNAMIC, encode(BOTH)]), st.data())
@settings(max_examples=200, deadline=None)
def test_a_character_of_any_script_never_changes_who_is_paid(payload, data):
    at = data.draw(st.integers(0, len(payload) - 1))
    wrong = payload[:at] + data.draw(st.characters()) + payload[at + 1 :]
    try:
        read = decode(wrong)
    except QrError:
        return
    assert who_and_how_much(read) == who_and_how_much(decode(payload))


@given(st.text(max_size=600))
@example("000201")
@example("6304")
@example("0002016304")
@example("000201" + "6304" * 3)
@settings(max_examples=200, deadline=None)
def test_arbitrary_text_raises_nothing_but_a_qr_error(text):
    for payload in (text, "000201" + text, sealed("000201" + "".join(c for c in text if c.isprintable()))):
        with pytest.raises(QrError):
            decode(payload)


TAGS = st.sampled_from(["01", "02", "26", "38", "45", "52", "53", "54", "55", "56", "57", "58", "59", "62", "64"])
VALUES = st.text("0123456789.AZ最ợ", min_size=1, max_size=20)


@given(st.lists(st.tuples(TAGS, VALUES, VALUES), max_size=8))
@settings(max_examples=200, deadline=None)
def test_well_formed_objects_with_arbitrary_values_raise_nothing_but_a_qr_error(objects):
    body = "".join(write(tag, write("00", first) + write("01", second)) for tag, first, second in objects)
    flat = "".join(write(tag, first) for tag, first, _ in objects)
    for payload in (vietqr(body), vietqr(flat), sealed("000201" + flat)):
        with suppress(QrError):
            decode(payload)


# --- drawing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [BANK, STALL, BOTH])
def test_a_drawn_code_is_read_back_by_an_independent_reader(code):
    payload = encode(code)
    with Image.open(io.BytesIO(png(payload, scale=4))) as image:
        seen = scan(image)
    assert (seen.text, seen.bytes) == (payload, payload.encode())
    assert as_code(decode(seen.text)) == code


MASKS = [
    lambda row, column: (row + column) % 2,
    lambda row, column: row % 2,
    lambda row, column: column % 3,
    lambda row, column: (row + column) % 3,
    lambda row, column: (row // 2 + column // 3) % 2,
    lambda row, column: row * column % 2 + row * column % 3,
    lambda row, column: (row * column % 2 + row * column % 3) % 2,
    lambda row, column: ((row + column) % 2 + row * column % 3) % 2,
]


def first_codeword(payload):
    """The first eight bits of the symbol: four rows of two modules from its lower right corner, unmasked."""
    with Image.open(io.BytesIO(png(payload))) as image:
        mask = MASKS[int(scan(image).extra["DataMask"])]
    with Image.open(io.BytesIO(png(payload, scale=1))) as image:
        grey = image.convert("L")
        last = grey.width - 2 * 4 - 1
        corner = [(row, column) for row in range(last, last - 4, -1) for column in (last, last - 1)]
        dark = [grey.getpixel((column + 4, row + 4)) == 0 for row, column in corner]
    return "".join(str(int(d ^ (mask(*at) == 0))) for d, at in zip(dark, corner, strict=True))


def test_a_symbol_of_ascii_starts_in_byte_mode():
    assert first_codeword(encode(BANK))[:4] == "0100"


def test_a_symbol_of_more_than_ascii_starts_by_declaring_utf_8():
    assert first_codeword(encode(STALL)) == "0111" + f"{26:08b}"[:4]


def test_a_symbol_keeps_a_quiet_zone_of_four_modules():
    with Image.open(io.BytesIO(png(encode(BANK), scale=5))) as image:
        grey = image.convert("L")
        dark = grey.point(lambda shade: 255 - shade).getbbox()
        assert dark[:2] == (20, 20)
        assert (grey.width - dark[2], grey.height - dark[3]) == (20, 20)


def test_an_svg_scales_and_names_no_size():
    drawn = svg(encode(STALL)).decode()
    assert "<svg" in drawn
    assert "viewBox" in drawn
    assert "width=" not in drawn.split(">", 2)[1]


def test_nothing_is_drawn_that_cannot_be_paid():
    for draw in (svg, png):
        with pytest.raises(QrError):
            draw("not a code")
    with pytest.raises(ValueError, match="scale"):
        png(encode(BANK), scale=0)


# --- banks ------------------------------------------------------------------------------------------------


def test_a_bank_is_found_by_its_bin_and_an_unknown_bin_is_none():
    vietcombank = banks.lookup("970436")
    assert vietcombank is not None
    assert vietcombank.short_name == "Vietcombank"
    assert vietcombank.sbv_name is not None
    assert banks.lookup("971025").sbv_name is None
    assert banks.lookup("000000") is None


# --- cho qr decode ----------------------------------------------------------------------------------------


def decode_lines(data, *files):
    result = CliRunner().invoke(qr_app, ["decode", *map(str, files)], input=data)
    return result.exit_code, [json.loads(line) for line in result.stdout_bytes.decode().splitlines()]


def test_the_tool_answers_every_line_with_one_object_of_the_same_keys():
    lines = [NAPAS_DYNAMIC.encode(), b"", b"\xff\xfe", b"rubbish", encode(STALL).encode() + b"\r"]
    status, answers = decode_lines(b"\n".join(lines))
    assert status == 1
    assert [answer["ok"] for answer in answers] == [True, False, False, False, True]
    assert {tuple(answer) for answer in answers} == {("ok", "fields", "warnings", "error")}
    assert [answer["error"] and answer["error"]["code"] for answer in answers] == [
        None,
        "QR_EMPTY",
        "QR_NOT_UTF8",
        "QR_NOT_EMVCO",
        None,
    ]
    assert set(answers[3]["error"]) == {"code", "message"}


def test_the_tool_succeeds_if_every_line_is_ok_and_keeps_vietnamese_readable():
    result = CliRunner().invoke(qr_app, ["decode"], input=encode(STALL).encode() + b"\n")
    assert result.exit_code == 0
    assert "Cô Lan Rau Sạch" in result.stdout_bytes.decode()


def test_the_tool_has_nothing_to_say_about_nothing():
    assert decode_lines(b"") == (0, [])


@pytest.mark.parametrize("excess", [1, 2, LINE_LENGTH_MAX, 3 * LINE_LENGTH_MAX + 7])
def test_the_tool_answers_an_overlong_line_once_and_goes_on(excess):
    overlong = b"0" * (LINE_LENGTH_MAX + excess)
    status, answers = decode_lines(overlong + b"\n" + NAPAS_DYNAMIC.encode() + b"\n" + overlong)
    assert status == 1
    assert [answer["ok"] for answer in answers] == [False, True, False]
    assert answers[0]["error"]["code"] == "QR_TOO_LONG"


def test_the_tool_reads_files(tmp_path):
    good, bad = tmp_path / "good.txt", tmp_path / "bad.txt"
    good.write_text(NAPAS_DYNAMIC + "\n", encoding="utf-8")
    bad.write_text("rubbish\n", encoding="utf-8")
    status, answers = decode_lines(b"", good, bad)
    assert status == 1
    assert [answer["ok"] for answer in answers] == [True, False]
