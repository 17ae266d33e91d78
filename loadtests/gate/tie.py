"""Ties what people were told to what ledger, books, announcements and settlement say, to the last đồng. Pure.

Each function returns what does not tie, in words; nothing is right. What must be is computed from the record of the
people alone: their amounts, and the fees that the stalls were told.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from loadtests.gate.evidence import Evidence, Report, Stage
from loadtests.record import CASH_IN, DONE, PAY, Asked, Heard

OPS = {PAY: "pay", CASH_IN: "cash_in"}
# Refusals by gateway or service, or by a ledger that did nothing: no event of theirs is in the books.
WITHOUT_EVENT = frozenset(
    {"OVERLOADED", "RATE_LIMITED", "LEDGER_FENCED", "UNAVAILABLE", "OUTCOME_NOT_FOUND", "KEY_SPENT", "STEP_UP_NEEDED"}
)
CAPTURED = "payment.captured"


def findings(of: Evidence, *, inside: bool = True) -> list[str]:
    """Everything that does not tie. Not `inside`: without ledger and books, which only their own machines can read."""
    return [
        *of.told.contradictions,
        *(["the record is full: not everything that happened stands in it"] if of.told.full else []),
        *(
            f"{asked.key} has no outcome, and was not asked for"
            for asked in of.told.asked.values()
            if not asked.outcome
        ),
        *(books(of) if inside else ()),
        *(ledger(of) if inside else ()),
        *accounts(of),
        *announcements(of),
        *settlement(of),
        *of.packs,
        *(
            f"{stage.name}: {stage.count}, and must be {stage.must}"
            for stage in stages(of, inside=inside)
            if not stage.holds
        ),
    ]


def done(of: Evidence, kind: str) -> list[Asked]:
    """What was carried out of a kind, as people were told."""
    return [asked for asked in of.told.asked.values() if asked.kind == kind and asked.outcome == DONE]


def books(of: Evidence) -> list[str]:
    """What was acknowledged is in the books with its id and amount, what was refused with its code, and no more is."""
    found = []
    for asked in of.told.asked.values():
        event = of.booked.get(asked.key)
        if asked.outcome == DONE:
            if event is None:
                found.append(f"{asked.transfer_id} was acknowledged, and is not in the books")
            elif (event.op, event.result, event.transfer_id, event.amount) != (
                OPS[asked.kind], "OK", asked.transfer_id, asked.amount,
            ):  # fmt: skip
                found.append(
                    f"{asked.transfer_id} of {asked.amount} is {event.transfer_id} of {event.amount} ({event.op}, "
                    f"{event.result}) in the books"
                )
            elif asked.commission not in (None, event.fee):
                found.append(f"{asked.transfer_id} earned {asked.commission}, and the books say {event.fee}")
        elif event is None:
            if asked.outcome and asked.outcome not in WITHOUT_EVENT:
                found.append(f"{asked.key} was refused with {asked.outcome}, and the books know nothing of it")
        elif event.result != asked.outcome and event.op != "resolve":
            found.append(f"{asked.key} was refused with {asked.outcome}, and the books say {event.result}")
    found += [f"{event.transfer_id or event.key} is in the books under a key that had an event" for event in of.twice]
    for key, event in of.booked.items():
        if event.result == "OK" and event.op in OPS.values() and key not in of.told.asked:
            found.append(f"{event.transfer_id} is in the books, and nobody asked for it")
    return found


def ledger(of: Evidence) -> list[str]:
    """The hot ledger holds the payments that were acknowledged, and no others."""
    paid = {asked.transfer_id: asked.amount for asked in done(of, PAY)}
    return [
        *(f"{i} was acknowledged, and is not in the hot ledger" for i in paid.keys() - of.hot.keys()),
        *(f"{i} is in the hot ledger, and nobody was told" for i in of.hot.keys() - paid.keys()),
        *(
            f"{i} of {amount} is of {of.hot[i]} in the hot ledger"
            for i, amount in paid.items()
            if of.hot.get(i, amount) != amount
        ),
    ]


def accounts(of: Evidence) -> list[str]:
    """Every wallet lost what its owner paid, every stall gained it less the fees that it was told, every agent's float
    fell by cash less commission, and nobody else moved.
    """
    moved = _moved(of)
    strangers = moved.keys() - of.before.keys() - of.unseen
    return [
        *(f"{account_id} took part, and its balance was not known before" for account_id in strangers),
        *(
            f"{account_id} went from {was} to {of.after.get(account_id)}, and must have moved by {moved[account_id]}"
            for account_id, was in of.before.items()
            if of.after.get(account_id) != was + moved[account_id]
        ),
    ]


def _moved(of: Evidence) -> dict[str, int]:
    """By how much every account must have changed, đồng."""
    fees = {one.transfer_id: one.fee for one in of.told.heard}
    moved: dict[str, int] = defaultdict(int)
    for asked in done(of, PAY):
        moved[asked.payer] -= asked.amount
        moved[asked.payee] += asked.amount - fees.get(asked.transfer_id, 0)
    for asked in done(of, CASH_IN):
        event = of.booked.get(asked.key)  # says what was earned where the agent was never told
        earned = asked.commission if asked.commission is not None else event.fee if event else 0
        moved[asked.payer] -= asked.amount - earned
        moved[asked.payee] += asked.amount
    return moved


def announcements(of: Evidence) -> list[str]:
    """Every stall heard of each payment once, with its amount and fee, in order and without a gap; and of no other."""
    paid = {asked.transfer_id: asked for asked in done(of, PAY)}
    fees = {event.transfer_id: event.fee for event in of.booked.values()}
    found, heard = [], Counter(one.transfer_id for one in of.told.heard if one.type == CAPTURED)
    found += [f"{i} was announced {n} times" for i, n in heard.items() if n > 1]
    found += [f"{i} was acknowledged, and never announced" for i in paid.keys() - heard.keys()]
    for one in of.told.heard:
        asked = paid.get(one.transfer_id)
        if asked is None:
            found.append(f"{one.transfer_id} was announced, and nobody was told that it was paid")
        elif (one.merchant_id, one.amount) != (asked.payee, asked.amount):
            found.append(f"{one.transfer_id} of {asked.amount} was announced as {one.amount} to {one.merchant_id}")
        elif one.fee != fees.get(one.transfer_id, one.fee):
            found.append(f"{one.transfer_id} was announced with a fee of {one.fee}, not {fees[one.transfer_id]}")
    return [*found, *_gaps(of.told.heard)]


def _gaps(heard: Iterable[Heard]) -> list[str]:
    versions: dict[str, list[int]] = defaultdict(list)
    for one in heard:
        versions[one.merchant_id].append(one.version)
    found = []
    for merchant_id, seen in versions.items():
        if sorted(seen) != list(range(min(seen), min(seen) + len(seen))):
            found.append(f"{merchant_id} heard of versions {min(seen)} to {max(seen)} in {len(seen)} announcements")
    return found


def settlement(of: Evidence) -> list[str]:
    """Each payment stands in the reports with what its telecom owes, what its stall's bank is owed and what the fee is;
    each report's totals are its lines' and the positions'; positions sum to zero.
    """
    fees = {one.transfer_id: one.fee for one in of.told.heard}
    rows: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    found = []
    for report in of.reports:
        for one in report.postings:
            rows[one.transfer_id].append((one.account_id, one.debit, one.credit))
            if one.operation != "pay":
                found.append(
                    f"{one.transfer_id} ({one.operation}) is in the reports, and nobody asked for such a thing"
                )
    paid = {asked.transfer_id: asked for asked in done(of, PAY)}
    for transfer_id, asked in paid.items():
        fee = fees.get(transfer_id, 0)
        must = [
            (f"settlement:{of.telecoms.get(asked.payer, '?')}", asked.amount, 0), (asked.payee, 0, asked.amount - fee),
        ]  # fmt: skip
        must += [("fee:PLATFORM", 0, fee)] if fee else []
        if sorted(rows.get(transfer_id, ())) != sorted(must):
            found.append(
                f"{transfer_id} stands in the reports as {sorted(rows.get(transfer_id, ()))}, not {sorted(must)}"
            )
    found += [f"{i} is in the reports, and nobody was told" for i in rows.keys() - paid.keys()]
    return [*found, *_totals(of)]


def _totals(of: Evidence) -> list[str]:
    found, lines = [], {line.institution: line for line in of.positions}
    for report in of.reports:
        debits, credits = _sums(report)
        if (debits, credits, credits - debits) != (report.debits, report.credits, report.net):
            found.append(f"{report.institution}'s lines come to {debits}, {credits}; its report says {report.debits}, "
                         f"{report.credits}")  # fmt: skip
        line = lines.get(report.institution)
        told = (line.debits, line.credits, line.net, line.transfers) if line else None
        if told != (debits, credits, credits - debits, len(report.postings)):
            found.append(f"{report.institution}'s lines come to {debits}, {credits}; its position is {told}")
    missing = lines.keys() - {report.institution for report in of.reports}
    found += [f"{institution} has a position and no report" for institution in sorted(missing)]
    if net := sum(line.net for line in of.positions):
        found.append(f"net positions differ from zero by {net} đồng")
    return found


def _sums(report: Report) -> tuple[int, int]:
    return sum(one.debit for one in report.postings), sum(one.credit for one in report.postings)


def stages(of: Evidence, *, inside: bool = True) -> list[Stage]:
    """Counts at every stage, each in an exact ratio to what people were told; `inside` as in `findings`."""
    paid, cash = done(of, PAY), done(of, CASH_IN)
    n, value = len(paid), sum(asked.amount for asked in paid)
    ids = {asked.transfer_id for asked in paid}
    fees = sum(1 for i in {one.transfer_id for one in of.told.heard if one.fee} if i in ids)
    ok = Counter(event.op for event in of.booked.values() if event.result == "OK")
    refused = sum(
        1 for asked in of.told.asked.values() if asked.outcome not in ("", DONE) and asked.outcome not in WITHOUT_EVENT
    )
    journaled = sum(1 for e in of.booked.values() if e.result != "OK" and e.op in OPS.values())
    reported = [one for report in of.reports for one in report.postings if one.operation == "pay"]
    outside = [
        Stage("payments announced", len({one.transfer_id for one in of.told.heard}), n),
        Stage("payments in the window", of.window_payments, n),
        Stage("payments in the reports", len({one.transfer_id for one in reported}), n),
        Stage("postings in the reports (two a payment, three with a fee)", len(reported), 2 * n + fees),
        Stage("value of the window", of.window_value, value, "đồng"),
        Stage("debits of the telecoms' reports", sum(one.debit for one in reported), value, "đồng"),
        Stage("credits of the banks' and the platform's reports", sum(one.credit for one in reported), value, "đồng"),
    ]
    if not inside:
        return outside
    return [
        Stage("payments in the hot ledger", len(of.hot), n),
        Stage("payments in the books", ok["pay"], n),
        *outside,
        Stage("cash-ins in the books", ok["cash_in"], len(cash)),
        Stage("refusals in the books", journaled, refused),
    ]


def losses(of: Evidence) -> dict[str, int]:
    """`lost`: acknowledged payments and cash-ins that the books do not have. `doubled`: carried out more than once, or
    for nobody. `drift_vnd`: by how much balances differ from what they must be, without signs, đồng.
    """
    asked = [one for kind in OPS for one in done(of, kind)]
    ok = Counter(event.transfer_id for event in (*of.booked.values(), *of.twice) if event.result == "OK")
    lost = sum(1 for one in asked if ok[one.transfer_id] == 0)
    moved = _moved(of)
    return {
        "lost": lost,
        "doubled": sum(ok.values()) - (len(asked) - lost),
        "drift_vnd": sum(abs(of.after.get(a, 0) - was - moved[a]) for a, was in of.before.items()),
    }
