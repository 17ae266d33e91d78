"""The search index: found by what people type, in an order that pages can rely on, and nothing breaks it."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cho.events.v1 import events_pb2
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from kit.errors import InvalidArgument, Unavailable
from kit.ids import new_id
from services.catalog.merchant import Merchant
from services.catalog.search.batch import Cursor
from services.catalog.search.index import Index
from services.catalog.search.question import Question
from tests.catalog.stalls import BAY, ELSEWHERE, MARKET, NGA, Sell, names, paged


@pytest.mark.parametrize(
    "query",
    ["chè tân cương", "che tan cuong", "CHÈ", "tan", "cuong che", "Chè Tân Cươn", "che tan cu", "  chè,  tân!"],
)
def test_a_product_is_found_with_or_without_diacritics_whole_or_only_begun(
    index: Index, sell: Sell, query: str
) -> None:
    sell("Chè Tân Cương")
    sell("Gạo Định Hóa")
    assert names(index, query) == ["Chè Tân Cương"]


@pytest.mark.parametrize("query", ["dau", "đậu", "Ðậu", "ĐẬU", "dau phu", "đậu phụ"])
def test_d_with_a_stroke_is_d(index: Index, sell: Sell, query: str) -> None:
    sell("Đậu phụ")
    assert names(index, query) == ["Đậu phụ"]


@pytest.mark.parametrize("stored", ["Hoà Bình", "Hòa Bình", "Hoa\u0300 Bi\u0300nh"])
@pytest.mark.parametrize("query", ["hoà bình", "hòa bình", "hoa binh", "Hoà bì"])
def test_old_and_new_placement_of_the_tone_find_each_other(index: Index, sell: Sell, stored: str, query: str) -> None:
    sell(stored)
    assert names(index, query) == [stored]


def test_who_types_tones_gets_words_of_that_tone_first(index: Index, sell: Sell) -> None:
    for name in ("Bơ sáp", "Thịt bò", "Bó rau", "Bò khô"):
        sell(name)
    assert set(names(index, "bò")[:2]) == {"Bò khô", "Thịt bò"}
    assert names(index, "bơ")[0] == "Bơ sáp"
    assert len(names(index, "bò")) == len(names(index, "bo")) == 4


def test_whole_words_come_before_begun_ones_and_names_before_the_rest(index: Index, sell: Sell) -> None:
    sell("Rau muống", description="ăn với cá")
    sell("Cá trắm")
    sell("Cam sành")
    assert names(index, "ca") == ["Cá trắm", "Cam sành", "Rau muống"]


def test_a_merchants_name_finds_what_it_sells(index: Index, sell: Sell) -> None:
    sell("Rau muống")
    sell("Thịt lợn", BAY)
    assert names(index, "chu bay") == ["Thịt lợn"]


def test_only_the_last_word_may_be_begun(index: Index, sell: Sell) -> None:
    sell("Chè Tân Cương")
    assert names(index, "ch tan") == []


def test_no_words_list_a_market_newest_first_and_no_market_lists_all(index: Index, sell: Sell) -> None:
    ids = [sell("Một"), sell("Hai"), sell("Ba", BAY)]
    listed = index.search(Question("", MARKET), 100).products
    assert {found.name for found in listed} == {"Một", "Hai"}
    assert {found.product_id for found in index.search(Question(" "), 100).products} == set(ids)


def test_a_market_is_looked_in_by_itself(index: Index, sell: Sell) -> None:
    sell("Cá trắm")
    sell("Cá chép", BAY)
    assert names(index, "ca", market_id=MARKET) == ["Cá trắm"]
    assert names(index, "ca", market_id=ELSEWHERE) == ["Cá chép"]
    assert names(index, "ca", market_id=new_id("mkt")) == []
    found = index.search(Question("ca", MARKET), 1).products[0]
    assert (found.merchant_name, found.market_id) == (NGA.name, MARKET)


def test_marks_without_words_find_nothing(index: Index, sell: Sell) -> None:
    sell("Cá")
    assert names(index, "!?*") == []


@pytest.mark.parametrize(
    "query",
    [
        '"',
        '""',
        "*",
        "ca*",
        "ca AND",
        "NOT ca",
        "OR",
        "NEAR(ca, 2)",
        "name:ca",
        "name : ca",
        "{name}: ca",
        "scope:everywhere",
        "^ca",
        "ca + ca",
        "-ca",
        "(ca",
        "ca)",
        "'; DROP TABLE product; --",
        "ca\0",
        '"ca" OR "a"',
        "\ue000\ue001",
    ],
)
def test_syntax_of_the_index_is_only_text(index: Index, sell: Sell, query: str) -> None:
    sell("Cá trắm")
    assert set(names(index, query)) <= {"Cá trắm"}
    assert set(names(index, query, market_id=query)) == set()
    assert names(index, "ca") == ["Cá trắm"]


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(query=st.text(max_size=60), market_id=st.text(max_size=40))
def test_no_text_breaks_a_search(index: Index, query: str, market_id: str) -> None:
    assert index.search(Question(query, market_id), 5).products == []


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(name=st.text(st.characters(categories=["L", "N"], max_codepoint=0x1EFF), min_size=1, max_size=20))
def test_every_name_is_found_by_itself(index: Index, name: str) -> None:
    fact = events_pb2.ProductChanged(product_id=new_id("prd"), merchant_id=NGA.id, name=name, version=1)
    with index.write() as batch:
        batch.put_product(fact)
    assert fact.product_id in paged(index, Question(name), 100)


@pytest.mark.parametrize("query", ["", "ca", "cá", "cá c"])
@pytest.mark.parametrize("size", [1, 3, 7])
def test_pages_together_are_the_whole_without_gap_or_repetition(
    index: Index, sell: Sell, query: str, size: int
) -> None:
    for number in range(5):
        sell(f"Cá chép {number}")
        sell(f"Ca cao {number}")
        sell(f"Cam {number}")
        sell(f"Rau {number}", description="kho cá chép")
    whole = paged(index, Question(query), 100)
    assert paged(index, Question(query), size) == whole
    assert len(set(whole)) == len(whole) > 9


def test_what_is_listed_or_withdrawn_between_two_pages_shifts_nothing_else(index: Index, sell: Sell) -> None:
    ids = [sell(f"Cá {number}") for number in range(6)]
    whole = [found.product_id for found in index.search(Question("ca"), 100).products]
    assert set(whole) == set(ids)
    first = index.search(Question("ca"), 3)
    newer = f"prd_{int(whole[0][4:16], 16) + 1:012x}{whole[0][16:]}"
    with index.write() as batch:
        batch.put_product(events_pb2.ProductChanged(product_id=newer, merchant_id=NGA.id, name="Cá", version=1))
        batch.put_product(
            events_pb2.ProductChanged(product_id=whole[1], merchant_id=NGA.id, name="Cá", hidden=True, version=2)
        )
    second = index.search(Question("ca"), 3, first.next_token)
    assert [found.product_id for found in second.products] == whole[3:]
    assert index.search(Question("ca"), 1).products[0].product_id == newer


def test_a_token_that_no_search_returned_is_refused(index: Index) -> None:
    check = Question("ca").check
    wrong = ["x", "1", "r1", "r1.2", "r1.2.3", "r1.-5", "r99.1", "r1.99999999999999999999", "r1.9223372036854775808"]
    for token in [*wrong, "r١.١", "a0.1", "r1.2.3 ", " r1.2"]:
        for text in (token, f"{token}.{check}x", f"{token}.{check}\n"):
            with pytest.raises(InvalidArgument):
                index.search(Question("ca"), 10, text)
    for token in ("r99.1", "r1.9223372036854775808", "a0.1"):
        with pytest.raises(InvalidArgument):
            index.search(Question("ca"), 10, f"{token}.{check}")


@pytest.mark.parametrize("other", [{"query": "cá"}, {"in_stock": True}, {"market_id": MARKET}, {"price_max": 9}])
def test_a_token_holds_for_the_question_that_it_answers_and_for_no_other(
    index: Index, sell: Sell, other: dict[str, object]
) -> None:
    for number in range(3):
        sell(f"Cá {number}")
    token = index.search(Question("ca"), 1).next_token
    assert index.search(Question("ca"), 1, token).products
    with pytest.raises(InvalidArgument):
        index.search(Question(**{"query": "ca", **other}), 1, token)  # type: ignore[arg-type]


def test_what_is_hidden_or_whose_merchant_is_suspended_is_not_found_until_it_is_back(index: Index, sell: Sell) -> None:
    product_id = sell("Cá")

    def put(hidden: bool, version: int) -> None:
        fact = events_pb2.ProductChanged(
            product_id=product_id, merchant_id=NGA.id, name="Cá", hidden=hidden, version=version
        )
        with index.write() as batch:
            batch.put_product(fact)

    def suspend(active: bool, version: int) -> None:
        with index.write() as batch:
            batch.put_merchant(Merchant(NGA.id, NGA.name, NGA.owner_id, MARKET, active, version))

    for step, expected in [
        (lambda: put(True, 2), []),
        (lambda: put(False, 1), []),  # older
        (lambda: suspend(False, 2), []),
        (lambda: put(False, 3), []),
        (lambda: suspend(True, 1), []),  # older
        (lambda: suspend(True, 3), ["Cá"]),
    ]:
        step()
        assert names(index, "ca") == expected


def test_a_product_is_found_once_its_merchant_is_known(index: Index, sell: Sell) -> None:
    newcomer = Merchant(new_id("mer"), "Mới", new_id("usr"), MARKET, True, 1)
    sell("Cá", newcomer)
    assert names(index, "ca") == []
    with index.write() as batch:
        batch.put_merchant(newcomer)
    assert names(index, "ca") == ["Cá"]


def test_ids_that_ask_for_one_position_are_both_found(index: Index) -> None:
    first = new_id("prd")
    twin = first[:22] + f"{(int(first[22:26], 16) ^ 1):04x}" + first[26:]
    with index.write() as batch:
        for product_id in (first, twin):
            batch.put_product(
                events_pb2.ProductChanged(product_id=product_id, merchant_id=NGA.id, name="Cá", version=1)
            )
    assert {found.product_id for found in index.search(Question("ca"), 10).products} == {first, twin}


def test_a_failed_write_leaves_nothing_behind(index: Index) -> None:
    fact = events_pb2.ProductChanged(product_id=new_id("prd"), merchant_id=NGA.id, name="Cá", version=1)

    def write_half() -> None:
        with index.write() as batch:
            batch.put_product(fact)
            raise RuntimeError("the store is away")

    with pytest.raises(RuntimeError):
        write_half()
    assert names(index, "ca") == []


def test_searches_go_on_while_the_index_is_written(index: Index, sell: Sell) -> None:
    sell("Cá")
    with ThreadPoolExecutor(4) as pool, index.write() as batch:
        batch.clear()
        assert list(pool.map(lambda _: names(index, "ca"), range(20))) == [["Cá"]] * 20
        batch.put_cursors([("catalog:events", Cursor("0-0", 0))])
    assert names(index, "ca") == []


def test_what_was_indexed_is_still_there_after_a_restart(index: Index, sell: Sell, tmp_path: Path) -> None:
    sell("Cá")
    index.close()
    index.__init__(tmp_path / "search.sqlite3")  # type: ignore[misc]
    assert names(index, "ca") == ["Cá"]
    assert index.cursors() == {"catalog:events": Cursor("0-0", 0)}


@pytest.mark.parametrize("damage", ["another layout", "not a database"])
def test_a_file_that_cannot_be_used_is_started_anew(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "search.sqlite3"
    if damage == "not a database":
        path.write_bytes(b"no" * 5_000)
    else:
        old = sqlite3.connect(path)
        old.executescript("CREATE TABLE product (name TEXT); PRAGMA user_version = 999;")
        old.close()
    anew = Index(path)
    assert anew.cursors() == {}
    with pytest.raises(Unavailable):
        anew.search(Question("ca"), 10)
    anew.close()
