"""What `cho bench search` measures: goods that a stall could list, the same in every run; searches that find them."""

from __future__ import annotations

import random
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from rich.console import Console

from cli.bench import goods, search
from cli.bench.search import SEARCH, Answers, build, kinds
from kit.ids import is_id
from services.catalog.product import offer
from services.catalog.search.index import Index
from services.catalog.search.question import Question


def test_goods_are_what_a_stall_could_list_and_the_same_in_every_run() -> None:
    made = list(goods.products(500))
    assert [one.SerializeToString() for one in made] == [one.SerializeToString() for one in goods.products(500)]
    stalls = {stall.id: stall for stall in goods.stalls()}
    markets = {market.id for market in goods.markets()}
    assert len({one.product_id for one in made}) == 500
    for one in made:
        assert is_id(one.product_id, "prd")
        assert stalls[one.merchant_id].market_id in markets
        kept = offer(one.name, one.description, one.unit, one.price, one.stock)
        assert (kept.name, kept.unit) == (one.name, one.unit)


def test_searches_that_have_to_find_something_do_in_an_index_of_the_goods(tmp_path: Path) -> None:
    report = build(tmp_path / "search.sqlite3", 5_000)
    assert report["products"] == 5_000
    index = Index(tmp_path / "search.sqlite3")
    try:
        for seed in range(30):
            drawn = kinds(random.Random(seed))
            assert sum(kind.share for kind in drawn) == 100
            for kind in drawn:
                if kind.name == "with a place":
                    continue  # needs all 100,000
                if kind.path == SEARCH and kind.found:
                    asked = Question(kind.query.get("query", ""), kind.query.get("market_id", ""))
                    assert index.search(asked, 20).products, kind
                elif kind.path != SEARCH:
                    assert index.suggest(kind.query["prefix"], "", 8), kind
    finally:
        index.close()


def test_a_search_of_the_warm_up_that_fails_fails_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([Answers(failed=1), Answers({"begun": [0.01]})])

    async def ask(*_: object) -> Answers:
        return next(answers)

    monkeypatch.setattr(search, "_ask", ask)
    monkeypatch.setattr(search, "_deeper", lambda *_: [])
    monkeypatch.setattr(search, "cpu_s", lambda _: {})
    monkeypatch.setattr(search, "Api", lambda _: nullcontext())
    stack = SimpleNamespace(settings=lambda: SimpleNamespace(gateway_host="127.0.0.1", gateway_port=9), gateway_url="")
    report = search._measure(cast("Any", stack), 1.0, 10.0, Console(quiet=True))
    assert (report["failed"], report["searches"]) == (1, 1)
