"""Nothing personal leaves the encrypted fields: every log, stream, metric and stored document of a running stack is
searched for every seeded person's phone, identity number, account number and PIN, and for what this test brings in.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pymongo
import pytest
import redis

from cli import people
from cli.api import Api, ApiError
from cli.scraping import read_targets
from cli.stack import Stack
from cli.wallets import identify, made_up_card
from kit.config import SERVICES
from kit.ids import new_id, new_key
from services.onboarding import seed
from tests.system.personal import ACCOUNT, NEW_PIN, PHONE, PIN, PRINTED, leaks

pytestmark = pytest.mark.system

NAME, REASON = "Vi Thị Kín", "khách gọi tổng đài để xác minh"

# What was refused meanwhile, by number and path.
REFUSED: dict[str, str] = {}


@pytest.fixture(scope="module")
def lived(stack: Stack, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]) -> str:
    """Somebody comes in, forgets, errs, is looked at and goes; money moves by phone. Much goes wrong. Their id."""
    team, operator, shopper = people_["team"], people_["operator"], people_["shopper"]
    url = stack.gateway_url
    with httpx.Client(base_url=url) as http:

        def attempt(path: str, body: Any, who: Api | None = None) -> httpx.Response:
            headers = {"authorization": who.http.headers["authorization"]} if who else {}
            reply = http.post(path, json=body, headers=headers)
            http.cookies.clear()
            if reply.is_error:
                REFUSED[f"{len(REFUSED)} {path.partition('?')[0]}"] = f"{reply.text} {reply.headers}"
            return reply

        created = team.post("/v1/users", phone=PHONE, pin=PIN, name=NAME, roles=["shopper"])["user"]
        with pytest.raises(ApiError):
            team.post("/v1/users", phone=PHONE, pin=PIN, name=NAME, roles=["shopper"])
        identify(team, PHONE, NAME)
        for name in ("Người khác", "Kín\u202e"):
            attempt("/v1/identifications", {"phone": PHONE, "payload": made_up_card(name, PHONE)}, team)
        for pin in (NEW_PIN, "12345", PIN):
            attempt("/v1/sign-in", {"phone": PHONE, "pin": pin})
        attempt("/v1/sign-in", {"phone": [PHONE], "pin": {"x": PIN}})
        attempt(f"/v1/sign-in?phone={PHONE}", {"pin": PIN})
        newcomer = Api(url, attempt("/v1/sign-in", {"phone": PHONE, "pin": PIN}).json()["tokens"]["access_token"])
        with closing(newcomer.http):
            newcomer.post("/v1/me/pin", old_pin=PIN, new_pin=NEW_PIN)
            attempt("/v1/me/pin", {"old_pin": NEW_PIN, "new_pin": PIN[::-1]}, newcomer)
            assert attempt("/v1/pin-reset/start", {"phone": PHONE}).status_code == 200
            assert (
                attempt("/v1/pin-reset/finish", {"phone": PHONE, "code": "000000", "new_pin": PIN}).status_code == 401
            )
            team.post("/v1/pin-reset/vouchers", phone=PHONE, reason=REASON)
            revealed = operator.post(
                f"/v1/users/{created['user_id']}/reveal", field="PERSONAL_FIELD_PHONE", reason=REASON
            )
            assert revealed["value"].endswith(PHONE[1:])
            assert PHONE[1:] in newcomer.http.get("/v1/me/data").text
            attempt("/v1/phones/inspect", {"phone": PHONE}, shopper)
            body = {"idempotency_key": new_key(), "wallet_id": wallet, "phone": PHONE, "amount": 1_000}
            attempt("/v1/transfers", body, shopper)
            account = {"bank_bin": "970418", "account_number": ACCOUNT, "account_name": "VI THI KIN"}
            fields = {"request_id": new_key(), "name": "Quán Kín", "market_id": merchant["market_id"], "stall": "D-77"}
            for owner in (created["user_id"], "", new_id("usr")):
                attempt("/v1/merchants", fields | {"owner_id": owner, "settlement_account": account}, team)
            newcomer.post("/v1/me/erase", money_withdrawn=True)
        attempt("/v1/sign-in", {"phone": PHONE, "pin": NEW_PIN})
    return str(created["user_id"])


def test_no_log_holds_anything_personal(stack: Stack, lived: str) -> None:
    logs = {one["name"]: one["log"] for one in stack.processes() if one["name"] not in PRINTED}
    texts = {name: Path(path).read_text(errors="replace") for name, path in logs.items()}
    assert lived in texts["identity.serve"], "it is the right log: the newcomer's id is in it"
    assert leaks(texts) == []
    sent = [json.loads(line) for line in (stack.home / "sms.jsonl").read_text().splitlines()]
    (code,) = re.findall(r"\b[0-9]{6}\b", next(one["text"] for one in reversed(sent) if one["to"] == f"+84{PHONE[1:]}"))
    assert not [name for name, text in texts.items() if re.search(rf"(?<![0-9A-Za-z.]){code}(?![0-9A-Za-z])", text)]


def test_no_refusal_holds_anything_personal(lived: str) -> None:
    codes = set(re.findall(r'"reason": ?"([A-Z_]+)"', " ".join(REFUSED.values())))
    assert {"WRONG_PIN", "INVALID_ARGUMENT", "WRONG_CODE"} <= codes, "much was refused"
    assert leaks(REFUSED) == []


def test_no_stream_and_no_key_of_valkey_holds_anything_personal(stack: Stack, lived: str) -> None:
    with redis.Redis.from_url(stack.settings().redis_url, decode_responses=True, encoding_errors="replace") as client:
        texts = dict(_everything(client))
    assert "identity:events" in texts
    assert leaks(texts) == []


def _everything(client: Any) -> Iterator[tuple[str, str]]:
    """Every key and all that it holds."""
    read = {
        "string": client.get,
        "hash": client.hgetall,
        "set": client.smembers,
        "list": lambda key: client.lrange(key, 0, -1),
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
        "stream": client.xrange,
    }
    for key in client.scan_iter(count=1_000):
        kind = client.type(key)
        if kind != "none":  # it has expired since it was listed: leases and codes do
            yield key, f"{key} {read[kind](key)!r}"


def test_no_metric_holds_anything_personal(stack: Stack, lived: str) -> None:
    texts = {}
    for group in read_targets(stack.home):
        (target,), labels = group["targets"], group["labels"]
        url = f"http://{target}{labels['__metrics_path__']}?usedonly"  # Envoy has thousands that never counted
        texts[labels["process"]] = httpx.get(url, timeout=30).text
    assert {"identity.serve", "onboarding.serve", "payments.serve", "gateway"} <= texts.keys()
    assert leaks(texts) == []


def test_at_rest_it_is_encrypted_in_every_document(stack: Stack, lived: str) -> None:
    texts = {}
    with closing(pymongo.MongoClient(stack.settings().mongodb_uri)) as client:
        for service in SERVICES:
            database = client[stack.settings().mongo_database(service)]
            for name in database.list_collection_names():
                texts[f"{service}.{name}"] = repr(list(database[name].find()))
    assert people.SHOPPERS[0].name in texts["identity.users"], (
        "names are not encrypted, and say that it is the right one"
    )
    assert leaks(texts) == []


@pytest.mark.parametrize(
    "text",
    [
        *(f"wrong PIN phone={form}" for form in (PHONE, f"+84{PHONE[1:]}", f"84{PHONE[1:]}")),
        f"{{'account': '{ACCOUNT}'}}", f"pin={PIN}", f'"pin": "{people.PIN}"', f"b'0{people.SHOPPERS[0].phone[1:]}'",
        f"<{seed.merchants()[0].form('', '').citizen_id}>", f"x {seed.merchants()[-1].form('', '').account_number} y",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert len(leaks({"a log": f"2026-11-29 12:00:00 [info] {text} module=x"})) == 1


@pytest.mark.parametrize("text", [f"usr_01{PIN}ab", f"1{PHONE}", f"at=1764380{PIN}", f"took 0.{people.PIN} s"])
def test_the_search_takes_no_id_time_or_longer_number_for_a_secret(text: str) -> None:
    assert leaks({"a log": text}) == []
