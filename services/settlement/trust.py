"""The signed trust statement: what a telecom's guarantee account held at the end of a day, and for whom. Pure.

A JWS in compact form (RFC 7515, algorithm Ed25519 of RFC 9864), so that a bank checks it with whatever JOSE library it
has and the public key of GET /v1/trust/keys. What is signed follows from the books alone: made twice, it is the same.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from joserfc.jwk import OKPKey

from kit.clock import VIETNAM
from services.settlement.proof import signature
from services.settlement.proof.signature import NotTrusted, public_keys, signing_key
from services.settlement.statements.queries import TrustDay

VERSION = 1
TYPE, JWS_TYPE = "trust-statement", "trust+jws"

__all__ = ["NotTrusted", "day_bounds", "public_keys", "sign", "signing_key", "statement", "verify"]


def day_bounds(day: date) -> tuple[int, int]:
    """A day of Vietnam: its first ms, and the first ms after it."""
    begins = datetime.combine(day, time(), VIETNAM)
    return int(begins.timestamp() * 1000), int((begins + timedelta(days=1)).timestamp() * 1000)


def statement(cell: str, genesis: str, telecom: str, day: date, found: TrustDay) -> dict[str, Any]:
    """What is signed. Amounts in whole đồng.

    `covered`: the account held what all wallets, floats and organisations have (Decision 316/QĐ-TTg, section III), and
    did so after every event of the day (`least_cover` is not negative).
    """
    sums = found.sums
    held, owed_out = -sums["trust"], sums["wallet"] + sums["agent"] + sums["org"]
    tied = held == owed_out + sums["reserve"] + sums["clearing"] and sums["clearing"] == -sums["settlement"]
    return {
        "type": TYPE, "version": VERSION, "cell": cell, "books": genesis, "telecom": telecom,
        "day": day.isoformat(), "zone": "Asia/Ho_Chi_Minh", "currency": "VND",
        "trust_opening": found.opening_trust, "trust_closing": held,
        "wallets": sums["wallet"], "agents": sums["agent"], "organisations": sums["org"],
        "reserve": sums["reserve"], "clearing": sums["clearing"],
        "least_cover": found.least_cover, "covered": tied and held >= owed_out and found.least_cover >= 0,
        "events": found.events, "last_seq": found.last_seq, "chain_head": found.head.hex(),
    }  # fmt: skip


def sign(said: dict[str, Any], key: OKPKey) -> str:
    """A statement as a compact JWS: the same for the same statement."""
    return signature.sign(said, JWS_TYPE, key)


def verify(text: str, keys: dict[str, Any]) -> dict[str, Any]:
    """What a statement says, if it was signed by one of these public keys (a JWKS). Raises NotTrusted."""
    said = signature.read(text, JWS_TYPE, keys)
    if said.get("type") != TYPE:
        raise NotTrusted(f"not a {TYPE}: another of our texts, or a newer one")
    return said
