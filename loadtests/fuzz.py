"""`python -m loadtests.fuzz` (`make fuzz`): Schemathesis against the gateway's OpenAPI document, on a stack of its own.

As everybody there is a role for, and as nobody: what the document allows and what it does not, with ids that exist and
ids that do not. No answer may be a 5xx, and every answer must be what the document says, errors included. Bounded in
cases; a seed tells a run. What it finds is printed once an operation and kind, with the request that shows it.

Event streams are left out: they have no end to be checked.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import requests
import schemathesis
import typer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cli import people
from cli.api import Api
from cli.stack import Stack
from gateway.openapi import openapi
from kit.ids import new_key
from loadtests.config import loopback

MACHINE = {"CHO_RATE_SCALE": "10000", "CHO_PAYMENTS_A_MINUTE": "1000000", "CHO_SETTLEMENT_SCHEDULE": "off"}
CASES, CASES_MAX = 10_000, 100_000
TIMEOUT_S = 20
TOKEN_S_MAX = 300
FINDINGS_MAX = 100
SHOWN_CHARACTERS = 600
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# How often a field that has known values takes one of them.
KNOWN_SHARE = 0.6
# Fields whose real value ends what is tested: sessions and PINs of those who ask.
LEFT_ALONE = frozenset({"refresh_token", "pin", "new_pin", "old_pin"})


@dataclass
class Fuzzed:
    """`findings`: what is wrong, by operation and kind; `statuses`: how often each was answered."""

    cases: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    findings: dict[tuple[str, str], str] = field(default_factory=dict)


@dataclass
class Known:
    """Who may ask (bearer tokens by role, "" for nobody), and values that exist, by the name of the field.

    `signed_in_s`: when, by time.monotonic(): tokens are good for 15 minutes.
    """

    api: Api
    tokens: dict[str, str]
    values: dict[str, list[str]]
    signed_in_s: float

    def stay_signed_in(self) -> None:
        """Before tokens end. Raises ApiError."""
        if time.monotonic() - self.signed_in_s > TOKEN_S_MAX:
            signed_in = _sign_in(self.api)
            self.tokens.update({role: one.http.headers["authorization"] for role, one in signed_in.items()})
            self.signed_in_s = time.monotonic()


def _sign_in(api: Api) -> dict[str, Api]:
    """One of every role. Raises ApiError."""
    persons = {
        "shopper": people.SHOPPERS[0], "vendor": next(iter(people.vendors().values())), "agent": people.AGENTS[0],
        "team": people.TEAM, "market_manager": people.MANAGER, "operator": people.OPERATOR,
        "checker": people.CHECKER, "officer": people.OFFICERS[0], "bank": people.OFFICERS[3], "auditor": people.AUDITOR,
        "treasurer": people.TREASURER,
    }  # fmt: skip
    return {role: api.sign_in(person.phone, people.PIN) for role, person in persons.items()}


def gather(api: Api) -> Known:
    """One of every role on a seeded stack, and what they see. Raises ApiError."""
    signed_in, signed_in_s = _sign_in(api), time.monotonic()
    tokens = {role: one.http.headers["authorization"] for role, one in signed_in.items()}
    values: dict[str, set[str]] = {}
    for role in ("shopper", "vendor", "agent", "treasurer"):
        _collect(signed_in[role].get("/v1/me/accounts"), values)
    for role, path in (("shopper", "/v1/me"), ("vendor", "/v1/me/merchants"), ("shopper", "/v1/products")):
        _collect(signed_in[role].get(path), values)
    wallet = signed_in["shopper"].get("/v1/me/accounts")["accounts"][0]["account_id"]
    merchant = signed_in["vendor"].get("/v1/me/merchants")["merchants"][0]["merchant_id"]
    signed_in["agent"].post("/v1/cash-in", idempotency_key=new_key(), wallet_id=wallet, amount=1_000_000)
    body = {"wallet_id": wallet, "merchant_id": merchant, "amount": 1_000}
    paid = signed_in["shopper"].post("/v1/payments", idempotency_key=new_key(), **body)
    _collect(paid, values)
    values.setdefault("payment_id", set()).add(paid["payment"]["transfer_id"])
    values["wallet_id"] = values["account_id"]
    payload = signed_in["operator"].download(f"/v1/merchants/{merchant}/qr", format="payload").decode()
    values["payload"] = values["qr_payload"] = {payload}
    values["phone"] = {person.phone for person in people.everybody()}
    values["window"] = {"1", "0"}
    found = {name: sorted(those) for name, those in values.items()}
    return Known(api, {"": "", **tokens}, found, signed_in_s)


def _collect(answer: Any, values: dict[str, set[str]]) -> None:
    """Every id in an answer."""
    if isinstance(answer, dict):
        for name, value in answer.items():
            if isinstance(value, str) and value and name.endswith("_id"):
                values.setdefault(name, set()).add(value)
            else:
                _collect(value, values)
    elif isinstance(answer, list):
        for one in answer:
            _collect(one, values)


def fuzz(url: str, known: Known, cases: int, number: int, say: Callable[[str], None] = lambda _: None) -> Fuzzed:
    """About `cases` requests, spread evenly over the document's operations. Loopback only."""
    fuzzed, dice = Fuzzed(), random.Random(number)
    document = openapi()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=loopback(url))
    operations = list(_operations(schema))
    with requests.Session() as session:
        for place, operation in enumerate(operations):
            if len(fuzzed.findings) >= FINDINGS_MAX:
                break
            known.stay_signed_in()
            share = (cases - fuzzed.cases) // (len(operations) - place)
            _one(operation, session, known, share, dice.randrange(1 << 31), fuzzed)
            if place % 20 == 19:
                found = len(fuzzed.findings)
                say(f"{place + 1} of {len(operations)} operations, {fuzzed.cases} cases, {found} findings")
    return fuzzed


def _operations(schema: Any) -> Iterator[Any]:
    for result in schema.get_all_operations():
        operation = result.ok()
        answer = operation.definition.raw["responses"]["200"].get("content", {})
        if "text/event-stream" not in answer:
            yield operation


def _one(operation: Any, session: Any, known: Known, cases: int, number: int, fuzzed: Fuzzed) -> None:
    """So many requests of one operation: half of them as the document allows."""
    allowed = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    either = allowed | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    roles = [*operation.definition.raw["x-cho-roles"]]
    likely = [role for role in known.tokens if role in roles] or [*known.tokens]
    # Where an operation gets one request, it is Hypothesis's simplest and has the first of each: those are by chance.
    mixed = random.Random(f"{number} {operation.label}")
    chosen = [st.sampled_from(mixed.sample(group, len(group))) for group in (likely, [*known.tokens])]
    mixed.shuffle(chosen)
    who = st.one_of(chosen)

    @seed(number)
    @settings(
        max_examples=max(1, cases), deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=allowed | either, role=who, dice=st.randoms(use_true_random=False))
    def ask(case: Case, role: str, dice: random.Random) -> None:
        _make_known(case, known.values, dice)
        headers = {"authorization": known.tokens[role]} if role else {}
        fuzzed.cases += 1
        try:
            response = case.call(session=session, headers=headers, timeout=TIMEOUT_S)
            session.cookies.clear()
            fuzzed.statuses[response.status_code] += 1
            case.validate_response(response, checks=CHECKS, headers=headers)
        except FailureGroup as found:
            for failure in found.exceptions:
                shown = f"as {role or 'nobody'}: {failure}\n{response.status_code} {response.text[:SHOWN_CHARACTERS]}"
                _note(fuzzed, operation.label, type(failure).__name__, f"{shown}\n{case.as_curl_command()}")
        except requests.RequestException as error:
            _note(fuzzed, operation.label, type(error).__name__, f"{error}: {case.as_curl_command()}")

    ask()


def _note(fuzzed: Fuzzed, operation: str, kind: str, text: str) -> None:
    if len(fuzzed.findings) < FINDINGS_MAX:
        fuzzed.findings.setdefault((operation, kind), text[: 3 * SHOWN_CHARACTERS])


def _make_known(case: Case, values: dict[str, list[str]], dice: random.Random) -> None:
    """Puts values that exist where the field's name knows some, and a fresh key now and then."""
    for place in (case.path_parameters, case.query, case.body):
        if isinstance(place, dict):
            for name in place:
                if name in LEFT_ALONE or dice.random() > KNOWN_SHARE:
                    continue
                if name == "idempotency_key":
                    place[name] = new_key()
                elif name in values:
                    place[name] = dice.choice(values[name])


def main(
    cases: Annotated[int, typer.Option(envvar="CASES", min=1, max=CASES_MAX)] = CASES,
    number: Annotated[int, typer.Option("--seed", min=0, help="Of an earlier run; a new one otherwise.")] = 0,
) -> None:
    """No 5xx, and nothing that the document does not say."""
    number = number or random.randrange(1, 1 << 31)
    typer.echo(f"SEED={number}")
    with (
        tempfile.TemporaryDirectory(prefix="cho-fuzz-") as home,
        Stack(Path(home), seed=True, env=MACHINE) as stack,
        Api(stack.gateway_url) as api,
    ):
        fuzzed = fuzz(stack.gateway_url, gather(api), cases, number, typer.echo)
    for (operation, kind), text in sorted(fuzzed.findings.items()):
        typer.secho(f"\n{operation}: {kind}", fg="red", bold=True)
        typer.echo(text)
    statuses = json.dumps(dict(sorted(fuzzed.statuses.items())))
    typer.echo(f"\n{fuzzed.cases} cases, answered {statuses}; {len(fuzzed.findings)} findings")
    raise typer.Exit(1 if fuzzed.findings else 0)


if __name__ == "__main__":
    typer.run(main)
