"""Products and copies of merchants on a real MongoDB-wire server."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from cho.events.v1 import events_pb2

from kit.errors import IdempotencyConflict, MerchantNotFound, MerchantNotPayable, NotFound
from kit.ids import is_id, new_id, new_key
from services.catalog import store
from services.catalog.merchant import Merchant
from services.catalog.product import Offer, State

pytestmark = pytest.mark.usefixtures("database")
MerchantFact = Callable[..., events_pb2.MerchantChanged]


@pytest.fixture
def merchant(merchant_changed: MerchantFact) -> Merchant:
    changed = merchant_changed()
    store.apply_merchant("merchant.activated", changed)
    return store.merchant(changed.merchant_id)


def told(product_id: str) -> list[tuple[str, events_pb2.ProductChanged]]:
    """What a product's outbox holds."""
    waiting = store.CatalogProduct.objects(id=product_id).get().outbox
    return [(event.type, events_pb2.ProductChanged.FromString(event.data)) for event in waiting]


def test_a_merchants_last_word_counts_however_often_and_in_whatever_order_it_arrives(
    merchant_changed: MerchantFact,
) -> None:
    first = merchant_changed()
    history = [("merchant.activated", 2), ("merchant.suspended", 3), ("merchant.reinstated", 4)]
    for last in (2, 3, 4):
        for order in itertools.permutations(history[: last - 1]):
            store.CatalogMerchant.objects.delete()
            for event_type, version in (*order, order[0]):
                told = merchant_changed(merchant_id=first.merchant_id, version=version, name=f"v{version}")
                store.apply_merchant(event_type, told)
            found = store.merchant(first.merchant_id)
            assert (found.version, found.name, found.active) == (last, f"v{last}", last != 3)


def test_an_unknown_merchant_is_not_found() -> None:
    with pytest.raises(MerchantNotFound):
        store.merchant(new_id("mer"))


def test_a_product_is_listed_with_its_event_in_the_same_document(merchant: Merchant, tea: Offer) -> None:
    product = store.create(merchant, tea, merchant.owner_id, new_key())
    assert is_id(product.id, "prd")
    assert store.product(product.id) == product
    (event_type, fact), *more = told(product.id)
    assert not more
    assert event_type == "product.listed"
    assert fact == store.fact(product)
    assert (fact.merchant_name, fact.market_id) == (merchant.name, merchant.market_id)
    assert (fact.name, fact.price, fact.version) == (tea.name, tea.price, 1)


def test_the_same_request_lists_one_product_and_tells_of_it_once(merchant: Merchant, tea: Offer) -> None:
    key = new_key()
    first = store.create(merchant, tea, merchant.owner_id, key)
    assert store.create(merchant, tea, merchant.owner_id, key) == first
    assert store.CatalogProduct.objects.count() == 1
    assert len(told(first.id)) == 1


def test_the_same_request_many_times_at_once_lists_one_product(merchant: Merchant, tea: Offer) -> None:
    key = new_key()
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: store.create(merchant, tea, merchant.owner_id, key).id, range(8)))
    assert len(set(made)) == 1
    assert store.CatalogProduct.objects.count() == 1


def test_the_same_request_id_with_another_body_conflicts(merchant: Merchant, tea: Offer) -> None:
    key = new_key()
    store.create(merchant, tea, merchant.owner_id, key)
    with pytest.raises(IdempotencyConflict):
        store.create(merchant, replace(tea, price=tea.price + 1), merchant.owner_id, key)
    with pytest.raises(IdempotencyConflict):
        store.create(replace(merchant, id=new_id("mer")), tea, merchant.owner_id, key)


def test_request_ids_of_different_callers_do_not_meet(merchant: Merchant, tea: Offer) -> None:
    key = new_key()
    assert store.create(merchant, tea, "usr_1", key).id != store.create(merchant, tea, "usr_2", key).id


def test_a_suspended_merchant_lists_nothing_new_but_is_told_of_what_it_listed(merchant: Merchant, tea: Offer) -> None:
    key = new_key()
    listed = store.create(merchant, tea, merchant.owner_id, key)
    suspended = replace(merchant, active=False)
    assert store.create(suspended, tea, merchant.owner_id, key).id == listed.id
    with pytest.raises(MerchantNotPayable):
        store.create(suspended, tea, merchant.owner_id, new_key())


def test_an_update_changes_what_it_names_and_tells_of_it(merchant: Merchant, tea: Offer) -> None:
    product = store.create(merchant, tea, merchant.owner_id, new_key())
    changed = store.update(product, {"price": 99_000})
    assert changed.offer == replace(tea, price=99_000)
    assert changed.version == 2
    assert changed.updated_at >= product.updated_at
    assert store.product(product.id) == changed
    assert told(product.id)[1:] == [("product.changed", store.fact(changed))]


def test_an_update_that_changes_nothing_writes_nothing(merchant: Merchant, tea: Offer) -> None:
    product = store.create(merchant, tea, merchant.owner_id, new_key())
    assert store.update(product, {"price": tea.price, "state": State.PUBLISHED}) == product
    assert len(told(product.id)) == 1


def test_updates_at_once_all_get_through_and_versions_count_them(merchant: Merchant, tea: Offer) -> None:
    product = store.create(merchant, tea, merchant.owner_id, new_key())
    with ThreadPoolExecutor(3) as pool:
        list(
            pool.map(lambda field: store.update(product, field), [{"price": 1}, {"stock": 2}, {"state": State.HIDDEN}])
        )
    after = store.product(product.id)
    assert (after.offer.price, after.offer.stock, after.hidden, after.version) == (1, 2, True, 4)
    versions = [fact.version for _, fact in told(product.id)]
    # What only adds to stock may stand in for what was told before it.
    assert versions == sorted({1, *versions, 4})


def test_an_unknown_product_is_not_found(merchant: Merchant, tea: Offer) -> None:
    with pytest.raises(NotFound):
        store.product(new_id("prd"))
    product = store.create(merchant, tea, merchant.owner_id, new_key())
    with pytest.raises(NotFound):
        store.update(replace(product, id=new_id("prd")), {"price": 1})


def test_a_seed_lists_a_product_once(merchant: Merchant, tea: Offer) -> None:
    first = store.ensure_product(merchant.id, tea)
    assert store.ensure_product(merchant.id, tea) == first
    now_said = replace(tea, category="tea")
    assert store.ensure_product(merchant.id, now_said).offer.category == "tea"
    assert store.ensure_product(merchant.id, now_said).version == 2
    store.update(first, {"category": "drinks"})
    assert store.ensure_product(merchant.id, now_said).offer.category == "drinks"
    assert store.CatalogProduct.objects.count() == 1
    with pytest.raises(MerchantNotFound):
        store.ensure_product(new_id("mer"), tea)
