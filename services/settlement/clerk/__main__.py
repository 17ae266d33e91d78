"""`python -m services.settlement.clerk`: does what there is to do, and ends.

Exit status 75 where it has to be continued later (sysexits.h, EX_TEMPFAIL).
"""

from __future__ import annotations

import fcntl
import sys

import redis
from pymongo.errors import PyMongoError

from kit import log
from kit.clock import now
from kit.config import settings
from services.settlement import store, trust
from services.settlement.books.checkpoints import Checkpoints
from services.settlement.clerk import due, work
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.peers import Later, Peers

CONTINUE = 75

_logger = log.logger(__name__)


def main() -> int:
    """Exit status."""
    log.set_up("settlement.clerk")
    home = settings().home
    with due.lock_of(home).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0  # another one is at it, and will see what there is
        key = trust.signing_key(settings().own_secret("settlement_signing_secret"))
        store.open_store()
        peers, books = Peers(), Checkpoints(home / "books" / "checkpoints.sqlite3")
        ended = "failed"
        try:
            work.run(Desk(settings(), peers, books, home), key)
            ended = "done"
        except (Later, PyMongoError, redis.RedisError) as reason:
            _logger.warning("continued later", reason=f"{type(reason).__name__}: {reason}")
            ended = "later"
        finally:
            books.close()
            peers.close()
            _note(ended)
    return 0 if ended == "done" else CONTINUE


def _note(how: str) -> None:
    """For whoever watches: `cho_clerk_*`. Where the database is away, there is nothing to note it in."""
    try:
        store.note_run(how, now())
    except PyMongoError as error:
        _logger.warning("the run is not noted", how=how, reason=str(error))


if __name__ == "__main__":
    sys.exit(main())
