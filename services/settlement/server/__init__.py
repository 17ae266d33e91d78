"""Settlement's API: proto in, proto out. A file a gRPC service."""

from __future__ import annotations

from cho.settlement.v1 import (
    exchange_pb2,
    payouts_pb2,
    reconciliation_pb2,
    settlement_pb2,
    statements_pb2,
    taxbook_pb2,
    uploads_pb2,
)

from kit import log
from kit.config import settings
from kit.rpc import threads
from services.settlement import store
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.server.payouts import PayoutServicer
from services.settlement.server.reconciliation import ReconciliationServicer
from services.settlement.server.statements import StatementServicer
from services.settlement.server.submitted import ExchangeServicer
from services.settlement.server.uploads import UploadServicer
from services.settlement.server.windows import SettlementServicer
from services.settlement.statements.feed import Feed
from services.settlement.statements.model import Model
from services.settlement.taxbook.server import TaxBookServicer


def main() -> None:
    """Serves until SIGTERM."""
    log.set_up("settlement.serve")
    secret = settings().own_secret("settlement_signing_secret")
    store.open_store()
    model = Model(settings().home / "statements.sqlite3")
    books = Checkpoints(settings().home / "books" / "serve.sqlite3")
    feed = Feed(model, store.pages)
    feed.start()
    servicers: threads.Servicers = [
        (settlement_pb2.DESCRIPTOR.services_by_name["SettlementService"], SettlementServicer(books)),
        (payouts_pb2.DESCRIPTOR.services_by_name["PayoutService"], PayoutServicer(model)),
        (reconciliation_pb2.DESCRIPTOR.services_by_name["ReconciliationService"], ReconciliationServicer()),
        (exchange_pb2.DESCRIPTOR.services_by_name["ExchangeService"], ExchangeServicer()),
        (uploads_pb2.DESCRIPTOR.services_by_name["UploadService"], UploadServicer()),
        (statements_pb2.DESCRIPTOR.services_by_name["StatementService"], StatementServicer(model, feed, secret)),
        (taxbook_pb2.DESCRIPTOR.services_by_name["TaxBookService"], TaxBookServicer(model, feed)),
    ]
    try:
        threads.serve("settlement", servicers)
    finally:
        feed.stop()
        model.close()
        books.close()
