"""Markets and merchants in MongoDB: the only place of onboarding that knows the database.

Every change of a merchant is one write of one document, its event included (kit.outbox). Reads are equality
on an index, or equality plus a range on a compound one (RECIPES: what is fast everywhere).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import asdict, dataclass
from typing import NoReturn

from cho.events.v1 import events_pb2
from mongoengine import BinaryField, DateTimeField, Document, IntField, StringField
from mongoengine.errors import NotUniqueError

from kit import banks, clock, crypto, mongo
from kit.errors import AlreadyExists, Contention, IdempotencyConflict, InvalidArgument, NotFound
from kit.outbox import OutboxMixin
from services.onboarding import market as market_rules
from services.onboarding import merchant as rules
from services.onboarding.market import Market
from services.onboarding.merchant import Action, Decision, Merchant, Registration, State

SERVICE = "onboarding"
STREAM = "onboarding:events"
# Markets come from the seed file only: the province has 135, and all of them fit one answer.
MARKETS_MAX = 1_000
PAGE_SIZE_MAX = 100
PAGE_SIZE_DEFAULT = 50
# A vendor's newest merchants; nobody runs more stalls than this, and more are not shown.
MERCHANTS_PER_OWNER_MAX = 100
# Two people deciding on one merchant at once: each retry means that somebody else got through.
DECISION_ATTEMPTS_MAX = 3

_ACCOUNT_FIELD = "merchants.account_number"
# `recency` begins with 15 digits of ms, so these lie outside of every one.
_BEFORE_ALL, _AFTER_ALL = "/", ":"
_RECENCY = re.compile(r"[0-9]{15}-mer_[0-9a-f]{32}")


class MarketDocument(Document):
    meta = {"collection": "markets", "auto_create_index": False}  # noqa: RUF012 - mongoengine's own form

    id = StringField(primary_key=True)
    name = StringField(required=True)
    ward_code = StringField(required=True)
    ward_name = StringField(required=True)
    province_name = StringField(required=True)


class MerchantDocument(OutboxMixin, Document):
    meta = {  # noqa: RUF012
        "collection": "merchants",
        "auto_create_index": False,
        "indexes": [
            ("market_id", "state", "recency"),
            ("owner_id", "recency"),
            # Absent until first approved: a registration that nobody approves blocks nobody's account.
            {"fields": ["account_held"], "unique": True, "sparse": True},
        ],
    }

    id = StringField(primary_key=True)
    # Keyed hash of the registration, by which a repeated request is told from another one under the same id.
    fingerprint = StringField(required=True)
    name = StringField(required=True)
    market_id = StringField(required=True)
    market_name = StringField(required=True)
    province_name = StringField(required=True)
    stall = StringField(required=True)
    owner_id = StringField(required=True)
    category_code = StringField(required=True)
    bank_bin = StringField(required=True)
    account_number = BinaryField(required=True)
    account_index = StringField(required=True)
    # The index of the settlement account that this merchant alone is paid out to, from its approval on.
    account_held = StringField()
    account_name = StringField(required=True)
    state = StringField(required=True)
    version = IntField(required=True)
    registered_at = DateTimeField(required=True)
    registered_by = StringField(required=True)
    # Registration time (ms) and id: pages run from the newest down.
    recency = StringField(required=True)
    decided_at = DateTimeField()
    decided_by = StringField()
    reason = StringField()


@dataclass(frozen=True, slots=True)
class Page:
    merchants: list[Merchant]
    next_token: str


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store(SERVICE, (MerchantDocument, MarketDocument))


# --- markets


def ensure_market(market: Market) -> Market:
    """Writes a market as it is given, whether it was there or not. Raises InvalidArgument."""
    market_rules.checked(market)
    fields = asdict(market)
    MarketDocument(id=fields.pop("market_id"), **fields).save()
    return market


def markets() -> list[Market]:
    """All markets, in no order; at most MARKETS_MAX."""
    return [_market(document) for document in MarketDocument.objects.limit(MARKETS_MAX)]


def _market(document: MarketDocument) -> Market:
    return Market(
        market_id=document.id,
        name=document.name,
        ward_code=document.ward_code,
        ward_name=document.ward_name,
        province_name=document.province_name,
    )


# --- merchants


def register(registration: Registration, registered_by: str) -> Merchant:
    """Stores a registration, or finds it stored already: the same one by the same person.

    Raises InvalidArgument, NotFound (the market), AlreadyExists (the settlement account is another's) and
    IdempotencyConflict (its request_id stands for another registration).
    """
    registration = rules.checked(registration)
    if banks.lookup(registration.bank_bin) is None:
        raise InvalidArgument(f"settlement_account.bank_bin: no bank is known by {registration.bank_bin}")
    document = _draft(registration, registered_by)
    stored = MerchantDocument.objects(id=document.id).first()
    if stored is None:
        market = MarketDocument.objects(id=registration.market_id).first()
        if market is None:
            raise NotFound(f"there is no market {registration.market_id}")
        if MerchantDocument.objects(account_held=document.account_index).only("id").first() is not None:
            _account_taken()
        document.market_name, document.province_name = market.name, market.province_name
        try:
            document.save()
        except NotUniqueError:  # the same request, twice at once
            stored = MerchantDocument.objects(id=document.id).get()
        else:
            stored = document
    if stored.fingerprint != document.fingerprint:
        raise IdempotencyConflict("request_id was used for another registration")
    return _merchant(stored)


def decide(merchant_id: str, action: Action, actor: str, reason: str = "", traceparent: str = "") -> Merchant:
    """Approves, suspends or reinstates, with the event in the same write.

    Raises NotFound, WrongState, FourEyes, InvalidArgument, AlreadyExists (approval: the settlement account is
    another merchant's), Contention, and Overloaded where its events have not been published for long.
    """
    for _ in range(DECISION_ATTEMPTS_MAX):
        document = _document(merchant_id)
        decision = rules.decide(
            state=State(document.state),
            version=document.version,
            registered_by=document.registered_by,
            owner_id=document.owner_id,
            action=action,
            actor=actor,
            reason=reason,
        )
        changed = _apply(document, decision, actor, traceparent)
        if changed is not None:
            return _merchant(changed)
    raise Contention("the merchant keeps changing; try again")


def merchant(merchant_id: str) -> Merchant:
    """Raises NotFound."""
    return _merchant(_document(merchant_id))


def merchants_of_owner(owner_id: str) -> list[Merchant]:
    """Newest first, at most MERCHANTS_PER_OWNER_MAX."""
    found = MerchantDocument.objects(owner_id=owner_id, recency__gt=_BEFORE_ALL, recency__lt=_AFTER_ALL)
    return [_merchant(document) for document in found.order_by("-recency").limit(MERCHANTS_PER_OWNER_MAX)]


def merchants_of_market(market_id: str, state: State, page_size: int = 0, page_token: str = "") -> Page:
    """One page, newest registration first; `page_size` 0 means PAGE_SIZE_DEFAULT. Raises InvalidArgument."""
    if not 0 <= page_size <= PAGE_SIZE_MAX:
        raise InvalidArgument(f"page_size must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}")
    size = page_size or PAGE_SIZE_DEFAULT
    older_than = _read_token(page_token, market_id, state) if page_token else _AFTER_ALL
    found = MerchantDocument.objects(
        market_id=market_id, state=state.value, recency__gt=_BEFORE_ALL, recency__lt=older_than
    )
    documents = list(found.order_by("-recency").limit(size + 1))
    token = _write_token(market_id, state, documents[size - 1].recency) if len(documents) > size else ""
    return Page([_merchant(document) for document in documents[:size]], token)


def ensure_merchant(registration: Registration, *, registered_by: str, approved_by: str) -> Merchant:
    """For seeds: registers and approves as two people would, where that is not done yet, with the same event.

    Raises what `register` and `decide` raise.
    """
    found = register(registration, registered_by)
    if found.state is not State.SUBMITTED:
        return found
    return decide(found.merchant_id, Action.APPROVE, approved_by)


def _draft(registration: Registration, registered_by: str) -> MerchantDocument:
    now = clock.now()
    merchant_id = rules.merchant_id_of(registration.request_id)
    body = json.dumps({**asdict(registration), "registered_by": registered_by}, sort_keys=True)
    return MerchantDocument(
        id=merchant_id,
        fingerprint=crypto.blind_index("merchants.fingerprint", body),
        name=registration.name,
        market_id=registration.market_id,
        stall=registration.stall,
        owner_id=registration.owner_id,
        category_code=registration.category_code,
        bank_bin=registration.bank_bin,
        account_number=crypto.encrypt(_ACCOUNT_FIELD, registration.account_number),
        account_index=crypto.account_index(registration.bank_bin, registration.account_number),
        account_name=registration.account_name,
        state=State.SUBMITTED.value,
        version=1,
        registered_at=now,
        registered_by=registered_by,
        recency=f"{round(now.timestamp() * 1000):015d}-{merchant_id}",
    )


def _apply(document: MerchantDocument, decision: Decision, actor: str, traceparent: str) -> MerchantDocument | None:
    """The changed document; None where its version is no longer the one decided on."""
    event = document.add_event(decision.event, document.id, _fact(document, decision), traceparent)
    try:
        return MerchantDocument.objects(id=document.id, version=document.version).modify(
            new=True,
            set__state=decision.state.value,
            set__version=decision.version,
            set__decided_at=clock.now(),
            set__decided_by=actor,
            set__reason=decision.reason,
            set__account_held=document.account_index,
            push__outbox=event,
        )
    except NotUniqueError:
        _account_taken()


def _fact(document: MerchantDocument, decision: Decision) -> events_pb2.MerchantChanged:
    return events_pb2.MerchantChanged(
        merchant_id=document.id,
        name=document.name,
        owner_id=document.owner_id,
        market_id=document.market_id,
        market_name=document.market_name,
        stall=document.stall,
        category_code=document.category_code,
        bank_bin=document.bank_bin,
        account_index=document.account_index,
        version=decision.version,
        reason=decision.reason,
    )


def _account_taken() -> NoReturn:
    raise AlreadyExists("another merchant is paid out to this settlement account")


def _document(merchant_id: str) -> MerchantDocument:
    document = MerchantDocument.objects(id=merchant_id).first()
    if document is None:
        # The words of Call.require_owner: a stranger cannot tell what exists.
        raise NotFound("there is no such thing, or it is not yours")
    return document


def _merchant(document: MerchantDocument) -> Merchant:
    account_number = crypto.decrypt(_ACCOUNT_FIELD, document.account_number)
    return Merchant(
        merchant_id=document.id,
        name=document.name,
        market_id=document.market_id,
        market_name=document.market_name,
        province_name=document.province_name,
        stall=document.stall,
        owner_id=document.owner_id,
        category_code=document.category_code,
        bank_bin=document.bank_bin,
        account_masked=crypto.mask(account_number),
        account_name=document.account_name,
        state=State(document.state),
        version=document.version,
        registered_at=document.registered_at,
        registered_by=document.registered_by,
        decided_at=document.decided_at,
        decided_by=document.decided_by or "",
        reason=document.reason or "",
    )


def _write_token(market_id: str, state: State, recency: str) -> str:
    return base64.urlsafe_b64encode(f"{market_id}|{state.value}|{recency}".encode()).decode()


def _read_token(token: str, market_id: str, state: State) -> str:
    """Where the page before ended. Raises InvalidArgument, for another list's token too."""
    try:
        parts = base64.b64decode(token, altchars=b"-_", validate=True).decode().split("|")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != 3 or parts[:2] != [market_id, state.value] or _RECENCY.fullmatch(parts[2]) is None:
        raise InvalidArgument("page_token is not one of this list's")
    return parts[2]
