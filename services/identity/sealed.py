"""Identity's encrypted fields, for `cho keys rotate`."""

from __future__ import annotations

from kit.reseal import Sealed
from services.identity.store.keyring import SECRET_FIELD, KeyRing
from services.identity.store.people import CITIZEN_FIELD, PHONE_FIELD, Person

SEALED = (
    Sealed(Person, "phone", PHONE_FIELD, owned=True),
    Sealed(Person, "citizen", CITIZEN_FIELD, owned=True),
    Sealed(KeyRing, "keys.secret", SECRET_FIELD),
)
