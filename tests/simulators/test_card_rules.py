"""The card simulator's rules that need no process: forms, retries, faults."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from simulators.card.errors import ApiError
from simulators.card.faults import Fault
from simulators.card.forms import Params, parse
from simulators.card.store import Delivery
from simulators.card.webhooks import ATTEMPTS_MAX, RETRY_MS_MAX, RETRY_MS_MIN, retry_ms, tried

NEW = Delivery(1, "evt_1", "due", 0, 0, "")


@given(st.text(max_size=300))
def test_any_text_is_a_form_or_refused(text: str) -> None:
    try:
        form = parse(text)
    except ApiError as refused:
        form = refused.body()
    assert isinstance(form, dict)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a=1&a=2", {"a": "2"}),
        ("a[b]=%C4%91&a[c][d]=+", {"a": {"b": "đ", "c": {"d": " "}}}),
        ("a[]=x&a[]=y&b[0]=z", {"a": {"0": "x", "1": "y"}, "b": {"0": "z"}}),
        ("a=", {"a": ""}),
        ("", {}),
    ],
)
def test_names_nest_in_brackets(text: str, form: dict[str, object]) -> None:
    assert parse(text) == form


@pytest.mark.parametrize("text", ["[a]=1", "a[b=1", "a[b]c=1", "a=1&a[b]=1", "a[b]=1&a=1", "a[b][c][d][e]=1", "%ff=1"])
def test_names_that_do_not_nest_are_refused(text: str) -> None:
    with pytest.raises(ApiError):
        parse(text)


@given(st.text(max_size=30))
def test_an_integer_is_nothing_but_digits(text: str) -> None:
    try:
        value = Params({"amount": text}).integer("amount")
    except ApiError:
        assert not text.removeprefix("-").isdecimal() or not text.isascii() or len(text) > 18
    else:
        assert str(value) == (text.lstrip("-").lstrip("0") or "0" if value is not None and value >= 0 else str(value))


def test_a_list_keeps_its_order() -> None:
    assert Params(parse("&".join(f"a[]={n}" for n in range(12)))).texts("a") == [str(n) for n in range(12)]
    with pytest.raises(ApiError):
        Params(parse("a[x]=1")).texts("a")


def test_retries_wait_ever_longer_up_to_a_minute_and_end() -> None:
    waits = [retry_ms(attempts) for attempts in range(1, ATTEMPTS_MAX)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (RETRY_MS_MIN, RETRY_MS_MAX)
    delivery = NEW
    for attempt in range(1, ATTEMPTS_MAX + 1):
        assert delivery.state == "due"
        delivery = tried(delivery, accepted=False, result="500", at_ms=1000)
        assert delivery.attempts == attempt
    assert delivery.state == "failed"
    assert tried(NEW, accepted=True, result="200", at_ms=5).state == "delivered"


def test_a_fault_strikes_only_what_it_names() -> None:
    fault = Fault(kind="timeout_after", on="POST /v1/payment_intents/*/confirm")
    assert fault.strikes("POST /v1/payment_intents/pi_1/confirm", webhook=False)
    assert not fault.strikes("POST /v1/payment_intents", webhook=False)
    assert not Fault(kind="timeout_after").strikes("charge.refunded", webhook=True)
    assert Fault(kind="webhook_drop", on="charge.*").strikes("charge.refunded", webhook=True)


@pytest.mark.parametrize(
    "wrong", [{"kind": "fire"}, {"times": 0}, {"ms": 10**9}, {"copies": 100}, {"code": "Robert'); DROP"}, {"more": 1}]
)
def test_a_fault_is_within_its_limits(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "decline", **wrong})
