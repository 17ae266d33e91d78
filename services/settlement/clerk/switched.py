"""Compares what the interbank switch says of a day with the payouts that went over it (NAPAS-style files, napas.py).

The settlement bank sends the file of what it paid (role ISS), a merchants' bank that of what its customers got (BNB).
Either is a second witness beside the statement of the scheme's account: it finds what is wrong and moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache, partial
from pathlib import Path

from kit.clock import VIETNAM, now
from services.settlement import napas
from services.settlement.clerk.payouts import Desk
from services.settlement.clerk.reconcile import SHOWN, Compared, compare
from services.settlement.intake.reading import fingerprint
from services.settlement.matching import spool
from services.settlement.matching import store as kept
from services.settlement.matching.model import BreakType, Outcome
from services.settlement.matching.rules import SWITCH
from services.settlement.matching.store import File, Scope
from services.settlement.napas_layout import FileName
from services.settlement.payouts import rules
from services.settlement.payouts import store as payouts
from services.settlement.payouts import switch as over
from services.settlement.payouts.documents import PayoutDocument
from services.settlement.records import Expected, FileRefused, StatementEntry

WHAT = "switch"
# How long before a file's day a payout may have been sent that is still looked for, and how long after it we may have
# heard that it was paid.
DAYS_BACK = DAYS_ON = 7
_PAYOUT, _RETURN = "payout", "return"
_PAYS, _GETS = "ISS", "BNB"
_SIDES = {_PAYS: ("D", "C"), _GETS: ("C", "D")}


def switched(desk: Desk, path: Path, sender: str, dry_run: bool = False) -> list[Compared]:
    """A day's file from a bank. Raises FileRefused."""
    name = FileName.parse(path.name)
    bank = desk.settings.settlement_bank
    _check(name, path, sender, _PAYS if sender == bank else _GETS)
    scope = Scope(sender, desk.scheme.account, WHAT, name.on, name.on)
    file = File("napas", "", "", fingerprint(path), path.name)
    # What counts of each other day: a later file of a day stands in the place of an earlier one.
    stored = kept.by_scope(scope.stream)
    files = {
        on: stored[key]
        for on in (name.on + timedelta(days=days) for days in range(-DAYS_BACK, DAYS_ON + 1))
        if on != name.on and (key := replace(scope, from_on=on, until_on=on).key) in stored
    }
    expected = partial(_expected, desk, name, sender, files)
    return [compare(desk, scope, file, SWITCH, expected, _ours(desk, path, name), name.on, dry_run, _note)]


def _check(name: FileName, path: Path, sender: str, role: str) -> None:
    if name.kind != "TC":
        raise FileRefused("KIND", f"{name.kind} is of disputes: send the transfers that succeeded (TC)")
    if (name.bin, name.role) != (sender, role):
        raise FileRefused("NOT_YOURS", f"a file of {name.bin} as {name.role}: send your own, as {role} {sender}")
    receiver, on = napas.opening(path)
    if (receiver, on) != (name.bin, name.on):
        raise FileRefused("NAME", f"by its header it is of {receiver} and {on}: give it the name of what it is", 1)
    if on > now().astimezone(VIETNAM).date():
        raise FileRefused("FUTURE_DATE", f"{on} is not yet: send it then", 1)


def _ours(desk: Desk, path: Path, name: FileName) -> Iterator[StatementEntry]:
    """What left the scheme's account, or came back to it; a bank's file may hold everybody's transfers."""
    for number, record in enumerate(napas.read(path), 1):
        if (record.issuer, record.from_account) == (desk.scheme.agent, desk.scheme.account):
            shown = napas.entry(record, number, name.role, "")
            if shown is not None:
                # Whichever side is shown, what tells payouts apart is who was paid.
                yield replace(shown, counterparty_account=record.to_account)


def _expected(desk: Desk, name: FileName, sender: str, files: dict[date, str], _: str) -> Iterator[Expected]:
    """Payouts that went over the switch from or to this bank on days up to this one of which there is a file, and that
    no other day's file has shown; and those that came back."""
    paid, back = _SIDES[name.role]
    shown, covered = set(files.values()), {name.on, *(on for on in files if on < name.on)}

    @lru_cache(64)
    def sent_on(batch: str) -> date:
        return payouts.batch(batch).sent_at.astimezone(VIETNAM).date()

    for one in _candidates(name.on):
        there = one.bank_bin if sender == desk.settings.settlement_bank else sender
        if not one.batch or there == desk.settings.settlement_bank or not over.passes(one, there):
            continue
        found, amount = set(one.switched or ()), one.amount - one.fee
        account, _ = payouts.plain_account(one)
        if (on := sent_on(one.batch)) in covered and not found & shown:
            yield Expected(one.id, "", paid, amount, on, one.id, _PAYOUT, account)
        came = date.fromisoformat(one.returned_on) if one.returned_on else None
        if came in covered and not found & {f"{found_by}{payouts.BACK}" for found_by in shown}:
            yield Expected(one.id, "", back, amount, came, one.id + payouts.BACK, _RETURN, account)


def _candidates(on: date) -> Iterator[PayoutDocument]:
    """Payouts that a bank has, and that were paid or came back around a day."""
    yield from payouts.all_in_state(rules.SENT)
    for days in range(-DAYS_BACK, DAYS_ON + 1):
        day = (on + timedelta(days=days)).isoformat()
        yield from payouts.paid_on(day)
        yield from (one for one in payouts.returned_on(day) if not _near(one.paid_on, on))


def _near(day: str | None, on: date) -> bool:
    return day is not None and abs((date.fromisoformat(day) - on).days) <= DAYS_BACK


def _note(outcome: Outcome, reconciliation_id: str) -> None:
    """What the file showed, rightly or wrongly, no later day's file has to."""
    rows = spool.read("SELECT DISTINCT transfer_id FROM read_parquet($path)", path=str(outcome.matches))
    found = {transfer_id for (transfer_id,) in rows}
    for one in outcome.breaks:
        if one.type in SHOWN:
            found |= {ours.transfer_id for ours in one.expected}
        if one.type is BreakType.REVERSED:
            found |= {ours.reference + payouts.BACK for ours in one.expected if ours.what == _PAYOUT}
    back = {one for one in found if one.endswith(payouts.BACK)}
    payouts.note_switched(found - back, reconciliation_id)
    payouts.note_switched((one.removesuffix(payouts.BACK) for one in back), reconciliation_id + payouts.BACK)
