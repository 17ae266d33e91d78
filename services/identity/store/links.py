"""Accounts at the outside provider: which is linked with whom, and attempts that are under way.

A link's id is the blind index of issuer and subject, so that the database does not say who somebody is at the provider.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from mongoengine import BinaryField, DateTimeField, Document, StringField
from mongoengine.errors import NotUniqueError

from kit import crypto
from kit.errors import AlreadyExists, ExternalRefused
from services.identity.external.attempt import LIFE, Attempt

VERIFIER_FIELD = "external.code_verifier"


class ExternalLink(Document):
    """One account there is one account here."""

    id = StringField(primary_key=True)
    user_id = StringField(required=True)
    linked_at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "external_links",
        "auto_create_index": False,
        "indexes": [{"fields": ["user_id"], "unique": True}],
    }


class ExternalAttempt(Document):
    """Between start and finish of an outside sign-in. `id` is the digest of its state, `user_id` who links."""

    id = StringField(primary_key=True)
    secret_digest = StringField(required=True)
    nonce = StringField(required=True)
    code_verifier = BinaryField(required=True)
    user_id = StringField()
    started_at = DateTimeField(required=True)

    meta: ClassVar = {
        "collection": "external_attempts",
        "auto_create_index": False,
        "indexes": [{"fields": ["started_at"], "expireAfterSeconds": int(LIFE.total_seconds())}],
    }


def keep_attempt(attempt: Attempt, user_id: str, now: datetime) -> None:
    """Remembers what has to come back."""
    attempt_id = attempt.state_digest
    ExternalAttempt(
        id=attempt_id, secret_digest=attempt.secret_digest, nonce=attempt.nonce, user_id=user_id, started_at=now,
        code_verifier=crypto.encrypt(VERIFIER_FIELD, attempt.code_verifier, attempt_id),
    ).save(force_insert=True)  # fmt: skip


def take_attempt(state_digest: str, secret_digest: str, user_id: str, now: datetime) -> tuple[str, str]:
    """Nonce and code verifier of an attempt, which is over by this.

    Raises ExternalRefused for one that is unknown, used, older than LIFE, or somebody else's.
    """
    found = ExternalAttempt.objects(
        id=state_digest, secret_digest=secret_digest, user_id=user_id, started_at__gt=now - LIFE
    ).modify(remove=True)
    if found is None:
        raise ExternalRefused("this attempt is unknown, used or over: start again")
    return found.nonce, crypto.decrypt(VERIFIER_FIELD, found.code_verifier, state_digest)


def link(issuer: str, subject: str, user_id: str, now: datetime) -> None:
    """Links them; again is the same. Raises AlreadyExists where either is linked with another."""
    link_id = _link_id(issuer, subject)
    try:
        ExternalLink(id=link_id, user_id=user_id, linked_at=now).save(force_insert=True)
    except NotUniqueError:
        if ExternalLink.objects(id=link_id, user_id=user_id).first() is None:
            raise AlreadyExists("one of the two is linked with another account: unlink that first") from None


def linked_with(issuer: str, subject: str) -> str:
    """The user id of whoever is linked with this account there; "" where nobody is."""
    found = ExternalLink.objects(id=_link_id(issuer, subject)).first()
    return found.user_id if found else ""


def link_of(user_id: str) -> ExternalLink | None:
    """This person's link."""
    return ExternalLink.objects(user_id=user_id).first()


def unlink(user_id: str) -> bool:
    """Ends this person's link. Whether there was one."""
    return bool(ExternalLink.objects(user_id=user_id).delete())


def _link_id(issuer: str, subject: str) -> str:
    return crypto.blind_index("external.subject", f"{issuer}\0{subject}")
