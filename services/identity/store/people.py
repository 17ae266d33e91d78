"""People and their PINs. A phone is encrypted, and found by its blind index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from cho.events.v1 import events_pb2
from mongoengine import BinaryField, DateTimeField, Document, IntField, ListField, StringField
from mongoengine.errors import NotUniqueError

from kit import clock, crypto, phones
from kit.errors import AlreadyExists, Contention, InvalidArgument
from kit.ids import is_id, new_id
from kit.outbox import OutboxEvent, OutboxMixin, outbox_event
from services.identity import pin as pins
from services.identity import user as users
from services.identity.store.hasher import HASHER, Hasher
from services.identity.user import User

# What people have to tell leaves through it.
STREAM = "identity:events"

# Of a person as they were created; nothing that is told changes yet.
FIRST_VERSION = 1

_PHONE = "users.phone"


class Person(OutboxMixin, Document):
    """One person. `pin_version` counts changes of the PIN; a session of an older one has ended.

    `version` counts changes that others are told of. Who has none has not been told of (see `directory`).
    """

    id = StringField(primary_key=True)
    name = StringField(required=True)
    phone = BinaryField(required=True)
    phone_index = StringField(required=True)
    roles = ListField(StringField(), required=True)
    institution = StringField()
    pin_hash = StringField(required=True)
    pin_version = IntField(required=True, default=1)
    version = IntField()
    created_at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "users",
        "auto_create_index": False,
        "indexes": [{"fields": ["phone_index"], "unique": True}, "version"],
    }


@dataclass(frozen=True, slots=True)
class Account:
    """A person as sign-in needs them."""

    user: User
    pin_hash: str = field(repr=False)
    pin_version: int


def account_by_phone(phone: str) -> Account | None:
    """Who has this phone (+84 form), None if nobody."""
    return _account(Person.objects(phone_index=crypto.phone_index(phone)).first())


def account_by_id(user_id: str) -> Account | None:
    """Who this is, None if nobody."""
    return _account(Person.objects(id=user_id).first())


def create_user(
    phone: str,
    pin: str,
    name: str,
    roles: Iterable[str],
    institution: str = "",
    user_id: str | None = None,
    hasher: Hasher = HASHER,
) -> User:
    """Creates a person and says `user.created`.

    Raises InvalidArgument or PinWeak, AlreadyExists where the phone (or `user_id`) is taken.
    """
    phone = phones.normalise(phone)
    pins.check_strength(pin, phone)
    if user_id is not None and not is_id(user_id, "usr"):
        raise InvalidArgument("user_id: usr_ and a UUIDv7")
    checked_roles = users.check_roles(tuple(roles), institution)
    user = User(user_id or new_id("usr"), users.check_name(name), phone, checked_roles, institution)
    with hasher.slot:
        pin_hash = hasher.hash(pin)
    person = Person(
        id=user.user_id,
        name=user.name,
        phone=crypto.encrypt(_PHONE, phone),
        phone_index=crypto.phone_index(phone),
        roles=list(user.roles),
        institution=institution,
        pin_hash=pin_hash,
        version=FIRST_VERSION,
        created_at=clock.now(),
    )
    person.add_event("user.created", person.id, events_pb2.UserCreated(**_told(person)))
    try:
        person.save()
    except NotUniqueError:
        raise AlreadyExists("this phone has an account already") from None
    return user


def ensure_user(
    phone: str,
    pin: str,
    name: str,
    roles: Iterable[str],
    institution: str = "",
    user_id: str | None = None,
    hasher: Hasher = HASHER,
) -> User:
    """The person with this phone, created if there is none: for seeds, to be called as often as one likes.

    An existing person is returned as they are, without hashing anything: the call's PIN, name and roles are
    ignored. Raises as `create_user` does.
    """
    account = account_by_phone(phones.normalise(phone))
    if account is not None:
        return account.user
    try:
        return create_user(phone, pin, name, roles, institution, user_id, hasher)
    except AlreadyExists:
        # Somebody else created them since.
        account = account_by_phone(phones.normalise(phone))
        if account is None:
            raise
        return account.user


def change_pin(account: Account, pin: str, hasher: Hasher = HASHER) -> Account:
    """Replaces the PIN and so ends every session. Raises Contention where it changed meanwhile, PinWeak."""
    pins.check_strength(pin, account.user.phone)
    with hasher.slot:
        pin_hash = hasher.hash(pin)
    unchanged = Person.objects(id=account.user.user_id, pin_version=account.pin_version)
    changed = _account(unchanged.modify(new=True, set__pin_hash=pin_hash, inc__pin_version=1))
    if changed is None:
        raise Contention("the PIN was changed at the same time")
    return changed


def user_changed(person: Person) -> OutboxEvent:
    """What tells others of a person created before they were told enough."""
    return outbox_event("user.changed", person.id, events_pb2.UserChanged(**_told(person)))


def _told(person: Person) -> dict[str, Any]:
    """What others are told of a person: neither phone nor whole name."""
    return {
        "user_id": person.id,
        "roles": person.roles,
        "institution": person.institution or "",
        "phone_index": person.phone_index,
        "display_name": users.display_name(person.name),
        "version": FIRST_VERSION,
    }


def _account(person: Person | None) -> Account | None:
    if person is None:
        return None
    phone = crypto.decrypt(_PHONE, person.phone)
    user = User(person.id, person.name, phone, tuple(person.roles), person.institution or "")
    return Account(user, person.pin_hash, person.pin_version)
