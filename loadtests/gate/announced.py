"""Hears what stalls had not heard when the run ended: comes back with the last id, as their phones do."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import httpx

from cli.api import Api
from loadtests.config import MarketDay
from loadtests.record import Heard, Told

WAIT_S_MAX = 20.0


def catch_up(api: Api, day: MarketDay, told: Told) -> int:
    """Adds what was announced and not heard; how many. What never comes is missing in the record: the gate says so.

    Raises ApiError.
    """
    reached = {stall.merchant_id: (stall.version, stall.after) for stall in day.stalls}
    for one in told.heard:
        reached[one.merchant_id] = max(reached.get(one.merchant_id, (0, 0)), (one.version, one.seq))
    added = 0
    for person, stall in zip(day.vendors, day.stalls, strict=True):
        vendor = api.sign_in(person.phone, person.pin)
        account = vendor.get(f"/v1/accounts/{stall.merchant_id}")["account"]
        version, seq = reached[stall.merchant_id]
        if int(account["version"]) <= version:
            continue
        for one in _listen(vendor, stall.merchant_id, seq, int(account["version"])):
            told.heard.append(one)
            added += 1
    return added


def _listen(vendor: Api, merchant_id: str, after: int, until_version: int) -> Iterator[Heard]:
    """Announcements behind `after` until one of that version, or none for WAIT_S_MAX."""
    path, deadline = f"/v1/merchants/{merchant_id}/announcements", time.monotonic() + WAIT_S_MAX
    timeout = httpx.Timeout(5, read=WAIT_S_MAX)
    try:
        with vendor.http.stream("GET", path, headers={"last-event-id": str(after)}, timeout=timeout) as reply:
            for line in reply.iter_lines():
                if line.startswith("data: ") and "merchant_version" in line:
                    one = heard(json.loads(line.removeprefix("data: ")))
                    yield one
                    if one.version >= until_version:
                        return
                if time.monotonic() > deadline:
                    return
    except httpx.ReadTimeout:
        return


def heard(said: dict[str, Any]) -> Heard:
    """An announcement's data. Heard after the run, it says nothing about how long it took: `heard_ms` is 0."""
    at = datetime.fromisoformat(said["at"].replace("Z", "+00:00"))
    return Heard(
        said["merchant_id"], said["transfer_id"], said["type"], int(said["amount"]), int(said["fee"]),
        int(said["seq"]), int(said["merchant_version"]), round(at.timestamp() * 1000), 0.0,
    )  # fmt: skip
