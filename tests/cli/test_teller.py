"""What `cho trace` says where stores cannot be asked, of money set aside, and of which payout holds a payment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import typer
from cho.events.v1.intent_pb2 import Intent
from typer.testing import CliRunner

from cli import teller
from cli.story import Chapter, Story
from cli.trace import trace
from kit import mongo
from kit.config import settings
from kit.ids import new_id
from kit.ledger_event import LedgerEvent, PostedLeg
from kit.streams import names
from services.payments.store.live import STREAM, live_key
from services.settlement.matching.documents import ReconciliationDocument
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts.documents import PayoutDocument
from tests.conftest import opened

STALL, WALLET = new_id("mer"), new_id("wal")
CLOSED_AT = datetime(2026, 11, 25, 4, tzinfo=UTC)
APP = typer.Typer()
APP.command()(trace)


def told(op: str, transfer_id: str, related: str = "", seq: int = 7) -> teller._Teller:
    """A teller who has read the transfer's event in the ledger: 1,000 đồng of a wallet for a stall."""
    side = "-" if op in ("hold", "void", "expire") else "d"
    legs = tuple(PostedLeg(one, side, 1_000, 0, 0, 0, 0, 1) for one in (WALLET, STALL))
    found = teller._Teller(transfer_id)
    found.event = LedgerEvent(
        seq, 0, 3, 1, op, "OK", "", "", transfer_id, related, "1000", "0", legs, Intent().SerializeToString(), ""
    )
    found.merchant_id = STALL
    return found


def of(found: teller._Teller, what: str) -> list[Chapter]:
    return [one for one in found.story.chapters if one.what == what]


# -------------------------------------------------------------------- what could not be asked


@pytest.fixture
def nobody_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in (
        ("CHO_HOME", str(tmp_path)), ("CHO_LEDGER_URL", "redis://127.0.0.1:9/0"),
        ("CHO_REDIS_URL", "redis://127.0.0.1:9/0"), ("MONGODB_URI", "mongodb://127.0.0.1:9"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(mongo, "_TIMEOUT_MS", 100)
    settings.cache_clear()
    mongo.disconnect()
    yield
    settings.cache_clear()


def test_where_neither_ledger_nor_books_could_be_asked_it_is_said_so_and_the_exit_status_is_2(
    nobody_there: None,
) -> None:
    done = CliRunner().invoke(APP, [new_id("pay")])
    assert done.exit_code == 2
    assert "ledger, books could not be asked" in done.output
    assert "No stack runs in" in done.output
    assert "Neither" not in done.output


def test_a_story_with_a_store_that_could_not_be_asked_is_not_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    there, away = Chapter("ledger", "transfer"), Chapter("books", "journal", missing="x", unreachable=True)
    unknown = Chapter("ledger", "transfer", missing="never made")
    monkeypatch.setattr("cli.trace.attach", lambda: True)
    for chapters, findings, code, said in (
        ([there], [], 0, ""),
        ([there, away], [], 2, "books could not be asked"),
        ([unknown, away], [], 2, "books could not be asked"),
        ([unknown], [], 1, "Neither ledger nor books know"),
        ([there, away], ["they differ"], 1, "they differ"),
    ):
        story = Story("pay_1", chapters, findings)
        monkeypatch.setattr(teller, "tell", lambda _, story=story: story)
        done = CliRunner().invoke(APP, ["pay_1"])
        assert done.exit_code == code
        assert said in done.output
        assert "No stack runs" not in done.output
    assert Story("pay_1", [there, away]).as_dict()["unasked"] == ["books"]


# -------------------------------------------------------------------- money that is set aside


@pytest.mark.parametrize(
    ("op", "prefix", "related", "streams"),
    [
        ("hold", "hld", "", {names.HOLDS}),
        ("void", "hld", "", {names.HOLDS}),
        ("capture", "pay", "hld_1", {live_key(STALL), STREAM, names.HOLDS}),
        ("pay", "pay", "", {live_key(STALL), STREAM}),
        ("hold", "pay", "", set()),
    ],
)
def test_an_announcement_is_looked_for_where_it_is_made(
    op: str, prefix: str, related: str, streams: set[str], valkey: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings(), "redis_url", valkey)
    with redis.Redis.from_url(valkey) as client:
        for stream in (names.HOLDS, STREAM, live_key(STALL)):
            client.xadd(stream, {"type": "x", "data": b""}, id="7-0")
    found = told(op, new_id(prefix), related)
    found._announcements()
    assert {one.facts["stream"] for one in found.story.chapters if not one.missing} == streams
    assert len(found.story.chapters) == max(1, len(streams))


@pytest.mark.parametrize(
    ("op", "transfer_id", "related", "wanted"),
    [
        ("hold", "hld_1", "", {"holds__id": "hld_1"}),
        ("pay", "pay_1", "", {"payments__transfer_id": "pay_1"}),
        ("refund", "rfd_1", "pay_1", {"payments__transfer_id": "pay_1"}),
    ],
)
def test_an_order_is_found_by_its_hold_as_by_its_payment(
    op: str, transfer_id: str, related: str, wanted: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def objects(**by: str) -> Any:
        asked.append(by)
        return SimpleNamespace(first=lambda: None)

    monkeypatch.setattr(teller.orders, "OrdersOrder", SimpleNamespace(objects=objects))
    told(op, transfer_id, related)._orders()
    assert asked == [wanted]


# -------------------------------------------------------------------- which payout holds it


@pytest.fixture
def paying(mongo_uri: str) -> Iterator[None]:
    documents = (PayoutDocument, ReconciliationDocument)
    with opened(lambda: mongo.open_store("settlement", documents), mongo_uri):
        PayoutDocument.objects.delete()
        yield
        PayoutDocument.objects.delete()


def decided(payout_id: str, window: int, minutes: int, state: str = rules.PAID, posted_seq: int = 0) -> str:
    """A payout of the stall's, decided so many minutes after window 3 closed; its id."""
    to = {} if state == rules.CARRIED else {"bin": "970405", "account": "1", "name": "X"}
    at = CLOSED_AT + timedelta(minutes=minutes)
    payouts.insert([payouts.new(payout_id, window, STALL, 50_000, 0, at, to, "why")])
    PayoutDocument.objects(id=payout_id).update_one(set__state=state, set__posted_seq=posted_seq)
    return payout_id


def paid_out() -> tuple[list[str], list[str]]:
    """Of a payment that is event 7 of window 3, events 1 to 10: the payout that holds it, those that may."""
    found = told("pay", new_id("pay"))
    found._payout(SimpleNamespace(number=3, closed_at=CLOSED_AT, last_seq=10))
    certain, possible = (
        [one.facts["payout_id"] for one in of(found, what) if not one.missing] for what in ("payout", teller.MAYBE)
    )
    assert len(of(found, "payout")) + len(of(found, teller.MAYBE)) >= 1
    return certain, possible


def test_a_payment_is_held_by_its_own_windows_payout(paying: None) -> None:
    of_window = decided("PO-000003-000001-1", 3, 0, posted_seq=12)
    decided("PO-000004-000001-1", 4, 300, posted_seq=22)
    assert paid_out() == ([of_window], [])


def test_what_a_merchant_asked_for_before_the_window_closed_may_hold_the_payment(paying: None) -> None:
    asked = decided("RQ-1", 0, -5, posted_seq=9)
    decided("RQ-before-it", 0, -9, posted_seq=6)
    decided("RQ-after-the-window", 0, 5, posted_seq=15)
    of_window = decided("PO-000003-000001-1", 3, 0, posted_seq=12)
    assert paid_out() == ([], [asked, of_window])


def test_a_payout_of_a_later_window_may_hold_what_an_earlier_one_carried_over(paying: None) -> None:
    decided("PO-000003-000001-1", 3, 0, rules.CARRIED)
    asked = decided("RQ-1", 0, 5, posted_seq=15)
    later = decided("PO-000004-000001-1", 4, 300, posted_seq=22)
    decided("PO-000005-000001-1", 5, 600, posted_seq=32)
    assert paid_out() == ([], [asked, later])


@pytest.mark.parametrize("ended", [rules.FAILED, rules.RETURNED])
def test_behind_a_payout_that_did_not_stay_paid_the_next_one_is_told_of_too(ended: str, paying: None) -> None:
    of_window = decided("PO-000003-000001-1", 3, 0, ended, posted_seq=12)
    later = decided("PO-000004-000001-1", 4, 300, posted_seq=22)
    assert paid_out() == ([of_window], [later])


def test_without_a_payout_it_is_said_why(paying: None) -> None:
    decided("PO-000003-000001-1", 3, 0, rules.CARRIED)
    found = told("pay", new_id("pay"))
    found._payout(SimpleNamespace(number=3, closed_at=CLOSED_AT, last_seq=10))
    (payout,), (match,) = of(found, "payout"), of(found, "statement match")
    assert "carried over: why" in payout.missing
    assert match.missing
