"""Tells the others what changed about merchants. Never imports grpc (DESIGN D5)."""

from __future__ import annotations

from typing import Any

from cho.events.v1.events_pb2 import UserChanged, UserErased
from nameko.extensions import DependencyProvider
from nameko.timer import timer

from kit.clock import now_ms
from kit.streams import clients
from kit.streams.event import Event
from kit.streams.group import stream_handler
from kit.streams.lease import Lease
from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.onboarding import store
from services.onboarding.assist import owners
from services.onboarding.bulk import work
from services.onboarding.pulse.count import count
from services.onboarding.sentinel.watch import look

ERASED = "user.erased"
PERSON = ("user.created", "user.changed", ERASED)


class Imports(DependencyProvider):
    """The clerk of this process; one of all processes works at a time."""

    def setup(self) -> None:
        self._clerk = work.Clerk(Lease(clients.streams(), work.LEASE), store.markets)

    def get_dependency(self, worker_ctx: Any) -> work.Clerk:
        return self._clerk


class OnboardingWorker:
    """Publishes the events that merchants keep in their outbox, and keeps the stream short."""

    name = store.SERVICE
    merchants = Relay(store.MerchantDocument, stream=store.STREAM)
    imports = Imports()
    markets = Relay(store.MarketDocument, stream=store.STREAM)
    enterprises = Relay(store.EnterpriseDocument, stream=store.STREAM)
    relations = Relay(store.RelationDocument, stream=store.STREAM)
    stalls = Relay(store.StallDocument, stream=store.STREAM)
    stands = Relay(store.StandDocument, stream=store.STREAM)
    alarms = Relay(store.AlarmDocument, stream=store.STREAM)

    @timer(interval=60)
    def watch(self) -> None:
        """Raises alarms for stalls that went quiet while their neighbours were busy."""
        look(clients.streams(), now_ms())

    @timer(interval=5)
    def count_payments(self) -> None:
        """What the markets were paid, for the operations centre."""
        count(clients.streams(), now_ms())

    @stream_handler("identity:events", group="onboarding.owners", types=PERSON)
    def on_person(self, event: Event) -> None:
        """Whose phone it is: what was handed in for it is theirs. An event without a phone is followed by one with."""
        if event.type == ERASED:
            gone = UserErased.FromString(event.data)
            owners.erased(gone.user_id, gone.version)
            store.forget_person(gone.user_id, gone.phone_index)
            return
        # The two other messages have the same fields under the same numbers.
        person = UserChanged.FromString(event.data)
        if person.phone_index:
            owners.heard(person.user_id, person.phone_index, person.version)

    @timer(interval=1)
    def import_sheets(self) -> None:
        """Checks and runs what was sent in bulk."""
        self.imports.tick()

    @timer(interval=10)
    def switch_accounts(self) -> None:
        """Settlement accounts whose cooling-off time is over: the ledger's directory hears of them."""
        store.switch_due()

    @timer(interval=60)
    def trim(self) -> None:
        """Removes what every listener has acknowledged."""
        trim_stream(store.STREAM)


SERVICES = [OnboardingWorker]
