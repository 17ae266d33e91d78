"""A market from a spreadsheet and a vendor with a code, through a whole stack: as a team member types and taps."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer
from typer.testing import CliRunner

from cli import onboard, people
from cli.api import Api, ApiError
from cli.stack import Stack
from kit.config import settings
from kit.ids import new_id, new_key
from services.onboarding.bulk import columns, example

pytestmark = pytest.mark.system
TITLES = [column.title for column in columns.COLUMNS]
FIRST = 700_000


@pytest.fixture
def here(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process's settings are the stack's."""
    for name, value in {**stack.env, "COLUMNS": "220"}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    yield
    settings.cache_clear()


def cells(number: int, **changes: str) -> list[str]:
    made = example.cells_of(FIRST + number, "Chợ Thái") | changes
    return [made[column.field] for column in columns.COLUMNS]


def written(path: Path, *rows: list[str]) -> Path:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows([TITLES, *rows])
    path.write_text("\ufeff" + out.getvalue(), encoding="utf-8")
    return path


def cho_onboard(*words: object) -> Any:
    tool = typer.Typer()
    tool.command()(onboard.onboard)
    return CliRunner().invoke(tool, [str(word) for word in words], catch_exceptions=False)


def results(path: Path) -> list[str]:
    page = openpyxl.load_workbook(path).active
    return [str(line[-3].value) for line in page.iter_rows(min_row=2)]


@pytest.mark.usefixtures("here")
def test_a_market_is_tried_put_right_and_brought_in_from_the_command_line(
    tmp_path: Path, people_: dict[str, Api]
) -> None:
    good, bad = [cells(0), cells(1)], cells(2, phone="12", name="=1+1")
    file, result = written(tmp_path / "cho-thai.csv", *good, bad), tmp_path / "cho-thai-ket-qua.xlsx"
    tried = cho_onboard(file, "--dry-run")
    assert (tried.exit_code, "ô chứa công thức" in tried.output) == (1, True), tried.output
    assert results(result) == ["Hợp lệ, chưa nạp", "Hợp lệ, chưa nạp", "Không hợp lệ"]
    done = cho_onboard(file)
    assert done.exit_code == 1
    assert results(result) == ["Đã nạp, chờ duyệt", "Đã nạp, chờ duyệt", "Không hợp lệ"]
    again = cho_onboard(written(tmp_path / "sua.csv", *good, cells(2)), "--result", result)
    assert again.exit_code == 0, again.output
    assert results(result) == ["Đã có từ trước", "Đã có từ trước", "Đã nạp, chờ duyệt"]
    # Waiting for review, and not for who sent it.
    made = openpyxl.load_workbook(result).active
    merchant_id = made.cell(row=4, column=made.max_column).value
    merchant = people_["operator"].get(f"/v1/merchants/{merchant_id}")["merchant"]
    assert merchant["state"] == "MERCHANT_STATE_SUBMITTED"
    with pytest.raises(ApiError, match="PERMISSION_DENIED"):
        people_["team"].post(f"/v1/merchants/{merchant_id}/approve")


@pytest.mark.usefixtures("here")
def test_what_is_no_table_is_refused_in_vietnamese(tmp_path: Path) -> None:
    file = tmp_path / "anh.csv"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + b"\xff" * 100)
    done = cho_onboard(file)
    assert (done.exit_code, "SHEET_INVALID" in done.output) == (2, True)
    assert "CSV UTF-8" in done.output


def test_progress_comes_as_events_through_the_gateway_and_a_half_megabyte_part_fits(people_: dict[str, Api]) -> None:
    team = people_["team"]
    filler = "x" * 480
    rows = [",".join(TITLES), *(",".join([*cells(10)[:-1], filler]) for _ in range(900))]
    content = "\n".join(rows).encode()
    assert len(content) > 500_000
    found = onboard.send(team, content, "nhieu.csv")
    with team.http.stream("GET", f"/v1/imports/{found['import_id']}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        told = [json.loads(line[6:]) for line in events.iter_lines() if line.startswith("data: ")]
    assert told[-1]["state"] == "IMPORT_STATE_CHECKED"
    assert told[-1]["rows"] == 900
    workbook = team.download("/v1/import-template")
    assert openpyxl.load_workbook(io.BytesIO(workbook)).sheetnames[0] == "Danh sách"


def test_a_vendor_confirms_by_a_code_what_a_team_member_filled_in(stack: Stack, people_: dict[str, Api]) -> None:
    team = people_["team"]
    made = example.cells_of(FIRST + 500, "")
    market = next(one for one in team.get("/v1/markets")["markets"] if one["name"] == "Chợ Thái")
    day, month, year = made["birth_date"].split("/")
    form = {
        "request_id": new_key(), "market_id": market["market_id"], "stall": made["stall"], "name": made["name"],
        "category_code": made["category_code"], "phone": made["phone"], "person_name": made["person_name"],
        "birth_date": f"{year}-{month}-{day}", "sex": "female" if made["sex"] == "Nữ" else "male",
        "citizen_id": made["citizen_id"], "citizen_issued": "2024-06-30", "citizen_expires": "2045-12-31",
        "settlement_account": {"bank_bin": "970405", "account_number": made["account_number"],
                               "account_name": made["account_name"]},
    }  # fmt: skip
    (synced,) = team.post("/v1/drafts/sync", drafts=[{"form": form}])["drafts"]
    assert (synced["outcome"], synced["problems"]) == ("SYNC_OUTCOME_SAVED", [])
    path = f"/v1/drafts/{synced['merchant_id']}"
    with pytest.raises(ApiError, match="CONFIRMATION_NEEDED"):
        team.post(f"/v1/merchants/{synced['merchant_id']}/submit")
    team.post(f"{path}/confirmation")
    messages = [json.loads(line) for line in (stack.home / "sms.jsonl").read_text().splitlines()]
    code = next(one["text"][:6] for one in reversed(messages) if one["to"].endswith(made["phone"][1:]))
    assert team.post(f"{path}/confirm", code=code)["confirmation"]["confirmed"]
    with pytest.raises(ApiError, match="CODE_USED"):
        team.post(f"{path}/confirm", code=code)
    submitted = team.post(f"/v1/merchants/{synced['merchant_id']}/submit")["merchant"]
    assert submitted["state"] == "MERCHANT_STATE_SUBMITTED"


def test_a_team_and_its_commune_are_counted(people_: dict[str, Api]) -> None:
    team, operator = people_["team"], people_["operator"]
    team_id = new_id("tea")
    body = {"name": "Tổ số tổ 5", "ward_code": "05443", "members": [people.TEAM.user_id], "version": 0}
    reply = operator.http.put(f"/v1/teams/{team_id}", json=body)
    assert reply.status_code == 200, reply.text
    own = team.get("/v1/teams/progress")
    assert own["team"]["team_id"] == team_id
    assert own["total"]["submitted"] + own["total"]["active"] > 0
    commune = team.get("/v1/communes/05443/progress")
    assert {one["market_name"] for one in commune["markets"]} >= {"Chợ Thái"}
