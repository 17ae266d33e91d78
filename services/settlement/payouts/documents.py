"""Payouts, files of them, and net positions, as MongoDB keeps them."""

from __future__ import annotations

from mongoengine import BinaryField, BooleanField, DateTimeField, Document, IntField, ListField, StringField

ACCOUNT_FIELD = "payouts.account"


class PayoutDocument(Document):
    """One payout. `_id` is its end-to-end id."""

    id = StringField(primary_key=True)
    # The window that it is of; for one that was asked for, 0.
    window = IntField(required=True)
    # A merchant's account, or the platform's fees.
    payee = StringField(required=True)
    bank_bin = StringField(required=True)
    # Encrypted (kit.crypto), as is the name.
    account = BinaryField(required=True)
    account_name = BinaryField(required=True)
    amount = IntField(required=True)
    fee = IntField(default=0)
    # What a merchant asked for, as the request had it (0: all that there is); none where nobody asked.
    asked = IntField()
    state = StringField(required=True)
    decided_at = DateTimeField(required=True)
    # Postings of it that were refused for want of money: the next has another amount and another key.
    tries = IntField(default=0)
    transfer_id = StringField(default="")
    # The ledger's event that posted it.
    posted_seq = IntField(default=0)
    batch = StringField(default="")
    # What the bank said, and when we read it: noted before the ledger is told.
    outcome = StringField(default="")
    outcome_at = DateTimeField()
    reason = StringField(default="")
    ended_at = DateTimeField()
    # "waits": a statement shows that it came back, and the ledger is not told yet; then "done", or "refused".
    came_back = StringField(default="")
    came_back_at = DateTimeField()
    # Vietnam's days, yyyy-mm-dd, on which it was booked as paid and as come back: of statements.
    paid_on = StringField()
    returned_on = StringField()
    # The reconciliation that found it on the bank's statement.
    reconciled = StringField(default="")
    # Reconciliations that found it in a file of the interbank switch; with BACK behind them, that it came back.
    switched = ListField(StringField())
    # decided_at in ms, zero-padded, and the id: sorts, and pages.
    order = StringField(required=True)

    meta = {  # noqa: RUF012
        "collection": "payouts",
        "auto_create_index": False,
        "indexes": [("window", "order"), ("state", "order"), ("state", "posted_seq"), ("payee", "order"),
                    ("batch", "order"), ("reconciled", "order"), "came_back", "paid_on", "returned_on"],
    }  # fmt: skip


class BatchDocument(Document):
    """A file of payouts. `_id` is its message id; which payouts it holds is written once, with it."""

    id = StringField(primary_key=True)
    window = IntField(required=True)
    payouts = ListField(StringField(), required=True)
    total = IntField(required=True)
    made_at = DateTimeField(required=True)
    # "waiting", "released", "sent" or "done".
    state = StringField(required=True)
    releases_needed = IntField(required=True)
    released_by = ListField(StringField())
    sent_at = DateTimeField()

    meta = {  # noqa: RUF012
        "collection": "payout_batches",
        "auto_create_index": False,
        "indexes": ["window", "state"],
    }


class NetDocument(Document):
    """What one institution settles of a window. `_id` is the window and the institution."""

    id = StringField(primary_key=True)
    window = IntField(required=True)
    institution = StringField(required=True)
    # Đồng; below zero it pays.
    amount = IntField(required=True)
    # When the window closed; of a later attempt, when it was decided on.
    decided_at = DateTimeField(required=True)
    attempt = IntField(default=1)
    # "pending", "sent", "settled" or "failed" (the next attempt waits for an operator or the next window).
    state = StringField(required=True)
    end_to_end_id = StringField(required=True)
    message_id = StringField(required=True)
    outcome = StringField(default="")
    outcome_at = DateTimeField()
    reason = StringField(default="")
    transfer_id = StringField(default="")
    # Vietnam's day on which it was settled, yyyy-mm-dd.
    settled_on = StringField()
    reconciled = StringField(default="")

    meta = {  # noqa: RUF012
        "collection": "net_positions",
        "auto_create_index": False,
        "indexes": ["window", "state", "end_to_end_id", "message_id", "reconciled", "settled_on"],
    }


class DayDocument(Document):
    """An institution's statement of a day: what it was owed (below zero: owed) before and after."""

    id = StringField(primary_key=True)
    institution = StringField(required=True)
    day = StringField(required=True)
    opening = IntField(required=True)
    closing = IntField(required=True)

    meta = {  # noqa: RUF012
        "collection": "day_statements",
        "auto_create_index": False,
        "indexes": [("institution", "day")],
    }


class PackingDocument(Document):
    """The day whose packs were begun last, and what they are of: fixed before the first of them is out, since made
    again after a crash they are the same. Nothing is booked on it or before it any more. One document a cell."""

    cell = StringField(primary_key=True)
    day = StringField(required=True)
    # What was booked behind this day, up to the one above, and is on no statement, is on this one's.
    after = StringField(required=True)
    # Older code had begun it, and took what was booked on the day alone.
    alone = BooleanField(default=False)
    windows = ListField(IntField())
    # As they were then.
    chain_head = StringField(required=True)
    rules = StringField(required=True)
    code = StringField(required=True)
    done = BooleanField(default=False)

    meta = {"collection": "day_packing", "auto_create_index": False}  # noqa: RUF012


DOCUMENTS = (PayoutDocument, BatchDocument, NetDocument, DayDocument, PackingDocument)
