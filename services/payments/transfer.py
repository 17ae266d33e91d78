"""The rules of transfers: which legs each operation has (docs/ledger.md), and what both sides see of it. Pure."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from kit.money import check_amount, share

PLATFORM_FEE = "fee:PLATFORM"
# The scheme's account at the settlement bank (asset), payouts on their way to the payees' banks, and what is not
# explained yet.
NOSTRO, TRANSIT, SUSPENSE = "nostro:SCHEME", "transit:PAYOUTS", "suspense:SCHEME"


TELECOMS = frozenset({"VIETTEL", "VNPT", "MOBIFONE"})


class Leg(NamedTuple):
    """One posting: `side` "d" or "c", `amount` in đồng; or a witness: side "=", read and not posted."""

    side: str
    amount: int
    account_id: str


def trust(telecom: str) -> str:
    """A telecom's guarantee account: the bank money behind its wallets (asset)."""
    return f"trust:{telecom}"


def clearing(telecom: str) -> str:
    """What a telecom owes the scheme for its wallets' payments (the telecom's side)."""
    return f"clearing:{telecom}"


def settlement(telecom: str) -> str:
    """The same debt as the scheme sees it (asset): what merchants and the platform are owed is covered by it."""
    return f"settlement:{telecom}"


def reserve(telecom: str) -> str:
    """A telecom's own money in its guarantee account: pays commissions and covers what it is still owed."""
    return f"reserve:{telecom}"


def psp(provider: str) -> str:
    """Card money that a provider has taken and not paid out yet (asset)."""
    return f"psp:{provider}"


def liquidity(telecom: str) -> str:
    """What a telecom deposited at the settlement bank, for its net debit cap to rest on."""
    return f"liquidity:{telecom}"


def fund(telecom: str, account_id: str, amount: int) -> list[Leg]:
    """Bank money came into the guarantee account: for an agent's float, an organisation, or the telecom's reserve."""
    check_amount(amount)
    return [Leg("d", amount, trust(telecom)), Leg("c", amount, account_id)]


def defund(telecom: str, account_id: str, amount: int) -> list[Leg]:
    """The reverse: bank money leaves the guarantee account."""
    check_amount(amount)
    legs = [Leg("d", amount, account_id), Leg("c", amount, trust(telecom))]
    return [*legs, _witness(clearing(telecom))] if account_id == reserve(telecom) else legs


def cash_in(agent_id: str, wallet_id: str, amount: int, telecom: str = "", commission: int = 0) -> list[Leg]:
    """The agent took cash: float becomes wallet money. The telecom gives the agent its commission in float."""
    check_amount(amount)
    legs = [Leg("d", amount - commission, agent_id), Leg("c", amount, wallet_id)]
    return legs + _commission(telecom, commission)


def cash_out(wallet_id: str, agent_id: str, amount: int, telecom: str = "", commission: int = 0) -> list[Leg]:
    """The agent hands out cash: wallet money becomes float, and the telecom adds its commission."""
    check_amount(amount)
    legs = [Leg("d", amount, wallet_id), Leg("c", amount + commission, agent_id)]
    return legs + _commission(telecom, commission)


def pay(wallet_id: str, merchant_id: str, telecom: str, amount: int, fee: int) -> list[Leg]:
    """A payment: the wallet's money goes to the merchant less the fee, and the telecom now owes it to the scheme."""
    check_amount(amount)
    assert 0 <= fee < amount
    legs = [
        Leg("d", amount, wallet_id),
        Leg("c", amount - fee, merchant_id),
        Leg("c", amount, clearing(telecom)),
        Leg("d", amount, settlement(telecom)),
    ]
    return [*legs, Leg("c", fee, PLATFORM_FEE)] if fee else legs


def refund(merchant_id: str, wallet_id: str, telecom: str, amount: int, fee: int) -> list[Leg]:
    """A payment's reverse; `fee` is the part of its fee that goes back."""
    check_amount(amount)
    assert 0 <= fee < amount
    legs = [
        Leg("d", amount - fee, merchant_id),
        Leg("c", amount, wallet_id),
        Leg("d", amount, clearing(telecom)),
        Leg("c", amount, settlement(telecom)),
    ]
    return [*legs, *([Leg("d", fee, PLATFORM_FEE)] if fee else []), _witness(reserve(telecom))]


def hold(payer_id: str, payee_id: str, amount: int) -> list[Leg]:
    """Money set aside on the payer's side, and announced on the payee's."""
    check_amount(amount)
    return [Leg("d", amount, payer_id), Leg("c", amount, payee_id)]


def send(payer_id: str, wallet_id: str, payer_telecom: str, telecom: str, amount: int) -> list[Leg]:
    """From a wallet or an organisation to a wallet; between telecoms the one owes what the other is owed."""
    check_amount(amount)
    legs = [Leg("d", amount, payer_id), Leg("c", amount, wallet_id)]
    if payer_telecom == telecom:
        return legs
    return [
        *legs,
        Leg("c", amount, clearing(payer_telecom)),
        Leg("d", amount, clearing(telecom)),
        Leg("d", amount, settlement(payer_telecom)),
        Leg("c", amount, settlement(telecom)),
        _witness(reserve(telecom)),
    ]


def top_up(provider: str, wallet_id: str, telecom: str, amount: int) -> list[Leg]:
    """Card money: the provider has it, and the telecom is owed it for what it puts into the wallet."""
    check_amount(amount)
    return [
        Leg("d", amount, psp(provider)),
        Leg("c", amount, wallet_id),
        Leg("d", amount, clearing(telecom)),
        Leg("c", amount, settlement(telecom)),
        _witness(reserve(telecom)),
    ]


def unload(wallet_id: str, provider: str, telecom: str, amount: int) -> list[Leg]:
    """Back to the card: a top-up's reverse."""
    check_amount(amount)
    return [
        Leg("d", amount, wallet_id),
        Leg("c", amount, psp(provider)),
        Leg("c", amount, clearing(telecom)),
        Leg("d", amount, settlement(telecom)),
    ]


def chargeback(wallet_id: str, receivable_id: str, provider: str, telecom: str, amount: int, short: int) -> list[Leg]:
    """The card's bank took `amount` back; `short` of it (the order's fee) the wallet lacks and its holder owes."""
    check_amount(amount)
    assert 0 <= short <= amount
    if short == amount:
        return [Leg("d", amount, receivable_id), Leg("c", amount, psp(provider)), _witness(wallet_id)]
    taken = amount - short
    legs = [
        Leg("d", taken, wallet_id),
        Leg("c", amount, psp(provider)),
        Leg("c", taken, clearing(telecom)),
        Leg("d", taken, settlement(telecom)),
    ]
    return [*legs, Leg("d", short, receivable_id)] if short else legs


def recover(debtor_id: str, receivable_id: str, telecom: str, amount: int) -> list[Leg]:
    """A debt is paid off from what its debtor has: a wallet (`telecom` names whose) or a merchant ("")."""
    check_amount(amount)
    legs = [Leg("d", amount, debtor_id), Leg("c", amount, receivable_id)]
    if not telecom:
        return legs
    return [*legs, Leg("c", amount, clearing(telecom)), Leg("d", amount, settlement(telecom))]


def payout(payee_id: str, amount: int, fee: int = 0) -> list[Leg]:
    """What a merchant (or the platform: its fees) is owed leaves for its bank; `fee` for one that was asked for."""
    check_amount(amount)
    assert 0 <= fee < amount
    legs = [Leg("d", amount, payee_id), Leg("c", amount - fee, TRANSIT)]
    return [*legs, Leg("c", fee, PLATFORM_FEE)] if fee else legs


def paid(amount: int) -> list[Leg]:
    """The settlement bank paid a payout."""
    check_amount(amount)
    return [Leg("d", amount, TRANSIT), Leg("c", amount, NOSTRO)]


def unpaid(payee_id: str, amount: int, fee: int = 0) -> list[Leg]:
    """The settlement bank did not pay: the payee has it back, and its fee."""
    check_amount(amount)
    assert 0 <= fee < amount
    legs = [Leg("d", amount - fee, TRANSIT), Leg("c", amount, payee_id)]
    return [*legs, Leg("d", fee, PLATFORM_FEE)] if fee else legs


def returned(payee_id: str, amount: int) -> list[Leg]:
    """A payout that was paid came back from the payee's bank."""
    check_amount(amount)
    return [Leg("d", amount, NOSTRO), Leg("c", amount, payee_id)]


def net(institution: str, amount: int) -> list[Leg]:
    """A net position was settled at the settlement bank; `amount` below zero: the institution paid what it owed.

    A telecom pays out of its guarantee account, where the money of its customers' payments still was.
    """
    check_amount(abs(amount))
    money, pays = abs(amount), amount < 0
    if institution not in TELECOMS:
        legs = [Leg("d", money, NOSTRO), Leg("c", money, psp(institution))]
        return legs if pays else reverse(legs)[::-1]
    legs = [
        Leg("d", money, clearing(institution)),
        Leg("c", money, trust(institution)),
        Leg("d", money, NOSTRO),
        Leg("c", money, settlement(institution)),
    ]
    if pays:
        return [*legs, _witness(reserve(institution))]
    return [Leg("d" if leg.side == "c" else "c", money, leg.account_id) for leg in (legs[1], legs[0], legs[3], legs[2])]


def interchange(telecom: str, amount: int) -> list[Leg]:
    """The payers' telecom gets its share of the platform's fees, as its own money."""
    check_amount(amount)
    return [
        Leg("d", amount, PLATFORM_FEE),
        Leg("c", amount, settlement(telecom)),
        Leg("d", amount, clearing(telecom)),
        Leg("c", amount, reserve(telecom)),
    ]


def liquidity_in(telecom: str, amount: int) -> list[Leg]:
    """A telecom deposited money at the settlement bank."""
    check_amount(amount)
    return [Leg("d", amount, NOSTRO), Leg("c", amount, liquidity(telecom))]


def liquidity_out(telecom: str, amount: int) -> list[Leg]:
    """It took some of it back; its cap has to stay covered."""
    check_amount(amount)
    return [Leg("d", amount, liquidity(telecom)), Leg("c", amount, NOSTRO), _witness(settlement(telecom))]


def correct(debited: str, credited: str, amount: int) -> list[Leg]:
    """The entry that resolves a break; one side is the account of what was not explained."""
    check_amount(amount)
    assert SUSPENSE in (debited, credited)
    return [Leg("d", amount, debited), Leg("c", amount, credited)]


def reverse(legs: list[Leg], telecom: str = "") -> list[Leg]:
    """The same postings the other way round, parties in the same order, as an operator undoes them.

    `telecom`: whose guarantee has to cover the reverse (the payer's); "" where none has to.
    """
    turned = [Leg("c" if leg.side == "d" else "d", leg.amount, leg.account_id) for leg in legs if leg.side != "="]
    return [*turned, _witness(reserve(telecom))] if telecom else turned


# What an operator can undo.
REVERSIBLE = frozenset({"fund", "cash_in", "cash_out", "pay", "capture", "transfer", "disburse"})


def undo(
    op: str, source: str, target: str, amount: int, fee: int, source_telecom: str, target_telecom: str
) -> list[Leg]:
    """The legs that undo a transfer of this operation between these accounts."""
    assert op in REVERSIBLE
    match op:
        case "fund":
            return reverse(fund(target_telecom, target, amount))
        case "cash_in":
            return reverse(cash_in(source, target, amount, source_telecom, fee))
        case "cash_out":
            return reverse(cash_out(source, target, amount, source_telecom, fee))
        case "pay" | "capture":
            return reverse(pay(source, target, source_telecom, amount, fee), source_telecom)
    between = source_telecom != target_telecom
    legs = send(source, target, source_telecom, target_telecom, amount)
    return reverse(legs, source_telecom if between else "")


def _witness(account_id: str) -> Leg:
    """An account that the ledger reads to check cover or whose debt it is, and does not post on."""
    return Leg("=", 0, account_id)


def _commission(telecom: str, commission: int) -> list[Leg]:
    if not commission:
        return []
    return [Leg("d", commission, reserve(telecom)), _witness(clearing(telecom))]


def refund_fee(paid: int, fee: int, refunded_before: int, amount: int) -> int:
    """The part of `fee` that a refund of `amount` gives back, so that refunds in parts give back what one would.

    May be asked for more than is left of the payment: the ledger refuses that refund.
    """
    refunded = min(refunded_before + amount, paid)
    part = share(fee, refunded, paid) - share(fee, min(refunded_before, paid), paid)
    # Only a refund of a single đồng can be all fee; a merchant's leg of zero would be no posting, so there the
    # merchant bears it.
    return min(part, amount - 1)


def spoken_code(op: str, transfer_id: str, related: str = "") -> str:
    """Three digits that payer and vendor both see, to tell payments of one amount apart at the stall.

    What was held and is captured keeps the hold's: that one the payer has on the screen.
    """
    transfer_id = related if op == "capture" else transfer_id
    digest = hashlib.sha256(transfer_id.encode()).digest()
    return f"{int.from_bytes(digest[:4], 'big') % 1000:03d}"
