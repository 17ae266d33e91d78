"""The certificate: what a run found, signed as settlement signs (compact JWS, Ed25519), and as text for people.

`python -m loadtests.report.certificate FILE.jws KEYS.json` checks one; KEYS.json is what GET /v1/trust/keys answers.
Pure but for `main`. Whole numbers and texts only, so that what is signed has one form.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from joserfc.jwk import OKPKey

from services.settlement.proof import signature
from services.settlement.trust import NotTrusted

KIND = "loadtest+jws"
TYPE, VERSION = "load-test-certificate", 1


def sign(said: dict[str, Any], key: OKPKey) -> str:
    """A certificate as a compact JWS. Raises ValueError where it is too long to be read again."""
    return signature.sign({"type": TYPE, "version": VERSION, **said}, KIND, key)


def read(text: str, keys: dict[str, Any]) -> dict[str, Any]:
    """What a certificate says, if it was signed by one of these public keys (a JWKS). Raises NotTrusted."""
    return signature.read(text, KIND, keys)


def _trouble(faults: dict[str, Any]) -> list[str]:
    return [f"trouble         {faults['plan']}: {_counts(faults['done'])}"] if faults["plan"] else []


def text(said: dict[str, Any]) -> str:
    """For people."""
    plan, money, speed = said["plan"], said["money"], said["speed"]
    paid = speed["payment_us"]
    heard = speed["announcement_us"]
    lines = [
        "LOAD TEST CERTIFICATE: " + ("every đồng is where it must be" if said["holds"] else "IT DID NOT HOLD"),
        f"{said['started_at']} to {said['ended_at']}",
        f"shape {plan['shape']}, day {plan['day']} ({plan['occasions']}), {plan['seconds']} s, {plan['loop']} loop, "
        f"{_peak(plan)} at the peak, {plan['workers']} load processes",
        *_trouble(plan["faults"]),
        "",
        f"payments        {money['payments']}, {money['paid_vnd']} đồng; {speed['payments_per_s']} a second, "
        f"{speed['peak_per_s']} in the busiest second",
        f"lost {money['lost']}, doubled {money['doubled']}, drift {money['drift_vnd']} đồng",
        f"books level     {_or(speed['drain_ms'], 'never')} ms after the last event",
        f"payment, ms     {_ms(paid)}",
        f"announced, ms   {_ms(heard)} (from the ledger's time to the stall)",
        f"requests        {speed['requests']}, {speed['failed']} failed",
        *_left(plan, speed),
        f"resolved        {_counts(money['resolved'])}",
        f"refused         {_counts(money['refused'])}",
        f"hostile         {sum(said['hostile'].values())} requests refused as they must be, "
        f"{len(said['hostile'])} kinds of answer",
        "",
        *(f"{'ok ' if row['count'] == row['must'] else 'NOT'} {row['name']}: {row['count']} of {row['must']}"
          for row in said["stages"]),
        *(f"{'ok ' if row['ok'] else 'NOT'} {row['name']} ({row['over']})" for row in said["invariants"]),
        *(f"NOT {finding}" for finding in money["findings"]),
        "",
        f"window {said['window']}, ledger event {said['seq']}, chain head {said['chain_head']}",
        "CPU, us a payment: " + ", ".join(f"{name} {us}" for name, us in list(speed["cpu_us_a_payment"].items())[:8]),
        ", ".join(f"{name} {value}" for name, value in said["hardware"].items()),
        ", ".join(f"{name} {value}" for name, value in said["versions"].items()),
        f"commit {said['commit']['commit'] or 'unknown'}, {said['commit']['files_changed_since']} files changed since",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _left(plan: dict[str, Any], speed: dict[str, Any]) -> list[str]:
    if plan["loop"] != "open":
        return []
    left = f"{speed['never_sent']} never sent that were due, {speed['never_answered']} not answered in time"
    return [f"left            {left}"]


def _peak(plan: dict[str, Any]) -> str:
    return f"{plan['rate']} payments/s" if plan["loop"] == "open" else f"{plan['users']} shoppers"


def _or(value: int | None, otherwise: str) -> str:
    return otherwise if value is None else str(value)


def _ms(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {value / 1000:.2f}" for name, value in found.items() if name != "count")


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in found.items()) or "none"


def main(arguments: list[str]) -> int:
    """0: signed by one of the keys, and it held; 1: not; 2: not understood."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        said = read(Path(arguments[0]).read_text(), json.loads(Path(arguments[1]).read_bytes()))
    except (OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(text(said), end="")
    return 0 if said["holds"] else 1


if __name__ == "__main__":
    assert issubclass(NotTrusted, ValueError)
    sys.exit(main(sys.argv[1:]))
