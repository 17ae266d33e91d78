"""A hostile client: garbage codes, stolen tokens, replayed keys. Every request gets its coded refusal, none a 5xx.

What each attack must be answered is written beside it. The client has an account of its own, a wallet with money that
it may spend, and a phone whose PIN others would like to guess.
"""

from __future__ import annotations

import base64
import json
import random
import string
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from locust import between, task

from kit.ids import derived_key, new_key
from loadtests.record import DONE, PAY, Asked, now_ms
from loadtests.users.base import DAY, RECORD, Person, Places, Reply

AMOUNT_VND = 1_000
LARGE_BYTES = 66 * 1024
FIVE_YEARS_MS = 5 * 365 * 86_400_000
# Nobody has this phone, so that nobody is locked out by the guesses.
NOBODY = "0979999999"
PAYMENTS = "/v1/payments"


@dataclass(frozen=True, slots=True)
class Attack:
    """`codes`: the refusals that it may get. `request`: keyword arguments of a request, made anew every time."""

    name: str
    codes: tuple[str, ...]
    request: Callable[[Hostile], dict[str, Any]]
    path: str = PAYMENTS
    verb: str = "POST"


class Hostile(Person):
    """Tries everything in turn, in an order of its own."""

    wait_time = between(0.05, 0.2)
    fixed_count = len(DAY.hostile)
    places = Places("hostile", DAY.hostile)

    def on_start(self) -> None:
        """Signs in as a shopper, as anybody may, and pays once: for a key to replay."""
        super().on_start()
        self.stall = DAY.stalls[0]
        self.victim = next(one for one in DAY.shoppers if one.account_id != self.who.account_id)
        self.spent = self.payment()
        who, body = self.who, self.spent
        RECORD.sent(
            Asked(
                body["idempotency_key"], PAY, who.phone, who.account_id, self.stall.merchant_id, AMOUNT_VND, now_ms(),
                "hostile",
            )
        )  # fmt: skip
        paid = self.ask("POST", PAYMENTS, name="/v1/payments (hostile, honest once)", json=body)
        RECORD.told(body["idempotency_key"], DONE, paid.body["payment"]["transfer_id"])

    @task
    def attack(self) -> None:
        """One attack."""
        chosen = random.choice(ATTACKS)
        name, headers = f"hostile: {chosen.name}", self.headers
        request = chosen.request(self)
        headers = request.pop("headers", headers)
        reply = self.send(
            chosen.verb, request.pop("path", chosen.path), lambda r: _refused(r, chosen), name=name, headers=headers,
            **request,
        )  # fmt: skip
        if not _refused(reply, chosen):
            RECORD.refused(chosen.name, f"{reply.status} {reply.code}")

    def payment(self, **changed: Any) -> dict[str, Any]:
        """A payment that would go through, but for what was changed."""
        body = {
            "idempotency_key": new_key(), "wallet_id": self.who.account_id, "qr_payload": self.stall.qr_payload,
            "amount": str(AMOUNT_VND),
        }  # fmt: skip
        return {**body, **changed}


def _refused(reply: Reply, attack: Attack) -> str:
    """What is wrong with the answer to an attack, or ""."""
    held = 400 <= reply.status < 500 and reply.code in attack.codes
    return "" if held else f"{reply.status} {reply.code!r}, not one of {', '.join(attack.codes)}"


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _token(who: Hostile) -> str:
    return who.headers["authorization"].removeprefix("Bearer ")


def _forged(who: Hostile) -> str:
    """The same token for somebody else, under the old signature."""
    head, payload, signature = _token(who).split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    claims["sub"], claims["roles"] = who.victim.user_id, ["operator"]
    return ".".join((head, _encoded(claims), signature))


def _unsigned(who: Hostile) -> str:
    """Algorithm "none"."""
    payload = _token(who).split(".")[1]
    return f"{_encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}."


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _garbage() -> str:
    return "".join(random.choices(string.printable, k=random.randint(1, 300)))


def _tampered(payload: str) -> str:
    """A stall's code with one digit of the account changed: the checksum tells."""
    at = random.randrange(20, len(payload) - 8)
    return payload[:at] + random.choice([c for c in string.digits if c != payload[at]]) + payload[at + 1 :]


# A changed character can break a code in several ways; whichever is seen first, the code is refused.
_BAD_CODE = ("QR_INVALID", "INVALID_ARGUMENT")
_BAD_AMOUNT = ("AMOUNT_INVALID", "INVALID_ARGUMENT", "INVALID_JSON")
_BAD_TOKEN = ("TOKEN_INVALID", "UNAUTHENTICATED")
_NOT_YOURS = ("ACCOUNT_NOT_FOUND", "NOT_FOUND", "PERMISSION_DENIED")

ATTACKS = (
    Attack("garbage code", _BAD_CODE, lambda w: {"json": w.payment(qr_payload=_garbage())}),
    Attack("garbage code, inspected", _BAD_CODE, lambda w: {"json": {"payload": _garbage()}}, "/v1/qr/inspect"),
    Attack("tampered code", _BAD_CODE, lambda w: {"json": w.payment(qr_payload=_tampered(w.stall.qr_payload))}),
    Attack("no token", ("UNAUTHENTICATED",), lambda w: {"json": w.payment(), "headers": {}}),
    Attack("garbage token", _BAD_TOKEN, lambda w: {"json": w.payment(), "headers": _bearer(uuid.uuid4().hex)}),
    Attack("forged token", _BAD_TOKEN, lambda w: {"json": w.payment(), "headers": _bearer(_forged(w))}),
    Attack("unsigned token", _BAD_TOKEN, lambda w: {"json": w.payment(), "headers": _bearer(_unsigned(w))}),
    Attack(
        "claims instead of a token", ("UNAUTHENTICATED",),
        lambda w: {"json": w.payment(), "headers": {"x-cho-sub": w.victim.user_id, "x-cho-roles": "operator"}},
    ),
    # Stolen: a token that is good, for a wallet that is not its owner's.
    Attack("somebody else's wallet", _NOT_YOURS, lambda w: {"json": w.payment(wallet_id=w.victim.account_id)}),
    Attack(
        "somebody else's account", _NOT_YOURS, lambda w: {"path": f"/v1/accounts/{w.victim.account_id}"}, verb="GET"
    ),
    Attack(
        "a stall's announcements", _NOT_YOURS,
        lambda w: {"path": f"/v1/merchants/{w.stall.merchant_id}/announcements"}, verb="GET",
    ),
    Attack("an operator's call", ("PERMISSION_DENIED",), lambda w: {"json": {"name": "x"}}, "/v1/users"),
    Attack("an agent's call", ("PERMISSION_DENIED",), lambda w: {"json": {"wallet_id": "x"}}, "/v1/cash-in"),
    # Replayed: a key that has paid, with another amount, another stall; an old key; none.
    Attack("replayed key, more", ("IDEMPOTENCY_CONFLICT",), lambda w: {"json": {**w.spent, "amount": "2000"}}),
    Attack(
        "replayed key, another stall", ("IDEMPOTENCY_CONFLICT",),
        lambda w: {"json": {**w.spent, "qr_payload": DAY.stalls[-1].qr_payload}},
    ),
    Attack(
        "old key", ("KEY_EXPIRED",),
        lambda w: {"json": w.payment(idempotency_key=derived_key(int(now_ms()) - FIVE_YEARS_MS, _garbage()))},
    ),
    Attack("no key", ("INVALID_ARGUMENT",), lambda w: {"json": w.payment(idempotency_key="")}),
    Attack("random key", ("INVALID_ARGUMENT",), lambda w: {"json": w.payment(idempotency_key=str(uuid.uuid4()))}),
    Attack("negative amount", _BAD_AMOUNT, lambda w: {"json": w.payment(amount="-1000")}),
    Attack("no amount", _BAD_AMOUNT, lambda w: {"json": w.payment(amount="0")}),
    Attack("half a dong", _BAD_AMOUNT, lambda w: {"json": w.payment(amount=0.5)}),
    Attack("not a number", _BAD_AMOUNT, lambda w: {"json": w.payment(amount="NaN")}),
    Attack("an overflow", _BAD_AMOUNT, lambda w: {"json": w.payment(amount="9223372036854775808")}),
    Attack("too much", _BAD_AMOUNT, lambda w: {"json": w.payment(amount="1000000000001")}),
    Attack("broken JSON", ("INVALID_JSON",), lambda w: {"data": '{"idempotency_key": ', "headers": _json(w)}),
    Attack("another JSON", ("INVALID_JSON", "INVALID_ARGUMENT"), lambda w: {"data": "[1, 2]", "headers": _json(w)}),
    Attack("empty body", ("INVALID_ARGUMENT", "ACCOUNT_NOT_FOUND"), lambda w: {"data": "{}", "headers": _json(w)}),
    Attack("large body", ("BODY_TOO_LARGE",), lambda w: {"json": w.payment(note="x" * LARGE_BYTES)}),
    Attack("long note", ("INVALID_ARGUMENT",), lambda w: {"json": w.payment(note="x" * 5_000)}),
    Attack("no such path", ("ROUTE_NOT_FOUND",), lambda w: {"json": {}}, "/v1/payments/../../admin"),
    Attack("another method", ("METHOD_NOT_ALLOWED",), lambda w: {}, PAYMENTS, "DELETE"),
    Attack(
        "a query in an id", ("ACCOUNT_NOT_FOUND", "NOT_FOUND", "INVALID_ARGUMENT", "ROUTE_NOT_FOUND"),
        lambda w: {"path": "/v1/accounts/%7B%22$gt%22:%22%22%7D"}, verb="GET",
    ),
    Attack(
        "guessed PIN", ("WRONG_PIN", "TOO_MANY_ATTEMPTS"),
        lambda w: {"json": {"phone": NOBODY, "pin": f"{random.randrange(10**6):06d}"}, "headers": {}},
        "/v1/sign-in",
    ),
    Attack("stale session", ("SESSION_ENDED", "UNAUTHENTICATED"), lambda w: {
        "json": {"refresh_token": uuid.uuid4().hex}, "headers": {}}, "/v1/token/refresh"),
)  # fmt: skip


def _json(who: Hostile) -> dict[str, str]:
    return {**who.headers, "content-type": "application/json"}
