"""People, guesses, sessions and keys in a real database, also when everybody comes at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cho.events.v1 import events_pb2

from kit import clock, crypto
from kit.errors import AlreadyExists, InvalidArgument, PinWeak, SessionEnded, TooManyAttempts
from kit.ids import is_id, new_id
from services.identity import keys, store, tokens
from services.identity.lockout import GUESSES_MAX, LOCK
from services.identity.store.devices import DEVICES_MAX
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


def installation(number: int) -> str:
    return f"0b9f3c1e-6a54-4d2b-9c1a-{number:012x}"


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
    assert (said.phone_index, said.display_name) == (crypto.phone_index(PHONE), "Trần V** B***")
    assert said.version == 1


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
    assert sorted(left for left in outcomes if isinstance(left, int)) == list(range(GUESSES_MAX))
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 64 - GUESSES_MAX


def test_a_lock_says_how_long_it_lasts_and_ends_then() -> None:
    for _ in range(GUESSES_MAX):
        store.take_guess("usr_1", NOW)
    with pytest.raises(TooManyAttempts) as locked:
        store.take_guess("usr_1", NOW + timedelta(minutes=5))
    assert locked.value.details == {"retry_after_s": "600"}
    outcomes = at_once(16, lambda _: store.take_guess("usr_1", NOW + LOCK))
    assert sorted(left for left in outcomes if isinstance(left, int)) == list(range(GUESSES_MAX))


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


def test_a_refresh_token_is_traded_once_and_its_later_use_ends_the_session(shopper: User) -> None:
    opened, first = store.open_session(account_of(shopper), None, NOW)
    account, refreshed, second = store.refresh_session(first, NOW)
    assert (account.user, refreshed) == (shopper, opened)
    later = NOW + tokens.REFRESH_GRACE
    with pytest.raises(SessionEnded):
        store.refresh_session(first, later)
    with pytest.raises(SessionEnded):
        store.refresh_session(second, later)


def test_who_never_heard_the_answer_asks_again_and_is_given_the_same_token(shopper: User) -> None:
    opened, first = store.open_session(account_of(shopper), None, NOW)
    _, _, second = store.refresh_session(first, NOW)
    soon = NOW + tokens.REFRESH_GRACE - timedelta(seconds=1)
    assert store.refresh_session(first, soon)[1:] == (opened, second)
    assert store.refresh_session(first, soon)[1:] == (opened, second)
    with pytest.raises(SessionEnded):  # asking again has not made it longer
        store.refresh_session(first, NOW + tokens.REFRESH_GRACE)


def test_a_token_whose_next_one_was_used_ends_the_session_at_once(shopper: User) -> None:
    _, first = store.open_session(account_of(shopper), None, NOW)
    _, _, second = store.refresh_session(first, NOW)
    _, _, third = store.refresh_session(second, NOW)
    for spent in (first, third):
        with pytest.raises(SessionEnded):
            store.refresh_session(spent, NOW)


def test_a_changed_pin_ends_also_the_session_of_who_asks_again(shopper: User, hasher: store.Hasher) -> None:
    account = account_of(shopper)
    _, token = store.open_session(account, None, NOW)
    store.refresh_session(token, NOW)
    store.change_pin(account, OTHER_PIN, hasher)
    with pytest.raises(SessionEnded):
        store.refresh_session(token, NOW)


def test_of_concurrent_refreshes_all_are_given_the_same_token(shopper: User) -> None:
    _, token = store.open_session(account_of(shopper), None, NOW)
    outcomes = at_once(16, lambda _: store.refresh_session(token, NOW))
    assert len({outcome[2] for outcome in outcomes}) == 1
    store.refresh_session(outcomes[0][2], NOW)


def test_reuse_in_one_session_leaves_the_others_alone(shopper: User) -> None:
    account = account_of(shopper)
    _, robbed = store.open_session(account, None, NOW)
    _, other = store.open_session(account, None, NOW)
    store.refresh_session(robbed, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(robbed, NOW + tokens.REFRESH_GRACE)
    store.refresh_session(other, NOW)


def test_a_session_lives_30_days_from_its_last_refresh(shopper: User) -> None:
    _, token = store.open_session(account_of(shopper), None, NOW)
    later = NOW + tokens.REFRESH_LIFE - timedelta(seconds=1)
    _, _, token = store.refresh_session(token, later)
    with pytest.raises(SessionEnded):
        store.refresh_session(token, later + tokens.REFRESH_LIFE)


def test_one_session_too_many_drops_the_oldest(shopper: User) -> None:
    account = account_of(shopper)
    opened = [store.open_session(account, None, NOW)[1] for _ in range(SESSIONS_MAX + 1)]
    with pytest.raises(SessionEnded):
        store.refresh_session(opened[0], NOW)
    for token in opened[1:]:
        store.refresh_session(token, NOW)


def test_signing_in_everywhere_at_once_leaves_no_more_sessions_than_allowed(shopper: User) -> None:
    account = account_of(shopper)
    at_once(SESSIONS_MAX * 2, lambda _: store.open_session(account, None, NOW))
    assert len(store.Session.objects(user_id=shopper.user_id)) == SESSIONS_MAX


def test_who_knows_no_more_than_a_sessions_id_does_not_end_it(shopper: User) -> None:
    _, token = store.open_session(account_of(shopper), None, NOW)
    session_id, _, rest = token.partition(".")
    other = f"ses_{'0' * 32}"
    for forged in (f"{session_id}.{'a' * 43}", f"{session_id}.{'a' * 43}.{'0' * 32}", token[:-1] + "g"):
        with pytest.raises(SessionEnded):
            store.refresh_session(forged, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(f"{other}.{rest}", NOW)
    _, _, following = store.refresh_session(token, NOW)
    store.refresh_session(following, NOW)


def test_no_refresh_token_is_stored(shopper: User) -> None:
    opened, token = store.open_session(account_of(shopper), None, NOW)
    _, _, following = store.refresh_session(token, NOW)
    stored = repr(store.Session._get_collection().find_one({"_id": opened.session_id}))
    for one in (token, following):
        assert one.split(".")[1] not in stored


def test_a_changed_pin_ends_every_session_but_the_one_kept(shopper: User, hasher: store.Hasher) -> None:
    account = account_of(shopper)
    here, kept = store.open_session(account, None, NOW)
    _, other = store.open_session(account, None, NOW)
    store.keep_session(here.session_id, store.change_pin(account, OTHER_PIN, hasher))
    store.refresh_session(kept, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(other, NOW)


def test_a_sign_in_with_the_old_pin_that_finishes_after_the_change_gives_no_session(
    shopper: User, hasher: store.Hasher
) -> None:
    account = account_of(shopper)
    store.change_pin(account, OTHER_PIN, hasher)
    _, late = store.open_session(account, None, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(late, NOW)


# Fresh PINs


def test_a_session_knows_when_its_pin_was_entered_and_refreshing_does_not_move_it(shopper: User) -> None:
    opened, token = store.open_session(account_of(shopper), None, NOW)
    _, refreshed, token = store.refresh_session(token, NOW + timedelta(days=3))
    assert opened.pin_at == refreshed.pin_at == NOW
    stepped_up = store.step_up(account_of(shopper), opened.session_id, NOW + timedelta(days=4))
    _, refreshed, _ = store.refresh_session(token, NOW + timedelta(days=5))
    assert stepped_up == refreshed == replace(opened, pin_at=NOW + timedelta(days=4))


def test_stepping_up_in_one_session_leaves_the_others_as_they_were(shopper: User) -> None:
    account = account_of(shopper)
    here, _ = store.open_session(account, None, NOW)
    _, other = store.open_session(account, None, NOW)
    store.step_up(account, here.session_id, NOW + timedelta(minutes=5))
    assert store.refresh_session(other, NOW + timedelta(minutes=6))[1].pin_at == NOW


def test_a_session_that_has_ended_or_is_somebody_elses_takes_no_pin(shopper: User, hasher: store.Hasher) -> None:
    account = account_of(shopper)
    other = account_of(store.create_user("0987654321", PIN, "Bình", ["shopper"], hasher=hasher))
    here, _ = store.open_session(account, None, NOW)
    with pytest.raises(SessionEnded):
        store.step_up(other, here.session_id, NOW)
    with pytest.raises(SessionEnded):
        store.step_up(account, here.session_id, NOW + tokens.REFRESH_LIFE)
    with pytest.raises(SessionEnded):
        store.step_up(store.change_pin(account, OTHER_PIN, hasher), here.session_id, NOW)
    store.end_session(here.session_id)
    with pytest.raises(SessionEnded):
        store.step_up(account, here.session_id, NOW)


def test_a_session_of_before_there_were_devices_had_its_pin_entered_when_it_began(shopper: User) -> None:
    opened, token = store.open_session(account_of(shopper), None, NOW)
    store.Session.objects(id=opened.session_id).update_one(unset__pin_at=1, unset__device_id=1, unset__device_at=1)
    _, refreshed, _ = store.refresh_session(token, NOW + timedelta(days=3))
    assert abs(refreshed.pin_at - clock.now()) < timedelta(minutes=5)
    assert (refreshed.device_id, refreshed.device_at) == ("", refreshed.pin_at)


# Devices


def test_a_device_is_known_again_by_its_uuid_and_keeps_the_day_it_was_first_seen(shopper: User) -> None:
    first = store.remember_device(shopper.user_id, installation(1), "Samsung A15", NOW)
    later = store.remember_device(shopper.user_id, installation(1), "", NOW + timedelta(days=9))
    renamed = store.remember_device(shopper.user_id, installation(1), "Của Lan", NOW + timedelta(days=10))
    assert is_id(first.device_id, "dev")
    assert later == replace(first, signed_in_at=NOW + timedelta(days=9))
    assert (renamed.device_id, renamed.name, renamed.first_seen_at) == (first.device_id, "Của Lan", NOW)
    assert store.devices_of(shopper.user_id) == [renamed]


def test_one_phone_in_two_hands_is_two_devices(shopper: User) -> None:
    mine = store.remember_device(shopper.user_id, installation(1), "", NOW)
    theirs = store.remember_device(new_id("usr"), installation(1), "", NOW + timedelta(days=9))
    assert theirs.device_id != mine.device_id
    assert theirs.first_seen_at == NOW + timedelta(days=9)


def test_the_uuid_that_an_app_keeps_to_itself_is_not_stored(shopper: User) -> None:
    store.remember_device(shopper.user_id, installation(1), "", NOW)
    assert installation(1) not in repr(store.KnownDevice._get_collection().find_one({"user_id": shopper.user_id}))


def test_one_device_signing_in_many_times_at_once_is_one_device(shopper: User) -> None:
    met = at_once(16, lambda n: store.remember_device(shopper.user_id, installation(1), "", NOW + timedelta(seconds=n)))
    assert len({device.device_id for device in met}) == 1
    (known,) = store.devices_of(shopper.user_id)
    assert {device.first_seen_at for device in met} == {known.first_seen_at}


def test_one_device_too_many_drops_the_one_used_longest_ago_and_its_sessions(shopper: User) -> None:
    account = account_of(shopper)
    met = [
        store.remember_device(shopper.user_id, installation(n), "", NOW + timedelta(seconds=n))
        for n in range(DEVICES_MAX)
    ]
    session_tokens = [store.open_session(account, device, NOW)[1] for device in met]
    # The first one is the oldest, but in use.
    store.remember_device(shopper.user_id, installation(0), "", NOW + timedelta(minutes=1))
    store.remember_device(shopper.user_id, installation(99), "", NOW + timedelta(minutes=2))
    known = {device.device_id for device in store.devices_of(shopper.user_id)}
    assert len(known) == DEVICES_MAX
    assert {device.device_id for device in met} - known == {met[1].device_id}
    with pytest.raises(SessionEnded):
        store.refresh_session(session_tokens[1], NOW)
    store.refresh_session(session_tokens[0], NOW)


def test_new_devices_signing_in_all_at_once_leave_no_more_than_allowed(shopper: User) -> None:
    at_once(DEVICES_MAX * 2, lambda n: store.remember_device(shopper.user_id, installation(n), "", NOW))
    assert len(store.devices_of(shopper.user_id)) == DEVICES_MAX


def test_a_removed_device_ends_its_sessions_even_where_they_are_still_there(shopper: User) -> None:
    account = account_of(shopper)
    device = store.remember_device(shopper.user_id, installation(1), "", NOW)
    here, token = store.open_session(account, device, NOW)
    _, other = store.open_session(account, None, NOW)
    assert store.forget_device(shopper.user_id, device.device_id)
    # The process dies here: nobody has deleted the sessions, and the same phone signs in anew.
    again = store.remember_device(shopper.user_id, installation(1), "", NOW + timedelta(days=1))
    assert again.device_id != device.device_id
    assert again.first_seen_at == NOW + timedelta(days=1)
    with pytest.raises(SessionEnded):
        store.step_up(account, here.session_id, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(token, NOW)
    store.refresh_session(other, NOW)


def test_a_session_opened_while_its_device_is_removed_gives_no_second_token(shopper: User) -> None:
    device = store.remember_device(shopper.user_id, installation(1), "", NOW)
    store.forget_device(shopper.user_id, device.device_id)
    store.end_sessions_with(shopper.user_id, device.device_id)
    _, token = store.open_session(account_of(shopper), device, NOW)
    with pytest.raises(SessionEnded):
        store.refresh_session(token, NOW)


def test_nobody_removes_anothers_device(shopper: User) -> None:
    device = store.remember_device(shopper.user_id, installation(1), "", NOW)
    assert not store.forget_device(new_id("usr"), device.device_id)
    assert store.devices_of(shopper.user_id) == [device]


# Telling of people who were created before their phone's index was told


def as_before(*users: User) -> None:
    """Stored as the version before did, their `user.created` published long ago."""
    for user in users:
        store.Person.objects(id=user.user_id).update_one(unset__version=1, unset__outbox=1)


def test_everybody_created_before_is_told_of_once(shopper: User, hasher: store.Hasher) -> None:
    officer = store.create_user("0987654321", PIN, "Trần Văn Bình", ["officer"], "970436", hasher=hasher)
    told_already = store.create_user("0976543210", PIN, "Cúc", ["vendor"], hasher=hasher)
    as_before(shopper, officer)

    assert [store.tell_of_everybody(), store.tell_of_everybody()] == [2, 0]

    (event,) = store.Person.objects.get(id=officer.user_id).outbox
    said = events_pb2.UserChanged.FromString(event.data)
    assert (event.type, event.subject) == ("user.changed", officer.user_id)
    assert (said.user_id, list(said.roles), said.institution) == (officer.user_id, ["officer"], "970436")
    assert (said.phone_index, said.display_name) == (crypto.phone_index("0987654321"), "Trần V** B***")
    assert said.version == 1
    (event,) = store.Person.objects.get(id=shopper.user_id).outbox
    assert events_pb2.UserChanged.FromString(event.data).institution == ""
    assert [event.type for event in store.Person.objects.get(id=told_already.user_id).outbox] == ["user.created"]


def test_what_waited_to_be_told_before_leaves_first(shopper: User) -> None:
    store.Person.objects(id=shopper.user_id).update_one(unset__version=1)
    store.tell_of_everybody()
    events = store.Person.objects.get(id=shopper.user_id).outbox
    assert [event.type for event in events] == ["user.created", "user.changed"]


def test_more_people_than_a_batch_holds_are_told_of_by_workers_at_once_each_once(shopper: User) -> None:
    like = store.Person._get_collection().find_one({"_id": shopper.user_id})
    store.Person.objects.delete()
    people = 1_203
    store.Person._get_collection().insert_many(
        [
            {k: v for k, v in like.items() if k not in ("version", "outbox")}
            | {"_id": f"usr_{number}", "phone_index": f"{number}"}
            for number in range(people)
        ]
    )
    assert sum(at_once(3, lambda _: store.tell_of_everybody())) == people
    assert {len(person.outbox) for person in store.Person.objects} == {1}


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
