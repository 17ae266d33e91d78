"""What anybody may keep is said by an RPC's policy, and never of what somebody is signed in for."""

from __future__ import annotations

from typing import Any

import pytest
from cho.catalog.v1 import catalog_pb2
from cho.options.v1 import options_pb2
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor

from kit.rpc import caching
from kit.rpc.call import ANONYMOUS, Call, Caller
from kit.rpc.policy import Policy, policy_of

REPLY = catalog_pb2.GetProductResponse(product=catalog_pb2.Product(product_id="prd_1", price=20_000))
ANYBODYS = Policy(frozenset({"anyone"}), anyone=True, cache_s=0)


def call(caller: Caller = ANONYMOUS, **metadata: str) -> Call:
    return Call(caller, "", "", {name.replace("_", "-"): value for name, value in metadata.items()}, None)


def test_who_has_a_reply_is_told_so_in_place_of_it() -> None:
    first = call()
    assert caching.conditional(ANYBODYS, first, REPLY) is REPLY
    headers = dict(first.headers)
    assert headers == {"cache-control": "public, no-cache", "etag": caching.tag_of(REPLY)}
    again = call(if_none_match=headers["etag"])
    assert caching.conditional(ANYBODYS, again, REPLY) == catalog_pb2.GetProductResponse()
    assert dict(again.headers) == {**headers, caching.NOT_MODIFIED: "1"}


def test_what_somebody_is_signed_in_for_is_kept_by_nobody() -> None:
    mine = call(Caller("usr_1"), if_none_match="*")
    assert caching.conditional(ANYBODYS, mine, REPLY) is REPLY
    assert mine.headers == []


def test_a_reply_of_which_nothing_is_declared_is_as_it_was() -> None:
    plain = call(if_none_match="*")
    assert caching.conditional(Policy(frozenset({"anyone"}), anyone=True), plain, REPLY) is REPLY
    assert plain.headers == []


def test_a_handler_may_say_for_itself_how_long_a_reply_is_kept() -> None:
    asked = call()
    asked.set_header("cache-control", "public, max-age=60")
    caching.conditional(ANYBODYS, asked, REPLY)
    assert [value for name, value in asked.headers if name == "cache-control"] == ["public, max-age=60"]


def method(number: int, role: Any, max_age_s: int) -> MethodDescriptor:
    file = descriptor_pb2.FileDescriptorProto(name=f"kept{number}.proto", package=f"kept{number}")
    file.message_type.add(name="A")
    made = file.service.add(name="S").method.add(
        name="Get", input_type=f".kept{number}.A", output_type=f".kept{number}.A"
    )
    option: Any = options_pb2.policy
    made.options.Extensions[option].CopyFrom(
        options_pb2.Policy(roles=[role], rate=options_pb2.RATE_CLASS_READ, cache=options_pb2.Cache(max_age_s=max_age_s))
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool.FindServiceByName(f"kept{number}.S").methods[0]


def test_only_what_anyone_may_read_can_be_declared_as_kept_by_anybody() -> None:
    assert policy_of(method(1, options_pb2.ROLE_ANYONE, 5)).cache_s == 5
    assert policy_of(method(2, options_pb2.ROLE_ANYONE, 0)).cache_s == 0
    for number, role, max_age_s in ((3, options_pb2.ROLE_SHOPPER, 5), (4, options_pb2.ROLE_ANYONE, -1)):
        with pytest.raises(ValueError, match="only what anyone may read"):
            policy_of(method(number, role, max_age_s))
