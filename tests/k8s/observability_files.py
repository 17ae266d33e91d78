"""The files of k8s/observability, and which metrics their queries name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

FOLDER = Path(__file__).resolve().parents[2] / "k8s" / "observability"
RULE_FILES = ("slo-rules.yaml", "alerts.yaml")
_STRINGS = re.compile(r'"[^"]*"|\{\{.*?\}\}')
_GROUPINGS = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)")
_NAME = re.compile(r"(?<![\w:])((?:cho|envoy|process|up)[\w:]*)(?!\s*\()")
_SELECTOR = re.compile(r"\{[^}]*\}")


def rules() -> Iterator[dict[str, Any]]:
    """Every rule of every file."""
    for name in RULE_FILES:
        for group in yaml.safe_load((FOLDER / name).read_text())["groups"]:
            yield from group["rules"]


def dashboards() -> dict[str, dict[str, Any]]:
    """Each by its file's name."""
    return {path.name: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))}


def queries() -> Iterator[tuple[str, str]]:
    """(where it stands, PromQL) of every rule and panel."""
    for rule in rules():
        yield rule.get("alert") or f"{rule['record']} {rule['labels']['slo']}", rule["expr"]
    for name, board in dashboards().items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]


def names(query: str) -> set[str]:
    """The metrics that a query asks for."""
    bare = _GROUPINGS.sub(" ", _SELECTOR.sub(" ", _STRINGS.sub('""', query)))
    return set(_NAME.findall(bare))


def metrics() -> dict[str, set[str]]:
    """Every metric that is asked for, with where; without what rules record and Prometheus itself says."""
    found: dict[str, set[str]] = {}
    for where, query in queries():
        for name in names(query):
            found.setdefault(name, set()).add(where)
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    return {name: places for name, places in found.items() if name not in recorded | {"up"}}


def exported(pages: dict[str, str]) -> set[str]:
    """Names that can be asked for, of scraped pages: families, and the parts of histograms."""
    found: set[str] = set()
    for page in pages.values():
        for name, kind in re.findall(r"^# TYPE (\S+) (\S+)$", page, re.MULTILINE):
            parts = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
            found |= {name + part for part in parts}
    return found
