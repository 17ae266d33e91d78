"""Card work in the server: one step after another, with what the event loop has.

The worker does the same with its own connections (services/payments/janitor.py); what to do and what follows is decided
in services/payments/steps.py and by the works themselves.
"""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar, cast

from kit import log
from kit.clock import now_ms
from kit.errors import Contention, DomainError
from kit.ids import new_id
from kit.rpc.admission import FLIGHT_MIN
from services.payments import postings, transfer
from services.payments.card.client import AsyncCards
from services.payments.card.failures import CardFailure
from services.payments.server.documents import Documents
from services.payments.steps import PROVIDER, Ask, Become, Look, Post, Step, TakeBack, Void, Work
from services.payments.store import topups as store
from services.payments.store.ledger import Ledger, Movement, after_write

# Steps of one work in a row; a top-up takes five.
STEPS_MAX = 16
# Works carried on at once; more are left to the worker.
AT_ONCE_MAX = 256
# A caller waits so long for its work to end, and hears then how it stands; the gateway gives up after 10 s.
ANSWER_S_MAX = 7.0
# Callers that wait at once; more hear right away how theirs stands. While the provider hangs, who pays at a stall has
# the other half of the fewest calls that the server lets in.
WAITING_MAX = FLIGHT_MIN // 2

_logger = log.logger(__name__)

W = TypeVar("W", bound=Work)


class Carrier:
    """Carries works on, each by one task however many ask for it. It refuses none: what is carried is stored before."""

    def __init__(self, ledger: Ledger, cards: AsyncCards, documents: Documents) -> None:
        self._ledger = ledger
        self._cards = cards
        self.stored = documents
        # By the work's id.
        self._tasks: dict[str, asyncio.Task[Work]] = {}
        self._waiting = 0

    async def carry(self, work: W) -> W:
        """Carries a work on, and tells how it stands when it ends or rests, or after ANSWER_S_MAX; it goes on even if
        its caller leaves. Where too many are carried, or waited for, it tells at once how it is stored.

        Raises OutcomeUnknown.
        """
        task = self.start(work)
        if task is None or self._waiting >= WAITING_MAX:
            return work
        self._waiting += 1
        try:
            done, _ = await asyncio.wait({task}, timeout=ANSWER_S_MAX)
        finally:
            self._waiting -= 1
        with after_write():
            now = task.result() if done else await self.stored(store.load, type(work), work.id)
        # A task that was joined in its last moment did not see what its caller had just stored: the worker will.
        return cast(W, now) if now is not None and now.version > work.version else work

    def start(self, work: Work) -> asyncio.Task[Work] | None:
        """The task that carries a work on; None where too many are carried: then it is left to the worker."""
        task = self._tasks.get(work.id)
        if task is None and len(self._tasks) < AT_ONCE_MAX:
            task = self._tasks[work.id] = asyncio.create_task(self._carry_on(work), name=work.id)
            task.add_done_callback(self._ended)
        return task

    async def stop(self) -> None:
        """Leaves what is not done to the worker."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _ended(self, task: asyncio.Task[Work]) -> None:
        del self._tasks[task.get_name()]
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, DomainError):
            _logger.error("card work broke off", exc_info=error)

    async def _carry_on(self, work: Work) -> Work:
        for _ in range(STEPS_MAX):
            step = work.step(now_ms())
            if step is None:
                break
            moved, go_on = (
                (step.work, step.go_on)
                if isinstance(step, Become)
                else work.after(step, await self._do(step), now_ms())
            )
            saved = await self.stored(store.save, moved)
            if saved is None:
                # Somebody was faster; what was done has its effect only once, so go on from what is stored.
                saved, go_on = await self.stored(store.load, type(work), work.id), True
                assert saved is not None
            work = saved
            if not go_on:
                break
        return work

    async def _do(self, step: Step) -> Any:
        """What came of a step; refusals and failures are something that came."""
        try:
            match step:
                case Ask(call):
                    return await self._cards.send(call)
                case Look(listing):
                    return await self._cards.every(listing)
                case Post():
                    return await self._ledger.post(postings.order_of(step))
                case TakeBack():
                    return await self._take_back(step)
                case Void():
                    return await self._ledger.release("void", _hold(step), "", postings.intent_of(step.about))
        except (CardFailure, DomainError) as failed:
            return failed
        raise AssertionError(step)

    async def _take_back(self, step: TakeBack) -> Any:
        for _ in range(postings.TRIES_MAX):
            wallet = await self._ledger.account(step.wallet_id)
            state, available = (wallet.state, wallet.balance) if wallet else ("", 0)
            short = postings.shortfall(step.amount, state, available)
            debt = ""
            if short:
                intent = postings.intent_of(step.about)
                debt = await self._ledger.open(new_id("rcv"), "receivable", "", step.owner_id, intent)
            try:
                return await self._ledger.post(postings.taking(step, short, debt, self._ledger.debts_key()))
            except Contention:
                continue
        raise Contention("the wallet keeps changing; tried again later")


def _hold(step: Void) -> Movement:
    return Movement(
        step.hold_id, "hold", step.amount, 0, step.wallet_id, transfer.psp(PROVIDER), 0, 0, 0, 0, step.related, "", ""
    )
