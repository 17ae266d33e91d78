"""Signs and reads what settlement says of itself, manifests and trust statements: compact JWS (RFC 7515), Ed25519
(RFC 9864).

Pure. What is signed is canonical JSON and Ed25519 is deterministic: signed twice, it is the same text.
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

ALGORITHM = "Ed25519"
# joserfc reads no more, and other libraries have limits like it.
TEXT_MAX = 128_000


class NotTrusted(ValueError):
    """The text is none of ours, or was changed."""


@cache
def signing_key(secret: str) -> OKPKey:
    """The key pair that follows from a secret; its id is the thumbprint of its public half (RFC 7638)."""
    seed = hashlib.sha256(f"settlement.trust:{secret}".encode()).digest()
    pem = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return OKPKey.import_key(pem)


def public_keys(key: OKPKey) -> dict[str, Any]:
    """The public half as a JWKS."""
    return {"keys": [{**key.as_dict(private=False), "kid": key.thumbprint(), "alg": ALGORITHM, "use": "sig"}]}


def canonical(said: dict[str, Any]) -> str:
    """JSON with sorted names and no spaces. Only texts, whole numbers, lists and objects: these have one form."""
    return json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def sign(said: dict[str, Any], typ: str, key: OKPKey) -> str:
    """A compact JWS. `typ` ("manifest+jws") goes into its header, so that one kind never passes for another.

    Raises ValueError where it would be longer than TEXT_MAX.
    """
    payload = canonical(said)
    if len(payload.encode()) * 4 // 3 > TEXT_MAX - 1_000:
        raise ValueError(f"what is signed does not fit {TEXT_MAX} characters: sign less at once")
    header = {"alg": ALGORITHM, "kid": key.thumbprint(), "typ": typ}
    return jws.serialize_compact(header, payload, key, algorithms=[ALGORITHM])


def read(text: str, typ: str, keys: dict[str, Any]) -> dict[str, Any]:
    """What was signed by one of these public keys (a JWKS) as a `typ`. Raises NotTrusted."""
    if len(text) > TEXT_MAX:
        raise NotTrusted(f"a signed text of more than {TEXT_MAX} characters: not one of ours")
    for known in keys.get("keys", ()):
        try:
            checked = jws.deserialize_compact(text.strip(), OKPKey.import_key(known), algorithms=[ALGORITHM])
            said = json.loads(checked.payload or b"")
        except (JoseError, ValueError, TypeError):
            continue
        if isinstance(said, dict) and checked.headers().get("typ") == typ:
            return said
    raise NotTrusted("not signed by a key that is known here, or changed since")
