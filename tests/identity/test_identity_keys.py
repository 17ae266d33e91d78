"""Which key signs, which are published: a verifier with an old JWKS never meets a token it cannot verify."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from services.identity.keys import LEAD, PERIOD, SKEW, Ring, SigningKey, new_key, published, rotated, signing
from services.identity.tokens import ACCESS_LIFE

START = datetime(2026, 1, 1, tzinfo=UTC)
_PAIR = new_key(START).pair


def _make(signs_at: datetime) -> SigningKey:
    """A key named after its time; generating a real pair for each would only take time."""
    return SigningKey(f"{signs_at:%s}", signs_at, _PAIR)


def test_the_first_key_signs_at_once() -> None:
    (key,) = rotated((), START)
    assert key.signs_at == START
    assert signing((key,), START) is key


def test_nothing_changes_before_the_next_key_is_due() -> None:
    ring = rotated((), START)
    assert rotated(ring, START + PERIOD - LEAD - timedelta(seconds=1)) == ring


def test_the_next_key_is_published_before_it_signs_and_the_old_one_until_its_tokens_have_expired() -> None:
    first = rotated((), START)
    due = START + PERIOD - LEAD
    old, new = ring = rotated(first, due)
    assert (published(ring, due), signing(ring, due)) == ((old, new), old)
    assert signing(ring, due + LEAD) is new
    last_needed = due + LEAD + ACCESS_LIFE
    assert published(ring, last_needed) == (old, new)
    assert rotated(ring, last_needed + SKEW) == (new,)


def test_with_a_key_of_a_faster_clock_one_can_sign_already() -> None:
    ring = rotated((), START)
    assert signing(ring, START - timedelta(seconds=5)) is ring[0]


@settings(deadline=None)
@given(st.lists(st.integers(1, 40 * 24 * 60), min_size=1, max_size=30))
def test_whenever_the_timer_fires_every_token_verifies_with_a_jwks_as_old_as_the_lead(
    gaps: list[int],
) -> None:
    """`gaps` are minutes between firings: a worker may have been down for weeks."""
    ring: Ring = rotated((), START, _make)
    history = [(START, ring)]
    now = START
    for gap in gaps:
        now += timedelta(minutes=gap)
        ring = rotated(ring, now, _make)
        history.append((now, ring))
        assert 1 <= len(ring) <= 3
        assert signing(ring, now) in ring

    def at(time: datetime) -> Ring:
        return [known for since, known in history if since <= time][-1]

    for fired, _ in history:
        for signed in (fired, fired + LEAD, fired + LEAD + ACCESS_LIFE):
            key = signing(at(signed), signed)
            for read in (signed - LEAD, signed, signed + ACCESS_LIFE):
                if read >= START:
                    assert key in published(at(read), read)
