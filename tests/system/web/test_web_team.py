"""A vendor is brought in from a stall without a network, confirms, is reviewed, and gets a stand: in real browsers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from cli import people
from cli.api import Api
from cli.stack import Stack
from cli.wallets import made_up_card, open_wallet
from kit.ids import new_key
from services.onboarding.seed import made_up_person
from tests.scanner import scan
from tests.system.web.conftest import answer_lost, drawn, violations

pytestmark = pytest.mark.system
# What the phone keeps of somebody's draft.
DRAFTS = """Object.entries(localStorage).filter(([name]) => name.startsWith('cho.drafts.'))
.flatMap(([, kept]) => JSON.parse(kept)).filter((one) => one.form.person_name === '{name}')"""
NAME, PHONE, STALL = "Hoàng Thị Mười", "0987654777", "F-10"


def card_of(person: dict[str, str]) -> str:
    """What the QR code of a citizen card holds."""

    def ddmmyyyy(day: str) -> str:
        return "".join(reversed(day.split("-")))

    sex = {"female": "Nữ", "male": "Nam"}[person["sex"]]
    born, issued = ddmmyyyy(person["birth_date"]), ddmmyyyy(person["citizen_issued"])
    return "|".join([person["citizen_id"], "", person["person_name"], born, sex, person["address"], issued])


def code_sent_to(stack: Stack, phone: str) -> str:
    """The six digits of the last message."""
    lines = (stack.home / "sms.jsonl").read_text().splitlines()
    texts = [json.loads(line)["text"] for line in lines if json.loads(line)["to"].endswith(phone[1:])]
    [code] = re.findall(r"\b[0-9]{6}\b", texts[-1])
    return str(code)


def test_a_vendor_is_brought_in_without_a_network_confirms_is_reviewed_and_gets_a_stand(
    phones: Any, stack: Stack, merchant: dict[str, Any], tmp_path: Path
) -> None:
    person = made_up_person(910, NAME, PHONE)
    team = phones("team", people.TEAM.phone)
    team.tap("Thêm người bán")
    team.page.goto(re.sub("/card$", "", team.page.url) + "/stall")  # once, so that the markets are on the phone
    team.page.locator(f"#market_id option[value='{merchant['market_id']}']").wait_for(state="attached")
    team.page.go_back()

    team.context.set_offline(True)
    team.page.fill("#pasted", card_of(person))
    team.tap("Dùng mã này")
    team.page.locator("#person_name").wait_for()
    assert team.page.input_value("#person_name") == NAME
    assert team.page.input_value("#birth_date") == person["birth_date"]
    team.page.fill("#phone", PHONE)
    team.tap("Tiếp")
    team.page.select_option("#market_id", merchant["market_id"])
    team.page.fill("#stall", STALL)
    team.page.fill("#name", "Chè Cô Mười")
    team.page.select_option("#category_code", "5499")
    team.page.select_option("#enterprise_kind", "household")
    team.tap("Tiếp")
    team.page.fill("#bank_bin", "970405")
    team.page.fill("#account_number", "10100055555")
    team.tap("Kiểm tra")
    team.waits_for("Không có mạng: hồ sơ nằm trên máy này")

    # Back where there is a network: what is missing is said, and filled in.
    team.context.set_offline(False)
    team.tap("Gửi lên")
    team.waits_for("Còn thiếu hoặc sai")
    team.page.go_back()
    team.page.fill("#account_name", "HOANG THI MUOI")
    team.tap("Kiểm tra")
    team.tap("Người bán xác nhận")
    team.tap("Gửi mã")
    team.page.locator("#code").wait_for()
    team.page.fill("#code", code_sent_to(stack, PHONE))
    team.tap("Xác nhận")
    team.page.fill("#pin", "730594")
    team.tap("Mở tài khoản")
    team.waits_for("Đã mở tài khoản")
    team.tap("Nộp hồ sơ để duyệt")
    team.waits_for(f"Đã nộp hồ sơ của {NAME}")
    kept = team.page.evaluate("Object.entries(localStorage).filter(([name]) => name.startsWith('cho.drafts.'))")
    assert [drafts for _, drafts in kept] == ["[]"]

    manager = phones("team", people.MANAGER.phone)
    manager.tap("Duyệt hồ sơ")
    manager.page.select_option("#market", merchant["market_id"])
    manager.page.locator("#reviews li", has_text="Chè Cô Mười").get_by_role("button", name="Mở").click()
    manager.tap("Tôi duyệt hồ sơ này")
    manager.page.locator("#state", has_text="đang duyệt").wait_for()
    accept = manager.page.get_by_role("button", name="Chấp nhận, có lý do")
    for left in range(accept.count(), 0, -1):
        manager.page.fill("#reason", "đã kiểm tra")
        accept.first.click()
        accept.nth(left - 1).wait_for(state="detached")
    manager.tap("Duyệt")
    manager.page.locator("#state", has_text="đang hoạt động").wait_for()
    with manager.page.expect_download() as printed:
        manager.page.get_by_role("link", name="In bảng QR (A5)").click()
    printed.value.save_as(tmp_path / "stand.pdf")
    picture = pypdfium2.PdfDocument(tmp_path / "stand.pdf")[0].render(scale=3).to_pil()
    assert scan(picture).text.startswith("000201")


def test_who_shows_their_card_to_the_team_opens_a_wallet_and_nobody_before(
    phones: Any, api: Api, people_: dict[str, Api]
) -> None:
    name, phone, pin = "Lường Thị Mận", "0987654778", "730594"
    people_["operator"].post("/v1/users", phone=phone, pin=pin, name=name, roles=["shopper"])
    shopper = phones("shopper")
    shopper.page.fill("#phone", phone)
    shopper.page.fill("#pin", pin)
    shopper.page.click("button.main")
    shopper.tap("Mở ví Viettel")
    shopper.waits_for("Hãy mang căn cước đến")

    team = phones("team", people.TEAM.phone)
    team.tap("Xác minh căn cước")
    team.page.fill("#phone", phone)
    team.page.fill("#pasted", made_up_card("Người Khác", phone))
    team.tap("Dùng mã này")
    team.waits_for("Tên trên căn cước không khớp")
    team.page.fill("#pasted", made_up_card(name, phone))
    team.tap("Dùng mã này")
    team.waits_for(f"Đã xác minh {name}")
    assert team.page.input_value("#pasted") == team.page.input_value("#phone") == ""

    open_wallet(api.sign_in(phone, pin), "VIETTEL")  # once payments has heard of it
    shopper.page.reload()
    shopper.page.locator("[data-wallet]").wait_for()


def test_a_draft_that_was_not_sent_is_not_lost_by_signing_out(phones: Any, stack: Stack) -> None:
    team = phones("team", people.TEAM.phone)
    team.tap("Thêm người bán")
    team.tap("Tiếp")
    team.page.fill("#person_name", "Lý Văn Chờ")
    team.context.set_offline(True)
    team.page.goto("/team/#/")
    team.waits_for("Không có mạng")
    team.tap("Đăng xuất")
    team.waits_for("Còn hồ sơ chưa gửi")
    assert "Lý Văn Chờ" in team.text(".rows")


def test_a_draft_whose_answer_was_lost_is_sent_on_and_never_in_its_own_way(phones: Any) -> None:
    team = phones("team", people.TEAM.phone)
    team.tap("Thêm người bán")
    team.page.goto(re.sub("/card$", "", team.page.url) + "/person")
    team.page.fill("#person_name", "Ngô Thị Lạc")
    with answer_lost(team.page, "/v1/drafts/sync") as sent:
        team.page.goto(re.sub("/person$", "", team.page.url) + "/check")
        team.waits_for("Không có mạng: hồ sơ nằm trên máy này")
        team.page.go_back()
        team.page.fill("#address", "xóm Đình")
        team.page.goto(re.sub("/person$", "", team.page.url) + "/check")
        team.waits_for("Còn thiếu hoặc sai")
        assert len(sent) == 3, "as it was typed first, onto nothing; then onto what had arrived"
    (mine,) = team.page.evaluate(DRAFTS.format(name="Ngô Thị Lạc"))
    assert (mine["changed"], mine["conflict"], int(mine["version"])) == (False, None, 2)


def test_who_signs_out_leaves_what_another_has_not_sent(phones: Any) -> None:
    team = phones("team", people.TEAM.phone)
    team.page.evaluate("localStorage.setItem('cho.drafts.usr_another', '[1]'); localStorage.setItem('cho.x', '1')")
    team.tap("Đăng xuất")
    team.page.locator("#phone").wait_for()
    names = team.page.evaluate("Object.keys(localStorage)")
    assert "cho.drafts.usr_another" in names
    assert not [one for one in names if one not in ("cho.device", "cho.language", "cho.drafts.usr_another")]


@pytest.fixture
def commune(people_: dict[str, Api]) -> str:
    """A commune of two markets that no other test goes to: at one of them a stall waits for its reviewer, one was sent
    back, and one is being filled in, beside the one that is there from the start."""
    markets = people_["team"].get("/v1/markets")["markets"]
    market = next(one for one in markets if one["name"] == "Chợ Quan Triều")
    for number, stall in enumerate(("A-01", "A-02", "A-03")):
        name, phone = f"Ma Thị Đếm {'ABC'[number]}", f"098765478{number}"
        form = {
            "request_id": new_key(), "market_id": market["market_id"], "stall": stall, "name": f"Quầy {stall}",
            "category_code": "5499",
            "settlement_account": {
                "bank_bin": "970418", "account_number": f"0007779992{number}", "account_name": "MA THI DEM",
            },
            **made_up_person(920 + number, name, phone),
        }  # fmt: skip
        merchant_id = people_["team"].post("/v1/drafts", form=form)["merchant"]["merchant_id"]
        if number < 2:
            people_["operator"].post(f"/v1/merchants/{merchant_id}/submit")
        if number == 1:
            people_["manager"].post(f"/v1/merchants/{merchant_id}/return", reason="thiếu ảnh quầy")
    return str(market["ward_code"])


def test_a_commune_sees_how_far_its_markets_are(phones: Any, commune: str) -> None:
    team = phones("team", people.TEAM.phone, bypass_csp=True)
    team.tap("Tiến độ của xã")
    team.page.select_option("#commune", commune)
    card = team.page.locator("#figures section", has_text="Chợ Quan Triều")
    card.get_by_text("1 trên 4 đã hoạt động").wait_for()
    figures = dict(zip(card.locator("dt").all_inner_texts(), card.locator("dd").all_inner_texts(), strict=True))
    assert figures == {"Đã xong": "1", "Chờ duyệt": "1", "Bị trả lại": "1", "Đang làm dở": "1"}
    team.page.locator("#figures section", has_text="Chợ Quang Vinh").get_by_text("1 trên 1 đã").wait_for()
    assert not violations(team)

    team.page.select_option("#commune", label="Phường Phúc Thuận, Thái Nguyên")
    team.waits_for("Xã, phường này chưa có hồ sơ nào.")
    team.page.evaluate("localStorage.setItem('cho.language', 'en')")
    team.page.reload()
    team.waits_for("Nobody was brought in here yet.")


@pytest.mark.parametrize("screen", ["", "reviews", "market", "identify", "commune"])
def test_every_screen_can_be_used_by_who_cannot_see_or_point(phones: Any, people_: dict[str, Api], screen: str) -> None:
    phone = phones("team", people.MANAGER.phone, bypass_csp=True)
    phone.page.goto(f"/team/#/{screen}")
    phone.page.locator("header h1").wait_for()
    drawn(phone)
    assert not violations(phone)
