"""A stack that is watched: one payment is one trace, `cho trace` tells its whole story, every metric is exported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli import people, teller
from cli.api import Api
from cli.scraping import read_targets
from cli.stack import Stack
from kit import tracing
from kit.config import settings
from kit.ids import new_id, new_key
from tests.k8s import observability_files
from tests.kit.span_collector import Collector, attributes, collecting
from tests.waiting import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

CLIENTS = f"00-{'a' * 32}-{'b' * 16}-01"


@dataclass
class Watched:
    """A stack whose metrics are served and whose spans go to `collector`; a shopper, a vendor, a webhook of theirs."""

    stack: Stack
    collector: Collector
    home: Path
    shopper: Api
    vendor: Api
    operator: Api
    wallet: str
    merchant: str
    heard: list[dict[str, str]]

    def cho(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "CHO_HOME": str(self.home)}
        return subprocess.run(
            [sys.executable, "-P", "-c", "from cli.main import app; app()", *arguments],
            env=env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def order(self, items: list[dict[str, Any]]) -> Any:
        """An order of these; None where orders has not heard of the product yet."""
        body = {"request_id": new_key(), "merchant_id": self.merchant, "items": items}
        reply = self.shopper.http.post("/v1/orders", json=body)
        return reply.json()["order"] if reply.is_success else None

    def story(self, payment_id: str) -> dict[str, Any]:
        """As `cho trace` gathers it, in this process: it is asked again and again."""
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.stack.env.items():
                patch.setenv(name, value)
            settings.cache_clear()
            told = teller.tell(payment_id).as_dict()
        settings.cache_clear()
        return told

    def pages(self) -> dict[str, str]:
        """What every process shows to Prometheus, by process."""
        found = {}
        for group in read_targets(self.home):
            (target,), labels = group["targets"], group["labels"]
            found[labels["process"]] = httpx.get(f"http://{target}{labels['__metrics_path__']}", timeout=30).text
        return found


@pytest.fixture(scope="module")
def receiver() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A merchant's own system: its address, and the headers that it was told with."""
    heard: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            heard.append({name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory, receiver: tuple[str, list[dict[str, str]]]) -> Iterator[Watched]:
    home, (url, heard) = tmp_path_factory.mktemp("watched"), receiver
    with collecting() as collector:
        env = {
            "CHO_METRICS_PORT": "20000", "CHO_TRACES_URL": collector.url, "CHO_RATE_SCALE": "100",
            "CHO_SETTLEMENT_SCHEDULE": "off",
        }  # fmt: skip
        with Stack(home, seed=True, env=env) as stack, Api(stack.gateway_url) as nobody:
            shopper = nobody.sign_in(people.SHOPPERS[0].phone, people.PIN)
            vendor = nobody.sign_in(next(iter(people.vendors().values())).phone, people.PIN)
            agent = nobody.sign_in(people.AGENTS[0].phone, people.PIN)
            wallet = shopper.get("/v1/me/accounts")["accounts"][0]["account_id"]
            agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=2_000_000)
            merchant = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
            vendor.post(f"/v1/merchants/{merchant}/webhooks", url=url)
            operator = nobody.sign_in(people.OPERATOR.phone, people.PIN)
            yield Watched(stack, collector, home, shopper, vendor, operator, wallet, merchant, heard)


@pytest.fixture(scope="module")
def order(watched: Watched) -> dict[str, Any]:
    """An order of the merchant's that is paid by its own code: `order` and `payment`."""
    product = watched.vendor.post(
        "/v1/products", request_id=new_key(), merchant_id=watched.merchant, name="Chè", unit="kg", price=250_000,
        stock=10,
    )["product"]  # fmt: skip
    items = [{"product_id": product["product_id"], "quantity": 1}]
    placed = until(lambda: watched.order(items))
    reply = watched.shopper.http.post(
        "/v1/payments", json={
            "idempotency_key": new_key(), "wallet_id": watched.wallet, "qr_payload": placed["qr_payload"],
        }, headers={"traceparent": CLIENTS},
    )  # fmt: skip
    reply.raise_for_status()
    path = f"/v1/orders/{placed['order_id']}"
    until(lambda: watched.shopper.get(path)["order"]["state"] == "ORDER_STATE_PAID")
    until(lambda: watched.heard)
    return {"order": placed, "payment": reply.json()["payment"], "request_id": reply.headers["x-request-id"]}


def chapters(story: dict[str, Any], store: str, what: str) -> list[dict[str, Any]]:
    return [one for one in story["chapters"] if (one["store"], one["what"]) == (store, what) and not one["missing"]]


def test_one_payment_is_one_trace_from_the_gateway_to_the_books_the_order_and_the_merchants_system(
    watched: Watched, order: dict[str, Any]
) -> None:
    payment_id, collector = order["payment"]["transfer_id"], watched.collector
    collector.wait_for(
        lambda: any(attributes(span).get("cho.payment_id") == payment_id for span in list(collector.spans))
    )
    served = next(span for span in collector.spans if attributes(span).get("cho.payment_id") == payment_id)
    trace_id = served["traceId"]
    wanted = {
        ("payments.serve", "cho.payments.v1.PaymentsService.Pay"),
        ("settlement.work", "journal"),
        ("payments.work", "announce payment.captured"),
        ("orders.work", "orders.payments payment.captured"),
        ("payments.work", "webhook payment.captured"),
    }
    collector.wait_for(lambda: {(s["process"], s["name"]) for s in collector.of_trace(trace_id)} >= wanted)
    spans = {(span["process"], span["name"]): span for span in collector.of_trace(trace_id)}
    announced = spans["payments.work", "announce payment.captured"]
    assert spans["settlement.work", "journal"]["parentSpanId"] == served["spanId"]
    assert announced["parentSpanId"] == served["spanId"]
    assert spans["orders.work", "orders.payments payment.captured"]["parentSpanId"] == announced["spanId"]
    told = spans["payments.work", "webhook payment.captured"]
    assert told["parentSpanId"] == announced["spanId"]
    assert watched.heard[0]["traceparent"] == f"00-{trace_id}-{told['spanId']}-01"
    # The gateway's own span is the root: it is the parent of the service's, and what the client said is not believed.
    assert trace_id != tracing.trace_id(CLIENTS)
    collector.wait_for(lambda: any(bytes.fromhex(served["parentSpanId"]) in body for body in collector.protobuf))
    assert any(bytes.fromhex(trace_id) in body for body in collector.protobuf)
    assert not any(word in body for body in collector.protobuf for word in (b"/v1/", b"python-httpx")), "of people"


def test_a_payments_story_comes_from_every_store_in_order(watched: Watched, order: dict[str, Any]) -> None:
    payment = order["payment"]
    refund = watched.vendor.post(
        f"/v1/payments/{payment['transfer_id']}/refunds", idempotency_key=new_key(), amount=1_000
    )["refund"]
    until(lambda: chapters(watched.story(payment["transfer_id"]), "statements", "refund"))
    story = watched.story(payment["transfer_id"])
    assert (story["known"], story["findings"]) == (True, [])
    (request,) = chapters(story, "gateway", "request")
    assert request["facts"]["request_id"] == order["request_id"]
    assert len(request["facts"]["trace_id"]) == 32
    (event,) = chapters(story, "ledger", "event")
    assert (event["facts"]["seq"], event["facts"]["operation"]) == (int(payment["seq"]), "pay")
    assert {leg["account"] for leg in event["facts"]["legs"]} >= {watched.wallet, watched.merchant}
    (journal,) = chapters(story, "books", "journal")
    assert journal["facts"]["seq"] == int(payment["seq"])
    assert len(journal["facts"]["chain_head"]) == 64
    (key,) = chapters(story, "ledger", "idempotency record")
    assert (key["facts"]["answered"], key["facts"]["replays"]) == ("OK", 0)
    assert chapters(story, "books", "key")[0]["facts"]["answered_by"] == int(payment["seq"])
    for what in ("live announcement", "event for services"):
        assert chapters(story, "streams", what)[0]["facts"]["entry"] == f"{payment['seq']}-0"
    assert chapters(story, "webhooks", "delivery")[0]["facts"]["state"] == "delivered"
    assert chapters(story, "orders", "order")[0]["facts"]["order_id"] == order["order"]["order_id"]
    assert chapters(story, "statements", "refund")[0]["facts"]["transfer_id"] == refund["transfer_id"]
    assert chapters(story, "settlement", "window")[0]["facts"]["stage"] == "open"
    missing = {one["what"] for one in story["chapters"] if one["missing"]}
    assert missing == {"report", "payout", "statement match"}
    times = [one["at_ms"] for one in story["chapters"] if one["at_ms"] is not None]
    assert times == sorted(times)
    of_refund = watched.story(refund["transfer_id"])
    assert chapters(of_refund, "ledger", "transfer")[0]["facts"]["refers_to"] == payment["transfer_id"]
    assert chapters(of_refund, "orders", "order")


def test_after_its_window_the_story_has_the_reports_lines_and_the_payout(
    watched: Watched, order: dict[str, Any]
) -> None:
    payment_id = order["payment"]["transfer_id"]
    window = int(order["payment"]["window"])
    watched.operator.post(f"/v1/windows/{window}/close")
    until(lambda: chapters(watched.story(payment_id), "settlement", "payout"))
    story = watched.story(payment_id)
    assert story["findings"] == []
    (payout,) = chapters(story, "settlement", "payout")
    assert payout["facts"]["payout_id"].startswith(f"PO-{window:06d}-")
    lines = {one["facts"]["institution"]: one["facts"] for one in chapters(story, "settlement", "report")}
    assert "VIETTEL" in lines
    for institution, facts in lines.items():
        report = watched.home / "exchange" / institution / "out" / facts["file"]
        with report.open(encoding="utf-8-sig", newline="") as text:
            line = text.read().split("\r\n")[facts["line"] - 1]
        assert payment_id in line
        assert facts["account"] in line
    shown = watched.cho("trace", payment_id)
    assert shown.returncode == 0
    assert payout["facts"]["payout_id"] in shown.stdout
    assert "not found here: settlement, statement match" in shown.stdout


def test_when_the_bank_has_answered_the_story_ends_with_its_statement(watched: Watched, order: dict[str, Any]) -> None:
    payment_id = order["payment"]["transfer_id"]

    def paid_on() -> Any:
        # Each time: a payout is known before the clerk has written the bank's file of it.
        watched.cho("simulate", "institutions", "--once")
        found = chapters(watched.story(payment_id), "settlement", "payout")
        return found and found[0]["facts"].get("paid_on")

    watched.cho("simulate", "institutions", "--once", "--day-end", until(paid_on))
    (match,) = until(lambda: chapters(watched.story(payment_id), "settlement", "statement match"))
    assert match["facts"]["file"].startswith("camt.053.")
    story = watched.story(payment_id)
    assert story["findings"] == []
    assert not [one for one in story["chapters"] if one["missing"]]


def test_a_payment_that_was_never_made_is_known_nowhere(watched: Watched) -> None:
    for payment_id in (new_id("pay"), "pay_1", "usr_x"):
        shown = watched.cho("trace", payment_id, "--json")
        assert shown.returncode == 1, payment_id
        assert json.loads(shown.stdout)["known"] is False


def test_a_payment_that_is_no_longer_hot_is_found_in_the_books_by_when_its_id_was_made(
    watched: Watched, order: dict[str, Any]
) -> None:
    import redis

    payment_id = order["payment"]["transfer_id"]
    key = f"{{c01}}:t:{payment_id}"
    with redis.Redis.from_url(watched.stack.settings().ledger_url) as hot:
        kept = hot.dump(key)
        hot.delete(key)
        try:
            story = watched.story(payment_id)
        finally:
            hot.restore(key, 0, kept)
    assert chapters(story, "ledger", "transfer") == []
    (journal,) = chapters(story, "books", "journal")
    assert (journal["facts"]["seq"], journal["facts"]["operation"]) == (int(order["payment"]["seq"]), "pay")


def test_every_metric_of_rules_and_dashboards_is_one_that_a_process_exports(
    watched: Watched, order: dict[str, Any]
) -> None:
    # What a source does not answer within its three seconds is left out of a page, and is there when it is asked again.
    pages = until(lambda: (found := watched.pages()) and all(map(_answered, found.values())) and found)
    assert len(pages) == 13
    exported = observability_files.exported(pages)
    wanted = observability_files.metrics()
    missing = {name: places for name, places in wanted.items() if name not in exported}
    assert not missing


def test_the_numbers_are_those_of_the_money(watched: Watched, order: dict[str, Any]) -> None:
    def value(process: str, sample: str) -> float:
        lines = lambda: [x for x in watched.pages()[process].splitlines() if x.startswith(sample + " ")]  # noqa: E731
        return float(until(lines)[0].rpartition(" ")[2])

    head = int(watched.stack and order["payment"]["seq"])
    assert value("payments.work", "cho_ledger_seq") >= head
    assert value("payments.work", "cho_ledger_open") == 1
    pay = 'method="cho.payments.v1.PaymentsService.Pay"'
    assert value("payments.serve", f'cho_rpc_calls_total{{code="OK",{pay}}}') >= 1
    assert value("settlement.work", "cho_books_drift") == 0
    totals = [
        float(line.rpartition(" ")[2])
        for line in until(lambda: _of(watched.pages()["settlement.work"], "cho_books_total_vnd")).splitlines()
    ]
    assert sum(totals) == 0
    assert len(totals) > 5


def _answered(page: str) -> bool:
    """Whether every source of a process's page did."""
    return "} 0.0" not in _of(page, "cho_source_up")


def _of(page: str, name: str) -> str:
    return "\n".join(line for line in page.splitlines() if line.startswith(name + "{"))


def test_the_story_of_money_that_is_set_aside_has_its_event_and_the_order_it_is_for(
    watched: Watched, order: dict[str, Any]
) -> None:
    placed = watched.order([{"product_id": one["product_id"], "quantity": 1} for one in order["order"]["lines"]])
    hold = watched.shopper.post(
        "/v1/holds", idempotency_key=new_key(), wallet_id=watched.wallet, merchant_id=watched.merchant,
        amount=int(placed["total"]), reference=placed["code"],
    )["hold"]  # fmt: skip
    until(lambda: chapters(watched.story(hold["transfer_id"]), "orders", "order"))
    story = watched.story(hold["transfer_id"])
    assert story["findings"] == story["unasked"] == []
    assert chapters(story, "orders", "order")[0]["facts"]["order_id"] == placed["order_id"]
    (event,) = chapters(story, "streams", "event of a hold")
    assert (event["facts"]["stream"], event["facts"]["type"]) == ("payments:holds", "hold.placed")
    assert not [one for one in story["chapters"] if one["what"] == "live announcement"]


def test_cho_status_shows_how_the_stack_does(watched: Watched, order: dict[str, Any]) -> None:
    # Whoever does not answer within a second is shown as out of reach: on a machine that does much else, asked again.
    told = until(lambda: (one := watched.cho("status", "--json")).returncode == 0 and one)
    report = json.loads(told.stdout)
    assert report["ready"] is True
    health = report["health"]
    assert health["gate_open"] is True
    assert health["seq"] >= int(order["payment"]["seq"])
    assert set(health["readers"]) == {"journal", "announcer"}
    assert (health["unheld"], health["dead_letters"], health["unreachable"]) == ([], {}, [])
    assert health["breaks"] == 0
    shown = until(lambda: (one := watched.cho("status")).returncode == 0 and one).stdout
    for word in ("gate", "readers", "streams", "windows", "breaks"):
        assert f"\n{word}" in shown
