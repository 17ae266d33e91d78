"""Top-ups by card, refunds to cards, the card provider's webhook, and what waits for an operator."""

from __future__ import annotations

import re

from cho.payments.v1 import cards_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit import log
from kit.clock import now_ms
from kit.config import settings
from kit.errors import (
    AccountClosed,
    AccountFrozen,
    AccountNotFound,
    AmountInvalid,
    Contention,
    GuaranteeShort,
    InvalidArgument,
    KeyExpired,
    NotFound,
    Unauthenticated,
    WrongState,
)  # fmt: skip
from kit.ids import new_id
from kit.rpc.call import Call
from services.payments import topup, transfer
from services.payments.card import webhook
from services.payments.card.objects import NotUnderstood
from services.payments.cardrefund import CardRefund
from services.payments.dispute import CardDispute
from services.payments.postings import CALLER
from services.payments.server.carry import Carrier
from services.payments.server.common import NOTE_MAX, body_hash, id_of, text
from services.payments.steps import DAY_MS, TURN_MS, Decision, State, Work
from services.payments.store import topups as store
from services.payments.store.ledger import Account, Ledger, key_time, refusal
from services.payments.store.memory import Memory
from services.payments.topup import AMOUNT_MAX, AMOUNT_MIN

KEY_AGE_MS_MAX = 7 * DAY_MS
URL_LENGTH_MAX = 500
# How often a customer's waiting asks the provider.
LOOK_EVERY_S = 1.0
# Changes of one document at once: each retry means that somebody else got through.
CHANGES_MAX = 5
_CARD = re.compile(r"pm_[A-Za-z0-9_]{1,200}")
_URL = re.compile(r"https://[!-~]+")
_LOCAL_URL = re.compile(r"https?://[!-~]+")

_TOP_UP_STATES = {
    State.CREATED: pb.TOP_UP_STATE_CREATED, State.LOST: pb.TOP_UP_STATE_PENDING,
    State.OPENED: pb.TOP_UP_STATE_PENDING, State.PENDING: pb.TOP_UP_STATE_PENDING,
    State.CANCELLING: pb.TOP_UP_STATE_PENDING, State.REQUIRES_ACTION: pb.TOP_UP_STATE_REQUIRES_ACTION,
    State.UNKNOWN: pb.TOP_UP_STATE_UNKNOWN, State.PAID: pb.TOP_UP_STATE_PAID,
    State.UNPOSTED: pb.TOP_UP_STATE_UNPOSTED, State.DONE: pb.TOP_UP_STATE_DONE,
    State.DECLINED: pb.TOP_UP_STATE_DECLINED, State.CANCELLED: pb.TOP_UP_STATE_CANCELLED,
    State.RETURNING: pb.TOP_UP_STATE_RETURNING, State.RETURNED: pb.TOP_UP_STATE_RETURNED,
    State.ESCALATED: pb.TOP_UP_STATE_ESCALATED, State.CLOSED: pb.TOP_UP_STATE_CLOSED,
}  # fmt: skip
_REFUND_STATES = {
    State.DONE: pb.CARD_REFUND_STATE_DONE, State.REFUSED: pb.CARD_REFUND_STATE_REFUSED,
    State.CAME_BACK: pb.CARD_REFUND_STATE_CAME_BACK, State.ESCALATED: pb.CARD_REFUND_STATE_ESCALATED,
    State.CLOSED: pb.CARD_REFUND_STATE_CLOSED,
}  # fmt: skip
_DISPUTE_STATES = {
    State.OPEN: pb.CARD_DISPUTE_STATE_OPEN, State.TAKING: pb.CARD_DISPUTE_STATE_OPEN,
    State.TAKEN: pb.CARD_DISPUTE_STATE_TAKEN, State.BACK: pb.CARD_DISPUTE_STATE_TAKEN,
    State.WON: pb.CARD_DISPUTE_STATE_WON,
    State.LOST_CASE: pb.CARD_DISPUTE_STATE_LOST, State.ESCALATED: pb.CARD_DISPUTE_STATE_ESCALATED,
    State.CLOSED: pb.CARD_DISPUTE_STATE_CLOSED,
}  # fmt: skip
_DECISIONS = {
    pb.ResolveEscalatedRequest.DECISION_RETRY: Decision.RETRY,
    pb.ResolveEscalatedRequest.DECISION_RETURN: Decision.RETURN,
    pb.ResolveEscalatedRequest.DECISION_CLOSE: Decision.CLOSE,
}
_KINDS: dict[str, type[Work]] = {"top": topup.TopUp, "crf": CardRefund, "dp": CardDispute}

_logger = log.logger(__name__)


class CardServicer:
    """See protos/cho/payments/v1/cards.proto. `secret`: what the provider signs its webhooks with."""

    def __init__(self, ledger: Ledger, carrier: Carrier, secret: str) -> None:
        self._ledger = ledger
        self._carrier = carrier
        self._secret = secret
        self._looked = Memory(10_000, keep_s=LOOK_EVERY_S)

    # Top-ups

    async def TopUp(self, request: pb.TopUpRequest, call: Call) -> pb.TopUpResponse:
        scope, body = f"{call.caller.sub}|{request.idempotency_key}", body_hash(request)
        made_ms = key_time(request.idempotency_key)
        found = await self._carrier.stored(store.begun, topup.TopUp, scope, body)
        if found is None:
            if made_ms + KEY_AGE_MS_MAX < now_ms():
                raise KeyExpired("this idempotency key is older than 7 days; make a new one")
            wallet = await self._wallet(request, call)
            found = await self._carrier.stored(store.begin, _new_top_up(request, wallet), scope, body)
            found = await self._carrier.carry(found)
        return pb.TopUpResponse(top_up=top_up_view(found))

    async def GetTopUp(self, request: pb.GetTopUpRequest, call: Call) -> pb.GetTopUpResponse:
        found = await self._top_up(request.top_up_id, call, "operator", "auditor")
        if not found.over and found.state is not State.ESCALATED and self._looked.get(found.id) is None:
            self._looked.put(found.id, True)
            found = await self._carrier.carry(found)
        view = top_up_view(found)
        view.refunds.extend(refund_view(r) for r in await self._carrier.stored(store.refunds_of, found.id))
        view.disputes.extend(dispute_view(d) for d in await self._carrier.stored(store.disputes_of, found.id))
        return pb.GetTopUpResponse(top_up=view)

    async def ListTopUps(self, request: pb.ListTopUpsRequest, call: Call) -> pb.ListTopUpsResponse:
        page = await self._carrier.stored(store.top_ups_of, call.caller.sub, request.page_size, request.page_token)
        return pb.ListTopUpsResponse(
            top_ups=[top_up_view(found) for found in page.top_ups], next_page_token=page.next_token
        )

    async def CancelTopUp(self, request: pb.CancelTopUpRequest, call: Call) -> pb.CancelTopUpResponse:
        for _ in range(CHANGES_MAX):
            found = await self._top_up(request.top_up_id, call, "operator")
            if found.state in (State.CANCELLED, State.DECLINED):
                return pb.CancelTopUpResponse(top_up=top_up_view(found))
            given_up = found.give_up(now_ms())
            if given_up is None:
                raise WrongState("the card was charged already: ask for a refund", state=found.state.value)
            saved = await self._carrier.stored(store.save, given_up)
            if saved is not None:
                ended = await self._carrier.carry(saved)
                if ended.state not in topup.OPEN and ended.state not in (State.CANCELLED, State.DECLINED):
                    raise WrongState("the card was charged already: ask for a refund", state=ended.state.value)
                return pb.CancelTopUpResponse(top_up=top_up_view(ended))
        raise Contention("the top-up keeps changing; try again")

    async def _top_up(self, top_up_id: str, call: Call, *roles_that_may_too: str) -> topup.TopUp:
        """Raises NotFound, for another's too."""
        found = await self._carrier.stored(store.load, topup.TopUp, id_of(top_up_id, "top", "top_up_id", NotFound))
        if found is None:
            raise NotFound("there is no such thing, or it is not yours")
        call.require_owner(found.owner_id, *roles_that_may_too)
        return found

    async def _wallet(self, request: pb.TopUpRequest, call: Call) -> Account:
        """The wallet that the money is for, if the request is sound and the wallet could take it now."""
        if not AMOUNT_MIN <= request.amount <= AMOUNT_MAX:
            raise AmountInvalid(f"a card takes from {AMOUNT_MIN} to {AMOUNT_MAX} đồng, not {request.amount}")
        if not _CARD.fullmatch(request.payment_method):
            raise InvalidArgument("payment_method must be a token of the card provider (pm_...)")
        url = _LOCAL_URL if settings().env == "local" else _URL
        if len(request.return_url) > URL_LENGTH_MAX or not url.fullmatch(request.return_url):
            raise InvalidArgument(f"return_url must be an https URL of at most {URL_LENGTH_MAX} characters")
        wallet_id = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        wallet = await self._ledger.account(wallet_id)
        if wallet is None or wallet.owner != call.caller.sub:
            raise AccountNotFound("there is no such wallet, or it is not yours")
        if wallet.state != "open":
            raise (AccountFrozen if wallet.state == "frozen" else AccountClosed)(f"the wallet is {wallet.state}")
        own = await self._ledger.accounts([transfer.reserve(wallet.telecom), transfer.clearing(wallet.telecom)])
        # Asked before the card is: the ledger checks it again when the money comes.
        if sum(account.balance for account in own if account) < request.amount:
            raise GuaranteeShort(
                "the telecom cannot take so much from cards now; nothing was charged", telecom=wallet.telecom
            )
        return wallet

    # Refunds

    async def RefundToCard(self, request: pb.RefundToCardRequest, call: Call) -> pb.RefundToCardResponse:
        scope, body = f"{call.caller.sub}|{request.idempotency_key}", body_hash(request)
        made_ms = key_time(request.idempotency_key)
        found = await self._carrier.stored(store.begun, CardRefund, scope, body)
        if found is None:
            if made_ms + KEY_AGE_MS_MAX < now_ms():
                raise KeyExpired("this idempotency key is older than 7 days; make a new one")
            top_up = await self._refundable(request, call)
            found = await self._carrier.stored(store.begin, _new_refund(top_up, request.amount), scope, body)
            found = await self._carrier.carry(found)
        if found.state is State.REFUSED and not found.hold_id:
            raise refusal(found.code)
        return pb.RefundToCardResponse(refund=refund_view(found))

    async def _refundable(self, request: pb.RefundToCardRequest, call: Call) -> topup.TopUp:
        top_up = await self._top_up(request.top_up_id, call, "operator")
        if not 1 <= request.amount <= top_up.amount:
            raise AmountInvalid(f"a refund is from 1 đồng to the top-up's {top_up.amount}, not {request.amount}")
        if top_up.state is not State.DONE:
            raise WrongState("only money that reached the wallet can be given back", state=top_up.state.value)
        if await self._carrier.stored(store.disputes_of, top_up.id):
            raise WrongState("the card's bank was asked for this money already")
        if len(await self._carrier.stored(store.refunds_of, top_up.id)) >= store.REFUNDS_MAX:
            raise WrongState(f"a top-up has at most {store.REFUNDS_MAX} refunds")
        return top_up

    # The card provider tells

    async def ReceiveCardEvent(self, request: HttpBody, call: Call) -> pb.ReceiveCardEventResponse:
        header = str(call.metadata.get("stripe-signature", ""))
        try:
            webhook.verify(request.data, header, self._secret, now_ms() // 1000)
        except webhook.NotSigned as error:
            raise Unauthenticated("not signed by the card provider just now") from error
        try:
            event = webhook.parse(request.data)
        except NotUnderstood as error:
            _logger.exception("an event of the card provider is not understood")
            raise InvalidArgument("an event that is not understood") from error
        if await self._carrier.stored(store.note, event):
            for kind, work_id in await self._carrier.stored(store.heed, event, now_ms()):
                await self._settle(kind, work_id)
            await self._carrier.stored(store.handled, event)
        return pb.ReceiveCardEventResponse()

    async def _settle(self, kind: type[Work], work_id: str) -> None:
        """Asks the provider how things stand, whatever its event said; the provider does not wait for it."""
        found = await self._carrier.stored(store.load, kind, work_id)
        if found is not None and self._carrier.start(found) is None:
            _logger.warning("left to the worker", item=work_id)  # it is due now

    # What waits for an operator

    async def ListEscalated(self, request: pb.ListEscalatedRequest, call: Call) -> pb.ListEscalatedResponse:
        if not 0 <= request.page_size <= store.PAGE_SIZE_MAX:
            raise InvalidArgument(f"page_size must be 1 to {store.PAGE_SIZE_MAX}, or 0 for {store.PAGE_SIZE_DEFAULT}")
        found = await self._carrier.stored(store.escalated, request.page_size or store.PAGE_SIZE_DEFAULT)
        return pb.ListEscalatedResponse(items=[item_view(work) for work in found])

    async def ResolveEscalated(self, request: pb.ResolveEscalatedRequest, call: Call) -> pb.ResolveEscalatedResponse:
        decision = _DECISIONS.get(request.decision)
        reason = text(request.reason, "reason", NOTE_MAX)
        if decision is None or not reason:
            raise InvalidArgument("decision and reason are needed")
        kind = _KINDS.get(request.item_id.partition("_")[0])
        found = await self._carrier.stored(store.load, kind, request.item_id) if kind else None
        if found is None:
            raise NotFound("there is no such thing")
        if found.state is not State.ESCALATED:
            raise WrongState("it waits for nobody", state=found.state.value)
        if decision is Decision.RETURN and found.stopped_in is State.PAID:
            await self._not_in_wallet(found)
        decided = found.resolve(decision, call.caller.sub, reason, now_ms())
        if decided is None:
            raise WrongState("this cannot be decided here", state=str(found.stopped_in and found.stopped_in.value))
        saved = await self._carrier.stored(store.save, decided)
        if saved is None:
            raise Contention("somebody else decided on it just now")
        _logger.info("decided", item=found.id, decision=decision.value, by=call.caller.sub)
        return pb.ResolveEscalatedResponse(item=item_view(await self._carrier.carry(saved)))

    async def _not_in_wallet(self, work: Work) -> None:
        """Before money goes back to the card whose posting is not known: from here on its key posts nothing.

        Raises WrongState where it is in the wallet. A key too old to be asked for is the operator's word.
        """
        try:
            code, _, _ = await self._ledger.resolve(CALLER, "top_up", work.ledger_key("top_up"))
        except KeyExpired:
            return
        if code == "OK":
            raise WrongState("the money is in the wallet: retry instead")


def _new_top_up(request: pb.TopUpRequest, wallet: Account) -> topup.TopUp:
    at_ms = now_ms()
    return topup.TopUp(
        id=new_id("top"), owner_id=wallet.owner, wallet_id=wallet.account_id, telecom=wallet.telecom,
        amount=request.amount, state=State.CREATED, created_ms=at_ms, since_ms=at_ms, due_ms=at_ms + TURN_MS,
        payment_method=request.payment_method, return_url=request.return_url,
    )  # fmt: skip


def _new_refund(top_up: topup.TopUp, amount: int) -> CardRefund:
    at_ms = now_ms()
    return CardRefund(
        id=new_id("crf"), owner_id=top_up.owner_id, wallet_id=top_up.wallet_id, telecom=top_up.telecom, amount=amount,
        state=State.CREATED, created_ms=at_ms, since_ms=at_ms, due_ms=at_ms + TURN_MS, intent_id=top_up.intent_id,
        top_up_id=top_up.id, payment_id=top_up.transfer_id,
    )  # fmt: skip


def top_up_view(work: topup.TopUp) -> pb.CardTopUp:
    """A top-up as its owner sees it."""
    declined = work.decline_code if work.state is State.DECLINED else ""
    view = pb.CardTopUp(
        top_up_id=work.id, wallet_id=work.wallet_id, amount=work.amount, state=_TOP_UP_STATES[work.state],
        redirect_url=work.redirect_url if work.state is State.REQUIRES_ACTION else "", decline_code=declined,
        decline_message=topup.said(declined), transfer_id=work.transfer_id, code=work.code,
    )  # fmt: skip
    view.created_at.FromMilliseconds(work.created_ms)
    return view


def refund_view(work: CardRefund) -> pb.CardRefund:
    """A refund as its owner sees it."""
    view = pb.CardRefund(
        refund_id=work.id, top_up_id=work.top_up_id, amount=work.amount, code=work.code,
        state=_REFUND_STATES.get(work.state, pb.CARD_REFUND_STATE_PENDING),
    )  # fmt: skip
    view.created_at.FromMilliseconds(work.created_ms)
    return view


def dispute_view(work: CardDispute) -> pb.CardDispute:
    """A dispute as the top-up's owner sees it."""
    view = pb.CardDispute(
        dispute_id=work.id, top_up_id=work.top_up_id, amount=work.amount,
        state=_DISPUTE_STATES[work.state],
    )  # fmt: skip
    view.created_at.FromMilliseconds(work.created_ms)
    return view


def item_view(work: Work) -> pb.EscalatedItem:
    """What waits for a person, as an operator sees it."""
    stopped_in = work.stopped_in.value if work.stopped_in else ""
    view = pb.EscalatedItem(item_id=work.id, code=work.code, stopped_in=stopped_in, intent_id=work.intent_id)
    view.created_at.FromMilliseconds(work.created_ms)
    view.escalated_at.FromMilliseconds(work.since_ms)
    match work:
        case topup.TopUp():
            view.top_up.CopyFrom(top_up_view(work))
        case CardRefund():
            view.refund.CopyFrom(refund_view(work))
        case CardDispute():
            view.dispute.CopyFrom(dispute_view(work))
    return view
