"""Wallets, cash, payments, refunds, announcements: what people do all day."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import redis
from cho.payments.v1 import payments_pb2 as pb
from google.api.httpbody_pb2 import HttpBody

from kit.clock import now_ms
from kit.errors import (
    AccountNotFound,
    AmountMismatch,
    Contention,
    DomainError,
    IdentityNeeded,
    InvalidArgument,
    MerchantNotFound,
    NotFound,
    PaymentNotFound,
    PermissionDenied,
    QrReissued,
    RequestExpired,
    Unavailable,
    WalletElsewhere,
)  # fmt: skip
from kit.ids import new_id
from kit.money import check_amount
from kit.rpc.call import Call
from services.payments import announce, fees, requests, transfer
from services.payments.server.common import (
    ASK_PAYER,
    CARD_KINDS,
    HISTORY_MAX,
    KINDS,
    NOTE_MAX,
    OPS,
    REFERENCE_MAX,
    STATE_NAMES,
    TELECOM_OF,
    TELECOMS,
    account_view,
    body_hash,
    check_pin,
    decode_qr,
    id_of,
    intent_of,
    not_after_ms,
    posted_view,
    request_state,
    text,
    transfer_view,
)  # fmt: skip
from services.payments.server.directory import Directory
from services.payments.store.ledger import Account, Ledger, Order, after_write
from services.payments.store.live import Followers

# A refund whose payment was refunded meanwhile is computed anew this often before the caller hears of it.
REFUND_TRIES = 4
# What the key of a payment that was held for review has come to, by how the hold stands.
_REVIEWS = {
    "held": (pb.ResolveResponse.OUTCOME_DONE, "HELD"), "captured": (pb.ResolveResponse.OUTCOME_DONE, ""),
    "voided": (pb.ResolveResponse.OUTCOME_REFUSED, "HOLD_VOIDED"),
    "expired": (pb.ResolveResponse.OUTCOME_REFUSED, "HOLD_EXPIRED"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whom a payment is for, and how much (đồng). `exact`: a dynamic code of the merchant's own request was scanned."""

    merchant_id: str
    amount: int
    reference: str
    directory_index: str = ""
    exact: bool = False


class PaymentsServicer:
    """See protos/cho/payments/v1/payments.proto."""

    def __init__(self, ledger: Ledger, directory: Directory, followers: Followers) -> None:
        self._ledger = ledger
        self._directory = directory
        self._followers = followers

    # Accounts

    async def OpenWallet(self, request: pb.OpenWalletRequest, call: Call) -> pb.OpenWalletResponse:
        telecom = TELECOMS.get(request.telecom)
        if telecom is None:
            raise InvalidArgument("telecom must be TELECOM_VIETTEL, TELECOM_VNPT or TELECOM_MOBIFONE")
        owner = request.owner_id or call.caller.sub
        if owner != call.caller.sub and not call.has("agent", "operator"):
            raise PermissionDenied("only an agent or operator opens a wallet for somebody else")
        id_of(owner, "usr", "owner_id")
        wallet_id = await self._open_wallet(telecom, owner, call)
        # Whoever has a merchant contract has no monthly limit (Decree 368/2025, article 15). Asked after the opening:
        # who becomes a merchant meanwhile is seen here, or the wallet is seen there (merchants.exempt_owner).
        with after_write():
            if any(account.startswith("mer_") for account in await self._ledger.accounts_of(owner)):
                await self._ledger.set_exempt(wallet_id, True, intent_of(call))
            return pb.OpenWalletResponse(wallet=await self._account(wallet_id))

    async def _open_wallet(self, telecom: str, owner: str, call: Call) -> str:
        """The id of the one wallet at this telecom of whoever this account is (Decree 368/2025, article 7).

        Raises IdentityNeeded, WalletElsewhere.
        """
        # Of before people were told by their cards: theirs, and no second one beside it.
        if (known := await self._ledger.unique("wallet", telecom, owner)) is not None:
            return known
        person_id = await self._directory.person_of(owner)
        if not person_id:
            raise IdentityNeeded("nobody has seen this person's citizen card yet: POST /v1/identifications")
        wallet_id = await self._ledger.open(
            new_id("wal"), "wallet", telecom, owner, intent_of(call, person_id=person_id)
        )  # fmt: skip
        with after_write():
            account = await self._ledger.account(wallet_id)
        if account is None or account.owner != owner:
            raise WalletElsewhere("this person has a wallet at this telecom under another phone")
        return wallet_id

    async def OpenAgent(self, request: pb.OpenAgentRequest, call: Call) -> pb.OpenAgentResponse:
        telecom = call.caller.institution if call.has("officer") else TELECOMS.get(request.telecom, "")
        if telecom not in TELECOM_OF:
            raise InvalidArgument("an agent's float is at a telecom: sign in as its officer, or name it")
        id_of(request.owner_id, "usr", "owner_id")
        agent_id = await self._ledger.open(new_id("agt"), "agent", telecom, request.owner_id, intent_of(call))
        with after_write():
            return pb.OpenAgentResponse(agent=await self._account(agent_id))

    async def ListMyAccounts(self, request: pb.ListMyAccountsRequest, call: Call) -> pb.ListMyAccountsResponse:
        found = await self._ledger.accounts(await self._ledger.accounts_of(call.caller.sub))
        # A merchant that was handed over is still listed under who had it before.
        return pb.ListMyAccountsResponse(accounts=[account_view(a) for a in found if a and a.owner == call.caller.sub])

    async def GetAccount(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        return pb.GetAccountResponse(account=account_view(await self._readable(request.account_id, call)))

    async def ListTransfers(self, request: pb.ListTransfersRequest, call: Call) -> pb.ListTransfersResponse:
        limit = request.limit or 20
        if not 1 <= limit <= HISTORY_MAX:
            raise InvalidArgument(f"limit must be from 1 to {HISTORY_MAX}")
        account = await self._readable(request.account_id, call)
        history = await self._ledger.history(account.account_id, limit)
        return pb.ListTransfersResponse(transfers=[transfer_view(m) for m in history])

    async def SetAccountState(self, request: pb.SetAccountStateRequest, call: Call) -> pb.SetAccountStateResponse:
        state = STATE_NAMES.get(request.state)
        if state is None or not request.reason:
            raise InvalidArgument("state and reason are needed")
        account = await self._ledger.account(request.account_id)
        if account is None or account.kind not in ("wallet", "agent", "org"):
            raise AccountNotFound("there is no such wallet, agent's or organisation's account")
        if not call.has("operator") and account.telecom != call.caller.institution:
            raise AccountNotFound("there is no such account, or it is another institution's")
        intent = intent_of(call, note=text(request.reason, "reason", NOTE_MAX))
        await self._ledger.set_state(account.account_id, state, intent)
        with after_write():
            return pb.SetAccountStateResponse(account=await self._account(account.account_id))

    # Cash

    async def FundAgent(self, request: pb.FundAgentRequest, call: Call) -> pb.FundAgentResponse:
        agent_id = id_of(request.agent_id, "agt", "agent_id", AccountNotFound)
        telecom = call.caller.institution
        if telecom not in TELECOM_OF:
            raise PermissionDenied("only a telecom's officer funds its agents")
        reference = text(request.reference, "reference", REFERENCE_MAX)
        posted = await self._ledger.post(
            Order(
                op="fund", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=0, legs=transfer.fund(telecom, agent_id, request.amount),
                intent=intent_of(call, reference=reference),
            )
        )  # fmt: skip
        made = posted_view(posted, "fund", request.amount, transfer.trust(telecom), agent_id, reference=reference)
        return pb.FundAgentResponse(transfer=made)

    async def FundReserve(self, request: pb.FundReserveRequest, call: Call) -> pb.FundReserveResponse:
        telecom = call.caller.institution
        if telecom not in TELECOM_OF:
            raise PermissionDenied("only a telecom's officer deposits its own money")
        reference = text(request.reference, "reference", REFERENCE_MAX)
        own = transfer.reserve(telecom)
        posted = await self._ledger.post(
            Order(
                op="fund", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=0, legs=transfer.fund(telecom, own, request.amount),
                intent=intent_of(call, reference=reference),
            )
        )  # fmt: skip
        made = posted_view(posted, "fund", request.amount, transfer.trust(telecom), own, reference=reference)
        return pb.FundReserveResponse(transfer=made, balance=posted.second_balance)

    async def CashIn(self, request: pb.CashInRequest, call: Call) -> pb.CashInResponse:
        wallet_id = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        check_amount(request.amount)
        telecom = await self._directory.telecom(wallet_id)
        agent_id = await self._directory.own_agent(call.caller.sub, telecom)
        earned = fees.commission("cash_in", request.amount, now_ms())
        posted = await self._ledger.post(
            Order(
                op="cash_in", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=earned,
                legs=transfer.cash_in(agent_id, wallet_id, request.amount, telecom, earned),
                owner=call.caller.sub, not_after_ms=not_after_ms(request), intent=intent_of(call),
            )
        )  # fmt: skip
        made = posted_view(posted, "cash_in", request.amount, agent_id, wallet_id)
        return pb.CashInResponse(transfer=made, float_balance=posted.first_balance)

    async def CashOut(self, request: pb.CashOutRequest, call: Call) -> pb.CashOutResponse:
        wallet_id = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        agent_id = id_of(request.agent_id, "agt", "agent_id", AccountNotFound)
        check_amount(request.amount)
        check_pin(call, request.amount)
        telecom = await self._directory.telecom(wallet_id)
        earned = fees.commission("cash_out", request.amount, now_ms())
        posted = await self._ledger.post(
            Order(
                op="cash_out", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=earned,
                legs=transfer.cash_out(wallet_id, agent_id, request.amount, telecom, earned),
                owner=call.caller.sub, not_after_ms=not_after_ms(request), intent=intent_of(call),
            )
        )  # fmt: skip
        made = posted_view(posted, "cash_out", request.amount, wallet_id, agent_id)
        return pb.CashOutResponse(transfer=made, balance=posted.first_balance)

    # Payments

    async def InspectQr(self, request: pb.InspectQrRequest, call: Call) -> pb.InspectQrResponse:
        code = decode_qr(request.payload)
        merchant_id, _ = await self._directory.payee(code)
        if await self._directory.is_void(code):
            raise QrReissued("this printed code was replaced: ask the vendor for the new one")
        account = await self._ledger.account(merchant_id)
        if account is None:
            raise MerchantNotFound("no onboarded merchant has this code")
        seen = pb.InspectQrResponse(
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
        expires_ms = requests.expiry_of(code.reference_label or "")
        if expires_ms and expires_ms <= now_ms():
            seen.request_state = pb.REQUEST_STATE_EXPIRED
        elif seen.reference and (asked := await self._ledger.request(merchant_id, seen.reference)):
            seen.request_state, expires_ms = request_state(asked), asked.expires_ms
        if expires_ms:
            seen.expires_at.FromMilliseconds(expires_ms)
        return seen

    async def Pay(self, request: pb.PayRequest, call: Call) -> pb.PayResponse:
        wallet_id = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        asked = await self._asked(request, call)
        check_amount(asked.amount)
        check_pin(call, asked.amount)
        telecom = await self._directory.telecom(wallet_id)
        now = now_ms()
        fee = fees.payment_fee(asked.amount, await self._directory.category(asked.merchant_id), now)
        note = text(request.note, "note", NOTE_MAX)
        order = Order(
            op="pay", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
            amount=asked.amount, fee=fee, legs=transfer.pay(wallet_id, asked.merchant_id, telecom, asked.amount, fee),
            owner=call.caller.sub, not_after_ms=not_after_ms(request), directory_index=asked.directory_index,
            merchant_id=asked.merchant_id, guard="request" if asked.reference else "",
            guard_key=self._ledger.request_key(asked.merchant_id, asked.reference) if asked.reference else "",
            guard_value="exact" if asked.exact else "open", device_at_ms=call.caller.device_at_s * 1000,
            intent=intent_of(call, reference=asked.reference, note=note, qr_payload=request.qr_payload),
        )  # fmt: skip
        try:
            posted = await self._ledger.post(order)
        except Contention:
            self._directory.forget_payee(asked.directory_index)
            raise
        payment = posted_view(
            posted, "pay", asked.amount, wallet_id, asked.merchant_id, reference=asked.reference, note=request.note
        )
        return pb.PayResponse(payment=payment, balance=posted.first_balance)

    async def _refuse(self, refusal: DomainError, key: str, call: Call) -> None:
        """Raises `refusal`, unless the key had its answer before there was a reason for it: then a retry hears that.

        What has not arrived by now never will: a payer who is refused may pay again, by a new code.
        """
        code, _, _ = await self._ledger.resolve(call.caller.sub, "pay", key)
        if code == "KEY_SPENT":
            raise refusal

    async def _asked(self, request: pb.PayRequest, call: Call) -> _Asked:
        """Whom a payment is for, and how much, from whichever of the ways the payer named it."""
        if [request.qr_payload, request.merchant_id, request.phone].count("") != 2:
            raise InvalidArgument("one of qr_payload, merchant_id and phone names who is paid")
        reference = text(request.reference, "reference", REFERENCE_MAX)
        if request.phone:
            payee = await self._directory.person(request.phone)
            return _Asked(await self._directory.stall_of(payee.user_id), request.amount, reference)
        if request.merchant_id:
            merchant_id = id_of(request.merchant_id, "mer", "merchant_id", MerchantNotFound)
            return _Asked(merchant_id, request.amount, reference)
        code = decode_qr(request.qr_payload)
        if code.amount and request.amount and code.amount != request.amount:
            raise AmountMismatch(f"the code asks for {code.amount} đồng, not {request.amount}")
        named = code.bill_number if code.bill_number != ASK_PAYER else ""
        merchant_id, index = await self._directory.payee(code)
        if await self._directory.is_void(code):
            void = QrReissued("this printed code was replaced: ask the vendor for the new one")
            await self._refuse(void, request.idempotency_key, call)
        expires_ms = requests.expiry_of(code.reference_label or "")
        if expires_ms and expires_ms <= now_ms():
            late = RequestExpired("the code's time is over: ask the vendor for a new one")
            await self._refuse(late, request.idempotency_key, call)
        exact = bool(named and code.amount and expires_ms)
        return _Asked(merchant_id, code.amount or request.amount, named or reference, index, exact)

    async def InspectPhone(self, request: pb.InspectPhoneRequest, call: Call) -> pb.InspectPhoneResponse:
        found = await self._directory.person(request.phone)
        stalls = await self._directory.accounts_of(found.user_id, "merchant")
        wallets = await self._directory.accounts_of(found.user_id, "wallet")
        return pb.InspectPhoneResponse(
            name=found.name,
            stalls=[
                pb.InspectPhoneResponse.Stall(
                    merchant_id=stall.account_id, name=stall.name, market_name=stall.market, stall=stall.stall
                )
                for stall in stalls
            ],
            telecoms=[TELECOM_OF[wallet.telecom] for wallet in wallets],
        )

    async def Send(self, request: pb.SendRequest, call: Call) -> pb.SendResponse:
        source = id_of(request.wallet_id, "wal", "wallet_id", AccountNotFound)
        if bool(request.to_wallet_id) == bool(request.to_phone):
            raise InvalidArgument("either to_wallet_id or to_phone names who gets it")
        check_amount(request.amount)
        check_pin(call, request.amount)
        payer_telecom = await self._directory.telecom(source)
        if request.to_phone:
            payee = await self._directory.person(request.to_phone)
            target = await self._directory.wallet_of(payee.user_id, payer_telecom)
        else:
            target = id_of(request.to_wallet_id, "wal", "to_wallet_id", AccountNotFound)
        telecom = await self._directory.telecom(target)
        note = text(request.note, "note", NOTE_MAX)
        legs = transfer.send(source, target, payer_telecom, telecom, request.amount)
        posted = await self._ledger.post(
            Order(
                op="transfer", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=0, legs=legs,
                owner=call.caller.sub, not_after_ms=not_after_ms(request), intent=intent_of(call, note=note),
                device_at_ms=call.caller.device_at_s * 1000,
            )
        )  # fmt: skip
        made = posted_view(posted, "transfer", request.amount, source, target, note=note)
        return pb.SendResponse(transfer=made, balance=posted.first_balance)

    async def GetPayment(self, request: pb.GetPaymentRequest, call: Call) -> pb.GetPaymentResponse:
        found = await self._directory.payment(request.payment_id, held_too=True)
        await self._directory.require_party(found, call)
        return pb.GetPaymentResponse(payment=transfer_view(found))

    async def Refund(self, request: pb.RefundRequest, call: Call) -> pb.RefundResponse:
        check_amount(request.amount)
        reason = text(request.reason, "reason", NOTE_MAX)
        owner = "" if call.has("operator") else call.caller.sub
        for attempt in range(REFUND_TRIES):
            paid = await self._directory.payment(request.payment_id)
            fee = transfer.refund_fee(paid.amount, paid.fee, paid.refunded, request.amount)
            telecom = await self._directory.telecom(paid.from_account)
            order = Order(
                op="refund", caller=call.caller.sub, key=request.idempotency_key, body_hash=body_hash(request),
                amount=request.amount, fee=fee, owner=owner,
                legs=transfer.refund(paid.to_account, paid.from_account, telecom, request.amount, fee),
                related=paid.transfer_id, refunded_before=paid.refunded,
                intent=intent_of(call, reference=paid.reference, note=reason),
            )  # fmt: skip
            try:
                posted = await self._ledger.post(order)
                break
            except Contention:
                if attempt == REFUND_TRIES - 1:
                    raise
            except AccountNotFound as error:
                raise PaymentNotFound("there is no such payment, or it is not yours") from error
        refund = posted_view(
            posted, "refund", request.amount, paid.to_account, paid.from_account,
            reference=paid.reference, note=reason, related=paid.transfer_id,
        )  # fmt: skip
        return pb.RefundResponse(refund=refund, refunded_total=posted.refunded)

    async def Resolve(self, request: pb.ResolveRequest, call: Call) -> pb.ResolveResponse:
        op = OPS.get(request.kind)
        if op is None:
            raise InvalidArgument("kind must say what the key was used for")
        if request.kind in CARD_KINDS:
            # "Not found" would be told of a card that was charged.
            raise InvalidArgument("a top-up or refund by card is sent again with its key: the answer is how it stands")
        code, transfer_id, seq = await self._ledger.resolve(call.caller.sub, op, request.idempotency_key)
        if code == "OK":
            return pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_DONE, transfer_id=transfer_id, seq=seq)
        if code == "HELD":
            return await self._reviewed(transfer_id, seq)
        if code == "KEY_SPENT":
            return pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_NOT_FOUND, code=code)
        return pb.ResolveResponse(outcome=pb.ResolveResponse.OUTCOME_REFUSED, code=code)

    async def _reviewed(self, transfer_id: str, seq: int) -> pb.ResolveResponse:
        """How a payment stands that a velocity rule held. While it waits it may still go through: told "refused", its
        payer would pay once more, by another key.
        """
        held = await self._ledger.transfer(transfer_id)
        assert held is not None, "what was held stays for weeks, its key for days"
        outcome, code = _REVIEWS[held.state]
        return pb.ResolveResponse(outcome=outcome, transfer_id=transfer_id, code=code, seq=seq)

    # Streams, windows, echo

    async def WatchMerchant(self, request: pb.WatchMerchantRequest, call: Call) -> AsyncIterator[HttpBody]:
        merchant_id = id_of(request.merchant_id, "mer", "merchant_id", MerchantNotFound)
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

    async def GetLedgerHead(self, request: pb.GetLedgerHeadRequest, call: Call) -> pb.GetLedgerHeadResponse:
        seq, at_ms = await self._ledger.head()
        reply = pb.GetLedgerHeadResponse(seq=seq)
        reply.at.FromMilliseconds(at_ms)
        return reply

    async def GetAccountVersion(self, request: pb.GetAccountVersionRequest, call: Call) -> pb.GetAccountVersionResponse:
        account = await self._ledger.account(request.account_id)
        return pb.GetAccountVersionResponse(version=account.version if account else 0)

    async def Echo(self, request: pb.EchoRequest, call: Call) -> pb.EchoResponse:
        return pb.EchoResponse(idempotency_key=request.idempotency_key, amount=request.amount)

    # Helpers

    async def _last_seq(self, merchant_id: str) -> int:
        try:
            return await self._followers.last_seq(merchant_id)
        except redis.RedisError as error:
            raise Unavailable("announcements cannot be read now") from error

    async def _account(self, account_id: str) -> pb.Account:
        account = await self._ledger.account(account_id)
        if account is None:
            raise AccountNotFound("there is no such account")
        return account_view(account)

    async def _readable(self, account_id: str, call: Call) -> Account:
        """An account that the caller may see: their own, their telecom's, or any for operators and auditors."""
        account = await self._ledger.account(account_id)
        allowed = account is not None and (
            account.owner == call.caller.sub
            or call.has("operator", "auditor")
            or (call.has("officer") and account.telecom == call.caller.institution != "")
        )
        if account is None or account.kind not in KINDS or not allowed:
            raise AccountNotFound("there is no such account, or it is not yours")
        return account


def _event_stream(data: bytes) -> HttpBody:
    return HttpBody(content_type="text/event-stream", data=data)
