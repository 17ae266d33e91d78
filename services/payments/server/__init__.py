"""Payments' API: proto in, proto out. A file a gRPC service."""

from __future__ import annotations

import asyncio
from typing import Any

import uvloop
from cho.payments.v1 import (
    cards_pb2,
    codes_pb2,
    desk_pb2,
    disbursements_pb2,
    holds_pb2,
    levels_pb2,
    orders_pb2,
    organisations_pb2,
    requests_pb2,
    scheme_pb2,
    webhooks_pb2,
)
from cho.payments.v1 import payments_pb2 as pb
from google.protobuf.descriptor import ServiceDescriptor
from pymongo.errors import PyMongoError

from kit import log
from kit.config import settings
from kit.errors import DomainError
from kit.rpc import aio
from services.payments import levels as level_rules
from services.payments import limits, store
from services.payments.card.client import AsyncCards
from services.payments.server.cards import CardServicer
from services.payments.server.carry import Carrier
from services.payments.server.codes import CodeServicer
from services.payments.server.common import TELECOMS
from services.payments.server.desk import DeskServicer
from services.payments.server.directory import Directory
from services.payments.server.disbursements import DisbursementServicer
from services.payments.server.documents import Documents
from services.payments.server.holds import HoldServicer
from services.payments.server.levels import LevelsServicer
from services.payments.server.ordermoney import OrderMoneyServicer
from services.payments.server.organisations import OrganisationServicer
from services.payments.server.payments import PaymentsServicer
from services.payments.server.requests import RequestServicer
from services.payments.server.scheme import SchemeServicer
from services.payments.server.webhooks import WebhookServicer
from services.payments.store.changes import Changes
from services.payments.store.client import LedgerClient
from services.payments.store.keys import keys
from services.payments.store.ledger import Ledger
from services.payments.store.levels import Levels
from services.payments.store.live import Followers
from services.payments.store.people import People
from services.payments.store.stickers import Stickers

_logger = log.logger(__name__)


async def _found(ledger: Ledger) -> None:
    """Waits until the gate is open, then makes sure that the scheme's accounts and the rules are there."""
    waited = 0
    while True:
        try:
            await ledger.found(TELECOMS.values(), limits.encode(limits.in_force(settings().payments_a_minute)))
        except DomainError as error:
            if waited % 50 == 0:
                _logger.info("waiting for the ledger", code=error.code, message=error.message)
            waited += 1
            await asyncio.sleep(0.1)
        else:
            return


async def _open_documents(opened: asyncio.Event) -> None:
    """Until payments' documents can be reached: payments themselves do not wait for them."""
    while not opened.is_set():
        try:
            await asyncio.to_thread(store.open_documents)
            opened.set()
        except PyMongoError as error:
            _logger.warning("waiting for the documents", error=str(error))
            await asyncio.sleep(1)


async def _serve() -> None:
    log.set_up("payments.serve")
    client = LedgerClient(settings().ledger_url, settings().ledger_replicas)
    await client.start()
    ledger, followers = Ledger(client, keys()), Followers(settings().redis_url)
    await _found(ledger)
    await followers.start()
    people = People(settings().redis_url)
    stickers = Stickers(settings().redis_url)
    directory = Directory(ledger, people, stickers)
    changes = Changes(settings().redis_url, directory.forget_merchant)
    await changes.start()
    cards, opened = AsyncCards.of(settings()), asyncio.Event()
    documents = Documents(opened)
    levels = Levels(settings().redis_url)
    await levels.start()
    carrier = Carrier(ledger, cards, documents)
    card_servicer = CardServicer(ledger, carrier, settings().own_secret("stripe_webhook_secret"))
    opening = asyncio.create_task(_open_documents(opened))
    servicers: list[tuple[ServiceDescriptor, Any]] = [
        (pb.DESCRIPTOR.services_by_name["PaymentsService"], PaymentsServicer(ledger, directory, followers)),
        (requests_pb2.DESCRIPTOR.services_by_name["RequestService"], RequestServicer(ledger)),
        (codes_pb2.DESCRIPTOR.services_by_name["CodeService"], CodeServicer(ledger, directory)),
        (holds_pb2.DESCRIPTOR.services_by_name["HoldService"], HoldServicer(ledger, directory)),
        (orders_pb2.DESCRIPTOR.services_by_name["OrderMoneyService"], OrderMoneyServicer(ledger, directory)),
        (scheme_pb2.DESCRIPTOR.services_by_name["SchemeService"], SchemeServicer(ledger)),
        (desk_pb2.DESCRIPTOR.services_by_name["DeskService"], DeskServicer(ledger)),
        (organisations_pb2.DESCRIPTOR.services_by_name["OrganisationService"], OrganisationServicer(ledger)),
        (
            disbursements_pb2.DESCRIPTOR.services_by_name["DisbursementService"],
            DisbursementServicer(ledger, people, documents),
        ),
        (webhooks_pb2.DESCRIPTOR.services_by_name["WebhookService"], WebhookServicer(ledger, documents)),
        (cards_pb2.DESCRIPTOR.services_by_name["CardService"], card_servicer),
        (levels_pb2.DESCRIPTOR.services_by_name["LevelsService"], LevelsServicer(ledger, levels)),
    ]
    money = level_rules.counted([descriptor for descriptor, _ in servicers])
    await aio.serve("payments", servicers, followers.stop, dict.fromkeys(money, levels))
    opening.cancel()
    await changes.stop()
    await carrier.stop()
    await cards.close()
    await people.close()
    await stickers.close()
    await levels.stop()
    await client.stop()


def main() -> None:
    """Serves until SIGTERM, from when the worker has loaded the ledger's functions and the gate is open."""
    uvloop.run(_serve())  # less CPU a call than asyncio's own loop (docs/performance.md)
