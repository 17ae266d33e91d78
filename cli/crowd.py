"""People by the dozen, for measurements and load tests: made-up shoppers with money in their wallets."""

from __future__ import annotations

from dataclasses import dataclass

from cli import people, wallets
from cli.api import Api
from kit.ids import new_key

TELECOM = "VIETTEL"


@dataclass(frozen=True, slots=True)
class Shopper:
    """Signs in with people.PIN."""

    phone: str
    wallet_id: str


def gather(api: Api, count: int, wallet_vnd: int) -> list[Shopper]:
    """`count` new shoppers, each with `wallet_vnd` đồng, on a seeded stack. Once a stack. Raises ApiError."""
    operator, agent, officer = (
        api.sign_in(person.phone, people.PIN) for person in (people.OPERATOR, people.AGENTS[0], people.OFFICERS[0])
    )
    with operator, agent, officer:
        account = agent.get("/v1/me/accounts")["accounts"][0]["account_id"]
        funding = {"amount": count * wallet_vnd, "reference": "CROWD"}
        officer.post(f"/v1/agents/{account}/fund", idempotency_key=new_key(), **funding)
        # Everybody first, then the wallets: payments hears meanwhile who they are.
        owners = [_person(operator, phone) for phone in map("0977{:06d}".format, range(count))]
        return [Shopper(phone, _wallet(agent, user_id, wallet_vnd)) for phone, user_id in owners]


def _person(operator: Api, phone: str) -> tuple[str, str]:
    """Phone and user id of somebody new whose card was seen."""
    name = f"Người mua {int(phone[4:])}"
    user = operator.post("/v1/users", phone=phone, pin=people.PIN, name=name, roles=["shopper"])["user"]
    wallets.identify(operator, phone, name)
    return phone, user["user_id"]


def _wallet(agent: Api, user_id: str, wallet_vnd: int) -> str:
    wallet = str(wallets.open_wallet(agent, TELECOM, user_id)["account_id"])
    agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=wallet_vnd)
    return wallet
