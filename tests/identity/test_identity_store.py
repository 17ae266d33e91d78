"""People, guesses, sessions and keys in a real database, also when everybody comes at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.errors import AlreadyExists, InvalidArgument, PinWeak, SessionEnded, TooManyAttempts
from kit.ids import is_id, new_id
from services.identity import keys, store, tokens
from services.identity.store.guesses import GUESSES_MAX, LOCK
from services.identity.store.sessions import SESSIONS_MAX
from services.identity.user import User
from tests.identity.conftest import OTHER_PIN, PHONE, PIN

pytestmark = pytest.mark.usefixtures("database")

NOW = clock.now()


def at_once(times: int, work: Callable[[int], object]) -> list[Any]:
    """What `work` gave or raised, done `times` times by as many threads."""

    def attempt(number: int) -> object:
        try:
            return work(number)
        except Exception as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(attempt, range(times)))


def account_of(user: User) -> store.Account:
    account = store.account_by_id(user.user_id)
    assert account is not None
    return account


# People


def test_a_person_is_found_by_phone_and_by_id(shopper: User) -> None:
    assert is_id(shopper.user_id, "usr")
    for account in (store.account_by_phone("+84912345678"), store.account_by_id(shopper.user_id)):
        assert account is not None
        assert account.user == shopper
    assert store.account_by_phone("+84912345679") is None


def test_neither_phone_nor_pin_is_stored_in_the_clear(shopper: User) -> None:
    stored = repr(store.Person._get_collection().find_one({"_id": shopper.user_id}))
    assert "12345678" not in stored
    assert PIN not in stored


def test_user_created_leaves_in_the_same_write(database: None, hasher: store.Hasher) -> None:
    user = store.create_user(PHONE, PIN, "Trần Văn Bình", ["officer"], "970436", hasher=hasher)
    (event,) = store.Person.objects.get(id=user.user_id).outbox
    assert (event.type, event.subject) == ("user.created", user.user_id)
    said = events_pb2.UserCreated.FromString(event.data)
    assert (said.user_id, list(said.roles), said.institution) == (user.user_id, ["officer"], "970436")


def test_of_many_who_register_a_phone_at_once_one_does(hasher: store.Hasher) -> None:
    outcomes = at_once(8, lambda _: store.create_user(PHONE, PIN, "Lan", ["shopper"], hasher=hasher))
    assert sum(isinstance(outcome, User) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 7


def test_a_weak_pin_or_a_foreign_id_creates_nobody(hasher: store.Hasher) -> None:
    with pytest.raises(PinWeak):
        store.create_user(PHONE, "123456", "Lan", ["shopper"], hasher=hasher)
    with pytest.raises(InvalidArgument):
        store.create_user(PHONE, PIN, "Lan", ["shopper"], user_id="mer_1", hasher=hasher)
    assert store.account_by_phone("+84912345678") is None


def test_seeding_twice_gives_the_same_person_and_hashes_once(hasher: store.Hasher) -> None:
    user_id = new_id("usr")
    seeded = store.ensure_user(PHONE, PIN, "Lan", ["vendor"], user_id=user_id, hasher=hasher)
    pin_hash = account_of(seeded).pin_hash
    assert store.ensure_user(PHONE, PIN, "Lan", ["vendor"], user_id=user_id, hasher=hasher) == seeded
    assert account_of(seeded).pin_hash == pin_hash
    assert seeded.user_id == user_id


def test_seeding_at_once_gives_one_person(hasher: store.Hasher) -> None:
    seeded = at_once(8, lambda _: store.ensure_user(PHONE, PIN, "Lan", ["vendor"], hasher=hasher))
    assert len(set(seeded)) == 1


def test_of_two_changes_of_one_pin_at_once_one_holds(shopper: User, hasher: store.Hasher) -> None:
    account = account_of(shopper)
    outcomes = at_once(2, lambda _: store.change_pin(account, OTHER_PIN, hasher))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Account", "Contention"]


def test_a_pin_is_hashed_with_argon2id_as_owasp_asks() -> None:
    pin_hash = store.HASHER.hash(PIN)
    assert pin_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert store.HASHER.matches(pin_hash, PIN)
    assert not store.HASHER.matches(pin_hash, OTHER_PIN)


# Guesses


def test_of_64_guesses_at_once_five_are_taken() -> None:
    outcomes = at_once(64, lambda _: store.take_guess("usr_1", NOW))
    assert outcomes.count(None) == GUESSES_MAX
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 64 - GUESSES_MAX


def test_a_lock_says_how_long_it_lasts_and_ends_then() -> None:
    for _ in range(GUESSES_MAX):
        store.take_guess("usr_1", NOW)
    with pytest.raises(TooManyAttempts) as locked:
        store.take_guess("usr_1", NOW + timedelta(minutes=5))
    assert locked.value.details == {"retry_after_s": "600"}
    outcomes = at_once(16, lambda _: store.take_guess("usr_1", NOW + LOCK))
    assert outcomes.count(None) == GUESSES_MAX


def test_a_locked_phone_is_not_locked_longer_by_trying() -> None:
    for _ in range(GUESSES_MAX):
        store.take_guess("usr_1", NOW)
    with pytest.raises(TooManyAttempts):
        store.take_guess("usr_1", NOW + LOCK - timedelta(seconds=1))
    store.take_guess("usr_1", NOW + LOCK)


def test_a_right_pin_clears_the_count() -> None:
    for _ in range(3):
        for _ in range(GUESSES_MAX - 1):
            store.take_guess("usr_1", NOW)
        store.forget_guesses("usr_1")


def test_guessing_at_phones_that_nobody_has_fills_no_database() -> None:
    keys_used = {store.guess_key("", f"{number:032x}"[::-1]) for number in range(200_000)}
    assert len(keys_used) == 16**4


# Sessions


def test_a_refresh_token_works_once_and_its_reuse_ends_the_session(shopper: User) -> None:
    session_id, first = store.open_session(account_of(shopper), NOW)
    account, same_session, second = store.refresh_session(first, NOW)
    assert (account.user, same_session) == (shopper, session_id)
    with pytest.raises(SessionEnded):
        store.refresh_session(first, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(second, NOW)


def test_of_concurrent_refreshes_one_wins_and_the_theft_is_noticed(shopper: User) -> None:
    _, token = store.open_session(account_of(shopper), NOW)
    outcomes = at_once(16, lambda _: store.refresh_session(token, NOW))
    assert sum(isinstance(outcome, SessionEnded) for outcome in outcomes) == 15
    (won,) = (outcome for outcome in outcomes if isinstance(outcome, tuple))
    with pytest.raises(SessionEnded):
        store.refresh_session(won[2], NOW)


def test_reuse_in_one_session_leaves_the_others_alone(shopper: User) -> None:
    account = account_of(shopper)
    _, robbed = store.open_session(account, NOW)
    _, other = store.open_session(account, NOW)
    store.refresh_session(robbed, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(robbed, NOW)
    store.refresh_session(other, NOW)


def test_a_session_lives_30_days_from_its_last_refresh(shopper: User) -> None:
    _, token = store.open_session(account_of(shopper), NOW)
    later = NOW + tokens.REFRESH_LIFE - timedelta(seconds=1)
    _, _, token = store.refresh_session(token, later)
    with pytest.raises(SessionEnded):
        store.refresh_session(token, later + tokens.REFRESH_LIFE)


def test_one_session_too_many_drops_the_oldest(shopper: User) -> None:
    account = account_of(shopper)
    opened = [store.open_session(account, NOW)[1] for _ in range(SESSIONS_MAX + 1)]
    with pytest.raises(SessionEnded):
        store.refresh_session(opened[0], NOW)
    for token in opened[1:]:
        store.refresh_session(token, NOW)


def test_signing_in_everywhere_at_once_leaves_no_more_sessions_than_allowed(shopper: User) -> None:
    account = account_of(shopper)
    at_once(SESSIONS_MAX * 2, lambda _: store.open_session(account, NOW))
    assert len(store.Session.objects(user_id=shopper.user_id)) == SESSIONS_MAX


def test_no_refresh_token_is_stored(shopper: User) -> None:
    session_id, token = store.open_session(account_of(shopper), NOW)
    stored = repr(store.Session._get_collection().find_one({"_id": session_id}))
    assert token.partition(".")[2] not in stored


def test_a_changed_pin_ends_every_session_but_the_one_kept(shopper: User, hasher: store.Hasher) -> None:
    account = account_of(shopper)
    kept_id, kept = store.open_session(account, NOW)
    _, other = store.open_session(account, NOW)
    store.keep_session(kept_id, store.change_pin(account, OTHER_PIN, hasher))
    store.refresh_session(kept, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(other, NOW)


def test_a_sign_in_with_the_old_pin_that_finishes_after_the_change_gives_no_session(
    shopper: User, hasher: store.Hasher
) -> None:
    account = account_of(shopper)
    store.change_pin(account, OTHER_PIN, hasher)
    _, late = store.open_session(account, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(late, NOW)


# Signing keys


def test_servers_that_start_at_once_end_with_one_key() -> None:
    rings = at_once(8, lambda _: store.rotate_keys(NOW))
    assert {tuple(key.kid for key in ring) for ring in rings} == {tuple(key.kid for key in store.load_ring())}
    assert len(store.load_ring()) == 1


def test_workers_that_rotate_at_once_add_one_key() -> None:
    store.rotate_keys(NOW)
    due = NOW + keys.PERIOD
    at_once(8, lambda _: store.rotate_keys(due))
    old, new = store.load_ring()
    assert new.signs_at == due + keys.LEAD
    assert keys.signing((old, new), due) is old


def test_a_stored_key_signs_as_before_and_its_secret_is_encrypted() -> None:
    (made,) = store.rotate_keys(NOW)
    (loaded,) = store.load_ring()
    assert loaded.public_jwk() == made.public_jwk()
    assert loaded.pair.as_dict(private=True) == made.pair.as_dict(private=True)
    assert str(made.pair.as_dict(private=True)["d"]) not in repr(
        store.KeyRing._get_collection().find_one({"_id": "ring"})
    )


def test_a_server_hears_of_a_new_key_long_before_it_signs() -> None:
    store.rotate_keys(NOW)
    cache = store.KeyCache()
    assert len(cache.ring(NOW)) == 1
    store.rotate_keys(NOW + keys.PERIOD)
    assert len(cache.ring(NOW)) == 1
    assert len(cache.ring(NOW + keys.LEAD / 10)) == 2
