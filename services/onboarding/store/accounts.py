"""Changes of settlement accounts: asked for, approved, cooled off, in force."""

from __future__ import annotations

from cho.events.v1 import events_pb2
from mongoengine.errors import NotUniqueError

from kit import clock, crypto
from kit.errors import AlreadyExists, Contention, IdempotencyConflict, NotFound, WrongState
from services.onboarding import account as rules
from services.onboarding import merchant
from services.onboarding.account import Account, Change, NameCheck
from services.onboarding.merchant import State
from services.onboarding.ports import namecheck
from services.onboarding.store.document import ACCOUNT_FIELD, AccountChange, MerchantDocument, entry
from services.onboarding.store.merchants import ATTEMPTS_MAX, change, document_of, fact, room_for_history

# Changes that are put in their place in one go of the worker; the rest follows in the next.
SWITCHES_MAX = 200


def propose_account(merchant_id: str, request_id: str, asked: Account, by: str, traceparent: str = "") -> Change:
    """Asks for another account. The same request again is the same change.

    Raises NotFound, InvalidArgument, WrongState, AccountChangeOpen, AlreadyExists (another merchant's account),
    IdempotencyConflict, LimitExceeded (its history is full), Contention, Overloaded.
    """
    change_id, asked = rules.change_id_of(request_id), rules.checked(asked)
    index = crypto.account_index(asked.bank_bin, asked.number)
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        waiting = document.account_change
        if waiting is not None and waiting.change_id == change_id:
            if waiting.account_index != index or waiting.account_name != asked.name:
                raise IdempotencyConflict("request_id was used for another account")
            return _change(waiting)
        rules.require_changeable(State(document.state), waiting is not None)
        # Whoever asks and gives up without end would fill the document until it could not even be suspended.
        room_for_history(document)
        _require_free(index, merchant_id)
        if index == document.account_index:
            raise AlreadyExists("the merchant is paid out to this account already")
        wanted = AccountChange(
            change_id=change_id,
            bank_bin=asked.bank_bin,
            account_number=crypto.encrypt(ACCOUNT_FIELD, asked.number),
            account_index=index,
            account_name=asked.name,
            name_check=namecheck.check(asked.bank_bin, asked.number, asked.name).value,
            proposed_by=by,
            proposed_at=clock.now(),
        )
        stored = _write(document, "propose_account", by, "", wanted, traceparent, set__account_change=wanted)
        if stored is not None:
            return _change(stored.account_change)
    raise Contention("the merchant keeps changing; try again")


def approve_account(merchant_id: str, change_id: str, by: str, reason: str = "", traceparent: str = "") -> Change:
    """Says yes as a second person: the account is this merchant's alone from now on, and in force after the cooling-off
    time. Approved already by the same person, it is returned.

    Raises NotFound, FourEyes, InvalidArgument, WrongState, AlreadyExists, Contention, Overloaded.
    """
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        waiting = _waiting(document, change_id)
        if waiting.in_force_ms:
            if waiting.approved_by == by:
                return _change(waiting)
            raise WrongState("the change has been approved already")
        if State(document.state) not in rules.CHANGEABLE:
            raise WrongState(f"cannot change the account of a merchant that is {document.state}")
        rules.require_second_person(by, waiting.proposed_by, document.owner_id, document.makers)
        rules.require_reason(NameCheck(waiting.name_check), reason)
        text = merchant.reason_of(reason) if reason.strip() else ""
        waiting.approved_by = by
        waiting.held_before = waiting.account_index in (document.accounts_held or ())
        waiting.in_force_ms = clock.now_ms() + rules.rules().cooling_hours * 3_600_000
        try:
            stored = _write(
                document, "approve_account", by, text, waiting, traceparent,
                set__account_change=waiting, add_to_set__accounts_held=waiting.account_index,
            )  # fmt: skip
        except NotUniqueError as error:
            raise AlreadyExists("another merchant is paid out to this settlement account") from error
        if stored is not None:
            return _change(stored.account_change)
    raise Contention("the merchant keeps changing; try again")


def cancel_account(merchant_id: str, change_id: str, by: str, reason: str, traceparent: str = "") -> None:
    """Gives a change up, with a reason, while it is not in force.

    Raises NotFound (also when it was cancelled or is in force), InvalidArgument, WrongState (its time is over),
    Contention, Overloaded.
    """
    text = merchant.reason_of(reason)
    for _ in range(ATTEMPTS_MAX):
        document = document_of(merchant_id)
        waiting = _waiting(document, change_id)
        if waiting.in_force_ms and waiting.in_force_ms <= clock.now_ms():
            raise WrongState("the account is in force: ask for another change")
        held_for_it = waiting.in_force_ms and not waiting.held_before
        freed = {"pull__accounts_held": waiting.account_index} if held_for_it else {}
        stored = _write(
            document, "cancel_account", by, text, waiting, traceparent, unset__account_change=True, **freed
        )  # fmt: skip
        if stored is not None:
            return
    raise Contention("the merchant keeps changing; try again")


def account_of(merchant_id: str) -> tuple[Account, Change | None]:
    """The account in force, and the change that waits. Raises NotFound."""
    document = document_of(merchant_id)
    waiting = document.account_change
    if waiting is not None and _is_due(waiting):
        document, waiting = switched(document), None
    number = crypto.decrypt(ACCOUNT_FIELD, document.account_number)
    current = Account(bank_bin=document.bank_bin, number=number, name=document.account_name)
    return current, _change(waiting) if waiting is not None else None


def switch_due() -> int:
    """Puts accounts whose time has come in their place, with the event by which the ledger learns; how many.

    Twice changes nothing. What is left past SWITCHES_MAX comes next time; payouts go by the time, not by this.
    """
    due = MerchantDocument.objects(account_change__in_force_ms__gt=0, account_change__in_force_ms__lte=clock.now_ms())
    found = list(due.limit(SWITCHES_MAX))
    return sum(switched(document).account_change is None for document in found)


def switched(document: MerchantDocument) -> MerchantDocument:
    """The merchant with its new account in place; as it is stored, where somebody else was faster."""
    waiting = document.account_change
    if waiting is None or not _is_due(waiting):
        return document
    told = fact(document, document.version + 1, "")
    told.bank_bin, told.account_index = waiting.bank_bin, waiting.account_index
    event = document.add_event("merchant.account_switched", document.id, told)
    stored = change(
        document,
        set__bank_bin=waiting.bank_bin,
        set__account_number=waiting.account_number,
        set__account_index=waiting.account_index,
        set__account_name=waiting.account_name,
        set__version=document.version + 1,
        unset__account_change=True,
        push__history=entry(document, "switch_account", waiting.approved_by, version=document.version + 1),
        push__outbox=event,
    )
    return stored if stored is not None else document_of(document.id)


def _is_due(waiting: AccountChange) -> bool:
    return bool(waiting.in_force_ms) and waiting.in_force_ms <= clock.now_ms()


def _waiting(document: MerchantDocument, change_id: str) -> AccountChange:
    waiting: AccountChange | None = document.account_change
    if waiting is None or waiting.change_id != change_id:
        raise NotFound("no such change waits")
    return waiting


def _require_free(index: str, merchant_id: str) -> None:
    held = MerchantDocument.objects(accounts_held=index).only("id").first()
    if held is not None and held.id != merchant_id:
        raise AlreadyExists("another merchant is paid out to this settlement account")


def _write(
    document: MerchantDocument, action: str, by: str, reason: str, about: AccountChange, traceparent: str,
    **changes: object,
) -> MerchantDocument | None:  # fmt: skip
    """One write with its event and its line of history; None where the merchant was changed meanwhile."""
    told = events_pb2.AccountChangeTold(
        merchant_id=document.id,
        owner_id=document.owner_id,
        change_id=about.change_id,
        bank_bin=about.bank_bin,
        actor=by,
        in_force_at_ms=about.in_force_ms or 0,
        reason=reason,
    )
    past = {"propose_account": "proposed", "approve_account": "approved", "cancel_account": "cancelled"}[action]
    event = document.add_event(f"merchant.account_{past}", document.id, told, traceparent)
    line = entry(document, action, by, reason, version=document.version + 1)
    return change(document, set__version=document.version + 1, push__outbox=event, push__history=line, **changes)


def _change(waiting: AccountChange) -> Change:
    return Change(
        change_id=waiting.change_id,
        bank_bin=waiting.bank_bin,
        account_masked=crypto.mask(crypto.decrypt(ACCOUNT_FIELD, waiting.account_number)),
        account_name=waiting.account_name,
        name_check=NameCheck(waiting.name_check),
        proposed_by=waiting.proposed_by,
        proposed_at=waiting.proposed_at,
        approved_by=waiting.approved_by or "",
        in_force_at=clock.from_ms(waiting.in_force_ms) if waiting.in_force_ms else None,
    )
