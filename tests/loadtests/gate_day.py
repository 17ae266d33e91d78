"""A small honest day as evidence, to be lied about."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import strategies as st

from loadtests.gate.evidence import Booked, Evidence, Line, Posting, Report
from loadtests.record import CASH_IN, DONE, PAY, Asked, Heard, Told

WALLETS = {"wal_1": "VIETTEL", "wal_2": "VNPT", "wal_3": "MOBIFONE"}
STALLS = {"mer_1": "970405", "mer_2": "970436"}
AGENT, CUSTOMER, COMMISSION = "agt_1", "wal_9", 100
OPENING = 1_000_000_000

# (wallet, stall, đồng, fee)
PAYMENTS = st.lists(
    st.tuples(
        st.sampled_from(sorted(WALLETS)), st.sampled_from(sorted(STALLS)), st.integers(10, 10**6), st.integers(0, 9)
    ),
    min_size=2,
    max_size=20,
)


def honest(payments: list[tuple[str, str, int, int]]) -> Evidence:
    """What everybody would say of these payments, a cash-in and a refusal."""
    told, booked, hot = Told(), {}, {}
    postings: dict[str, list[Posting]] = defaultdict(list)
    moved: dict[str, int] = defaultdict(int)
    versions: dict[str, int] = defaultdict(lambda: 5)
    for seq, (wallet, stall, amount, fee) in enumerate(payments, 1):
        key, id_ = f"key-{seq}", f"pay_{seq}"
        told.asked[key] = Asked(key, PAY, "0977", wallet, stall, amount, 1.0, "http", DONE, id_, 2.0)
        booked[key] = Booked(seq, "pay", "OK", key, id_, amount, fee)
        hot[id_] = amount
        versions[stall] += 1
        told.heard.append(Heard(stall, id_, "payment.captured", amount, fee, seq, versions[stall], 1, 3.0))
        telecom = WALLETS[wallet]
        postings[telecom].append(Posting(telecom, "pay", id_, f"settlement:{telecom}", amount, 0))
        postings[STALLS[stall]].append(Posting(STALLS[stall], "pay", id_, stall, 0, amount - fee))
        if fee:
            postings["PLATFORM"].append(Posting("PLATFORM", "pay", id_, "fee:PLATFORM", 0, fee))
        moved[wallet] -= amount
        moved[stall] += amount - fee
    told.asked["cash"] = Asked("cash", CASH_IN, "0900", AGENT, CUSTOMER, 50_000, 1.0, "http", DONE, "cin_1", 2.0)
    booked["cash"] = Booked(900, "cash_in", "OK", "cash", "cin_1", 50_000, COMMISSION)
    moved[AGENT] -= 50_000 - COMMISSION
    moved[CUSTOMER] += 50_000
    told.asked["poor"] = Asked("poor", PAY, "0977", "wal_1", "mer_1", 5, 1.0, "http", "INSUFFICIENT_FUNDS", "", 2.0)
    booked["poor"] = Booked(901, "pay", "INSUFFICIENT_FUNDS", "poor", "", 5, 0)
    accounts = [*WALLETS, *STALLS, AGENT, CUSTOMER]
    reports = [report(name, rows) for name, rows in sorted(postings.items())]
    return Evidence(
        told=told,
        booked=booked,
        before=dict.fromkeys(accounts, OPENING),
        after={account: OPENING + moved[account] for account in accounts},
        telecoms=dict(WALLETS),
        hot=hot,
        reports=reports,
        positions=[Line(r.institution, r.debits, r.credits, r.net, len(r.postings)) for r in reports],
        window=2,
        window_payments=len(payments),
        window_value=sum(amount for _, _, amount, _ in payments),
    )


def report(name: str, rows: list[Posting]) -> Report:
    """With its totals."""
    debits, credits = sum(row.debit for row in rows), sum(row.credit for row in rows)
    return Report(name, tuple(rows), debits, credits, credits - debits)
