"""Everything that identity holds of one person, for that person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kit import accesses
from services.identity.store.devices import devices_of
from services.identity.store.links import link_of
from services.identity.store.people import citizen_id_of, person, phone_of
from services.identity.store.sessions import sessions_of
from services.identity.store.vouchers import vouchers_for


def known_of(user_id: str, now: datetime) -> dict[str, Any]:
    """As JSON can hold it; times RFC 3339, UTC. PIN and secrets are known as hashes only and not part of it.

    Raises NotFound.
    """
    found, link = person(user_id), link_of(user_id)
    return {
        "user_id": found.id,
        "name": found.name,
        "phone": phone_of(found),
        "citizen_id": citizen_id_of(found),
        "identified_at": found.identified_at.isoformat() if found.identified_at else "",
        "roles": list(found.roles),
        "institution": found.institution or "",
        "created_at": found.created_at.isoformat(),
        "pin_reset_at": found.pin_reset_at.isoformat() if found.pin_reset_at else "",
        "role_changes": [
            {"kind": one.kind, "at": one.at.isoformat(), "roles": list(one.roles), "reason": one.reason}
            for one in found.role_changes
        ],
        "role_proposal": {
            "at": found.proposal.made_at.isoformat(),
            "roles": list(found.proposal.roles),
            "reason": found.proposal.reason,
        }
        if found.proposal
        else None,
        "vouchers": [
            {"at": one.made_at.isoformat(), "state": one.state, "reason": one.reason} for one in vouchers_for(user_id)
        ],
        "devices": [
            {
                "device_id": device.device_id,
                "name": device.name,
                "first_seen_at": device.first_seen_at.isoformat(),
                "signed_in_at": device.signed_in_at.isoformat(),
            }
            for device in devices_of(user_id)
        ],
        "sessions": [
            {"session_id": one.session_id, "device_id": one.device_id, "opened_at": one.opened_at.isoformat()}
            for one in sessions_of(user_id, now)
        ],
        "external_link": link.linked_at.isoformat() if link else "",
        "looked_at_by": [
            {"at": one.at.isoformat(), "field": one.field, "reason": one.reason}
            for one in accesses.page(subject_id=user_id, page_size=accesses.PAGE_SIZE_MAX).accesses
        ],
    }
