"""Payments' API over a real gRPC channel, as the gateway would call it for somebody."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import redis
from cho.events.v1.events_pb2 import UserChanged
from cho.payments.v1 import (
    codes_pb2,
    codes_pb2_grpc,
    desk_pb2,
    desk_pb2_grpc,
    disbursements_pb2,
    disbursements_pb2_grpc,
    holds_pb2,
    holds_pb2_grpc,
    orders_pb2,
    orders_pb2_grpc,
    organisations_pb2,
    organisations_pb2_grpc,
    requests_pb2,
    requests_pb2_grpc,
    scheme_pb2,
    scheme_pb2_grpc,
    webhooks_pb2,
    webhooks_pb2_grpc,
)
from cho.payments.v1 import payments_pb2 as pb
from cho.payments.v1.payments_pb2_grpc import PaymentsServiceStub
from google.protobuf.message import Message

from kit.clock import now
from kit.config import settings
from kit.crypto import account_index
from kit.ids import new_id, new_key
from kit.rpc.aio import Server
from kit.rpc.status import error_code
from kit.streams.event import Event
from services.payments import transfer
from services.payments.server.codes import CodeServicer
from services.payments.server.desk import DeskServicer
from services.payments.server.directory import Directory
from services.payments.server.disbursements import DisbursementServicer
from services.payments.server.documents import Documents
from services.payments.server.holds import HoldServicer
from services.payments.server.ordermoney import OrderMoneyServicer
from services.payments.server.organisations import OrganisationServicer
from services.payments.server.payments import PaymentsServicer
from services.payments.server.requests import RequestServicer
from services.payments.server.scheme import SchemeServicer
from services.payments.server.webhooks import WebhookServicer
from services.payments.store.live import Followers
from services.payments.store.people import People, put_person
from services.payments.store.stickers import Stickers

if TYPE_CHECKING:
    from tests.payments.conftest import Bench

VIETTEL, VNPT = pb.TELECOM_VIETTEL, pb.TELECOM_VNPT
BANK, ACCOUNT = "970436", "0123456789"
WAIT_S_MAX = 60


@dataclass(frozen=True)
class Person:
    """Whom the gateway says the caller is."""

    sub: str
    roles: tuple[str, ...]
    institution: str = ""

    def claims(self, **changes: str) -> tuple[tuple[str, str], ...]:
        found = {
            "x-cho-edge": settings().edge_secret,
            "x-cho-sub": self.sub,
            "x-cho-roles": ",".join(self.roles),
            "x-cho-ins": self.institution,
            "x-cho-pin-at": str(int(time.time())),
            **{name.replace("_", "-"): value for name, value in changes.items()},
        }
        return tuple((name, value) for name, value in found.items() if value)


def person(*roles: str, institution: str = "") -> Person:
    return Person(new_id("usr"), roles or ("shopper",), institution)


OPERATOR, SERVICE = person("operator"), Person("service:settlement", ("service",))
OFFICER, OTHER_OFFICER = person("officer", institution="VIETTEL"), person("officer", institution="VNPT")


@dataclass
class Api:
    """The service, and the ledger behind it."""

    stubs: tuple[Any, ...]
    bench: Bench
    followers: Followers
    channel: grpc.aio.Channel

    def __call__(self, who: Person, method: str, request: Message, **claims: str) -> Awaitable[Any]:
        stub = next(stub for stub in self.stubs if hasattr(stub, method))
        return getattr(stub, method)(request, metadata=who.claims(**claims), timeout=WAIT_S_MAX)  # type: ignore[no-any-return]

    async def code(self, who: Person, method: str, request: Message, **claims: str) -> str:
        """The code that the call is refused with."""
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await self(who, method, request, **claims)
        return error_code(refused.value)

    async def shopper(self, balance: int = 0, telecom: int = VIETTEL) -> tuple[Person, str]:
        """Somebody and their wallet."""
        somebody = self.identified(person("shopper"))
        wallet = (await self(somebody, "OpenWallet", pb.OpenWalletRequest(telecom=telecom))).wallet.account_id
        if balance:
            name = {VIETTEL: "VIETTEL", VNPT: "VNPT"}[telecom]
            agent = await self.bench.agent(name, balance)
            await self.bench.post("cash_in", balance, transfer.cash_in(agent, wallet, balance))
        return somebody, wallet

    def identified(self, who: Person, person_id: str = "") -> Person:
        """The same, whose citizen card somebody has seen: a person of their own, or the one that is named."""
        told = UserChanged(user_id=who.sub, person_id=person_id or new_id("prs"), version=2)
        event = Event("evt", "user.changed", "identity", who.sub, now(), "", told.SerializeToString())
        with redis.Redis.from_url(self.bench.url) as client:
            put_person(client, event)
        return who

    async def vendor(self, category: str = "5499", account: str = "", state: str = "open") -> tuple[Person, str]:
        """A vendor and their merchant; vegetables cost no fee."""
        vendor, merchant, k = person("vendor"), new_id("mer"), self.bench.keys
        index = account_index(BANK, account) if account else "idx" + merchant
        keys = [k.meta, k.stream, k.account(merchant), k.bank_account(index), k.owner(vendor.sub)]
        names = (category, "Bà Lan", "Chợ Thái", "A-1")
        args = (merchant, vendor.sub, state, 1, BANK, *names, "scope", b"")
        assert (await self.bench.ledger._call("merchant_v3", keys, *args))[0] == "OK"
        return vendor, merchant

    async def agent(self, balance: int = 0, officer: Person = OFFICER) -> tuple[Person, str]:
        agent = person("agent")
        opened = await self(officer, "OpenAgent", pb.OpenAgentRequest(owner_id=agent.sub))
        if balance:
            await self(officer, "FundAgent", fund(opened.agent.account_id, balance))
        return agent, opened.agent.account_id


@asynccontextmanager
async def serve(bench: Bench) -> AsyncIterator[Api]:
    """The server on a bench's ledger."""
    followers = Followers(bench.url)
    await followers.start()
    people = People(bench.url)
    stickers = Stickers(bench.url)
    ledger, directory = bench.ledger, Directory(bench.ledger, people, stickers)
    opened = asyncio.Event()
    opened.set()  # tests that need documents open them: `documents`
    servicers: list[tuple[Any, str, Any]] = [
        (pb, "PaymentsService", PaymentsServicer(ledger, directory, followers)),
        (requests_pb2, "RequestService", RequestServicer(ledger)),
        (codes_pb2, "CodeService", CodeServicer(ledger, directory)),
        (holds_pb2, "HoldService", HoldServicer(ledger, directory)),
        (orders_pb2, "OrderMoneyService", OrderMoneyServicer(ledger, directory)),
        (desk_pb2, "DeskService", DeskServicer(ledger)),
        (organisations_pb2, "OrganisationService", OrganisationServicer(ledger)),
        (scheme_pb2, "SchemeService", SchemeServicer(ledger)),
        (webhooks_pb2, "WebhookService", WebhookServicer(ledger, Documents(opened))),
        (disbursements_pb2, "DisbursementService", DisbursementServicer(ledger, people, Documents(opened))),
    ]
    server = Server("127.0.0.1:0", [(m.DESCRIPTOR.services_by_name[name], one) for m, name, one in servicers])
    await server.start()
    stubs = (
        PaymentsServiceStub, requests_pb2_grpc.RequestServiceStub, codes_pb2_grpc.CodeServiceStub,
        holds_pb2_grpc.HoldServiceStub, desk_pb2_grpc.DeskServiceStub, organisations_pb2_grpc.OrganisationServiceStub,
        orders_pb2_grpc.OrderMoneyServiceStub,
        disbursements_pb2_grpc.DisbursementServiceStub,
        scheme_pb2_grpc.SchemeServiceStub,
        webhooks_pb2_grpc.WebhookServiceStub,
    )  # fmt: skip
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Api(tuple(stub(channel) for stub in stubs), bench, followers, channel)
    await followers.stop()
    await server.stop(1)
    await people.close()
    await stickers.close()


def fund(agent: str, amount: int, **more: Any) -> pb.FundAgentRequest:
    return pb.FundAgentRequest(agent_id=agent, amount=amount, idempotency_key=new_key(), **more)
