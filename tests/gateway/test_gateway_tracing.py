"""The gateway's tracing and metrics: nothing of them unless they are wanted, and Envoy takes them where they are."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.bootstrap import bootstrap, write
from gateway.envoy import envoy_binary
from kit.config import Settings
from tests.gateway.gateway_edge import Edge, gateway_of
from tests.gateway.gateway_upstreams import free_port
from tests.kit.span_collector import collecting


def manager(config: dict[str, Any], name: str) -> dict[str, Any]:
    (listener,) = (one for one in config["static_resources"]["listeners"] if one["name"] == name)
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def names(config: dict[str, Any], kind: str) -> set[str]:
    return {one["name"] for one in config["static_resources"][kind]}


def test_unless_they_are_wanted_the_gateway_knows_of_neither(local_settings: Settings) -> None:
    config = bootstrap(local_settings)
    edge = manager(config, "edge")
    assert not {"tracing", "early_header_mutation_extensions"} & edge.keys()
    assert edge["generate_request_id"] is True
    assert not {"admin", "traces"} & names(config, "clusters")
    assert names(config, "listeners") == {"edge", "jwks"}


def test_a_clients_own_traceparent_is_gone_before_the_span_is_made(local_settings: Settings) -> None:
    wanted = local_settings.model_copy(update={"traces_url": "http://127.0.0.1:4318", "traces_ratio": 0.25})
    edge = manager(bootstrap(wanted), "edge")
    assert edge["tracing"]["random_sampling"] == {"value": 25.0}
    (extension,) = edge["early_header_mutation_extensions"]
    removed = {one["remove"] for one in extension["typed_config"]["mutations"]}
    assert removed >= {"traceparent", "tracestate"}


def test_of_the_admin_port_only_the_statistics_are_shown(local_settings: Settings) -> None:
    config = bootstrap(local_settings.model_copy(update={"metrics_port": 9090, "metrics_host": "0.0.0.0"}))
    (host,) = manager(config, "metrics")["route_config"]["virtual_hosts"]
    (route,) = host["routes"]
    assert route["match"]["path"] == "/metrics"
    assert route["route"]["prefix_rewrite"] == "/stats/prometheus"
    assert config["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"
    assert "x-cho-edge" not in json.dumps(manager(config, "metrics"))


@pytest.mark.parametrize("url", ["http://127.0.0.1:4318", "http://collector:4318/otlp", "https://collector.example"])
def test_envoy_takes_it(local_settings: Settings, tmp_path: Path, url: str) -> None:
    wanted = {"metrics_port": 9090, "traces_url": url, "traces_ratio": 0.5}
    write(bootstrap(local_settings.model_copy(update=wanted)), tmp_path / "envoy.json")
    argv = [envoy_binary(), "--mode", "validate", "-c", tmp_path / "envoy.json", "-l", "critical"]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stdout + said.stderr


def test_a_span_of_the_gateways_says_nothing_of_who_asked_from_where_with_what_and_for_what(
    edge: Edge, tmp_path: Path
) -> None:
    ports = {name: free_port() for name in ("gateway_port", "gateway_admin_port", "gateway_jwks_port")}
    asked = "/v1/products?query=sau+rieng&near_latitude=10.772431&near_longitude=106.698053"
    with collecting() as collector:
        wanted = edge.settings.model_copy(update=ports | {"traces_url": collector.url})
        with gateway_of(wanted, edge.upstream, edge.key, tmp_path) as traced:
            traced.http.get(asked, headers={"user-agent": "Nokia-3310", "referer": f"https://cho.example.vn{asked}"})
            traced.http.get("/v1/accounts/wal_0900000031", headers=edge.signed_in())
            traced.http.get("/v1/accounts/missing", headers=edge.signed_in())
            collector.wait_for(lambda: b"".join(collector.protobuf).count(b"guid:x-request-id") >= 3)
    told = b"".join(collector.protobuf)
    spans = told.count(b"http.status_code")
    assert spans >= 3, "these are spans of requests"
    for tag in (b"http.url", b"peer.address", b"user_agent"):
        assert told.count(tag + b"\x12\x03\n\x01-") == told.count(tag) == spans, tag
    for word in (b"rieng", b"latitude", b"10.77", b"106.69", b"Nokia", b"0900000031", b"usr_1", b"There is none"):
        assert word not in told, word
