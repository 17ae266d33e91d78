"""Devices: one document for each that a person signed in with.

An app proves which one it is by a UUID that it keeps to itself. Only its keyed hash is stored; owner, tokens and
other services know the device by an id made here, so that a stolen token does not tell how to pass for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from mongoengine import DateTimeField, Document, StringField
from mongoengine.errors import NotUniqueError

from kit import crypto
from kit.errors import Contention
from kit.ids import new_id
from services.identity.device import Device

# One more drops the one whose last sign-in is the oldest; its sessions end with it.
DEVICES_MAX = 10
# A round is lost to somebody who remembers or forgets the same device at the same moment.
_ROUNDS_MAX = 5


class KnownDevice(Document):
    """`key` finds it by owner and UUID. Forgotten and met again, it is another one with another id."""

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    key = StringField(required=True)
    name = StringField()
    first_seen_at = DateTimeField(required=True)
    signed_in_at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "devices",
        "auto_create_index": False,
        "indexes": ["user_id", {"fields": ["key"], "unique": True}],
    }


def remember_device(user_id: str, installation: str, name: str, now: datetime) -> Device:
    """The device with this UUID (lower case), first seen `now` (UTC) where it is new. A `name` replaces the old one.

    Raises Contention where it was remembered and forgotten again and again meanwhile.
    """
    key = _key(user_id, installation)
    change: dict[str, Any] = {"set__signed_in_at": now} | ({"set__name": name} if name else {})
    for _ in range(_ROUNDS_MAX):
        known = KnownDevice.objects(key=key).modify(new=True, **change)
        if known is not None:
            return _device(known)
        met = KnownDevice(id=new_id("dev"), user_id=user_id, key=key, name=name, first_seen_at=now, signed_in_at=now)
        try:
            met.save(force_insert=True)
        except NotUniqueError:
            continue
        _drop_oldest(user_id)
        return _device(met)
    raise Contention("this device signed in and was removed at the same time")


def devices_of(user_id: str) -> list[Device]:
    """This person's devices, the last used first."""
    found = [_device(known) for known in KnownDevice.objects(user_id=user_id)]
    return sorted(found, key=lambda device: (device.signed_in_at, device.device_id), reverse=True)


def is_known(user_id: str, device_id: str) -> bool:
    """Whether this device is one of this person's."""
    return KnownDevice.objects(id=device_id, user_id=user_id).only("id").first() is not None


def find_device(user_id: str, installation: str) -> Device | None:
    """The device of this person with this UUID (lower case), where they have signed in with it."""
    known = KnownDevice.objects(key=_key(user_id, installation)).first()
    return _device(known) if known else None


def forget_devices(user_id: str) -> None:
    """Forgets all of this person's."""
    KnownDevice.objects(user_id=user_id).delete()


def forget_device(user_id: str, device_id: str) -> bool:
    """Forgets one of this person's devices: its sessions can no longer be used. Whether there was one."""
    return bool(KnownDevice.objects(id=device_id, user_id=user_id).delete())


def _key(user_id: str, installation: str) -> str:
    return crypto.blind_index("devices.installation", f"{user_id}:{installation}")


def _drop_oldest(user_id: str) -> None:
    too_many = [device.device_id for device in devices_of(user_id)[DEVICES_MAX:]]
    if too_many:
        KnownDevice.objects(id__in=too_many).delete()


def _device(known: KnownDevice) -> Device:
    return Device(known.id, known.name or "", known.first_seen_at, known.signed_in_at)
