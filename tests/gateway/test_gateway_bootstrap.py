"""The generated bootstrap, looked at as data and by Envoy itself."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gateway import limits
from gateway.bootstrap import bootstrap, write
from gateway.cors import CorsSettings, allowed_origins
from gateway.envoy import envoy_binary
from gateway.listeners import edge_routes
from gateway.methods import api
from kit.config import Settings

_JWT = "envoy.filters.http.jwt_authn"


@pytest.fixture(scope="module")
def config(local_settings: Settings) -> dict[str, Any]:
    return bootstrap(local_settings)


@pytest.fixture(scope="module")
def routes(local_settings: Settings) -> list[dict[str, Any]]:
    return edge_routes(local_settings, api().public, CorsSettings())


def test_every_annotated_rpc_has_one_route_on_its_grpc_path(routes: list[dict[str, Any]]) -> None:
    paths = [route["match"]["path"] for route in routes if "grpc" in route["match"]]

    assert sorted(paths) == sorted(method.path for method in api().public)


def test_an_rpc_without_annotation_is_nowhere_in_the_routes(routes: list[dict[str, Any]]) -> None:
    assert "CutWindow" not in json.dumps(routes)


def test_a_token_is_asked_for_unless_anyone_may_call(routes: list[dict[str, Any]]) -> None:
    by_name = {route["name"]: route for route in routes if "name" in route}

    for method in api().public:
        jwt = dict(by_name[method.full_name]["typed_per_filter_config"][_JWT])
        jwt.pop("@type")
        reads = all(route.verb == "GET" for route in method.routes)
        anyone = {"requirement_name": "known_or_not"} if reads else {"disabled": True}
        assert jwt == (anyone if method.anyone else {"requirement_name": "signed_in"}), method.full_name


def test_every_path_has_a_reply_to_other_verbs_behind_its_methods(routes: list[dict[str, Any]]) -> None:
    wrong_verb = [r["match"]["safe_regex"]["regex"] for r in routes if "safe_regex" in r["match"]]

    assert set(wrong_verb) == {route.regex for method in api().public for route in method.routes}
    assert routes[-len(wrong_verb) :] == [r for r in routes if "safe_regex" in r["match"]]


def test_unary_calls_have_a_deadline_and_streams_an_idle_limit(routes: list[dict[str, Any]]) -> None:
    by_name = {route["name"]: route["route"] for route in routes if "name" in route}

    for method in api().public:
        action = by_name[method.full_name]
        life = action["max_stream_duration"]["max_stream_duration"]
        if method.streaming:
            assert action["idle_timeout"] == "60.000s"
            assert "retry_policy" not in action
        else:
            assert life == "10.000s"
    assert limits.STREAM_IDLE_MS_MAX > 2 * 15_000
    assert limits.UNARY_UPSTREAM_MS_MAX > limits.UNARY_MS_MAX


def test_nothing_listens_beyond_loopback_but_the_edge(local_settings: Settings) -> None:
    config = bootstrap(local_settings.model_copy(update={"gateway_host": "0.0.0.0"}))
    addresses = {
        "admin": config["admin"]["address"]["socket_address"]["address"],
        **{
            listener["name"]: listener["address"]["socket_address"]["address"]
            for listener in config["static_resources"]["listeners"]
        },
    }

    assert addresses == {"admin": "127.0.0.1", "jwks": "127.0.0.1", "edge": "0.0.0.0"}


def test_a_service_with_a_name_is_looked_up_and_one_with_an_ip_is_not(local_settings: Settings) -> None:
    config = bootstrap(local_settings.model_copy(update={"payments_addr": "payments.cho:50055"}))
    clusters = {c["name"]: c for c in config["static_resources"]["clusters"]}

    assert clusters["payments"]["type"] == "STRICT_DNS"
    assert clusters["identity"]["type"] == "STATIC"


def test_the_rate_scale_multiplies_every_bucket(local_settings: Settings) -> None:
    once = _buckets(bootstrap(local_settings))
    often = _buckets(bootstrap(local_settings.model_copy(update={"rate_scale": 500.0})))

    assert once
    assert often == [(tokens * 500, burst * 500) for tokens, burst in once]


def test_only_localhost_may_call_from_other_origins_and_only_locally() -> None:
    none = CorsSettings(_env_file=None, cors_origins="")

    assert "localhost" in json.dumps(allowed_origins("local", none))
    assert allowed_origins("production", none) == []


def test_configured_origins_replace_localhost() -> None:
    cors = CorsSettings(_env_file=None, cors_origins="https://a.example.vn, https://b.example.vn:8443")

    assert allowed_origins("local", cors) == [
        {"exact": "https://a.example.vn"},
        {"exact": "https://b.example.vn:8443"},
    ]


@pytest.mark.parametrize("origin", ["*", "https://a.example.vn/", "https://*.example.vn", "a.example.vn"])
def test_what_is_not_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="not an origin"):
        allowed_origins("local", CorsSettings(_env_file=None, cors_origins=origin))


def test_the_file_is_its_owners_alone_even_where_it_was_not(config: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "envoy.json"
    path.write_text("{}")
    path.chmod(0o644)

    write(config, path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text()) == config
    assert list(tmp_path.iterdir()) == [path]


def test_envoy_accepts_what_the_command_writes(tmp_path: Path) -> None:
    path = tmp_path / "envoy.json"
    subprocess.run([sys.executable, "-m", "gateway", "--out", path], check=True, timeout=30)

    checked = subprocess.run(
        [envoy_binary(), "--mode", "validate", "-c", path, "--disable-hot-restart", "-l", "warn"],
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert checked.returncode == 0, checked.stderr
    assert "deprecated" not in checked.stderr.lower()


def _listener(config: dict[str, Any], name: str) -> dict[str, Any]:
    return next(x for x in config["static_resources"]["listeners"] if x["name"] == name)


def _buckets(config: dict[str, Any]) -> list[tuple[int, int]]:
    manager = _listener(config, "edge")["filter_chains"][0]["filters"][0]["typed_config"]
    limiter = next(f for f in manager["http_filters"] if f["name"].endswith("local_ratelimit"))
    buckets = [d["token_bucket"] for d in limiter["typed_config"]["descriptors"]]
    return [(b["tokens_per_fill"], b["max_tokens"]) for b in buckets]


def test_trouble_on_purpose_is_off_unless_wanted_and_impossible_outside_local(local_settings: Settings) -> None:
    quiet = json.dumps(bootstrap(local_settings.model_copy(update={"gateway_faults": False})))
    assert "envoy.filters.http.fault" not in quiet
    assert "layered_runtime" not in quiet
    with pytest.raises(ValueError, match="CHO_GATEWAY_FAULTS"):
        Settings(_env_file=None, env="production", gateway_faults=True)
