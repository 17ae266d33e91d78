"""The tree of routes finds what the list of them would find, for any path."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cors import CorsSettings
from gateway.listeners import edge_routes
from gateway.matching import tree
from gateway.methods import api
from kit.config import Settings

_ROUTES: list[dict[str, Any]] = []
_TREE: dict[str, Any] = {}
_SEGMENTS = st.sampled_from(["payments", "v1", "web", "x", "a.b", "..", "%2F", "0", "", "cho.payments.v1", "Pay"])


@pytest.fixture(scope="module", autouse=True)
def _routes(local_settings: Settings) -> None:
    _ROUTES[:] = edge_routes(local_settings, api().public, CorsSettings())
    _TREE.update(tree(_ROUTES)["matcher_tree"]["prefix_match_map"]["map"])


@given(st.data())
def test_the_tree_offers_every_route_that_matches_a_path_in_the_order_of_the_list(data: st.DataObject) -> None:
    path = data.draw(_paths())

    matching = [route for route in _ROUTES if _matches(route["match"], path)]

    assert [route for route in _offered(path) if _matches(route["match"], path)] == matching


def test_a_payment_has_a_handful_of_routes_to_be_compared_with() -> None:
    for path in ("/v1/payments", "/v1/payments/pay_1/refunds", "/cho.payments.v1.PaymentsService/Pay"):
        assert 0 < len(_offered(path)) < 8, path


def test_a_kind_of_match_that_it_does_not_know_is_an_error_and_not_a_route_that_is_never_found() -> None:
    with pytest.raises(KeyError):
        tree([{"match": {"path_separated_prefix": "/v1"}}])


@st.composite
def _paths(draw: st.DrawFn) -> str:
    """A path that a route matches, or one that is nearly like it; with a query or not."""
    match = draw(st.sampled_from(_ROUTES))["match"]
    like = match.get("path") or match.get("prefix") or match["safe_regex"]["regex"].replace("\\.", ".")
    segments = [draw(_SEGMENTS) if segment == "[^" else segment for segment in _pieces(like)]
    change = draw(st.sampled_from(["none", "none", "longer", "shorter", "suffix", "other"]))
    if change == "longer":
        segments.append(draw(_SEGMENTS))
    elif change == "shorter":
        segments = segments[:-1]
    elif change == "suffix":
        segments[-1] += draw(st.sampled_from(["x", "-", "s", "."]))
    elif change == "other":
        segments[draw(st.integers(0, len(segments) - 1))] = draw(_SEGMENTS)
    return "/" + "/".join(segments) + draw(st.sampled_from(["", "?market=/v1/orders"]))


def _pieces(like: str) -> list[str]:
    return like.replace("[^/]+", "[^").removeprefix("/").split("/")


def _matches(match: dict[str, Any], path: str) -> bool:
    """By path alone, as Envoy does: without the query."""
    bare = path.partition("?")[0]
    if "path" in match:
        return bool(match["path"] == bare)
    if "prefix" in match:
        return path.startswith(match["prefix"])
    return re.fullmatch(match["safe_regex"]["regex"], bare) is not None


def _offered(path: str) -> list[dict[str, Any]]:
    """As Envoy's prefix map does: the longest key that the path begins with."""
    longest = max((key for key in _TREE if path.startswith(key)), key=len, default=None)
    return _TREE[longest]["action"]["typed_config"]["routes"] if longest else []
