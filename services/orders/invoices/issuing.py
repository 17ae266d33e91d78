"""Brings an order's invoices in line with the order: whoever asks, however often, whatever died in between.

What has to be issued follows from the order as it is now and the invoices that there are; the order is read again after
each, so that what happened meanwhile has its adjustment.
"""

from __future__ import annotations

from collections.abc import Callable

from kit.errors import Contention, IdempotencyConflict, NotFound
from services.orders.invoices import invoice as rules
from services.orders.invoices import store
from services.orders.invoices.invoice import Buyer, Issued, Kind, Sale

# Rounds of one call: each issues an invoice, or finds that somebody else has.
ROUNDS_MAX = 2 * rules.INVOICES_MAX

Read = Callable[[str], Sale | None]


def settle(order_id: str, read: Read, point: Callable[[str], None] = lambda _: None) -> list[Issued]:
    """Issues what the order needs; what was issued by this call. `read`: the order as it is now, None for none.

    Raises what `store.issue` raises.
    """
    done: list[Issued] = []
    for _ in range(ROUNDS_MAX):
        sale = read(order_id)
        if sale is None:
            return done
        issued = store.of_order(order_id)
        if not issued and not store.issues(sale.merchant_id, sale.placed_at):
            return done
        draft = rules.next_draft(sale, issued)
        if draft is None:
            return done
        made = store.issue(draft, point)
        if made is not None:
            done.append(made)
    raise Contention("the order keeps changing")


def replace(
    invoice_id: str, read: Read, *, buyer: Buyer, reason: str, request_id: str, fingerprint: str
) -> Issued:  # fmt: skip
    """Issues an invoice in another's place, once for a request.

    Raises NotFound, WrongState, IdempotencyConflict, and what `store.issue` raises.
    """
    order_id = store.get(invoice_id).order_id
    for _ in range(ROUNDS_MAX):
        issued = store.of_order(order_id)
        before = next((one for one in issued if one.request_id == request_id), None)
        if before is not None:
            if before.fingerprint != fingerprint or before.related_id != invoice_id:
                raise IdempotencyConflict("request_id was used for another replacement")
            return before
        main = next(one for one in issued if one.invoice_id == invoice_id)
        sale = read(order_id)
        if sale is None:
            raise NotFound("there is no such order")
        draft = rules.replacement(
            main, issued, buyer=buyer, reason=reason, request_id=request_id, fingerprint=fingerprint, sale=sale
        )
        assert draft.kind is Kind.REPLACING
        made = store.issue(draft)
        if made is not None:
            return made
    raise Contention("the order's invoices keep changing")
