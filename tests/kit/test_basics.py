"""Money, ids, time, errors, crypto, settings: the small things that everything stands on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from grpc import StatusCode
from hypothesis import given
from hypothesis import strategies as st

from kit import clock, crypto, errors, ids, money
from kit.config import Settings

AMOUNTS = st.integers(1, money.AMOUNT_MAX)


@given(st.integers())
def test_an_amount_is_from_one_to_ten_to_the_twelve(amount: int) -> None:
    if 1 <= amount <= 10**12:
        assert money.check_amount(amount) == amount
    else:
        with pytest.raises(errors.AmountInvalid):
            money.check_amount(amount)


@given(AMOUNTS, st.lists(AMOUNTS, min_size=1, max_size=20))
def test_shares_of_growing_parts_never_pass_the_whole(amount: int, parts: list[int]) -> None:
    whole, taken, given_out = sum(parts), 0, 0
    for part in parts:
        given_out += money.share(amount, taken + part, whole) - money.share(amount, taken, whole)
        taken += part
    assert given_out == amount


def test_dong_are_written_as_vietnamese_people_write_them() -> None:
    assert [money.format_vnd(n) for n in (0, 999, 75_000, -1_234_567)] == ["0 đ", "999 đ", "75.000 đ", "-1.234.567 đ"]


def test_an_id_says_what_it_names_and_sorts_by_time() -> None:
    made = [ids.new_id("pay") for _ in range(100)]
    assert made == sorted(made)
    assert all(ids.is_id(one, "pay") and not ids.is_id(one, "ref") for one in made)
    for bad in ("", "pay_", "pay_1", made[0] + "\n", made[0].upper(), made[0] + "0", "PAY_" + made[0][4:]):
        assert not ids.is_id(bad, "pay")


def test_a_key_tells_when_it_was_made() -> None:
    before = clock.now_ms()
    made = ids.key_time_ms(ids.new_key())
    assert made is not None
    assert before - 1 <= made <= clock.now_ms() + 1
    for bad in ("", "x", ids.new_key() + "\n", ids.new_key().upper(), "550e8400-e29b-41d4-a716-446655440000"):
        assert ids.key_time_ms(bad) is None


@given(st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)))
def test_a_month_begins_at_midnight_in_vietnam(naive: datetime) -> None:
    at = naive.replace(tzinfo=UTC)
    there = at + timedelta(hours=7)
    assert clock.month_of(int(at.timestamp() * 1000)) == there.year * 100 + there.month


def test_times_are_kept_to_the_millisecond() -> None:
    assert clock.from_ms(1_795_343_164_225).isoformat() == "2026-11-22T10:26:04.225000+00:00"
    assert clock.now().tzinfo is UTC


def test_every_error_has_one_code_and_a_real_status() -> None:
    assert len(errors.BY_CODE) > 30
    for code, error in errors.BY_CODE.items():
        assert code == error.code == code.upper()
        assert StatusCode[error.status] is not StatusCode.OK
        assert error.__doc__


@given(st.text(max_size=40))
def test_what_is_encrypted_comes_back_and_only_for_its_field(text: str) -> None:
    data = crypto.encrypt("users.phone", text)
    assert crypto.decrypt("users.phone", data) == text
    with pytest.raises(InvalidTag):
        crypto.decrypt("users.name", data)
    assert len(text) < 4 or text.encode() not in data


def test_a_blind_index_finds_the_same_value_of_the_same_field_only() -> None:
    assert crypto.blind_index("a", "x") == crypto.blind_index("a", "x") != crypto.blind_index("b", "x")
    assert crypto.account_index("970436", "ab12") == crypto.account_index("970436", "AB12")
    assert crypto.account_index("970436", "12") != crypto.account_index("970415", "12")


@given(st.text(max_size=30), st.integers(1, 6))
def test_a_masked_value_shows_its_end_and_never_all_of_it(text: str, shown: int) -> None:
    masked = crypto.mask(text, shown)
    assert len(masked) == len(text)
    assert masked.count("*") >= min(len(text), max(1, len(text) - shown))


def test_a_default_secret_refuses_to_start_outside_local(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHO_ENV", "production")
    with pytest.raises(ValueError, match="CHO_EDGE_SECRET, CHO_FIELD_KEY, CHO_INDEX_KEY"):
        Settings()
    for name in ("EDGE_SECRET", "FIELD_KEY", "INDEX_KEY"):
        monkeypatch.setenv(f"CHO_{name}", "a secret of one's own")
    assert Settings().env == "production"


@pytest.mark.parametrize("empty", ["", " "])
def test_a_secret_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch, empty: str) -> None:
    monkeypatch.setenv("CHO_ENV", "production")
    for name in ("EDGE_SECRET", "FIELD_KEY", "INDEX_KEY"):
        monkeypatch.setenv(f"CHO_{name}", "own")
    # Nobody's header is as empty: whoever reaches a service's port would be whoever they say.
    monkeypatch.setenv("CHO_EDGE_SECRET", empty)
    with pytest.raises(ValueError, match="set CHO_EDGE_SECRET:"):
        Settings()
    monkeypatch.setenv("CHO_EDGE_SECRET", "own")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", empty)
    with pytest.raises(ValueError, match="STRIPE_WEBHOOK_SECRET"):
        Settings().own_secret("stripe_webhook_secret")
