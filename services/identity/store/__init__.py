"""What identity keeps in MongoDB: people, sessions, devices, wrong guesses, codes, vouchers, links, signing keys."""

from kit import mongo
from kit.accesses import Access, AccessCount
from services.identity.store.codes import OneTimeCode, new_code, use_code
from services.identity.store.devices import (
    KnownDevice,
    devices_of,
    find_device,
    forget_device,
    is_known,
    remember_device,
)
from services.identity.store.directory import tell_of_everybody
from services.identity.store.erasure import erase, finish_erasures
from services.identity.store.export import known_of
from services.identity.store.guesses import Guess, forget_guesses, guess_key, guess_keys_of, take_guess
from services.identity.store.hasher import HASHER, Hasher
from services.identity.store.holders import Holder, identify
from services.identity.store.keyring import KeyCache, KeyRing, load_ring, rotate_keys
from services.identity.store.links import (
    ExternalAttempt,
    ExternalLink,
    keep_attempt,
    link,
    link_of,
    linked_with,
    take_attempt,
    unlink,
)
from services.identity.store.notices import Notice, remember_sent, was_sent
from services.identity.store.people import (
    CITIZEN_FIELD,
    PHONE_FIELD,
    STREAM,
    Account,
    Person,
    RoleChange,
    RoleProposal,
    account_by_id,
    account_by_phone,
    are_one,
    change_pin,
    citizen_id_of,
    create_user,
    ensure_user,
    person,
    phone_of,
    roles_of,
)
from services.identity.store.roles import decide_roles, propose_roles, revoke_roles, role_proposals
from services.identity.store.sessions import (
    OpenSession,
    Session,
    end_session,
    end_session_of,
    end_session_with,
    end_sessions_of,
    end_sessions_with,
    keep_session,
    open_session,
    refresh_session,
    sessions_of,
    step_up,
)
from services.identity.store.vouchers import Voucher, vouch, voucher, vouchers
from services.identity.store.vouchers import approved as approved_vouchers
from services.identity.store.vouchers import decide as decide_voucher
from services.identity.store.vouchers import mark_used as mark_voucher_used

__all__ = [
    "CITIZEN_FIELD",
    "HASHER",
    "PHONE_FIELD",
    "STREAM",
    "Account",
    "ExternalAttempt",
    "ExternalLink",
    "Guess",
    "Hasher",
    "Holder",
    "KeyCache",
    "KeyRing",
    "KnownDevice",
    "Notice",
    "OneTimeCode",
    "OpenSession",
    "Person",
    "RoleChange",
    "RoleProposal",
    "Session",
    "Voucher",
    "account_by_id",
    "account_by_phone",
    "approved_vouchers",
    "are_one",
    "change_pin",
    "citizen_id_of",
    "create_user",
    "decide_roles",
    "decide_voucher",
    "devices_of",
    "end_session",
    "end_session_of",
    "end_session_with",
    "end_sessions_of",
    "end_sessions_with",
    "ensure_user",
    "erase",
    "find_device",
    "finish_erasures",
    "forget_device",
    "forget_guesses",
    "guess_key",
    "guess_keys_of",
    "identify",
    "is_known",
    "keep_attempt",
    "keep_session",
    "known_of",
    "link",
    "link_of",
    "linked_with",
    "load_ring",
    "mark_voucher_used",
    "new_code",
    "open_session",
    "open_store",
    "person",
    "phone_of",
    "propose_roles",
    "refresh_session",
    "remember_device",
    "remember_sent",
    "revoke_roles",
    "role_proposals",
    "roles_of",
    "rotate_keys",
    "sessions_of",
    "step_up",
    "take_attempt",
    "take_guess",
    "tell_of_everybody",
    "unlink",
    "use_code",
    "vouch",
    "voucher",
    "vouchers",
    "was_sent",
]

DOCUMENTS = (
    Person,
    Session,
    KnownDevice,
    Guess,
    OneTimeCode,
    Voucher,
    Holder,
    ExternalLink,
    ExternalAttempt,
    KeyRing,
    Access,
    AccessCount,
    Notice,
)


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store("identity", DOCUMENTS)
