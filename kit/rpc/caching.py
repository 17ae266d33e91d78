"""Replies that anybody may keep: an ETag on each, and none of it again for who has it (RFC 9110, If-None-Match).

The gateway makes 304 of a reply that says `x-cho-not-modified`: gRPC has no such status. Whoever is signed in gets no
ETag: what they see may be theirs alone.
"""

from __future__ import annotations

import hashlib
from typing import Any

from google.protobuf.message import Message

from kit.rpc.call import Call
from kit.rpc.policy import Policy

NOT_MODIFIED = "x-cho-not-modified"
_DIGITS = 32


def tag_of(reply: Message) -> str:
    """The ETag of a reply: a digest of its bytes."""
    return f'"{hashlib.sha256(reply.SerializeToString(deterministic=True)).hexdigest()[:_DIGITS]}"'


def unchanged(call: Call, tag: str) -> bool:
    """Gives a reply the ETag `tag`; whether the caller has it, and is told that it has not changed."""
    call.set_header("etag", tag)
    asked = [one.strip().removeprefix("W/") for one in str(call.metadata.get("if-none-match", "")).split(",")]
    if tag not in asked and asked != ["*"]:
        return False
    call.set_header(NOT_MODIFIED, "1")
    return True


def cacheable(policy: Policy, call: Call) -> bool:
    """Whether this reply may be kept. Then it says for how long, unless its handler has."""
    if policy.cache_s is None or call.caller.sub:
        return False
    if all(name != "cache-control" for name, _ in call.headers):
        call.set_header("cache-control", f"public, max-age={policy.cache_s}" if policy.cache_s else "public, no-cache")
    return True


def conditional(policy: Policy, call: Call, reply: Any) -> Any:
    """The reply, or an empty one for who has it."""
    if cacheable(policy, call) and unchanged(call, tag_of(reply)):
        return type(reply)()
    return reply
