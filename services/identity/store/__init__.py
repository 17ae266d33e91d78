"""What identity keeps in MongoDB: people, sessions, wrong guesses, signing keys."""

from kit import mongo
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
    phone_index,
)
from services.identity.store.sessions import Session, end_session, keep_session, open_session, refresh_session

__all__ = [
    "HASHER",
    "STREAM",
    "Account",
    "Guess",
    "Hasher",
    "KeyCache",
    "KeyRing",
    "Person",
    "Session",
    "account_by_id",
    "account_by_phone",
    "change_pin",
    "create_user",
    "end_session",
    "ensure_user",
    "forget_guesses",
    "guess_key",
    "keep_session",
    "load_ring",
    "open_session",
    "open_store",
    "phone_index",
    "refresh_session",
    "rotate_keys",
    "take_guess",
]


def open_store() -> None:
    """Connects this process and sees that the collections exist. Call after any fork."""
    mongo.open_store("identity", (Person, Session, Guess, KeyRing))
