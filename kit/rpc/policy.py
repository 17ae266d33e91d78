"""Reads what every RPC declares in its proto: who may call it, and whether it hashes a PIN."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cho.options.v1 import options_pb2
from google.protobuf.descriptor import MethodDescriptor


@dataclass(frozen=True, slots=True)
class Policy:
    """`roles` as lower-case names; `anyone` where no sign-in is needed; `hashes` where a PIN is checked, which is slow
    on purpose.
    """

    roles: frozenset[str]
    anyone: bool
    hashes: bool = False
    # The largest request, KiB, where it is larger than usual.
    body_kib: int = 0
    # What anybody may keep: seconds for which a copy may be used unasked; None: nobody may keep it.
    cache_s: int | None = None


def policy_of(method: MethodDescriptor) -> Policy:
    """The method's declared policy.

    Raises ValueError where it declares no roles, or may be kept by anybody and not read: such a server must not start.
    """
    extensions: Any = method.GetOptions().Extensions
    policy = extensions[options_pb2.policy]
    declared = policy.roles
    if not declared or options_pb2.ROLE_UNSPECIFIED in declared:
        raise ValueError(f"{method.full_name} declares no roles (option cho.options.v1.policy)")
    anyone = options_pb2.ROLE_ANYONE in declared
    if policy.HasField("cache") and (not anyone or policy.cache.max_age_s < 0):
        raise ValueError(f"{method.full_name}: only what anyone may read is kept by anybody (Policy.cache)")
    names = frozenset(options_pb2.Role.Name(role).removeprefix("ROLE_").lower() for role in declared)
    return Policy(
        names,
        anyone=anyone,
        hashes=policy.rate == options_pb2.RATE_CLASS_SIGN_IN,
        body_kib=policy.body_kib,
        cache_s=policy.cache.max_age_s if policy.HasField("cache") else None,
    )
