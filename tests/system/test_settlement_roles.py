"""A settled window through the front door: an institution sees its own files, proofs and breaks, and no other's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from cli import people
from cli.api import Api
from cli.settle import close_window
from cli.stack import Stack
from kit.ids import new_key
from services.settlement.server.windows import FILES
from simulators.institutions.faults import Fault, arm
from simulators.institutions.ticks import Institutions
from tests.system.settling import age_files
from tests.waiting import until

pytestmark = pytest.mark.system
OWN = "VIETTEL"


@dataclass
class Window:
    """A window in which VIETTEL's record lacks a line: what there is to see of it."""

    number: int
    break_id: str


@pytest.fixture(scope="module")
def window(stack: Stack, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]) -> Iterator[Window]:
    """Closed by an operator; all else the stack's own clerk does."""
    operator, shopper = people_["operator"], people_["shopper"]
    for amount in (21_000, 22_000, 23_000):
        shopper.post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant["merchant_id"],
            amount=amount,
        )  # fmt: skip
    number = close_window(operator)
    arm(stack.home, OWN, Fault(kind="missing_line", on=f"record.W{number:06d}*", seed=1))
    manifest = stack.home / "exchange" / OWN / "out" / f"manifest.W{number:06d}-{OWN}.json"
    until(manifest.exists)

    def found() -> Any:
        ours = [one for one in _breaks(operator) if one["stream"].endswith(f"W{number:06d}")]
        return ours and ours[0]["break_id"]

    with closing(Institutions(stack.home)) as institutions:
        for n in range(3):
            institutions.tick(datetime.now(UTC) + timedelta(milliseconds=n))
        age_files(stack.home)
        yield Window(number, until(found))


def _breaks(api: Api, **query: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = api.get("/v1/breaks", **({"institution": OWN} | query)).get("breaks", [])
    return listed


@pytest.fixture(scope="module")
def others(api: Api, people_: dict[str, Api]) -> dict[str, Api]:
    """Officers of other institutions, and people of every other kind."""
    named = {
        "VNPT": people.OFFICERS[1], "MOBIFONE": people.OFFICERS[2], "team": people.TEAM, "manager": people.MANAGER,
    }  # fmt: skip
    found = {name: api.sign_in(person.phone, people.PIN) for name, person in named.items()}
    return found | {name: people_[name] for name in ("bank", "shopper", "vendor", "agent")}


OFFICERS = ("VNPT", "MOBIFONE", "bank")


def _of_ours(window: Window) -> list[str]:
    """Everything of VIETTEL's that can be fetched."""
    of = f"/v1/windows/{window.number}"
    return [
        f"{of}/reports/{OWN}", *(f"{of}/files/{OWN}/{name}" for name in FILES), f"{of}/proofs/{OWN}/1",
        f"/v1/breaks?institution={OWN}", f"/v1/breaks/{window.break_id}", f"/v1/reconciliations?institution={OWN}",
        f"/v1/liquidity/{OWN}",
    ]  # fmt: skip


def _status(api: Api, path: str) -> int:
    return int(api.http.get(path).status_code)


def test_its_own_officer_an_operator_and_an_auditor_see_everything_of_an_institution(
    people_: dict[str, Api], window: Window
) -> None:
    for who in ("officer", "operator", "auditor"):
        assert {path: _status(people_[who], path) for path in _of_ours(window)} == dict.fromkeys(_of_ours(window), 200)


@pytest.mark.parametrize("who", ["VNPT", "MOBIFONE", "bank", "team", "manager", "shopper", "vendor", "agent"])
def test_nobody_else_sees_any_of_it(others: dict[str, Api], window: Window, who: str) -> None:
    # An officer is not even told that it is there; whoever has no business with settlement is turned away.
    wanted = 404 if who in OFFICERS else 403
    assert {path: _status(others[who], path) for path in _of_ours(window)} == dict.fromkeys(_of_ours(window), wanted)


def test_without_signing_in_nobody_sees_anything(api: Api, window: Window) -> None:
    assert {_status(api, path) for path in _of_ours(window)} == {401}


@pytest.mark.parametrize("who", OFFICERS)
def test_another_officer_may_not_speak_about_a_break_that_is_not_theirs(
    others: dict[str, Api], people_: dict[str, Api], window: Window, who: str
) -> None:
    path = f"/v1/breaks/{window.break_id}"
    before = people_["operator"].get(path)
    for what, body in (
        ("comments", {"text": "của chúng tôi"}), ("owner", {"owner": "tôi", "version": 1}),
        ("resolution", {"resolution": "bỏ qua", "version": 1}), ("decision", {"approve": True, "version": 1}),
    ):  # fmt: skip
        assert others[who].http.post(f"{path}/{what}", json=body).status_code in (403, 404)
    assert people_["operator"].get(path) == before


@pytest.mark.parametrize(
    "write",
    [
        lambda w: (f"/v1/windows/{w.number + 1}/close", {}), lambda w: ("/v1/payout-batches/PO-W000001-1/release", {}),
        lambda w: (f"/v1/breaks/{w.break_id}/owner", {"owner": "tôi", "version": 1}),
        lambda w: (f"/v1/breaks/{w.break_id}/resolution", {"resolution": "bỏ qua", "version": 1}),
        lambda w: (f"/v1/breaks/{w.break_id}/decision", {"approve": True, "version": 1}),
        lambda w: (f"/v1/liquidity/{OWN}", {"amount": 1, "idempotency_key": new_key()}),
        lambda w: (f"/v1/liquidity/{OWN}/cap", {"uncapped": True}),
    ],
)  # fmt: skip
def test_even_its_own_officer_and_an_auditor_decide_nothing(
    people_: dict[str, Api], window: Window, write: Callable[[Window], tuple[str, dict[str, Any]]]
) -> None:
    path, body = write(window)
    for who in ("officer", "auditor", "team"):
        assert people_[who].http.post(path, json=body).status_code == 403


def test_lists_hold_an_officers_own_only_whatever_was_asked(
    people_: dict[str, Api], others: dict[str, Api], window: Window
) -> None:
    of = f"/v1/windows/{window.number}/positions"
    everything = people_["operator"].get(of)
    assert {line["institution"] for line in everything["positions"]} >= {OWN, "970405"}
    own = people_["officer"].get(of)
    assert {line["institution"] for line in own["positions"]} == {OWN}
    assert all(OWN in (pair["from"], pair["to"]) for pair in own["pairs"])
    foreign = others["VNPT"].get(of)
    assert (foreign.get("positions", []), foreign.get("pairs", [])) == ([], []), "it had no part in this window"
    for who in OFFICERS:
        for path in ("/v1/breaks", "/v1/reconciliations"):
            listed = others[who].get(path)
            assert OWN not in json.dumps(listed)
    bins = {one["bank_bin"] for one in others["bank"].get("/v1/payouts", window=window.number).get("payouts", [])}
    assert bins <= {"970405"}
    assert people_["officer"].get("/v1/payouts", window=window.number).get("payouts", []) == []


def test_what_an_officer_downloads_is_what_the_signed_manifest_names(people_: dict[str, Api], window: Window) -> None:
    of = f"/v1/windows/{window.number}/files/{OWN}"
    manifest = people_["officer"].download(f"{of}/manifest.json").decode()
    for name in set(FILES) - {"manifest.json"}:
        content = people_["officer"].download(f"{of}/{name}")
        assert hashlib.sha256(content).hexdigest() in manifest


@pytest.mark.parametrize(
    "path",
    [
        "/v1/windows/{n}/files/VIETTEL/..%2F..%2FVNPT", "/v1/windows/{n}/files/VIETTEL/report.W000001-VNPT.csv",
        "/v1/windows/{n}/files/..%2FVNPT/report.csv", "/v1/windows/{n}/reports/viettel",
        "/v1/windows/{n}/reports/VIETTEL%00", "/v1/windows/{n}/proofs/VIETTEL/0", "/v1/windows/{n}/proofs/VIETTEL/999",
        "/v1/windows/999999/reports/VIETTEL", "/v1/windows/0/reports/VIETTEL",
        "/v1/windows/-1/files/VIETTEL/report.csv",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_leads_nowhere(people_: dict[str, Api], window: Window, path: str) -> None:
    reply = httpx.get(
        f"{people_['officer'].http.base_url}{path.format(n=window.number)}",
        headers={"authorization": people_["officer"].http.headers["authorization"]},
    )
    assert reply.status_code in (400, 404)
