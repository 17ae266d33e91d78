"""A market day in a cluster (k8s/loadtests): `python -m loadtests.cluster gather`, then Locust, then `... gate`.

Load processes start with everything else, and do `... await` first: there is nobody to play before all are gathered.

The gate sees what anybody with a sign-in sees: accounts, announcements, windows, reports. The journal and the hot
ledger are behind the cluster's network policies: `cho audit` in settlement's worker looks at those.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable

import httpx

from cli import people
from cli.api import Api, ApiError
from loadtests import record, stage
from loadtests.config import Config, MarketDay
from loadtests.gate import announced, collect, settled, tie
from loadtests.gate.evidence import Evidence
from loadtests.headless import SPARE

BEFORE = "before.json"
ANEW = "kubectl delete namespace cho, and apply again"
# Everything starts together: engines, services, the seeds, and whoever gathers.
WAIT_S_MAX, PAUSE_S = 600.0, 5.0
# Who waits for people waits for whoever gathers them, and for the gathering.
PEOPLE_S_MAX = WAIT_S_MAX + 300.0


class NotThere(RuntimeError):
    """What a market day needs was not there in time: the platform, its seeds, its people; or it had a day before."""


def wait(host: str, seconds: float = WAIT_S_MAX, pause: Callable[[float], None] = time.sleep) -> None:
    """Until the gateway answers and the seeds are in. Raises NotThere.

    Whatever is answered meanwhile may be otherwise in a moment: nobody listens, a service is not reached, there are too
    many requests; who is not seeded yet has a wrong PIN, and then too many of them. So what answers say about when to
    ask again is not heeded: the lock of a phone that was nobody's ends when it is somebody's.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with Api(host) as api:
                if _seeded(api):
                    return
            missing = "the seeds are not in"
        except (ApiError, httpx.TransportError) as error:
            missing = f"{type(error).__name__}: {error}"
        if time.monotonic() > deadline:
            raise NotThere(f"{host} is not ready after {seconds:g} s: {missing}")
        pause(PAUSE_S)


def _seeded(api: Api) -> bool:
    """Whether the last step of `cli.seed` is done, and settlement answers, which no seed asks. Raises ApiError."""
    organisations = api.sign_in(people.TREASURER.phone, people.PIN).get("/v1/me/accounts")["accounts"]
    api.sign_in(people.OPERATOR.phone, people.PIN).get("/v1/windows", limit=1)
    # The first version is the account, the second the money in it.
    return any(int(one["version"]) > 1 for one in organisations)


def await_people(config: Config, seconds: float = PEOPLE_S_MAX, pause: Callable[[float], None] = time.sleep) -> None:
    """Until `gather` has written down who there is. Raises NotThere."""
    deadline = time.monotonic() + seconds
    while not config.people.exists():
        if time.monotonic() > deadline:
            raise NotThere(f"nobody was gathered within {seconds:g} s")
        pause(PAUSE_S)


def gather(config: Config, api: Api) -> None:
    """Makes the people, closes yesterday's window, and writes down what everybody has. Raises ApiError."""
    day, _ = stage.yesterday(api, stage.gather(api, config.users + SPARE * config.workers))
    day = stage.signed_in(api, day)
    day.write(config.people)
    # What an agent earns is the books' to say: floats are not compared here.
    floats = {agent.account_id for agent in day.agents}
    before = collect.balances(api, [one for one in collect.accounts_of(day) if one not in floats])
    (config.folder / BEFORE).write_text(json.dumps(before))


def gate(config: Config, api: Api) -> list[str]:
    """What does not tie; nothing is right. Raises ApiError, NotSettled."""
    day, told = MarketDay.read(config.people), record.read(config.folder)
    before: dict[str, int] = json.loads((config.folder / BEFORE).read_text())
    resolved = collect.resolve(api, told)
    announced.catch_up(api, day, told)
    after = collect.balances(api, before)
    operator = api.sign_in(people.OPERATOR.phone, people.PIN)
    window = settled.close(operator)
    netted = settled.positions(operator, window)
    reports = [
        settled.parse_report(
            operator.download(f"/v1/windows/{window}/reports/{line['institution']}").decode("utf-8-sig").splitlines(),
            line["institution"],
        )
        for line in netted["positions"]
    ]
    unseen = frozenset(agent.account_id for agent in day.agents)
    evidence = Evidence(
        told=told, booked={}, before=before, after=after, telecoms=collect.telecoms_of(day), reports=reports,
        positions=settled.lines(netted), window=window, window_payments=int(netted["window"]["payments"]),
        window_value=int(netted["window"]["value"]), packs=[*netted["findings"]], unseen=unseen,
    )  # fmt: skip
    found = tie.findings(evidence, inside=False)
    requests, failed = record.requests(told)
    paid = len(tie.done(evidence, record.PAY))
    print(f"{paid} payments, {requests} requests, {failed} failed, {dict(resolved)} resolved, window {window}")
    for one in tie.stages(evidence, inside=False):
        print(f"{'ok ' if one.holds else 'NOT'} {one.name}: {one.count} of {one.must}")
    found += record.incomplete(told, config.workers)
    if failed:
        found.append(f"{failed} requests failed; the first: {told.errors[:3]}")
    return found if paid else [*found, "nobody paid: nothing is proved"]


def main(arguments: list[str]) -> int:
    """0 where it held, 1 where it did not, 2 where it is not understood. Raises NotThere, ApiError."""
    config = Config.of(os.environ)
    config.folder.mkdir(parents=True, exist_ok=True)
    with Api(config.host) as api:
        match arguments:
            case ["gather"]:
                wait(config.host)
                try:
                    gather(config, api)
                except ApiError as error:
                    if error.code != "ALREADY_EXISTS":
                        raise
                    raise NotThere(f"{error}. A market day needs a platform that had none: {ANEW}") from error
                return 0
            case ["await"]:
                await_people(config)
                return 0
            case ["gate"]:
                found = gate(config, api)
                print("\n".join(found[: collect.FINDINGS_MAX]) or "every đồng is where it must be")
                return 1 if found else 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except NotThere as error:
        sys.exit(str(error))
