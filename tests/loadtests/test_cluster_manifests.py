"""The load test's manifests: valid, hardened, and of one mind with the code that they run."""

from __future__ import annotations

from importlib.util import find_spec

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from loadtests import headless
from loadtests.config import Config
from loadtests.shapes.curves import SHAPES
from tests.k8s.k8s_files import K8S, Document, built, of_kind, parse, pod

FOLDER = K8S / "loadtests"
# A pod outside the platform reaches the gateway only: nobody calls the payments service past it.
PLAYED = [name for name in headless.CLOSED if name != "RpcShopper"]


def documents() -> list[Document]:
    return [one for name in ("loadtest.yaml", "network.yaml") for one in parse((FOLDER / name).read_text())]


def every_container() -> list[Document]:
    specs = [pod(job) for job in of_kind(documents(), "Job").values()]
    return [one for spec in specs for one in [*spec.get("initContainers", ()), *spec["containers"]]]


def test_every_document_is_valid() -> None:
    for document in documents():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_it_builds_on_top_of_the_local_overlay() -> None:
    names = {one["metadata"]["name"] for one in of_kind(built("loadtests"), "Job").values()}
    assert {"loadtest", "loadtest-workers", "seed"} <= names


def test_the_environment_is_a_plan_inside_a_cluster_and_refused_outside() -> None:
    literals = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["configMapGenerator"][1]["literals"]
    env = dict(literal.split("=", 1) for literal in literals)
    plan = Config.of({**env, "KUBERNETES_SERVICE_HOST": "10.0.0.1"})
    jobs = of_kind(documents(), "Job")
    assert plan.workers == jobs["loadtest-workers"]["spec"]["completions"]
    assert f"--expect-workers={plan.workers}" in pod(jobs["loadtest"])["initContainers"][1]["args"]
    assert plan.shape in SHAPES
    assert plan.seconds < jobs["loadtest"]["spec"]["activeDeadlineSeconds"]
    with pytest.raises(ValueError, match="loopback"):
        Config.of(env)


def test_what_is_run_exists() -> None:
    for container in every_container():
        assert find_spec(container["args"][0]) is not None
        if container["args"][0] == "locust":
            assert [name for name in container["args"] if name in headless.CLOSED] == PLAYED


def test_pods_may_do_no_more_than_they_must() -> None:
    for job in of_kind(documents(), "Job").values():
        assert pod(job)["securityContext"]["runAsNonRoot"] is True
        assert pod(job)["automountServiceAccountToken"] is False
    for container in every_container():
        security = container["securityContext"]
        assert security["readOnlyRootFilesystem"] is True
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]
