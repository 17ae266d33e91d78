"""Settlement from the command line, on a whole stack: what operators and officers type, and what it says."""

from __future__ import annotations

import fcntl
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import redis
import typer
from cho.events.v1.events_pb2 import LiquidityChanged
from typer.testing import CliRunner

from cli import main, people
from cli.api import Api, ApiError
from cli.stack import Stack
from kit import mongo
from kit.clock import VIETNAM, now
from kit.config import settings
from kit.ids import new_key
from kit.streams.event import from_entry
from services.settlement import store, trust
from services.settlement.clerk import due
from services.settlement.exchange import open_box, send
from services.settlement.names import report_name
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import BatchDocument, PayoutDocument
from services.settlement.proof import pack
from services.settlement.proof.files import digest
from services.settlement.proof.manifest import About, PackedFile
from simulators.institutions.ticks import Institutions
from tests.waiting import until

pytestmark = pytest.mark.system
SECOND = ("--phone", people.CHECKER.phone)
Cho = Callable[..., Any]


@pytest.fixture
def cho(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cho]:
    """Runs a command as `cho` finds it, in this process: `cho("settle", "show", 1)`."""
    for name, value in {**stack.env, "COLUMNS": "220"}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()

    def run(name: str, *words: object) -> Any:
        if name in main.GROUPS:
            tool = main._get(main.GROUPS[name][0], "app")
        else:
            tool = typer.Typer()
            tool.command()(main._get(*main.COMMANDS[name]))
        return CliRunner().invoke(tool, [str(word) for word in words], catch_exceptions=False)

    yield run
    settings.cache_clear()


@contextmanager
def answering(home: Path) -> Iterator[None]:
    """Bank and telecoms look into their folders meanwhile."""
    ended = threading.Event()

    def look() -> None:
        them = Institutions(home)
        while not ended.wait(0.2):
            them.tick(now())
        them.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def pay(shopper: Api, wallet: str, merchant: dict[str, Any], *amounts: int) -> None:
    for amount in amounts:
        shopper.post(
            "/v1/payments", idempotency_key=new_key(), wallet_id=wallet, merchant_id=merchant["merchant_id"],
            amount=amount,
        )  # fmt: skip


# The window that the first test settles.
window = 0


def test_a_window_that_is_waited_for_is_settled_once_bank_and_telecoms_have_answered(
    stack: Stack, cho: Cho, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    global window
    pay(people_["shopper"], wallet, merchant, 50_000, 60_000, 70_000)
    with answering(stack.home):
        done = cho("settle", "--wait", "--timeout", 120)
    assert done.exit_code == 0, done.output
    window = int(re.search(r"Window (\d+) is settled", done.output)[1])  # type: ignore[index]
    assert "Viettel Money" in done.output
    shown = cho("settle", "show", window)
    assert shown.exit_code == 0, shown.output
    assert f"Window {window} is settled" in shown.output
    assert "Who owes whom" in shown.output
    assert "ties to the trial balance" in shown.output
    assert re.search(rf"PO-{window:06d}-\d+-1 .* paid ", shown.output)
    assert re.search(rf" {window} .* settled ", cho("settle", "windows").output)


def test_a_line_of_a_report_is_proven_against_the_signed_manifest(cho: Cho, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    done = cho("settle", "proof", window, "VIETTEL", 2, "--out", proof)
    assert done.exit_code == 0, done.output
    assert "in the report, and signed" in done.output
    root, count = re.search(r"root is (\w+)", done.output)[1], re.search(r"line 2 of (\d+)", done.output)[1]  # type: ignore[index]
    check = [sys.executable, "docs/examples/check_proof.py", str(proof), root, count]
    assert subprocess.run(check, check=False).returncode == 0
    beyond = cho("settle", "proof", window, "VIETTEL", 9_999)
    assert (beyond.exit_code, "NOT_FOUND" in beyond.output) == (2, True)


def test_an_institutions_files_are_downloaded_and_checked(cho: Cho, tmp_path: Path) -> None:
    done = cho("settle", "files", window, "VIETTEL", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "whole, and signed" in done.output
    assert {path.suffix for path in tmp_path.iterdir()} == {".csv", ".json", ".pdf", ".xlsx", ".xml"}
    (tmp_path / "stranger.txt").write_text("?")
    again = cho("settle", "files", window, "VIETTEL", "--out", tmp_path)
    assert (again.exit_code, "EXTRA  stranger.txt" in again.output) == (1, True)


def test_a_days_pack_is_downloaded_with_the_files_of_its_windows_and_checked(
    stack: Stack, cho: Cho, tmp_path: Path
) -> None:
    box, key = open_box(stack.home, "VIETTEL"), trust.signing_key(settings().own_secret("settlement_signing_secret"))
    begins = datetime(2026, 1, 5, tzinfo=UTC)
    statement = send(box, "camt.053.ST-D20260105-VIETTEL.xml", [b"<Document/>"])
    report = box.out / report_name(window, "VIETTEL")
    files = [pack.packed("camt.053", statement), PackedFile(report.name, "report", *digest(report))]
    about = About(
        institution="VIETTEL", window=None, day=begins.date(), opened_at=begins, closed_at=begins, net=0,
        chain_head="ab" * 32, report=None, rules="1", code="cho 1", created_at=begins,
    )  # fmt: skip
    pack.seal(box, about, files, key)
    done = cho("settle", "files", "2026-01-05", "VIETTEL", "--out", tmp_path)
    assert done.exit_code == 0, done.output
    assert "VIETTEL on 2026-01-05" in done.output
    assert "whole, and signed" in done.output
    assert len(list(tmp_path.iterdir())) == 3
    assert cho("settle", "files", "2026-01-06", "VIETTEL").exit_code == 2
    assert cho("settle", "files", "tomorrow", "VIETTEL").exit_code == 2


def test_a_merchants_owner_chooses_when_it_is_paid_and_asks_in_between(
    cho: Cho, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    pay(people_["shopper"], wallet, merchant, 40_000)
    phone = ("--phone", next(iter(people.vendors().values())).phone)
    of = merchant["merchant_id"]
    assert "with every window (window)" in cho("payouts", "plan", of, *phone).output
    assert "once a day (daily)" in cho("payouts", "plan", of, "daily", *phone).output
    assert "once a day (daily)" in cho("payouts", "plan", of, *phone).output
    assert "with every window (window)" in cho("payouts", "plan", of, "window", *phone).output
    assert cho("payouts", "plan", of, "hourly", *phone).exit_code == 2
    stranger = cho("payouts", "plan", of, "daily", "--phone", list(people.vendors().values())[1].phone)
    assert (stranger.exit_code, "NOT_FOUND" in stranger.output) == (2, True)
    key = new_key()
    for _ in range(2):
        asked = cho("payouts", "ask", of, 15_000, "--key", key, *phone)
        assert (asked.exit_code, "3.300 đ of it the fee" in asked.output) == (0, True), asked.output
    listed = cho("payouts", "ls", "--merchant", of, *phone).output
    assert listed.count(rules.on_demand_id(key)) == 1
    low = cho("payouts", "ask", of, 100, *phone)
    assert (low.exit_code, "INVALID_ARGUMENT" in low.output) == (2, True)


def test_a_window_that_somebody_stops_waiting_for_goes_on(
    stack: Stack, cho: Cho, people_: dict[str, Api], wallet: str, merchant: dict[str, Any]
) -> None:
    pay(people_["shopper"], wallet, merchant, 20_000)
    late = cho("settle", "--wait", "--timeout", 0)
    assert (late.exit_code, "still to do" in late.output) == (1, True)
    argv = [Path(sys.executable).with_name("cho"), "settle", "--wait"]
    with subprocess.Popen(
        argv, stdout=subprocess.PIPE, text=True, env={**stack.env, "COLUMNS": "120"},
        # Whoever runs the tests in the background ignores Ctrl-C, and all that they start does.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as waiting:  # fmt: skip
        assert waiting.stdout
        next(line for line in waiting.stdout if "still to do" in line)
        waiting.send_signal(signal.SIGINT)
        assert "goes on without you" in waiting.stdout.read()
    assert waiting.returncode == 130


def test_payouts_and_their_files_are_listed(cho: Cho) -> None:
    listed, files = cho("payouts", "ls", "--window", window), cho("payouts", "batches", "--window", window)
    assert re.search(rf"PO-{window:06d}-\d+-1 .* paid ", listed.output)
    assert re.search(rf"PO-W{window:06d}-1 .* done ", files.output)


def test_a_large_file_of_payouts_is_let_go_by_two_operators(stack: Stack, cho: Cho) -> None:
    store.open_store()
    file = "PO-W999999-1"
    with due.lock_of(stack.home).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the clerk is not to send what nobody decided
        payout = PayoutDocument(id="PO-999999-000001-1", amount=rules.FOUR_EYES_VND, fee=0)
        payouts.make_batch(file, 999_999, [payout], now())
        mongo.disconnect()
        assert file in cho("payouts", "batches").output
        first, again = cho("payouts", "release", file), cho("payouts", "release", file)
        assert (first.exit_code, "1 more" in first.output) == (0, True)
        assert (again.exit_code, "FOUR_EYES" in again.output) == (2, True)
        second = cho("payouts", "release", file, *SECOND)
        assert (second.exit_code, "(2 of 2)" in second.output) == (0, True)
        store.open_store()
        BatchDocument.objects(id=file).delete()
    mongo.disconnect()


def test_liquidity_is_deposited_once_capped_and_not_taken_back_while_the_cap_needs_it(cho: Cho) -> None:
    key = new_key()
    for _ in range(2):
        done = cho("liquidity", "deposit", "MOBIFONE", 30_000_000, "--reference", "FT1", "--key", key)
        assert (done.exit_code, "30.000.000 đ" in done.output) == (0, True), done.output
    assert cho("liquidity", "cap", "MOBIFONE", 20_000_000).exit_code == 0
    refused = cho("liquidity", "withdraw", "MOBIFONE", 15_000_000)
    assert (refused.exit_code, "NET_DEBIT_CAP_EXCEEDED" in refused.output) == (2, True)
    assert "no cap" in cho("liquidity", "cap", "MOBIFONE", "--uncapped").output
    assert cho("liquidity", "withdraw", "MOBIFONE", 30_000_000).exit_code == 0
    assert re.search(r"MOBIFONE .* 0 đ .* no cap", cho("liquidity", "show").output)


def test_a_telecom_hears_twice_before_its_cap_refuses_a_payment_and_once_more_when_it_is_far_from_it(
    stack: Stack, cho: Cho, merchant: dict[str, Any]
) -> None:
    def told() -> list[tuple[str, int]]:
        with redis.Redis.from_url(settings().redis_url) as streams:
            entries: Any = streams.xrange("settlement:events")
            events = [from_entry(entry_id, fields) for entry_id, fields in entries]
        changes = [LiquidityChanged.FromString(e.data) for e in events if e.type.startswith("liquidity.")]
        return [(one.level, one.position) for one in changes if one.telecom == "MOBIFONE"]

    def until_told(level: str, position: int) -> None:
        until(lambda: (level, position) in told(), otherwise=told)

    with Api(stack.gateway_url) as nobody, nobody.sign_in(people.SHOPPERS[2].phone, people.PIN) as shopper:
        own = shopper.get("/v1/me/accounts")["accounts"]
        paying = next(one["account_id"] for one in own if one["kind"] == "ACCOUNT_KIND_WALLET")
        seller = next(agent for agent in people.AGENTS if agent.institution == "MOBIFONE")
        agent = nobody.sign_in(seller.phone, people.PIN)
        operator = nobody.sign_in(people.OPERATOR.phone, people.PIN)

        def cash_in(amount: int) -> None:
            agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=paying, amount=amount)

        def in_debt() -> bool:
            debts = operator.get("/v1/debts", limit=100)["debts"]
            return any(one["owner_id"] == people.SHOPPERS[2].user_id for one in debts)

        def unsettled() -> list[dict[str, Any]]:
            """But for the open one, which is the first."""
            _, *closed = operator.get("/v1/windows", limit=100)["windows"]
            return [one for one in closed if one["state"] != "WINDOW_STATE_SETTLED"]

        # What other tests have left moves the position whenever it comes: debts are taken once a window has closed, and
        # windows that nobody waited for are netted once the bank answers.
        cash_in(1_000_000)
        with answering(stack.home):
            assert cho("settle", "--wait", "--timeout", 120).exit_code == 0
            until(lambda: not in_debt())
            assert cho("settle", "--wait", "--timeout", 120).exit_code == 0
            until(lambda: not unsettled(), otherwise=unsettled)
        # Card money of other tests, of which no window is rid.
        owed = int(operator.get("/v1/liquidity/MOBIFONE")["liquidity"]["position"])
        cap = 500_000 + 10 * abs(owed)
        cash_in(2 * cap)
        assert cho("liquidity", "deposit", "MOBIFONE", cap).exit_code == 0
        assert cho("liquidity", "cap", "MOBIFONE", cap).exit_code == 0
        pay(shopper, paying, merchant, cap * 79 // 100 - owed)
        pay(shopper, paying, merchant, cap // 100)
        until_told("warned", cap * 80 // 100)
        pay(shopper, paying, merchant, cap * 18 // 100)
        until_told("reached", cap * 98 // 100)
        with pytest.raises(ApiError) as refused:
            pay(shopper, paying, merchant, cap * 2 // 100 + 1)
        assert refused.value.code == "NET_DEBIT_CAP_EXCEEDED"
        pay(shopper, paying, merchant, cap * 2 // 100)
    with answering(stack.home):
        assert cho("settle", "--wait", "--timeout", 120).exit_code == 0
    until_told("", owed)
    assert "no cap" in cho("liquidity", "cap", "MOBIFONE", "--uncapped").output
    assert cho("liquidity", "withdraw", "MOBIFONE", cap).exit_code == 0


# The telecom's record of the window, with 1,000 đồng more in its first line.
def wrong_record(stack: Stack, folder: Path, name: str) -> Path:
    taken = stack.home / "exchange" / "VIETTEL" / "in" / "taken" / f"record.W{window:06d}-VIETTEL.csv"
    header, first, *rest, total = taken.read_text().splitlines()
    cells, sums = first.split(","), total.split(",")
    cells[4], sums[2] = str(int(cells[4]) + 1_000), str(int(sums[2]) + 1_000)
    path = folder / name
    path.write_text("\n".join([header, ",".join(cells), *rest, ",".join(sums)]) + "\n")
    return path


def test_a_record_by_hand_is_looked_at_and_only_then_stored(stack: Stack, cho: Cho, tmp_path: Path) -> None:
    right = stack.home / "exchange" / "VIETTEL" / "in" / "taken" / f"record.W{window:06d}-VIETTEL.csv"
    known = cho("reconcile", right)
    assert (known.exit_code, "compared before" in known.output) == (0, True), known.output
    wrong = wrong_record(stack, tmp_path, f"record.W{window:06d}-VIETTEL.2.csv")
    looked = cho("reconcile", wrong, "--dry-run", "--json")
    assert looked.exit_code == 1, looked.output
    found = json.loads(looked.output)
    assert (found["breaks"], found["at_risk"]) == (1, 1_000)
    (one,) = found["statements"][0]["breaks"]
    assert (one["type"], one["difference"]) == ("AMOUNT", 1_000)
    assert "no breaks" in cho("breaks", "ls", "--institution", "VIETTEL").output
    stored = cho("reconcile", wrong)
    assert (stored.exit_code, "1 break, 1.000 đ at risk" in stored.output) == (1, True), stored.output
    assert one["break_id"] in cho("breaks", "ls").output
    told = cho("breaks", "report")
    assert (told.exit_code, "1 break, 1.000 đ at risk" in told.output) == (0, True), told.output
    assert re.search(r"VIETTEL .* AMOUNT .* 1 .* 1\.000 đ", told.output), told.output
    assert re.search(r"matched: \d+\.\d\d % of what was due in [1-9]", told.output)


def test_a_break_is_resolved_by_two_people_and_the_books_stay_balanced(cho: Cho, audited: Callable[[], Any]) -> None:
    break_id = re.search(r"brk_\w+", cho("breaks", "ls").output)[0]  # type: ignore[index]
    assert "is assigned" in cho("breaks", "assign", break_id).output
    assert "is assigned" in cho("breaks", "comment", break_id, "Hỏi Viettel").output
    entry = ("--debit", "nostro:SCHEME", "--credit", "suspense:SCHEME", "--amount", 1_000)
    assert "is proposed" in cho("breaks", "propose", break_id, "Viettel đúng", *entry).output
    alone = cho("breaks", "approve", break_id, "--yes", "--phone", people.OPERATOR.phone)
    assert (alone.exit_code, "FOUR_EYES" in alone.output) == (2, True)
    assert "is assigned" in cho("breaks", "reject", break_id, "Ghi rõ lý do").output
    assert cho("breaks", "propose", break_id, "Viettel đúng: thu thiếu 1.000 đ", *entry).exit_code == 0
    approved = cho("breaks", "approve", break_id, "--yes")
    assert (approved.exit_code, "is resolved, posted by" in approved.output) == (0, True), approved.output
    shown = cho("breaks", "show", break_id).output
    for text in ("Hỏi Viettel", "rejected", "resolved", "theirs less ours", people.CHECKER.user_id):
        assert text in shown
    assert "no breaks" in cho("breaks", "ls", "--institution", "VIETTEL").output
    trial = cho("books", "trial")
    assert (trial.exit_code, "Tài khoản chờ xử lý" in trial.output) == (0, True)
    audited()


def test_a_file_that_cannot_be_taken_is_refused_with_its_code_and_line(cho: Cho, tmp_path: Path) -> None:
    cut = tmp_path / "camt.053.xml"
    namespace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
    cut.write_text(f'<?xml version="1.0"?>\n<Document xmlns="{namespace}">\n<BkToCstmrStmt>\n<GrpHdr>')
    done = cho("reconcile", cut)
    assert done.exit_code == 2
    assert re.search(r"REFUSED XML_BROKEN: camt.053.xml: line \d+: .*send it again", done.output), done.output
    nameless = tmp_path / "mine.csv"
    nameless.write_text("transfer_id,time,operation,side,amount,currency\n")
    assert "Name it record.W000012-VNPT.csv" in cho("reconcile", nameless).output
    assert json.loads(cho("reconcile", nameless, "--json").output)["refused"]["code"] == "NAME"


def test_the_journal_is_what_was_written_and_only_a_month_that_is_over_is_archived(cho: Cho) -> None:
    verified = cho("books", "verify")
    assert (verified.exit_code, "0 findings" in verified.output) == (0, True)
    archived = cho("books", "archive").output
    months = re.findall(r"^(\d{4}-\d{2}): events", archived, re.MULTILINE)
    # A stack that was started just before a month's end (Vietnamese time) has one that is over.
    assert ("no month is over" in archived) is not bool(months), archived
    assert all(month < f"{now().astimezone(VIETNAM):%Y-%m}" for month in months), archived
    assert cho("books", "archive", "--month", "2026-13").exit_code == 2
    assert cho("books", "trial", "--window", window).exit_code == 0


def test_nobody_there_is_said_in_one_line(cho: Cho, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHO_HOME", str(tmp_path))
    monkeypatch.setenv("CHO_GATEWAY_PORT", "9")
    settings.cache_clear()
    done = cho("settle", "windows")
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1)
    assert "cho status" in done.output
