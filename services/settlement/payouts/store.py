"""Payouts in MongoDB. Every write is conditioned on the state that it leaves, or writes what is there already."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from kit import crypto
from kit.config import settings
from kit.errors import Contention, FourEyes, NotFound, WrongState
from services.settlement.payouts import rules
from services.settlement.payouts.documents import (
    ACCOUNT_FIELD,
    BatchDocument,
    DayDocument,
    NetDocument,
    PackingDocument,
    PayoutDocument,
)

# A write of a thousand took longer than kit.mongo waits, where the machine was busy.
WRITES_MAX = 100
_DUPLICATE = 11000
_BEFORE_ALL, _AFTER_ALL = "/", ":"
# Beyond every event.
_NO_SEQ = 1 << 62


def order_of(at: datetime, payout_id: str) -> str:
    """Sorts payouts by when they were decided."""
    return f"{int(at.timestamp() * 1000):015d}-{payout_id}"


def new(payout_id: str, window: int, payee: str, amount: int, fee: int, at: datetime, to: Mapping[str, str],
        reason: str = "") -> dict[str, Any]:  # fmt: skip
    """A payout as it is decided. `to`: "bin", "account", "name"; without them it is carried over."""
    state = rules.PENDING if to else rules.CARRIED
    return {
        "_id": payout_id, "window": window, "payee": payee, **account_of(to),
        "amount": amount, "fee": fee, "state": state, "decided_at": at, "tries": 0, "transfer_id": "", "posted_seq": 0,
        "batch": "", "outcome": "", "came_back": "", "reason": reason, "reconciled": "" if to else "-",
        "order": order_of(at, payout_id),
        **({} if to else {"ended_at": at}),
    }  # fmt: skip


def account_of(to: Mapping[str, str]) -> dict[str, Any]:
    """Where a payout goes to, as it is kept: encrypted."""
    return {
        "bank_bin": to.get("bin", "-"), "account": crypto.encrypt(ACCOUNT_FIELD, to.get("account", "-")),
        "account_name": crypto.encrypt(ACCOUNT_FIELD, to.get("name", "-")),
    }  # fmt: skip


def insert(payouts: Iterable[dict[str, Any]]) -> None:
    """Decides payouts; those that were decided before stay as they are."""
    for part in _parts([InsertOne(payout) for payout in payouts]):
        try:
            PayoutDocument._get_collection().bulk_write(part, ordered=False)
        except BulkWriteError as error:
            if any(refused["code"] != _DUPLICATE for refused in error.details["writeErrors"]):
                raise


def planned(window: int, last_seq: int) -> dict[str, int]:
    """What payouts that are not this window's take of what payees have at event `last_seq`, by payee, đồng: those that
    the ledger had not posted by then, and that did not come back."""
    found: dict[str, int] = {}
    taking = [PayoutDocument.objects(state=rules.PENDING)] + [
        PayoutDocument.objects(state=state, posted_seq__gt=last_seq, posted_seq__lt=_NO_SEQ)
        for state in (rules.READY, rules.SENT, rules.PAID)
    ]
    for one in chain.from_iterable(taking):
        if one.window != window:
            found[one.payee] = found.get(one.payee, 0) + one.amount
    return found


def in_state(state: str, most: int) -> list[PayoutDocument]:
    """Payouts in a state, any `most` of them."""
    return list(PayoutDocument.objects(state=state).limit(most))


def all_in_state(state: str) -> Iterator[PayoutDocument]:
    """All payouts in a state, in no order."""
    yield from PayoutDocument.objects(state=state)


def with_outcome(most: int) -> list[PayoutDocument]:
    """Sent payouts of which the bank has said how they ended, and the ledger was not told yet."""
    return list(PayoutDocument.objects(state=rules.SENT, outcome__in=[rules.PAID, rules.FAILED]).limit(most))


def asked_for(most: int) -> list[PayoutDocument]:
    """Payouts that merchants asked for, posted and in no file that went."""
    return list(PayoutDocument.objects(window=0, state=rules.READY).limit(most))


def awaited() -> set[str]:
    """End-to-end ids of which the bank has not said how they ended."""
    waiting = {one.id for one in PayoutDocument.objects(state=rules.SENT, outcome="").only("id")}
    return waiting | {net.end_to_end_id for net in nets(state="sent", outcome="")}


def note_came_back(payout_ids: Iterable[str], at: datetime) -> None:
    """Payouts that a statement shows as come back; shown again, nothing changes."""
    fields = {"came_back": "waits", "came_back_at": at}
    for part in _parts([UpdateOne({"_id": one, "came_back": ""}, {"$set": fields}) for one in payout_ids]):
        PayoutDocument._get_collection().bulk_write(part, ordered=False)


def came_back(most: int) -> list[PayoutDocument]:
    """Paid payouts that came back, and the ledger was not told yet."""
    return list(PayoutDocument.objects(came_back="waits", state=rules.PAID).limit(most))


def of_window(window: int) -> Iterator[PayoutDocument]:
    """All of a window's, in no order."""
    yield from PayoutDocument.objects(window=window)


def count_of_window(window: int) -> tuple[int, int]:
    """How many of a window's have ended, and how many it has. Counted in this order: none ends that is not there."""
    found = PayoutDocument.objects(window=window)
    return found.filter(state__in=list(rules.ENDED)).count(), found.count()


def by_ids(payout_ids: Sequence[str]) -> dict[str, PayoutDocument]:
    """Those that exist."""
    found: dict[str, PayoutDocument] = {}
    for start in range(0, len(payout_ids), WRITES_MAX):
        part = payout_ids[start : start + WRITES_MAX]
        found.update({payout.id: payout for payout in PayoutDocument.objects(id__in=list(part))})
    return found


def page(field: str, value: object, before: str, most: int) -> list[PayoutDocument]:
    """Payouts of a window or payee, the newest first, behind the one that `before` is the order of."""
    found = PayoutDocument.objects(**{field: value, "order__gt": _BEFORE_ALL, "order__lt": before or _AFTER_ALL})
    return list(found.order_by("-order").limit(most))


def reconciling(reconciled: Sequence[str]) -> Iterator[PayoutDocument]:
    """Payouts that a bank was given and that may be on its statement, found by one of these reconciliations ("": by
    none)."""
    for payout in PayoutDocument.objects(reconciled__in=list(reconciled)):
        if payout.state in (rules.SENT, rules.PAID, rules.RETURNED) and payout.outcome != rules.FAILED:
            yield payout


def note_reconciled(references: Iterable[str], reconciliation_id: str, instead_of: Sequence[str] = ()) -> None:
    """Payouts and net positions that a statement showed: later ones need not. What the statements showed in whose place
    it stands (`instead_of`: their reconciliations), and it does not, is looked for again."""
    ids, before = list(references), ["", *instead_of]
    fields = {"$set": {"reconciled": reconciliation_id}}
    for part in _parts([UpdateOne({"_id": one, "reconciled": {"$in": before}}, fields) for one in ids]):
        PayoutDocument._get_collection().bulk_write(part, ordered=False)
    for start in range(0, len(ids), WRITES_MAX):
        for net in NetDocument.objects(end_to_end_id__in=ids[start : start + WRITES_MAX], reconciled__in=before):
            NetDocument.objects(id=net.id).update_one(set__reconciled=reconciliation_id)
    for one in instead_of:
        PayoutDocument.objects(reconciled=one).update(set__reconciled="")
        NetDocument.objects(reconciled=one).update(set__reconciled="")


def change(changes: Iterable[tuple[str, str, Mapping[str, Any]]]) -> None:
    """(payout, the state that it must be in, what is set): others are left as they are."""
    alike: dict[tuple[str, tuple[tuple[str, Any], ...]], list[str]] = defaultdict(list)
    for one, state, fields in changes:
        alike[state, tuple(fields.items())].append(one)
    collection, single = PayoutDocument._get_collection(), list[UpdateOne]()
    for (state, fields_), ids in alike.items():
        if len(ids) == 1:
            single.append(UpdateOne({"_id": ids[0], "state": state}, {"$set": dict(fields_)}))
            continue
        for part in _parts(ids):  # in one write each: they cost the database half as much as one by one
            collection.update_many({"_id": {"$in": list(part)}, "state": state}, {"$set": dict(fields_)})
    for writes in _parts(single):
        collection.bulk_write(writes, ordered=False)


def note_outcomes(said: Iterable[tuple[str, str, str]], at: datetime) -> int:
    """(payout, PAID or FAILED, reason) that a bank said of sent payouts; the first word counts. How many were new."""
    writes = [
        UpdateOne(
            {"_id": one, "state": rules.SENT, "outcome": ""},
            {"$set": {"outcome": outcome, "outcome_at": at, "reason": reason[:200]}},
        )
        for one, outcome, reason in said
    ]
    collection = PayoutDocument._get_collection()
    return sum(collection.bulk_write(part, ordered=False).modified_count for part in _parts(writes))


def plain_account(payout: PayoutDocument) -> tuple[str, str]:
    """(account number, its holder's name) as the bank needs them."""
    return crypto.decrypt(ACCOUNT_FIELD, payout.account), crypto.decrypt(ACCOUNT_FIELD, payout.account_name)


def masked_account(payout: PayoutDocument) -> str:
    """As people see it."""
    number = crypto.decrypt(ACCOUNT_FIELD, payout.account)
    return crypto.mask(number) if len(number) > 1 else ""


# Files ----------------------------------------------------------------------------------------------------


def make_batch(batch_id: str, window: int, payouts: Sequence[PayoutDocument], at: datetime) -> None:
    """Puts payouts into a file, once: the batch's own document says which."""
    total = sum(payout.amount - payout.fee for payout in payouts)
    needed = rules.releases_needed(total)
    BatchDocument.objects(id=batch_id).update_one(
        set_on_insert__window=window, set_on_insert__payouts=sorted(payout.id for payout in payouts),
        set_on_insert__total=total, set_on_insert__made_at=at, set_on_insert__released_by=[],
        set_on_insert__state="waiting" if needed else "released", set_on_insert__releases_needed=needed, upsert=True,
    )  # fmt: skip


def batch(batch_id: str) -> BatchDocument:
    """Raises NotFound."""
    found = BatchDocument.objects(id=batch_id).first()
    if found is None:
        raise NotFound("there is no such file of payouts")
    return found


def batches(**wanted: object) -> list[BatchDocument]:
    """By window or state."""
    return list(BatchDocument.objects(**wanted))


def release(batch_id: str, who: str) -> BatchDocument:
    """One operator's word that a file may go; with the last that is needed it does. Said again, it is the same.

    Raises NotFound, WrongState where it went already, FourEyes where this operator said so before.
    """
    found = batch(batch_id)
    if found.state != "waiting":
        if who in found.released_by:
            return found
        raise WrongState(f"this file is {found.state}: nothing is to be released", state=found.state)
    if who in found.released_by:
        raise FourEyes("you released it already: a second operator has to")
    after = [*found.released_by, who]
    state = "released" if len(after) >= found.releases_needed else "waiting"
    done = BatchDocument.objects(id=batch_id, state="waiting", released_by=found.released_by).update_one(
        set__released_by=after, set__state=state
    )
    if done != 1:
        raise Contention("somebody released it at the same time: look again")
    return batch(batch_id)


def batch_is(batch_id: str, state: str, **fields: Any) -> None:
    """Notes how far a file is."""
    BatchDocument.objects(id=batch_id).update_one(set__state=state, **{f"set__{k}": v for k, v in fields.items()})


# Net positions --------------------------------------------------------------------------------------------


def decide_nets(window: int, amounts: Mapping[str, int], at: datetime) -> None:
    """What institutions settle of a window, đồng; what was decided before stays as it is."""
    decided = {
        one: {
            "window": window, "institution": one, "amount": amount, "decided_at": at, "attempt": 1, "state": "pending",
            "end_to_end_id": rules.net_id(window, one, 1), "message_id": rules.net_message_id(window, one, 1),
            "outcome": "", "reason": "", "transfer_id": "", "reconciled": "",
        }
        for one, amount in amounts.items()
    }  # fmt: skip
    _change_nets(
        UpdateOne({"_id": f"{window}:{one}"}, {"$setOnInsert": fields}, upsert=True) for one, fields in decided.items()
    )


def nets(**wanted: object) -> list[NetDocument]:
    """By window, state, end-to-end id or message id."""
    return list(NetDocument.objects(**wanted))


def nets_are(before: str, changes: Iterable[tuple[NetDocument, Mapping[str, Any]]]) -> None:
    """(net position, what is set): those that are not in the state `before` are left as they are."""
    _change_nets(UpdateOne({"_id": net.id, "state": before}, {"$set": dict(fields)}) for net, fields in changes)


def note_net_outcomes(said: Iterable[tuple[str, str, str]], at: datetime) -> None:
    """(end-to-end id, PAID or FAILED, reason) that a bank said of sent net positions; the first word counts."""
    _change_nets(
        UpdateOne(
            {"end_to_end_id": one, "state": "sent", "outcome": ""},
            {"$set": {"outcome": outcome, "outcome_at": at, "reason": reason[:200]}},
        )
        for one, outcome, reason in said
    )


def _change_nets(writes: Iterable[UpdateOne]) -> None:
    for part in _parts(list(writes)):
        NetDocument._get_collection().bulk_write(part, ordered=False)


# The interbank switch -------------------------------------------------------------------------------------

# Behind a reconciliation's id: the payout came back.
BACK = "|back"


def note_switched(payout_ids: Iterable[str], found_by: str) -> None:
    """Payouts that a file of the switch showed. `found_by`: the reconciliation, with BACK where they came back."""
    for part in _parts(sorted(payout_ids)):
        PayoutDocument.objects(id__in=list(part)).update(add_to_set__switched=found_by)


# Days -----------------------------------------------------------------------------------------------------


def paid_on(day: str) -> list[PayoutDocument]:
    """Payouts that were paid on a day of Vietnam."""
    return list(PayoutDocument.objects(paid_on=day))


def returned_on(day: str) -> list[PayoutDocument]:
    """Payouts that came back on that day."""
    return list(PayoutDocument.objects(returned_on=day))


_BOOKED: tuple[tuple[Any, str], ...] = (
    (NetDocument, "settled_on"), (PayoutDocument, "paid_on"), (PayoutDocument, "returned_on"),
)  # fmt: skip


def first_booked(after: str, until: str) -> str:
    """The first day behind `after`, up to `until`, on which something was settled, was paid or came back; "" for none.

    It costs as much as all that was booked in between: keep them near each other."""
    if after >= until:
        return ""
    found = [
        documents.objects(**{f"{field}__gt": after or "0000", f"{field}__lte": until}).order_by(field).only(field)
        for documents, field in _BOOKED
    ]
    firsts = [one[field] for some, (_, field) in zip(found, _BOOKED, strict=True) if (one := some.first())]
    return min(firsts, default="")


def statements(after: str, before: str) -> set[tuple[str, str]]:
    """(day, institution) of statements that there are of days between these two."""
    found = DayDocument.objects(day__gt=after, day__lt=before)
    return {(one.day, one.institution) for one in found}


def first_statement() -> str:
    """The day of the oldest statement; "" for none."""
    first = DayDocument.objects(day__gt="0000").order_by("day").first()
    return str(first.day) if first else ""


def packing() -> PackingDocument | None:
    """The day whose packs were begun last; None before the first."""
    return PackingDocument.objects(cell=settings().cell).first()


def open_day() -> str:
    """The first day of which no statement is out, nor begun to be; "" before the first."""
    last = packing()
    # Older code noted no more than the statements.
    known = last or DayDocument.objects(day__gt="0000").order_by("-day").first()
    return (date.fromisoformat(known.day) + timedelta(days=1)).isoformat() if known else ""


def pack_day(last: PackingDocument | None, day: str, **fields: Any) -> PackingDocument:
    """Notes that a day's packs are begun, where none were since `last`; what is to be packed now."""
    collection, cell = PackingDocument._get_collection(), settings().cell
    begun = {"$set": {"day": day, "done": False, **fields}}
    if last is None:
        collection.update_one({"_id": cell}, {"$setOnInsert": begun["$set"]}, upsert=True)
    else:
        collection.update_one({"_id": cell, "day": last.day, "done": True}, begun)
    found = packing()
    assert found is not None
    return found


def day_is_packed(day: str) -> None:
    """Notes that all of a day's packs are out."""
    PackingDocument.objects(cell=settings().cell, day=day).update_one(set__done=True)


def opening(institution: str, day: str) -> int:
    """What an institution was owed after the statement before this day's, đồng; below zero where it owed."""
    before = DayDocument.objects(institution=institution, day__gt="0000", day__lt=day).order_by("-day").first()
    return int(before.closing) if before else 0


def keep_day(institution: str, day: str, opened: int, closed: int) -> None:
    """Keeps a day's statement; kept before, it stays as it is."""
    DayDocument.objects(id=f"{day}:{institution}").update_one(
        set_on_insert__institution=institution, set_on_insert__day=day, set_on_insert__opening=opened,
        set_on_insert__closing=closed, upsert=True,
    )  # fmt: skip


def _parts(writes: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(writes), WRITES_MAX):
        yield writes[start : start + WRITES_MAX]
