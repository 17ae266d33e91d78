"""Webhooks: signed, in order, at least once, dead in a bounded time and visible; and never into a network behind us."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import redis
from cho.events.v1.events_pb2 import PaymentMoved
from cho.payments.v1 import webhooks_pb2 as wh
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import now_ms
from kit.config import settings
from kit.errors import InvalidArgument
from kit.ids import new_id
from kit.streams.lease import Lease
from services.payments import hooks, sender
from services.payments.card import webhook as receivers_side
from services.payments.hooks import DeliveryState, HookState, Topic, Webhook
from services.payments.sender import Sender
from services.payments.store import deliveries, webhook_documents
from services.payments.store import webhooks as store
from tests.payments.api import OPERATOR, Api

pytestmark = pytest.mark.anyio

# Pure ------------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=200), st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=2))
def test_who_has_one_of_the_secrets_can_check_the_signature(body: bytes, keys: list[str]) -> None:
    header = hooks.signature(body, keys, 1_700_000_000)
    for key in keys:
        receivers_side.verify(body, header, key, 1_700_000_010)
    for wrong in ((body + b"x", keys[0], 1_700_000_010), (body, keys[0] + "x", 1_700_000_010), (body, keys[0], 1)):
        with pytest.raises(receivers_side.NotSigned):
            receivers_side.verify(wrong[0], header, wrong[1], wrong[2])


def test_tries_are_a_second_apart_then_two_then_four_and_never_more_than_ten_minutes() -> None:
    waits = [hooks.wait_ms(tries) for tries in range(1, 40)]
    assert waits[:4] == [1_000, 2_000, 4_000, 8_000]
    assert waits == sorted(waits)
    assert waits[-1] == 600_000


@pytest.mark.parametrize(
    "url",
    [
        "", "shop.example", "ftp://shop.example", "http://shop.example", "https://", "https://a:b@shop.example/",
        "https://shop.example/#x", "https://shop.example:22/", "https://shop.example:99999/", "https://[::1",
        "https://shop.example/\n", "https://shop.example/ x", "https://cửahàng.vn/",
        "https://shop.example/" + "x" * 500,
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_told_is_refused_by_its_looks(url: str) -> None:
    with pytest.raises(InvalidArgument):
        hooks.check_url(url, local=False)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "198.18.0.1", "192.0.2.1", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1",
        "::ffff:10.0.0.1", "2002:0a00:0001::", "64:ff9b::a00:1", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_of_networks_behind_us_are_not_public(address: str) -> None:
    assert not hooks.public(address)


@pytest.mark.parametrize("address", ["203.162.4.191", "8.8.8.8", "2405:4800::1", "::ffff:8.8.8.8"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert hooks.public(address)


def test_a_host_that_has_a_private_address_too_is_refused_and_otherwise_an_address_is_connected_to() -> None:
    parts = hooks.check_url("https://shop.example:8443/hook", local=False)
    assert hooks.destination(parts, False, lambda *_: ["8.8.8.8"]) == ("8.8.8.8", 8443)
    with pytest.raises(InvalidArgument):
        hooks.destination(parts, False, lambda *_: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(OSError, match="no address"):
        hooks.destination(parts, False, lambda *_: [])


# A receiver ------------------------------------------------------------------------------------------------------


class Receiver:
    """A merchant's own system. `answers`: statuses to come, "hang" or "cut"; then 200."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Any] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if answer == "hang":
                    time.sleep(0.6)
                    return
                if answer == "cut":
                    self.connection.close()
                    return
                self.send_response(answer)
                if 300 <= answer < 400:
                    self.send_header("location", receiver.url)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except (OSError, ValueError):
                    self.close_connection = True

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.server.server_port}/hook?shop=1"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def seqs(self) -> list[int]:
        return [json.loads(body)["seq"] for _, body in self.got]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    one = Receiver()
    yield one
    one.close()


class Desk:
    """A merchant with webhooks, and what tells them, on a clock of its own."""

    def __init__(self, client: redis.Redis) -> None:
        self.client, self.merchant, self.later_ms, self.seq = client, new_id("mer"), 0, 0
        self.owner = new_id("usr")
        self.lease = Lease(client, "lease")

    def hook(self, url: str) -> Webhook:
        return store.create(self.client, self.merchant, self.owner, url)

    def announce(self, *amounts: int, type_: str = "payment.captured") -> None:
        for amount in amounts:
            self.seq += 3
            message = PaymentMoved(transfer_id=new_id("pay"), merchant_id=self.merchant, amount=amount, seq=self.seq)
            fields = {"type": type_, "data": message.SerializeToString()}
            self.client.xadd(store.stream_of(self.merchant), fields, id=f"{self.seq}-0")  # type: ignore[arg-type]

    def sender(self, **more: Any) -> Sender:
        more = {"local": True, "now": lambda: now_ms() + self.later_ms, "owner_of": lambda _: self.owner, **more}
        return Sender(self.client, self.lease, **more)

    def tick(self, later_ms: int = 0, **more: Any) -> None:
        """Everybody's turn, `later_ms` after the one before."""
        self.later_ms += later_ms
        sender = self.sender(**more)
        sender.tick()
        sender.wait()

    def now(self, hook: Webhook) -> Webhook:
        found = store.load(hook.id)
        assert found is not None
        return found


@pytest.fixture
def desk(valkey: str, documents: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(hooks, "ANSWER_S_MAX", 0.4)
    with redis.Redis.from_url(valkey, protocol=2) as client:
        yield Desk(client)


def states(hook: Webhook) -> list[tuple[int, str]]:
    return [(one.seq, one.state.value) for one in reversed(deliveries.page(hook.id, None, 0, 100))]


def test_each_announcement_is_told_once_in_order_signed_and_with_its_event_id(desk: Desk, receiver: Receiver) -> None:
    desk.announce(1)  # before there is a webhook
    hook = desk.hook(receiver.url)
    desk.announce(5_000, 7_000)
    desk.announce(2_000, type_="payment.refunded")
    for _ in range(3):
        desk.tick()
    assert receiver.seqs() == [6, 9, 12]
    headers, body = receiver.got[2]
    receivers_side.verify(body, headers["cho-signature"], hook.secrets[0], int(time.time()))
    told = json.loads(body)
    assert (told["id"], told["type"], told["amount"]) == ("evt_c01_12", "payment.refunded", 2_000)
    assert "wallet_id" not in told
    assert (headers["cho-event"], headers["cho-delivery"]) == ("payment.refunded", f"{hook.id}-{12:016d}")
    assert headers["host"] == receiver.url.split("/")[2]
    assert states(hook) == [(6, "delivered"), (9, "delivered"), (12, "delivered")]
    assert desk.client.xlen(store.stream_of(desk.merchant)) == 0


@pytest.mark.parametrize("answer", [500, 404, 429, 302, "hang", "cut"])
def test_what_is_not_taken_is_tried_again_later_and_those_behind_it_wait(
    desk: Desk, receiver: Receiver, answer: Any
) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1, 2)
    receiver.answers = [answer, answer]
    desk.tick()
    assert receiver.seqs() == [3]
    failing = desk.now(hook)
    assert (failing.lines[Topic.PAYMENTS].tries, failing.last_status) == (1, answer if isinstance(answer, int) else 0)
    assert bool(failing.last_error) == (not isinstance(answer, int))
    desk.tick()  # not due yet
    assert receiver.seqs() == [3]
    desk.tick(1_500)
    assert receiver.seqs() == [3, 3]
    desk.tick(1_500)  # two seconds after the second failure
    assert receiver.seqs() == [3, 3]
    desk.tick(1_000)
    assert receiver.seqs() == [3, 3, 3, 6]
    assert len({body for _, body in receiver.got[:3]}) == 1, "the same at every try"
    line = desk.now(hook).lines[Topic.PAYMENTS]
    assert (line.tries, line.failing_ms) == (0, 0)


def test_one_webhook_that_fails_keeps_no_other_waiting(desk: Desk, receiver: Receiver) -> None:
    other = Receiver()
    bad, _ = desk.hook(receiver.url), desk.hook(other.url)
    receiver.answers = ["hang"] * 5
    desk.announce(1, 2, 3)
    desk.tick()
    assert other.seqs() == [3, 6, 9]
    assert states(bad) == [(3, "waiting"), (6, "waiting"), (9, "waiting")]
    assert desk.client.xlen(store.stream_of(desk.merchant)) == 0, "each has taken what is its"
    other.close()


def test_after_72_hours_a_delivery_is_dead_and_visible_and_can_be_sent_again_by_hand(
    desk: Desk, receiver: Receiver
) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1, 2)
    receiver.answers = [500] * 3
    desk.tick()
    desk.tick(hooks.DEAD_MS - 60_000)
    assert states(hook) == [(3, "waiting"), (6, "waiting")]
    desk.tick(120_000)
    assert states(hook) == [(3, "dead"), (6, "dead")]
    desk.announce(3)
    desk.tick(600_000)
    assert receiver.seqs()[-1] == 9
    assert states(hook)[-1] == (9, "delivered")
    deliveries.ask_again(hook.id, f"{hook.id}-{3:016d}")
    desk.tick()
    assert receiver.seqs()[-1] == 3
    assert states(hook) == [(3, "delivered"), (6, "dead"), (9, "delivered")]


def test_a_delivery_sent_again_by_hand_disturbs_no_order_and_if_it_fails_is_not_tried_by_itself(
    desk: Desk, receiver: Receiver
) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1)
    desk.tick()
    deliveries.ask_again(hook.id, f"{hook.id}-{3:016d}")
    receiver.answers = [500]
    desk.announce(2)
    desk.tick()
    assert receiver.seqs() == [3, 3, 6]
    first = deliveries.delivery(f"{hook.id}-{3:016d}")
    assert first is not None
    assert (first.state, first.last_status, first.attempts, first.again) == (DeliveryState.DELIVERED, 500, 2, False)
    desk.tick(600_000)
    assert receiver.seqs() == [3, 3, 6]


def test_a_turn_ends_in_time_though_much_was_asked_to_be_sent_again(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1, 2)
    desk.tick()
    for seq in (3, 6):
        deliveries.ask_again(hook.id, f"{hook.id}-{seq:016d}")
    receiver.answers = ["hang", "hang"]
    monkeypatch.setattr(sender, "TURN_S_MAX", 0.2)
    telling = desk.sender()
    for told in ([3, 6, 3], [3, 6, 3, 6]):
        telling.tick()
        telling.wait()
        assert receiver.seqs() == told


def test_a_receiver_that_says_gone_is_left_alone_until_its_owner_goes_on(desk: Desk, receiver: Receiver) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1, 2)
    receiver.answers = [410]
    desk.tick()
    assert desk.now(hook).state is HookState.PAUSED
    desk.tick(600_000)
    assert receiver.seqs() == [3]
    store.go_on(hook.id, desk.owner)
    desk.tick()
    assert receiver.seqs() == [3, 3, 6]


def test_who_has_the_merchant_no_more_is_told_of_it_no_more(desk: Desk, receiver: Receiver) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1)
    desk.tick()
    desk.owner = "usr_heir"
    desk.announce(2)
    desk.tick()
    assert receiver.seqs() == [3]
    assert (desk.now(hook).state, desk.now(hook).last_error) == (
        HookState.PAUSED, "the merchant has another owner now",
    )  # fmt: skip
    store.go_on(hook.id, desk.owner)
    desk.tick()
    assert receiver.seqs() == [3, 6]


def test_a_webhook_with_nothing_to_tell_is_left_in_peace(desk: Desk, receiver: Receiver) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1)
    sender, turns = desk.sender(), []
    tell = sender.tell
    sender.tell = lambda one, topic: turns.append(one.id) or tell(one, topic)  # type: ignore[func-returns-value, method-assign]
    for _ in range(4):
        sender.tick()
        sender.wait()
    assert turns == [hook.id]
    deliveries.ask_again(hook.id, f"{hook.id}-{3:016d}")
    for _ in range(3):
        sender.tick()
        sender.wait()
    assert (turns, receiver.seqs()) == ([hook.id] * 2, [3, 3])
    store.pause(hook.id)
    desk.announce(2)
    for _ in range(3):
        sender.tick()
        sender.wait()
    assert (len(turns), receiver.seqs()) == (3, [3, 3])


class Killed(BaseException):
    """The process died here."""


@pytest.mark.parametrize("where", ["note_delivery", "note_try", "collect", "trim", "_post"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_steps_nothing_is_lost_and_nothing_out_of_order(
    desk: Desk, receiver: Receiver, where: str, after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = desk.hook(receiver.url)
    desk.announce(1, 2, 3)
    owner: Any = {"_post": Sender, "note_try": store}.get(where, deliveries)
    real = getattr(owner, where)

    def dies(*args: Any) -> Any:
        if after:
            real(*args)
        raise Killed

    monkeypatch.setattr(owner, where, dies)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    sender = desk.sender()
    try:
        sender.tick()
        sender.wait()
    except Killed:
        pass
    monkeypatch.setattr(owner, where, real)
    desk.tick()
    desk.tick()
    told = receiver.seqs()
    assert list(dict.fromkeys(told)) == [3, 6, 9], "in order, but for repetitions"
    assert len(told) <= 4, "at most one was told twice"
    assert states(hook) == [(3, "delivered"), (6, "delivered"), (9, "delivered")]


def test_above_what_may_wait_new_ones_are_dead_at_once_and_visible(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "WAITING_MAX", 2)
    hook = desk.hook(receiver.url)
    receiver.answers = [500]
    desk.announce(1, 2, 3)
    desk.tick()
    assert states(hook) == [(3, "waiting"), (6, "waiting"), (9, "dead")]
    assert deliveries.page(hook.id, DeliveryState.DEAD, 0, 10)[0].last_error == "more than 2 waited"


def test_a_name_that_means_a_private_address_by_now_is_not_connected_to(desk: Desk, receiver: Receiver) -> None:
    port = receiver.server.server_port
    hook = desk.hook(f"https://shop.example:{port}/hook")
    desk.announce(1)
    asked: list[str] = []

    def rebound(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    desk.tick(local=False, lookup=rebound)
    assert (asked, receiver.got) == (["shop.example"], [])
    assert "private" in desk.now(hook).last_error


def certificate(name: str, folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS for this name, and a client's that trusts it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(pem + secret)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize(("name", "taken"), [("shop.example", True), ("other.example", False)])
def test_the_certificate_has_to_be_the_names_though_an_address_is_connected_to(
    desk: Desk, tmp_path: Path, name: str, taken: bool
) -> None:
    server, client = certificate(name, tmp_path)
    receiver = Receiver(server)
    hook = desk.hook(f"https://shop.example:{receiver.server.server_port}/hook")
    desk.announce(1)
    desk.tick(trust=client, lookup=lambda *_: ["127.0.0.1"])
    assert (len(receiver.got), states(hook)[0][1]) == ((1, "delivered") if taken else (0, "waiting"))
    assert ("certificate" in desk.now(hook).last_error.lower()) == (not taken)
    receiver.close()


def test_while_a_secret_changes_both_sign_and_a_day_later_the_old_one_does_not(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = desk.hook(receiver.url)
    fresh = store.rotate(hook.id)
    desk.announce(1)
    desk.tick()
    headers, body = receiver.got[0]
    for secret in (hook.secrets[0], fresh):
        receivers_side.verify(body, headers["cho-signature"], secret, int(time.time()))
    later = now_ms() + hooks.OVERLAP_MS
    monkeypatch.setattr(store, "now_ms", lambda: later)
    assert desk.now(hook).secrets == (fresh,)
    kept = str(webhook_documents.WebhookDocument._get_collection().find_one())
    assert fresh not in kept
    assert hook.secrets[0] not in kept


# The API ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def hooked(api: Api, documents: None, monkeypatch: pytest.MonkeyPatch) -> Api:
    monkeypatch.setattr(settings(), "redis_url", api.bench.url)
    return api


async def test_an_owner_makes_sees_pauses_and_ends_webhooks_and_nobody_else_does(
    hooked: Api, receiver: Receiver
) -> None:
    (vendor, merchant), (stranger, _) = await hooked.vendor(), await hooked.vendor()
    create = wh.CreateWebhookRequest(merchant_id=merchant, url=receiver.url)
    assert await hooked.code(stranger, "CreateWebhook", create) == "MERCHANT_NOT_FOUND"
    made = await hooked(vendor, "CreateWebhook", create)
    assert made.secret.startswith("whsec_")
    hook_id = made.webhook.webhook_id
    with hooked.bench.redis() as client:
        assert client.smembers(store.HOOKED) == {merchant}
    listed = await hooked(OPERATOR, "ListWebhooks", wh.ListWebhooksRequest(merchant_id=merchant))
    assert [(hook.webhook_id, hook.url, hook.state) for hook in listed.webhooks] == [
        (hook_id, receiver.url, wh.WEBHOOK_STATE_ACTIVE)
    ]
    assert made.secret not in str(listed)
    pause = wh.SetWebhookStateRequest(webhook_id=hook_id, state=wh.WEBHOOK_STATE_PAUSED)
    assert (await hooked(vendor, "SetWebhookState", pause)).webhook.state == wh.WEBHOOK_STATE_PAUSED
    for method, request in (
        ("SetWebhookState", pause),
        ("RotateWebhookSecret", wh.RotateWebhookSecretRequest(webhook_id=hook_id)),
        ("DeleteWebhook", wh.DeleteWebhookRequest(webhook_id=hook_id)),
        ("ListDeliveries", wh.ListDeliveriesRequest(webhook_id=hook_id)),
        ("ResendDelivery", wh.ResendDeliveryRequest(delivery_id=f"{hook_id}-{1:016d}")),
    ):
        assert await hooked.code(stranger, method, request) == "NOT_FOUND", method
    missing = wh.ResendDeliveryRequest(delivery_id=f"{hook_id}-{1:016d}")
    assert await hooked.code(vendor, "ResendDelivery", missing) == "NOT_FOUND"
    rotated = await hooked(vendor, "RotateWebhookSecret", wh.RotateWebhookSecretRequest(webhook_id=hook_id))
    assert rotated.secret != made.secret
    for bad in ("ftp://x", "https://a:b@c/", "http://no.such.host.invalid/"):
        create.url = bad
        assert await hooked.code(vendor, "CreateWebhook", create) == "INVALID_ARGUMENT"
    create.url = receiver.url
    for _ in range(store.HOOKS_MAX - 1):
        await hooked(vendor, "CreateWebhook", create)
    assert await hooked.code(vendor, "CreateWebhook", create) == "OVERLOADED"
    for hook in store.of_merchant(merchant):
        await hooked(vendor, "DeleteWebhook", wh.DeleteWebhookRequest(webhook_id=hook.id))
    with hooked.bench.redis() as client:
        assert client.smembers(store.HOOKED) == set()


async def test_deliveries_are_listed_newest_first_and_sent_again_by_hand(hooked: Api, receiver: Receiver) -> None:
    vendor, merchant = await hooked.vendor()
    made = await hooked(vendor, "CreateWebhook", wh.CreateWebhookRequest(merchant_id=merchant, url=receiver.url))
    hook_id = made.webhook.webhook_id
    with redis.Redis.from_url(hooked.bench.url, protocol=2) as client:
        desk = Desk(client)
        desk.merchant, desk.owner = merchant, vendor.sub
        desk.announce(1, 2, 3)
        receiver.answers = [200, 500]
        desk.tick()
        request = wh.ListDeliveriesRequest(webhook_id=hook_id, limit=2)
        page = (await hooked(vendor, "ListDeliveries", request)).deliveries
        assert [(one.seq, one.state, one.last_status) for one in page] == [
            (9, wh.DELIVERY_STATE_WAITING, 0), (6, wh.DELIVERY_STATE_WAITING, 500),
        ]  # fmt: skip
        request.before_seq = 6
        (first,) = (await hooked(vendor, "ListDeliveries", request)).deliveries
        assert (first.seq, first.event_id, first.state) == (3, "evt_c01_3", wh.DELIVERY_STATE_DELIVERED)
        only = wh.ListDeliveriesRequest(webhook_id=hook_id, state=wh.DELIVERY_STATE_WAITING)
        assert [one.seq for one in (await hooked(vendor, "ListDeliveries", only)).deliveries] == [9, 6]
        again = wh.ResendDeliveryRequest(delivery_id=first.delivery_id)
        assert (await hooked(vendor, "ResendDelivery", again)).delivery.resending
        desk.tick()
        assert receiver.seqs() == [3, 6, 3]
    seen = (await hooked(vendor, "ListWebhooks", wh.ListWebhooksRequest(merchant_id=merchant))).webhooks[0]
    assert (seen.last_status, seen.HasField("failing_since")) == (500, True)
    for wrong in ({"before_seq": -1}, {"limit": 101}, {"state": 9}):
        request = wh.ListDeliveriesRequest(**{"webhook_id": hook_id, **wrong})
        assert await hooked.code(vendor, "ListDeliveries", request) == "INVALID_ARGUMENT"


def test_ip_addresses_in_a_url_are_judged_like_names() -> None:
    parts = hooks.check_url("https://[fd00::1]:8443/x", local=False)
    with pytest.raises(InvalidArgument):
        hooks.destination(parts, False)
    assert ipaddress.ip_address("fd00::1").is_private
