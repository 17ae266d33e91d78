"""What the protos declare is what the gateway knows; what it cannot serve it refuses to start with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cho.options.v1 import options_pb2
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorSet, MethodDescriptorProto
from hypothesis import given
from hypothesis import strategies as st

from gateway.limits import RATES, Rate
from gateway.methods import HttpRoute, api

_SEGMENT = st.from_regex(r"[a-z][a-z0-9.-]{0,8}", fullmatch=True)
_VALUE = st.from_regex(r"[A-Za-z0-9_:.~-]{1,12}", fullmatch=True)


def test_every_method_declares_roles_and_a_rate_class_that_has_figures() -> None:
    methods = api().methods

    assert len(methods) > 30
    for method in methods:
        assert method.roles, method.full_name
        assert "unspecified" not in method.roles, method.full_name
        assert method.rate in RATES, method.full_name


def test_a_method_without_a_route_annotation_is_not_public() -> None:
    hidden = {m.full_name for m in api().methods if not m.public}

    assert "cho.payments.v1.PaymentsService.CutWindow" in hidden
    assert hidden == {m.full_name for m in api().methods if m.roles == ("service",)}


def test_no_two_methods_share_a_verb_and_paths() -> None:
    routes = [(route.verb, route.regex) for method in api().public for route in method.routes]

    assert len(routes) == len(set(routes))


def test_comments_of_the_protos_are_known() -> None:
    pay = next(m for m in api().methods if m.full_name == "cho.payments.v1.PaymentsService.Pay")

    assert pay.comment.startswith("Pays a merchant")
    assert api().comments["cho.payments.v1.Transfer.amount"] == "Đồng."
    assert api().comments["cho.payments.v1.ResolveResponse.Outcome.OUTCOME_DONE"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m.options.Extensions[options_pb2.policy].ClearField("roles"), "no roles"),
        (lambda m: m.options.Extensions[options_pb2.policy].roles.append(0), "no roles"),
        (lambda m: m.options.Extensions[options_pb2.policy].ClearField("rate"), "no rate class"),
        (lambda m: setattr(m, "client_streaming", True), "client streams"),
        (lambda m: setattr(m, "server_streaming", True), "one JSON array"),
        (lambda m: _rule(m, get="/v1/{name=shelves/*}"), "does not understand"),
        (lambda m: _rule(m, get="/v1/{a.b}"), "does not understand"),
        (lambda m: _rule(m, post="/v1/a:verb"), "does not understand"),
        (lambda m: _rule(m, post="/v1/a", body="item"), "whole message or nothing"),
        (lambda m: _kept(m), "only a GET is kept"),
        (lambda m: _rule(m, custom=http_pb2.CustomHttpPattern(kind="HEAD", path="/v1/a")), "no custom route"),
    ],
)
def test_a_method_that_cannot_be_served_as_declared_is_refused(change, message: str, tmp_path: Path) -> None:
    method = MethodDescriptorProto(name="Get", input_type=".cho.x.v1.A", output_type=".cho.x.v1.A")
    policy = options_pb2.Policy(roles=[options_pb2.ROLE_ANYONE], rate=options_pb2.RATE_CLASS_READ)
    method.options.Extensions[options_pb2.policy].CopyFrom(policy)
    _rule(method, get="/v1/a/{b}")
    change(method)

    with pytest.raises(ValueError, match=message):
        api(_file_with(method, tmp_path))


@given(st.lists(st.tuples(_SEGMENT, _VALUE), min_size=1, max_size=4), _SEGMENT)
def test_a_template_matches_its_paths_and_no_others(pairs: list[tuple[str, str]], more: str) -> None:
    template = "".join(f"/{literal}/{{v{i}}}" for i, (literal, _) in enumerate(pairs))
    path = "".join(f"/{literal}/{value}" for literal, value in pairs)
    route = HttpRoute("GET", template, "")

    assert route.variables == tuple(f"v{i}" for i in range(len(pairs)))
    assert re.fullmatch(route.regex, path)
    assert not re.fullmatch(route.regex, f"{path}/{more}")
    assert not re.fullmatch(route.regex, f"{path}/")


@given(st.integers(1, 1000), st.integers(1, 60), st.integers(1, 1000), st.floats(0.001, 10_000, allow_nan=False))
def test_a_scaled_rate_is_as_many_times_as_much_and_never_nothing(
    tokens: int, interval_s: int, burst: int, scale: float
) -> None:
    scaled = Rate(tokens, interval_s, burst).scaled(scale)

    assert scaled.interval_s == interval_s
    assert max(1, tokens * scale) <= scaled.tokens + 1e-6
    assert scaled.tokens <= tokens * scale + 1
    assert 1 <= scaled.burst <= burst * scale + 1


def _rule(method: MethodDescriptorProto, **pattern: object) -> None:
    method.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(**pattern))


def _kept(method: MethodDescriptorProto) -> None:
    _rule(method, post="/v1/a", body="*")
    method.options.Extensions[options_pb2.policy].cache.max_age_s = 5


def _file_with(method: MethodDescriptorProto, directory: Path) -> Path:
    files = FileDescriptorSet()
    service = files.file.add(name="x.proto", package="cho.x.v1").service.add(name="XService")
    service.method.add().CopyFrom(method)
    path = directory / "descriptors.binpb"
    path.write_bytes(files.SerializeToString())
    return path
