"""Payments' API: proto in, proto out."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

import redis
from cho.events.v1.intent_pb2 import Intent
from cho.payments.v1 import payments_pb2 as pb
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.message import Message

from kit import log, qr
from kit.clock import month_of, now_ms
from kit.config import settings
from kit.crypto import account_index
from kit.errors import (
    AccountNotFound,
    AmountMismatch,
    Contention,
    DomainError,
    InvalidArgument,
    MerchantNotFound,
    NotFound,
    PaymentNotFound,
    PermissionDenied,
    QrInvalid,
    Unavailable,
    WrongTelecom,
)  # fmt: skip
from kit.ids import is_id, new_id
from kit.money import check_amount
from kit.rpc import aio
from kit.rpc.call import Call
from services.payments import announce, limits, transfer
from services.payments.store.client import LedgerClient
from services.payments.store.keys import keys
from services.payments.store.ledger import Account, Ledger, Movement, Order, Posted
from services.payments.store.live import Followers
from services.payments.store.memory import Memory

NOTE_MAX = 140
REFERENCE_MAX = 25
HISTORY_MAX = 50
REQUEST_ID_MAX = 64
TRACEPARENT_MAX = 55
# What a code holds where the payer is to be asked (EMVCo merchant-presented mode, section 4.8.1).
ASK_PAYER = "***"
# A refund whose payment was refunded meanwhile is computed anew this often before the caller hears of it.
REFUND_TRIES = 4

TELECOMS = {pb.TELECOM_VIETTEL: "VIETTEL", pb.TELECOM_VNPT: "VNPT", pb.TELECOM_MOBIFONE: "MOBIFONE"}
_TELECOM_OF = {name: number for number, name in TELECOMS.items()}
_KINDS = {
    "wallet": pb.ACCOUNT_KIND_WALLET, "agent": pb.ACCOUNT_KIND_AGENT, "merchant": pb.ACCOUNT_KIND_MERCHANT,
}  # fmt: skip
_STATES = {
    "open": pb.ACCOUNT_STATE_OPEN, "frozen": pb.ACCOUNT_STATE_FROZEN, "closed": pb.ACCOUNT_STATE_CLOSED,
}  # fmt: skip
_STATE_NAMES = {number: name for name, number in _STATES.items()}
_OPS = {
    pb.TRANSFER_KIND_FUND: "fund", pb.TRANSFER_KIND_CASH_IN: "cash_in", pb.TRANSFER_KIND_CASH_OUT: "cash_out",
    pb.TRANSFER_KIND_PAYMENT: "pay", pb.TRANSFER_KIND_REFUND: "refund",
}  # fmt: skip
_KIND_OF = {name: number for number, name in _OPS.items()}

_logger = log.logger(__name__)


@lru_cache(4096)
def _decode(payload: str) -> qr.Decoded:
    """A stall's code is scanned all day: it is read once. Raises QrInvalid."""
    try:
        code = qr.decode(payload)
    except qr.QrError as error:
        raise QrInvalid(str(error), qr_code=error.code) from error
    if code.currency != "704":
        raise QrInvalid("the code asks for another currency than đồng", qr_code="QR_CURRENCY")
    if code.tip_indicator:
        raise QrInvalid("the code adds a tip or fee, which this platform does not take", qr_code="QR_TIP")
    return code


def _body_hash(request: Message) -> str:
    """What the key was used for. `not_after` is when, not what: a retry may move it."""
    if "not_after" in request.DESCRIPTOR.fields_by_name and request.HasField("not_after"):
        bare = type(request)()
        bare.CopyFrom(request)
        bare.ClearField("not_after")
        request = bare
    return hashlib.sha256(request.SerializeToString(deterministic=True)).hexdigest()[:32]


def _not_after_ms(request: Any) -> int:
    """0 for none; a moment before 1970 is as late as any other that has passed."""
    return max(1, request.not_after.ToMilliseconds()) if request.HasField("not_after") else 0


def _text(value: str, name: str, most: int) -> str:
    if len(value) > most:
        raise InvalidArgument(f"{name} may have {most} characters at most")
    if not value.isprintable():
        raise InvalidArgument(f"{name} holds characters that cannot be printed")
    return value


def _id(value: str, prefix: str, name: str, error: type[DomainError] = InvalidArgument) -> str:
    if not is_id(value, prefix):
        raise error(f"{name} must be an id that begins with {prefix}_")
    return value


class PaymentsServicer:
    """See protos/cho/payments/v1/payments.proto."""

    def __init__(self, ledger: Ledger, followers: Followers) -> None:
        self._ledger = ledger
        self._followers = followers
        # A wallet's telecom never changes; neither does whom an agent account belongs to.
        self._telecoms = Memory(100_000, keep_s=3600)
        self._agents = Memory(10_000, keep_s=3600)
        # A merchant's category may change; the ledger checks all that matters inside the payment.
        self._categories = Memory(20_000, keep_s=30)
        self._directory = Memory(20_000, keep_s=30)

    # Accounts

    async def OpenWallet(self, request: pb.OpenWalletRequest, call: Call) -> pb.OpenWalletResponse:
        telecom = TELECOMS.get(request.telecom)
        if telecom is None:
            raise InvalidArgument("telecom must be TELECOM_VIETTEL, TELECOM_VNPT or TELECOM_MOBIFONE")
        owner = request.owner_id or call.caller.sub
        if owner != call.caller.sub and not call.has("agent", "operator"):
            raise PermissionDenied("only an agent or operator opens a wallet for somebody else")
        _id(owner, "usr", "owner_id")
        wallet_id = await self._ledger.open(new_id("wal"), "wallet", telecom, owner, self._intent(call))
        return pb.OpenWalletResponse(wallet=await self._account(wallet_id))

    async def OpenAgent(self, request: pb.OpenAgentRequest, call: Call) -> pb.OpenAgentResponse:
        telecom = call.caller.institution if call.has("officer") else TELECOMS.get(request.telecom, "")
        if telecom not in _TELECOM_OF:
            raise InvalidArgument("an agent's float is at a telecom: sign in as its officer, or name it")
        _id(request.owner_id, "usr", "owner_id")
        agent_id = await self._ledger.open(new_id("agt"), "agent", telecom, request.owner_id, self._intent(call))
        return pb.OpenAgentResponse(agent=await self._account(agent_id))

    async def ListMyAccounts(self, request: pb.ListMyAccountsRequest, call: Call) -> pb.ListMyAccountsResponse:
        found = await self._ledger.accounts(await self._ledger.accounts_of(call.caller.sub))
        # A merchant that was handed over is still listed under who had it before.
        return pb.ListMyAccountsResponse(accounts=[_account(a) for a in found if a and a.owner == call.caller.sub])

    async def GetAccount(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        return pb.GetAccountResponse(account=_account(await self._readable(request.account_id, call)))

    async def ListTransfers(self, request: pb.ListTransfersRequest, call: Call) -> pb.ListTransfersResponse:
        limit = request.limit or 20
        if not 1 <= limit <= HISTORY_MAX:
            raise InvalidArgument(f"limit must be from 1 to {HISTORY_MAX}")
        account = await self._readable(request.account_id, call)
        history = await self._ledger.history(account.account_id, limit)
        return pb.ListTransfersResponse(transfers=[_transfer(m) for m in history])

    async def SetAccountState(self, request: pb.SetAccountStateRequest, call: Call) -> pb.SetAccountStateResponse:
        state = _STATE_NAMES.get(request.state)
        if state is None or not request.reason:
            raise InvalidArgument("state and reason are needed")
        account = await self._ledger.account(request.account_id)
        if account is None or account.kind not in ("wallet", "agent"):
            raise AccountNotFound("there is no such wallet or agent account")
        if not call.has("operator") and account.telecom != call.caller.institution:
            raise AccountNotFound("there is no such account, or it is another institution's")
        intent = self._intent(call, note=_text(request.reason, "reason", NOTE_MAX))
        await self._ledger.set_state(account.account_id, state, intent)
        return pb.SetAccountStateResponse(account=await self._account(account.account_id))

    # Cash

    async def FundAgent(self, request: pb.FundAgentRequest, call: Call) -> pb.FundAgentResponse:
        agent_id = _id(request.agent_id, "agt", "agent_id", AccountNotFound)
        telecom = call.caller.institution
        if telecom not in _TELECOM_OF:
            raise PermissionDenied("only a telecom's officer funds its agents")
        reference = _text(request.reference, "reference", REFERENCE_MAX)
        posted = await self._ledger.post(
            Order(
                op="fund", caller=call.caller.sub, key=request.idempotency_key, body_hash=_body_hash(request),
                amount=request.amount, fee=0, legs=transfer.fund(telecom, agent_id, request.amount),
                intent=self._intent(call, reference=reference),
            )
        )  # fmt: skip
        made = _posted(posted, "fund", request.amount, transfer.trust(telecom), agent_id, reference=reference)
        return pb.FundAgentResponse(transfer=made)

    async def CashIn(self, request: pb.CashInRequest, call: Call) -> pb.CashInResponse:
        wallet_id = _id(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        check_amount(request.amount)
        agent_id = await self._own_agent(call.caller.sub, await self._telecom(wallet_id))
        posted = await self._ledger.post(
            Order(
                op="cash_in", caller=call.caller.sub, key=request.idempotency_key, body_hash=_body_hash(request),
                amount=request.amount, fee=0, legs=transfer.cash_in(agent_id, wallet_id, request.amount),
                owner=call.caller.sub, not_after_ms=_not_after_ms(request), intent=self._intent(call),
            )
        )  # fmt: skip
        made = _posted(posted, "cash_in", request.amount, agent_id, wallet_id)
        return pb.CashInResponse(transfer=made, float_balance=posted.first_balance)

    async def CashOut(self, request: pb.CashOutRequest, call: Call) -> pb.CashOutResponse:
        wallet_id = _id(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        agent_id = _id(request.agent_id, "agt", "agent_id", AccountNotFound)
        posted = await self._ledger.post(
            Order(
                op="cash_out", caller=call.caller.sub, key=request.idempotency_key, body_hash=_body_hash(request),
                amount=request.amount, fee=0, legs=transfer.cash_out(wallet_id, agent_id, request.amount),
                owner=call.caller.sub, not_after_ms=_not_after_ms(request), intent=self._intent(call),
            )
        )  # fmt: skip
        made = _posted(posted, "cash_out", request.amount, wallet_id, agent_id)
        return pb.CashOutResponse(transfer=made, balance=posted.first_balance)

    # Payments

    async def InspectQr(self, request: pb.InspectQrRequest, call: Call) -> pb.InspectQrResponse:
        code = _decode(request.payload)
        merchant_id, _ = await self._payee(code)
        account = await self._ledger.account(merchant_id)
        if account is None:
            raise MerchantNotFound("no onboarded merchant has this code")
        return pb.InspectQrResponse(
            merchant_id=merchant_id,
            merchant_name=account.name,
            payable=account.state == "open",
            amount=code.amount or 0,
            reference=code.bill_number or "",
            purpose=code.purpose or "",
            warnings=code.warnings,
            market_name=account.market,
            stall=account.stall,
        )

    async def Pay(self, request: pb.PayRequest, call: Call) -> pb.PayResponse:
        wallet_id = _id(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        if bool(request.qr_payload) == bool(request.merchant_id):
            raise InvalidArgument("either qr_payload or merchant_id names who is paid")
        amount, reference, index = request.amount, request.reference, ""
        if request.qr_payload:
            code = _decode(request.qr_payload)
            if code.amount and amount and code.amount != amount:
                raise AmountMismatch(f"the code asks for {code.amount} đồng, not {amount}")
            amount = code.amount or amount
            if code.bill_number and code.bill_number != ASK_PAYER:
                reference = code.bill_number
            merchant_id, index = await self._payee(code)
        else:
            merchant_id = _id(request.merchant_id, "mer", "merchant_id", MerchantNotFound)
        check_amount(amount)
        telecom = await self._telecom(wallet_id)
        fee = transfer.fee_of(amount, await self._category(merchant_id))
        intent = self._intent(
            call, reference=_text(reference, "reference", REFERENCE_MAX), note=_text(request.note, "note", NOTE_MAX),
            qr_payload=request.qr_payload,
        )  # fmt: skip
        order = Order(
            op="pay", caller=call.caller.sub, key=request.idempotency_key, body_hash=_body_hash(request),
            amount=amount, fee=fee, legs=transfer.pay(wallet_id, merchant_id, telecom, amount, fee),
            owner=call.caller.sub, not_after_ms=_not_after_ms(request), directory_index=index, merchant_id=merchant_id,
            intent=intent,
        )  # fmt: skip
        try:
            posted = await self._ledger.post(order)
        except Contention:
            self._directory.forget(index)
            raise
        payment = _posted(posted, "pay", amount, wallet_id, merchant_id, reference=reference, note=request.note)
        return pb.PayResponse(payment=payment, balance=posted.first_balance)

    async def GetPayment(self, request: pb.GetPaymentRequest, call: Call) -> pb.GetPaymentResponse:
        found = await self._payment(request.payment_id)
        if not call.has("operator", "auditor"):
            parties = await self._ledger.accounts([found.from_account, found.to_account])
            if call.caller.sub not in {party.owner for party in parties if party}:
                raise PaymentNotFound("there is no such payment, or it is not yours")
        return pb.GetPaymentResponse(payment=_transfer(found))

    async def Refund(self, request: pb.RefundRequest, call: Call) -> pb.RefundResponse:
        check_amount(request.amount)
        reason = _text(request.reason, "reason", NOTE_MAX)
        owner = "" if call.has("operator") else call.caller.sub
        for attempt in range(REFUND_TRIES):
            paid = await self._payment(request.payment_id)
            fee = transfer.refund_fee(paid.amount, paid.fee, paid.refunded, request.amount)
            telecom = await self._telecom(paid.from_account)
            order = Order(
                op="refund", caller=call.caller.sub, key=request.idempotency_key, body_hash=_body_hash(request),
                amount=request.amount, fee=fee, owner=owner,
                legs=transfer.refund(paid.to_account, paid.from_account, telecom, request.amount, fee),
                payment_id=paid.transfer_id, refunded_before=paid.refunded,
                intent=self._intent(call, reference=paid.reference, note=reason),
            )  # fmt: skip
            try:
                posted = await self._ledger.post(order)
                break
            except Contention:
                if attempt == REFUND_TRIES - 1:
                    raise
            except AccountNotFound as error:
                raise PaymentNotFound("there is no such payment, or it is not yours") from error
        refund = _posted(
            posted, "refund", request.amount, paid.to_account, paid.from_account,
            reference=paid.reference, note=reason, payment_id=paid.transfer_id,
        )  # fmt: skip
        return pb.RefundResponse(refund=refund, refunded_total=posted.refunded)

    async def Resolve(self, request: pb.ResolveRequest, call: Call) -> pb.ResolveResponse:
        op = _OPS.get(request.kind)
        if op is None:
            raise InvalidArgument("kind must say what the key was used for")
        code, transfer_id, seq = await self._ledger.resolve(call.caller.sub, op, request.idempotency_key)
        if code == "OK":
            return pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_DONE, transfer_id=transfer_id, seq=seq)
        if code == "KEY_SPENT":
            return pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_NOT_FOUND, code=code)
        return pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_REFUSED, code=code)

    # Streams, windows, echo

    async def WatchMerchant(self, request: pb.WatchMerchantRequest, call: Call) -> AsyncIterator[HttpBody]:
        merchant_id = _id(request.merchant_id, "mer", "merchant_id", MerchantNotFound)
        account = await self._ledger.account(merchant_id)
        if account is None or (account.owner != call.caller.sub and not call.has("operator")):
            raise NotFound("there is no such merchant, or it is not yours")
        last = call.metadata.get("last-event-id", "")
        if last and not (last.isascii() and last.isdigit() and len(last) <= 16):
            raise InvalidArgument("Last-Event-ID must be the id of an event of this stream")
        after = int(last) if last else await self._last_seq(merchant_id)
        yield _event_stream(announce.opening(after))
        try:
            async for heard in self._followers.follow(merchant_id, after):
                yield _event_stream(b"".join(announce.frame(*h) for h in heard) or announce.HEARTBEAT)
        except (DomainError, redis.RedisError) as error:
            told = error if isinstance(error, DomainError) else Unavailable("announcements cannot be read now")
            yield _event_stream(announce.failure(told.code, told.message))
            raise told from error

    async def CutWindow(self, request: pb.CutWindowRequest, call: Call) -> pb.CutWindowResponse:
        seq, now_open = await self._ledger.cut(request.window, call.caller.sub)
        return pb.CutWindowResponse(seq=seq, open_window=now_open)

    async def Echo(self, request: pb.EchoRequest, call: Call) -> pb.EchoResponse:
        return pb.EchoResponse(idempotency_key=request.idempotency_key, amount=request.amount)

    # Helpers

    async def _last_seq(self, merchant_id: str) -> int:
        try:
            return await self._followers.last_seq(merchant_id)
        except redis.RedisError as error:
            raise Unavailable("announcements cannot be read now") from error

    def _intent(self, call: Call, **fields: Any) -> Intent:
        # What a client's headers say is kept for ever in every event: no longer than such a thing can be.
        request_id, traceparent = call.request_id[:REQUEST_ID_MAX], call.traceparent[:TRACEPARENT_MAX]
        return Intent(caller_id=call.caller.sub, request_id=request_id, traceparent=traceparent, **fields)

    async def _account(self, account_id: str) -> pb.Account:
        account = await self._ledger.account(account_id)
        if account is None:
            raise AccountNotFound("there is no such account")
        return _account(account)

    async def _readable(self, account_id: str, call: Call) -> Account:
        """An account that the caller may see: their own, their telecom's, or any for operators and auditors."""
        account = await self._ledger.account(account_id)
        allowed = account is not None and (
            account.owner == call.caller.sub
            or call.has("operator", "auditor")
            or (call.has("officer") and account.telecom == call.caller.institution != "")
        )
        if account is None or account.kind not in _KINDS or not allowed:
            raise AccountNotFound("there is no such account, or it is not yours")
        return account

    async def _payee(self, code: qr.Decoded) -> tuple[str, str]:
        """Merchant and, for a bank's code, the directory entry that names it. Raises MerchantNotFound."""
        if code.merchant_id:
            return _id(code.merchant_id, "mer", "merchant", MerchantNotFound), ""
        if not code.bin or not code.account:
            raise MerchantNotFound("the code names neither one of our merchants nor a bank account")
        index = account_index(code.bin, code.account)
        merchant_id = self._directory.get(index)
        if merchant_id is None:
            merchant_id = await self._ledger.merchant_of(index)
            if merchant_id is None:
                raise MerchantNotFound("no onboarded merchant has this bank account")
            self._directory.put(index, merchant_id)
        return merchant_id, index

    async def _telecom(self, wallet_id: str) -> str:
        telecom = self._telecoms.get(wallet_id)
        if telecom is None:
            wallet = await self._ledger.account(wallet_id)
            if wallet is None or wallet.kind != "wallet":
                raise AccountNotFound("there is no such wallet, or it is not yours")
            telecom = wallet.telecom
            self._telecoms.put(wallet_id, telecom)
        return str(telecom)

    async def _category(self, merchant_id: str) -> str:
        category = self._categories.get(merchant_id)
        if category is None:
            merchant = await self._ledger.account(merchant_id)
            if merchant is None or merchant.kind != "merchant":
                raise MerchantNotFound("no onboarded merchant has this code")
            category = merchant.category
            self._categories.put(merchant_id, category)
        return str(category)

    async def _own_agent(self, owner: str, telecom: str) -> str:
        """The person's float at this telecom. Raises WrongTelecom, AccountNotFound."""
        agent_id = self._agents.get(f"{owner}|{telecom}")
        if agent_id is None:
            floats = {name: await self._ledger.unique("agent", name, owner) for name in _TELECOM_OF}
            if not any(floats.values()):
                raise AccountNotFound("you have no agent account: a telecom's officer opens it")
            agent_id = floats[telecom]
            if agent_id is None:
                raise WrongTelecom("your float is at another telecom than the wallet")
            self._agents.put(f"{owner}|{telecom}", agent_id)
        return str(agent_id)

    async def _payment(self, payment_id: str) -> Movement:
        found = await self._ledger.transfer(_id(payment_id, "pay", "payment_id", PaymentNotFound))
        if found is None or found.op != "pay":
            raise PaymentNotFound("there is no such payment")
        return found


def _event_stream(data: bytes) -> HttpBody:
    return HttpBody(content_type="text/event-stream", data=data)


def _account(account: Account) -> pb.Account:
    wallet, at = account.kind == "wallet", now_ms()
    return pb.Account(
        account_id=account.account_id,
        kind=_KINDS[account.kind],
        state=_STATES[account.state],
        telecom=_TELECOM_OF.get(account.telecom, pb.TELECOM_UNSPECIFIED),
        owner_id=account.owner,
        balance=account.balance,
        version=account.version,
        month_used=account.month_used if wallet and account.month == month_of(at) else 0,
        month_limit=limits.month_limit(at) if wallet and not account.exempt else 0,
    )


def _transfer(m: Movement) -> pb.Transfer:
    made = pb.Transfer(
        transfer_id=m.transfer_id, kind=_KIND_OF[m.op], amount=m.amount, fee=m.fee, from_account_id=m.from_account,
        to_account_id=m.to_account, seq=m.seq, window=m.window, refunded=m.refunded, payment_id=m.payment_id,
        reference=m.reference, note=m.note, code=transfer.spoken_code(m.transfer_id),
    )  # fmt: skip
    made.at.FromMilliseconds(m.at_ms)
    return made


def _posted(
    posted: Posted,
    op: str,
    amount: int,
    source: str,
    target: str,
    *,
    reference: str = "",
    note: str = "",
    payment_id: str = "",
) -> pb.Transfer:
    """The answer's transfer: facts that a replay repeats to the letter."""
    return _transfer(
        Movement(
            posted.transfer_id, op, amount, posted.fee, source, target, posted.at_ms, posted.seq, posted.window, 0,
            payment_id, reference, note,
        )
    )  # fmt: skip


async def _found(ledger: Ledger) -> None:
    """Waits until the gate is open, then makes sure that the scheme's accounts and the rules are there."""
    waited = 0
    while True:
        try:
            await ledger.found(TELECOMS.values(), limits.encode(limits.IN_LAW))
        except DomainError as error:
            if waited % 50 == 0:
                _logger.info("waiting for the ledger", code=error.code, message=error.message)
            waited += 1
            await asyncio.sleep(0.1)
        else:
            return


async def _serve() -> None:
    log.set_up("payments.serve")
    client = LedgerClient(settings().ledger_url, settings().ledger_replicas)
    await client.start()
    ledger, followers = Ledger(client, keys()), Followers(settings().redis_url)
    await _found(ledger)
    await followers.start()
    servicer = PaymentsServicer(ledger, followers)
    await aio.serve(
        "payments", [(pb.DESCRIPTOR.services_by_name["PaymentsService"], servicer)], before_stop=followers.stop
    )
    await client.stop()


def main() -> None:
    """Serves until SIGTERM, from when the worker has loaded the ledger's functions and the gate is open."""
    asyncio.run(_serve())
