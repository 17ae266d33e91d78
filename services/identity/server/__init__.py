"""Identity's API: proto in, proto out. A file a gRPC service."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cho.identity.v1 import citizen_pb2, external_pb2, identity_pb2, privacy_pb2, recovery_pb2, roles_pb2, sessions_pb2

from kit import clock, log
from kit.config import settings
from kit.rpc import threads
from kit.sms import Courier
from services.identity import store
from services.identity.external.provider import Provider
from services.identity.server.citizen import CitizenServicer
from services.identity.server.external import ExternalServicer
from services.identity.server.front import Front
from services.identity.server.privacy import PrivacyServicer
from services.identity.server.recovery import RecoveryServicer
from services.identity.server.roles import RoleServicer
from services.identity.server.sessions import SessionServicer
from services.identity.server.sign_in import IdentityServicer


def servicers(
    courier: Courier,
    provider: Provider,
    hasher: store.Hasher = store.HASHER,
    now: Callable[[], datetime] = clock.now,
) -> threads.Servicers:
    """All of them, for one process. `hasher` and `now` are for tests."""
    front = Front(hasher, now)
    return [
        (identity_pb2.DESCRIPTOR.services_by_name["IdentityService"], IdentityServicer(front)),
        (sessions_pb2.DESCRIPTOR.services_by_name["SessionService"], SessionServicer(front)),
        (recovery_pb2.DESCRIPTOR.services_by_name["RecoveryService"], RecoveryServicer(front, courier)),
        (roles_pb2.DESCRIPTOR.services_by_name["RoleService"], RoleServicer(front)),
        (citizen_pb2.DESCRIPTOR.services_by_name["CitizenService"], CitizenServicer(front)),
        (external_pb2.DESCRIPTOR.services_by_name["ExternalService"], ExternalServicer(front, provider)),
        (privacy_pb2.DESCRIPTOR.services_by_name["PrivacyService"], PrivacyServicer(front)),
    ]


def main() -> None:
    """The process `identity serve`."""
    log.set_up("identity.serve")
    store.open_store()
    # The very first key: without one there is nothing to sign with.
    store.rotate_keys(clock.now())
    courier, provider = Courier(), Provider(settings(), clock.now)
    try:
        threads.serve("identity", servicers(courier, provider))
    finally:
        courier.close()
        provider.close()


if __name__ == "__main__":
    main()
