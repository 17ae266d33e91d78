"""Tells the others what changed about merchants. Never imports grpc (DESIGN D5)."""

from __future__ import annotations

from nameko.timer import timer

from kit.streams.relay import Relay
from kit.streams.trim import trim_stream
from services.onboarding import store


class OnboardingWorker:
    """Publishes the events that merchants keep in their outbox, and keeps the stream short."""

    name = store.SERVICE
    merchants = Relay(store.MerchantDocument, stream=store.STREAM)

    @timer(interval=60)
    def trim(self) -> None:
        """Removes what every listener has acknowledged."""
        trim_stream(store.STREAM)


SERVICES = [OnboardingWorker]
