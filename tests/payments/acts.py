"""Short ways to do on a bench what the ledger can do besides payments and cash. Amounts in đồng, lives in ms."""

from __future__ import annotations

import asyncio
from typing import Any

from kit.clock import now_ms
from kit.ids import new_id
from services.payments import transfer
from services.payments.store.ledger import Posted
from services.payments.transfer import Leg
from tests.payments.conftest import OPERATOR, Bench

MINUTE_MS = 60_000
DAY_MS = 86_400_000
CARDS = "STRIPE"


async def deposit(b: Bench, amount: int, telecom: str = "VIETTEL") -> None:
    """A telecom puts its own money into its guarantee account."""
    await b.post("fund", amount, transfer.fund(telecom, transfer.reserve(telecom), amount))


async def organisation(b: Bench, amount: int, telecom: str = "VIETTEL") -> str:
    """An organisation with money to give out."""
    org = await b.ledger.open(new_id("org"), "org", telecom, new_id("usr"), OPERATOR)
    await b.post("fund", amount, transfer.fund(telecom, org, amount))
    return org


async def hold(b: Bench, wallet: str, payee: str, amount: int, life_ms: int = DAY_MS, **order: Any) -> Posted:
    order.setdefault("expires_ms", now_ms() + life_ms)
    return await b.post("hold", amount, transfer.hold(wallet, payee, amount), **order)


async def capture(
    b: Bench, held: Posted, wallet: str, merchant: str, amount: int, fee: int = 0, telecom: str = "VIETTEL",
    **order: Any,
) -> Posted:  # fmt: skip
    legs = transfer.pay(wallet, merchant, telecom, amount, fee)
    return await b.post("capture", amount, legs, fee, related=held.transfer_id, **order)


async def release(b: Bench, op: str, transfer_id: str, owner: str = "") -> int:
    """Voids or expires a hold; the payer's balance."""
    found = await b.ledger.transfer(transfer_id)
    assert found is not None
    return await b.ledger.release(op, found, owner, OPERATOR)


async def send(
    b: Bench, source: str, target: str, amount: int, telecoms: tuple[str, str] = ("VIETTEL", "VIETTEL"), **order: Any
) -> Posted:
    op = "transfer" if source.startswith("wal_") else "disburse"
    return await b.post(op, amount, transfer.send(source, target, *telecoms, amount), **order)


async def top_up(b: Bench, wallet: str, amount: int, telecom: str = "VIETTEL", **order: Any) -> Posted:
    return await b.post("top_up", amount, transfer.top_up(CARDS, wallet, telecom, amount), **order)


async def card_hold(b: Bench, top: Posted, wallet: str, amount: int, **order: Any) -> Posted:
    """Money set aside that goes back to the card it came from."""
    return await hold(b, wallet, transfer.psp(CARDS), amount, related=top.transfer_id, **order)


async def unload(b: Bench, held: Posted, wallet: str, amount: int, telecom: str = "VIETTEL", **order: Any) -> Posted:
    legs = transfer.unload(wallet, CARDS, telecom, amount)
    return await b.post("unload", amount, legs, related=held.transfer_id, **order)


async def receivable(b: Bench, owner: str) -> str:
    """The account on which somebody owes."""
    return await b.ledger.open(new_id("rcv"), "receivable", "", owner, OPERATOR)


async def chargeback(
    b: Bench, top: Posted, wallet: str, debt: str, amount: int, short: int = 0, telecom: str = "VIETTEL", **order: Any
) -> Posted:
    legs = transfer.chargeback(wallet, debt, CARDS, telecom, amount, short)
    order.setdefault("fee", short)
    return await b.post(
        "chargeback", amount, legs, related=top.transfer_id, guard="debts", guard_key=b.ledger.debts_key(), **order
    )


async def recover(b: Bench, debtor: str, debt: str, amount: int, telecom: str = "", **order: Any) -> Posted:
    legs = transfer.recover(debtor, debt, telecom, amount)
    return await b.post("recover", amount, legs, guard="debts", guard_key=b.ledger.debts_key(), **order)


async def until_due(b: Bench, holds: list[str], proposals: list[str]) -> None:
    """Waits until exactly these are over by the ledger's clock."""
    while True:
        if await b.ledger.due(10) == (holds, proposals):
            return
        await asyncio.sleep(0.02)


async def propose(b: Bench, target: str, who: str = "usr_one", op: str = "reverse", life_ms: int = DAY_MS) -> str:
    proposal_id = new_id("prp")
    await b.ledger.propose(proposal_id, op, target, who, now_ms() + life_ms, "why", OPERATOR)
    return proposal_id


async def reverse(
    b: Bench, posted: Posted, legs: list[Leg], amount: int, fee: int = 0, cover: str = "", who: str = "usr_two",
    proposal_id: str = "", **order: Any,
) -> Posted:  # fmt: skip
    """Undoes a transfer that was posted with `legs`; proposed by somebody else where no proposal is named."""
    proposal_id = proposal_id or await propose(b, posted.transfer_id)
    order.setdefault("guard", "proposal")
    return await b.post(
        "reverse", amount, transfer.reverse(legs, cover), fee, related=posted.transfer_id,
        guard_key=b.ledger.proposal_key(proposal_id), guard_value=who, **order,
    )  # fmt: skip


async def ask(b: Bench, merchant: str, amount: int, reference: str = "R1", life_ms: int = DAY_MS) -> None:
    await b.ledger.ask(merchant, "", reference, amount, now_ms() + life_ms, OPERATOR)


async def pay_request(
    b: Bench, wallet: str, merchant: str, amount: int, reference: str = "R1", way: str = "open", **order: Any
) -> Posted:
    return await b.pay(
        wallet, merchant, amount, guard="request", guard_key=b.ledger.request_key(merchant, reference),
        guard_value=way, **order,
    )  # fmt: skip


async def make_code(
    b: Bench, wallet: str, owner: str, ceiling: int, digest: str = "d1", life_ms: int = MINUTE_MS
) -> None:
    await b.ledger.put_code(digest, wallet, owner, ceiling, now_ms() + life_ms, OPERATOR)


async def redeem(b: Bench, wallet: str, merchant: str, amount: int, digest: str = "d1", **order: Any) -> Posted:
    return await b.pay(wallet, merchant, amount, guard="code", guard_key=b.ledger.code_key(digest), **order)
