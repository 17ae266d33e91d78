"""Everything the clerk does, in order, until nothing is left to do now."""

from __future__ import annotations

from joserfc.jwk import OKPKey

from kit import log
from kit.clock import VIETNAM, now
from services.settlement import closing, store
from services.settlement.books import follower, trial
from services.settlement.clerk import archives, day, due, inbox, records
from services.settlement.clerk import payouts as steps
from services.settlement.clerk.crash import point
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.peers import Later
from services.settlement.exchange import NameTaken

UNSETTLED_MAX = 200
ROUNDS_MAX = 100
# Of what does not tie, so many are kept: who audits the books finds all.
FINDINGS_MAX = 100

_logger = log.logger(__name__)


def run(desk: Desk, key: OKPKey) -> None:
    """Works until nothing can be done now. Raises Later where somebody could not be reached."""
    for _ in range(ROUNDS_MAX):
        if not _round(desk, key):
            break
    # What can wait comes last.
    archives.archive_months(desk.home)


def _round(desk: Desk, key: OKPKey) -> bool:
    """All that can be done now, once, in order; whether there may be more."""
    done = False
    if window := due.window():
        desk.peers.cut(window)
        point("cut")
        _logger.info("window cut by the schedule", window=window)
        done = True
    done = _carry_all_on(desk, key) or done
    while steps.post(desk):
        done = True
    done = steps.batch_asked_for() or done
    done = steps.send(desk) or done
    done = steps.send_nets(desk) or done
    done = inbox.read_all(desk) or done
    while steps.post_outcomes(desk) or steps.post_returns(desk):
        done = True
    return steps.post_nets(desk) or done or _end(desk, key)


def _carry_all_on(desk: Desk, key: OKPKey) -> bool:
    """The next step of every window; whether there was one. One that is netted now is decided in the next round: what
    comes in until then counts."""
    unsettled = store.unsettled(UNSETTLED_MAX)
    stages = [closed.stage for closed in unsettled if closed.stage != "settling"]
    if stages[:1] != ["closed"]:  # else they follow while that window is netted
        while desk.books.follow():
            pass
    went_on = [_carry_on(desk, closed, key) for closed in unsettled]
    # Only now: nothing is posted of a window's payouts before the shares of all that wait with it are.
    decided = store.unsettled(UNSETTLED_MAX) if "netted" in stages else unsettled
    prepared = [_prepare(desk, closed) for closed in decided]
    return any(went_on) or any(prepared)


def _end(desk: Desk, key: OKPKey) -> bool:
    """What is looked at once nothing else is left: what has ended with it. Whether there may be more for a round."""
    steps.end_files()
    unsettled = store.unsettled(UNSETTLED_MAX)
    sent = [closed for closed in unsettled if closed.stage == "settling" and closed.prepared]
    settled = [closed for closed in sent if steps.settle(closed)]
    # Others are in their places now, or one was closed since the round began.
    more = len(sent) < len(unsettled) or (bool(settled) and len(unsettled) == UNSETTLED_MAX)
    more = records.look(now()) or more
    return day.pack_days(desk, key, now().astimezone(VIETNAM).date()) or more


def _carry_on(desk: Desk, closed: store.Window, key: OKPKey) -> bool:
    """The next step of a window; whether there was one."""
    match closed.stage:
        case "closed":
            try:
                with follower.beside(desk.books):
                    record = closing.net(closed, desk.home, key, progress)
            except NameTaken as error:
                # Never written over: an institution may have taken what is there.
                began = store.begun_by(closed, closing.RULES, closing.code_version())[1]
                _logger.critical("a window's files differ", window=closed.number, began=began, reason=str(error))
                raise Later(
                    f"{error}. This window was begun by {began}, and {closing.code_version()} makes other files of it:"
                    f" run {began} until it is netted (cho settle show {closed.number}), then this version again"
                ) from error
            point("packed")
            findings = [f"{found.code} {found.name}: {found.text}" for found in trial.tie(desk.books, closed.number)]
            if findings:
                _logger.critical("a window does not tie", window=closed.number, findings=findings[:10])
                store.does_not_tie(closed, findings[:FINDINGS_MAX])
                raise Later("nothing is paid out of a window that does not tie: audit the books")
            store.advance(closed, "closed", "netted", record=record, findings=[])
            point("netted")
        case "netted":
            # Before anything of the fees is paid out, of this window or of one that waits with it.
            steps.share(desk, closed)
            steps.decide(desk, closed)
            steps.retry_failed_nets()
        case _:
            return False
    return True


def _prepare(desk: Desk, closed: store.Window) -> bool:
    """Posts a decided window's payouts, and puts them into files; whether it was to be done."""
    if closed.stage != "settling" or closed.prepared:
        return False
    while steps.post(desk):
        pass
    steps.batch(closed)
    store.prepared(closed)
    return True


def progress(what: str, done: int, of: int) -> None:
    """Told now and then, for whoever watches the log."""
    if done == of:
        _logger.info("netting", what=what, done=done, of=of)
