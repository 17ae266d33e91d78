"""Signing in with a device, entering the PIN again, losing the device: through the front door."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import httpx
import pytest

from cli import people
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
