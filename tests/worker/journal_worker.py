"""A worker process for the tests: adds the ledger's amounts up, in one document with its cursor.

With an argument (seconds that a batch takes) it is that worker. Without, it is a preloaded parent, which obeys lines:
`fork <seconds>` answers the pid of a new worker, `wait <pid>` its exit status.
"""

import kit.streams.patch  # noqa: F401 - first: everything after it is cooperative

# isort: split
import os
import sys
import time

import mongoengine

from kit import mongo
from kit.streams.entry import Entry
from kit.streams.ledger import ledger_reader
from kit.streams.runner import run


def last_seq() -> int:
    head = mongoengine.get_db().head.find_one({"_id": "journal"})
    return head["cursor"] if head else 0


class Journal:
    name = "tests.journal"
    batch_s = 0.0

    @ledger_reader("journal", cursor=last_seq, batch=50, lease_ms=600)
    def journal(self, entries: list[Entry]) -> None:
        heads = mongoengine.get_db().head
        before = entries[0].seq - 1
        if before == 0:
            heads.update_one({"_id": "journal"}, {"$setOnInsert": {"cursor": 0}}, upsert=True)
        heads.update_one({"_id": "journal"}, {"$set": {"begun": before, "by": os.getpid()}})
        time.sleep(self.batch_s)
        effect = heads.update_one(
            {"_id": "journal", "cursor": before},
            {
                "$set": {"cursor": entries[-1].seq},
                "$inc": {"sum": sum(int(entry.fields[b"amount"]) for entry in entries)},
                "$push": {"acts": {"by": os.getpid(), "from": before, "to": entries[-1].seq}},
            },
        )
        if not effect.modified_count:
            raise RuntimeError("another reader was here")


def work(batch_s: float) -> None:
    Journal.batch_s = batch_s
    mongo.connect("worker_tests")
    run([Journal], "tests.journal")


def parent() -> None:
    for line in sys.stdin:
        command, argument = line.split()
        if command == "wait":
            answer = os.waitstatus_to_exitcode(os.waitpid(int(argument), 0)[1])
        elif not (answer := os.fork()):
            work(float(argument))
            sys.exit(0)
        print(answer, flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        work(float(sys.argv[1]))
    else:
        parent()
