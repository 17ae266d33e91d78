"""The manifests as documents: as they are written, and as kustomize builds them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "k8s"
PLACES = ("base", "overlays/local", "overlays/production", "loadtests")

Document = dict[str, Any]


def parse(text: str) -> list[Document]:
    return [document for document in yaml.safe_load_all(text) if document]


def written(place: str) -> Iterator[tuple[str, Document]]:
    """What a kustomization lists as its resources, by file name, before kustomize does anything with it."""
    folder = K8S / place
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        if (folder / name).is_file():
            yield from ((name, document) for document in parse((folder / name).read_text()))


@cache
def built(place: str) -> list[Document]:
    """Skips the test where there is no kubectl."""
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("kubectl is not installed; it holds kustomize")
    made = subprocess.run([kubectl, "kustomize", str(K8S / place)], capture_output=True, text=True, timeout=60)
    assert made.returncode == 0, made.stderr
    return parse(made.stdout)


def of_kind(documents: list[Document], *kinds: str) -> dict[str, Document]:
    return {d["metadata"]["name"]: d for d in documents if d["kind"] in kinds}


def workloads(documents: list[Document]) -> dict[str, Document]:
    """Everything that makes pods, by name."""
    return of_kind(documents, "Deployment", "StatefulSet", "Job")


def pod(workload: Document) -> Document:
    spec: Document = workload["spec"]["template"]["spec"]
    return spec


def labels(workload: Document) -> dict[str, str]:
    found: dict[str, str] = workload["spec"]["template"]["metadata"]["labels"]
    return found


def containers(documents: list[Document]) -> Iterator[tuple[str, Document]]:
    """Every container, init containers too, as "workload/container"."""
    for name, workload in workloads(documents).items():
        for container in [*pod(workload).get("initContainers", ()), *pod(workload)["containers"]]:
            yield f"{name}/{container['name']}", container


def matches(selector: Document, found: dict[str, str]) -> bool:
    """Whether a label selector selects these labels."""
    by_value = all(found.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    return by_value and all(_holds(rule, found) for rule in selector.get("matchExpressions", ()))


def _holds(rule: Document, found: dict[str, str]) -> bool:
    assert rule["operator"] == "In", rule
    return found.get(rule["key"]) in rule["values"]
