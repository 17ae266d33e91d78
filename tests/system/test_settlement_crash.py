"""kill -9 of the clerk at every step of a window's life: everybody is paid once, at the bank and in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cli import audit
from kit.config import settings
from services.payments.transfer import NOSTRO, TRANSIT
from services.settlement.clerk.crash import POINTS
from tests.system.settling import BANK, Town, town

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]
RUNS_MAX = 40
LATER = 75
# In each of these windows' lives one clerk after the other is killed, at the next of its points.
KILLED_AT = (
    (
        "cut", "packed", "shared", "posted", "batched", "sent", "net sent", "outcome noted", "matched",
        "return posted", "settled",
    ),
    (
        "reported", "netted", "decided", "noted", "file written", "net file written", "status read", "taken",
        "outcome posted", "net posted",
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("town")) as found:
        yield found


def test_no_point_is_left_out() -> None:
    assert sorted(point for points in KILLED_AT for point in points) == sorted(POINTS)


@pytest.mark.parametrize("points", KILLED_AT, ids=lambda points: points[0])
def test_clerks_that_are_killed_there_have_done_nothing_twice_and_the_last_one_settles_the_window(
    place: Town, points: tuple[str, ...]
) -> None:
    left, back = list(points), "return posted" in points
    place.pay()
    window, schedule = place.open_window(), "off"
    if "cut" in points:
        schedule = str(place.schedule())
    else:
        assert place.close() == window
    if back:
        place.arm(BANK, kind="returned", on=f"pain.001.PO-W{window:06d}-*")
    ended = {"PAYOUT_STATE_RETURNED" if back else "PAYOUT_STATE_PAID"}
    for _ in range(RUNS_MAX):
        status = place.clerks.run(CHO_CRASH_AT=left[0] if left else "", CHO_SETTLEMENT_SCHEDULE=schedule)
        if status == -9:
            assert left, "nobody kills it any more"
            left, schedule = left[1:], "off"
        else:
            assert status in (0, LATER)
        place.tick()
        if status == 0 and not left and place.state(window) == "SETTLED":
            paid = place.payouts(window)
            if {one["state"] for one in paid} == ended:
                break
    else:
        pytest.fail(f"not died at: {left}; window {window} is {place.state(window)}: {place.payouts(window)}")

    # Once at the bank, once in one file, once in the ledger.
    assert len(paid) == 1, "the merchant, all that it was owed"
    booked, messages = place.booked(), place.messages()
    assert {booked[one["payout_id"]] for one in paid} == {1}
    assert booked[f"NP-{window:06d}-VIETTEL"] == 1
    files = {file.name for file in (place.home / "exchange" / BANK / "out").glob(f"pa*W{window:06d}*.xml")}
    assert files == {f"pacs.009.NP-W{window:06d}.xml", f"pain.001.PO-W{window:06d}-1.xml"}
    assert messages[f"PO-W{window:06d}-1"] == messages[f"NP-W{window:06d}"] == 1
    assert {one.what for one in place.did if one.institution == BANK} <= {
        "executed", "wrote", "acknowledged", "returned", "closed",
    }  # fmt: skip
    assert place.balance(TRANSIT) == 0
    assert place.balance(NOSTRO) == place.at_the_bank(), "what the bank has of us is what our books say"


def test_after_all_of_that_every_share_was_given_once_and_every_invariant_holds(
    place: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = place.open_window() - 1
    assert windows == len(KILLED_AT)
    # Of two payments of 15,000 the fee is 60, of which the payer's telecom has a fifth; 2 are of the first payment.
    assert place.balance("fee:PLATFORM") == -(windows * (60 - 12) + 2)
    with monkeypatch.context() as patch:
        for name, value in place.stack.env.items():
            patch.setenv(name, value)
        settings.cache_clear()
        outcome = audit.run()
    settings.cache_clear()
    assert outcome.balanced, [check for check in outcome.checks if check.findings]
