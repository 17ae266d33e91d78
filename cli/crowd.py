"""People by the dozen, for measurements and load tests: made-up shoppers with money in their wallets."""

from __future__ import annotations

from dataclasses import dataclass

from cli import people
from cli.api import Api
from kit.ids import new_key

TELECOM = "TELECOM_VIETTEL"


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
        return [_shopper(operator, agent, number, wallet_vnd) for number in range(count)]


def _shopper(operator: Api, agent: Api, number: int, wallet_vnd: int) -> Shopper:
    phone = f"0977{number:06d}"
    person = {"name": f"Người mua {number}", "roles": ["shopper"]}
    user = operator.post("/v1/users", phone=phone, pin=people.PIN, **person)["user"]
    wallet = agent.post("/v1/wallets", telecom=TELECOM, owner_id=user["user_id"])["wallet"]["account_id"]
    agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=wallet_vnd)
    return Shopper(phone, wallet)
