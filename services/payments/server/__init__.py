"""Payments' API: proto in, proto out. A file a gRPC service."""

from __future__ import annotations

import asyncio
from typing import Any

from cho.payments.v1 import cards_pb2
from cho.payments.v1 import payments_pb2 as pb
from google.protobuf.descriptor import ServiceDescriptor
from pymongo.errors import PyMongoError

from kit import log
from kit.config import settings
from kit.errors import DomainError
from kit.rpc import aio
from services.payments import limits, store
from services.payments.card.client import AsyncCards
from services.payments.server.cards import CardServicer
from services.payments.server.carry import Carrier
from services.payments.server.common import TELECOMS
from services.payments.server.directory import Directory
from services.payments.server.payments import PaymentsServicer
from services.payments.store.client import LedgerClient
from services.payments.store.keys import keys
from services.payments.store.ledger import Ledger
from services.payments.store.live import Followers
from services.payments.store.people import People

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
    directory = Directory(ledger, people)
    cards, opened = AsyncCards.of(settings()), asyncio.Event()
    carrier = Carrier(ledger, cards, opened)
    card_servicer = CardServicer(ledger, carrier, settings().own_secret("stripe_webhook_secret"))
    opening = asyncio.create_task(_open_documents(opened))
    servicers: list[tuple[ServiceDescriptor, Any]] = [
        (pb.DESCRIPTOR.services_by_name["PaymentsService"], PaymentsServicer(ledger, directory, followers)),
        (cards_pb2.DESCRIPTOR.services_by_name["CardService"], card_servicer),
    ]
    await aio.serve("payments", servicers, before_stop=followers.stop)
    opening.cancel()
    await carrier.stop()
    await cards.close()
    await people.close()
    await client.stop()


def main() -> None:
    """Serves until SIGTERM, from when the worker has loaded the ledger's functions and the gate is open."""
    asyncio.run(_serve())
