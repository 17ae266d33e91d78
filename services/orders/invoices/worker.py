"""Issues invoices when orders change, sends them, and hears of who sells where."""

from __future__ import annotations

from cho.events.v1.events_pb2 import MarketChanged, MerchantChanged, OrderChanged, PaymentMoved
from nameko.timer import timer
from pymongo.errors import PyMongoError

from kit import clock
from kit.config import settings
from kit.log import logger
from kit.streams.event import Event
from kit.streams.group import stream_handler
from services.orders import store as orders
from services.orders.invoices import issuing, sending, source, store
from services.orders.invoices.folder import Folder
from services.orders.invoices.watched import Watched

_SELLERS = {"merchant.activated", "merchant.suspended", "merchant.reinstated", "merchant.closed"}
_MARKETS = {"market.created", "market.changed"}
# The tax authority knows no such sender.
LOCAL_SENDER = "CHOLOCAL"

_log = logger(__name__)


def _of_an_order(event: Event) -> bool:
    return event.type.startswith("order.")


def _settle(order_id: str) -> None:
    for made in issuing.settle(order_id, source.sale):
        _log.info(
            "invoice issued", invoice=made.invoice_id, kind=made.kind.value, symbol=made.symbol, number=made.number
        )


class Invoices:
    name = "orders.invoices"

    watched = Watched()

    @stream_handler("onboarding:events", group="orders.invoices", types=_SELLERS | _MARKETS)
    def on_seller(self, event: Event) -> None:
        """Who sells under which tax code, and where."""
        if event.type in _MARKETS:
            store.put_market(MarketChanged.FromString(event.data))
        else:
            store.put_stall(MerchantChanged.FromString(event.data))

    @stream_handler("orders:events", group="orders.invoices", where=_of_an_order)
    def on_order(self, event: Event) -> None:
        """Whatever happened to an order: its invoices follow."""
        _settle(OrderChanged.FromString(event.data).order_id)

    @stream_handler("payments:named", group="orders.invoices", types={"payment.refunded"})
    def on_refund(self, event: Event) -> None:
        """A seller may give money back without a word to the order, which then tells nobody of it."""
        # The order hears of it first, here or there: what it heard before changes nothing.
        order = orders.apply_payment(PaymentMoved.FromString(event.data), event.traceparent)
        if order is not None:
            _settle(order.id)

    @timer(interval=2)
    def send(self) -> None:
        """What is due goes out, and what came back is taken."""
        known = settings()
        sender = known.invoice_sender or (LOCAL_SENDER if known.env == "local" else "")
        if not sender:
            return  # they wait, and say so
        try:
            sending.tick(Folder(known.home / "invoices"), sender, clock.now_ms())
        except PyMongoError as error:
            _log.warning("invoices are sent later", reason=str(error))


SERVICES = [Invoices]
