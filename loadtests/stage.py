"""Gathers who comes: shoppers with money at all three telecoms, agents with customers, vendors, officers, a thief.

Everybody is made up and made anew, through the gateway, on a seeded stack; once a stack.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cli import people, wallets
from cli.api import Api
from kit.ids import new_key
from loadtests.config import MarketDay, Person, Stall
from loadtests.gate import settled

# Below the law's limit of a month (100 million, Decree 368/2025): a shopper runs out of money before that.
WALLET_VND = 60_000_000
CUSTOMERS_AN_AGENT = 5
AT_ONCE = 4
_PHONES = "0977{:06d}"
_CUSTOMER_PHONES = "0978{:06d}"
_THIEF = "0979000001"


class _Desk:
    """A telecom's agent and officer, who open wallets and put money in."""

    def __init__(self, api: Api, number: int) -> None:
        self.telecom = people.TELECOMS[number]
        self.agent = api.sign_in(people.AGENTS[number].phone, people.PIN)
        self.officer = api.sign_in(people.OFFICERS[number].phone, people.PIN)
        self.float_id = str(self.agent.get("/v1/me/accounts")["accounts"][0]["account_id"])

    def fund(self, amount: int) -> None:
        """Float for the agent."""
        path = f"/v1/agents/{self.float_id}/fund"
        self.officer.post(path, idempotency_key=new_key(), amount=amount, reference="LOADTEST")

    def wallet(self, user_id: str, amount: int) -> str:
        """A wallet with money in it; its id."""
        wallet_id = str(wallets.open_wallet(self.agent, self.telecom, user_id)["account_id"])
        if amount:
            self.agent.post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet_id, amount=amount)
        return wallet_id


def gather(api: Api, shoppers: int) -> MarketDay:
    """Everybody, and all seeded stalls. Raises ApiError."""
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    desks = [_Desk(api, number) for number in range(len(people.TELECOMS))]
    for desk in desks:
        desk.fund((shoppers // len(desks) + 2) * WALLET_VND)
    rows = [(_PHONES.format(n), desks[n % len(desks)], WALLET_VND) for n in range(shoppers)]
    customers = [(_CUSTOMER_PHONES.format(n), desks[n % len(desks)], 0) for n in range(CUSTOMERS_AN_AGENT * len(desks))]
    made = _persons(operator, [*rows, *customers, (_THIEF, desks[0], WALLET_VND)])
    served = made[shoppers:-1]
    agents = [
        Person(
            people.AGENTS[n].phone, people.PIN, desk.float_id, desk.telecom,
            customers=tuple(one.account_id for one in served if one.institution == desk.telecom),
        )
        for n, desk in enumerate(desks)
    ]  # fmt: skip
    stalls, vendors = _stalls(api, operator)
    return MarketDay(shoppers=made[:shoppers], vendors=vendors, stalls=stalls, agents=agents, hostile=made[-1:])


def _persons(operator: Api, rows: Iterable[tuple[str, _Desk, int]]) -> list[Person]:
    """New people with a wallet each, in order."""

    def someone(row: tuple[str, _Desk, int]) -> str:
        phone, name = row[0], f"Người mua {row[0][-6:]}"
        user = operator.post("/v1/users", phone=phone, pin=people.PIN, name=name, roles=["shopper"])["user"]
        wallets.identify(operator, phone, name)
        return str(user["user_id"])

    def with_wallet(row: tuple[str, _Desk, int], user_id: str) -> Person:
        phone, desk, amount = row
        return Person(phone, people.PIN, desk.wallet(user_id, amount), desk.telecom, user_id)

    # Everybody first, then the wallets: payments hears meanwhile who they are.
    rows = list(rows)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(with_wallet, rows, list(pool.map(someone, rows))))


def _stalls(api: Api, operator: Api) -> tuple[list[Stall], list[Person]]:
    """Every seeded merchant with its code, and its owner."""
    stalls, vendors = [], []
    for owner in people.vendors().values():
        vendor = api.sign_in(owner.phone, people.PIN)
        merchant_id = vendor.get("/v1/me/merchants")["merchants"][0]["merchant_id"]
        payload = operator.download(f"/v1/merchants/{merchant_id}/qr", format="payload").decode()
        stalls.append(Stall(merchant_id, payload))
        vendors.append(Person(owner.phone, people.PIN, merchant_id, user_id=owner.user_id))
    return stalls, vendors


def signed_in(api: Api, day: MarketDay) -> MarketDay:
    """The same day with every shopper's access token, good for 15 minutes. Raises ApiError."""

    def one(who: Person) -> Person:
        reply = api.post("/v1/sign-in", phone=who.phone, pin=who.pin)
        return replace(who, token=reply["tokens"]["access_token"])

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return replace(day, shoppers=list(pool.map(one, day.shoppers)))


def _version(operator: Api, account_id: str) -> int:
    return int(operator.get(f"/v1/accounts/{account_id}")["account"]["version"])


def yesterday(api: Api, day: MarketDay) -> tuple[MarketDay, int]:
    """Some trade with the last stall, and closes that window: the run's own holds nothing else, and officers have
    reports to pull. Returns the day with that in it, and the ledger's last event. Raises ApiError, NotSettled.
    """
    operator, stall = api.sign_in(people.OPERATOR.phone, people.PIN), day.stalls[-1]
    for who in day.shoppers[: len(people.TELECOMS)]:  # one of each telecom, so that each has a report
        body = {"wallet_id": who.account_id, "qr_payload": stall.qr_payload, "amount": 20_000}
        api.sign_in(who.phone, who.pin).post("/v1/payments", idempotency_key=new_key(), **body)
    window = settled.close(operator)
    with_part = {line["institution"] for line in settled.positions(operator, window)["positions"]}
    officers = [
        Person(one.phone, people.PIN, institution=one.institution)
        for one in people.OFFICERS
        if one.institution in with_part
    ]
    since = settled.until_quiet(operator)
    stalls = [replace(one, after=since, version=_version(operator, one.merchant_id)) for one in day.stalls]
    return replace(day, stalls=stalls, officers=officers, closed_window=window), since
