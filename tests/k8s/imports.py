"""What a room of a service imports, read from the sources: a process imports some of it only once it runs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.k8s.k8s_files import ROOT

OURS = ("services", "kit")


@cache
def reached(module: str) -> frozenset[str]:
    """Our modules that this one imports, directly or by others, inside functions too."""
    found: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in found and name.startswith(OURS) and (path := source(name)):
            found.add(name)
            waiting += [name.rpartition(".")[0], *_imported(path)]
    return frozenset(found)


def source(module: str) -> Path | None:
    """Its file; None for what is no module, such as a name that is imported from one."""
    path = ROOT.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def upload_kinds() -> Iterator[tuple[str, str]]:
    """(module, kind) of every `files(kind)` of kit.uploads.files in the services."""
    for path in sorted((ROOT / "services").rglob("*.py")):
        tree = ast.parse(path.read_text())
        if "kit.uploads.files.files" not in _names(tree):
            continue
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "files":
                (kind,) = node.args
                said = kind.value if isinstance(kind, ast.Constant) else constants[ast.unparse(kind)]
                yield _module(path), str(said)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def _imported(path: Path) -> tuple[str, ...]:
    return tuple(_names(ast.parse(path.read_text())))


def _names(tree: ast.AST) -> Iterator[str]:
    """Modules, and what is imported from them, as "module.name"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
