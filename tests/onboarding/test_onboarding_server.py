"""The API through a real gRPC channel, with claims as the gateway sends them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import fpdf
import grpc
import pypdfium2
import pytest
import structlog
from cho.onboarding.v1 import onboarding_pb2 as pb
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from PIL import Image

from kit import qr
from kit.config import settings
from kit.errors import QrInvalid
from kit.ids import new_id, new_key
from kit.rpc.status import error_code
from services.onboarding import seed, store
from services.onboarding.draw import drawn
from services.onboarding.form import Form
from services.onboarding.store.document import PERSONAL
from tests.scanner import scan

pytestmark = pytest.mark.usefixtures("database")

SERVICE = pb.DESCRIPTOR.services_by_name["OnboardingService"]
TEAM, MANAGER, OPERATOR, AUDITOR = (new_id("usr") for _ in range(4))
Another = Callable[[int], Form]


class Client:
    """Calls RPCs by name, as somebody."""

    def __init__(self, channel: grpc.Channel, sub: str = "", *roles: str) -> None:
        self._channel = channel
        self._claims = (("x-cho-sub", sub), ("x-cho-roles", ",".join(roles)), ("x-cho-ins", ""))

    def __call__(self, method: str, **fields: Any) -> Any:
        rpc = SERVICE.methods_by_name[method]
        request, reply = GetMessageClass(rpc.input_type), GetMessageClass(rpc.output_type)
        call = self._channel.unary_unary(f"/{SERVICE.full_name}/{method}", request.SerializeToString, reply.FromString)
        edge = (("x-cho-edge", settings().edge_secret), ("x-request-id", "test"))
        return call(request(**fields), metadata=(*self._claims, *edge), timeout=60)

    def refused(self, method: str, **fields: Any) -> str:
        """The stable code that the call fails with."""
        with pytest.raises(grpc.RpcError) as failed:
            self(method, **fields)
        return error_code(failed.value)


@pytest.fixture
def team(channel: grpc.Channel) -> Client:
    return Client(channel, TEAM, "team")


@pytest.fixture
def manager(channel: grpc.Channel) -> Client:
    return Client(channel, MANAGER, "market_manager")


@pytest.fixture
def operator(channel: grpc.Channel) -> Client:
    return Client(channel, OPERATOR, "operator")


@pytest.fixture
def vendor(channel: grpc.Channel, registration: Form) -> Client:
    return Client(channel, registration.owner_id, "vendor", "shopper")


def body(registration: Form, **changes: Any) -> dict[str, Any]:
    account = pb.SettlementAccount(
        bank_bin=registration.bank_bin,
        account_number=registration.account_number,
        account_name=registration.account_name,
    )
    names = ("request_id", "name", "market_id", "stall", "owner_id", "category_code", *PERSONAL)
    return {name: getattr(registration, name) for name in names} | {"settlement_account": account} | changes


def activated(team: Client, manager: Client, registration: Form) -> str:
    merchant_id = team("RegisterMerchant", **body(registration)).merchant.merchant_id
    manager("ApproveMerchant", merchant_id=merchant_id)
    return str(merchant_id)


def test_anybody_sees_the_markets_by_name(channel: grpc.Channel) -> None:
    for market in seed.markets():
        store.ensure_market(market)
    found = Client(channel)("ListMarkets").markets
    assert [market.name for market in found][:4] == ["Chợ Ba Hàng", "Chợ Chu", "Chợ Đán", "Chợ Đồng Quang"]
    assert len(found) == len(seed.markets())
    by_name = {market.name: market for market in found}
    assert (by_name["Chợ Hùng Sơn"].ward_code, by_name["Chợ Hùng Sơn"].ward_name) == ("05488", "Xã Đại Phúc")


def test_a_merchant_is_registered_by_one_and_approved_by_another(
    team: Client, manager: Client, registration: Form
) -> None:
    drafted = team("RegisterMerchant", **body(registration)).merchant
    assert drafted.state == pb.MERCHANT_STATE_SUBMITTED
    assert drafted.registered_by == TEAM
    assert not drafted.HasField("decided_at")
    approved = manager("ApproveMerchant", merchant_id=drafted.merchant_id).merchant
    assert (approved.state, approved.decided_by) == (pb.MERCHANT_STATE_ACTIVE, MANAGER)
    assert approved.decided_at.ToMilliseconds() >= approved.registered_at.ToMilliseconds() > 0
    assert (approved.market_name, approved.settlement_account.bank_name) == ("Chợ Hùng Sơn", "Agribank")


def test_a_manager_cannot_approve_what_the_same_person_registered(manager: Client, registration: Form) -> None:
    merchant_id = manager("RegisterMerchant", **body(registration)).merchant.merchant_id
    assert manager.refused("ApproveMerchant", merchant_id=merchant_id) == "FOUR_EYES"
    assert manager("GetMerchant", merchant_id=merchant_id).merchant.state == pb.MERCHANT_STATE_SUBMITTED


def test_suspending_and_reinstating_needs_a_reason_and_the_right_state(
    team: Client, manager: Client, operator: Client, registration: Form
) -> None:
    merchant_id = activated(team, manager, registration)
    assert operator.refused("SuspendMerchant", merchant_id=merchant_id) == "INVALID_ARGUMENT"
    assert operator.refused("ReinstateMerchant", merchant_id=merchant_id, reason="lý do") == "WRONG_STATE"
    suspended = operator("SuspendMerchant", merchant_id=merchant_id, reason="bán hàng giả").merchant
    assert (suspended.state, suspended.reason) == (pb.MERCHANT_STATE_SUSPENDED, "bán hàng giả")
    reinstated = operator("ReinstateMerchant", merchant_id=merchant_id, reason="đã khắc phục").merchant
    assert (reinstated.state, reinstated.reason) == (pb.MERCHANT_STATE_ACTIVE, "đã khắc phục")
    assert manager.refused("ApproveMerchant", merchant_id=merchant_id) == "WRONG_STATE"


def test_the_same_request_is_one_merchant_and_another_body_a_conflict(team: Client, registration: Form) -> None:
    first = team("RegisterMerchant", **body(registration))
    assert team("RegisterMerchant", **body(registration)) == first
    assert team.refused("RegisterMerchant", **body(registration, stall="C-1")) == "IDEMPOTENCY_CONFLICT"


def test_a_vendor_sees_the_own_merchants_and_a_stranger_cannot_tell_that_they_exist(
    channel: grpc.Channel, team: Client, manager: Client, vendor: Client, registration: Form
) -> None:
    merchant_id = activated(team, manager, registration)
    assert vendor("GetMerchant", merchant_id=merchant_id).merchant.merchant_id == merchant_id
    assert [m.merchant_id for m in vendor("ListMyMerchants").merchants] == [merchant_id]
    stranger = Client(channel, new_id("usr"), "vendor")
    assert not stranger("ListMyMerchants").merchants
    for method in ("GetMerchant", "GetMerchantQr"):
        messages = set()
        for wanted in (merchant_id, new_id("mer")):
            with pytest.raises(grpc.RpcError) as failed:
                stranger(method, merchant_id=wanted)
            messages.add((error_code(failed.value), failed.value.details()))
        assert len(messages) == 1
        assert messages.pop()[0] == "NOT_FOUND"


@pytest.mark.parametrize("role", ["team", "market_manager", "operator", "auditor"])
def test_who_runs_the_platform_sees_every_merchant(
    channel: grpc.Channel, team: Client, manager: Client, registration: Form, role: str
) -> None:
    merchant_id = activated(team, manager, registration)
    somebody = Client(channel, AUDITOR, role)
    assert somebody("GetMerchant", merchant_id=merchant_id).merchant.owner_id == registration.owner_id
    listed = somebody("ListMerchants", market_id=registration.market_id, state=pb.MERCHANT_STATE_ACTIVE)
    assert [merchant.merchant_id for merchant in listed.merchants] == [merchant_id]


def test_roles_are_kept(channel: grpc.Channel, vendor: Client, team: Client, registration: Form) -> None:
    assert vendor.refused("RegisterMerchant", **body(registration)) == "PERMISSION_DENIED"
    assert team.refused("ApproveMerchant", merchant_id=new_id("mer")) == "PERMISSION_DENIED"
    assert vendor.refused("ListMerchants", market_id=registration.market_id) == "PERMISSION_DENIED"
    assert Client(channel).refused("ListMyMerchants") == "UNAUTHENTICATED"


def test_lists_are_paged(team: Client, another: Another) -> None:
    made = {team("RegisterMerchant", **body(another(number))).merchant.merchant_id for number in range(3)}
    wanted = {"market_id": another(0).market_id, "state": pb.MERCHANT_STATE_SUBMITTED, "page_size": 2}
    first = team("ListMerchants", **wanted)
    last = team("ListMerchants", page_token=first.next_page_token, **wanted)
    assert {merchant.merchant_id for merchant in [*first.merchants, *last.merchants]} == made
    assert last.next_page_token == ""


@pytest.mark.parametrize(
    "fields", [{"state": 0}, {"state": 9}, {"market_id": ""}, {"page_size": 101}, {"page_token": "trang hai"}]
)
def test_a_list_that_makes_no_sense_is_refused(team: Client, registration: Form, fields: dict) -> None:
    wanted = {"market_id": registration.market_id, "state": pb.MERCHANT_STATE_ACTIVE} | fields
    assert team.refused("ListMerchants", **wanted) == "INVALID_ARGUMENT"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"request_id": "one"}, "INVALID_ARGUMENT"),
        ({"name": ""}, "INVALID_ARGUMENT"),
        ({"stall": "góc chợ"}, "INVALID_ARGUMENT"),
        ({"owner_id": "co Nga"}, "INVALID_ARGUMENT"),
        ({"category_code": "rau"}, "INVALID_ARGUMENT"),
        ({"market_id": new_id("mkt")}, "NOT_FOUND"),
        ({"settlement_account": None}, "INVALID_ARGUMENT"),
        (
            {
                "settlement_account": pb.SettlementAccount(
                    bank_bin="999999", account_number="00000001", account_name="A"
                )
            },
            "INVALID_ARGUMENT",
        ),
    ],
)
def test_a_bad_registration_is_refused_with_a_code(team: Client, registration: Form, fields: dict, code: str) -> None:
    assert team.refused("RegisterMerchant", **body(registration, **fields)) == code


def test_a_taken_settlement_account_is_refused(
    team: Client, manager: Client, registration: Form, another: Another
) -> None:
    activated(team, manager, registration)
    account = body(registration)["settlement_account"]
    assert team.refused("RegisterMerchant", **body(another(1), settlement_account=account)) == "ALREADY_EXISTS"


def test_the_stalls_code_leads_back_to_the_merchant(
    team: Client, manager: Client, vendor: Client, registration: Form
) -> None:
    merchant_id = activated(team, manager, registration)
    static = vendor("GetMerchantQr", merchant_id=merchant_id, format="payload")
    read = qr.decode(static.data.decode())
    assert (static.content_type, read.static) == ("text/plain; charset=utf-8", True)
    assert (read.merchant_id, read.lang_name) == (merchant_id, "Rau sạch Cô Nga")
    bill = {"amount": 45_000, "reference": "HD-7", "purpose": "rau"}
    dynamic = vendor("GetMerchantQr", merchant_id=merchant_id, format="payload", **bill).data.decode()
    read = qr.decode(dynamic)
    assert (read.static, read.amount, read.bill_number, read.purpose) == (False, 45_000, "HD-7", "rau")
    png = vendor("GetMerchantQr", merchant_id=merchant_id, format="png", **bill)
    assert png.content_type == "image/png"
    with Image.open(io.BytesIO(png.data)) as picture:
        seen = scan(picture)
    assert seen.text == dynamic
    svg = vendor("GetMerchantQr", merchant_id=merchant_id)
    assert svg.content_type == "image/svg+xml"
    assert read_back(svg.data) == static.data.decode()


def read_back(svg: bytes) -> str:
    """What another program reads of an SVG that others again have drawn."""
    page = fpdf.FPDF(format=(100, 100))
    page.add_page()
    page.image(io.BytesIO(svg), x=0, y=0, w=100, h=100)
    (sheet,) = pypdfium2.PdfDocument(bytes(page.output()))
    return scan(sheet.render(scale=3).to_pil()).text


@given(st.integers(0, 10**18 - 1))
@hypothesis_settings(max_examples=10)
def test_a_payers_one_time_code_is_read_back_from_its_picture(number: int) -> None:
    assert read_back(drawn(f"{number:018}")) == f"{number:018}"


def test_what_is_no_code_is_not_drawn() -> None:
    for payload in ("", "https://example.vn", "1" * 17, "1" * 19, "１" * 18):
        with pytest.raises(QrInvalid):
            drawn(payload)


def test_a_code_is_refused_for_a_merchant_that_is_not_active_and_for_bad_wishes(
    team: Client, manager: Client, operator: Client, registration: Form
) -> None:
    merchant_id = team("RegisterMerchant", **body(registration)).merchant.merchant_id
    assert team.refused("GetMerchantQr", merchant_id=merchant_id) == "MERCHANT_NOT_PAYABLE"
    manager("ApproveMerchant", merchant_id=merchant_id)
    assert team.refused("GetMerchantQr", merchant_id=merchant_id, format="pdf") == "INVALID_ARGUMENT"
    assert team.refused("GetMerchantQr", merchant_id=merchant_id, amount=-5) == "AMOUNT_INVALID"
    assert team.refused("GetMerchantQr", merchant_id=merchant_id, reference="x" * 26) == "INVALID_ARGUMENT"
    operator("SuspendMerchant", merchant_id=merchant_id, reason="bán hàng giả")
    assert team.refused("GetMerchantQr", merchant_id=merchant_id) == "MERCHANT_NOT_PAYABLE"


def test_the_account_number_is_in_no_reply(team: Client, manager: Client, registration: Form) -> None:
    number = registration.account_number
    drafted = team("RegisterMerchant", **body(registration))
    approved = manager("ApproveMerchant", merchant_id=drafted.merchant.merchant_id)
    got = team("GetMerchant", merchant_id=drafted.merchant.merchant_id)
    for reply in (drafted, approved, got):
        assert number.encode() not in reply.SerializeToString()
        assert reply.merchant.settlement_account.account_masked.endswith(number[-4:])
    for changes in ({"stall": "?"}, {"request_id": new_key(), "stall": "C-2"}, {"stall": "C-3"}):
        with pytest.raises(grpc.RpcError) as failed:
            team("RegisterMerchant", **body(registration, **changes))
        assert number not in str(failed.value)


def test_the_account_number_is_not_logged_even_where_registering_fails_unexpectedly(
    team: Client, registration: Form, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()
    processors: list[Any] = [
        structlog.processors.format_exc_info,
        structlog.processors.JSONRenderer(ensure_ascii=False),
    ]
    logger = structlog.wrap_logger(structlog.PrintLogger(written), processors=processors)
    monkeypatch.setattr("kit.rpc.failures._logger", logger)

    def fail(document: store.MerchantDocument, **_: Any) -> None:
        raise RuntimeError(f"cannot save {document.to_mongo().to_dict()}")

    monkeypatch.setattr(store.MerchantDocument, "save", fail)
    assert team.refused("RegisterMerchant", **body(registration)) == "INTERNAL"
    assert "cannot save" in written.getvalue()
    assert registration.account_number not in written.getvalue()
