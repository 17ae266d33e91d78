"""Fills a fresh stack with real markets and made-up people; a second time it changes nothing.

Documents are written through the services' own stores; money moves through the gateway, as everybody's does.
Runs last of the processes of `cho up`, or as `python -m cli.seed`, and prints who can sign in.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from cli import people
from cli.api import Api
from cli.people import SeedPerson
from cli.stack import gateway_url
from cli.wallets import open_wallet
from kit import clock, mongo
from kit.config import settings
from kit.errors import MerchantNotFound
from kit.ids import new_key

FLOAT_VND = 500_000_000
RESERVE_VND = 1_000_000_000
WALLET_VND = 2_000_000
ORGANISATION, ORGANISATION_VND = "UBND xã Võ Nhai", 200_000_000
HEARD_S_MAX = 120


def main() -> None:
    """Seeds the stack that the settings point to. Raises RuntimeError outside CHO_ENV=local."""
    if settings().env != "local":
        raise RuntimeError("seeded people share a known PIN: seeding is for CHO_ENV=local")
    _identity()
    merchant_ids = _onboarding()
    _catalog(merchant_ids)
    with Api(gateway_url(settings())) as api:
        _money(api)
    _print_sign_ins()


def _identity() -> None:
    from services.identity import store
    from services.identity.store.hasher import Hasher

    class Once(Hasher):
        """Everybody's PIN is the same, and printed: its hash, which is slow on purpose, is made once."""

        hash = cache(Hasher.hash)

    with _opened(store):
        hasher = Once()
        for person in people.everybody():
            store.ensure_user(
                person.phone, people.PIN, person.name, person.roles, person.institution, user_id=person.user_id,
                hasher=hasher,
            )  # fmt: skip
        for user_id, number in people.citizen_ids().items():
            store.identify(store.person(user_id), number, people.OPERATOR.user_id, clock.now())


def _onboarding() -> dict[str, str]:
    """Markets and merchants; merchant ids by key."""
    from services.onboarding import seed, store

    owners = people.vendors()
    with _opened(store):
        for market in seed.markets():
            store.ensure_market(market)
        return {
            m.key: store.ensure_merchant(
                m.form(owners[m.key].user_id, owners[m.key].phone),
                registered_by=people.TEAM.user_id,
                approved_by=people.OPERATOR.user_id,
            ).merchant_id
            for m in seed.merchants()
        }


def _catalog(merchant_ids: dict[str, str]) -> None:
    from services.catalog import seed, store

    with _opened(store):
        for product in seed.products():
            _until_heard(lambda p=product: store.ensure_product(merchant_ids[p.vendor], p.offer))  # type: ignore[misc]


def _until_heard(step: Callable[[], object]) -> None:
    """The catalog hears of merchants by events: within a second, or something is wrong."""
    deadline = time.monotonic() + HEARD_S_MAX
    while True:
        try:
            step()
        except MerchantNotFound:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _money(api: Api) -> None:
    """Agents get float from their telecom, shoppers a wallet and some cash in it; only where there is none yet."""
    for telecom, officer, agent, shopper in zip(
        people.TELECOMS, people.OFFICERS[:3], people.AGENTS, people.SHOPPERS, strict=True
    ):
        officer_api, agent_api, shopper_api = (_signed_in(api, p) for p in (officer, agent, shopper))
        opened = officer_api.post("/v1/agents", owner_id=agent.user_id)["agent"]
        if int(opened["version"]) == 1:
            path = f"/v1/agents/{opened['account_id']}/fund"
            officer_api.post(path, idempotency_key=new_key(), amount=FLOAT_VND, reference="SEED")
            # The telecom's own money: commissions come out of it, and money from other telecoms is covered by it.
            officer_api.post("/v1/reserve/fund", idempotency_key=new_key(), amount=RESERVE_VND, reference="SEED")
        wallet = open_wallet(shopper_api, telecom)
        if int(wallet["version"]) == 1:
            cash_in = {"wallet_id": wallet["account_id"], "amount": WALLET_VND}
            agent_api.post("/v1/cash-in", idempotency_key=new_key(), **cash_in)
    officer_api = _signed_in(api, people.OFFICERS[0])
    organisation = officer_api.post("/v1/organisations", owner_id=people.TREASURER.user_id, name=ORGANISATION)
    opened = organisation["organisation"]
    if int(opened["version"]) == 1:
        path = f"/v1/organisations/{opened['account_id']}/fund"
        officer_api.post(path, idempotency_key=new_key(), amount=ORGANISATION_VND, reference="SEED")


def _signed_in(api: Api, person: SeedPerson) -> Api:
    return api.sign_in(person.phone, people.PIN)


def _print_sign_ins() -> None:
    """On standard output, for whoever started the stack."""
    vendor = next(iter(people.vendors().values()))
    print(f"Sign in with any of these phones, PIN {people.PIN} (POST /v1/sign-in):")
    shown = [*people.SHOPPERS, vendor, *people.AGENTS[:1], people.TEAM, people.MANAGER, people.OPERATOR]
    shown += [people.CHECKER, people.TREASURER]
    for person in [*shown, *people.OFFICERS[:1], people.OFFICERS[3], people.AUDITOR]:
        print(f"  {person.phone}  {', '.join(person.roles):<16} {person.name}")


@contextmanager
def _opened(store: Any) -> Iterator[None]:
    """One service's store as this process's own, for a while."""
    store.open_store()
    try:
        yield
    finally:
        mongo.disconnect()


if __name__ == "__main__":
    main()
