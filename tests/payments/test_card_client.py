"""The client of a card provider: what an answer, or the lack of one, proves; webhooks; all of it on the simulator."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from kit import ports
from kit.config import Settings
from kit.errors import AmountInvalid, InvalidArgument
from kit.ids import new_key
from services.payments.card import calls, objects, webhook
from services.payments.card.client import AsyncCards, Cards, Patience
from services.payments.card.failures import (
    CardFailure,
    Declined,
    Invalid,
    KeyInUse,
    KeyMisused,
    NotExecuted,
    NotThere,
    Unknown,
)
from services.payments.card.objects import DisputeStatus, Intent, IntentStatus, NotUnderstood, RefundStatus
from services.payments.card.replies import ATTEMPTS_MAX, Reply, attempts, broken, result
from simulators.card.forms import parse
from tests.simulators.card_process import SECRET_KEY, WEBHOOK_SECRET, CardSimulator, Receiver
from tests.waiting import until

HASTY = Patience(connect_s=1, read_s=0.4, attempt_s=2)
MARK = {"top_up": "top_1"}
RETURN_URL = "https://cho.example/back"
INTENTS = "POST /v1/payment_intents"

# ---------------------------------------------------------------- pure: what is asked

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="[]"), min_size=1, max_size=40)
VALUES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=50)


@given(st.dictionaries(NAMES, VALUES, max_size=20), st.integers(1, calls.AMOUNT_MAX))
def test_a_form_is_read_as_it_was_meant(metadata: dict[str, str], amount: int) -> None:
    call = calls.create_intent(amount, new_key(), metadata, payment_method="pm_1", return_url=RETURN_URL)
    assert parse(call.body.decode("ascii")) == {
        "amount": str(amount),
        "currency": "vnd",
        "confirm": "true",
        "payment_method": "pm_1",
        "payment_method_types": {"0": "card"},
        "return_url": RETURN_URL,
        **({"metadata": metadata} if metadata else {}),
    }


@given(st.integers())
def test_an_amount_is_what_a_card_takes(amount: int) -> None:
    if 1 <= amount <= 99_999_999:
        assert dict(calls.create_refund("pi_1", amount, "k", {}).params)["amount"] == str(amount)
    else:
        for ask in (lambda: calls.create_intent(amount, "k", {}), lambda: calls.create_refund("pi_1", amount, "k", {})):
            with pytest.raises(AmountInvalid):
                ask()


@pytest.mark.parametrize(
    "bad", ["", "pi", "pi_", "pi_1/cancel", "pi_1?x=1", "pi_1\n", "../pi_1", "pi_é", "pi_" + 201 * "1"]
)
def test_what_is_no_id_never_becomes_a_path(bad: str) -> None:
    for ask in (calls.retrieve_intent, calls.retrieve_refund, calls.retrieve_dispute, calls.list_refunds):
        with pytest.raises(InvalidArgument):
            ask(bad)


@pytest.mark.parametrize("bad", ["", "k" * 256, "khóa", "a\r\nX-Evil: 1", "\x7f"])
def test_every_change_has_a_key_that_can_be_sent(bad: str) -> None:
    for ask in (
        lambda: calls.create_intent(50_000, bad, {}),
        lambda: calls.confirm_intent("pi_1", bad),
        lambda: calls.cancel_intent("pi_1", bad),
        lambda: calls.create_refund("pi_1", 1, bad, {}),
    ):
        with pytest.raises(InvalidArgument):
            ask()


@pytest.mark.parametrize("bad", [{"": "x"}, {"a" * 41: "x"}, {"a[b]": "x"}, {"a": ""}, {"a": "x" * 501}])
def test_metadata_is_within_the_providers_limits(bad: dict[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        calls.create_intent(50_000, "k", bad)
    with pytest.raises(InvalidArgument):
        calls.create_intent(50_000, "k", {f"n{n}": "x" for n in range(51)})


# ---------------------------------------------------------------- pure: what an answer proves

ASKED = calls.create_intent(50_000, "key", MARK)
GOOD = {
    "id": "pi_1",
    "object": "payment_intent",
    "status": "succeeded",
    "amount": 50_000,
    "amount_received": 50_000,
    "currency": "vnd",
    "created": 1,
    "metadata": MARK,
    "latest_charge": "ch_1",
    "next_action": None,
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
)


def reply(status: int, body: object, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def refusal(status: int, type_: str, code: str = "", **more: object) -> Reply:
    return reply(status, {"error": {"type": type_, "code": code, "message": "no", **more}}, request_id="req_1")


def what_is_raised(came: Reply) -> CardFailure:
    with pytest.raises(CardFailure) as raised:
        result(ASKED, came)
    return raised.value


@pytest.mark.parametrize(
    ("came", "kind"),
    [
        (refusal(400, "invalid_request_error", "amount_too_small"), Invalid),
        (refusal(400, "idempotency_error"), KeyMisused),
        (refusal(404, "invalid_request_error", "resource_missing"), NotThere),
        (refusal(400, "invalid_request_error", "resource_missing"), NotThere),
        (refusal(401, "invalid_request_error"), NotExecuted),
        (refusal(403, "invalid_request_error"), NotExecuted),
        (refusal(429, "invalid_request_error", "rate_limit"), NotExecuted),
        (refusal(402, "card_error", "card_declined"), Declined),
        (refusal(409, "idempotency_error", "idempotency_key_in_use"), KeyInUse),
        (refusal(500, "api_error"), Unknown),
        (refusal(503, "api_error"), Unknown),
        (refusal(424, "api_error"), Unknown),
        # Not the provider's word: something in between may have made it of a payment that was made.
        (reply(400, {"message": "Bad Request"}), Unknown),
        (Reply(429, {}, b"<html>slow down</html>"), Unknown),
        (Reply(404, {}, b""), Unknown),
        (reply(402, {"error": "card_error"}), Unknown),
        (reply(301, {}, location="https://elsewhere.example"), Unknown),
        (reply(201, GOOD), Unknown),
        (reply(200, GOOD | {"currency": "usd"}), Unknown),
        (reply(200, GOOD | {"status": "perhaps"}), Unknown),
        (reply(200, GOOD | {"amount": "50000"}), Unknown),
        (reply(200, GOOD | {"amount": True}), Unknown),
        (reply(200, GOOD | {"object": "charge"}), Unknown),
        (Reply(200, {}, b'{"id": "pi_1"'), Unknown),
        (Reply(200, {}, b"[" * 100_000), Unknown),
        (Reply(200, {}, b"\xff"), Unknown),
    ],
)
def test_an_answer_proves_one_thing(came: Reply, kind: type[CardFailure]) -> None:
    assert type(what_is_raised(came)) is kind


def test_a_decline_tells_why_and_which_intent() -> None:
    declined = what_is_raised(
        refusal(402, "card_error", "card_declined", decline_code="lost_card", payment_intent=GOOD)
    )
    assert isinstance(declined, Declined)
    assert (declined.code, declined.decline_code, declined.intent_id) == ("card_declined", "lost_card", "pi_1")
    assert (declined.status, declined.type, declined.request_id) == (402, "card_error", "req_1")


@given(st.integers(100, 599), JSON, st.booleans())
def test_no_answer_breaks_the_client_and_none_above_499_is_definite(status: int, body: Any, as_error: bool) -> None:
    failed = what_is_raised(reply(status, {"error": body} if as_error else body))
    assert isinstance(failed, Unknown) or status in (400, 401, 402, 403, 404, 429)


@given(st.sampled_from(sorted(GOOD)), JSON)
def test_an_object_is_understood_or_refused(name: str, value: Any) -> None:
    try:
        found = objects.intent(GOOD | {name: value})
    except NotUnderstood:
        return
    assert isinstance(found, Intent)
    assert found.amount > 0
    assert isinstance(found.intent_id + found.charge_id + found.redirect_url, str)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), NotExecuted),
        (httpx.ConnectTimeout("no way"), NotExecuted),
        (httpx.PoolTimeout("all in use"), NotExecuted),
        (httpx.ReadTimeout("silence"), Unknown),
        (httpx.WriteTimeout("half sent"), Unknown),
        (httpx.ReadError("cut"), Unknown),
        (httpx.WriteError("cut"), Unknown),
        (httpx.RemoteProtocolError("cut"), Unknown),
    ],
)
def test_no_answer_is_unknown_unless_nothing_was_sent(error: httpx.HTTPError, kind: type[CardFailure]) -> None:
    assert type(broken(error)) is kind


def test_every_transport_error_of_httpx_is_unknown_but_the_three_before_sending() -> None:
    def below(kind: type[Exception]) -> Iterator[type[Exception]]:
        yield kind
        for inner in kind.__subclasses__():
            yield from below(inner)

    safe = {kind.__name__ for kind in below(httpx.TransportError) if type(broken(kind(""))) is NotExecuted}  # type: ignore[arg-type]
    assert safe == {"ConnectError", "ConnectTimeout", "PoolTimeout"}


# ---------------------------------------------------------------- pure: trying again

SUCCESS = reply(200, GOOD)
LOST = httpx.ReadTimeout("silence")
REFUSED = httpx.ConnectError("refused")
BUSY = refusal(429, "invalid_request_error", "rate_limit")
IN_USE = refusal(409, "idempotency_error", "idempotency_key_in_use")
BROKEN = refusal(500, "api_error")
STORED_500 = Reply(500, {"stripe-should-retry": "false"}, BROKEN.body)
NO_ENTRY = refusal(401, "invalid_request_error")
NO_MONEY = refusal(402, "card_error", "card_declined")
WRONG = refusal(400, "invalid_request_error")
CAME = (SUCCESS, LOST, REFUSED, BUSY, IN_USE, BROKEN, STORED_500, NO_ENTRY, NO_MONEY, WRONG)


def tell(came: list[Reply | httpx.HTTPError]) -> tuple[object, int]:
    """What a caller is told of attempts that bring this, and how many were made."""
    steps = attempts(ASKED)
    waits = [next(steps)]
    for made, one in enumerate(came, start=1):
        try:
            waits.append(steps.send(one))
        except StopIteration as done:
            return done.value, made
        except CardFailure as failed:
            return type(failed), made
        assert waits == sorted(waits)
    raise AssertionError("it goes on")


@pytest.mark.parametrize(
    ("came", "told", "made"),
    [
        ([REFUSED, REFUSED, REFUSED], NotExecuted, 3),
        ([BUSY, BUSY, BUSY], NotExecuted, 3),
        ([LOST, REFUSED, REFUSED], Unknown, 3),
        ([REFUSED, LOST, BUSY], Unknown, 3),
        ([LOST, NO_ENTRY], Unknown, 2),
        ([NO_ENTRY], NotExecuted, 1),
        ([NO_MONEY], Declined, 1),
        ([WRONG], Invalid, 1),
        ([LOST, NO_MONEY], Declined, 2),
        ([STORED_500], Unknown, 1),
        ([IN_USE, IN_USE, IN_USE], KeyInUse, 3),
    ],
)
def test_what_is_told_after_the_last_attempt(came: list[Any], told: type[CardFailure], made: int) -> None:
    assert tell(came) == (told, made)


@given(st.lists(st.sampled_from(CAME), min_size=ATTEMPTS_MAX, max_size=ATTEMPTS_MAX))
def test_what_may_have_been_executed_is_never_told_as_not_executed(came: list[Any]) -> None:
    told, made = tell(came)
    assert made <= ATTEMPTS_MAX
    if any(one in (LOST, BROKEN, STORED_500, IN_USE) for one in came[:made]):
        assert told is not NotExecuted
    if isinstance(told, Intent):
        assert came[made - 1] is SUCCESS


# ---------------------------------------------------------------- pure: webhooks

NOW_S = 1_800_000_000
SECRET = "whsec_1"


def signed(payload: bytes, at_s: int = NOW_S, secret: str = SECRET) -> str:
    return stripe.WebhookSignature.generate_signature_header(payload.decode(), secret, at_s)


def accepted(payload: bytes, header: str, secret: str = SECRET) -> bool:
    try:
        webhook.verify(payload, header, secret, NOW_S)
    except webhook.NotSigned:
        return False
    return True


@given(st.text().map(str.encode), st.integers(-1000, 1000))
def test_a_payload_is_ours_if_it_was_signed_just_now(payload: bytes, ago_s: int) -> None:
    assert accepted(payload, signed(payload, NOW_S - ago_s)) == (-5 <= ago_s <= 300)


@given(st.text(min_size=1).map(str.encode), st.integers(0, 10_000), st.integers(1, 255))
def test_one_changed_byte_is_another_payload(payload: bytes, where: int, change: int) -> None:
    header = signed(payload)
    changed = bytearray(payload)
    changed[where % len(payload)] ^= change
    assert not accepted(bytes(changed), header)
    assert not accepted(payload, header, "whsec_2")
    assert not accepted(payload, header, "")


@given(st.text(max_size=200))
def test_any_header_is_refused_that_was_not_signed(header: str) -> None:
    assert not accepted(b"{}", header)


def test_one_good_signature_of_several_is_enough_and_only_v1_counts() -> None:
    good = signed(b"{}")
    time_, v1 = good.split(",")
    other = signed(b"{}", secret="whsec_2").split(",")[1]
    assert accepted(b"{}", f"{time_},{other},{v1}")
    assert accepted(b"{}", f"{time_},{v1},v0=00")
    assert not accepted(b"{}", f"{time_},v0={v1[3:]}")
    assert not accepted(b"{}", f"{time_},{other}")
    assert not accepted(b"{}", f"t=1,{good}")  # which time?
    assert not accepted(b"{}", good.replace("t=", "t=+"))
    assert not accepted(b"{}", f"{time_},v1=é\udcff")
    assert not accepted(b"{}", good + "," * 5000)


@given(JSON)
def test_any_payload_is_an_event_or_not_understood(body: Any) -> None:
    try:
        webhook.parse(json.dumps(body).encode())
    except NotUnderstood:
        return
    pytest.fail("an event of nothing")


def test_an_event_holds_what_we_act_on_and_nothing_of_others() -> None:
    def event(about: dict[str, Any]) -> bytes:
        head = {"id": "evt_1", "object": "event", "type": "x.y", "created": 5}
        return json.dumps(head | {"data": {"object": about}}).encode()

    found = webhook.parse(event(GOOD))
    assert (found.event_id, found.type, found.created_s) == ("evt_1", "x.y", 5)
    assert found.object == objects.intent(GOOD)
    assert webhook.parse(event({"object": "payout", "currency": "usd"})).object is None
    for payload in (b"", b"{", b"\xff", b"[" * 100_000):
        with pytest.raises(NotUnderstood):
            webhook.parse(payload)


# ---------------------------------------------------------------- pure: settings


def test_real_money_needs_a_real_provider_and_a_secret_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EDGE_SECRET", "FIELD_KEY", "INDEX_KEY"):
        monkeypatch.setenv(f"CHO_{name}", "own")
    monkeypatch.setenv("CHO_ENV", "production")
    for name, value in (("STRIPE_API_BASE", "https://cards.example"), ("STRIPE_SECRET_KEY", "sk_live_1")):
        with pytest.raises(ValueError, match=name):
            Cards.of(Settings(_env_file=None))
        monkeypatch.setenv(name, value)
    Cards.of(Settings(_env_file=None)).close()
    with pytest.raises(ValueError, match="STRIPE_WEBHOOK_SECRET"):
        Settings(_env_file=None).own_secret("stripe_webhook_secret")


def test_by_default_the_client_goes_to_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STRIPE_API_BASE", "STRIPE_SECRET_KEY", "CHO_ENV", "CHO_CARD_SIMULATOR_PORT"):
        monkeypatch.delenv(name, raising=False)
    settings = Settings(_env_file=None)
    assert settings.stripe_api_base == f"http://127.0.0.1:{settings.card_simulator_port}"
    Cards.of(settings).close()


# ---------------------------------------------------------------- on the simulator


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[CardSimulator]:
    with CardSimulator(tmp_path_factory.mktemp("card"), receiver.url) as started:
        yield started


@pytest.fixture
def simulator(running: CardSimulator) -> CardSimulator:
    running.calm()
    return running


@pytest.fixture
async def cards(simulator: CardSimulator) -> AsyncIterator[AsyncCards]:
    async with AsyncCards(simulator.url, SECRET_KEY, HASTY) as client:
        yield client


def top_up(mark: str, payment_method: str = "pm_card_visa") -> calls.Call[Intent]:
    key = new_key()
    return calls.create_intent(50_000, key, {"top_up": mark}, payment_method=payment_method, return_url=RETURN_URL)


def this_hour(mark: str) -> calls.Listing[Intent]:
    return calls.list_intents("top_up", mark, int(time.time()) - 1800, int(time.time()) + 1800)


@pytest.mark.anyio
async def test_a_payment_from_card_to_refund(cards: AsyncCards) -> None:
    mark = new_key()
    paid = await cards.send(top_up(mark))
    assert (paid.status, paid.amount, paid.received, paid.metadata) == (
        IntentStatus.SUCCEEDED,
        50_000,
        50_000,
        {"top_up": mark},
    )
    assert await cards.send(calls.retrieve_intent(paid.intent_id)) == paid
    part = await cards.send(calls.create_refund(paid.intent_id, 20_000, new_key(), {"refund": "1"}))
    assert (part.status, part.amount, part.intent_id) == (RefundStatus.SUCCEEDED, 20_000, paid.intent_id)
    with pytest.raises(Invalid):
        await cards.send(calls.create_refund(paid.intent_id, 30_001, new_key(), {}))
    assert await cards.send(calls.retrieve_refund(part.refund_id)) == part
    assert await cards.every(calls.list_refunds(paid.intent_id)) == [part]
    assert await cards.every(this_hour(mark)) == [paid]
    assert await cards.every(this_hour("another")) == []


@pytest.mark.anyio
async def test_3d_secure_and_what_came_of_it(cards: AsyncCards) -> None:
    waiting = await cards.send(top_up(new_key(), "pm_card_authenticationRequired"))
    assert waiting.status is IntentStatus.REQUIRES_ACTION
    async with httpx.AsyncClient() as browser:
        assert (await browser.post(waiting.redirect_url, data={"outcome": "fail"})).status_code == 303
    failed = await cards.send(calls.retrieve_intent(waiting.intent_id))
    assert (failed.status, failed.error_code, failed.redirect_url) == (
        IntentStatus.REQUIRES_PAYMENT_METHOD,
        "payment_intent_authentication_failure",
        "",
    )
    again = calls.confirm_intent(failed.intent_id, new_key(), payment_method="pm_card_visa", return_url=RETURN_URL)
    assert (await cards.send(again)).status is IntentStatus.SUCCEEDED
    with pytest.raises(Invalid) as late:
        await cards.send(calls.cancel_intent(failed.intent_id, new_key()))
    assert late.value.code == "payment_intent_unexpected_state"


@pytest.mark.anyio
async def test_a_declined_payment_is_told_with_its_intent_which_can_be_cancelled(cards: AsyncCards) -> None:
    call = top_up(new_key(), "pm_card_chargeDeclinedInsufficientFunds")
    for _ in range(2):
        with pytest.raises(Declined) as declined:
            await cards.send(call)
        assert declined.value.decline_code == "insufficient_funds"
    after = await cards.send(calls.cancel_intent(declined.value.intent_id, new_key()))
    assert (after.status, after.received) == (IntentStatus.CANCELED, 0)


@pytest.mark.anyio
async def test_disputes_and_events_are_found_by_looking(cards: AsyncCards, simulator: CardSimulator) -> None:
    paid = await cards.send(top_up(new_key()))
    simulator.control("POST", "disputes", payment_intent=paid.intent_id)
    now_s = int(time.time())
    (found,) = [
        dispute
        for dispute in await cards.every(calls.list_disputes(now_s - 60, now_s + 60))
        if dispute.intent_id == paid.intent_id
    ]
    assert (found.status, found.amount, found.charge_id) == (DisputeStatus.NEEDS_RESPONSE, 50_000, paid.charge_id)
    assert await cards.send(calls.retrieve_dispute(found.dispute_id)) == found
    events = await cards.every(
        calls.list_events(["charge.dispute.created", "payment_intent.succeeded"], now_s - 60, now_s + 60)
    )
    assert found in [event.object for event in events]
    assert paid in [event.object for event in events]
    assert {event.type for event in events} == {"charge.dispute.created", "payment_intent.succeeded"}


@pytest.mark.anyio
async def test_a_list_is_read_to_its_end(cards: AsyncCards, monkeypatch: pytest.MonkeyPatch) -> None:
    mark = new_key()
    ids = [(await cards.send(calls.create_intent(50_000, new_key(), {"top_up": mark}))).intent_id for _ in range(5)]
    monkeypatch.setattr(calls, "PAGE_ITEMS", 2)
    assert [intent.intent_id for intent in await cards.every(this_hour(mark))] == ids[::-1]
    monkeypatch.setattr("services.payments.card.client.PAGES_MAX", 2)
    with pytest.raises(Unknown):
        await cards.every(this_hour(mark))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "fault", ["timeout_after", "error_after", "cut_after", "timeout_before", "cut_before", "rate_limited"]
)
async def test_a_fault_that_passes_is_not_noticed_and_the_card_charged_once(
    cards: AsyncCards, simulator: CardSimulator, fault: str
) -> None:
    mark = new_key()
    simulator.arm(fault, INTENTS)
    paid = await cards.send(top_up(mark))
    assert paid.status is IntentStatus.SUCCEEDED
    assert await cards.every(this_hour(mark)) == [paid]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "told", "charged"),
    [
        ("timeout_after", Unknown, 1),
        ("cut_after", Unknown, 1),
        ("error_after", Unknown, 1),
        ("error_stored", Unknown, 1),
        ("timeout_before", Unknown, 0),
        ("error_before", Unknown, 0),
        ("rate_limited", NotExecuted, 0),
        ("decline", Declined, 0),
    ],
)
async def test_a_fault_that_stays_is_told_as_what_it_proves(
    cards: AsyncCards, simulator: CardSimulator, fault: str, told: type[CardFailure], charged: int
) -> None:
    mark = new_key()
    call = top_up(mark)
    simulator.arm(fault, INTENTS, times=1000)
    with pytest.raises(CardFailure) as failed:
        await cards.send(call)
    assert type(failed.value) is told
    simulator.calm()
    found = await cards.every(this_hour(mark))
    assert sum(intent.received for intent in found) == 50_000 * charged


@pytest.mark.anyio
async def test_a_stored_500_is_cleared_up_by_looking(cards: AsyncCards, simulator: CardSimulator) -> None:
    mark = new_key()
    call = top_up(mark)
    simulator.arm("error_stored", INTENTS)
    for _ in range(2):
        with pytest.raises(Unknown):
            await cards.send(call)
    (paid,) = await cards.every(this_hour(mark))
    assert paid.status is IntentStatus.SUCCEEDED


@pytest.mark.anyio
async def test_two_at_once_with_one_key_charge_once(cards: AsyncCards, simulator: CardSimulator) -> None:
    mark = new_key()
    call = top_up(mark)
    simulator.arm("slow", INTENTS, ms=350)
    outcomes = await asyncio.gather(*(cards.send(call) for _ in range(4)), return_exceptions=True)
    assert all(isinstance(outcome, Intent | KeyInUse) for outcome in outcomes)
    assert await cards.every(this_hour(mark)) == [await cards.send(call)]


@pytest.mark.anyio
async def test_a_caller_that_is_cancelled_finds_out_with_the_same_key(
    cards: AsyncCards, simulator: CardSimulator
) -> None:
    mark = new_key()
    call = top_up(mark)
    simulator.arm("timeout_after", INTENTS)
    asking = asyncio.create_task(cards.send(call))
    await asyncio.to_thread(until, lambda: not simulator.control("GET", "faults")["faults"])
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await cards.every(this_hour(mark)) == [await cards.send(call)]


@pytest.mark.anyio
async def test_a_provider_that_is_away_or_keeps_us_out_has_done_nothing(simulator: CardSimulator) -> None:
    mark = new_key()
    async with AsyncCards(f"http://127.0.0.1:{ports.take_any()}", SECRET_KEY, HASTY) as nowhere:
        with pytest.raises(NotExecuted) as away:
            await nowhere.send(top_up(mark))
        assert away.value.status == 0
    async with AsyncCards(simulator.url, "sk_test_another", HASTY) as stranger:
        with pytest.raises(NotExecuted) as kept_out:
            await stranger.send(top_up(mark))
        assert kept_out.value.status == 401
        assert kept_out.value.request_id.startswith("req_")


def test_a_webhook_of_the_simulator_is_verified_and_read(simulator: CardSimulator, receiver: Receiver) -> None:
    with Cards(simulator.url, SECRET_KEY, HASTY) as cards:
        paid = cards.send(top_up(new_key()))
    heard = until(lambda: [h for h in receiver.of("payment_intent.succeeded") if paid.intent_id.encode() in h.payload])
    webhook.verify(heard[0].payload, heard[0].signature, WEBHOOK_SECRET, int(time.time()))
    event = webhook.parse(heard[0].payload)
    assert (event.type, event.object) == ("payment_intent.succeeded", paid)


def test_the_threads_client_tells_the_same(simulator: CardSimulator) -> None:
    mark = new_key()
    with Cards(simulator.url, SECRET_KEY, HASTY) as cards:
        simulator.arm("timeout_after", INTENTS)
        call = top_up(mark)
        paid = cards.send(call)
        assert cards.every(this_hour(mark)) == [paid] == [cards.send(call)]
        simulator.arm("cut_after", INTENTS, times=1000)
        with pytest.raises(Unknown):
            cards.send(top_up(mark))
        simulator.calm()
        with pytest.raises(NotThere):
            cards.send(calls.retrieve_intent("pi_0"))


@pytest.mark.parametrize("trickle", [b"x", b"x" * (1 << 20)])
def test_an_answer_without_end_is_unknown(trickle: bytes) -> None:
    """A server that begins to answer and never ends: by drops, or by megabytes."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                with caller:
                    try:
                        caller.recv(65536)
                        caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
                        while True:
                            caller.sendall(trickle)
                            time.sleep(0.01)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            base_url, patience = f"http://127.0.0.1:{server.getsockname()[1]}", Patience(1, 1, 0.3)
            with Cards(base_url, "k", patience) as cards, pytest.raises(Unknown):
                cards.send(calls.retrieve_intent("pi_1"))

            async def ask() -> None:
                async with AsyncCards(base_url, "k", patience) as cards:
                    await cards.send(calls.retrieve_intent("pi_1"))

            with pytest.raises(Unknown):
                asyncio.run(ask())
        finally:
            server.shutdown(socket.SHUT_RDWR)
            server.close()
            thread.join()


def test_in_a_nameko_worker_one_waits_while_others_go_on(simulator: CardSimulator) -> None:
    """In a cooperative process a slow answer keeps nobody else waiting."""
    simulator.arm("slow", INTENTS, ms=1500)
    code = """
import kit.streams.patch
import sys, eventlet
from services.payments.card import calls
from services.payments.card.client import Cards

cards = Cards(sys.argv[1], sys.argv[2])
order = []

def slow():
    cards.send(calls.create_intent(50_000, "of-a-worker", {}, payment_method="pm_card_visa"))
    order.append("slow")

waiting = eventlet.spawn(slow)
eventlet.sleep(0.3)
for _ in range(3):
    cards.every(calls.list_disputes(0, 1))
    order.append("quick")
waiting.wait()
cards.close()
print(order)
assert "grpc" not in sys.modules
"""
    argv = [sys.executable, "-c", code, simulator.url, SECRET_KEY]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert said.stdout.strip() == "['quick', 'quick', 'quick', 'slow']", said.stderr
