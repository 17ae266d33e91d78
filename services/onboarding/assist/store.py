"""What assisted onboarding keeps: confirmations, who is onboarding whom, teams, messages sent to a phone in a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from mongoengine import DateTimeField, Document, IntField, ListField, LongField, StringField
from mongoengine.errors import NotUniqueError
from pymongo.errors import DuplicateKeyError

from kit import clock, crypto
from kit.errors import AlreadyExists, CodeUsed, Contention, NotFound, TooManyAttempts, VendorTaken
from services.onboarding.assist import confirmation as rules
from services.onboarding.assist.confirmation import Confirmation, State
from services.onboarding.assist.team import Team

# A team that has not synced a vendor's draft for so long has left it to others.
CLAIM_LIVES_MS = 7 * 86_400_000
_DAY_LIVES_S = 2 * 86_400
# Two teams after one vendor: each retry means that somebody else got through.
_ATTEMPTS_MAX = 3


class ConfirmationDocument(Document):
    """`_id` is the merchant's."""

    meta = {"collection": "confirmations", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    state = StringField(required=True)
    form_index = StringField(required=True)
    code_hash = StringField(required=True)
    sent_ms = LongField(required=True)
    tries = IntField(required=True)
    asked_by = StringField(required=True)
    confirmed_ms = LongField(default=0)
    # Who typed the code in.
    confirmed_by = StringField()


class ClaimDocument(Document):
    """Who is onboarding a vendor in a market. `_id` is a blind index of both, so that one of two teams is first."""

    meta = {"collection": "vendor_claims", "auto_create_index": False}  # noqa: RUF012

    id = StringField(primary_key=True)
    by = StringField(required=True)
    merchant_id = StringField(required=True)
    since_ms = LongField(required=True)
    synced_ms = LongField(required=True)


class MessageDayDocument(Document):
    """Messages to one phone on one day. `_id` is "<blind index>:<yyyymmdd>"."""

    meta = {  # noqa: RUF012
        "collection": "message_days",
        "auto_create_index": False,
        "indexes": [{"fields": ["began_at"], "expireAfterSeconds": _DAY_LIVES_S}],
    }

    id = StringField(primary_key=True)
    sent = IntField(required=True)
    began_at = DateTimeField(required=True)


class TeamDocument(Document):
    meta = {  # noqa: RUF012
        "collection": "teams",
        "auto_create_index": False,
        "indexes": [{"fields": ["members"], "unique": True, "sparse": True}],
    }

    id = StringField(primary_key=True)
    name = StringField(required=True)
    ward_code = StringField(required=True)
    members = ListField(StringField(), default=None)
    version = IntField(required=True)


class OwnerDocument(Document):
    """Whose phone it is, as identity told last. `_id` is the person's; `version` counts what identity told of them."""

    meta = {"collection": "owners", "auto_create_index": False, "indexes": ["phone_index"]}  # noqa: RUF012

    id = StringField(primary_key=True)
    phone_index = StringField(required=True)
    version = LongField(required=True)


DOCUMENTS = (ConfirmationDocument, ClaimDocument, MessageDayDocument, TeamDocument, OwnerDocument)


# Confirmations ---------------------------------------------------------------------------------------------------


def confirmation(merchant_id: str) -> Confirmation | None:
    """What is known of a draft's consent."""
    return _confirmation(ConfirmationDocument.objects(id=merchant_id).first())


def keep_code(merchant_id: str, form_index: str, code: str, asked_by: str, now_ms: int) -> Confirmation:
    """A new code takes the place of whatever was there."""
    changes = {
        "state": State.SENT.value, "form_index": form_index, "code_hash": code_hash(merchant_id, form_index, code),
        "sent_ms": now_ms, "tries": 0, "asked_by": asked_by, "confirmed_ms": 0,
    }  # fmt: skip
    stored = ConfirmationDocument.objects(id=merchant_id).modify(
        upsert=True, new=True, **{f"set__{name}": value for name, value in changes.items()}
    )
    found = _confirmation(stored)
    assert found is not None, "it was just stored"
    return found


def forget_code(kept: Confirmation) -> None:
    """For a code that could not be sent: the next request sends another one at once."""
    ConfirmationDocument.objects(id=kept.merchant_id, code_hash=kept.code_hash, state=State.SENT.value).delete()


def count_try(found: Confirmation) -> Confirmation:
    """One try more, before it is looked at: however many are made at once, TRIES_MAX are.

    Raises TooManyAttempts, and Contention where a newer code has taken the place of this one.
    """
    counted = ConfirmationDocument.objects(
        id=found.merchant_id, code_hash=found.code_hash, state=State.SENT.value, tries__lt=rules.TRIES_MAX
    ).modify(new=True, inc__tries=1)
    if counted is not None:
        stored = _confirmation(counted)
        assert stored is not None, "it was just counted"
        return stored
    current = rules.require_open(confirmation(found.merchant_id), found.form_index, found.sent_ms)
    raise Contention(f"a newer code was sent for {current.merchant_id}: read out that one")


def confirm(found: Confirmation, by: str, now_ms: int) -> Confirmation:
    """Spends the code. Raises CodeUsed where it is spent, or another has taken its place."""
    stored = ConfirmationDocument.objects(
        id=found.merchant_id, code_hash=found.code_hash, state=State.SENT.value
    ).modify(new=True, set__state=State.CONFIRMED.value, set__confirmed_ms=now_ms, set__confirmed_by=by)
    confirmed = _confirmation(stored)
    if confirmed is None:
        raise CodeUsed("this code has been used: a code confirms once", vi="Mã này đã được dùng.")
    return confirmed


def code_hash(merchant_id: str, form_index: str, code: str) -> str:
    """Keyed: who reads the database cannot find six digits by trying them all."""
    return crypto.blind_index("confirmations.code", f"{merchant_id}|{form_index}|{code}")


def count_message(phone_index: str, now_ms: int) -> None:
    """One message more to this phone today (in Vietnam). Raises TooManyAttempts at MESSAGES_A_DAY_MAX."""
    now = clock.from_ms(now_ms)
    day = now.astimezone(clock.VIETNAM)
    collection = MessageDayDocument._get_collection()
    try:
        collection.update_one(
            {"_id": f"{phone_index}:{day:%Y%m%d}", "sent": {"$lt": rules.MESSAGES_A_DAY_MAX}},
            {"$inc": {"sent": 1}, "$setOnInsert": {"began_at": now}},
            upsert=True,
        )
    except DuplicateKeyError:  # it is there, and at its limit: the condition does not find it and it cannot be added
        tomorrow = (day + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        raise TooManyAttempts(
            f"{rules.MESSAGES_A_DAY_MAX} codes were sent to this phone today: go on tomorrow",
            vi=f"Hôm nay đã gửi {rules.MESSAGES_A_DAY_MAX} mã tới số này: hãy làm tiếp vào ngày mai.",
            from_ms=str(round(tomorrow.timestamp() * 1000)),
        ) from None


def _confirmation(document: ConfirmationDocument | None) -> Confirmation | None:
    if document is None:
        return None
    return Confirmation(
        document.id, State(document.state), document.form_index, document.code_hash, document.sent_ms,
        document.tries, document.confirmed_ms or 0,
    )  # fmt: skip


# Claims ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """Who is onboarding a vendor; ms."""

    by: str
    merchant_id: str
    since_ms: int
    synced_ms: int


def claim(market_id: str, citizen_id: str, merchant_id: str, by: str, now_ms: int, *, take_over: bool = False) -> None:
    """Says that `by` is onboarding this vendor in this market.

    A person and their team may have several drafts of a vendor's, and who goes on with the very draft that holds the
    vendor meets no claim: versions tell those apart. Raises VendorTaken where somebody else has been at it in the last
    CLAIM_LIVES_MS, unless it is taken over.
    """
    claim_id = _claim_id(market_id, citizen_id)
    for _ in range(_ATTEMPTS_MAX):
        try:
            ClaimDocument(
                id=claim_id, by=by, merchant_id=merchant_id, since_ms=now_ms, synced_ms=now_ms
            ).save(force_insert=True)  # fmt: skip
        except NotUniqueError:
            held = ClaimDocument.objects(id=claim_id).first()
        else:
            return
        if held is None:
            continue
        if held.by == by or held.merchant_id == merchant_id or _are_a_team(held.by, by):
            ClaimDocument.objects(id=claim_id, by=held.by).update_one(set__synced_ms=now_ms)
            return
        if now_ms - held.synced_ms < CLAIM_LIVES_MS and not take_over:
            raise VendorTaken(
                f"{held.by} is onboarding this vendor since {clock.from_ms(held.since_ms).isoformat()}: ask them, or "
                "send it again with take_over",
                vi="Tổ khác đang làm hồ sơ cho người này ở chợ này: hãy liên hệ với họ, hoặc chọn tiếp quản.",
                by=held.by, since_ms=str(held.since_ms),
            )  # fmt: skip
        taken = ClaimDocument.objects(id=claim_id, by=held.by, synced_ms=held.synced_ms)
        if taken.update_one(set__by=by, set__merchant_id=merchant_id, set__since_ms=now_ms, set__synced_ms=now_ms):
            return
    raise Contention("several teams are at this vendor at once; try again")


def forget_claim(market_id: str, citizen_id: str, merchant_id: str) -> None:
    """The vendor of this draft asked to be forgotten."""
    ClaimDocument.objects(id=_claim_id(market_id, citizen_id), merchant_id=merchant_id).delete()


def _claim_id(market_id: str, citizen_id: str) -> str:
    return crypto.blind_index("drafts.vendor", f"{market_id}|{citizen_id}")


def _are_a_team(one: str, other: str) -> bool:
    team = team_of(one)
    return team is not None and other in team.members


# Teams -----------------------------------------------------------------------------------------------------------


def put_team(team: Team) -> Team:
    """Makes a team (version 0), or changes the one of that version; the same again changes nothing.

    Raises AlreadyExists where a member is in another team, Contention where somebody changed it meanwhile, NotFound.
    """
    stored = TeamDocument.objects(id=team.team_id).first()
    if stored is not None and _content(_team(stored)) == _content(team):
        return _team(stored)
    members = sorted(team.members) or None
    try:
        if team.version == 0:
            made = TeamDocument(id=team.team_id, name=team.name, ward_code=team.ward_code, members=members, version=1)
            return _team(made.save(force_insert=True))
        if stored is None:
            raise NotFound("there is no such team")
        # Without members the field is absent: an empty list would be a value that only one team can have.
        kept = {"set__members": members} if members else {"unset__members": True}
        changed = TeamDocument.objects(id=team.team_id, version=team.version).modify(
            new=True, set__name=team.name, set__ward_code=team.ward_code, set__version=team.version + 1, **kept
        )
    except NotUniqueError as error:
        if team.version == 0 and TeamDocument.objects(id=team.team_id).first() is not None:
            raise Contention("the team is there already: name the version that this one changes") from error
        raise AlreadyExists(
            "somebody of these is in another team: take them out of it first", vi="Có người đã thuộc tổ khác."
        ) from error
    if changed is None:
        raise Contention("the team was changed at the same time: read it, and change that")
    return _team(changed)


def team(team_id: str) -> Team:
    """Raises NotFound."""
    found = TeamDocument.objects(id=team_id).first()
    if found is None:
        raise NotFound("there is no such team")
    return _team(found)


def team_of(user_id: str) -> Team | None:
    """The team that a person is in."""
    found = TeamDocument.objects(members=user_id).first()
    return None if found is None else _team(found)


def _team(document: TeamDocument) -> Team:
    return Team(document.id, document.name, document.ward_code, tuple(document.members or ()), document.version)


def _content(team: Team) -> tuple[str, str, tuple[str, ...]]:
    return team.name, team.ward_code, tuple(sorted(team.members))
