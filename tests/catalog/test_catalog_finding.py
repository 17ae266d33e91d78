"""What Vietnamese people type finds what they mean: tones, other names, slips; narrowed, sorted, counted, suggested."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.ids import new_id
from kit.marketrule import UNKNOWN, MarketDays, Rule
from services.catalog.market import Market
from services.catalog.merchant import Merchant
from services.catalog.search import index as module
from services.catalog.search.index import Index
from services.catalog.search.question import BANDS, Near, Order, Question, band, band_ends
from services.catalog.search.spelling import folded, one_edit_apart, shortened, toned
from services.catalog.search.synonyms import groups, parts
from tests.catalog.stalls import BAY, ELSEWHERE, MARKET, NGA, Sell, names, paged


def market_held(market_id: str, held: MarketDays, version: int = 1, closed: bool = False) -> Market:
    return Market(market_id, "Chợ Thái", "Phường Phan Đình Phùng", "Tỉnh Thái Nguyên", held, closed, version)


def words_written(index: Index) -> list[tuple[int, bytes]]:
    """What FTS5 has on disk."""
    with index._snapshot() as connection:
        return connection.execute(
            "SELECT id, block FROM words_data UNION ALL SELECT id, block FROM words_by_price_data"
        ).fetchall()


OLD_AND_NEW = [
    ("hoà", "hòa"), ("hoá", "hóa"), ("hoả", "hỏa"), ("hoạ", "họa"), ("loã", "lõa"), ("khoẻ", "khỏe"), ("xoè", "xòe"),
    ("thuý", "thúy"), ("thuỷ", "thủy"), ("huỳ", "hùy"), ("tuỵ", "tụy"), ("quý", "qúy"), ("già", "gìa"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), OLD_AND_NEW)
def test_old_and_new_places_of_a_tone_are_one_word_in_index_and_query(
    index: Index, sell: Sell, old: str, new: str
) -> None:
    assert toned(old) == toned(new)
    sell(f"Chợ {old}")
    sell(f"Chợ {new}")
    sell(f"Chợ {folded(new)}")
    for query in (old, new):
        assert set(names(index, query)[:2]) == {f"Chợ {old}", f"Chợ {new}"}
        assert len(names(index, query)) == 3


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("khoai lang", "Củ lang mật"), ("cu lang", "Khoai lang tím"), ("bap", "Ngô nếp"), ("ngô nếp", "Bắp nếp"),
        ("lạc rang", "Đậu phộng rang"), ("dau phong", "Lạc đỏ"), ("đậu phụng", "Lạc đỏ"), ("dứa", "Khóm Cầu Đúc"),
        ("khom", "Thơm Tắc Cậu"), ("thơm", "Dứa mật"), ("thit heo", "Thịt lợn ba chỉ"), ("Thịt Lợn", "Thịt heo quay"),
        ("muop dang", "Khổ qua rừng"), ("khổ qua", "Mướp đắng"), ("trái thơm", "Quả dứa"), ("dau phong", "Lac do"),
    ],
)  # fmt: skip
def test_what_has_two_names_is_found_by_either(index: Index, sell: Sell, query: str, name: str) -> None:
    sell(name)
    assert names(index, query) == [name]


def test_every_phrase_of_every_group_finds_every_other(index: Index, sell: Sell) -> None:
    for group in groups():
        for phrase in group:
            sell(phrase)
    for group in groups():
        for phrase in group:
            for query in (phrase, folded(phrase)):
                assert set(group) <= set(names(index, query)), query


def test_a_synonym_comes_after_the_word_itself_and_before_words_only_begun(index: Index, sell: Sell) -> None:
    for name in ("Đậu phộng", "Lạc đỏ", "Lách cách"):
        sell(name)
    assert names(index, "lac") == ["Lạc đỏ", "Đậu phộng", "Lách cách"]
    assert paged(index, Question("lac"), 1) == paged(index, Question("lac"), 100)


def test_a_word_of_another_tone_is_no_synonym(index: Index, sell: Sell) -> None:
    sell("Khóm Cầu Đúc")
    assert names(index, "dưa") == []  # a melon; dứa is the pineapple
    assert parts("dưa", 8)[0].others == ()


def test_no_phrase_stands_twice_in_a_group_and_all_of_it_can_be_looked_for() -> None:
    for group in groups():
        assert len({toned(phrase) for phrase in group}) == len(group)
        assert all(folded(phrase) for phrase in group)


@pytest.mark.parametrize(
    "query", ["muonng", "muog", "muomg", "muogn", "rau muonh", "rua muonng", "Rau Muốnh", "xmuong", "rau muongx"]
)
def test_one_slip_in_a_word_of_four_letters_is_forgiven(index: Index, sell: Sell, query: str) -> None:
    sell("Rau muống")
    sell("Cá chép")
    expected = [] if query.startswith("rua") else ["Rau muống"]  # three letters are too few
    assert names(index, query) == expected


def test_what_is_mistyped_comes_last_and_only_where_little_is_found(index: Index, sell: Sell) -> None:
    sell("Chanh đào")
    sell("Chang đặc biệt")
    assert names(index, "chanh") == ["Chanh đào"]  # known words are not doubted while they find something
    assert names(index, "chanhh") == ["Chanh đào"]
    sell("Chanhh")
    assert names(index, "chanhh") == ["Chanhh"]
    for number in range(module.FEW):
        sell(f"Mắm {number}", price=number)
    assert len(names(index, "mamm")) == 5


def test_known_words_that_find_nothing_together_are_doubted(index: Index, sell: Sell) -> None:
    sell("Cải bẹ xanh")
    sell("Bánh chanh")
    assert names(index, "cai chanh") == []  # two edits away
    sell("Canh cua")
    assert names(index, "chanh cua") == ["Canh cua"]


@pytest.mark.parametrize("size", [1, 2, 3])
def test_pages_go_on_into_what_is_mistyped_without_gap_or_repetition(index: Index, sell: Sell, size: int) -> None:
    sell("Muông")
    for number in range(7):
        sell(f"Rau muống {number}")
    sell("Rau khác", description="muongg")
    whole = paged(index, Question("muongg"), 100)
    assert paged(index, Question("muongg"), size) == whole
    assert len(set(whole)) == len(whole) == 9


@given(word=st.text("abcd", min_size=3, max_size=6), at=st.integers(0, 5), letter=st.sampled_from("abcd"))
def test_words_one_edit_apart_share_what_is_left_without_a_letter(word: str, at: int, letter: str) -> None:
    at = min(at, len(word) - 1)
    swapped = word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :]
    for other in (
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1 :],
        swapped,
    ):
        assert one_edit_apart(word, other) == one_edit_apart(other, word) == (word != other)
        assert shortened(word) & shortened(other)


@pytest.mark.parametrize(("one", "other"), [("muong", "moungx"), ("abcd", "badc"), ("ab", "abcd"), ("abcd", "xbcy")])
def test_two_edits_are_not_one(one: str, other: str) -> None:
    assert not one_edit_apart(one, other)


def test_prices_stock_and_merchant_narrow_a_search(index: Index, sell: Sell) -> None:
    for name, price, stock, merchant in [
        ("Cá 9", 9_999, 1, NGA), ("Cá 10", 10_000, 0, NGA), ("Cá 15", 15_000, 1, BAY), ("Cá 20", 20_000, 1, NGA),
    ]:  # fmt: skip
        sell(name, merchant, price, stock)
    for query in ("ca", ""):
        assert set(names(index, query, price_min=10_000)) == {"Cá 10", "Cá 15", "Cá 20"}
        assert set(names(index, query, price_max=15_000)) == {"Cá 9", "Cá 10", "Cá 15"}
        assert set(names(index, query, price_min=10_000, price_max=15_000)) == {"Cá 10", "Cá 15"}
        assert set(names(index, query, price_min=10_000, price_max=15_000, in_stock=True)) == {"Cá 15"}
        assert set(names(index, query, merchant_id=NGA.id, in_stock=True)) == {"Cá 9", "Cá 20"}
        assert set(names(index, query, merchant_id=NGA.id, market_id=ELSEWHERE)) == set()


@pytest.mark.parametrize("size", [1, 2, 100])
def test_sorted_by_price_pages_hold_every_product_once_in_order(index: Index, sell: Sell, size: int) -> None:
    prices = [5_000, 5_000, 5_000, 1, 10**12, 70_000, 20_000]
    cost = {sell(f"Cá {number}", price=price): price for number, price in enumerate(prices)}
    sell("Rau", price=2)
    up = [cost[found] for found in paged(index, Question("ca", order=Order.CHEAPEST), size)]
    down = [cost[found] for found in paged(index, Question("ca", order=Order.DEAREST), size)]
    assert up == sorted(prices)
    assert down == sorted(prices, reverse=True)


def test_a_new_price_a_new_stock_and_a_hidden_product_are_seen_in_every_order(index: Index, sell: Sell) -> None:
    dear, cheap = sell("Cá lớn", price=90_000), sell("Cá bé", price=10_000)
    sell("Cá lớn", price=5_000, stock=0, product_id=dear, version=2)
    assert names(index, "ca", order=Order.CHEAPEST) == ["Cá lớn", "Cá bé"]
    assert names(index, "ca", in_stock=True) == ["Cá bé"]
    assert names(index, "ca", price_min=6_000) == ["Cá bé"]
    sell("Cá bé", product_id=cheap, version=2, hidden=True)
    assert names(index, "ca", order=Order.DEAREST) == ["Cá lớn"]
    with index.write() as batch:
        batch.put_merchant(Merchant(NGA.id, NGA.name, NGA.owner_id, MARKET, False, 2))
    assert names(index, "ca", order=Order.CHEAPEST) == names(index, "ca") == []


def test_a_token_of_one_order_is_refused_under_another(index: Index, sell: Sell) -> None:
    for number in range(3):
        sell(f"Cá {number}")
    token = index.search(Question("ca", order=Order.CHEAPEST), 1).next_token
    with pytest.raises(InvalidArgument):
        index.search(Question("ca"), 1, token)


@pytest.mark.parametrize(
    "wrong",
    [
        {"price_min": -1},
        {"price_max": 10**12 + 1},
        {"price_min": 2, "price_max": 1},
        {"merchant_id": "x" * 65},
        {"stars_min": 6},
        {"stars_min": -1},
        {"category": "weapons"},
    ],
)  # fmt: skip
def test_a_question_that_nothing_can_answer_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidArgument):
        Question("ca", **wrong)  # type: ignore[arg-type]


@given(price=st.integers(1, 10**12))
def test_a_price_lies_in_its_band(price: int) -> None:
    bounds = (*BANDS, 10**12 + 1)
    assert bounds[band(price)] <= price < bounds[band(price) + 1]
    lowest, highest = Question("", price_min=band_ends(band(price))[0], price_max=band_ends(band(price))[1]).prices
    assert lowest <= price <= highest
    assert band(lowest) == band(price)


# 29 November 2026 is a Sunday and the 21st of the lunar month.
SUNDAY = date(2026, 11, 29)


@pytest.mark.parametrize(
    ("held", "open_on", "shut_on"),
    [
        (MarketDays(Rule.DAILY), SUNDAY, None),
        (MarketDays(Rule.WEEKDAYS, days=(7,)), SUNDAY, date(2026, 11, 30)),
        (MarketDays(Rule.LUNAR, days=(1, 6, 11, 16, 21, 26)), SUNDAY, date(2026, 11, 30)),
        (MarketDays(Rule.EVERY_DAYS, 5, SUNDAY - timedelta(days=500)), SUNDAY, SUNDAY + timedelta(days=1)),
        (UNKNOWN, None, SUNDAY),
    ],
)
def test_a_market_day_keeps_to_markets_that_are_held_then(
    index: Index, sell: Sell, held: MarketDays, open_on: date | None, shut_on: date | None
) -> None:
    sell("Cá chép")
    sell("Cá trắm", BAY)
    assert names(index, "ca", market_day=SUNDAY) == []  # nobody has said yet
    with index.write() as batch:
        batch.put_market(market_held(MARKET, held))
    for query in ("ca", "", "chepp"):
        if open_on:
            assert names(index, query, market_day=open_on) == ["Cá chép"]
        if shut_on:
            assert names(index, query, market_day=shut_on) == []
            assert names(index, query, market_day=shut_on, order=Order.CHEAPEST) == []
            assert not index.facets(Question(query, market_day=shut_on)).markets
    assert len(names(index, "ca")) == 2


def test_a_new_calendar_a_closed_market_and_news_that_come_late_are_followed(index: Index, sell: Sell) -> None:
    sell("Cá chép")
    daily, sundays = MarketDays(Rule.DAILY), MarketDays(Rule.WEEKDAYS, days=(7,))
    monday = SUNDAY + timedelta(days=1)

    def found(day: date) -> bool:
        return bool(names(index, "ca", market_day=day))

    for market, expected in [
        (market_held(MARKET, daily, version=2), (True, True)),
        (market_held(MARKET, sundays, version=1), (True, True)),  # older
        (market_held(MARKET, sundays, version=2), (True, False)),  # told again by a seed
        (market_held(MARKET, sundays, version=3, closed=True), (False, False)),
    ]:
        with index.write() as batch:
            batch.put_market(market)
        assert (found(SUNDAY), found(monday)) == expected
    assert names(index, "ca") == ["Cá chép"]


def test_as_many_calendars_as_markets_are_looked_through_at_once(index: Index, sell: Sell) -> None:
    sell("Cá chép")
    with index.write() as batch:
        for number in range(1_000):
            held = MarketDays(Rule.LUNAR, days=tuple(n for n in range(1, 31) if n == 21 or number >> (n % 10) & 1))
            batch.put_market(market_held(new_id("mkt") if number else MARKET, held))
    assert names(index, "ca", market_day=SUNDAY) == ["Cá chép"]


def test_half_a_kilo_of_what_is_sold_by_the_kilo_is_in_stock(index: Index, sell: Sell) -> None:
    sell("Cá bống", stock=0, available=500)
    sell("Cá kho", stock=0)
    assert names(index, "ca", in_stock=True) == ["Cá bống"]


def test_a_change_that_no_search_sees_writes_no_words(index: Index, sell: Sell) -> None:
    product_id = sell("Cá chép", stock=9)
    before = words_written(index)
    sell("Cá chép", stock=8, product_id=product_id, version=2)
    assert words_written(index) == before
    assert [found.stock for found in index.search(Question("ca"), 9).products] == [8]
    sell("Cá chép", stock=0, product_id=product_id, version=3)
    assert words_written(index) != before
    assert names(index, "ca", in_stock=True) == []


def test_facets_count_markets_and_price_bands_of_what_matches(
    index: Index, sell: Sell, monkeypatch: pytest.MonkeyPatch
) -> None:
    for price in (5_000, 15_000, 15_500):
        sell("Cá", price=price)
    sell("Cá", BAY, price=60_000)
    sell("Rau", price=5_000)
    facets = index.facets(Question("ca"))
    assert facets.markets == {MARKET: 3, ELSEWHERE: 1}
    assert {BANDS[number]: count for number, count in facets.bands.items()} == {0: 1, 10_000: 2, 50_000: 1}
    assert facets.complete
    assert facets.names == {}
    with index.write() as batch:
        batch.put_market(market_held(MARKET, UNKNOWN))
    assert index.facets(Question("ca")).names == {MARKET: "Chợ Thái"}
    assert index.facets(Question("ca", price_max=15_000)).markets == {MARKET: 2}
    assert not index.facets(Question("!?")).markets
    monkeypatch.setattr(module, "COUNTED_MAX", 3)
    bounded = index.facets(Question("ca"))
    assert (sum(bounded.markets.values()), bounded.complete) == (3, False)


# Two communes, 22 km apart.
HERE, HUNG_SON = (21.5942, 105.8482), (21.6302, 105.6390)


def test_only_markets_near_by_are_looked_in_and_how_far_they_are_is_told(index: Index, sell: Sell) -> None:
    sell("Cá chép")
    sell("Cá trắm", BAY)
    sell("Cá lạ", Merchant(new_id("mer"), "Xa", new_id("usr"), new_id("mkt"), True, 1))
    near = Near(*HERE, within_km=5)
    assert names(index, "ca", near=near) == []  # nobody has said where the markets are
    with index.write() as batch:
        batch.put_market(replace(market_held(MARKET, UNKNOWN), latitude=HERE[0], longitude=HERE[1]))
        batch.put_market(replace(market_held(ELSEWHERE, UNKNOWN), latitude=HUNG_SON[0], longitude=HUNG_SON[1]))
        batch.put_market(market_held(new_id("mkt"), UNKNOWN))
    assert names(index, "ca", near=near) == ["Cá chép"]
    assert set(names(index, "ca", near=Near(*HERE, within_km=23))) == {"Cá chép", "Cá trắm"}
    assert names(index, "ca", near=Near(*HERE, within_km=21)) == ["Cá chép"]
    assert names(index, "ca", near=Near(*HUNG_SON, within_km=1), market_id=MARKET) == []
    assert names(index, "ca", near=Near(0, 0, within_km=500)) == []
    metres = index.facets(Question("ca", near=Near(*HERE, within_km=100))).metres
    assert metres[MARKET] == 0
    assert 21_500 < metres[ELSEWHERE] < 22_500
    assert index.facets(Question("ca")).metres == {}


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((0, 0), (0, 1), 111_195), ((21, 105), (22, 105), 111_195), ((0, 179.5), (0, -179.5), 111_195),
        ((90, 0), (-90, 7), 20_015_087),
    ],
)  # fmt: skip
def test_distances_are_those_on_a_ball(one: tuple[float, float], other: tuple[float, float], metres: int) -> None:
    assert Near(*one, within_km=1).metres(*other) == Near(*other, within_km=1).metres(*one) == metres


@pytest.mark.parametrize(
    "wrong", [(91, 0, 1), (0, 181, 1), (float("nan"), 0, 1), (0, float("inf"), 1), (0, 0, 0), (0, 0, 501), (0, 0, -1)]
)
def test_a_place_that_is_none_is_refused(wrong: tuple[float, float, int]) -> None:
    with pytest.raises(InvalidArgument):
        Near(*wrong)


def test_categories_and_stars_narrow_a_search_and_are_counted(index: Index, sell: Sell) -> None:
    tea = sell("Chè búp", category="tea", ocop_stars=4)
    sell("Chè thường", category="tea")
    sell("Mật chè", category="honey", ocop_stars=3)
    sell("Chè bưởi")
    assert set(names(index, "che", category="tea")) == {"Chè búp", "Chè thường"}
    assert set(names(index, "che", stars_min=3)) == {"Chè búp", "Mật chè"}
    assert names(index, "", category="tea", stars_min=4) == ["Chè búp"]
    assert names(index, "che", stars_min=5) == []
    facets = index.facets(Question("che"))
    assert facets.categories == {"tea": 2, "honey": 1}
    assert facets.stars == {4: 1, 3: 1}
    sell("Chè búp", product_id=tea, version=2, category="tea")  # its lot with stars is sold
    assert names(index, "che", stars_min=1) == ["Mật chè"]
    assert index.facets(Question("che")).stars == {3: 1}


def test_names_are_suggested_as_they_are_begun_the_most_sold_first_and_none_twice(index: Index, sell: Sell) -> None:
    for name in ("Cá chép", "Cà chua", "Cà chua", "ca chua", "Canh", "Lẩu cá", "Rau"):
        sell(name)
    sell("Cá trắm", BAY)
    assert [folded(name) for name in index.suggest("ca", "", 10)] == [
        "ca chua", "ca chep", "ca tram", "canh", "lau ca",
    ]  # fmt: skip
    assert index.suggest("cá tr", "", 10) == ["Cá trắm"]
    assert index.suggest("ca tr", MARKET, 10) == []
    assert len(index.suggest("c", "", 2)) == 2
    assert index.suggest("", "", 10) == index.suggest("!", "", 10) == []
