"""Wrong PINs lock for longer every time, and not the owner's own phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cho.identity.v1 import identity_pb2 as pb
from cho.identity.v1.identity_pb2_grpc import IdentityServiceStub
from hypothesis import given
from hypothesis import strategies as st

from kit import clock
from kit.errors import TooManyAttempts
from services.identity import store
from services.identity.lockout import FORGOTTEN_AFTER, GUESSES_MAX, LOCK, LOCK_MAX, lock_of
from services.identity.user import User
from tests.identity.calls import refused
from tests.identity.conftest import OTHER_PIN, PHONE, PIN, Clock

NOW = clock.now()
DEVICE = "0b9f3c1e-6a54-4d2b-9c1a-2f6de0a81b37"


def test_locks_double_from_a_quarter_of_an_hour_to_a_day() -> None:
    minutes = [lock_of(locks) // timedelta(minutes=1) for locks in range(9)]
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]


@given(st.integers(0, 10**9))
def test_no_lock_is_longer_than_the_longest_or_than_what_is_remembered(locks: int) -> None:
    assert LOCK <= lock_of(locks) <= LOCK_MAX < FORGOTTEN_AFTER


def guesses(key: str, at: timedelta) -> int:
    """Guesses that are let through at this time, one after the other."""
    taken = 0
    while taken < 50:
        try:
            store.take_guess(key, NOW + at)
        except TooManyAttempts:
            return taken
        taken += 1
    raise AssertionError("nothing locks")


@pytest.mark.usefixtures("database")
def test_after_each_lock_there_are_five_guesses_and_the_next_lock_is_twice_as_long() -> None:
    at, taken = timedelta(), []
    for locks in range(4):
        taken.append(guesses("usr_1", at))
        almost = at + lock_of(locks) - timedelta(seconds=1)
        assert guesses("usr_1", almost) == 0
        at += lock_of(locks)
    assert taken == [GUESSES_MAX] * 4
    store.forget_guesses("usr_1")
    assert guesses("usr_1", at) == GUESSES_MAX
    assert guesses("usr_1", at + LOCK) == GUESSES_MAX, "a right PIN forgives all"


@pytest.mark.usefixtures("database")
def test_whoever_never_stops_guesses_less_than_forty_pins_in_a_day_and_five_a_day_afterwards() -> None:
    taken = sum(guesses("usr_1", timedelta(minutes=minute)) for minute in range(0, 24 * 60, 15))
    assert 30 <= taken < 40
    later = sum(guesses("usr_1", timedelta(hours=hour)) for hour in range(24, 6 * 24))
    assert later <= 5 * GUESSES_MAX


@pytest.mark.usefixtures("database")
def test_whoever_pauses_before_the_fifth_guess_gets_no_more_than_who_never_stops() -> None:
    taken = 0
    for minute in range(0, 24 * 60, 16):
        for _ in range(GUESSES_MAX - 1):
            try:
                store.take_guess("usr_1", NOW + timedelta(minutes=minute))
            except TooManyAttempts:
                break
            taken += 1
    assert taken < 40


@pytest.mark.usefixtures("database")
def test_wrong_guesses_and_locks_are_forgotten_after_two_days_without_one() -> None:
    assert guesses("usr_1", timedelta()) == GUESSES_MAX
    # The database clears them a minute or more late.
    assert guesses("usr_1", FORGOTTEN_AFTER) == GUESSES_MAX
    assert guesses("usr_1", FORGOTTEN_AFTER + LOCK) == GUESSES_MAX, "a lock of those that were forgotten counted"
    for _ in range(GUESSES_MAX - 1):
        store.take_guess("usr_2", NOW)
    assert guesses("usr_2", FORGOTTEN_AFTER - timedelta(seconds=1)) == 1
    assert guesses("usr_2", 2 * FORGOTTEN_AFTER) == GUESSES_MAX


def test_who_guesses_from_elsewhere_does_not_lock_the_owners_phone(
    identity: IdentityServiceStub, shopper: User, moving_clock: Clock
) -> None:
    here = pb.SignInRequest(phone=PHONE, pin=PIN, device_id=DEVICE)
    identity.SignIn(here)
    elsewhere = pb.SignInRequest(phone=PHONE, pin=OTHER_PIN)
    codes = [refused(identity.SignIn, elsewhere) for _ in range(GUESSES_MAX + 1)]
    assert codes[-1] == "TOO_MANY_ATTEMPTS"
    # A device that only the thief knows is none that is known.
    unknown = pb.SignInRequest(phone=PHONE, pin=PIN, device_id=DEVICE.replace("0", "1"))
    assert refused(identity.SignIn, unknown) == "TOO_MANY_ATTEMPTS"
    identity.SignIn(here)
    # And on the owner's phone there are five guesses as anywhere.
    wrong = pb.SignInRequest(phone=PHONE, pin=OTHER_PIN, device_id=DEVICE)
    codes = [refused(identity.SignIn, wrong) for _ in range(GUESSES_MAX + 1)]
    assert codes == ["WRONG_PIN"] * GUESSES_MAX + ["TOO_MANY_ATTEMPTS"]
    assert refused(identity.SignIn, here) == "TOO_MANY_ATTEMPTS"
