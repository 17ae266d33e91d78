"""Who is who on the path of a payment: asked of the ledger once, and remembered."""

from __future__ import annotations

from kit import qr
from kit.crypto import account_index
from kit.errors import AccountNotFound, InvalidArgument, MerchantNotFound, NotFound, PaymentNotFound, WrongTelecom
from kit.rpc.call import Call
from services.payments.server.common import TELECOM_OF, id_of
from services.payments.store.ledger import Account, Ledger, Movement
from services.payments.store.memory import Memory
from services.payments.store.people import People, Person
from services.payments.store.stickers import Stickers


class Directory:
    """Facts that never or seldom change; what matters is checked again inside the payment."""

    def __init__(self, ledger: Ledger, people: People, stickers: Stickers) -> None:
        self._ledger = ledger
        self._people = people
        self._stickers = stickers
        # A wallet's telecom never changes; neither does whom an agent account belongs to.
        self._telecoms = Memory(100_000, keep_s=3600)
        self._agents = Memory(10_000, keep_s=3600)
        # A merchant's category and bank account may change: `forget_merchant` then (store/changes.py).
        self._categories = Memory(20_000, keep_s=30)
        self._payees = Memory(20_000, keep_s=30)
        self._issues = Memory(20_000, keep_s=30)

    async def payee(self, code: qr.Decoded) -> tuple[str, str]:
        """Merchant and, for a bank's code, the directory entry that names it. Raises MerchantNotFound."""
        if code.merchant_id:
            return id_of(code.merchant_id, "mer", "merchant", MerchantNotFound), ""
        if not code.bin or not code.account:
            raise MerchantNotFound("the code names neither one of our merchants nor a bank account")
        index = account_index(code.bin, code.account)
        merchant_id = self._payees.get(index)
        if merchant_id is None:
            merchant_id = await self._ledger.merchant_of(index)
            if merchant_id is None:
                raise MerchantNotFound("no onboarded merchant has this bank account")
            self._payees.put(index, merchant_id)
        return merchant_id, index

    async def is_void(self, code: qr.Decoded) -> bool:
        """Whether this is a stall's printed code that was replaced.

        Codes of one amount, an order's or a request's, were never printed: it is a sticker that is replaced.
        """
        if not code.merchant_id or code.static is False or code.request_reference is not None:
            return False
        issue = self._issues.get(code.merchant_id)
        if issue is None:
            issue = await self._stickers.issue(code.merchant_id)
            self._issues.put(code.merchant_id, issue)
        return (code.issue or 1) < issue

    async def person_of(self, user_id: str) -> str:
        """Who this account is by their citizen card ("prs_..."), "" where nobody has seen it. Raises Unavailable."""
        return await self._people.person_of(user_id)

    def forget_payee(self, index: str) -> None:
        """A directory entry moved."""
        self._payees.forget(index)

    def forget_merchant(self, merchant_id: str, index: str) -> None:
        """A merchant changed: what is remembered of it is asked for anew."""
        self._categories.forget(merchant_id)
        self._issues.forget(merchant_id)
        self._payees.forget(index)

    async def telecom(self, wallet_id: str) -> str:
        """Whose wallet it is. Raises AccountNotFound."""
        telecom = self._telecoms.get(wallet_id)
        if telecom is None:
            wallet = await self._ledger.account(wallet_id)
            if wallet is None or wallet.kind != "wallet":
                raise AccountNotFound("there is no such wallet, or it is not yours")
            telecom = wallet.telecom
            self._telecoms.put(wallet_id, telecom)
        return str(telecom)

    async def category(self, merchant_id: str) -> str:
        """What a merchant sells (ISO 18245). Raises MerchantNotFound."""
        category = self._categories.get(merchant_id)
        if category is None:
            merchant = await self._ledger.account(merchant_id)
            if merchant is None or merchant.kind != "merchant":
                raise MerchantNotFound("no onboarded merchant has this code")
            category = merchant.category
            self._categories.put(merchant_id, category)
        return str(category)

    async def own_agent(self, owner: str, telecom: str) -> str:
        """The person's float at this telecom. Raises WrongTelecom, AccountNotFound."""
        agent_id = self._agents.get(f"{owner}|{telecom}")
        if agent_id is None:
            floats = {name: await self._ledger.unique("agent", name, owner) for name in TELECOM_OF}
            if not any(floats.values()):
                raise AccountNotFound("you have no agent account: a telecom's officer opens it")
            agent_id = floats[telecom]
            if agent_id is None:
                raise WrongTelecom("your float is at another telecom than the wallet")
            self._agents.put(f"{owner}|{telecom}", agent_id)
        return str(agent_id)

    async def person(self, phone: str) -> Person:
        """Whom a phone number reaches. Raises InvalidArgument, NotFound."""
        found = await self._people.find(phone)
        if found is None:
            raise NotFound("nobody here has this phone number")
        return found

    async def accounts_of(self, owner: str, kind: str) -> list[Account]:
        """A person's open accounts of a kind, the oldest first."""
        found = await self._ledger.accounts(await self._ledger.accounts_of(owner))
        return [a for a in found if a is not None and a.kind == kind and a.owner == owner and a.state == "open"]

    async def wallet_of(self, owner: str, telecom: str) -> str:
        """Where money for a person goes: their wallet at this telecom, else their oldest. Raises AccountNotFound."""
        wallets = await self.accounts_of(owner, "wallet")
        if not wallets:
            raise AccountNotFound("who has this phone number has no wallet")
        return next((w for w in wallets if w.telecom == telecom), wallets[0]).account_id

    async def stall_of(self, owner: str) -> str:
        """The merchant whom a payment to a vendor's phone is for. Raises MerchantNotFound, InvalidArgument."""
        stalls = await self.accounts_of(owner, "merchant")
        if not stalls:
            raise MerchantNotFound("who has this phone number sells nothing here: send the money to their wallet")
        if len(stalls) > 1:
            raise InvalidArgument(
                "this vendor has several stalls: look the number up and pay one of them by merchant_id"
            )
        return stalls[0].account_id

    async def payment(self, payment_id: str, held_too: bool = False) -> Movement:
        """A payment or captured hold; `held_too`: also one that a velocity rule held. Raises PaymentNotFound."""
        found = await self._ledger.transfer(id_of(payment_id, "pay", "payment_id", PaymentNotFound))
        if found is None or found.op not in (("pay", "capture", "hold") if held_too else ("pay", "capture")):
            raise PaymentNotFound("there is no such payment")
        return found

    async def hold(self, hold_id: str) -> Movement:
        """What was set aside for a merchant. Raises PaymentNotFound, for what waits for an operator too."""
        found = await self._ledger.transfer(id_of(hold_id, "hld", "hold_id", PaymentNotFound))
        if found is None or not found.to_account.startswith("mer_"):
            raise PaymentNotFound("there is no such hold")
        return found

    async def require_party(self, found: Movement, call: Call) -> None:
        """Raises PaymentNotFound unless the caller is one of its parties, an operator or an auditor."""
        if call.has("operator", "auditor"):
            return
        parties = await self._ledger.accounts([found.from_account, found.to_account])
        if call.caller.sub not in {party.owner for party in parties if party}:
            raise PaymentNotFound("there is no such payment, or it is not yours")
