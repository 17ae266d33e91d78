"""What protos/gen holds is what the pinned tools make of protos/cho."""

from __future__ import annotations

import filecmp
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def _differences(comparison: filecmp.dircmp[str]) -> list[str]:
    found = [*comparison.left_only, *comparison.right_only, *comparison.diff_files]
    return found + [name for sub in comparison.subdirs.values() for name in _differences(sub)]


def test_generating_again_changes_nothing(tmp_path: Path) -> None:
    for part in ("protos", "scripts"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([tmp_path / "scripts" / "generate_protos.sh"], check=True, env={**os.environ, "PATH": path})
    kept = filecmp.dircmp(ROOT / "protos" / "gen", tmp_path / "protos" / "gen", ignore=["__pycache__"])
    assert _differences(kept) == []
