"""gRPC server of onboarding: proto in, proto out. A file a service of the protos."""

from __future__ import annotations

from cho.onboarding.v1 import (
    accounts_pb2,
    assist_pb2,
    bulk_pb2,
    drafts_pb2,
    draw_pb2,
    onboarding_pb2,
    people_pb2,
    places_pb2,
    pulse_pb2,
    review_pb2,
    sentinel_pb2,
    stands_pb2,
    storefront_pb2,
)

from kit.rpc.threads import Servicers, serve
from services.onboarding import store
from services.onboarding.assist.server import AssistServicer
from services.onboarding.bulk.server import BulkServicer
from services.onboarding.draw import DrawServicer
from services.onboarding.places.server import MarketServicer, PlacesServicer
from services.onboarding.pulse.server import PulseServicer
from services.onboarding.sentinel.server import SentinelServicer
from services.onboarding.server.accounts import AccountServicer
from services.onboarding.server.drafts import DraftServicer
from services.onboarding.server.merchants import OnboardingServicer
from services.onboarding.server.people import PeopleServicer
from services.onboarding.server.review import ReviewServicer
from services.onboarding.stands.server import StandServicer
from services.onboarding.storefront.server import StorefrontServicer


def servicers() -> Servicers:
    """What this process serves, by service descriptor."""
    return [
        (onboarding_pb2.DESCRIPTOR.services_by_name["OnboardingService"], OnboardingServicer()),
        (drafts_pb2.DESCRIPTOR.services_by_name["DraftService"], DraftServicer()),
        (review_pb2.DESCRIPTOR.services_by_name["ReviewService"], ReviewServicer()),
        (accounts_pb2.DESCRIPTOR.services_by_name["AccountService"], AccountServicer()),
        (people_pb2.DESCRIPTOR.services_by_name["PeopleService"], PeopleServicer()),
        (places_pb2.DESCRIPTOR.services_by_name["PlacesService"], PlacesServicer()),
        (places_pb2.DESCRIPTOR.services_by_name["MarketService"], MarketServicer()),
        (stands_pb2.DESCRIPTOR.services_by_name["StandService"], StandServicer()),
        (sentinel_pb2.DESCRIPTOR.services_by_name["SentinelService"], SentinelServicer()),
        (pulse_pb2.DESCRIPTOR.services_by_name["PulseService"], PulseServicer()),
        (bulk_pb2.DESCRIPTOR.services_by_name["BulkService"], BulkServicer()),
        (assist_pb2.DESCRIPTOR.services_by_name["AssistService"], AssistServicer()),
        (storefront_pb2.DESCRIPTOR.services_by_name["StorefrontService"], StorefrontServicer()),
        (draw_pb2.DESCRIPTOR.services_by_name["DrawService"], DrawServicer()),
    ]


def main() -> None:
    """Serves until stopped."""
    store.open_store()
    serve(store.SERVICE, servicers())
