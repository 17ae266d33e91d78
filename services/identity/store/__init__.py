"""What identity keeps in MongoDB: people, sessions, devices, wrong guesses, signing keys."""

from kit import mongo
from services.identity.store.devices import KnownDevice, devices_of, forget_device, remember_device
from services.identity.store.directory import tell_of_everybody
from services.identity.store.guesses import Guess, forget_guesses, guess_key, take_guess
from services.identity.store.hasher import HASHER, Hasher
from services.identity.store.keyring import KeyCache, KeyRing, load_ring, rotate_keys
from services.identity.store.people import (
    STREAM,
    Account,
    Person,
    account_by_id,
    account_by_phone,
    change_pin,
    create_user,
    ensure_user,
)
from services.identity.store.sessions import (
    Session,
    end_session,
    end_sessions_with,
    keep_session,
    open_session,
    refresh_session,
    step_up,
)

__all__ = [
    "HASHER",
    "STREAM",
    "Account",
    "Guess",
    "Hasher",
    "KeyCache",
    "KeyRing",
    "KnownDevice",
    "Person",
    "Session",
    "account_by_id",
    "account_by_phone",
    "change_pin",
    "create_user",
    "devices_of",
    "end_session",
    "end_sessions_with",
    "ensure_user",
    "forget_device",
    "forget_guesses",
    "guess_key",
    "keep_session",
    "load_ring",
    "open_session",
    "open_store",
    "refresh_session",
    "remember_device",
    "rotate_keys",
    "step_up",
    "take_guess",
    "tell_of_everybody",
]


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store("identity", (Person, Session, KnownDevice, Guess, KeyRing))
