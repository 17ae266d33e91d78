"""A window's report for one institution, as CSV for people and their spreadsheets. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from kit.clock import VIETNAM, from_ms
from kit.ledger_event import LedgerEvent
from services.settlement.moves import SETTLES
from services.settlement.positions import institution_of

COLUMNS = ("window", "seq", "time", "operation", "transfer_id", "payment_id", "account_id", "debit_vnd", "credit_vnd")
ROWS_A_PIECE = 1000


def lines(events: Iterable[LedgerEvent], institution: str, banks: Mapping[str, str]) -> Iterable[tuple[object, ...]]:
    """One line a posting on the institution's side. Times are Asia/Ho_Chi_Minh, amounts whole đồng."""
    for event in events:
        if not event.moved or event.op in SETTLES:
            continue
        at = from_ms(event.at_ms).astimezone(VIETNAM).isoformat(timespec="milliseconds")
        payment_id = event.related or event.transfer_id
        for leg in event.legs:
            if institution_of(leg.account_id, banks) != institution:
                continue
            debit, credit = (leg.amount, "") if leg.side == "d" else ("", leg.amount)
            yield (
                event.window, event.seq, at, event.op, event.transfer_id, payment_id, leg.account_id, debit, credit,
            )  # fmt: skip


def to_csv(
    rows: Iterable[tuple[object, ...]], institution: str, window: int, closed_at: datetime, chain_head: str
) -> Iterator[bytes]:
    """RFC 4180 in pieces, UTF-8 with a byte order mark (so that spreadsheets read Vietnamese), a total at the end.

    The last line names the window, when it closed, and the books' chain head, so that the file proves where it is from.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    out.write("\ufeff")
    writer.writerow(COLUMNS)
    debits = credits = count = 0
    for row in rows:
        writer.writerow(row)
        debits += row[7] if isinstance(row[7], int) else 0
        credits += row[8] if isinstance(row[8], int) else 0
        count += 1
        if count % ROWS_A_PIECE == 0:
            yield out.getvalue().encode()
            out.seek(0)
            out.truncate()
    closed = closed_at.astimezone(VIETNAM).isoformat(timespec="milliseconds")
    writer.writerow((window, "", closed, "total", f"{count} postings", "", institution, debits, credits))
    writer.writerow((window, "", closed, "net", f"chain {chain_head}", "", institution, "", credits - debits))
    yield out.getvalue().encode()
