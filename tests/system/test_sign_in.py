"""Signing in with a device, entering the PIN again, losing the device: through the front door."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from cli import people
from cli.api import Api, ApiError
from cli.stack import Stack

pytestmark = pytest.mark.system

PHONE = people.SHOPPERS[1].phone


def said(access_token: str) -> Any:
    """The claims of a token, as its holder reads them."""
    payload = access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def test_a_pin_entered_again_is_fresh_and_a_lost_phone_is_shut_out(stack: Stack) -> None:
    with httpx.Client(base_url=stack.gateway_url) as http:

        def sign_in(name: str) -> Any:
            body = {"phone": PHONE, "pin": people.PIN, "device_id": str(uuid.uuid4()), "device_name": name}
            reply = http.post("/v1/sign-in", json=body)
            http.cookies.clear()
            return reply.json()["tokens"]

        lost, here = sign_in("lost"), sign_in("here")
        me = {"authorization": f"Bearer {here['access_token']}"}
        before = said(here["access_token"])
        while time.time() < before["iat"] + 1:
            time.sleep(0.05)

        wrong = http.post("/v1/step-up", json={"pin": "901846"}, headers=me | {"x-cho-pin-at": "1999999999"})
        right = http.post("/v1/step-up", json={"pin": people.PIN}, headers=me)
        http.cookies.clear()
        assert (wrong.status_code, wrong.json()["details"][0]["reason"]) == (401, "WRONG_PIN")
        after = said(right.json()["access_token"])
        assert after["pin_at"] > before["pin_at"]
        assert (after["sid"], after["dev"], after["dev_at"]) == (before["sid"], before["dev"], before["dev_at"])

        me = {"authorization": f"Bearer {right.json()['access_token']}"}
        devices = http.get("/v1/me/devices", headers=me).json()["devices"]
        by_name = {device["name"]: device for device in devices}
        assert (by_name["here"]["device_id"], by_name["here"]["current"]) == (before["dev"], True)
        removed = http.delete(f"/v1/me/devices/{by_name['lost']['device_id']}", headers=me)
        assert removed.status_code == 200
        for tokens, status in ((lost, 401), (here, 200)):
            refresh = http.post("/v1/token/refresh", json={"refresh_token": tokens["refresh_token"]})
            http.cookies.clear()
            assert refresh.status_code == status


def test_somebody_links_their_account_and_signs_in_through_the_outside_provider(stack: Stack) -> None:
    """In a browser: cookies, a redirect to the provider and back, no token or secret in the hands of a script."""
    with httpx.Client(base_url=stack.gateway_url) as browser:

        def come_back(started: httpx.Response) -> dict[str, str]:
            assert started.status_code == 200, started.text
            there = httpx.get(started.json()["authorization_url"] + "&login_hint=cccd-0003")
            assert there.headers["location"].startswith(f"{stack.gateway_url}/back?")
            return dict(parse_qsl(urlsplit(there.headers["location"]).query))

        body = {"phone": people.SHOPPERS[2].phone, "pin": people.PIN}
        owner = browser.post("/v1/sign-in", json=body).json()["user"]["user_id"]
        back = come_back(browser.post("/v1/me/external/link", json={}))
        assert browser.post("/v1/me/external/link/finish", json=back).status_code == 200
        again = browser.post("/v1/me/external/link/finish", json=back)
        assert (again.status_code, again.json()["details"][0]["reason"]) == (401, "EXTERNAL_REFUSED")
        browser.cookies.clear()

        back = come_back(browser.post("/v1/external/sign-in", json={}))
        signed_in = browser.post("/v1/external/sign-in/finish", json=back)
        assert (signed_in.status_code, signed_in.json()["user"]["user_id"]) == (200, owner)
        assert browser.get("/v1/me").json()["user"]["user_id"] == owner
        refused = browser.post("/v1/me/external/unlink", json={})
        assert refused.json()["details"][0]["reason"] == "STEP_UP_NEEDED", "no PIN was entered in this session"
        browser.post("/v1/step-up", json={"pin": people.PIN})
        assert browser.post("/v1/me/external/unlink", json={}).status_code == 200


def test_roles_that_two_operators_gave_and_one_took_count_at_the_next_token(stack: Stack) -> None:
    with Api(stack.gateway_url) as nobody:
        maker, checker = (nobody.sign_in(one.phone, people.PIN) for one in (people.OPERATOR, people.CHECKER))
        user_id = nobody.sign_in(people.SHOPPERS[1].phone, people.PIN).user["user_id"]
        why = "quyết định số 12/QĐ-UBND"
        proposal = maker.post(f"/v1/users/{user_id}/roles", roles=["shopper", "team"], reason=why)["proposal"]
        decision = {"proposal_id": proposal["proposal_id"], "approve": True}
        with pytest.raises(ApiError, match="FOUR_EYES"):
            maker.post(f"/v1/users/{user_id}/roles/decision", **decision)
        checker.post(f"/v1/users/{user_id}/roles/decision", **decision)
        member = nobody.sign_in(people.SHOPPERS[1].phone, people.PIN)
        assert member.user["roles"] == ["shopper", "team"]
        maker.post(f"/v1/users/{user_id}/roles/revoke", roles=["team"], reason=why)
        assert nobody.sign_in(people.SHOPPERS[1].phone, people.PIN).user["roles"] == ["shopper"]
        trail = checker.get(f"/v1/users/{user_id}/roles")["changes"]
        assert [line["kind"] for line in trail] == ["ROLE_CHANGE_KIND_GRANTED", "ROLE_CHANGE_KIND_REVOKED"]
