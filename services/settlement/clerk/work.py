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

_logger = log.logger(__name__)


def run(desk: Desk, key: OKPKey) -> None:
    """Works until nothing can be done now. Raises Later where somebody could not be reached."""
    for _ in range(ROUNDS_MAX):
        if not _round(desk, key):
            break
    # What can wait comes last.
    archives.archive_months(desk.home)


def _round(desk: Desk, key: OKPKey) -> bool:
    done = False
    if window := due.window():
        desk.peers.cut(window)
        point("cut")
        _logger.info("window cut by the schedule", window=window)
        done = True
    stages = [closed.stage for closed in store.unsettled(UNSETTLED_MAX) if closed.stage != "settling"]
    if stages[:1] != ["closed"]:  # else they follow while that window is netted
        while desk.books.follow():
            pass
    for closed in store.unsettled(UNSETTLED_MAX):
        done = _carry_on(desk, closed, key) or done
    while steps.post(desk):
        done = True
    done = steps.batch_asked_for() or done
    done = steps.send(desk) or done
    done = steps.send_nets(desk) or done
    done = inbox.read_all(desk) or done
    while steps.post_outcomes(desk) or steps.post_returns(desk):
        done = True
    done = steps.post_nets(desk) or done
    steps.end_files()
    for closed in store.unsettled(UNSETTLED_MAX):
        if closed.stage == "settling" and closed.prepared:
            done = steps.settle(closed) or done
    done = records.look(now()) or done
    return day.pack_days(desk, key, now().astimezone(VIETNAM).date()) or done


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
            findings = trial.tie(desk.books, closed.number)
            record["findings"] = [f"{found.code} {found.name}: {found.text}" for found in findings]
            if record["findings"]:
                _logger.critical("a window does not tie", window=closed.number, findings=record["findings"][:10])
                raise Later("nothing is paid out of a window that does not tie: audit the books")
            store.advance(closed, "closed", "netted", record=record)
            point("netted")
        case "netted":
            # Before anything of the fees is paid out, of this window or of one that waits with it.
            steps.share(desk, closed)
            steps.decide(desk, closed)
            steps.retry_failed_nets()
        case "settling" if not closed.prepared:
            while steps.post(desk):
                pass
            steps.batch(closed)
            store.prepared(closed)
        case _:
            return False
    return True


def progress(what: str, done: int, of: int) -> None:
    """Told now and then, for whoever watches the log."""
    if done == of:
        _logger.info("netting", what=what, done=done, of=of)
