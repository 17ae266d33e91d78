"""Makes the certificate of a run and writes it, signed and readable, with the page of plots."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli import machine
from kit.marketday import market_day
from loadtests import skew
from loadtests.gate import tie
from loadtests.record import DONE, PAY, requests
from loadtests.report import certificate, figures, html
from services.settlement import trust

if TYPE_CHECKING:
    from loadtests.headless import Played


FILES = ("certificate.json", "certificate.jws", "certificate.txt", "keys.json", "report.html")


def forget(out: Path) -> None:
    """Removes what an earlier run left: one that breaks leaves no certificate, and not another's."""
    for name in FILES:
        (out / name).unlink(missing_ok=True)


def everything(played: Played, secret: str, out: Path) -> str:
    """Writes certificate.json, certificate.jws, certificate.txt, keys.json and report.html; the text."""
    said, key = contents(played), trust.signing_key(secret)
    series = figures.series(played.told, played.watched.looks)
    out.mkdir(parents=True, exist_ok=True)
    readable = certificate.text(said)
    (out / "certificate.json").write_text(json.dumps(said, ensure_ascii=False, indent=2) + "\n")
    (out / "certificate.jws").write_text(certificate.sign(said, key) + "\n")
    (out / "certificate.txt").write_text(readable)
    (out / "keys.json").write_text(json.dumps(trust.public_keys(key), indent=2) + "\n")
    (out / "report.html").write_text(html.page(said, series, played.told.errors))
    return readable


def contents(played: Played) -> dict[str, Any]:
    """What is certified. Đồng, microseconds, milliseconds; rates are texts."""
    verdict, run, told, audited = played.verdict, played.run, played.told, played.verdict.audit
    return {
        "holds": played.holds,
        "unmet": played.unmet,
        "lasted": played.lasted,
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "ended_at": run.ended_at.isoformat(timespec="seconds"),
        "plan": _plan(played),
        "money": {
            "payments": verdict.payments,
            "paid_vnd": verdict.paid_vnd,
            "cash_ins": verdict.cash_ins,
            **tie.losses(played.evidence),
            "refused": dict(verdict.refused),
            "resolved": dict(verdict.resolved),
            "announcements_caught_up_after_the_run": verdict.caught_up,
            "findings": verdict.findings,
            "found": verdict.found,
        },
        "stages": [{"name": s.name, "count": s.count, "must": s.must} for s in verdict.stages],
        "speed": _speed(played),
        "hostile": dict(sorted(told.refusals.items())),
        "invariants": [
            {"name": c.name, "over": c.over, "ok": not c.findings} for c in (audited.checks if audited else ())
        ],
        "chain_head": audited.chain_head if audited else "",
        "seq": audited.seq if audited else 0,
        "window": verdict.window,
        "hardware": machine.hardware(),
        "versions": machine.versions(),
        "commit": machine.commit(),
    }


def _plan(played: Played) -> dict[str, Any]:
    config = played.config
    on = market_day(config.day)
    law = {"stalls": skew.STALLS, "shoppers": skew.SHOPPERS}
    return {
        "shape": config.shape,
        "day": config.day.isoformat(),
        "lunar": f"{on.lunar.day}/{on.lunar.month}{'+' if on.lunar.leap else ''}",
        "occasions": ", ".join(on.occasions) or "an ordinary day",
        "seconds": config.seconds,
        "loop": "open" if config.rate else "closed",
        "users": config.users,
        "rate": f"{config.rate:g}",
        "workers": config.workers,
        "faults": {"plan": played.troubled, "done": dict(sorted(played.faults.items()))},
        "skew": {
            name: {"law": "(rank + shift) ^ -exponent", "exponent": f"{one.exponent:g}", "shift": f"{one.shift:g}"}
            for name, one in law.items()
        },
    }


def _speed(played: Played) -> dict[str, Any]:
    told, watched = played.told, played.watched
    made = [asked for asked in told.asked.values() if asked.kind == PAY and asked.outcome == DONE and asked.told_ms]
    moments = Counter(int(asked.told_ms / 1000) for asked in made)
    doors = sorted({asked.via for asked in told.asked.values()})
    return {
        # What was due before the end and answered after it took that time, too.
        "payments_per_s": f"{played.verdict.payments / max(played.config.seconds, figures.span_s(told)):.1f}",
        "never_sent": told.unsent,
        "never_answered": told.unanswered,
        "peak_per_s": max(moments.values(), default=0),
        "payment_us": figures.percentiles_us(figures.payment_ms(told)),
        "payment_us_by_door": {door: figures.percentiles_us(figures.payment_ms(told, door)) for door in doors},
        "announcement_us": figures.percentiles_us(figures.announcement_ms(told)),
        "answer_to_announcement_us": figures.percentiles_us(figures.answer_to_announcement_ms(told)),
        "requests": requests(told)[0],
        "failed": requests(told)[1],
        "drain_ms": watched.drain_ms,
        "lag_max_events": max((look.ledger - look.books for look in watched.looks), default=0),
        "cpu_us_a_payment": figures.cpu_us_a_payment(watched.looks, played.verdict.payments),
    }
