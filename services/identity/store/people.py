"""People and their PINs. A phone is encrypted, and found by its blind index."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from cho.events.v1 import events_pb2
from mongoengine import (
    BinaryField,
    BooleanField,
    DateTimeField,
    Document,
    EmbeddedDocument,
    EmbeddedDocumentField,
    EmbeddedDocumentListField,
    IntField,
    ListField,
    StringField,
)
from mongoengine.errors import NotUniqueError

from kit import clock, crypto, phones
from kit.errors import AlreadyExists, Contention, InvalidArgument, NotFound
from kit.ids import is_id, new_id
from kit.outbox import OutboxEvent, OutboxMixin, outbox_event
from services.identity import pin as pins
from services.identity import user as users
from services.identity.store.hasher import HASHER, Hasher
from services.identity.user import User

# What people have to tell leaves through it.
STREAM = "identity:events"

# Of a person as they were created.
FIRST_VERSION = 1

PHONE_FIELD = "users.phone"
CITIZEN_FIELD = "users.citizen"


class RoleProposal(EmbeddedDocument):
    """What one operator asks for and another decides on (`services/identity/store/roles.py`)."""

    id = StringField(required=True)
    roles = ListField(StringField(), required=True)
    institution = StringField()
    reason = StringField(required=True)
    made_by = StringField(required=True)
    made_at = DateTimeField(required=True)


class RoleChange(EmbeddedDocument):
    """One line of the audit trail: "granted", "refused" or "revoked". Never changed."""

    kind = StringField(required=True)
    at = DateTimeField(required=True)
    roles_before = ListField(StringField())
    roles = ListField(StringField())
    institution = StringField()
    reason = StringField()
    made_by = StringField(required=True)
    decided_by = StringField()


class Person(OutboxMixin, Document):
    """One person. `pin_version` counts changes of the PIN; a session of an older one has ended.

    `version` counts changes that others are told of. Who has none has not been told of (see `directory`).
    `pin_reset_at` is when the PIN was last reset without the old one: devices count as new from then on. `erased_at`:
    nobody any more; `erasing` until all that belonged to them is gone. `person_id` is who they are by their citizen
    card (`holders`); `citizen`, its number, and who saw it when are written with it, or not at all.
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
    pin_reset_at = DateTimeField()
    proposal = EmbeddedDocumentField(RoleProposal)
    role_changes = EmbeddedDocumentListField(RoleChange)
    erased_at = DateTimeField()
    erasing = BooleanField()
    citizen = BinaryField()
    person_id = StringField()
    identified_at = DateTimeField()
    identified_by = StringField()

    meta: ClassVar = {
        "collection": "users",
        "auto_create_index": False,
        "indexes": [
            {"fields": ["phone_index"], "unique": True},
            "version",
            {"fields": ["proposal.made_at"], "sparse": True},
            {"fields": ["erasing"], "sparse": True},
        ],
    }


@dataclass(frozen=True, slots=True)
class Account:
    """A person as sign-in needs them."""

    user: User
    pin_hash: str = field(repr=False)
    pin_version: int
    pin_reset_at: datetime | None = None


def account_by_phone(phone: str) -> Account | None:
    """Who has this phone (+84 form), None if nobody."""
    return _account(Person.objects(phone_index=crypto.phone_index(phone)).first())


def account_by_id(user_id: str) -> Account | None:
    """Who this is, None if nobody, or nobody any more."""
    return _account(Person.objects(id=user_id).first())


def person(user_id: str) -> Person:
    """The document of this person. Raises NotFound where there is none, or none any more."""
    found = Person.objects(id=user_id).first()
    if found is None or found.erased_at is not None:
        raise NotFound("user_id: there is no such person")
    return found


def roles_of(user_id: str) -> frozenset[str]:
    """What this person may do now; nothing where there is nobody, or nobody any more."""
    found = Person.objects(id=user_id).only("roles", "erased_at").first()
    return frozenset() if found is None or found.erased_at is not None else frozenset(found.roles)


def are_one(one: str, other: str) -> bool:
    """Whether two user ids are one person's: one account, or two that the same citizen card was seen for.

    Four eyes are two people's: whoever has two phones has two eyes all the same.
    """
    cards = [found.person_id for found in Person.objects(id__in=[one, other], person_id__ne=None).only("person_id")]
    return one == other or (len(cards) == 2 and cards[0] == cards[1])


def phone_of(found: Person) -> str:
    """The phone in plain (+84 form)."""
    return crypto.decrypt(PHONE_FIELD, found.phone, found.id)


def citizen_id_of(found: Person) -> str:
    """The citizen number in plain, "" where nobody has seen the card."""
    return crypto.decrypt(CITIZEN_FIELD, found.citizen, found.id) if found.citizen else ""


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
        phone=crypto.encrypt(PHONE_FIELD, phone, user.user_id),
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


def change_pin(account: Account, pin: str, hasher: Hasher = HASHER, reset_at: datetime | None = None) -> Account:
    """Replaces the PIN and so ends every session; `reset_at` (UTC) where the old one was not asked for.

    Raises Contention where it changed meanwhile, PinWeak.
    """
    pins.check_strength(pin, account.user.phone)
    with hasher.slot:
        pin_hash = hasher.hash(pin)
    unchanged = Person.objects(id=account.user.user_id, pin_version=account.pin_version)
    reset = {"set__pin_reset_at": reset_at} if reset_at else {}
    changed = _account(unchanged.modify(new=True, set__pin_hash=pin_hash, inc__pin_version=1, **reset))
    if changed is None:
        raise Contention("the PIN was changed at the same time")
    return changed


def user_changed(person: Person) -> OutboxEvent:
    """What tells others how a person is now."""
    return outbox_event("user.changed", person.id, events_pb2.UserChanged(**_told(person)))


def _told(person: Person) -> dict[str, Any]:
    """What others are told of a person: neither phone nor whole name."""
    return {
        "user_id": person.id,
        "roles": person.roles,
        "institution": person.institution or "",
        "phone_index": person.phone_index,
        "display_name": users.display_name(person.name),
        "version": person.version or FIRST_VERSION,
        "person_id": person.person_id or "",
    }


def _account(person: Person | None) -> Account | None:
    if person is None or person.erased_at is not None:
        return None
    user = User(
        person.id, person.name, phone_of(person), tuple(person.roles), person.institution or "",
        identified=bool(person.person_id),
    )  # fmt: skip
    return Account(user, person.pin_hash, person.pin_version, person.pin_reset_at)
