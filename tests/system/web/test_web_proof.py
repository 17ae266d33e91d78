"""A line's proof on the bank's page: the browser checks it, and says so when it does not hold."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli import people
from cli.api import Api
from kit.ids import new_key
from tests.system.web.conftest import Phone, drawn, violations
from tests.system.web.windows import closed_window

pytestmark = pytest.mark.system
OFFICER = people.OFFICERS[0]
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def paid(people_: dict[str, Api], wallet: str, merchant: dict[str, Any]) -> tuple[int, str]:
    """A closed window, and a payment in it."""
    body = {"wallet_id": wallet, "merchant_id": merchant["merchant_id"], "amount": 61_000}
    payment = people_["shopper"].post("/v1/payments", idempotency_key=new_key(), **body)["payment"]
    return closed_window(people_["operator"]), payment["transfer_id"]


def ask(phones: Any, paid: tuple[int, str], asked: str) -> Phone:
    officer: Phone = phones("bank", OFFICER.phone, bypass_csp=True)
    officer.page.goto(f"/bank/#/window/{paid[0]}")
    officer.page.get_by_role("link", name="Bằng chứng").click()
    officer.page.fill("#which", asked)
    return officer


def test_a_payments_line_is_proven_in_the_browser_and_again_without_it(
    phones: Any, paid: tuple[int, str], tmp_path: Path
) -> None:
    officer = ask(phones, paid, paid[1])
    officer.tap("Bằng chứng")
    officer.waits_for("Đúng: dòng này có trong báo cáo đã ký.")
    assert paid[1] in officer.text("#proof pre")
    assert officer.page.locator("#proof li.good").count() == 4
    assert officer.page.locator("#proof li.bad").count() == 0
    with officer.page.expect_download() as download:
        officer.tap("Tải bằng chứng (JSON)")
    download.value.save_as(tmp_path / "proof.json")
    *_, root, lines = officer.text("#proof p code").split()
    check = [sys.executable, ROOT / "docs/examples/check_proof.py", tmp_path / "proof.json", root, lines]
    assert subprocess.run(check, check=False).returncode == 0
    assert not violations(officer)


def test_a_line_that_was_changed_on_its_way_is_not_believed(phones: Any, paid: tuple[int, str]) -> None:
    officer = ask(phones, paid, paid[1])

    def changes(route: Any) -> None:
        answer = route.fetch()
        proof = answer.json()
        route.fulfill(response=answer, json={**proof, "line": proof["line"].replace("61000", "61001")})

    officer.page.route("**/proofs/**", changes)
    officer.tap("Bằng chứng")
    officer.waits_for("KHÔNG khớp: không được tin dòng này.")
    assert officer.page.locator("#proof li.bad").count() == 1


def test_a_manifest_that_somebody_else_signed_is_not_believed(phones: Any, paid: tuple[int, str]) -> None:
    officer = ask(phones, paid, "2")

    def changes(route: Any) -> None:
        answer = route.fetch()
        head, payload, signature = answer.json()["jws"].split(".")
        forged = f"{head}.{payload}.{signature[::-1]}"
        route.fulfill(response=answer, body=json.dumps({**answer.json(), "jws": forged}))

    officer.page.route("**/manifest.json", changes)
    officer.tap("Bằng chứng")
    officer.waits_for("KHÔNG khớp: không được tin dòng này.")


def test_what_is_in_no_line_is_said_and_the_screen_can_be_used_without_seeing_it(
    phones: Any, paid: tuple[int, str]
) -> None:
    officer = ask(phones, paid, "pay_0000")
    drawn(officer)
    assert not violations(officer)
    officer.tap("Bằng chứng")
    officer.waits_for("Báo cáo này không có dòng nào của pay_0000.")
