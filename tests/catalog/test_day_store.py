"""Lines of price sheets in a real database: fed by events in any order, told twice, built anew from the products."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from cho.events.v1 import events_pb2

from kit import clock
from kit.ids import new_id, new_key
from services.catalog import store
from services.catalog.day import build
from services.catalog.day import store as days
from services.catalog.day.line import Line, price_on
from services.catalog.merchant import Merchant
from services.catalog.product import Offer

pytestmark = pytest.mark.usefixtures("database", "no_lines")
# 08:00 in Vietnam.
MORNING = datetime(2026, 11, 29, 1, tzinfo=UTC)
DAY = date(2026, 11, 29)
NGA = Merchant(new_id("mer"), "Sạp Cô Nga", new_id("usr"), new_id("mkt"), True, 1)


@pytest.fixture
def no_lines(database: None) -> None:
    for documents in days.DOCUMENTS:
        documents.objects.delete()


def fact(version: int = 1, price: int = 20_000, hours: float = 0, **fields: object) -> events_pb2.ProductChanged:
    told = events_pb2.ProductChanged(
        **{"product_id": "prd_1", "name": "Cà chua", "unit": "kg", "stock": 5, **fields},  # type: ignore[arg-type]
        merchant_id=NGA.id, version=version, price=price,
    )  # fmt: skip
    told.updated_at.FromDatetime(MORNING + timedelta(hours=hours))
    return told


def the_lines() -> list[Line]:
    return list(days.lines(NGA.market_id))


def the_line() -> Line:
    (line,) = the_lines()
    return line


def test_events_make_lines_and_a_day_is_one_in_vietnam() -> None:
    days.apply_product(fact(), NGA)
    days.apply_product(fact(2, 25_000, hours=15.9), NGA)  # 23:54
    days.apply_product(fact(3, 30_000, hours=16.1), NGA)  # past midnight
    line = the_line()
    assert [price_on(line, DAY + timedelta(days=n)) for n in (-1, 0, 1)] == [None, 25_000, 30_000]
    assert (line.name, line.unit, line.merchant_name, line.version) == ("Cà chua", "kg", NGA.name, 3)


def test_what_ends_with_the_day_is_told_after_midnight_and_was_not_on_sale_the_next_day() -> None:
    days.apply_product(fact(), NGA)
    days.apply_product(fact(product_id="prd_2"), NGA)
    midnight = 16 + 2 / 3_600  # and two seconds
    days.apply_product(fact(2, hours=midnight, stock=0), NGA)
    days.apply_product(fact(2, 9_000, hours=midnight - 1 / 3_600, product_id="prd_2"), NGA)
    days.apply_product(fact(3, 9_000, hours=midnight, product_id="prd_2", stock=0), NGA)
    known = {line.product_id: [price_on(line, DAY + timedelta(days=n)) for n in range(3)] for line in the_lines()}
    # The second one was told of on that day already, at another price.
    assert known == {"prd_1": [20_000, None, None], "prd_2": [20_000, 9_000, None]}


def test_what_a_good_is_called_while_it_is_hidden_is_on_no_sheet() -> None:
    days.apply_product(fact(), NGA)
    days.apply_product(fact(2, hours=24, hidden=True), NGA)
    days.apply_product(fact(3, hours=48, hidden=True, name="Chưa ai biết"), NGA)
    line = the_line()
    assert (price_on(line, DAY), line.name) == (20_000, "Cà chua")
    days.apply_product(fact(4, hours=72, name="Cà chua bi"), NGA)
    assert the_line().name == "Cà chua bi"


def test_what_is_told_twice_or_late_changes_nothing() -> None:
    for told in (fact(2, 25_000), fact(1, 1), fact(2, 2), fact(2, 25_000)):
        days.apply_product(told, NGA)
    assert price_on(the_line(), DAY) == 25_000
    assert len(the_line().closes) == 1


def test_what_was_never_published_was_on_sale_on_no_day(
    merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer
) -> None:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    store.create(store.merchant(changed.merchant_id), tea, changed.owner_id, new_key(), draft=True)
    days.rebuilt(build.lines)
    (line,) = days.lines(changed.market_id)
    assert price_on(line, clock.today()) is None


def test_events_of_one_product_at_once_are_all_applied_or_older() -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: days.apply_product(fact(n, n * 1_000), NGA), range(1, 9)))
    line = the_line()
    assert (line.version, price_on(line, DAY)) == (8, 8_000)


def test_a_suspended_merchants_goods_are_off_the_next_days_sheets_and_its_new_name_is_on_them() -> None:
    days.apply_product(fact(), NGA)
    days.apply_product(fact(product_id="prd_2", name="Cá"), NGA)
    suspended = replace(NGA, active=False, version=2, name="Sạp Nga")
    days.apply_merchant(suspended, DAY + timedelta(days=1))
    days.apply_merchant(replace(NGA, version=1, name="Cũ"), DAY + timedelta(days=2))
    for line in days.lines(NGA.market_id):
        assert [price_on(line, DAY + timedelta(days=n)) for n in (0, 1, 2)] == [20_000, 20_000, None]
        assert line.merchant_name == "Sạp Nga"
    days.apply_product(fact(2, 30_000, hours=72), replace(NGA, active=False, version=2))
    days.apply_merchant(replace(suspended, active=True, version=3), DAY + timedelta(days=4))
    assert {price_on(line, DAY + timedelta(days=4)) for line in days.lines(NGA.market_id)} == {20_000, 30_000}


@pytest.fixture
def listed(merchant_changed: Callable[..., events_pb2.MerchantChanged], tea: Offer) -> list[store.Product]:
    """Three products of a merchant at NGA's market; the second has another price by now, the third is hidden."""
    told = merchant_changed(merchant_id=NGA.id, market_id=NGA.market_id)
    store.apply_merchant("merchant.activated", told)
    made = [store.create(store.merchant(NGA.id), tea, NGA.owner_id, new_key()) for _ in range(3)]
    return [made[0], store.update(made[1], {"price": 7_000}), store.update(made[2], {"state": "hidden"})]


def followed(listed: list[store.Product]) -> dict[str, tuple[int | None, bool]]:
    lines = days.lines(NGA.market_id)
    return {line.product_id: (price_on(line, clock.today()), line.on_sale) for line in lines}


def test_lines_are_built_from_products_once_and_then_are_what_events_made_of_them(
    listed: list[store.Product], tea: Offer
) -> None:
    assert not days.is_built()
    assert days.rebuilt(build.lines) == 3
    assert days.is_built()
    built = followed(listed)
    assert [built[product.id] for product in listed] == [
        (tea.price, True), (7_000, True), (tea.price, False),
    ]  # fmt: skip
    for product in listed:
        days.apply_product(store.fact(product), product.merchant)
    assert followed(listed) == built


def test_a_rebuild_adds_the_past_and_takes_nothing_from_what_was_heard(listed: list[store.Product]) -> None:
    heard = listed[1]
    days.apply_product(store.fact(heard), heard.merchant)
    tomorrow = store.fact(heard)
    tomorrow.version, tomorrow.price = heard.version + 1, 9_000
    tomorrow.updated_at.FromDatetime(clock.now() + timedelta(days=1))
    days.apply_product(tomorrow, heard.merchant)
    store.CatalogProduct.objects(id=heard.id).update_one(
        set__prices=[store.CatalogPrice(price=5_000, since=clock.now() - timedelta(days=9))]
    )
    for _ in range(2):  # as a builder that died before it could say so
        days.rebuilt(build.lines)
    line = next(line for line in days.lines(NGA.market_id) if line.product_id == heard.id)
    today = clock.today()
    found = [price_on(line, today + timedelta(days=n)) for n in (-10, -9, -1, 0, 1)]
    assert found == [None, 5_000, 5_000, 7_000, 9_000]


def test_another_layout_is_built_anew(listed: list[store.Product]) -> None:
    days.rebuilt(build.lines)
    days.apply_product(fact(product_id="prd_gone"), NGA)
    days.CatalogBuilt.objects.update(set__layout=days.LAYOUT - 1)
    assert not days.is_built()
    days.rebuilt(build.lines)
    assert days.is_built()
    assert set(followed(listed)) == {product.id for product in listed}
