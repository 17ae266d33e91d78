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
