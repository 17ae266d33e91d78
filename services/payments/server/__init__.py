"""Payments' API: proto in, proto out. A file a gRPC service."""

from __future__ import annotations

import asyncio

from cho.payments.v1 import payments_pb2 as pb

from kit import log
from kit.config import settings
from kit.errors import DomainError
from kit.rpc import aio
from services.payments import limits
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


async def _serve() -> None:
    log.set_up("payments.serve")
    client = LedgerClient(settings().ledger_url, settings().ledger_replicas)
    await client.start()
    ledger, followers = Ledger(client, keys()), Followers(settings().redis_url)
    await _found(ledger)
    await followers.start()
    people = People(settings().redis_url)
    directory = Directory(ledger, people)
    servicers = [
        (pb.DESCRIPTOR.services_by_name["PaymentsService"], PaymentsServicer(ledger, directory, followers)),
    ]
    await aio.serve("payments", servicers, before_stop=followers.stop)
    await people.close()
    await client.stop()


def main() -> None:
    """Serves until SIGTERM, from when the worker has loaded the ledger's functions and the gate is open."""
    asyncio.run(_serve())
