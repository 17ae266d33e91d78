"""The card simulator, as Stripe's own SDK finds it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import stripe

from kit import tls
from kit.ids import new_key
from tests.simulators.card_process import SECRET_KEY, WAIT_S_MAX, WEBHOOK_SECRET, CardSimulator, Receiver
from tests.waiting import until

PAID: dict[str, Any] = {"amount": 50_000, "currency": "vnd", "confirm": True, "payment_method": "pm_card_visa"}
RETURN_URL = "https://cho.example/back"


def ask(method: str, url: str, **more: Any) -> httpx.Response:
    """One request, without the SDK."""
    return httpx.request(method, url, verify=tls.context(), **more)


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with Receiver() as started:
        yield started


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver) -> Iterator[CardSimulator]:
    with CardSimulator(tmp_path_factory.mktemp("card"), receiver.url) as started:
        yield started


@pytest.fixture
def simulator(running: CardSimulator, receiver: Receiver) -> CardSimulator:
    """Without faults, and with nothing on its way."""
    running.calm()
    until(lambda: not [d for d in running.control("GET", "deliveries")["deliveries"] if d["state"] == "due"])
    receiver.heard.clear()
    return running


_connected: list[stripe.RequestsClient] = []


def connect(simulator: CardSimulator, key: str = SECRET_KEY, timeout_s: float = 10) -> stripe.StripeClient:
    _connected.append(stripe.RequestsClient(timeout=timeout_s, session=requests.Session()))
    return stripe.StripeClient(
        key, base_addresses={"api": simulator.url}, max_network_retries=0, http_client=_connected[-1]
    )


@pytest.fixture(autouse=True)
def _disconnect() -> Iterator[None]:
    yield
    while _connected:
        _connected.pop().close()


@pytest.fixture
def sdk(simulator: CardSimulator) -> stripe.StripeClient:
    return connect(simulator)


def intents(sdk: stripe.StripeClient) -> Any:
    return sdk.v1.payment_intents


def with_key(key: str) -> Any:
    return {"idempotency_key": key}


def marked() -> tuple[dict[str, Any], str]:
    """A payment that can be told from all others, and its mark."""
    mark = new_key()
    return {**PAID, "metadata": {"top_up": mark}}, mark


def made(sdk: stripe.StripeClient, mark: str) -> list[Any]:
    """The intents with this mark."""
    found = intents(sdk).list({"limit": 100}).auto_paging_iter()
    return [intent for intent in found if intent.metadata.to_dict().get("top_up") == mark]


# ---------------------------------------------------------------- payment intents


def test_a_card_pays(sdk: stripe.StripeClient) -> None:
    paid = intents(sdk).create({**PAID, "metadata": {"top_up": "top_1"}, "payment_method_types": ["card"]})
    assert (paid.status, paid.amount, paid.amount_received, paid.currency) == ("succeeded", 50_000, 50_000, "vnd")
    again = intents(sdk).retrieve(paid.id)
    assert again.metadata["top_up"] == "top_1"
    charge = sdk.v1.charges.retrieve(again.latest_charge)
    assert (charge.paid, charge.amount, charge.payment_intent) == (True, 50_000, paid.id)


def test_an_intent_waits_to_be_confirmed(sdk: stripe.StripeClient) -> None:
    intent = intents(sdk).create({"amount": 50_000, "currency": "vnd"})
    assert intent.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        intents(sdk).confirm(intent.id)
    assert intents(sdk).confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"
    for again in (intents(sdk).confirm, intents(sdk).cancel):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            again(intent.id)
        assert refused.value.code == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
    ],
)
def test_a_declined_card_is_a_card_error_and_leaves_the_intent_open(
    sdk: stripe.StripeClient, card: str, code: str, decline_code: str | None
) -> None:
    with pytest.raises(stripe.CardError) as declined:
        intents(sdk).create({**PAID, "payment_method": card})
    error = declined.value.error
    assert (declined.value.http_status, declined.value.code, getattr(error, "decline_code", None)) == (
        402,
        code,
        decline_code,
    )
    intent = intents(sdk).retrieve(error.payment_intent.id)
    assert (intent.status, intent.last_payment_error.code, intent.amount_received) == (
        "requires_payment_method",
        code,
        0,
    )
    assert intents(sdk).confirm(intent.id, {"payment_method": "pm_card_visa"}).status == "succeeded"


@pytest.mark.parametrize(
    ("card", "outcome", "status", "error"),
    [
        ("pm_card_authenticationRequired", "pass", "succeeded", None),
        ("pm_card_authenticationRequired", "fail", "requires_payment_method", "payment_intent_authentication_failure"),
        (
            "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
            "pass",
            "requires_payment_method",
            "card_declined",
        ),
    ],
)
def test_3d_secure_is_passed_or_failed_at_the_bank(
    sdk: stripe.StripeClient, card: str, outcome: str, status: str, error: str | None
) -> None:
    intent = intents(sdk).create({**PAID, "payment_method": card, "return_url": RETURN_URL})
    assert (intent.status, intent.next_action.type) == ("requires_action", "redirect_to_url")
    url = intent.next_action.redirect_to_url.url
    page = ask("GET", url)
    assert "50.000 đ" in page.text
    assert ask("POST", url, data={"outcome": "maybe"}).status_code == 400
    back = ask("POST", url, data={"outcome": outcome})
    assert back.status_code == 303
    told = httpx.URL(back.headers["location"])
    assert str(told.copy_with(query=None)) == RETURN_URL
    assert told.params["redirect_status"] == ("succeeded" if status == "succeeded" else "failed")
    # Whoever comes again, or says the contrary, changes nothing.
    ask("POST", url, data={"outcome": "fail" if outcome == "pass" else "pass"})
    after = intents(sdk).retrieve(intent.id)
    assert (after.status, after.next_action) == (status, None)
    assert (after.last_payment_error.code if after.last_payment_error else None) == error


def test_nobody_passes_3d_secure_without_the_intents_secret(sdk: stripe.StripeClient) -> None:
    intent = intents(sdk).create({**PAID, "payment_method": "pm_card_authenticationRequired"})
    url = intent.next_action.redirect_to_url.url
    assert ask("POST", url[:-1] + "x", data={"outcome": "pass"}).status_code == 404
    assert intents(sdk).retrieve(intent.id).status == "requires_action"


def test_a_cancelled_intent_cannot_be_paid(sdk: stripe.StripeClient) -> None:
    intent = intents(sdk).create({**PAID, "payment_method": "pm_card_authenticationRequired"})
    assert intents(sdk).cancel(intent.id, {"cancellation_reason": "abandoned"}).status == "canceled"
    ask("POST", intent.next_action.redirect_to_url.url, data={"outcome": "pass"})
    assert intents(sdk).retrieve(intent.id).status == "canceled"


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({**PAID, "amount": 12_999}, "amount"),
        ({**PAID, "amount": 100_000_000}, "amount"),
        ({**PAID, "amount": "50000.5"}, "amount"),
        ({**PAID, "currency": "usd"}, "currency"),
        ({**PAID, "payment_method": "pm_card_nobodys"}, "payment_method"),
        ({**PAID, "payment_method_types": ["alipay"]}, "payment_method_types"),
        ({**PAID, "metadata": {"a" * 41: "too long"}}, "metadata"),
        ({**PAID, "capture_method": "manual"}, "capture_method"),
        ({**PAID, "return_url": "no url"}, "return_url"),
        ({**PAID, "surprise": "1"}, "surprise"),
        ({"currency": "vnd"}, "amount"),
        ({"amount": 50_000, "currency": "vnd", "confirm": True}, "payment_method"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(sdk: stripe.StripeClient, asked: dict[str, Any], param: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        intents(sdk).create(asked)
    assert (refused.value.http_status, refused.value.param) == (400, param)


def test_who_has_no_key_is_not_let_in(simulator: CardSimulator) -> None:
    with pytest.raises(stripe.AuthenticationError):
        intents(connect(simulator, "sk_test_another")).create(PAID)
    assert ask("GET", simulator.url + "/v1/payment_intents").status_code == 401
    assert ask("GET", simulator.url + "/v1/payment_intents", auth=(SECRET_KEY, "")).status_code == 200
    for secret in ("another", SECRET_KEY):
        headers = {"Authorization": f"Bearer {secret}"}
        assert ask("GET", simulator.url + "/control/faults", headers=headers).status_code == 401


def test_what_is_not_there_is_missing(sdk: stripe.StripeClient) -> None:
    for look in (intents(sdk).retrieve, sdk.v1.refunds.retrieve, sdk.v1.disputes.retrieve, sdk.v1.events.retrieve):
        with pytest.raises(stripe.InvalidRequestError) as missing:
            look("xx_1")
        assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError):
        intents(sdk).capture("pi_1")


def test_lists_are_paged_newest_first_in_both_directions(sdk: stripe.StripeClient) -> None:
    ids = [intents(sdk).create({"amount": 50_000 + n, "currency": "vnd"}).id for n in range(5)][::-1]
    first = intents(sdk).list({"limit": 2})
    assert [intent.id for intent in first.data] == ids[:2]
    assert first.has_more
    next_ = intents(sdk).list({"limit": 2, "starting_after": ids[1]})
    assert [intent.id for intent in next_.data] == ids[2:4]
    before = intents(sdk).list({"limit": 2, "ending_before": ids[3]})
    assert [intent.id for intent in before.data] == ids[1:3]
    created = intents(sdk).retrieve(ids[0]).created
    assert intents(sdk).list({"created": {"gt": created + 60}}).data == []
    assert ids[0] in [i.id for i in intents(sdk).list({"created": {"gte": created, "lt": created + 1}}).data]
    with pytest.raises(stripe.InvalidRequestError):
        intents(sdk).list({"limit": 101})


# ---------------------------------------------------------------- idempotency


def test_the_same_key_and_parameters_get_the_same_answer(sdk: stripe.StripeClient) -> None:
    asked, mark = marked()
    key = new_key()
    first = intents(sdk).create(asked, with_key(key))
    again = intents(sdk).create(asked, with_key(key))
    assert first.id == again.id
    assert "idempotent-replayed" not in first.last_response.headers
    assert again.last_response.headers["idempotent-replayed"] == "true"
    assert again.last_response.headers["original-request"] == first.last_response.request_id
    assert len(made(sdk, mark)) == 1


def test_a_decline_is_a_keys_answer_too(sdk: stripe.StripeClient) -> None:
    asked, mark = marked()
    key = new_key()
    for replayed in (None, "true"):
        with pytest.raises(stripe.CardError) as declined:
            intents(sdk).create({**asked, "payment_method": "pm_card_chargeDeclined"}, with_key(key))
        assert declined.value.headers
        assert declined.value.headers.get("idempotent-replayed") == replayed
    assert len(made(sdk, mark)) == 1


def test_a_refusal_once_begun_is_a_keys_answer_and_wrong_parameters_are_not(sdk: stripe.StripeClient) -> None:
    paid, key = intents(sdk).create(PAID), new_key()
    for replayed in (None, "true"):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            intents(sdk).cancel(paid.id, None, with_key(key))
        assert refused.value.headers
        assert refused.value.headers.get("idempotent-replayed") == replayed
    key = new_key()
    with pytest.raises(stripe.InvalidRequestError):
        intents(sdk).create({**PAID, "amount": "many"}, with_key(key))
    assert intents(sdk).create(PAID, with_key(key)).status == "succeeded"


def test_a_key_is_for_one_request_only(sdk: stripe.StripeClient) -> None:
    key = new_key()
    paid = intents(sdk).create(PAID, with_key(key))
    with pytest.raises(stripe.IdempotencyError):
        intents(sdk).create({**PAID, "amount": 60_000}, with_key(key))
    with pytest.raises(stripe.IdempotencyError):
        sdk.v1.refunds.create({"payment_intent": paid.id}, with_key(key))


def test_a_key_in_use_is_refused_and_its_request_done_once(sdk: stripe.StripeClient, simulator: CardSimulator) -> None:
    asked, mark = marked()
    key = new_key()
    simulator.arm("slow", "POST /v1/payment_intents", ms=1500)
    slow = threading.Thread(target=lambda: intents(connect(simulator)).create(asked, with_key(key)))
    slow.start()
    until(lambda: not simulator.control("GET", "faults")["faults"])  # it is being executed now
    with pytest.raises(stripe.APIError) as refused:
        intents(sdk).create(asked, with_key(key))
    slow.join()
    assert refused.value.error
    assert (refused.value.http_status, refused.value.error.code) == (409, "idempotency_key_in_use")
    assert intents(sdk).create(asked, with_key(key)).last_response.headers["idempotent-replayed"] == "true"
    assert len(made(sdk, mark)) == 1


# ---------------------------------------------------------------- refunds and disputes


def test_refunds_in_parts_never_exceed_the_payment(sdk: stripe.StripeClient) -> None:
    paid = intents(sdk).create(PAID)
    first = sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 20_000, "metadata": {"a": "b"}})
    assert (first.status, first.amount) == ("succeeded", 20_000)
    with pytest.raises(stripe.InvalidRequestError, match="30000"):
        sdk.v1.refunds.create({"payment_intent": paid.id, "amount": 30_001})
    rest = sdk.v1.refunds.create({"charge": str(paid.latest_charge)})
    assert rest.amount == 30_000
    with pytest.raises(stripe.InvalidRequestError) as over:
        sdk.v1.refunds.create({"payment_intent": paid.id})
    assert over.value.code == "charge_already_refunded"
    assert [refund.id for refund in sdk.v1.refunds.list({"payment_intent": paid.id})] == [rest.id, first.id]
    charge = sdk.v1.charges.retrieve(str(paid.latest_charge))
    assert (charge.amount_refunded, charge.refunded) == (50_000, True)


def test_a_pending_refund_that_fails_can_be_made_again(sdk: stripe.StripeClient, simulator: CardSimulator) -> None:
    paid = intents(sdk).create({**PAID, "payment_method": "pm_card_pendingRefund"})
    refund = sdk.v1.refunds.create({"payment_intent": paid.id})
    assert refund.status == "pending"
    with pytest.raises(stripe.InvalidRequestError):
        sdk.v1.refunds.create({"payment_intent": paid.id})
    simulator.control("POST", f"refunds/{refund.id}/settle", status="failed")
    assert sdk.v1.refunds.retrieve(refund.id).failure_reason == "expired_or_canceled_card"
    again = sdk.v1.refunds.create({"payment_intent": paid.id})
    simulator.control("POST", f"refunds/{again.id}/settle", status="succeeded")
    assert sdk.v1.refunds.retrieve(again.id).status == "succeeded"
    with pytest.raises(httpx.HTTPStatusError):
        simulator.control("POST", f"refunds/{again.id}/settle", status="succeeded")


def test_a_dispute_opens_blocks_refunds_and_closes(
    sdk: stripe.StripeClient, simulator: CardSimulator, receiver: Receiver
) -> None:
    paid = intents(sdk).create(PAID)
    opened = simulator.control("POST", "disputes", payment_intent=paid.id, reason="product_not_received")
    assert (opened["amount"], opened["status"], opened["charge"]) == (50_000, "needs_response", paid.latest_charge)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        sdk.v1.refunds.create({"payment_intent": paid.id})
    assert refused.value.code == "charge_disputed"
    with pytest.raises(httpx.HTTPStatusError):
        simulator.control("POST", "disputes", payment_intent=paid.id)
    simulator.control("POST", f"disputes/{opened['id']}/close", status="lost")
    assert [d.status for d in sdk.v1.disputes.list({"payment_intent": paid.id})] == ["lost"]
    with pytest.raises(httpx.HTTPStatusError):
        simulator.control("POST", f"disputes/{opened['id']}/close", status="won")
    until(lambda: receiver.of("charge.dispute.closed"))
    assert receiver.of("charge.dispute.created")[0].event["data"]["object"]["id"] == opened["id"]


# ---------------------------------------------------------------- events and webhooks


def test_every_change_is_an_event(sdk: stripe.StripeClient) -> None:
    key = new_key()
    paid = intents(sdk).create(PAID, with_key(key))
    sdk.v1.refunds.create({"payment_intent": paid.id})
    told = sdk.v1.events.list({"limit": 5}).data
    assert [event.type for event in told][::-1] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
        "refund.created",
        "charge.refunded",
    ]
    assert told[-1].request
    assert told[-1].request.idempotency_key == key
    some = sdk.v1.events.list({"types": ["refund.created", "charge.refunded"], "limit": 2}).data
    assert [event.id for event in some] == [event.id for event in told[:2]]


def test_a_webhook_is_signed_as_stripe_signs(sdk: stripe.StripeClient, receiver: Receiver) -> None:
    paid = intents(sdk).create(PAID)
    (heard,) = until(lambda: receiver.of("payment_intent.succeeded"))
    event = stripe.Webhook.construct_event(heard.payload, heard.signature, WEBHOOK_SECRET)
    assert event.data.object["id"] == paid.id
    assert event.id == sdk.v1.events.retrieve(event.id).id
    for payload, secret in ((heard.payload + b" ", WEBHOOK_SECRET), (heard.payload, "whsec_another")):
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(payload, heard.signature, secret)


def test_a_webhook_that_is_not_accepted_comes_again(
    sdk: stripe.StripeClient, receiver: Receiver, simulator: CardSimulator
) -> None:
    receiver.answers[:] = [500, 302]
    intents(sdk).create({"amount": 50_000, "currency": "vnd"})
    until(lambda: len(receiver.heard) == 3)
    assert len({heard.event["id"] for heard in receiver.heard}) == 1
    path = f"events/{receiver.heard[0].event['id']}/deliveries"
    (delivery,) = until(lambda: [d for d in simulator.control("GET", path)["deliveries"] if d["state"] != "due"])
    assert (delivery["state"], delivery["attempts"], delivery["result"]) == ("delivered", 3, "200")


def test_webhooks_come_twice_late_out_of_order_or_never(
    sdk: stripe.StripeClient, simulator: CardSimulator, receiver: Receiver
) -> None:
    simulator.arm("webhook_repeat", "payment_intent.created", copies=3)
    simulator.arm("webhook_drop", "charge.succeeded")
    intents(sdk).create(PAID)
    until(lambda: len(receiver.heard) == 4)
    assert sorted(receiver.types()) == ["payment_intent.created"] * 3 + ["payment_intent.succeeded"]

    receiver.heard.clear()
    simulator.arm("webhook_swap", "payment_intent.created")
    simulator.arm("webhook_delay", "charge.succeeded", ms=700)
    intents(sdk).create(PAID)
    until(lambda: len(receiver.heard) == 3)
    assert receiver.types()[2] == "payment_intent.created"  # behind the one that came after it
    again = receiver.heard[0].event["id"]
    simulator.control("POST", f"events/{again}/deliver")
    until(lambda: len(receiver.heard) == 4)
    assert receiver.heard[3].event["id"] == again


# ---------------------------------------------------------------- faults


@pytest.mark.parametrize(
    ("fault", "executed"),
    [
        ("error_before", 0),
        ("error_after", 1),
        ("cut_before", 0),
        ("cut_after", 1),
        ("rate_limited", 0),
        ("timeout_before", 0),
        ("timeout_after", 1),
    ],
)
def test_a_fault_strikes_once_and_the_same_key_then_tells(
    simulator: CardSimulator, sdk: stripe.StripeClient, fault: str, executed: int
) -> None:
    hasty = connect(simulator, timeout_s=0.5)
    asked, mark = marked()
    key = new_key()
    simulator.arm(fault, "POST /v1/payment_intents")
    with pytest.raises((stripe.APIError, stripe.APIConnectionError, stripe.RateLimitError)):
        intents(hasty).create(asked, with_key(key))
    assert len(made(sdk, mark)) == executed
    again = intents(sdk).create(asked, with_key(key))
    assert again.status == "succeeded"
    assert ("idempotent-replayed" in again.last_response.headers) == bool(executed)
    assert len(made(sdk, mark)) == 1


def test_a_stored_500_stays_and_only_looking_tells(simulator: CardSimulator, sdk: stripe.StripeClient) -> None:
    asked, mark = marked()
    key = new_key()
    simulator.arm("error_stored", "POST /v1/payment_intents")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failed:
            intents(sdk).create(asked, with_key(key))
        assert failed.value.http_status == 500
        assert failed.value.headers
        assert failed.value.headers["stripe-should-retry"] == "false"
    assert [intent.status for intent in made(sdk, mark)] == ["succeeded"]


def test_any_card_can_be_declined_on_demand(simulator: CardSimulator, sdk: stripe.StripeClient) -> None:
    simulator.arm("decline", "POST /v1/payment_intents/*/confirm", code="lost_card")
    intent = intents(sdk).create({"amount": 50_000, "currency": "vnd", "payment_method": "pm_card_visa"})
    with pytest.raises(stripe.CardError) as declined:
        intents(sdk).confirm(intent.id)
    assert declined.value.error
    assert declined.value.error.decline_code == "lost_card"


# ---------------------------------------------------------------- its own life


def test_nothing_answered_is_lost_by_kill_9_and_webhooks_still_come(tmp_path: Path) -> None:
    with Receiver() as receiver, CardSimulator(tmp_path, receiver.url) as simulator:
        asked, mark = marked()
        key = new_key()
        simulator.arm("webhook_delay", "payment_intent.succeeded", ms=1500)
        simulator.arm("error_before", "GET /v1/refunds")
        first = intents(connect(simulator)).create(asked, with_key(key))
        simulator.kill()
        simulator.start()
        sdk = connect(simulator)
        again = intents(sdk).create(asked, with_key(key))
        assert (again.id, again.last_response.headers["idempotent-replayed"]) == (first.id, "true")
        assert [intent.id for intent in made(sdk, mark)] == [first.id]
        assert [fault["kind"] for fault in simulator.control("GET", "faults")["faults"]] == ["error_before"]
        until(lambda: receiver.of("payment_intent.succeeded"))


def test_a_request_killed_while_it_runs_was_not_begun(tmp_path: Path) -> None:
    with CardSimulator(tmp_path) as simulator:
        asked, mark = marked()
        key = new_key()
        simulator.arm("slow", "POST /v1/payment_intents", ms=100_000)
        broken: list[Exception] = []

        def ask() -> None:
            try:
                intents(connect(simulator)).create(asked, with_key(key))
            except stripe.APIConnectionError as error:
                broken.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        until(lambda: not simulator.control("GET", "faults")["faults"])
        simulator.kill()
        asking.join()
        simulator.start()
        sdk = connect(simulator)
        assert broken
        assert made(sdk, mark) == []
        assert intents(sdk).create(asked, with_key(key)).status == "succeeded"


def test_one_state_has_one_simulator(tmp_path: Path) -> None:
    with CardSimulator(tmp_path):
        second = CardSimulator(tmp_path).launch()
        _, said = second.communicate(timeout=WAIT_S_MAX)
        assert second.returncode == 1
        assert b"Another simulator" in said


@pytest.mark.parametrize(
    ("env", "url", "why"),
    [
        ({"CHO_ENV": "production"}, "", b"CHO_ENV=local"),
        ({}, "http://192.0.2.1/webhook", b"on this machine"),
        ({}, "http://example.org/webhook", b"on this machine"),
    ],
)
def test_it_starts_for_play_only_and_speaks_to_this_machine_only(
    tmp_path: Path, env: dict[str, str], url: str, why: bytes
) -> None:
    own_secrets = {f"CHO_{name}": "own" for name in ("EDGE_SECRET", "FIELD_KEY", "INDEX_KEY")}
    refused = CardSimulator(tmp_path, url, env | own_secrets).launch()
    _, said = refused.communicate(timeout=WAIT_S_MAX)
    assert refused.returncode == 1
    assert why in said


def test_it_ends_on_sigterm_while_callers_are_connected(tmp_path: Path) -> None:
    with CardSimulator(tmp_path) as simulator, httpx.Client(base_url=simulator.url) as caller:
        assert caller.get("/healthz").status_code == 200
        assert simulator.kill(with_signal=15) == 0
        simulator.start()


def test_what_is_not_http_or_too_much_is_refused_and_the_next_caller_served(simulator: CardSimulator) -> None:
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as rude:
        rude.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert rude.recv(100).startswith(b"HTTP/1.1 400")
    auth = (SECRET_KEY, "")
    url = simulator.url + "/v1/payment_intents"
    too_much = ask("POST", url, auth=auth, data={"metadata[a]": "x" * 70_000})
    assert too_much.status_code == 413
    fields = {f"metadata[{n}]": "x" for n in range(201)}
    assert ask("POST", url, auth=auth, data=fields).status_code == 400
    for body in (b"\xff\xfe", b"a=1&a[b]=2", b"a[b][c][d][e]=1", b"[]=1", b"%ff=1"):
        assert ask("POST", url, auth=auth, content=body).status_code == 400
    assert ask("GET", simulator.url + "/healthz").status_code == 200
